// SPDX-License-Identifier: LGPL-2.1-or-later
// The cache of cachetee: its levels and limits, what it is told to do and not
// to do, and what it tells.
#include <gst/audio/audio.h>
#include <gst/video/gstvideometa.h>

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "../../examples/prometheus.h"
#include "branchrig.h"
#include "testutil.h"

namespace {

namespace fs = std::filesystem;
using branchrig::Rig;
using relay::Owned;
using relay::share;
using test::TempDir;

void use (Rig &rig, const fs::path &dir, const char *key = "key")
{
  g_object_set (rig.tee (), "cache-dir", dir.c_str (), "cache-key", key,
      "slice-size", 65536U, nullptr);
}

void set (Rig &rig, const char *property, const char *value)
{
  gst_util_set_object_arg (G_OBJECT (rig.tee ()), property, value);
}

std::string text (Rig &rig, const char *field)
{
  GstStructure *raw = nullptr;
  g_object_get (rig.tee (), "stats", &raw, nullptr);
  Owned<GstStructure> stats{raw};
  return gst_structure_get_string (raw, field);
}

std::string state_of (Rig &rig)
{
  return text (rig, "status") + " " + text (rig, "reason");
}

constexpr std::size_t slice = 65536;
constexpr std::size_t slices = 4;

Owned<GstBuffer> part (std::size_t number)
{
  Owned<GstBuffer> buffer{gst_buffer_new_allocate (nullptr, slice, nullptr)};
  gst_buffer_memset (buffer.get (), 0, static_cast<guint8> (number), slice);
  return buffer;
}

void send (Rig &rig)
{
  for (std::size_t i = 0; i < slices; i++)
    fail_unless (
        gst_pad_push (rig.source (), part (i).release ()) == GST_FLOW_OK);
  rig.push (gst_event_new_eos ());
}

void stop (Rig &rig)
{
  fail_unless (gst_element_set_state (rig.tee (), GST_STATE_READY) ==
               GST_STATE_CHANGE_SUCCESS);
}

// Upstream plays it, and the cache has it.
void record (const fs::path &dir, const char *key = "key")
{
  Rig rig (1);
  use (rig, dir, key);
  rig.play ();
  fail_unless (text (rig, "status") == "miss", "%s", state_of (rig).c_str ());
  send (rig);
  stop (rig);
  fail_unless_equals_uint64 (rig.count ("objects-stored"), 1);
}

std::string look_up (const fs::path &dir, const char *key = "key")
{
  Rig rig (1);
  use (rig, dir, key);
  stop (rig);
  return state_of (rig);
}

// What a branch gets, held.
class Held
{
public:
  explicit Held (Rig &rig)
      : pad_ (GST_PAD (gst_object_ref_sink (gst_pad_new ("in", GST_PAD_SINK))))
  {
    gst_pad_set_element_private (pad_.get (), this);
    gst_pad_set_chain_function (pad_.get (), chain);
    gst_pad_set_event_function (pad_.get (), event);
    gst_pad_set_active (pad_.get (), TRUE);
    src_.reset (gst_element_request_pad_simple (rig.tee (), "src_%u"));
    gst_pad_link (src_.get (), pad_.get ());
    tee_ = rig.tee ();
  }
  ~Held ()
  {
    gst_pad_unlink (src_.get (), pad_.get ());
    gst_element_release_request_pad (tee_, src_.get ());
    gst_pad_set_active (pad_.get (), FALSE);
  }
  Held (const Held &) = delete;
  Held &operator= (const Held &) = delete;

  std::vector<Owned<GstBuffer>> wait ()
  {
    std::unique_lock lock (mutex_);
    fail_unless (changed_.wait_for (
        lock, std::chrono::seconds (20), [this] { return eos_; }));
    eos_ = false;
    return std::exchange (buffers_, {});
  }

private:
  static GstFlowReturn chain (GstPad *pad, GstObject *, GstBuffer *raw)
  {
    Owned<GstBuffer> buffer{raw};
    auto *self = static_cast<Held *> (gst_pad_get_element_private (pad));
    std::lock_guard guard (self->mutex_);
    self->buffers_.push_back (std::move (buffer));
    return GST_FLOW_OK;
  }
  static gboolean event (GstPad *pad, GstObject *, GstEvent *raw)
  {
    Owned<GstEvent> event{raw};
    auto *self = static_cast<Held *> (gst_pad_get_element_private (pad));
    std::lock_guard guard (self->mutex_);
    if (GST_EVENT_TYPE (raw) == GST_EVENT_EOS) self->eos_ = true;
    self->changed_.notify_all ();
    return TRUE;
  }

  GstElement *tee_ = nullptr;
  Owned<GstPad> pad_;
  Owned<GstPad> src_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Owned<GstBuffer>> buffers_;
  bool eos_ = false;
};

// Where the payload of each buffer is in memory.
std::vector<const std::uint8_t *> places (
    const std::vector<Owned<GstBuffer>> &buffers)
{
  std::vector<const std::uint8_t *> out;
  for (const Owned<GstBuffer> &buffer : buffers) {
    for (guint i = 0; i < gst_buffer_n_memory (buffer.get ()); i++) {
      GstMapInfo info = GST_MAP_INFO_INIT;
      GstMemory *memory = gst_buffer_peek_memory (buffer.get (), i);
      fail_unless (GST_MEMORY_IS_READONLY (memory));
      fail_unless (gst_memory_map (memory, &info, GST_MAP_READ));
      out.push_back (info.data);
      gst_memory_unmap (memory, &info);
    }
  }
  return out;
}

GstEvent *http_headers (const char *request, const char *response)
{
  Owned<GstStructure> asked{gst_structure_from_string (request, nullptr)};
  Owned<GstStructure> answered{gst_structure_from_string (response, nullptr)};
  fail_unless (asked != nullptr && answered != nullptr);
  return gst_event_new_custom (GST_EVENT_CUSTOM_DOWNSTREAM_STICKY,
      gst_structure_new ("http-headers", "uri", G_TYPE_STRING,
          "http://127.0.0.1/", "http-status-code", G_TYPE_UINT, 200U,
          "request-headers", GST_TYPE_STRUCTURE, asked.get (),
          "response-headers", GST_TYPE_STRUCTURE, answered.get (), nullptr));
}

guint purge (Rig &rig, const char *signal, const char *argument)
{
  guint removed = 0;
  g_signal_emit_by_name (rig.tee (), signal, argument, &removed);
  return removed;
}

}  // namespace

GST_START_TEST (a_hit_from_memory_is_not_copied)
{
  TempDir temp;
  record (temp.path ());
  Rig rig (0);
  use (rig, temp.path ());
  Held one (rig);
  Held two (rig);
  gst_element_set_state (rig.tee (), GST_STATE_PLAYING);
  std::vector<Owned<GstBuffer>> first = one.wait ();
  std::vector<Owned<GstBuffer>> second = two.wait ();
  fail_unless (first.size () == slices);
  for (std::size_t i = 0; i < slices; i++)
    fail_unless (
        test::bytes_of (first[i].get ()) == test::bytes_of (part (i).get ()));
  // Who came first read it; who came second has the same memory, or was as
  // fast.
  guint64 l1 = rig.count ("bytes-from-l1");
  guint64 l2 = rig.count ("bytes-from-l2");
  fail_unless_equals_uint64 (l1 + l2, 2 * slices * slice);
  fail_unless (l2 >= slices * slice);
  stop (rig);

  // Now all of it is there.
  gst_element_set_state (rig.tee (), GST_STATE_PLAYING);
  std::vector<Owned<GstBuffer>> third = one.wait ();
  std::vector<Owned<GstBuffer>> fourth = two.wait ();
  fail_unless (places (third) == places (fourth));
  fail_unless_equals_uint64 (rig.count ("bytes-from-l2"), l2);
  fail_unless_equals_uint64 (
      rig.count ("bytes-from-l1"), l1 + 2 * slices * slice);
  fail_unless (rig.count ("l1-bytes") >= slices * slice);
  fail_unless (rig.count ("l1-slices") >= 1);
}
GST_END_TEST;

GST_START_TEST (without_l1_all_is_read)
{
  TempDir temp;
  record (temp.path ());
  Rig rig (0);
  use (rig, temp.path ());
  set (rig, "l1-size", "0");
  Held one (rig);
  for (unsigned run = 1; run <= 2; run++) {
    gst_element_set_state (rig.tee (), GST_STATE_PLAYING);
    fail_unless (one.wait ().size () == slices);
    fail_unless_equals_uint64 (
        rig.count ("bytes-from-l2"), run * slices * slice);
    stop (rig);
  }
  fail_unless_equals_uint64 (rig.count ("bytes-from-l1"), 0);
  fail_unless_equals_uint64 (rig.count ("l1-bytes"), 0);
}
GST_END_TEST;

GST_START_TEST (slices_have_their_size)
{
  TempDir temp;
  Rig rig (1);
  use (rig, temp.path ());
  set (rig, "slice-size", "16384");
  rig.play ();
  send (rig);
  stop (rig);
  gst_element_set_state (rig.tee (), GST_STATE_PLAYING);
  // A buffer for each.
  std::size_t all = slices * slice / 16384;
  fail_unless (rig.sink (0).wait_buffers (slices + all));
  fail_unless_equals_uint64 (rig.count ("l1-slices"), all);
}
GST_END_TEST;

// As a source does that sends one picture again and again.
GST_START_TEST (one_memory_is_kept_a_thousand_times)
{
  TempDir temp;
  Rig rig (1);
  use (rig, temp.path ());
  rig.play ();
  Owned<GstBuffer> buffer = part (1);
  for (unsigned i = 0; i < 1000; i++)
    fail_unless (gst_pad_push (rig.source (),
                     gst_buffer_copy (buffer.get ())) == GST_FLOW_OK);
  rig.push (gst_event_new_eos ());
  stop (rig);
  fail_unless_equals_uint64 (rig.count ("objects-stored"), 1);
}
GST_END_TEST;

// The policies, with the object there and not there.
GST_START_TEST (a_policy_says_what_is_done)
{
  struct Row
  {
    const char *policy;
    bool there;
    const char *state;
    // Of the object that is there in the end: as before, new, or none.
    const char *after;
  };
  const std::vector<Row> rows{
      {"read-write", false, "miss not found", "new"},
      {"read-write", true, "hit ", "same"},
      {"read-only", false, "bypass read-only", "none"},
      {"read-only", true, "hit ", "same"},
      {"write-only", false, "miss not found", "new"},
      {"write-only", true, "bypass write-only", "same"},
      {"refresh", false, "miss refresh", "new"},
      {"refresh", true, "miss refresh", "new"},
      {"off", false, "none off", "none"},
      {"off", true, "none off", "same"},
  };
  for (const Row &row : rows) {
    TempDir temp;
    if (row.there) record (temp.path ());
    auto files = [&temp] {
      std::set<fs::path> out;
      if (!fs::exists (temp.path ())) return out;
      for (const auto &entry : fs::recursive_directory_iterator (temp.path ()))
        if (entry.path ().extension () == ".dat") out.insert (entry.path ());
      return out;
    };
    std::set<fs::path> before = files ();
    Rig rig (1);
    use (rig, temp.path ());
    set (rig, "cache-policy", row.policy);
    if (std::string (row.state) == "hit ") {
      gst_element_set_state (rig.tee (), GST_STATE_PLAYING);
      fail_unless (rig.sink (0).wait_eos ());
    } else {
      rig.play ();
      send (rig);
    }
    fail_unless (state_of (rig) == row.state, "%s: %s", row.policy,
        state_of (rig).c_str ());
    stop (rig);
    std::set<fs::path> after = files ();
    std::string became = after.empty ()    ? "none"
                         : after == before ? "same"
                                           : "new";
    fail_unless (became == row.after, "%s: %s", row.policy, became.c_str ());
    fail_unless (after.size () <= 1);
  }
}
GST_END_TEST;

GST_START_TEST (what_is_too_old_is_a_miss)
{
  TempDir temp;
  record (temp.path ());
  Rig rig (1);
  use (rig, temp.path ());
  // It was made in this second, or in the one before; a clock that is set back
  // by the test's machine makes it no younger.
  auto expired = [&rig] {
    stop (rig);
    return state_of (rig) == "stale ";
  };
  set (rig, "ttl", "0");
  gint64 limit = g_get_monotonic_time () + 20 * G_USEC_PER_SEC;
  while (!expired ()) {
    fail_unless (g_get_monotonic_time () < limit);
    gst_element_set_state (rig.tee (), GST_STATE_NULL);
    g_usleep (20000);
  }
  set (rig, "ttl", "-1");
  gst_element_set_state (rig.tee (), GST_STATE_NULL);
  stop (rig);
  fail_unless (state_of (rig) == "hit ");
  gint ttl = 0;
  gst_element_set_state (rig.tee (), GST_STATE_NULL);
  Rig fresh (0);
  g_object_get (fresh.tee (), "ttl", &ttl, nullptr);
  fail_unless_equals_int (ttl, 3600);
}
GST_END_TEST;

GST_START_TEST (a_purge_removes_what_it_names)
{
  TempDir temp;
  for (const char *key : {"a/1", "a/2", "b/1"}) record (temp.path (), key);
  Rig rig (1);
  use (rig, temp.path ());
  fail_unless (purge (rig, "purge", "a/1") == 1);
  fail_unless (look_up (temp.path (), "a/1") == "miss not found");
  fail_unless (look_up (temp.path (), "a/2") == "hit ");
  fail_unless (purge (rig, "purge", "a/") == 0);
  record (temp.path (), "a/1");
  fail_unless (purge (rig, "purge-prefix", "a/") == 2);
  fail_unless (look_up (temp.path (), "a/2") == "miss not found");
  fail_unless (look_up (temp.path (), "b/1") == "hit ");
  fail_unless (purge (rig, "purge-prefix", "") == 1);
  fail_unless_equals_uint64 (rig.count ("objects-purged"), 4);
  // What is no cache is not looked into.
  TempDir other;
  use (rig, other.path ());
  fail_unless (purge (rig, "purge-prefix", "") == 0);
  fail_unless (fs::is_empty (other.path ()));
}
GST_END_TEST;

GST_START_TEST (the_limit_of_the_folder_is_kept)
{
  TempDir temp;
  Rig rig (1);
  use (rig, temp.path ());
  set (rig, "l2-size", "1000000");
  for (unsigned run = 0; run < 8; run++) {
    std::string key = "key" + std::to_string (run);
    g_object_set (rig.tee (), "cache-key", key.c_str (), nullptr);
    rig.play ();
    send (rig);
    stop (rig);
  }
  // The look is in the background.
  gint64 limit = g_get_monotonic_time () + 20 * G_USEC_PER_SEC;
  while (rig.count ("l2-evictions") == 0) {
    fail_unless (g_get_monotonic_time () < limit);
    g_usleep (10000);
  }
  fail_unless (rig.count ("l2-objects") < 8);
  fail_unless (rig.count ("l2-bytes") > 0);
}
GST_END_TEST;

GST_START_TEST (what_is_not_to_be_kept_is_not)
{
  struct Row
  {
    const char *request;
    const char *response;
    bool ignores;
    const char *reason;
  };
  const std::vector<Row> rows{
      {"request-headers;", "response-headers,Cache-Control=(string)no-store;",
          false, "no-store"},
      {"request-headers;",
          "response-headers,cache-control=(string)\"max-age=60, Private\";",
          false, "private"},
      {"request-headers;",
          "response-headers,Cache-Control=(string)\"private=\\\"x\\\"\";",
          false, "private"},
      {"request-headers;",
          "response-headers,Cache-Control=(string)<\"public\",\"no-store\">;",
          false, "no-store"},
      {"request-headers;",
          "response-headers,Cache-Control=(string)\"max-age=60\";", false, ""},
      {"request-headers;", "response-headers,X-Cache-Control=(string)no-store;",
          false, ""},
      {"request-headers;", "response-headers,Cache-Control=(string)no-store;",
          true, ""},
      {"request-headers,Cookie=(string)\"a=b\";", "response-headers;", false,
          "credentials"},
      {"request-headers,authorization=(string)\"Basic YQ==\";",
          "response-headers;", true, "credentials"},
  };
  for (const Row &row : rows) {
    TempDir temp;
    Rig rig (1);
    use (rig, temp.path ());
    g_object_set (
        rig.tee (), "ignore-cache-control", gboolean{row.ignores}, nullptr);
    rig.play ();
    rig.push (http_headers (row.request, row.response));
    send (rig);
    fail_unless (text (rig, "reason") ==
                     (*row.reason != '\0' ? row.reason : "not found"),
        "%s: %s", row.response, state_of (rig).c_str ());
    // The stream passes all the same.
    fail_unless (rig.sink (0).buffers () == slices);
    stop (rig);
    bool kept = *row.reason == '\0';
    fail_unless_equals_uint64 (rig.count ("objects-stored"), kept ? 1 : 0);
    fail_unless (look_up (temp.path ()) == (kept ? "hit " : "miss not found"));
  }
}
GST_END_TEST;

// A source that says which credentials it has.
static gboolean answer_credentials (
    GstPad *pad, GstObject *parent, GstQuery *query)
{
  if (GST_QUERY_TYPE (query) != GST_QUERY_CUSTOM)
    return gst_pad_query_default (pad, parent, query);
  auto *hash = static_cast<const gchar *> (gst_pad_get_element_private (pad));
  if (hash == nullptr) return FALSE;
  gst_structure_set (gst_query_writable_structure (query), "hash",
      G_TYPE_STRING, hash, nullptr);
  return TRUE;
}

GST_START_TEST (what_has_credentials_is_kept_apart)
{
  TempDir temp;
  gchar one[] = "1111";
  gchar two[] = "2222";
  auto status = [&temp] (gchar *hash, bool records) {
    Rig rig (1);
    gst_pad_set_element_private (rig.source (), hash);
    gst_pad_set_query_function (rig.source (), answer_credentials);
    use (rig, temp.path ());
    if (records) {
      rig.play ();
      rig.push (http_headers (
          "request-headers,Cookie=(string)\"a=b\";", "response-headers;"));
      send (rig);
    }
    stop (rig);
    fail_unless_equals_uint64 (rig.count ("objects-stored"), records ? 1 : 0);
    return text (rig, "status");
  };
  fail_unless (status (one, true) == "miss");
  fail_unless (status (one, false) == "hit");
  fail_unless (status (two, false) == "miss");
  fail_unless (status (nullptr, false) == "miss");
  // The key stands for all of it.
  Rig rig (0);
  use (rig, temp.path ());
  fail_unless (purge (rig, "purge", "key") == 1);
  fail_unless (status (one, false) == "miss");
}
GST_END_TEST;

// What a buffer carries, as text.
static std::string metas_of (GstBuffer *buffer)
{
  std::string text;
  if (GstVideoMeta *video = gst_buffer_get_video_meta (buffer)) {
    text += gst_video_format_to_string (video->format);
    for (guint i = 0; i < video->n_planes; i++)
      text += " " + std::to_string (video->offset[i]) + "+" +
              std::to_string (video->stride[i]);
    text += " " + std::to_string (video->width) + "x" +
            std::to_string (video->height) + " " +
            std::to_string (video->alignment.padding_left) + " " +
            std::to_string (video->flags) + "; ";
  }
  if (GstVideoCropMeta *crop = gst_buffer_get_video_crop_meta (buffer))
    text += "crop " + std::to_string (crop->x) + "," +
            std::to_string (crop->width) + "; ";
  if (GstAudioMeta *audio = gst_buffer_get_audio_meta (buffer))
    text += "audio " + std::to_string (audio->samples) + " " +
            std::to_string (audio->info.rate) + " " +
            std::to_string (audio->offsets[1]) + "; ";
  if (GstReferenceTimestampMeta *time =
          gst_buffer_get_reference_timestamp_meta (buffer, nullptr)) {
    Owned<gchar> caps{gst_caps_to_string (time->reference)};
    text += std::string (caps.get ()) + " " + std::to_string (time->timestamp);
  }
  if (GstProtectionMeta *protection = gst_buffer_get_protection_meta (buffer)) {
    Owned<gchar> info{gst_structure_to_string (protection->info)};
    text += info.get ();
  }
  return text;
}

GST_START_TEST (metas_come_back)
{
  TempDir temp;
  std::vector<Owned<GstBuffer>> stream;
  gsize offsets[4] = {0, 1024, 1500, 0};
  gint strides[4] = {48, 24, 24, 0};
  for (unsigned i = 0; i < 3; i++) {
    stream.push_back (part (i));
    GstVideoMeta *meta = gst_buffer_add_video_meta_full (stream.back ().get (),
        GST_VIDEO_FRAME_FLAG_INTERLACED, GST_VIDEO_FORMAT_I420, 32, 18, 3,
        offsets, strides);
    meta->alignment.padding_left = 16;
    if (i == 2)
      gst_buffer_add_video_crop_meta (stream.back ().get ())->width = 7;
  }
  stream.push_back (part (3));
  GstAudioInfo info;
  gst_audio_info_set_format (&info, GST_AUDIO_FORMAT_S16LE, 48000, 2, nullptr);
  info.layout = GST_AUDIO_LAYOUT_NON_INTERLEAVED;
  gsize channels[2] = {0, 32768};
  gst_buffer_add_audio_meta (stream.back ().get (), &info, 16384, channels);
  for (guint8 i = 0; i < 3; i++) {
    stream.push_back (part (i));
    Owned<GstBuffer> iv = test::buffer (test::Bytes (16, i));
    gst_buffer_add_protection_meta (stream.back ().get (),
        gst_structure_new ("application/x-cenc", "iv", GST_TYPE_BUFFER,
            iv.get (), "encrypted", G_TYPE_BOOLEAN, TRUE, nullptr));
  }
  stream.push_back (part (9));
  Owned<GstCaps> reference{gst_caps_from_string ("timestamp/x-ntp")};
  gst_buffer_add_reference_timestamp_meta (
      stream.back ().get (), reference.get (), 12345, GST_CLOCK_TIME_NONE);
  stream.push_back (part (10));

  std::vector<std::string> wanted;
  for (const Owned<GstBuffer> &buffer : stream)
    wanted.push_back (metas_of (buffer.get ()));
  {
    Rig rig (1);
    use (rig, temp.path ());
    rig.play (GST_FORMAT_DEFAULT);
    for (const Owned<GstBuffer> &buffer : stream)
      fail_unless (gst_pad_push (rig.source (),
                       share (buffer.get ()).release ()) == GST_FLOW_OK);
    rig.push (gst_event_new_eos ());
    stop (rig);
    fail_unless (
        rig.count ("objects-stored") == 1, "%s", state_of (rig).c_str ());
  }
  Rig rig (0);
  use (rig, temp.path ());
  Held held (rig);
  gst_element_set_state (rig.tee (), GST_STATE_PLAYING);
  std::vector<Owned<GstBuffer>> got = held.wait ();
  fail_unless (got.size () == wanted.size ());
  for (std::size_t i = 0; i < got.size (); i++)
    fail_unless (metas_of (got[i].get ()) == wanted[i], "%s instead of %s",
        metas_of (got[i].get ()).c_str (), wanted[i].c_str ());
}
GST_END_TEST;

GST_START_TEST (the_first_byte_is_timed)
{
  TempDir temp;
  Rig rig (1);
  use (rig, temp.path ());
  rig.play ();
  fail_unless_equals_uint64 (rig.count ("ttfb-ns"), 0);
  send (rig);
  fail_unless (rig.count ("ttfb-ns") > 0);
  stop (rig);
  gst_element_set_state (rig.tee (), GST_STATE_PLAYING);
  fail_unless (rig.sink (0).wait_buffers (2 * slices));
  fail_unless (rig.count ("ttfb-ns") > 0);
  fail_unless_equals_uint64 (rig.count ("runs"), 2);
  fail_unless_equals_uint64 (rig.count ("lookups"), 2);
  fail_unless (rig.count ("lookup-ns") > 0);
  stop (rig);
  fail_unless_equals_uint64 (rig.count ("bytes-sent"), 2 * slices * slice);
}
GST_END_TEST;

GST_START_TEST (counters_are_told_to_prometheus)
{
  Owned<GstStructure> stats{gst_structure_from_string (
      "cachetee-stats,status=hit,cache-hits=(guint64)3,l2-full=(boolean)true,"
      "ttfb-ns=(guint64)1500000,branches=(structure)<[branch,pad=src_0,"
      "live=(boolean)true,lag-items=(guint64)7]>;",
      nullptr)};
  fail_unless (stats != nullptr);
  prometheus::Exposition metrics;
  metrics.add (stats.get (), "cachetee", "a");
  metrics.add (stats.get (), "cachetee", "b\"c");
  const std::string wanted =
      "# TYPE cachetee_cache_hits_total counter\n"
      "cachetee_cache_hits_total{element=\"a\"} 3\n"
      "cachetee_cache_hits_total{element=\"b\\\"c\"} 3\n"
      "# TYPE cachetee_l2_full gauge\n"
      "cachetee_l2_full{element=\"a\"} 1\n"
      "cachetee_l2_full{element=\"b\\\"c\"} 1\n"
      "# TYPE cachetee_lag_items gauge\n"
      "cachetee_lag_items{element=\"a\",pad=\"src_0\"} 7\n"
      "cachetee_lag_items{element=\"b\\\"c\",pad=\"src_0\"} 7\n"
      "# TYPE cachetee_ttfb_seconds gauge\n"
      "cachetee_ttfb_seconds{element=\"a\"} 0.0015\n"
      "cachetee_ttfb_seconds{element=\"b\\\"c\"} 0.0015\n";
  fail_unless (metrics.text () == wanted, "%s", metrics.text ().c_str ());
}
GST_END_TEST;

GST_START_TEST (a_branch_that_lags_is_seen)
{
  Rig rig (2);
  set (rig, "slow-branch", "demote");
  rig.sink (1).block (true);
  rig.play ();
  constexpr guint sent = 10;
  for (guint i = 0; i < sent; i++) fail_unless (rig.push () == GST_FLOW_OK);
  fail_unless (rig.sink (0).wait_buffers (sent));
  fail_unless (rig.sink (1).wait_buffers (1));
  auto lag = [&rig] (guint branch, const char *field) {
    GstStructure *raw = nullptr;
    g_object_get (rig.tee (), "stats", &raw, nullptr);
    Owned<GstStructure> stats{raw};
    const GValue *list = gst_structure_get_value (raw, "branches");
    fail_unless_equals_int (
        static_cast<int> (gst_value_array_get_size (list)), 2);
    const GstStructure *one =
        gst_value_get_structure (gst_value_array_get_value (list, branch));
    guint64 value = 0;
    fail_unless (gst_structure_get_uint64 (one, field, &value));
    return value;
  };
  fail_unless_equals_uint64 (lag (0, "lag-items"), 0);
  // The first one is on its way.
  fail_unless_equals_uint64 (lag (1, "lag-items"), sent - 1);
  fail_unless_equals_uint64 (lag (1, "lag-bytes"), 9 * (sent - 1));
  rig.sink (1).block (false);
}
GST_END_TEST;

static Suite *cachetee_cache_suite (void)
{
  Suite *s = suite_create ("cachetee-cache");
  TCase *tc = tcase_create ("all");
  suite_add_tcase (s, tc);
  tcase_add_test (tc, a_hit_from_memory_is_not_copied);
  tcase_add_test (tc, without_l1_all_is_read);
  tcase_add_test (tc, slices_have_their_size);
  tcase_add_test (tc, one_memory_is_kept_a_thousand_times);
  tcase_add_test (tc, a_policy_says_what_is_done);
  tcase_add_test (tc, what_is_too_old_is_a_miss);
  tcase_add_test (tc, a_purge_removes_what_it_names);
  tcase_add_test (tc, the_limit_of_the_folder_is_kept);
  tcase_add_test (tc, what_is_not_to_be_kept_is_not);
  tcase_add_test (tc, what_has_credentials_is_kept_apart);
  tcase_add_test (tc, metas_come_back);
  tcase_add_test (tc, the_first_byte_is_timed);
  tcase_add_test (tc, counters_are_told_to_prometheus);
  tcase_add_test (tc, a_branch_that_lags_is_seen);
  return s;
}

GST_CHECK_MAIN (cachetee_cache);

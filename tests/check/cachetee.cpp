// SPDX-License-Identifier: LGPL-2.1-or-later
#include <gst/video/gstvideometa.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>

#include "testutil.h"

template <>
inline constexpr bool relay::is_mini_object<GstMiniObject> = true;

namespace {

namespace fs = std::filesystem;
using relay::MappedBuffer;
using relay::Owned;
using relay::share;
using test::Bytes;
using test::TempDir;

// ---- Streams ---------------------------------------------------------------

constexpr GstClockTime second = GST_SECOND;

using Stream = std::vector<Owned<GstMiniObject>>;

void add (Stream &stream, GstEvent *event)
{
  stream.emplace_back (GST_MINI_OBJECT_CAST (event));
}

GstBuffer *add (Stream &stream, std::size_t size)
{
  static std::uint32_t value = 1;
  Bytes bytes (size);
  for (std::uint8_t &byte : bytes)
    byte = static_cast<std::uint8_t> (
        (value = value * 1664525 + 1013904223) >> 24);
  GstBuffer *buffer = test::buffer (bytes).release ();
  stream.emplace_back (GST_MINI_OBJECT_CAST (buffer));
  return buffer;
}

GstEvent *segment_event (GstFormat format, guint64 start = 0)
{
  GstSegment segment;
  gst_segment_init (&segment, format);
  segment.start = start;
  segment.time = start;
  return gst_event_new_segment (&segment);
}

void begin (Stream &stream, GstFormat format, guint64 start = 0)
{
  add (stream, gst_event_new_stream_start ("test/stream"));
  Owned<GstCaps> caps{gst_caps_from_string ("video/quicktime,variant=iso")};
  add (stream, gst_event_new_caps (caps.get ()));
  add (stream, segment_event (format, start));
}

// More than three slices, in buffers of all kinds of sizes.
Stream packets_stream (GstFormat format = GST_FORMAT_DEFAULT)
{
  Stream stream;
  begin (stream, format);
  guint64 offset = 0;
  for (std::size_t size : {std::size_t{4096}, std::size_t{1}, std::size_t{0},
           std::size_t{700001}, std::size_t{262144}, std::size_t{333}}) {
    GstBuffer *buffer = add (stream, size);
    GST_BUFFER_OFFSET (buffer) = offset;
    offset += size;
    GST_BUFFER_OFFSET_END (buffer) = offset;
  }
  add (stream, gst_event_new_eos ());
  return stream;
}

// Fragments as adaptivesrc sends them, and everything that may change.
Stream time_stream ()
{
  Stream stream;
  begin (stream, GST_FORMAT_TIME);
  add (
      stream, gst_event_new_tag (gst_tag_list_new (GST_TAG_TITLE,
                  "a \"title\", \xc3\xa4", GST_TAG_BITRATE, 128000U, nullptr)));
  GstTagList *global = gst_tag_list_new (GST_TAG_ARTIST, "nobody", nullptr);
  gst_tag_list_set_scope (global, GST_TAG_SCOPE_GLOBAL);
  add (stream, gst_event_new_tag (global));
  Owned<GstBuffer> pssh = test::buffer (test::hex ("00112233"));
  add (stream, gst_event_new_protection ("edef8ba9-79d6-4ace-a3c8-27dcd51d21ed",
                   pssh.get (), "dash"));
  for (guint fragment = 0; fragment < 3; fragment++) {
    GstBuffer *header = add (stream, 700);
    GST_BUFFER_FLAG_SET (header, GST_BUFFER_FLAG_HEADER);
    GST_BUFFER_FLAG_SET (header, GST_BUFFER_FLAG_DISCONT);
    GstBuffer *first = add (stream, 65536 + fragment);
    GST_BUFFER_PTS (first) = fragment * 2 * second + 1;
    GST_BUFFER_DTS (first) = fragment * 2 * second;
    GST_BUFFER_DURATION (first) = 2 * second;
    for (guint part = 0; part < 5; part++) {
      GstBuffer *rest = add (stream, 32768);
      GST_BUFFER_OFFSET (rest) = part * 32768;
      GST_BUFFER_FLAG_SET (rest, GST_BUFFER_FLAG_DELTA_UNIT);
      // Above GST_BUFFER_FLAG_LAST, as those of video.
      GST_BUFFER_FLAG_SET (rest, GST_BUFFER_FLAG_LAST << 3);
    }
    add (stream, gst_event_new_gap (fragment * 2 * second, second));
    Owned<GstCaps> caps{gst_caps_from_string ("video/quicktime,variant=iso")};
    gst_caps_set_simple (caps.get (), "level", G_TYPE_INT, fragment,
        "codec_data", GST_TYPE_BUFFER, pssh.get (), nullptr);
    add (stream, gst_event_new_caps (caps.get ()));
    add (stream, segment_event (GST_FORMAT_TIME, fragment * second));
  }
  add (stream, gst_event_new_eos ());
  return stream;
}

// From a time of the stream to another.
Stream times (GstClockTime from, GstClockTime to, GstClockTime duration)
{
  // As of a stream whose timestamps do not begin at 0.
  constexpr GstClockTime shift = 1000 * second;
  GstSegment segment;
  gst_segment_init (&segment, GST_FORMAT_TIME);
  segment.start = shift + from;
  segment.time = from;
  if (GST_CLOCK_TIME_IS_VALID (to)) segment.stop = shift + to;
  segment.duration = duration;
  Stream stream;
  add (stream, gst_event_new_stream_start ("test/stream"));
  add (stream, gst_event_new_segment (&segment));
  GST_BUFFER_PTS (add (stream, 10)) = segment.start;
  add (stream, gst_event_new_eos ());
  return stream;
}

Bytes payload_of (const Stream &stream)
{
  Bytes out;
  for (const Owned<GstMiniObject> &item : stream) {
    if (!GST_IS_BUFFER (item.get ())) continue;
    Bytes bytes = test::bytes_of (GST_BUFFER_CAST (item.get ()));
    out.insert (out.end (), bytes.begin (), bytes.end ());
  }
  return out;
}

// As GST_EVENT_IS_SERIALIZED, whose two enums clang does not like to see mixed.
bool is_serialized (GstEvent *event)
{
  return (gst_event_type_get_flags (GST_EVENT_TYPE (event)) &
             GST_EVENT_TYPE_SERIALIZED) != 0;
}

std::string describe (GstEvent *event)
{
  std::string text = GST_EVENT_TYPE_NAME (event);
  if (GST_EVENT_TYPE (event) == GST_EVENT_EOS) return text;
  Owned<GstStructure> structure{
      gst_structure_copy (gst_event_get_structure (event))};
  gst_structure_remove_field (structure.get (), "group-id");
  Owned<gchar> fields{gst_structure_to_string (structure.get ())};
  return text + " " + fields.get ();
}

std::string describe (GstBuffer *buffer)
{
  Bytes bytes = test::bytes_of (buffer);
  Owned<gchar> sum{g_compute_checksum_for_data (
      G_CHECKSUM_SHA256, bytes.data (), bytes.size ())};
  guint flags = GST_BUFFER_FLAGS (buffer) &
                ~static_cast<guint> (GST_BUFFER_FLAG_TAG_MEMORY) & ~15U;
  Owned<gchar> text{g_strdup_printf (
      "buffer %zu pts %" G_GUINT64_FORMAT " dts %" G_GUINT64_FORMAT
      " dur %" G_GUINT64_FORMAT " off %" G_GUINT64_FORMAT
      " end %" G_GUINT64_FORMAT " flags %x %s",
      bytes.size (), GST_BUFFER_PTS (buffer), GST_BUFFER_DTS (buffer),
      GST_BUFFER_DURATION (buffer), GST_BUFFER_OFFSET (buffer),
      GST_BUFFER_OFFSET_END (buffer), flags, sum.get ())};
  return text.get ();
}

std::vector<std::string> describe (const Stream &stream)
{
  std::vector<std::string> out;
  for (const Owned<GstMiniObject> &item : stream)
    out.push_back (GST_IS_EVENT (item.get ())
                       ? describe (GST_EVENT_CAST (item.get ()))
                       : describe (GST_BUFFER_CAST (item.get ())));
  return out;
}

// ---- The ends of a cachetee
// --------------------------------------------------

GstStaticPadTemplate any_sink = GST_STATIC_PAD_TEMPLATE (
    "sink", GST_PAD_SINK, GST_PAD_ALWAYS, GST_STATIC_CAPS_ANY);

// What is linked to a branch.
class Sink
{
public:
  Sink ()
      : pad_ (GST_PAD (gst_object_ref_sink (
            gst_pad_new_from_static_template (&any_sink, nullptr))))
  {
    gst_pad_set_element_private (pad_.get (), this);
    gst_pad_set_chain_function (pad_.get (), chain);
    gst_pad_set_event_function (pad_.get (), event);
    gst_pad_set_active (pad_.get (), TRUE);
  }
  ~Sink ()
  {
    block (false);
    gst_pad_set_active (pad_.get (), FALSE);
  }
  Sink (const Sink &) = delete;
  Sink &operator= (const Sink &) = delete;

  GstPad *pad () { return pad_.get (); }
  void set_flow (GstFlowReturn flow)
  {
    std::lock_guard guard (mutex_);
    flow_ = flow;
  }
  void block (bool on)
  {
    std::lock_guard guard (mutex_);
    blocked_ = on;
    changed_.notify_all ();
  }
  bool wait (const std::function<bool ()> &condition)
  {
    std::unique_lock lock (mutex_);
    return changed_.wait_for (lock, std::chrono::seconds (20), condition);
  }
  bool wait_eos ()
  {
    return wait ([this] { return eos_; });
  }
  bool wait_buffers (std::size_t count)
  {
    return wait ([this, count] { return buffers_ >= count; });
  }
  std::vector<std::string> log ()
  {
    std::lock_guard guard (mutex_);
    return log_;
  }
  Bytes bytes ()
  {
    std::lock_guard guard (mutex_);
    return bytes_;
  }
  std::vector<GstBuffer *> pointers ()
  {
    std::lock_guard guard (mutex_);
    return pointers_;
  }
  bool flushed ()
  {
    std::lock_guard guard (mutex_);
    return flushed_;
  }
  void clear ()
  {
    std::lock_guard guard (mutex_);
    log_.clear ();
    bytes_.clear ();
    pointers_.clear ();
    buffers_ = 0;
    eos_ = false;
  }

private:
  static GstFlowReturn chain (GstPad *pad, GstObject *, GstBuffer *raw)
  {
    Owned<GstBuffer> buffer{raw};
    Sink *self = static_cast<Sink *> (gst_pad_get_element_private (pad));
    std::unique_lock lock (self->mutex_);
    self->buffers_++;
    self->changed_.notify_all ();
    self->changed_.wait (lock, [self] { return !self->blocked_; });
    if (self->flow_ != GST_FLOW_OK) return self->flow_;
    self->pointers_.push_back (raw);
    self->log_.push_back (describe (raw));
    Bytes bytes = test::bytes_of (raw);
    self->bytes_.insert (self->bytes_.end (), bytes.begin (), bytes.end ());
    return GST_FLOW_OK;
  }
  static gboolean event (GstPad *pad, GstObject *, GstEvent *raw)
  {
    Owned<GstEvent> event{raw};
    Sink *self = static_cast<Sink *> (gst_pad_get_element_private (pad));
    std::lock_guard guard (self->mutex_);
    if (GST_EVENT_TYPE (raw) == GST_EVENT_FLUSH_START) self->flushed_ = true;
    if (!is_serialized (raw) || GST_EVENT_TYPE (raw) == GST_EVENT_FLUSH_STOP)
      return TRUE;
    self->log_.push_back (describe (raw));
    if (GST_EVENT_TYPE (raw) == GST_EVENT_EOS) self->eos_ = true;
    self->changed_.notify_all ();
    return TRUE;
  }

  Owned<GstPad> pad_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::string> log_;
  std::vector<GstBuffer *> pointers_;
  Bytes bytes_;
  std::size_t buffers_ = 0;
  bool eos_ = false;
  bool blocked_ = false;
  bool flushed_ = false;
  GstFlowReturn flow_ = GST_FLOW_OK;
};

// A cachetee with a bus; its source is a pad of ours.
class Rig
{
public:
  explicit Rig (const fs::path &dir = {}, const char *key = "key")
      : tee_ (GST_ELEMENT (gst_object_ref_sink (
            gst_element_factory_make ("cachetee", nullptr)))),
        bus_ (gst_bus_new ())
  {
    gst_element_set_bus (tee_.get (), bus_.get ());
    if (!dir.empty ())
      g_object_set (
          tee_.get (), "cache-dir", dir.c_str (), "cache-key", key, nullptr);
  }
  ~Rig ()
  {
    stop ();
    for (Branch &branch : branches_) drop (branch);
    unlink_source ();
    gst_element_set_bus (tee_.get (), nullptr);
  }
  Rig (const Rig &) = delete;
  Rig &operator= (const Rig &) = delete;

  GstElement *tee () { return tee_.get (); }
  Sink &sink (std::size_t i = 0) { return *branches_[i].sink; }
  GstPad *src (std::size_t i = 0) { return branches_[i].pad.get (); }
  GstPad *source () { return source_.get (); }

  // Another branch; linked or not.
  Sink &add_branch (bool linked = true)
  {
    Branch branch;
    branch.pad.reset (gst_element_request_pad_simple (tee_.get (), "src_%u"));
    fail_unless (branch.pad != nullptr);
    branch.sink = std::make_unique<Sink> ();
    branches_.push_back (std::move (branch));
    if (linked) link (branches_.size () - 1);
    return *branches_.back ().sink;
  }
  void link (std::size_t i)
  {
    fail_unless (gst_pad_link (branches_[i].pad.get (),
                     branches_[i].sink->pad ()) == GST_PAD_LINK_OK);
  }
  void release (std::size_t i)
  {
    gst_element_release_request_pad (tee_.get (), branches_[i].pad.get ());
    branches_[i].released = true;
  }

  void link_source ()
  {
    if (source_ == nullptr) {
      source_.reset (
          GST_PAD (gst_object_ref_sink (gst_pad_new ("src", GST_PAD_SRC))));
      gst_pad_set_query_function (source_.get (), source_query);
      gst_pad_set_element_private (source_.get (), this);
    }
    gst_pad_set_active (source_.get (), TRUE);
    Owned<GstPad> sinkpad{gst_element_get_static_pad (tee_.get (), "sink")};
    fail_unless (
        gst_pad_link (source_.get (), sinkpad.get ()) == GST_PAD_LINK_OK);
  }
  void unlink_source ()
  {
    if (source_ == nullptr) return;
    gst_pad_set_active (source_.get (), FALSE);
    Owned<GstPad> sinkpad{gst_element_get_static_pad (tee_.get (), "sink")};
    gst_pad_unlink (source_.get (), sinkpad.get ());
  }
  std::atomic<gint64> duration = -1;
  std::atomic<unsigned> seeking_queries = 0;
  std::atomic<unsigned> pushed = 0;

  void play ()
  {
    fail_unless (gst_element_set_state (tee_.get (), GST_STATE_PLAYING) !=
                 GST_STATE_CHANGE_FAILURE);
  }
  void stop () { gst_element_set_state (tee_.get (), GST_STATE_NULL); }

  // What a source does, in its thread: the first result that is not OK.
  GstFlowReturn push (const Stream &stream)
  {
    pushed = 0;
    for (const Owned<GstMiniObject> &item : stream) {
      if (GST_IS_EVENT (item.get ())) {
        gst_pad_push_event (
            source_.get (), gst_event_copy (GST_EVENT_CAST (item.get ())));
        pushed++;
        continue;
      }
      // A copy, as a source would make: nobody shares it.
      GstFlowReturn flow = gst_pad_push (
          source_.get (), gst_buffer_copy (GST_BUFFER_CAST (item.get ())));
      pushed++;
      if (flow != GST_FLOW_OK) return flow;
    }
    return GST_FLOW_OK;
  }

  std::string status ()
  {
    Owned<GstStructure> all = stats ();
    return gst_structure_get_string (all.get (), "status");
  }
  std::string reason ()
  {
    Owned<GstStructure> all = stats ();
    return gst_structure_get_string (all.get (), "reason");
  }
  guint64 count (const char *field)
  {
    Owned<GstStructure> all = stats ();
    guint64 value = 0;
    fail_unless (gst_structure_get_uint64 (all.get (), field, &value));
    return value;
  }
  Owned<GstStructure> stats ()
  {
    GstStructure *stats = nullptr;
    g_object_get (tee_.get (), "stats", &stats, nullptr);
    return Owned<GstStructure> (stats);
  }
  Owned<GstMessage> message (int types)
  {
    return Owned<GstMessage> (gst_bus_pop_filtered (
        bus_.get (), static_cast<GstMessageType> (types)));
  }
  Owned<GstMessage> wait (int types)
  {
    return Owned<GstMessage> (gst_bus_timed_pop_filtered (
        bus_.get (), 20 * GST_SECOND, static_cast<GstMessageType> (types)));
  }
  // Nothing was said to the user.
  void assert_quiet ()
  {
    Owned<GstMessage> found = message (GST_MESSAGE_WARNING | GST_MESSAGE_ERROR);
    fail_unless (found == nullptr);
  }

private:
  struct Branch
  {
    Owned<GstPad> pad;
    std::unique_ptr<Sink> sink;
    bool released = false;
  };
  void drop (Branch &branch)
  {
    if (branch.released) return;
    gst_pad_unlink (branch.pad.get (), branch.sink->pad ());
    gst_element_release_request_pad (tee_.get (), branch.pad.get ());
  }
  static gboolean source_query (GstPad *pad, GstObject *, GstQuery *query)
  {
    Rig *self = static_cast<Rig *> (gst_pad_get_element_private (pad));
    GstFormat format = GST_FORMAT_UNDEFINED;
    switch (GST_QUERY_TYPE (query)) {
      case GST_QUERY_DURATION:
        gst_query_parse_duration (query, &format, nullptr);
        if (format != GST_FORMAT_BYTES || self->duration < 0) return FALSE;
        gst_query_set_duration (query, format, self->duration);
        return TRUE;
      case GST_QUERY_SEEKING:
        self->seeking_queries++;
        return FALSE;
      default:
        return FALSE;
    }
  }

  Owned<GstElement> tee_;
  Owned<GstBus> bus_;
  Owned<GstPad> source_;
  std::vector<Branch> branches_;
};

// Plays a stream into a cache that does not have it.
void record (const fs::path &dir, const Stream &stream)
{
  Rig rig (dir);
  rig.link_source ();
  rig.add_branch ();
  rig.play ();
  fail_unless (rig.status () == "miss", "%s", rig.status ().c_str ());
  fail_unless (rig.push (stream) == GST_FLOW_OK);
  fail_unless (rig.sink ().log () == describe (stream));
  rig.stop ();
  rig.assert_quiet ();
  fail_unless (rig.count ("objects-stored") == 1);
  fail_unless (rig.count ("cache-misses") == 1);
  fail_unless (rig.count ("bytes-written") >= payload_of (stream).size ());
}

// Is there a whole object?
bool is_hit (const fs::path &dir)
{
  Rig rig (dir);
  fail_unless (gst_element_set_state (rig.tee (), GST_STATE_READY) ==
               GST_STATE_CHANGE_SUCCESS);
  return rig.status () == "hit";
}

fs::path file_of (const fs::path &dir, const char *suffix)
{
  for (const auto &entry : fs::recursive_directory_iterator (dir))
    if (entry.path ().extension () == suffix) return entry.path ();
  ck_abort_msg ("no file %s", suffix);
  return {};
}

void flip (const fs::path &path, std::size_t at)
{
  Bytes bytes = test::read_file (path);
  fail_unless (at < bytes.size ());
  bytes[at] ^= 1;
  test::write_file (path, bytes);
}

// Of the payload: what a hit of both kinds must do.
void record_and_replay (const Stream &stream)
{
  TempDir temp;
  record (temp.path (), stream);
  Rig rig (temp.path ());
  rig.add_branch ();
  rig.add_branch ();
  rig.play ();
  for (std::size_t i : {std::size_t{0}, std::size_t{1}}) {
    fail_unless (rig.sink (i).wait_eos ());
    std::vector<std::string> got = rig.sink (i).log ();
    std::vector<std::string> wanted = describe (stream);
    for (std::size_t at = 0; at < std::min (got.size (), wanted.size ()); at++)
      fail_unless (got[at] == wanted[at], "%s instead of %s", got[at].c_str (),
          wanted[at].c_str ());
    fail_unless (got.size () == wanted.size ());
  }
  fail_unless (rig.status () == "hit", "%s", rig.status ().c_str ());
  fail_unless (rig.count ("cache-hits") == 1);
  fail_unless (
      rig.count ("bytes-from-cache") == 2 * payload_of (stream).size ());
  rig.assert_quiet ();
}

}  // namespace

// ---- As a tee
// ----------------------------------------------------------------

GST_START_TEST (every_branch_gets_the_same_buffers)
{
  Stream stream = packets_stream ();
  Rig rig;
  rig.link_source ();
  rig.add_branch ();
  rig.add_branch ();
  rig.play ();
  fail_unless (rig.push (stream) == GST_FLOW_OK);
  fail_unless (rig.sink (0).log () == describe (stream));
  fail_unless (rig.sink (1).log () == describe (stream));
  fail_unless (rig.sink (0).pointers () == rig.sink (1).pointers ());
  fail_unless (rig.status () == "none", "%s", rig.status ().c_str ());
  fail_unless (rig.count ("bytes-received") == payload_of (stream).size ());
  gint pads = 0;
  g_object_get (rig.tee (), "num-src-pads", &pads, nullptr);
  fail_unless_equals_int (pads, 2);
}
GST_END_TEST;

GST_START_TEST (flows_are_combined_as_in_tee)
{
  struct Row
  {
    GstFlowReturn first;
    GstFlowReturn second;
    gboolean allow_not_linked;
    GstFlowReturn result;
    std::size_t second_got;
  };
  const GstFlowReturn ok = GST_FLOW_OK;
  const GstFlowReturn none = GST_FLOW_NOT_LINKED;
  const std::vector<Row> rows{
      {ok, ok, TRUE, ok, 1},
      {none, ok, TRUE, ok, 1},
      {none, none, TRUE, ok, 1},
      {ok, none, FALSE, ok, 1},
      {none, none, FALSE, none, 1},
      {GST_FLOW_EOS, ok, TRUE, GST_FLOW_EOS, 0},
      {GST_FLOW_ERROR, ok, TRUE, GST_FLOW_ERROR, 0},
      {none, GST_FLOW_ERROR, TRUE, GST_FLOW_ERROR, 1},
  };
  for (const Row &row : rows) {
    Stream stream;
    begin (stream, GST_FORMAT_BYTES);
    add (stream, 10);
    Rig rig;
    g_object_set (
        rig.tee (), "allow-not-linked", row.allow_not_linked, nullptr);
    rig.link_source ();
    rig.add_branch ().set_flow (row.first);
    rig.add_branch ().set_flow (row.second);
    rig.play ();
    fail_unless_equals_int (rig.push (stream), row.result);
    fail_unless (rig.sink (1).wait_buffers (row.second_got));
    fail_if (row.second_got == 0 && !rig.sink (1).bytes ().empty ());
  }
}
GST_END_TEST;

GST_START_TEST (without_branches)
{
  Stream stream = packets_stream ();
  Rig rig;
  rig.link_source ();
  rig.play ();
  fail_unless (rig.push (stream) == GST_FLOW_OK);
  g_object_set (rig.tee (), "allow-not-linked", FALSE, nullptr);
  rig.stop ();
  rig.play ();
  rig.unlink_source ();
  rig.link_source ();
  fail_unless_equals_int (rig.push (stream), GST_FLOW_NOT_LINKED);
}
GST_END_TEST;

GST_START_TEST (buffer_lists_pass_and_are_kept)
{
  TempDir temp;
  Stream stream;
  begin (stream, GST_FORMAT_BYTES);
  GstBufferList *list = gst_buffer_list_new ();
  Bytes all;
  for (std::uint8_t i = 0; i < 5; i++) {
    Bytes bytes (1000, i);
    gst_buffer_list_add (list, test::buffer (bytes).release ());
    all.insert (all.end (), bytes.begin (), bytes.end ());
  }
  Rig rig (temp.path ());
  rig.link_source ();
  rig.add_branch ();
  rig.add_branch ();
  rig.play ();
  rig.push (stream);
  fail_unless (gst_pad_push_list (rig.source (), list) == GST_FLOW_OK);
  gst_pad_push_event (rig.source (), gst_event_new_eos ());
  fail_unless (rig.sink (0).bytes () == all);
  fail_unless (rig.sink (1).bytes () == all);
  rig.stop ();
  rig.sink (0).clear ();
  rig.sink (1).clear ();
  rig.play ();
  fail_unless (rig.sink (0).wait_eos () && rig.sink (1).wait_eos ());
  fail_unless (rig.sink (0).bytes () == all);
}
GST_END_TEST;

GST_START_TEST (a_late_branch_gets_the_sticky_events)
{
  Stream stream;
  begin (stream, GST_FORMAT_BYTES);
  add (stream, 10);
  Stream rest;
  add (rest, 20);
  Rig rig;
  rig.link_source ();
  rig.add_branch ();
  rig.play ();
  rig.push (stream);
  rig.add_branch ();
  rig.push (rest);
  std::vector<std::string> log = rig.sink (1).log ();
  std::vector<std::string> events = describe (stream);
  events.pop_back ();
  events.push_back (describe (rest)[0]);
  fail_unless (log == events);
}
GST_END_TEST;

// What an application does when it hears of the caps.
GST_START_TEST (a_handler_of_the_caps_may_ask_and_add)
{
  Stream stream = packets_stream ();
  Rig rig;
  rig.link_source ();
  rig.add_branch ();
  rig.play ();
  auto heard = +[] (GObject *, GParamSpec *, gpointer data) {
    Rig &that = *static_cast<Rig *> (data);
    gint pads = 0;
    g_object_get (that.tee (), "num-src-pads", &pads, nullptr);
    fail_unless_equals_int (pads, 1);
    fail_unless (that.status () == "none");
    that.add_branch ();
  };
  Owned<GstPad> sinkpad{gst_element_get_static_pad (rig.tee (), "sink")};
  g_signal_connect (sinkpad.get (), "notify::caps", G_CALLBACK (heard), &rig);
  fail_unless (rig.push (stream) == GST_FLOW_OK);
  g_signal_handlers_disconnect_by_data (sinkpad.get (), &rig);
  fail_unless (rig.sink (0).log () == describe (stream));
  fail_unless (rig.sink (1).log () == describe (stream));
}
GST_END_TEST;

GST_START_TEST (pads_have_the_names_that_are_asked_for)
{
  Rig rig;
  auto request = [&] (const char *name) {
    return Owned<GstPad> (gst_element_request_pad_simple (rig.tee (), name));
  };
  auto named = [] (const Owned<GstPad> &pad, const char *name) {
    return pad != nullptr && g_str_equal (GST_PAD_NAME (pad.get ()), name);
  };
  Owned<GstPad> one = request ("src_1");
  Owned<GstPad> zero = request ("src_%u");
  Owned<GstPad> two = request ("src_%u");
  fail_unless (named (one, "src_1"));
  fail_unless (named (zero, "src_0"));
  fail_unless (named (two, "src_2"));
  for (const Owned<GstPad> *pad : {&one, &zero, &two})
    gst_element_release_request_pad (rig.tee (), pad->get ());
  gint pads = -1;
  g_object_get (rig.tee (), "num-src-pads", &pads, nullptr);
  fail_unless_equals_int (pads, 0);
}
GST_END_TEST;

GST_START_TEST (has_chain_refuses_push_mode)
{
  Rig rig;
  g_object_set (rig.tee (), "has-chain", FALSE, nullptr);
  fail_unless (gst_element_set_state (rig.tee (), GST_STATE_PAUSED) ==
               GST_STATE_CHANGE_FAILURE);
}
GST_END_TEST;

GST_START_TEST (a_flush_passes_and_the_stream_goes_on)
{
  Stream stream = packets_stream ();
  Rig rig;
  rig.link_source ();
  rig.add_branch ();
  rig.play ();
  rig.push (stream);
  gst_pad_push_event (rig.source (), gst_event_new_flush_start ());
  gst_pad_push_event (rig.source (), gst_event_new_flush_stop (TRUE));
  fail_unless (rig.sink ().flushed ());
  rig.sink ().clear ();
  fail_unless (rig.push (stream) == GST_FLOW_OK);
  fail_unless (rig.sink ().bytes () == payload_of (stream));
}
GST_END_TEST;

// The flush took back the end, also for who was not linked then.
GST_START_TEST (a_branch_that_is_linked_after_a_flush_goes_on)
{
  Stream stream = packets_stream ();
  // No other stream begins.
  Stream rest;
  add (rest, segment_event (GST_FORMAT_BYTES));
  add (rest, 10);
  add (rest, gst_event_new_eos ());
  Rig rig;
  rig.link_source ();
  rig.add_branch ();
  rig.add_branch (false);
  rig.play ();
  rig.push (stream);
  gst_pad_push_event (rig.source (), gst_event_new_flush_start ());
  gst_pad_push_event (rig.source (), gst_event_new_flush_stop (TRUE));
  rig.link (1);
  rig.sink (0).clear ();
  fail_unless_equals_int (rig.push (rest), GST_FLOW_OK);
  fail_unless (rig.sink (0).log () == describe (rest));
  fail_unless (rig.sink (1).bytes () == payload_of (rest));
}
GST_END_TEST;

// ---- Kept and served again
// ------------------------------------------------------

GST_START_TEST (a_byte_stream_comes_back)
{
  TempDir temp;
  Stream stream = packets_stream (GST_FORMAT_BYTES);
  record (temp.path (), stream);
  Rig rig (temp.path ());
  for (int i = 0; i < 2; i++) rig.add_branch ();
  rig.play ();
  for (std::size_t i : {std::size_t{0}, std::size_t{1}}) {
    fail_unless (rig.sink (i).wait_eos ());
    // The limits between buffers are not kept.
    std::vector<std::string> got = rig.sink (i).log ();
    std::vector<std::string> wanted = describe (stream);
    fail_unless (got[0] == wanted[0] && got[1] == wanted[1]);
    fail_unless (got[2].starts_with ("segment"));
    fail_unless (got.back () == "eos");
    fail_unless (rig.sink (i).bytes () == payload_of (stream));
  }
  fail_unless (rig.status () == "hit", "%s", rig.status ().c_str ());
  rig.assert_quiet ();
}
GST_END_TEST;

GST_START_TEST (packets_come_back)
{
  record_and_replay (packets_stream ());
}
GST_END_TEST;

GST_START_TEST (a_time_stream_comes_back)
{
  record_and_replay (time_stream ());
}
GST_END_TEST;

GST_START_TEST (a_stream_of_nothing_comes_back)
{
  Stream stream;
  begin (stream, GST_FORMAT_DEFAULT);
  add (stream, gst_event_new_eos ());
  record_and_replay (stream);
}
GST_END_TEST;

GST_START_TEST (on_a_hit_upstream_is_asked_for_nothing)
{
  TempDir temp;
  Stream stream = packets_stream ();
  record (temp.path (), stream);
  Rig rig (temp.path ());
  rig.link_source ();
  rig.add_branch ().block (true);
  for (bool to_the_end : {false, true}) {
    rig.play ();
    GstFlowReturn flow = GST_FLOW_OK;
    rig.pushed = 0;
    std::thread upstream ([&] { flow = rig.push (stream); });
    fail_unless (rig.sink ().wait_buffers (1));
    // Still in its STREAM_START.
    fail_unless (rig.pushed == 0);
    // Which the way down ends, before the source is told; or the end.
    std::thread down;
    if (to_the_end)
      rig.sink ().block (false);
    else
      down = std::thread ([&] { rig.stop (); });
    upstream.join ();
    fail_unless_equals_int (
        flow, to_the_end ? GST_FLOW_EOS : GST_FLOW_FLUSHING);
    rig.sink ().block (false);
    if (down.joinable ()) down.join ();
    fail_unless (rig.count ("bytes-received") == 0);
    if (to_the_end) break;
    rig.sink ().clear ();
    rig.sink ().block (true);
  }
  fail_unless (rig.sink ().wait_eos ());
  fail_unless (rig.sink ().bytes () == payload_of (stream));
  fail_unless (rig.seeking_queries == 0);
  rig.assert_quiet ();
}
GST_END_TEST;

GST_START_TEST (a_parked_upstream_goes_when_unlinked_or_flushed)
{
  TempDir temp;
  Stream stream = packets_stream ();
  record (temp.path (), stream);
  Rig rig (temp.path ());
  rig.link_source ();
  rig.add_branch ();
  rig.play ();
  std::thread upstream ([&] { rig.push (stream); });
  fail_unless (rig.sink ().wait_eos ());
  // A flush of upstream's is none of the branches' business.
  gst_pad_push_event (rig.source (), gst_event_new_flush_start ());
  upstream.join ();
  gst_pad_push_event (rig.source (), gst_event_new_flush_stop (TRUE));
  fail_if (rig.sink ().flushed ());
  std::thread again ([&] { rig.push (stream); });
  Owned<GstPad> sinkpad{gst_element_get_static_pad (rig.tee (), "sink")};
  gst_pad_unlink (rig.source (), sinkpad.get ());
  again.join ();
  fail_unless (rig.count ("bytes-received") == 0);
  // Linked again, it waits again.
  gst_pad_set_active (rig.source (), FALSE);
  rig.link_source ();
  std::thread last ([&] { rig.push (stream); });
  rig.stop ();
  last.join ();
  fail_unless (rig.count ("bytes-received") == 0);
}
GST_END_TEST;

// As an application does that takes another source.
GST_START_TEST (a_parked_upstream_goes_when_it_is_stopped_alone)
{
  TempDir temp;
  Stream stream = packets_stream ();
  record (temp.path (), stream);
  Rig rig (temp.path ());
  rig.link_source ();
  rig.add_branch ().block (true);
  rig.play ();
  std::thread upstream ([&] { rig.push (stream); });
  fail_unless (rig.sink ().wait_buffers (1));
  gst_pad_set_active (rig.source (), FALSE);
  upstream.join ();
  rig.sink ().block (false);
  fail_unless (rig.sink ().wait_eos ());
  fail_unless (rig.sink ().bytes () == payload_of (stream));
}
GST_END_TEST;

// Its thread is not ours for good, nor is it to be read then.
GST_START_TEST (a_source_can_be_told_to_end_when_the_cache_has)
{
  TempDir temp;
  std::atomic<int> created = 0;
  auto run = [&] (const std::string &upstream) {
    std::string line = upstream + " ! cachetee cache-key=k cache-dir=" +
                       (temp.path () / "cache").string () +
                       " ! fakesink sync=false";
    Owned<GstElement> pipeline{gst_parse_launch (line.c_str (), nullptr)};
    fail_unless (pipeline != nullptr);
    Owned<GstElement> source{
        gst_bin_get_by_name (GST_BIN (pipeline.get ()), "s")};
    auto count = +[] (GstElement *, GstBuffer *, GstPad *, gpointer data) {
      (*static_cast<std::atomic<int> *> (data))++;
    };
    g_signal_connect (source.get (), "handoff", G_CALLBACK (count), &created);
    gst_element_set_state (pipeline.get (), GST_STATE_PLAYING);
    Owned<GstMessage> message = test::wait_message (
        pipeline.get (), GST_MESSAGE_EOS | GST_MESSAGE_ERROR);
    fail_unless (GST_MESSAGE_TYPE (message.get ()) == GST_MESSAGE_EOS);
    gst_element_send_event (pipeline.get (), gst_event_new_eos ());
    gst_element_set_locked_state (source.get (), TRUE);
    gst_element_set_state (source.get (), GST_STATE_NULL);
    gst_element_set_state (pipeline.get (), GST_STATE_NULL);
  };
  std::string source =
      "fakesrc name=s num-buffers=20 sizetype=fixed sizemax=3000 "
      "format=bytes signal-handoffs=true";
  run (source);
  fail_unless_equals_int (created, 20);
  run (source);
  run ("( " + source + " ) s.");
  fail_unless_equals_int (created, 20);
  // It is read, but no further than the queue has room; and a little more on
  // the way to NULL.
  run (source + " ! queue max-size-buffers=3 ! identity");
  fail_unless (created <= 20 + 10, "%d", created.load ());
}
GST_END_TEST;

// What is upstream feeds others too: it is not kept waiting.
GST_START_TEST (on_a_hit_others_are_fed_as_ever)
{
  for (const char *queue : {"", "queue !"}) {
    TempDir temp;
    for (bool hit : {false, true}) {
      std::string line =
          "fakesrc num-buffers=300 sizetype=fixed sizemax=3000 format=bytes ! "
          "tee name=d d. ! " +
          std::string (queue) +
          " cachetee name=t cache-key=k cache-dir=" + temp.path ().string () +
          " ! fakesink sync=false async=false d. ! fakesink sync=false "
          "async=false";
      Owned<GstElement> pipeline{gst_parse_launch (line.c_str (), nullptr)};
      Owned<GstElement> tee{
          gst_bin_get_by_name (GST_BIN (pipeline.get ()), "t")};
      gst_element_set_state (pipeline.get (), GST_STATE_PLAYING);
      gint status = -1;
      g_object_get (tee.get (), "cache-status", &status, nullptr);
      fail_unless_equals_int (status, hit ? 2 : 1);
      Owned<GstMessage> message = test::wait_message (
          pipeline.get (), GST_MESSAGE_EOS | GST_MESSAGE_ERROR);
      fail_unless (message != nullptr &&
                   GST_MESSAGE_TYPE (message.get ()) == GST_MESSAGE_EOS);
      gst_element_set_state (pipeline.get (), GST_STATE_NULL);
    }
  }
}
GST_END_TEST;

// It has gone on without us.
GST_START_TEST (an_upstream_that_was_not_parked_cannot_step_in)
{
  TempDir temp;
  Stream stream = packets_stream ();
  record (temp.path (), stream);
  flip (file_of (temp.path (), ".dat"), 600000);
  Rig rig (temp.path ());
  Owned<GstElement> other{GST_ELEMENT (
      gst_object_ref_sink (gst_element_factory_make ("tee", nullptr)))};
  Owned<GstPad> source{gst_element_request_pad_simple (other.get (), "src_%u")};
  Owned<GstPad> in{gst_element_get_static_pad (other.get (), "sink")};
  Owned<GstPad> sinkpad{gst_element_get_static_pad (rig.tee (), "sink")};
  fail_unless (gst_pad_link (source.get (), sinkpad.get ()) == GST_PAD_LINK_OK);
  gst_element_set_state (other.get (), GST_STATE_PLAYING);
  rig.add_branch ().block (true);
  rig.play ();
  for (const Owned<GstMiniObject> &item : stream) {
    if (GST_IS_EVENT (item.get ()))
      gst_pad_send_event (
          in.get (), gst_event_ref (GST_EVENT_CAST (item.get ())));
    else
      fail_unless_equals_int (
          gst_pad_chain (
              in.get (), gst_buffer_ref (GST_BUFFER_CAST (item.get ()))),
          GST_FLOW_OK);
  }
  rig.sink ().block (false);
  test::assert_error (rig.wait (GST_MESSAGE_ERROR).get (), GST_RESOURCE_ERROR,
      GST_RESOURCE_ERROR_READ);
  rig.stop ();
  fail_unless (rig.count ("bytes-received") == 0);
  gst_element_set_state (other.get (), GST_STATE_NULL);
  gst_pad_unlink (source.get (), sinkpad.get ());
  gst_element_release_request_pad (other.get (), source.get ());
}
GST_END_TEST;

GST_START_TEST (a_source_is_not_read_on_a_hit)
{
  TempDir temp;
  std::atomic<int> created = 0;
  auto run = [&] (const char *sink) {
    std::string line =
        "fakesrc name=s num-buffers=20 sizetype=fixed sizemax=30000 "
        "filltype=pattern-span format=bytes signal-handoffs=true ! cachetee "
        "name=t cache-key=k cache-dir=" +
        temp.path ().string () +
        " t. ! queue ! fakesink sync=false t. ! queue ! filesink "
        "buffer-mode=unbuffered location=" +
        (temp.path () / sink).string ();
    Owned<GstElement> pipeline{gst_parse_launch (line.c_str (), nullptr)};
    Owned<GstElement> source{
        gst_bin_get_by_name (GST_BIN (pipeline.get ()), "s")};
    auto count = +[] (GstElement *, GstBuffer *, GstPad *, gpointer data) {
      (*static_cast<std::atomic<int> *> (data))++;
    };
    g_signal_connect (source.get (), "handoff", G_CALLBACK (count), &created);
    gst_element_set_state (pipeline.get (), GST_STATE_PLAYING);
    Owned<GstMessage> message = test::wait_message (
        pipeline.get (), GST_MESSAGE_EOS | GST_MESSAGE_ERROR);
    fail_unless (GST_MESSAGE_TYPE (message.get ()) == GST_MESSAGE_EOS);
    gst_element_set_state (pipeline.get (), GST_STATE_NULL);
  };
  run ("first");
  fail_unless_equals_int (created, 20);
  run ("second");
  fail_unless_equals_int (created, 20);
  Bytes first = test::read_file (temp.path () / "first");
  fail_unless (first.size () == 600000);
  fail_unless (first == test::read_file (temp.path () / "second"));
}
GST_END_TEST;

// It was told to stop; another run begins as ever.
GST_START_TEST (a_source_that_was_kept_waiting_can_be_used_again)
{
  TempDir temp;
  std::string line =
      "fakesrc name=s num-buffers=20 sizetype=fixed sizemax=3000 "
      "format=bytes signal-handoffs=true ! cachetee cache-key=k cache-dir=" +
      (temp.path () / "cache").string () + " ! fakesink sync=false";
  Owned<GstElement> pipeline{gst_parse_launch (line.c_str (), nullptr)};
  Owned<GstElement> source{
      gst_bin_get_by_name (GST_BIN (pipeline.get ()), "s")};
  std::atomic<int> created = 0;
  auto count = +[] (GstElement *, GstBuffer *, GstPad *, gpointer data) {
    (*static_cast<std::atomic<int> *> (data))++;
  };
  g_signal_connect (source.get (), "handoff", G_CALLBACK (count), &created);
  for (int expected : {20, 20, 20, 40}) {
    if (expected == 40) fs::remove_all (temp.path () / "cache");
    gst_element_set_state (pipeline.get (), GST_STATE_PLAYING);
    Owned<GstMessage> message = test::wait_message (
        pipeline.get (), GST_MESSAGE_EOS | GST_MESSAGE_ERROR);
    fail_unless (GST_MESSAGE_TYPE (message.get ()) == GST_MESSAGE_EOS);
    gst_element_set_state (pipeline.get (), GST_STATE_READY);
    fail_unless_equals_int (created, expected);
  }
  gst_element_set_state (pipeline.get (), GST_STATE_NULL);
}
GST_END_TEST;

GST_START_TEST (a_file_is_not_read_on_a_hit)
{
  TempDir temp;
  Bytes content (1000000, 7);
  fs::path in = temp.path () / "in";
  fs::path out = temp.path () / "out";
  auto run = [&] {
    std::string line = "filesrc location=" + in.string () +
                       " ! cachetee cache-key=k cache-dir=" +
                       (temp.path () / "cache").string () +
                       " ! filesink location=" + out.string ();
    Owned<GstElement> pipeline{gst_parse_launch (line.c_str (), nullptr)};
    gst_element_set_state (pipeline.get (), GST_STATE_PLAYING);
    Owned<GstMessage> message = test::wait_message (
        pipeline.get (), GST_MESSAGE_EOS | GST_MESSAGE_ERROR);
    fail_unless (GST_MESSAGE_TYPE (message.get ()) == GST_MESSAGE_EOS);
    gst_element_set_state (pipeline.get (), GST_STATE_NULL);
    fail_unless (test::read_file (out) == content);
  };
  test::write_file (in, content);
  run ();
  // It opens the file, and would find another one.
  test::write_file (in, test::hex ("00"));
  run ();
}
GST_END_TEST;

GST_START_TEST (one_element_records_and_then_serves)
{
  TempDir temp;
  Stream stream = packets_stream ();
  Rig rig (temp.path ());
  rig.link_source ();
  rig.add_branch ();
  rig.play ();
  fail_unless (rig.push (stream) == GST_FLOW_OK);
  for (int i = 0; i < 3; i++) {
    rig.sink ().clear ();
    gst_element_set_state (
        rig.tee (), i % 2 == 0 ? GST_STATE_READY : GST_STATE_NULL);
    rig.play ();
    fail_unless (rig.sink ().wait_eos ());
    fail_unless (rig.sink ().log () == describe (stream));
  }
  fail_unless (rig.count ("cache-misses") == 1);
  fail_unless (rig.count ("cache-hits") == 3);
  // Another key in READY is looked up on the way to PAUSED.
  gst_element_set_state (rig.tee (), GST_STATE_READY);
  g_object_set (rig.tee (), "cache-key", "another", nullptr);
  rig.play ();
  fail_unless (rig.status () == "miss", "%s", rig.status ().c_str ());
}
GST_END_TEST;

GST_START_TEST (late_and_unlinked_branches_are_served_too)
{
  TempDir temp;
  Stream stream = time_stream ();
  record (temp.path (), stream);
  Rig rig (temp.path ());
  rig.add_branch (false);
  rig.play ();
  rig.add_branch ();
  fail_unless (rig.sink (1).wait_eos ());
  fail_unless (rig.sink (0).log ().empty ());
  rig.link (0);
  fail_unless (rig.sink (0).wait_eos ());
  fail_unless (rig.sink (0).log () == describe (stream));
  fail_unless (rig.sink (1).log () == describe (stream));
}
GST_END_TEST;

// NOT_LINKED in the middle: nothing is lost.
GST_START_TEST (a_branch_that_is_linked_again_goes_on)
{
  TempDir temp;
  Stream stream = packets_stream ();
  record (temp.path (), stream);
  Rig rig (temp.path ());
  Sink &sink = rig.add_branch ();
  sink.block (true);
  rig.play ();
  fail_unless (sink.wait_buffers (1));
  // The one in our hands is taken, the next finds no peer.
  gst_pad_unlink (rig.src (), sink.pad ());
  sink.block (false);
  rig.link (0);
  fail_unless (sink.wait_eos ());
  fail_unless (sink.bytes () == payload_of (stream));
}
GST_END_TEST;

GST_START_TEST (branches_behind_ghost_pads_are_served)
{
  TempDir temp;
  Stream stream = packets_stream ();
  record (temp.path (), stream);
  Owned<GstElement> bin{GST_ELEMENT (gst_object_ref_sink (gst_bin_new ("b")))};
  GstElement *tee = gst_element_factory_make ("cachetee", nullptr);
  g_object_set (
      tee, "cache-dir", temp.path ().c_str (), "cache-key", "key", nullptr);
  gst_bin_add (GST_BIN (bin.get ()), tee);
  Owned<GstPad> pad{gst_element_request_pad_simple (tee, "src_%u")};
  GstPad *ghost = gst_ghost_pad_new ("ghost", pad.get ());
  gst_element_add_pad (bin.get (), ghost);
  gst_element_set_state (bin.get (), GST_STATE_PLAYING);
  Sink sink;
  fail_unless (gst_pad_link (ghost, sink.pad ()) == GST_PAD_LINK_OK);
  fail_unless (sink.wait_eos ());
  fail_unless (sink.bytes () == payload_of (stream));
  gst_element_set_state (bin.get (), GST_STATE_NULL);
  gst_pad_unlink (ghost, sink.pad ());
}
GST_END_TEST;

GST_START_TEST (a_branch_that_ends_does_not_end_the_others)
{
  TempDir temp;
  Stream stream = packets_stream ();
  record (temp.path (), stream);
  Rig rig (temp.path ());
  rig.add_branch ().set_flow (GST_FLOW_EOS);
  rig.add_branch ();
  rig.play ();
  fail_unless (rig.sink (0).wait_eos ());
  fail_unless (rig.sink (1).wait_eos ());
  fail_unless (rig.sink (1).log () == describe (stream));
  rig.assert_quiet ();
}
GST_END_TEST;

GST_START_TEST (a_branch_that_fails_is_an_error)
{
  TempDir temp;
  record (temp.path (), packets_stream ());
  Rig rig (temp.path ());
  rig.add_branch ().set_flow (GST_FLOW_ERROR);
  rig.play ();
  test::assert_error (rig.wait (GST_MESSAGE_ERROR).get (), GST_STREAM_ERROR,
      GST_STREAM_ERROR_FAILED);
}
GST_END_TEST;

GST_START_TEST (queries_on_a_hit_tell_of_the_cache)
{
  TempDir temp;
  Stream stream = packets_stream (GST_FORMAT_BYTES);
  record (temp.path (), stream);
  Rig rig (temp.path ());
  rig.link_source ();
  Sink &sink = rig.add_branch ();
  rig.play ();
  fail_unless (sink.wait_eos ());
  gint64 duration = 0;
  fail_unless (
      gst_pad_peer_query_duration (sink.pad (), GST_FORMAT_BYTES, &duration));
  fail_unless (duration == static_cast<gint64> (payload_of (stream).size ()));
  fail_if (
      gst_pad_peer_query_duration (sink.pad (), GST_FORMAT_TIME, &duration));

  Owned<GstQuery> seeking{gst_query_new_seeking (GST_FORMAT_BYTES)};
  fail_unless (gst_pad_peer_query (sink.pad (), seeking.get ()));
  gboolean seekable = FALSE;
  gst_query_parse_seeking (
      seeking.get (), nullptr, &seekable, nullptr, nullptr);
  fail_unless (seekable);
  fail_unless (rig.seeking_queries == 0);
  fail_if (gst_pad_push_event (sink.pad (),
      gst_event_new_seek (2.0, GST_FORMAT_BYTES, GST_SEEK_FLAG_FLUSH,
          GST_SEEK_TYPE_SET, 0, GST_SEEK_TYPE_NONE, -1)));
  fail_if (gst_pad_push_event (sink.pad (),
      gst_event_new_seek (1.0, GST_FORMAT_TIME, GST_SEEK_FLAG_FLUSH,
          GST_SEEK_TYPE_SET, 0, GST_SEEK_TYPE_NONE, -1)));

  Owned<GstQuery> scheduling{gst_query_new_scheduling ()};
  fail_unless (gst_pad_peer_query (sink.pad (), scheduling.get ()));
  fail_unless (
      gst_query_has_scheduling_mode (scheduling.get (), GST_PAD_MODE_PUSH));
  fail_if (
      gst_query_has_scheduling_mode (scheduling.get (), GST_PAD_MODE_PULL));

  Owned<GstQuery> latency{gst_query_new_latency ()};
  fail_unless (gst_pad_peer_query (sink.pad (), latency.get ()));
  gboolean live = TRUE;
  gst_query_parse_latency (latency.get (), &live, nullptr, nullptr);
  fail_if (live);

  Owned<GstCaps> caps{gst_pad_peer_query_caps (sink.pad (), nullptr)};
  Owned<GstCaps> expected{gst_caps_from_string ("video/quicktime,variant=iso")};
  fail_unless (gst_caps_is_equal (caps.get (), expected.get ()));
}
GST_END_TEST;

GST_START_TEST (messages_tell_the_status_and_the_counters)
{
  TempDir temp;
  Stream stream = packets_stream ();
  auto next = [] (Rig &rig, const char *name) {
    while (true) {
      Owned<GstMessage> message = rig.wait (GST_MESSAGE_ELEMENT);
      fail_unless (message != nullptr, "no %s", name);
      const GstStructure *structure =
          gst_message_get_structure (message.get ());
      if (gst_structure_has_name (structure, name)) return message;
    }
  };
  auto has = [] (const Owned<GstMessage> &message, const char *field,
                 const char *value) {
    return g_str_equal (gst_structure_get_string (
                            gst_message_get_structure (message.get ()), field),
        value);
  };
  {
    Rig rig (temp.path ());
    rig.link_source ();
    rig.add_branch ();
    rig.play ();
    Owned<GstMessage> status = next (rig, "cachetee-status");
    fail_unless (has (status, "status", "miss"));
    fail_unless (has (status, "reason", "not found"));
    rig.push (stream);
    Owned<GstMessage> stats = next (rig, "cachetee-stats");
    fail_unless (has (stats, "status", "miss"));
    fail_unless (rig.message (GST_MESSAGE_ELEMENT) == nullptr);
    gint status_value = -1;
    g_object_get (rig.tee (), "cache-status", &status_value, nullptr);
    fail_unless_equals_int (status_value, 1);
  }
  Rig rig (temp.path ());
  rig.add_branch ();
  rig.add_branch ();
  rig.play ();
  fail_unless (has (next (rig, "cachetee-status"), "status", "hit"));
  Owned<GstMessage> message = next (rig, "cachetee-stats");
  Owned<GstStructure> stats = rig.stats ();
  fail_unless (gst_structure_is_equal (
      stats.get (), gst_message_get_structure (message.get ())));
  fail_unless (rig.sink (0).wait_eos () && rig.sink (1).wait_eos ());
  fail_unless (rig.message (GST_MESSAGE_ELEMENT) == nullptr);
}
GST_END_TEST;

// ---- What is not kept
// --------------------------------------------------------

GST_START_TEST (a_part_is_not_served_as_the_whole)
{
  struct Row
  {
    const char *reason;
    std::function<void (Rig &, Stream)> play;
  };
  auto cut = [] (Stream stream) {
    stream.pop_back ();
    return stream;
  };
  const std::vector<Row> rows{
      {"stopped", [&] (Rig &rig, Stream s) { rig.push (cut (std::move (s))); }},
      {"flush",
          [&] (Rig &rig, Stream s) {
            Stream rest = packets_stream ();
            rig.push (cut (std::move (s)));
            gst_pad_push_event (rig.source (), gst_event_new_flush_start ());
            gst_pad_push_event (rig.source (), gst_event_new_flush_stop (TRUE));
            rig.push (rest);
          }},
      {"part",
          [] (Rig &rig, Stream) {
            Stream fast;
            add (fast, gst_event_new_stream_start ("x"));
            GstSegment segment;
            gst_segment_init (&segment, GST_FORMAT_TIME);
            segment.rate = 2.0;
            add (fast, gst_event_new_segment (&segment));
            add (fast, 10);
            add (fast, gst_event_new_eos ());
            rig.push (fast);
          }},
      {"part",
          [&] (Rig &rig, Stream) {
            rig.push (times (5 * second, GST_CLOCK_TIME_NONE, 60 * second));
          }},
      {"part", [&] (Rig &rig,
                   Stream) { rig.push (times (0, 7 * second, 60 * second)); }},
      {"part",
          [&] (Rig &rig, Stream) {
            rig.push (times (0, 7 * second, GST_CLOCK_TIME_NONE));
          }},
      // A source sends EOS after whatever result.
      {"stopped",
          [] (Rig &rig, Stream s) {
            rig.sink ().set_flow (GST_FLOW_EOS);
            rig.push (s);
            gst_pad_push_event (rig.source (), gst_event_new_eos ());
          }},
      {"stopped",
          [] (Rig &rig, Stream) {
            rig.sink ().set_flow (GST_FLOW_ERROR);
            rig.push (time_stream ());
            gst_pad_push_event (rig.source (), gst_event_new_eos ());
          }},
      {"stopped",
          [] (Rig &rig, Stream s) {
            GstBufferList *list = gst_buffer_list_new ();
            gst_buffer_list_add (
                list, test::buffer (test::hex ("00")).release ());
            s.resize (3);
            rig.push (s);
            rig.sink ().set_flow (GST_FLOW_EOS);
            gst_pad_push_list (rig.source (), list);
            gst_pad_push_event (rig.source (), gst_event_new_eos ());
          }},
      {"stopped",
          [] (Rig &rig, Stream s) {
            g_object_set (rig.tee (), "allow-not-linked", FALSE, nullptr);
            gst_pad_unlink (rig.src (), rig.sink ().pad ());
            rig.push (s);
            gst_pad_push_event (rig.source (), gst_event_new_eos ());
          }},
      {"meta",
          [] (Rig &rig, Stream s) {
            GstBuffer *buffer = GST_BUFFER_CAST (s[3].get ());
            gst_buffer_add_video_region_of_interest_meta (
                buffer, "x", 0, 0, 1, 1);
            rig.push (s);
          }},
  };
  for (const Row &row : rows) {
    TempDir temp;
    Rig rig (temp.path ());
    rig.link_source ();
    rig.add_branch ();
    rig.play ();
    row.play (rig, packets_stream ());
    rig.stop ();
    rig.assert_quiet ();
    fail_unless (rig.status () == "bypass" && rig.reason () == row.reason,
        "%s instead of %s", rig.reason ().c_str (), row.reason);
    fail_unless (rig.count ("objects-dropped") == 1);
    fail_unless (rig.count ("objects-stored") == 0);
    fail_if (is_hit (temp.path ()), "%s", row.reason);
  }
}
GST_END_TEST;

GST_START_TEST (the_right_length_is_kept)
{
  TempDir temp;
  Stream stream = packets_stream ();
  Rig rig (temp.path ());
  rig.link_source ();
  rig.duration = static_cast<gint64> (payload_of (stream).size ());
  rig.play ();
  rig.push (stream);
  rig.stop ();
  fail_unless (is_hit (temp.path ()));
}
GST_END_TEST;

GST_START_TEST (a_stop_at_the_end_is_no_part)
{
  for (GstClockTime stop : {60 * second, 61 * second}) {
    TempDir temp;
    record (temp.path (), times (0, stop, 60 * second));
    fail_unless (is_hit (temp.path ()));
  }
}
GST_END_TEST;

// As a demuxer does, which has all it wants with the last byte.
GST_START_TEST (an_eos_from_a_branch_at_the_end_is_no_harm)
{
  TempDir temp;
  Stream stream;
  begin (stream, GST_FORMAT_BYTES);
  add (stream, 1000);
  Rig rig (temp.path ());
  rig.link_source ();
  rig.duration = 1000;
  rig.add_branch ().set_flow (GST_FLOW_EOS);
  rig.play ();
  fail_unless_equals_int (rig.push (stream), GST_FLOW_EOS);
  gst_pad_push_event (rig.source (), gst_event_new_eos ());
  rig.stop ();
  fail_unless (is_hit (temp.path ()));
}
GST_END_TEST;

// It takes no part: the stream goes on, and is whole.
GST_START_TEST (a_branch_that_is_not_linked_does_not_end_the_recording)
{
  TempDir temp;
  Stream stream = packets_stream ();
  Rig rig (temp.path ());
  rig.link_source ();
  rig.add_branch (false);
  rig.add_branch ().set_flow (GST_FLOW_NOT_LINKED);
  rig.play ();
  fail_unless_equals_int (rig.push (stream), GST_FLOW_OK);
  rig.stop ();
  fail_unless (is_hit (temp.path ()));
}
GST_END_TEST;

GST_START_TEST (the_second_of_two_writers_steps_aside)
{
  TempDir temp;
  Stream stream = packets_stream ();
  Rig one (temp.path ());
  Rig two (temp.path ());
  for (Rig *rig : {&one, &two}) {
    rig->link_source ();
    rig->add_branch ();
    rig->play ();
  }
  // Who has the first segment.
  auto head = [&] (Rig &rig) {
    Stream first;
    for (std::size_t i = 0; i < 3; i++)
      first.emplace_back (gst_mini_object_ref (stream[i].get ()));
    return rig.push (first);
  };
  auto rest = [&] (Rig &rig) {
    Stream last;
    for (std::size_t i = 3; i < stream.size (); i++)
      last.emplace_back (gst_mini_object_ref (stream[i].get ()));
    return rig.push (last);
  };
  head (one);
  head (two);
  fail_unless (one.status () == "miss", "%s", one.status ().c_str ());
  fail_unless (two.status () == "bypass", "%s", two.status ().c_str ());
  fail_unless (two.reason () == "busy", "%s", two.reason ().c_str ());
  std::thread other ([&] { rest (one); });
  fail_unless (rest (two) == GST_FLOW_OK);
  other.join ();
  fail_unless (one.sink ().log () == describe (stream));
  fail_unless (two.sink ().log () == describe (stream));
  two.stop ();
  one.stop ();
  one.assert_quiet ();
  two.assert_quiet ();
  fail_unless (is_hit (temp.path ()));
}
GST_END_TEST;

// ---- Faults ----------------------------------------------------------------

GST_START_TEST (a_folder_that_cannot_be_made_is_one_warning)
{
  TempDir temp;
  test::write_file (temp.path () / "file", test::hex ("00"));
  Stream stream = packets_stream ();
  Rig rig (temp.path () / "file" / "cache");
  rig.link_source ();
  rig.add_branch ();
  rig.play ();
  fail_unless (rig.push (stream) == GST_FLOW_OK);
  fail_unless (rig.sink ().log () == describe (stream));
  rig.stop ();
  test::assert_error (rig.message (GST_MESSAGE_WARNING).get (),
      GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_OPEN_WRITE);
  rig.assert_quiet ();
  fail_unless (rig.status () == "bypass", "%s", rig.status ().c_str ());
  fail_unless (
      rig.reason () == "cannot make folder", "%s", rig.reason ().c_str ());
  fail_unless (rig.count ("store-failures") == 1);
}
GST_END_TEST;

GST_START_TEST (a_folder_without_a_key_is_one_warning)
{
  TempDir temp;
  Stream stream = packets_stream ();
  Rig rig (temp.path (), nullptr);
  rig.link_source ();
  rig.add_branch ();
  rig.play ();
  fail_unless (rig.push (stream) == GST_FLOW_OK);
  fail_unless (rig.sink ().log () == describe (stream));
  test::assert_error (rig.message (GST_MESSAGE_WARNING).get (),
      GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_SETTINGS);
  rig.assert_quiet ();
  fail_unless (rig.reason () == "no cache-key", "%s", rig.reason ().c_str ());
}
GST_END_TEST;

GST_START_TEST (a_key_that_is_too_long_is_one_warning)
{
  TempDir temp;
  Stream stream = packets_stream ();
  Rig rig (temp.path (), std::string (65481, 'k').c_str ());
  rig.link_source ();
  rig.add_branch ();
  rig.play ();
  fail_unless (rig.push (stream) == GST_FLOW_OK);
  fail_unless (rig.sink ().bytes () == payload_of (stream));
  test::assert_error (rig.message (GST_MESSAGE_WARNING).get (),
      GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_SETTINGS);
  rig.assert_quiet ();
}
GST_END_TEST;

GST_START_TEST (a_full_disk_is_one_warning)
{
  TempDir temp;
  Stream stream = packets_stream ();
  rlimit before{};
  getrlimit (RLIMIT_FSIZE, &before);
  rlimit small{300000, before.rlim_max};
  {
    Rig rig (temp.path ());
    rig.link_source ();
    rig.add_branch ();
    setrlimit (RLIMIT_FSIZE, &small);
    rig.play ();
    fail_unless (rig.push (stream) == GST_FLOW_OK);
    rig.stop ();
    setrlimit (RLIMIT_FSIZE, &before);
    fail_unless (rig.sink ().log () == describe (stream));
    test::assert_error (rig.message (GST_MESSAGE_WARNING).get (),
        GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_NO_SPACE_LEFT);
    rig.assert_quiet ();
    fail_unless (rig.count ("store-failures") == 1);
    fail_unless (rig.count ("objects-dropped") == 1);
    fail_unless (rig.count ("objects-stored") == 0);
  }
  fail_if (is_hit (temp.path ()));
}
GST_END_TEST;

// A slice after the other: what the branches get is what was recorded.
GST_START_TEST (what_the_cache_lost_comes_from_upstream)
{
  TempDir temp;
  Stream stream = packets_stream ();
  record (temp.path (), stream);
  fs::path data = file_of (temp.path (), ".dat");
  const Bytes good = test::read_file (data);
  // The first events, the slices, and their tables.
  for (std::size_t at = 4096; at < good.size (); at += 60000) {
    TempDir copy;
    fs::copy (temp.path (), copy.path (), fs::copy_options::recursive);
    flip (file_of (copy.path (), ".dat"), at);
    Rig rig (copy.path ());
    rig.link_source ();
    rig.duration = static_cast<gint64> (payload_of (stream).size ());
    rig.add_branch ();
    rig.add_branch ();
    rig.add_branch (false);
    rig.play ();
    fail_unless (rig.push (stream) == GST_FLOW_OK);
    fail_unless (rig.sink (0).wait_eos () && rig.sink (1).wait_eos ());
    fail_unless (rig.sink (0).bytes () == payload_of (stream));
    fail_unless (rig.sink (1).bytes () == payload_of (stream));
    fail_unless (rig.sink (0).log ()[0] == describe (stream)[0]);
    fail_unless (rig.sink (0).log ()[2] == describe (stream)[2]);
    fail_unless (rig.count ("corrupt-slices") == 1);
    test::assert_error (rig.message (GST_MESSAGE_WARNING).get (),
        GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_READ);
    rig.stop ();
    rig.assert_quiet ();
    // And was kept again.
    fail_unless (is_hit (copy.path ()));
    fail_unless (rig.count ("objects-stored") == 1);
    flip (file_of (copy.path (), ".idx"), 0);
    fail_if (is_hit (copy.path ()));
  }
}
GST_END_TEST;

GST_START_TEST (a_damaged_cache_without_upstream_is_an_error)
{
  TempDir temp;
  Stream stream = packets_stream ();
  record (temp.path (), stream);
  flip (file_of (temp.path (), ".dat"), 600000);
  Rig rig (temp.path ());
  rig.add_branch ();
  rig.play ();
  test::assert_error (rig.wait (GST_MESSAGE_ERROR).get (), GST_RESOURCE_ERROR,
      GST_RESOURCE_ERROR_READ);
  fail_unless (rig.sink ().wait_eos ());
  Bytes got = rig.sink ().bytes ();
  Bytes wanted = payload_of (stream);
  fail_unless (got.size () < wanted.size ());
  fail_unless (std::equal (got.begin (), got.end (), wanted.begin ()));
}
GST_END_TEST;

GST_START_TEST (two_resources_are_never_stitched)
{
  TempDir temp;
  Stream stream = packets_stream ();
  record (temp.path (), stream);
  flip (file_of (temp.path (), ".dat"), 900000);
  for (bool shorter : {false, true}) {
    Stream other = packets_stream ();
    if (shorter) {
      other.clear ();
      begin (other, GST_FORMAT_BYTES);
      other.push_back (
          Owned<GstMiniObject> (gst_mini_object_ref (stream[3].get ())));
      add (other, gst_event_new_eos ());
    }
    Rig rig (temp.path ());
    rig.link_source ();
    rig.add_branch ();
    rig.play ();
    rig.push (other);
    test::assert_error (rig.wait (GST_MESSAGE_ERROR).get (), GST_RESOURCE_ERROR,
        GST_RESOURCE_ERROR_READ);
    rig.stop ();
    Bytes got = rig.sink ().bytes ();
    Bytes wanted = payload_of (stream);
    fail_unless (got.size () < wanted.size ());
    fail_unless (std::equal (got.begin (), got.end (), wanted.begin ()));
  }
}
GST_END_TEST;

// ---- Stopping, adding and removing
// ---------------------------------------------

GST_START_TEST (a_blocked_branch_can_be_released)
{
  TempDir temp;
  Stream stream = packets_stream ();
  record (temp.path (), stream);
  Rig rig (temp.path ());
  Sink &slow = rig.add_branch ();
  Sink &other = rig.add_branch ();
  slow.block (true);
  rig.play ();
  fail_unless (slow.wait_buffers (1));
  // As an application does: the pad first, then what was behind it.
  rig.release (0);
  fail_unless (other.wait_eos ());
  fail_unless (other.log () == describe (stream));
  slow.block (false);
}
GST_END_TEST;

GST_START_TEST (stopping_ends_every_wait)
{
  TempDir temp;
  Stream stream = packets_stream ();
  record (temp.path (), stream);
  for (int round = 0; round < 20; round++) {
    Rig rig (temp.path ());
    rig.link_source ();
    rig.add_branch ();
    rig.add_branch (false);
    rig.play ();
    std::thread upstream ([&] { rig.push (stream); });
    if (round % 2 == 0) fail_unless (rig.sink ().wait_buffers (1));
    rig.stop ();
    upstream.join ();
  }
}
GST_END_TEST;

GST_START_TEST (pads_come_and_go_while_it_streams)
{
  TempDir temp;
  Stream stream = packets_stream ();
  for (bool hit : {false, true}) {
    Rig rig (temp.path ());
    if (!hit) rig.link_source ();
    rig.add_branch ();
    if (hit) rig.sink ().block (true);
    rig.play ();
    std::atomic<bool> done = false;
    std::thread upstream;
    if (!hit)
      upstream = std::thread ([&] {
        // Recorded once, and passed on until the others had enough.
        do rig.push (stream);
        while (!done);
      });
    std::vector<std::thread> users;
    for (int i = 0; i < 2; i++) {
      users.emplace_back ([&] {
        for (int round = 0; round < 100; round++) {
          Sink sink;
          Owned<GstPad> pad{
              gst_element_request_pad_simple (rig.tee (), "src_%u")};
          fail_unless (pad != nullptr);
          gst_pad_link (pad.get (), sink.pad ());
          if (round % 3 != 0)
            fail_unless (sink.wait_buffers (1), "hit %d round %d: %zu", hit,
                round, sink.log ().size ());
          gst_element_release_request_pad (rig.tee (), pad.get ());
          gst_pad_set_active (sink.pad (), FALSE);
        }
      });
    }
    for (std::thread &user : users) user.join ();
    done = true;
    rig.sink ().block (false);
    if (upstream.joinable ()) upstream.join ();
    fail_unless (rig.sink ().wait_eos ());
    if (hit) fail_unless (rig.sink ().log () == describe (stream));
    rig.stop ();
    rig.assert_quiet ();
    fail_unless (rig.status () == (hit ? "hit" : "miss"));
  }
}
GST_END_TEST;

GST_START_TEST (pads_may_go_while_it_stops)
{
  TempDir temp;
  record (temp.path (), packets_stream ());
  Rig rig (temp.path ());
  for (int round = 0; round < 50; round++) {
    std::vector<Owned<GstPad>> pads;
    for (int i = 0; i < 20; i++)
      pads.emplace_back (gst_element_request_pad_simple (rig.tee (), "src_%u"));
    // Two runs for each of them.
    rig.play ();
    rig.stop ();
    rig.play ();
    std::thread releasing ([&] {
      for (const Owned<GstPad> &pad : pads)
        gst_element_release_request_pad (rig.tee (), pad.get ());
    });
    rig.stop ();
    releasing.join ();
  }
}
GST_END_TEST;

// A thread that has ended and was not joined keeps its stack.
GST_START_TEST (threads_of_released_branches_do_not_pile_up)
{
  TempDir temp;
  record (temp.path (), packets_stream ());
  auto megabytes = [] {
    std::size_t pages = 0;
    std::ifstream ("/proc/self/statm") >> pages;
    return pages * static_cast<std::size_t> (sysconf (_SC_PAGESIZE)) >> 20;
  };
  Rig rig (temp.path ());
  rig.play ();
  std::size_t before = megabytes ();
  constexpr int rounds = 500;
  for (int round = 0; round < rounds; round++) {
    Owned<GstPad> pad{gst_element_request_pad_simple (rig.tee (), "src_%u")};
    fail_unless (pad != nullptr);
    gst_element_release_request_pad (rig.tee (), pad.get ());
  }
  // Each has 8. Those that have not run yet end soon, and go with the next pad.
  gint64 limit = g_get_monotonic_time () + 20 * G_USEC_PER_SEC;
  while (megabytes () >= before + rounds * std::size_t{4}) {
    fail_unless (g_get_monotonic_time () < limit, "%zu MB, then %zu", before,
        megabytes ());
    Owned<GstPad> pad{gst_element_request_pad_simple (rig.tee (), "src_%u")};
    gst_element_release_request_pad (rig.tee (), pad.get ());
  }
}
GST_END_TEST;

GST_START_TEST (a_slow_branch_does_not_hold_up_the_others_on_a_hit)
{
  TempDir temp;
  Stream stream = packets_stream ();
  record (temp.path (), stream);
  Rig rig (temp.path ());
  rig.add_branch ().block (true);
  rig.add_branch ();
  rig.play ();
  fail_unless (rig.sink (1).wait_eos ());
  fail_unless (rig.sink (1).log () == describe (stream));
  rig.sink (0).block (false);
  fail_unless (rig.sink (0).wait_eos ());
  fail_unless (rig.sink (0).log () == describe (stream));
}
GST_END_TEST;

GST_START_TEST (properties_that_are_set_too_late_keep_their_value)
{
  TempDir temp;
  Stream stream = packets_stream ();
  Rig rig (temp.path ());
  rig.link_source ();
  rig.add_branch ();
  rig.play ();
  Stream rest;
  for (std::size_t i = 5; i < stream.size (); i++)
    rest.push_back (std::move (stream[i]));
  stream.resize (5);
  rig.push (stream);
  g_object_set (rig.tee (), "cache-key", "late", "cache-dir", "/late",
      "on-slow-store", 1, "allow-not-linked", FALSE, nullptr);
  gchar *raw = nullptr;
  gint slow = -1;
  gboolean allow = TRUE;
  g_object_get (rig.tee (), "cache-key", &raw, "on-slow-store", &slow,
      "allow-not-linked", &allow, nullptr);
  Owned<gchar> key{raw};
  fail_unless_equals_string (raw, "key");
  fail_unless_equals_int (slow, 0);
  fail_if (allow);
  fail_unless (rig.push (rest) == GST_FLOW_OK);
  rig.stop ();
  fail_unless (is_hit (temp.path ()));
}
GST_END_TEST;

GST_START_TEST (state_cycles_leave_nothing)
{
  TempDir temp;
  Rig rig (temp.path ());
  rig.add_branch ();
  for (int i = 0; i < 3; i++) {
    rig.play ();
    rig.stop ();
  }
  rig.assert_quiet ();
  fail_unless (rig.count ("cache-misses") == 3);
  for (const auto &entry : fs::recursive_directory_iterator (temp.path ()))
    fail_if (entry.path ().extension () == ".idx");
}
GST_END_TEST;

static Suite *cachetee_suite ()
{
  Suite *suite = suite_create ("cachetee");
  TCase *tests = tcase_create ("all");
  suite_add_tcase (suite, tests);
  tcase_add_test (tests, every_branch_gets_the_same_buffers);
  tcase_add_test (tests, flows_are_combined_as_in_tee);
  tcase_add_test (tests, without_branches);
  tcase_add_test (tests, buffer_lists_pass_and_are_kept);
  tcase_add_test (tests, a_late_branch_gets_the_sticky_events);
  tcase_add_test (tests, a_handler_of_the_caps_may_ask_and_add);
  tcase_add_test (tests, pads_have_the_names_that_are_asked_for);
  tcase_add_test (tests, has_chain_refuses_push_mode);
  tcase_add_test (tests, a_flush_passes_and_the_stream_goes_on);
  tcase_add_test (tests, a_branch_that_is_linked_after_a_flush_goes_on);
  tcase_add_test (tests, a_byte_stream_comes_back);
  tcase_add_test (tests, packets_come_back);
  tcase_add_test (tests, a_time_stream_comes_back);
  tcase_add_test (tests, a_stream_of_nothing_comes_back);
  tcase_add_test (tests, on_a_hit_upstream_is_asked_for_nothing);
  tcase_add_test (tests, a_parked_upstream_goes_when_unlinked_or_flushed);
  tcase_add_test (tests, a_parked_upstream_goes_when_it_is_stopped_alone);
  tcase_add_test (tests, a_source_can_be_told_to_end_when_the_cache_has);
  tcase_add_test (tests, on_a_hit_others_are_fed_as_ever);
  tcase_add_test (tests, an_upstream_that_was_not_parked_cannot_step_in);
  tcase_add_test (tests, a_source_is_not_read_on_a_hit);
  tcase_add_test (tests, a_source_that_was_kept_waiting_can_be_used_again);
  tcase_add_test (tests, a_file_is_not_read_on_a_hit);
  tcase_add_test (tests, one_element_records_and_then_serves);
  tcase_add_test (tests, late_and_unlinked_branches_are_served_too);
  tcase_add_test (tests, a_branch_that_is_linked_again_goes_on);
  tcase_add_test (tests, branches_behind_ghost_pads_are_served);
  tcase_add_test (tests, a_branch_that_ends_does_not_end_the_others);
  tcase_add_test (tests, a_branch_that_fails_is_an_error);
  tcase_add_test (tests, queries_on_a_hit_tell_of_the_cache);
  tcase_add_test (tests, messages_tell_the_status_and_the_counters);
  tcase_add_test (tests, a_part_is_not_served_as_the_whole);
  tcase_add_test (tests, the_right_length_is_kept);
  tcase_add_test (tests, a_stop_at_the_end_is_no_part);
  tcase_add_test (tests, an_eos_from_a_branch_at_the_end_is_no_harm);
  tcase_add_test (
      tests, a_branch_that_is_not_linked_does_not_end_the_recording);
  tcase_add_test (tests, the_second_of_two_writers_steps_aside);
  tcase_add_test (tests, a_folder_that_cannot_be_made_is_one_warning);
  tcase_add_test (tests, a_folder_without_a_key_is_one_warning);
  tcase_add_test (tests, a_key_that_is_too_long_is_one_warning);
  tcase_add_test (tests, a_full_disk_is_one_warning);
  tcase_add_test (tests, what_the_cache_lost_comes_from_upstream);
  tcase_add_test (tests, a_damaged_cache_without_upstream_is_an_error);
  tcase_add_test (tests, two_resources_are_never_stitched);
  tcase_add_test (tests, a_blocked_branch_can_be_released);
  tcase_add_test (tests, stopping_ends_every_wait);
  tcase_add_test (tests, pads_come_and_go_while_it_streams);
  tcase_add_test (tests, pads_may_go_while_it_stops);
  tcase_add_test (tests, threads_of_released_branches_do_not_pile_up);
  tcase_add_test (tests, a_slow_branch_does_not_hold_up_the_others_on_a_hit);
  tcase_add_test (tests, properties_that_are_set_too_late_keep_their_value);
  tcase_add_test (tests, state_cycles_leave_nothing);
  return suite;
}

GST_CHECK_MAIN (cachetee)

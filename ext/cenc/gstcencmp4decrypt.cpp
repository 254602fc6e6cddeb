// SPDX-License-Identifier: LGPL-2.1-or-later
/**
 * SECTION:element-cencmp4decrypt
 * @title: cencmp4decrypt
 * @short_description: decrypts an MP4 byte stream of Common Encryption
 *
 * Takes the bytes of fragmented MP4 encrypted with ISO/IEC 23001-7 (Common
 * Encryption), cut into buffers anywhere, and sends the same file in the clear:
 * every byte at its place, samples decrypted, encrypted sample entries with
 * their original type and boxes about protection turned into free space. Clear
 * files pass unchanged. What it cannot decrypt is an error: ciphertext is never
 * passed as clear.
 *
 * It works in push mode, on whole files as from `filesrc`, and on init and
 * media segments one after the other, in BYTES or TIME segments.
 *
 * At EOS it posts an element message `cencmp4decrypt-stats` with the fields of
 * #GstCencMp4Decrypt:stats.
 *
 * ## Example launch line
 * |[
 * gst-launch-1.0 filesrc location=encrypted.mp4 !
 *     cencmp4decrypt
 *     keys=00112233445566778899aabbccddeeff:000102030405060708090a0b0c0d0e0f !
 *     filesink location=clear.mp4
 * ]|
 *
 * Since: 0.1
 */
#include "gstcencmp4decrypt.h"

#include "config.h"

#include <glib/gi18n-lib.h>

#include <memory>
#include <new>
#include <optional>
#include <utility>
#include <variant>
#include <vector>

#include "common/gstpp.h"
#include "common/guarded.h"
#include "gstcenc.h"
#include "marks.h"
#include "mp4.h"

GST_DEBUG_CATEGORY_STATIC (cencmp4decrypt_debug);
#define GST_CAT_DEFAULT cencmp4decrypt_debug

namespace {

using relay::Guarded;
using relay::MappedBuffer;
using relay::Owned;

enum
{
  PROP_0,
  PROP_KEYS,
  PROP_STATS,
  N_PROPS
};
GParamSpec *properties[N_PROPS];

GstStaticPadTemplate sink_template = GST_STATIC_PAD_TEMPLATE (
    "sink", GST_PAD_SINK, GST_PAD_ALWAYS, GST_STATIC_CAPS_ANY);
GstStaticPadTemplate src_template = GST_STATIC_PAD_TEMPLATE (
    "src", GST_PAD_SRC, GST_PAD_ALWAYS, GST_STATIC_CAPS_ANY);

struct Counters
{
  mp4::Counters samples;
  guint64 bytes = 0;
  guint64 boxes_cut = 0;
};

// What an input buffer says about its first byte.
struct Start
{
  GstClockTime pts;
  GstClockTime dts;
  GstClockTime duration;
  guint flags;
};

constexpr guint start_flags = GST_BUFFER_FLAG_DISCONT | GST_BUFFER_FLAG_RESYNC |
                              GST_BUFFER_FLAG_HEADER | GST_BUFFER_FLAG_MARKER |
                              GST_BUFFER_FLAG_DELTA_UNIT;

// Those that go on with the bytes, where the others are about the first one.
constexpr guint going_on_flags =
    GST_BUFFER_FLAG_HEADER | GST_BUFFER_FLAG_DELTA_UNIT;

// Of the streaming thread, from READY->PAUSED to PAUSED->READY.
struct State
{
  std::optional<mp4::Rewriter> rewriter;
  mp4::Counters counted;  // how far its counters are in ours
  marks::Marks<Start> marks;
  GstFormat format = GST_FORMAT_UNDEFINED;
  std::uint64_t segment_start = 0;
  bool is_fresh = true;      // no buffer since the start, flush or EOS
  bool is_start = true;      // the next buffer is the first of a resource
  bool was_cut = false;      // bytes are missing before the next buffer
  bool is_unwanted = false;  // who is behind has had enough
  guint last_flags = 0;      // going_on_flags of the last input buffer
  guint going_on = 0;        // the flags of bytes that start nothing
  bool failed = false;
};

struct Impl
{
  Guarded<gstcenc::Keys> keys;
  Guarded<Counters> counters;
  State state;
};

GstStructure *stats_structure (const Counters &counters)
{
  const mp4::Counters &samples = counters.samples;
  return gst_structure_new ("cencmp4decrypt-stats", "samples", G_TYPE_UINT64,
      static_cast<guint64> (samples.samples_decrypted + samples.samples_clear),
      "samples-decrypted", G_TYPE_UINT64,
      static_cast<guint64> (samples.samples_decrypted), "samples-clear",
      G_TYPE_UINT64, static_cast<guint64> (samples.samples_clear), "fragments",
      G_TYPE_UINT64, static_cast<guint64> (samples.fragments), "bytes",
      G_TYPE_UINT64, counters.bytes, "bytes-decrypted", G_TYPE_UINT64,
      static_cast<guint64> (samples.bytes_decrypted), "boxes-cut",
      G_TYPE_UINT64, counters.boxes_cut, nullptr);
}

// The bytes as a buffer that owns them.
Owned<GstBuffer> wrap (std::vector<std::uint8_t> bytes)
{
  auto *owner = new std::vector<std::uint8_t> (std::move (bytes));
  return Owned<GstBuffer> (gst_buffer_new_wrapped_full (
      static_cast<GstMemoryFlags> (0), owner->data (), owner->size (), 0,
      owner->size (), owner, [] (gpointer data) {
        delete static_cast<std::vector<std::uint8_t> *> (data);
      }));
}

// A fragment, a header or a timestamp begins with this buffer, or what goes on
// from it is not what went on before it.
bool starts_something (const State &state, GstBuffer *buffer)
{
  guint flags = GST_BUFFER_FLAGS (buffer) & start_flags;
  guint going_on = flags & going_on_flags;
  // In TIME more of a buffer without flags is DELTA_UNIT, another one is not.
  if (state.format == GST_FORMAT_TIME && going_on == 0) return true;
  return state.is_start || GST_BUFFER_PTS_IS_VALID (buffer) ||
         GST_BUFFER_DTS_IS_VALID (buffer) ||
         (flags & ~guint{GST_BUFFER_FLAG_DELTA_UNIT}) != 0 ||
         going_on != state.last_flags;
}

}  // namespace

struct _GstCencMp4Decrypt
{
  GstElement parent;
  Impl impl;
};

G_DEFINE_FINAL_TYPE (GstCencMp4Decrypt, gst_cenc_mp4_decrypt, GST_TYPE_ELEMENT)
GST_ELEMENT_REGISTER_DEFINE (
    cencmp4decrypt, "cencmp4decrypt", GST_RANK_NONE, GST_TYPE_CENC_MP4_DECRYPT)

static void gst_cenc_mp4_decrypt_post_error (
    GstCencMp4Decrypt *self, const relay::Failure<mp4::Error> &failure)
{
  const char *reason = mp4::to_string (failure.code);
  if (const auto *sample = std::get_if<cenc::Error> (&failure.code)) {
    const auto &kid = self->impl.state.rewriter->missing_key ();
    if (*sample == cenc::Error::no_key && kid)
      gstcenc::post_no_key (GST_ELEMENT (self), *kid);
    else
      GST_ELEMENT_ERROR (self, STREAM, DECRYPT,
          (_ ("A sample of this stream cannot be decrypted.")),
          ("byte %" G_GSIZE_FORMAT ": %s", failure.position, reason));
    return;
  }
  bmff::Error error = std::get<bmff::Error> (failure.code);
  if (bmff::is_unsupported (error))
    GST_ELEMENT_ERROR (self, STREAM, DECRYPT,
        (_ ("This file is encrypted or built in a way that is not supported.")),
        ("byte %" G_GSIZE_FORMAT ": %s", failure.position, reason));
  else if (error == bmff::Error::no_box_here)
    GST_ELEMENT_ERROR (self, STREAM, WRONG_TYPE, (_ ("This is no MP4 stream.")),
        ("byte %" G_GSIZE_FORMAT ": %s", failure.position, reason));
  else
    GST_ELEMENT_ERROR (self, STREAM, DEMUX, (_ ("This MP4 file is damaged.")),
        ("byte %" G_GSIZE_FORMAT ": %s", failure.position, reason));
}

// The counters of the rewriter begin anew with each run of the element.
static void gst_cenc_mp4_decrypt_count (GstCencMp4Decrypt *self, gsize bytes)
{
  State &state = self->impl.state;
  const mp4::Counters &now = state.rewriter->counters ();
  auto counters = self->impl.counters.lock ();
  mp4::Counters &sum = counters->samples;
  sum.fragments += now.fragments - state.counted.fragments;
  sum.samples_decrypted +=
      now.samples_decrypted - state.counted.samples_decrypted;
  sum.samples_clear += now.samples_clear - state.counted.samples_clear;
  sum.bytes_decrypted += now.bytes_decrypted - state.counted.bytes_decrypted;
  counters->bytes += bytes;
  state.counted = now;
}

// Is this where the bytes so far end? OFFSET begins anew in each resource.
static bool gst_cenc_mp4_decrypt_goes_on (const State &state, GstBuffer *buffer)
{
  if (state.is_fresh) return false;
  if (GST_BUFFER_OFFSET_IS_VALID (buffer))
    return GST_BUFFER_OFFSET (buffer) == state.rewriter->received ();
  return !GST_BUFFER_FLAG_IS_SET (buffer, GST_BUFFER_FLAG_DISCONT);
}

static void gst_cenc_mp4_decrypt_begin_resource (
    GstCencMp4Decrypt *self, GstBuffer *buffer)
{
  State &state = self->impl.state;
  std::uint64_t position = 0;
  if (GST_BUFFER_OFFSET_IS_VALID (buffer))
    position = GST_BUFFER_OFFSET (buffer);
  else if (state.is_fresh && state.format == GST_FORMAT_BYTES)
    position = state.segment_start;
  GST_DEBUG_OBJECT (self, "resource from byte %" G_GUINT64_FORMAT,
      static_cast<guint64> (position));
  state.rewriter->restart (position);
  state.marks.clear ();
  state.is_fresh = false;
  state.is_start = true;
  state.is_unwanted = false;
}

static void gst_cenc_mp4_decrypt_mark (State &state, GstBuffer *buffer)
{
  guint flags = GST_BUFFER_FLAGS (buffer) & start_flags;
  if (state.was_cut) flags |= GST_BUFFER_FLAG_DISCONT;
  if (state.was_cut || starts_something (state, buffer))
    state.marks.add (state.rewriter->received (),
        {GST_BUFFER_PTS (buffer), GST_BUFFER_DTS (buffer),
            GST_BUFFER_DURATION (buffer), flags});
  state.was_cut = false;
  state.is_start = false;
  state.last_flags = flags & going_on_flags;
}

static Owned<GstBuffer> gst_cenc_mp4_decrypt_dress (
    State &state, Owned<GstBuffer> buffer, const marks::Piece<Start> &piece)
{
  GST_BUFFER_OFFSET (buffer.get ()) = piece.position;
  GST_BUFFER_OFFSET_END (buffer.get ()) = piece.position + piece.size;
  if (!piece.start) {
    GST_BUFFER_FLAG_SET (buffer.get (), state.going_on);
    return buffer;
  }
  GST_BUFFER_PTS (buffer.get ()) = piece.start->pts;
  GST_BUFFER_DTS (buffer.get ()) = piece.start->dts;
  GST_BUFFER_DURATION (buffer.get ()) = piece.start->duration;
  GST_BUFFER_FLAG_SET (buffer.get (), piece.start->flags);
  // More of a header is header; more of anything else, where buffers have
  // times, is DELTA_UNIT.
  state.going_on = piece.start->flags & going_on_flags;
  if (state.format == GST_FORMAT_TIME && state.going_on == 0)
    state.going_on = GST_BUFFER_FLAG_DELTA_UNIT;
  return buffer;
}

static GstFlowReturn gst_cenc_mp4_decrypt_push (GstCencMp4Decrypt *self,
    std::uint64_t position, std::vector<std::uint8_t> bytes)
{
  State &state = self->impl.state;
  GstPad *srcpad = GST_PAD (GST_ELEMENT (self)->srcpads->data);
  std::vector<marks::Piece<Start>> pieces =
      state.marks.cut (position, bytes.size ());
  if (pieces.empty ()) return GST_FLOW_OK;
  Owned<GstBuffer> whole = wrap (std::move (bytes));
  // Passed on as it is, so that who is behind may write into it.
  if (pieces.size () == 1)
    return gst_pad_push (srcpad,
        gst_cenc_mp4_decrypt_dress (state, std::move (whole), pieces.front ())
            .release ());
  for (const marks::Piece<Start> &piece : pieces) {
    Owned<GstBuffer> buffer{
        gst_buffer_copy_region (whole.get (), GST_BUFFER_COPY_MEMORY,
            static_cast<gsize> (piece.position - position), piece.size)};
    GstFlowReturn flow = gst_pad_push (
        srcpad, gst_cenc_mp4_decrypt_dress (state, std::move (buffer), piece)
                    .release ());
    if (flow != GST_FLOW_OK) return flow;
  }
  return GST_FLOW_OK;
}

// The resource ends or breaks off here. What is held of a box that is not
// whole can only be dropped, but for zeros that are none.
static void gst_cenc_mp4_decrypt_end_resource (GstCencMp4Decrypt *self)
{
  State &state = self->impl.state;
  if (state.is_fresh) return;
  std::uint64_t position = state.rewriter->position ();
  std::vector<std::uint8_t> rest;
  state.rewriter->finish (rest);
  // What the flow is, the next push will tell as well.
  gst_cenc_mp4_decrypt_push (self, position, std::move (rest));
  if (state.rewriter->at_boundary ()) return;
  state.was_cut = true;
  // Then the source stopped where it was told to.
  if (state.is_unwanted) return;
  self->impl.counters.lock ()->boxes_cut++;
  GST_ELEMENT_WARNING (self, STREAM, DEMUX,
      (_ ("The MP4 stream breaks off; its last sample is lost.")),
      ("byte %" G_GUINT64_FORMAT ": the stream ends in the middle of a box",
          static_cast<guint64> (state.rewriter->received ())));
}

static GstFlowReturn gst_cenc_mp4_decrypt_chain (
    GstPad *, GstObject *parent, GstBuffer *buffer)
{
  GstCencMp4Decrypt *self = GST_CENC_MP4_DECRYPT (parent);
  State &state = self->impl.state;
  Owned<GstBuffer> in{buffer};
  if (state.failed) return GST_FLOW_ERROR;

  if (!gst_cenc_mp4_decrypt_goes_on (state, in.get ())) {
    gst_cenc_mp4_decrypt_end_resource (self);
    gst_cenc_mp4_decrypt_begin_resource (self, in.get ());
  }
  gst_cenc_mp4_decrypt_mark (state, in.get ());

  std::uint64_t position = state.rewriter->position ();
  std::vector<std::uint8_t> out;
  std::optional<relay::Failure<mp4::Error>> failure;
  gsize size = 0;
  {
    MappedBuffer map (in.get (), GST_MAP_READ);
    if (!map) {
      state.failed = true;
      GST_ELEMENT_ERROR (
          self, RESOURCE, READ, (nullptr), ("a buffer cannot be mapped"));
      return GST_FLOW_ERROR;
    }
    size = map.bytes ().size ();
    out.reserve (size);
    mp4::Result<relay::Done> pushed = state.rewriter->push (map.bytes (), out);
    if (!pushed) failure = pushed.error ();
  }
  gst_cenc_mp4_decrypt_count (self, size);
  GstFlowReturn flow =
      gst_cenc_mp4_decrypt_push (self, position, std::move (out));
  if (flow == GST_FLOW_EOS) state.is_unwanted = true;
  if (!failure || flow == GST_FLOW_FLUSHING) return flow;
  state.failed = true;
  gst_cenc_mp4_decrypt_post_error (self, *failure);
  return GST_FLOW_ERROR;
}

static gboolean gst_cenc_mp4_decrypt_sink_event (
    GstPad *pad, GstObject *parent, GstEvent *event)
{
  GstCencMp4Decrypt *self = GST_CENC_MP4_DECRYPT (parent);
  State &state = self->impl.state;
  switch (GST_EVENT_TYPE (event)) {
    case GST_EVENT_SEGMENT: {
      const GstSegment *segment = nullptr;
      gst_event_parse_segment (event, &segment);
      state.format = segment->format;
      state.segment_start = segment->start;
      break;
    }
    case GST_EVENT_FLUSH_STOP:
      // The movie stays: after a seek init segments need not come again.
      if (state.rewriter) state.rewriter->restart (0);
      state.marks.clear ();
      state.is_fresh = true;
      state.failed = false;
      break;
    case GST_EVENT_EOS:
      if (state.rewriter && !state.failed)
        gst_cenc_mp4_decrypt_end_resource (self);
      // What comes after it is another resource.
      state.is_fresh = true;
      gstcenc::post_stats (
          GST_ELEMENT (self), stats_structure (self->impl.counters.copy ()));
      break;
    default:
      break;
  }
  return gst_pad_event_default (pad, parent, event);
}

// A seek in bytes may land inside a box, where nothing can be told.
static gboolean gst_cenc_mp4_decrypt_src_event (
    GstPad *pad, GstObject *parent, GstEvent *event)
{
  if (GST_EVENT_TYPE (event) == GST_EVENT_SEEK) {
    GstFormat format = GST_FORMAT_UNDEFINED;
    gst_event_parse_seek (
        event, nullptr, &format, nullptr, nullptr, nullptr, nullptr, nullptr);
    if (format == GST_FORMAT_BYTES) {
      gst_event_unref (event);
      return FALSE;
    }
  }
  return gst_pad_event_default (pad, parent, event);
}

static gboolean gst_cenc_mp4_decrypt_src_query (
    GstPad *pad, GstObject *parent, GstQuery *query)
{
  if (GST_QUERY_TYPE (query) == GST_QUERY_SCHEDULING) {
    gst_query_set_scheduling (query, GST_SCHEDULING_FLAG_SEQUENTIAL, 1, -1, 0);
    gst_query_add_scheduling_mode (query, GST_PAD_MODE_PUSH);
    return TRUE;
  }
  if (GST_QUERY_TYPE (query) == GST_QUERY_SEEKING) {
    GstFormat format = GST_FORMAT_UNDEFINED;
    gst_query_parse_seeking (query, &format, nullptr, nullptr, nullptr);
    if (format == GST_FORMAT_BYTES) {
      gst_query_set_seeking (query, format, FALSE, 0, -1);
      return TRUE;
    }
  }
  return gst_pad_query_default (pad, parent, query);
}

static GstStateChangeReturn gst_cenc_mp4_decrypt_change_state (
    GstElement *element, GstStateChange transition)
{
  GstCencMp4Decrypt *self = GST_CENC_MP4_DECRYPT (element);
  State &state = self->impl.state;
  if (transition == GST_STATE_CHANGE_READY_TO_PAUSED) {
    gstcenc::Keys keys = self->impl.keys.copy ();
    if (!gstcenc::check_keys (element, keys)) return GST_STATE_CHANGE_FAILURE;
    state = {};
    state.rewriter.emplace (keys.ring);
  }
  GstStateChangeReturn result =
      GST_ELEMENT_CLASS (gst_cenc_mp4_decrypt_parent_class)
          ->change_state (element, transition);
  // The pads are inactive now: nobody streams.
  if (transition == GST_STATE_CHANGE_PAUSED_TO_READY) state = {};
  return result;
}

static void gst_cenc_mp4_decrypt_set_property (
    GObject *object, guint id, const GValue *value, GParamSpec *spec)
{
  GstCencMp4Decrypt *self = GST_CENC_MP4_DECRYPT (object);
  switch (id) {
    case PROP_KEYS:
      if (GST_STATE (self) > GST_STATE_READY)
        GST_WARNING_OBJECT (self, "keys can be set in NULL and READY only");
      else
        *self->impl.keys.lock () = gstcenc::read_keys (value);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, spec);
  }
}

static void gst_cenc_mp4_decrypt_get_property (
    GObject *object, guint id, GValue *value, GParamSpec *spec)
{
  GstCencMp4Decrypt *self = GST_CENC_MP4_DECRYPT (object);
  switch (id) {
    case PROP_STATS:
      g_value_take_boxed (value, stats_structure (self->impl.counters.copy ()));
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, spec);
  }
}

static void gst_cenc_mp4_decrypt_finalize (GObject *object)
{
  std::destroy_at (&GST_CENC_MP4_DECRYPT (object)->impl);
  G_OBJECT_CLASS (gst_cenc_mp4_decrypt_parent_class)->finalize (object);
}

static void gst_cenc_mp4_decrypt_init (GstCencMp4Decrypt *self)
{
  std::construct_at (&self->impl);
  GstPad *sink = gst_pad_new_from_static_template (&sink_template, "sink");
  gst_pad_set_chain_function (
      sink, GST_DEBUG_FUNCPTR (gst_cenc_mp4_decrypt_chain));
  gst_pad_set_event_function (
      sink, GST_DEBUG_FUNCPTR (gst_cenc_mp4_decrypt_sink_event));
  GST_PAD_SET_PROXY_CAPS (sink);
  gst_element_add_pad (GST_ELEMENT (self), sink);

  GstPad *src = gst_pad_new_from_static_template (&src_template, "src");
  gst_pad_set_event_function (
      src, GST_DEBUG_FUNCPTR (gst_cenc_mp4_decrypt_src_event));
  gst_pad_set_query_function (
      src, GST_DEBUG_FUNCPTR (gst_cenc_mp4_decrypt_src_query));
  GST_PAD_SET_PROXY_CAPS (src);
  gst_element_add_pad (GST_ELEMENT (self), src);
}

static void gst_cenc_mp4_decrypt_class_init (GstCencMp4DecryptClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GstElementClass *element_class = GST_ELEMENT_CLASS (klass);

  GST_DEBUG_CATEGORY_INIT (cencmp4decrypt_debug, "cencmp4decrypt", 0,
      "decryption of Common Encryption in MP4 byte streams");

  object_class->set_property =
      GST_DEBUG_FUNCPTR (gst_cenc_mp4_decrypt_set_property);
  object_class->get_property =
      GST_DEBUG_FUNCPTR (gst_cenc_mp4_decrypt_get_property);
  object_class->finalize = GST_DEBUG_FUNCPTR (gst_cenc_mp4_decrypt_finalize);

  /**
   * GstCencMp4Decrypt:keys:
   *
   * Content keys: `KID:KEY`, several with commas between them. Both are 16
   * bytes in 32 hexadecimal digits; a KID may also be a UUID with its dashes.
   * Write-only, so that no dot file shows it. It is read on the way to PAUSED,
   * where text that is not as it should be is an error RESOURCE/SETTINGS.
   * Default: no keys.
   *
   * Since: 0.1
   */
  properties[PROP_KEYS] = gstcenc::keys_spec ();

  /**
   * GstCencMp4Decrypt:stats:
   *
   * Counters since the element was made, all guint64: `samples`,
   * `samples-decrypted` and `samples-clear` in the fragments of encrypted
   * files, `fragments`, `bytes`, `bytes-decrypted` (of decrypted samples),
   * `boxes-cut` (how often the stream broke off inside of a box). Also the
   * fields of the element message `cencmp4decrypt-stats`.
   *
   * Since: 0.1
   */
  properties[PROP_STATS] = g_param_spec_boxed ("stats", "Statistics",
      "Counters of samples, fragments and bytes", GST_TYPE_STRUCTURE,
      static_cast<GParamFlags> (G_PARAM_READABLE | G_PARAM_STATIC_STRINGS));
  g_object_class_install_properties (object_class, N_PROPS, properties);

  gst_element_class_set_static_metadata (element_class,
      "Common Encryption MP4 Decrypter", "Decryptor",
      "Decrypts a fragmented MP4 byte stream encrypted with ISO/IEC 23001-7",
      RELAY_AUTHOR);
  gst_element_class_add_static_pad_template (element_class, &sink_template);
  gst_element_class_add_static_pad_template (element_class, &src_template);

  element_class->change_state =
      GST_DEBUG_FUNCPTR (gst_cenc_mp4_decrypt_change_state);
}

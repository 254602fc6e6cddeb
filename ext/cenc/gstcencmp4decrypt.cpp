// SPDX-License-Identifier: LGPL-2.1-or-later
/**
 * SECTION:element-cencmp4decrypt
 * @title: cencmp4decrypt
 * @short_description: decrypts an MP4 byte stream of Common Encryption
 *
 * Takes the bytes of MP4, fragmented or progressive with `moov` first,
 * encrypted with ISO/IEC 23001-7 (Common Encryption) or PIFF, cut into buffers
 * anywhere, and sends the same file in the clear: every byte at its place,
 * samples decrypted, encrypted sample entries with their original type and
 * boxes about protection turned into free space. Clear files pass unchanged.
 * What it cannot decrypt is an error: ciphertext is never passed as clear.
 *
 * It pulls where upstream can, as `filesrc`, and else takes what is pushed:
 * whole files, or init and media segments one after the other, in BYTES or TIME
 * segments.
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
#include <vector>

#include "common/gstpp.h"
#include "common/guarded.h"
#include "gstcenc.h"
#include "gstcencmp4.h"
#include "mp4.h"
#include "starts.h"

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

constexpr starts::Kinds kinds{GST_BUFFER_FLAG_DISCONT, GST_BUFFER_FLAG_HEADER,
    GST_BUFFER_FLAG_DELTA_UNIT,
    GST_BUFFER_FLAG_RESYNC | GST_BUFFER_FLAG_MARKER};

// What is pulled at once.
constexpr guint pull_size = 1 << 20;

// Of the streaming thread, from READY->PAUSED to PAUSED->READY.
struct State
{
  std::optional<mp4::Rewriter> rewriter;
  mp4::Counters counted;  // how far its counters are in ours
  starts::Starts starts{kinds};
  GstFormat format = GST_FORMAT_UNDEFINED;
  std::uint64_t segment_start = 0;
  bool is_fresh = true;      // no buffer since the start, flush or EOS
  bool is_unwanted = false;  // who is behind has had enough
  bool failed = false;
  // When it pulls
  bool has_stream = false;  // STREAM_START has been sent
  bool has_segment = false;
  std::uint64_t pulled = 0;
};

struct Impl
{
  Guarded<gstcenc::Keys> keys;
  Guarded<gstcencmp4::Counters> counters;
  State state;
};

}  // namespace

struct _GstCencMp4Decrypt
{
  GstElement parent;
  Impl impl;
};

G_DEFINE_FINAL_TYPE (GstCencMp4Decrypt, gst_cenc_mp4_decrypt, GST_TYPE_ELEMENT)
GST_ELEMENT_REGISTER_DEFINE (
    cencmp4decrypt, "cencmp4decrypt", GST_RANK_NONE, GST_TYPE_CENC_MP4_DECRYPT)

static GstPad *gst_cenc_mp4_decrypt_src (GstCencMp4Decrypt *self)
{
  return GST_PAD (GST_ELEMENT (self)->srcpads->data);
}

static void gst_cenc_mp4_decrypt_count (GstCencMp4Decrypt *self, gsize bytes)
{
  State &state = self->impl.state;
  const mp4::Counters &now = state.rewriter->counters ();
  if (now.auxiliary_wrong > state.counted.auxiliary_wrong)
    GST_WARNING_OBJECT (self,
        "senc, saiz or saio is wrong, before byte %" G_GUINT64_FORMAT,
        static_cast<guint64> (state.rewriter->received ()));
  auto counters = self->impl.counters.lock ();
  counters->add (now, state.counted);
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
  state.starts.begin ();
  state.is_fresh = false;
  state.is_unwanted = false;
}

static GstFlowReturn gst_cenc_mp4_decrypt_push (GstCencMp4Decrypt *self,
    std::uint64_t position, std::vector<std::uint8_t> bytes)
{
  return gstcencmp4::push (gst_cenc_mp4_decrypt_src (self),
      self->impl.state.starts, position, std::move (bytes));
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
  state.starts.cut_off ();
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
  state.starts.add (state.rewriter->received (),
      {GST_BUFFER_PTS (in.get ()), GST_BUFFER_DTS (in.get ()),
          GST_BUFFER_DURATION (in.get ()), GST_BUFFER_FLAGS (in.get ())});

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
  gstcencmp4::post_error (
      GST_ELEMENT (self), *failure, state.rewriter->missing_key ());
  return GST_FLOW_ERROR;
}

static void gst_cenc_mp4_decrypt_end_stream (GstCencMp4Decrypt *self)
{
  State &state = self->impl.state;
  if (state.rewriter && !state.failed) gst_cenc_mp4_decrypt_end_resource (self);
  // What comes after it is another resource.
  state.is_fresh = true;
  gstcenc::post_stats (GST_ELEMENT (self),
      gstcencmp4::stats_structure (self->impl.counters.copy ()));
}

// Another stream may come after one that failed.
static void gst_cenc_mp4_decrypt_begin_anew (State &state)
{
  // The movie stays: after a seek init segments need not come again.
  if (state.rewriter) state.rewriter->restart (0);
  state.starts.clear ();
  state.is_fresh = true;
  state.failed = false;
}

static void gst_cenc_mp4_decrypt_begin_stream (GstCencMp4Decrypt *self)
{
  State &state = self->impl.state;
  if (state.has_stream) return;
  state.has_stream = true;
  gstcencmp4::push_stream_start (
      GST_ELEMENT (self), gst_cenc_mp4_decrypt_src (self));
}

static gboolean gst_cenc_mp4_decrypt_sink_event (
    GstPad *pad, GstObject *parent, GstEvent *event)
{
  GstCencMp4Decrypt *self = GST_CENC_MP4_DECRYPT (parent);
  State &state = self->impl.state;
  switch (GST_EVENT_TYPE (event)) {
    case GST_EVENT_STREAM_START:
      state.has_stream = true;
      if (state.failed) gst_cenc_mp4_decrypt_begin_anew (state);
      break;
    case GST_EVENT_CAPS:
      // typefind sends no other event to who pulls.
      if (GST_PAD_MODE (pad) == GST_PAD_MODE_PULL)
        gst_cenc_mp4_decrypt_begin_stream (self);
      break;
    case GST_EVENT_SEGMENT: {
      const GstSegment *segment = nullptr;
      gst_event_parse_segment (event, &segment);
      state.format = segment->format;
      state.starts.set_has_times (segment->format == GST_FORMAT_TIME);
      state.segment_start = segment->start;
      break;
    }
    case GST_EVENT_FLUSH_STOP:
      gst_cenc_mp4_decrypt_begin_anew (state);
      break;
    case GST_EVENT_EOS:
      gst_cenc_mp4_decrypt_end_stream (self);
      break;
    default:
      break;
  }
  return gst_pad_event_default (pad, parent, event);
}

// 1 MiB from upstream, and what can leave of it.
static void gst_cenc_mp4_decrypt_loop (gpointer data)
{
  GstPad *pad = GST_PAD (data);
  GstCencMp4Decrypt *self = GST_CENC_MP4_DECRYPT (GST_PAD_PARENT (pad));
  GstPad *srcpad = gst_cenc_mp4_decrypt_src (self);
  State &state = self->impl.state;
  gst_cenc_mp4_decrypt_begin_stream (self);
  if (!state.has_segment) {
    state.has_segment = true;
    state.format = GST_FORMAT_BYTES;
    gstcencmp4::push_bytes_segment (srcpad);
  }
  GstBuffer *raw = nullptr;
  GstFlowReturn flow = gst_pad_pull_range (pad, state.pulled, pull_size, &raw);
  if (flow == GST_FLOW_OK) {
    Owned<GstBuffer> buffer{gst_buffer_make_writable (raw)};
    GST_BUFFER_OFFSET (buffer.get ()) = state.pulled;
    state.pulled += gst_buffer_get_size (buffer.get ());
    flow =
        gst_cenc_mp4_decrypt_chain (pad, GST_OBJECT (self), buffer.release ());
  }
  if (flow == GST_FLOW_OK) return;
  gst_pad_pause_task (pad);
  if (flow == GST_FLOW_FLUSHING) return;
  if (flow != GST_FLOW_EOS && !state.failed)
    GST_ELEMENT_FLOW_ERROR (self, flow);
  gst_cenc_mp4_decrypt_end_stream (self);
  gst_pad_push_event (srcpad, gst_event_new_eos ());
}

static gboolean gst_cenc_mp4_decrypt_activate (GstPad *pad, GstObject *)
{
  GstPadMode mode =
      gstcencmp4::can_pull (pad) ? GST_PAD_MODE_PULL : GST_PAD_MODE_PUSH;
  return gst_pad_activate_mode (pad, mode, TRUE);
}

static gboolean gst_cenc_mp4_decrypt_activate_mode (
    GstPad *pad, GstObject *, GstPadMode mode, gboolean active)
{
  if (mode == GST_PAD_MODE_PUSH) return TRUE;
  if (mode != GST_PAD_MODE_PULL) return FALSE;
  if (active == FALSE) return gst_pad_stop_task (pad);
  return gst_pad_start_task (pad, gst_cenc_mp4_decrypt_loop, pad, nullptr);
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
  if (gstcencmp4::answer (query)) return TRUE;
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
      g_value_take_boxed (
          value, gstcencmp4::stats_structure (self->impl.counters.copy ()));
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
  gst_pad_set_activate_function (
      sink, GST_DEBUG_FUNCPTR (gst_cenc_mp4_decrypt_activate));
  gst_pad_set_activatemode_function (
      sink, GST_DEBUG_FUNCPTR (gst_cenc_mp4_decrypt_activate_mode));
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
   * `samples-decrypted` and `samples-clear` of encrypted files, `fragments`,
   * `bytes`, `bytes-decrypted` (of decrypted samples), `boxes-cut` (how often
   * the stream broke off inside of a box), `auxiliary-wrong` (tracks of a moov
   * or moof whose senc, saiz or saio was wrong and not needed). Also the fields
   * of the element message `cencmp4decrypt-stats`.
   *
   * Since: 0.1
   */
  properties[PROP_STATS] = g_param_spec_boxed ("stats", "Statistics",
      "Counters of samples, fragments and bytes", GST_TYPE_STRUCTURE,
      static_cast<GParamFlags> (G_PARAM_READABLE | G_PARAM_STATIC_STRINGS));
  g_object_class_install_properties (object_class, N_PROPS, properties);

  gst_element_class_set_static_metadata (element_class,
      "Common Encryption MP4 Decrypter", "Decryptor",
      "Decrypts an MP4 byte stream encrypted with ISO/IEC 23001-7",
      RELAY_AUTHOR);
  gst_element_class_add_static_pad_template (element_class, &sink_template);
  gst_element_class_add_static_pad_template (element_class, &src_template);

  element_class->change_state =
      GST_DEBUG_FUNCPTR (gst_cenc_mp4_decrypt_change_state);
}

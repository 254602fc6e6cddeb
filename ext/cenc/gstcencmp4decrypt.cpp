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
 * What it cannot decrypt is an error: ciphertext is never passed as clear,
 * unless #GstCencMp4Decrypt:on-missing-key says so.
 *
 * A key that none of the properties has is asked for: upstream by a query for
 * the context `cenc-keys`, with the message NEED_CONTEXT for the same, with
 * #GstCencMp4Decrypt::need-key, and with an element message
 * `cencmp4decrypt-need-key`.
 *
 * It pulls where upstream can, and else takes what is pushed: whole files, or
 * init and media segments, in BYTES or TIME segments.
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

#include <memory>
#include <new>
#include <utility>

#include "common/gstpp.h"
#include "gstbytedecrypter.h"
#include "gstcenc.h"
#include "gstcencmp4.h"

GST_DEBUG_CATEGORY_STATIC (cencmp4decrypt_debug);
#define GST_CAT_DEFAULT cencmp4decrypt_debug

namespace {

using mp4::Rewriter;
using relay::Owned;

enum
{
  PROP_0,
  PROP_KEYS,
  PROP_KEY,
  PROP_CLEARKEY_JSON,
  PROP_ON_MISSING_KEY,
  PROP_KEY_TIMEOUT,
  PROP_STATS,
  N_PROPS
};
GParamSpec *properties[N_PROPS];

enum
{
  SIGNAL_NEED_KEY,
  SIGNAL_ADD_KEY,
  N_SIGNALS
};
guint signals[N_SIGNALS];

GstStaticPadTemplate sink_template = GST_STATIC_PAD_TEMPLATE (
    "sink", GST_PAD_SINK, GST_PAD_ALWAYS, GST_STATIC_CAPS_ANY);
GstStaticPadTemplate src_template = GST_STATIC_PAD_TEMPLATE (
    "src", GST_PAD_SRC, GST_PAD_ALWAYS, GST_STATIC_CAPS_ANY);

// What is pulled at once: 1 MiB, of a large sample a part; but a large moov or
// moof by itself, for it is read as a whole.
constexpr guint pull_size = 1 << 20;
constexpr std::size_t large = std::size_t{256} << 10;

// Of the streaming thread, when it pulls.
struct Pull
{
  bool has_stream = false;  // STREAM_START has been sent
  bool has_segment = false;
  std::uint64_t position = 0;
};

}  // namespace

struct _GstCencMp4Decrypt
{
  GstElement parent;
  ByteDecrypter impl;
  Pull pull;
};

G_DEFINE_FINAL_TYPE (GstCencMp4Decrypt, gst_cenc_mp4_decrypt, GST_TYPE_ELEMENT)
GST_ELEMENT_REGISTER_DEFINE (
    cencmp4decrypt, "cencmp4decrypt", GST_RANK_NONE, GST_TYPE_CENC_MP4_DECRYPT)

static GstPad *gst_cenc_mp4_decrypt_src (GstCencMp4Decrypt *self)
{
  return GST_PAD (GST_ELEMENT (self)->srcpads->data);
}

static GstFlowReturn gst_cenc_mp4_decrypt_chain (
    GstPad *, GstObject *parent, GstBuffer *buffer)
{
  GstCencMp4Decrypt *self = GST_CENC_MP4_DECRYPT (parent);
  return self->impl.process (Owned<GstBuffer> (buffer), Rewriter::Tail::hold);
}

static void gst_cenc_mp4_decrypt_begin_stream (GstCencMp4Decrypt *self)
{
  if (self->pull.has_stream) return;
  self->pull.has_stream = true;
  gstcencmp4::push_stream_start (
      GST_ELEMENT (self), gst_cenc_mp4_decrypt_src (self));
}

static gboolean gst_cenc_mp4_decrypt_sink_event (
    GstPad *pad, GstObject *parent, GstEvent *event)
{
  GstCencMp4Decrypt *self = GST_CENC_MP4_DECRYPT (parent);
  switch (GST_EVENT_TYPE (event)) {
    case GST_EVENT_STREAM_START:
      self->pull.has_stream = true;
      if (self->impl.failed ()) self->impl.begin_anew ();
      break;
    case GST_EVENT_CAPS:
      // typefind sends no other event to who pulls.
      if (GST_PAD_MODE (pad) == GST_PAD_MODE_PULL)
        gst_cenc_mp4_decrypt_begin_stream (self);
      break;
    case GST_EVENT_SEGMENT: {
      const GstSegment *segment = nullptr;
      gst_event_parse_segment (event, &segment);
      self->impl.set_segment (*segment);
      break;
    }
    case GST_EVENT_PROTECTION:
      self->impl.supply.note (event);
      break;
    case GST_EVENT_FLUSH_START:
      self->impl.supply.set_flushing (true);
      break;
    case GST_EVENT_FLUSH_STOP:
      self->impl.supply.set_flushing (false);
      self->impl.begin_anew ();
      break;
    case GST_EVENT_EOS:
      self->impl.end_stream ();
      break;
    default:
      break;
  }
  return gst_pad_event_default (pad, parent, event);
}

// From upstream, and what can leave of it. A unit at its end that is not whole
// is pulled again, with the rest of it: who pulls holds nothing back. Fewer
// bytes than asked for are the last ones.
static void gst_cenc_mp4_decrypt_loop (gpointer data)
{
  GstPad *pad = GST_PAD (data);
  GstCencMp4Decrypt *self = GST_CENC_MP4_DECRYPT (GST_PAD_PARENT (pad));
  GstPad *srcpad = gst_cenc_mp4_decrypt_src (self);
  Pull &pull = self->pull;
  gst_cenc_mp4_decrypt_begin_stream (self);
  if (!pull.has_segment) {
    pull.has_segment = true;
    gstcencmp4::push_bytes_segment (srcpad);
  }
  std::size_t wanted = self->impl.wanted ();
  guint size = wanted >= large ? static_cast<guint> (wanted) : pull_size;
  GstBuffer *raw = nullptr;
  GstFlowReturn flow = gst_pad_pull_range (pad, pull.position, size, &raw);
  if (flow == GST_FLOW_OK) {
    Owned<GstBuffer> buffer{gst_buffer_make_writable (raw)};
    GST_BUFFER_OFFSET (buffer.get ()) = pull.position;
    bool is_last = gst_buffer_get_size (buffer.get ()) < size;
    flow = self->impl.process (std::move (buffer),
        is_last ? Rewriter::Tail::hold : Rewriter::Tail::leave);
    pull.position = self->impl.next ();
  }
  if (flow == GST_FLOW_OK) return;
  gst_pad_pause_task (pad);
  if (flow == GST_FLOW_FLUSHING) return;
  if (flow != GST_FLOW_EOS && !self->impl.failed ())
    GST_ELEMENT_FLOW_ERROR (self, flow);
  self->impl.end_stream ();
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

static void gst_cenc_mp4_decrypt_set_context (
    GstElement *element, GstContext *context)
{
  GST_CENC_MP4_DECRYPT (element)->impl.supply.take (context);
  GST_ELEMENT_CLASS (gst_cenc_mp4_decrypt_parent_class)
      ->set_context (element, context);
}

static GstStateChangeReturn gst_cenc_mp4_decrypt_change_state (
    GstElement *element, GstStateChange transition)
{
  GstCencMp4Decrypt *self = GST_CENC_MP4_DECRYPT (element);
  ByteDecrypter &impl = self->impl;
  if (transition == GST_STATE_CHANGE_READY_TO_PAUSED) {
    impl.reset ();
    self->pull = {};
    if (!impl.supply.start (element)) return GST_STATE_CHANGE_FAILURE;
  }
  if (transition == GST_STATE_CHANGE_PAUSED_TO_READY)
    impl.supply.set_flushing (true);
  GstStateChangeReturn result =
      GST_ELEMENT_CLASS (gst_cenc_mp4_decrypt_parent_class)
          ->change_state (element, transition);
  // The pads are inactive now: nobody streams.
  if (transition == GST_STATE_CHANGE_PAUSED_TO_READY) impl.reset ();
  return result;
}

static gboolean gst_cenc_mp4_decrypt_add_key (
    GstCencMp4Decrypt *self, const gchar *kid, const gchar *key)
{
  return self->impl.supply.add (kid, key);
}

static void gst_cenc_mp4_decrypt_set_property (
    GObject *object, guint id, const GValue *value, GParamSpec *spec)
{
  GstCencMp4Decrypt *self = GST_CENC_MP4_DECRYPT (object);
  gstcenc::KeySupply &supply = self->impl.supply;
  if ((spec->flags & GST_PARAM_MUTABLE_READY) != 0 &&
      GST_STATE (self) > GST_STATE_READY) {
    GST_WARNING_OBJECT (
        self, "%s can be set in NULL and READY only", spec->name);
    return;
  }
  switch (id) {
    case PROP_KEYS:
      supply.set_keys (g_value_get_string (value));
      break;
    case PROP_KEY:
      supply.set_key (g_value_get_string (value));
      break;
    case PROP_CLEARKEY_JSON:
      supply.set_clearkey_json (g_value_get_string (value));
      break;
    case PROP_ON_MISSING_KEY:
      self->impl.settings.lock ()->on_missing_key =
          static_cast<OnMissingKey> (g_value_get_enum (value));
      break;
    case PROP_KEY_TIMEOUT:
      self->impl.settings.lock ()->key_timeout = g_value_get_uint64 (value);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, spec);
  }
}

static void gst_cenc_mp4_decrypt_get_property (
    GObject *object, guint id, GValue *value, GParamSpec *spec)
{
  ByteDecrypter &impl = GST_CENC_MP4_DECRYPT (object)->impl;
  switch (id) {
    case PROP_ON_MISSING_KEY:
      g_value_set_enum (
          value, static_cast<gint> (impl.settings.lock ()->on_missing_key));
      break;
    case PROP_KEY_TIMEOUT:
      g_value_set_uint64 (value, impl.settings.lock ()->key_timeout);
      break;
    case PROP_STATS:
      g_value_take_boxed (
          value, gstcencmp4::stats_structure (impl.counters.copy ()));
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
  std::construct_at (&self->impl, GST_ELEMENT (self));
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

static void gst_cenc_mp4_decrypt_install_properties (GObjectClass *object_class)
{
  /**
   * GstCencMp4Decrypt:keys:
   *
   * Content keys: `KID:KEY`, several with commas between them. Both are 16
   * bytes in 32 hexadecimal digits, or in base64url or base64; a KID may also
   * be a UUID with its dashes. Write-only, so that no dot file shows it. On the
   * way to PAUSED text that is not as it should be is an error
   * RESOURCE/SETTINGS. Default: no keys.
   *
   * Since: 0.1
   */
  properties[PROP_KEYS] = gstcenc::keys_spec ();

  /**
   * GstCencMp4Decrypt:key:
   *
   * A content key for every key id without one. Write-only. Default: none.
   *
   * Since: 0.1
   */
  properties[PROP_KEY] = gstcenc::key_spec ();

  /**
   * GstCencMp4Decrypt:clearkey-json:
   *
   * Content keys as the JSON Web Key Set of W3C ClearKey, or the file URI of
   * it, which is read on the way to PAUSED. Write-only. Default: none.
   *
   * Since: 0.1
   */
  properties[PROP_CLEARKEY_JSON] = gstcenc::clearkey_json_spec ();

  /**
   * GstCencMp4Decrypt:on-missing-key:
   *
   * What to do at a `moov` or `moof` with samples whose key nobody has who was
   * asked: `error`; `wait` for it, as long as #GstCencMp4Decrypt:key-timeout
   * says, and then `error`; `drop` the samples: zeros come in their place, as
   * no byte may move; `pass` them as they are, encrypted. Default: `error`.
   *
   * Since: 0.1
   */
  properties[PROP_ON_MISSING_KEY] = gstcenc::on_missing_key_spec ();

  /**
   * GstCencMp4Decrypt:key-timeout:
   *
   * How long #GstCencMp4Decrypt:on-missing-key `wait` waits, in nanoseconds;
   * the highest value is without end. Default: 10 s.
   *
   * Since: 0.1
   */
  properties[PROP_KEY_TIMEOUT] = gstcenc::key_timeout_spec ();

  /**
   * GstCencMp4Decrypt:stats:
   *
   * Counters since the element was made, all guint64: `samples`, of encrypted
   * files, of them `samples-decrypted`, `samples-clear` and
   * `samples-without-key`; `fragments`; `bytes`; `bytes-decrypted`;
   * `boxes-cut`; `auxiliary-wrong`. Also the fields of the element message
   * `cencmp4decrypt-stats`.
   *
   * Since: 0.1
   */
  properties[PROP_STATS] = g_param_spec_boxed ("stats", "Statistics",
      "Counters of samples, fragments and bytes", GST_TYPE_STRUCTURE,
      static_cast<GParamFlags> (G_PARAM_READABLE | G_PARAM_STATIC_STRINGS));
  g_object_class_install_properties (object_class, N_PROPS, properties);
}

static void gst_cenc_mp4_decrypt_install_signals (GType type)
{
  /**
   * GstCencMp4Decrypt::need-key:
   * @key_id: 32 hexadecimal digits
   * @system_id: (nullable): a protection system that the file or upstream names
   * @pssh: (nullable): what it says to that system: the whole box
   *
   * Emitted by the streaming thread when nobody else has the key.
   *
   * Returns: (nullable): the key, as in #GstCencMp4Decrypt:keys
   *
   * Since: 0.1
   */
  signals[SIGNAL_NEED_KEY] = g_signal_new ("need-key", type, G_SIGNAL_RUN_LAST,
      0, nullptr, nullptr, nullptr, G_TYPE_STRING, 3, G_TYPE_STRING,
      G_TYPE_STRING, G_TYPE_BYTES);

  /**
   * GstCencMp4Decrypt::add-key:
   * @key_id: a key id, as in #GstCencMp4Decrypt:keys
   * @key: its key
   *
   * Adds a key, or puts it in place of another one, in any state and from any
   * thread. It stays until the element goes.
   *
   * Returns: whether both could be read
   *
   * Since: 0.1
   */
  signals[SIGNAL_ADD_KEY] = g_signal_new_class_handler ("add-key", type,
      static_cast<GSignalFlags> (G_SIGNAL_RUN_LAST | G_SIGNAL_ACTION),
      G_CALLBACK (gst_cenc_mp4_decrypt_add_key), nullptr, nullptr, nullptr,
      G_TYPE_BOOLEAN, 2, G_TYPE_STRING, G_TYPE_STRING);
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

  gst_cenc_mp4_decrypt_install_properties (object_class);
  gst_cenc_mp4_decrypt_install_signals (G_TYPE_FROM_CLASS (klass));
  gst_type_mark_as_plugin_api (
      GST_TYPE_CENC_ON_MISSING_KEY, static_cast<GstPluginAPIFlags> (0));

  gst_element_class_set_static_metadata (element_class,
      "Common Encryption MP4 Decrypter", "Decryptor",
      "Decrypts an MP4 byte stream encrypted with ISO/IEC 23001-7",
      RELAY_AUTHOR);
  gst_element_class_add_static_pad_template (element_class, &sink_template);
  gst_element_class_add_static_pad_template (element_class, &src_template);

  element_class->set_context =
      GST_DEBUG_FUNCPTR (gst_cenc_mp4_decrypt_set_context);
  element_class->change_state =
      GST_DEBUG_FUNCPTR (gst_cenc_mp4_decrypt_change_state);
}

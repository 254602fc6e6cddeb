// SPDX-License-Identifier: LGPL-2.1-or-later
/**
 * SECTION:element-cencdecrypt
 * @title: cencdecrypt
 * @short_description: decrypts samples of Common Encryption
 *
 * Decrypts the samples of ISO/IEC 23001-7 (Common Encryption), schemes `cenc`
 * and `cbcs`, and of WebM encryption, that a demuxer sends with
 * #GstProtectionMeta, and restores the caps of the original media type. A
 * sample without that meta is clear to a demuxer, and passes; see
 * cencmp4decrypt for files that `qtdemux` does not understand.
 *
 * A key that none of the properties has is asked for: upstream by a query for
 * the context `cenc-keys`, with the message NEED_CONTEXT for the same, with
 * #GstCencDecrypt::need-key, and with an element message
 * `cencdecrypt-need-key`.
 *
 * At EOS it posts an element message `cencdecrypt-stats` with the fields of
 * #GstCencDecrypt:stats.
 *
 * ## Example launch line
 * |[
 * gst-launch-1.0 filesrc location=encrypted.mp4 ! qtdemux !
 *     cencdecrypt
 *     keys=00112233445566778899aabbccddeeff:000102030405060708090a0b0c0d0e0f !
 *     h264parse ! avdec_h264 ! videoconvert ! jpegenc !
 *     multifilesink location=frame-%03d.jpg
 * ]|
 *
 * Since: 0.1
 */
#include "gstcencdecrypt.h"

#include "config.h"

#include <glib/gi18n-lib.h>

#include <memory>
#include <new>
#include <vector>

#include "common/gstpp.h"
#include "gstcenc.h"
#include "gstsampledecrypter.h"

GST_DEBUG_CATEGORY_STATIC (cencdecrypt_debug);
#define GST_CAT_DEFAULT cencdecrypt_debug

namespace {

using relay::Owned;

enum
{
  PROP_0,
  PROP_KEYS,
  PROP_KEY,
  PROP_CLEARKEY_JSON,
  PROP_ON_MISSING_KEY,
  PROP_KEY_TIMEOUT,
  PROP_ON_MISSING_META,
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

// qtdemux exposes a file with pssh boxes only if a decrypter has one structure
// with one of their systems as a plain string, and parsebin finds one for a
// file without pssh only by a structure without a system.
constexpr const char *protection_systems[] = {
    "1077efec-c0b2-4d02-ace3-3c1e52e2fb4b",  // W3C common, ClearKey
    "e2719d58-a985-b3c9-781a-b030af78d30e",  // DASH-IF ClearKey
    "edef8ba9-79d6-4ace-a3c8-27dcd51d21ed",  // Widevine
    "9a04f079-9840-4286-ab92-e65be0885f95",  // PlayReady
    "5e629af5-38da-4063-8977-97ffbd9902d4",  // Marlin
    "69f908af-4816-46ea-910c-cd5dcccb0a3a",  // Marlin
    "94ce86fb-07ff-4f43-adb8-93d2fa968ca2",  // FairPlay
};

}  // namespace

struct _GstCencDecrypt
{
  GstElement parent;
  SampleDecrypter impl;
};

G_DEFINE_FINAL_TYPE (GstCencDecrypt, gst_cenc_decrypt, GST_TYPE_ELEMENT)
GST_ELEMENT_REGISTER_DEFINE (
    cencdecrypt, "cencdecrypt", GST_RANK_MARGINAL, GST_TYPE_CENC_DECRYPT)

static GstFlowReturn gst_cenc_decrypt_chain (
    GstPad *, GstObject *parent, GstBuffer *buffer)
{
  GstCencDecrypt *self = GST_CENC_DECRYPT (parent);
  Owned<GstBuffer> one{buffer};
  GstFlowReturn flow = self->impl.process (one);
  if (flow != GST_FLOW_OK || !one) return flow;
  return gst_pad_push (gstcenc::src_of (GST_ELEMENT (self)), one.release ());
}

// A list stays one; what came before an error is passed.
static GstFlowReturn gst_cenc_decrypt_chain_list (
    GstPad *, GstObject *parent, GstBufferList *list)
{
  GstCencDecrypt *self = GST_CENC_DECRYPT (parent);
  guint length = gst_buffer_list_length (list);
  Owned<GstBufferList> out{gst_buffer_list_new_sized (length)};
  // So that the buffers are nobody else's, where they can be.
  std::vector<Owned<GstBuffer>> buffers;
  buffers.reserve (length);
  for (guint i = 0; i < length; i++)
    buffers.push_back (relay::share (gst_buffer_list_get (list, i)));
  gst_buffer_list_unref (list);
  GstFlowReturn flow = GST_FLOW_OK;
  for (Owned<GstBuffer> &buffer : buffers) {
    flow = self->impl.process (buffer);
    if (flow != GST_FLOW_OK) break;
    if (buffer) gst_buffer_list_add (out.get (), buffer.release ());
  }
  if (gst_buffer_list_length (out.get ()) > 0) {
    GstFlowReturn pushed = gst_pad_push_list (
        gstcenc::src_of (GST_ELEMENT (self)), out.release ());
    if (flow == GST_FLOW_OK) flow = pushed;
  }
  return flow;
}

static gboolean gst_cenc_decrypt_set_caps (GstCencDecrypt *self, GstCaps *caps)
{
  const GstStructure *structure = gst_caps_get_structure (caps, 0);
  if (!self->impl.set_caps (structure)) return FALSE;
  Owned<GstCaps> out = samplemeta::decrypted_caps (structure);
  return gst_pad_push_event (
      gstcenc::src_of (GST_ELEMENT (self)), gst_event_new_caps (out.get ()));
}

static gboolean gst_cenc_decrypt_sink_event (
    GstPad *pad, GstObject *parent, GstEvent *event)
{
  GstCencDecrypt *self = GST_CENC_DECRYPT (parent);
  switch (GST_EVENT_TYPE (event)) {
    case GST_EVENT_CAPS: {
      Owned<GstEvent> owned{event};
      GstCaps *caps = nullptr;
      gst_event_parse_caps (event, &caps);
      return gst_cenc_decrypt_set_caps (self, caps);
    }
    case GST_EVENT_PROTECTION: {  // behind us nothing is protected
      Owned<GstEvent> owned{event};
      self->impl.note (event);
      return TRUE;
    }
    case GST_EVENT_STREAM_START:
      self->impl.begin_stream ();
      break;
    case GST_EVENT_FLUSH_START:
      self->impl.supply.set_flushing (true);
      break;
    case GST_EVENT_FLUSH_STOP:
      self->impl.supply.set_flushing (false);
      self->impl.flush ();
      break;
    case GST_EVENT_EOS:
      self->impl.end_stream ();
      gstcenc::post_stats (GST_ELEMENT (self),
          decryptstats::structure (self->impl.counters.copy ()));
      break;
    default:
      break;
  }
  return gst_pad_event_default (pad, parent, event);
}

// What the other side of the element allows, in the words of this side.
static Owned<GstCaps> gst_cenc_decrypt_get_caps (
    GstPad *pad, GstPad *other, bool is_sink)
{
  Owned<GstCaps> allowed{gst_pad_peer_query_caps (other, nullptr)};
  Owned<GstCaps> own{gst_pad_get_pad_template_caps (pad)};
  if (gst_caps_is_any (allowed.get ())) return own;
  Owned<GstCaps> out{gst_caps_new_empty ()};
  for (guint i = 0; i < gst_caps_get_size (allowed.get ()); i++) {
    const GstStructure *one = gst_caps_get_structure (allowed.get (), i);
    Owned<GstCaps> mapped = is_sink ? samplemeta::encrypted_caps (one)
                                    : samplemeta::decrypted_caps (one);
    if (gst_caps_is_any (mapped.get ())) return own;
    out.reset (gst_caps_merge (out.release (), mapped.release ()));
  }
  return Owned<GstCaps> (gst_caps_intersect_full (
      out.get (), own.get (), GST_CAPS_INTERSECT_FIRST));
}

static gboolean gst_cenc_decrypt_query (
    GstPad *pad, GstObject *parent, GstQuery *query)
{
  GstCencDecrypt *self = GST_CENC_DECRYPT (parent);
  bool is_sink = pad == gstcenc::sink_of (GST_ELEMENT (self));
  if (GST_QUERY_TYPE (query) == GST_QUERY_CAPS) {
    Owned<GstCaps> caps = gst_cenc_decrypt_get_caps (pad,
        is_sink ? gstcenc::src_of (GST_ELEMENT (self))
                : gstcenc::sink_of (GST_ELEMENT (self)),
        is_sink);
    GstCaps *filter = nullptr;
    gst_query_parse_caps (query, &filter);
    if (filter != nullptr)
      caps.reset (gst_caps_intersect_full (
          filter, caps.get (), GST_CAPS_INTERSECT_FIRST));
    gst_query_set_caps_result (query, caps.get ());
    return TRUE;
  }
  if (GST_QUERY_TYPE (query) == GST_QUERY_ACCEPT_CAPS && is_sink) {
    GstCaps *caps = nullptr;
    gst_query_parse_accept_caps (query, &caps);
    bool accepted =
        gst_caps_is_fixed (caps) &&
        samplemeta::is_acceptable (gst_caps_get_structure (caps, 0));
    if (accepted) {
      Owned<GstCaps> out =
          samplemeta::decrypted_caps (gst_caps_get_structure (caps, 0));
      accepted = gst_pad_peer_query_accept_caps (
          gstcenc::src_of (GST_ELEMENT (self)), out.get ());
    }
    gst_query_set_accept_caps_result (query, accepted);
    return TRUE;
  }
  return gst_pad_query_default (pad, parent, query);
}

static void gst_cenc_decrypt_set_context (
    GstElement *element, GstContext *context)
{
  GST_CENC_DECRYPT (element)->impl.supply.take (context);
  GST_ELEMENT_CLASS (gst_cenc_decrypt_parent_class)
      ->set_context (element, context);
}

static GstStateChangeReturn gst_cenc_decrypt_change_state (
    GstElement *element, GstStateChange transition)
{
  SampleDecrypter &impl = GST_CENC_DECRYPT (element)->impl;
  if (transition == GST_STATE_CHANGE_READY_TO_PAUSED) {
    // It is the streaming thread's, which holds this lock.
    GST_PAD_STREAM_LOCK (gstcenc::sink_of (element));
    impl.reset ();
    GST_PAD_STREAM_UNLOCK (gstcenc::sink_of (element));
    if (!impl.supply.start (element)) return GST_STATE_CHANGE_FAILURE;
  }
  if (transition == GST_STATE_CHANGE_PAUSED_TO_READY)
    impl.supply.set_flushing (true);
  GstStateChangeReturn result =
      GST_ELEMENT_CLASS (gst_cenc_decrypt_parent_class)
          ->change_state (element, transition);
  // The pads are inactive now: nobody streams.
  if (transition == GST_STATE_CHANGE_PAUSED_TO_READY) impl.reset ();
  return result;
}

static gboolean gst_cenc_decrypt_add_key (
    GstCencDecrypt *self, const gchar *kid, const gchar *key)
{
  return self->impl.supply.add (kid, key);
}

static void gst_cenc_decrypt_set_property (
    GObject *object, guint id, const GValue *value, GParamSpec *spec)
{
  GstCencDecrypt *self = GST_CENC_DECRYPT (object);
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
    case PROP_ON_MISSING_META:
      self->impl.settings.lock ()->on_missing_meta =
          static_cast<OnMissingMeta> (g_value_get_enum (value));
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, spec);
  }
}

static void gst_cenc_decrypt_get_property (
    GObject *object, guint id, GValue *value, GParamSpec *spec)
{
  GstCencDecrypt *self = GST_CENC_DECRYPT (object);
  const SampleDecrypter::Settings settings = self->impl.settings.copy ();
  switch (id) {
    case PROP_ON_MISSING_KEY:
      g_value_set_enum (value, static_cast<gint> (settings.on_missing_key));
      break;
    case PROP_KEY_TIMEOUT:
      g_value_set_uint64 (value, settings.key_timeout);
      break;
    case PROP_ON_MISSING_META:
      g_value_set_enum (value, static_cast<gint> (settings.on_missing_meta));
      break;
    case PROP_STATS:
      g_value_take_boxed (
          value, decryptstats::structure (self->impl.counters.copy ()));
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, spec);
  }
}

static void gst_cenc_decrypt_finalize (GObject *object)
{
  std::destroy_at (&GST_CENC_DECRYPT (object)->impl);
  G_OBJECT_CLASS (gst_cenc_decrypt_parent_class)->finalize (object);
}

static void gst_cenc_decrypt_init (GstCencDecrypt *self)
{
  std::construct_at (&self->impl, GST_ELEMENT (self));
  GstElementClass *klass = GST_ELEMENT_GET_CLASS (self);
  GstPad *sink = gst_pad_new_from_template (
      gst_element_class_get_pad_template (klass, "sink"), "sink");
  gst_pad_set_chain_function (sink, GST_DEBUG_FUNCPTR (gst_cenc_decrypt_chain));
  gst_pad_set_chain_list_function (
      sink, GST_DEBUG_FUNCPTR (gst_cenc_decrypt_chain_list));
  gst_pad_set_event_function (
      sink, GST_DEBUG_FUNCPTR (gst_cenc_decrypt_sink_event));
  gst_pad_set_query_function (sink, GST_DEBUG_FUNCPTR (gst_cenc_decrypt_query));
  GST_PAD_SET_PROXY_ALLOCATION (sink);
  gst_element_add_pad (GST_ELEMENT (self), sink);

  GstPad *src = gst_pad_new_from_template (
      gst_element_class_get_pad_template (klass, "src"), "src");
  gst_pad_set_query_function (src, GST_DEBUG_FUNCPTR (gst_cenc_decrypt_query));
  gst_pad_use_fixed_caps (src);
  gst_element_add_pad (GST_ELEMENT (self), src);
}

static GstPadTemplate *gst_cenc_decrypt_sink_template ()
{
  Owned<GstCaps> caps{gst_caps_new_empty_simple ("application/x-cenc")};
  for (const char *system : protection_systems)
    gst_caps_append_structure (
        caps.get (), gst_structure_new ("application/x-cenc",
                         "protection-system", G_TYPE_STRING, system, nullptr));
  gst_caps_append_structure (caps.get (),
      gst_structure_new ("application/x-webm-enc", "encryption-algorithm",
          G_TYPE_STRING, "AES", "encoding-scope", G_TYPE_STRING, "frame",
          "cipher-mode", G_TYPE_STRING, "CTR", nullptr));
  return gst_pad_template_new (
      "sink", GST_PAD_SINK, GST_PAD_ALWAYS, caps.get ());
}

static void gst_cenc_decrypt_install_properties (GObjectClass *object_class)
{
  /**
   * GstCencDecrypt:keys:
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
   * GstCencDecrypt:key:
   *
   * A content key for every key id that has no other one, such as the zero key
   * id of files that do not say theirs. Write-only. Default: none.
   *
   * Since: 0.1
   */
  properties[PROP_KEY] = gstcenc::key_spec ();

  /**
   * GstCencDecrypt:clearkey-json:
   *
   * Content keys as the JSON Web Key Set of W3C ClearKey, or the file URI of
   * it, which is read on the way to PAUSED. Write-only. Default: none.
   *
   * Since: 0.1
   */
  properties[PROP_CLEARKEY_JSON] = gstcenc::clearkey_json_spec ();

  /**
   * GstCencDecrypt:on-missing-key:
   *
   * What to do with a sample whose key nobody has who was asked: `error`;
   * `wait` for it, as long as #GstCencDecrypt:key-timeout says, and then
   * `error`; `drop` the sample; `pass` it as it is, encrypted. Default:
   * `error`.
   *
   * Since: 0.1
   */
  properties[PROP_ON_MISSING_KEY] = gstcenc::on_missing_key_spec ();

  /**
   * GstCencDecrypt:key-timeout:
   *
   * How long #GstCencDecrypt:on-missing-key `wait` waits, in nanoseconds; the
   * highest value is without end. Default: 10 s.
   *
   * Since: 0.1
   */
  properties[PROP_KEY_TIMEOUT] = gstcenc::key_timeout_spec ();

  /**
   * GstCencDecrypt:on-missing-meta:
   *
   * What to do with a sample of an encrypted stream of which the demuxer does
   * not say whether it is encrypted: `pass` it as a clear one, `drop` it,
   * `error`. Default: `pass`.
   *
   * Since: 0.1
   */
  properties[PROP_ON_MISSING_META] =
      g_param_spec_enum ("on-missing-meta", "On missing meta",
          "What to do with a sample of which nothing says that it is encrypted",
          GST_TYPE_CENC_ON_MISSING_META,
          static_cast<gint> (SampleDecrypter::Settings{}.on_missing_meta),
          static_cast<GParamFlags> (G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS |
                                    GST_PARAM_MUTABLE_PLAYING));

  /**
   * GstCencDecrypt:stats:
   *
   * Counters since the element was made, all guint64: `samples`,
   * `samples-decrypted`, `samples-clear`, `samples-without-meta` (those of
   * which no protection meta says what they are), `samples-without-key` (passed
   * encrypted), `samples-dropped`, `bytes`, `bytes-decrypted` (of decrypted
   * samples). Also the fields of the element message `cencdecrypt-stats`.
   *
   * Since: 0.1
   */
  properties[PROP_STATS] = g_param_spec_boxed ("stats", "Statistics",
      "Counters of samples and bytes", GST_TYPE_STRUCTURE,
      static_cast<GParamFlags> (G_PARAM_READABLE | G_PARAM_STATIC_STRINGS));
  g_object_class_install_properties (object_class, N_PROPS, properties);
}

static void gst_cenc_decrypt_install_signals (GType type)
{
  /**
   * GstCencDecrypt::need-key:
   * @key_id: 32 hexadecimal digits
   * @system_id: (nullable): the protection system of the stream
   * @pssh: (nullable): what the stream says to that system
   *
   * Emitted by the streaming thread when nobody else has the key.
   *
   * Returns: (nullable): the key, as in #GstCencDecrypt:keys
   *
   * Since: 0.1
   */
  signals[SIGNAL_NEED_KEY] = g_signal_new ("need-key", type, G_SIGNAL_RUN_LAST,
      0, nullptr, nullptr, nullptr, G_TYPE_STRING, 3, G_TYPE_STRING,
      G_TYPE_STRING, G_TYPE_BYTES);

  /**
   * GstCencDecrypt::add-key:
   * @key_id: a key id, as in #GstCencDecrypt:keys
   * @key: its key
   *
   * Adds a key, or puts it in place of the one that there was, in any state and
   * from any thread. It stays until the element goes.
   *
   * Returns: whether both could be read
   *
   * Since: 0.1
   */
  signals[SIGNAL_ADD_KEY] = g_signal_new_class_handler ("add-key", type,
      static_cast<GSignalFlags> (G_SIGNAL_RUN_LAST | G_SIGNAL_ACTION),
      G_CALLBACK (gst_cenc_decrypt_add_key), nullptr, nullptr, nullptr,
      G_TYPE_BOOLEAN, 2, G_TYPE_STRING, G_TYPE_STRING);
}

static void gst_cenc_decrypt_class_init (GstCencDecryptClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GstElementClass *element_class = GST_ELEMENT_CLASS (klass);

  GST_DEBUG_CATEGORY_INIT (cencdecrypt_debug, "cencdecrypt", 0,
      "decryption of Common Encryption samples");

  object_class->set_property =
      GST_DEBUG_FUNCPTR (gst_cenc_decrypt_set_property);
  object_class->get_property =
      GST_DEBUG_FUNCPTR (gst_cenc_decrypt_get_property);
  object_class->finalize = GST_DEBUG_FUNCPTR (gst_cenc_decrypt_finalize);
  gst_cenc_decrypt_install_properties (object_class);
  gst_cenc_decrypt_install_signals (G_TYPE_FROM_CLASS (klass));
  gst_type_mark_as_plugin_api (
      GST_TYPE_CENC_ON_MISSING_KEY, static_cast<GstPluginAPIFlags> (0));
  gst_type_mark_as_plugin_api (
      GST_TYPE_CENC_ON_MISSING_META, static_cast<GstPluginAPIFlags> (0));

  gst_element_class_set_static_metadata (element_class,
      "Common Encryption Decrypter", "Decryptor",
      "Decrypts samples of ISO/IEC 23001-7 (cenc, cbcs) and WebM encryption",
      RELAY_AUTHOR);
  gst_element_class_add_pad_template (
      element_class, gst_cenc_decrypt_sink_template ());
  Owned<GstCaps> any{gst_caps_new_any ()};
  gst_element_class_add_pad_template (element_class,
      gst_pad_template_new ("src", GST_PAD_SRC, GST_PAD_ALWAYS, any.get ()));

  element_class->set_context = GST_DEBUG_FUNCPTR (gst_cenc_decrypt_set_context);
  element_class->change_state =
      GST_DEBUG_FUNCPTR (gst_cenc_decrypt_change_state);
}

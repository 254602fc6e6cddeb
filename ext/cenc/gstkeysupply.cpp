// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gstkeysupply.h"

#include "config.h"

#include <glib/gi18n-lib.h>

#include <algorithm>
#include <string_view>
#include <utility>

#include "gstcenc.h"
#include "pssh.h"

using relay::Owned;

static GstDebugCategory *category ()
{
  static GstDebugCategory *made = _gst_debug_category_new (
      "cenckeys", 0, "where the keys of Common Encryption come from");
  return made;
}
#define GST_CAT_DEFAULT category ()

GType gst_cenc_on_missing_key_get_type ()
{
  static const GEnumValue values[] = {
      {static_cast<gint> (OnMissingKey::error),
          "An error that names the key id", "error"},
      {static_cast<gint> (OnMissingKey::wait),
          "Wait for the key, as long as key-timeout says", "wait"},
      {static_cast<gint> (OnMissingKey::drop), "Drop the sample", "drop"},
      {static_cast<gint> (OnMissingKey::pass),
          "Pass the sample as it is, encrypted", "pass"},
      {0, nullptr, nullptr},
  };
  static const GType type =
      g_enum_register_static ("GstCencOnMissingKey", values);
  return type;
}

namespace gstcenc {
namespace {

constexpr const char *context_type = "cenc-keys";
constexpr gsize longest_json = gsize{1} << 20;

// A string that held keys.
void wipe (gchar *text)
{
  if (text != nullptr) explicit_bzero (text, strlen (text));
}

// Contexts are printed into logs: strings as they are and bytes in base64, but
// of a variant nothing.
std::optional<keys::Ring> keys_of (GstContext *context)
{
  const GValue *value =
      gst_structure_get_value (gst_context_get_structure (context), "keys");
  if (value == nullptr || !G_VALUE_HOLDS_VARIANT (value)) return std::nullopt;
  GVariant *variant = g_value_get_variant (value);
  if (variant == nullptr ||
      g_variant_is_of_type (variant, G_VARIANT_TYPE ("a{ss}")) == FALSE)
    return std::nullopt;
  keys::Ring ring;
  GVariantIter iter;
  g_variant_iter_init (&iter, variant);
  const gchar *kid = nullptr, *key = nullptr;
  while (g_variant_iter_next (&iter, "{&s&s}", &kid, &key) != FALSE) {
    keys::Result<keys::KeyId> id = keys::parse_kid (kid);
    keys::Result<keys::Secret> secret = keys::parse_key (key);
    if (!id || !secret || !ring.add (*id, *secret)) return std::nullopt;
  }
  return ring;
}

Owned<GstStructure> request (
    const char *name, const gchar *kid, const gchar *system_id, GBytes *pssh)
{
  Owned<GstStructure> out{
      gst_structure_new (name, "key-id", G_TYPE_STRING, kid, nullptr)};
  if (system_id != nullptr)
    gst_structure_set (
        out.get (), "system-id", G_TYPE_STRING, system_id, nullptr);
  if (pssh != nullptr)
    gst_structure_set (out.get (), "pssh", G_TYPE_BYTES, pssh, nullptr);
  return out;
}

void add_key_ids (GstStructure *structure, const gchar *kid)
{
  const gchar *const kids[] = {kid, nullptr};
  gst_structure_set (structure, "key-ids", G_TYPE_STRV, kids, nullptr);
}

}  // namespace

void KeySupply::Store::Property::take (keys::Result<keys::Ring> read)
{
  wrong = {};
  ring = {};
  if (!read)
    wrong = read.error ();
  else
    ring = *std::move (read);
}

void KeySupply::set_keys (const gchar *text)
{
  keys::Result<keys::Ring> ring = keys::parse (text != nullptr ? text : "");
  auto store = store_.lock ();
  store->keys.take (std::move (ring));
}

void KeySupply::set_key (const gchar *text)
{
  auto store = store_.lock ();
  store->key.ring = {};
  store->key.wrong = {};
  if (text == nullptr || *text == '\0') return;
  keys::Result<keys::Secret> key = keys::parse_key (text);
  if (key)
    store->key.ring.set_any (*key);
  else
    store->key.wrong = key.error ();
}

void KeySupply::set_clearkey_json (const gchar *text_or_uri)
{
  std::string_view text = text_or_uri != nullptr ? text_or_uri : "";
  auto store = store_.lock ();
  store->clearkey.ring = {};
  store->clearkey.wrong = {};
  store->clearkey_uri.clear ();
  if (text.empty ()) return;
  if (text.starts_with ("file:")) {
    store->clearkey_uri = text;
    return;
  }
  store->clearkey.take (keys::parse_clearkey (text));
}

namespace {

// The text of a file URI. Empty, with an error posted, if it cannot be had.
std::optional<keys::Result<keys::Ring>> read_clearkey (
    GstElement *element, const std::string &uri)
{
  GError *raw_error = nullptr;
  Owned<gchar> name{g_filename_from_uri (uri.c_str (), nullptr, &raw_error)};
  gchar *raw_text = nullptr;
  gsize size = 0;
  if (name) g_file_get_contents (name.get (), &raw_text, &size, &raw_error);
  Owned<GError> error{raw_error};
  Owned<gchar> text{raw_text};
  if (!text) {
    GST_ELEMENT_ERROR (element, RESOURCE, OPEN_READ,
        (_ ("The file of the property \"%s\" cannot be read."),
            "clearkey-json"),
        ("%s", error ? error->message : "no reason given"));
    return std::nullopt;
  }
  keys::Result<keys::Ring> ring = relay::failure (keys::Error::too_many);
  if (size <= longest_json) ring = keys::parse_clearkey ({text.get (), size});
  explicit_bzero (text.get (), size);
  return ring;
}

}  // namespace

bool KeySupply::start (GstElement *element)
{
  std::string uri = store_.lock ()->clearkey_uri;
  std::optional<keys::Result<keys::Ring>> read;
  if (!uri.empty ()) {
    read = read_clearkey (element, uri);
    if (!read) return false;
  }
  const char *name = nullptr;
  relay::Failure<keys::Error> wrong{};
  {
    auto store = store_.lock ();
    if (read) store->clearkey.take (*std::move (read));
    store->all = store->added;
    store->is_flushing = false;
    store->protections.clear ();
    for (Store::Property *property :
        {&store->keys, &store->key, &store->clearkey}) {
      if (!property->wrong) {
        keys::Result<relay::Done> added = store->all.add (property->ring);
        // What has been added since takes the place of a property.
        if (added || added.code () == keys::Error::two_keys_for_one_kid)
          continue;
        property->wrong = added.error ();
      }
      name = property->name;
      wrong = *property->wrong;
      break;
    }
  }
  version_++;
  if (name == nullptr) return true;
  post_wrong_property (element, name, wrong);
  return false;
}

void KeySupply::set_flushing (bool flushing)
{
  store_.lock ()->is_flushing = flushing;
  changed_.notify_all ();
}

bool KeySupply::add (const keys::KeyId &kid, const keys::Secret &key)
{
  bool is_new = false;
  {
    auto store = store_.lock ();
    keys::Result<bool> added = store->added.replace (kid, key);
    keys::Result<bool> known = store->all.replace (kid, key);
    if (!added || !known) return false;
    is_new = *known;
  }
  if (!is_new) return true;
  version_++;
  changed_.notify_all ();
  return true;
}

bool KeySupply::add (const gchar *kid, const gchar *key)
{
  if (kid == nullptr || key == nullptr) return false;
  keys::Result<keys::KeyId> id = keys::parse_kid (kid);
  keys::Result<keys::Secret> secret = keys::parse_key (key);
  return id && secret && add (*id, *secret);
}

void KeySupply::take (GstContext *context)
{
  if (context == nullptr ||
      !gst_context_has_context_type (context, context_type))
    return;
  std::optional<keys::Ring> ring = keys_of (context);
  if (!ring) return;
  bool is_new = false;
  {
    auto store = store_.lock ();
    store->added.replace (*ring);
    is_new = store->all.replace (*ring);
  }
  if (!is_new) return;
  version_++;
  changed_.notify_all ();
}

void KeySupply::note (GstEvent *protection)
{
  const gchar *system_id = nullptr;
  GstBuffer *buffer = nullptr;
  gst_event_parse_protection (protection, &system_id, &buffer, nullptr);
  if (system_id == nullptr || buffer == nullptr) return;
  relay::MappedBuffer map (buffer, GST_MAP_READ);
  if (!map) return;
  Protection one{system_id,
      Owned<GBytes> (g_bytes_new (map.bytes ().data (), map.bytes ().size ())),
      pssh::key_ids (map.bytes ())};
  auto store = store_.lock ();
  auto is_of_system = [&] (const Protection &known) {
    return known.system_id == one.system_id;
  };
  std::erase_if (store->protections, [&] (const Protection &known) {
    return is_of_system (known) && known.key_ids == one.key_ids;
  });
  constexpr std::size_t most = 32;
  if (store->protections.size () >= most) {
    auto oldest = std::find_if (
        store->protections.begin (), store->protections.end (), is_of_system);
    if (oldest == store->protections.end ())
      oldest = store->protections.begin ();
    store->protections.erase (oldest);
  }
  store->protections.push_back (std::move (one));
}

std::optional<keys::Secret> KeySupply::find (const keys::KeyId &kid)
{
  auto store = store_.lock ();
  const aes::Key *key = store->all.find (kid);
  if (key == nullptr) return std::nullopt;
  return keys::Secret (*key);
}

// That of the system by which the stream was chosen, before one that names the
// key id, before others; of those that are alike, the latest.
KeySupply::Protection KeySupply::protection_of (
    const Asker &asker, const keys::KeyId &kid)
{
  Protection chosen;
  int best = -1;
  auto look_at = [&] (const std::string &system_id,
                     const std::vector<keys::KeyId> &key_ids) {
    bool is_of_stream =
        asker.system_id != nullptr &&
        g_ascii_strcasecmp (system_id.c_str (), asker.system_id) == 0;
    bool is_named =
        std::find (key_ids.begin (), key_ids.end (), kid) != key_ids.end ();
    int rank = (is_of_stream ? 2 : 0) + (is_named ? 1 : 0);
    if (rank < best) return false;
    best = rank;
    return true;
  };
  {
    auto store = store_.lock ();
    for (const Protection &one : store->protections)
      if (look_at (one.system_id, one.key_ids))
        chosen = {
            one.system_id, Owned<GBytes> (g_bytes_ref (one.data.get ())), {}};
  }
  for (const std::vector<std::uint8_t> &box : asker.psshs) {
    std::string system_id = pssh::system_id (box);
    if (!system_id.empty () && look_at (system_id, pssh::key_ids (box)))
      chosen = {system_id,
          Owned<GBytes> (g_bytes_new (box.data (), box.size ())), {}};
  }
  return chosen;
}

void KeySupply::ask_upstream (const Asker &asker, const gchar *kid)
{
  Owned<GstQuery> query{gst_query_new_context (context_type)};
  add_key_ids (gst_query_writable_structure (query.get ()), kid);
  if (!gst_pad_peer_query (asker.sink, query.get ())) return;
  GstContext *context = nullptr;
  gst_query_parse_context (query.get (), &context);
  take (context);
}

void KeySupply::ask_application (
    const Asker &asker, const gchar *kid, const Protection &protection)
{
  const gchar *system_id =
      protection.data ? protection.system_id.c_str () : nullptr;
  gchar *raw = nullptr;
  g_signal_emit_by_name (
      asker.element, "need-key", kid, system_id, protection.data.get (), &raw);
  Owned<gchar> key{raw};
  if (key && !add (kid, key.get ()))
    GST_WARNING_OBJECT (asker.element, "the key of need-key is no key");
  wipe (key.get ());
}

std::optional<keys::Secret> KeySupply::ask (
    const Asker &asker, const keys::KeyId &kid)
{
  std::string text = keys::to_string (kid);
  ask_upstream (asker, text.c_str ());
  if (auto key = find (kid)) return key;

  GstMessage *message =
      gst_message_new_need_context (GST_OBJECT (asker.element), context_type);
  add_key_ids (gst_message_writable_structure (message), text.c_str ());
  gst_element_post_message (asker.element, message);
  if (auto key = find (kid)) return key;

  Protection protection = protection_of (asker, kid);
  ask_application (asker, text.c_str (), protection);
  if (auto key = find (kid)) return key;

  std::string name =
      std::string (GST_OBJECT_NAME (gst_element_get_factory (asker.element))) +
      "-need-key";
  gst_element_post_message (asker.element,
      gst_message_new_element (GST_OBJECT (asker.element),
          request (name.c_str (), text.c_str (),
              protection.data ? protection.system_id.c_str () : nullptr,
              protection.data.get ())
              .release ()));
  return find (kid);
}

KeySupply::Waited KeySupply::wait (const keys::KeyId &kid, GstClockTime limit)
{
  GST_INFO ("waiting for the key of %s", keys::to_string (kid).c_str ());
  auto store = store_.lock ();
  auto is_over = [&] (const Store &now) {
    return now.is_flushing || now.all.find (kid) != nullptr;
  };
  // More than a clock can count is as good as no limit.
  if (limit > GstClockTime{G_MAXINT64} / 2)
    store.wait (changed_, is_over);
  else
    store.wait_for (changed_, std::chrono::nanoseconds (limit), is_over);
  if (store->is_flushing) return Waited::flushing;
  return store->all.find (kid) != nullptr ? Waited::found : Waited::timed_out;
}

// Write-only, like keys: what can be read is in every dot file.
GParamSpec *key_spec ()
{
  return g_param_spec_string ("key", "Key",
      "Content key for every key id that has no other", nullptr,
      static_cast<GParamFlags> (
          G_PARAM_WRITABLE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_READY));
}

GParamSpec *clearkey_json_spec ()
{
  return g_param_spec_string ("clearkey-json", "ClearKey JSON",
      "Content keys as the JSON Web Key Set of W3C ClearKey, or the file URI "
      "of it",
      nullptr,
      static_cast<GParamFlags> (
          G_PARAM_WRITABLE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_READY));
}

GParamSpec *on_missing_key_spec ()
{
  return g_param_spec_enum ("on-missing-key", "On missing key",
      "What to do with a sample for which there is no key",
      GST_TYPE_CENC_ON_MISSING_KEY, static_cast<gint> (OnMissingKey::error),
      static_cast<GParamFlags> (G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS |
                                GST_PARAM_MUTABLE_PLAYING));
}

GParamSpec *key_timeout_spec ()
{
  return g_param_spec_uint64 ("key-timeout", "Key timeout",
      "How long on-missing-key=wait waits for a key, in ns; -1: without end", 0,
      G_MAXUINT64, default_key_timeout,
      static_cast<GParamFlags> (G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS |
                                GST_PARAM_MUTABLE_PLAYING));
}

}  // namespace gstcenc

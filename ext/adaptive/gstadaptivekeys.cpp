// SPDX-License-Identifier: LGPL-2.1-or-later
#include "config.h"

#include "gstadaptivekeys.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#include <algorithm>
#include <utility>

#include "drm.h"
#include "gstfetch.h"
#include "uri.h"

using relay::Owned;

namespace {

constexpr const char *context_type = "cenc-keys";
constexpr std::size_t max_license = std::size_t{1} << 20;

// What a decrypter asks for: 32 hexadecimal digits each, in order.
std::vector<std::string> key_ids_of (GstQuery *query)
{
  const GstStructure *structure = gst_query_get_structure (query);
  gchar **raw = nullptr;
  if (!gst_structure_get (structure, "key-ids", G_TYPE_STRV, &raw, nullptr))
    return {};
  Owned<gchar *> kids{raw};
  std::vector<std::string> out;
  for (gchar **kid = kids.get (); kid != nullptr && *kid != nullptr; kid++)
    if (auto id = keys::parse_kid (*kid)) out.push_back (keys::to_string (*id));
  std::ranges::sort (out);
  out.erase (std::unique (out.begin (), out.end ()), out.end ());
  return out;
}

// GStreamer prints contexts into its log, but not what is in a variant.
Owned<GstContext> make_context (
    const keys::Ring &ring, const std::vector<std::string> &kids)
{
  GVariantBuilder builder;
  g_variant_builder_init (&builder, G_VARIANT_TYPE ("a{ss}"));
  bool any = false;
  for (const std::string &kid : kids) {
    auto id = keys::parse_kid (kid);
    const aes::Key *key = id ? ring.find (*id) : nullptr;
    if (key == nullptr) continue;
    std::string digits = keys::to_string (*key);
    g_variant_builder_add (&builder, "{ss}", kid.c_str (), digits.c_str ());
    explicit_bzero (digits.data (), digits.size ());
    any = true;
  }
  if (!any) {
    g_variant_builder_clear (&builder);
    return nullptr;
  }
  Owned<GstContext> context{gst_context_new (context_type, TRUE)};
  gst_structure_set (gst_context_writable_structure (context.get ()), "keys",
      G_TYPE_VARIANT, g_variant_builder_end (&builder), nullptr);
  return context;
}

}  // namespace

void gstadaptivekeys::push_events (GstPad *pad, Protections protections)
{
  for (const drm::System &system : drm::systems (protections)) {
    Owned<GstBuffer> data{
        gst_buffer_new_memdup (system.pssh.data (), system.pssh.size ())};
    gst_pad_push_event (pad,
        gst_event_new_protection (system.id.c_str (), data.get (), "dash/mpd"));
  }
}

AdaptiveKeys::AdaptiveKeys (GstElement *element, fetcher::Settings settings,
    std::string license_uri, fetcher::Counters *counters,
    std::shared_ptr<keystore::Store> store)
    : element_ (element),
      settings_ (std::move (settings)),
      license_uri_ (std::move (license_uri)),
      counters_ (counters),
      store_ (std::move (store))
{
}

bool AdaptiveKeys::answer (GstQuery *query,
    gstadaptivekeys::Protections protections, GCancellable *cancellable)
{
  const gchar *type = nullptr;
  if (!gst_query_parse_context_type (query, &type) ||
      g_strcmp0 (type, context_type) != 0)
    return false;
  std::string uri =
      license_uri_.empty () ? drm::license_uri (protections) : license_uri_;
  KeyIds kids = key_ids_of (query);
  auto identity = std::ranges::find (
      protections, "identity", &presentation::ContentProtection::key_format);
  if (license_uri_.empty () && identity != protections.end ())
    return !kids.empty () &&
           answer_identity (query, *identity, kids, cancellable);
  if (uri.empty () || kids.empty ()) return false;
  auto found = find (uri, kids, cancellable);
  if (!found) return false;
  Owned<GstContext> context = make_context (found->ring, kids);
  if (!context) return false;
  gst_query_set_context (query, context.get ());
  return true;
}

// Null: there was a warning, unless it was broken off.
std::shared_ptr<const keystore::Key> AdaptiveKeys::key_at (
    const std::string &uri, GCancellable *cancellable)
{
  auto had = store_->get (settings_, uri, cancellable, counters_);
  if (!had) {
    if (had.code ().error != fetcher::Error::cancelled) warn (had.code ());
    return nullptr;
  }
  if ((*had)->bytes ().size () == sizeof (aes::Key)) return std::move (*had);
  warn ({fetcher::Error::protocol, 0, uri::without_secrets (uri),
      "not a key of 16 bytes", {}});
  return nullptr;
}

// The media say each key id once for each segment: most often it is the same.
bool AdaptiveKeys::learn (const keys::KeyId &kid, const std::string &key_uri,
    GCancellable *cancellable)
{
  std::string before;
  {
    auto known = known_.lock ();
    if (known->size () >= most_known) known->clear ();
    auto [place, is_new] = known->try_emplace (kid, key_uri);
    if (is_new || place->second == key_uri) return true;
    before = place->second;
  }
  // Another address is not another key: there may be a token in it.
  auto one = key_at (before, cancellable);
  auto other = key_at (key_uri, cancellable);
  return !one || !other || std::ranges::equal (one->bytes (), other->bytes ());
}

std::string AdaptiveKeys::address_of (
    const keys::KeyId &kid, const std::string &otherwise)
{
  auto known = known_.lock ();
  auto found = known->find (kid);
  return found != known->end () ? found->second : otherwise;
}

bool AdaptiveKeys::answer_identity (GstQuery *query,
    const presentation::ContentProtection &identity, const KeyIds &kids,
    GCancellable *cancellable)
{
  keys::Ring ring;
  for (const std::string &kid : kids) {
    auto id = keys::parse_kid (kid);
    if (!id) continue;
    auto held = key_at (address_of (*id, identity.key_uri), cancellable);
    if (!held) return false;
    aes::Key key{};
    std::ranges::copy (held->bytes (), key.begin ());
    (void)ring.replace (*id, keys::Secret (key));
    explicit_bzero (key.data (), key.size ());
  }
  Owned<GstContext> context = make_context (ring, kids);
  if (!context) return false;
  gst_query_set_context (query, context.get ());
  return true;
}

// Null when it was broken off. Others that ask for the same wait for the first
// one, whose request ends with the element.
std::shared_ptr<const AdaptiveKeys::Answer> AdaptiveKeys::find (
    const std::string &uri, const KeyIds &kids, GCancellable *cancellable)
{
  KeyIds key = kids;
  key.push_back (uri);
  std::shared_ptr<Answer> mine;
  {
    auto answers = answers_.lock ();
    auto [place, is_new] = answers->try_emplace (key);
    if (!is_new) {
      std::shared_ptr<Answer> theirs = place->second;
      answers.wait (changed_, [&theirs] (auto &) { return theirs->is_there; });
      return theirs;
    }
    mine = place->second = std::make_shared<Answer> ();
  }
  auto ring = ask (uri, kids, cancellable);
  bool cancelled = !ring && ring.code ().error == fetcher::Error::cancelled;
  {
    auto answers = answers_.lock ();
    if (ring) mine->ring = std::move (*ring);
    mine->is_there = true;
    if (cancelled) answers->erase (key);
  }
  changed_.notify_all ();
  if (cancelled) return nullptr;
  if (!ring) warn (ring.code ());
  return mine;
}

fetcher::Result<keys::Ring> AdaptiveKeys::ask (
    const std::string &uri, const KeyIds &kids, GCancellable *cancellable)
{
  fetcher::Request request{uri, {}, fetcher::Kind::key};
  request.method = "POST";
  request.body = drm::license_request (kids);
  request.body_type = "application/json";
  auto whole = fetcher::fetch_all (
      settings_, request, cancellable, counters_, max_license);
  if (!whole) return whole.error ();
  auto ring = keys::parse_clearkey (
      {reinterpret_cast<const char *> (whole->bytes.data ()),
          whole->bytes.size ()});
  explicit_bzero (whole->bytes.data (), whole->bytes.size ());
  if (!ring)
    return relay::failure (fetcher::Problem{fetcher::Error::protocol, 0,
        uri::without_secrets (whole->uri),
        std::string ("not a licence: ") + keys::to_string (ring.code ()), {}});
  return std::move (*ring);
}

void AdaptiveKeys::warn (const fetcher::Problem &problem)
{
  GST_ELEMENT_WARNING (element_, RESOURCE, READ,
      (_ ("The licence server gave no keys.")),
      ("%s: %s (status %u): %s", problem.uri.c_str (),
          to_string (problem.error), problem.http_status,
          problem.message.c_str ()));
}

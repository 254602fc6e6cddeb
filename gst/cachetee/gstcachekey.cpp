// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gstcachekey.h"

#include "common/gstpp.h"
#include "gstcachecontrol.h"

namespace cachekey {

using cachesettings::Settings;
using relay::Owned;

namespace {

std::string hash_of (const std::string &text)
{
  Owned<gchar> hash{g_compute_checksum_for_string (
      G_CHECKSUM_SHA256, text.c_str (), static_cast<gssize> (text.size ()))};
  return hash.get ();
}

// RFC 3986 3.2.1, 3.4.
std::string without_secrets (const std::string &uri)
{
  std::string out = uri.substr (0, uri.find_first_of ("?#"));
  std::size_t begin = out.find ("://");
  if (begin == std::string::npos) return out;
  begin += 3;
  std::size_t at = out.substr (0, out.find ('/', begin)).rfind ('@');
  if (at != std::string::npos && at >= begin) out.erase (begin, at + 1 - begin);
  return out;
}

std::string uri_of (GstPad *sinkpad)
{
  Owned<GstQuery> query{gst_query_new_uri ()};
  if (!gst_pad_peer_query (sinkpad, query.get ())) return "";
  gchar *raw = nullptr;
  gst_query_parse_uri (query.get (), &raw);
  Owned<gchar> uri{raw};
  return uri != nullptr ? uri.get () : "";
}

}  // namespace

std::string prefix (const std::string &uri)
{
  return without_secrets (uri) + "\nuri " + hash_of (uri);
}

std::string default_key (const std::string &uri, const std::string &stream_id)
{
  return prefix (uri) + " stream " + hash_of (stream_id);
}

void Awaiting::start (bool awaits)
{
  on_demand_ = awaits;
  awaits_ = awaits;
}

std::string Awaiting::key_of (GstEvent *event)
{
  std::string uri = uri_of (sinkpad_);
  const gchar *stream_id = nullptr;
  gst_event_parse_stream_start (event, &stream_id);
  if (uri.empty () || stream_id == nullptr) return "";
  return default_key (uri, stream_id);
}

bool Awaiting::stream_start (GstEvent *event)
{
  if (!on_demand_) return true;
  std::string key = key_of (event);
  // As from a list of several: under the key of the first nobody would look for
  // the others.
  if (!awaits_.exchange (false)) return key == *key_.lock ();
  *key_.lock () = key;
  Settings settings = settings_.copy ();
  settings.cache_key = cachecontrol::key_for (key, sinkpad_);
  lookup_.look_up (settings);
  open_ ();
  return true;
}

}  // namespace cachekey

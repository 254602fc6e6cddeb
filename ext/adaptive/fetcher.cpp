// SPDX-License-Identifier: LGPL-2.1-or-later
#include "fetcher.h"

#include <algorithm>
#include <utility>

#include "cookies.h"
#include "decoder.h"
#include "http.h"
#include "request.h"
#include "response.h"
#include "uri.h"

namespace fetcher {

using relay::Done;

Result<std::unique_ptr<Response>> send (const Settings &settings,
    const Request &request, GCancellable *cancellable, Counters *counters)
{
  return send_again (settings, request, cancellable, counters, 0);
}

namespace {

// Read in place, up to a byte more than allowed.
Result<Whole> read_whole (Response &response, std::size_t max_bytes)
{
  constexpr std::size_t step = 65536;
  const Head &head = response.head ();
  Whole out{
      head.uri, head.permanent_uri, head.content_type, {}, head.delimited};
  std::size_t used = 0;
  for (;;) {
    if (used == out.bytes.size ())
      out.bytes.resize (std::min (used + std::max (used, step), max_bytes + 1));
    Result<std::size_t> count =
        response.read (out.bytes.data () + used, out.bytes.size () - used);
    if (!count) return count.error ();
    used += *count;
    if (used > max_bytes)
      return relay::failure (Problem{Error::too_large, head.status,
          uri::without_secrets (head.uri), "larger than allowed", {}});
    if (*count == 0) break;
  }
  out.bytes.resize (used);
  return out;
}

// A file that lies coded on a server which does not say so: RFC 1952 2.3.1. No
// manifest begins like that.
bool is_coded (const Whole &whole)
{
  constexpr std::uint8_t magic[] = {0x1f, 0x8b};
  return whole.bytes.size () > 2 &&
         std::ranges::equal (std::span (whole.bytes).first (2), magic);
}

// As read_whole does it.
Result<Whole> decode (Whole whole, std::size_t max_bytes)
{
  auto fail = [&whole] (Error error, const char *message) {
    return relay::failure (
        Problem{error, 200, uri::without_secrets (whole.uri), message, {}});
  };
  constexpr std::size_t step = 65536;
  auto decoder = Decoder::make ("gzip");
  std::span<const std::uint8_t> left (whole.bytes);
  std::vector<std::uint8_t> out;
  std::size_t used = 0;
  for (;;) {
    if (used == out.size ())
      out.resize (std::min (used + std::max (used, step), max_bytes + 1));
    auto count = decoder->decode (out.data () + used, out.size () - used);
    if (!count) return fail (Error::protocol, "not gzip behind its beginning");
    used += *count;
    if (used > max_bytes) return fail (Error::too_large, "larger than allowed");
    if (*count > 0) continue;
    if (left.empty ()) break;
    std::size_t next = std::min (left.size (), decoder->space ().size ());
    std::ranges::copy (left.first (next), decoder->space ().begin ());
    decoder->add (next);
    left = left.subspan (next);
  }
  if (!decoder->is_complete ()) return fail (Error::truncated, "cut gzip");
  out.resize (used);
  whole.bytes = std::move (out);
  return whole;
}

}  // namespace

Result<Whole> fetch_all (const Settings &settings, const Request &request,
    GCancellable *cancellable, Counters *counters, std::size_t max_bytes)
{
  Counters own_counters;
  for (unsigned retry = 0;; retry++) {
    Result<std::unique_ptr<Response>> response =
        send_again (settings, request, cancellable, counters, retry);
    if (!response) return response.error ();
    Result<Whole> whole = read_whole (**response, max_bytes);
    if (whole && request.kind == Kind::manifest && is_coded (*whole))
      return decode (std::move (*whole), max_bytes);
    // Nobody has seen the first part: what cannot be resumed begins again.
    if (whole || (whole.code ().error != Error::truncated &&
                     whole.code ().error != Error::changed &&
                     whole.code ().error != Error::timeout))
      return whole;
    Problem reason = whole.code ();
    if (reason.error == Error::changed) reason.error = Error::truncated;
    Result<Done> again = before_retry (settings, retry, reason, cancellable,
        counters != nullptr ? *counters : own_counters);
    if (!again) return again.error ();
  }
}

std::string use_location (Settings &settings, std::string_view location)
{
  std::string clean = uri::without_userinfo (location);
  settings.credentials_origin.clear ();
  settings.jar = std::make_shared<relay::Guarded<cookies::Jar>> ();
  uri::Result<uri::Uri> parsed = uri::parse (location);
  if (!parsed) return clean;
  settings.credentials_origin = uri::origin (*parsed);
  bool has_one =
      std::ranges::any_of (settings.extra_headers, [] (const auto &h) {
        return http::same_name (h.first, "Authorization");
      });
  if (parsed->userinfo && !has_one) {
    std::string_view info = *parsed->userinfo;
    std::size_t colon = std::min (info.find (':'), info.size ());
    settings.extra_headers.emplace_back ("Authorization",
        http::basic_credentials (uri::percent_decode (info.substr (0, colon)),
            uri::percent_decode (
                info.substr (std::min (colon + 1, info.size ())))));
  }
  return clean;
}

const char *to_string (Error error)
{
  switch (error) {
    case Error::cancelled:
      return "cancelled";
    case Error::uri:
      return "bad URI";
    case Error::blocked:
      return "blocked";
    case Error::resolve:
      return "unknown host";
    case Error::connect:
      return "no connection";
    case Error::proxy:
      return "no connection by the proxy";
    case Error::proxy_auth:
      return "proxy credentials";
    case Error::tls:
      return "no secure connection";
    case Error::timeout:
      return "timeout";
    case Error::http_status:
      return "HTTP status";
    case Error::redirect_loop:
      return "redirect loop";
    case Error::redirect_scheme:
      return "redirect refused";
    case Error::truncated:
      return "broken off";
    case Error::changed:
      return "changed";
    case Error::bad_range:
      return "bad range";
    case Error::too_large:
      return "too large";
    case Error::protocol:
      return "not HTTP";
    case Error::busy:
      return "no connection is free";
  }
  return "unknown";
}

}  // namespace fetcher

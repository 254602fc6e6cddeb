// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/guarded.h"
#include "common/result.h"

// GIO's, whose header callers need not have.
// NOLINTBEGIN(modernize-use-using,bugprone-reserved-identifier)
typedef struct _GCancellable GCancellable;
typedef struct _GTlsCertificate GTlsCertificate;
typedef struct _GTlsDatabase GTlsDatabase;
typedef struct _GTlsInteraction GTlsInteraction;
// NOLINTEND(modernize-use-using,bugprone-reserved-identifier)

namespace cookies {
class Jar;
}

namespace routes {
class Table;
}

// HTTP: the one way to the network. A request is sent and its body read by the
// thread that wants the bytes, and broken off by its GCancellable.
namespace fetcher {

using Headers = std::vector<std::pair<std::string, std::string>>;

// By what the origin is known, and we to it. Not for an https proxy: GIO knows
// that one by the system's authorities alone.
struct Tls
{
  // The authorities: these; or else those of a PEM file; or else the system's;
  // or else none, and nobody is trusted.
  std::shared_ptr<GTlsDatabase> database;
  std::string ca_file;
  bool use_system_ca_file = true;
  // Shown to who asks for it; or else what the interaction is asked for.
  std::shared_ptr<GTlsCertificate> certificate;
  std::shared_ptr<GTlsInteraction> interaction;

  // The 0 that it is compared with is no pointer.
  // NOLINTNEXTLINE(modernize-use-nullptr)
  friend auto operator<=> (const Tls &, const Tls &) = default;
};

// What a source element's properties say. Requests copy it.
struct Settings
{
  // "" = by the system's resolver (environment, desktop). Otherwise the proxy
  // for every request (http, https, socks5 or socks4a; userinfo allowed):
  // when it cannot be used the request fails, it never goes direct.
  std::string proxy;
  // Go before the userinfo of proxy.
  std::string proxy_id;
  std::string proxy_pw;
  // By which way to which host; what no rule matches goes by proxy. Null: no
  // rules.
  std::shared_ptr<const routes::Table> routes;
  std::string user_agent;
  // With every request, but Authorization and Cookie only to
  // credentials_origin, unless credentials_everywhere.
  Headers extra_headers;
  bool credentials_everywhere = false;
  // What servers have set, sent where it belongs: shared by the copies of these
  // settings. use_location () begins a new one. Null: none are kept.
  std::shared_ptr<relay::Guarded<cookies::Jar>> jar;
  // Scheme, host and port of `location`: set it with use_location ().
  std::string credentials_origin;
  // Transfers of one host at once, over the whole process: first come, first
  // served, manifests and keys before the rest. 0 = no limit.
  unsigned max_connections_per_host = 10;
  // For connecting, for the headers, and between two reads. 0 = none.
  std::chrono::milliseconds timeout{15000};
  // Tries after the first one, and after each progress; -1 = no limit.
  int retries = 3;
  // Pause before the first retry; it doubles up to the maximum, with jitter.
  std::chrono::milliseconds backoff{500};
  std::chrono::milliseconds backoff_max{8000};
  bool ssl_strict = true;
  Tls tls;
  bool automatic_redirect = true;
  // Whether a connection is kept, to be used again.
  bool keep_alive = true;
  // Whose requests these are, for the log.
  std::string name;
};

// The location without userinfo. Userinfo becomes an Authorization header
// unless extra_headers has one; credentials_origin is set from it, and a new
// jar begun.
[[nodiscard]] std::string use_location (
    Settings &settings, std::string_view location);

// Bytes first to last, both included; no last = to the end.
struct Range
{
  std::uint64_t first = 0;
  std::optional<std::uint64_t> last;
};

enum class Kind
{
  manifest,  // asked for with content codings (gzip), unless it is a part
  init,
  media,
  key,
  other
};

// At a live edge, what is not there may be there soon.
struct Edge
{
  unsigned tries = 0;  // more, where the answer is 403, 404 or 410
  std::chrono::milliseconds pause{0};  // before each of them
};

struct Request
{
  // Absolute, http or https; a key and an initialization may be in it (data).
  std::string uri;
  std::optional<Range> range;
  Kind kind = Kind::other;
  // A token (RFC 9110 9.1). Only a GET is resumed.
  std::string method = "GET";
  // Content codings (gzip) are asked for, if there is no range.
  bool compress = false;
  // Apart from the retries.
  Edge edge{};
  // Sent with the method, by 307 and 308 also to where they lead.
  std::string body{};
  std::string body_type{};
  // Called, if it is set, when a connection may be used for it: what is asked
  // for from then on does not go before it.
  std::function<void ()> on_place{};
  // The same before it waits for one, because none is free. Whoever has one and
  // waits for this is to let it go: see Response::let_go ().
  std::function<void ()> on_queue{};
  // Otherwise it is Error::busy when none is free.
  bool waits_for_place = true;
};

enum class Error
{
  cancelled,        // by the request's GCancellable; never posted
  uri,              // not an absolute http or https URI, or a bad proxy URI
  blocked,          // no route leads there
  resolve,          // the host's name is not known
  connect,          // no connection to the origin
  proxy,            // no connection to or through the proxy
  proxy_auth,       // the proxy wants other credentials (407)
  tls,              // no secure connection
  timeout,          // connecting, headers, or idle
  http_status,      // neither 200 nor 206: see Problem::http_status
  redirect_loop,    // more than 10 redirects
  redirect_scheme,  // a redirect to something that is not http or https
  truncated,        // the body broke off and could not be resumed
  changed,          // the resource changed while it was read
  bad_range,        // not the bytes that were asked for; 416
  too_large,        // more than max_bytes
  protocol,         // not HTTP
  busy              // no connection is free: see Request::waits_for_place
};
[[nodiscard]] const char *to_string (Error error);

struct Head;

struct Problem
{
  Error error;
  unsigned http_status = 0;
  std::string uri;      // without userinfo and query
  std::string message;  // for the debug text: no secret in it
  // Where a redirect led that was not followed.
  std::string redirect_location;
  // Of the answer that is the problem, if it is one.
  std::shared_ptr<const Head> head{};
  // When the server wants to be asked again, at the earliest.
  std::optional<std::chrono::seconds> retry_after{};
};

// A value or a Problem: "if (!result) return result.error ();", and
// result.code () is the Problem.
template <class T>
using Result = relay::Result<T, Problem>;

// What became of a request: a redirect and a retry are requests of their own.
// No secret in it.
struct Record
{
  std::uint64_t number = 0;  // from 1, over all requests of the element
  std::string uri;           // without userinfo and query
  std::string route;         // "direct", or the proxy without userinfo
  bool new_connection = false;
  unsigned retry = 0;       // tries before this one
  unsigned status = 0;      // 0: there was no answer
  std::uint64_t bytes = 0;  // of the body on the wire, known at its end
  std::chrono::nanoseconds ttfb{0};
  std::string error;  // why there was no answer
};

// Of one element, over all its requests. They only grow, but for the ttfb.
struct Counters
{
  static constexpr std::size_t most_records = 32;

  std::atomic<std::uint64_t> requests{0};  // sent: redirects, retries included
  std::atomic<std::uint64_t> retries{0};
  std::atomic<std::uint64_t> redirects{0};
  std::atomic<std::uint64_t> connections{0};     // new ones
  std::atomic<std::uint64_t> proxied{0};         // requests by way of a proxy
  std::atomic<std::uint64_t> bytes_received{0};  // of bodies, as delivered
  std::atomic<std::uint64_t> ttfb_ns{0};         // of the last response
  relay::Guarded<std::deque<Record>> records;    // the last ones
};

// What the headers of a response say.
struct Head
{
  std::string uri;  // the final one: the base for relative references
  // Where 301 and 308 say that the resource is from now on.
  std::optional<std::string> permanent_uri;
  unsigned status = 0;
  Headers request_headers;  // with *** for secrets
  Headers headers;          // of the response, with *** for secrets
  std::string content_type;
  // Of this body as read () delivers it, and of the whole resource: by
  // Content-Length or Content-Range.
  std::optional<std::uint64_t> length;
  std::optional<std::uint64_t> total;
  bool coded = false;  // gzip or deflate: these know where they end
  // So do lengths and chunks. A body without any of them ends where the
  // connection does, too early or not: the caller checks its boxes or packets.
  bool delimited = false;
  bool seekable = false;  // byte ranges are served
  std::chrono::nanoseconds ttfb{0};
};

// A body being read, by one thread at a time. A body that breaks off is
// resumed inside read (). Destroying it before its end closes the connection.
class Response
{
public:
  struct Impl;
  explicit Response (std::unique_ptr<Impl> impl);
  ~Response ();
  Response (const Response &) = delete;
  Response &operator= (const Response &) = delete;

  [[nodiscard]] const Head &head () const;
  // Waits for at least one byte; 0 = the body is complete, its length
  // verified where one is known.
  Result<std::size_t> read (std::uint8_t *data, std::size_t size);
  // The same, but nothing when there is nothing yet: then wait (), and it may
  // have something. So memory for it need not be held meanwhile.
  Result<std::optional<std::size_t>> read_now (
      std::uint8_t *data, std::size_t size);
  void wait ();
  // Somebody waits for a connection, and this has one. From any thread that
  // nobody reads in.
  [[nodiscard]] bool is_wanted () const;
  // Gives it back: the next read asks for the rest. False: it cannot be had in
  // parts, or there is none to be given back.
  [[nodiscard]] bool let_go ();

private:
  std::unique_ptr<Impl> impl_;
};

// THE ONE REQUEST FUNCTION. Returns when the headers are there, after
// redirects and retries. Safe from any thread; cancellable and counters may be
// null, and must outlive the response.
[[nodiscard]] Result<std::unique_ptr<Response>> send (const Settings &settings,
    const Request &request, GCancellable *cancellable, Counters *counters);

// A small body as a whole: manifest, index, key.
struct Whole
{
  std::string uri;
  std::optional<std::string> permanent_uri;
  std::string content_type;
  std::vector<std::uint8_t> bytes;
  bool verified = false;  // that nothing of it is missing
};
[[nodiscard]] Result<Whole> fetch_all (const Settings &settings,
    const Request &request, GCancellable *cancellable, Counters *counters,
    std::size_t max_bytes);

}  // namespace fetcher

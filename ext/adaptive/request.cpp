// SPDX-License-Identifier: LGPL-2.1-or-later
#include "request.h"

#include <algorithm>
#include <ctime>
#include <utility>

#include "cookies.h"
#include "http.h"
#include "limiter.h"
#include "route.h"
#include "routes.h"
#include "systemroute.h"

namespace fetcher {

using namespace std::chrono_literals;
using relay::Done;
using relay::Owned;
using route::Route;

#define GST_CAT_DEFAULT debug_category ()

namespace {

constexpr unsigned max_redirects = 10;
// Of what servers ask for with Retry-After.
constexpr std::chrono::seconds longest_wait = 60s;

struct Way
{
  Route route;
  bool verify = true;
  std::optional<unsigned> max_connections;
};

Result<Route> default_route (
    const Settings &settings, const uri::Uri &target, GCancellable *cancellable)
{
  if (settings.proxy.empty ()) return system_route (target, cancellable);
  route::Result<Route> route =
      route::parse_proxy (settings.proxy, settings.proxy_id, settings.proxy_pw);
  if (!route)
    return problem (
        Error::uri, std::string ("proxy: ") + route::to_string (route.code ()));
  return *route;
}

Result<Way> choose_way (
    const Settings &settings, const uri::Uri &target, GCancellable *cancellable)
{
  const routes::Rule *rule =
      settings.routes ? settings.routes->find (target) : nullptr;
  // `proxy` is the rule for all: another one for all goes before it.
  if (rule == nullptr) {
    Result<Route> route = default_route (settings, target, cancellable);
    if (!route) return route.error ();
    return Way{*route, settings.ssl_strict, {}};
  }
  if (rule->block)
    return problem (Error::blocked, "routes block " + target.host);
  return Way{
      rule->route, settings.ssl_strict && rule->verify, rule->max_connections};
}

// A connection's place, when it is there.
Result<std::unique_ptr<limiter::Ticket>> wait_for_place (
    const Settings &settings, const Request &request, limiter::Request place,
    GCancellable *cancellable)
{
  auto ticket = std::make_unique<limiter::Ticket> (
      Engine::get ().limiter (), std::move (place));
  if (!ticket->is_granted ()) {
    if (!request.waits_for_place)
      return problem (Error::busy, "all connections to the host are in use");
    if (request.on_queue) request.on_queue ();
  }
  gulong handler = 0;
  auto on_cancelled = [] (GCancellable *, gpointer data) {
    Engine::get ().limiter ().stop (*static_cast<limiter::Ticket *> (data));
  };
  if (cancellable != nullptr)
    handler = g_cancellable_connect (cancellable,
        G_CALLBACK (
            static_cast<void (*) (GCancellable *, gpointer)> (on_cancelled)),
        ticket.get (), nullptr);
  limiter::Outcome outcome = ticket->wait ();
  // Waits for a handler that runs.
  if (cancellable != nullptr) g_cancellable_disconnect (cancellable, handler);
  if (outcome == limiter::Outcome::stopped)
    return problem (Error::cancelled, "cancelled");
  if (outcome == limiter::Outcome::no_progress) {
    GST_DEBUG (
        "%s: no other transfer of the host gets on", settings.name.c_str ());
    return problem (Error::timeout, "all connections to the host are in use");
  }
  return ticket;
}

bool may_retry (const Problem &problem)
{
  switch (problem.error) {
    case Error::resolve:
    case Error::connect:
    case Error::timeout:
    case Error::truncated:
      return true;
    case Error::proxy:
    case Error::http_status:
      return problem.http_status == 0 ||
             http::is_transient (problem.http_status);
    default:
      return false;
  }
}

// False when it was broken off.
bool pause (std::chrono::milliseconds length, GCancellable *cancellable)
{
  GPollFD poll;
  bool pollable = g_cancellable_make_pollfd (cancellable, &poll);
  Clock::time_point end = Clock::now () + length;
  for (;;) {
    auto left =
        std::chrono::ceil<std::chrono::milliseconds> (end - Clock::now ());
    if (left <= 0ms || g_cancellable_is_cancelled (cancellable)) break;
    g_poll (pollable ? &poll : nullptr, pollable ? 1 : 0,
        static_cast<gint> (std::min<std::int64_t> (left.count (), 60000)));
  }
  if (pollable) g_cancellable_release_fd (cancellable);
  return !g_cancellable_is_cancelled (cancellable);
}

}  // namespace

Result<Done> before_retry (const Settings &settings, unsigned retry,
    const Problem &reason, GCancellable *cancellable, Counters &counters)
{
  if (!may_retry (reason)) return relay::failure (reason);
  if (settings.retries >= 0 &&
      retry >= static_cast<unsigned> (settings.retries))
    return relay::failure (reason);
  std::chrono::milliseconds length = http::backoff (
      retry, settings.backoff, settings.backoff_max, g_random_double ());
  if (reason.retry_after)
    length = std::max<std::chrono::milliseconds> (
        length, std::min (*reason.retry_after, longest_wait));
  GST_INFO ("%s: %s after '%s', in %d ms", settings.name.c_str (),
      reason.uri.c_str (), to_string (reason.error),
      static_cast<int> (length.count ()));
  if (!pause (length, cancellable))
    return problem (Error::cancelled, "cancelled");
  counters.retries++;
  return Done{};
}

Requester::Requester (const Settings &settings, const Request &request,
    GCancellable *cancellable, Counters *counters, unsigned retry)
    : settings_ (settings),
      request_ (request),
      cancellable_ (relay::share (cancellable)),
      counters_ (counters != nullptr ? *counters : own_counters_),
      retry_ (retry),
      start_ (uri::without_userinfo (request.uri)),
      current_ (start_)
{
}

Result<Done> Requester::before_retry (unsigned retry, const Problem &reason)
{
  if (!http::is_idempotent (request_.method)) return relay::failure (reason);
  retry_++;
  return fetcher::before_retry (
      settings_, retry, reason, cancellable_.get (), counters_);
}

bool Requester::is_early (unsigned tries, const Problem &reason) const
{
  unsigned status = reason.http_status;
  return reason.error == Error::http_status && tries < request_.edge.tries &&
         (status == 403 || status == 404 || status == 410);
}

Result<Done> Requester::wait_at_edge ()
{
  retry_++;
  if (!pause (request_.edge.pause, cancellable_.get ()))
    return problem (Error::cancelled, "cancelled");
  counters_.retries++;
  return Done{};
}

Result<std::unique_ptr<Exchange>> Requester::follow (const Part &part)
{
  current_ = start_;
  method_ = request_.method;
  permanent_.reset ();
  bool all_permanent = true;
  for (unsigned redirects = 0;; redirects++) {
    Result<std::unique_ptr<Exchange>> sent = send_to (current_, part);
    if (!sent) return sent;
    Exchange &exchange = **sent;
    unsigned status = exchange.status ();
    if (!http::is_redirect (status) || exchange.header ("Location").empty ())
      return sent;
    Result<std::string> target = redirect_target (exchange, current_);
    if (!target) {
      relay::Failure<Problem> refused = target.error ();
      refused.code.head =
          std::make_shared<const Head> (exchange.head (current_));
      return refused;
    }
    if (redirects == max_redirects)
      return problem (Error::redirect_loop, "more than 10 redirects", status);
    counters_.redirects++;
    exchange.discard ();
    current_ = *target;
    method_ = http::method_after (status, method_);
    all_permanent &= http::is_permanent_redirect (status);
    if (all_permanent) permanent_ = current_;
  }
}

Result<std::unique_ptr<Exchange>> Requester::send_to (
    const std::string &uri, const Part &part)
{
  uri::Result<uri::Uri> target = uri::parse (uri);
  if (!target) return problem (Error::uri, uri::to_string (target.code ()));
  if (uri::origin (*target).empty ())
    return problem (Error::uri, "neither http nor https");
  if (g_hostname_is_non_ascii (target->host.c_str ())) {
    Owned<gchar> ascii{g_hostname_to_ascii (target->host.c_str ())};
    if (!ascii) return problem (Error::uri, "not a host name");
    target->host = ascii.get ();
  }
  Result<Way> way = choose_way (settings_, *target, cancellable_.get ());
  if (!way) return way.error ();
  limiter::Request place{uri::origin (*target),
      settings_.max_connections_per_host,
      request_.kind == Kind::manifest || request_.kind == Kind::key,
      settings_.timeout};
  if (way->max_connections &&
      (place.limit == 0 || *way->max_connections < place.limit))
    place.limit = *way->max_connections;
  Result<std::unique_ptr<limiter::Ticket>> ticket = wait_for_place (
      settings_, request_, std::move (place), cancellable_.get ());
  if (!ticket) return ticket.error ();
  if (request_.on_place) request_.on_place ();
  Result<std::shared_ptr<Session>> session =
      Engine::get ().session ({way->route, way->verify, settings_.tls});
  if (!session) return session.error ();
  auto exchange = std::make_unique<Exchange> (std::move (*session),
      std::move (*ticket), settings_, cancellable_.get (), counters_,
      uri::without_secrets (uri), retry_);
  if (!exchange->prepare (*target, method_))
    return problem (Error::uri, "not a URI for HTTP");
  if (method_ == request_.method && !request_.body.empty ())
    exchange->set_body (request_.body_type, request_.body);
  set_headers (*exchange, *target, part);
  if (Result<Done> sent = exchange->send (); !sent) return sent.error ();
  keep_cookies (*exchange, *target);
  return exchange;
}

bool Requester::is_trusted (const uri::Uri &target) const
{
  return settings_.credentials_everywhere ||
         uri::origin (target) == settings_.credentials_origin;
}

void Requester::set_headers (
    Exchange &exchange, const uri::Uri &target, const Part &part) const
{
  if (!settings_.user_agent.empty () &&
      http::is_sendable ("User-Agent", settings_.user_agent))
    exchange.set_header ("User-Agent", settings_.user_agent);
  for (const auto &[name, value] : settings_.extra_headers) {
    if (!http::is_sendable (name, value) || http::is_reserved (name))
      GST_WARNING ("%s: extra header '%s' cannot be sent",
          settings_.name.c_str (), name.c_str ());
    else if (http::same_name (name, "User-Agent"))
      exchange.set_header ("User-Agent", value);
    else if (!http::is_credential (name) ||
             (is_trusted (target) && !http::same_name (name, "Cookie")))
      exchange.append_header (name, value);
  }
  std::string cookies = cookies_for (target);
  if (!cookies.empty ()) exchange.set_header ("Cookie", cookies);
  // A length of coded bytes says nothing of what is read, and a part of them is
  // of no use.
  bool coded = part.range.empty () &&
               (request_.kind == Kind::manifest || request_.compress);
  exchange.set_header ("Accept-Encoding", coded ? "gzip, deflate" : "identity");
  if (!settings_.keep_alive) exchange.set_header ("Connection", "close");
  if (!part.range.empty ()) exchange.set_header ("Range", part.range);
  if (!part.if_range.empty ()) exchange.set_header ("If-Range", part.if_range);
}

// All in one header (RFC 6265 5.4): what the server has set, and of those in
// extra_headers what it has not set anew.
std::string Requester::cookies_for (const uri::Uri &target) const
{
  std::vector<cookies::Cookie> kept;
  if (settings_.jar)
    kept = settings_.jar->lock ()->find (target, std::time (nullptr));
  std::string out;
  for (const auto &[name, value] : settings_.extra_headers) {
    if (!is_trusted (target) || !http::same_name (name, "Cookie") ||
        !http::is_sendable (name, value))
      continue;
    std::string own = cookies::without (value, kept);
    out.append (out.empty () || own.empty () ? "" : "; ").append (own);
  }
  for (const cookies::Cookie &cookie : kept)
    out.append (out.empty () ? "" : "; ")
        .append (cookie.name)
        .append ("=")
        .append (cookie.value);
  return out;
}

void Requester::keep_cookies (
    const Exchange &exchange, const uri::Uri &from) const
{
  // A proxy that refuses speaks in its own name.
  if (!settings_.jar || exchange.status () == 407) return;
  std::time_t now = std::time (nullptr);
  for (const std::string &value : exchange.set_cookies ()) {
    auto is_public_suffix = [] (const std::string &domain) {
      return soup_tld_domain_is_public_suffix (domain.c_str ()) != FALSE;
    };
    cookies::Result<cookies::Cookie> cookie =
        cookies::parse (value, from, now, is_public_suffix);
    cookies::Result<Done> kept = Done{};
    if (cookie)
      kept = settings_.jar->lock ()->put (std::move (*cookie), from, now);
    else
      kept = cookie.error ();
    if (!kept)
      GST_DEBUG ("%s: %s: a cookie is not kept: %s", settings_.name.c_str (),
          uri::origin (from).c_str (), cookies::to_string (kept.code ()));
  }
}

Result<std::string> Requester::redirect_target (
    const Exchange &exchange, const std::string &from) const
{
  unsigned status = exchange.status ();
  std::string target =
      uri::without_userinfo (uri::resolve (from, exchange.header ("Location")));
  uri::Components parts = uri::split (target);
  Problem refused{
      Error::redirect_scheme, status, {}, {}, uri::without_secrets (target)};
  if (!parts.scheme || (!http::same_name (*parts.scheme, "http") &&
                           !http::same_name (*parts.scheme, "https")))
    refused.message = "a redirect to neither http nor https";
  else if (!uri::parse (target))
    refused.message = "a redirect to no URI";
  else if (!settings_.automatic_redirect)
    // The application follows it, and needs all of it.
    refused = {Error::http_status, status, {}, "a redirect", target};
  else
    return target;
  return relay::failure (std::move (refused));
}

}  // namespace fetcher

// SPDX-License-Identifier: LGPL-2.1-or-later
#include "session.h"

#include <algorithm>
#include <thread>
#include <utility>

namespace fetcher {

using relay::Owned;
using route::Route;

namespace {

// CONNECT messages are made inside libsoup: they get their credentials here,
// and are kept to know a proxy's status from the origin's.
thread_local Tunnel *current_tunnel = nullptr;

void on_tunnel_answer (SoupMessage *message, gpointer)
{
  if (current_tunnel == nullptr ||
      SOUP_STATUS_IS_SUCCESSFUL (soup_message_get_status (message)))
    return;
  current_tunnel->refused = true;
  g_cancellable_cancel (current_tunnel->cancellable);
}

void on_request_queued (SoupSession *, SoupMessage *message, gpointer data)
{
  if (g_strcmp0 (soup_message_get_method (message), "CONNECT") != 0) return;
  const auto *session = static_cast<const Session *> (data);
  if (!session->route.authorization.empty ())
    soup_message_headers_replace (soup_message_get_request_headers (message),
        "Proxy-Authorization", session->route.authorization.c_str ());
  if (current_tunnel == nullptr) return;
  current_tunnel->message = relay::share (message);
  g_signal_connect (
      message, "got-headers", G_CALLBACK (on_tunnel_answer), nullptr);
}

}  // namespace

GstDebugCategory *debug_category ()
{
  static GstDebugCategory *category =
      _gst_debug_category_new ("relayfetcher", 0, "requests of relay sources");
  return category;
}

relay::Failure<Problem> problem (
    Error error, std::string message, unsigned http_status)
{
  return relay::failure (
      Problem{error, http_status, {}, std::move (message), {}});
}

Result<std::shared_ptr<Session>> Session::make (const Key &key)
{
  const Tls &tls = std::get<Tls> (key);
  Owned<GTlsDatabase> authorities = relay::share (tls.database.get ());
  if (!authorities && !tls.ca_file.empty ()) {
    GError *raw = nullptr;
    authorities.reset (
        G_TLS_DATABASE (g_tls_file_database_new (tls.ca_file.c_str (), &raw)));
    Owned<GError> error{raw};
    if (!authorities)
      return problem (Error::tls,
          "ssl-ca-file: " + std::string (error ? error->message : ""));
  }
  return std::make_shared<Session> (key, authorities.get ());
}

Session::Session (const Key &key, GTlsDatabase *authorities)
    : route (std::get<Route> (key)),
      ssl_strict (std::get<bool> (key)),
      tls (std::get<Tls> (key))
{
  Context context;
  Context::Scope scope (context);
  Owned<GProxyResolver> resolver;
  if (!route.proxy.empty ())
    resolver.reset (
        g_simple_proxy_resolver_new (route.proxy.c_str (), nullptr));
  // A sync request waits for a free connection where no GCancellable reaches
  // it: there is always one. Time-outs are the watchdog's.
  soup.reset (static_cast<SoupSession *> (
      g_object_new (SOUP_TYPE_SESSION, "proxy-resolver", resolver.get (),
          "max-conns", G_MAXINT, "max-conns-per-host", G_MAXINT, "timeout", 0u,
          "idle-timeout", 0u, nullptr)));
  // With no database nobody is trusted; unless one is set, the system's is.
  if (authorities != nullptr || !tls.use_system_ca_file)
    soup_session_set_tls_database (soup.get (), authorities);
  // libsoup's own interaction would wait for this thread's context, which
  // nobody iterates: a server that asks for a certificate would hang it. This
  // one says that there is none.
  Owned<GTlsInteraction> nobody{static_cast<GTlsInteraction *> (
      g_object_new (G_TYPE_TLS_INTERACTION, nullptr))};
  soup_session_set_tls_interaction (
      soup.get (), tls.interaction ? tls.interaction.get () : nobody.get ());
  g_signal_connect (
      soup.get (), "request-queued", G_CALLBACK (on_request_queued), this);
}

Session::~Session ()
{
  Context context;
  Context::Scope scope (context);
  soup.reset ();
}

TunnelWatch::TunnelWatch (Tunnel &tunnel)
{
  current_tunnel = &tunnel;
}

TunnelWatch::~TunnelWatch ()
{
  current_tunnel = nullptr;
}

Context::Context ()
{
  auto contexts = Engine::get ().contexts ().lock ();
  if (contexts->empty ()) {
    context_.reset (g_main_context_new ());
    return;
  }
  context_ = std::move (contexts->back ());
  contexts->pop_back ();
}

Context::~Context ()
{
  Engine::get ().contexts ().lock ()->push_back (std::move (context_));
}

Engine &Engine::get ()
{
  static auto *engine = new Engine;
  return *engine;
}

Result<std::shared_ptr<Session>> Engine::session (const Session::Key &key)
{
  if (std::shared_ptr<Session> session = find (key)) return session;
  // It may read a file: without the lock.
  Result<std::shared_ptr<Session>> made = Session::make (key);
  if (!made) return made;
  return keep (key, std::move (*made));
}

std::shared_ptr<Session> Engine::find (const Session::Key &key)
{
  auto state = state_.lock ();
  auto entry = state->sessions.find (key);
  Clock::time_point now = Clock::now ();
  if (entry == state->sessions.end () ||
      now - entry->second.created > longest_life)
    return nullptr;
  entry->second.used = now;
  return entry->second.session;
}

// Or the one that another thread has made in the meantime.
std::shared_ptr<Session> Engine::keep (
    const Session::Key &key, std::shared_ptr<Session> session)
{
  std::shared_ptr<Session> old;  // goes when the lock is gone
  auto state = state_.lock ();
  Pooled &pooled = state->sessions[key];
  Clock::time_point now = Clock::now ();
  if (!pooled.session || now - pooled.created > longest_life) {
    old = std::exchange (pooled.session, std::move (session));
    pooled.created = now;
  }
  pooled.used = now;
  wake_by (*state, now + longest_idle);
  return pooled.session;
}

void Engine::watch (const std::shared_ptr<Timer> &timer)
{
  auto state = state_.lock ();
  state->timers.push_back (timer);
  wake_by (*state, Clock::now () + timer->timeout);
}

void Engine::unwatch (const std::shared_ptr<Timer> &timer)
{
  std::erase (state_.lock ()->timers, timer);
}

void Engine::wake_by (State &state, Clock::time_point when)
{
  if (when >= state.wake) return;
  state.wake = when;
  state.earlier = true;
  changed_.notify_one ();
}

Engine::Due Engine::take_due (State &state, Clock::time_point now)
{
  Due due;
  state.wake = Clock::time_point::max ();
  state.earlier = false;
  for (const std::shared_ptr<Timer> &timer : state.timers) {
    Clock::time_point deadline{Clock::duration (timer->deadline.load ())};
    // One that is set from now on cannot end before this.
    if (deadline == Clock::time_point ()) deadline = now + timer->timeout;
    if (deadline <= now)
      due.timers.push_back (timer);
    else
      state.wake = std::min (state.wake, deadline);
  }
  for (auto entry = state.sessions.begin (); entry != state.sessions.end ();) {
    Pooled &pooled = entry->second;
    if (pooled.session.use_count () > 1) pooled.used = now;
    if (pooled.used + longest_idle <= now) {
      due.sessions.push_back (std::move (pooled.session));
      entry = state.sessions.erase (entry);
    } else {
      state.wake = std::min (state.wake, pooled.used + longest_idle);
      ++entry;
    }
  }
  return due;
}

void Engine::run ()
{
  for (;;) {
    Due due;
    {
      auto state = state_.lock ();
      due = take_due (*state, Clock::now ());
      if (due.timers.empty () && due.sessions.empty ()) {
        auto earlier = [] (const State &s) { return s.earlier; };
        if (state->wake == Clock::time_point::max ())
          state.wait (changed_, earlier);
        else
          state.wait_until (changed_, state->wake, earlier);
        continue;
      }
    }
    for (const std::shared_ptr<Timer> &timer : due.timers) {
      timer->deadline = 0;
      timer->fired = true;
      g_cancellable_cancel (timer->cancellable.get ());
    }
  }
}

}  // namespace fetcher

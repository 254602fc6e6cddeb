// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/gst.h>
#include <libsoup/soup.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <map>
#include <memory>
#include <string>
#include <tuple>
#include <vector>

#include "common/gstpp.h"
#include "common/guarded.h"
#include "fetcher.h"
#include "limiter.h"
#include "route.h"

template <>
inline constexpr bool relay::is_gobject<SoupSession> = true;
template <>
inline constexpr bool relay::is_gobject<SoupMessage> = true;
template <>
inline constexpr bool relay::is_gobject<GCancellable> = true;
template <>
inline constexpr bool relay::is_gobject<GInputStream> = true;
template <>
inline constexpr bool relay::is_gobject<GProxyResolver> = true;
template <>
inline constexpr bool relay::is_gobject<GTlsDatabase> = true;
template <>
inline constexpr bool relay::is_gobject<GTlsInteraction> = true;

// The fetcher's own: what its requests share over the process. Sessions, the
// thread that minds deadlines, and the counting of connections.
namespace fetcher {

using Clock = std::chrono::steady_clock;

// The category that all of the fetcher logs to.
GstDebugCategory *debug_category ();

relay::Failure<Problem> problem (
    Error error, std::string message, unsigned http_status = 0);

// A request's deadline. Read and written without a lock, because that is done
// around every read.
struct Timer
{
  Timer (GCancellable *c, std::chrono::milliseconds t)
      : cancellable (relay::share (c)), timeout (t)
  {
  }

  const relay::Owned<GCancellable> cancellable;
  const std::chrono::milliseconds timeout;
  std::atomic<Clock::rep> deadline{0};  // 0: nothing is waited for
  std::atomic<bool> fired{false};
};

// What a connection carries, so that what differs is never shared: a session
// for each. A SoupSession is not changed after its first request, because in
// libsoup 3.2 only sending is safe from any thread.
struct Session
{
  // Route, whether the origin's certificate is verified, and by what. The
  // objects in it cannot be others of the same address: the key keeps them.
  using Key = std::tuple<route::Route, bool, Tls>;

  static Result<std::shared_ptr<Session>> make (const Key &key);
  Session (const Key &key, GTlsDatabase *authorities);
  ~Session ();
  Session (const Session &) = delete;
  Session &operator= (const Session &) = delete;

  const route::Route route;
  const bool ssl_strict;
  const Tls tls;
  relay::Owned<SoupSession> soup;
};

// Nothing in 3.2.3 guards what the timeouts do that libsoup attaches to the
// thread-default context (a SoupHost is freed, an idle connection closed), and
// an application's main loop would run them while we send. So all of libsoup
// runs with a context that nobody iterates, one for each exchange: libsoup
// aborts when a message goes on with another than it began with.
//
// None of them is ever freed, but given to another exchange. A timeout outlives
// the exchange that attached it, and another thread takes it away:
// g_source_destroy reads which context it is in, and locks that, which is gone
// if it is freed in between (GLib 2.74).
class Context
{
public:
  Context ();
  ~Context ();
  Context (const Context &) = delete;
  Context &operator= (const Context &) = delete;

  class Scope
  {
  public:
    explicit Scope (const Context &context) : context_ (context.get ())
    {
      g_main_context_push_thread_default (context_);
    }
    ~Scope () { g_main_context_pop_thread_default (context_); }
    Scope (const Scope &) = delete;
    Scope &operator= (const Scope &) = delete;

  private:
    GMainContext *context_;
  };

  [[nodiscard]] GMainContext *get () const { return context_.get (); }

private:
  relay::Owned<GMainContext> context_;
};

// A CONNECT message: it is made inside libsoup, and tells a proxy's status from
// the origin's.
struct Tunnel
{
  relay::Owned<SoupMessage> message;
  // Cancelled when the proxy refuses: libsoup would read all of its page.
  GCancellable *cancellable = nullptr;
  bool refused = false;
};

// While it lives, this thread's CONNECT message is kept there.
class TunnelWatch
{
public:
  explicit TunnelWatch (Tunnel &tunnel);
  ~TunnelWatch ();
  TunnelWatch (const TunnelWatch &) = delete;
  TunnelWatch &operator= (const TunnelWatch &) = delete;
};

// Process-wide, never destroyed.
class Engine
{
public:
  static Engine &get ();

  Result<std::shared_ptr<Session>> session (const Session::Key &key);
  void watch (const std::shared_ptr<Timer> &timer);
  void unwatch (const std::shared_ptr<Timer> &timer);
  limiter::Limiter &limiter () { return limiter_; }
  // Those that no exchange has.
  using Contexts = std::vector<relay::Owned<GMainContext>>;
  relay::Guarded<Contexts> &contexts () { return contexts_; }

private:
  // Names are resolved anew with a new session: libsoup keeps a host's
  // addresses for as long as it has the session.
  static constexpr Clock::duration longest_life = std::chrono::minutes (10);
  static constexpr Clock::duration longest_idle = std::chrono::seconds (60);

  struct Pooled
  {
    std::shared_ptr<Session> session;
    Clock::time_point created;
    Clock::time_point used;
  };
  struct State
  {
    std::vector<std::shared_ptr<Timer>> timers;
    std::map<Session::Key, Pooled> sessions;
    Clock::time_point wake = Clock::time_point::max ();
    bool earlier = false;  // than the thread believes
  };
  // What is found when the time has come.
  struct Due
  {
    std::vector<std::shared_ptr<Timer>> timers;
    std::vector<std::shared_ptr<Session>> sessions;
  };

  Engine ()
  {
    std::thread ([this] { run (); }).detach ();
  }
  std::shared_ptr<Session> find (const Session::Key &key);
  std::shared_ptr<Session> keep (
      const Session::Key &key, std::shared_ptr<Session> session);
  [[noreturn]] void run ();
  static Due take_due (State &state, Clock::time_point now);
  void wake_by (State &state, Clock::time_point when);

  relay::Guarded<State> state_;
  std::condition_variable changed_;
  limiter::Limiter limiter_;
  relay::Guarded<Contexts> contexts_;
};

}  // namespace fetcher

// SPDX-License-Identifier: LGPL-2.1-or-later
#include "fetcher.h"

#include <gst/gst.h>
#include <libsoup/soup.h>

#include <algorithm>
#include <array>
#include <condition_variable>
#include <map>
#include <thread>
#include <tuple>

#include "common/gstpp.h"
#include "common/guarded.h"
#include "http.h"
#include "limiter.h"
#include "route.h"
#include "routes.h"
#include "uri.h"

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

namespace fetcher {

namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;
using relay::Done;
using relay::Owned;
using route::Route;

constexpr unsigned max_redirects = 10;
// Read and thrown away to keep a connection, when an answer is not wanted.
constexpr std::size_t max_unwanted = 65536;

GstDebugCategory *debug_category ()
{
  static GstDebugCategory *category =
      _gst_debug_category_new ("relayfetcher", 0, "requests of relay sources");
  return category;
}
#define GST_CAT_DEFAULT debug_category ()

relay::Failure<Problem> problem (
    Error error, std::string message, unsigned http_status = 0)
{
  return relay::failure (
      Problem{error, http_status, {}, std::move (message), {}});
}

// --- One thread for what takes time: deadlines, and sessions that idle. ---

// A request's deadline. Read and written without a lock, because that is done
// around every read.
struct Timer
{
  Timer (GCancellable *c, std::chrono::milliseconds t)
      : cancellable (relay::share (c)), timeout (t)
  {
  }

  const Owned<GCancellable> cancellable;
  const std::chrono::milliseconds timeout;
  std::atomic<Clock::rep> deadline{0};  // 0: nothing is waited for
  std::atomic<bool> fired{false};
};

// What a connection carries, so that what differs is never shared: a session
// for each. A SoupSession is not changed after its first request, because in
// libsoup 3.2 only sending is safe from any thread.
struct Session
{
  Session (const Route &r, bool strict);
  ~Session ();
  Session (const Session &) = delete;
  Session &operator= (const Session &) = delete;

  const Route route;
  const bool ssl_strict;
  Owned<SoupSession> soup;
};

// Nothing in 3.2.3 guards what the timeouts do that libsoup attaches to the
// thread-default context (a SoupHost is freed, an idle connection closed), and
// an application's main loop would run them while we send. So all of libsoup
// runs with a context that nobody iterates, one for each exchange: libsoup
// aborts when a message goes on with another than it began with.
class Context
{
public:
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
  Owned<GMainContext> context_{g_main_context_new ()};
};

// CONNECT messages are made inside libsoup: they get their credentials here,
// and are kept to know a proxy's status from the origin's.
thread_local Owned<SoupMessage> *current_tunnel = nullptr;

void on_request_queued (SoupSession *, SoupMessage *message, gpointer data)
{
  if (g_strcmp0 (soup_message_get_method (message), "CONNECT") != 0) return;
  const auto *session = static_cast<const Session *> (data);
  if (!session->route.authorization.empty ())
    soup_message_headers_replace (soup_message_get_request_headers (message),
        "Proxy-Authorization", session->route.authorization.c_str ());
  if (current_tunnel != nullptr) *current_tunnel = relay::share (message);
}

Session::Session (const Route &r, bool strict) : route (r), ssl_strict (strict)
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
  g_signal_connect (
      soup.get (), "request-queued", G_CALLBACK (on_request_queued), this);
}

Session::~Session ()
{
  Context context;
  Context::Scope scope (context);
  soup.reset ();
}

// Process-wide, never destroyed.
class Engine
{
public:
  static Engine &get ()
  {
    static auto *engine = new Engine;
    return *engine;
  }

  std::shared_ptr<Session> session (const Route &route, bool ssl_strict);
  void watch (const std::shared_ptr<Timer> &timer);
  void unwatch (const std::shared_ptr<Timer> &timer);
  limiter::Limiter &limiter () { return limiter_; }

private:
  // Names are resolved anew with a new session: libsoup keeps a host's
  // addresses for as long as it has the session.
  static constexpr Clock::duration longest_life = 10min;
  static constexpr Clock::duration longest_idle = 60s;

  struct Pooled
  {
    std::shared_ptr<Session> session;
    Clock::time_point created;
    Clock::time_point used;
  };
  struct State
  {
    std::vector<std::shared_ptr<Timer>> timers;
    std::map<std::pair<Route, bool>, Pooled> sessions;
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
  [[noreturn]] void run ();
  static Due take_due (State &state, Clock::time_point now);
  void wake_by (State &state, Clock::time_point when);

  relay::Guarded<State> state_;
  std::condition_variable changed_;
  limiter::Limiter limiter_;
};

std::shared_ptr<Session> Engine::session (const Route &route, bool ssl_strict)
{
  std::shared_ptr<Session> old;  // goes when the lock is gone
  auto state = state_.lock ();
  Pooled &pooled = state->sessions[{route, ssl_strict}];
  Clock::time_point now = Clock::now ();
  if (!pooled.session || now - pooled.created > longest_life) {
    old = std::move (pooled.session);
    pooled.session = std::make_shared<Session> (route, ssl_strict);
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

// --- One message on the wire, from its sending to the end of its body. ---

class Exchange
{
public:
  Exchange (std::shared_ptr<Session> session,
      std::unique_ptr<limiter::Ticket> ticket, const Settings &settings,
      GCancellable *cancellable, Counters &counters, std::string shown_uri);
  ~Exchange ();
  Exchange (const Exchange &) = delete;
  Exchange &operator= (const Exchange &) = delete;

  [[nodiscard]] bool prepare (const uri::Uri &target);
  void set_header (const char *name, const std::string &value);
  void append_header (const std::string &name, const std::string &value);

  Result<Done> send ();
  void wait ();
  // The body is of this content coding. False for one that is not known.
  [[nodiscard]] bool decode (const std::string &coding);
  // 0 = the body has ended; whether that is all of it is not known here.
  Result<std::size_t> read (std::uint8_t *data, std::size_t size);
  // For an answer that is not wanted: reads a short body to its end, so that
  // the connection is used again.
  void discard ();

  [[nodiscard]] unsigned status () const
  {
    return soup_message_get_status (message_.get ());
  }
  [[nodiscard]] std::string header (const char *name) const;
  [[nodiscard]] std::optional<std::uint64_t> content_length () const;
  [[nodiscard]] Headers shown_headers (bool of_request) const;
  [[nodiscard]] bool proxied () const
  {
    return !session_->route.proxy.empty ();
  }
  [[nodiscard]] std::chrono::nanoseconds ttfb () const { return ttfb_; }

private:
  // While something is waited for.
  class Waiting
  {
  public:
    explicit Waiting (Exchange &e) : exchange_ (e)
    {
      exchange_.restart_timer ();
    }
    ~Waiting () { exchange_.timer_->deadline = 0; }
    Waiting (const Waiting &) = delete;
    Waiting &operator= (const Waiting &) = delete;

  private:
    Exchange &exchange_;
  };

  void restart_timer ();
  void end_body ();
  void close ();
  [[nodiscard]] relay::Failure<Problem> failed (GError *raw) const;
  [[nodiscard]] Error classify (const GError &error) const;

  static void on_outer_cancelled (GCancellable *, gpointer inner);
  static void on_wrote_headers (SoupMessage *, gpointer data);
  static void on_got_headers (SoupMessage *message, gpointer data);
  static void on_network_event (SoupMessage *, GSocketClientEvent event,
      GIOStream *connection, gpointer data);
  static gboolean on_accept_certificate (
      SoupMessage *, GTlsCertificate *, GTlsCertificateFlags, gpointer);

  const std::unique_ptr<limiter::Ticket> ticket_;  // until all else is gone
  const std::shared_ptr<Session> session_;
  const Settings &settings_;
  Counters &counters_;
  const std::string shown_uri_;
  const Owned<GCancellable> outer_;
  const Owned<GCancellable> inner_;
  gulong outer_handler_ = 0;
  const std::shared_ptr<Timer> timer_;
  Context context_;
  Owned<GMainContext> waiting_context_;
  Owned<SoupMessage> message_;
  Owned<SoupMessage> tunnel_;
  Owned<GInputStream> body_;
  bool coded_ = false;  // body_ decodes another stream
  bool sent_ = false;   // the request's headers are out
  bool misdirected_ = false;
  bool new_connection_ = false;
  Clock::time_point started_;
  std::chrono::nanoseconds ttfb_{0};
  std::uint64_t bytes_ = 0;
};

Exchange::Exchange (std::shared_ptr<Session> session,
    std::unique_ptr<limiter::Ticket> ticket, const Settings &settings,
    GCancellable *cancellable, Counters &counters, std::string shown_uri)
    : ticket_ (std::move (ticket)),
      session_ (std::move (session)),
      settings_ (settings),
      counters_ (counters),
      shown_uri_ (std::move (shown_uri)),
      outer_ (relay::share (cancellable)),
      inner_ (g_cancellable_new ()),
      timer_ (std::make_shared<Timer> (inner_.get (), settings.timeout))
{
  // Keeps the descriptor, which every wait would make and close.
  g_cancellable_get_fd (inner_.get ());
  if (outer_)
    outer_handler_ = g_cancellable_connect (
        outer_.get (), G_CALLBACK (on_outer_cancelled), inner_.get (), nullptr);
  if (timer_->timeout > 0ms) Engine::get ().watch (timer_);
}

Exchange::~Exchange ()
{
  if (timer_->timeout > 0ms) Engine::get ().unwatch (timer_);
  // Waits for a handler that runs.
  if (outer_) g_cancellable_disconnect (outer_.get (), outer_handler_);
  close ();
  {
    Context::Scope scope (context_);
    if (message_) g_signal_handlers_disconnect_by_data (message_.get (), this);
    tunnel_.reset ();
    message_.reset ();
  }
  g_cancellable_release_fd (inner_.get ());
}

void Exchange::on_outer_cancelled (GCancellable *, gpointer inner)
{
  g_cancellable_cancel (static_cast<GCancellable *> (inner));
}

void Exchange::on_wrote_headers (SoupMessage *, gpointer data)
{
  auto *self = static_cast<Exchange *> (data);
  self->sent_ = true;
  self->restart_timer ();
}

// libsoup would read the body of a 421 into memory, however long, to ask again
// by another connection, which for HTTP/1.1 is no cure.
void Exchange::on_got_headers (SoupMessage *message, gpointer data)
{
  if (soup_message_get_status (message) != SOUP_STATUS_MISDIRECTED_REQUEST)
    return;
  auto *self = static_cast<Exchange *> (data);
  self->misdirected_ = true;
  g_cancellable_cancel (self->inner_.get ());
}

void Exchange::on_network_event (SoupMessage *, GSocketClientEvent event,
    GIOStream *connection, gpointer data)
{
  auto *self = static_cast<Exchange *> (data);
  // Also the second time, when a kept connection turned out to be dead.
  if (event == G_SOCKET_CLIENT_RESOLVING) self->sent_ = false;
  if (event == G_SOCKET_CLIENT_CONNECTED) self->new_connection_ = true;
  // An HTTP/2 connection belongs to the thread that made it. libsoup 3.2 has no
  // switch for it but an environment variable; here the handshake is about to
  // begin.
  if (event == G_SOCKET_CLIENT_TLS_HANDSHAKING &&
      G_IS_TLS_CONNECTION (connection)) {
    const char *protocols[] = {"http/1.1", nullptr};
    g_tls_connection_set_advertised_protocols (
        G_TLS_CONNECTION (connection), protocols);
  }
}

gboolean Exchange::on_accept_certificate (
    SoupMessage *, GTlsCertificate *, GTlsCertificateFlags, gpointer)
{
  return TRUE;
}

void Exchange::restart_timer ()
{
  if (timer_->timeout > 0ms)
    timer_->deadline =
        (Clock::now () + timer_->timeout).time_since_epoch ().count ();
}

bool Exchange::prepare (const uri::Uri &target)
{
  // Not g_uri_parse, not soup_message_new: they re-encode.
  Owned<GUri> uri{g_uri_build (
      static_cast<GUriFlags> (SOUP_HTTP_URI_FLAGS | G_URI_FLAGS_ENCODED),
      target.scheme.c_str (), nullptr, target.host.c_str (),
      target.port ? *target.port : -1, target.path.c_str (),
      target.query ? target.query->c_str () : nullptr, nullptr)};
  message_.reset (soup_message_new_from_uri ("GET", uri.get ()));
  if (!message_) return false;
  soup_message_set_flags (message_.get (), SOUP_MESSAGE_NO_REDIRECT);
  // It would answer a 401 or 407, from one store for all hosts and proxies.
  soup_message_disable_feature (message_.get (), SOUP_TYPE_AUTH_MANAGER);
  // It takes a cut gzip stream for a whole one: see decode ().
  soup_message_disable_feature (message_.get (), SOUP_TYPE_CONTENT_DECODER);
#if SOUP_CHECK_VERSION(3, 4, 0)
  soup_message_set_force_http1 (message_.get (), TRUE);
#endif
  g_signal_connect (
      message_.get (), "wrote-headers", G_CALLBACK (on_wrote_headers), this);
  g_signal_connect (
      message_.get (), "got-headers", G_CALLBACK (on_got_headers), this);
  g_signal_connect (
      message_.get (), "network-event", G_CALLBACK (on_network_event), this);
  if (!session_->ssl_strict)
    g_signal_connect (message_.get (), "accept-certificate",
        G_CALLBACK (on_accept_certificate), this);
  if (target.scheme == "http" && !session_->route.authorization.empty ())
    set_header ("Proxy-Authorization", session_->route.authorization);
  return true;
}

void Exchange::set_header (const char *name, const std::string &value)
{
  soup_message_headers_replace (
      soup_message_get_request_headers (message_.get ()), name, value.c_str ());
}

void Exchange::append_header (const std::string &name, const std::string &value)
{
  soup_message_headers_append (
      soup_message_get_request_headers (message_.get ()), name.c_str (),
      value.c_str ());
}

Result<Done> Exchange::send ()
{
  started_ = Clock::now ();
  counters_.requests++;
  if (proxied ()) counters_.proxied++;
  GError *error = nullptr;
  {
    Context::Scope scope (context_);
    Waiting waiting (*this);
    current_tunnel = &tunnel_;
    body_.reset (soup_session_send (
        session_->soup.get (), message_.get (), inner_.get (), &error));
    current_tunnel = nullptr;
  }
  ttfb_ = Clock::now () - started_;
  if (new_connection_) counters_.connections++;
  if (!body_) return failed (error);
  ticket_->progress ();
  counters_.ttfb_ns = static_cast<std::uint64_t> (ttfb_.count ());
  if (tunnel_ && status () == soup_message_get_status (tunnel_.get ()) &&
      !SOUP_STATUS_IS_SUCCESSFUL (status ()))
    // tinyproxy says 401 to a wrong password.
    return problem (
        status () == 407 || status () == 401 ? Error::proxy_auth : Error::proxy,
        "the proxy refused the tunnel", status ());
  return Done{};
}

void Exchange::wait ()
{
  auto *pollable = G_IS_POLLABLE_INPUT_STREAM (body_.get ())
                       ? G_POLLABLE_INPUT_STREAM (body_.get ())
                       : nullptr;
  if (pollable == nullptr || !g_pollable_input_stream_can_poll (pollable))
    return;
  Context::Scope scope (context_);
  if (g_pollable_input_stream_is_readable (pollable)) return;
  // Not context_: what libsoup attaches to that one must not run.
  if (!waiting_context_) waiting_context_.reset (g_main_context_new ());
  Waiting waiting (*this);
  bool ready = false;
  GSource *source =
      g_pollable_input_stream_create_source (pollable, inner_.get ());
  GPollableSourceFunc on_ready = [] (GObject *, gpointer data) -> gboolean {
    *static_cast<bool *> (data) = true;
    return G_SOURCE_REMOVE;
  };
  g_source_set_callback (source, G_SOURCE_FUNC (on_ready), &ready, nullptr);
  g_source_attach (source, waiting_context_.get ());
  while (!ready) g_main_context_iteration (waiting_context_.get (), TRUE);
  g_source_destroy (source);
  g_source_unref (source);
}

Result<std::size_t> Exchange::read (std::uint8_t *data, std::size_t size)
{
  if (!body_) return std::size_t{0};
  GError *error = nullptr;
  gssize count = 0;
  {
    Context::Scope scope (context_);
    Waiting waiting (*this);
    count =
        g_input_stream_read (body_.get (), data, size, inner_.get (), &error);
    if (count == 0) end_body ();
  }
  if (count < 0) {
    relay::Failure<Problem> failure = failed (error);
    close ();
    return failure;
  }
  if (count == 0) close ();
  ticket_->progress ();
  bytes_ += static_cast<std::uint64_t> (count);
  return static_cast<std::size_t> (count);
}

bool Exchange::decode (const std::string &coding)
{
  GZlibCompressorFormat format = G_ZLIB_COMPRESSOR_FORMAT_GZIP;
  if (http::same_name (coding, "deflate"))
    format = G_ZLIB_COMPRESSOR_FORMAT_ZLIB;
  else if (!http::same_name (coding, "gzip") &&
           !http::same_name (coding, "x-gzip"))
    return false;
  Context::Scope scope (context_);
  GZlibDecompressor *decoder = g_zlib_decompressor_new (format);
  body_.reset (
      g_converter_input_stream_new (body_.get (), G_CONVERTER (decoder)));
  g_object_unref (decoder);
  coded_ = true;
  return true;
}

// Gives the connection back. A decoder that is done has not seen the end of
// the stream below.
void Exchange::end_body ()
{
  if (coded_) {
    GInputStream *base = g_filter_input_stream_get_base_stream (
        G_FILTER_INPUT_STREAM (body_.get ()));
    std::array<std::uint8_t, 256> scratch{};
    if (g_input_stream_read (base, scratch.data (), scratch.size (),
            inner_.get (), nullptr) != 0)
      return;
  }
  g_input_stream_close (body_.get (), nullptr, nullptr);
}

void Exchange::discard ()
{
  std::array<std::uint8_t, 4096> scratch{};
  for (std::size_t total = 0; body_ && total < max_unwanted;) {
    Result<std::size_t> count = read (scratch.data (), scratch.size ());
    if (!count || *count == 0) break;
    total += *count;
  }
  close ();
}

void Exchange::close ()
{
  if (!body_) return;
  GST_DEBUG ("%s: GET %s: %u, %" G_GUINT64_FORMAT
             " bytes, first after %.1f ms, %s connection, %s",
      settings_.name.c_str (), shown_uri_.c_str (), status (), bytes_,
      static_cast<double> (ttfb_.count ()) / 1e6,
      new_connection_ ? "new" : "re-used",
      proxied () ? uri::without_secrets (session_->route.proxy).c_str ()
                 : "direct");
  Context::Scope scope (context_);
  // With the end not reached: so that no rest is read, and the connection goes.
  if (!g_input_stream_is_closed (body_.get ())) {
    g_cancellable_cancel (inner_.get ());
    g_input_stream_close (body_.get (), inner_.get (), nullptr);
  }
  body_.reset ();
}

std::string Exchange::header (const char *name) const
{
  const char *value = soup_message_headers_get_list (
      soup_message_get_response_headers (message_.get ()), name);
  return value != nullptr ? value : "";
}

std::optional<std::uint64_t> Exchange::content_length () const
{
  SoupMessageHeaders *headers =
      soup_message_get_response_headers (message_.get ());
  goffset length = soup_message_headers_get_content_length (headers);
  // Not beside Transfer-Encoding (RFC 9112 6.3).
  if (soup_message_headers_get_encoding (headers) !=
          SOUP_ENCODING_CONTENT_LENGTH ||
      length < 0)
    return std::nullopt;
  return static_cast<std::uint64_t> (length);
}

Headers Exchange::shown_headers (bool of_request) const
{
  Headers out;
  SoupMessageHeadersIter iter;
  soup_message_headers_iter_init (
      &iter, of_request ? soup_message_get_request_headers (message_.get ())
                        : soup_message_get_response_headers (message_.get ()));
  const char *name = nullptr;
  const char *value = nullptr;
  while (soup_message_headers_iter_next (&iter, &name, &value))
    out.emplace_back (name, http::shown (name, value));
  return out;
}

relay::Failure<Problem> Exchange::failed (GError *raw) const
{
  Owned<GError> error{raw};
  if (misdirected_) return problem (Error::http_status, "status", 421);
  if (!error) return problem (Error::protocol, "no answer");
  relay::Failure<Problem> failure = problem (classify (*error), error->message);
  GST_DEBUG ("%s: GET %s: %s: %s", settings_.name.c_str (), shown_uri_.c_str (),
      to_string (failure.code.error), error->message);
  return failure;
}

Error Exchange::classify (const GError &error) const
{
  if (outer_ && g_cancellable_is_cancelled (outer_.get ()))
    return Error::cancelled;
  if (timer_->fired) return Error::timeout;
  if (error.domain == G_TLS_ERROR) return Error::tls;
  if (error.domain == SOUP_SESSION_ERROR) return Error::protocol;
  if (error.domain == G_IO_ERROR) switch (error.code) {
      case G_IO_ERROR_PROXY_AUTH_FAILED:
      case G_IO_ERROR_PROXY_NEED_AUTH:
        return Error::proxy_auth;
      case G_IO_ERROR_PROXY_FAILED:
      case G_IO_ERROR_PROXY_NOT_ALLOWED:
        return Error::proxy;
      case G_IO_ERROR_INVALID_DATA:  // of a content coding
        return Error::protocol;
      default:
        break;
    }
  if (sent_) return Error::truncated;
  if (proxied ()) return Error::proxy;
  return error.domain == G_RESOLVER_ERROR ? Error::resolve : Error::connect;
}

// --- Choices ---

// For the system's resolver: no path, it may be another process.
Result<Route> system_route (const uri::Uri &target, GCancellable *cancellable)
{
  std::string origin = uri::origin (target) + "/";
  GError *raw = nullptr;
  gchar **proxies = g_proxy_resolver_lookup (
      g_proxy_resolver_get_default (), origin.c_str (), cancellable, &raw);
  Owned<GError> error{raw};
  Owned<gchar *> list{proxies};
  if (g_cancellable_is_cancelled (cancellable))
    return problem (Error::cancelled, "cancelled");
  if (proxies == nullptr || proxies[0] == nullptr)
    return problem (Error::proxy, "the system knows no way to this host");
  if (g_str_has_prefix (proxies[0], "direct:")) return Route{};
  route::Result<Route> route = route::parse_proxy (proxies[0]);
  if (!route)
    return problem (Error::proxy,
        std::string ("of the system: ") + route::to_string (route.code ()));
  return *route;
}

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
    const Settings &settings, limiter::Request request,
    GCancellable *cancellable)
{
  auto ticket = std::make_unique<limiter::Ticket> (
      Engine::get ().limiter (), std::move (request));
  gulong handler = 0;
  auto on_cancelled = [] (GCancellable *, gpointer data) {
    static_cast<limiter::Ticket *> (data)->stop ();
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

// Counts a retry and waits for it; the problem when there is none.
Result<Done> before_retry (const Settings &settings, unsigned retry,
    const Problem &reason, GCancellable *cancellable, Counters &counters)
{
  if (!may_retry (reason)) return relay::failure (reason);
  if (settings.retries >= 0 &&
      retry >= static_cast<unsigned> (settings.retries))
    return relay::failure (reason);
  std::chrono::milliseconds length = http::backoff (
      retry, settings.backoff, settings.backoff_max, g_random_double ());
  GST_INFO ("%s: %s after '%s', in %d ms", settings.name.c_str (),
      reason.uri.c_str (), to_string (reason.error),
      static_cast<int> (length.count ()));
  if (!pause (length, cancellable))
    return problem (Error::cancelled, "cancelled");
  counters.retries++;
  return Done{};
}

}  // namespace

// --- A response: exchanges, one after the other, that make one body. ---

struct Response::Impl
{
  Impl (const Settings &s, const Request &r, GCancellable *c, Counters *k)
      : settings (s),
        request (r),
        cancellable (relay::share (c)),
        counters (k != nullptr ? *k : own_counters),
        start (uri::without_userinfo (r.uri)),
        position (r.range ? r.range->first : 0)
  {
  }

  Result<Done> open ();
  Result<std::size_t> read (std::uint8_t *data, std::size_t size);
  void wait ()
  {
    if (exchange) exchange->wait ();
  }

  Head head;

private:
  // What the headers of one exchange say of its body.
  struct Body
  {
    std::uint64_t first = 0;           // offset of its first byte
    std::optional<std::uint64_t> end;  // behind its last one
    bool coded = false;
    http::Identity identity;
  };

  Result<Done> attempt ();
  Result<Done> follow ();
  Result<Done> send_to (const std::string &uri);
  void set_headers (const uri::Uri &target);
  [[nodiscard]] Result<std::string> redirect_target (const std::string &from);
  Result<Done> accept ();
  [[nodiscard]] Result<Body> describe ();
  [[nodiscard]] Result<Body> describe_part (Body out);
  void fill_head ();
  Result<Done> skip_to_position ();
  Result<std::size_t> read_once (std::uint8_t *data, std::size_t size);
  void finish ();
  [[nodiscard]] bool may_resume () const;
  template <class T>
  Result<T> located (Result<T> result) const;

  const Settings settings;
  const Request request;
  const Owned<GCancellable> cancellable;
  Counters own_counters;
  Counters &counters;

  std::string start;    // where an attempt begins
  std::string current;  // where its redirects have led
  std::optional<std::string> permanent;
  std::unique_ptr<Exchange> exchange;
  std::uint64_t position;            // of the next byte, in the resource
  std::optional<std::uint64_t> end;  // behind the last wanted byte
  bool opened = false;
  std::string date;  // of the first answer
  Body body;         // of the exchange
};

template <class T>
Result<T> Response::Impl::located (Result<T> result) const
{
  if (result) return result;
  Problem where = result.code ();
  if (where.uri.empty ()) where.uri = uri::without_secrets (current);
  return relay::failure (std::move (where));
}

Result<Done> Response::Impl::open ()
{
  for (unsigned retry = 0;; retry++) {
    Result<Done> done = located (attempt ());
    if (done) return done;
    Result<Done> again = located (before_retry (
        settings, retry, done.code (), cancellable.get (), counters));
    if (!again) return again;
  }
}

// One try, from the first request to the first byte wanted.
Result<Done> Response::Impl::attempt ()
{
  Result<Done> done = follow ();
  if (done) done = accept ();
  if (!done) exchange.reset ();
  return done;
}

Result<Done> Response::Impl::follow ()
{
  current = start;
  permanent.reset ();
  bool all_permanent = true;
  for (unsigned redirects = 0;; redirects++) {
    Result<Done> sent = send_to (current);
    if (!sent) return sent;
    unsigned status = exchange->status ();
    if (!http::is_redirect (status) || exchange->header ("Location").empty ())
      return Done{};
    Result<std::string> target = redirect_target (current);
    if (!target) return target.error ();
    if (redirects == max_redirects)
      return problem (Error::redirect_loop, "more than 10 redirects", status);
    counters.redirects++;
    exchange->discard ();
    current = *target;
    all_permanent &= http::is_permanent_redirect (status);
    if (all_permanent) permanent = current;
  }
}

Result<Done> Response::Impl::send_to (const std::string &uri)
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
  Result<Way> way = choose_way (settings, *target, cancellable.get ());
  if (!way) return way.error ();
  exchange.reset ();  // one at a time, of each response
  limiter::Request place{uri::origin (*target),
      settings.max_connections_per_host,
      request.kind == Kind::manifest || request.kind == Kind::key,
      settings.timeout};
  if (way->max_connections &&
      (place.limit == 0 || *way->max_connections < place.limit))
    place.limit = *way->max_connections;
  Result<std::unique_ptr<limiter::Ticket>> ticket =
      wait_for_place (settings, std::move (place), cancellable.get ());
  if (!ticket) return ticket.error ();
  exchange = std::make_unique<Exchange> (
      Engine::get ().session (way->route, way->verify), std::move (*ticket),
      settings, cancellable.get (), counters, uri::without_secrets (uri));
  if (!exchange->prepare (*target))
    return problem (Error::uri, "not a URI for HTTP");
  set_headers (*target);
  return exchange->send ();
}

void Response::Impl::set_headers (const uri::Uri &target)
{
  bool trusted = uri::origin (target) == settings.credentials_origin;
  if (!settings.user_agent.empty () &&
      http::is_sendable ("User-Agent", settings.user_agent))
    exchange->set_header ("User-Agent", settings.user_agent);
  for (const auto &[name, value] : settings.extra_headers) {
    if (!http::is_sendable (name, value) || http::is_reserved (name))
      GST_WARNING ("%s: extra header '%s' cannot be sent",
          settings.name.c_str (), name.c_str ());
    else if (http::same_name (name, "User-Agent"))
      exchange->set_header ("User-Agent", value);
    else if (trusted || !http::is_credential (name))
      exchange->append_header (name, value);
  }
  // A length of coded bytes says nothing of what is read.
  exchange->set_header (
      "Accept-Encoding", request.kind == Kind::manifest ? "gzip" : "identity");
  if (!request.range && position == 0) return;
  std::string range = "bytes=" + std::to_string (position) + "-";
  if (end)
    range += std::to_string (*end - 1);
  else if (request.range && request.range->last)
    range += std::to_string (*request.range->last);
  exchange->set_header ("Range", range);
  std::string validator = http::if_range (body.identity, date);
  if (!validator.empty ()) exchange->set_header ("If-Range", validator);
}

Result<std::string> Response::Impl::redirect_target (const std::string &from)
{
  unsigned status = exchange->status ();
  std::string target = uri::without_userinfo (
      uri::resolve (from, exchange->header ("Location")));
  uri::Components parts = uri::split (target);
  Problem refused{
      Error::redirect_scheme, status, {}, {}, uri::without_secrets (target)};
  if (!parts.scheme || (!http::same_name (*parts.scheme, "http") &&
                           !http::same_name (*parts.scheme, "https")))
    refused.message = "a redirect to neither http nor https";
  else if (!uri::parse (target))
    refused.message = "a redirect to no URI";
  else if (!settings.automatic_redirect)
    // The application follows it, and needs all of it.
    refused = {Error::http_status, status, {}, "a redirect", target};
  else
    return target;
  return relay::failure (std::move (refused));
}

Result<Done> Response::Impl::accept ()
{
  unsigned status = exchange->status ();
  if (status != 200 && status != 206) {
    exchange->discard ();
    if (status == 407 && exchange->proxied ())
      return problem (Error::proxy_auth, "the proxy wants credentials", status);
    if (status == 416)
      return problem (Error::bad_range, "range not satisfiable", status);
    return problem (Error::http_status, "status", status);
  }
  Result<Body> answer = describe ();
  if (!answer) return answer.error ();
  if (opened && !http::same (body.identity, answer->identity))
    return problem (Error::changed, "another body in the middle", status);
  http::Identity known = std::move (body.identity);
  body = *answer;
  if (opened) body.identity = http::joined (std::move (known), body.identity);
  if (!opened) fill_head ();
  opened = true;
  return skip_to_position ();
}

Result<Response::Impl::Body> Response::Impl::describe ()
{
  Body out;
  std::string coding = exchange->header ("Content-Encoding");
  out.coded = !coding.empty () && !http::same_name (coding, "identity");
  out.identity.etag = exchange->header ("ETag");
  out.identity.last_modified = exchange->header ("Last-Modified");
  if (out.coded && (exchange->status () == 206 || position > 0))
    return problem (Error::protocol, "a part of a coded body");
  if (out.coded && !exchange->decode (coding))
    return problem (Error::protocol, "unknown content coding " + coding);
  if (exchange->status () == 206) return describe_part (std::move (out));
  if (!out.coded) out.end = exchange->content_length ();
  out.identity.length = out.end;
  if (out.end && *out.end < position)
    return problem (Error::bad_range, "shorter than where to begin", 200);
  return out;
}

Result<Response::Impl::Body> Response::Impl::describe_part (Body out)
{
  http::Result<http::ContentRange> range =
      http::parse_content_range (exchange->header ("Content-Range"));
  if (!range || !range->bytes)
    return problem (Error::bad_range,
        std::string ("Content-Range: ") +
            (range ? "no bytes" : http::to_string (range.code ())),
        206);
  auto [first, last] = *range->bytes;
  if (first != position || (!request.range && position == 0))
    return problem (Error::bad_range, "not the range asked for", 206);
  std::optional<std::uint64_t> length = exchange->content_length ();
  if (length && *length != last - first + 1)
    return problem (Error::bad_range, "two lengths that differ", 206);
  out.first = first;
  out.end = last + 1;
  out.identity.length = range->complete_length;
  return out;
}

void Response::Impl::fill_head ()
{
  // A part of unknown whole has no end: read () asks for more behind it.
  end = body.identity.length;
  if (request.range && request.range->last &&
      (!end || *request.range->last < *end))
    end = *request.range->last + 1;
  if (end && *end < position) end = position;

  start = current;
  date = exchange->header ("Date");
  head.uri = current;
  head.permanent_uri = permanent;
  head.status = exchange->status ();
  head.request_headers = exchange->shown_headers (true);
  head.headers = exchange->shown_headers (false);
  std::string type = exchange->header ("Content-Type");
  head.content_type = type.substr (0, type.find_first_of ("; \t,"));
  if (end) head.length = *end - position;
  head.total = body.identity.length;
  head.coded = body.coded;
  head.seekable =
      head.status == 206 ||
      (!body.coded &&
          http::same_name (exchange->header ("Accept-Ranges"), "bytes"));
  head.ttfb = exchange->ttfb ();
}

// An answer that begins at 0 in spite of a Range is as good, only longer.
Result<Done> Response::Impl::skip_to_position ()
{
  std::uint64_t left = position - body.first;
  if (left == 0) return Done{};
  GST_WARNING ("%s: GET %s: no range, reading over %" G_GUINT64_FORMAT " bytes",
      settings.name.c_str (), uri::without_secrets (current).c_str (), left);
  std::vector<std::uint8_t> scratch (max_unwanted);
  while (left > 0) {
    Result<std::size_t> count = exchange->read (
        scratch.data (), std::min<std::uint64_t> (left, scratch.size ()));
    if (!count) return count.error ();
    if (*count == 0)
      return problem (Error::truncated, "ends before where to begin");
    left -= *count;
  }
  return Done{};
}

Result<std::size_t> Response::Impl::read (std::uint8_t *data, std::size_t size)
{
  for (unsigned retry = 0;;) {
    if (end && position >= *end) {
      finish ();
      return std::size_t{0};
    }
    Result<std::size_t> count = read_once (data, size);
    if (count) return count;
    // A server may serve a range in parts (RFC 9110 15.3.7): no failure.
    bool part = exchange && position > body.first && body.end == position;
    exchange.reset ();
    if (part) continue;
    // Nothing is behind a part of unknown whole: it was the last one.
    if (!end && body.end == position && count.code ().http_status == 416) {
      end = position;
      return std::size_t{0};
    }
    if (!may_resume ()) return located (std::move (count));
    Result<Done> again = located (before_retry (settings, retry++,
        located (std::move (count)).code (), cancellable.get (), counters));
    if (!again) return again.error ();
  }
}

Result<std::size_t> Response::Impl::read_once (
    std::uint8_t *data, std::size_t size)
{
  if (!exchange)
    if (Result<Done> resumed = attempt (); !resumed) return resumed.error ();
  if (end)
    size = static_cast<std::size_t> (
        std::min<std::uint64_t> (size, *end - position));
  Result<std::size_t> count = exchange->read (data, size);
  if (!count) return count;
  if (*count == 0 && (end || body.end))
    return problem (Error::truncated, "the body broke off");
  position += *count;
  counters.bytes_received += *count;
  // The connection is free as soon as the last byte is here. The end of a
  // chunked body could have to be waited for.
  if (*count > 0 && position == end && exchange->content_length ()) finish ();
  return count;
}

void Response::Impl::finish ()
{
  if (exchange && body.end == position) exchange->discard ();
  exchange.reset ();
}

bool Response::Impl::may_resume () const
{
  return opened && !body.coded && http::same (body.identity, body.identity);
}

Response::Response (std::unique_ptr<Impl> impl) : impl_ (std::move (impl)) {}

Response::~Response () = default;

const Head &Response::head () const
{
  return impl_->head;
}

void Response::wait ()
{
  impl_->wait ();
}

Result<std::size_t> Response::read (std::uint8_t *data, std::size_t size)
{
  return impl_->read (data, size);
}

Result<std::unique_ptr<Response>> send (const Settings &settings,
    const Request &request, GCancellable *cancellable, Counters *counters)
{
  auto impl = std::make_unique<Response::Impl> (
      settings, request, cancellable, counters);
  if (Result<Done> done = impl->open (); !done) return done.error ();
  return std::make_unique<Response> (std::move (impl));
}

namespace {

// Read in place, up to a byte more than allowed.
Result<Whole> read_whole (Response &response, std::size_t max_bytes)
{
  constexpr std::size_t step = 65536;
  const Head &head = response.head ();
  Whole out{head.uri, head.permanent_uri, head.content_type, {},
      head.length || head.coded};
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

}  // namespace

Result<Whole> fetch_all (const Settings &settings, const Request &request,
    GCancellable *cancellable, Counters *counters, std::size_t max_bytes)
{
  Counters own_counters;
  for (unsigned retry = 0;; retry++) {
    Result<std::unique_ptr<Response>> response =
        send (settings, request, cancellable, counters);
    if (!response) return response.error ();
    Result<Whole> whole = read_whole (**response, max_bytes);
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
  }
  return "unknown";
}

}  // namespace fetcher

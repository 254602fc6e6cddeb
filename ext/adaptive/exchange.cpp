// SPDX-License-Identifier: LGPL-2.1-or-later
#include "exchange.h"

#include <algorithm>
#include <array>
#include <utility>

#include "http.h"

namespace fetcher {

using namespace std::chrono_literals;
using relay::Done;
using relay::Owned;

#define GST_CAT_DEFAULT debug_category ()

namespace {

// Read and thrown away to keep a connection, when an answer is not wanted.
constexpr std::size_t max_unwanted = 65536;

// Of the headers. libsoup's code for it is that of a connection which ended
// early; only the words tell them apart, in the language of the user.
bool is_too_long (const GError &error)
{
  return g_error_matches (&error, G_IO_ERROR, G_IO_ERROR_PARTIAL_INPUT) &&
         g_strcmp0 (
             error.message, g_dgettext ("libsoup-3.0", "Header too big")) == 0;
}

}  // namespace

Exchange::Exchange (std::shared_ptr<Session> session,
    std::unique_ptr<limiter::Ticket> ticket, const Settings &settings,
    GCancellable *cancellable, Counters &counters, std::string shown_uri,
    unsigned retry)
    : ticket_ (std::move (ticket)),
      session_ (std::move (session)),
      settings_ (settings),
      counters_ (counters),
      outer_ (relay::share (cancellable)),
      inner_ (g_cancellable_new ()),
      timer_ (std::make_shared<Timer> (inner_.get (), settings.timeout)),
      // Kept, or every wait would make and close it.
      cancelled_fd_ (g_cancellable_get_fd (inner_.get ()))
{
  tunnel_.cancellable = inner_.get ();
  record_.uri = std::move (shown_uri);
  record_.retry = retry;
  record_.route =
      proxied () ? uri::without_secrets (session_->route.proxy) : "direct";
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
    tunnel_.message.reset ();
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
  if (event == G_SOCKET_CLIENT_CONNECTED) self->record_.new_connection = true;
  // An HTTP/2 connection belongs to the thread that made it. libsoup 3.2 has no
  // switch for it but an environment variable; here the handshake is about to
  // begin.
  if (event == G_SOCKET_CLIENT_TLS_HANDSHAKING &&
      G_IS_TLS_CONNECTION (connection)) {
    const char *protocols[] = {"http/1.1", nullptr};
    g_tls_connection_set_advertised_protocols (
        G_TLS_CONNECTION (connection), protocols);
    if (self->session_->tls.certificate)
      g_tls_connection_set_certificate (G_TLS_CONNECTION (connection),
          self->session_->tls.certificate.get ());
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

bool Exchange::prepare (const uri::Uri &target, const std::string &method)
{
  // Not g_uri_parse, not soup_message_new: they re-encode.
  Owned<GUri> uri{g_uri_build (
      static_cast<GUriFlags> (SOUP_HTTP_URI_FLAGS | G_URI_FLAGS_ENCODED),
      target.scheme.c_str (), nullptr, target.host.c_str (),
      target.port ? *target.port : -1, target.path.c_str (),
      target.query ? target.query->c_str () : nullptr, nullptr)};
  message_.reset (soup_message_new_from_uri (method.c_str (), uri.get ()));
  if (!message_) return false;
  soup_message_set_flags (message_.get (), SOUP_MESSAGE_NO_REDIRECT);
  // It would answer a 401 or 407, from one store for all hosts and proxies.
  soup_message_disable_feature (message_.get (), SOUP_TYPE_AUTH_MANAGER);
  // It takes a cut gzip stream for a whole one: see Decoder.
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

void Exchange::set_body (const std::string &type, const std::string &bytes)
{
  Owned<GBytes> copy{g_bytes_new (bytes.data (), bytes.size ())};
  soup_message_set_request_body_from_bytes (message_.get (),
      type.empty () ? "application/octet-stream" : type.c_str (), copy.get ());
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
  Clock::time_point started = Clock::now ();
  record_.number = ++counters_.requests;
  if (proxied ()) counters_.proxied++;
  GError *error = nullptr;
  {
    Context::Scope scope (context_);
    Waiting waiting (*this);
    TunnelWatch watch (tunnel_);
    body_.reset (soup_session_send (
        session_->soup.get (), message_.get (), inner_.get (), &error));
  }
  record_.ttfb = Clock::now () - started;
  if (record_.new_connection) counters_.connections++;
  if (!body_) {
    relay::Failure<Problem> failure = failed (error);
    record_.status = failure.code.http_status;
    record (to_string (failure.code.error));
    return failure;
  }
  ticket_->progress ();
  chunks_.emplace (body_.get ());
  delimited_ = chunks_->is_there () || content_length ();
  counters_.ttfb_ns = static_cast<std::uint64_t> (record_.ttfb.count ());
  record_.status = status ();
  record ("");
  return Done{};
}

void Exchange::wait ()
{
  Waiting waiting (*this);
  readiness_.wait (cancelled_fd_);
}

Result<std::optional<std::size_t>> Exchange::read_now (
    std::uint8_t *data, std::size_t size)
{
  auto *pollable = G_IS_POLLABLE_INPUT_STREAM (body_.get ())
                       ? G_POLLABLE_INPUT_STREAM (body_.get ())
                       : nullptr;
  if (pollable != nullptr && g_pollable_input_stream_can_poll (pollable)) {
    Context::Scope scope (context_);
    Waiting waiting (*this);
    GError *raw = nullptr;
    gssize count = g_pollable_input_stream_read_nonblocking (
        pollable, data, size, inner_.get (), &raw);
    if (count >= 0 || raw->code != G_IO_ERROR_WOULD_BLOCK ||
        raw->domain != G_IO_ERROR) {
      Result<std::size_t> done = has_read (count, raw);
      if (!done) return done.error ();
      return std::optional (*done);
    }
    g_error_free (raw);
    if (readiness_.learn (pollable)) return std::optional<std::size_t>{};
  }
  Result<std::size_t> done = read (data, size);
  if (!done) return done.error ();
  return std::optional (*done);
}

Result<std::size_t> Exchange::read (std::uint8_t *data, std::size_t size)
{
  if (!body_) return std::size_t{0};
  GError *error = nullptr;
  Context::Scope scope (context_);
  Waiting waiting (*this);
  gssize count =
      g_input_stream_read (body_.get (), data, size, inner_.get (), &error);
  return has_read (count, error);
}

// In the scope of the context.
Result<std::size_t> Exchange::has_read (gssize count, GError *error)
{
  if (count == 0) end_body ();
  if (count < 0) {
    relay::Failure<Problem> failure = failed (error);
    close ();
    return failure;
  }
  if (count == 0) close ();
  ticket_->progress ();
  record_.bytes += static_cast<std::uint64_t> (count);
  return static_cast<std::size_t> (count);
}

// Gives the connection back.
void Exchange::end_body ()
{
  chunks_->remove ();
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
  {
    auto records = counters_.records.lock ();
    auto mine = std::ranges::find (*records, record_.number, &Record::number);
    if (mine != records->end ()) mine->bytes = record_.bytes;
  }
  log ();
  Context::Scope scope (context_);
  // With the end not reached: so that no rest is read, and the connection goes.
  if (!g_input_stream_is_closed (body_.get ())) {
    g_cancellable_cancel (inner_.get ());
    g_input_stream_close (body_.get (), inner_.get (), nullptr);
  }
  chunks_.reset ();
  body_.reset ();
}

// The answer has begun, or there is none.
void Exchange::record (const char *error)
{
  record_.error = error;
  if (!record_.error.empty ()) log ();
  auto records = counters_.records.lock ();
  records->push_back (record_);
  if (records->size () > Counters::most_records) records->pop_front ();
}

void Exchange::log () const
{
  GST_DEBUG ("%s: GET %s: %u%s%s, %" G_GUINT64_FORMAT
             " bytes, first after %.1f ms, %s connection, %s, retry %u",
      settings_.name.c_str (), record_.uri.c_str (), record_.status,
      record_.error.empty () ? "" : " ", record_.error.c_str (), record_.bytes,
      static_cast<double> (record_.ttfb.count ()) / 1e6,
      record_.new_connection ? "new" : "re-used", record_.route.c_str (),
      record_.retry);
}

std::string Exchange::header (const char *name) const
{
  const char *value = soup_message_headers_get_list (
      soup_message_get_response_headers (message_.get ()), name);
  return value != nullptr ? value : "";
}

std::vector<std::string> Exchange::set_cookies () const
{
  std::vector<std::string> out;
  SoupMessageHeadersIter iter;
  soup_message_headers_iter_init (
      &iter, soup_message_get_response_headers (message_.get ()));
  const char *name = nullptr;
  const char *value = nullptr;
  while (soup_message_headers_iter_next (&iter, &name, &value))
    if (http::same_name (name, "Set-Cookie")) out.emplace_back (value);
  return out;
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

Head Exchange::head (const std::string &uri) const
{
  Head out;
  out.uri = uri;
  out.status = status ();
  out.request_headers = shown_headers (true);
  out.headers = shown_headers (false);
  std::string type = header ("Content-Type");
  out.content_type = type.substr (0, type.find_first_of ("; \t,"));
  out.ttfb = ttfb ();
  return out;
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
  if (outer_ && g_cancellable_is_cancelled (outer_.get ()))
    return problem (Error::cancelled, "cancelled");
  if (misdirected_) return problem (Error::http_status, "status", 421);
  if (tunnel_.refused) {
    unsigned status = soup_message_get_status (tunnel_.message.get ());
    // tinyproxy says 401 to a wrong password.
    return problem (
        status == 407 || status == 401 ? Error::proxy_auth : Error::proxy,
        "the proxy refused the tunnel", status);
  }
  if (!error) return problem (Error::protocol, "no answer");
  relay::Failure<Problem> failure = problem (classify (*error), error->message);
  GST_DEBUG ("%s: GET %s: %s: %s", settings_.name.c_str (),
      record_.uri.c_str (), to_string (failure.code.error), error->message);
  return failure;
}

Error Exchange::classify (const GError &error) const
{
  if (timer_->fired) return Error::timeout;
  if (error.domain == G_TLS_ERROR) return Error::tls;
  // Before the request is out it is the proxy that talks, of a tunnel.
  if (error.domain == SOUP_SESSION_ERROR)
    return tunnel_.message && !sent_ ? Error::proxy : Error::protocol;
  if (error.domain == G_IO_ERROR) switch (error.code) {
      case G_IO_ERROR_PROXY_AUTH_FAILED:
      case G_IO_ERROR_PROXY_NEED_AUTH:
        return Error::proxy_auth;
      case G_IO_ERROR_PROXY_FAILED:
      case G_IO_ERROR_PROXY_NOT_ALLOWED:
        return Error::proxy;
      default:
        break;
    }
  // What is no chunk: see ChunkGuard.
  if (g_error_matches (&error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA) ||
      is_too_long (error))
    return Error::protocol;
  if (sent_) return Error::truncated;
  if (proxied ()) return Error::proxy;
  return error.domain == G_RESOLVER_ERROR ? Error::resolve : Error::connect;
}

}  // namespace fetcher

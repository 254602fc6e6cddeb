// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "fetching.h"
#include "httpserver.h"
#include "resolver.h"
#include "sanitized.h"
#include "testutil.h"

// Everything that can go wrong between proxyhttpsrc, a proxy and an origin, one
// row for each. The origin has a name that only the proxy knows.
namespace test::baddays {

class Day;

// What a server does on one of its connections, counted from 0.
using Script = std::function<void (Connection &, Day &, int number)>;

inline constexpr int fine = -1;  // as an outcome

struct Row
{
  const char *name;
  // Of GST_RESOURCE_ERROR; or fine, with every byte in its place.
  int outcome;
  Script origin{};  // none: a good one
  Script proxy{};   // none: a good one
  const char *scheme = "http";
  // {p} and {o} are the ports of the proxy and the origin.
  const char *routes = "origin.test=http://127.0.0.1:{p},all=block";
  // The moment lasts until somebody, or a time-out, ends it.
  bool waits = false;
  int retries = 0;
  guint64 position = 0;
  const char *host = "origin.test:{o}";
  // May be asked of the resolver; with these no request goes by a proxy.
  std::vector<std::string> names{};
  // An origin with TLS takes the place of the script.
  GTlsCertificate *certificate = nullptr;
  // Nobody listens there.
  bool dead_proxy = false;
};

inline const std::string &body ()
{
  static const auto *bytes = new std::string (noise (100000));
  return *bytes;
}

inline std::string head (const std::string &status, const std::string &headers)
{
  return "HTTP/1.1 " + status + "\r\n" + headers + "\r\n";
}

// All of the body.
inline std::string answer (const std::string &headers = "ETag: \"a\"\r\n")
{
  return head ("200 OK",
             "Accept-Ranges: bytes\r\nContent-Length: 100000\r\n" + headers) +
         body ();
}

// The part from there to the end.
inline std::string part (
    std::size_t first, const std::string &headers = "ETag: \"a\"\r\n")
{
  return head ("206 Partial Content",
             "Content-Range: bytes " + std::to_string (first) +
                 "-99999/100000\r\nContent-Length: " +
                 std::to_string (100000 - first) + "\r\n" + headers) +
         body ().substr (first);
}

// One run of one row.
class Day
{
public:
  explicit Day (const Row &row) : row_ (row)
  {
    if (row.certificate != nullptr)
      tls_origin_ = std::make_unique<HttpServer> (
          [] (const HttpServer::Request &) {
            return HttpServer::Reply{200, body (), {}};
          },
          row.certificate);
    else
      origin_ =
          std::make_unique<ScriptedServer> ([this] (Connection &c, int number) {
            if (row_.origin) {
              row_.origin (c, *this, number);
            } else {
              now ();
              if (!c.read_request ().empty ()) c.send (answer ());
            }
          });
    if (row.proxy)
      bad_proxy_ =
          std::make_unique<ScriptedServer> ([this] (Connection &c, int number) {
            row_.proxy (c, *this, number);
          });
    else if (!row.dead_proxy)
      proxy_ = std::make_unique<ForwardProxy> ();
    source_ = std::make_unique<Fetching> (
        filled (std::string (row.scheme) + "://" + row.host + "/x"),
        filled (row.routes));
    g_object_set (**source_, "retries", row.retries, "timeout",
        row.waits ? 1 : 60, nullptr);
    if (row.position > 0)
      fail_unless (gst_element_seek (**source_, 1.0, GST_FORMAT_BYTES,
          GST_SEEK_FLAG_NONE, GST_SEEK_TYPE_SET,
          static_cast<gint64> (row.position), GST_SEEK_TYPE_NONE, -1));
  }

  // For scripts: it goes wrong now.
  void now () { reached_ = true; }
  [[nodiscard]] int origin_port () const
  {
    return tls_origin_ ? tls_origin_->port () : origin_->port ();
  }

  void start () { source_->set_state (GST_STATE_PLAYING); }
  // Stays at the moment for as long as it lasts.
  void start_and_stay ()
  {
    g_object_set (**source_, "retries", -1, "timeout", 3600, nullptr);
    start ();
    gint64 limit = g_get_monotonic_time () + 20 * G_USEC_PER_SEC;
    while (!is_there ()) {
      fail_unless (g_get_monotonic_time () < limit,
          "%s: it does not come to it", row_.name);
      Owned<GstMessage> error =
          wait_message (source_->pipeline (), GST_MESSAGE_ERROR, GST_MSECOND);
      fail_unless (!row_.waits || error == nullptr, "%s: %s", row_.name,
          text_of (error.get ()).c_str ());
      if (error) break;
    }
  }
  void assert_outcome ()
  {
    Owned<GstMessage> end = source_->wait ();
    if (row_.outcome == fine) {
      fail_unless (end && GST_MESSAGE_TYPE (end.get ()) == GST_MESSAGE_EOS,
          "%s: %s", row_.name, text_of (end.get ()).c_str ());
      fail_unless (
          *source_->bytes.lock () ==
              body ().substr (static_cast<std::size_t> (row_.position)),
          "%s: other bytes", row_.name);
    } else {
      fail_unless (end && GST_MESSAGE_TYPE (end.get ()) == GST_MESSAGE_ERROR &&
                       has_code (end.get ()),
          "%s: not GST_RESOURCE_ERROR %d but %s", row_.name, row_.outcome,
          text_of (end.get ()).c_str ());
      // What did come is right, and there is one error.
      std::string bytes = source_->bytes.copy ();
      fail_unless (body ().compare (static_cast<std::size_t> (row_.position),
                       bytes.size (), bytes) == 0,
          "%s: other bytes", row_.name);
      fail_unless (
          wait_message (source_->pipeline (), GST_MESSAGE_ERROR, 0) == nullptr,
          "%s: a second error", row_.name);
    }
    source_->set_state (GST_STATE_READY);
    assert_no_leak ();
  }
  // The time in us that it takes, at the moment.
  gint64 time_of_flush ()
  {
    start_and_stay ();
    gint64 began = g_get_monotonic_time ();
    gst_element_send_event (**source_, gst_event_new_flush_start ());
    gst_element_send_event (**source_, gst_event_new_flush_stop (TRUE));
    gint64 took = g_get_monotonic_time () - began;
    end ();
    return took;
  }
  gint64 time_of_stop ()
  {
    start_and_stay ();
    gint64 began = g_get_monotonic_time ();
    source_->set_state (GST_STATE_READY);
    gint64 took = g_get_monotonic_time () - began;
    end ();
    return took;
  }

private:
  template <class T>
  using Owned = relay::Owned<T>;

  bool is_there ()
  {
    if (row_.origin || row_.proxy) return reached_;
    if (!row_.names.empty ()) return !names_asked ().lock ()->empty ();
    return stat (**source_, "requests") > 0;
  }
  // Ports in their places.
  std::string filled (std::string text)
  {
    int proxy = row_.dead_proxy ? dead_port ()
                : row_.proxy    ? bad_proxy_->port ()
                                : proxy_->port ();
    for (auto [mark, port] :
        {std::pair{"{p}", proxy}, std::pair{"{o}", origin_port ()}}) {
      std::size_t at = text.find (mark);
      if (at != std::string::npos) text.replace (at, 3, std::to_string (port));
    }
    return text;
  }
  bool has_code (GstMessage *message) const
  {
    GError *raw = nullptr;
    gst_message_parse_error (message, &raw, nullptr);
    Owned<GError> error{raw};
    return error->domain == GST_RESOURCE_ERROR && error->code == row_.outcome;
  }
  void end ()
  {
    source_->set_state (GST_STATE_READY);
    Owned<GstMessage> error =
        wait_message (source_->pipeline (), GST_MESSAGE_ERROR, 0);
    fail_unless (!row_.waits || error == nullptr, "%s: %s", row_.name,
        text_of (error.get ()).c_str ());
    assert_no_leak ();
    assert_names (row_.names);
  }
  // The origin has no connection that the proxy did not make.
  void assert_no_leak ()
  {
    if (row_.names.empty ())
      fail_unless_equals_uint64 (
          stat (**source_, "requests-proxied"), stat (**source_, "requests"));
    std::size_t asked = proxy_ ? proxy_->targets ().size () : 0;
    std::size_t came = origin_
                           ? static_cast<std::size_t> (origin_->connections ())
                           : tls_origin_->connections ();
    fail_unless (came <= asked, "%s: a connection past the proxy", row_.name);
  }

  const Row &row_;
  std::atomic<bool> reached_{false};
  std::unique_ptr<HttpServer> tls_origin_;
  std::unique_ptr<ScriptedServer> origin_;
  std::unique_ptr<ForwardProxy> proxy_;
  std::unique_ptr<ScriptedServer> bad_proxy_;
  std::unique_ptr<Fetching> source_;
};

// All of them at once: what takes its time waits for a time-out.
inline void assert_outcomes (const std::vector<Row> &rows)
{
  std::vector<std::unique_ptr<Day>> days;
  for (const Row &row : rows) {
    days.push_back (std::make_unique<Day> (row));
    days.back ()->start ();
  }
  for (const std::unique_ptr<Day> &day : days) day->assert_outcome ();
  std::vector<std::string> names;
  for (const Row &row : rows)
    names.insert (names.end (), row.names.begin (), row.names.end ());
  assert_names (names);
}

// On a busy machine any one may have to wait for a processor, and a sanitized
// program takes its time.
inline void assert_at_once (
    const std::vector<Row> &rows, gint64 (Day::*time_of) ())
{
  const gint64 limit = is_sanitized () ? 1000000 : 100000;
  for (const Row &row : rows) {
    gint64 best = G_MAXINT64;
    for (int i = 0; i < 5 && best >= limit; i++)
      best = std::min (best, (Day (row).*time_of) ());
    fail_unless (best < limit, "%s: %d us", row.name, static_cast<int> (best));
  }
}

}  // namespace test::baddays

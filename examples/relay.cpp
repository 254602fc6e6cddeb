// SPDX-License-Identifier: LGPL-2.1-or-later
// A caching relay: an HTTP server on 127.0.0.1 in front of an origin, made of
// `proxyhttpsrc ! cachetee ! appsink`, one pipeline for each request.
//
//   relay [--port N] [--cache FOLDER] ORIGIN
//
// The first line on stdout is "port N". GET and HEAD of /PATH are those of
// ORIGIN/PATH, whole or one range; /metrics has the counters for Prometheus.
// What one client fetches is served to all, while it comes. SIGINT and SIGTERM
// end it.
#include <glib-unix.h>
#include <libsoup/soup.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "listen.h"
#include "range.h"
#include "resource.h"

using relay::Owned;
using resource::Origin;
using resource::Resource;

template <>
inline constexpr bool relay::is_gobject<SoupServer> = true;
template <>
inline constexpr bool relay::is_gobject<GSocket> = true;
template <>
inline constexpr bool relay::is_gobject<GSocketAddress> = true;

namespace {

struct Relay
{
  Origin origin;
  // What the origin said of a path.
  std::map<std::string, std::map<std::string, std::string>> headers;
};

// One request. It goes with its message.
class Client
{
public:
  Client (Relay &relay, SoupServerMessage *message, const std::string &path)
      : relay_ (relay),
        message_ (message),
        answer_ (soup_server_message_get_response_headers (message)),
        body_ (soup_server_message_get_response_body (message)),
        path_ (path),
        range_ (take_range (message)),
        first_ (begin_of_slice (range::first_of (range_))),
        resource_ (relay.origin, path, first_, end_of_slice (range_),
            {[this] { go_on (); },
                [this] (const char *name, const char *value) {
                  note_header (name, value);
                },
                [this] (const GError &error) { fail (error); }})
  {
    soup_message_body_set_accumulate (body_, FALSE);
    g_signal_connect_swapped (message, "wrote-chunk",
        G_CALLBACK (+[] (Client *self) {
          self->busy_ = false;
          self->go_on ();
        }),
        this);
    g_signal_connect_swapped (message, "finished",
        G_CALLBACK (+[] (Client *self) { delete self; }), this);
    soup_server_message_pause (message);
  }

private:
  // What the cache keeps whole; it is asked for from its beginning on.
  static guint64 begin_of_slice (guint64 at) { return at - at % 262144; }
  static std::optional<guint64> end_of_slice (const std::string &range)
  {
    auto end = range::end_of (range);
    return end ? begin_of_slice (*end + 262143) : end;
  }
  // What is left of the request is not for libsoup to answer.
  static std::string take_range (SoupServerMessage *message)
  {
    auto *asked = soup_server_message_get_request_headers (message);
    const char *found = soup_message_headers_get_one (asked, "Range");
    std::string range = found != nullptr ? found : "";
    soup_message_headers_remove (asked, "Range");
    return range;
  }
  void note_header (const char *name, const char *value)
  {
    for (const char *passed_on : {"Content-Type", "ETag", "Last-Modified"})
      if (g_ascii_strcasecmp (name, passed_on) == 0)
        relay_.headers[path_][passed_on] = value;
  }

  // The first byte has come, or there is none: what it is is known.
  void begin ()
  {
    begun_ = true;
    for (const auto &[name, value] : relay_.headers[path_])
      soup_message_headers_replace (answer_, name.c_str (), value.c_str ());
    unsigned status = SOUP_STATUS_OK;
    end_ = resource_.total ();
    if (!end_) {
      soup_message_headers_set_encoding (answer_, SOUP_ENCODING_CHUNKED);
    } else {
      guint64 total = *end_;
      soup_message_headers_replace (answer_, "Accept-Ranges", "bytes");
      if (auto range = range::parse (range_, total)) {
        if (range->first >= total) return refuse_range (total);
        at_ = range->first;
        end_ = range->last + 1;
        guint64 from = begin_of_slice (at_);
        skip_ = at_ - from;
        // What begins at the end.
        if (from != first_ && !resource_.seek (from))
          return refuse (SOUP_STATUS_BAD_GATEWAY);
        status = SOUP_STATUS_PARTIAL_CONTENT;
        soup_message_headers_set_content_range (answer_,
            static_cast<goffset> (at_), static_cast<goffset> (range->last),
            static_cast<goffset> (total));
      }
      soup_message_headers_set_content_length (
          answer_, static_cast<goffset> (*end_ - at_));
    }
    soup_server_message_set_status (message_, status, nullptr);
    if (soup_server_message_get_method (message_) == SOUP_METHOD_HEAD)
      return end ();
    resource_.play ();
  }
  void go_on ()
  {
    if (!begun_ && !over_) begin ();
    while (!busy_ && !over_) {
      if (end_ && at_ == *end_) return end ();
      if (Owned<GBytes> bytes = resource_.pull ())
        send (std::move (bytes));
      else if (!resource_.is_at_end ())
        return;
      else if (end_)
        cut ();
      else
        end ();
    }
  }
  void send (Owned<GBytes> bytes)
  {
    gsize size = g_bytes_get_size (bytes.get ());
    gsize skipped = std::min (size, gsize{skip_});
    skip_ -= skipped;
    size -= skipped;
    if (end_) size = std::min (size, gsize{*end_ - at_});
    if (size == 0) return;
    bytes.reset (g_bytes_new_from_bytes (bytes.get (), skipped, size));
    at_ += size;
    busy_ = true;
    soup_message_body_append_bytes (body_, bytes.get ());
    soup_server_message_unpause (message_);
  }
  void end ()
  {
    over_ = true;
    if (at_ == end_) resource_.finish ();
    soup_message_body_complete (body_);
    soup_server_message_unpause (message_);
  }
  void refuse (unsigned status)
  {
    soup_message_headers_clear (answer_);
    soup_server_message_set_status (message_, status, nullptr);
    end ();
  }
  void refuse_range (guint64 total)
  {
    refuse (SOUP_STATUS_REQUESTED_RANGE_NOT_SATISFIABLE);
    std::string all = "bytes */" + std::to_string (total);
    soup_message_headers_replace (answer_, "Content-Range", all.c_str ());
  }
  // What was begun and cannot be ended never looks whole.
  void cut ()
  {
    over_ = true;
    g_socket_shutdown (
        soup_server_message_get_socket (message_), TRUE, TRUE, nullptr);
    soup_server_message_unpause (message_);
  }
  void fail (const GError &error)
  {
    if (over_) return;
    if (begun_) return cut ();
    // Perhaps there is nothing there: how much there is the beginning says.
    if (std::exchange (first_, 0) > 0) return resource_.again ();
    refuse (g_error_matches (
                &error, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_NOT_FOUND)
                ? SOUP_STATUS_NOT_FOUND
                : SOUP_STATUS_BAD_GATEWAY);
  }

  Relay &relay_;
  SoupServerMessage *message_;
  SoupMessageHeaders *answer_;
  SoupMessageBody *body_;
  const std::string path_;
  const std::string range_;
  // Of the next byte that is sent, and behind the last one, if that is known.
  guint64 at_ = 0;
  std::optional<guint64> end_;
  guint64 skip_ = 0;
  bool begun_ = false;
  // A chunk is on its way to the client.
  bool busy_ = false;
  bool over_ = false;
  // Where it was asked to begin.
  guint64 first_;
  // Goes first.
  Resource resource_;
};

void on_request (SoupServer *, SoupServerMessage *message, const char *,
    GHashTable *, gpointer data)
{
  auto &relay = *static_cast<Relay *> (data);
  const char *method = soup_server_message_get_method (message);
  GUri *uri = soup_server_message_get_uri (message);
  std::string path = g_uri_get_path (uri);
  if (const char *query = g_uri_get_query (uri))
    path += std::string ("?") + query;
  if (method != SOUP_METHOD_GET && method != SOUP_METHOD_HEAD) {
    soup_server_message_set_status (
        message, SOUP_STATUS_METHOD_NOT_ALLOWED, nullptr);
  } else if (path == "/metrics") {
    std::string text = relay.origin.metrics ();
    soup_server_message_set_status (message, SOUP_STATUS_OK, nullptr);
    soup_server_message_set_response (message, "text/plain; version=0.0.4",
        SOUP_MEMORY_COPY, text.data (), text.size ());
  } else {
    new Client (relay, message, path);
  }
}

[[noreturn]] void die (const char *text)
{
  std::fprintf (stderr, "relay: %s\n", text);
  std::exit (EXIT_FAILURE);
}

}  // namespace

int main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  std::string origin;
  std::string cache;
  guint64 port = 0;
  for (int i = 1; i < argc; i++) {
    std::string_view argument = argv[i];
    bool takes_value = argument == "--port" || argument == "--cache";
    if (takes_value && ++i == argc) die ("an option without its value");
    if (argument == "--port")
      port = range::parse_number (argv[i]).value_or (65536);
    else if (argument == "--cache")
      cache = argv[i];
    else
      origin = argument;
  }
  if (!origin.starts_with ("http") || port > 65535)
    die ("usage: relay [--port N] [--cache FOLDER] ORIGIN");
  Relay relay{Origin (origin, cache), {}};
  if (!relay.origin) die ("proxyhttpsrc, cachetee or appsink is missing");
  Owned<SoupServer> server{
      soup_server_new ("raw-paths", gboolean{TRUE}, nullptr)};
  soup_server_add_handler (server.get (), nullptr, on_request, &relay, nullptr);
  Owned<GSocket> socket{listen_locally (static_cast<guint16> (port))};
  if (!socket || !soup_server_listen_socket (server.get (), socket.get (),
                     static_cast<SoupServerListenOptions> (0), nullptr))
    die ("cannot listen on this port");
  Owned<GSocketAddress> local{
      g_socket_get_local_address (socket.get (), nullptr)};
  std::printf ("port %d\n",
      g_inet_socket_address_get_port (G_INET_SOCKET_ADDRESS (local.get ())));
  std::fflush (stdout);

  Owned<GMainLoop> loop{g_main_loop_new (nullptr, FALSE)};
  auto quit = [] (gpointer running) -> gboolean {
    g_main_loop_quit (static_cast<GMainLoop *> (running));
    return G_SOURCE_CONTINUE;
  };
  g_unix_signal_add (SIGINT, quit, loop.get ());
  g_unix_signal_add (SIGTERM, quit, loop.get ());
  g_main_loop_run (loop.get ());
  // Ends all clients.
  soup_server_disconnect (server.get ());
}

// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <arpa/inet.h>
#include <libsoup/soup.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <condition_variable>
#include <functional>
#include <list>
#include <set>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "common/gstpp.h"
#include "common/guarded.h"
#include "testutil.h"

// Peers for the tests of what goes over HTTP: an origin, a server that answers
// byte for byte what a script says, and a forward proxy. All on 127.0.0.1, port
// 0, in threads of their own that end with the object.
namespace test {

using HeaderList = std::vector<std::pair<std::string, std::string>>;

// The value of the first header of that name in a request as text, or "".
inline std::string header_of (std::string_view request, const char *name)
{
  std::string lower = "\r\n" + std::string (name) + ":";
  for (char &c : lower) c = g_ascii_tolower (c);
  std::string text (request);
  for (char &c : text) c = g_ascii_tolower (c);
  std::size_t at = text.find (lower);
  if (at == std::string::npos) return {};
  at = request.find_first_not_of (' ', at + lower.size ());
  return std::string (request.substr (at, request.find ("\r\n", at) - at));
}

// A client's connection to one of the servers below.
class Connection
{
public:
  explicit Connection (int fd) : fd_ (fd) {}

  // A request up to its empty line; "" when the peer has closed.
  std::string read_request ()
  {
    std::string out;
    char c = 0;
    while (!out.ends_with ("\r\n\r\n")) {
      if (::recv (fd_, &c, 1, 0) <= 0) return {};
      out += c;
    }
    return out;
  }
  // Just so many bytes, or fewer when the peer has closed.
  std::string read (std::size_t count)
  {
    std::string out (count, '\0');
    ssize_t got = ::recv (fd_, out.data (), count, MSG_WAITALL);
    out.resize (got > 0 ? static_cast<std::size_t> (got) : 0);
    // So that a script may look at the first byte.
    return out.empty () ? std::string (1, '\0') : out;
  }
  // False when the peer has closed.
  bool send (std::string_view bytes)
  {
    while (!bytes.empty ()) {
      ssize_t sent = ::send (fd_, bytes.data (), bytes.size (), MSG_NOSIGNAL);
      if (sent <= 0) return false;
      bytes.remove_prefix (static_cast<std::size_t> (sent));
    }
    return true;
  }
  // Everything to and from that port of 127.0.0.1, until one of them closes.
  // False when nobody listens there. What to begin with is sent first.
  bool relay_to (int port, std::string_view begin = {})
  {
    int upstream = ::socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in name{};
    name.sin_family = AF_INET;
    name.sin_port = htons (static_cast<std::uint16_t> (port));
    ::inet_pton (AF_INET, "127.0.0.1", &name.sin_addr);
    bool connected = ::connect (upstream, reinterpret_cast<sockaddr *> (&name),
                         sizeof name) == 0;
    if (connected) {
      Connection (upstream).send (begin);
      relay (upstream);
    }
    ::close (upstream);
    return connected;
  }
  // Says nothing until the peer, or the server's destructor, closes.
  void hang ()
  {
    std::array<char, 4096> scratch;
    while (::recv (fd_, scratch.data (), scratch.size (), 0) > 0) {
    }
  }
  // Closes with a RST.
  void reset ()
  {
    linger now{1, 0};
    ::setsockopt (fd_, SOL_SOCKET, SO_LINGER, &now, sizeof now);
  }

private:
  void relay (int upstream)
  {
    std::array<pollfd, 2> fds = {{{fd_, POLLIN, 0}, {upstream, POLLIN, 0}}};
    std::array<char, 16384> bytes;
    while (::poll (fds.data (), fds.size (), -1) > 0) {
      for (std::size_t i = 0; i < 2; i++) {
        if (fds[i].revents == 0) continue;
        ssize_t count = ::recv (fds[i].fd, bytes.data (), bytes.size (), 0);
        if (count <= 0) return;
        Connection (fds[1 - i].fd)
            .send ({bytes.data (), static_cast<std::size_t> (count)});
      }
    }
  }

  int fd_;
};

// Each connection is handled by the script, in a thread of its own; number
// counts the connections from 0. It is closed when the script returns.
class ScriptedServer
{
public:
  using Script = std::function<void (Connection &, int number)>;

  explicit ScriptedServer (Script script, const char *address = "127.0.0.1")
      : script_ (std::move (script))
  {
    listen_fd_ = ::socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in name{};
    name.sin_family = AF_INET;
    ::inet_pton (AF_INET, address, &name.sin_addr);
    auto *raw = reinterpret_cast<sockaddr *> (&name);
    socklen_t size = sizeof name;
    fail_unless (::bind (listen_fd_, raw, size) == 0);
    fail_unless (::listen (listen_fd_, 128) == 0);
    ::getsockname (listen_fd_, raw, &size);
    port_ = ntohs (name.sin_port);
    acceptor_ = std::thread ([this] { accept_all (); });
  }
  ~ScriptedServer () { stop (); }
  ScriptedServer (const ScriptedServer &) = delete;
  ScriptedServer &operator= (const ScriptedServer &) = delete;

  // Nobody listens any more, and all connections are cut.
  void stop ()
  {
    if (!acceptor_.joinable ()) return;
    state_.lock ()->stop = true;
    ::shutdown (listen_fd_, SHUT_RDWR);
    acceptor_.join ();
    ::close (listen_fd_);
    {
      auto state = state_.lock ();
      for (int fd : state->open) ::shutdown (fd, SHUT_RDWR);
    }
    for (std::thread &thread : threads_) thread.join ();
    threads_.clear ();
  }
  [[nodiscard]] int port () const { return port_; }
  [[nodiscard]] int connections () { return state_.lock ()->connections; }
  [[nodiscard]] std::string uri (std::string_view path) const
  {
    return "http://127.0.0.1:" + std::to_string (port_) + std::string (path);
  }

private:
  struct State
  {
    bool stop = false;
    int connections = 0;
    std::set<int> open;
  };

  void accept_all ()
  {
    for (;;) {
      int fd = ::accept4 (listen_fd_, nullptr, nullptr, SOCK_CLOEXEC);
      auto state = state_.lock ();
      if (state->stop || fd < 0) {
        if (fd >= 0) ::close (fd);
        return;
      }
      state->open.insert (fd);
      int number = state->connections++;
      threads_.emplace_back ([this, fd, number] {
        Connection connection (fd);
        script_ (connection, number);
        state_.lock ()->open.erase (fd);
        ::close (fd);
      });
    }
  }

  Script script_;
  int listen_fd_ = -1;
  int port_ = 0;
  relay::Guarded<State> state_;
  std::list<std::thread> threads_;  // the acceptor's until it is joined
  std::thread acceptor_;
};

// A well-behaved origin on SoupServer: keep-alive, byte ranges. It answers what
// the handler says and remembers what it was asked.
class HttpServer
{
public:
  struct Request
  {
    std::string method;
    std::string path;  // with its query
    HeaderList headers;
    int peer_port = 0;
    std::string body{};

    [[nodiscard]] std::string header (const char *name) const
    {
      for (const auto &[n, value] : headers)
        if (g_ascii_strcasecmp (n.c_str (), name) == 0) return value;
      return {};
    }
  };
  struct Reply
  {
    unsigned status = 200;
    std::string body;
    HeaderList headers;
    std::string content_type = "application/octet-stream";
    bool chunked = false;
  };
  using Handler = std::function<Reply (const Request &)>;

  // client: the certificate that it wants to see.
  explicit HttpServer (Handler handler, GTlsCertificate *certificate = nullptr,
      GTlsCertificate *client = nullptr)
      : handler_ (std::move (handler)), scheme_ (certificate ? "https" : "http")
  {
    thread_ = std::thread ([=, this] { run (certificate, client); });
    auto state = state_.lock ();
    state.wait (changed_, [] (const State &s) { return s.port != 0; });
    port_ = state->port;
  }
  ~HttpServer ()
  {
    GSource *quit = g_idle_source_new ();
    g_source_set_callback (
        quit,
        [] (gpointer loop) -> gboolean {
          g_main_loop_quit (static_cast<GMainLoop *> (loop));
          return G_SOURCE_REMOVE;
        },
        loop_.get (), nullptr);
    g_source_attach (quit, context_.get ());
    g_source_unref (quit);
    thread_.join ();
  }
  HttpServer (const HttpServer &) = delete;
  HttpServer &operator= (const HttpServer &) = delete;

  [[nodiscard]] std::string origin () const
  {
    return scheme_ + "://127.0.0.1:" + std::to_string (port_);
  }
  [[nodiscard]] std::string uri (std::string_view path) const
  {
    return origin () + std::string (path);
  }
  [[nodiscard]] int port () const { return port_; }
  [[nodiscard]] std::vector<Request> requests ()
  {
    return state_.lock ()->requests;
  }
  // How many connections the requests came by.
  [[nodiscard]] std::size_t connections ()
  {
    std::set<int> ports;
    for (const Request &request : requests ()) ports.insert (request.peer_port);
    return ports.size ();
  }

private:
  struct State
  {
    int port = 0;
    std::vector<Request> requests;
  };

  static void on_request (SoupServer *, SoupServerMessage *message,
      const char *, GHashTable *, gpointer data)
  {
    auto *self = static_cast<HttpServer *> (data);
    Request request;
    request.method = soup_server_message_get_method (message);
    GUri *uri = soup_server_message_get_uri (message);
    request.path = g_uri_get_path (uri);
    if (g_uri_get_query (uri) != nullptr)
      request.path += std::string ("?") + g_uri_get_query (uri);
    SoupMessageHeadersIter iter;
    soup_message_headers_iter_init (
        &iter, soup_server_message_get_request_headers (message));
    const char *name = nullptr;
    const char *value = nullptr;
    while (soup_message_headers_iter_next (&iter, &name, &value))
      request.headers.emplace_back (name, value);
    request.peer_port = g_inet_socket_address_get_port (G_INET_SOCKET_ADDRESS (
        soup_server_message_get_remote_address (message)));
    if (SoupMessageBody *body = soup_server_message_get_request_body (message);
        body->data != nullptr)
      request.body.assign (body->data, static_cast<std::size_t> (body->length));
    self->state_.lock ()->requests.push_back (request);
    self->answer (message, self->handler_ (request));
  }

  static void answer (SoupServerMessage *message, const Reply &reply)
  {
    soup_server_message_set_status (message, reply.status, nullptr);
    SoupMessageHeaders *headers =
        soup_server_message_get_response_headers (message);
    for (const auto &[name, value] : reply.headers)
      soup_message_headers_append (headers, name.c_str (), value.c_str ());
    if (reply.chunked) {
      soup_message_headers_set_encoding (headers, SOUP_ENCODING_CHUNKED);
      soup_message_headers_set_content_type (
          headers, reply.content_type.c_str (), nullptr);
      SoupMessageBody *body = soup_server_message_get_response_body (message);
      soup_message_body_append (
          body, SOUP_MEMORY_COPY, reply.body.data (), reply.body.size ());
      soup_message_body_complete (body);
    } else {
      soup_server_message_set_response (message, reply.content_type.c_str (),
          SOUP_MEMORY_COPY, reply.body.data (), reply.body.size ());
    }
  }

  static gboolean is_client (SoupServerMessage *, GTlsCertificate *shown,
      GTlsCertificateFlags, gpointer client)
  {
    return g_tls_certificate_is_same (
        shown, static_cast<GTlsCertificate *> (client));
  }

  static void on_started (
      SoupServer *, SoupServerMessage *message, gpointer client)
  {
    g_signal_connect (
        message, "accept-certificate", G_CALLBACK (is_client), client);
  }

  void run (GTlsCertificate *certificate, GTlsCertificate *client)
  {
    g_main_context_push_thread_default (context_.get ());
    SoupServer *server =
        soup_server_new ("tls-certificate", certificate, "tls-auth-mode",
            client != nullptr ? G_TLS_AUTHENTICATION_REQUIRED
                              : G_TLS_AUTHENTICATION_NONE,
            nullptr);
    if (client != nullptr)
      g_signal_connect (
          server, "request-started", G_CALLBACK (on_started), client);
    soup_server_add_handler (server, nullptr, on_request, this, nullptr);
    auto options = static_cast<SoupServerListenOptions> (
        SOUP_SERVER_LISTEN_IPV4_ONLY |
        (certificate != nullptr ? SOUP_SERVER_LISTEN_HTTPS : 0));
    soup_server_listen_local (server, 0, options, nullptr);
    GSList *uris = soup_server_get_uris (server);
    state_.lock ()->port = g_uri_get_port (static_cast<GUri *> (uris->data));
    changed_.notify_all ();
    g_slist_free_full (uris, reinterpret_cast<GDestroyNotify> (g_uri_unref));
    g_main_loop_run (loop_.get ());
    soup_server_disconnect (server);
    g_object_unref (server);
    // What the server left in its context (closing connections).
    while (g_main_context_iteration (context_.get (), FALSE)) {
    }
    g_main_context_pop_thread_default (context_.get ());
  }

  Handler handler_;
  std::string scheme_;
  int port_ = 0;
  relay::Owned<GMainContext> context_{g_main_context_new ()};
  relay::Owned<GMainLoop> loop_{g_main_loop_new (context_.get (), FALSE)};
  relay::Guarded<State> state_;
  std::condition_variable changed_;
  std::thread thread_;
};

// A forward proxy for http (absolute-form) and CONNECT. Whatever name it is
// asked for, it connects to 127.0.0.1: so names of no DNS can be used, and a
// request that arrives at all came through here.
class ForwardProxy
{
public:
  struct Options
  {
    std::string credentials;  // "user:password" that it demands; "" = none
    unsigned status = 0;      // answers everything with it; 0 = works
  };

  ForwardProxy () : ForwardProxy (Options{}) {}
  explicit ForwardProxy (Options options)
      : options_ (std::move (options)),
        server_ ([this] (Connection &c, int) { handle (c); })
  {
  }

  [[nodiscard]] std::string uri () const
  {
    return "http://127.0.0.1:" + std::to_string (server_.port ());
  }
  [[nodiscard]] int port () const { return server_.port (); }
  // "GET host:port" and "CONNECT host:port", one for each request.
  [[nodiscard]] std::vector<std::string> targets ()
  {
    return state_.lock ()->targets;
  }
  // The requests as they came.
  [[nodiscard]] std::vector<std::string> requests ()
  {
    return state_.lock ()->requests;
  }
  void stop () { server_.stop (); }

private:
  struct State
  {
    std::vector<std::string> targets;
    std::vector<std::string> requests;
  };

  [[nodiscard]] bool authorized (const std::string &request) const
  {
    if (options_.credentials.empty ()) return true;
    relay::Owned<gchar> expected{g_base64_encode (
        reinterpret_cast<const guchar *> (options_.credentials.data ()),
        options_.credentials.size ())};
    return header_of (request, "Proxy-Authorization") ==
           std::string ("Basic ") + expected.get ();
  }

  void handle (Connection &client)
  {
    std::string request = client.read_request ();
    if (request.empty ()) return;
    std::string method = request.substr (0, request.find (' '));
    std::string target = request.substr (method.size () + 1);
    target.resize (target.find (' '));
    std::string path = "/";
    if (method != "CONNECT") {
      target.erase (0, target.find ("://") + 3);
      std::size_t slash = std::min (target.find ('/'), target.size ());
      path = target.substr (slash);
      target.resize (slash);
    }
    {
      auto state = state_.lock ();
      state->targets.push_back (method + " " + target);
      state->requests.push_back (request);
    }
    if (!authorized (request)) {
      client.send (
          "HTTP/1.1 407 Proxy Authentication Required\r\n"
          "Proxy-Authenticate: Basic realm=\"test\"\r\n"
          "Content-Length: 0\r\n\r\n");
      return;
    }
    if (options_.status != 0) {
      client.send ("HTTP/1.1 " + std::to_string (options_.status) +
                   " No\r\nContent-Length: 0\r\n\r\n");
      return;
    }
    int port = std::atoi (target.substr (target.rfind (':') + 1).c_str ());
    // One request for each connection: the origin is told to close.
    std::string begin = method + " " + path + " HTTP/1.1\r\nConnection: close" +
                        request.substr (request.find ("\r\n"));
    if (method == "CONNECT") {
      begin.clear ();
      client.send ("HTTP/1.1 200 Connection established\r\n\r\n");
    }
    if (!client.relay_to (port, begin) && method != "CONNECT")
      client.send ("HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n");
  }

  Options options_;
  relay::Guarded<State> state_;
  ScriptedServer server_;
};

// A port of 127.0.0.1 on which nobody listens.
inline int dead_port ()
{
  ScriptedServer server ([] (Connection &, int) {});
  return server.port ();
}

}  // namespace test

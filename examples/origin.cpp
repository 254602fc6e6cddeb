// SPDX-License-Identifier: LGPL-2.1-or-later

// An origin to try the elements on: serves a folder over HTTP on 127.0.0.1.
//
//   origin [--port N] [--log FILE] FOLDER
//
// The first line on stdout is "port N". Then, there or in FILE, one line for
// each request: peer, method, path as it was sent, Range, status, bytes of body
// sent.
// SIGINT and SIGTERM end it.
#include <glib-unix.h>
#include <glib/gstdio.h>
#include <libsoup/soup.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "range.h"

namespace {

namespace fs = std::filesystem;

struct Unref
{
  void operator() (SoupServer *p) const { g_object_unref (p); }
  void operator() (GMainLoop *p) const { g_main_loop_unref (p); }
  void operator() (GMappedFile *p) const { g_mapped_file_unref (p); }
  void operator() (GBytes *p) const { g_bytes_unref (p); }
  void operator() (GDateTime *p) const { g_date_time_unref (p); }
  void operator() (GSList *p) const
  {
    g_slist_free_full (p, reinterpret_cast<GDestroyNotify> (g_uri_unref));
  }
  void operator() (char *p) const { g_free (p); }
};
template <class T>
using Owned = std::unique_ptr<T, Unref>;

struct Origin
{
  fs::path folder;  // canonical
  FILE *log;
};

const char *content_type (std::string_view extension)
{
  if (extension == ".m3u8") return "application/vnd.apple.mpegurl";
  if (extension == ".mpd") return "application/dash+xml";
  if (extension == ".ts") return "video/mp2t";
  if (extension == ".m4s") return "video/iso.segment";
  if (extension == ".mp4") return "video/mp4";
  return "application/octet-stream";
}

std::string_view header (SoupMessageHeaders *headers, const char *name)
{
  const char *value = soup_message_headers_get_one (headers, name);
  return value != nullptr ? value : "";
}

// The file that a path of a URI names; none when it is outside of the folder,
// be it by ".." or by a symbolic link.
std::optional<fs::path> find_file (const Origin &origin, const char *uri_path)
{
  Owned<char> path{g_uri_unescape_string (uri_path, nullptr)};
  if (path == nullptr) return std::nullopt;
  std::error_code error;
  fs::path file = fs::canonical (
      origin.folder / fs::path (path.get ()).relative_path (), error);
  if (error || !fs::is_regular_file (file, error)) return std::nullopt;
  fs::path relative = file.lexically_relative (origin.folder);
  if (relative.empty () || *relative.begin () == "..") return std::nullopt;
  return file;
}

void send_file (SoupServerMessage *message, const fs::path &path)
{
  // Mapped: a big file is not read into memory.
  Owned<GMappedFile> file{g_mapped_file_new (path.c_str (), FALSE, nullptr)};
  GStatBuf status;
  if (file == nullptr || g_stat (path.c_str (), &status) != 0) {
    soup_server_message_set_status (message, SOUP_STATUS_FORBIDDEN, nullptr);
    return;
  }
  std::uint64_t size = g_mapped_file_get_length (file.get ());
  Owned<GDateTime> modified{
      g_date_time_new_from_unix_utc (status.st_mtim.tv_sec)};
  Owned<char> date{soup_date_time_to_string (modified.get (), SOUP_DATE_HTTP)};
  Owned<char> etag{g_strdup_printf ("\"%zx-%lx-%lx\"", std::size_t{size},
      status.st_mtim.tv_sec, status.st_mtim.tv_nsec)};

  auto *asked = soup_server_message_get_request_headers (message);
  auto *answer = soup_server_message_get_response_headers (message);
  soup_message_headers_replace (answer, "Accept-Ranges", "bytes");
  soup_message_headers_replace (answer, "ETag", etag.get ());
  soup_message_headers_replace (answer, "Last-Modified", date.get ());
  soup_message_headers_set_content_type (
      answer, content_type (path.extension ().string ()), nullptr);

  std::optional<range::Range> range;
  std::string_view condition = header (asked, "If-Range");
  if (condition.empty () || condition == etag.get () ||
      condition == date.get ())
    range = range::parse (header (asked, "Range"), size);
  // What is left is not for libsoup to answer: it would copy the whole file.
  soup_message_headers_remove (asked, "Range");

  unsigned code = SOUP_STATUS_OK;
  if (header (asked, "If-None-Match") == etag.get ()) {
    code = SOUP_STATUS_NOT_MODIFIED;
  } else if (range && range->first >= size) {
    code = SOUP_STATUS_REQUESTED_RANGE_NOT_SATISFIABLE;
    std::string all = "bytes */" + std::to_string (size);
    soup_message_headers_replace (answer, "Content-Range", all.c_str ());
  } else if (range) {
    code = SOUP_STATUS_PARTIAL_CONTENT;
    soup_message_headers_set_content_range (
        answer, goffset (range->first), goffset (range->last), goffset (size));
  }
  soup_server_message_set_status (message, code, nullptr);
  if (code >= 300) return;

  std::uint64_t first = range ? range->first : 0;
  std::uint64_t length = range ? range->last + 1 - first : size;
  if (soup_server_message_get_method (message) == SOUP_METHOD_HEAD) {
    soup_message_headers_set_content_length (answer, goffset (length));
    return;
  }
  if (length == 0) return;
  Owned<GBytes> bytes{g_mapped_file_get_bytes (file.get ())};
  Owned<GBytes> part{g_bytes_new_from_bytes (bytes.get (), first, length)};
  soup_message_body_append_bytes (
      soup_server_message_get_response_body (message), part.get ());
}

// What a line of the log says and the message itself does not.
struct Record
{
  std::string range;
  std::uint64_t bytes = 0;
};

Record &record_of (SoupServerMessage *message)
{
  return *static_cast<Record *> (
      g_object_get_data (G_OBJECT (message), "record"));
}

void on_request_started (
    SoupServer *, SoupServerMessage *message, gpointer /*origin*/)
{
  g_object_set_data_full (G_OBJECT (message), "record", new Record,
      [] (gpointer record) { delete static_cast<Record *> (record); });
  g_signal_connect (message, "wrote-body-data",
      G_CALLBACK (+[] (SoupServerMessage *sent, guint size, gpointer) {
        record_of (sent).bytes += size;
      }),
      nullptr);
}

void on_request (SoupServer *, SoupServerMessage *message, const char *,
    GHashTable *, gpointer user_data)
{
  const auto &origin = *static_cast<const Origin *> (user_data);
  auto *asked = soup_server_message_get_request_headers (message);
  record_of (message).range = header (asked, "Range");

  const char *method = soup_server_message_get_method (message);
  if (method != SOUP_METHOD_GET && method != SOUP_METHOD_HEAD) {
    soup_server_message_set_status (
        message, SOUP_STATUS_METHOD_NOT_ALLOWED, nullptr);
    return;
  }
  auto file = find_file (
      origin, g_uri_get_path (soup_server_message_get_uri (message)));
  if (file)
    send_file (message, *file);
  else
    soup_server_message_set_status (message, SOUP_STATUS_NOT_FOUND, nullptr);
}

// Also for a request that its client gave up.
void on_request_ended (
    SoupServer *, SoupServerMessage *message, gpointer user_data)
{
  const auto &origin = *static_cast<const Origin *> (user_data);
  auto *peer =
      G_INET_SOCKET_ADDRESS (soup_server_message_get_remote_address (message));
  Owned<char> address{
      g_inet_address_to_string (g_inet_socket_address_get_address (peer))};
  GUri *uri = soup_server_message_get_uri (message);
  const Record &record = record_of (message);
  std::fprintf (origin.log, "%s:%u %s %s %s %u %" G_GUINT64_FORMAT "\n",
      address.get (), g_inet_socket_address_get_port (peer),
      soup_server_message_get_method (message),
      uri != nullptr ? g_uri_get_path (uri) : "-",
      record.range.empty () ? "-" : record.range.c_str (),
      soup_server_message_get_status (message), record.bytes);
  std::fflush (origin.log);
}

[[noreturn]] void die (const std::string &text)
{
  std::fprintf (stderr, "origin: %s\n", text.c_str ());
  std::exit (EXIT_FAILURE);
}

}  // namespace

int main (int argc, char **argv)
{
  Origin origin{.folder = {}, .log = stdout};
  std::uint64_t port = 0;
  for (int i = 1; i < argc; i++) {
    std::string_view argument = argv[i];
    bool takes_value = argument == "--port" || argument == "--log";
    if (takes_value && ++i == argc) die (std::string (argument) + ": of what?");
    if (argument == "--port")
      port = range::parse_number (argv[i]).value_or (65536);
    else if (argument == "--log")
      origin.log = std::fopen (argv[i], "w");
    else
      origin.folder = argument;
  }
  std::error_code missing;
  origin.folder = fs::canonical (origin.folder, missing);
  if (missing || !fs::is_directory (origin.folder, missing))
    die ("usage: origin [--port N] [--log FILE] FOLDER");
  if (port > 65535) die ("--port: 0 to 65535");
  if (origin.log == nullptr) die ("--log: the file cannot be written");

  Owned<SoupServer> server{
      // Paths as they were sent, for the log and to be decoded once.
      soup_server_new ("raw-paths", gboolean{TRUE}, nullptr)};
  g_signal_connect (server.get (), "request-started",
      G_CALLBACK (on_request_started), &origin);
  g_signal_connect (server.get (), "request-finished",
      G_CALLBACK (on_request_ended), &origin);
  g_signal_connect (
      server.get (), "request-aborted", G_CALLBACK (on_request_ended), &origin);
  soup_server_add_handler (
      server.get (), nullptr, on_request, &origin, nullptr);
  if (!soup_server_listen_local (
          server.get (), guint (port), SOUP_SERVER_LISTEN_IPV4_ONLY, nullptr))
    die ("cannot listen on port " + std::to_string (port));
  Owned<GSList> uris{soup_server_get_uris (server.get ())};
  std::printf ("port %d\n", g_uri_get_port (static_cast<GUri *> (uris->data)));
  std::fflush (stdout);

  Owned<GMainLoop> loop{g_main_loop_new (nullptr, FALSE)};
  auto quit = [] (gpointer running) -> gboolean {
    g_main_loop_quit (static_cast<GMainLoop *> (running));
    return G_SOURCE_CONTINUE;
  };
  g_unix_signal_add (SIGINT, quit, loop.get ());
  g_unix_signal_add (SIGTERM, quit, loop.get ());
  g_main_loop_run (loop.get ());
  soup_server_disconnect (server.get ());
}

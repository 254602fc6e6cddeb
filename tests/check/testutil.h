// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/check/gstcheck.h>
#include <gst/check/gstharness.h>

// check.h defines a macro "fail", which breaks std::ios.
#undef fail

#include <glib/gstdio.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <initializer_list>
#include <iterator>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/gstpp.h"

namespace test {

using Bytes = std::vector<std::uint8_t>;

// "00 ff 1a" or "00ff1a"; anything that is no hex digit is passed over.
inline Bytes hex (std::string_view text)
{
  Bytes out;
  int high = -1;
  for (char c : text) {
    if (!g_ascii_isxdigit (c)) continue;
    int digit = g_ascii_xdigit_value (c);
    if (high < 0) {
      high = digit;
    } else {
      out.push_back (static_cast<std::uint8_t> (high << 4 | digit));
      high = -1;
    }
  }
  return out;
}

// A counter of an element.
inline guint64 stat (GstElement *element, const char *field)
{
  GstStructure *raw = nullptr;
  g_object_get (element, "stats", &raw, nullptr);
  relay::Owned<GstStructure> stats{raw};
  guint64 value = 0;
  fail_unless (gst_structure_get_uint64 (stats.get (), field, &value),
      "%s: no %s", GST_OBJECT_NAME (element), field);
  return value;
}

inline Bytes read_file (const std::filesystem::path &path)
{
  std::ifstream in (path, std::ios::binary);
  return Bytes (std::istreambuf_iterator<char> (in), {});
}

inline void write_file (
    const std::filesystem::path &path, std::span<const std::uint8_t> bytes)
{
  std::ofstream out (path, std::ios::binary | std::ios::trunc);
  out.write (reinterpret_cast<const char *> (bytes.data ()),
      static_cast<std::streamsize> (bytes.size ()));
}

inline std::vector<std::string> lines (std::string_view text)
{
  std::vector<std::string> out;
  while (!text.empty ()) {
    std::size_t end = std::min (text.find ('\n'), text.size ());
    out.emplace_back (text.substr (0, end));
    text.remove_prefix (std::min (end + 1, text.size ()));
  }
  return out;
}

// A file of tests/files.
inline std::filesystem::path file (std::string_view name)
{
  return std::filesystem::path (g_getenv ("RELAY_TEST_FILES")) / name;
}

// A folder that goes with the scope.
class TempDir
{
public:
  TempDir ()
  {
    std::string pattern =
        (std::filesystem::temp_directory_path () / "relay-XXXXXX").string ();
    path_ = g_mkdtemp (pattern.data ());
  }
  ~TempDir ()
  {
    std::error_code ignored;
    std::filesystem::remove_all (path_, ignored);
  }
  TempDir (const TempDir &) = delete;
  TempDir &operator= (const TempDir &) = delete;

  [[nodiscard]] const std::filesystem::path &path () const { return path_; }

private:
  std::filesystem::path path_;
};

inline relay::Owned<GstBuffer> buffer (std::span<const std::uint8_t> bytes)
{
  GstBuffer *out = gst_buffer_new_allocate (nullptr, bytes.size (), nullptr);
  gst_buffer_fill (out, 0, bytes.data (), bytes.size ());
  return relay::Owned<GstBuffer> (out);
}

inline Bytes bytes_of (GstBuffer *buffer)
{
  relay::MappedBuffer map (buffer, GST_MAP_READ);
  return Bytes (map.bytes ().begin (), map.bytes ().end ());
}

// The next message of these types on the bus within the limit, or null.
inline relay::Owned<GstMessage> wait_message (
    GstElement *pipeline, int types, GstClockTime limit = 20 * GST_SECOND)
{
  relay::Owned<GstBus> bus{gst_element_get_bus (pipeline)};
  return relay::Owned<GstMessage> (gst_bus_timed_pop_filtered (
      bus.get (), limit, static_cast<GstMessageType> (types)));
}

// Fails unless the message is an error (or warning) of this domain and code.
inline void assert_error (GstMessage *message, GQuark domain, int code)
{
  fail_unless (message != nullptr, "no message came");
  GError *raw_error = nullptr;
  gchar *raw_debug = nullptr;
  if (GST_MESSAGE_TYPE (message) == GST_MESSAGE_WARNING)
    gst_message_parse_warning (message, &raw_error, &raw_debug);
  else
    gst_message_parse_error (message, &raw_error, &raw_debug);
  relay::Owned<GError> error{raw_error};
  relay::Owned<gchar> debug{raw_debug};
  fail_unless (error->domain == domain && error->code == code,
      "expected %s %d, got %s %d: %s (%s)", g_quark_to_string (domain), code,
      g_quark_to_string (error->domain), error->code, error->message,
      debug.get ());
}

}  // namespace test

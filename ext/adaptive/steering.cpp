// SPDX-License-Identifier: LGPL-2.1-or-later
#include "steering.h"

#include <algorithm>
#include <utility>

#include "common/json.h"
#include "text.h"

namespace steering {
namespace {

using relay::Done;
using relay::failure;

using Scanner = relay::json::Scanner<Error>;

constexpr std::uint64_t known_version = 1;
// A day: a server that is not asked any more cannot take it back.
constexpr std::uint64_t longest_ttl = 86400;
constexpr std::size_t most_pathways = 256;

Result<std::string> read_string (Scanner &scanner, Error error)
{
  if (scanner.peek () != '"') return failure (error, scanner.position ());
  auto raw = scanner.string ();
  if (!raw) return raw.error ();
  auto out = relay::json::unescape (*raw);
  if (!out) return failure (Error::json_syntax, scanner.position ());
  return std::move (*out);
}

// A whole number; what is too large for one is the largest.
Result<std::uint64_t> read_number (Scanner &scanner, Error error)
{
  scanner.peek ();
  std::size_t start = scanner.position ();
  auto word = scanner.word ();
  if (!word) return failure (error, start);
  if (word->empty () ||
      word->find_first_not_of ("0123456789") != std::string_view::npos)
    return failure (error, start);
  return text::number<std::uint64_t> (*word).value_or (UINT64_MAX);
}

Result<Done> read_version (Scanner &scanner)
{
  scanner.peek ();
  std::size_t start = scanner.position ();
  auto version = read_number (scanner, Error::other_version);
  if (!version) return version.error ();
  if (*version != known_version) return failure (Error::other_version, start);
  return Done{};
}

Result<Done> read_ttl (Scanner &scanner, std::chrono::seconds &out)
{
  scanner.peek ();
  std::size_t start = scanner.position ();
  auto ttl = read_number (scanner, Error::bad_ttl);
  if (!ttl) return ttl.error ();
  if (*ttl == 0) return failure (Error::bad_ttl, start);
  out = std::chrono::seconds (std::min (*ttl, longest_ttl));
  return Done{};
}

Result<Done> read_uri (Scanner &scanner, std::string &out)
{
  auto uri = read_string (scanner, Error::bad_uri);
  if (!uri) return uri.error ();
  out = std::move (*uri);
  return Done{};
}

Result<Done> read_priority (Scanner &scanner, std::vector<std::string> &out)
{
  scanner.peek ();
  std::size_t start = scanner.position ();
  if (scanner.peek () != '[') return failure (Error::bad_priority, start);
  out.clear ();
  auto done = scanner.values ([&] () -> Result<Done> {
    auto id = read_string (scanner, Error::bad_priority);
    if (!id) return id.error ();
    if (out.size () == most_pathways)
      return failure (Error::bad_priority, start);
    out.push_back (std::move (*id));
    return Done{};
  });
  if (!done) return done;
  if (out.empty ()) return failure (Error::bad_priority, start);
  return Done{};
}

bool is_unreserved (char c)
{
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
         (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_' || c == '~';
}

std::string percent_encode (std::string_view text)
{
  constexpr char digits[] = "0123456789ABCDEF";
  std::string out;
  for (char c : text) {
    if (is_unreserved (c)) {
      out += c;
      continue;
    }
    auto byte = static_cast<std::uint8_t> (c);
    out += '%';
    out += digits[byte >> 4];
    out += digits[byte & 15];
  }
  return out;
}

}  // namespace

const char *to_string (Error error)
{
  switch (error) {
    case Error::json_syntax:
      return "this is no JSON";
    case Error::json_too_deep:
      return "the JSON has too many brackets in one another";
    case Error::no_version:
      return "no VERSION";
    case Error::other_version:
      return "a VERSION other than 1";
    case Error::bad_ttl:
      return "TTL is no number of seconds";
    case Error::bad_uri:
      return "RELOAD-URI is no string";
    case Error::no_priority:
      return "no PATHWAY-PRIORITY";
    case Error::bad_priority:
      return "PATHWAY-PRIORITY is no list of ids";
  }
  return "unknown";
}

Result<Manifest> parse (std::string_view json)
{
  Scanner scanner (json);
  Manifest out;
  bool has_version = false;
  auto parsed = scanner.members ([&] (std::string_view name) -> Result<Done> {
    if (name == "VERSION") {
      has_version = true;
      return read_version (scanner);
    }
    if (name == "TTL") return read_ttl (scanner, out.ttl);
    if (name == "RELOAD-URI") return read_uri (scanner, out.reload_uri);
    if (name == "PATHWAY-PRIORITY")
      return read_priority (scanner, out.priority);
    return scanner.skip ();
  });
  if (!parsed) return parsed.error ();
  if (auto ended = scanner.end (); !ended) return ended.error ();
  if (!has_version) return failure (Error::no_version);
  if (out.priority.empty ()) return failure (Error::no_priority);
  return out;
}

std::string request_uri (Protocol protocol, std::string_view uri,
    std::string_view pathway, std::optional<std::uint64_t> throughput)
{
  if (uri.starts_with ("data:")) return std::string (uri);
  const std::string prefix = protocol == Protocol::hls ? "_HLS_" : "_DASH_";
  std::string out (uri.substr (0, uri.find ('#')));
  auto add = [&] (std::string_view name, std::string_view value) {
    out += out.find ('?') == std::string::npos ? '?' : '&';
    out += prefix;
    out += name;
    out += '=';
    out += percent_encode (value);
  };
  if (!pathway.empty ()) add ("pathway", pathway);
  if (throughput) add ("throughput", std::to_string (*throughput));
  return out;
}

}  // namespace steering

// SPDX-License-Identifier: LGPL-2.1-or-later
#include "uri.h"

#include <algorithm>
#include <charconv>

namespace uri {

namespace {

// Not <cctype>: it asks the locale.
constexpr bool is_alpha (char c)
{
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

constexpr bool is_digit (char c)
{
  return c >= '0' && c <= '9';
}

constexpr char lower (char c)
{
  return c >= 'A' && c <= 'Z' ? static_cast<char> (c - 'A' + 'a') : c;
}

std::string lower (std::string_view text)
{
  std::string out (text);
  std::ranges::transform (out, out.begin (), [] (char c) { return lower (c); });
  return out;
}

constexpr int hex_value (char c)
{
  if (is_digit (c)) return c - '0';
  char l = lower (c);
  return l >= 'a' && l <= 'f' ? l - 'a' + 10 : -1;
}

// scheme = ALPHA *( ALPHA / DIGIT / "+" / "-" / "." ), 3.1
bool is_scheme (std::string_view text)
{
  return !text.empty () && is_alpha (text.front ()) &&
         std::ranges::all_of (text, [] (char c) {
           return is_alpha (c) || is_digit (c) || c == '+' || c == '-' ||
                  c == '.';
         });
}

bool must_be_escaped (char c)
{
  auto byte = static_cast<unsigned char> (c);
  return byte <= 0x20 || byte >= 0x7f;
}

// What a request line or a Host header cannot carry, and what ends or starts
// another component. Non-ASCII stays: GIO turns it into IDNA.
bool is_bad_in_host (char c)
{
  auto byte = static_cast<unsigned char> (c);
  return byte <= 0x20 || byte == 0x7f ||
         std::string_view ("\"#/<>?@[\\]^`{|}").find (c) !=
             std::string_view::npos;
}

void append_escaped (std::string &out, std::string_view text)
{
  constexpr char digits[] = "0123456789ABCDEF";
  for (char c : text) {
    if (must_be_escaped (c)) {
      auto byte = static_cast<unsigned char> (c);
      out += {'%', digits[byte >> 4], digits[byte & 15]};
    } else {
      out += c;
    }
  }
}

std::string_view after_userinfo (std::string_view authority)
{
  // The last one: a password may hold an '@' that nobody escaped.
  return authority.substr (authority.rfind ('@') + 1);
}

// 5.2.4. Segment by segment on one output string, of which ".." takes the last
// segment with its slash.
std::string remove_dot_segments (std::string_view path)
{
  std::string out;
  while (!path.empty ()) {
    if (path.starts_with ("../")) {
      path.remove_prefix (3);
    } else if (path.starts_with ("./") || path.starts_with ("/./")) {
      path.remove_prefix (2);
    } else if (path == "/.") {
      path = "/";
    } else if (path.starts_with ("/../") || path == "/..") {
      path = path == "/.." ? std::string_view ("/") : path.substr (3);
      std::size_t slash = out.rfind ('/');
      out.resize (slash == std::string::npos ? 0 : slash);
    } else if (path == "." || path == "..") {
      path = {};
    } else {
      std::size_t end = path.find ('/', 1);
      out += path.substr (0, end);
      path = end == std::string_view::npos ? std::string_view ()
                                           : path.substr (end);
    }
  }
  return out;
}

// 5.2.3
std::string merge (const Components &base, std::string_view path)
{
  if (base.authority && base.path.empty ()) return "/" + std::string (path);
  // No slash: npos + 1 is 0, and nothing of the base is kept.
  std::string out (base.path.substr (0, base.path.rfind ('/') + 1));
  out += path;
  return out;
}

// 5.3
std::string recompose (const Components &parts)
{
  std::string out;
  if (parts.scheme) out.append (*parts.scheme) += ':';
  if (parts.authority) {
    out += "//";
    out += *parts.authority;
  }
  append_escaped (out, parts.path);
  if (parts.query) {
    out += '?';
    append_escaped (out, *parts.query);
  }
  if (parts.fragment) {
    out += '#';
    append_escaped (out, *parts.fragment);
  }
  return out;
}

// host [ ":" port ], 3.2.2 and 3.2.3
Result<relay::Done> parse_host (std::string_view text, Uri &uri)
{
  std::string_view port;
  if (text.starts_with ('[')) {
    std::size_t end = text.find (']');
    if (end == std::string_view::npos) return relay::failure (Error::bad_host);
    uri.host = text.substr (1, end - 1);
    port = text.substr (end + 1);
    if (!port.empty () && port.front () != ':')
      return relay::failure (Error::bad_host);
  } else {
    std::size_t colon = text.find (':');
    uri.host = text.substr (0, colon);
    if (colon != std::string_view::npos) port = text.substr (colon);
  }
  if (uri.host.empty ()) return relay::failure (Error::no_host);
  if (std::ranges::any_of (uri.host, is_bad_in_host))
    return relay::failure (Error::bad_host);

  // A colon with nothing behind it is allowed and means the default.
  if (port.size () <= 1) return relay::Done{};
  port.remove_prefix (1);
  std::uint16_t number = 0;
  auto [rest, error] =
      std::from_chars (port.data (), port.data () + port.size (), number);
  if (error != std::errc () || rest != port.data () + port.size () ||
      number == 0)
    return relay::failure (Error::bad_port);
  uri.port = number;
  return relay::Done{};
}

}  // namespace

const char *to_string (Error error)
{
  switch (error) {
    case Error::too_long:
      return "too long";
    case Error::no_scheme:
      return "no scheme";
    case Error::no_host:
      return "no host";
    case Error::bad_host:
      return "bad host";
    case Error::bad_port:
      return "bad port";
  }
  return "unknown";
}

Components split (std::string_view text)
{
  Components parts;
  std::size_t colon = text.find_first_of (":/?#");
  if (colon != std::string_view::npos && text[colon] == ':' &&
      is_scheme (text.substr (0, colon))) {
    parts.scheme = text.substr (0, colon);
    text.remove_prefix (colon + 1);
  }
  if (std::size_t hash = text.find ('#'); hash != std::string_view::npos) {
    parts.fragment = text.substr (hash + 1);
    text = text.substr (0, hash);
  }
  if (std::size_t mark = text.find ('?'); mark != std::string_view::npos) {
    parts.query = text.substr (mark + 1);
    text = text.substr (0, mark);
  }
  if (text.starts_with ("//")) {
    std::size_t end = std::min (text.find ('/', 2), text.size ());
    parts.authority = text.substr (2, end - 2);
    text.remove_prefix (end);
  }
  parts.path = text;
  return parts;
}

Result<Uri> parse (std::string_view text)
{
  if (text.size () > max_length) return relay::failure (Error::too_long);
  Components parts = split (text);
  if (!parts.scheme) return relay::failure (Error::no_scheme);
  if (!parts.authority) return relay::failure (Error::no_host);

  Uri out;
  out.scheme = lower (*parts.scheme);
  std::string_view host = after_userinfo (*parts.authority);
  if (host.size () < parts.authority->size ())
    out.userinfo = parts.authority->substr (
        0, parts.authority->size () - host.size () - 1);
  Result<relay::Done> done = parse_host (host, out);
  if (!done)
    return relay::failure (
        done.code (), static_cast<std::size_t> (host.data () - text.data ()));
  append_escaped (out.path, parts.path);
  if (out.path.empty ()) out.path = "/";
  if (parts.query) append_escaped (out.query.emplace (), *parts.query);
  return out;
}

std::string resolve (std::string_view base, std::string_view reference)
{
  const Components b = split (base);
  Components t = split (reference);  // becomes the target
  std::string path;
  if (!t.scheme && !t.authority && t.path.empty ()) {
    path = b.path;
    if (!t.query) t.query = b.query;
  } else if (t.scheme || t.authority || t.path.starts_with ('/')) {
    path = remove_dot_segments (t.path);
  } else {
    path = remove_dot_segments (merge (b, t.path));
  }
  if (!t.scheme) {
    if (!t.authority) t.authority = b.authority;
    t.scheme = b.scheme;
  }
  t.path = path;
  return recompose (t);
}

std::string escape (std::string_view text)
{
  return recompose (split (text));
}

std::string percent_decode (std::string_view text)
{
  std::string out;
  for (std::size_t i = 0; i < text.size (); i++) {
    int high = -1;
    int low = -1;
    if (text[i] == '%' && text.size () - i > 2) {
      high = hex_value (text[i + 1]);
      low = hex_value (text[i + 2]);
    }
    if (high >= 0 && low >= 0) {
      out += static_cast<char> (high << 4 | low);
      i += 2;
    } else {
      out += text[i];
    }
  }
  return out;
}

std::string without_userinfo (std::string_view text)
{
  Components parts = split (text);
  if (parts.authority) parts.authority = after_userinfo (*parts.authority);
  return recompose (parts);
}

std::string without_secrets (std::string_view text)
{
  Components parts = split (text);
  if (parts.authority) parts.authority = after_userinfo (*parts.authority);
  parts.query.reset ();
  parts.fragment.reset ();
  // All of it may be a key.
  if (parts.scheme && lower (*parts.scheme) == "data") parts.path = {};
  return recompose (parts);
}

std::string origin (const Uri &uri)
{
  std::uint16_t port = 0;
  if (uri.scheme == "http") port = 80;
  if (uri.scheme == "https") port = 443;
  if (port == 0) return {};
  std::string host = lower (uri.host);
  if (host.find (':') != std::string::npos) host = "[" + host + "]";
  return uri.scheme + "://" + host + ":" +
         std::to_string (uri.port.value_or (port));
}

}  // namespace uri

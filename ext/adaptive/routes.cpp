// SPDX-License-Identifier: LGPL-2.1-or-later
#include "routes.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <cstring>
#include <tuple>

#include "text.h"

namespace routes {

namespace {

std::string lower (std::string_view text)
{
  std::string out (text);
  for (char &c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char> (c - 'A' + 'a');
  return out;
}

// A name in DNS may end with the root's dot.
std::string_view without_dot (std::string_view name)
{
  if (name.ends_with ('.')) name.remove_suffix (1);
  return name;
}

bool is_name (std::string_view text)
{
  auto allowed = [] (char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
  };
  return !text.empty () && text.size () <= 253 && text.front () != '.' &&
         text.find ("..") == std::string_view::npos &&
         std::ranges::all_of (text, allowed);
}

bool is_in (const Address &address, const Address &network, unsigned prefix)
{
  if (address.bits != network.bits) return false;
  for (unsigned bit = 0; bit < prefix; bit++) {
    unsigned mask = 0x80u >> bit % 8;
    if ((address.bytes[bit / 8] & mask) != (network.bytes[bit / 8] & mask))
      return false;
  }
  return true;
}

// One rule's text, and where it begins in the whole.
struct Piece
{
  std::string_view text;
  std::size_t at = 0;

  [[nodiscard]] Piece from (
      std::size_t start, std::size_t count = std::string_view::npos) const
  {
    return {text.substr (start, count), at + start};
  }
};

constexpr std::string_view space = " \t\r\n";

Piece trimmed (Piece piece)
{
  std::size_t first = piece.text.find_first_not_of (space);
  if (first == std::string_view::npos) return piece.from (piece.text.size ());
  std::size_t last = piece.text.find_last_not_of (space);
  return piece.from (first, last - first + 1);
}

Result<std::uint16_t> parse_port (Piece piece)
{
  auto port = text::number<std::uint16_t> (piece.text);
  if (!port || *port == 0) return relay::failure (Error::port, piece.at);
  return *port;
}

Result<Pattern> parse_network (Piece piece)
{
  std::size_t slash = piece.text.find ('/');
  std::string_view host = piece.text.substr (0, slash);
  if (host.starts_with ('[') && host.ends_with (']'))
    host = host.substr (1, host.size () - 2);
  // The old forms are no network that anybody would write.
  std::optional<Address> address = parse_address (host);
  bool plain = host.find (':') != std::string_view::npos ||
               std::ranges::count (host, '.') == 3;
  if (!address || !plain) return relay::failure (Error::host, piece.at);
  auto prefix = text::number<unsigned> (piece.text.substr (slash + 1));
  // Of an IPv4 address in IPv6 the first 96 bits are taken as said.
  unsigned above =
      address->bits == 32 && host.find (':') != std::string_view::npos ? 96 : 0;
  if (!prefix || *prefix < above || *prefix - above > address->bits)
    return relay::failure (Error::prefix, piece.at + slash + 1);
  Pattern out;
  out.kind = Kind::network;
  out.prefix = *prefix - above;
  out.address.bits = address->bits;
  for (unsigned bit = 0; bit < out.prefix; bit++)
    out.address.bytes[bit / 8] = static_cast<std::uint8_t> (
        out.address.bytes[bit / 8] |
        (address->bytes[bit / 8] & (0x80u >> bit % 8)));
  return out;
}

Result<Pattern> parse_host (Piece piece)
{
  Pattern out;
  std::string_view text = piece.text;
  std::size_t colon = text.rfind (':');
  bool bracket = text.starts_with ('[');
  std::size_t close = text.find (']');
  // An IPv6 address without brackets has more than one colon and no port.
  bool bare = !bracket && text.find (':') != colon;
  if (bracket && close == std::string_view::npos)
    return relay::failure (Error::host, piece.at);
  bool has_port =
      !bare && colon != std::string_view::npos && (!bracket || colon > close);
  std::string_view host = has_port ? text.substr (0, colon) : text;
  if (has_port) {
    Result<std::uint16_t> port = parse_port (piece.from (colon + 1));
    if (!port) return relay::failure (port.code (), port.position ());
    out.port = *port;
  }
  if (host == "*" && out.port) {
    out.kind = Kind::port;
    return out;
  }
  bool suffix = host.starts_with ("*.");
  out.kind = suffix ? Kind::suffix : Kind::host;
  if (suffix) host.remove_prefix (2);
  if (bracket && host.ends_with (']')) host = host.substr (1, host.size () - 2);
  if (std::optional<Address> address = parse_address (host);
      address && !suffix) {
    out.address = *address;
    return out;
  }
  if (bracket || bare || !is_name (without_dot (host)))
    return relay::failure (Error::host, piece.at);
  out.text = lower (without_dot (host));
  return out;
}

Result<Pattern> parse_pattern (Piece piece)
{
  std::string word = lower (piece.text);
  if (word == "all") return Pattern{};
  if (word == "http" || word == "https") {
    Pattern out;
    out.kind = Kind::scheme;
    out.text = word;
    return out;
  }
  return piece.text.find ('/') != std::string_view::npos ? parse_network (piece)
                                                         : parse_host (piece);
}

Result<Rule> parse_target (Rule rule, Piece piece)
{
  if (piece.text.empty ()) return relay::failure (Error::no_target, piece.at);
  std::string word = lower (piece.text);
  rule.block = word == "block";
  if (rule.block || word == "direct") return rule;
  // With its scheme: a word that is misspelt is not taken for a proxy.
  if (piece.text.find ("://") == std::string_view::npos)
    return relay::failure (Error::target, piece.at);
  route::Result<route::Route> route = route::parse_proxy (piece.text);
  if (!route)
    return relay::failure (
        route.code () == route::Error::scheme ? Error::scheme : Error::target,
        piece.at);
  rule.route = *route;
  return rule;
}

Result<Rule> parse_option (Rule rule, Piece piece)
{
  std::size_t equals = piece.text.find ('=');
  if (equals == std::string_view::npos)
    return relay::failure (Error::option, piece.at);
  std::string name = lower (piece.text.substr (0, equals));
  Piece value = piece.from (equals + 1);
  if (name == "verify") {
    std::string word = lower (value.text);
    if (word != "on" && word != "off")
      return relay::failure (Error::value, value.at);
    rule.verify = word == "on";
  } else if (name == "max-connections") {
    auto number = text::number<unsigned> (value.text);
    if (!number || *number == 0) return relay::failure (Error::value, value.at);
    rule.max_connections = *number;
  } else {
    return relay::failure (Error::option, piece.at);
  }
  return rule;
}

Result<Rule> parse_rule (Piece piece)
{
  constexpr std::string_view separators = " \t\r\n;";
  if (piece.text.empty ()) return relay::failure (Error::empty, piece.at);
  std::size_t equals = piece.text.find ('=');
  if (equals == std::string_view::npos)
    return relay::failure (Error::no_target, piece.at + piece.text.size ());
  Result<Pattern> pattern = parse_pattern (trimmed (piece.from (0, equals)));
  if (!pattern) return relay::failure (pattern.code (), pattern.position ());
  Rule rule;
  rule.pattern = *pattern;

  Piece rest = trimmed (piece.from (equals + 1));
  std::size_t end =
      std::min (rest.text.find_first_of (separators), rest.text.size ());
  Result<Rule> out = parse_target (std::move (rule), rest.from (0, end));
  std::vector<std::string> seen;
  while (out) {
    std::size_t start = rest.text.find_first_not_of (separators, end);
    if (start == std::string_view::npos) return out;
    end = std::min (
        rest.text.find_first_of (separators, start), rest.text.size ());
    Piece option = rest.from (start, end - start);
    std::string name = lower (option.text.substr (0, option.text.find ('=')));
    out = parse_option (std::move (*out), option);
    if (out && std::ranges::count (seen, name) > 0)
      return relay::failure (Error::repeated, option.at);
    seen.push_back (std::move (name));
  }
  return out;
}

bool matches (const Pattern &pattern, const uri::Uri &target,
    const std::string &name, const std::optional<Address> &address,
    std::uint16_t port)
{
  if (pattern.port && *pattern.port != port) return false;
  switch (pattern.kind) {
    case Kind::all:
    case Kind::port:
      return true;
    case Kind::scheme:
      return pattern.text == target.scheme;
    case Kind::network:
      return address && is_in (*address, pattern.address, pattern.prefix);
    case Kind::suffix:
      return !address && name.ends_with (pattern.text) &&
             (name.size () == pattern.text.size () ||
                 name[name.size () - pattern.text.size () - 1] == '.');
    case Kind::host:
      return address ? *address == pattern.address : name == pattern.text;
  }
  return false;
}

std::size_t length_of (const Pattern &pattern)
{
  if (pattern.kind == Kind::suffix) return pattern.text.size ();
  return pattern.kind == Kind::network ? pattern.prefix : 0;
}

bool more_specific (const Rule &a, const Rule &b)
{
  auto rank = [] (const Pattern &p) {
    return std::make_tuple (p.kind, length_of (p), p.port.has_value ());
  };
  return rank (a.pattern) > rank (b.pattern);
}

}  // namespace

const char *to_string (Error error)
{
  switch (error) {
    case Error::empty:
      return "an empty rule";
    case Error::no_target:
      return "no target";
    case Error::host:
      return "not a pattern of hosts";
    case Error::port:
      return "not a port";
    case Error::prefix:
      return "not the length of a prefix";
    case Error::target:
      return "neither direct nor block nor a proxy's URI";
    case Error::scheme:
      return "unknown kind of proxy";
    case Error::option:
      return "unknown option";
    case Error::value:
      return "not a value of this option";
    case Error::repeated:
      return "there for the second time";
    case Error::too_many:
      return "too many rules";
  }
  return "unknown";
}

std::optional<Address> parse_address (std::string_view text)
{
  // A zone (RFC 6874) says which interface, not which address.
  if (text.find (':') != std::string_view::npos)
    text = text.substr (0, text.find ('%'));
  std::string terminated (without_dot (text));
  Address out;
  in6_addr six{};
  in_addr four{};
  constexpr std::array<std::uint8_t, 12> mapped = {
      0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  if (inet_pton (AF_INET6, terminated.c_str (), &six) == 1) {
    if (std::memcmp (six.s6_addr, mapped.data (), mapped.size ()) == 0) {
      out.bits = 32;
      std::copy_n (six.s6_addr + 12, 4, out.bytes.begin ());
    } else {
      out.bits = 128;
      std::copy_n (six.s6_addr, 16, out.bytes.begin ());
    }
    return out;
  }
  // It takes what is behind a space for a comment.
  if (terminated.find_first_of (space) != std::string::npos ||
      inet_aton (terminated.c_str (), &four) == 0)
    return std::nullopt;
  out.bits = 32;
  std::memcpy (out.bytes.data (), &four, 4);
  return out;
}

Result<Table> Table::parse (std::string_view text)
{
  Table out;
  if (text.find_first_not_of (space) == std::string_view::npos) return out;
  for (std::size_t start = 0;;) {
    std::size_t comma = std::min (text.find (',', start), text.size ());
    Piece piece = trimmed ({text.substr (start, comma - start), start});
    if (out.rules_.size () == max_rules)
      return relay::failure (Error::too_many, piece.at);
    Result<Rule> rule = parse_rule (piece);
    if (!rule) return relay::failure (rule.code (), rule.position ());
    if (std::ranges::count (out.rules_, rule->pattern, &Rule::pattern) > 0)
      return relay::failure (Error::repeated, piece.at);
    out.rules_.push_back (std::move (*rule));
    if (comma == text.size ()) break;
    start = comma + 1;
  }
  std::ranges::stable_sort (out.rules_, more_specific);
  return out;
}

const Rule *Table::find (const uri::Uri &target) const
{
  std::string name = lower (without_dot (target.host));
  std::optional<Address> address = parse_address (target.host);
  std::uint16_t port =
      target.port.value_or (target.scheme == "https" ? 443 : 80);
  for (const Rule &rule : rules_)
    if (matches (rule.pattern, target, name, address, port)) return &rule;
  return nullptr;
}

std::string describe (std::string_view text, std::size_t position)
{
  position = std::min (position, text.size ());
  std::string_view before = text.substr (0, position);
  std::size_t start = before.rfind (',');
  start = start == std::string_view::npos ? 0 : start + 1;
  std::string_view rule = text.substr (start);
  std::size_t equals =
      std::min (rule.find ('=', 0), std::min (rule.find (','), rule.size ()));
  std::string out =
      "rule " + std::to_string (std::ranges::count (before, ',') + 1);
  // Without "=" it may be a piece of a password with a comma in it.
  if (equals < rule.size () && rule[equals] == '=')
    out.append (" (")
        .append (trimmed ({rule.substr (0, equals), 0}).text)
        .append (")");
  return out + ", byte " + std::to_string (position);
}

std::string shown (std::string_view text)
{
  bool understood = Table::parse (text).ok ();
  std::string out;
  while (!text.empty ()) {
    std::size_t end =
        std::min (text.find_first_of (understood ? ", ;" : ","), text.size ());
    std::string_view part = text.substr (0, end);
    std::size_t equals = part.find ('=');
    std::size_t start = equals == std::string_view::npos ? 0 : equals + 1;
    out += part.substr (0, start);
    out += understood ? route::shown (part.substr (start)) : "***";
    if (end < text.size ()) out += text[end++];
    text.remove_prefix (end);
  }
  return out;
}

}  // namespace routes

// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cookies.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>

#include "http.h"

namespace cookies {

namespace {

constexpr bool is_digit (char c)
{
  return c >= '0' && c <= '9';
}

std::string lower (std::string_view text)
{
  std::string out (text);
  for (char &c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char> (c - 'A' + 'a');
  return out;
}

std::string_view trim (std::string_view text)
{
  std::size_t first = text.find_first_not_of (" \t");
  if (first == std::string_view::npos) return {};
  return text.substr (first, text.find_last_not_of (" \t") - first + 1);
}

// What is before the separator; the rest stays, without it.
std::string_view take (std::string_view &rest, char separator)
{
  std::size_t end = std::min (rest.find (separator), rest.size ());
  std::string_view out = rest.substr (0, end);
  rest.remove_prefix (std::min (end + 1, rest.size ()));
  return out;
}

// Digits at the beginning, so many of them, and no other behind them.
std::optional<int> take_digits (
    std::string_view &text, std::size_t least, std::size_t most)
{
  std::size_t count = 0;
  int number = 0;
  while (count < text.size () && is_digit (text[count])) {
    if (count == most) return std::nullopt;
    number = number * 10 + (text[count++] - '0');
  }
  if (count < least) return std::nullopt;
  text.remove_prefix (count);
  return number;
}

bool is_address (std::string_view host)
{
  return host.find (':') != std::string_view::npos ||
         host.find_first_not_of ("0123456789.") == std::string_view::npos;
}

// 5.1.3
bool domain_matches (std::string_view host, std::string_view domain)
{
  if (host == domain) return true;
  return host.size () > domain.size () && host.ends_with (domain) &&
         host[host.size () - domain.size () - 1] == '.' && !is_address (host);
}

// 5.1.4
bool path_matches (std::string_view path, std::string_view of_cookie)
{
  return path.starts_with (of_cookie) &&
         (path.size () == of_cookie.size () || of_cookie.ends_with ('/') ||
             path[of_cookie.size ()] == '/');
}

std::string default_path (std::string_view path)
{
  std::size_t slash = path.rfind ('/');
  if (slash == std::string_view::npos || slash == 0) return "/";
  return std::string (path.substr (0, slash));
}

struct Date
{
  struct Clock
  {
    int hour;
    int minute;
    int second;
  };
  std::optional<Clock> clock;
  std::optional<int> day;
  std::optional<unsigned> month;
  std::optional<int> year;
};

std::optional<Date::Clock> parse_clock (std::string_view token)
{
  std::array<int, 3> parts{};
  for (std::size_t i = 0; i < parts.size (); i++) {
    if (i > 0) {
      if (!token.starts_with (':')) return std::nullopt;
      token.remove_prefix (1);
    }
    std::optional<int> part = take_digits (token, 1, 2);
    if (!part) return std::nullopt;
    parts[i] = *part;
  }
  return Date::Clock{parts[0], parts[1], parts[2]};
}

std::optional<int> parse_digits (
    std::string_view token, std::size_t least, std::size_t most)
{
  return take_digits (token, least, most);
}

std::optional<unsigned> parse_month (std::string_view token)
{
  constexpr std::string_view months = "janfebmaraprmayjunjulaugsepoctnovdec";
  std::string name = lower (token.substr (0, 3));
  for (std::size_t i = 0; i < 12 && name.size () == 3; i++)
    if (months.substr (3 * i, 3) == name) return static_cast<unsigned> (i + 1);
  return std::nullopt;
}

// 5.1.1, 2: the first that fits of the four, each of them once.
void use_token (Date &date, std::string_view token)
{
  if (!date.clock && (date.clock = parse_clock (token))) return;
  if (!date.day && (date.day = parse_digits (token, 1, 2))) return;
  if (!date.month && (date.month = parse_month (token))) return;
  if (!date.year) date.year = parse_digits (token, 2, 4);
}

bool is_delimiter (char c)
{
  return c == '\t' || (c >= 0x20 && c <= 0x2f) || (c >= 0x3b && c <= 0x40) ||
         (c >= 0x5b && c <= 0x60) || (c >= 0x7b && c <= 0x7e);
}

// 5.2.2. Digits with a sign; what is more than a number is at its end.
std::optional<Time> parse_max_age (std::string_view text, Time now)
{
  std::string_view digits = text;
  bool past = digits.starts_with ('-');
  if (past) digits.remove_prefix (1);
  if (digits.empty () || !std::ranges::all_of (digits, is_digit))
    return std::nullopt;
  Time age = 0;
  auto [end, error] =
      std::from_chars (digits.data (), digits.data () + digits.size (), age);
  if (error != std::errc ()) age = never;
  if (past || age == 0) return std::numeric_limits<Time>::min ();
  return age > never - now ? never : now + age;
}

struct Attributes
{
  std::optional<Time> expires;
  std::optional<Time> max_age;
  std::string domain;
  std::string path;
  bool secure = false;
};

// 5.2: of several the last one counts; what is not known is passed over.
Attributes parse_attributes (std::string_view rest, Time now)
{
  Attributes out;
  while (!rest.empty ()) {
    std::string_view value = take (rest, ';');
    std::string_view name = trim (take (value, '='));
    value = trim (value);
    if (http::same_name (name, "Expires")) {
      if (std::optional<Time> date = parse_date (value)) out.expires = date;
    } else if (http::same_name (name, "Max-Age")) {
      if (std::optional<Time> age = parse_max_age (value, now))
        out.max_age = age;
    } else if (http::same_name (name, "Domain")) {
      if (value.starts_with ('.')) value.remove_prefix (1);
      out.domain = lower (value);
    } else if (http::same_name (name, "Path")) {
      out.path = value.starts_with ('/') ? value : std::string_view ();
    } else if (http::same_name (name, "Secure")) {
      out.secure = true;
    }
  }
  return out;
}

// 5.3, 4 to 6
Result<relay::Done> set_domain (Cookie &cookie, const std::string &host,
    const std::string &domain, IsPublicSuffix is_public_suffix)
{
  // What has no dot is nobody's, known or not.
  auto is_shared = [&] (const std::string &name) {
    return name.find ('.') == std::string::npos || is_public_suffix (name);
  };
  cookie.domain = host;
  if (domain.empty () || domain == host) {
    // A public suffix itself may have a site: then for it alone.
    cookie.host_only = domain.empty () || is_address (host) || is_shared (host);
    return relay::Done{};
  }
  if (!domain_matches (host, domain)) return relay::failure (Error::domain);
  if (is_shared (domain)) return relay::failure (Error::public_suffix);
  cookie.domain = domain;
  cookie.host_only = false;
  return relay::Done{};
}

// 6265bis 4.1.3
bool keeps_promise (const Cookie &cookie, bool has_path)
{
  std::string name = lower (cookie.name);
  if (name.starts_with ("__secure-")) return cookie.secure;
  if (name.starts_with ("__host-"))
    return cookie.secure && cookie.host_only && has_path && cookie.path == "/";
  return true;
}

}  // namespace

const char *to_string (Error error)
{
  switch (error) {
    case Error::name:
      return "no name";
    case Error::control:
      return "control character";
    case Error::too_long:
      return "too long";
    case Error::domain:
      return "domain of another site";
    case Error::public_suffix:
      return "domain of everybody";
    case Error::insecure:
      return "secure, but over http";
    case Error::prefix:
      return "not what its name promises";
  }
  return "unknown";
}

std::optional<Time> parse_date (std::string_view text)
{
  Date date;
  while (!text.empty ()) {
    auto first = std::ranges::find_if_not (text, is_delimiter);
    text.remove_prefix (static_cast<std::size_t> (first - text.begin ()));
    auto last = std::ranges::find_if (text, is_delimiter);
    auto length = static_cast<std::size_t> (last - text.begin ());
    if (length > 0) use_token (date, text.substr (0, length));
    text.remove_prefix (length);
  }
  if (!date.clock || !date.day || !date.month || !date.year)
    return std::nullopt;
  int year = *date.year;
  if (year < 70)
    year += 2000;
  else if (year < 100)
    year += 1900;
  std::chrono::year_month_day day{std::chrono::year (year),
      std::chrono::month (*date.month),
      std::chrono::day (static_cast<unsigned> (*date.day))};
  if (!day.ok () || year < 1601 || date.clock->hour > 23 ||
      date.clock->minute > 59 || date.clock->second > 59)
    return std::nullopt;
  Time days = std::chrono::sys_days (day).time_since_epoch ().count ();
  return ((days * 24 + date.clock->hour) * 60 + date.clock->minute) * 60 +
         date.clock->second;
}

Result<Cookie> parse (std::string_view value, const uri::Uri &from, Time now,
    IsPublicSuffix is_public_suffix)
{
  if (std::ranges::any_of (value, [] (char c) {
        auto byte = static_cast<unsigned char> (c);
        return (byte < 0x20 && byte != '\t') || byte == 0x7f;
      }))
    return relay::failure (Error::control);
  std::string_view rest = value;
  std::string_view pair = take (rest, ';');
  if (pair.find ('=') == std::string_view::npos)
    return relay::failure (Error::name);
  Cookie out;
  out.name = trim (take (pair, '='));
  out.value = trim (pair);
  if (out.name.empty ()) return relay::failure (Error::name);
  if (out.name.size () + out.value.size () > max_length)
    return relay::failure (Error::too_long);

  Attributes attributes = parse_attributes (rest, now);
  out.expires =
      attributes.max_age.value_or (attributes.expires.value_or (never));
  out.path =
      attributes.path.empty () ? default_path (from.path) : attributes.path;
  out.secure = attributes.secure;
  if (out.secure && from.scheme != "https")
    return relay::failure (Error::insecure);
  Result<relay::Done> done =
      set_domain (out, lower (from.host), attributes.domain, is_public_suffix);
  if (!done) return done.error ();
  if (!keeps_promise (out, !attributes.path.empty ()))
    return relay::failure (Error::prefix);
  return out;
}

std::string without (std::string_view header, const std::vector<Cookie> &others)
{
  std::string out;
  while (!header.empty ()) {
    std::string_view pair = trim (take (header, ';'));
    std::string_view name = trim (pair.substr (0, pair.find ('=')));
    if (pair.empty () ||
        std::ranges::find (others, name, &Cookie::name) != others.end ())
      continue;
    out.append (out.empty () ? "" : "; ").append (pair);
  }
  return out;
}

Result<relay::Done> Jar::put (Cookie cookie, const uri::Uri &from, Time now)
{
  // 6265bis 5.7, 16: over http nobody may replace what https has said.
  bool hides = std::ranges::any_of (cookies_, [&] (const Cookie &other) {
    return other.secure && other.name == cookie.name &&
           (domain_matches (other.domain, cookie.domain) ||
               domain_matches (cookie.domain, other.domain)) &&
           path_matches (cookie.path, other.path);
  });
  if (hides && from.scheme != "https") return relay::failure (Error::insecure);

  cookie.order = order_++;
  auto same = std::ranges::find_if (cookies_, [&] (const Cookie &other) {
    return other.name == cookie.name && other.domain == cookie.domain &&
           other.host_only == cookie.host_only && other.path == cookie.path;
  });
  if (same != cookies_.end ()) {
    cookie.order = same->order;
    cookies_.erase (same);
  }
  if (cookie.expires <= now) return relay::Done{};
  make_room (cookie.domain, now);
  auto place =
      std::ranges::upper_bound (cookies_, cookie.order, {}, &Cookie::order);
  cookies_.insert (place, std::move (cookie));
  return relay::Done{};
}

// 5.3 at its end: what has expired goes first, then the oldest of a domain with
// many, then the oldest.
void Jar::make_room (const std::string &domain, Time now)
{
  std::erase_if (
      cookies_, [now] (const Cookie &c) { return c.expires <= now; });
  auto is_of_domain = [&] (const Cookie &c) { return c.domain == domain; };
  if (std::ranges::count_if (cookies_, is_of_domain) >=
      static_cast<std::ptrdiff_t> (most_of_a_domain))
    cookies_.erase (std::ranges::find_if (cookies_, is_of_domain));
  if (cookies_.size () >= most) cookies_.erase (cookies_.begin ());
}

// 5.4: those with longer paths first, and of these the older ones.
std::vector<Cookie> Jar::find (const uri::Uri &to, Time now) const
{
  std::string host = lower (to.host);
  std::vector<Cookie> out;
  for (const Cookie &cookie : cookies_) {
    bool matches = cookie.host_only ? host == cookie.domain
                                    : domain_matches (host, cookie.domain);
    if (matches && path_matches (to.path, cookie.path) &&
        (!cookie.secure || to.scheme == "https") && cookie.expires > now)
      out.push_back (cookie);
  }
  std::ranges::stable_sort (out, [] (const Cookie &a, const Cookie &b) {
    return a.path.size () > b.path.size ();
  });
  return out;
}

}  // namespace cookies

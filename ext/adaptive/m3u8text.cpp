// SPDX-License-Identifier: LGPL-2.1-or-later
#include "m3u8text.h"

#include <algorithm>

#include "presentation.h"

namespace m3u8text {
namespace {

constexpr std::array<std::uint64_t, 10> powers_of_ten = {1, 10, 100, 1000,
    10'000, 100'000, 1'000'000, 10'000'000, 100'000'000, 1'000'000'000};

// What is left of a text of which digits are taken.
class Digits
{
public:
  explicit Digits (std::string_view text) : rest_ (text) {}

  // Exactly so many digits.
  std::int64_t take (std::size_t count)
  {
    std::int64_t value = 0;
    if (rest_.size () < count) ok_ = false;
    for (std::size_t i = 0; ok_ && i < count; i++) {
      ok_ = is_digit (rest_[i]);
      value = value * 10 + (rest_[i] - '0');
    }
    if (ok_) rest_.remove_prefix (count);
    return ok_ ? value : 0;
  }
  bool skip (char c)
  {
    if (!rest_.starts_with (c)) return false;
    rest_.remove_prefix (1);
    return true;
  }
  void expect (char c) { ok_ = skip (c) && ok_; }
  // Of a fraction as many as there are, in thousandths.
  std::int64_t thousandths ()
  {
    std::int64_t value = 0;
    std::size_t count = 0;
    while (count < rest_.size () && is_digit (rest_[count])) {
      if (count < 3) value = value * 10 + (rest_[count] - '0');
      count++;
    }
    ok_ = ok_ && count > 0;
    for (std::size_t i = count; i < 3; i++) value *= 10;
    rest_.remove_prefix (count);
    return value;
  }
  [[nodiscard]] std::string_view rest () const { return rest_; }
  [[nodiscard]] bool ok () const { return ok_; }

private:
  std::string_view rest_;
  bool ok_ = true;
};

// Days from 1970-01-01 in the Gregorian calendar: years begin in March, so
// that the day that there is not always comes last.
std::int64_t days (std::int64_t year, std::int64_t month, std::int64_t day)
{
  if (month <= 2) {
    year--;
    month += 12;
  }
  std::int64_t of_year = (153 * (month - 3) + 2) / 5 + day - 1;
  // 400 years more, that the division does not meet a number below 0.
  year += 400;
  return 365 * year + year / 4 - year / 100 + year / 400 + of_year - 719468 -
         146097;
}

// Of each character; 16 for what is none.
constexpr std::array<std::uint8_t, 256> digit_values = [] {
  std::array<std::uint8_t, 256> out{};
  out.fill (16);
  for (std::size_t i = 0; i < 10; i++)
    out['0' + i] = static_cast<std::uint8_t> (i);
  for (std::size_t i = 0; i < 6; i++)
    out['a' + i] = out['A' + i] = static_cast<std::uint8_t> (10 + i);
  return out;
}();

}  // namespace

std::optional<std::uint64_t> nanoseconds (std::string_view text)
{
  std::size_t at = 0;
  std::uint64_t seconds = 0;
  // Of ten digits none overflows, and the limit has ten.
  for (; at < text.size () && is_digit (text[at]); at++) {
    if (at == 10) return std::nullopt;
    seconds = seconds * 10 + static_cast<std::uint64_t> (text[at] - '0');
  }
  if (at == 0 || seconds >= presentation::max_time / presentation::second)
    return std::nullopt;
  std::uint64_t fraction = 0;
  if (at < text.size ()) {
    if (text[at++] != '.') return std::nullopt;
    std::size_t count = 0;
    for (; at < text.size (); at++) {
      if (!is_digit (text[at])) return std::nullopt;
      if (count == 9) continue;
      fraction = fraction * 10 + static_cast<std::uint64_t> (text[at] - '0');
      count++;
    }
    fraction *= powers_of_ten[9 - count];
  }
  return seconds * presentation::second + fraction;
}

std::optional<ByteRange> byte_range (std::string_view text)
{
  auto at = std::min (text.find ('@'), text.size ());
  auto size = number (text.substr (0, at));
  if (!size || *size == 0) return std::nullopt;
  ByteRange range{*size, std::nullopt};
  if (at < text.size ()) {
    range.offset = number (text.substr (at + 1));
    if (!range.offset) return std::nullopt;
  }
  std::uint64_t end = 0;
  if (__builtin_add_overflow (range.offset.value_or (0), *size, &end))
    return std::nullopt;
  return range;
}

std::optional<std::uint64_t> hexadecimal_digits (std::string_view text)
{
  if (text.size () > 16) return std::nullopt;
  unsigned all = 0;
  std::uint64_t value = 0;
  for (char c : text) {
    unsigned digit = digit_values[static_cast<unsigned char> (c)];
    all |= digit;
    value = value << 4 | digit;
  }
  if (all > 15) return std::nullopt;
  return value;
}

std::optional<std::array<std::uint8_t, 16>> hexadecimal (std::string_view text)
{
  if (text.size () < 3 || text.size () > 34 || text[0] != '0' ||
      (text[1] | 0x20) != 'x')
    return std::nullopt;
  text.remove_prefix (2);
  std::size_t before = text.size () - std::min<std::size_t> (text.size (), 16);
  auto high = hexadecimal_digits (text.substr (0, before));
  auto low = hexadecimal_digits (text.substr (before));
  if (!high || !low) return std::nullopt;
  std::array<std::uint8_t, 16> out{};
  put_big_endian (*high, std::span (out).first<8> ());
  put_big_endian (*low, std::span (out).last<8> ());
  return out;
}

std::optional<std::int64_t> date (std::string_view text)
{
  Digits digits (text);
  std::int64_t year = digits.take (4);
  digits.expect ('-');
  std::int64_t month = digits.take (2);
  digits.expect ('-');
  std::int64_t day = digits.take (2);
  if (!digits.ok () || month < 1 || month > 12 || day < 1 || day > 31)
    return std::nullopt;
  std::int64_t time = days (year, month, day) * 86'400'000;
  if (digits.rest ().empty ()) return time;

  if (!digits.skip ('T') && !digits.skip ('t') && !digits.skip (' '))
    return std::nullopt;
  std::int64_t hours = digits.take (2);
  digits.expect (':');
  std::int64_t minutes = digits.take (2);
  std::int64_t seconds = digits.skip (':') ? digits.take (2) : 0;
  std::int64_t thousandths = digits.skip ('.') ? digits.thousandths () : 0;
  // 60: a leap second.
  if (!digits.ok () || hours > 24 || minutes > 59 || seconds > 60)
    return std::nullopt;
  time += hours * 3'600'000 + minutes * 60'000 + seconds * 1000 + thousandths;

  if (digits.rest ().empty ()) return time;
  if (digits.skip ('Z') || digits.skip ('z'))
    return digits.rest ().empty () ? std::optional (time) : std::nullopt;
  bool west = digits.skip ('-');
  if (!west) digits.expect ('+');
  std::int64_t zone = digits.take (2) * 60;
  digits.skip (':');
  if (!digits.rest ().empty ()) zone += digits.take (2);
  if (!digits.ok () || !digits.rest ().empty ()) return std::nullopt;
  return west ? time + zone * 60'000 : time - zone * 60'000;
}

bool Attributes::read (std::string_view list)
{
  items_.clear ();
  const char *at = list.data ();
  const char *const end = at + list.size ();
  for (;;) {
    while (at != end && is_space (*at)) at++;
    if (at == end) return true;
    const char *name = at;
    while (at != end && *at != '=' && *at != ',') at++;
    if (at == end || *at != '=' || at == name) return false;
    Attribute &one = items_.emplace_back ();
    one.name =
        trim (std::string_view (name, static_cast<std::size_t> (at - name)));
    at++;
    if (at != end && *at == '"') {
      const char *value = ++at;
      at = static_cast<const char *> (
          std::memchr (at, '"', static_cast<std::size_t> (end - at)));
      if (at == nullptr) return false;
      one.value =
          std::string_view (value, static_cast<std::size_t> (at - value));
      one.is_quoted = true;
      while (at != end && *at != ',') at++;
    } else {
      const char *value = at;
      const void *comma =
          std::memchr (at, ',', static_cast<std::size_t> (end - at));
      at = comma == nullptr ? end : static_cast<const char *> (comma);
      one.value = trim (
          std::string_view (value, static_cast<std::size_t> (at - value)));
    }
    if (at != end) at++;
  }
}

}  // namespace m3u8text

// SPDX-License-Identifier: LGPL-2.1-or-later
#include "m3u8keyring.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <memory>
#include <utility>

namespace m3u8 {

using presentation::SegmentList;
using relay::Done;

namespace {

// For one segment. A presentation has a few.
constexpr std::size_t most_keys = 64;

// Of an IV as long as it may be most often the last digits alone are others,
// because they are a number that counts.
constexpr std::size_t all_digits = 34;
constexpr std::size_t first_digits = all_digits - 16;

}  // namespace

// A tag for each segment is most often the one before with another IV: then the
// rest of it need not be read again.
bool Keyring::repeats (std::string_view value)
{
  if (value_.empty () || value.size () != value_.size ()) return false;
  if (iv_.empty ()) return value == value_;
  auto at = static_cast<std::size_t> (iv_.data () - value_.data ());
  auto begins = [&] (std::size_t size) {
    return value.substr (0, size) == value_.substr (0, size);
  };
  auto end = at + iv_.size ();
  if (value.substr (end) != value_.substr (end)) return false;
  std::string_view text = value.substr (at, iv_.size ());
  // In place and in eights: what was written in other pieces is slow to read.
  auto &iv = *applied_.front ().key.iv;
  if (text.size () == all_digits && begins (at + first_digits)) {
    auto low = m3u8text::hexadecimal_digits (text.substr (first_digits));
    if (!low) return false;
    std::array<std::uint8_t, 8> bytes{};
    m3u8text::put_big_endian (*low, bytes);
    if (std::memcmp (iv.data () + 8, bytes.data (), bytes.size ()) == 0)
      return true;
    std::memcpy (iv.data () + 8, bytes.data (), bytes.size ());
  } else {
    if (!begins (at)) return false;
    auto other = m3u8text::hexadecimal (text);
    if (!other) return false;
    if (iv == *other) return true;
    iv = *other;
  }
  has_other_iv_ = !has_changed_ || has_other_iv_;
  has_changed_ = true;
  value_ = value;
  iv_ = text;
  return true;
}

// "applies to every Media Segment and to every Media Initialization Section
// declared by an EXT-X-MAP tag that appears between it and the next EXT-X-KEY
// tag in the Playlist file with the same KEYFORMAT attribute" (4.4.4.4).
Result<Done> Keyring::apply (
    const Key &key, std::string_view value, std::string_view iv)
{
  value_ = {};
  has_changed_ = true;
  has_other_iv_ = false;
  if (key.method == Method::none) {
    applied_.clear ();
    return Done{};
  }
  if (!key.is_known_version) return Done{};
  Applied next{key, strings_.keep (key.uri), strings_.keep (key.key_format),
      strings_.keep (key.key_id)};
  auto same = std::ranges::find_if (applied_, [&] (const Applied &one) {
    return strings_.view (one.format) == key.key_format;
  });
  if (same != applied_.end ())
    *same = next;
  else if (applied_.size () == most_keys)
    return relay::failure (Error::too_many_keys);
  else
    applied_.push_back (next);
  if (!strings_.has_variables () && applied_.size () == 1) {
    value_ = value;
    iv_ = iv;
  }
  return Done{};
}

Result<std::uint32_t> Keyring::make ()
{
  has_changed_ = false;
  key_ = SegmentList::no_key;
  if (applied_.empty ()) return key_;
  for (const Applied &one : applied_)
    if (one.key.method != applied_.front ().key.method)
      return relay::failure (Error::keys_disagree);
  ListKey key;
  if (is_of_samples (applied_.front ().key.method))
    make_samples (key);
  else if (!make_whole (key))
    return relay::failure (Error::key_format);
  // Some repeat it before each segment.
  if (!is_last (key)) list_.keys.push_back (key);
  key_ = static_cast<std::uint32_t> (list_.keys.size () - 1);
  return key_;
}

// The one that was used last, but for the IV.
std::uint32_t Keyring::make_again ()
{
  has_changed_ = false;
  has_other_iv_ = false;
  ListKey &key = list_.keys.emplace_back (list_.keys[key_]);
  // IVs of samples are in their protections.
  if (!key.is_whole) make_samples (key);
  if (applied_.front ().key.iv) key.iv = *applied_.front ().key.iv;
  return key_ = static_cast<std::uint32_t> (list_.keys.size () - 1);
}

bool Keyring::is_last (const ListKey &key) const
{
  if (list_.keys.empty ()) return false;
  const ListKey &last = list_.keys.back ();
  if (last.is_whole != key.is_whole) return false;
  if (!key.is_whole) return last.protections == key.protections;
  return last.cipher == key.cipher && last.has_iv == key.has_iv &&
         last.iv == key.iv &&
         strings_.view ({last.uri_at, last.uri_size}) ==
             strings_.view ({key.uri_at, key.uri_size});
}

// With a key of the format "identity" alone: others are in the hands of systems
// that do not decrypt segments.
bool Keyring::make_whole (ListKey &key) const
{
  using enum presentation::Encryption::Cipher;
  for (const Applied &one : applied_) {
    if (strings_.view (one.format) != "identity") continue;
    key.uri_at = one.uri.at;
    key.uri_size = one.uri.size;
    key.has_iv = one.key.iv.has_value ();
    key.iv = one.key.iv.value_or (key.iv);
    key.is_whole = true;
    key.cipher = one.key.method == Method::aes_128   ? aes_128
                 : one.key.method == Method::aes_256 ? aes_256
                                                     : aes_256_ctr;
    return true;
  }
  return false;
}

void Keyring::make_samples (ListKey &key)
{
  presentation::Protections protections;
  for (Applied &one : applied_) {
    one.key.uri = strings_.view (one.uri);
    one.key.key_format = strings_.view (one.format);
    one.key.key_id = strings_.view (one.id);
    protections.push_back (to_protection (one.key, base_));
  }
  if (list_.protections.empty () || *list_.protections.back () != protections)
    list_.protections.push_back (
        std::make_shared<const presentation::Protections> (
            std::move (protections)));
  key.protections = static_cast<std::uint32_t> (list_.protections.size () - 1);
}

}  // namespace m3u8

// SPDX-License-Identifier: LGPL-2.1-or-later
#include "m3u8keyring.h"

#include <algorithm>
#include <memory>
#include <string>
#include <utility>

namespace m3u8 {

using presentation::SegmentList;
using relay::Done;
using Cipher = presentation::Encryption::Cipher;

namespace {

// For one segment. A presentation has a few.
constexpr std::size_t most_keys = 64;

// Of an IV as long as it may be most often the last digits alone are others,
// because they are a number that counts.
constexpr std::size_t all_digits = 34;
constexpr std::size_t first_digits = all_digits - 16;

// Most often nobody has written it, and what is not in the playlist's text
// makes that longer, which is to copy all of it.
constexpr std::string_view identity = "identity";

}  // namespace

// A tag for each segment is most often the one before with another IV: then the
// rest of it need not be read again, nor the IV, as long as it is one.
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
  std::string_view iv = value.substr (at, iv_.size ());
  if (iv.size () == all_digits && begins (at + first_digits)) {
    if (!m3u8text::hexadecimal_digits (iv.substr (first_digits))) return false;
  } else if (!begins (at) || !m3u8text::hexadecimal (iv)) {
    return false;
  }
  if (iv == iv_) return true;
  has_other_iv_ = !has_changed_ || has_other_iv_;
  has_changed_ = true;
  value_ = value;
  iv_ = iv;
  return true;
}

// "applies to every Media Segment and to every Media Initialization Section
// declared by an EXT-X-MAP tag that appears between it and the next EXT-X-KEY
// tag in the Playlist file with the same KEYFORMAT attribute" (4.4.4.4).
Result<Done> Keyring::apply (const Key &key, std::string_view value)
{
  value_ = {};
  has_changed_ = true;
  has_other_iv_ = false;
  if (key.method == Method::none) {
    applied_.clear ();
    return Done{};
  }
  if (!key.is_known_version) return Done{};
  Applied next;
  next.key = key;
  next.uri = strings_.keep (key.uri);
  next.is_identity = key.key_format == identity;
  if (!next.is_identity) next.format = strings_.keep (key.key_format);
  next.id = strings_.keep (key.key_id);
  next.iv = strings_.keep (key.iv);
  auto same = std::ranges::find_if (applied_,
      [&] (const Applied &one) { return format_of (one) == key.key_format; });
  if (same != applied_.end ())
    *same = next;
  else if (applied_.size () == most_keys)
    return relay::failure (Error::too_many_keys);
  else
    applied_.push_back (next);
  if (!strings_.has_variables () && applied_.size () == 1) {
    value_ = value;
    iv_ = key.iv;
  }
  return Done{};
}

Result<std::uint32_t> Keyring::make ()
{
  has_changed_ = false;
  key_ = SegmentList::no_key;
  if (applied_.empty ()) return key_;
  const Method method = applied_.front ().key.method;
  for (const Applied &one : applied_)
    if (one.key.method != method) return relay::failure (Error::keys_disagree);
  KeyTag tag;
  if (is_of_samples (method)) {
    tag.protections = make_protections ();
    return key_ = add (tag, {});
  }
  const Applied *found = find_identity ();
  if (found == nullptr) return relay::failure (Error::key_format);
  tag.uri_at = found->uri.at;
  tag.uri_size = found->uri.size;
  tag.is_whole = true;
  tag.cipher = method == Method::aes_128   ? Cipher::aes_128
               : method == Method::aes_256 ? Cipher::aes_256
                                           : Cipher::aes_256_ctr;
  return key_ = add (tag, found->iv);
}

// The one that was used last, but for the IV.
std::uint32_t Keyring::make_again ()
{
  has_changed_ = false;
  has_other_iv_ = false;
  Applied &one = applied_.front ();
  one.iv = strings_.keep (iv_);
  const std::uint32_t tag = list_.keys[key_].tag;
  if (list_.key_tags[tag].is_whole) {
    list_.keys.push_back ({tag, one.iv.at, one.iv.size});
    return key_ = static_cast<std::uint32_t> (list_.keys.size () - 1);
  }
  // IVs of samples are in their protections.
  KeyTag other;
  other.protections = make_protections ();
  return key_ = add (other, {});
}

// Some repeat it before each segment.
std::uint32_t Keyring::add (const KeyTag &tag, Place iv)
{
  if (!is_last (tag)) list_.key_tags.push_back (tag);
  auto number = static_cast<std::uint32_t> (list_.key_tags.size () - 1);
  if (list_.keys.empty () || list_.keys.back ().tag != number ||
      strings_.view ({list_.keys.back ().iv_at, list_.keys.back ().iv_size}) !=
          strings_.view (iv))
    list_.keys.push_back ({number, iv.at, iv.size});
  return static_cast<std::uint32_t> (list_.keys.size () - 1);
}

bool Keyring::is_last (const KeyTag &tag) const
{
  if (list_.key_tags.empty ()) return false;
  KeyTag last = list_.key_tags.back ();
  if (strings_.view ({last.uri_at, last.uri_size}) !=
      strings_.view ({tag.uri_at, tag.uri_size}))
    return false;
  last.uri_at = tag.uri_at;
  return last == tag;
}

std::string_view Keyring::format_of (const Applied &one) const
{
  return one.is_identity ? identity : strings_.view (one.format);
}

// With a key of the format "identity" alone: others are in the hands of systems
// that do not decrypt segments.
const Keyring::Applied *Keyring::find_identity () const
{
  for (const Applied &one : applied_)
    if (one.is_identity) return &one;
  return nullptr;
}

std::uint32_t Keyring::make_protections ()
{
  presentation::Protections protections;
  for (Applied &one : applied_) {
    one.key.uri = strings_.view (one.uri);
    one.key.key_format = format_of (one);
    one.key.key_id = strings_.view (one.id);
    one.key.iv = strings_.view (one.iv);
    protections.push_back (to_protection (one.key, base_));
  }
  if (list_.protections.empty () || *list_.protections.back () != protections)
    list_.protections.push_back (
        std::make_shared<const presentation::Protections> (
            std::move (protections)));
  return static_cast<std::uint32_t> (list_.protections.size () - 1);
}

std::optional<presentation::Encryption> Keyring::encryption (
    std::uint32_t key) const
{
  const ListKey &found = list_.keys[key];
  const KeyTag &tag = list_.key_tags[found.tag];
  auto iv =
      m3u8text::hexadecimal (strings_.view ({found.iv_at, found.iv_size}));
  if (!iv) return std::nullopt;
  return presentation::Encryption{tag.cipher,
      std::string (strings_.view ({tag.uri_at, tag.uri_size})), *iv};
}

}  // namespace m3u8

// SPDX-License-Identifier: LGPL-2.1-or-later
#include "keyids.h"

#include <algorithm>
#include <utility>

#include "movie.h"
#include "protection.h"

namespace keyids {

using bmff::Box;
using bmff::Result;
using bmff::type;
using keys::KeyId;

namespace {

using KeyIds = std::vector<KeyId>;

void add (KeyIds &out, const KeyId &kid)
{
  if (std::ranges::find (out, kid) == out.end ()) out.push_back (kid);
}

void add (KeyIds &out, const protection::Encryption &encryption)
{
  if (encryption.is_protected) add (out, encryption.kid);
}

// The boxes in a box that is there by itself.
Result<std::vector<Box>> inside (
    std::span<const std::uint8_t> bytes, bmff::Type box_type)
{
  auto boxes = bmff::children (bytes, 0);
  if (!boxes) return boxes.error ();
  const Box *box = bmff::find (*boxes, box_type);
  if (box == nullptr) return relay::failure (bmff::Error::missing_box, 0);
  return bmff::children (*box);
}

}  // namespace

Result<KeyIds> of_movie (std::span<const std::uint8_t> moov)
{
  auto movie = movie::parse (moov, 0);
  if (!movie) return movie.error ();
  KeyIds out;
  for (const movie::Track &track : movie->tracks) {
    for (const auto &entry : track.sample_entries)
      if (entry) add (out, *entry);
    for (const protection::Encryption &group : track.descriptions.entries)
      add (out, group);
  }
  return out;
}

Result<KeyIds> of_fragment (std::span<const std::uint8_t> moof)
{
  auto boxes = inside (moof, type ("moof"));
  if (!boxes) return boxes.error ();
  KeyIds out;
  for (const Box &traf : *boxes) {
    if (traf.box_type != type ("traf")) continue;
    auto parts = bmff::children (traf);
    if (!parts) return parts.error ();
    for (const Box &part : *parts) {
      if (part.box_type != type ("sgpd") || !protection::is_seig (part))
        continue;
      auto groups = protection::parse_sgpd (part);
      if (!groups) return groups.error ();
      for (const protection::Encryption &group : groups->entries)
        add (out, group);
    }
  }
  return out;
}

void Scanner::begin ()
{
  box_.clear ();
  has_header_ = false;
  is_broken_ = false;
}

std::vector<KeyId> Scanner::take ()
{
  return std::exchange (found_, {});
}

void Scanner::begin_box (const bmff::Header &header)
{
  // To the end: nothing follows it.
  if (header.size == 0) {
    is_broken_ = true;
    return;
  }
  has_header_ = true;
  left_ = header.size - box_.size ();
  bool is_wanted =
      header.box_type == type ("moov") || header.box_type == type ("moof");
  type_ = is_wanted && header.size <= max_box ? header.box_type : 0;
  if (left_ == 0) end_box ();
}

// What cannot be read has no key ids: who decrypts it will say what is wrong.
void Scanner::end_box ()
{
  if (type_ == type ("moov")) {
    auto kids = of_movie (box_);
    movie_ = kids ? std::move (*kids) : KeyIds{};
  } else if (type_ == type ("moof")) {
    auto groups = of_fragment (box_);
    if (groups && !groups->empty ())
      for (const KeyId &kid : *groups) add (found_, kid);
    else
      for (const KeyId &kid : movie_) add (found_, kid);
  }
  box_.clear ();
  has_header_ = false;
}

void Scanner::feed (std::span<const std::uint8_t> bytes)
{
  while (!bytes.empty () && !is_broken_) {
    if (!has_header_) {
      box_.push_back (bytes.front ());
      bytes = bytes.subspan (1);
      if (box_.size () < bmff::shortest_header) continue;
      auto header = bmff::parse_header (box_);
      if (!header)
        is_broken_ = true;
      else if (*header)
        begin_box (**header);
      continue;
    }
    auto part = bytes.first (static_cast<std::size_t> (
        std::min<std::uint64_t> (left_, bytes.size ())));
    if (type_ != 0) box_.insert (box_.end (), part.begin (), part.end ());
    bytes = bytes.subspan (part.size ());
    left_ -= part.size ();
    if (left_ == 0) end_box ();
  }
}

}  // namespace keyids

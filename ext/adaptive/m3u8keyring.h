// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "m3u8keys.h"
#include "m3u8strings.h"

namespace m3u8 {

// Which EXT-X-KEY tags apply at a place of a Media Playlist, and the entries'
// keys that are made of them. The position of an error is 0.
class Keyring
{
public:
  // base: of URIs. All of them outlive it.
  Keyring (
      presentation::SegmentList &list, Strings &strings, std::string_view base)
      : list_ (list), strings_ (strings), base_ (base)
  {
  }

  // The tag's value is that of the last one but for the IV, which is taken.
  // False: it has to be read and applied.
  [[nodiscard]] bool repeats (std::string_view value);
  // value: the tag's, of which the key was made.
  [[nodiscard]] Result<relay::Done> apply (
      const Key &key, std::string_view value);
  // The key of what comes now, in the list; SegmentList::no_key: none.
  [[nodiscard]] Result<std::uint32_t> use ()
  {
    if (!has_changed_) return key_;
    return has_other_iv_ ? make_again () : make ();
  }

  // Of what use () has returned: the resource is encrypted, not its samples.
  [[nodiscard]] bool is_whole (std::uint32_t key) const
  {
    return key < list_.keys.size () &&
           list_.key_tags[list_.keys[key].tag].is_whole;
  }
  // Nothing: it has no IV.
  [[nodiscard]] std::optional<presentation::Encryption> encryption (
      std::uint32_t key) const;

private:
  using ListKey = presentation::SegmentList::Key;
  using KeyTag = presentation::SegmentList::KeyTag;

  struct Applied
  {
    Key key;
    Place uri;
    bool is_identity = false;
    Place format;  // otherwise
    Place id;
    Place iv;
  };

  Result<std::uint32_t> make ();
  std::uint32_t make_again ();
  [[nodiscard]] std::string_view format_of (const Applied &one) const;
  // Nullptr: there is none that we could have.
  [[nodiscard]] const Applied *find_identity () const;
  [[nodiscard]] std::uint32_t make_protections ();
  [[nodiscard]] std::uint32_t add (const KeyTag &tag, Place iv);
  [[nodiscard]] bool is_last (const KeyTag &tag) const;

  presentation::SegmentList &list_;
  Strings &strings_;
  const std::string_view base_;
  std::vector<Applied> applied_;
  bool has_changed_ = false;
  bool has_other_iv_ = false;  // and that is all
  std::uint32_t key_ = presentation::SegmentList::no_key;
  // The value of the last tag, if it is the only one that applies, and where
  // its IV is in it.
  std::string_view value_;
  std::string_view iv_;
};

}  // namespace m3u8

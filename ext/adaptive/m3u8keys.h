// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "m3u8.h"
#include "m3u8text.h"

// EXT-X-KEY and EXT-X-SESSION-KEY (RFC 8216bis 4.4.4.4, 4.4.6.5).
namespace m3u8 {

enum class Method : std::uint8_t
{
  none,
  aes_128,
  aes_256,
  aes_256_ctr,
  sample_aes,
  sample_aes_ctr
};
[[nodiscard]] constexpr bool is_of_samples (Method method)
{
  return method >= Method::sample_aes;
}

// One tag: with views of its attributes.
struct Key
{
  Method method = Method::none;
  std::string_view uri;
  std::string_view key_format;
  std::string_view key_id;  // KEYID, which packagers add: 0x and 32 digits
  std::string_view iv;      // a hexadecimal sequence, or ""
  // "A client MUST ignore" one whose KEYFORMATVERSIONS it does not know.
  bool is_known_version = true;
};

// The position of an error is 0.
[[nodiscard]] Result<Key> parse_key (const m3u8text::Attributes &attributes);

[[nodiscard]] presentation::ContentProtection to_protection (
    const Key &key, std::string_view base);

}  // namespace m3u8

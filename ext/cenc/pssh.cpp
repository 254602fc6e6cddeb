// SPDX-License-Identifier: LGPL-2.1-or-later
#include "pssh.h"

#include <algorithm>
#include <string_view>

namespace pssh {
namespace {

std::uint32_t read_u32 (std::span<const std::uint8_t> bytes, std::size_t at)
{
  std::uint32_t out = 0;
  for (std::size_t i = 0; i < 4; i++) out = out << 8 | bytes[at + i];
  return out;
}

// size, type, version and flags, SystemID, KID_count or DataSize
constexpr std::size_t system_at = 4 + 4 + 4;
constexpr std::size_t start = system_at + 16 + 4;

bool is_pssh (std::span<const std::uint8_t> box)
{
  constexpr std::string_view type = "pssh";
  return box.size () >= start && read_u32 (box, 0) == box.size () &&
         std::equal (type.begin (), type.end (), box.begin () + 4);
}

}  // namespace

std::vector<keys::KeyId> key_ids (std::span<const std::uint8_t> box)
{
  if (!is_pssh (box) || box[8] != 1) return {};
  std::size_t count = read_u32 (box, start - 4);
  if (count > (box.size () - start) / sizeof (keys::KeyId)) return {};
  std::vector<keys::KeyId> out (count);
  for (std::size_t i = 0; i < count; i++)
    std::copy_n (box.begin () + static_cast<std::ptrdiff_t> (
                                    start + i * sizeof (keys::KeyId)),
        sizeof (keys::KeyId), out[i].begin ());
  return out;
}

std::string system_id (std::span<const std::uint8_t> box)
{
  if (!is_pssh (box)) return {};
  keys::KeyId bytes{};
  std::copy_n (box.begin () + system_at, bytes.size (), bytes.begin ());
  std::string out = keys::to_string (bytes);
  for (std::size_t dash : {8u, 13u, 18u, 23u}) out.insert (dash, 1, '-');
  return out;
}

}  // namespace pssh

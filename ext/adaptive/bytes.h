// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

// Big-endian reading that cannot overrun: past the end it gives 0 and ok () is
// false from then on.
namespace bytes {

class Reader
{
public:
  explicit Reader (std::span<const std::uint8_t> data) : data_ (data) {}

  std::uint8_t u8 () { return static_cast<std::uint8_t> (read (1)); }
  std::uint16_t u16 () { return static_cast<std::uint16_t> (read (2)); }
  std::uint32_t u32 () { return static_cast<std::uint32_t> (read (4)); }
  std::uint64_t u64 () { return read (8); }
  void skip (std::size_t count)
  {
    if (count > data_.size ()) {
      ok_ = false;
      count = data_.size ();
    }
    data_ = data_.subspan (count);
  }
  [[nodiscard]] bool ok () const { return ok_; }

private:
  std::uint64_t read (std::size_t count)
  {
    std::uint64_t value = 0;
    if (count <= data_.size ())
      for (std::uint8_t byte : data_.first (count)) value = value << 8 | byte;
    skip (count);
    return value;
  }

  std::span<const std::uint8_t> data_;
  bool ok_ = true;
};

constexpr std::uint32_t fourcc (const char (&name)[5])
{
  std::uint32_t value = 0;
  for (int i = 0; i < 4; i++)
    value = value << 8 | static_cast<std::uint8_t> (name[i]);
  return value;
}

}  // namespace bytes

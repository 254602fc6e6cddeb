// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <optional>

// Which field of an interlaced picture an image is (RFC 2435 4.1).
namespace interlace {

// The values of the type-specific field.
enum class Field : std::uint8_t
{
  none = 0,  // "the image is progressively scanned", or has both fields
  odd = 1,  // its lines are the first, third, ... of the picture: the top field
  even = 2,  // the bottom field
};

// What the caps say: GstVideoInterlaceMode and field-order.
struct Format
{
  bool interlaced = false;   // any mode but progressive
  bool alternating = false;  // mode alternate: each image is a field
  bool bottom_first = false;
  unsigned height = 0;  // of the picture
};

class Fields
{
public:
  void set_format (const Format &format);
  // Of the next image: `height` is its own, `top` what its buffer says, if it
  // says anything. An image is a field in the mode alternate, and in the other
  // interlaced ones if it has no more than half of the picture's lines (as in
  // AVI with two fields in a frame). Fields that do not say which they are
  // alternate, beginning with the first of field-order.
  [[nodiscard]] Field next (unsigned height, std::optional<bool> top);

private:
  Format format_;
  bool next_is_top_ = true;
};

}  // namespace interlace

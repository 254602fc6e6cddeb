// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <algorithm>

// How large a buffer is read into: it follows the speed of the line, so that a
// slow one does not fill queues with buffers that are mostly empty.
namespace block {

inline constexpr unsigned smallest = 4 * 1024;
// About what comes with the headers.
inline constexpr unsigned first = 16 * 1024;
inline constexpr unsigned largest = 256 * 1024;

class Size
{
public:
  // most: at least 1.
  unsigned next (unsigned most = largest)
  {
    most_ = most;
    size_ = std::min (size_, most_);
    return size_;
  }
  // What the last read gave.
  void took (std::size_t count)
  {
    if (count == size_)
      size_ = size_ > most_ / 4 ? most_ : size_ * 4;
    else if (count < size_ / 4)
      size_ = std::max (size_ / 2, std::min (smallest, most_));
  }

private:
  unsigned size_ = first;
  unsigned most_ = largest;
};

}  // namespace block

// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <utility>
#include <vector>

// Which input buffer a byte came in, where output is cut in other places than
// input was. T is what is known of an input buffer: timestamps, flags.
//
// Output that starts where a marked buffer started gets that buffer's T, and
// so a timestamp stays at its byte. A buffer is marked only if it starts
// something: the others just go on.
namespace marks {

template <class T>
struct Piece
{
  std::uint64_t position;
  std::size_t size;
  std::optional<T> start;  // none for bytes that go on
};

template <class T>
class Marks
{
public:
  void add (std::uint64_t position, T value)
  {
    marks_.emplace_back (position, std::move (value));
  }
  void clear () { marks_.clear (); }

  // Cuts size bytes of output from position on at the marks, which are used up.
  std::vector<Piece<T>> cut (std::uint64_t position, std::size_t size)
  {
    std::vector<Piece<T>> pieces;
    std::uint64_t end = position + size;
    while (position < end) {
      Piece<T> piece{position, 0, {}};
      while (!marks_.empty () && marks_.front ().first <= position) {
        piece.start = std::move (marks_.front ().second);
        marks_.pop_front ();
      }
      std::uint64_t stop = end;
      if (!marks_.empty () && marks_.front ().first < end)
        stop = marks_.front ().first;
      piece.size = static_cast<std::size_t> (stop - position);
      pieces.push_back (std::move (piece));
      position = stop;
    }
    return pieces;
  }

private:
  std::deque<std::pair<std::uint64_t, T>> marks_;
};

}  // namespace marks

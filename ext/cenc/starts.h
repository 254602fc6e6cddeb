// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <vector>

#include "marks.h"

// Timestamps and flags of buffers of bytes, where output is cut in other places
// than input was.
namespace starts {

// The bits of flags, which are those of the caller.
struct Kinds
{
  unsigned discont;
  unsigned header;
  unsigned delta_unit;
  unsigned others;  // that are about the first byte only

  [[nodiscard]] unsigned all () const
  {
    return discont | header | delta_unit | others;
  }
  // Those that go on with the bytes.
  [[nodiscard]] unsigned going_on () const { return header | delta_unit; }
};

// What an input buffer says about its first byte.
struct Start
{
  static constexpr std::uint64_t none = UINT64_MAX;
  std::uint64_t pts = none;
  std::uint64_t dts = none;
  std::uint64_t duration = none;
  unsigned flags = 0;
};

struct Piece
{
  std::uint64_t position;
  std::size_t size;
  Start start;
};

class Starts
{
public:
  explicit Starts (const Kinds &kinds) : kinds_ (kinds) {}

  // Buffers have times, where one begins and others go on from it.
  void set_has_times (bool has_times) { has_times_ = has_times; }
  // The next buffer is the first of a resource.
  void begin ()
  {
    marks_.clear ();
    is_start_ = true;
  }
  void clear () { marks_.clear (); }
  // Bytes are missing before the next buffer.
  void cut_off () { was_cut_ = true; }

  // An input buffer whose first byte is at position.
  void add (std::uint64_t position, Start start)
  {
    start.flags &= kinds_.all ();
    if (was_cut_) start.flags |= kinds_.discont;
    if (was_cut_ || starts_something (start)) marks_.add (position, start);
    was_cut_ = false;
    is_start_ = false;
    last_ = start.flags & kinds_.going_on ();
  }

  // Cuts size bytes of output from position on.
  std::vector<Piece> cut (std::uint64_t position, std::size_t size)
  {
    std::vector<Piece> out;
    for (marks::Piece<Start> &piece : marks_.cut (position, size)) {
      Piece one{piece.position, piece.size, {}};
      one.start.flags = going_on_;
      if (piece.start) {
        one.start = *piece.start;
        // More of a header is header; more of anything else, where buffers
        // have times, is a delta unit.
        going_on_ = one.start.flags & kinds_.going_on ();
        if (has_times_ && going_on_ == 0) going_on_ = kinds_.delta_unit;
      }
      out.push_back (one);
    }
    return out;
  }

private:
  // A fragment, a header or a timestamp begins with this buffer, or what goes
  // on from it is not what went on before it.
  [[nodiscard]] bool starts_something (const Start &start) const
  {
    unsigned going_on = start.flags & kinds_.going_on ();
    // With times more of a buffer without flags is a delta unit, another one
    // is not.
    if (has_times_ && going_on == 0) return true;
    return is_start_ || start.pts != Start::none || start.dts != Start::none ||
           (start.flags & ~kinds_.delta_unit) != 0 || going_on != last_;
  }

  Kinds kinds_;
  marks::Marks<Start> marks_;
  bool has_times_ = false;
  bool is_start_ = true;
  bool was_cut_ = false;
  unsigned last_ = 0;      // going on, of the last input buffer
  unsigned going_on_ = 0;  // the flags of bytes that start nothing
};

}  // namespace starts

// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "common/result.h"

// The chunked transfer coding (RFC 9112 7.1): where chunks begin and end.
namespace chunks {

enum class Error
{
  size,       // no hexadecimal number, or something behind it
  too_large,  // a number that no length can have
  end,        // a chunk is longer than it said, or CR without LF
  too_long    // a line, or the trailer section
};
template <class T>
using Result = relay::Result<T, Error>;
[[nodiscard]] const char *to_string (Error error);

// Between chunks it takes bytes, in a chunk it only counts them.
class Parser
{
public:
  // Longest line behind a size, and longest trailer section.
  static constexpr std::size_t longest = 65536;

  // The bytes around chunks, from the front of text; how many these are. It
  // stops where the next chunk begins and behind the last line.
  [[nodiscard]] Result<std::size_t> take (std::string_view text);
  // Bytes of the chunk that are to come; 0: take () is next.
  [[nodiscard]] std::uint64_t left () const { return left_; }
  void passed (std::uint64_t count) { left_ -= count; }
  // The last chunk and the trailer section (7.1.2) were here.
  [[nodiscard]] bool is_done () const { return state_ == State::done; }

private:
  enum class State
  {
    chunk_end,  // CRLF behind a chunk
    size,
    blank,  // behind it
    extension,
    trailer,
    done
  };

  [[nodiscard]] Result<relay::Done> step (char c);
  [[nodiscard]] Result<relay::Done> step_in_size (char c);
  void end_line ();

  State state_ = State::size;
  bool cr_ = false;        // the last byte was one
  std::size_t line_ = 0;   // bytes of it, or of all trailers
  std::size_t field_ = 0;  // of a trailer
  int digits_ = 0;
  std::uint64_t size_ = 0;
  std::uint64_t left_ = 0;
};

}  // namespace chunks

// SPDX-License-Identifier: LGPL-2.1-or-later
#include "chunks.h"

#include <utility>

namespace chunks {

using relay::Done;

namespace {

// 63 bits: lengths are counted in signed numbers elsewhere.
constexpr std::uint64_t largest = INT64_MAX;

int hex_digit (char c)
{
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

}  // namespace

const char *to_string (Error error)
{
  switch (error) {
    case Error::size:
      return "bad size of a chunk";
    case Error::too_large:
      return "size of a chunk too large";
    case Error::end:
      return "bad end of a chunk";
    case Error::too_long:
      return "too much between chunks";
  }
  return "unknown";
}

Result<std::size_t> Parser::take (std::string_view text)
{
  std::size_t taken = 0;
  while (taken < text.size () && left_ == 0 && !is_done ()) {
    Result<Done> done = step (text[taken]);
    if (!done) return relay::failure (done.code (), taken);
    taken++;
  }
  return taken;
}

Result<Done> Parser::step (char c)
{
  if (++line_ > longest) return relay::failure (Error::too_long);
  // A line may end in LF alone (2.2), but CR does not stand alone.
  if (c == '\n') {
    if (state_ == State::size && digits_ == 0)
      return relay::failure (Error::size);
    cr_ = false;
    end_line ();
    return Done{};
  }
  if (std::exchange (cr_, c == '\r')) return relay::failure (Error::end);
  if (cr_) return Done{};
  switch (state_) {
    case State::size:
    case State::blank:
      return step_in_size (c);
    case State::chunk_end:
      return relay::failure (Error::end);
    case State::trailer:
      field_++;
      break;
    case State::extension:
    case State::done:
      break;
  }
  return Done{};
}

Result<Done> Parser::step_in_size (char c)
{
  if (int digit = hex_digit (c); digit >= 0 && state_ == State::size) {
    if (size_ > largest >> 4) return relay::failure (Error::too_large);
    size_ = size_ << 4 | static_cast<std::uint64_t> (digit);
    digits_++;
    return Done{};
  }
  // Some servers fill the size up with spaces.
  if (digits_ == 0 || (c != ';' && c != ' ' && c != '\t'))
    return relay::failure (Error::size);
  state_ = c == ';' ? State::extension : State::blank;
  return Done{};
}

void Parser::end_line ()
{
  switch (state_) {
    case State::chunk_end:
      state_ = State::size;
      break;
    case State::size:
    case State::blank:
    case State::extension:
      left_ = size_;
      state_ = size_ == 0 ? State::trailer : State::chunk_end;
      size_ = 0;
      digits_ = 0;
      break;
    case State::trailer:
      if (field_ == 0) state_ = State::done;
      field_ = 0;
      return;  // all of them together have the limit
    case State::done:
      break;
  }
  line_ = 0;
}

}  // namespace chunks

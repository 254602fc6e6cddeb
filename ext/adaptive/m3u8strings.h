// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <utility>

#include "m3u8.h"
#include "m3u8text.h"

namespace m3u8 {

// In the playlist's text, or behind it in what is appended to it.
struct Place
{
  std::uint32_t at = 0;
  std::uint32_t size = 0;
};

// The strings that segments refer to, and those that variables are made of. The
// position of an error is 0.
class Strings
{
public:
  // text: outlives it, and is not changed.
  explicit Strings (const std::string &text) : text_ (text) {}

  [[nodiscard]] Place keep (std::string_view text);
  [[nodiscard]] std::string_view view (Place place) const;
  // What belongs behind the text.
  [[nodiscard]] const std::string &appended () const { return appended_; }

  // From a definition on "{$name}" is expanded (4.3).
  [[nodiscard]] Result<relay::Done> define (
      std::pair<std::string, std::string> variable);
  [[nodiscard]] bool has_variables () const { return !variables_.empty (); }
  [[nodiscard]] presentation::Variables take_variables ()
  {
    return std::move (variables_);
  }
  // What expand () gave before is not used any more.
  void begin_line () { expanded_.clear (); }
  [[nodiscard]] Result<std::string_view> expand (std::string_view text);
  // A tag's attributes, expanded; they are of this line.
  [[nodiscard]] Result<relay::Done> read (
      std::string_view list, m3u8text::Attributes &out);

private:
  const std::string &text_;
  std::string appended_;
  presentation::Variables variables_;
  std::deque<std::string> expanded_;  // in the present line
  std::size_t expansion_ = 0;         // bytes so far
};

}  // namespace m3u8

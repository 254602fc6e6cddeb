// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "common/result.h"
#include "presentation.h"

// Event Message Boxes in media segments (ISO/IEC 23009-1 5.10.3.3).
namespace emsg {

enum class Error
{
  not_emsg,  // another box, or not one box
  truncated,
  bad_version,   // neither 0 nor 1
  unterminated,  // a string without its 0
  zero_timescale
};
template <class T>
using Result = relay::Result<T, Error>;
[[nodiscard]] const char *to_string (Error error);

struct Event
{
  std::string scheme_id_uri;
  std::string value;
  std::uint32_t timescale = 1;
  // Version 1: on the media's own clock. Version 0: from the beginning of the
  // segment.
  std::uint64_t time = 0;
  bool from_segment = false;
  std::uint32_t duration = 0;
  std::uint32_t id = 0;
  std::vector<std::uint8_t> data;
  bool operator== (const Event &) const = default;
};

// "event_duration": 0xFFFFFFFF = not known.
inline constexpr std::uint32_t no_duration = 0xFFFFFFFF;

// The whole box. Positions of errors are bytes in it.
[[nodiscard]] Result<Event> parse (std::span<const std::uint8_t> box);

// Where the event is, from the beginning of the period. segment: the time of
// the segment with the box, and offset: that of the period, both on the
// media's own clock. Nothing: later than any clock. One that began before the
// period is at its beginning.
[[nodiscard]] std::optional<presentation::Time> time_of (
    const Event &event, presentation::Time segment, presentation::Time offset);

// Finds the boxes in a segment that comes in parts.
class Scanner
{
public:
  // Larger ones are passed over: an event is a message, no file.
  static constexpr std::size_t max_box = std::size_t{256} * 1024;
  // As many as a segment may have; more are passed over.
  static constexpr std::size_t max_boxes = 1024;

  // Another segment begins.
  void begin ();
  void feed (std::span<const std::uint8_t> bytes);
  // Those that are complete, and could be read.
  [[nodiscard]] std::vector<Event> take ();

private:
  void begin_box ();
  void end_box ();

  std::vector<Event> found_;
  std::size_t count_ = 0;
  // The header, and of an emsg the whole box.
  std::vector<std::uint8_t> box_;
  std::uint64_t left_ = 0;  // of the present box
  bool has_header_ = false;
  bool is_wanted_ = false;
  bool is_broken_ = false;  // nothing can be followed from here
};

}  // namespace emsg

// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/gst.h>

#include <array>
#include <cstddef>

#include "jpeg.h"

// What became of the frames: the words of the warnings, and the counters.
namespace mjpegreport {

// Why a frame was dropped.
enum class Reason
{
  damaged,
  unsupported,
  too_large,
  count
};

// Never going back.
struct Counters
{
  guint64 packets = 0;
  guint64 bytes = 0;
  guint64 frames = 0;
  guint64 frames_recoded = 0;
  std::array<guint64, static_cast<std::size_t> (Reason::count)>
      frames_dropped{};
  guint64 bytes_stripped = 0;
};

// Sets the fields of the property "stats".
void add_fields (const Counters &counters, GstStructure *stats);

// Why a frame cannot be sent, for a person.
[[nodiscard]] const char *text (jpeg::Error error);

[[nodiscard]] Reason reason (jpeg::Error error);

}  // namespace mjpegreport

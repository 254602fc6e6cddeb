// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/gst.h>

#include <cstdint>
#include <optional>
#include <vector>

#include "keys.h"
#include "mp4.h"
#include "starts.h"

// What cencmp4decrypt tells and sends.
namespace gstcencmp4 {

struct Counters
{
  mp4::Counters samples;
  guint64 bytes = 0;
  guint64 boxes_cut = 0;

  // Those of a rewriter begin anew with each run of the element.
  void add (const mp4::Counters &now, const mp4::Counters &before);
};

GstStructure *stats_structure (const Counters &counters);

// One error.
void post_error (GstElement *element, const relay::Failure<mp4::Error> &failure,
    const std::optional<keys::KeyId> &missing_key);

// Pushes bytes that begin at a position, cut where timestamps and flags are.
GstFlowReturn push (GstPad *srcpad, starts::Starts &starts,
    std::uint64_t position, std::vector<std::uint8_t> bytes);

// When nobody upstream sends them.
void push_stream_start (GstElement *element, GstPad *srcpad);
void push_bytes_segment (GstPad *srcpad);

// Queries on the source pad that upstream would answer in a wrong way: bytes
// come in their order only.
bool answer (GstQuery *query);

// Whether upstream can be pulled from at any byte.
bool can_pull (GstPad *sinkpad);

}  // namespace gstcencmp4

// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/gst.h>

#include <cstdint>
#include <optional>
#include <vector>

#include "common/gstpp.h"
#include "mp4.h"
#include "starts.h"

// What cencmp4decrypt tells and sends.
namespace gstcencmp4 {

inline constexpr starts::Kinds kinds{GST_BUFFER_FLAG_DISCONT,
    GST_BUFFER_FLAG_HEADER, GST_BUFFER_FLAG_DELTA_UNIT,
    GST_BUFFER_FLAG_RESYNC | GST_BUFFER_FLAG_MARKER};

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
void post_error (
    GstElement *element, const relay::Failure<mp4::Error> &failure);

// What a rewriter made of a buffer. Bytes stay in the memory of the buffer if
// that is nobody else's; then it leaves, and else memory of the same size.
struct Rewritten
{
  bool is_mapped = false;
  // What leaves, without timestamps and flags; null for nothing.
  relay::Owned<GstBuffer> held;
  relay::Owned<GstBuffer> bytes;
  gsize held_size = 0;
  gsize taken = 0;
  std::optional<relay::Failure<mp4::Error>> failure;
  relay::Owned<GstBuffer> rest;  // not taken, after a failure
};
Rewritten rewrite (mp4::Rewriter &rewriter, relay::Owned<GstBuffer> in,
    mp4::Rewriter::Tail tail);

// A buffer that owns the bytes; null if there are none.
relay::Owned<GstBuffer> wrap (std::vector<std::uint8_t> bytes);

// Pushes bytes that begin at a position, cut where timestamps and flags are.
GstFlowReturn push (GstPad *srcpad, starts::Starts &starts,
    std::uint64_t position, relay::Owned<GstBuffer> bytes);

// When nobody upstream sends them.
void push_stream_start (GstElement *element, GstPad *srcpad);
void push_bytes_segment (GstPad *srcpad);

// Queries on the source pad that upstream would answer in a wrong way: bytes
// come in their order only.
bool answer (GstQuery *query);

// Whether upstream can be pulled from at any byte.
bool can_pull (GstPad *sinkpad);

}  // namespace gstcencmp4

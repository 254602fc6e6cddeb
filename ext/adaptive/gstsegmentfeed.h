// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gio/gio.h>
#include <gst/gst.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>

#include "block.h"
#include "common/gstpp.h"
#include "gstfetch.h"
#include "gstsegmentreader.h"
#include "loader.h"

// The bytes of a track in the order in which they are pushed: the
// initializations and the media segments, one after the other.
class SegmentFeed
{
public:
  template <class T>
  using Result = SegmentReader::Result<T>;

  // segments: counts those that were taken whole. All of them outlive the feed.
  SegmentFeed (const SegmentReader::Access &access,
      const loader::Selection &selection, std::atomic<std::uint64_t> &segments);
  SegmentFeed (const SegmentFeed &) = delete;
  SegmentFeed &operator= (const SegmentFeed &) = delete;

  // The first bytes of the track, which next () gives again.
  [[nodiscard]] Result<GstBuffer *> peek ();
  // Waits for the next bytes; null at the end of the track.
  [[nodiscard]] Result<relay::Owned<GstBuffer>> next ();
  // Begins again with the segment that was not taken whole.
  void rewind ();
  // From any thread: what waits ends with SegmentProblem::is_cancelled.
  void cancel () { g_cancellable_cancel (cancellable_.get ()); }

private:
  [[nodiscard]] bool plan (SegmentPart &part);
  Result<bool> open_next ();
  void end_part ();

  const SegmentReader::Access &access_;
  const loader::Selection &selection_;
  std::atomic<std::uint64_t> &segments_;
  const relay::Owned<GCancellable> cancellable_{g_cancellable_new ()};
  block::Size block_;

  std::uint64_t next_ = 0;  // segment
  bool begun_ = false;      // its initialization has been read
  // The last one that was taken whole.
  std::optional<presentation::Resource> init_;
  bool discontinuity_ = true;  // before what is opened next
  std::unique_ptr<SegmentReader> reader_;
  relay::Owned<GstBuffer> peeked_;
};

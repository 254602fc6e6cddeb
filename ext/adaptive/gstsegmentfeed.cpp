// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gstsegmentfeed.h"

#include <utility>

#include "schedule.h"

using relay::Owned;

SegmentFeed::SegmentFeed (const SegmentReader::Access &access,
    const loader::Selection &selection, std::atomic<std::uint64_t> &segments)
    : access_ (access), selection_ (selection), segments_ (segments)
{
}

// False at the end of the track.
bool SegmentFeed::plan (SegmentPart &part)
{
  auto segment = schedule::segment (selection_.representation, next_);
  if (!segment) return false;
  part.is_init = segment->init && init_ != segment->init;
  part.discontinuity = discontinuity_ || (segment->discontinuity && !begun_);
  part.segment = std::move (*segment);
  return true;
}

SegmentFeed::Result<bool> SegmentFeed::open_next ()
{
  SegmentPart part;
  if (!plan (part)) return false;
  auto reader = std::make_unique<SegmentReader> (
      access_, std::move (part), cancellable_.get (), block_);
  auto opened = reader->open ();
  if (!opened) return opened.error ();
  discontinuity_ = false;
  reader_ = std::move (reader);
  return true;
}

void SegmentFeed::end_part ()
{
  const SegmentPart &part = reader_->part ();
  if (part.is_init) {
    init_ = part.resource ();
    begun_ = true;
  } else {
    next_++;
    begun_ = false;
    ++segments_;
  }
  reader_.reset ();
}

SegmentFeed::Result<GstBuffer *> SegmentFeed::peek ()
{
  auto buffer = next ();
  if (!buffer) return buffer.error ();
  peeked_ = std::move (*buffer);
  return peeked_.get ();
}

SegmentFeed::Result<Owned<GstBuffer>> SegmentFeed::next ()
{
  if (peeked_) return std::move (peeked_);
  for (;;) {
    if (!reader_) {
      auto opened = open_next ();
      if (!opened) return opened.error ();
      if (!*opened) return Owned<GstBuffer>{};
    }
    auto buffer = reader_->read ();
    if (!buffer || *buffer) return buffer;
    end_part ();
  }
}

void SegmentFeed::rewind ()
{
  reader_.reset ();
  peeked_.reset ();
  init_.reset ();
  begun_ = false;
  discontinuity_ = true;
}

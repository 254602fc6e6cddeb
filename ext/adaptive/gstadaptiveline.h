// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/gst.h>

#include <memory>
#include <vector>

#include "container.h"
#include "gstadaptiveswitch.h"
#include "gstsegmentreader.h"
#include "loader.h"
#include "timeline.h"

// A selection as it is played: as a whole, or its key frames alone.
struct AdaptiveLine
{
  // access outlives it.
  AdaptiveLine (const SegmentReader::Access &access,
      std::shared_ptr<AdaptiveSwitch::Common> choice, loader::Selection from);
  AdaptiveLine (const AdaptiveLine &) = delete;
  AdaptiveLine &operator= (const AdaptiveLine &) = delete;
  ~AdaptiveLine () = default;

  // Of a period: 0, or a later one.
  [[nodiscard]] const loader::Selection &part (std::size_t index) const
  {
    return index == 0 ? selection : selection.later[index - 1];
  }

  const loader::Selection selection;
  const std::vector<timeline::Stretch> track;
  AdaptiveSwitch chooser;
};

namespace gstadaptiveline {

// What the manifest and the addresses say of a representation with such a
// segment.
[[nodiscard]] container::Format format_of (
    const presentation::Representation &representation,
    const presentation::Segment &segment);

// The key frames alone of a selection, whose playlist or index is asked for.
// Null when there are none, or none that can be had or that its pad takes: then
// there was a warning, unless it was broken off.
[[nodiscard]] std::unique_ptr<AdaptiveLine> make_trick_mode (
    GstElement *element, const SegmentReader::Access &access,
    const std::shared_ptr<AdaptiveSwitch::Common> &choice,
    const loader::Selection &selection, double rate, GCancellable *cancellable);

}  // namespace gstadaptiveline

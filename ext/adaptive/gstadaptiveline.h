// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/gst.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "common/guarded.h"
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

}  // namespace gstadaptiveline

// The key frames alone of the selections that a pad has had. They are asked for
// when they are wanted first, by whoever wants them, and kept. From any thread.
class AdaptiveKeyFrames
{
public:
  // access outlives it.
  AdaptiveKeyFrames (GstElement *element, const SegmentReader::Access &access,
      std::shared_ptr<AdaptiveSwitch::Common> choice)
      : element_ (element), access_ (access), choice_ (std::move (choice))
  {
  }

  // Those that are played at a rate. Null: there are none, they could not be
  // had, or nobody has asked for them.
  [[nodiscard]] AdaptiveLine *find (
      const loader::Selection &selection, double rate);
  // Asks for their playlist or index, if nobody has. Waits. When they cannot be
  // had, or its pad does not take them, there is a warning, unless it was
  // broken off, and nobody asks again.
  void load (const loader::Selection &selection, double rate,
      GCancellable *cancellable);
  // The same for who cannot wait as long: it is not tried again and again, and
  // when they cannot be had it is as if nobody had asked.
  void load_quickly (const loader::Selection &selection, double rate,
      GCancellable *cancellable);

private:
  // In each part of the selection; null where it is played itself.
  using Tracks = std::vector<std::shared_ptr<const presentation::Track>>;
  struct Known
  {
    Tracks tracks;
    std::unique_ptr<AdaptiveLine> line;  // null: it could not be had
  };

  [[nodiscard]] static Tracks tracks_of (
      const loader::Selection &selection, double rate);
  [[nodiscard]] bool is_known (const Tracks &tracks);
  [[nodiscard]] std::string complete (loader::Selection &from,
      const loader::Selection &selection, const fetcher::Settings &settings,
      GCancellable *cancellable) const;
  [[nodiscard]] std::string ask (const Tracks &tracks,
      const loader::Selection &selection, double rate,
      const fetcher::Settings &settings, GCancellable *cancellable);
  void keep (const Tracks &tracks, std::unique_ptr<AdaptiveLine> line);

  GstElement *const element_;
  const SegmentReader::Access &access_;
  const std::shared_ptr<AdaptiveSwitch::Common> choice_;
  relay::Guarded<std::vector<Known>> known_;
};

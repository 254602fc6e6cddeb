// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/gst.h>

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "backlog.h"
#include "common/guarded.h"
#include "gstcachebranch.h"
#include "gstcacheitem.h"
#include "gstcachesettings.h"

// Where a branch starts that comes late while the cache is played: at a place
// before where the others are, from which it plays on by itself. What is before
// it is read into a log, as what upstream sends is otherwise; of data the log
// has only the places.
namespace cachejoin {

struct Item
{
  // An event, or a header.
  std::shared_ptr<GstMiniObject> object;
  cacheitem::Player::Place place;
};

// Of a branch.
struct Reader
{
  // Where it starts is known.
  bool begun = false;
  // What it plays next, of all items that there are.
  std::uint64_t number = 0;
  GstSegment segment{};
  // It waits for a keyframe.
  bool waits = false;
  bool discont = false;
  // The first data is of now.
  bool rebases = false;
  // Only keyframes, up to the latest one.
  bool fast = false;
  // Where the others were when it came.
  std::uint64_t newest = 0;
  std::optional<std::uint64_t> latest_keyframe;
  // To be set, and pushed, first.
  std::optional<gint64> offset;
  std::vector<Item> held;
  std::vector<Item> headers;
};

using MakePlayer = std::function<cacheitem::Player ()>;

class Trail
{
public:
  explicit Trail (cachebranch::Branches &branches) : branches_ (branches) {}

  // A run in which the branches play. Those that have a peer are not late.
  void start (const cachesettings::Settings &settings);
  // Ends what takes its time.
  void stop () { stopped_ = true; }
  void clear ();
  // Somebody may be late.
  [[nodiscard]] bool is_on () const { return on_; }

  // The player goes to where the branch starts.
  void join (cachebranch::Branch &branch, const MakePlayer &make,
      cacheitem::Player &player, Reader &reader);
  // What comes next. False if it is left out.
  static bool take (Reader &reader, const cacheitem::Player::Item &item);
  // It was pushed, or left out.
  static void passed (cachebranch::Branch &branch, Reader &reader);

  // The same in bytes, where a buffer is as good as any other.
  std::uint64_t join (cachebranch::Branch &branch);

private:
  using Log = backlog::Log<Item>;
  struct State
  {
    std::unique_ptr<Log> log;
    // What is read for it, and the segment there.
    std::unique_ptr<cacheitem::Player> player;
    GstSegment segment{};
    cachesettings::Settings settings;
  };
  std::uint64_t others_at (const cachebranch::Branch &branch);
  bool scan (State &state, const cachebranch::Branch &branch,
      std::uint64_t number, const MakePlayer &make);
  static cacheitem::Player::Place begin (const State &state, Reader &reader);
  static bool is_skipped (Reader &reader, const backlog::Facts &facts);

  cachebranch::Branches &branches_;
  std::atomic<bool> on_ = false;
  std::atomic<bool> stopped_ = false;
  relay::Guarded<State> state_;
};

}  // namespace cachejoin

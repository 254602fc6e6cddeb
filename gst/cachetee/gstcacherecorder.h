// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/gst.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <optional>
#include <string>

#include "common/guarded.h"
#include "store.h"

namespace cacherecorder {

enum class SlowStore
{
  automatic,
  skip,
  wait,
};

// Why a recording was given up, said once; the failure if it is the store's. No
// reason: it goes on.
struct Lost
{
  const char *reason = nullptr;
  std::optional<store::Failure> failure;
};
using Outcome = std::optional<Lost>;

// How long a stream waits for the disk. Asks upstream whether it is live.
std::chrono::milliseconds patience_of (SlowStore choice, GstPad *pad);

// Writes what passes through a pad into one object, as long as the object can
// become the whole stream. Never fails the stream: what cannot be kept ends the
// recording. buffer, event, cut and end are for the pad's thread.
class Recorder
{
public:
  void start (std::unique_ptr<store::Writer> writer, SlowStore slow_store,
      std::uint32_t slice_size);

  Outcome buffer (GstPad *pad, GstBuffer *buffer);
  Outcome event (GstPad *pad, GstEvent *event);
  // After a result that makes upstream stop: it may say EOS all the same.
  Outcome cut (GstPad *pad);
  // At EOS.
  Outcome end (GstPad *pad);
  // Gives up, and breaks a wait for the disk. False if nothing was recorded.
  bool drop ();

  struct Closed
  {
    std::uint64_t bytes_written = 0;
    bool stored = false;
    std::uint64_t skipped_slices = 0;
    // Of an object that was thought to be stored.
    std::optional<store::Failure> failure;
  };
  // Waits until all is on the disk or removed from it.
  Closed close ();
  // Of this run, not kept because the disk was too slow.
  [[nodiscard]] std::uint64_t skipped_slices () const
  {
    return (skipped_ + slice_size_ - 1) / slice_size_;
  }
  [[nodiscard]] std::uint64_t bytes_written ();

private:
  struct State
  {
    std::shared_ptr<store::Writer> writer;
    bool recording = false;
    bool finished = false;
    SlowStore slow_store = SlowStore::automatic;
    // Of the last buffer.
    std::string metas;
    // Once it is known whether upstream is live.
    std::optional<std::chrono::milliseconds> patience;
  };
  // Null: nothing is recorded.
  struct Current
  {
    std::shared_ptr<store::Writer> writer;
    std::chrono::milliseconds patience{0};
  };
  Current current (GstPad *pad);
  std::chrono::milliseconds find_patience (GstPad *pad);
  bool segment_is_whole (GstPad *pad, GstEvent *event);
  bool time_is_whole (GstPad *pad, const GstSegment &segment);
  Outcome note_metas (const Current &now, GstBuffer *buffer);
  Outcome lose (const char *reason);
  Outcome check (const store::Result<relay::Done> &result);

  relay::Guarded<State> state_;
  // What the lock would tell, for streams that are not recorded.
  std::atomic<bool> recording_ = false;
  // Some buffer had metas.
  std::atomic<bool> has_metas_ = false;
  std::atomic<bool> skips_ = false;
  std::atomic<std::uint32_t> slice_size_ = 1;
  std::atomic<std::uint64_t> skipped_ = 0;
  // One in TIME has come. Atomic for thread sanitizers only: the pad's stream
  // lock is one that they do not see.
  std::atomic<bool> has_segment_ = false;
};

}  // namespace cacherecorder

// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/gst.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <stop_token>

#include "bytefeed.h"
#include "bytestream.h"
#include "common/guarded.h"
#include "gstcacherecorder.h"

// What passes through a pad in bytes, into the byte stream of the key: each
// segment where it belongs, so that what was sent out of order, or cut, is kept
// too. Never fails the stream. What says nothing else is for the pad's thread.
namespace cachetape {

using cacherecorder::Outcome;

class Tape
{
public:
  // Of this stream, or of a new generation of it; `may_serve`: what others send
  // of it may be played in place of upstream.
  void start (bytestream::Stream stream, bool renew, bool may_serve,
      cacherecorder::SlowStore slow_store);
  // One was started, and not given up.
  [[nodiscard]] bool is_on () const { return on_; }

  // Before upstream is asked for anything: false if somebody else is about to
  // send what it would send, or has by now. Any wait ends with `stop`.
  bool claim (GstPad *pad, const std::stop_token &stop);
  void headers (GstEvent *event);
  void segment (const GstSegment &segment);
  Outcome buffer (GstPad *pad, GstBuffer *buffer);
  Outcome end (GstPad *pad);
  // Between two buffers: the thread is with the branches, for as long as they
  // want.
  void rest (bool on)
  {
    if (on_) progress_->rest (on);
  }
  // From any thread: ends the wait for the disk.
  void stop ();
  // From any thread: what comes next is somewhere else.
  void cut ();
  // From any thread: nothing more is kept. False if nothing was.
  bool drop ();

  struct Closed
  {
    std::uint64_t skipped_slices = 0;
    // It became whole.
    bool stored = false;
    // What nobody was told yet.
    std::optional<store::Failure> failure;
  };
  Closed close ();
  // Bytes that were handed over to be kept since it was asked last.
  [[nodiscard]] std::uint64_t take_written () { return written_.exchange (0); }

private:
  struct State
  {
    std::optional<bytestream::Stream> stream;
    bool renews = false;
    bool may_serve = false;
    bool was_stored = false;
    bool is_filled = false;
    std::uint64_t skipped = 0;
    cacherecorder::SlowStore slow_store = cacherecorder::SlowStore::automatic;
    std::optional<std::chrono::milliseconds> patience;
    std::stop_source stop;
    std::optional<record::Facts> headers;
    // Claimed before it was known where upstream begins.
    std::unique_ptr<bytestream::Filler> filler;
    // The segment that nothing has come of yet.
    bool pending = false;
    std::uint64_t position = 0;
    // Where upstream was asked to stop.
    std::uint64_t until = bytestream::unknown;
    std::shared_ptr<bytefeed::Feed> feed;
  };
  // With how long it may wait.
  struct Current
  {
    std::shared_ptr<bytefeed::Feed> feed;
    std::chrono::milliseconds patience{0};
    std::stop_token stop;
    std::optional<bytestream::Stream> stream;
  };
  Current current (GstPad *pad);
  std::shared_ptr<bytefeed::Feed> feed (GstPad *pad);
  static void agree (State &state, const record::Facts &facts);
  Outcome check (const store::Result<relay::Done> &result);

  relay::Guarded<State> state_;
  const std::shared_ptr<bytestream::Progress> progress_ =
      std::make_shared<bytestream::Progress> ();
  std::atomic<bool> on_ = false;
  std::atomic<std::uint64_t> written_ = 0;
};

}  // namespace cachetape

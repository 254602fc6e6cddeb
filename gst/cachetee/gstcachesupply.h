// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/gst.h>

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <optional>
#include <stop_token>

#include "bytefeed.h"
#include "byteplan.h"
#include "bytestream.h"
#include "common/guarded.h"
#include "gstcachereport.h"
#include "junction.h"

// A byte stream that the branches play, and upstream, which is kept waiting but
// for what is missing of it, or to say whether it is still the same.
namespace cachesupply {

// What a branch plays.
struct Reader
{
  std::optional<bytestream::Stream> stream;
  unsigned generation = 0;
  // It has pushed some of it, and never gets any other.
  bool begun = false;
  // It wants nothing from there on; what is fetched goes on to the end of the
  // slice.
  std::uint64_t end = bytestream::unknown;
  // How often it was fetched in vain.
  std::uint64_t missed_at = 0;
  unsigned misses = 0;
};

class Supply
{
public:
  Supply (GstPad *sinkpad, junction::Junction &junction,
      cachereport::Report &report)
      : sinkpad_ (sinkpad), junction_ (junction), report_ (report)
  {
  }

  // For the next run: serve, check or grace.
  void start (bytestream::Stream stream, byteplan::Plan plan);
  [[nodiscard]] bool is_on () const { return on_; }
  // Ends every wait.
  void stop ();
  // Lets go of everything, and waits until it is on the disk. True if it became
  // whole.
  bool clear ();
  // What is served; none if nothing is.
  [[nodiscard]] std::optional<bytestream::Stream> stream ();
  // What is fetched now is of another resource than what was pushed.
  [[nodiscard]] bool is_another (const Reader &reader);

  // For upstream's thread, before it waits: from here on it can be sent
  // somewhere.
  void arrive ();
  // It was told that nobody plays: it goes on only if it is sought.
  void leave ();
  // As long as it is to send something. What it sends is for nobody else.
  enum class Answer
  {
    taken,
    // It is to wait here.
    hold,
    // It is another resource: it is to be passed on, and kept in stream ().
    other,
  };
  // `refused`: why this answer is not to be kept, or null.
  Answer event (GstEvent *event, const char *refused = nullptr);
  Answer buffer (GstBuffer *buffer);
  // From whoever flushes.
  void flush (bool starts);
  // Nobody is linked there any more.
  void unlink ();

  // For a branch's thread: what it plays. False if nothing is served any more,
  // or it is to stop.
  bool begin (Reader &reader, const std::stop_token &stop);
  // Waits for what somebody is about to send, and has
  // upstream send what nobody has: a hole is what cannot be had.
  bytestream::Found get (Reader &reader, std::uint64_t offset,
      std::size_t limit, const std::stop_token &stop);

private:
  using Place = byteplan::Place;
  struct State
  {
    std::optional<bytestream::Stream> stream;
    // Of the resource; those before it get no more of it.
    unsigned generation = 0;
    bool was_stored = false;
    bool stopped = true;
    // Nothing is pushed before upstream has answered.
    bool checking = false;
    // Upstream is asked, or sends another generation, for later runs.
    bool aside = false;
    // Somebody sends upstream somewhere.
    bool moving = false;
    // It is sent there: what comes before it is flushed is not of
    // there.
    bool leaving = false;
    // Upstream fills what was claimed.
    bool feeding = false;
    // Upstream has started.
    bool arrived = false;
    // It is to wait behind its headers; and does.
    bool hold_wanted = false;
    bool holding = false;
    // What it sends cannot be used.
    bool broken = false;
    bool answered = false;
    bool is_partial = false;
    // What it sends is not to be kept.
    const char *refused = nullptr;
    Place place;
    std::uint64_t segment_stop = bytestream::unknown;
    std::unique_ptr<bytestream::Filler> filler;
    std::shared_ptr<bytefeed::Feed> feed;
    // Ends the wait for the disk.
    std::stop_source stop;
    // Branches that wait for what is claimed.
    unsigned waiting = 0;
    std::uint64_t corrupt = 0;
    std::uint64_t version = 0;
  };
  using Access = relay::Guarded<State>::Access;

  void changed (Access &access)
  {
    access->version++;
    changed_.notify_all ();
  }
  void rest (Access &access);
  Answer answer (std::optional<record::Facts> headers);
  Answer answer_check (bool is_same, const record::Facts &facts);
  Answer answer_aside (bool is_same, const record::Facts &facts);
  void refuse (const char *why);
  Answer segment (GstEvent *event);
  void end ();
  void break_off ();
  bool await (
      Access &access, std::uint64_t version, const std::stop_token &stop);
  void note_corrupt (const bytestream::Stream &stream);
  bool is_far (std::uint64_t offset);
  bytestream::Found wait (const bytestream::Stream &stream,
      std::uint64_t offset, std::size_t limit, const std::stop_token &stop);
  bool fetch (const bytestream::Stream &stream, bytestream::Range wanted,
      const std::stop_token &stop);
  bool bring (std::unique_ptr<bytestream::Filler> filler, std::uint64_t total,
      const std::stop_token &stop);
  bool seek (std::unique_ptr<bytestream::Filler> &filler, bool rest);
  bool go_on (std::unique_ptr<bytestream::Filler> filler);
  bool wait_for_headers (const std::stop_token &stop);
  void note_partial ();

  // The element's lifetime is ours.
  GstPad *const sinkpad_;
  junction::Junction &junction_;
  cachereport::Report &report_;
  std::atomic<bool> on_ = false;
  relay::Guarded<State> state_;
  std::condition_variable changed_;
};

}  // namespace cachesupply

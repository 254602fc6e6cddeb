// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "common/guarded.h"

// Where the branches of a tee are switched between two who feed them: the
// thread of upstream, and one thread for each branch that plays from the cache.
// It knows who has to wait for whom, and nothing of what is fed.
namespace junction {

enum class Mode
{
  // Upstream feeds all.
  tee,
  // Upstream waits, each branch plays.
  replay,
  // The cache failed at one record. Upstream begins again; who plays goes on up
  // to there and is then fed by upstream.
  resume,
};

// What becomes of what upstream sends.
enum class Entry
{
  // It goes to the branches.
  pass,
  // The branches play, and what comes is what is missing of what they play.
  fill,
  // To nobody: the cache is played.
  drop,
  // The cache was played to its end; upstream may end too.
  over,
  // Upstream is to stop.
  stopped,
};

// What of a branch the junction keeps; a user derives from it.
struct Branch
{
  // Fed by upstream.
  std::atomic<bool> live = true;
  std::atomic<bool> removed = false;

private:
  friend class Junction;
  // How often it got a peer.
  unsigned links = 0;
  // The record that it plays next.
  std::size_t index = 0;
  bool stop = false;
  // Waits for a peer.
  bool idle = false;
  // Plays no more: it is at the end, or failed.
  bool ended = false;
};

class Junction
{
public:
  // Before any data flows, and after: stop ends every wait and keeps new ones
  // from beginning.
  void start (bool replay);
  void stop ();
  [[nodiscard]] Mode mode ();
  // Upstream passes, and nothing is to be waited for or compared: the common
  // case, which takes no lock.
  [[nodiscard]] bool is_open () const { return open_; }

  void add (const std::shared_ptr<Branch> &branch);
  void remove (Branch &branch);
  void link (Branch &branch);

  // While the cache is played: upstream is to send what is missing of it, or to
  // wait again.
  void want (bool on);
  // What is played comes from upstream after all, from the beginning: nobody
  // has played anything yet. False if nothing is played.
  bool feed ();
  // The other way round, before upstream has sent anything.
  void replay ();
  // Nobody plays on: upstream has nothing more to wait for, and each branch is
  // to end.
  void finish ();
  [[nodiscard]] bool is_finished () const { return finished_; }

  // For upstream's thread. Waits as long as the cache is played, or until
  // `gives_up`, which is asked now and then, says so.
  Entry admit (const std::function<bool ()> &gives_up);
  // The same for one that must not wait. Once something was dropped or is over
  // upstream cannot step in for the cache.
  Entry pass_by ();
  void flush (bool on);
  void unlink ();
  // On resume: waits until everyone whom upstream is to feed is where the
  // cache failed. Who waits for a peer is joined as one that comes now.
  bool join ();

  // For a branch's thread. Waits for a peer, if it has had no other than the
  // `links` before; false if it has nothing more to play.
  bool may_play (
      Branch &branch, std::size_t index, bool at_boundary, unsigned links);
  [[nodiscard]] unsigned links (const Branch &branch);
  // The cache failed at this record, with so many bytes played.
  enum class Failure
  {
    // Upstream is to send it; the first to find out says so.
    first,
    known,
    // The branch has played past the place where the others are joined, or
    // upstream is.
    too_late,
  };
  Failure fail (std::size_t index, std::uint64_t bytes);
  [[nodiscard]] std::uint64_t resume_bytes ();
  // True if there is nobody left who plays.
  bool end (Branch &branch);
  // It goes on: it was sent somewhere else.
  void again (Branch &branch);
  // How many threads wait here.
  [[nodiscard]] std::size_t waits ();

private:
  struct State
  {
    std::vector<std::shared_ptr<Branch>> branches;
    Mode mode = Mode::tee;
    bool running = false;
    bool flushing = false;
    bool wanted = false;
    // Upstream has gone on, or ended, without the branches.
    bool gone = false;
    unsigned unlinks = 0;
    std::size_t resume_index = 0;
    std::uint64_t resume_bytes = 0;
    std::size_t waits = 0;
  };
  static bool is_behind (const State &state, const Branch &branch);
  [[nodiscard]] bool is_over (const State &state) const;
  static bool must_stop (const State &state, unsigned unlinks);

  void update (const State &state);

  relay::Guarded<State> state_;
  std::atomic<bool> open_ = false;
  std::atomic<bool> finished_ = false;
  std::condition_variable changed_;
};

}  // namespace junction

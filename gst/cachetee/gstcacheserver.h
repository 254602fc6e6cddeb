// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/gst.h>

#include <memory>
#include <optional>

#include "common/guarded.h"
#include "gstcachebranch.h"
#include "gstcacheitem.h"
#include "gstcachejoin.h"
#include "gstcacheplayer.h"
#include "gstcachereport.h"
#include "gstcachesettings.h"
#include "gstcacheworkers.h"
#include "junction.h"
#include "store.h"

// What the thread of a branch does on a hit: it plays the packets of an object,
// or a byte stream.
namespace cacheserver {

class Server
{
public:
  Server (GstElement *element, GstPad *sinkpad, junction::Junction &junction,
      cachereport::Report &report, cacheworkers::Workers &workers,
      const cachesettings::Switches &switches, cacheplayer::Player &player,
      cachejoin::Trail &trail)
      : element_ (element),
        sinkpad_ (sinkpad),
        junction_ (junction),
        report_ (report),
        workers_ (workers),
        switches_ (switches),
        player_ (player),
        trail_ (trail)
  {
  }

  // For the next run; null if there are no packets to serve.
  void start (std::shared_ptr<const store::Reader> reader,
      std::shared_ptr<const slices::Share> memory);
  void stop ();
  [[nodiscard]] std::shared_ptr<const store::Reader> reader ();

  // Starts a branch's thread.
  void serve (const std::shared_ptr<cachebranch::Branch> &branch);

private:
  struct Run
  {
    std::shared_ptr<const store::Reader> reader;
    std::shared_ptr<const slices::Share> memory;
    guint32 seqnum = 0;
    guint group_id = 0;
  };
  enum class Played
  {
    taken,
    not_linked,
    over,
  };
  void run_branch (cachebranch::Branch &branch);
  void play (cachebranch::Branch &branch, const Run &run);
  static void play_held (GstPad *pad, cachejoin::Reader &reader);
  store::Result<std::optional<cacheitem::Player::Item>> next (
      cacheitem::Player &player, cachejoin::Reader &reader);
  Played play_buffer (cachebranch::Branch &branch, cachejoin::Reader &reader,
      relay::Owned<GstBuffer> buffer);
  Played play_buffer (
      cachebranch::Branch &branch, relay::Owned<GstBuffer> buffer);
  void send_eos (cachebranch::Branch &branch);
  bool resume_upstream (const cacheitem::Player &player, store::Failure why);

  // The element's lifetime is ours.
  GstElement *const element_;
  GstPad *const sinkpad_;
  junction::Junction &junction_;
  cachereport::Report &report_;
  cacheworkers::Workers &workers_;
  const cachesettings::Switches &switches_;
  cacheplayer::Player &player_;
  cachejoin::Trail &trail_;
  relay::Guarded<Run> run_;
};

}  // namespace cacheserver

// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gstcacheserver.h"

#include <utility>

GST_DEBUG_CATEGORY_EXTERN (cachetee_debug);
#define GST_CAT_DEFAULT cachetee_debug

namespace cacheserver {

using cachebranch::Branch;
using relay::Owned;

void Server::start (std::shared_ptr<const store::Reader> reader,
    std::shared_ptr<const slices::Share> memory)
{
  auto run = run_.lock ();
  run->reader = std::move (reader);
  run->memory = std::move (memory);
  run->seqnum = gst_util_seqnum_next ();
  run->group_id = gst_util_group_id_next ();
}

void Server::stop ()
{
  *run_.lock () = {};
}

std::shared_ptr<const store::Reader> Server::reader ()
{
  return run_.lock ()->reader;
}

void Server::serve (const std::shared_ptr<Branch> &branch)
{
  if (branch->pulls) return;
  workers_.start (
      branch, run_.lock ()->seqnum, [this] (Branch &it) { run_branch (it); });
}

void Server::run_branch (Branch &branch)
{
  Run run = run_.copy ();
  if (run.reader != nullptr)
    play (branch,
        cacheitem::Player (run.reader, run.memory, run.seqnum, run.group_id));
  else
    player_.run (branch, run.seqnum, run.group_id);
  // Nobody is to wait for it.
  if (!branch.live) junction_.end (branch);
}

void Server::send_eos (Branch &branch)
{
  // Before the EOS: with the last one an application may stop listening.
  if (junction_.end (branch)) report_.post_stats ();
  Owned<GstEvent> eos{gst_event_new_eos ()};
  gst_event_set_seqnum (eos.get (), run_.lock ()->seqnum);
  gst_pad_push_event (branch.pad.get (), eos.release ());
}

// The cache cannot go on, but upstream can send what is missing. False if it
// cannot, because nothing is linked or it is too late for this branch.
bool Server::resume_upstream (
    const cacheitem::Player &player, store::Failure why)
{
  using Failure = junction::Junction::Failure;
  if (!gst_pad_is_linked (sinkpad_)) return false;
  Failure failure = junction_.fail (player.index (), player.delivered ());
  if (failure != Failure::first) return failure == Failure::known;
  report_.resumed (player.index (), why);
  return true;
}

Server::Played Server::play_buffer (Branch &branch, Owned<GstBuffer> buffer)
{
  gsize size = gst_buffer_get_size (buffer.get ());
  report_.pushes ();
  GstFlowReturn flow = gst_pad_push (branch.pad.get (), buffer.release ());
  if (flow == GST_FLOW_OK) {
    report_.counters.bytes_from_cache += size;
    report_.counters.bytes_sent += size;
    return Played::taken;
  }
  if (flow == GST_FLOW_NOT_LINKED) return Played::not_linked;
  // One that is released may fail as it likes.
  if (flow == GST_FLOW_FLUSHING || branch.removed) return Played::over;
  if (switches_.isolate)
    report_.isolated (branch.pad.get (), flow);
  else if (flow != GST_FLOW_EOS)
    GST_ELEMENT_FLOW_ERROR (element_, flow);
  send_eos (branch);
  return Played::over;
}

// With no peer it waits for another link than those it has had; a ghost pad
// shows only by its result that it has none.
void Server::play (Branch &branch, cacheitem::Player player)
{
  constexpr unsigned any = ~0U;
  unsigned no_peer = any;
  while (junction_.may_play (
      branch, player.index (), player.at_boundary (), no_peer)) {
    unsigned links = junction_.links (branch);
    no_peer = links;
    if (!gst_pad_is_linked (branch.pad.get ())) continue;
    no_peer = any;
    store::Result<cacheitem::Player::Item> item = player.next ();
    cacheitem::Player::Levels levels = player.levels ();
    report_.counters.bytes_from_l1 += levels.l1;
    report_.counters.bytes_from_l2 += levels.l2;
    if (!item) {
      if (resume_upstream (player, item.error ())) continue;
      report_.damaged (player.index (), item.error ());
      return send_eos (branch);
    }
    if (item->event != nullptr) {
      gst_pad_push_event (branch.pad.get (), item->event.release ());
      continue;
    }
    if (item->buffer == nullptr || junction_.is_finished ())
      return send_eos (branch);
    Played played = play_buffer (branch, std::move (item->buffer));
    if (played == Played::over) return;
    if (played == Played::taken) continue;
    player.again ();
    no_peer = links;
  }
}

}  // namespace cacheserver

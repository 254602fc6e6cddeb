// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gstcacheserver.h"

#include <utility>
#include <vector>

#include "gstcachelate.h"

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
    play (branch, run);
  else
    player_.run (branch, run.seqnum, run.group_id);
  branch.at_end = true;
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

// What one that comes late gets first.
void Server::play_held (GstPad *pad, cachejoin::Reader &reader)
{
  if (reader.held.empty ()) return;
  std::vector<GstEvent *> events;
  for (const cachejoin::Item &item : reader.held)
    events.push_back (GST_EVENT_CAST (item.object.get ()));
  cachelate::push_held (pad, events);
  reader.held.clear ();
}

Server::Played Server::play_buffer (
    Branch &branch, cachejoin::Reader &reader, Owned<GstBuffer> buffer)
{
  if (reader.offset)
    gst_pad_set_offset (
        branch.pad.get (), *std::exchange (reader.offset, std::nullopt));
  std::vector<Owned<GstBuffer>> buffers;
  for (const cachejoin::Item &header : std::exchange (reader.headers, {}))
    buffers.push_back (relay::share (GST_BUFFER_CAST (header.object.get ())));
  buffers.push_back (std::move (buffer));
  if (std::exchange (reader.discont, false)) {
    Owned<GstBuffer> &first = buffers.front ();
    first.reset (gst_buffer_make_writable (first.release ()));
    GST_BUFFER_FLAG_SET (first.get (), GST_BUFFER_FLAG_DISCONT);
  }
  for (Owned<GstBuffer> &one : buffers) {
    Played played = play_buffer (branch, std::move (one));
    if (played != Played::taken) return played;
  }
  return Played::taken;
}

// What one gets next; nothing if it is left out.
store::Result<std::optional<cacheitem::Player::Item>> Server::next (
    cacheitem::Player &player, cachejoin::Reader &reader)
{
  store::Result<cacheitem::Player::Item> item = player.next ();
  cacheitem::Player::Levels levels = player.levels ();
  report_.counters.bytes_from_l1 += levels.l1;
  report_.counters.bytes_from_l2 += levels.l2;
  if (!item) return item.error ();
  bool is_end = item->event == nullptr && item->buffer == nullptr;
  if (trail_.is_on () && !is_end && !cachejoin::Trail::take (reader, *item))
    return std::optional<cacheitem::Player::Item> ();
  return std::optional<cacheitem::Player::Item> (*std::move (item));
}

// With no peer it waits for another link than those it has had; a ghost pad
// shows only by its result that it has none.
void Server::play (Branch &branch, const Run &run)
{
  constexpr unsigned any = ~0U;
  unsigned no_peer = any;
  auto begin = [&run] {
    return cacheitem::Player (run.reader, run.memory, run.seqnum, run.group_id);
  };
  cacheitem::Player player = begin ();
  cachejoin::Reader reader;
  bool has_taken = false;
  while (junction_.may_play (
      branch, player.index (), player.at_boundary (), no_peer)) {
    unsigned links = junction_.links (branch);
    no_peer = links;
    if (!gst_pad_is_linked (branch.pad.get ())) continue;
    no_peer = any;
    const bool is_logged = trail_.is_on ();
    if (is_logged && !reader.begun) {
      trail_.join (branch, begin, player, reader);
      play_held (branch.pad.get (), reader);
      // Where it is now is to be known.
      continue;
    }
    auto item = next (player, reader);
    if (!item) {
      if (resume_upstream (player, item.error ())) continue;
      report_.damaged (player.index (), item.error ());
      return send_eos (branch);
    }
    Played played = Played::taken;
    if (*item && (*item)->event != nullptr) {
      gst_pad_push_event (branch.pad.get (), (*item)->event.release ());
    } else if (*item) {
      if ((*item)->buffer == nullptr || junction_.is_finished ())
        return send_eos (branch);
      played = play_buffer (branch, reader, std::move ((*item)->buffer));
      has_taken |= played == Played::taken;
    }
    if (played == Played::over) return;
    if (played == Played::taken) {
      if (is_logged) cachejoin::Trail::passed (branch, reader);
      continue;
    }
    no_peer = links;
    player.again ();
    if (!is_logged || has_taken) continue;
    // It comes when it is linked.
    player = begin ();
    reader = {};
    branch.number = 0;
  }
}

}  // namespace cacheserver

// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/gst.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "common/gstpp.h"
#include "gstcachemeta.h"
#include "slices.h"
#include "store.h"

// Events and buffers as what the store keeps, and back.
namespace cacheitem {

// Kept: stream-start, caps, segment, tag, protection, gap. Others concern
// one run only, or may hold what must not be kept (http-headers has cookies).
bool is_kept (GstEventType type);

// Nothing if the event does not come back as it was.
std::optional<std::vector<std::uint8_t>> encode (GstEvent *event);
// Null if these bytes are no event.
relay::Owned<GstEvent> decode (std::span<const std::uint8_t> bytes);
// The same but for what belongs to one run: seqnum, stream object.
bool is_same (GstEvent *a, GstEvent *b);

// The metas of the buffers that follow, as cachemeta has them: kept like an
// event, each time that they change.
std::vector<std::uint8_t> encode_metas (const std::string &metas);
record::Packet packet_of (GstBuffer *buffer);
// The payload mapped, for as long as somebody holds on to the chunk. Of a
// pool's buffer it is a copy: the pool may have no other. Nothing if it cannot
// be mapped.
std::optional<store::Chunk> chunk_of (GstBuffer *buffer);

// A chunk as one of GStreamer's, without a copy. Nobody may write to it.
relay::Owned<GstMemory> wrap (store::Chunk chunk);

// Plays a whole object back, for one branch.
class Player
{
public:
  // All branches of a run share the seqnum and the group id of its events.
  Player (std::shared_ptr<const store::Reader> reader,
      std::shared_ptr<const slices::Share> memory, guint32 seqnum,
      guint group_id);

  // One of the two, or, with neither, the end. A failure says that what comes
  // next cannot be had; the record is index ().
  struct Item
  {
    relay::Owned<GstEvent> event;
    relay::Owned<GstBuffer> buffer;
  };
  store::Result<Item> next ();
  // The last item was a buffer and nobody took it: next () makes it again.
  void again ();

  // Between two items.
  struct Place
  {
    std::size_t index = 0;
    // In the slice there; without one it begins there.
    std::size_t packet = 0;
    std::size_t offset = 0;
    // Payload of the buffers before it, and before the slice.
    std::uint64_t delivered = 0;
    std::uint64_t delivered_before = 0;
    std::shared_ptr<const cachemeta::Metas> metas;
  };
  [[nodiscard]] Place place () const;
  // The next item is the one there.
  void go (const Place &place);

  // The next record to be read, and whether next () is going to read it.
  [[nodiscard]] std::size_t index () const { return index_; }
  [[nodiscard]] bool at_boundary () const
  {
    return packet_ == packets_.size ();
  }
  // Payload of the buffers so far.
  [[nodiscard]] std::uint64_t delivered () const { return delivered_; }
  // Payload that was read since it was asked last, by where it was.
  struct Levels
  {
    std::uint64_t l1 = 0;
    std::uint64_t l2 = 0;
  };
  [[nodiscard]] Levels levels () { return std::exchange (levels_, Levels{}); }

private:
  store::Result<store::Chunk> load ();
  store::Result<Item> read_event ();
  store::Result<relay::Done> read_slice ();
  bool read_slice_at (const Place &place);
  // Null as long as the packet goes on in the next slice.
  store::Result<relay::Owned<GstBuffer>> take_packet ();

  std::shared_ptr<const store::Reader> reader_;
  std::shared_ptr<const slices::Share> memory_;
  guint32 seqnum_;
  guint group_id_;
  std::size_t index_ = 0;
  // The slice before index_, and where we are in it.
  relay::Owned<GstMemory> slice_;
  std::vector<record::Packet> packets_;
  std::size_t packet_ = 0;
  std::size_t offset_ = 0;
  std::uint64_t delivered_ = 0;
  std::uint64_t delivered_before_ = 0;
  Levels levels_;
  // Those of the next buffers; null: none.
  std::shared_ptr<const cachemeta::Metas> metas_;
  // What we have of a packet that goes on, and where the last one began.
  relay::Owned<GstBuffer> open_;
  Place begin_;
  std::size_t size_ = 0;
};

}  // namespace cacheitem

// SPDX-License-Identifier: LGPL-2.1-or-later
#include "config.h"

#include "gstpacketpool.h"

#include <atomic>
#include <utility>

#include "common/guarded.h"

using relay::Guarded;
using relay::Owned;

namespace packetpool {

// A GstMemory of a packet, or a share of one.
struct Piece
{
  GstMemory memory{};                    // first: GStreamer knows it by this
  Packet *packet = nullptr;              // null: a share
  std::atomic<guint8 *> data = nullptr;  // atomic: mapped in other threads
};

// What came back, and waits to be used again.
struct Store
{
  struct Returned
  {
    Packet *first = nullptr;
    gsize count = 0;
    bool closed = false;
  };
  Guarded<Returned> returned;
};

// Lives as long as one of its two memories. The bytes are written when it is
// taken.
// NOLINTNEXTLINE(*-member-init)
struct Packet
{
  Piece header;
  Piece payload;
  std::atomic<int> pieces = 2;
  std::shared_ptr<Store> store;
  std::shared_ptr<const Region> region;
  GstBuffer *buffer = nullptr;
  Packet *next = nullptr;
  std::array<guint8, Pool::header_capacity> bytes;
};

namespace {

// More than a frame of 5 MB has; what comes back above it is freed.
constexpr gsize max_returned = 4096;

Piece *piece_of (GstMemory *memory)
{
  return reinterpret_cast<Piece *> (memory);
}

// Names of GTypes are those of the whole process.
struct GstRtpMjpegPayAllocator
{
  GstAllocator parent;
};
struct GstRtpMjpegPayAllocatorClass
{
  GstAllocatorClass parent_class;
};

G_DEFINE_TYPE (
    GstRtpMjpegPayAllocator, gst_rtp_mjpeg_pay_allocator, GST_TYPE_ALLOCATOR)

gpointer map_piece (GstMemory *memory, gsize, GstMapFlags)
{
  return piece_of (memory)->data.load ();
}

void unmap_piece (GstMemory *) {}

GstMemory *share_piece (GstMemory *memory, gssize offset, gssize size)
{
  auto *share = new Piece;
  share->data = piece_of (memory)->data.load ();
  gsize from = memory->offset + static_cast<gsize> (offset);
  gsize length = size < 0 ? memory->size - static_cast<gsize> (offset)
                          : static_cast<gsize> (size);
  GstMemory *parent = memory->parent != nullptr ? memory->parent : memory;
  gst_memory_init (&share->memory,
      static_cast<GstMemoryFlags> (
          GST_MINI_OBJECT_FLAGS (parent) | GST_MINI_OBJECT_FLAG_LOCK_READONLY),
      memory->allocator, parent, memory->maxsize, 0, from, length);
  return &share->memory;
}

void free_piece (GstAllocator *, GstMemory *memory)
{
  Packet *packet = piece_of (memory)->packet;
  if (packet == nullptr)
    delete piece_of (memory);
  else if (packet->pieces.fetch_sub (1) == 1)
    delete packet;
}

void gst_rtp_mjpeg_pay_allocator_class_init (
    GstRtpMjpegPayAllocatorClass *klass)
{
  // Without alloc: a copy of a piece is ordinary memory.
  klass->parent_class.free = free_piece;
}

void gst_rtp_mjpeg_pay_allocator_init (GstRtpMjpegPayAllocator *self)
{
  GstAllocator *allocator = &self->parent;
  allocator->mem_type = "RtpMjpegPacket";
  allocator->mem_map = map_piece;
  allocator->mem_unmap = unmap_piece;
  allocator->mem_share = share_piece;
  GST_OBJECT_FLAG_SET (allocator, GST_ALLOCATOR_FLAG_CUSTOM_ALLOC);
}

GstAllocator *the_allocator ()
{
  static GstAllocator *const allocator = [] {
    auto *made = static_cast<GstAllocator *> (
        g_object_new (gst_rtp_mjpeg_pay_allocator_get_type (), nullptr));
    gst_object_ref_sink (made);
    GST_OBJECT_FLAG_SET (made, GST_OBJECT_FLAG_MAY_BE_LEAKED);
    return made;
  }();
  return allocator;
}

bool is_alone (GstMemory *memory)
{
  return memory->allocator == the_allocator () &&
         GST_MINI_OBJECT_REFCOUNT_VALUE (memory) == 1;
}

// The packet that a buffer is, unless somebody has changed what it is made of
// or still has a part of it.
Packet *packet_of (GstBuffer *buffer)
{
  if (gst_buffer_n_memory (buffer) != 2) return nullptr;
  GstMemory *header = gst_buffer_peek_memory (buffer, 0);
  GstMemory *payload = gst_buffer_peek_memory (buffer, 1);
  if (!is_alone (header) || !is_alone (payload)) return nullptr;
  Packet *packet = piece_of (header)->packet;
  if (packet == nullptr || piece_of (payload) != &packet->payload ||
      packet->buffer != buffer)
    return nullptr;
  return packet;
}

gboolean drop_meta (GstBuffer *, GstMeta **meta, gpointer)
{
  *meta = nullptr;
  return TRUE;
}

// GstMiniObjectDisposeFunction: "Implementation of the mini object are allowed
// to revive the passed object by doing a gst_mini_object_ref()."
gboolean give_back (GstMiniObject *object)
{
  auto *buffer = reinterpret_cast<GstBuffer *> (object);
  Packet *packet = packet_of (buffer);
  if (packet == nullptr) return TRUE;
  packet->region.reset ();

  gst_buffer_ref (buffer);
  // Before the lock is taken: a meta may hold another packet.
  gst_buffer_foreach_meta (buffer, drop_meta, nullptr);
  {
    auto returned = packet->store->returned.lock ();
    if (!returned->closed && returned->count < max_returned) {
      packet->next = std::exchange (returned->first, packet);
      returned->count++;
      return FALSE;
    }
  }
  object->dispose = nullptr;
  gst_buffer_unref (buffer);
  return FALSE;
}

Packet *new_packet (const std::shared_ptr<Store> &store)
{
  auto *packet = new Packet;
  packet->store = store;
  packet->header.packet = packet;
  packet->header.data = packet->bytes.data ();
  packet->payload.packet = packet;
  gst_memory_init (&packet->header.memory, static_cast<GstMemoryFlags> (0),
      the_allocator (), nullptr, packet->bytes.size (), 0, 0, 0);
  gst_memory_init (&packet->payload.memory, GST_MEMORY_FLAG_READONLY,
      the_allocator (), nullptr, 0, 0, 0, 0);
  packet->buffer = gst_buffer_new ();
  gst_buffer_append_memory (packet->buffer, &packet->header.memory);
  gst_buffer_append_memory (packet->buffer, &packet->payload.memory);
  GST_MINI_OBJECT_CAST (packet->buffer)->dispose = give_back;
  return packet;
}

void reset (GstBuffer *buffer)
{
  GST_BUFFER_PTS (buffer) = GST_CLOCK_TIME_NONE;
  GST_BUFFER_DTS (buffer) = GST_CLOCK_TIME_NONE;
  GST_BUFFER_DURATION (buffer) = GST_CLOCK_TIME_NONE;
  GST_BUFFER_OFFSET (buffer) = GST_BUFFER_OFFSET_NONE;
  GST_BUFFER_OFFSET_END (buffer) = GST_BUFFER_OFFSET_NONE;
  GST_MINI_OBJECT_FLAGS (buffer) = GST_BUFFER_FLAG_TAG_MEMORY;
}

void free_all (Packet *packet)
{
  while (packet != nullptr) {
    Packet *next = packet->next;
    gst_buffer_unref (packet->buffer);
    packet = next;
  }
}

}  // namespace

std::shared_ptr<const Region> Region::of (GstMemory *memory)
{
  if (GST_MEMORY_IS_NO_SHARE (memory)) return nullptr;
  GstMapInfo info;
  if (!gst_memory_map (memory, &info, GST_MAP_READ)) return nullptr;
  return std::make_shared<const Region> (memory, info);
}

Region::Region (GstMemory *memory, const GstMapInfo &info)
    : memory_ (relay::share (memory)), info_ (info)
{
}

Region::~Region ()
{
  gst_memory_unmap (memory_.get (), &info_);
}

Pool::Pool () : store_ (std::make_shared<Store> ()) {}

Pool::~Pool ()
{
  Packet *first = nullptr;
  {
    auto returned = store_->returned.lock ();
    returned->closed = true;
    first = std::exchange (returned->first, nullptr);
  }
  free_all (first);
  free_all (spare_);
}

std::shared_ptr<const Region> Pool::region (GstMemory *memory)
{
  std::shared_ptr<const Region> last = last_region_.lock ();
  if (last && last->memory () == memory) return last;
  last = Region::of (memory);
  last_region_ = last;
  return last;
}

Pool::Taken Pool::take (const std::shared_ptr<const Region> &region,
    gsize header_size, gsize offset, gsize size)
{
  if (spare_ == nullptr) {
    auto returned = store_->returned.lock ();
    spare_ = std::exchange (returned->first, nullptr);
    returned->count = 0;
  }
  Packet *packet = spare_;
  if (packet == nullptr)
    packet = new_packet (store_);
  else
    spare_ = std::exchange (packet->next, nullptr);

  packet->region = region;
  packet->header.memory.offset = 0;
  packet->header.memory.size = header_size;
  packet->payload.data = region->data () + offset;
  packet->payload.memory.maxsize = size;
  packet->payload.memory.offset = 0;
  packet->payload.memory.size = size;
  reset (packet->buffer);
  return {Owned<GstBuffer> (packet->buffer), packet->bytes.data ()};
}

}  // namespace packetpool

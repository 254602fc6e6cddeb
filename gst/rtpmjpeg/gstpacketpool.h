// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/gst.h>

#include <array>
#include <memory>

#include "common/gstpp.h"

// RTP packets that are used again: what a packet costs is not its bytes but the
// objects around them, and their locks. As with a GstBufferPool, weak
// references and qdata of a buffer last longer than its user has it.
namespace packetpool {

// A memory that is mapped for as long as a packet shows a part of it.
class Region
{
public:
  // Null if it cannot be mapped, or must not be shared.
  [[nodiscard]] static std::shared_ptr<const Region> of (GstMemory *memory);

  Region (GstMemory *memory, const GstMapInfo &info);
  ~Region ();
  Region (const Region &) = delete;
  Region &operator= (const Region &) = delete;

  [[nodiscard]] guint8 *data () const { return info_.data; }
  [[nodiscard]] GstMemory *memory () const { return memory_.get (); }

private:
  relay::Owned<GstMemory> memory_;
  GstMapInfo info_;
};

struct Store;
struct Packet;

// Not thread-safe; the packets may be let go in any thread, also when the pool
// is gone.
class Pool
{
public:
  // Of the headers of a packet.
  static constexpr gsize header_capacity = 448;

  Pool ();
  ~Pool ();
  Pool (const Pool &) = delete;
  Pool &operator= (const Pool &) = delete;

  // Of a memory. A picture that is sent again and again is mapped once: a
  // memory counts no more than 255 mappings.
  [[nodiscard]] std::shared_ptr<const Region> region (GstMemory *memory);

  struct Taken
  {
    relay::Owned<GstBuffer> buffer;
    guint8 *header;  // to be written
  };
  // A packet of two memories: `header_size` bytes, at most header_capacity, and
  // the `size` bytes of the region from `offset` on.
  [[nodiscard]] Taken take (const std::shared_ptr<const Region> &region,
      gsize header_size, gsize offset, gsize size);

private:
  std::shared_ptr<Store> store_;
  Packet *spare_ = nullptr;
  std::weak_ptr<const Region> last_region_;
};

}  // namespace packetpool

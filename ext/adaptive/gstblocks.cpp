// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gstblocks.h"

#include "common/guarded.h"

namespace gstblocks {

namespace {

struct Lent
{
  std::shared_ptr<pool::Pool> pool;
  pool::Block block;
};

void on_free (gpointer data)
{
  std::unique_ptr<Lent> lent (static_cast<Lent *> (data));
  lent->pool->give_back (std::move (lent->block));
}

}  // namespace

std::shared_ptr<pool::Pool> shared_pool ()
{
  static auto *known = new relay::Guarded<std::weak_ptr<pool::Pool>>;
  auto weak = known->lock ();
  std::shared_ptr<pool::Pool> pool = weak->lock ();
  if (!pool) {
    pool = std::make_shared<pool::Pool> ();
    *weak = pool;
  }
  return pool;
}

relay::Owned<GstBuffer> make_buffer (
    const std::shared_ptr<pool::Pool> &pool, gsize size)
{
  auto lent = std::make_unique<Lent> (Lent{pool, pool->take (size)});
  if (!lent->block.data) return nullptr;
  relay::Owned<GstBuffer> buffer{gst_buffer_new ()};
  pool::Block &block = lent->block;
  GstMemory *memory = gst_memory_new_wrapped (static_cast<GstMemoryFlags> (0),
      block.data.get (), block.size, 0, size, lent.get (), on_free);
  (void)lent.release ();  // on_free's
  gst_buffer_append_memory (buffer.get (), memory);
  return buffer;
}

}  // namespace gstblocks

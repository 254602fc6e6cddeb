// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gstblocks.h"

#include <optional>

namespace gstblocks {

namespace {

// Of all idle blocks, while no source is in use.
constexpr std::size_t most_kept = 1048576;

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
  // Kept for the next pipeline, for whom the system need not clear pages.
  static auto *kept = new pool::Pool;
  return {kept, [] (pool::Pool *pool) { pool->trim (most_kept); }};
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

fetcher::Result<Read> read (fetcher::Response &response,
    const std::shared_ptr<pool::Pool> &pool, gsize size)
{
  for (;;) {
    relay::Owned<GstBuffer> buffer = make_buffer (pool, size);
    if (!buffer) return Read{};
    std::optional<std::size_t> count;
    {
      relay::MappedBuffer map (buffer.get (), GST_MAP_WRITE);
      if (!map) return Read{};
      fetcher::Result<std::optional<std::size_t>> got =
          response.read_now (map.writable ().data (), size);
      if (!got) return got.error ();
      count = *got;
    }
    if (count) {
      gst_buffer_set_size (buffer.get (), static_cast<gssize> (*count));
      return Read{std::move (buffer), *count};
    }
    // Of many sources only those hold memory that have bytes for it.
    buffer.reset ();
    response.wait ();
  }
}

}  // namespace gstblocks

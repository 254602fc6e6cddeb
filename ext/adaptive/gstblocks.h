// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/gst.h>

#include <memory>

#include "common/gstpp.h"
#include "fetcher.h"
#include "pool.h"

namespace gstblocks {

// The one of this process. An element holds it from start to stop, a buffer
// until its memory is let go; idle memory is let go when one of them does.
[[nodiscard]] std::shared_ptr<pool::Pool> shared_pool ();

// Of the size, its memory from the pool. Null when there is none.
[[nodiscard]] relay::Owned<GstBuffer> make_buffer (
    const std::shared_ptr<pool::Pool> &pool, gsize size);

// The next bytes of a body, in a buffer of their size; waits for them. Of the
// size 0 at its end, and null when there is no memory.
struct Read
{
  relay::Owned<GstBuffer> buffer;
  std::size_t count = 0;
};
[[nodiscard]] fetcher::Result<Read> read (fetcher::Response &response,
    const std::shared_ptr<pool::Pool> &pool, gsize size);

}  // namespace gstblocks

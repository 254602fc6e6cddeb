// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/gst.h>

#include <memory>

#include "common/gstpp.h"
#include "pool.h"

namespace gstblocks {

// The one of this process. It lives as long as somebody holds it: an element
// from start to stop, a buffer until its memory is let go.
[[nodiscard]] std::shared_ptr<pool::Pool> shared_pool ();

// Of the size, its memory from the pool. Null when there is none.
[[nodiscard]] relay::Owned<GstBuffer> make_buffer (
    const std::shared_ptr<pool::Pool> &pool, gsize size);

}  // namespace gstblocks

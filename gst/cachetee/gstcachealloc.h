// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/gst.h>

#include "gstcachebranch.h"

// The answer to ALLOCATION that suits every branch, as tee gives it.
namespace cachealloc {

// The largest alignment, prefix, padding, size and number of buffers, one
// buffer more for several branches, and the metas that all take and that have
// no parameters. No pool and no allocator: a branch may go at any time. False,
// and nothing of it, if a branch does not answer, or if one is not linked that
// has to be.
[[nodiscard]] bool answer (
    const cachebranch::List &branches, bool allow_not_linked, GstQuery *query);

}  // namespace cachealloc

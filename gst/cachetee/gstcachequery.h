// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/gst.h>

#include "store.h"

namespace cachequery {

// On a hit: what is true of the cache. Never SEEKING upstream: souphttpsrc
// would ask its server, and then fail.
gboolean answer (GstPad *pad, GstObject *parent, GstQuery *query,
    const store::Reader *reader);

}  // namespace cachequery

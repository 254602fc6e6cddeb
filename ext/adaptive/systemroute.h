// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "fetcher.h"
#include "route.h"
#include "uri.h"

namespace fetcher {

// The way that the environment or the desktop names, by scheme, name and port
// alone. An answer is taken for a few seconds: each costs another thread, and
// libproxy's part of a millisecond.
Result<route::Route> system_route (
    const uri::Uri &target, GCancellable *cancellable);

}  // namespace fetcher

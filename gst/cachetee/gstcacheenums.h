// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/gst.h>

// The enumerations of cachetee's properties, as types.
namespace cacheenums {

GType status ();
GType slow_store ();
GType compression ();
GType cache_policy ();
GType branch_error ();
GType slow_branch ();
GType late_join ();
GType pull_mode ();
GType late_timing ();

}  // namespace cacheenums

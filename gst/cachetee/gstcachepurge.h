// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/gst.h>

#include <cstddef>
#include <string>

// What is removed from the cache by hand.
namespace cachepurge {

// How many objects that were; null is none. A key may be the
// URI of a default key. What was fetched with credentials goes with it.
std::size_t purge (const std::string &dir, const gchar *key);
std::size_t purge_prefix (const std::string &dir, const gchar *prefix);

// The action signals; the handlers take the instance and a string, and return
// a guint.
void install (GType type, GCallback purge, GCallback purge_prefix);

}  // namespace cachepurge

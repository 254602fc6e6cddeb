// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gstcachepurge.h"

#include "disk.h"
#include "gstcachecontrol.h"
#include "gstcachekey.h"
#include "inventory.h"

namespace cachepurge {

std::size_t purge (const std::string &dir, const gchar *key)
{
  if (key == nullptr || !inventory::is_cache (disk::system (), dir)) return 0;
  return inventory::purge (disk::system (), dir, key) +
         inventory::purge_prefix (
             disk::system (), dir, cachekey::prefix (key)) +
         inventory::purge_prefix (
             disk::system (), dir, cachecontrol::credentials_prefix (key));
}

std::size_t purge_prefix (const std::string &dir, const gchar *prefix)
{
  if (prefix == nullptr || !inventory::is_cache (disk::system (), dir))
    return 0;
  return inventory::purge_prefix (disk::system (), dir, prefix);
}

void install (GType type, GCallback purge, GCallback purge_prefix)
{
  constexpr auto action =
      static_cast<GSignalFlags> (static_cast<int> (G_SIGNAL_RUN_LAST) |
                                 static_cast<int> (G_SIGNAL_ACTION));
  /**
   * GstCacheTee::purge:
   * @self: the element
   * @key: a #GstCacheTee:cache-key
   *
   * Removes what the cache has of this key. Who reads it goes on.
   *
   * Returns: how many objects were removed
   *
   * Since: 0.1
   */
  g_signal_new_class_handler ("purge", type, action, purge, nullptr, nullptr,
      nullptr, G_TYPE_UINT, 1, G_TYPE_STRING);
  /**
   * GstCacheTee::purge-prefix:
   * @self: the element
   * @prefix: what their keys begin with; empty: all
   *
   * Removes what the cache has of all keys that begin so.
   *
   * Returns: how many objects were removed
   *
   * Since: 0.1
   */
  g_signal_new_class_handler ("purge-prefix", type, action, purge_prefix,
      nullptr, nullptr, nullptr, G_TYPE_UINT, 1, G_TYPE_STRING);
}

}  // namespace cachepurge

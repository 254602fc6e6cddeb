// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/gst.h>

// What cencdecrypt tells about the samples that went through it.
namespace decryptstats {

enum class What
{
  encrypted,
  clear,        // says its meta
  unmarked,     // no meta, or none of its own
  without_key,  // passed as it is
  dropped
};

struct Counters
{
  guint64 samples = 0;
  guint64 decrypted = 0;
  guint64 clear = 0;
  guint64 without_meta = 0;
  guint64 without_key = 0;
  guint64 dropped = 0;
  guint64 bytes = 0;
  guint64 bytes_decrypted = 0;

  void count (What what, bool is_unmarked, guint64 size)
  {
    samples++;
    bytes += size;
    if (is_unmarked) without_meta++;
    if (what == What::clear || what == What::unmarked) clear++;
    if (what == What::without_key) without_key++;
    if (what == What::dropped) dropped++;
    if (what != What::encrypted) return;
    decrypted++;
    bytes_decrypted += size;
  }
};

inline GstStructure *structure (const Counters &now)
{
  return gst_structure_new ("cencdecrypt-stats", "samples", G_TYPE_UINT64,
      now.samples, "samples-decrypted", G_TYPE_UINT64, now.decrypted,
      "samples-clear", G_TYPE_UINT64, now.clear, "samples-without-meta",
      G_TYPE_UINT64, now.without_meta, "samples-without-key", G_TYPE_UINT64,
      now.without_key, "samples-dropped", G_TYPE_UINT64, now.dropped, "bytes",
      G_TYPE_UINT64, now.bytes, "bytes-decrypted", G_TYPE_UINT64,
      now.bytes_decrypted, nullptr);
}

}  // namespace decryptstats

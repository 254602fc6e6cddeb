// SPDX-License-Identifier: LGPL-2.1-or-later
#include "template.h"

#include "walk.h"

extern "C" int LLVMFuzzerTestOneInput (
    const std::uint8_t *data, std::size_t size);

// A pattern that can be expanded with some values can be with all others: the
// MPD's reader relies on that.
extern "C" int LLVMFuzzerTestOneInput (
    const std::uint8_t *data, std::size_t size)
{
  std::string_view pattern (reinterpret_cast<const char *> (data), size);
  auto longest = url_template::expand (
      pattern, {"id", UINT64_MAX, UINT64_MAX, UINT64_MAX});
  auto shortest = url_template::expand (pattern, {"id", 0, 0, 0});
  if (!longest) return 0;
  require (shortest.ok ());
  require (shortest->size () <= longest->size ());
  require (longest->size () <= url_template::max_length + size);
  return 0;
}

// SPDX-License-Identifier: LGPL-2.1-or-later
#include "chunks.h"

#include <algorithm>
#include <cstdint>
#include <cstdlib>

static void require (bool condition)
{
  if (!condition) std::abort ();
}

extern "C" int LLVMFuzzerTestOneInput (
    const std::uint8_t *data, std::size_t size);

namespace {

struct End
{
  std::uint64_t body = 0;
  std::size_t used = 0;
  bool whole = false;
  bool failed = false;

  friend bool operator== (const End &, const End &) = default;
};

End run (std::string_view text, std::size_t step)
{
  End end;
  chunks::Parser parser;
  while (end.used < text.size () && !parser.is_done ()) {
    std::string_view piece = text.substr (end.used, step);
    std::size_t count = std::min<std::uint64_t> (piece.size (), parser.left ());
    if (count > 0) {
      parser.passed (count);
      end.body += count;
    } else {
      auto taken = parser.take (piece);
      end.failed = !taken;
      count = taken ? *taken : taken.position ();
      require (taken.ok () || count < piece.size ());
      require (!taken || count > 0);
    }
    end.used += count;
    if (end.failed) break;
  }
  end.whole = parser.is_done ();
  return end;
}

}  // namespace

// However a body is cut into pieces, it has the same end.
extern "C" int LLVMFuzzerTestOneInput (
    const std::uint8_t *data, std::size_t size)
{
  std::string_view text (reinterpret_cast<const char *> (data), size);
  End end = run (text, size);
  require (end.body <= size && !(end.whole && end.failed));
  require (end == run (text, 1) && end == run (text, 7));
  return 0;
}

// SPDX-License-Identifier: LGPL-2.1-or-later
// The first byte says how the rest is cut. Cut or whole, in place or not, what
// leaves is the same, and never more than came. The corpus has fragmented and
// progressive files.
#include "mp4.h"

#include <cstdlib>

#include "testrewriter.h"

namespace {

const char *const keys_text =
    "eb676abbcb345e96bbcf616630f1a3da:100b6c20940f779a4589152b57d2dacb";

std::vector<std::uint8_t> run (std::span<const std::uint8_t> bytes,
    std::size_t step, bool is_in_place, bool &is_whole)
{
  keys::Result<keys::Ring> ring = keys::parse (keys_text);
  if (!ring) std::abort ();
  mp4::Rewriter rewriter (std::make_shared<keys::Ring> (*std::move (ring)));
  std::vector<std::uint8_t> out;
  is_whole = true;
  while (!bytes.empty () && is_whole) {
    std::size_t size = std::min (step, bytes.size ());
    is_whole =
        test::push (rewriter, bytes.first (size), out, is_in_place).ok ();
    bytes = bytes.subspan (size);
  }
  // Also after an error: it must leave what is held alone, or send zeros.
  std::vector<std::uint8_t> rest = rewriter.finish ();
  if (rest.size () >= 8) std::abort ();
  out.insert (out.end (), rest.begin (), rest.end ());
  is_whole = is_whole && rewriter.at_boundary ();
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput (
    const std::uint8_t *data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput (
    const std::uint8_t *data, std::size_t size)
{
  if (size == 0) return 0;
  std::span<const std::uint8_t> bytes (data + 1, size - 1);
  bool cut_is_whole = false;
  bool is_whole = false;
  auto cut = run (bytes, data[0] + std::size_t{1}, true, cut_is_whole);
  auto whole = run (bytes, size, false, is_whole);
  if (cut != whole || cut_is_whole != is_whole) std::abort ();
  if (whole.size () > bytes.size ()) std::abort ();
  if (is_whole && whole.size () != bytes.size ()) std::abort ();
  return 0;
}

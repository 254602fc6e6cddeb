// SPDX-License-Identifier: LGPL-2.1-or-later
#include "jpeg.h"

#include <cstdlib>

// The first byte says how much of the image the head is; the rest is the image.
extern "C" int LLVMFuzzerTestOneInput (
    const std::uint8_t *data, std::size_t size);
extern "C" int LLVMFuzzerTestOneInput (
    const std::uint8_t *data, std::size_t size)
{
  if (size == 0) return 0;
  std::span<const std::uint8_t> image (data + 1, size - 1);
  auto head = image.first (image.size () * data[0] / 255);

  jpeg::Tables whole_tables;
  jpeg::Tables part_tables;
  auto whole = jpeg::parse (image, image.size (), whole_tables);
  if (whole) {
    std::size_t tables = whole->luma.size () + whole->chroma.size ();
    if (tables < 128 || tables > 256) std::abort ();
    if (whole->width == 0 || whole->height == 0) std::abort ();
    if (whole->scan.value_or (0) > image.size ()) std::abort ();
  }
  // A head decides as the whole does, or asks for more.
  auto part = jpeg::parse (head, image.size (), part_tables);
  if (part) {
    if (!whole || whole->scan != part->scan) std::abort ();
  } else if (part.code () != jpeg::Error::truncated) {
    if (whole || whole.code () != part.code ()) std::abort ();
  }

  // Images that follow: the same one changes nothing, and for another one there
  // are the tables of the one before.
  auto again = jpeg::parse (image, image.size (), whole_tables);
  if (again.ok () != whole.ok ()) std::abort ();
  if (again && (again->scan != whole->scan ||
                   again->needs_recoding != whole->needs_recoding))
    std::abort ();
  (void)jpeg::parse (head, head.size (), whole_tables).ok ();

  // Pieces or not, the EOI is in the same place.
  jpeg::EoiSearch pieces;
  auto found = pieces.feed (head);
  if (!found) found = pieces.feed (image.subspan (head.size ()));
  if (found != jpeg::EoiSearch ().feed (image)) std::abort ();
  return 0;
}

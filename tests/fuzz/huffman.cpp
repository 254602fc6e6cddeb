// SPDX-License-Identifier: LGPL-2.1-or-later
#include "huffman.h"

#include <cstdlib>

#include "jpeg.h"

// The first byte says with which restart interval it is written; the rest is an
// image. What has been re-coded is as good as new: once more changes nothing.
extern "C" int LLVMFuzzerTestOneInput (
    const std::uint8_t *data, std::size_t size);
extern "C" int LLVMFuzzerTestOneInput (
    const std::uint8_t *data, std::size_t size)
{
  if (size == 0) return 0;
  std::span<const std::uint8_t> image (data + 1, size - 1);
  jpeg::Tables tables;
  auto header = jpeg::parse (image, image.size (), tables);
  if (!header || !header->scan) return 0;
  // A larger picture only takes longer.
  if (header->width * header->height > 1 << 14) return 0;

  unsigned vertical = header->sampling == jpeg::Sampling::yuv422 ? 1 : 2;
  huffman::Target target{vertical, data[0]};
  huffman::Scan scan{header->width, header->height,
      std::span (header->components).first (header->component_count),
      header->restart_interval};
  huffman::Recoder recoder;
  std::vector<std::uint8_t> out;
  if (!recoder.recode (scan, image.subspan (*header->scan), target, out))
    return 0;

  std::array<huffman::Component, 3> standard = {
      {{2, vertical, huffman::standard_luma ()},
          {1, 1, huffman::standard_chroma ()},
          {1, 1, huffman::standard_chroma ()}}};
  huffman::Scan again{
      header->width, header->height, standard, target.restart_interval};
  std::vector<std::uint8_t> twice;
  if (!recoder.recode (again, out, target, twice) || twice != out)
    std::abort ();
  // Nor does it to take the restart markers out and put them in again, unless
  // the differences of DC between intervals have no code.
  huffman::Target bare{vertical, 0};
  auto stripped = recoder.recode (again, out, bare, twice);
  if (!stripped) {
    if (stripped.code () != huffman::Error::dc_range) std::abort ();
    return 0;
  }
  again.restart_interval = 0;
  std::vector<std::uint8_t> back;
  if (!recoder.recode (again, twice, target, back) || back != out)
    std::abort ();
  // Nor what was kept of other tables.
  if (!recoder.recode (scan, image.subspan (*header->scan), target, back) ||
      back != out)
    std::abort ();
  return 0;
}

// SPDX-License-Identifier: LGPL-2.1-or-later
// Scheme, pattern, a length and a list of subsamples, and a sample; in place
// and apart must agree.
#include "cenc.h"

#include <algorithm>
#include <cstdlib>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput (
    const std::uint8_t *data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput (
    const std::uint8_t *data, std::size_t size)
{
  if (size < 4) return 0;
  static constexpr cenc::Scheme schemes[] = {cenc::Scheme::cenc,
      cenc::Scheme::cens, cenc::Scheme::cbc1, cenc::Scheme::cbcs};
  cenc::Scheme scheme = schemes[data[0] % 4];
  bool has_subsamples = (data[0] & 4) != 0;
  cenc::Sample sample;
  if ((data[0] & 8) != 0) sample.iv.fill (0xff);
  sample.pattern = {static_cast<std::uint8_t> (data[1] >> 4),
      static_cast<std::uint8_t> (data[1] & 15)};
  std::span<const std::uint8_t> rest (data + 3, size - 3);
  std::size_t list_size = std::min<std::size_t> (data[2], rest.size ());
  if (has_subsamples) sample.subsamples = rest.first (list_size);
  std::span<const std::uint8_t> in = rest.subspan (list_size);

  cenc::Result<cenc::Decryptor> decryptor =
      cenc::Decryptor::create (scheme, aes::Key{1, 2, 3});
  if (!decryptor) std::abort ();
  std::vector<std::uint8_t> apart (in.size ());
  std::vector<std::uint8_t> in_place (in.begin (), in.end ());
  bool ok = decryptor->decrypt (sample, in, apart).ok ();
  if (decryptor->decrypt (sample, in_place, in_place).ok () != ok)
    std::abort ();
  if (ok && apart != in_place) std::abort ();
  return 0;
}

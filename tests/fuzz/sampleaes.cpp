// SPDX-License-Identifier: LGPL-2.1-or-later
#include <algorithm>

#include "sampleaes.h"
#include "tssamples.h"
#include "walk.h"

extern "C" int LLVMFuzzerTestOneInput (
    const std::uint8_t *data, std::size_t size);

namespace {

using Bytes = std::vector<std::uint8_t>;
using View = std::span<const std::uint8_t>;

sampleaes::Cipher make_cipher ()
{
  auto cipher = sampleaes::Cipher::create (aes::Key{1, 2, 3}, aes::Block{4, 5});
  require (cipher.ok ());
  return std::move (*cipher);
}

sampleaes::Result<relay::Done> finish (
    tssamples::Decrypter &decrypter, Bytes &out)
{
  return decrypter.finish (out);
}
sampleaes::Result<relay::Done> finish (
    sampleaes::PackedAudio &decrypter, Bytes & /*out*/)
{
  return decrypter.finish ();
}

template <class Decrypter>
sampleaes::Result<Bytes> decrypt (View bytes, std::size_t piece)
{
  Decrypter decrypter (make_cipher ());
  Bytes out;
  for (; !bytes.empty ();
       bytes = bytes.subspan (std::min (piece, bytes.size ()))) {
    auto done =
        decrypter.feed (bytes.first (std::min (piece, bytes.size ())), out);
    if (!done) return done.error ();
  }
  auto done = finish (decrypter, out);
  if (!done) return done.error ();
  return out;
}

// However it is cut, the same comes out, as long as what went in.
template <class Decrypter>
void try_pieces (View bytes)
{
  auto whole = decrypt<Decrypter> (bytes, bytes.size ());
  auto pieces = decrypt<Decrypter> (bytes, 61);
  require (whole.ok () == pieces.ok ());
  if (whole.ok ()) {
    require (*whole == *pieces && whole->size () == bytes.size ());
  } else {
    require (whole.code () == pieces.code () &&
             whole.position () == pieces.position ());
  }
}

// An initialization passes through as long as it is, and a second time as it
// has come out.
void try_map (View bytes)
{
  tssamples::Map map;
  Bytes out;
  if (!map.feed (bytes, out).ok () || !map.finish ().ok ()) return;
  require (out.size () == bytes.size ());
  tssamples::Map again;
  Bytes same;
  require (again.feed (out, same).ok () && same == out);
  tssamples::Decrypter decrypter (make_cipher (), map.programs ());
  (void)decrypter.feed (bytes, same).ok ();
}

void try_streams (View bytes)
{
  using enum sampleaes::Codec;
  sampleaes::Cipher cipher = make_cipher ();
  Bytes units (bytes.begin (), bytes.end ());
  auto size = cipher.decrypt_nal_units (units);
  require (!size.ok () || *size <= bytes.size ());
  for (auto codec : {aac, ac3}) {
    Bytes frames (bytes.begin (), bytes.end ());
    auto whole = cipher.decrypt_frames (codec, frames);
    require (!whole.ok () || *whole <= bytes.size ());
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput (
    const std::uint8_t *data, std::size_t size)
{
  View bytes (data, size);
  try_pieces<tssamples::Decrypter> (bytes);
  try_pieces<sampleaes::PackedAudio> (bytes);
  try_map (bytes);
  try_streams (bytes);
  return 0;
}

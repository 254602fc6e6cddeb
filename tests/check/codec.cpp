// SPDX-License-Identifier: LGPL-2.1-or-later
#include "codec.h"

#include <array>

#include "teststore.h"

namespace {

using codec::Compressor;
using test::Bytes;

Bytes text (std::size_t size)
{
  constexpr std::string_view line = "a line of text, ";
  Bytes bytes (size);
  for (std::size_t i = 0; i < size; i++)
    bytes[i] = static_cast<std::uint8_t> (
        static_cast<std::uint8_t> (line[i % line.size ()]) + i / 5000);
  return bytes;
}

Bytes frame_of (Compressor &compressor, const Bytes &bytes)
{
  const std::span<const std::uint8_t> all (bytes);
  auto frame = compressor.compress ({&all, 1});
  return frame ? Bytes (frame->begin (), frame->end ()) : Bytes ();
}

}  // namespace

GST_START_TEST (what_is_compressed_comes_back)
{
  Compressor compressor;
  for (std::size_t size :
      std::array<std::size_t, 4> ({100, 4096, 262144, 16U << 20})) {
    const Bytes bytes = text (size);
    std::span<const std::uint8_t> all (bytes);
    for (std::size_t cut : {std::size_t{0}, std::size_t{1}, size / 3, size}) {
      const std::array<std::span<const std::uint8_t>, 3> parts{
          all.first (cut), {}, all.subspan (cut)};
      auto frame = compressor.compress (parts);
      fail_unless (frame && frame->size () <= size / 10 * 9, "%zu", size);
      Bytes back (size);
      fail_unless (codec::decompress (*frame, back) && back == bytes);
    }
  }
}
GST_END_TEST;

// What saves less than a tenth is left as it is, and then it is not tried each
// time.
GST_START_TEST (what_is_not_worth_it)
{
  Compressor compressor;
  const Bytes noise = test::pattern (10000, 1);
  const Bytes good = text (10000);
  fail_unless (frame_of (compressor, noise).empty ());
  fail_unless (frame_of (compressor, good).empty ());
  fail_if (frame_of (compressor, good).empty ());
  fail_if (frame_of (compressor, good).empty ());
  for (int i = 0; i < 1000; i++)
    fail_unless (frame_of (compressor, noise).empty ());
  unsigned waited = 0;
  while (frame_of (compressor, good).empty ()) waited++;
  fail_unless (waited <= 16, "%u", waited);
  // Half of it is noise, and the rest is nearly nothing: that is worth it.
  Bytes half = noise;
  half.resize (2 * noise.size ());
  std::size_t size = frame_of (compressor, half).size ();
  fail_unless (size > noise.size () && size < noise.size () + 1000);
  Bytes nothing;
  fail_unless (frame_of (compressor, nothing).empty ());
}
GST_END_TEST;

GST_START_TEST (frames_that_are_refused)
{
  Compressor compressor;
  // A thousandth of what it makes.
  const Bytes bomb = frame_of (compressor, Bytes (4U << 20));
  fail_unless (bomb.size () > 10 && bomb.size () < 4096);
  for (std::size_t room :
      std::array<std::size_t, 4> ({0, 1, 100000, (4U << 20) - 1})) {
    Bytes out (room + 64, 0xa5);
    fail_if (codec::decompress (bomb, std::span (out).first (room)));
    for (std::size_t i = room; i < out.size (); i++)
      fail_unless (out[i] == 0xa5, "wrote beyond %zu", room);
  }
  Bytes larger ((4U << 20) + 1);
  fail_if (codec::decompress (bomb, larger));

  const Bytes bytes = text (2000);
  const Bytes frame = frame_of (compressor, bytes);
  Bytes out (bytes.size ());
  for (std::size_t size = 0; size < frame.size (); size++)
    fail_if (codec::decompress (std::span (frame).first (size), out));
  // A changed bit may give other bytes, which their hash is for; no more of
  // them.
  for (std::size_t bit = 0; bit < frame.size () * 8; bit++) {
    Bytes changed = frame;
    changed[bit / 8] ^= static_cast<std::uint8_t> (1U << bit % 8);
    Bytes room (bytes.size () + 64, 0xa5);
    (void)codec::decompress (changed, std::span (room).first (bytes.size ()));
    for (std::size_t i = bytes.size (); i < room.size (); i++)
      fail_unless (room[i] == 0xa5);
  }
}
GST_END_TEST;

static Suite *codec_suite ()
{
  Suite *suite = suite_create ("codec");
  TCase *tests = tcase_create ("all");
  suite_add_tcase (suite, tests);
  tcase_add_test (tests, what_is_compressed_comes_back);
  tcase_add_test (tests, what_is_not_worth_it);
  tcase_add_test (tests, frames_that_are_refused);
  return suite;
}

GST_CHECK_MAIN (codec)

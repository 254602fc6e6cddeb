// SPDX-License-Identifier: LGPL-2.1-or-later
#include "decoder.h"

#include "testutil.h"

using fetcher::Decoder;

namespace {

std::string coded (GZlibCompressorFormat format, std::string_view text)
{
  relay::Owned<GConverter> compressor{
      G_CONVERTER (g_zlib_compressor_new (format, 9))};
  std::string out (text.size () / 2 + 1000, '\0');
  gsize read = 0;
  gsize written = 0;
  fail_unless (
      g_converter_convert (compressor.get (), text.data (), text.size (),
          out.data (), out.size (), G_CONVERTER_INPUT_AT_END, &read, &written,
          nullptr) == G_CONVERTER_FINISHED);
  out.resize (written);
  return out;
}

std::string gzip (std::string_view text)
{
  return coded (G_ZLIB_COMPRESSOR_FORMAT_GZIP, text);
}

enum class End
{
  complete,
  early,
  broken
};

// In pieces of so many coded bytes, and so many of the text at once.
End decode (const char *coding, std::string_view in, std::string *text,
    std::size_t piece, std::size_t block)
{
  std::unique_ptr<Decoder> decoder = Decoder::make (coding);
  fail_unless (decoder != nullptr, "%s", coding);
  text->clear ();
  std::string out (block, '\0');
  for (;;) {
    std::optional<std::size_t> count = decoder->decode (
        reinterpret_cast<std::uint8_t *> (out.data ()), out.size ());
    if (!count) return End::broken;
    text->append (out, 0, *count);
    if (*count > 0) continue;
    std::size_t size = std::min (piece, in.size ());
    if (size == 0) return decoder->is_complete () ? End::complete : End::early;
    std::copy_n (in.begin (), size, decoder->space ().begin ());
    decoder->add (size);
    in.remove_prefix (size);
  }
}

void assert_decoded (
    const char *coding, const std::string &in, std::string_view expected)
{
  for (std::size_t piece : {1u, 3u, 16384u})
    for (std::size_t block : {1u, 1000u, 100000u}) {
      std::string text;
      fail_unless (decode (coding, in, &text, piece, block) == End::complete);
      fail_unless (text == expected);
    }
}

}  // namespace

GST_START_TEST (codings_are_decoded)
{
  std::string text;
  for (int i = 0; i < 5000; i++) text += std::to_string (i * i);
  assert_decoded ("gzip", gzip (text), text);
  assert_decoded ("X-GZip", gzip (text), text);
  assert_decoded ("deflate", coded (G_ZLIB_COMPRESSOR_FORMAT_ZLIB, text), text);
  assert_decoded ("deflate", coded (G_ZLIB_COMPRESSOR_FORMAT_RAW, text), text);
  assert_decoded ("gzip", gzip (""), "");
  fail_unless (Decoder::make ("br") == nullptr);
  fail_unless (Decoder::make ("gzip, gzip") == nullptr);
}
GST_END_TEST;

// RFC 1952 2.2
GST_START_TEST (all_members_are_decoded)
{
  assert_decoded (
      "gzip", gzip ("one ") + gzip ("two ") + gzip ("three"), "one two three");
  assert_decoded ("gzip", gzip ("") + gzip ("") + gzip ("x") + gzip (""), "x");
}
GST_END_TEST;

GST_START_TEST (an_early_end_is_none)
{
  std::string text;
  for (std::string all : {gzip ("hello hello hello"),
           coded (G_ZLIB_COMPRESSOR_FORMAT_ZLIB, "hello hello hello"),
           coded (G_ZLIB_COMPRESSOR_FORMAT_RAW, "hello hello hello")}) {
    const char *coding = all[0] == '\x1f' ? "gzip" : "deflate";
    for (std::size_t size = 0; size < all.size (); size++)
      fail_unless (
          decode (coding, all.substr (0, size), &text, 7, 100) == End::early,
          "%s: %u of %u bytes", coding, static_cast<unsigned> (size),
          static_cast<unsigned> (all.size ()));
  }
  // In the second member.
  std::string two = gzip ("one") + gzip ("two");
  two.pop_back ();
  fail_unless (decode ("gzip", two, &text, 100, 100) == End::early);
}
GST_END_TEST;

GST_START_TEST (what_is_broken_is_told)
{
  std::string text;
  std::string right = gzip ("hello hello hello");
  std::string wrong = right;
  wrong[wrong.size () - 5] = static_cast<char> (~wrong[wrong.size () - 5]);
  // The check sums, the beginning, and what follows the end.
  fail_unless (decode ("gzip", wrong, &text, 100, 100) == End::broken);
  fail_unless (decode ("gzip", "hello", &text, 100, 100) == End::broken);
  fail_unless (
      decode ("gzip", right + "hello", &text, 100, 100) == End::broken);
  fail_unless (decode ("gzip", right + std::string (20, '\0'), &text, 100,
                   100) == End::broken);
  std::string zlib = coded (G_ZLIB_COMPRESSOR_FORMAT_ZLIB, "hello");
  fail_unless (decode ("deflate", zlib + zlib, &text, 100, 100) == End::broken);
  wrong = zlib;
  wrong.back () = static_cast<char> (~wrong.back ());
  fail_unless (decode ("deflate", wrong, &text, 100, 100) == End::broken);
}
GST_END_TEST;

// A thousand times as much, never more at once than there is room for.
GST_START_TEST (what_swells_comes_in_pieces)
{
  std::unique_ptr<Decoder> decoder = Decoder::make ("gzip");
  std::string in = gzip (std::string (10000000, '\0'));
  fail_unless (in.size () < decoder->space ().size ());
  std::ranges::copy (in, decoder->space ().begin ());
  std::vector<std::uint8_t> out (1000);
  fail_unless (decoder->decode (out.data (), out.size ()) == 0u);
  decoder->add (in.size ());
  std::size_t total = 0;
  for (;;) {
    std::optional<std::size_t> count =
        decoder->decode (out.data (), out.size ());
    fail_unless (count.has_value () && *count <= out.size ());
    if (*count == 0) break;
    total += *count;
  }
  fail_unless (decoder->is_complete ());
  fail_unless_equals_int (static_cast<int> (total), 10000000);
}
GST_END_TEST;

static Suite *decoder_suite ()
{
  Suite *suite = suite_create ("decoder");
  TCase *tests = tcase_create ("all");
  suite_add_tcase (suite, tests);
  tcase_add_test (tests, codings_are_decoded);
  tcase_add_test (tests, all_members_are_decoded);
  tcase_add_test (tests, an_early_end_is_none);
  tcase_add_test (tests, what_is_broken_is_told);
  tcase_add_test (tests, what_swells_comes_in_pieces);
  return suite;
}

GST_CHECK_MAIN (decoder)

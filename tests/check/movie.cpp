// SPDX-License-Identifier: LGPL-2.1-or-later
#include "movie.h"

#include "testcenc.h"
#include "testprogressive.h"

namespace {

using test::Bytes;
using test::Chunk;
using test::Fields;
using test::Layout;
using test::Lengths;
using test::Mp4Writer;
using test::Progressive;
using test::Sizes;
using test::TestTrack;
using test::Where;
using test::operator+;

test::Outcome round_trip (std::vector<TestTrack> tracks,
    std::vector<Chunk> chunks, const Layout &layout, const std::string &what)
{
  Progressive file (std::move (tracks), std::move (chunks), layout);
  Bytes encrypted = file.write (false), clear = file.write (true);
  fail_unless (encrypted != clear && encrypted.size () == clear.size ());
  return test::becomes (encrypted, clear, what);
}

std::vector<Chunk> chunks_of (const TestTrack &track, std::size_t number = 0)
{
  return {{number, test::samples_of (track, {100, 77, 60})},
      {number, test::samples_of (track, {48})},
      {number, test::samples_of (track, {90, 101})}};
}

}  // namespace

// All schemes and all places of what is to be known.
GST_START_TEST (progressive)
{
  const TestTrack tracks[] = {test::track ("cenc", 8), test::track ("cenc", 16),
      test::track ("cenc", 8, true), test::track ("cens", 8),
      test::track ("cens", 8, true, 1, 9), test::track ("cbc1", 16),
      test::track ("cbc1", 16, true), test::track ("cbcs", 0, true, 1, 9),
      test::track ("cbcs", 16, true, 3, 7)};
  for (const TestTrack &track : tracks)
    for (Where where : {Where::senc, Where::free_box, Where::both,
             Where::each_chunk, Where::start, Where::piff})
      for (unsigned version : {0u, 1u}) {
        Layout layout;
        layout.where = where;
        layout.saio_version = version;
        test::Outcome outcome = round_trip ({track}, chunks_of (track), layout,
            std::string (track.scheme.name) + " where " +
                std::to_string (static_cast<int> (where)));
        fail_unless (outcome.counters.samples_decrypted == 6);
      }
  TestTrack constant = test::track ("cbcs", 0);
  Layout layout;
  layout.where = Where::none;
  round_trip ({constant}, chunks_of (constant), layout, "constant IV");
}
GST_END_TEST;

// stsz and stz2, stco and co64, one entry of stsc for several chunks.
GST_START_TEST (tables)
{
  TestTrack track = test::track ("cenc", 8);
  for (Sizes sizes : {Sizes::stsz, Sizes::constant, Sizes::stz2_4,
           Sizes::stz2_8, Sizes::stz2_16})
    for (bool co64 : {false, true})
      for (bool each : {true, false}) {
        Layout layout;
        layout.sizes = sizes;
        layout.co64 = co64;
        layout.each_chunk_in_stsc = each;
        bool is_constant = sizes == Sizes::constant;
        auto pick = [&] (std::size_t size) { return is_constant ? 9 : size; };
        std::vector<Chunk> chunks;
        for (int i = 0; i < 3; i++)
          chunks.push_back (
              {0, test::whole_samples ({pick (15), pick (1), pick (12)})});
        round_trip ({track}, chunks, layout,
            "sizes " + std::to_string (static_cast<int> (sizes)));
      }
}
GST_END_TEST;

// Interleaved, each with a key of its own, beside a clear one; and a clear lead
// by a second sample entry.
GST_START_TEST (tracks_and_entries)
{
  TestTrack picture = test::track ("cbcs", 0, true, 1, 9);
  picture.has_clear_entry = true;
  TestTrack sound = test::second_key (test::track ("cenc", 8));
  sound.track_id = 2;
  TestTrack comment = test::track ("cenc", 8);
  comment.track_id = 3;
  comment.is_encrypted = false;
  std::vector<Chunk> chunks;
  for (unsigned i = 0; i < 4; i++) {
    chunks.push_back (
        {0, test::samples_of (picture, {100, 80}), i < 2 ? 2u : 1});
    chunks.push_back ({1, test::samples_of (sound, {30, 20, 10})});
    chunks.push_back ({2, test::samples_of (comment, {9})});
  }
  for (Where where :
      {Where::senc, Where::free_box, Where::each_chunk, Where::start}) {
    Layout layout;
    layout.where = where;
    // A clear sample has no entry, where entries have no sizes of their own.
    test::Outcome outcome = round_trip ({picture, sound, comment}, chunks,
        layout, "where " + std::to_string (static_cast<int> (where)));
    fail_unless (outcome.counters.samples_decrypted == 4 + 12);
    fail_unless (outcome.counters.samples_clear == 4);
  }
}
GST_END_TEST;

// Groups of stbl, over chunks.
GST_START_TEST (key_rotation)
{
  TestTrack track = test::track ("cenc", 8, true);
  Layout layout;
  layout.groups = {
      test::second_key (test::track ("cenc", 16)), test::clear_group ()};
  std::vector<Chunk> chunks = chunks_of (track);
  chunks[0].samples[1].group = chunks[0].samples[2].group = 1;
  chunks[1].samples[0].group = 1;
  chunks[2].samples[0].group = 2;
  for (unsigned version : {0u, 1u})
    for (Where where :
        {Where::senc, Where::free_box, Where::each_chunk, Where::start}) {
      layout.where = where;
      layout.protection =
          test::sgpd (layout.groups, 1, Lengths::all) +
          test::sbgp ({{1, 0}, {3, 1}, {1, 2}, {1, 0}}, version);
      test::Outcome outcome = round_trip ({track}, chunks, layout, "groups");
      fail_unless (outcome.counters.samples_decrypted == 5);
      fail_unless (outcome.counters.samples_clear == 1);
    }
}
GST_END_TEST;

// Chunks in any order in mdat.
GST_START_TEST (chunks_out_of_order)
{
  TestTrack track = test::track ("cenc", 8);
  Progressive file ({track}, chunks_of (track));
  Bytes encrypted = file.write (false), clear = file.write (true);
  for (Bytes *bytes : {&encrypted, &clear}) {
    std::string_view type = "stco";
    auto at = std::search (
        bytes->begin (), bytes->end (), type.begin (), type.end ());
    auto first = at + 4 + 8;
    // The last one, of 191 bytes, first.
    auto mdat = bytes->end () - (237 + 48 + 191);
    std::rotate (mdat, bytes->end () - 191, bytes->end ());
    auto move = [&] (int chunk, int by) {
      auto field = first + 4 * chunk;
      std::uint32_t value = bmff::Reader (std::span (&*field, 4)).u32 () +
                            static_cast<std::uint32_t> (by);
      for (int i = 0; i < 4; i++)
        field[i] = static_cast<std::uint8_t> (value >> (24 - 8 * i));
    };
    move (0, 191);
    move (1, 191);
    move (2, -(237 + 48));
  }
  test::becomes (encrypted, clear, "out of order");
}
GST_END_TEST;

// A sample leaves as soon as its bytes are there.
GST_START_TEST (streams)
{
  TestTrack track = test::track ("cenc", 8);
  Progressive file ({track}, chunks_of (track));
  Bytes encrypted = file.write (false);
  std::size_t media = encrypted.size () - 476;
  mp4::Rewriter rewriter = test::rewriter ();
  Bytes out;
  std::span<const std::uint8_t> bytes = encrypted;
  fail_unless (test::push (rewriter, bytes.first (media + 99), out).ok ());
  fail_unless (out.size () == media);
  fail_unless (test::push (rewriter, bytes.subspan (media + 99, 1), out).ok ());
  fail_unless (out.size () == media + 100);
}
GST_END_TEST;

// Samples of moov, then fragments; and another moov in mid-stream, whose
// samples are other ones.
GST_START_TEST (fragments_behind_samples)
{
  TestTrack track = test::track ("cenc", 8);
  Bytes encrypted, clear;
  for (int i = 0; i < 2; i++) {
    Progressive file ({track}, chunks_of (track));
    std::size_t at = encrypted.size ();
    Bytes in = file.write (false), out = file.write (true);
    for (Bytes *bytes : {&in, &out}) {
      std::string_view type = "stco";
      auto found = std::search (
          bytes->begin (), bytes->end (), type.begin (), type.end ());
      for (int chunk = 0; chunk < 3; chunk++) {
        auto field = found + 12 + 4 * chunk;
        std::size_t value = bmff::Reader (std::span (&*field, 4)).u32 () + at;
        for (int byte = 0; byte < 4; byte++)
          field[byte] = static_cast<std::uint8_t> (value >> (24 - 8 * byte));
      }
      // senc will do: saio would have to move as well.
      std::string_view saio = "saio";
      found = std::search (
          bytes->begin (), bytes->end (), saio.begin (), saio.end ());
      if (found != bytes->end ()) found[11] ^= 1;
      (bytes == &in ? encrypted : clear) =
          (bytes == &in ? encrypted : clear) + *bytes;
    }
    test::TestTraf traf;
    traf.track = &track;
    traf.runs = {test::whole_samples ({50, 40})};
    std::size_t position = encrypted.size ();
    auto first = Mp4Writer (false).fragment ({traf}, position);
    auto second = Mp4Writer (true).fragment ({traf}, position);
    encrypted = encrypted + first.moof + first.mdat;
    clear = clear + second.moof + second.mdat;
  }
  test::Outcome outcome = test::rewrite (encrypted, 100);
  fail_if (outcome.failure.has_value (), "%s",
      mp4::to_string (outcome.failure->code));
  fail_unless (outcome.at_boundary);
  fail_unless (outcome.counters.samples_decrypted == 16);
  fail_unless (std::equal (
      outcome.bytes.end () - 90, outcome.bytes.end (), clear.end () - 90));
}
GST_END_TEST;

GST_START_TEST (refuses)
{
  TestTrack track = test::track ("cenc", 8);
  Layout layout;
  layout.where = Where::senc;
  Bytes good = Progressive ({track}, chunks_of (track), layout).write (false);
  using enum bmff::Error;
  struct Row
  {
    const char *what;
    mp4::Error error;
    std::string_view type;
    std::size_t offset;
    const char *digits;
  };
  const Row rows[] = {
      {"no stsc", missing_box, "stsc", 0xfffffffc, ""},
      {"stsz for more than it has", truncated, "stsz", 8, "00000007"},
      {"stsz for 2^32", truncated, "stsz", 8, "ffffffff"},
      {"samples without a chunk", bad_value, "stsz", 8, "00000005"},
      {"constant sizes, other number", bad_value, "stsz", 4,
          "0000000100000007"},
      {"stco for more than it has", truncated, "stco", 4, "00000004"},
      {"stco for 2^32", truncated, "stco", 4, "ffffffff"},
      {"fewer chunks", bad_value, "stco", 4, "00000002"},
      {"stsc for more than it has", truncated, "stsc", 4, "00000004"},
      {"stsc from chunk 2 on", bad_value, "stsc", 8, "00000002"},
      {"stsc from chunk 0 on", bad_value, "stsc", 8, "00000000"},
      {"stsc that goes back", bad_value, "stsc", 20, "00000001"},
      {"2^32 samples in a chunk", bad_value, "stsc", 12, "ffffffff"},
      {"entry 2 of 1", no_such_sample_entry, "stsc", 16, "00000002"},
      {"entry 0", no_such_sample_entry, "stsc", 16, "00000000"},
      {"a chunk in moov", sample_outside_media, "stco", 8, "00000020"},
      {"a chunk behind mdat", sample_outside_media, "stco", 16, "0000ffff"},
      {"two chunks at one place", samples_overlap, "stco", 8, nullptr},
      {"a sample of 2^32", samples_overlap, "stsz", 12, "ffffffff"},
      {"senc for 2^32", auxiliary_information_size, "senc", 4, "ffffffff"},
      {"senc for one less", auxiliary_information_size, "senc", 4, "00000005"},
  };
  for (const Row &row : rows) {
    Bytes bytes;
    if (row.digits == nullptr) {  // the second offset becomes the first one
      bytes = good;
      auto at = std::search (
          bytes.begin (), bytes.end (), row.type.begin (), row.type.end ());
      std::copy_n (at + 12, 4, at + 16);
    } else if (*row.digits == 0) {
      bytes = good;
      auto at = std::search (
          bytes.begin (), bytes.end (), row.type.begin (), row.type.end ());
      std::copy_n ("free", 4, at);
    } else {
      bytes = test::patched (good, row.type, row.offset, row.digits);
    }
    test::Outcome outcome = test::rewrite (bytes, 64);
    fail_unless (outcome.failure.has_value () || !outcome.at_boundary,
        "%s was taken", row.what);
    if (outcome.failure)
      fail_unless (outcome.failure->code == row.error, "%s: %s", row.what,
          mp4::to_string (outcome.failure->code));
    else  // it is waited for
      fail_unless (
          row.error == mp4::Error (sample_outside_media), "%s", row.what);
  }
  for (const char *bits : {"00000000", "00000005", "00000020"}) {
    layout.sizes = Sizes::stz2_8;
    Bytes stz2 = Progressive ({track}, chunks_of (track), layout).write (false);
    test::fails (
        test::patched (stz2, "stz2", 4, bits), bad_value, "field_size");
  }
}
GST_END_TEST;

// 2^32 samples of moov in a few bytes.
GST_START_TEST (claims_cost_nothing)
{
  TestTrack track = test::track ("cbcs", 0);
  track.tables =
      test::full_box (
          "stsc", 0, 0, Fields ().u32 (1).u32 (1).u32 (UINT32_MAX).u32 (1)) +
      test::full_box ("stsz", 0, 0, Fields ().u32 (1).u32 (UINT32_MAX)) +
      test::full_box ("stco", 0, 0, Fields ().u32 (1).u32 (1 << 20));
  Bytes bytes = Mp4Writer (false).movie ({track});
  gint64 before = g_get_monotonic_time ();
  test::Outcome outcome = test::rewrite (bytes, bytes.size ());
  fail_if (outcome.failure.has_value (), "%s",
      mp4::to_string (outcome.failure->code));
  fail_unless (g_get_monotonic_time () - before < G_USEC_PER_SEC / 2);
}
GST_END_TEST;

static Suite *movie_suite ()
{
  Suite *suite = suite_create ("movie");
  TCase *tests = tcase_create ("all");
  suite_add_tcase (suite, tests);
  tcase_add_test (tests, progressive);
  tcase_add_test (tests, tables);
  tcase_add_test (tests, tracks_and_entries);
  tcase_add_test (tests, key_rotation);
  tcase_add_test (tests, chunks_out_of_order);
  tcase_add_test (tests, streams);
  tcase_add_test (tests, fragments_behind_samples);
  tcase_add_test (tests, refuses);
  tcase_add_test (tests, claims_cost_nothing);
  return suite;
}

GST_CHECK_MAIN (movie)

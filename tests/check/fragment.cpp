// SPDX-License-Identifier: LGPL-2.1-or-later
#include "fragment.h"

#include "testcenc.h"

namespace {

using test::Bytes;
using test::Fields;
using test::Lengths;
using test::Mp4Writer;
using test::TestSample;
using test::TestTrack;
using test::TestTraf;
using test::operator+;

// A movie and one fragment of it.
struct File
{
  Bytes encrypted;
  Bytes clear;
};

File write (const TestTrack &track, TestTraf traf)
{
  traf.track = &track;
  File out;
  for (bool is_clear : {false, true}) {
    Mp4Writer writer (is_clear);
    TestTrack one = track;
    if (is_clear) one.extra_in_stbl = test::freed (one.extra_in_stbl);
    traf.track = &one;
    Bytes &bytes = is_clear ? out.clear : out.encrypted;
    bytes = writer.movie ({one});
    auto fragment = writer.fragment ({traf}, bytes.size ());
    bytes = bytes + fragment.moof + fragment.mdat;
  }
  return out;
}

// In the first traf of the groups: 2 of group 1, 1 of none, 2 of group 2.
TestTraf in_groups (const TestTrack &track, std::vector<TestTrack> groups)
{
  TestTraf out;
  out.groups = std::move (groups);
  out.runs = {test::samples_of (track, {100, 60, 90}),
      test::samples_of (track, {70, 128})};
  out.runs[0][0].group = out.runs[0][1].group = 1;
  out.runs[1][0].group = out.runs[1][1].group = 2;
  return out;
}

}  // namespace

// All layouts of sgpd and sbgp, with descriptions in the fragment, in the
// track, and in both.
GST_START_TEST (key_rotation)
{
  struct Layout
  {
    unsigned version;
    Lengths lengths;
  };
  const Layout layouts[] = {{0, Lengths::none}, {1, Lengths::all},
      {1, Lengths::each}, {2, Lengths::all}, {2, Lengths::each},
      {2, Lengths::none}, {3, Lengths::all}};
  TestTrack one = test::track ("cenc", 8, true);
  std::vector<TestTrack> groups{
      test::second_key (test::track ("cenc", 8)), test::clear_group ()};
  for (const Layout &layout : layouts) {
    for (unsigned sbgp_version : {0u, 1u}) {
      for (int place = 0; place < 4; place++) {
        std::string what =
            "sgpd " + std::to_string (layout.version) + " lengths " +
            std::to_string (static_cast<int> (layout.lengths)) + " sbgp " +
            std::to_string (sbgp_version) + " place " + std::to_string (place);
        TestTrack track = one;
        TestTraf traf = in_groups (track, groups);
        Bytes all = test::sgpd (groups, layout.version, layout.lengths);
        std::uint32_t first = 0x10001, second = 0x10002;
        if (place == 1) {  // all in the track
          track.extra_in_stbl = all;
          first = 1;
          second = 2;
        } else if (place == 2) {  // one in each
          track.extra_in_stbl =
              test::sgpd ({groups[0]}, layout.version, layout.lengths);
          traf.protection =
              test::sgpd ({groups[1]}, layout.version, layout.lengths);
          first = 1;
          second = 0x10001;
        } else {
          traf.protection = all;
        }
        if (place == 3) {  // numbered as those of the track, which has none
          first = 1;
          second = 2;
        }
        traf.protection =
            traf.protection +
            test::sbgp ({{2, first}, {1, 0}, {2, second}}, sbgp_version);
        for (bool senc : {true, false}) {
          traf.senc = senc;
          File file = write (track, traf);
          test::Outcome outcome =
              test::becomes (file.encrypted, file.clear, what);
          fail_unless (outcome.counters.samples_decrypted == 3);
          fail_unless (outcome.counters.samples_clear == 2);
        }
      }
    }
  }
}
GST_END_TEST;

// A group has its own IV size, pattern and constant IV; tenc may be about a
// key that nobody has.
GST_START_TEST (groups_differ_from_tenc)
{
  struct Row
  {
    TestTrack track;
    TestTrack group;
  };
  const Row rows[] = {{test::track ("cenc", 8, true), test::track ("cenc", 16)},
      {test::track ("cenc", 16, true), test::track ("cenc", 8)},
      {test::track ("cbcs", 0, true, 1, 9),
          test::track ("cbcs", 16, true, 5, 5)},
      {test::track ("cbcs", 8, true, 1, 9),
          test::track ("cbcs", 0, true, 3, 7)},
      {test::track ("cens", 8, true, 1, 9),
          test::track ("cens", 8, true, 2, 8)},
      {test::track ("cbcs", 0), test::track ("cbcs", 16)},
      {test::track ("cbc1", 16, true), test::track ("cbc1", 16)}};
  for (const Row &row : rows) {
    TestTrack track = row.track;
    std::vector<TestTrack> groups{
        test::second_key (row.group), test::clear_group ()};
    for (bool has_entries : {true, false}) {
      TestTraf traf = in_groups (track, groups);
      traf.clear_have_entries = has_entries;
      traf.protection = test::sgpd (groups, 1, Lengths::each) +
                        test::sbgp ({{2, 0x10001}, {1, 0}, {2, 0x10002}});
      File file = write (track, traf);
      test::becomes (file.encrypted, file.clear,
          std::string (track.scheme.name) + std::to_string (track.iv_size));
    }
    // All samples are in groups.
    track.kid = {};
    TestTraf traf = in_groups (track, groups);
    traf.runs[0][2].group = 1;
    traf.protection = test::sgpd (groups, 1, Lengths::each) +
                      test::sbgp ({{3, 0x10001}, {2, 0x10002}});
    File file = write (track, traf);
    test::becomes (file.encrypted, file.clear, "zero KID");
  }
}
GST_END_TEST;

// From version 2 of sgpd on one group may be that of all other samples.
GST_START_TEST (default_group)
{
  TestTrack track = test::track ("cenc", 8);
  std::vector<TestTrack> groups{
      test::clear_group (), test::second_key (test::track ("cenc", 8))};
  for (bool in_stbl : {true, false}) {
    for (bool has_sbgp : {true, false}) {
      TestTrack one = track;
      TestTraf traf;
      traf.groups = groups;
      traf.runs = {test::samples_of (one, {50, 40, 30})};
      for (TestSample &sample : traf.runs[0]) sample.group = 2;
      Bytes all = test::sgpd (groups, 2, Lengths::all, 2);
      (in_stbl ? one.extra_in_stbl : traf.protection) = all;
      // Behind its last entry, too, samples are in no group that it names.
      if (has_sbgp) {
        traf.runs[0][0].group = 1;
        traf.protection =
            traf.protection + test::sbgp ({{1, in_stbl ? 1u : 0x10001u}});
      }
      File file = write (one, traf);
      test::becomes (file.encrypted, file.clear, "default group");
    }
  }
}
GST_END_TEST;

GST_START_TEST (wrong_groups)
{
  TestTrack track = test::track ("cenc", 8);
  TestTrack group = test::second_key (track);
  auto with = [&] (const Bytes &boxes) {
    TestTraf traf;
    traf.runs = {test::samples_of (track, {50})};
    traf.protection = boxes;
    return write (track, traf).encrypted;
  };
  using enum bmff::Error;
  Bytes one = test::sgpd ({group}, 1, Lengths::all);
  test::fails (with (one + test::sbgp ({{1, 0x10002}})), no_such_sample_group,
      "group 2 of 1 of the fragment");
  test::fails (
      with (one + test::sbgp ({{1, 2}})), no_such_sample_group, "group 2 of 1");
  test::fails (with (test::sbgp ({{1, 1}})), no_such_sample_group, "no sgpd");
  test::fails (with (test::sgpd ({group}, 2, Lengths::all, 2)),
      no_such_sample_group, "default 2 of 1");
  Bytes cut = one;
  cut[cut.size () - 21] = 2;  // entry_count
  test::fails (with (cut), truncated, "sgpd for 2 of 1");
  cut[cut.size () - 24] = 0xff;
  test::fails (with (cut), truncated, "sgpd for 2^32 of 1");
  Bytes members = test::sbgp ({{1, 0x10001}});
  members[16 + 3] = 2;
  test::fails (with (one + members), truncated, "sbgp for 2 of 1");
  members[16] = 0xff;
  test::fails (with (one + members), truncated, "sbgp for 2^32 of 1");
  TestTrack no_key = group;
  no_key.kid[3] = 9;
  test::fails (with (test::sgpd ({no_key}, 1, Lengths::all) +
                     test::sbgp ({{1, 0x10001}})),
      cenc::Error::no_key, "no key");
  // But a group that no sample is in needs none.
  TestTraf traf;
  traf.runs = {test::samples_of (track, {50})};
  traf.protection = test::sgpd ({no_key}, 1, Lengths::all);
  File file = write (track, traf);
  test::becomes (file.encrypted, file.clear, "unused group");
}
GST_END_TEST;

namespace {

// Where the writer's only traf is, after which it names IVs.
std::uint64_t place_of_traf (const TestTrack &track)
{
  return Mp4Writer (false).movie ({track}).size () + 8 + 16;
}

}  // namespace

// Both algorithms, tenc of PIFF's and of the standard's own, sizes of IVs, and
// the box that overrides the track's.
GST_START_TEST (piff)
{
  for (std::string_view scheme : {"cenc", "cbc1"}) {
    for (std::size_t iv_size : {8u, 16u}) {
      for (bool is_video : {true, false}) {
        for (bool is_piff : {true, false}) {
          TestTrack track = test::track (scheme, iv_size, is_video);
          track.is_piff = is_piff;
          for (bool overrides : {false, true}) {
            TestTrack named = track;
            if (overrides) {  // tenc names a key that nobody has
              named.kid = {};
              named.is_piff = true;
            }
            TestTraf traf;
            traf.groups = {track};
            traf.runs = {test::samples_of (track, {100, 77, 48})};
            for (TestSample &sample : traf.runs[0]) sample.group = 1;
            traf.senc = traf.saiz = false;
            std::optional<unsigned> algorithm;
            if (overrides) algorithm = scheme == "cenc" ? 1 : 2;
            traf.protection = test::piff_senc (
                track, traf.runs[0], place_of_traf (named), algorithm);
            File file = write (named, traf);
            test::becomes (file.encrypted, file.clear,
                std::string (scheme) + (is_video ? " video" : " sound") +
                    (overrides ? " override" : ""));
          }
        }
      }
    }
  }
}
GST_END_TEST;

// Algorithm 0 in the fragment's box: its samples are clear.
GST_START_TEST (piff_clear_fragment)
{
  TestTrack track = test::track ("cenc", 8);
  track.is_piff = true;
  TestTraf traf;
  traf.groups = {test::clear_group ()};
  traf.runs = {test::samples_of (track, {100, 77})};
  for (TestSample &sample : traf.runs[0]) sample.group = 1;
  traf.senc = traf.saiz = false;
  traf.protection = test::piff_senc (track, traf.runs[0], 0, 0);
  File file = write (track, traf);
  test::Outcome out = test::becomes (file.encrypted, file.clear, "algorithm 0");
  fail_unless (out.counters.samples_clear == 2);
  // PIFF's pssh goes as well.
  Mp4Writer writer (false);
  Bytes pssh = test::box (
      "uuid", test::hex ("d08a4f1810f34a82b6c832d8aba183d3 00000000"));
  traf.track = &track;
  Bytes movie = writer.movie ({track});
  auto fragment = writer.fragment ({traf}, movie.size (), pssh);
  test::Outcome outcome =
      test::rewrite (movie + fragment.moof + fragment.mdat, 100);
  fail_if (outcome.failure.has_value ());
  auto at = outcome.bytes.begin () +
            static_cast<std::ptrdiff_t> (movie.size () + 8 + 16 + 4);
  fail_unless (std::equal (at, at + 4, "free"));
}
GST_END_TEST;

namespace {

enum class Where
{
  before,   // at the start of mdat
  each,     // before the samples of each run
  between,  // in a box of its own before mdat
  behind    // at the end of mdat
};

// Auxiliary information that is in no senc, but where saio leads to.
File elsewhere (const TestTrack &track, Where where, bool each_run,
    unsigned saio_version, bool saiz_default)
{
  std::vector<std::vector<TestSample>> runs = {
      test::samples_of (track, {100, 77}), test::samples_of (track, {60})};
  bool has_ranges = runs[0][0].ranges.has_value ();
  File out;
  for (bool is_clear : {false, true}) {
    Mp4Writer writer (is_clear);
    Bytes movie = writer.movie ({track});
    // Twice, as offsets depend on sizes.
    std::size_t moof_size = 0;
    Bytes moof, rest;
    for (int pass = 0; pass < 2; pass++) {
      Fields sizes, offsets, truns, entries_of[2];
      Bytes data[2];
      std::size_t number = 0;
      for (std::size_t run = 0; run < 2; run++) {
        for (const TestSample &sample : runs[run]) {
          test::AesBlock iv = test::iv_of (track, 7, number++);
          std::size_t before = entries_of[run].bytes ().size ();
          entries_of[run].put (std::span (iv).first (track.iv_size));
          if (has_ranges) {
            entries_of[run].u16 (sample.ranges->size ());
            for (const test::Range &range : *sample.ranges)
              entries_of[run].u16 (range.clear).u32 (range.encrypted);
          }
          if (!saiz_default)
            sizes.u8 (entries_of[run].bytes ().size () - before);
          else if (number == 1)
            sizes.u8 (entries_of[run].bytes ().size () - before);
          Bytes bytes = sample.bytes;
          if (!is_clear)
            bytes = test::SampleEncrypter (track.scheme, iv)
                        .encrypt (bytes, sample.ranges);
          data[run] = data[run] + bytes;
        }
      }
      Bytes entries[2] = {entries_of[0].bytes (), entries_of[1].bytes ()};
      // From the start of moof.
      std::size_t at = moof_size, place[2] = {}, start[2] = {};
      Bytes inside;
      auto put = [&] (std::size_t &where_to, const Bytes &bytes) {
        where_to = at + inside.size ();
        inside = inside + bytes;
      };
      Bytes first;
      at += 8;
      if (where == Where::between) {
        put (place[0], entries[0]);
        put (place[1], entries[1]);
        first = test::box ("abcd", inside);
        at += inside.size () + 8;
        inside.clear ();
      }
      if (where == Where::before) {
        put (place[0], entries[0]);
        put (place[1], entries[1]);
      }
      for (std::size_t run = 0; run < 2; run++) {
        if (where == Where::each) put (place[run], entries[run]);
        put (start[run], data[run]);
      }
      if (where == Where::behind) {
        put (place[0], entries[0]);
        put (place[1], entries[1]);
      }
      rest = first + test::box ("mdat", inside);
      Bytes body = test::full_box ("tfhd", 0, 0x20000, Fields ().u32 (1));
      for (std::size_t run = 0; run < 2; run++) {
        Fields trun;
        trun.u32 (runs[run].size ()).u32 (start[run]);
        for (const TestSample &sample : runs[run])
          trun.u32 (sample.bytes.size ());
        body = body + test::full_box ("trun", 0, 0x201, trun);
      }
      std::size_t wide = saio_version == 0 ? 4 : 8;
      offsets.u32 (each_run ? 2 : 1).u (wide, place[0]);
      if (each_run) offsets.u (wide, place[1]);
      Fields saiz;
      if (saiz_default)
        saiz.u8 (sizes.bytes ()[0]).u32 (3);
      else
        saiz.u8 (0).u32 (3).put (sizes.bytes ());
      body =
          body + test::full_box (is_clear ? "free" : "saiz", 0, 0, saiz) +
          test::full_box (is_clear ? "free" : "saio", saio_version, 0, offsets);
      moof =
          test::box ("moof", test::full_box ("mfhd", 0, 0, Fields ().u32 (1)) +
                                 test::box ("traf", body));
      moof_size = moof.size ();
    }
    (is_clear ? out.clear : out.encrypted) = movie + moof + rest;
  }
  return out;
}

}  // namespace

GST_START_TEST (auxiliary_information_in_mdat)
{
  const TestTrack tracks[] = {test::track ("cenc", 8), test::track ("cenc", 16),
      test::track ("cenc", 8, true), test::track ("cbcs", 0, true, 1, 9),
      test::track ("cbc1", 16, true), test::track ("cens", 8, true, 5, 5)};
  for (const TestTrack &track : tracks) {
    for (Where where :
        {Where::before, Where::each, Where::between, Where::behind}) {
      for (unsigned version : {0u, 1u}) {
        for (bool each_run : {true, false}) {
          if (where == Where::each && !each_run) continue;
          File file = elsewhere (track, where, each_run, version, each_run);
          test::becomes (file.encrypted, file.clear,
              std::string (track.scheme.name) + " where " +
                  std::to_string (static_cast<int> (where)));
        }
      }
    }
  }
}
GST_END_TEST;

// Auxiliary information that passes is not held, nor samples that it precedes.
GST_START_TEST (streams_behind_auxiliary_information)
{
  TestTrack track = test::track ("cenc", 8);
  File file = elsewhere (track, Where::before, false, 0, false);
  mp4::Rewriter rewriter = test::rewriter ();
  Bytes out;
  std::span<const std::uint8_t> bytes = file.encrypted;
  std::size_t samples = bytes.size () - 237;
  fail_unless (test::push (rewriter, bytes.first (samples + 100), out).ok ());
  fail_unless (out.size () == samples + 100);
  // Behind its samples it has them held.
  file = elsewhere (track, Where::behind, false, 0, false);
  mp4::Rewriter second = test::rewriter ();
  out.clear ();
  bytes = file.encrypted;
  fail_unless (test::push (second, bytes.first (bytes.size () - 9), out).ok ());
  fail_unless (out.size () == bytes.size () - 237 - 24);
  fail_if (second.at_boundary ());
}
GST_END_TEST;

GST_START_TEST (auxiliary_information_nowhere)
{
  TestTrack track = test::track ("cenc", 8);
  auto with = [&] (std::uint64_t offset, std::uint64_t base) {
    TestTraf traf;
    traf.runs = {test::samples_of (track, {100})};
    traf.senc = traf.saiz = false;
    traf.protection =
        test::full_box ("saiz", 0, 0, Fields ().u8 (8).u32 (1)) +
        test::full_box ("saio", 1, 0, Fields ().u32 (1).u64 (offset));
    (void)base;
    return write (track, traf).encrypted;
  };
  // It never comes: neither does the sample.
  Bytes far = with (1 << 20, 0);
  test::Outcome outcome = test::rewrite (far, 1000);
  fail_if (outcome.failure.has_value () || outcome.at_boundary);
  fail_unless (outcome.bytes.size () == far.size () - 100);
  test::fails (with (std::uint64_t{1} << 32, 0),
      bmff::Error::auxiliary_information_late, "4 GB behind its sample");
  for (std::uint64_t offset : {std::uint64_t{1} << 63, UINT64_MAX})
    test::fails (with (offset, 0), bmff::Error::auxiliary_information_outside,
        "at no place");
}
GST_END_TEST;

// Whatever is wrong of the two, the other is taken, and counted.
GST_START_TEST (one_of_two_is_wrong)
{
  TestTrack track = test::track ("cenc", 8, true);
  TestTraf traf;
  traf.runs = {test::video_samples ({100, 80})};
  File file = write (track, traf);
  auto find = [&] (std::string_view type) {
    auto at = std::search (file.encrypted.begin (), file.encrypted.end (),
        type.begin (), type.end ());
    return static_cast<std::size_t> (at - file.encrypted.begin ()) + 4;
  };
  struct Row
  {
    const char *what;
    std::size_t at;
    std::uint8_t value;
    bool is_told;
  };
  const Row rows[] = {{"saio behind moof", find ("saio") + 10, 0x7f, false},
      {"saio beyond", find ("saio") + 8, 0x40, false},
      {"saio elsewhere in moof", find ("saio") + 11, 0x08, true},
      {"saio of 200", find ("saio") + 7, 200, false},
      {"saiz default", find ("saiz") + 4, 9, true},
      {"saiz count", find ("saiz") + 8, 1, true},
      {"saiz size", find ("saiz") + 9, 3, true},
      {"senc count", find ("senc") + 7, 1, true}};
  for (const Row &row : rows) {
    Bytes bytes = file.encrypted;
    bytes[row.at] = row.value;
    test::Outcome outcome = test::rewrite (bytes, 50);
    fail_if (outcome.failure.has_value (), "%s: %s", row.what,
        mp4::to_string (outcome.failure->code));
    fail_unless (std::equal (outcome.bytes.end () - 180, outcome.bytes.end (),
                     file.clear.end () - 180),
        "%s", row.what);
    fail_unless (
        !row.is_told || outcome.counters.auxiliary_wrong == 1, "%s", row.what);
  }
  test::Outcome right = test::rewrite (file.encrypted, 50);
  fail_unless (right.counters.auxiliary_wrong == 0);
  // A senc that fills its box but whose ranges are not the sample, beside
  // another copy that is right.
  TestTraf copied = traf;
  copied.senc = false;
  Bytes wrong = test::full_box ("senc", 0, 2,
      Fields ()
          .u32 (2)
          .zeros (8)
          .u16 (1)
          .u16 (9)
          .u32 (9)
          .zeros (8)
          .u16 (1)
          .u16 (9)
          .u32 (9));
  copied.protection = wrong;
  File two = write (track, copied);
  fail_unless (test::becomes (two.encrypted, two.clear, "wrong senc")
                   .counters.auxiliary_wrong == 1);
}
GST_END_TEST;

namespace {

Bytes claim (const TestTrack &track, const Bytes &boxes)
{
  Bytes moof = test::box ("moof",
      test::box ("traf",
          test::full_box ("tfhd", 0, 0x20010, Fields ().u32 (1).u32 (1)) +
              boxes));
  return Mp4Writer (false).movie ({track}) + moof;
}

}  // namespace

// What a few bytes claim takes the room of a few bytes.
GST_START_TEST (claims_cost_nothing)
{
  TestTrack track = test::track ("cbcs", 0);
  Bytes trun = test::full_box ("trun", 0, 0, Fields ().u32 (UINT32_MAX));
  for (const Bytes &boxes : {trun,
           trun + test::sgpd ({track}, 1, Lengths::all) +
               test::sbgp ({{UINT32_MAX, 0x10001}, {UINT32_MAX, 0x10001}}),
           trun + test::full_box ("senc", 0, 0, Fields ().u32 (UINT32_MAX)),
           trun + test::full_box ("saiz", 0, 0, Fields ().u8 (0).u32 (0)) +
               test::full_box ("saio", 0, 0, Fields ().u32 (1).u32 (0)),
           trun + test::sgpd ({test::clear_group ()}, 1, Lengths::all) +
               test::sbgp ({{UINT32_MAX - 1, 0x10001}})}) {
    Bytes bytes = claim (track, boxes);
    bmff::Result<movie::Movie> movie =
        movie::parse (Mp4Writer (false).movie ({track}), 0);
    gint64 before = g_get_monotonic_time ();
    test::Outcome outcome = test::rewrite (bytes, bytes.size ());
    fail_if (outcome.failure.has_value (), "%s",
        mp4::to_string (outcome.failure->code));
    fail_unless (outcome.bytes.size () == bytes.size ());
    // Far more than it takes, far less than one step for each sample.
    fail_unless (g_get_monotonic_time () - before < G_USEC_PER_SEC / 2);
  }
}
GST_END_TEST;

// And what they cannot back is refused.
GST_START_TEST (claims_without_bytes)
{
  TestTrack track = test::track ("cenc", 8);
  Bytes trun = test::full_box ("trun", 0, 0, Fields ().u32 (UINT32_MAX));
  using enum bmff::Error;
  test::fails (claim (track, trun), no_auxiliary_information, "no boxes");
  test::fails (claim (track, trun + trun), too_many_samples, "2^33 samples");
  test::fails (
      claim (track, test::full_box ("trun", 0, 0x200, Fields ().u32 (9))),
      truncated, "sizes");
  test::fails (claim (track, trun + test::full_box ("senc", 0, 0,
                                        Fields ().u32 (UINT32_MAX))),
      auxiliary_information_size, "senc");
  test::fails (
      claim (track,
          trun +
              test::full_box ("saiz", 0, 0, Fields ().u8 (0).u32 (UINT32_MAX)) +
              test::full_box ("saio", 0, 0, Fields ().u32 (1).u32 (0))),
      truncated, "saiz");
  // 16 GB of auxiliary information that is to come.
  test::fails (
      claim (track,
          trun +
              test::full_box ("saiz", 0, 0, Fields ().u8 (8).u32 (UINT32_MAX)) +
              test::full_box ("saio", 0, 0, Fields ().u32 (1).u32 (1 << 20))) +
          test::box ("mdat", Bytes (100)),
      sample_outside_media, "saio ahead");
}
GST_END_TEST;

// The same bytes for all tracks of a fragment: small in the file, long to read.
GST_START_TEST (auxiliary_information_is_not_shared)
{
  TestTrack track = test::track ("cenc", 8);
  constexpr std::uint32_t count = 2000;
  Fields entries;
  for (std::uint32_t i = 0; i < count; i++) entries.u64 (i);
  auto with = [&] (int trafs) {
    Bytes body = test::box ("free", entries);
    for (int i = 0; i < trafs; i++)
      body =
          body +
          test::box ("traf",
              test::full_box ("tfhd", 0, 0x20010, Fields ().u32 (1).u32 (1)) +
                  test::full_box ("trun", 0, 1,
                      Fields ().u32 (count).u32 (
                          100000u * static_cast<unsigned> (i + 1))) +
                  test::full_box ("saiz", 0, 0, Fields ().u8 (8).u32 (count)) +
                  test::full_box ("saio", 0, 0, Fields ().u32 (1).u32 (16)));
    return Mp4Writer (false).movie ({track}) + test::box ("moof", body);
  };
  fail_if (test::rewrite (with (1), 1000).failure.has_value ());
  test::fails (with (9), bmff::Error::too_many_samples, "shared by 9");
}
GST_END_TEST;

static Suite *fragment_suite ()
{
  Suite *suite = suite_create ("fragment");
  TCase *tests = tcase_create ("all");
  suite_add_tcase (suite, tests);
  tcase_add_test (tests, key_rotation);
  tcase_add_test (tests, groups_differ_from_tenc);
  tcase_add_test (tests, default_group);
  tcase_add_test (tests, wrong_groups);
  tcase_add_test (tests, piff);
  tcase_add_test (tests, piff_clear_fragment);
  tcase_add_test (tests, auxiliary_information_in_mdat);
  tcase_add_test (tests, streams_behind_auxiliary_information);
  tcase_add_test (tests, auxiliary_information_nowhere);
  tcase_add_test (tests, one_of_two_is_wrong);
  tcase_add_test (tests, claims_cost_nothing);
  tcase_add_test (tests, claims_without_bytes);
  tcase_add_test (tests, auxiliary_information_is_not_shared);
  return suite;
}

GST_CHECK_MAIN (fragment)

// SPDX-License-Identifier: LGPL-2.1-or-later
#include "mp4.h"

#include <functional>

#include "testmp4.h"
#include "testrewriter.h"
#include "vectors.h"

namespace {

using test::Bytes;
using test::Fields;
using test::Mp4Writer;
using test::TestFile;
using test::TestSample;
using test::TestTrack;
using test::TestTraf;
using test::operator+;

const char *const kid_digits = "eb676abbcb345e96bbcf616630f1a3da";
const char *const key_digits = "100b6c20940f779a4589152b57d2dacb";
const char *const keys_text =
    "eb676abbcb345e96bbcf616630f1a3da:100b6c20940f779a4589152b57d2dacb,"
    "00000000000000000000000000000001:2b7e151628aed2a6abf7158809cf4f3c,"
    "00000000000000000000000000000000:22bdb0063805260307ee5045c0f3835a,"
    "cd7eb9ff88f34caeb06185b00024e4c2:63cb5f7184dd4b689a5c5ff11ee6a328,"
    "21b82dc2ebb24d5aa9f8631f04726650:602a9289bfb9b1995b75ac63f123fc86";

mp4::Rewriter make (const char *text = keys_text)
{
  keys::Result<keys::Ring> ring = keys::parse (text);
  fail_unless (ring.ok ());
  return mp4::Rewriter (std::make_shared<keys::Ring> (*std::move (ring)));
}

struct Outcome
{
  Bytes bytes;
  std::optional<relay::Failure<mp4::Error>> failure;
  bool at_boundary = false;
};

Outcome run (mp4::Rewriter &rewriter, const Bytes &in, std::size_t step)
{
  Outcome out;
  mp4::Result<relay::Done> pushed =
      test::push_pieces (rewriter, in, step, out.bytes);
  if (!pushed) out.failure = pushed.error ();
  out.at_boundary = !out.failure && rewriter.at_boundary ();
  return out;
}

TestTrack track (std::string_view scheme)
{
  TestTrack out;
  out.scheme.name = scheme;
  out.scheme.key = test::block (key_digits);
  out.kid = test::block (kid_digits);
  return out;
}

TestTrack video (std::string_view scheme, unsigned crypt, unsigned skip)
{
  TestTrack out = track (scheme);
  out.is_video = true;
  out.scheme.crypt = crypt;
  out.scheme.skip = skip;
  return out;
}

TestTrack with_iv (TestTrack out, std::size_t size)
{
  out.iv_size = size;
  if (size == 0) out.constant_iv = test::block ("00112233445566778899");
  return out;
}

TestTraf traf (const TestTrack &of, std::vector<std::vector<TestSample>> runs)
{
  TestTraf out;
  out.track = &of;
  out.runs = std::move (runs);
  return out;
}

// All schemes, IV sizes, places of auxiliary information and bases.
std::vector<std::pair<std::string, TestFile>> files ()
{
  std::vector<std::pair<std::string, TestFile>> out;
  const TestTrack tracks[] = {track ("cenc"), with_iv (track ("cenc"), 16),
      track ("cens"), with_iv (track ("cbc1"), 16), with_iv (track ("cbcs"), 0),
      with_iv (track ("cbcs"), 16), video ("cenc", 0, 0),
      with_iv (video ("cenc", 0, 0), 16), video ("cens", 1, 9),
      with_iv (video ("cbc1", 0, 0), 16), with_iv (video ("cbcs", 1, 9), 0),
      with_iv (video ("cbcs", 5, 5), 0), video ("cbcs", 10, 0)};
  for (const TestTrack &one : tracks) {
    bool whole_blocks = one.scheme.name == "cens" || one.scheme.name == "cbc1";
    for (int place = 0; place < 3; place++) {
      for (unsigned flags : {0x20000u, 0u, 1u}) {
        TestTraf what =
            traf (one, {one.is_video ? test::video_samples ({100, 403, 60},
                                           whole_blocks ? 16 : 1)
                                     : test::whole_samples ({33, 7, 0, 16}),
                           {}});
        what.runs[1] = one.is_video
                           ? test::video_samples ({64}, whole_blocks ? 16 : 1)
                           : test::whole_samples ({50, 1});
        what.senc = place != 1;
        what.saiz = place != 0;
        what.tfhd_flags = flags;
        TestFile file;
        file.add_movie ({one});
        file.add_fragment ({what});
        what.runs.pop_back ();
        file.add_fragment ({what});
        out.emplace_back (std::string (one.scheme.name) + " IV " +
                              std::to_string (one.iv_size) +
                              (one.is_video ? " video" : " sound") + " place " +
                              std::to_string (place) + " base " +
                              std::to_string (flags),
            std::move (file));
      }
    }
  }
  return out;
}

TestFile simple_file ()
{
  TestTrack one = video ("cenc", 0, 0);
  TestFile file;
  file.add_movie ({one});
  file.add_fragment ({traf (one, {test::video_samples ({100, 80})})});
  return file;
}

Bytes renamed (Bytes bytes, std::string_view from, std::string_view to)
{
  auto found =
      std::search (bytes.begin (), bytes.end (), from.begin (), from.end ());
  fail_unless (found != bytes.end ());
  std::copy (to.begin (), to.end (), found);
  return bytes;
}

}  // namespace

GST_START_TEST (clear_twin)
{
  for (const auto &[name, file] : files ()) {
    mp4::Rewriter rewriter = make ();
    Outcome outcome = run (rewriter, file.encrypted, file.encrypted.size ());
    fail_if (outcome.failure.has_value (), "%s: %s", name.c_str (),
        mp4::to_string (outcome.failure->code));
    fail_unless (outcome.bytes == file.clear, "%s", name.c_str ());
    fail_unless (file.encrypted != file.clear);
    fail_unless (outcome.at_boundary);
    fail_unless_equals_int (
        static_cast<int> (rewriter.counters ().fragments), 2);
  }
}
GST_END_TEST;

GST_START_TEST (cut_anywhere)
{
  for (const auto &[name, file] : files ()) {
    for (std::size_t step : {5u, 16u, 100u, 1000u}) {
      mp4::Rewriter rewriter = make ();
      Outcome outcome = run (rewriter, file.encrypted, step);
      fail_unless (outcome.bytes == file.clear && outcome.at_boundary,
          "%s, pieces of %d", name.c_str (), static_cast<int> (step));
    }
  }
  // Byte by byte, and in two at every byte; what has left is never wrong.
  TestFile file = simple_file ();
  for (std::size_t step : {1u, 2u, 3u}) {
    mp4::Rewriter rewriter = make ();
    Outcome outcome = run (rewriter, file.encrypted, step);
    fail_unless (outcome.bytes == file.clear && outcome.at_boundary);
  }
  for (std::size_t cut = 0; cut <= file.encrypted.size (); cut++) {
    mp4::Rewriter rewriter = make ();
    std::span<const std::uint8_t> bytes = file.encrypted;
    Bytes out;
    fail_unless (test::push (rewriter, bytes.first (cut), out).ok ());
    fail_unless (out.size () <= cut && rewriter.position () == out.size ());
    fail_unless (rewriter.received () == cut);
    fail_unless (std::equal (out.begin (), out.end (), file.clear.begin ()));
    fail_unless (test::push (rewriter, bytes.subspan (cut), out).ok ());
    fail_unless (out == file.clear);
  }
}
GST_END_TEST;

// A sample leaves as soon as its bytes are there.
GST_START_TEST (streams)
{
  TestTrack one = track ("cenc");
  TestFile file;
  file.add_movie ({one});
  file.add_fragment ({traf (one, {test::whole_samples ({1000, 500, 500})})});
  std::size_t media = file.encrypted.size () - 2000;
  mp4::Rewriter rewriter = make ();
  Bytes out;
  std::span<const std::uint8_t> bytes = file.encrypted;
  fail_unless (test::push (rewriter, bytes.first (media + 999), out).ok ());
  fail_unless (out.size () == media);
  fail_unless (
      test::push (rewriter, bytes.subspan (media + 999, 1), out).ok ());
  fail_unless (out.size () == media + 1000);
  fail_unless_equals_int (
      static_cast<int> (rewriter.counters ().samples_decrypted), 1);
  fail_unless_equals_int (
      static_cast<int> (rewriter.counters ().bytes_decrypted), 1000);
}
GST_END_TEST;

// Who can give bytes again has nothing held, and never waits in vain.
GST_START_TEST (leaves_a_tail)
{
  for (const auto &[name, file] : files ()) {
    mp4::Rewriter rewriter = make ();
    Bytes out;
    while (out.size () < file.encrypted.size ()) {
      std::size_t size =
          std::min (std::max<std::size_t> (rewriter.wanted (), 20),
              file.encrypted.size () - out.size ());
      auto first = file.encrypted.begin () +
                   static_cast<std::ptrdiff_t> (rewriter.received ());
      Bytes window (first, first + static_cast<std::ptrdiff_t> (size));
      std::size_t wanted = rewriter.wanted ();
      mp4::Rewriter::Left left;
      fail_unless (
          rewriter.push (window, window, left, mp4::Rewriter::Tail::leave)
              .ok ());
      fail_unless (left.held.empty () && left.taken == left.to);
      fail_unless (left.taken > 0 || rewriter.wanted () > wanted,
          "%s stands still", name.c_str ());
      out.insert (out.end (), window.begin (),
          window.begin () + static_cast<std::ptrdiff_t> (left.to));
      fail_unless (rewriter.received () == out.size ());
    }
    fail_unless (
        out == file.clear && rewriter.at_boundary (), "%s", name.c_str ());
  }
}
GST_END_TEST;

// Nor waits for a large sample: what is there of it leaves.
GST_START_TEST (leaves_parts)
{
  for (const char *scheme : {"cenc", "cens", "cbc1", "cbcs"}) {
    std::string_view name = scheme;
    bool has_pattern = name == "cens" || name == "cbcs";
    TestTrack one = video (scheme, has_pattern ? 1 : 0, has_pattern ? 9 : 0);
    if (name == "cbc1" || name == "cbcs") one = with_iv (one, 16);
    TestFile file;
    file.add_movie ({one});
    file.add_fragment (
        {traf (one, {test::video_samples ({5000, 30, 7000}, 16)})});
    mp4::Rewriter rewriter = make ();
    Bytes out;
    std::size_t most = 0;
    while (out.size () < file.encrypted.size ()) {
      std::size_t size =
          std::min (std::max<std::size_t> (rewriter.wanted (), 1000),
              file.encrypted.size () - out.size ());
      auto first = file.encrypted.begin () +
                   static_cast<std::ptrdiff_t> (rewriter.received ());
      Bytes window (first, first + static_cast<std::ptrdiff_t> (size));
      most = std::max (most, size);
      mp4::Rewriter::Left left;
      fail_unless (
          rewriter.push (window, window, left, mp4::Rewriter::Tail::leave)
              .ok ());
      fail_unless (left.taken == left.to && rewriter.wanted () > 0);
      out.insert (out.end (), window.begin (),
          window.begin () + static_cast<std::ptrdiff_t> (left.to));
    }
    fail_unless (out == file.clear && rewriter.at_boundary (), "%s", scheme);
    fail_unless (most < 3000);
    fail_unless_equals_int (
        static_cast<int> (rewriter.counters ().samples_decrypted), 3);
    fail_unless_equals_int (
        static_cast<int> (rewriter.counters ().bytes_decrypted), 12030);
    // One that is left in its middle, and another of its end.
    rewriter.restart (0);
    mp4::Rewriter::Left left;
    Bytes in = file.encrypted;
    std::size_t cut = in.size () - 9000;
    fail_unless (
        rewriter
            .push (std::span (in).first (cut), std::span (in).first (cut), left,
                mp4::Rewriter::Tail::leave)
            .ok ());
    fail_unless (left.to > in.size () - 12030 && !rewriter.at_boundary ());
    fail_unless (std::equal (in.begin (),
        in.begin () + static_cast<std::ptrdiff_t> (left.to),
        file.clear.begin ()));
    Bytes rest;
    fail_unless (test::push (rewriter,
        std::span<const std::uint8_t> (file.encrypted).subspan (left.to), rest)
                     .ok ());
    fail_unless (
        std::equal (rest.begin (), rest.end (),
            file.clear.end () - static_cast<std::ptrdiff_t> (rest.size ())) &&
        left.to + rest.size () == file.clear.size ());
  }
}
GST_END_TEST;

// CMAF recommends to leave them out where a constant IV says it all.
GST_START_TEST (constant_iv_without_auxiliary_information)
{
  TestTrack one = with_iv (track ("cbcs"), 0);
  for (std::size_t size : {8u, 16u}) {
    one.constant_iv_size = size;
    if (size == 8) one.constant_iv = test::block ("0011223344556677");
    TestTraf what = traf (one, {test::whole_samples ({40, 33})});
    what.senc = what.saiz = false;
    TestFile file;
    file.add_movie ({one});
    file.add_fragment ({what});
    mp4::Rewriter rewriter = make ();
    Outcome outcome = run (rewriter, file.encrypted, 10);
    fail_unless (outcome.bytes == file.clear);
  }
}
GST_END_TEST;

// Nor do boxes that are there and empty.
GST_START_TEST (empty_auxiliary_information)
{
  TestTrack one = with_iv (track ("cbcs"), 0);
  TestTraf what = traf (one, {test::whole_samples ({40, 33})});
  what.senc = what.saiz = false;
  auto saiz = [] (std::uint8_t size, std::uint32_t count, std::size_t sizes) {
    return test::full_box (
        "saiz", 0, 0, Fields ().u8 (size).u32 (count).zeros (sizes));
  };
  Bytes senc = test::full_box ("senc", 0, 0, Fields ().u32 (0));
  Bytes no_saio = test::full_box ("saio", 0, 0, Fields ().u32 (0));
  Bytes saio = test::full_box ("saio", 0, 0, Fields ().u32 (1).u32 (0x10000));
  for (const Bytes &extra :
      {senc, saiz (0, 0, 0), saiz (0, 0, 0) + no_saio, saiz (0, 0, 0) + saio,
          saiz (8, 0, 0) + saio, saiz (0, 2, 2), saiz (0, 2, 2) + no_saio,
          saiz (0, 2, 2) + saio, no_saio, saiz (0, 0, 0) + no_saio + senc}) {
    what.extra = extra;
    TestFile file;
    file.add_movie ({one});
    file.add_fragment ({what});
    mp4::Rewriter rewriter = make ();
    Outcome outcome = run (rewriter, file.encrypted, 10);
    fail_if (outcome.failure.has_value (), "%s",
        mp4::to_string (outcome.failure->code));
    fail_unless (std::equal (outcome.bytes.end () - 73, outcome.bytes.end (),
        file.clear.end () - 73));
  }
}
GST_END_TEST;

// Sound in the clear and video with a clear lead beside encrypted tracks, in
// one mdat, each with its own key.
GST_START_TEST (several_tracks_and_entries)
{
  TestTrack picture = video ("cbcs", 1, 9);
  picture.has_clear_entry = true;
  TestTrack sound = track ("cenc");
  sound.track_id = 2;
  sound.kid = test::block ("00000000000000000000000000000001");
  sound.scheme.key = test::block ("2b7e151628aed2a6abf7158809cf4f3c");
  TestTrack comment = track ("cenc");
  comment.track_id = 3;
  comment.is_encrypted = false;

  TestTraf lead = traf (picture, {test::video_samples ({200, 100})});
  lead.description_index = 2;
  TestTraf pictures = traf (picture, {test::video_samples ({200, 100})});
  pictures.description_index = 1;
  TestTraf sounds = traf (sound, {test::whole_samples ({10, 20})});
  TestTraf comments = traf (comment, {test::whole_samples ({30})});

  for (unsigned flags : {0x20000u, 0u, 1u}) {
    for (TestTraf *one : {&lead, &pictures, &sounds, &comments})
      one->tfhd_flags = flags;
    // Without a base a traf begins where the last one ended: moof's own
    // base is for the first, which the writer does not do for others.
    TestFile file;
    file.add_movie ({picture, sound, comment});
    if (flags == 0) {
      file.add_fragment ({lead});
      file.add_fragment ({pictures});
      file.add_fragment ({sounds});
    } else {
      file.add_fragment ({lead, sounds, comments});
      file.add_fragment ({sounds, comments, pictures});
    }
    mp4::Rewriter rewriter = make ();
    Outcome outcome = run (rewriter, file.encrypted, 77);
    fail_if (outcome.failure.has_value (), "%s",
        mp4::to_string (outcome.failure->code));
    fail_unless (outcome.bytes == file.clear);
    fail_unless_equals_int (
        static_cast<int> (rewriter.counters ().samples_decrypted),
        static_cast<int> (file.samples_encrypted));
    fail_unless_equals_int (
        static_cast<int> (rewriter.counters ().samples_clear),
        static_cast<int> (file.samples_clear));
  }
}
GST_END_TEST;

// 14496-12 8.8.7: without a base, a later traf counts from the end of the
// data of the one before it.
GST_START_TEST (base_is_end_of_last_traf)
{
  TestTrack one = track ("cenc"), two = track ("cenc");
  two.track_id = 2;
  TestTraf first = traf (one, {test::whole_samples ({100})});
  TestTraf second = traf (two, {test::whole_samples ({60})});
  first.tfhd_flags = second.tfhd_flags = 0;
  TestFile file;
  file.add_movie ({one, two});
  std::size_t movie = file.encrypted.size ();
  file.add_fragment ({first, second});
  // The second trun's data_offset, and the second saio's offset, from there.
  auto fix = [&] (Bytes &bytes, bool is_clear) {
    auto at = bytes.begin () + static_cast<std::ptrdiff_t> (movie);
    std::string_view type = "trun";
    at = std::search (at, bytes.end (), type.begin (), type.end ()) + 4;
    at = std::search (at, bytes.end (), type.begin (), type.end ()) + 4;
    std::fill_n (at + 8, 4, std::uint8_t{0});
    type = "saio";
    if (is_clear) return;
    at = std::search (at, bytes.end (), type.begin (), type.end ());
    std::copy_n ("free", 4, at);  // senc will do
  };
  fix (file.encrypted, false);
  fix (file.clear, true);
  mp4::Rewriter rewriter = make ();
  Outcome outcome = run (rewriter, file.encrypted, 77);
  fail_if (outcome.failure.has_value ());
  fail_unless (outcome.bytes == file.clear);
}
GST_END_TEST;

GST_START_TEST (two_fragments_before_their_media)
{
  TestTrack one = track ("cenc");
  std::vector<TestTraf> first = {traf (one, {test::whole_samples ({100, 33})})};
  std::vector<TestTraf> second = {traf (one, {test::whole_samples ({60})})};
  auto write = [&] (bool is_clear) {
    Mp4Writer writer (is_clear);
    Bytes out = writer.movie ({one});
    std::size_t a_size = writer.fragment (first, 0).moof.size ();
    std::size_t b_size = writer.fragment (second, 0).moof.size ();
    auto a = writer.fragment (first, out.size (), {}, b_size);
    auto b = writer.fragment (second, out.size () + a_size, {}, a.mdat.size ());
    return out + a.moof + b.moof + a.mdat + b.mdat;
  };
  for (std::size_t step : {1u, 1000u}) {
    mp4::Rewriter rewriter = make ();
    Outcome outcome = run (rewriter, write (false), step);
    fail_if (outcome.failure.has_value ());
    fail_unless (outcome.bytes == write (true));
    fail_unless (outcome.at_boundary);
  }
}
GST_END_TEST;

namespace {

// moof with one sample at this position.
Bytes fragment_of (std::uint64_t position, std::size_t size)
{
  Bytes tfhd = test::full_box ("tfhd", 0, 1, Fields ().u32 (1).u64 (position));
  Bytes trun = test::full_box ("trun", 0, 0x200, Fields ().u32 (1).u32 (size));
  Bytes senc = test::full_box ("senc", 0, 0, Fields ().u32 (1).zeros (8));
  return test::box ("moof", test::box ("traf", tfhd + trun + senc));
}

constexpr std::uint64_t far = std::uint64_t{1} << 40;

}  // namespace

// Each before the last one: what it costs must not grow with what is waiting.
GST_START_TEST (many_fragments_before_their_media)
{
  Bytes bytes = Mp4Writer (false).movie ({track ("cenc")});
  Bytes moof = fragment_of (far, 16);
  // The last bytes of base_data_offset, behind the headers of three boxes.
  constexpr std::size_t place = 8 + 8 + 12 + 4 + 4;
  for (std::uint32_t i = 40000; i > 0; i--) {
    for (std::size_t byte = 0; byte < 4; byte++)
      moof[place + byte] =
          static_cast<std::uint8_t> (i * 16 >> (24 - 8 * byte));
    bytes.insert (bytes.end (), moof.begin (), moof.end ());
  }
  mp4::Rewriter rewriter = make ();
  Outcome outcome = run (rewriter, bytes, bytes.size ());
  fail_if (outcome.failure.has_value (), "%s",
      mp4::to_string (outcome.failure->code));
  fail_unless (outcome.bytes.size () == bytes.size ());
}
GST_END_TEST;

GST_START_TEST (samples_of_two_fragments_overlap)
{
  struct Row
  {
    std::uint64_t position;
    std::size_t size;
    bool is_wrong;
  };
  const Row rows[] = {{far - 16, 16, false}, {far + 16, 16, false},
      {far - 16, 17, true}, {far + 15, 16, true}, {far, 16, true},
      {far + 4, 4, true}, {far - 4, 100, true}};
  for (const Row &row : rows) {
    mp4::Rewriter rewriter = make ();
    Outcome outcome = run (rewriter,
        Mp4Writer (false).movie ({track ("cenc")}) + fragment_of (far, 16) +
            fragment_of (far + 100, 16) + fragment_of (row.position, row.size),
        1000);
    fail_unless (outcome.failure.has_value () == row.is_wrong);
    if (row.is_wrong)
      fail_unless (
          outcome.failure->code == mp4::Error (bmff::Error::samples_overlap));
  }
}
GST_END_TEST;

// senc is taken where it is sound, saio and saiz where it is not.
GST_START_TEST (wrong_auxiliary_information_beside_right)
{
  TestFile file = simple_file ();
  for (const Bytes &bytes :
      {test::patched (file.encrypted, "saio", 8, "0000ffff"),
          test::patched (file.encrypted, "saiz", 4, "05"),
          test::patched (file.encrypted, "senc", 4, "00000001")}) {
    mp4::Rewriter rewriter = make ();
    Outcome outcome = run (rewriter, bytes, 50);
    fail_if (outcome.failure.has_value (), "%s",
        mp4::to_string (outcome.failure->code));
    fail_unless (std::equal (outcome.bytes.end () - 180, outcome.bytes.end (),
        file.clear.end () - 180));
  }
}
GST_END_TEST;

// An auxiliary information type that is another scheme's: taken all the same.
GST_START_TEST (auxiliary_information_type)
{
  TestTrack one = with_iv (video ("cbcs", 1, 9), 0);
  for (const char *type : {"cbcs", "cenc"}) {
    auto write = [&] (bool is_clear) {
      TestTraf what = traf (one, {test::video_samples ({300})});
      what.senc = what.saiz = false;
      test::Range first = (*what.runs[0][0].ranges)[0];
      test::Range second = (*what.runs[0][0].ranges)[1];
      auto named = [&] (const char *name) { return is_clear ? "free" : name; };
      what.extra = test::full_box (named ("saiz"), 0, 1,
                       Fields ().text (type).u32 (0).u8 (14).u32 (1)) +
                   test::full_box (named ("saio"), 0, 1,
                       Fields ().text (type).u32 (0).u32 (1).u32 (
                           8 + 16 + 8 + 16 + 16 + 24 + 25 + 28 + 8)) +
                   test::box ("free", Fields ()
                                          .u16 (2)
                                          .u16 (first.clear)
                                          .u32 (first.encrypted)
                                          .u16 (second.clear)
                                          .u32 (second.encrypted));
      Mp4Writer writer (is_clear);
      Bytes out = writer.movie ({one});
      auto fragment = writer.fragment ({what}, out.size ());
      return out + fragment.moof + fragment.mdat;
    };
    mp4::Rewriter rewriter = make ();
    Outcome outcome = run (rewriter, write (false), 50);
    fail_if (outcome.failure.has_value (), "%s",
        mp4::to_string (outcome.failure->code));
    fail_unless (outcome.bytes == write (true));
  }
}
GST_END_TEST;

GST_START_TEST (protection_becomes_free_space)
{
  // Groups that no sample is in go, groups of other kinds stay.
  Bytes seig = test::full_box (
      "sgpd", 1, 0, Fields ().text ("seig").u32 (20).u32 (1).zeros (20));
  Bytes roll = test::full_box (
      "sgpd", 1, 0, Fields ().text ("roll").u32 (2).u32 (1).u16 (0xffff));
  auto write = [&] (bool is_clear) {
    Mp4Writer writer (is_clear);
    TestTrack one = track ("cenc");
    TestTraf what = traf (one, {test::whole_samples ({20})});
    one.extra_in_stbl =
        roll + (is_clear ? renamed (seig, "sgpd", "free") : seig);
    what.extra = one.extra_in_stbl;
    Bytes out = writer.movie ({one});
    auto fragment = writer.fragment ({what}, out.size (), writer.pssh ());
    return out + fragment.moof + fragment.mdat;
  };
  mp4::Rewriter rewriter = make ();
  Outcome outcome = run (rewriter, write (false), 50);
  fail_if (outcome.failure.has_value (), "%s",
      mp4::to_string (outcome.failure->code));
  fail_unless (outcome.bytes == write (true));
}
GST_END_TEST;

GST_START_TEST (clear_files_pass_unchanged)
{
  TestTrack one = track ("cenc");
  one.is_encrypted = false;
  Mp4Writer writer (false);
  Bytes fragmented = writer.movie ({one});
  auto fragment = writer.fragment (
      {traf (one, {test::whole_samples ({20})})}, fragmented.size ());
  fragmented = fragmented + fragment.moof + fragment.mdat +
               test::box ("free", Bytes (10)) + test::box ("mfra", Bytes ());
  Bytes progressive = test::patched (fragmented, "stsz", 8, "00000001");
  Bytes open_ended =
      fragmented + Fields ().u32 (0).text ("mdat").zeros (99).bytes ();
  Bytes large =
      fragmented + Fields ().u32 (1).text ("mdat").u64 (21).zeros (5).bytes ();
  for (const Bytes &bytes : {fragmented, progressive, open_ended, large}) {
    for (std::size_t step : {1u, 7u, 1000u}) {
      mp4::Rewriter rewriter = make ("");
      Outcome outcome = run (rewriter, bytes, step);
      fail_if (outcome.failure.has_value ());
      fail_unless (outcome.bytes == bytes);
      fail_unless (outcome.at_boundary);
    }
  }
}
GST_END_TEST;

// A media segment counts from where it begins, and needs its init segment
// once; another init segment takes the place of the first.
GST_START_TEST (segments)
{
  TestTrack one = track ("cenc"), two = with_iv (track ("cbcs"), 0);
  mp4::Rewriter rewriter = make ();
  for (const TestTrack &each : {one, two, one}) {
    TestFile file;
    file.add_movie ({each});
    std::size_t movie = file.encrypted.size ();
    TestTraf what = traf (each, {test::whole_samples ({50, 20})});
    what.tfhd_flags = 1;
    file.add_fragment ({what});
    Bytes segment (
        file.encrypted.begin () + static_cast<std::ptrdiff_t> (movie),
        file.encrypted.end ());
    Bytes clear (file.clear.begin () + static_cast<std::ptrdiff_t> (movie),
        file.clear.end ());
    rewriter.restart (0);
    fail_if (run (rewriter, file.encrypted, 100).failure.has_value ());
    for (int i = 0; i < 2; i++) {
      rewriter.restart (movie);
      Outcome outcome = run (rewriter, segment, 100);
      fail_if (outcome.failure.has_value ());
      fail_unless (outcome.bytes == clear);
    }
  }
}
GST_END_TEST;

GST_START_TEST (ends)
{
  TestFile file = simple_file ();
  std::vector<std::size_t> boundaries{0};
  std::span<const std::uint8_t> rest = file.encrypted;
  while (!rest.empty ()) {
    std::size_t size = bmff::Reader (rest).u32 ();
    rest = rest.subspan (size);
    boundaries.push_back (file.encrypted.size () - rest.size ());
  }
  fail_unless_equals_int (static_cast<int> (boundaries.size ()), 5);
  // After moof its samples are still to come.
  boundaries.erase (boundaries.begin () + 3);
  for (std::size_t size = 0; size <= file.encrypted.size (); size++) {
    mp4::Rewriter rewriter = make ();
    Bytes cut (file.encrypted.begin (),
        file.encrypted.begin () + static_cast<std::ptrdiff_t> (size));
    Outcome outcome = run (rewriter, cut, 1000);
    fail_if (outcome.failure.has_value ());
    bool expected = std::find (boundaries.begin (), boundaries.end (), size) !=
                    boundaries.end ();
    fail_unless (
        outcome.at_boundary == expected, "cut at %d", static_cast<int> (size));
  }
}
GST_END_TEST;

// Zeros too few for a header, as QuickTime writes behind its last box.
GST_START_TEST (zeros_behind_the_last_box)
{
  TestTrack clear = track ("cenc");
  clear.is_encrypted = false;
  Bytes movie = Mp4Writer (false).movie ({clear});
  TestFile file = simple_file ();
  struct Row
  {
    Bytes in;
    Bytes out;
    bool is_whole;
  };
  std::vector<Row> rows = {{Bytes (4), {}, false},
      {movie + Bytes{0, 0, 0, 1}, movie, false},
      // Here samples are missing, or a part of mdat.
      {Bytes (file.encrypted.begin (), file.encrypted.end () - 188) + Bytes (4),
          Bytes (file.clear.begin (), file.clear.end () - 188), false},
      {movie + test::Fields ().u32 (20).text ("mdat").zeros (5).bytes (),
          movie + test::Fields ().u32 (20).text ("mdat").zeros (5).bytes (),
          false}};
  for (std::size_t count = 0; count < 8; count++) {
    rows.push_back ({movie + Bytes (count), movie + Bytes (count), true});
    rows.push_back (
        {file.encrypted + Bytes (count), file.clear + Bytes (count), true});
  }
  for (const Row &row : rows) {
    for (std::size_t step : {1u, 1000u}) {
      mp4::Rewriter rewriter = make ();
      Outcome outcome = run (rewriter, row.in, step);
      fail_if (outcome.failure.has_value ());
      outcome.bytes = outcome.bytes + rewriter.finish ();
      fail_unless (outcome.bytes == row.out);
      fail_unless (rewriter.at_boundary () == row.is_whole);
      fail_unless (rewriter.position () == row.out.size ());
      fail_unless (rewriter.received () == row.in.size ());
    }
  }
}
GST_END_TEST;

namespace {

struct Bad
{
  const char *what;
  mp4::Error error;
  std::function<Bytes ()> bytes;
};

Bytes file_with (const TestTrack &one, TestTraf what, Bytes extra = {})
{
  what.track = &one;
  Mp4Writer writer (false);
  Bytes out = writer.movie ({one});
  auto fragment = writer.fragment ({what}, out.size (), extra);
  return out + fragment.moof + fragment.mdat;
}

Bytes simple ()
{
  return simple_file ().encrypted;
}

Bytes sound_with (const std::function<void (TestTrack &, TestTraf &)> &change)
{
  TestTrack one = track ("cenc");
  TestTraf what = traf (one, {test::whole_samples ({40, 20})});
  change (one, what);
  return file_with (one, what);
}

Bytes seig (std::string_view type, unsigned version)
{
  return test::full_box (type, version, 0,
      Fields ().text ("seig").u32 (1).u32 (2).u32 (1).zeros (20));
}

Bytes many_samples ()
{
  return sound_with ([] (TestTrack &, TestTraf &what) {
    what.extra = test::full_box ("trun", 0, 0, Fields ().u32 (UINT32_MAX));
  });
}

// Samples of which the file says neither a size nor anything else.
Bytes empty_samples (std::uint32_t count, bool is_encrypted)
{
  return sound_with ([&] (TestTrack &one, TestTraf &what) {
    one = with_iv (track ("cbcs"), 0);
    one.has_clear_entry = true;
    if (!is_encrypted) what.description_index = 2;
    what.runs = {};
    what.senc = what.saiz = false;
    what.extra = test::full_box ("trun", 0, 0, Fields ().u32 (count));
  });
}

// The same 252 bytes for each of half a million samples: small in the file,
// large in memory.
Bytes many_subsamples ()
{
  constexpr std::uint32_t runs = 2048, per_run = 250;
  Bytes bytes = sound_with ([] (TestTrack &one, TestTraf &what) {
    one = with_iv (track ("cbcs"), 0);
    what.runs = {};
    what.senc = what.saiz = false;
    Bytes trun = test::full_box ("trun", 0, 0, Fields ().u32 (per_run));
    for (std::uint32_t i = 0; i < runs; i++) what.extra = what.extra + trun;
    what.extra = what.extra + test::full_box ("saiz", 0, 0,
                                  Fields ().u8 (254).u32 (runs * per_run));
    Fields offsets, entries;
    for (std::uint32_t i = 0; i < per_run; i++) entries.u16 (42).zeros (252);
    // moof, mfhd, traf, tfhd and tfdt come before it.
    std::size_t at =
        8 + 16 + 8 + 16 + 16 + what.extra.size () + (16 + 4 * runs) + 8;
    offsets.u32 (runs);
    for (std::uint32_t i = 0; i < runs; i++) offsets.u32 (at);
    what.extra = what.extra + test::full_box ("saio", 0, 0, offsets) +
                 test::box ("free", entries);
  });
  return test::patched (bytes, "trex", 16, "00000001");  // default_sample_size
}

Bytes many_tracks ()
{
  std::vector<TestTrack> tracks (1025, track ("cenc"));
  for (std::size_t i = 0; i < tracks.size (); i++)
    tracks[i].track_id = static_cast<std::uint32_t> (i + 1);
  return Mp4Writer (false).movie (tracks);
}

using enum bmff::Error;

const Bad bad[] = {
    {"no MP4", no_box_here, [] { return Bytes (20, 'x'); }},
    {"from the middle of mdat", no_box_here,
        [] {
          Bytes all = simple ();
          return Bytes (all.end () - 150, all.end ());
        }},
    {"box of 4 bytes", box_too_small,
        [] { return Fields ().u32 (4).text ("free").bytes (); }},
    {"largesize of 8 bytes", box_too_small,
        [] { return Fields ().u32 (1).text ("free").u64 (8).bytes (); }},
    {"box of 2^63 bytes", box_too_large,
        [] {
          return Fields ()
              .u32 (1)
              .text ("free")
              .u64 (std::uint64_t{1} << 63)
              .bytes ();
        }},
    {"moov too large to hold", box_too_large,
        [] { return Fields ().u32 (0x04000001).text ("moov").bytes (); }},
    {"moov without an end", box_unbounded,
        [] { return Fields ().u32 (0).text ("moov").bytes (); }},
    {"box in moov without an end", box_unbounded,
        [] { return test::box ("moov", Fields ().u32 (0).text ("trak")); }},
    {"child larger than its parent", truncated,
        [] { return test::box ("moov", Fields ().u32 (9).text ("trak")); }},
    {"bytes behind the last child", truncated,
        [] { return test::box ("moov", Fields ().text ("bytes")); }},
    {"too many children", too_many_boxes,
        [] {
          Fields body;
          for (int i = 0; i < 4097; i++) body.u32 (8).text ("free");
          return test::box ("moov", body);
        }},
    {"mdat first", media_before_movie,
        [] { return test::box ("mdat", Bytes (10)); }},
    {"moof first", fragment_before_movie,
        [] { return test::box ("moof", Bytes ()); }},
    {"mdat without moof", media_without_fragment,
        [] {
          return Mp4Writer (false).movie ({track ("cenc")}) +
                 test::box ("mdat", Bytes (10));
        }},

    {"trak without tkhd", missing_box,
        [] { return renamed (simple (), "tkhd", "free"); }},
    {"trak without stbl", missing_box,
        [] { return renamed (simple (), "stbl", "free"); }},
    {"stbl without stsd", missing_box,
        [] { return renamed (simple (), "stsd", "free"); }},
    {"encv without sinf", missing_box,
        [] { return renamed (simple (), "sinf", "free"); }},
    {"sinf without frma", missing_box,
        [] { return renamed (simple (), "frma", "free"); }},
    {"sinf without schm", missing_box,
        [] { return renamed (simple (), "schm", "free"); }},
    {"sinf without schi", missing_box,
        [] { return renamed (simple (), "schi", "free"); }},
    {"schi without tenc", missing_box,
        [] { return renamed (simple (), "tenc", "free"); }},
    {"traf without tfhd", missing_box,
        [] { return renamed (simple (), "tfhd", "free"); }},
    {"entry too short", truncated,
        [] {
          Bytes stsd = test::full_box ("stsd", 0, 0,
              Fields ().u32 (1).put (test::box ("encv", Bytes (20))));
          Bytes trak = test::box (
              "trak", test::full_box ("tkhd", 0, 0, Fields ().zeros (80)) +
                          test::box ("mdia",
                              test::box ("minf", test::box ("stbl", stsd))));
          return test::box ("moov", trak);
        }},
    {"too many tracks", too_many_entries, many_tracks},
    {"two tracks of one number", bad_value,
        [] {
          return Mp4Writer (false).movie ({track ("cenc"), track ("cenc")});
        }},
    {"isProtected of 2", bad_value,
        [] { return test::patched (simple (), "tenc", 6, "02"); }},
    {"IV size of 5", bad_value,
        [] { return test::patched (simple (), "tenc", 7, "05"); }},
    {"constant IV cut", truncated,
        [] { return test::patched (simple (), "tenc", 7, "00"); }},
    {"constant IV of 7 bytes", bad_value,
        [] {
          return sound_with ([] (TestTrack &one, TestTraf &) {
            one = with_iv (track ("cbcs"), 0);
            one.constant_iv_size = 7;
          });
        }},
    {"scheme of 2 bytes", unsupported_scheme,
        [] { return test::patched (simple (), "schm", 4, "63650000"); }},
    {"entry drms", unsupported_sample_entry,
        [] { return renamed (simple (), "encv", "drms"); }},
    {"entry encs", unsupported_sample_entry,
        [] { return renamed (simple (), "encv", "encs"); }},

    {"unknown track", unknown_track,
        [] { return test::patched (simple (), "tfhd", 4, "00000007"); }},
    {"entry 2 of 1", no_such_sample_entry,
        [] {
          return sound_with ([] (TestTrack &one, TestTraf &what) {
            one.has_clear_entry = false;
            what.description_index = 2;
          });
        }},
    {"entry 0", no_such_sample_entry,
        [] { return test::patched (simple (), "trex", 8, "00000000"); }},
    {"too many samples", too_many_samples, many_samples},
    {"groups in the compact box", unsupported_sample_group,
        [] {
          return sound_with ([] (TestTrack &, TestTraf &what) {
            what.extra = seig ("csgp", 0);
          });
        }},
    {"trun cut", truncated,
        [] { return test::patched (simple (), "trun", 4, "00000003"); }},
    {"sample of 4 GB", sample_outside_media,
        [] { return test::patched (simple (), "trun", 12, "ffffffff"); }},
    {"sample larger than mdat", sample_outside_media,
        [] { return test::patched (simple (), "trun", 16, "00000051"); }},
    {"samples before moof", sample_outside_media,
        [] { return test::patched (simple (), "trun", 8, "80000000"); }},
    {"samples in moof", sample_outside_media,
        [] { return test::patched (simple (), "trun", 8, "00000010"); }},
    {"samples in no mdat", sample_outside_media,
        [] { return renamed (simple (), "mdat", "free"); }},
    {"sample too large to hold", sample_too_large,
        [] {
          Bytes bytes = test::patched (simple (), "trun", 16, "04000001");
          bytes.resize (bytes.size () - 180 - 8);
          return bytes +
                 Fields ().u32 (0x7fffffff).text ("mdat").zeros (180).bytes ();
        }},
    {"the same samples twice", samples_overlap,
        [] {
          return sound_with ([] (TestTrack &one, TestTraf &what) {
            one = with_iv (track ("cbcs"), 0);
            what.senc = what.saiz = false;
            what.extra = test::full_box (
                "trun", 0, 0x201, Fields ().u32 (1).u32 (100).u32 (40));
          });
        }},

    {"no auxiliary information", no_auxiliary_information,
        [] {
          return sound_with ([] (TestTrack &, TestTraf &what) {
            what.senc = what.saiz = false;
          });
        }},
    {"senc for fewer samples", auxiliary_information_size,
        [] {
          return sound_with ([] (TestTrack &, TestTraf &what) {
            what.senc = what.saiz = false;
            what.extra =
                test::full_box ("senc", 0, 0, Fields ().u32 (1).zeros (8));
          });
        }},
    {"senc too short", auxiliary_information_size,
        [] {
          return sound_with ([] (TestTrack &, TestTraf &what) {
            what.senc = what.saiz = false;
            what.extra =
                test::full_box ("senc", 0, 0, Fields ().u32 (2).zeros (15));
          });
        }},
    {"senc too long", auxiliary_information_size,
        [] {
          return sound_with ([] (TestTrack &, TestTraf &what) {
            what.senc = what.saiz = false;
            what.extra =
                test::full_box ("senc", 0, 0, Fields ().u32 (2).zeros (17));
          });
        }},
    {"saiz of a wrong size", auxiliary_information_size,
        [] {
          Bytes bytes = renamed (simple (), "senc", "free");
          return test::patched (bytes, "saiz", 9, "15");
        }},
    {"saiz for fewer samples", auxiliary_information_size,
        [] {
          Bytes bytes = renamed (simple (), "senc", "free");
          return test::patched (bytes, "saiz", 5, "00000001");
        }},
    {"saio for two runs of one", bad_value,
        [] {
          Bytes bytes = renamed (simple (), "senc", "free");
          return test::patched (bytes, "saio", 4, "00000002");
        }},
    {"saiz of more than its due", too_many_samples, many_subsamples},
    {"saiz of sizes that no saio leads to", bad_value,
        [] {
          return sound_with ([] (TestTrack &one, TestTraf &what) {
            one = with_iv (track ("cbcs"), 0);
            what.senc = what.saiz = false;
            what.extra =
                test::full_box ("saiz", 0, 0, Fields ().u8 (8).u32 (2)) +
                test::full_box ("saio", 0, 0, Fields ().u32 (0));
          });
        }},
    {"saiz of nothing without a constant IV", no_auxiliary_information,
        [] {
          return sound_with ([] (TestTrack &, TestTraf &what) {
            what.senc = what.saiz = false;
            what.extra =
                test::full_box ("saiz", 0, 0, Fields ().u8 (0).u32 (0)) +
                test::full_box ("saio", 0, 0, Fields ().u32 (0));
          });
        }},
    {"saiz cut", truncated,
        [] {
          return sound_with ([] (TestTrack &one, TestTraf &what) {
            one = with_iv (track ("cbcs"), 0);
            what.senc = what.saiz = false;
            what.extra =
                test::full_box (
                    "saiz", 0, 0, Fields ().u8 (0).u32 (2).zeros (1)) +
                test::full_box ("saio", 0, 0, Fields ().u32 (1).u32 (8));
          });
        }},
    {"saiz for something else", no_auxiliary_information,
        [] {
          return sound_with ([] (TestTrack &, TestTraf &what) {
            what.senc = what.saiz = false;
            what.extra = test::full_box ("saiz", 0, 1,
                             Fields ().text ("misc").u32 (0).u8 (8).u32 (2)) +
                         test::full_box ("saio", 0, 1,
                             Fields ().text ("misc").u32 (0).u32 (1).u32 (0));
          });
        }},

    {"no key", cenc::Error::no_key,
        [] { return test::patched (simple (), "tenc", 8, "77"); }},
    {"subsamples of another sum", cenc::Error::subsamples_sum,
        [] { return test::patched (simple (), "senc", 22, "00000001"); }},
    {"pattern in cenc", cenc::Error::pattern_forbidden,
        [] {
          Bytes bytes = test::patched (simple (), "tenc", 0, "01");
          return test::patched (bytes, "tenc", 5, "19");
        }},
};

}  // namespace

GST_START_TEST (refuses)
{
  for (const Bad &row : bad) {
    Bytes bytes = row.bytes ();
    for (std::size_t step : {1u, 13u, 1u << 20}) {
      if (step < 1000 && bytes.size () > 10000) continue;  // for time's sake
      mp4::Rewriter rewriter = make ();
      Outcome outcome = run (rewriter, bytes, step);
      fail_unless (outcome.failure.has_value (), "%s was taken", row.what);
      fail_unless (outcome.failure->code == row.error, "%s: %s", row.what,
          mp4::to_string (outcome.failure->code));
    }
  }
}
GST_END_TEST;

// Samples of nothing are taken, but not many in few bytes; clear ones are only
// counted.
GST_START_TEST (samples_of_nothing)
{
  for (bool is_encrypted : {true, false}) {
    std::uint32_t count = is_encrypted ? 16 : 1 << 20;
    mp4::Rewriter rewriter = make ();
    Bytes bytes = empty_samples (count, is_encrypted);
    Outcome outcome = run (rewriter, bytes, 1000);
    fail_if (outcome.failure.has_value (), "%s",
        mp4::to_string (outcome.failure->code));
    fail_unless (outcome.bytes.size () == bytes.size ());
    fail_unless (outcome.at_boundary);
    fail_unless (
        rewriter.counters ().samples_clear == (is_encrypted ? 0 : count));
  }
}
GST_END_TEST;

// Ciphertext does not leave before the error.
GST_START_TEST (samples_outside_of_mdat_do_not_leave)
{
  Bytes bytes = renamed (simple (), "mdat", "free");
  mp4::Rewriter rewriter = make ();
  Outcome outcome = run (rewriter, bytes, 10);
  fail_unless (outcome.failure.has_value ());
  fail_unless (outcome.bytes.size () == bytes.size () - 8 - 180);
}
GST_END_TEST;

GST_START_TEST (names_the_missing_key)
{
  mp4::Rewriter rewriter = make ("");
  Outcome outcome = run (rewriter, simple (), 100);
  fail_unless (outcome.failure.has_value () &&
               outcome.failure->code == mp4::Error (cenc::Error::no_key));
  fail_unless (rewriter.missing_key () == test::block (kid_digits));
  // Nothing of the fragment has left.
  fail_unless (std::search (outcome.bytes.begin (), outcome.bytes.end (),
                   "moof", &"moof"[4]) == outcome.bytes.end ());
}
GST_END_TEST;

// Whatever a byte is changed to: an error or as many bytes out as in. ASan and
// UBSan see the rest.
GST_START_TEST (mutations)
{
  TestTrack one = video ("cbcs", 1, 9);
  TestFile file;
  file.add_movie ({one});
  file.add_fragment ({traf (one, {test::video_samples ({100, 80})})});
  std::size_t boxes = file.encrypted.size () - 180;
  for (std::size_t at = 0; at < boxes; at++) {
    for (unsigned value : {0u, 1u, 0x7fu, 0xffu}) {
      Bytes bytes = file.encrypted;
      bytes[at] = static_cast<std::uint8_t> (value);
      mp4::Rewriter rewriter = make ();
      Outcome outcome = run (rewriter, bytes, 4096);
      fail_unless (outcome.bytes.size () <= bytes.size ());
      if (outcome.at_boundary)
        fail_unless (outcome.bytes.size () == bytes.size ());
    }
  }
}
GST_END_TEST;

GST_START_TEST (vectors)
{
  std::optional<std::filesystem::path> folder = test::vectors ("cenc");
  if (!folder) return;
  auto clear = [&] (const Bytes &bytes) {
    mp4::Rewriter rewriter = make ();
    Outcome outcome = run (rewriter, bytes, 5000);
    fail_if (outcome.failure.has_value (), "%s",
        mp4::to_string (outcome.failure->code));
    fail_unless (outcome.at_boundary);
    fail_unless (outcome.bytes.size () == bytes.size ());
    return outcome.bytes;
  };
  auto tail = [] (const Bytes &bytes, std::size_t size) {
    fail_unless (bytes.size () >= size);
    return Bytes (
        bytes.end () - static_cast<std::ptrdiff_t> (size), bytes.end ());
  };
  // One clip under four schemes.
  const std::pair<const char *, std::size_t> clips[] = {
      {"video", 90094}, {"audio", 78794}};
  for (const auto &[medium, size] : clips) {
    std::string name = medium;
    std::optional<Bytes> first;
    for (const char *scheme : {"cenc", "cens", "cbc1", "cbcs"}) {
      std::filesystem::path path =
          *folder / ("vsd-" + std::string (scheme) + "-single");
      Bytes in = test::read_file (path / (name + "_init.mp4")) +
                 test::read_file (path / (name + "_1.m4s"));
      Bytes media = tail (clear (in), size);
      fail_unless (media != tail (in, size));
      if (!first) first = media;
      fail_unless (media == *first, "%s %s", scheme, medium);
    }
  }
  // With clear twins, whose last mdat is the same.
  Bytes captions = clear (test::read_file (*folder / "mp4ff-cbcs.mp4"));
  fail_unless (
      tail (captions, 18436) ==
      tail (test::read_file (*folder / "mp4ff-cbcs-clear.mp4"), 18436));
  Bytes piff = clear (
      test::read_file (*folder / "mp4ff-piff-audio" / "init.mp4") +
      test::read_file (*folder / "mp4ff-piff-audio" / "segment-1.0001.m4s"));
  fail_unless (tail (piff, 41318) ==
               tail (test::read_file (*folder / "mp4ff-piff-audio" /
                                      "segment-1.0001_dec.m4s"),
                   41318));
  // Video with 16-byte IVs beside clear sound, which must stay as it is.
  Bytes file =
      test::read_file (*folder / "exoplayer-cenc-iv16-clear-audio.mp4");
  Bytes exoplayer = clear (file);
  std::size_t sound = 88775;  // where it begins
  fail_unless (exoplayer[sound - 1] != file[sound - 1]);
  fail_unless (tail (exoplayer, file.size () - sound) ==
               tail (file, file.size () - sound));
}
GST_END_TEST;

static Suite *mp4_suite ()
{
  Suite *suite = suite_create ("mp4");
  TCase *tests = tcase_create ("all");
  suite_add_tcase (suite, tests);
  tcase_add_test (tests, clear_twin);
  tcase_add_test (tests, cut_anywhere);
  tcase_add_test (tests, streams);
  tcase_add_test (tests, leaves_a_tail);
  tcase_add_test (tests, leaves_parts);
  tcase_add_test (tests, constant_iv_without_auxiliary_information);
  tcase_add_test (tests, empty_auxiliary_information);
  tcase_add_test (tests, several_tracks_and_entries);
  tcase_add_test (tests, base_is_end_of_last_traf);
  tcase_add_test (tests, two_fragments_before_their_media);
  tcase_add_test (tests, many_fragments_before_their_media);
  tcase_add_test (tests, samples_of_two_fragments_overlap);
  tcase_add_test (tests, wrong_auxiliary_information_beside_right);
  tcase_add_test (tests, auxiliary_information_type);
  tcase_add_test (tests, protection_becomes_free_space);
  tcase_add_test (tests, clear_files_pass_unchanged);
  tcase_add_test (tests, segments);
  tcase_add_test (tests, ends);
  tcase_add_test (tests, zeros_behind_the_last_box);
  tcase_add_test (tests, refuses);
  tcase_add_test (tests, samples_of_nothing);
  tcase_add_test (tests, samples_outside_of_mdat_do_not_leave);
  tcase_add_test (tests, names_the_missing_key);
  tcase_add_test (tests, mutations);
  tcase_add_test (tests, vectors);
  return suite;
}

GST_CHECK_MAIN (mp4)

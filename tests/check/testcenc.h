// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "mp4.h"
#include "testmp4.h"
#include "testrewriter.h"

// What the tests of the MP4 cores have in common.
namespace test {

inline const char *const kid_digits = "eb676abbcb345e96bbcf616630f1a3da";
inline const char *const key_digits = "100b6c20940f779a4589152b57d2dacb";
inline const char *const kid2_digits = "00000000000000000000000000000001";
inline const char *const key2_digits = "2b7e151628aed2a6abf7158809cf4f3c";

inline mp4::Rewriter rewriter ()
{
  keys::Result<keys::Ring> ring =
      keys::parse (std::string (kid_digits) + ":" + key_digits + "," +
                   kid2_digits + ":" + key2_digits);
  fail_unless (ring.ok ());
  return mp4::Rewriter (std::make_shared<keys::Ring> (*std::move (ring)));
}

struct Outcome
{
  Bytes bytes;
  std::optional<relay::Failure<mp4::Error>> failure;
  bool at_boundary = false;
  mp4::Counters counters;
};

inline Outcome rewrite (const Bytes &in, std::size_t step)
{
  mp4::Rewriter rewriter = test::rewriter ();
  Outcome out;
  mp4::Result<relay::Done> pushed =
      test::push_pieces (rewriter, in, step, out.bytes);
  if (!pushed) out.failure = pushed.error ();
  out.at_boundary = !out.failure && rewriter.at_boundary ();
  out.counters = rewriter.counters ();
  return out;
}

// Cut and whole.
inline Outcome becomes (
    const Bytes &encrypted, const Bytes &clear, const std::string &what)
{
  Outcome out;
  for (std::size_t step : {std::size_t{1} << 20, std::size_t{7}}) {
    out = rewrite (encrypted, step);
    fail_if (out.failure.has_value (), "%s: %s at %d", what.c_str (),
        mp4::to_string (out.failure->code),
        static_cast<int> (out.failure->position));
    fail_unless (out.at_boundary, "%s", what.c_str ());
    fail_unless (out.bytes == clear, "%s", what.c_str ());
  }
  return out;
}

inline void fails (
    const Bytes &bytes, const mp4::Error &error, const std::string &what)
{
  for (std::size_t step : {std::size_t{1} << 20, std::size_t{7}}) {
    Outcome out = rewrite (bytes, step);
    fail_unless (out.failure.has_value (), "%s was taken", what.c_str ());
    fail_unless (out.failure->code == error, "%s: %s", what.c_str (),
        mp4::to_string (out.failure->code));
  }
}

inline TestTrack track (std::string_view scheme, std::size_t iv_size,
    bool is_video = false, unsigned crypt = 0, unsigned skip = 0)
{
  TestTrack out;
  out.scheme.name = scheme;
  out.scheme.key = block (key_digits);
  out.scheme.crypt = crypt;
  out.scheme.skip = skip;
  out.kid = block (kid_digits);
  out.is_video = is_video;
  out.iv_size = iv_size;
  if (iv_size == 0) out.constant_iv = block ("00112233445566778899");
  return out;
}

inline TestTrack second_key (TestTrack out)
{
  out.kid = block (kid2_digits);
  out.scheme.key = block (key2_digits);
  return out;
}

inline TestTrack clear_group ()
{
  TestTrack out;
  out.is_encrypted = false;
  return out;
}

// 14496-12 8.9.3. Lengths: given for all, for each, or not at all.
enum class Lengths
{
  all,
  each,
  none
};
inline Bytes sgpd (const std::vector<TestTrack> &groups, unsigned version,
    Lengths lengths, std::uint32_t default_index = 0)
{
  Fields out;
  out.text ("seig");
  if (lengths != Lengths::none)
    out.u32 (lengths == Lengths::all && !groups.empty ()
                 ? description (groups[0]).size ()
                 : 0);
  if (version >= 2) out.u32 (default_index);
  out.u32 (groups.size ());
  for (const TestTrack &group : groups) {
    Bytes bytes = description (group);
    if (lengths == Lengths::each) out.u32 (bytes.size ());
    out.put (bytes);
  }
  return full_box ("sgpd", version, 0, out);
}

struct Members
{
  std::uint32_t count;
  std::uint32_t group;
};
inline Bytes sbgp (const std::vector<Members> &all, unsigned version = 0)
{
  Fields out;
  out.text ("seig");
  if (version > 0) out.u32 (0x12345678);
  out.u32 (all.size ());
  for (const Members &members : all)
    out.u32 (members.count).u32 (members.group);
  return full_box ("sbgp", version, 0, out);
}

inline std::vector<TestSample> samples_of (
    const TestTrack &track, std::initializer_list<std::size_t> sizes)
{
  bool whole_blocks =
      track.scheme.name == "cens" || track.scheme.name == "cbc1";
  return track.is_video ? video_samples (sizes, whole_blocks ? 16 : 1)
                        : whole_samples (sizes);
}

// Writes each box inside boxes, at any depth, to see: its offset and size.
template <class See>
void each_box (const Bytes &bytes, See see)
{
  struct Open
  {
    std::size_t at;
    std::size_t end;
  };
  std::vector<Open> open{{0, bytes.size ()}};
  while (!open.empty ()) {
    auto [at, end] = open.back ();
    open.pop_back ();
    while (end - at >= 8) {
      std::size_t size = bmff::Reader (std::span (bytes).subspan (at)).u32 ();
      if (size < 8 || size > end - at) break;
      std::string type (bytes.begin () + static_cast<std::ptrdiff_t> (at) + 4,
          bytes.begin () + static_cast<std::ptrdiff_t> (at) + 8);
      see (type, at, size);
      static const std::vector<std::pair<std::string, std::size_t>> parents = {
          {"moov", 8}, {"trak", 8}, {"mdia", 8}, {"minf", 8}, {"stbl", 8},
          {"stsd", 16}, {"encv", 86}, {"enca", 36}, {"sinf", 8}, {"schi", 8},
          {"mvex", 8}, {"moof", 8}, {"traf", 8}};
      for (const auto &[parent, header] : parents)
        if (type == parent && size >= header)
          open.push_back ({at + header, at + size});
      at += size;
    }
  }
}

}  // namespace test

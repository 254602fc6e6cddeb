// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tsprogram.h"

#include "sampleencrypter.h"
#include "testutil.h"

using sampleaes::Codec;
using sampleaes::Error;
using test::Bytes;
using test::descriptor;
using test::MapStream;
using test::operator+;
using tsprogram::Programs;

namespace {

constexpr unsigned map_pid = 0x1000;

// The payload of a packet.
Bytes payload_of (const Bytes &sections)
{
  Bytes out{0};
  test::append (out, sections);
  out.resize (184, 0xff);
  return out;
}

// The sections that a packet with these has then; or why not.
sampleaes::Result<Bytes> rewrite (Programs &programs, const Bytes &sections)
{
  Bytes payload = payload_of (sections);
  auto done = programs.add_map (payload, true);
  if (!done) return done.error ();
  fail_unless (payload.size () == 184);
  return payload;
}

Bytes descriptors_of (unsigned clear_type)
{
  return test::encrypted_stream (clear_type, 1).descriptors;
}

}  // namespace

// 3.0: stream types and private data indicators; what is said of the setup
// (2.3.4) goes with them.
GST_START_TEST (encrypted_streams_become_clear_ones)
{
  const Bytes language = descriptor (10, std::string ("eng\0", 4));
  const Bytes ac3 = descriptor (5, "AC-3");
  const Bytes eac3 = descriptor (5, "EAC3");
  const struct
  {
    MapStream encrypted, clear;
    Codec codec;
  } rows[] = {
      {{0xdb, 0x100, descriptors_of (0x1b)}, {0x1b, 0x100, {}}, Codec::h264},
      {{0xcf, 0x101, descriptors_of (0x0f)}, {0x0f, 0x101, {}}, Codec::aac},
      {{0xc1, 0x102, descriptors_of (0x81)}, {0x81, 0x102, ac3}, Codec::ac3},
      {{0xc2, 0x103, descriptors_of (0x87)}, {0x87, 0x103, eac3}, Codec::ac3},
      // The types alone.
      {{0xdb, 0x100, {}}, {0x1b, 0x100, {}}, Codec::h264},
      {{0xc1, 0x100, {}}, {0x81, 0x100, {}}, Codec::ac3},
      // What is about something else stays, in its order.
      {{0xcf, 0x101, language + descriptors_of (0x0f) + language},
          {0x0f, 0x101, language + language}, Codec::aac},
      {{0xc1, 0x101, language + descriptors_of (0x81)},
          {0x81, 0x101, language + ac3}, Codec::ac3},
      {{0xdb, 0x100, descriptor (15, "aacd") + descriptor (5, "HDMV")},
          {0x1b, 0x100, descriptor (15, "aacd") + descriptor (5, "HDMV")},
          Codec::h264},
      {{0xdb, 0x100, descriptor (15, "zav") + descriptor (5, "")},
          {0x1b, 0x100, descriptor (15, "zav") + descriptor (5, "")},
          Codec::h264},
      // Clear ones are as they were.
      {{0x1b, 0x100, descriptors_of (0x1b)},
          {0x1b, 0x100, descriptors_of (0x1b)}, Codec::none},
      {{0x15, 0x110, descriptor (38, "ID3 ")},
          {0x15, 0x110, descriptor (38, "ID3 ")}, Codec::none},
  };
  for (const auto &row : rows) {
    Programs programs;
    fail_unless (!programs.is_known ());
    auto out = rewrite (programs, test::pmt ({row.encrypted}, 0x100));
    fail_unless (
        out.ok () && *out == payload_of (test::pmt ({row.clear}, 0x100)),
        "type %x", row.encrypted.type);
    fail_unless (programs.codec (row.encrypted.pid) == row.codec);
    fail_unless (programs.codec (0x1ff) == Codec::none && programs.is_known ());
  }
}
GST_END_TEST;

GST_START_TEST (all_streams_and_sections_are_rewritten)
{
  auto both = [] (bool encrypted) {
    std::vector<MapStream> out;
    unsigned pid = 0x100;
    for (unsigned type : {0x1bU, 0x0fU, 0x81U, 0x87U, 0x15U}) {
      MapStream one{type, pid, {}};
      if (encrypted && type != 0x15) one = test::encrypted_stream (type, pid);
      if (!encrypted && type == 0x81) one.descriptors = descriptor (5, "AC-3");
      if (!encrypted && type == 0x87) one.descriptors = descriptor (5, "EAC3");
      out.push_back (one);
      pid++;
    }
    return out;
  };
  const Bytes of_program = descriptor (5, "HDMV");
  Programs programs;
  auto out = rewrite (programs, test::pmt (both (true), 0x100, of_program));
  fail_unless (out.ok () && *out == payload_of (test::pmt (
                                        both (false), 0x100, of_program)));
  // Several sections, and tables of other kinds.
  const Bytes other = test::section (0xc0, 7, {1, 2, 3});
  const Bytes one = test::pmt ({test::encrypted_stream (0x1b, 0x100)}, 0x100);
  const Bytes two = test::pmt ({test::encrypted_stream (0x0f, 0x101)}, 0x100);
  out = rewrite (programs, one + other + two);
  fail_unless (
      out.ok () &&
      *out == payload_of (test::pmt ({{0x1b, 0x100, {}}}, 0x100) + other +
                          test::pmt ({{0x0f, 0x101, {}}}, 0x100)));
}
GST_END_TEST;

// current_next_indicator
GST_START_TEST (what_is_not_yet_so_is_not_used)
{
  Programs programs;
  const Bytes next =
      test::pmt ({test::encrypted_stream (0x1b, 0x100)}, 0x100, {}, 0);
  auto out = rewrite (programs, next);
  fail_unless (out.ok () && *out == payload_of (test::pmt (
                                        {{0x1b, 0x100, {}}}, 0x100, {}, 0)));
  fail_unless (programs.codec (0x100) == Codec::none && !programs.is_known ());
  fail_unless (
      programs
          .add_association (
              payload_of (test::section (0, 1, {0, 1, 0xf0, 0}, 0)), true)
          .ok ());
  fail_unless (!programs.is_map (map_pid));
  // A later map says otherwise.
  fail_unless (rewrite (
      programs, test::pmt ({test::encrypted_stream (0x1b, 0x100)}, 0x100))
                   .ok ());
  fail_unless (programs.codec (0x100) == Codec::h264);
  fail_unless (
      rewrite (programs, test::pmt ({{0x1b, 0x100, {}}}, 0x100)).ok ());
  fail_unless (programs.codec (0x100) == Codec::none);
}
GST_END_TEST;

GST_START_TEST (programs_are_found)
{
  Programs programs;
  const Bytes two = test::section (
      0, 1, {0, 0, 0xe0, 0x10, 0, 1, 0xf0, 0, 0xff, 0xff, 0xe1, 0x23});
  fail_unless (programs.add_association (payload_of (two), true).ok ());
  for (unsigned pid = 0; pid < tsprogram::pids; pid++)
    fail_unless (programs.is_map (pid) == (pid == 0x1000 || pid == 0x123));
}
GST_END_TEST;

GST_START_TEST (broken_sections_are_told)
{
  const Bytes good = test::pmt ({test::encrypted_stream (0x0f, 0x101)}, 0x100);
  // With a checksum that is right.
  auto of = [] (const Bytes &content) { return test::section (2, 1, content); };
  const struct
  {
    const char *name;
    Bytes section;
    Error error;
  } rows[] = {
      {"checksum", test::changed (good, 14, 0xcd), Error::section_crc},
      {"the last byte",
          test::changed (good, good.size () - 1, good.back () ^ 1U),
          Error::section_crc},
      {"longer than the packet", test::changed (good, 2, 0xff),
          Error::section_cut},
      {"no header", {2, 0xb0, 8, 0, 1, 0xc1, 0, 0, 1, 2, 3},
          Error::section_size},
      {"no PCR PID", of ({0xe1, 0, 0xf0}), Error::section_size},
      {"descriptors of the program", of ({0xe1, 0, 0xf0, 1}),
          Error::section_size},
      {"a part of a stream", of ({0xe1, 0, 0xf0, 0, 0x1b, 0xe1, 0, 0xf0}),
          Error::section_size},
      {"descriptors of a stream",
          of ({0xe1, 0, 0xf0, 0, 0x1b, 0xe1, 0, 0xf0, 1}), Error::section_size},
      {"one byte of a descriptor",
          of ({0xe1, 0, 0xf0, 0, 0xdb, 0xe1, 0, 0xf0, 1, 5}),
          Error::section_size},
      {"a part of a descriptor",
          of ({0xe1, 0, 0xf0, 0, 0xdb, 0xe1, 0, 0xf0, 3, 5, 2, 0}),
          Error::section_size},
  };
  for (const auto &row : rows) {
    Programs programs;
    auto out = rewrite (programs, row.section);
    fail_unless (!out.ok () && out.code () == row.error, "%s", row.name);
  }
  Programs programs;
  Bytes payload = payload_of (good);
  // "It must not be fragmented."
  auto done = programs.add_map (payload, false);
  fail_unless (!done.ok () && done.code () == Error::section_cut);
  payload[0] = 1;
  done = programs.add_map (payload, true);
  fail_unless (!done.ok () && done.code () == Error::section_cut);
  done = programs.add_map ({}, true);
  fail_unless (!done.ok () && done.code () == Error::section_size);
  Bytes end{0, 2, 0xb0};
  done = programs.add_map (end, true);
  fail_unless (!done.ok () && done.code () == Error::section_cut);

  done = programs.add_association (
      payload_of (test::changed (test::pat (map_pid), 9, 2)), true);
  fail_unless (!done.ok () && done.code () == Error::section_crc);
  done = programs.add_association (
      payload_of (test::section (0, 1, {0, 1, 0xf0})), true);
  fail_unless (!done.ok () && done.code () == Error::section_size);
  done = programs.add_association (payload_of (test::pat (map_pid)), false);
  fail_unless (!done.ok () && done.code () == Error::section_cut);
}
GST_END_TEST;

// The check value of CRC-32/MPEG-2.
GST_START_TEST (the_checksum_is_that_of_the_standard)
{
  const Bytes digits{'1', '2', '3', '4', '5', '6', '7', '8', '9'};
  fail_unless (tsprogram::crc32 (digits) == 0x0376e6e7);
  fail_unless (test::section_crc (digits) == 0x0376e6e7);
}
GST_END_TEST;

static Suite *tsprogram_suite ()
{
  Suite *suite = suite_create ("tsprogram");
  TCase *tests = tcase_create ("all");
  suite_add_tcase (suite, tests);
  tcase_add_test (tests, encrypted_streams_become_clear_ones);
  tcase_add_test (tests, all_streams_and_sections_are_rewritten);
  tcase_add_test (tests, what_is_not_yet_so_is_not_used);
  tcase_add_test (tests, programs_are_found);
  tcase_add_test (tests, broken_sections_are_told);
  tcase_add_test (tests, the_checksum_is_that_of_the_standard);
  return suite;
}

GST_CHECK_MAIN (tsprogram)

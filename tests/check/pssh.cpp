// SPDX-License-Identifier: LGPL-2.1-or-later
#include "pssh.h"

#include "encrypter.h"

namespace {

using test::Bytes;

#define KID "00112233445566778899aabbccddeeff"
#define KID2 "ffeeddccbbaa99887766554433221100"
#define SYSTEM "1077efecc0b24d02ace33c1e52e2fb4b"

// 23001-7 8.1.2
struct Row
{
  const char *what;
  const char *box;
  bool is_pssh;
  std::vector<const char *> kids;
};
const Row rows[] = {
    {"version 0", "00000022 70737368 00000000" SYSTEM "00000002 abcd", true,
        {}},
    {"version 1",
        "00000044 70737368 01000000" SYSTEM "00000002" KID KID2 "00000000",
        true, {KID, KID2}},
    {"version 1 without key ids",
        "00000024 70737368 01000000" SYSTEM "00000000 00000000", true, {}},
    {"version 0 with what is no list",
        "00000044 70737368 00000000" SYSTEM "00000002" KID KID2 "00000000",
        true, {}},
    {"a version that is not known",
        "00000044 70737368 02000000" SYSTEM "00000002" KID KID2 "00000000",
        true, {}},
    {"more key ids than there are",
        "00000044 70737368 01000000" SYSTEM "00000003" KID KID2 "00000000",
        true, {}},
    {"2^32 key ids less one",
        "00000044 70737368 01000000" SYSTEM "ffffffff" KID KID2 "00000000",
        true, {}},
    {"key ids whose sizes add up to 0 in 32 bits",
        "00000034 70737368 01000000" SYSTEM "10000000" KID "00000000", true,
        {}},
    {"another box", "00000022 66726565 00000000" SYSTEM "00000002 abcd", false,
        {}},
    {"a size that is too large",
        "00000023 70737368 00000000" SYSTEM "00000002 abcd", false, {}},
    {"a size that is too small",
        "00000021 70737368 00000000" SYSTEM "00000002 abcd", false, {}},
    {"no box", "", false, {}},
};

}  // namespace

GST_START_TEST (boxes)
{
  for (const Row &row : rows) {
    Bytes box = test::hex (row.box);
    std::vector<keys::KeyId> kids = pssh::key_ids (box);
    fail_unless (kids.size () == row.kids.size (), "%s", row.what);
    for (std::size_t i = 0; i < kids.size (); i++)
      fail_unless (kids[i] == test::block (row.kids[i]), "%s", row.what);
    std::string system = pssh::system_id (box);
    const char *expected =
        row.is_pssh ? "1077efec-c0b2-4d02-ace3-3c1e52e2fb4b" : "";
    fail_unless (system == expected, "%s: %s", row.what, system.c_str ());
  }
}
GST_END_TEST;

GST_START_TEST (cut_anywhere)
{
  for (const Row &row : rows) {
    Bytes box = test::hex (row.box);
    for (std::size_t size = 0; size < box.size (); size++) {
      Bytes cut (
          box.begin (), box.begin () + static_cast<std::ptrdiff_t> (size));
      fail_unless (pssh::key_ids (cut).empty ());
      fail_unless (pssh::system_id (cut).empty () || !row.is_pssh);
      // Where its size says so.
      if (size < 4) continue;
      cut[3] = static_cast<std::uint8_t> (size);
      std::size_t kids = pssh::key_ids (cut).size ();
      fail_unless (kids == row.kids.size () || kids == 0);
    }
  }
}
GST_END_TEST;

static Suite *pssh_suite ()
{
  Suite *suite = suite_create ("pssh");
  TCase *tests = tcase_create ("all");
  suite_add_tcase (suite, tests);
  tcase_add_test (tests, boxes);
  tcase_add_test (tests, cut_anywhere);
  return suite;
}

GST_CHECK_MAIN (pssh)

// SPDX-License-Identifier: LGPL-2.1-or-later
#include "protection.h"

#include "testcenc.h"

namespace {

using bmff::Error;
using test::Bytes;

#define KID "00112233445566778899aabbccddeeff"
#define IV8 "0102030405060708"
#define IV16 "0102030405060708090a0b0c0d0e0f10"

bmff::Box box_of (std::string_view type, const Bytes &body)
{
  bmff::Type box_type = 0;
  for (char c : type) box_type = box_type << 8 | static_cast<std::uint8_t> (c);
  return {box_type, 0, body, 8};
}

// 23001-7 8.2.2: version and flags, reserved, reserved or pattern, isProtected,
// Per_Sample_IV_Size, KID, and a constant IV.
struct Tenc
{
  const char *what;
  const char *body;
  std::optional<Error> error;
  bool is_protected = true;
  unsigned crypt = 0, skip = 0, iv_size = 0;
  const char *constant_iv = nullptr;
};
const Tenc tencs[] = {
    {"IVs of 8 bytes", "00000000 00 00 01 08" KID, {}, true, 0, 0, 8},
    {"IVs of 16 bytes", "00000000 00 00 01 10" KID, {}, true, 0, 0, 16},
    {"in version 0 the pattern is reserved", "00000000 00 19 01 08" KID, {},
        true, 0, 0, 8},
    {"pattern 1:9", "01000000 00 19 01 08" KID, {}, true, 1, 9, 8},
    {"pattern 15:15", "01000000 00 ff 01 10" KID, {}, true, 15, 15, 16},
    {"constant IV of 8 bytes, padded with zeros",
        "01000000 00 19 01 00" KID "08" IV8, {}, true, 1, 9, 0, IV8},
    {"constant IV of 16 bytes", "01000000 00 a0 01 00" KID "10" IV16, {}, true,
        10, 0, 0, IV16},
    {"not protected: no constant IV", "01000000 00 00 00 00" KID, {}, false},
    {"not protected, whatever the size of IVs", "00000000 00 00 00 08" KID, {},
        false, 0, 0, 8},
    {"isProtected of 2", "00000000 00 00 02 08" KID, Error::bad_value},
    {"isProtected of 255", "00000000 00 00 ff 08" KID, Error::bad_value},
    {"IVs of 5 bytes", "00000000 00 00 01 05" KID, Error::bad_value},
    {"IVs of 255 bytes", "00000000 00 00 01 ff" KID, Error::bad_value},
    {"constant IV of no bytes", "01000000 00 19 01 00" KID "00",
        Error::bad_value},
    {"constant IV of 12 bytes", "01000000 00 19 01 00" KID "0c" IV8 "00000000",
        Error::bad_value},
    {"constant IV without a size", "01000000 00 19 01 00" KID,
        Error::truncated},
    {"constant IV that is cut", "01000000 00 19 01 00" KID "10" IV8,
        Error::truncated},
    {"KID that is cut", "00000000 00 00 01 08 0011", Error::truncated},
    {"nothing", "", Error::truncated},
};

Bytes piff (const char *fields)
{
  return test::hex (
      std::string ("8974dbce7be74c5184f97148f9882554 00000000") + fields);
}

// AlgorithmID, IV_size, KID.
struct Piff
{
  const char *what;
  const char *fields;
  std::optional<Error> error;
  bool is_protected = true;
  cenc::Scheme scheme = cenc::Scheme::cenc;
  unsigned iv_size = 8;
};
const Piff piffs[] = {
    {"1 is AES-CTR", "000001 08" KID, {}},
    {"2 is AES-CBC", "000002 10" KID, {}, true, cenc::Scheme::cbc1, 16},
    {"0 is clear", "000000 00" KID, {}, false, cenc::Scheme::cenc, 0},
    {"3", "000003 08" KID, Error::bad_value},
    {"65537", "010001 08" KID, Error::bad_value},
    {"IVs of no bytes", "000001 00" KID, Error::bad_value},
    {"IVs of 9 bytes", "000002 09" KID, Error::bad_value},
    {"cut", "000001 08 00", Error::truncated},
};

// 14496-12 8.9.2: sample_count and group_description_index.
struct Sbgp
{
  const char *what;
  const char *body;
  std::optional<Error> error;
  std::vector<std::pair<std::uint64_t, std::uint32_t>> intervals;
};
const Sbgp sbgps[] = {
    {"none", "00000000 73656967 00000000", {}, {}},
    {"two", "00000000 73656967 00000002 00000003 00000001 00000002 00010001",
        {}, {{3, 1}, {5, 0x10001}}},
    {"version 1 has a parameter",
        "01000000 73656967 12345678 00000001 00000003 00000001", {}, {{3, 1}}},
    {"neighbours of one group",
        "00000000 73656967 00000002 00000003 00000001 00000002 00000001", {},
        {{5, 1}}},
    {"a sum of more than 2^32",
        "00000000 73656967 00000002 ffffffff 00000001 ffffffff 00000002", {},
        {{0xffffffff, 1}, {0x1fffffffe, 2}}},
    {"more than there are", "00000000 73656967 00000002 00000003 00000001",
        Error::truncated, {}},
    {"2^32 less one", "00000000 73656967 ffffffff 00000003 00000001",
        Error::truncated, {}},
    {"cut", "00000000 7365", Error::truncated, {}},
};

void check (const protection::Encryption &encryption, bool is_protected,
    unsigned crypt, unsigned skip, unsigned iv_size, const char *what)
{
  fail_unless (encryption.is_protected == is_protected, "%s", what);
  fail_unless (encryption.pattern.crypt_byte_block == crypt, "%s", what);
  fail_unless (encryption.pattern.skip_byte_block == skip, "%s", what);
  fail_unless (encryption.per_sample_iv_size == iv_size, "%s", what);
  fail_unless (encryption.kid == test::block (KID), "%s", what);
}

}  // namespace

GST_START_TEST (track_encryption)
{
  for (const Tenc &row : tencs) {
    Bytes body = test::hex (row.body);
    auto parsed =
        protection::parse_tenc (box_of ("tenc", body), cenc::Scheme::cbcs);
    fail_unless (parsed.ok () == !row.error, "%s", row.what);
    if (row.error) {
      fail_unless (parsed.code () == *row.error, "%s: %s", row.what,
          bmff::to_string (parsed.code ()));
      continue;
    }
    check (
        *parsed, row.is_protected, row.crypt, row.skip, row.iv_size, row.what);
    fail_unless (parsed->scheme == cenc::Scheme::cbcs);
    fail_unless (
        parsed->constant_iv.has_value () == (row.constant_iv != nullptr));
    if (row.constant_iv != nullptr)
      fail_unless (*parsed->constant_iv == test::block (row.constant_iv));
  }
}
GST_END_TEST;

GST_START_TEST (piff_track_encryption)
{
  for (const Piff &row : piffs) {
    Bytes body = piff (row.fields);
    bmff::Box box = box_of ("uuid", body);
    fail_unless (protection::is_piff_tenc (box));
    fail_if (protection::is_piff_senc (box) || protection::is_pssh (box));
    auto parsed = protection::parse_piff_tenc (box);
    fail_unless (parsed.ok () == !row.error, "%s", row.what);
    if (row.error) {
      fail_unless (parsed.code () == *row.error, "%s: %s", row.what,
          bmff::to_string (parsed.code ()));
      continue;
    }
    check (*parsed, row.is_protected, 0, 0, row.iv_size, row.what);
    fail_unless (parsed->scheme == row.scheme, "%s", row.what);
  }
}
GST_END_TEST;

GST_START_TEST (sample_to_group)
{
  for (const Sbgp &row : sbgps) {
    Bytes body = test::hex (row.body);
    auto parsed = protection::parse_sbgp (box_of ("sbgp", body));
    fail_unless (parsed.ok () == !row.error, "%s", row.what);
    if (row.error) {
      fail_unless (parsed.code () == *row.error, "%s", row.what);
      continue;
    }
    fail_unless (parsed->size () == row.intervals.size (), "%s", row.what);
    for (std::size_t i = 0; i < parsed->size (); i++)
      fail_unless ((*parsed)[i].end == row.intervals[i].first &&
                       (*parsed)[i].group == row.intervals[i].second,
          "%s", row.what);
  }
}
GST_END_TEST;

// 14496-12 8.9.3: all versions, with lengths for all, for each, and none.
GST_START_TEST (sample_group_descriptions)
{
  using test::Lengths;
  const std::vector<test::TestTrack> groups{test::track ("cenc", 8),
      test::track ("cbcs", 0, true, 1, 9), test::clear_group ()};
  struct Row
  {
    unsigned version;
    Lengths lengths;
  };
  for (auto [version, lengths] : {Row{0, Lengths::none}, Row{1, Lengths::each},
           Row{2, Lengths::each}, Row{2, Lengths::none}}) {
    Bytes box = test::sgpd (groups, version, lengths, version == 2 ? 3 : 0);
    Bytes body (box.begin () + 8, box.end ());
    auto parsed = protection::parse_sgpd (box_of ("sgpd", body));
    fail_unless (parsed.ok (), "version %u", version);
    fail_unless (parsed->entries.size () == 3, "version %u", version);
    fail_unless (parsed->default_index == (version == 2 ? 3 : 0));
    fail_unless (parsed->entries[0].per_sample_iv_size == 8);
    fail_unless (parsed->entries[1].pattern.skip_byte_block == 9);
    fail_unless (parsed->entries[1].constant_iv == groups[1].constant_iv);
    fail_if (parsed->entries[2].is_protected);
    // Cut anywhere it is none.
    for (std::size_t size = 0; size < body.size (); size++) {
      Bytes cut (
          body.begin (), body.begin () + static_cast<std::ptrdiff_t> (size));
      fail_if (protection::parse_sgpd (box_of ("sgpd", cut)).ok (),
          "version %u, %zu bytes", version, size);
    }
  }
  // A count of what is not there, and a default that is none of them.
  Bytes huge = test::hex ("01000000 73656967 00000014 ffffffff");
  fail_unless (protection::parse_sgpd (box_of ("sgpd", huge)).code () ==
               Error::truncated);
  Bytes box = test::sgpd (groups, 2, Lengths::each, 4);
  Bytes body (box.begin () + 8, box.end ());
  fail_unless (protection::parse_sgpd (box_of ("sgpd", body)).code () ==
               Error::no_such_sample_group);
}
GST_END_TEST;

// As a box of its own, PIFF's without its user type.
GST_START_TEST (copies_pssh)
{
  const char *fields = "00000000 1077efecc0b24d02ace33c1e52e2fb4b 00000001 ab";
  Bytes expected = test::hex (std::string ("00000021 70737368") + fields);
  Bytes body = test::hex (fields);
  Bytes user =
      test::hex (std::string ("d08a4f1810f34a82b6c832d8aba183d3") + fields);
  fail_unless (protection::is_pssh (box_of ("pssh", body)));
  fail_unless (protection::is_pssh (box_of ("uuid", user)));
  fail_unless (protection::copy_pssh (box_of ("pssh", body)) == expected);
  fail_unless (protection::copy_pssh (box_of ("uuid", user)) == expected);
  fail_unless (protection::copy_pssh (box_of ("pssh", {})).size () == 8);
  // Nobody means one of this size.
  Bytes large ((std::size_t{1} << 20) + 1);
  fail_unless (protection::copy_pssh (box_of ("pssh", large)).empty ());
}
GST_END_TEST;

static Suite *protection_suite ()
{
  Suite *suite = suite_create ("protection");
  TCase *tests = tcase_create ("all");
  suite_add_tcase (suite, tests);
  tcase_add_test (tests, track_encryption);
  tcase_add_test (tests, piff_track_encryption);
  tcase_add_test (tests, sample_to_group);
  tcase_add_test (tests, sample_group_descriptions);
  tcase_add_test (tests, copies_pssh);
  return suite;
}

GST_CHECK_MAIN (protection)

// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cenc.h"

#include "encrypter.h"
#include "testmp4.h"

namespace {

using cenc::Error;
using cenc::Scheme;
using test::Bytes;
using test::Range;
using Ranges = std::optional<std::vector<Range>>;

const char *const key = "2b7e151628aed2a6abf7158809cf4f3c";

struct Row
{
  const char *what;
  Scheme scheme;
  const char *iv;
  unsigned crypt, skip;
  std::size_t size;
  Ranges ranges;
};

#define IV8 "0102030405060708"
#define IV16 "0102030405060708fffffffffffffffe"
// The low half wraps with the second block.
#define IV_WRAP "0102030405060708ffffffffffffffff"

const Row rows[] = {
    {"full sample with its last partial block", Scheme::cenc, IV8, 0, 0, 100,
        {}},
    {"shorter than a block", Scheme::cenc, IV8, 0, 0, 7, {}},
    {"empty", Scheme::cenc, IV8, 0, 0, 0, {}},
    {"16-byte IV", Scheme::cenc, IV16, 0, 0, 100, {}},
    {"counter wraps", Scheme::cenc, IV_WRAP, 0, 0, 100, {}},
    {"counter wraps in the middle of a range", Scheme::cenc, IV16, 0, 0, 100,
        {{{3, 27}, {1, 69}}}},
    {"key stream runs on over clear bytes", Scheme::cenc, IV8, 0, 0, 100,
        {{{10, 32}, {10, 48}}}},
    {"ranges that end in mid-block", Scheme::cenc, IV8, 0, 0, 100,
        {{{10, 5}, {3, 17}, {0, 30}, {20, 15}}}},
    {"zero-length ranges", Scheme::cenc, IV8, 0, 0, 100,
        {{{0, 0}, {10, 0}, {0, 50}, {0, 0}, {40, 0}}}},
    {"filler entries", Scheme::cenc, IV8, 0, 0, 65535 + 65535 + 30,
        {{{65535, 0}, {65535, 0}, {10, 20}}}},
    {"no entries: a clear sample", Scheme::cenc, IV8, 0, 0, 100,
        {std::vector<Range>{}}},

    {"only crypt blocks use the counter", Scheme::cens, IV8, 1, 9, 400,
        {{{80, 320}}}},
    {"counter runs on, pattern starts anew", Scheme::cens, IV8, 1, 9, 400,
        {{{8, 192}, {8, 192}}}},
    {"counter wraps between patterns", Scheme::cens, IV_WRAP, 2, 3, 400,
        {{{16, 384}}}},
    {"sound: whole blocks, clear tail", Scheme::cens, IV8, 0, 0, 105, {}},
    {"sound of less than a block", Scheme::cens, IV8, 0, 0, 15, {}},

    {"chain runs on over subsamples", Scheme::cbc1, IV16, 0, 0, 100,
        {{{10, 32}, {10, 48}}}},
    {"sound: whole blocks, clear tail", Scheme::cbc1, IV16, 0, 0, 105, {}},

    {"each subsample starts from the IV", Scheme::cbcs, IV16, 1, 9, 700,
        {{{10, 330}, {10, 350}}}},
    {"the same without a pattern", Scheme::cbcs, IV16, 0, 0, 100,
        {{{4, 33}, {4, 59}}}},
    {"8-byte IV", Scheme::cbcs, IV8, 1, 9, 700, {{{10, 330}, {10, 350}}}},
    {"5:5, last group of 3 blocks", Scheme::cbcs, IV16, 5, 5, 220,
        {{{0, 220}}}},
    {"3:7, last group of 1 block and 4 bytes", Scheme::cbcs, IV16, 3, 7, 180,
        {{{0, 180}}}},
    {"2:8, last group of 1 block", Scheme::cbcs, IV16, 2, 8, 176, {{{0, 176}}}},
    {"10:0 is every block", Scheme::cbcs, IV16, 10, 0, 333, {{{5, 328}}}},
    {"1:0 is every block", Scheme::cbcs, IV16, 1, 0, 333, {{{5, 328}}}},
    {"15:15", Scheme::cbcs, IV16, 15, 15, 1000, {{{5, 995}}}},
    {"sound: whole blocks, clear tail", Scheme::cbcs, IV16, 0, 0, 105, {}},
    {"sound with subsamples", Scheme::cbcs, IV16, 0, 0, 105, {{{16, 89}}}},
    {"range of less than a block", Scheme::cbcs, IV16, 1, 9, 40,
        {{{10, 15}, {0, 15}}}},
    {"zero-length ranges", Scheme::cbcs, IV16, 1, 9, 100,
        {{{0, 0}, {10, 0}, {0, 50}, {0, 0}, {40, 0}}}},
};

Bytes list_of (const std::vector<Range> &ranges)
{
  test::Fields out;
  for (const Range &range : ranges) out.u16 (range.clear).u32 (range.encrypted);
  return out.bytes ();
}

std::vector<aes::Library> libraries ()
{
  std::vector<aes::Library> out{aes::Library::openssl};
  if (aes::is_available (aes::Library::gcrypt))
    out.push_back (aes::Library::gcrypt);
  return out;
}

cenc::Decryptor make (
    Scheme scheme, aes::Library library = aes::Library::openssl)
{
  cenc::Result<cenc::Decryptor> made =
      cenc::Decryptor::create (scheme, test::block (key), library);
  fail_unless (made.ok ());
  return *std::move (made);
}

cenc::Sample sample_of (const Row &row, const Bytes &list)
{
  cenc::Result<aes::Block> iv = cenc::to_block (test::hex (row.iv));
  fail_unless (iv.ok ());
  cenc::Sample sample{*iv,
      {static_cast<std::uint8_t> (row.crypt),
          static_cast<std::uint8_t> (row.skip)},
      {}};
  if (row.ranges) sample.subsamples = list;
  return sample;
}

struct Bad
{
  const char *what;
  Error error;
  Scheme scheme;
  unsigned crypt, skip;
  std::size_t size;
  const char *list;  // null: a full sample
};
const Bad bad[] = {
    {"pattern in cenc", Error::pattern_forbidden, Scheme::cenc, 1, 9, 32,
        nullptr},
    {"pattern in cbc1", Error::pattern_forbidden, Scheme::cbc1, 1, 9, 32,
        nullptr},
    {"0:9 in cbcs", Error::pattern_encrypts_nothing, Scheme::cbcs, 0, 9, 32,
        nullptr},
    {"0:9 in cens", Error::pattern_encrypts_nothing, Scheme::cens, 0, 9, 32,
        nullptr},
    {"cut entry", Error::subsamples_truncated, Scheme::cenc, 0, 0, 32,
        "0000 00000020 00"},
    {"sum too small", Error::subsamples_sum, Scheme::cenc, 0, 0, 32,
        "0000 0000001f"},
    {"sum too large", Error::subsamples_sum, Scheme::cenc, 0, 0, 32,
        "0000 00000021"},
    {"clear too large", Error::subsamples_sum, Scheme::cenc, 0, 0, 32,
        "0021 00000000"},
    {"sum of the second too large", Error::subsamples_sum, Scheme::cbcs, 1, 9,
        32, "0010 00000000 0000 00000011"},
    {"a sum of 2^32 + 32", Error::subsamples_sum, Scheme::cenc, 0, 0, 32,
        "0021 ffffffff"},
    {"entries for an empty sample", Error::subsamples_sum, Scheme::cenc, 0, 0,
        0, "0000 00000001"},
    {"partial block in cens", Error::partial_block, Scheme::cens, 1, 9, 32,
        "0010 0000000f 0001 00000000"},
    {"partial block in cbc1", Error::partial_block, Scheme::cbc1, 0, 0, 32,
        "0001 0000001f"},
};

}  // namespace

// Apart and in place, twice with one decryptor.
GST_START_TEST (decrypts)
{
  for (aes::Library library : libraries ())
    for (const Row &row : rows) {
      Bytes clear = test::noise (row.size);
      Bytes list = row.ranges ? list_of (*row.ranges) : Bytes{};
      cenc::Sample sample = sample_of (row, list);
      Bytes encrypted =
          test::SampleEncrypter ({cenc::to_string (row.scheme),
                                     test::block (key), row.crypt, row.skip},
              sample.iv)
              .encrypt (clear, row.ranges);
      cenc::Decryptor decryptor = make (row.scheme, library);
      for (int i = 0; i < 2; i++) {
        Bytes out (row.size, 0xee);
        fail_unless (decryptor.decrypt (sample, encrypted, out).ok (), "%s: %s",
            cenc::to_string (row.scheme), row.what);
        fail_unless (
            out == clear, "%s: %s", cenc::to_string (row.scheme), row.what);
      }
      fail_unless (decryptor.decrypt (sample, encrypted, encrypted).ok ());
      fail_unless (encrypted == clear, "%s, in place: %s",
          cenc::to_string (row.scheme), row.what);
    }
}
GST_END_TEST;

namespace {

// Ranges of all sizes, also of none, up to the size.
std::vector<Range> some_ranges (
    std::size_t size, std::size_t unit, std::uint32_t seed)
{
  std::vector<Range> out;
  while (size > 0) {
    auto next = [&] {
      seed = seed * 1664525 + 1013904223;
      return std::size_t{seed >> 16};
    };
    std::size_t clear = std::min (next () % 70, size);
    std::size_t limit = next () % 5 == 0 ? 20000 : 400;
    std::size_t range = std::min (next () % limit, size - clear) / unit * unit;
    if (clear + range == 0) clear = 1;
    out.push_back ({clear, range});
    size -= clear + range;
  }
  return out;
}

}  // namespace

// Longer than what is gathered for one call, with ranges that begin and end
// anywhere in it.
GST_START_TEST (patterns_in_batches)
{
  constexpr std::pair<unsigned, unsigned> patterns[] = {
      {1, 9}, {5, 5}, {3, 7}, {2, 8}, {10, 0}, {0, 0}, {15, 15}, {15, 1}};
  std::uint32_t seed = 1;
  for (aes::Library library : libraries ())
    for (Scheme scheme : {Scheme::cens, Scheme::cbcs})
      for (auto [crypt, skip] : patterns)
        for (bool has_ranges : {true, false}) {
          std::size_t size = 100000 + seed % 100;
          Ranges ranges;
          if (has_ranges)
            ranges = some_ranges (size, scheme == Scheme::cens ? 16 : 1, seed);
          Row row{"", scheme, IV_WRAP, crypt, skip, size, ranges};
          Bytes list = row.ranges ? list_of (*row.ranges) : Bytes{};
          cenc::Sample sample = sample_of (row, list);
          Bytes clear = test::noise (size, seed++);
          Bytes encrypted = test::SampleEncrypter (
              {cenc::to_string (scheme), test::block (key), crypt, skip},
              sample.iv)
                                .encrypt (clear, ranges);
          cenc::Decryptor decryptor = make (scheme, library);
          Bytes out (size, 0xee);
          fail_unless (decryptor.decrypt (sample, encrypted, out).ok ());
          fail_unless (
              out == clear, "%s %u:%u", cenc::to_string (scheme), crypt, skip);
          fail_unless (decryptor.decrypt (sample, encrypted, encrypted).ok ());
          fail_unless (encrypted == clear, "in place: %s %u:%u",
              cenc::to_string (scheme), crypt, skip);
        }
}
GST_END_TEST;

namespace {

// In parts of all sizes, of which what is not taken comes again; in place, or
// else apart from the encrypted bytes.
void check_parts (cenc::Decryptor &decryptor, const cenc::Sample &sample,
    const Bytes &encrypted, const Bytes &clear, bool in_place,
    std::uint32_t seed)
{
  Bytes out = in_place ? encrypted : Bytes (encrypted.size (), 0xee);
  fail_unless (decryptor.begin (sample, encrypted.size ()).ok ());
  std::size_t at = 0;
  while (at < encrypted.size ()) {
    seed = seed * 1664525 + 1013904223;
    std::size_t limit = seed % 3 == 0 ? 70000 : 600;
    std::size_t size =
        std::min ((seed >> 8) % limit + 1, encrypted.size () - at);
    auto place = std::span (out).subspan (at, size);
    cenc::Result<std::size_t> taken =
        decryptor.go_on (in_place ? std::span<const std::uint8_t> (place)
                                  : std::span (encrypted).subspan (at, size),
            place);
    fail_unless (taken.ok () && *taken <= size);
    fail_unless (*taken > 0 || size < cenc::longest_group, "stands still");
    fail_unless (at + size < encrypted.size () || *taken == size);
    at += *taken;
  }
  fail_unless (out == clear);
}

}  // namespace

GST_START_TEST (in_parts)
{
  std::uint32_t seed = 7;
  auto check = [&] (const Row &row, aes::Library library) {
    Bytes clear = test::noise (row.size, seed);
    Bytes list = row.ranges ? list_of (*row.ranges) : Bytes{};
    cenc::Sample sample = sample_of (row, list);
    Bytes encrypted = test::SampleEncrypter (
        {cenc::to_string (row.scheme), test::block (key), row.crypt, row.skip},
        sample.iv)
                          .encrypt (clear, row.ranges);
    cenc::Decryptor decryptor = make (row.scheme, library);
    // One that is left in its middle leaves nothing to the next.
    fail_unless (decryptor.begin (sample, row.size).ok ());
    Bytes some (row.size / 2);
    fail_unless (decryptor.go_on (some, some).ok ());
    for (bool in_place : {false, true})
      check_parts (decryptor, sample, encrypted, clear, in_place, seed++);
  };
  constexpr std::pair<unsigned, unsigned> patterns[] = {
      {1, 9}, {5, 5}, {10, 0}, {0, 0}, {15, 15}};
  for (aes::Library library : libraries ()) {
    for (const Row &row : rows) check (row, library);
    for (Scheme scheme :
        {Scheme::cenc, Scheme::cens, Scheme::cbc1, Scheme::cbcs})
      for (auto [crypt, skip] : patterns)
        for (bool has_ranges : {true, false}) {
          bool is_patterned = scheme == Scheme::cens || scheme == Scheme::cbcs;
          if (crypt != 0 && !is_patterned) continue;
          std::size_t size = 200000 + seed % 100;
          Ranges ranges;
          bool has_parts = scheme == Scheme::cenc || scheme == Scheme::cbcs;
          if (has_ranges) ranges = some_ranges (size, has_parts ? 1 : 16, seed);
          check ({"", scheme, IV_WRAP, crypt, skip, size, ranges}, library);
        }
  }
}
GST_END_TEST;

GST_START_TEST (refuses)
{
  for (const Bad &row : bad) {
    cenc::Sample sample;
    sample.pattern = {static_cast<std::uint8_t> (row.crypt),
        static_cast<std::uint8_t> (row.skip)};
    Bytes list;
    if (row.list != nullptr) {
      list = test::hex (row.list);
      sample.subsamples = list;
    }
    Bytes bytes = test::noise (row.size);
    Bytes before = bytes;
    cenc::Result<relay::Done> done =
        make (row.scheme).decrypt (sample, bytes, bytes);
    fail_if (done.ok (), "%s was taken", row.what);
    fail_unless (done.code () == row.error, "%s: %s", row.what,
        cenc::to_string (done.code ()));
    fail_unless (bytes == before, "%s: written to", row.what);
  }
}
GST_END_TEST;

GST_START_TEST (iv_sizes)
{
  for (std::size_t size = 0; size <= 17; size++) {
    Bytes iv = test::noise (size);
    cenc::Result<aes::Block> block = cenc::to_block (iv);
    if (size == 8 || size == 16) {
      fail_unless (block.ok ());
      iv.resize (16);
      fail_unless (std::equal (iv.begin (), iv.end (), block->begin ()));
    } else {
      fail_unless (block.code () == Error::iv_size);
    }
  }
}
GST_END_TEST;

GST_START_TEST (decryptors_by_key_id)
{
  auto ring = std::make_shared<keys::Ring> ();
  keys::KeyId kid = test::block ("01");
  fail_unless (ring->add (kid, keys::Secret (test::block (key))).ok ());
  cenc::Decryptors decryptors (ring);
  auto found = decryptors.find (Scheme::cenc, kid);
  fail_unless (found.ok ());
  fail_unless (*decryptors.find (Scheme::cenc, kid) == *found);
  fail_unless (*decryptors.find (Scheme::cbcs, kid) != *found);
  keys::KeyId other = test::block ("02");
  fail_unless (decryptors.find (Scheme::cenc, other).code () == Error::no_key);
  // A key that comes later, and one in place of another.
  for (const char *bytes : {"03", "04"}) {
    for (const keys::KeyId &id : {kid, other}) {
      decryptors.set (id, keys::Secret (test::block (bytes)));
      found = decryptors.find (Scheme::cenc, id);
      fail_unless (found.ok ());
      Bytes sample (16), expected (16);
      fail_unless ((*found)->decrypt ({}, sample, sample).ok ());
      fail_unless (
          sample == test::SampleEncrypter ({"cenc", test::block (bytes)}, {})
                        .encrypt (expected, std::nullopt));
    }
  }
}
GST_END_TEST;

static Suite *cenc_suite ()
{
  Suite *suite = suite_create ("cenc");
  TCase *tests = tcase_create ("all");
  suite_add_tcase (suite, tests);
  tcase_add_test (tests, decrypts);
  tcase_add_test (tests, patterns_in_batches);
  tcase_add_test (tests, in_parts);
  tcase_add_test (tests, refuses);
  tcase_add_test (tests, iv_sizes);
  tcase_add_test (tests, decryptors_by_key_id);
  return suite;
}

GST_CHECK_MAIN (cenc)

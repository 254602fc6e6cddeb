// SPDX-License-Identifier: LGPL-2.1-or-later
#include "huffman.h"

#include <set>

#include "jpegscan.h"
#include "testutil.h"

using huffman::Component;
using huffman::Error;
using huffman::Scan;
using huffman::standard_chroma;
using huffman::standard_luma;
using huffman::Target;
using jpegscan::encode;
using jpegscan::OwnTables;
using jpegscan::Plane;
using test::Bytes;

namespace {

// Sampling factors, of Y and of Cb and Cr; one component has no chroma.
struct Layout
{
  const char *what;
  unsigned components;
  unsigned luma[2];
  unsigned chroma[2];
  unsigned target;  // vertical; 0: it fits into none
};

const Layout layouts[] = {
    {"4:2:0", 3, {2, 2}, {1, 1}, 2},
    {"4:2:2", 3, {2, 1}, {1, 1}, 1},
    {"4:2:2 in tall MCUs", 3, {2, 2}, {1, 2}, 1},
    {"4:2:2 in wide MCUs", 3, {4, 1}, {2, 1}, 1},
    {"grey", 1, {1, 1}, {}, 2},
    {"grey with factors that mean nothing", 1, {2, 2}, {}, 2},
    {"4:4:4", 3, {1, 1}, {1, 1}, 0},
    {"4:4:4 in tall MCUs", 3, {1, 2}, {1, 2}, 0},
    {"4:4:0", 3, {1, 2}, {1, 1}, 0},
    {"4:1:1", 3, {4, 1}, {1, 1}, 0},
    {"twelve blocks", 3, {4, 2}, {2, 1}, 0},
    {"no blocks", 3, {2, 2}, {1, 0}, 0},
    {"two components", 2, {2, 2}, {1, 1}, 0},
};

std::vector<Component> components_of (
    const Layout &layout, huffman::Tables luma, huffman::Tables chroma)
{
  std::vector<Component> out{{layout.luma[0], layout.luma[1], luma}};
  for (unsigned i = 1; i < layout.components; i++)
    out.push_back ({layout.chroma[0], layout.chroma[1], chroma});
  return out;
}

// The blocks that the picture has, without those that fill up MCUs.
std::vector<Plane> planes_of (
    std::mt19937 &random, const Layout &layout, unsigned width, unsigned height)
{
  auto blocks = [] (unsigned pixels, unsigned of, unsigned most) {
    return ((pixels * of + most - 1) / most + 7) / 8;
  };
  std::vector<Plane> out{jpegscan::random_plane (
      random, blocks (width, 1, 1), blocks (height, 1, 1))};
  for (unsigned i = 1; i < layout.components; i++)
    out.push_back (jpegscan::random_plane (random,
        blocks (width, layout.chroma[0], layout.luma[0]),
        blocks (height, layout.chroma[1], layout.luma[1])));
  return out;
}

// What RTP/JPEG wants.
Bytes expected (
    const Scan &scan, const Target &target, const std::vector<Plane> &planes)
{
  return encode (scan.width, scan.height,
      {{2, target.vertical, standard_luma ()}, {1, 1, standard_chroma ()},
          {1, 1, standard_chroma ()}},
      target.restart_interval, planes);
}

const OwnTables own_luma (standard_luma (), 7);
const OwnTables own_chroma (standard_chroma (), 100);

// A small scan with tables of its own.
struct Sample
{
  std::vector<Component> components;
  Scan scan;
  Bytes data;
  Bytes recoded;

  explicit Sample (unsigned restart_interval = 0,
      const Layout &layout = layouts[0], unsigned width = 70,
      unsigned height = 40)
      : components (
            components_of (layout, own_luma.tables (), own_chroma.tables ()))
  {
    std::mt19937 random (1);
    std::vector<Plane> planes = planes_of (random, layout, width, height);
    scan = {width, height, components, restart_interval};
    data = encode (width, height, components, restart_interval, planes);
    recoded = expected (scan, {layout.target, restart_interval}, planes);
  }
};

huffman::Result<relay::Done> recode (
    const Sample &sample, const Bytes &data, Bytes &out)
{
  return huffman::Recoder ().recode (
      sample.scan, data, {2, sample.scan.restart_interval}, out);
}

}  // namespace

// What comes out is what an encoder makes of the same coefficients.
GST_START_TEST (pictures_stay_what_they_are)
{
  std::mt19937 random (42);
  huffman::Recoder recoder;
  Bytes out;
  const unsigned sizes[][2] = {
      {1, 1}, {8, 8}, {16, 16}, {17, 13}, {33, 50}, {64, 31}, {200, 90}};
  for (const Layout &layout : layouts) {
    if (layout.target == 0) continue;
    for (const auto &size : sizes) {
      std::vector<Plane> planes = planes_of (random, layout, size[0], size[1]);
      for (bool own : {true, false}) {
        std::vector<Component> components =
            components_of (layout, own ? own_luma.tables () : standard_luma (),
                own ? own_chroma.tables () : standard_chroma ());
        for (unsigned from : {0u, 1u, 3u, 60000u}) {
          Bytes data = encode (size[0], size[1], components, from, planes);
          for (unsigned to : {0u, 1u, 3u, 5u, 60000u}) {
            Scan scan{size[0], size[1], components, from};
            Target target{layout.target, to};
            auto done = recoder.recode (scan, data, target, out);
            fail_unless (done.ok (), "%s %ux%u %u to %u: %s", layout.what,
                size[0], size[1], from, to,
                done.ok () ? "" : huffman::to_string (done.code ()));
            fail_unless (out == expected (scan, target, planes),
                "%s %ux%u %u to %u: other bytes", layout.what, size[0], size[1],
                from, to);
          }
        }
      }
    }
  }
}
GST_END_TEST;

// T.81 B.2.3: up to ten blocks in an MCU; the factors of a single component
// mean nothing (A.2.2).
GST_START_TEST (layouts_have_a_target_or_none)
{
  for (const Layout &layout : layouts)
    fail_unless (
        huffman::target_of (components_of (layout, {}, {})) == layout.target,
        "%s", layout.what);
  Component luma{2, 2, {}};
  Component narrow{1, 1, {}};
  Component tall{1, 2, {}};
  fail_unless (huffman::target_of (std::array{luma, narrow, tall}) == 0);
}
GST_END_TEST;

GST_START_TEST (what_is_behind_the_last_mcu_stays_out)
{
  for (unsigned interval : {0u, 2u}) {
    Sample sample (interval);
    for (const char *more :
        {"", "ffd9", "ffd900ff", "ffd3 1234", "1234", "ff"}) {
      Bytes data = sample.data;
      Bytes rest = test::hex (more);
      data.insert (data.end (), rest.begin (), rest.end ());
      Bytes out;
      fail_unless (recode (sample, data, out).ok (), "%s", more);
      fail_unless (out == sample.recoded, "%s", more);
    }
  }
}
GST_END_TEST;

// T.81 B.1.1.2: "Any marker may optionally be preceded by any number of fill
// bytes".
GST_START_TEST (fill_bytes_are_passed_over)
{
  Sample sample (1);
  Bytes data;
  for (std::size_t i = 0; i < sample.data.size (); i++) {
    data.push_back (sample.data[i]);
    if (sample.data[i] == 0xff && sample.data[i + 1] != 0)
      data.insert (data.end (), 3, 0xff);
  }
  Bytes out;
  fail_unless (recode (sample, data, out).ok ());
  fail_unless (out == sample.recoded);
}
GST_END_TEST;

GST_START_TEST (each_rule_has_a_name)
{
  Sample sample;
  Sample restarting (1);
  Bytes out;
  std::set<Error> seen;
  auto refuses = [&] (const Sample &from, const Bytes &data, Error error) {
    auto done = recode (from, data, out);
    fail_unless (!done.ok () && done.code () == error, "%s",
        done.ok () ? "no error" : huffman::to_string (done.code ()));
    seen.insert (error);
  };
  refuses (sample, {}, Error::truncated);
  refuses (sample, Bytes (sample.data.begin (), sample.data.end () - 20),
      Error::truncated);
  // The first restart marker is RST1, is not there, or comes late.
  for (int change = 0; change < 3; change++) {
    Bytes data = restarting.data;
    for (std::size_t i = 0; i + 1 < data.size (); i++) {
      if (data[i] != 0xff || data[i + 1] != 0xd0) continue;
      if (change == 0) data[i + 1] = 0xd1;
      if (change == 1) data.resize (i);
      if (change == 2)
        data.insert (data.begin () + static_cast<long> (i), 9, 0);
      break;
    }
    refuses (restarting, data, Error::restart);
  }

  // Codes of all ones, which the own tables of luma do not have.
  refuses (
      sample, test::hex ("ff00ff00ff00ff00ff00ff00ff00ff00"), Error::no_code);
  const std::pair<const char *, Error> tables[] = {
      {"", Error::bad_table},
      // No code at all.
      {"00000000000000000000000000000000", Error::no_code},
      // Three codes of one bit.
      {"03000000000000000000000000000000 000102", Error::bad_table},
      // A value is missing.
      {"02000000000000000000000000000000 00", Error::bad_table},
      // Two codes for 0.
      {"00020000000000000000000000000000 0000", Error::bad_table},
  };
  for (const auto &[text, error] : tables) {
    Sample bad;
    Bytes spec = test::hex (text);
    bad.components[0].tables.dc = spec;
    bad.scan.components = bad.components;
    refuses (bad, bad.data, error);
  }

  // Each DC is 2047 more than the one before it: in another order that is more
  // than 11 bits say.
  Plane slope{2, 2, {{0}, {2047}, {4094}, {6141}}};
  std::vector<Component> grey{{1, 1, standard_luma ()}};
  huffman::Recoder recoder;
  auto far = recoder.recode (
      {16, 16, grey, 0}, encode (16, 16, grey, 0, {slope}), {2, 1}, out);
  fail_unless (far.ok ());
  slope = {4, 2, {{0}, {2047}, {4094}, {6141}, {8188}, {10235}, {0}, {0}}};
  slope.blocks[6][0] = 12282;
  slope.blocks[7][0] = 14329;
  far = recoder.recode (
      {32, 16, grey, 0}, encode (32, 16, grey, 0, {slope}), {2, 0}, out);
  fail_unless (!far.ok () && far.code () == Error::dc_range);
  seen.insert (far.code ());

  // 63 coefficients of 1 + 10 bits become ones of 16 + 10.
  Bytes dc = test::hex ("01000000000000000000000000000000 00");
  Bytes ac = test::hex ("01000000000000000000000000000000 0a");
  std::vector<Component> long_codes =
      components_of (layouts[0], {dc, ac}, {dc, ac});
  auto large = recoder.recode (
      {4096, 4096, long_codes, 0}, Bytes (10'000'000), {2, 0}, out);
  fail_unless (!large.ok () && large.code () == Error::too_large);
  seen.insert (large.code ());

  for (int i = 0; i <= static_cast<int> (Error::too_large); i++)
    fail_unless (seen.count (static_cast<Error> (i)) == 1, "no row for %s",
        huffman::to_string (static_cast<Error> (i)));
}
GST_END_TEST;

// Whatever the data are, it ends, and reads and writes nothing else: that is
// for the sanitizers to see.
GST_START_TEST (damage_does_no_harm)
{
  huffman::Recoder recoder;
  Bytes out;
  for (const Layout &layout : layouts) {
    if (layout.target == 0) continue;
    for (unsigned interval : {0u, 1u}) {
      Sample sample (interval, layout, 24, 17);
      // Kept, taken out and put in.
      auto try_all = [&] (const Bytes &data) {
        int good = 0;
        for (unsigned to : {0u, 1u, 3u})
          good += recoder.recode (sample.scan, data, {layout.target, to}, out)
                      ? 1
                      : 0;
        return good;
      };
      fail_unless (try_all (sample.data) == 3, "%s", layout.what);
      for (std::size_t at = 0; at < sample.data.size (); at++) {
        Bytes cut (sample.data.begin (),
            sample.data.begin () + static_cast<std::ptrdiff_t> (at));
        // Nothing but bits that fill up the last byte can be missed.
        fail_unless (at + 2 >= sample.data.size () || try_all (cut) == 0,
            "%s: %zu of %zu bytes are enough", layout.what, at,
            sample.data.size ());
        Bytes changed = sample.data;
        for (int bits : {0x01, 0x10, 0x80, 0xff}) {
          changed[at] = static_cast<std::uint8_t> (sample.data[at] ^ bits);
          (void)try_all (changed);
        }
      }
    }
  }
}
GST_END_TEST;

static Suite *huffman_suite ()
{
  Suite *suite = suite_create ("huffman");
  TCase *tests = tcase_create ("all");
  suite_add_tcase (suite, tests);
  tcase_add_test (tests, pictures_stay_what_they_are);
  tcase_add_test (tests, layouts_have_a_target_or_none);
  tcase_add_test (tests, what_is_behind_the_last_mcu_stays_out);
  tcase_add_test (tests, fill_bytes_are_passed_over);
  tcase_add_test (tests, each_rule_has_a_name);
  tcase_add_test (tests, damage_does_no_harm);
  return suite;
}

GST_CHECK_MAIN (huffman)

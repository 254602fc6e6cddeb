// SPDX-License-Identifier: LGPL-2.1-or-later
#include "onvif.h"

#include "testutil.h"

using test::Bytes;

namespace {

struct Row
{
  const char *what;
  onvif::Image image;
  const char *expected;
};

// Profile id, length in words, marker segments; fill bytes stand before SOS,
// which is last.
const Row rows[] = {
    {"4:2:0", {640, 480, false, 0},
        "ffd8 0009"
        "ffc0 0011 08 01e0 0280 03 012200 021101 031101 ffffff"
        "ffda 000c 03 0100 0211 0311 00 3f 00"},
    {"4:2:2", {640, 480, true, 0},
        "ffd8 0009"
        "ffc0 0011 08 01e0 0280 03 012100 021101 031101 ffffff"
        "ffda 000c 03 0100 0211 0311 00 3f 00"},
    {"restart interval", {16, 8, false, 0x1234},
        "ffd8 000a"
        "ffdd 0004 1234"
        "ffc0 0011 08 0008 0010 03 012200 021101 031101 ff"
        "ffda 000c 03 0100 0211 0311 00 3f 00"},
    {"size in pixels, not rounded up", {17, 13, false, 0},
        "ffd8 0009"
        "ffc0 0011 08 000d 0011 03 012200 021101 031101 ffffff"
        "ffda 000c 03 0100 0211 0311 00 3f 00"},
    {"the largest, with the longest interval", {65535, 65535, true, 65535},
        "ffd8 000a"
        "ffdd 0004 ffff"
        "ffc0 0011 08 ffff ffff 03 012100 021101 031101 ff"
        "ffda 000c 03 0100 0211 0311 00 3f 00"},
};

}  // namespace

GST_START_TEST (extensions_are_as_specified)
{
  for (const Row &row : rows) {
    Bytes extension = onvif::extension (row.image);
    fail_unless (extension == test::hex (row.expected), "%s", row.what);
    // RFC 3550 5.3.1: the length is that of what follows, in 32-bit words.
    std::size_t words = static_cast<std::size_t> (extension[2]) << 8 |
                        static_cast<std::size_t> (extension[3]);
    fail_unless (extension.size () == 4 + 4 * words, "%s", row.what);
  }
}
GST_END_TEST;

static Suite *onvif_suite ()
{
  Suite *suite = suite_create ("onvif");
  TCase *tests = tcase_create ("all");
  suite_add_tcase (suite, tests);
  tcase_add_test (tests, extensions_are_as_specified);
  return suite;
}

GST_CHECK_MAIN (onvif)

// SPDX-License-Identifier: LGPL-2.1-or-later
#include "interlace.h"

#include "testutil.h"

using interlace::Field;
using interlace::Format;

namespace {

struct Image
{
  unsigned height;
  std::optional<bool> top;
  Field expected;
};

struct Row
{
  const char *what;
  Format format;
  std::vector<Image> images;
};

constexpr std::optional<bool> unknown;

const std::vector<Row> rows = {
    {"progressive", {false, false, false, 480},
        {{480, unknown, Field::none}, {240, true, Field::none},
            {240, false, Field::none}}},
    {"alternate: as the buffers say", {true, true, false, 480},
        {{240, true, Field::odd}, {240, false, Field::even},
            {240, false, Field::even}, {240, true, Field::odd}}},
    {"alternate: whatever the height", {true, true, false, 480},
        {{480, true, Field::odd}, {480, unknown, Field::even}}},
    {"alternate: in turn", {true, true, false, 480},
        {{240, unknown, Field::odd}, {240, unknown, Field::even},
            {240, unknown, Field::odd}}},
    {"alternate: the bottom field first", {true, true, true, 480},
        {{240, unknown, Field::even}, {240, unknown, Field::odd},
            {240, unknown, Field::even}}},
    {"in turn, from what a buffer says", {true, true, false, 480},
        {{240, false, Field::even}, {240, unknown, Field::odd},
            {240, unknown, Field::even}, {240, false, Field::even},
            {240, unknown, Field::odd}}},
    {"interleaved: both fields in an image", {true, false, false, 480},
        {{480, unknown, Field::none}, {480, true, Field::none},
            {241, unknown, Field::none}}},
    {"interleaved: half as high", {true, false, true, 480},
        {{240, unknown, Field::even}, {240, unknown, Field::odd},
            {240, true, Field::odd}}},
    {"half of an odd height", {true, false, false, 481},
        {{241, unknown, Field::odd}, {240, unknown, Field::even},
            {242, unknown, Field::none}}},
    {"an image of both between fields", {true, false, false, 480},
        {{240, unknown, Field::odd}, {480, unknown, Field::none},
            {240, unknown, Field::even}}},
};

}  // namespace

GST_START_TEST (fields_are_told)
{
  for (const Row &row : rows) {
    interlace::Fields fields;
    fields.set_format (row.format);
    for (std::size_t i = 0; i < row.images.size (); i++) {
      const Image &image = row.images[i];
      Field field = fields.next (image.height, image.top);
      fail_unless (field == image.expected, "%s: image %zu is %d", row.what, i,
          static_cast<int> (field));
    }
  }
}
GST_END_TEST;

// RFC 2435 4.1.
GST_START_TEST (fields_are_numbered_as_specified)
{
  fail_unless (static_cast<int> (Field::none) == 0);
  fail_unless (static_cast<int> (Field::odd) == 1);
  fail_unless (static_cast<int> (Field::even) == 2);
}
GST_END_TEST;

GST_START_TEST (a_new_format_begins_anew)
{
  interlace::Fields fields;
  fail_unless (fields.next (8, true) == Field::none);
  fields.set_format ({true, true, false, 16});
  fail_unless (fields.next (8, unknown) == Field::odd);
  fields.set_format ({true, true, false, 16});
  fail_unless (fields.next (8, unknown) == Field::odd);
}
GST_END_TEST;

static Suite *interlace_suite ()
{
  Suite *suite = suite_create ("interlace");
  TCase *tests = tcase_create ("all");
  suite_add_tcase (suite, tests);
  tcase_add_test (tests, fields_are_told);
  tcase_add_test (tests, fields_are_numbered_as_specified);
  tcase_add_test (tests, a_new_format_begins_anew);
  return suite;
}

GST_CHECK_MAIN (interlace)

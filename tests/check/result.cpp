// SPDX-License-Identifier: LGPL-2.1-or-later
#include "common/result.h"

#include <memory>
#include <string>

#include "testutil.h"

namespace {
enum class Error
{
  odd,
  negative
};
template <class T>
using Result = relay::Result<T, Error>;

Result<int> half (int value)
{
  if (value < 0) return relay::failure (Error::negative, 7);
  if (value % 2 != 0) return relay::failure (Error::odd);
  return value / 2;
}

// An error passes through a function that returns another type.
Result<std::string> half_as_text (int value)
{
  Result<int> result = half (value);
  if (!result) return result.error ();
  return std::to_string (*result);
}
}  // namespace

GST_START_TEST (value_or_error)
{
  fail_unless (half (8).ok ());
  fail_unless_equals_int (*half (8), 4);
  fail_unless (half (3).code () == Error::odd);
  fail_unless_equals_int (static_cast<int> (half (3).position ()), 0);
  fail_unless (half (-2).code () == Error::negative);
  fail_unless_equals_int (static_cast<int> (half (-2).position ()), 7);
  fail_unless (*half_as_text (8) == "4");
  fail_unless (half_as_text (-1).code () == Error::negative);
}
GST_END_TEST;

GST_START_TEST (moves_its_value_out)
{
  Result<std::unique_ptr<int>> result = std::make_unique<int> (3);
  std::unique_ptr<int> taken = *std::move (result);
  fail_unless_equals_int (*taken, 3);
}
GST_END_TEST;

static Suite *result_suite ()
{
  Suite *suite = suite_create ("result");
  TCase *tests = tcase_create ("all");
  suite_add_tcase (suite, tests);
  tcase_add_test (tests, value_or_error);
  tcase_add_test (tests, moves_its_value_out);
  return suite;
}

GST_CHECK_MAIN (result)

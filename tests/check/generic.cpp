// SPDX-License-Identifier: LGPL-2.1-or-later
#include "testutil.h"
static Suite *generic_suite ()
{
  return suite_create ("generic");
}
GST_CHECK_MAIN (generic)

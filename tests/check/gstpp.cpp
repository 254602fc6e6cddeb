// SPDX-License-Identifier: LGPL-2.1-or-later
#include "common/gstpp.h"

#include "testutil.h"

using relay::MappedBuffer;
using relay::Owned;
using relay::share;

GST_START_TEST (a_share_is_another_reference)
{
  Owned<GstCaps> caps{gst_caps_new_empty_simple ("image/jpeg")};
  ASSERT_MINI_OBJECT_REFCOUNT (caps.get (), "caps", 1);
  {
    Owned<GstCaps> other = share (caps.get ());
    ASSERT_MINI_OBJECT_REFCOUNT (caps.get (), "caps", 2);
  }
  ASSERT_MINI_OBJECT_REFCOUNT (caps.get (), "caps", 1);
  GstCaps *nothing = nullptr;
  fail_unless (share (nothing) == nullptr);
}
GST_END_TEST;

GST_START_TEST (a_map_ends_with_its_scope)
{
  Owned<GstBuffer> buffer = test::buffer (test::hex ("010203"));
  {
    MappedBuffer map (buffer.get (), GST_MAP_WRITE);
    fail_unless (static_cast<bool> (map));
    fail_unless_equals_int (static_cast<int> (map.bytes ().size ()), 3);
    map.writable ()[1] = 9;
  }
  fail_unless (test::bytes_of (buffer.get ()) == test::hex ("010903"));
  // A shared buffer cannot be mapped for writing.
  Owned<GstBuffer> other = share (buffer.get ());
  ASSERT_CRITICAL (MappedBuffer (buffer.get (), GST_MAP_WRITE));
}
GST_END_TEST;

static Suite *gstpp_suite ()
{
  Suite *suite = suite_create ("gstpp");
  TCase *tests = tcase_create ("all");
  suite_add_tcase (suite, tests);
  tcase_add_test (tests, a_share_is_another_reference);
  tcase_add_test (tests, a_map_ends_with_its_scope);
  return suite;
}

GST_CHECK_MAIN (gstpp)

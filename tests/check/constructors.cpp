// SPDX-License-Identifier: LGPL-2.1-or-later
// Linked to each test. What the constructors of libraries allocate is not
// looked at by LeakSanitizer: GLib leaves its first table of quarks behind on
// purpose when there are more than 2048 (readers take no lock), which is told
// as a leak, or not, as it happens that something still points there.
#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#include <sanitizer/lsan_interface.h>

namespace {

void before_all ()
{
  __lsan_disable ();
}

// Those of the program are called after those of its libraries.
[[gnu::constructor]] void after_libraries ()
{
  __lsan_enable ();
}

[[gnu::section (".preinit_array"),
    gnu::used]] void (*const first) () = before_all;

}  // namespace
#endif
#endif

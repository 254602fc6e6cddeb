// SPDX-License-Identifier: LGPL-2.1-or-later
// Whose libgcrypt it is. Each test is a process of its own, as GstCheck forks:
// the library is set up once for each.
#include <gcrypt.h>

#include "aes.h"
#include "testutil.h"

namespace {

void use ()
{
  fail_unless (aes::is_available (aes::Library::gcrypt));
  aes::Result<aes::Cipher> cipher =
      aes::Cipher::create (aes::Mode::ctr, aes::Key{}, aes::Library::gcrypt);
  fail_unless (cipher.ok ());
  std::vector<std::uint8_t> bytes (100);
  fail_unless (cipher->start ({}).ok () && cipher->update (bytes, bytes).ok ());
}

bool is_finished ()
{
  return gcry_control (GCRYCTL_INITIALIZATION_FINISHED_P) != 0;
}

// Memory of the library's that it calls secure.
bool has_secure_memory (std::size_t size)
{
  void *p = gcry_malloc_secure (size);
  bool is_secure = p != nullptr && gcry_is_secure (p) != 0;
  gcry_free (p);
  return is_secure;
}

constexpr int pool = 256 * 1024;

}  // namespace

GST_START_TEST (nobody_has_begun)
{
  fail_unless (gcry_control (GCRYCTL_ANY_INITIALIZATION_P) == 0);
  use ();
  fail_unless (is_finished ());
  // Not given up for others.
  fail_unless (has_secure_memory (1000));
}
GST_END_TEST;

GST_START_TEST (application_has_finished)
{
  fail_unless (gcry_check_version (nullptr) != nullptr);
  gcry_control (GCRYCTL_SUSPEND_SECMEM_WARN);
  fail_unless (gcry_control (GCRYCTL_INIT_SECMEM, pool, 0) == 0);
  fail_unless (gcry_control (GCRYCTL_INITIALIZATION_FINISHED, 0) == 0);
  void *theirs = gcry_malloc_secure (pool / 2);
  fail_unless (theirs != nullptr && gcry_is_secure (theirs) != 0);
  use ();
  // Its pool is as large as it said, and in use.
  fail_unless (gcry_is_secure (theirs) != 0);
  fail_unless (has_secure_memory (pool / 4));
  gcry_free (theirs);
}
GST_END_TEST;

GST_START_TEST (application_has_no_secure_memory)
{
  fail_unless (gcry_check_version (nullptr) != nullptr);
  gcry_control (GCRYCTL_DISABLE_SECMEM, 0);
  fail_unless (gcry_control (GCRYCTL_INITIALIZATION_FINISHED, 0) == 0);
  use ();
  fail_if (has_secure_memory (1000));
}
GST_END_TEST;

// It has begun, and goes on by itself: it may still say how much it wants.
GST_START_TEST (application_has_begun)
{
  fail_unless (gcry_check_version (nullptr) != nullptr);
  fail_unless (gcry_control (GCRYCTL_ANY_INITIALIZATION_P) != 0);
  fail_if (is_finished ());
  use ();
  fail_if (is_finished ());
  gcry_control (GCRYCTL_SUSPEND_SECMEM_WARN);
  fail_unless (gcry_control (GCRYCTL_INIT_SECMEM, pool, 0) == 0);
  fail_unless (gcry_control (GCRYCTL_INITIALIZATION_FINISHED, 0) == 0);
  fail_unless (has_secure_memory (pool / 2));
  use ();
}
GST_END_TEST;

static Suite *aesgcrypt_suite ()
{
  Suite *suite = suite_create ("aesgcrypt");
  TCase *tests = tcase_create ("all");
  suite_add_tcase (suite, tests);
  // In one process the second test would find what the first has done.
  if (g_strcmp0 (g_getenv ("CK_FORK"), "no") == 0) {
    tcase_add_test (tests, nobody_has_begun);
    return suite;
  }
  tcase_add_test (tests, nobody_has_begun);
  tcase_add_test (tests, application_has_finished);
  tcase_add_test (tests, application_has_no_secure_memory);
  tcase_add_test (tests, application_has_begun);
  return suite;
}

GST_CHECK_MAIN (aesgcrypt)

// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

namespace test {

// Such a program is slow, and keeps what is freed.
inline bool is_sanitized ()
{
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  return true;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
  return true;
#endif
#endif
  return false;
}

}  // namespace test

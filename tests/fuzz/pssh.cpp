// SPDX-License-Identifier: LGPL-2.1-or-later
#include "pssh.h"

#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput (
    const std::uint8_t *data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput (
    const std::uint8_t *data, std::size_t size)
{
  std::size_t key_ids = pssh::key_ids ({data, size}).size ();
  std::string system_id = pssh::system_id ({data, size});
  if (key_ids * sizeof (keys::KeyId) > size) std::abort ();
  if (!system_id.empty () && system_id.size () != 36) std::abort ();
  // What is no box names nothing.
  if (system_id.empty () && key_ids != 0) std::abort ();
  return 0;
}

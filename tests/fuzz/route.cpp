// SPDX-License-Identifier: LGPL-2.1-or-later
#include "route.h"

#include <cstdint>
#include <cstdlib>

static void require (bool condition)
{
  if (!condition) std::abort ();
}

extern "C" int LLVMFuzzerTestOneInput (
    const std::uint8_t *data, std::size_t size);

// A proxy as a property has it.
extern "C" int LLVMFuzzerTestOneInput (
    const std::uint8_t *data, std::size_t size)
{
  std::string_view text (reinterpret_cast<const char *> (data), size);
  (void)route::shown (text);
  route::Result<route::Route> route = route::parse_proxy (text);
  if (!route) return 0;
  // Never empty, which would be direct; and the same when it is read again.
  require (!route->proxy.empty ());
  require (!route->proxy.starts_with ("http://") ||
           route->proxy.find ('@') == std::string::npos);
  route::Result<route::Route> again = route::parse_proxy (route->proxy);
  require (again.ok () && again->proxy == route->proxy);
  return 0;
}

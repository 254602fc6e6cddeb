// SPDX-License-Identifier: LGPL-2.1-or-later
#include "routes.h"

#include <cstdint>
#include <cstdlib>

static void require (bool condition)
{
  if (!condition) std::abort ();
}

extern "C" int LLVMFuzzerTestOneInput (
    const std::uint8_t *data, std::size_t size);

// The rules, and behind the first line end a URI to find a route for.
extern "C" int LLVMFuzzerTestOneInput (
    const std::uint8_t *data, std::size_t size)
{
  std::string_view text (reinterpret_cast<const char *> (data), size);
  std::size_t line = std::min (text.find ('\n'), text.size ());
  std::string_view rules = text.substr (0, line);
  routes::Result<routes::Table> table = routes::Table::parse (rules);
  (void)routes::shown (rules);
  if (!table) {
    require (table.position () <= rules.size ());
    (void)routes::describe (rules, table.position ());
    return 0;
  }
  uri::Result<uri::Uri> target = uri::parse (text.substr (line));
  if (!target) return 0;
  const routes::Rule *rule = table->find (*target);
  // A rule for all leaves nothing without one.
  routes::Result<routes::Table> whole =
      routes::Table::parse (std::string (rules) + ",all=block");
  if (whole) require (whole->find (*target) != nullptr);
  if (rule != nullptr && rule->block) require (rule->route.proxy.empty ());
  return 0;
}

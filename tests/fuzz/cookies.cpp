// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cookies.h"

#include <cstdint>
#include <cstdlib>

static void require (bool condition)
{
  if (!condition) std::abort ();
}

extern "C" int LLVMFuzzerTestOneInput (
    const std::uint8_t *data, std::size_t size);

// Values of Set-Cookie, one in each line, from hosts that share a domain.
extern "C" int LLVMFuzzerTestOneInput (
    const std::uint8_t *data, std::size_t size)
{
  constexpr cookies::Time now = 1700000000;
  const uri::Uri froms[] = {*uri::parse ("https://a.b.example/x/y"),
      *uri::parse ("http://b.example/"), *uri::parse ("http://127.0.0.1/x")};
  const uri::Uri stranger = *uri::parse ("https://example/");
  auto is_public_suffix = [] (const std::string &domain) {
    return domain == "example";
  };
  std::string_view text (reinterpret_cast<const char *> (data), size);
  const std::string_view whole = text;
  cookies::Jar jar;
  for (std::size_t i = 0; !text.empty (); i++) {
    std::size_t line = std::min (text.find ('\n'), text.size ());
    const uri::Uri &from = froms[i % std::size (froms)];
    auto cookie =
        cookies::parse (text.substr (0, line), from, now, is_public_suffix);
    text.remove_prefix (std::min (line + 1, text.size ()));
    if (!cookie) continue;
    require (!cookie->name.empty () &&
             cookie->name.find_first_of (";=\r\n") == std::string::npos &&
             cookie->value.find_first_of (";\r\n") == std::string::npos);
    require (cookie->path.starts_with ('/'));
    require (cookie->host_only || cookie->domain != "example");
    (void)jar.put (*cookie, from, now);
    require (jar.size () <= cookies::Jar::most);
  }
  // Without its own there is nothing left, and the rest is in order.
  for (const uri::Uri &from : froms) {
    std::vector<cookies::Cookie> sent = jar.find (from, now);
    std::string header;
    for (const cookies::Cookie &cookie : sent)
      header += cookie.name + "=" + cookie.value + ";";
    require (cookies::without (header, sent).empty ());
    std::string rest = cookies::without (whole, sent);
    require (cookies::without (rest, sent) == rest);
  }
  // Nothing is for another site.
  require (jar.find (stranger, now).empty ());
  for (const uri::Uri &from : froms)
    for (const cookies::Cookie &cookie : jar.find (from, now))
      require (!cookie.secure || from.scheme == "https");
  return 0;
}

// SPDX-License-Identifier: LGPL-2.1-or-later
#include "systemroute.h"

#include <gio/gio.h>

#include <map>
#include <optional>

#include "common/gstpp.h"
#include "common/guarded.h"
#include "session.h"

namespace fetcher {

using namespace std::chrono_literals;
using relay::Owned;
using route::Route;

namespace {

// As long as what a system says may be out of date. libsoup, which asks for
// each connection, goes by an old answer for as long as the connection is kept.
constexpr Clock::duration longest_life = 5s;
constexpr std::size_t most_answers = 64;

struct Answer
{
  Route route;
  Clock::time_point time;
};
using Answers = relay::Guarded<std::map<std::string, Answer>>;

Answers &answers ()
{
  static auto *known = new Answers;
  return *known;
}

std::optional<Route> remembered (const std::string &origin)
{
  auto known = answers ().lock ();
  auto found = known->find (origin);
  if (found == known->end () ||
      Clock::now () - found->second.time > longest_life)
    return std::nullopt;
  return found->second.route;
}

void remember (const std::string &origin, const Route &route)
{
  auto known = answers ().lock ();
  if (known->size () >= most_answers) known->clear ();
  known->insert_or_assign (origin, Answer{route, Clock::now ()});
}

// No path: it may be another process that answers.
Result<Route> ask (const std::string &origin, GCancellable *cancellable)
{
  GError *raw = nullptr;
  gchar **proxies = g_proxy_resolver_lookup (g_proxy_resolver_get_default (),
      (origin + "/").c_str (), cancellable, &raw);
  Owned<GError> error{raw};
  Owned<gchar *> list{proxies};
  if (g_cancellable_is_cancelled (cancellable))
    return problem (Error::cancelled, "cancelled");
  if (proxies == nullptr || proxies[0] == nullptr)
    return problem (Error::proxy, "the system knows no way to this host");
  if (g_str_has_prefix (proxies[0], "direct:")) return Route{};
  route::Result<Route> route = route::parse_proxy (proxies[0]);
  if (!route)
    return problem (Error::proxy,
        std::string ("of the system: ") + route::to_string (route.code ()));
  return *route;
}

}  // namespace

Result<Route> system_route (const uri::Uri &target, GCancellable *cancellable)
{
  std::string origin = uri::origin (target);
  if (std::optional<Route> known = remembered (origin)) return *known;
  Result<Route> route = ask (origin, cancellable);
  if (route) remember (origin, *route);
  return route;
}

}  // namespace fetcher

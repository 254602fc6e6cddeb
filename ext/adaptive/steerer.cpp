// SPDX-License-Identifier: LGPL-2.1-or-later
#include "steerer.h"

#include <gio/gio.h>

#include <chrono>
#include <string_view>
#include <utility>

#include "uri.h"

using std::chrono::steady_clock;

namespace {

constexpr std::size_t max_size = std::size_t{1024} * 1024;
constexpr unsigned gone = 410;

bool is_data (const std::string &uri)
{
  return uri.starts_with ("data:");
}

}  // namespace

Steerer::Steerer (Way way)
    : way_ (std::move (way)), stopping_ (g_cancellable_new (), g_object_unref)
{
}

void Steerer::begin (const presentation::Steering &where)
{
  where_ = where;
  if (!where.pathways.empty ()) way_.places->prefer (where.pathways);
  thread_ = std::thread ([this] { run (); });
}

void Steerer::stop ()
{
  *is_stopped_.lock () = true;
  stopped_.notify_all ();
  g_cancellable_cancel (stopping_.get ());
  if (thread_.joinable ()) thread_.join ();
}

// Not tried again at once: the media do not wait for it.
Steerer::Asked Steerer::refused (const fetcher::Problem &problem)
{
  using enum fetcher::Error;
  if (problem.error == cancelled) return {ttl_, false};
  // It "is no longer available and will not be available again" (RFC 9110
  // 15.5.11): what it said last stays so.
  if (problem.http_status == gone) return {ttl_, false};
  std::string why = problem.uri + ": " + fetcher::to_string (problem.error);
  if (problem.http_status != 0)
    why += " (" + std::to_string (problem.http_status) + ")";
  way_.warn (why);
  return {problem.retry_after.value_or (ttl_)};
}

Steerer::Asked Steerer::ask ()
{
  using enum fetcher::Kind;
  const std::string uri = steering::request_uri (
      where_.is_dash ? steering::Protocol::dash : steering::Protocol::hls,
      where_.uri, way_.places->preferred (), way_.throughput ());
  auto whole = fetcher::fetch_all (way_.settings,
      {uri, {}, is_data (uri) ? key : manifest}, stopping_.get (),
      way_.counters, max_size);
  if (!whole) return refused (whole.code ());
  auto read =
      steering::parse ({reinterpret_cast<const char *> (whole->bytes.data ()),
          whole->bytes.size ()});
  const std::string shown = uri::without_secrets (where_.uri);
  if (!read) {
    way_.warn (shown + ": " + steering::to_string (read.code ()) + " (byte " +
               std::to_string (read.position ()) + ")");
    return {ttl_, !is_data (uri)};
  }
  way_.places->prefer (read->priority);
  way_.report (shown, *read);
  ttl_ = read->ttl;
  if (read->reload_uri.empty ()) return {ttl_, !is_data (uri)};
  where_.uri = uri::resolve (whole->uri, read->reload_uri);
  return {ttl_};
}

void Steerer::run ()
{
  for (;;) {
    auto began = steady_clock::now ();
    Asked asked = ask ();
    if (!asked.again) return;
    if (is_stopped_.lock ().wait_until (stopped_, began + asked.ttl,
            [] (bool is_stopped) { return is_stopped; }))
      return;
  }
}

// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gio/gio.h>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "common/gstpp.h"
#include "loader.h"

template <>
inline constexpr bool relay::is_gobject<GCancellable> = true;

// How the pieces of the loader ask: for one thing, or for many at once.
namespace loader {

// Requests at once. What a host takes is less: see fetcher::Settings.
inline constexpr std::size_t most_at_once = 16;

[[nodiscard]] relay::Failure<Problem> problem (
    Error error, std::string_view uri, std::string message);
// What has come is not all.
[[nodiscard]] relay::Failure<Problem> truncated (
    const fetcher::Whole &whole, std::string message);
[[nodiscard]] bool is_cancelled (const Problem &problem);

// Of a range all of it.
[[nodiscard]] Result<fetcher::Whole> fetch (const Access &access,
    const fetcher::Request &request, std::size_t max_bytes);

// work (i) for each number below count, by as many threads as there are
// numbers, up to most_at_once: this one is one of them.
template <class Work>
void at_once (std::size_t count, Work work)
{
  std::atomic<std::size_t> next{0};
  auto run = [&] {
    for (std::size_t i = next++; i < count; i = next++) work (i);
  };
  std::vector<std::thread> threads;
  for (std::size_t i = 1; i < std::min (count, most_at_once); i++)
    threads.emplace_back (run);
  run ();
  for (std::thread &thread : threads) thread.join ();
}

// Cancelled with another one, or by itself.
class Stop
{
public:
  explicit Stop (GCancellable *outer) : outer_ (outer)
  {
    if (outer == nullptr) return;
    auto cancel = [] (GCancellable *, gpointer inner) {
      g_cancellable_cancel (static_cast<GCancellable *> (inner));
    };
    id_ = g_cancellable_connect (outer,
        G_CALLBACK (static_cast<void (*) (GCancellable *, gpointer)> (cancel)),
        inner_.get (), nullptr);
  }
  ~Stop ()
  {
    if (outer_ != nullptr) g_cancellable_disconnect (outer_, id_);
  }
  Stop (const Stop &) = delete;
  Stop &operator= (const Stop &) = delete;

  [[nodiscard]] GCancellable *get () const { return inner_.get (); }
  void now () { g_cancellable_cancel (inner_.get ()); }

private:
  const relay::Owned<GCancellable> inner_{g_cancellable_new ()};
  GCancellable *const outer_;
  gulong id_ = 0;
};

// make (i, access) for each number below count, at once. Of several problems
// the first one; with it the rest is not wanted any more.
template <class T, class Make>
Result<std::vector<T>> all_of (
    const Access &access, std::size_t count, Make make)
{
  Stop stop (access.cancellable);
  Access inner = access;
  inner.cancellable = stop.get ();
  std::vector<std::optional<Result<T>>> made (count);
  at_once (count, [&] (std::size_t i) {
    made[i].emplace (make (i, inner));
    if (!*made[i]) stop.now ();
  });
  std::vector<T> out;
  std::optional<Problem> why;
  for (auto &one : made) {
    if (*one)
      out.push_back (std::move (**one));
    else if (!why || is_cancelled (*why))
      why = one->code ();
  }
  if (why) return relay::Failure<Problem>{std::move (*why), 0};
  return out;
}

}  // namespace loader

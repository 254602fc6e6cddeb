// SPDX-License-Identifier: LGPL-2.1-or-later
#include "keystore.h"

#include <gio/gio.h>
#include <openssl/crypto.h>

#include <iterator>
#include <utility>

#include "uri.h"

namespace keystore {

namespace {

// The longest key of the ciphers that there are, and some, to say that it is
// too long.
constexpr std::size_t longest_key = 64;

relay::Failure<fetcher::Problem> cancelled (const std::string &uri)
{
  return {fetcher::Problem{
              fetcher::Error::cancelled, 0, uri::without_secrets (uri), {}, {}},
      0};
}

}  // namespace

Key::~Key ()
{
  OPENSSL_cleanse (bytes_.data (), bytes_.size ());
}

Store::Store ()
    : stopping_ (g_cancellable_new (),
          [] (GCancellable *cancellable) { g_object_unref (cancellable); })
{
}

// With the lock in is_over, or until the cancellable is cancelled.
void Store::wait (
    GCancellable *cancellable, const std::function<bool ()> &is_over)
{
  struct Call
  {
    Store *store;
    static void wake (GCancellable * /*cancellable*/, gpointer data)
    {
      Store *store = static_cast<Call *> (data)->store;
      // With the lock, so that it is not between looking and waiting.
      (void)store->state_.lock ();
      store->changed_.notify_all ();
    }
  };
  Call call{this};
  gulong id = 0;
  if (cancellable != nullptr)
    id = g_cancellable_connect (
        cancellable, G_CALLBACK (Call::wake), &call, nullptr);
  state_.lock ().wait (changed_, [&] (const State &) {
    return is_over () || g_cancellable_is_cancelled (cancellable) != FALSE;
  });
  if (cancellable == nullptr) return;
  g_cancellable_disconnect (cancellable, id);
  // That waits for wake () by a lock of GLib, which thread sanitizers do not
  // see. This one they do.
  (void)state_.lock ();
}

// Null: nobody is asking for it, and nobody has it.
std::shared_ptr<Store::Attempt> Store::known (const std::string &uri)
{
  auto state = state_.lock ();
  auto found = state->attempts.find (uri);
  return found != state->attempts.end () ? found->second : nullptr;
}

void Store::finish (const std::string &uri, Attempt &attempt,
    fetcher::Result<fetcher::Whole> whole)
{
  auto state = state_.lock ();
  attempt.done = true;
  if (whole)
    attempt.key = std::make_shared<const Key> (std::move (whole->bytes));
  else
    attempt.problem = whole.code ();
  // Who comes later asks again.
  if (!whole) state->attempts.erase (uri);
  changed_.notify_all ();
}

fetcher::Result<std::shared_ptr<const Key>> Store::get (
    const fetcher::Settings &settings, const std::string &uri,
    GCancellable *cancellable, fetcher::Counters *counters)
{
  std::shared_ptr<Attempt> attempt;
  for (;;) {
    if (g_cancellable_is_cancelled (cancellable) != FALSE)
      return cancelled (uri);
    {
      auto state = state_.lock ();
      auto &place = state->attempts[uri];
      if (place && place->key) return place->key;
      if (!place) {
        place = std::make_shared<Attempt> ();
        attempt = place;
        break;
      }
      attempt = place;
    }
    wait (cancellable, [&attempt] { return attempt->done; });
    auto state = state_.lock ();
    // Who was asking has been stopped, and not we: another try. So it is when
    // it was tried but once.
    if (attempt->problem && !attempt->is_begun &&
        attempt->problem->error != fetcher::Error::cancelled)
      return relay::failure (*attempt->problem);
  }
  finish (uri, *attempt,
      fetcher::fetch_all (settings, {uri, {}, fetcher::Kind::key}, cancellable,
          counters, longest_key));
  auto state = state_.lock ();
  if (attempt->problem) return relay::failure (*attempt->problem);
  return attempt->key;
}

// ---- Begun before it is wanted ---------------------------------------------

void Store::begin (const fetcher::Settings &settings, const std::string &uri,
    fetcher::Counters *counters)
{
  // What is in the address is there at once.
  if (uri.starts_with ("data:")) return;
  join_finished ();
  auto state = state_.lock ();
  auto &place = state->attempts[uri];
  if (place || state->is_stopped) {
    if (!place) state->attempts.erase (uri);
    return;
  }
  place = std::make_shared<Attempt> ();
  place->is_begun = true;
  fetcher::Settings once = settings;
  once.retries = 0;
  auto ask = [this, attempt = place, of = std::move (once), uri, counters] {
    fetcher::Request request{uri, {}, fetcher::Kind::key};
    request.on_place = [this, attempt] {
      auto locked = state_.lock ();
      attempt->is_placed = true;
      attempt->is_queued = false;
      changed_.notify_all ();
    };
    request.on_queue = [this, attempt] {
      auto locked = state_.lock ();
      attempt->is_queued = true;
      changed_.notify_all ();
    };
    finish (uri, *attempt,
        fetcher::fetch_all (
            of, request, stopping_.get (), counters, longest_key));
  };
  state->threads.push_back ({place, std::thread (std::move (ask))});
}

bool Store::wait_for_place (
    const std::string &uri, GCancellable *cancellable, bool waits)
{
  auto attempt = known (uri);
  if (!attempt) return false;
  wait (cancellable, [&attempt, waits] {
    return attempt->is_placed || attempt->done || !attempt->is_begun ||
           (attempt->is_queued && !waits);
  });
  auto state = state_.lock ();
  return attempt->key ||
         (attempt->is_begun && attempt->is_placed && !attempt->problem);
}

std::shared_ptr<const Key> Store::wait_for_key (
    const std::string &uri, GCancellable *cancellable)
{
  auto attempt = known (uri);
  if (!attempt) return nullptr;
  wait (cancellable, [&attempt] {
    return attempt->done || !attempt->is_begun || attempt->is_queued;
  });
  auto state = state_.lock ();
  return attempt->key;
}

void Store::join_finished ()
{
  std::list<Thread> finished;
  {
    auto state = state_.lock ();
    auto &threads = state->threads;
    for (auto at = threads.begin (); at != threads.end ();) {
      auto next = std::next (at);
      if (at->attempt->done) finished.splice (finished.end (), threads, at);
      at = next;
    }
  }
  for (Thread &one : finished) one.thread.join ();
}

void Store::stop ()
{
  std::list<Thread> threads;
  {
    auto state = state_.lock ();
    state->is_stopped = true;
    std::swap (threads, state->threads);
  }
  g_cancellable_cancel (stopping_.get ());
  for (Thread &one : threads) one.thread.join ();
}

}  // namespace keystore

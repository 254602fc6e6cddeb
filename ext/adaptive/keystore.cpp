// SPDX-License-Identifier: LGPL-2.1-or-later
#include "keystore.h"

#include <gio/gio.h>
#include <openssl/crypto.h>

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

// Until the attempt is done, or the cancellable is cancelled.
void Store::wait (Attempt &attempt, GCancellable *cancellable)
{
  struct Call
  {
    Store *store;
    static void wake (GCancellable * /*cancellable*/, gpointer data)
    {
      auto *call = static_cast<Call *> (data);
      // With the lock, so that it is not between looking and waiting.
      (void)call->store->attempts_.lock ();
      call->store->changed_.notify_all ();
    }
  };
  Call call{this};
  gulong id = 0;
  if (cancellable != nullptr)
    id = g_cancellable_connect (
        cancellable, G_CALLBACK (Call::wake), &call, nullptr);
  attempts_.lock ().wait (changed_, [&] (const Attempts &) {
    return attempt.done || g_cancellable_is_cancelled (cancellable) != FALSE;
  });
  if (cancellable != nullptr) g_cancellable_disconnect (cancellable, id);
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
      auto attempts = attempts_.lock ();
      auto &known = (*attempts)[uri];
      if (known && known->key) return known->key;
      if (!known) {
        known = std::make_shared<Attempt> ();
        attempt = known;
        break;
      }
      attempt = known;
    }
    wait (*attempt, cancellable);
    auto attempts = attempts_.lock ();
    // Who was asking has been stopped, and not we: another try.
    if (attempt->problem &&
        attempt->problem->error != fetcher::Error::cancelled)
      return relay::failure (*attempt->problem);
  }

  auto whole = fetcher::fetch_all (settings, {uri, {}, fetcher::Kind::key},
      cancellable, counters, longest_key);
  auto attempts = attempts_.lock ();
  attempt->done = true;
  if (whole)
    attempt->key = std::make_shared<const Key> (std::move (whole->bytes));
  else
    attempt->problem = whole.code ();
  // Who comes later asks again.
  if (!whole) attempts->erase (uri);
  changed_.notify_all ();
  if (!whole) return whole.error ();
  return attempt->key;
}

}  // namespace keystore

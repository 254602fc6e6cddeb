// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gstcachelookup.h"

#include <utility>

namespace cachelookup {

using cachereport::Status;
using cachesettings::Settings;

// A folder without a key cannot be served from: what would be asked for?
std::shared_ptr<store::Store> Lookup::open (const Settings &settings)
{
  report_.set_folder (settings.cache_dir);
  if (settings.cache_dir.empty ()) {
    report_.set_status (Status::none, "");
    return nullptr;
  }
  if (settings.cache_key.empty ()) {
    report_.no_key ();
    return nullptr;
  }
  store::Result<std::shared_ptr<store::Store>> store =
      store::Store::open (settings.cache_dir);
  if (store) return *std::move (store);
  report_.set_status (Status::bypass, store::to_string (store.code ()));
  report_.warn_store (store.error ());
  return nullptr;
}

void Lookup::look_up (const Settings &settings)
{
  std::shared_ptr<store::Store> store;
  {
    auto state = state_.lock ();
    if (state->done && state->dir == settings.cache_dir &&
        state->key == settings.cache_key)
      return;
    state->done = true;
    state->dir = settings.cache_dir;
    state->key = settings.cache_key;
    state->reader = nullptr;
    // The last of its users waits for its thread: not under the lock.
    store = std::move (state->store);
  }
  store = nullptr;
  store = open (settings);
  if (store == nullptr) return;
  state_.lock ()->store = store;
  store::Result<std::shared_ptr<const store::Reader>> reader =
      store->find (settings.cache_key);
  if (reader) {
    state_.lock ()->reader = *std::move (reader);
    report_.set_status (Status::hit, "");
    return;
  }
  report_.set_status (Status::miss, store::to_string (reader.code ()));
  if (reader.code () == store::Error::cannot_open ||
      reader.code () == store::Error::cannot_read)
    report_.warn_store (reader.error ());
}

std::shared_ptr<const store::Reader> Lookup::reader ()
{
  return state_.lock ()->reader;
}

std::unique_ptr<store::Writer> Lookup::create ()
{
  std::shared_ptr<store::Store> store;
  std::string key;
  {
    auto state = state_.lock ();
    store = state->store;
    key = state->key;
  }
  if (store == nullptr) return nullptr;
  store::Result<std::unique_ptr<store::Writer>> writer = store->create (key);
  if (writer) return *std::move (writer);
  report_.set_status (Status::bypass, store::to_string (writer.code ()));
  if (writer.code () != store::Error::busy)
    report_.warn_store (writer.error ());
  return nullptr;
}

void Lookup::finish ()
{
  auto state = state_.lock ();
  state->done = false;
  state->reader = nullptr;
}

void Lookup::forget ()
{
  std::shared_ptr<store::Store> store;
  auto state = state_.lock ();
  store = std::move (state->store);
  state->reader = nullptr;
  state->done = false;
  state.unlock ();
}

}  // namespace cachelookup

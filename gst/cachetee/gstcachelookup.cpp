// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gstcachelookup.h"

#include <chrono>
#include <utility>

namespace cachelookup {

using cachereport::Status;
using cachesettings::CachePolicy;
using cachesettings::Settings;

namespace {

store::Options options_of (const Settings &settings)
{
  store::Options options;
  options.queue_bytes = static_cast<std::size_t> (settings.queue_size);
  options.slice_size = settings.slice_size;
  options.l2_size = settings.l2_size;
  options.min_free = settings.min_free;
  options.compress =
      settings.compression == cachesettings::Compression::automatic;
  options.prefetch = settings.prefetch_slices;
  return options;
}

bool is_same_store (const Settings &a, const Settings &b)
{
  return a.cache_dir == b.cache_dir && a.l2_size == b.l2_size &&
         a.min_free == b.min_free && a.slice_size == b.slice_size &&
         a.queue_size == b.queue_size && a.compression == b.compression &&
         a.prefetch_slices == b.prefetch_slices;
}

// Would a look-up find the same?
bool is_same (const Settings &a, const Settings &b)
{
  return is_same_store (a, b) && a.cache_key == b.cache_key &&
         a.cache_policy == b.cache_policy && a.ttl == b.ttl &&
         a.grace == b.grace && a.l1_size == b.l1_size;
}

byteplan::Use use_of (CachePolicy policy)
{
  switch (policy) {
    case CachePolicy::read_only:
      return byteplan::Use::read_only;
    case CachePolicy::write_only:
      return byteplan::Use::write_only;
    case CachePolicy::refresh:
      return byteplan::Use::refresh;
    default:
      return byteplan::Use::all;
  }
}

byteplan::Plan plan_of (const bytestream::Stream &stream,
    const Settings &settings, const byteplan::Upstream &upstream)
{
  using bytestream::Place;
  bytestream::Status status = stream.status ();
  byteplan::There there;
  there.whole = status.complete;
  there.empty = false;
  if (!status.complete && status.bytes == 0) {
    Place first = stream.read (0, 1).place;
    there.filling = first == Place::claimed || first == Place::bytes;
    there.empty = !there.filling;
  }
  there.age = stream.age ();
  return byteplan::plan (use_of (settings.cache_policy), there,
      {settings.ttl, settings.grace}, upstream);
}

}  // namespace

// A folder without a key cannot be served from: what would be asked for?
std::shared_ptr<store::Store> Lookup::open (const Settings &settings)
{
  report_.set_folder (settings.cache_dir);
  if (settings.cache_dir.empty ()) {
    report_.set_status (Status::none, "");
    return nullptr;
  }
  if (settings.cache_policy == CachePolicy::off) {
    report_.set_status (Status::none, "off");
    return nullptr;
  }
  if (settings.cache_key.empty ()) {
    report_.no_key ();
    return nullptr;
  }
  store::Result<std::shared_ptr<store::Store>> store =
      store::Store::open (settings.cache_dir, options_of (settings));
  if (store) return *std::move (store);
  report_.set_status (Status::bypass, store::to_string (store.code ()));
  report_.warn_store (store.error ());
  return nullptr;
}

void Lookup::look_up (const Settings &settings)
{
  std::shared_ptr<store::Store> old;
  std::shared_ptr<const slices::Share> memory;
  bool is_kept = false;
  {
    auto state = state_.lock ();
    if (state->done && is_same (state->settings, settings)) return;
    state->done = true;
    state->missed = false;
    is_kept = is_same_store (state->settings, settings);
    state->settings = settings;
    state->reader = nullptr;
    state->stream.reset ();
    // The last of its users waits for its thread: not under the lock.
    old = std::move (state->store);
    memory = std::move (state->memory);
  }
  // Who is at the same folder again has the same store, if it is still there.
  if (!is_kept) old = nullptr;
  std::shared_ptr<store::Store> store = open (settings);
  if (store != nullptr)
    memory = std::make_shared<const slices::Share> (
        static_cast<std::size_t> (settings.l1_size));
  else
    memory = nullptr;
  report_.set_levels (store, memory);
  if (store == nullptr) return;
  {
    auto state = state_.lock ();
    state->store = store;
    state->memory = memory;
  }
  find (*store, settings);
}

void Lookup::find (store::Store &store, const Settings &settings)
{
  auto before = std::chrono::steady_clock::now ();
  store::Result<std::shared_ptr<const store::Reader>> reader =
      settings.ttl < 0 ? store.find (settings.cache_key)
                       : store.find (settings.cache_key,
                             std::chrono::seconds (settings.ttl));
  bool is_refreshed = settings.cache_policy == CachePolicy::refresh;
  if (!reader || is_refreshed) {
    std::shared_ptr<const slices::Share> memory = this->memory ();
    bytestream::Stream stream =
        bytestream::open (store, settings.cache_key, memory->memory ());
    report_.looked_up (std::chrono::steady_clock::now () - before);
    state_.lock ()->stream = stream;
    {
      auto state = state_.lock ();
      state->why =
          reader ? relay::failure (store::Error::not_found) : reader.error ();
      std::optional<store::Failure> unreadable = stream.status ().unreadable;
      if (unreadable && state->why.code == store::Error::not_found)
        state->why = *unreadable;
    }
    return tell (plan_of (stream, settings, {true, true}));
  }
  report_.looked_up (std::chrono::steady_clock::now () - before);
  if (settings.cache_policy == CachePolicy::write_only) {
    report_.set_status (Status::bypass, "write-only");
    return;
  }
  state_.lock ()->reader = *std::move (reader);
  report_.set_status (Status::hit, "");
}

void Lookup::tell (byteplan::Plan plan)
{
  using byteplan::Plan;
  auto state = state_.lock ();
  if (!state->stream) return;
  bytestream::Status status = state->stream->status ();
  bool is_whole = status.complete;
  store::Failure why = state->why;
  if (is_whole || status.bytes > 0)
    why.code = is_whole ? store::Error::expired : store::Error::incomplete;
  Settings settings = state->settings;
  state->missed = false;
  state.unlock ();
  switch (plan) {
    case Plan::record:
    case Plan::pass:
      return not_found (why, settings, is_whole);
    case Plan::renew:
      return report_.set_status (Status::miss, "refresh");
    case Plan::check:
    case Plan::grace:
      return report_.set_status (Status::stale, "");
    default:
      return report_.set_status (is_whole ? Status::hit : Status::partial, "");
  }
}

void Lookup::not_found (
    store::Failure why, const Settings &settings, bool is_whole)
{
  bool is_passed = is_whole && settings.cache_policy == CachePolicy::write_only;
  state_.lock ()->missed = !is_passed;
  if (is_passed)
    report_.set_status (Status::bypass, "write-only");
  else if (settings.cache_policy == CachePolicy::read_only)
    report_.set_status (Status::bypass, "read-only");
  else
    report_.set_status (Status::miss, store::to_string (why.code));
  if (why.code == store::Error::cannot_open ||
      why.code == store::Error::cannot_read)
    report_.warn_store (why);
}

std::shared_ptr<const store::Reader> Lookup::reader ()
{
  return state_.lock ()->reader;
}

std::optional<bytestream::Stream> Lookup::stream ()
{
  return state_.lock ()->stream;
}

byteplan::Plan Lookup::plan (const byteplan::Upstream &upstream)
{
  auto state = state_.lock ();
  if (!state->stream) return byteplan::Plan::pass;
  bytestream::Stream stream = *state->stream;
  Settings settings = state->settings;
  state.unlock ();
  return plan_of (stream, settings, upstream);
}

std::shared_ptr<const slices::Share> Lookup::memory ()
{
  return state_.lock ()->memory;
}

bool Lookup::missed ()
{
  return state_.lock ()->missed;
}

std::unique_ptr<store::Writer> Lookup::create ()
{
  std::shared_ptr<store::Store> store;
  std::string key;
  {
    auto state = state_.lock ();
    // As after a hit that failed.
    if (state->settings.cache_policy == CachePolicy::read_only) return nullptr;
    store = state->store;
    key = state->settings.cache_key;
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
  state->missed = false;
  state->reader = nullptr;
  state->stream.reset ();
}

void Lookup::forget ()
{
  std::shared_ptr<store::Store> store;
  std::shared_ptr<const slices::Share> memory;
  auto state = state_.lock ();
  store = std::move (state->store);
  memory = std::move (state->memory);
  state->reader = nullptr;
  state->stream.reset ();
  state->done = false;
  state.unlock ();
}

}  // namespace cachelookup

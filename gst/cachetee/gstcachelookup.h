// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "byteplan.h"
#include "bytestream.h"
#include "common/guarded.h"
#include "gstcachereport.h"
#include "gstcachesettings.h"
#include "slices.h"
#include "store.h"

// Whether the cache has what is to be played.
namespace cachelookup {

class Lookup
{
public:
  explicit Lookup (cachereport::Report &report) : report_ (report) {}

  // Unless it was made for these settings and not used yet.
  void look_up (const cachesettings::Settings &settings);
  // The packets that were found, or null.
  [[nodiscard]] std::shared_ptr<const store::Reader> reader ();
  // If there are no packets: the byte stream of the key, with what there is of
  // it, and what is to be done with it.
  [[nodiscard]] std::optional<bytestream::Stream> stream ();
  [[nodiscard]] byteplan::Plan plan (const byteplan::Upstream &upstream);
  // Says it.
  void tell (byteplan::Plan plan);
  // The first level, null without a store.
  [[nodiscard]] std::shared_ptr<const slices::Share> memory ();
  // It was looked for, and is not there.
  [[nodiscard]] bool missed ();
  // Null if it cannot be recorded.
  [[nodiscard]] std::unique_ptr<store::Writer> create ();
  // It was used.
  void finish ();
  // And the store is let go.
  void forget ();

private:
  struct State
  {
    bool done = false;
    bool missed = false;
    cachesettings::Settings settings;
    std::shared_ptr<store::Store> store;
    std::shared_ptr<const slices::Share> memory;
    std::shared_ptr<const store::Reader> reader;
    std::optional<bytestream::Stream> stream;
    // Why there are no packets.
    store::Failure why{};
  };
  std::shared_ptr<store::Store> open (const cachesettings::Settings &settings);
  void find (store::Store &store, const cachesettings::Settings &settings);
  void not_found (store::Failure why, const cachesettings::Settings &settings,
      bool is_whole);

  cachereport::Report &report_;
  relay::Guarded<State> state_;
};

}  // namespace cachelookup

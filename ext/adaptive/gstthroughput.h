// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <glib.h>

#include <optional>

#include "abr.h"
#include "common/guarded.h"

// What all requests of an element say of the network; from any thread.
class Throughput
{
public:
  // The clock of the transfers.
  [[nodiscard]] static abr::Time now ()
  {
    return static_cast<abr::Time> (g_get_monotonic_time ()) * 1000;
  }

  void add (const abr::Transfer &transfer)
  {
    (void)measured_.lock ()->add (transfer);
  }
  [[nodiscard]] std::optional<abr::Estimate> estimate ()
  {
    return measured_.lock ()->estimate ();
  }

  void clear () { measured_.lock ()->clear (); }

private:
  relay::Guarded<abr::Throughput> measured_;
};

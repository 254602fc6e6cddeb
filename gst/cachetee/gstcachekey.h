// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/gst.h>

#include <atomic>
#include <functional>
#include <string>
#include <utility>

#include "common/guarded.h"
#include "gstcachelookup.h"
#include "gstcachesettings.h"

// A stream that nobody named is known by what upstream says it is.
namespace cachekey {

// What all default keys of a URI begin with. Its userinfo and its query may be
// secrets: only their hash is kept.
std::string prefix (const std::string &uri);
// Two streams of one URI, as behind a demuxer, have two.
std::string default_key (const std::string &uri, const std::string &stream_id);

// A run whose key is known only when its stream starts.
class Awaiting
{
public:
  // What it needs lives as long as the element does. When the key was looked
  // up `open` begins the run.
  Awaiting (GstPad *sinkpad, relay::Guarded<cachesettings::Settings> &settings,
      cachelookup::Lookup &lookup, std::function<void ()> open)
      : sinkpad_ (sinkpad),
        settings_ (settings),
        lookup_ (lookup),
        open_ (std::move (open))
  {
  }

  // Before the run.
  void start (bool awaits);
  [[nodiscard]] bool is_on () const { return awaits_; }
  // From upstream's thread, before the event is let pass. False if it begins
  // another stream than that of the key.
  bool stream_start (GstEvent *event);

private:
  std::string key_of (GstEvent *event);

  GstPad *const sinkpad_;
  relay::Guarded<cachesettings::Settings> &settings_;
  cachelookup::Lookup &lookup_;
  const std::function<void ()> open_;
  // There is no other key.
  std::atomic<bool> on_demand_ = false;
  std::atomic<bool> awaits_ = false;
  relay::Guarded<std::string> key_;
};

}  // namespace cachekey

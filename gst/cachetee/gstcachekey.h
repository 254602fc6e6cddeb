// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/gst.h>

#include <atomic>
#include <string>

#include "common/guarded.h"
#include "gstcachebranch.h"
#include "gstcachelate.h"
#include "gstcachelookup.h"
#include "gstcachereport.h"
#include "gstcacheserver.h"
#include "gstcachesettings.h"
#include "junction.h"

// A stream that nobody named is known by what upstream says it is.
namespace cachekey {

// What all default keys of a URI begin with. Its userinfo and its query may be
// secrets: only their hash is kept.
std::string prefix (const std::string &uri);
// Two streams of one URI, as behind a demuxer, have two.
std::string default_key (const std::string &uri, const std::string &stream_id);

// The pieces that are needed; they live as long as the element does.
struct Pieces
{
  GstPad *sinkpad;
  relay::Guarded<cachesettings::Settings> &settings;
  cachebranch::Branches &branches;
  junction::Junction &junction;
  cachereport::Report &report;
  cachelookup::Lookup &lookup;
  cachelate::Late &late;
  cacheserver::Server &server;
};

// A run whose key is known only when its stream starts.
class Awaiting
{
public:
  explicit Awaiting (const Pieces &pieces) : on_ (pieces) {}

  // Before the run.
  void start (bool awaits);
  [[nodiscard]] bool is_on () const { return awaits_; }
  // From upstream's thread, before the event is let pass. True if the stream is
  // to be recorded from there on.
  bool stream_start (GstEvent *event);

private:
  std::string key_of (GstEvent *event);
  bool open (const cachesettings::Settings &settings);

  const Pieces on_;
  // There is no other key.
  std::atomic<bool> on_demand_ = false;
  std::atomic<bool> awaits_ = false;
  relay::Guarded<std::string> key_;
};

}  // namespace cachekey

// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gio/gio.h>
#include <gst/gst.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "common/gstpp.h"
#include "common/guarded.h"
#include "fetcher.h"
#include "gstadaptivestream.h"
#include "gstfetch.h"
#include "loader.h"

// What adaptivesrc does between READY and PAUSED: the thread that reads the
// manifest, the streams that it makes of it, and their common end.
class AdaptivePlayback
{
public:
  struct Settings
  {
    std::string location;
    std::uint64_t max_bitrate = 0;
    std::string license_url;  // "" = the manifest's
    fetcher::Settings fetch;
  };

  // The templates of the pads, in the order of presentation::Type.
  static constexpr const char *templates[] = {
      "video_%u", "audio_%u", "text_%u"};

  explicit AdaptivePlayback (GstElement *element) : element_ (element) {}
  AdaptivePlayback (const AdaptivePlayback &) = delete;
  AdaptivePlayback &operator= (const AdaptivePlayback &) = delete;
  ~AdaptivePlayback ();

  // All of these from the element's state changes.
  void start (Settings settings);
  // Breaks off every request, and waits for the manifest's thread; what waits
  // in a push is freed by the pads' deactivation.
  void stop_loading ();
  void remove_pads ();

  // Nothing: it is a query that others answer.
  std::optional<bool> answer (GstQuery *query);
  [[nodiscard]] relay::Owned<GstStructure> stats ();

private:
  struct State
  {
    relay::Owned<GCancellable> cancellable;  // of the manifest's thread
    std::vector<std::shared_ptr<AdaptiveStream>> streams;
    std::optional<presentation::Time> duration;
    bool reported = false;  // the end
  };

  void load (const Settings &settings);
  void expose (loader::Loaded loaded, const AdaptiveStream::Shared &common);
  std::shared_ptr<AdaptiveStream> add_stream (
      const AdaptiveStream::Shared &common, loader::Selection selection);
  AdaptiveStream::Shared make_common (const Settings &settings);
  void check_end ();
  void post_problem (const loader::Problem &problem);
  bool may_fail () { return !failed_.exchange (true); }

  GstElement *const element_;
  relay::Guarded<State> state_;
  fetcher::Counters counters_;
  std::atomic<std::uint64_t> segments_{0};
  std::atomic<bool> failed_{false};  // since start; it has been said
  std::thread loading_;              // the manifest
};

// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/gst.h>

#include <atomic>
#include <optional>
#include <string>

#include "backlog.h"
#include "gstcacherecorder.h"

// The properties of cachetee.
namespace cachesettings {

// What a branch that fails, or ends, does to the others.
enum class BranchError
{
  // As in tee: all stop.
  fatal,
  // Nothing: it is left out.
  isolate,
};

// What becomes of one that is slower than upstream.
enum class SlowBranch
{
  // As in tee: upstream waits.
  block,
  // It has a thread of its own, and what the log has.
  demote,
};

// As of tee.
enum class PullMode
{
  never,
  single,
};

enum class LateTiming
{
  original,
  // The first data of one that comes late is of now.
  rebase,
  // Keyframes that are all of now, up to the latest one.
  fast_forward,
};

// As a value of the property: nothing was chosen.
inline constexpr gint late_join_auto =
    static_cast<gint> (backlog::Start::live) + 1;

enum class CachePolicy
{
  read_write,
  read_only,
  write_only,
  refresh,
  off,
};

enum class Compression
{
  off,
  automatic,
};

struct Settings
{
  bool allow_not_linked = true;
  bool has_chain = true;
  bool silent = true;
  PullMode pull_mode = PullMode::never;
  BranchError branch_error = BranchError::fatal;
  SlowBranch slow_branch = SlowBranch::block;
  // None: with what comes next, but of a hit with all.
  std::optional<backlog::Start> late_join;
  LateTiming late_timing = LateTiming::original;
  guint64 burst_bytes = 0;
  guint64 burst_time = 0;
  guint64 log_bytes = guint64{64} << 20;
  guint64 log_time = 0;
  std::string cache_dir;
  std::string cache_key;
  cacherecorder::SlowStore on_slow_store = cacherecorder::SlowStore::automatic;
  CachePolicy cache_policy = CachePolicy::read_write;
  // Seconds; negative: for ever.
  gint ttl = 3600;
  gint grace = 0;
  bool ignore_cache_control = false;
  guint64 l1_size = guint64{100} << 20;
  guint64 l2_size = 0;
  guint64 min_free = 0;
  guint slice_size = 256U << 10;
  guint64 queue_size = guint64{16} << 20;
  Compression compression = Compression::off;
  guint prefetch_slices = 0;
};

// Those that are asked for with each buffer.
struct Switches
{
  void follow (const Settings &settings)
  {
    allow_not_linked = settings.allow_not_linked;
    silent = settings.silent;
    isolate = settings.branch_error == BranchError::isolate;
  }
  std::atomic<bool> allow_not_linked = true;
  std::atomic<bool> silent = true;
  std::atomic<bool> isolate = false;
};

// Properties that are no settings.
inline constexpr guint prop_num_src_pads = 1;
inline constexpr guint prop_cache_status = 2;
inline constexpr guint prop_stats = 3;
inline constexpr guint prop_last_message = 4;
inline constexpr guint prop_alloc_pad = 5;

// Those that are.
enum
{
  PROP_ALLOW_NOT_LINKED = prop_alloc_pad + 1,
  PROP_HAS_CHAIN,
  PROP_SILENT,
  PROP_PULL_MODE,
  PROP_BRANCH_ERROR,
  PROP_SLOW_BRANCH,
  PROP_LATE_JOIN,
  PROP_LATE_TIMING,
  PROP_BURST_BYTES,
  PROP_BURST_TIME,
  PROP_LOG_BYTES,
  PROP_LOG_TIME,
  PROP_CACHE_DIR,
  PROP_CACHE_KEY,
  PROP_ON_SLOW_STORE,
  PROP_CACHE_POLICY,
  PROP_TTL,
  PROP_GRACE,
  PROP_IGNORE_CACHE_CONTROL,
  PROP_L1_SIZE,
  PROP_L2_SIZE,
  PROP_MIN_FREE,
  PROP_SLICE_SIZE,
  PROP_QUEUE_SIZE,
  PROP_COMPRESSION,
  PROP_PREFETCH_SLICES,
};

void install (GObjectClass *object_class);

// False: there is no such setting.
[[nodiscard]] bool set (Settings &settings, guint id, const GValue *value);
[[nodiscard]] bool get (const Settings &settings, guint id, GValue *value);

}  // namespace cachesettings

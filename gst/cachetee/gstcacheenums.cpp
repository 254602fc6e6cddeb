// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gstcacheenums.h"

#include "gstcachereport.h"
#include "gstcachesettings.h"

namespace cacheenums {

using cacherecorder::SlowStore;
using cachesettings::BranchError;
using cachesettings::CachePolicy;
using cachesettings::Compression;
using cachesettings::LateTiming;
using cachesettings::PullMode;
using cachesettings::SlowBranch;

namespace {

const GEnumValue slow_store_values[] = {
    {static_cast<int> (SlowStore::automatic),
        "Skip when upstream is live, otherwise wait", "auto"},
    {static_cast<int> (SlowStore::skip), "Give the recording up", "skip"},
    {static_cast<int> (SlowStore::wait), "Wait, for at most 2 seconds", "wait"},
    {0, nullptr, nullptr},
};

const GEnumValue compression_values[] = {
    {static_cast<int> (Compression::off), "Kept as it is", "off"},
    {static_cast<int> (Compression::automatic),
        "By zstd, where that saves a tenth", "auto"},
    {0, nullptr, nullptr},
};

const GEnumValue cache_policy_values[] = {
    {static_cast<int> (CachePolicy::read_write),
        "Serve what is there, record what is not", "read-write"},
    {static_cast<int> (CachePolicy::read_only),
        "Serve what is there, record nothing", "read-only"},
    {static_cast<int> (CachePolicy::write_only),
        "Serve nothing, record what is not there", "write-only"},
    {static_cast<int> (CachePolicy::refresh),
        "Serve nothing, record in place of what is there", "refresh"},
    {static_cast<int> (CachePolicy::off), "As without cache-dir", "off"},
    {0, nullptr, nullptr},
};

const GEnumValue branch_error_values[] = {
    {static_cast<int> (BranchError::fatal), "All branches stop, as in tee",
        "fatal"},
    {static_cast<int> (BranchError::isolate),
        "It is left out, and the others go on", "isolate"},
    {0, nullptr, nullptr},
};

const GEnumValue slow_branch_values[] = {
    {static_cast<int> (SlowBranch::block), "Upstream waits, as in tee",
        "block"},
    {static_cast<int> (SlowBranch::demote),
        "It falls behind, and catches up from the log", "demote"},
    {0, nullptr, nullptr},
};

const GEnumValue late_join_values[] = {
    {static_cast<int> (backlog::Start::live), "With what comes next, as in tee",
        "live"},
    {static_cast<int> (backlog::Start::next_keyframe),
        "With the next keyframe that comes", "next-keyframe"},
    {static_cast<int> (backlog::Start::latest_keyframe),
        "With the latest keyframe", "latest-keyframe"},
    {static_cast<int> (backlog::Start::burst),
        "As far back as burst-bytes and burst-time say", "burst"},
    {static_cast<int> (backlog::Start::burst_keyframe),
        "With the oldest keyframe of the burst, or the latest one before it",
        "burst-keyframe"},
    {static_cast<int> (backlog::Start::beginning),
        "With the beginning, or the oldest keyframe that is kept", "beginning"},
    {cachesettings::late_join_auto,
        "With what comes next, as in tee, but of a hit with all", "auto"},
    {0, nullptr, nullptr},
};

const GEnumValue late_timing_values[] = {
    {static_cast<int> (LateTiming::original), "That which it had", "original"},
    {static_cast<int> (LateTiming::rebase),
        "Moved so that the first of it is of now", "rebase"},
    {static_cast<int> (LateTiming::fast_forward),
        "Keyframes that are of now, then that which it had", "fast-forward"},
    {0, nullptr, nullptr},
};

const GEnumValue pull_mode_values[] = {
    {static_cast<int> (PullMode::never), "Every branch is pushed to", "never"},
    {static_cast<int> (PullMode::single),
        "On a hit a branch may pull what the cache has", "single"},
    {0, nullptr, nullptr},
};

// Once per process, whoever is first.
GType register_enum (const char *name, const GEnumValue *values)
{
  GType type = g_enum_register_static (name, values);
  gst_type_mark_as_plugin_api (type, static_cast<GstPluginAPIFlags> (0));
  return type;
}

}  // namespace

GType status ()
{
  static const GType type =
      register_enum ("GstCacheTeeStatus", cachereport::status_values);
  return type;
}

GType slow_store ()
{
  static const GType type =
      register_enum ("GstCacheTeeOnSlowStore", slow_store_values);
  return type;
}

GType compression ()
{
  static const GType type =
      register_enum ("GstCacheTeeCompression", compression_values);
  return type;
}

GType cache_policy ()
{
  static const GType type =
      register_enum ("GstCacheTeePolicy", cache_policy_values);
  return type;
}

GType branch_error ()
{
  static const GType type =
      register_enum ("GstCacheTeeBranchError", branch_error_values);
  return type;
}

GType slow_branch ()
{
  static const GType type =
      register_enum ("GstCacheTeeSlowBranch", slow_branch_values);
  return type;
}

GType late_join ()
{
  static const GType type =
      register_enum ("GstCacheTeeLateJoin", late_join_values);
  return type;
}

GType late_timing ()
{
  static const GType type =
      register_enum ("GstCacheTeeLateTiming", late_timing_values);
  return type;
}

GType pull_mode ()
{
  static const GType type =
      register_enum ("GstCacheTeePullMode", pull_mode_values);
  return type;
}

}  // namespace cacheenums

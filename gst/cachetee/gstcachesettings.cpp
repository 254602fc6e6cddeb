// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gstcachesettings.h"

namespace cachesettings {

using cacherecorder::SlowStore;

namespace {

std::string string_of (const GValue *value)
{
  const gchar *text = g_value_get_string (value);
  return text != nullptr ? text : "";
}

void set_string (GValue *value, const std::string &text)
{
  g_value_set_string (value, text.empty () ? nullptr : text.c_str ());
}

}  // namespace

bool set (Settings &settings, guint id, const GValue *value)
{
  switch (id) {
    case PROP_ALLOW_NOT_LINKED:
      settings.allow_not_linked = g_value_get_boolean (value);
      return true;
    case PROP_HAS_CHAIN:
      settings.has_chain = g_value_get_boolean (value);
      return true;
    case PROP_SILENT:
      settings.silent = g_value_get_boolean (value);
      return true;
    case PROP_PULL_MODE:
      settings.pull_mode = static_cast<PullMode> (g_value_get_enum (value));
      return true;
    case PROP_BRANCH_ERROR:
      settings.branch_error =
          static_cast<BranchError> (g_value_get_enum (value));
      return true;
    case PROP_CACHE_DIR:
      settings.cache_dir = string_of (value);
      return true;
    case PROP_CACHE_KEY:
      settings.cache_key = string_of (value);
      return true;
    case PROP_ON_SLOW_STORE:
      settings.on_slow_store =
          static_cast<SlowStore> (g_value_get_enum (value));
      return true;
    case PROP_CACHE_POLICY:
      settings.cache_policy =
          static_cast<CachePolicy> (g_value_get_enum (value));
      return true;
    case PROP_TTL:
      settings.ttl = g_value_get_int (value);
      return true;
    case PROP_GRACE:
      settings.grace = g_value_get_int (value);
      return true;
    case PROP_IGNORE_CACHE_CONTROL:
      settings.ignore_cache_control = g_value_get_boolean (value);
      return true;
    case PROP_L1_SIZE:
      settings.l1_size = g_value_get_uint64 (value);
      return true;
    case PROP_L2_SIZE:
      settings.l2_size = g_value_get_uint64 (value);
      return true;
    case PROP_MIN_FREE:
      settings.min_free = g_value_get_uint64 (value);
      return true;
    case PROP_SLICE_SIZE:
      settings.slice_size = g_value_get_uint (value);
      return true;
    case PROP_QUEUE_SIZE:
      settings.queue_size = g_value_get_uint64 (value);
      return true;
    case PROP_COMPRESSION:
      settings.compression =
          static_cast<Compression> (g_value_get_enum (value));
      return true;
    case PROP_PREFETCH_SLICES:
      settings.prefetch_slices = g_value_get_uint (value);
      return true;
    case PROP_SLOW_BRANCH:
      settings.slow_branch = static_cast<SlowBranch> (g_value_get_enum (value));
      return true;
    case PROP_LATE_JOIN:
      settings.late_join.reset ();
      if (g_value_get_enum (value) != late_join_auto)
        settings.late_join =
            static_cast<backlog::Start> (g_value_get_enum (value));
      return true;
    case PROP_LATE_TIMING:
      settings.late_timing = static_cast<LateTiming> (g_value_get_enum (value));
      return true;
    case PROP_BURST_BYTES:
      settings.burst_bytes = g_value_get_uint64 (value);
      return true;
    case PROP_BURST_TIME:
      settings.burst_time = g_value_get_uint64 (value);
      return true;
    case PROP_LOG_BYTES:
      settings.log_bytes = g_value_get_uint64 (value);
      return true;
    case PROP_LOG_TIME:
      settings.log_time = g_value_get_uint64 (value);
      return true;
    default:
      return false;
  }
}

bool get (const Settings &settings, guint id, GValue *value)
{
  switch (id) {
    case PROP_ALLOW_NOT_LINKED:
      g_value_set_boolean (value, settings.allow_not_linked);
      return true;
    case PROP_HAS_CHAIN:
      g_value_set_boolean (value, settings.has_chain);
      return true;
    case PROP_SILENT:
      g_value_set_boolean (value, settings.silent);
      return true;
    case PROP_PULL_MODE:
      g_value_set_enum (value, static_cast<gint> (settings.pull_mode));
      return true;
    case PROP_BRANCH_ERROR:
      g_value_set_enum (value, static_cast<gint> (settings.branch_error));
      return true;
    case PROP_CACHE_DIR:
      set_string (value, settings.cache_dir);
      return true;
    case PROP_CACHE_KEY:
      set_string (value, settings.cache_key);
      return true;
    case PROP_ON_SLOW_STORE:
      g_value_set_enum (value, static_cast<gint> (settings.on_slow_store));
      return true;
    case PROP_CACHE_POLICY:
      g_value_set_enum (value, static_cast<gint> (settings.cache_policy));
      return true;
    case PROP_TTL:
      g_value_set_int (value, settings.ttl);
      return true;
    case PROP_GRACE:
      g_value_set_int (value, settings.grace);
      return true;
    case PROP_IGNORE_CACHE_CONTROL:
      g_value_set_boolean (value, settings.ignore_cache_control);
      return true;
    case PROP_L1_SIZE:
      g_value_set_uint64 (value, settings.l1_size);
      return true;
    case PROP_L2_SIZE:
      g_value_set_uint64 (value, settings.l2_size);
      return true;
    case PROP_MIN_FREE:
      g_value_set_uint64 (value, settings.min_free);
      return true;
    case PROP_SLICE_SIZE:
      g_value_set_uint (value, settings.slice_size);
      return true;
    case PROP_QUEUE_SIZE:
      g_value_set_uint64 (value, settings.queue_size);
      return true;
    case PROP_COMPRESSION:
      g_value_set_enum (value, static_cast<gint> (settings.compression));
      return true;
    case PROP_PREFETCH_SLICES:
      g_value_set_uint (value, settings.prefetch_slices);
      return true;
    case PROP_SLOW_BRANCH:
      g_value_set_enum (value, static_cast<gint> (settings.slow_branch));
      return true;
    case PROP_LATE_JOIN:
      g_value_set_enum (value, settings.late_join
                                   ? static_cast<gint> (*settings.late_join)
                                   : late_join_auto);
      return true;
    case PROP_LATE_TIMING:
      g_value_set_enum (value, static_cast<gint> (settings.late_timing));
      return true;
    case PROP_BURST_BYTES:
      g_value_set_uint64 (value, settings.burst_bytes);
      return true;
    case PROP_BURST_TIME:
      g_value_set_uint64 (value, settings.burst_time);
      return true;
    case PROP_LOG_BYTES:
      g_value_set_uint64 (value, settings.log_bytes);
      return true;
    case PROP_LOG_TIME:
      g_value_set_uint64 (value, settings.log_time);
      return true;
    default:
      return false;
  }
}

}  // namespace cachesettings

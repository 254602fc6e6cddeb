// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gstcachesettings.h"

#include "gstcachereport.h"

namespace cachesettings {

using cacherecorder::SlowStore;

namespace {

enum
{
  PROP_ALLOW_NOT_LINKED = prop_alloc_pad + 1,
  PROP_HAS_CHAIN,
  PROP_SILENT,
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
};

const GEnumValue slow_store_values[] = {
    {static_cast<int> (SlowStore::automatic),
        "Skip when upstream is live, otherwise wait", "auto"},
    {static_cast<int> (SlowStore::skip), "Give the recording up", "skip"},
    {static_cast<int> (SlowStore::wait), "Wait, for at most 2 seconds", "wait"},
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
    {0, nullptr, nullptr},
};

const GEnumValue late_timing_values[] = {
    {static_cast<int> (LateTiming::original), "That which it had", "original"},
    {static_cast<int> (LateTiming::rebase),
        "Moved so that the first of it is of now", "rebase"},
    {0, nullptr, nullptr},
};

// Once per process, whoever is first.
GType register_enum (const char *name, const GEnumValue *values)
{
  GType type = g_enum_register_static (name, values);
  gst_type_mark_as_plugin_api (type, static_cast<GstPluginAPIFlags> (0));
  return type;
}

GType status_type ()
{
  static const GType type =
      register_enum ("GstCacheTeeStatus", cachereport::status_values);
  return type;
}

GType slow_store_type ()
{
  static const GType type =
      register_enum ("GstCacheTeeOnSlowStore", slow_store_values);
  return type;
}

GType branch_error_type ()
{
  static const GType type =
      register_enum ("GstCacheTeeBranchError", branch_error_values);
  return type;
}

GType slow_branch_type ()
{
  static const GType type =
      register_enum ("GstCacheTeeSlowBranch", slow_branch_values);
  return type;
}

GType late_join_type ()
{
  static const GType type =
      register_enum ("GstCacheTeeLateJoin", late_join_values);
  return type;
}

GType late_timing_type ()
{
  static const GType type =
      register_enum ("GstCacheTeeLateTiming", late_timing_values);
  return type;
}

std::string string_of (const GValue *value)
{
  const gchar *text = g_value_get_string (value);
  return text != nullptr ? text : "";
}

void set_string (GValue *value, const std::string &text)
{
  g_value_set_string (value, text.empty () ? nullptr : text.c_str ());
}

GParamFlags flags (GParamFlags access, int mutability)
{
  return static_cast<GParamFlags> (
      access | static_cast<GParamFlags> (mutability) | G_PARAM_STATIC_STRINGS);
}

void install_tee (GObjectClass *object_class)
{
  const Settings defaults{};
  /**
   * GstCacheTee:allow-not-linked:
   *
   * Go on when no branch is linked. Other than in #GstTee this is the default,
   * so that branches can come later.
   *
   * Since: 0.1
   */
  g_object_class_install_property (object_class, PROP_ALLOW_NOT_LINKED,
      g_param_spec_boolean ("allow-not-linked", "Allow not linked",
          "Go on when no source pad is linked", defaults.allow_not_linked,
          flags (G_PARAM_READWRITE, GST_PARAM_MUTABLE_PLAYING)));
  /**
   * GstCacheTee:has-chain:
   *
   * As in #GstTee: without it the sink pad refuses to be activated.
   *
   * Since: 0.1
   */
  g_object_class_install_property (object_class, PROP_HAS_CHAIN,
      g_param_spec_boolean ("has-chain", "Has chain",
          "If the element can operate in push mode", defaults.has_chain,
          flags (G_PARAM_READWRITE, GST_PARAM_MUTABLE_READY)));
  /**
   * GstCacheTee:silent:
   *
   * As in #GstTee: without it #GstCacheTee:last-message tells of each buffer.
   *
   * Since: 0.1
   */
  g_object_class_install_property (object_class, PROP_SILENT,
      g_param_spec_boolean ("silent", "Silent",
          "Do not tell of each buffer in last-message", defaults.silent,
          flags (G_PARAM_READWRITE, GST_PARAM_MUTABLE_PLAYING)));
  /**
   * GstCacheTee:last-message:
   *
   * The last buffer, in words, unless #GstCacheTee:silent is set.
   *
   * Since: 0.1
   */
  g_object_class_install_property (object_class, prop_last_message,
      g_param_spec_string ("last-message", "Last message",
          "The last buffer, in words (NULL = none yet, or silent)", nullptr,
          flags (G_PARAM_READABLE, 0)));
  /**
   * GstCacheTee:alloc-pad:
   *
   * Has no effect; it is there because #GstTee has it.
   *
   * Since: 0.1
   */
  g_object_class_install_property (object_class, prop_alloc_pad,
      g_param_spec_object ("alloc-pad", "Allocation source pad",
          "One of the source pads (no effect, as in tee)", GST_TYPE_PAD,
          flags (G_PARAM_READWRITE,
              static_cast<int> (G_PARAM_DEPRECATED) |
                  static_cast<int> (GST_PARAM_MUTABLE_PLAYING))));
  /**
   * GstCacheTee:branch-error:
   *
   * What a branch that fails, or says EOS before the end, does to the others.
   *
   * Since: 0.1
   */
  g_object_class_install_property (object_class, PROP_BRANCH_ERROR,
      g_param_spec_enum ("branch-error", "Branch error",
          "What a branch that fails, or ends early, does to the others",
          branch_error_type (), static_cast<gint> (defaults.branch_error),
          flags (G_PARAM_READWRITE, GST_PARAM_MUTABLE_PLAYING)));
  /**
   * GstCacheTee:num-src-pads:
   *
   * How many source pads there are.
   *
   * Since: 0.1
   */
  g_object_class_install_property (object_class, prop_num_src_pads,
      g_param_spec_int ("num-src-pads", "Number of source pads",
          "The number of source pads", 0, G_MAXINT, 0,
          flags (G_PARAM_READABLE, 0)));
}

void install_late (GObjectClass *object_class)
{
  const Settings defaults{};
  /**
   * GstCacheTee:slow-branch:
   *
   * What becomes of a branch that is slower than upstream. With `demote` each
   * branch has a thread of its own and is fed from the log; one that falls
   * behind more than the log holds goes on at the oldest keyframe in it.
   *
   * Since: 0.1
   */
  g_object_class_install_property (object_class, PROP_SLOW_BRANCH,
      g_param_spec_enum ("slow-branch", "Slow branch",
          "What becomes of a branch that is slower than upstream",
          slow_branch_type (), static_cast<gint> (defaults.slow_branch),
          flags (G_PARAM_READWRITE, GST_PARAM_MUTABLE_READY)));
  /**
   * GstCacheTee:late-join:
   *
   * Where a branch starts that gets its first peer while the stream runs. All
   * but `live` turn the log on.
   *
   * Since: 0.1
   */
  g_object_class_install_property (object_class, PROP_LATE_JOIN,
      g_param_spec_enum ("late-join", "Late join",
          "Where a branch starts that is linked while the stream runs",
          late_join_type (), static_cast<gint> (defaults.late_join),
          flags (G_PARAM_READWRITE, GST_PARAM_MUTABLE_READY)));
  /**
   * GstCacheTee:late-timing:
   *
   * What time the data of a late branch has, for sinks that synchronise.
   *
   * Since: 0.1
   */
  g_object_class_install_property (object_class, PROP_LATE_TIMING,
      g_param_spec_enum ("late-timing", "Late timing",
          "What time the data of a late branch has", late_timing_type (),
          static_cast<gint> (defaults.late_timing),
          flags (G_PARAM_READWRITE, GST_PARAM_MUTABLE_READY)));
  /**
   * GstCacheTee:burst-bytes:
   *
   * How far back a burst goes, in bytes. With neither this nor
   * #GstCacheTee:burst-time it is empty.
   *
   * Since: 0.1
   */
  g_object_class_install_property (object_class, PROP_BURST_BYTES,
      g_param_spec_uint64 ("burst-bytes", "Burst bytes",
          "How far back a burst goes, in bytes (0 = no bound by bytes)", 0,
          G_MAXUINT64, defaults.burst_bytes,
          flags (G_PARAM_READWRITE, GST_PARAM_MUTABLE_READY)));
  /**
   * GstCacheTee:burst-time:
   *
   * How far back a burst goes, in nanoseconds of running time.
   *
   * Since: 0.1
   */
  g_object_class_install_property (object_class, PROP_BURST_TIME,
      g_param_spec_uint64 ("burst-time", "Burst time",
          "How far back a burst goes, in nanoseconds of running time (0 = no "
          "bound by time)",
          0, G_MAXUINT64, defaults.burst_time,
          flags (G_PARAM_READWRITE, GST_PARAM_MUTABLE_READY)));
  /**
   * GstCacheTee:log-bytes:
   *
   * Bound of the log, in bytes of memory.
   *
   * Since: 0.1
   */
  g_object_class_install_property (object_class, PROP_LOG_BYTES,
      g_param_spec_uint64 ("log-bytes", "Log bytes",
          "Bound of the log in bytes, 256 of them for each buffer and event (0 "
          "= none)",
          0, G_MAXUINT64, defaults.log_bytes,
          flags (G_PARAM_READWRITE, GST_PARAM_MUTABLE_READY)));
  /**
   * GstCacheTee:log-time:
   *
   * Bound of the log, in nanoseconds of running time.
   *
   * Since: 0.1
   */
  g_object_class_install_property (object_class, PROP_LOG_TIME,
      g_param_spec_uint64 ("log-time", "Log time",
          "Bound of the log in nanoseconds of running time (0 = none)", 0,
          G_MAXUINT64, defaults.log_time,
          flags (G_PARAM_READWRITE, GST_PARAM_MUTABLE_READY)));
}

void install_cache (GObjectClass *object_class)
{
  const Settings defaults{};
  /**
   * GstCacheTee:cache-dir:
   *
   * The folder of the cache, made with mode 0700 if it is not there. Elements
   * and processes may share it. Without it nothing is kept.
   *
   * Since: 0.1
   */
  g_object_class_install_property (object_class, PROP_CACHE_DIR,
      g_param_spec_string ("cache-dir", "Cache folder",
          "Folder that the stream is kept in (NULL = not kept)", nullptr,
          flags (G_PARAM_READWRITE, GST_PARAM_MUTABLE_READY)));
  /**
   * GstCacheTee:cache-key:
   *
   * The name of the stream in the cache, up to 65480 bytes. What has the same
   * key is taken for the same stream. It is written into the cache as it is:
   * leave secrets out of it.
   *
   * Since: 0.1
   */
  g_object_class_install_property (object_class, PROP_CACHE_KEY,
      g_param_spec_string ("cache-key", "Cache key",
          "Name of the stream in the cache, at most 65480 bytes (NULL = the "
          "cache "
          "is not used)",
          nullptr, flags (G_PARAM_READWRITE, GST_PARAM_MUTABLE_READY)));
  /**
   * GstCacheTee:on-slow-store:
   *
   * What happens when the disk cannot keep up and the queue of 16 MiB is full.
   *
   * Since: 0.1
   */
  g_object_class_install_property (object_class, PROP_ON_SLOW_STORE,
      g_param_spec_enum ("on-slow-store", "On slow store",
          "When the disk cannot keep up: give the recording up, or let the "
          "stream "
          "wait",
          slow_store_type (), static_cast<gint> (defaults.on_slow_store),
          flags (G_PARAM_READWRITE, GST_PARAM_MUTABLE_READY)));
  /**
   * GstCacheTee:cache-status:
   *
   * How this run stands to the cache. Known from READY on.
   *
   * Since: 0.1
   */
  g_object_class_install_property (object_class, prop_cache_status,
      g_param_spec_enum ("cache-status", "Cache status",
          "How this run stands to the cache", status_type (),
          static_cast<gint> (cachereport::Status::none),
          flags (G_PARAM_READABLE, 0)));
  /**
   * GstCacheTee:stats:
   *
   * Counters over the life of the element; the fields are in the element's
   * page.
   *
   * Since: 0.1
   */
  g_object_class_install_property (object_class, prop_stats,
      g_param_spec_boxed ("stats", "Statistics", "Counters of the element",
          GST_TYPE_STRUCTURE, flags (G_PARAM_READABLE, 0)));
}
}  // namespace

void install (GObjectClass *object_class)
{
  install_tee (object_class);
  install_late (object_class);
  install_cache (object_class);
}

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
    case PROP_SLOW_BRANCH:
      settings.slow_branch = static_cast<SlowBranch> (g_value_get_enum (value));
      return true;
    case PROP_LATE_JOIN:
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
    case PROP_SLOW_BRANCH:
      g_value_set_enum (value, static_cast<gint> (settings.slow_branch));
      return true;
    case PROP_LATE_JOIN:
      g_value_set_enum (value, static_cast<gint> (settings.late_join));
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

// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gstcacheenums.h"
#include "gstcachereport.h"
#include "gstcachesettings.h"
#include "record.h"

namespace cachesettings {

namespace {

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
          cacheenums::branch_error (),
          static_cast<gint> (defaults.branch_error),
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
   * GstCacheTee:pull-mode:
   *
   * Whether branches may pull. What upstream sends is never pulled; what the
   * cache has of a byte stream is, with `single`, by any number of branches.
   *
   * Since: 0.1
   */
  g_object_class_install_property (object_class, PROP_PULL_MODE,
      g_param_spec_enum ("pull-mode", "Pull mode",
          "Whether branches may pull, on a hit", cacheenums::pull_mode (),
          static_cast<gint> (defaults.pull_mode),
          flags (G_PARAM_READWRITE, GST_PARAM_MUTABLE_READY)));
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
          cacheenums::slow_branch (), static_cast<gint> (defaults.slow_branch),
          flags (G_PARAM_READWRITE, GST_PARAM_MUTABLE_READY)));
  /**
   * GstCacheTee:late-join:
   *
   * Where a branch starts that gets its first peer while the stream runs. All
   * but `live` and `auto` turn the log on.
   *
   * Since: 0.1
   */
  g_object_class_install_property (object_class, PROP_LATE_JOIN,
      g_param_spec_enum ("late-join", "Late join",
          "Where a branch starts that is linked while the stream runs",
          cacheenums::late_join (), late_join_auto,
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
          "What time the data of a late branch has", cacheenums::late_timing (),
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
   * leave secrets out of it. Without one it is made of upstream's URI and
   * stream id.
   *
   * Since: 0.1
   */
  g_object_class_install_property (object_class, PROP_CACHE_KEY,
      g_param_spec_string ("cache-key", "Cache key",
          "Name of the stream in the cache, at most 65480 bytes (NULL = made "
          "of upstream's URI and stream id)",
          nullptr, flags (G_PARAM_READWRITE, GST_PARAM_MUTABLE_READY)));
  /**
   * GstCacheTee:on-slow-store:
   *
   * What happens when the disk cannot keep up and #GstCacheTee:queue-size is
   * full.
   *
   * Since: 0.1
   */
  g_object_class_install_property (object_class, PROP_ON_SLOW_STORE,
      g_param_spec_enum ("on-slow-store", "On slow store",
          "When the disk cannot keep up: give the recording up, or let the "
          "stream "
          "wait",
          cacheenums::slow_store (), static_cast<gint> (defaults.on_slow_store),
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
          "How this run stands to the cache", cacheenums::status (),
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
void install_policy (GObjectClass *object_class)
{
  const Settings defaults{};
  /**
   * GstCacheTee:cache-policy:
   *
   * Which way the cache is used.
   *
   * Since: 0.1
   */
  g_object_class_install_property (object_class, PROP_CACHE_POLICY,
      g_param_spec_enum ("cache-policy", "Cache policy",
          "Which way the cache is used", cacheenums::cache_policy (),
          static_cast<gint> (defaults.cache_policy),
          flags (G_PARAM_READWRITE, GST_PARAM_MUTABLE_READY)));
  /**
   * GstCacheTee:ttl:
   *
   * How long what was recorded is served. After that it is a miss, and
   * recorded anew.
   *
   * Since: 0.1
   */
  g_object_class_install_property (object_class, PROP_TTL,
      g_param_spec_int ("ttl", "Time to live",
          "How long what was recorded is served, in seconds (-1 = for ever)",
          -1, G_MAXINT, defaults.ttl,
          flags (G_PARAM_READWRITE, GST_PARAM_MUTABLE_READY)));
  /**
   * GstCacheTee:grace:
   *
   * How long after its #GstCacheTee:ttl a byte stream is still served at once,
   * while upstream is asked whether it is what it was.
   *
   * Since: 0.1
   */
  g_object_class_install_property (object_class, PROP_GRACE,
      g_param_spec_int ("grace", "Grace",
          "How long after its ttl it is served while it is checked, in seconds "
          "(-1 = for ever)",
          -1, G_MAXINT, defaults.grace,
          flags (G_PARAM_READWRITE, GST_PARAM_MUTABLE_READY)));
  /**
   * GstCacheTee:ignore-cache-control:
   *
   * Keep also what its server says is not to be kept.
   *
   * Since: 0.1
   */
  g_object_class_install_property (object_class, PROP_IGNORE_CACHE_CONTROL,
      g_param_spec_boolean ("ignore-cache-control", "Ignore Cache-Control",
          "Keep also what its server says is not to be kept",
          defaults.ignore_cache_control,
          flags (G_PARAM_READWRITE, GST_PARAM_MUTABLE_READY)));
}

void install_bounds (GObjectClass *object_class)
{
  const Settings defaults{};
  /**
   * GstCacheTee:l1-size:
   *
   * How much of the cache is kept in memory. It is one memory for the process,
   * as large as the largest that an element asks for.
   *
   * Since: 0.1
   */
  g_object_class_install_property (object_class, PROP_L1_SIZE,
      g_param_spec_uint64 ("l1-size", "L1 size",
          "Bytes of the cache that are kept in memory (0 = none)", 0, G_MAXSIZE,
          defaults.l1_size,
          flags (G_PARAM_READWRITE, GST_PARAM_MUTABLE_READY)));
  /**
   * GstCacheTee:l2-size:
   *
   * What the files of the cache may take on the disk. What was not used for
   * longest is removed in the background. Of several elements with one folder
   * in a process the first one's counts, also for #GstCacheTee:min-free,
   * #GstCacheTee:slice-size and #GstCacheTee:queue-size.
   *
   * Since: 0.1
   */
  g_object_class_install_property (object_class, PROP_L2_SIZE,
      g_param_spec_uint64 ("l2-size", "L2 size",
          "Bytes that the files of the cache may take (0 = no limit)", 0,
          G_MAXUINT64, defaults.l2_size,
          flags (G_PARAM_READWRITE, GST_PARAM_MUTABLE_READY)));
  /**
   * GstCacheTee:min-free:
   *
   * What is left free on the disk.
   *
   * Since: 0.1
   */
  g_object_class_install_property (object_class, PROP_MIN_FREE,
      g_param_spec_uint64 ("min-free", "Minimum free",
          "Bytes that are left free on the disk (0 = no limit)", 0, G_MAXUINT64,
          defaults.min_free,
          flags (G_PARAM_READWRITE, GST_PARAM_MUTABLE_READY)));
  /**
   * GstCacheTee:slice-size:
   *
   * How much is hashed, written and read at a time, of what is recorded from
   * now on.
   *
   * Since: 0.1
   */
  g_object_class_install_property (object_class, PROP_SLICE_SIZE,
      g_param_spec_uint ("slice-size", "Slice size",
          "Bytes that are hashed, written and read at a time", 4096,
          record::slice_limit, defaults.slice_size,
          flags (G_PARAM_READWRITE, GST_PARAM_MUTABLE_READY)));
  /**
   * GstCacheTee:queue-size:
   *
   * How much may wait for the disk; see #GstCacheTee:on-slow-store.
   *
   * Since: 0.1
   */
  g_object_class_install_property (object_class, PROP_QUEUE_SIZE,
      g_param_spec_uint64 ("queue-size", "Queue size",
          "Bytes that may wait for the disk", 0, G_MAXSIZE, defaults.queue_size,
          flags (G_PARAM_READWRITE, GST_PARAM_MUTABLE_READY)));
  /**
   * GstCacheTee:compression:
   *
   * Whether what is recorded from now on is kept compressed, slice by slice,
   * where that saves a tenth at least. Without libzstd it has no effect.
   *
   * Since: 0.1
   */
  g_object_class_install_property (object_class, PROP_COMPRESSION,
      g_param_spec_enum ("compression", "Compression",
          "Whether what is recorded is compressed", cacheenums::compression (),
          static_cast<gint> (defaults.compression),
          flags (G_PARAM_READWRITE, GST_PARAM_MUTABLE_READY)));
  /**
   * GstCacheTee:prefetch-slices:
   *
   * How many slices behind the one that is served the system reads meanwhile.
   *
   * Since: 0.1
   */
  g_object_class_install_property (object_class, PROP_PREFETCH_SLICES,
      g_param_spec_uint ("prefetch-slices", "Prefetch slices",
          "Slices that are read ahead from the disk (0 = none)", 0, 1024,
          defaults.prefetch_slices,
          flags (G_PARAM_READWRITE, GST_PARAM_MUTABLE_READY)));
}
}  // namespace

void install (GObjectClass *object_class)
{
  install_tee (object_class);
  install_late (object_class);
  install_cache (object_class);
  install_policy (object_class);
  install_bounds (object_class);
}

}  // namespace cachesettings

// SPDX-License-Identifier: LGPL-2.1-or-later
#include "config.h"

#include "gstadaptiveproperties.h"

#include <glib/gi18n-lib.h>

#include <utility>

#include "timeline.h"

namespace gstadaptive {

bool prepare (GstElement *element, const Settings &settings,
    AdaptivePlayback::Settings &out)
{
  auto left_out = timeline::parse_spans (settings.skip_ranges);
  if (!left_out) {
    GST_ELEMENT_ERROR (element, RESOURCE, SETTINGS,
        (_ ("The ranges to be left out cannot be read.")),
        ("skip-ranges: %s (byte %zu of \"%s\")",
            timeline::to_string (left_out.code ()), left_out.position (),
            settings.skip_ranges.c_str ()));
    return false;
  }
  out.location = settings.location;
  out.license_url = settings.license_url;
  out.options = {settings.limits, settings.select_all};
  out.fetch = settings.fetch;
  out.ahead = {settings.prefetch_segments, settings.max_buffer_time,
      settings.max_buffer_bytes};
  out.use_buffering = settings.use_buffering;
  out.left_out = std::move (*left_out);
  out.start_offset = settings.start_offset;
  out.cache = {settings.cache_dir, settings.l2_size, settings.min_free};
  return true;
}

static constexpr auto in_ready = static_cast<GParamFlags> (
    G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_READY);

static void make_ahead_properties (GParamSpec **properties)
{
  const Settings defaults;
  /**
   * GstAdaptiveSrc:prefetch-segments:
   *
   * How many segments of each track are fetched before downstream wants them,
   * while it is held up: a pipeline that takes everything at once is given
   * everything at once. 0: none. Default 2.
   *
   * Since: 0.1
   */
  properties[PROP_PREFETCH_SEGMENTS] =
      g_param_spec_uint ("prefetch-segments", "Prefetch segments",
          "Segments that are fetched ahead of the one being sent (0 = none)", 0,
          G_MAXUINT, defaults.prefetch_segments, in_ready);
  /**
   * GstAdaptiveSrc:max-buffer-time:
   *
   * How much of a track, in nanoseconds of playing, is fetched ahead. A segment
   * is begun as long as there is less. 0: no limit. Default 30 s.
   *
   * Since: 0.1
   */
  properties[PROP_MAX_BUFFER_TIME] =
      g_param_spec_uint64 ("max-buffer-time", "Maximum buffer time",
          "Playing time in ns of a track that is fetched ahead (0 = no limit)",
          0, G_MAXUINT64, defaults.max_buffer_time, in_ready);
  /**
   * GstAdaptiveSrc:max-buffer-bytes:
   *
   * How much of a track, in bytes, is fetched ahead. 0: no limit. Default
   * 67108864.
   *
   * Since: 0.1
   */
  properties[PROP_MAX_BUFFER_BYTES] =
      g_param_spec_uint64 ("max-buffer-bytes", "Maximum buffer bytes",
          "Bytes of a track that are fetched ahead (0 = no limit)", 0,
          G_MAXUINT64, defaults.max_buffer_bytes, in_ready);
  /**
   * GstAdaptiveSrc:use-buffering:
   *
   * Post BUFFERING messages: from 0 up to 100 percent of what is fetched ahead,
   * at the beginning, after a seek, and when nothing is there any more. Only
   * for applications that have no other element do it, as playbin3 has.
   * Default false.
   *
   * Since: 0.1
   */
  properties[PROP_USE_BUFFERING] = g_param_spec_boolean ("use-buffering",
      "Use buffering", "Post BUFFERING messages by what is fetched ahead",
      defaults.use_buffering ? TRUE : FALSE, in_ready);
}

static void make_time_properties (GParamSpec **properties)
{
  const Settings defaults;
  /**
   * GstAdaptiveSrc:skip-ranges:
   *
   * What is left out, in seconds of the presentation: "0-112,280.5-300,400-",
   * the last one to the end. What comes after goes on without a hole in running
   * time. Default: nothing.
   *
   * Since: 0.1
   */
  properties[PROP_SKIP_RANGES] = g_param_spec_string ("skip-ranges",
      "Skip ranges", "What is left out, in seconds: \"0-112,280.5-300,400-\"",
      "", in_ready);
  /**
   * GstAdaptiveSrc:start-offset:
   *
   * Where playing begins, in nanoseconds of the presentation. 0: at its
   * beginning, or where an HLS playlist says (EXT-X-START). Default 0.
   *
   * Since: 0.1
   */
  properties[PROP_START_OFFSET] = g_param_spec_uint64 ("start-offset",
      "Start offset", "Where playing begins, in ns of the presentation", 0,
      G_MAXINT64, defaults.start_offset, in_ready);
}

static void make_cache_properties (GParamSpec **properties)
{
  const Settings defaults;
  /**
   * GstAdaptiveSrc:cache-dir:
   *
   * Folder in which initializations and segments are kept, as #GstCacheTee
   * keeps streams: what was fetched once is not asked for again, but for
   * manifests, playlists, indexes and keys. Default: none, nothing is kept.
   *
   * Since: 0.1
   */
  properties[PROP_CACHE_DIR] = g_param_spec_string ("cache-dir", "Cache folder",
      "Folder that segments are kept in (empty = not kept)", "", in_ready);
  /**
   * GstAdaptiveSrc:l2-size:
   *
   * What all files of the cache may take, in bytes: what was not used for
   * longest is removed. 0: no limit. Default 0.
   *
   * Since: 0.1
   */
  properties[PROP_L2_SIZE] = g_param_spec_uint64 ("l2-size", "L2 size",
      "Bytes that the files of the cache may take (0 = no limit)", 0,
      G_MAXUINT64, defaults.l2_size, in_ready);
  /**
   * GstAdaptiveSrc:min-free:
   *
   * What is left free on the disk of the cache, in bytes. 0: no limit.
   * Default 0.
   *
   * Since: 0.1
   */
  properties[PROP_MIN_FREE] = g_param_spec_uint64 ("min-free", "Minimum free",
      "Bytes that are left free on the disk (0 = no limit)", 0, G_MAXUINT64,
      defaults.min_free, in_ready);
}

void make_properties (GParamSpec **properties, const char *user_agent)
{
  gstsource::make_properties (properties,
      "URI of the manifest (http, https, or one of these after hls+ or dash+)",
      user_agent);
  gstadaptivechoice::make_properties (properties + PROP_CHOICE);
  /**
   * GstAdaptiveSrc:select-all:
   *
   * Begin with all tracks, a pad for each, in place of one of each type.
   * Default false.
   *
   * Since: 0.1
   */
  properties[PROP_SELECT_ALL] =
      g_param_spec_boolean ("select-all", "Select all",
          "Begin with all tracks, not with one of each type", FALSE, in_ready);
  /**
   * GstAdaptiveSrc:license-url:
   *
   * Where a decrypter's question for keys (a query for the context `cenc-keys`)
   * is answered, by a POST of a W3C ClearKey licence request; in place of the
   * address in the manifest. Write-only: there may be a token in it. Default:
   * none.
   *
   * Since: 0.1
   */
  properties[PROP_LICENSE_URL] = g_param_spec_string ("license-url",
      "License URL", "URI of a ClearKey licence server (none = the manifest's)",
      nullptr,
      static_cast<GParamFlags> (
          G_PARAM_WRITABLE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_READY));
  make_ahead_properties (properties);
  make_time_properties (properties);
  make_cache_properties (properties);
  /**
   * GstAdaptiveSrc:stats:
   *
   * Counters since the element was made, all of them guint64: those of
   * #GstProxyHttpSrc:stats over all requests; segments, the media segments
   * that were sent on whole; bytes-ahead, what was fetched before downstream
   * wanted it, and bytes-wasted, what of it never was; cache-hits, cache-misses
   * and cache-failures of what is kept in #GstAdaptiveSrc:cache-dir.
   *
   * Since: 0.1
   */
  properties[PROP_STATS] = g_param_spec_boxed ("stats", "Statistics",
      "Counters: requests, segments, bytes and more", GST_TYPE_STRUCTURE,
      static_cast<GParamFlags> (G_PARAM_READABLE | G_PARAM_STATIC_STRINGS));
}

bool set_property (Settings &settings, guint id, const GValue *value)
{
  if (gstsource::set_property (settings, id, value)) return true;
  if (id >= PROP_CHOICE && id < PROP_SELECT_ALL)
    return gstadaptivechoice::set_property (
        settings.limits, id - PROP_CHOICE, value);
  switch (id) {
    case PROP_SELECT_ALL:
      settings.select_all = g_value_get_boolean (value);
      return true;
    case PROP_LICENSE_URL:
      settings.license_url = gstsource::text_of (value);
      return true;
    case PROP_PREFETCH_SEGMENTS:
      settings.prefetch_segments = g_value_get_uint (value);
      return true;
    case PROP_MAX_BUFFER_TIME:
      settings.max_buffer_time = g_value_get_uint64 (value);
      return true;
    case PROP_MAX_BUFFER_BYTES:
      settings.max_buffer_bytes = g_value_get_uint64 (value);
      return true;
    case PROP_USE_BUFFERING:
      settings.use_buffering = g_value_get_boolean (value);
      return true;
    case PROP_SKIP_RANGES:
      settings.skip_ranges = gstsource::text_of (value);
      return true;
    case PROP_START_OFFSET:
      settings.start_offset = g_value_get_uint64 (value);
      return true;
    case PROP_CACHE_DIR:
      settings.cache_dir = gstsource::text_of (value);
      return true;
    case PROP_L2_SIZE:
      settings.l2_size = g_value_get_uint64 (value);
      return true;
    case PROP_MIN_FREE:
      settings.min_free = g_value_get_uint64 (value);
      return true;
    default:
      return false;
  }
}

bool get_property (const Settings &settings, guint id, GValue *value)
{
  if (gstsource::get_property (settings, id, value)) return true;
  if (id >= PROP_CHOICE && id < PROP_SELECT_ALL)
    return gstadaptivechoice::get_property (
        settings.limits, id - PROP_CHOICE, value);
  switch (id) {
    case PROP_SELECT_ALL:
      g_value_set_boolean (value, settings.select_all);
      return true;
    case PROP_PREFETCH_SEGMENTS:
      g_value_set_uint (value, settings.prefetch_segments);
      return true;
    case PROP_MAX_BUFFER_TIME:
      g_value_set_uint64 (value, settings.max_buffer_time);
      return true;
    case PROP_MAX_BUFFER_BYTES:
      g_value_set_uint64 (value, settings.max_buffer_bytes);
      return true;
    case PROP_USE_BUFFERING:
      g_value_set_boolean (value, settings.use_buffering ? TRUE : FALSE);
      return true;
    case PROP_SKIP_RANGES:
      g_value_set_string (value, settings.skip_ranges.c_str ());
      return true;
    case PROP_START_OFFSET:
      g_value_set_uint64 (value, settings.start_offset);
      return true;
    case PROP_CACHE_DIR:
      g_value_set_string (value, settings.cache_dir.c_str ());
      return true;
    case PROP_L2_SIZE:
      g_value_set_uint64 (value, settings.l2_size);
      return true;
    case PROP_MIN_FREE:
      g_value_set_uint64 (value, settings.min_free);
      return true;
    default:
      return false;
  }
}

}  // namespace gstadaptive

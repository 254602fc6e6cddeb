// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gstadaptivechoice.h"

using choice::Limits;
using choice::Selection;

namespace gstadaptivechoice {

static GType selection_get_type ()
{
  static const GType type = [] {
    static const GEnumValue values[] = {
        {static_cast<int> (Selection::automatic), "By throughput and buffer",
            "auto"},
        {static_cast<int> (Selection::highest), "The highest one", "highest"},
        {static_cast<int> (Selection::lowest), "The lowest one", "lowest"},
        {static_cast<int> (Selection::nearest),
            "The one nearest to connection-speed", "nearest"},
        {0, nullptr, nullptr}};
    return g_enum_register_static ("GstAdaptiveSrcSelection", values);
  }();
  return type;
}

void make_properties (GParamSpec **properties)
{
  const Limits defaults;
  constexpr auto playing = static_cast<GParamFlags> (
      G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_PLAYING);

  /**
   * GstAdaptiveSrc:selection:
   *
   * Which representation (HLS: variant) of a track is taken. auto: chosen anew
   * for each segment, by what the network carries and the buffer holds.
   * highest, lowest: of those within #GstAdaptiveSrc:max-bitrate and
   * #GstAdaptiveSrc:max-height. nearest: the one whose bandwidth is nearest to
   * #GstAdaptiveSrc:connection-speed, above or below it. Default: auto.
   *
   * Since: 0.1
   */
  properties[PROP_SELECTION] = g_param_spec_enum ("selection", "Selection",
      "Which representation of a track is taken", selection_get_type (),
      static_cast<int> (defaults.selection), playing);
  /**
   * GstAdaptiveSrc:max-bitrate:
   *
   * Representations (HLS: variants) whose bandwidth in bit/s is above this are
   * left out, of each track by itself; when all are above, the lowest one is
   * taken. 0: no limit. Default: 0.
   *
   * Since: 0.1
   */
  properties[PROP_MAX_BITRATE] = g_param_spec_uint64 ("max-bitrate",
      "Maximum bitrate",
      "Highest bandwidth in bit/s of a track's representation (0 = no limit)",
      0, G_MAXUINT64, defaults.max_bitrate, playing);
  /**
   * GstAdaptiveSrc:max-height:
   *
   * Representations (HLS: variants) that have more lines than this are left
   * out; when all have more, the lowest one is taken. 0: no limit. Default: 0.
   *
   * Since: 0.1
   */
  properties[PROP_MAX_HEIGHT] =
      g_param_spec_uint ("max-height", "Maximum height",
          "Most lines of a representation's picture (0 = no limit)", 0,
          G_MAXUINT, defaults.max_height, playing);
  /**
   * GstAdaptiveSrc:connection-speed:
   *
   * What the network carries, in kbit/s, in place of what is measured: then
   * auto chooses once. 0: it is measured. Default: 0.
   *
   * Since: 0.1
   */
  properties[PROP_CONNECTION_SPEED] =
      g_param_spec_uint64 ("connection-speed", "Connection speed",
          "Network connection speed in kbit/s (0 = it is measured)", 0,
          G_MAXUINT64 / 1000, defaults.connection_speed / 1000, playing);
  /**
   * GstAdaptiveSrc:bandwidth-usage:
   *
   * For auto: so much of what the network carries is for a representation.
   * Default: 0.9.
   *
   * Since: 0.1
   */
  properties[PROP_BANDWIDTH_USAGE] =
      g_param_spec_double ("bandwidth-usage", "Bandwidth usage",
          "Part of the network's bandwidth that a representation may need", 0,
          1, defaults.bandwidth_usage, playing);
}

bool set_property (Limits &limits, guint id, const GValue *value)
{
  switch (id) {
    case PROP_SELECTION:
      limits.selection = static_cast<Selection> (g_value_get_enum (value));
      return true;
    case PROP_MAX_BITRATE:
      limits.max_bitrate = g_value_get_uint64 (value);
      return true;
    case PROP_MAX_HEIGHT:
      limits.max_height = g_value_get_uint (value);
      return true;
    case PROP_CONNECTION_SPEED:
      limits.connection_speed = g_value_get_uint64 (value) * 1000;
      return true;
    case PROP_BANDWIDTH_USAGE:
      limits.bandwidth_usage = g_value_get_double (value);
      return true;
    default:
      return false;
  }
}

bool get_property (const Limits &limits, guint id, GValue *value)
{
  switch (id) {
    case PROP_SELECTION:
      g_value_set_enum (value, static_cast<int> (limits.selection));
      return true;
    case PROP_MAX_BITRATE:
      g_value_set_uint64 (value, limits.max_bitrate);
      return true;
    case PROP_MAX_HEIGHT:
      g_value_set_uint (value, limits.max_height);
      return true;
    case PROP_CONNECTION_SPEED:
      g_value_set_uint64 (value, limits.connection_speed / 1000);
      return true;
    case PROP_BANDWIDTH_USAGE:
      g_value_set_double (value, limits.bandwidth_usage);
      return true;
    default:
      return false;
  }
}

}  // namespace gstadaptivechoice

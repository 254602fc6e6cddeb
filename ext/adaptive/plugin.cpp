// SPDX-License-Identifier: LGPL-2.1-or-later

/**
 * plugin-adaptive:
 * @title: adaptive
 * @short_description: sources for HTTP, HLS and DASH that keep to their proxy
 *
 * Since: 0.1
 */

#include "config.h"

#include <glib/gi18n-lib.h>
#include <gst/gst.h>

#include "gstadaptivesrc.h"
#include "gstproxyhttpsrc.h"

static gboolean plugin_init (GstPlugin *plugin)
{
  bindtextdomain (GETTEXT_PACKAGE, LOCALEDIR);
  bind_textdomain_codeset (GETTEXT_PACKAGE, "UTF-8");
  gboolean done = FALSE;
  done |= GST_ELEMENT_REGISTER (adaptivesrc, plugin);
  done |= GST_ELEMENT_REGISTER (proxyhttpsrc, plugin);
  return done;
}

GST_PLUGIN_DEFINE (GST_VERSION_MAJOR, GST_VERSION_MINOR, adaptive,
    "HTTP, HLS and DASH by way of proxies", plugin_init, VERSION, GST_LICENSE,
    GST_PACKAGE_NAME, GST_PACKAGE_ORIGIN)

// SPDX-License-Identifier: LGPL-2.1-or-later
/**
 * plugin-cachetee:
 *
 * A tee that keeps what passes, and serves it again.
 *
 * Since: 0.1
 */
#include "config.h"

#include <glib/gi18n-lib.h>
#include <gst/gst.h>

#include "gstcachetee.h"

static gboolean plugin_init (GstPlugin *plugin)
{
  bindtextdomain (GETTEXT_PACKAGE, LOCALEDIR);
  bind_textdomain_codeset (GETTEXT_PACKAGE, "UTF-8");
  return GST_ELEMENT_REGISTER (cachetee, plugin);
}

GST_PLUGIN_DEFINE (GST_VERSION_MAJOR, GST_VERSION_MINOR, cachetee,
    "A tee that keeps what passes, and serves it again", plugin_init, VERSION,
    GST_LICENSE, GST_PACKAGE_NAME, GST_PACKAGE_ORIGIN)

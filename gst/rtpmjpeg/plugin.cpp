// SPDX-License-Identifier: LGPL-2.1-or-later

/**
 * plugin-rtpmjpeg:
 * @title: rtpmjpeg
 * @short_description: motion JPEG over RTP (RFC 2435)
 *
 * Since: 0.1
 */

#include "config.h"

#include <glib/gi18n-lib.h>
#include <gst/gst.h>

#include "gstrtpmjpegpay.h"

static gboolean plugin_init (GstPlugin *plugin)
{
  bindtextdomain (GETTEXT_PACKAGE, LOCALEDIR);
  bind_textdomain_codeset (GETTEXT_PACKAGE, "UTF-8");
  return GST_ELEMENT_REGISTER (rtpmjpegpay, plugin);
}

GST_PLUGIN_DEFINE (GST_VERSION_MAJOR, GST_VERSION_MINOR, rtpmjpeg,
    "Motion JPEG over RTP", plugin_init, VERSION, GST_LICENSE, GST_PACKAGE_NAME,
    GST_PACKAGE_ORIGIN)

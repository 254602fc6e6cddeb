// SPDX-License-Identifier: LGPL-2.1-or-later
/**
 * plugin-cenc:
 *
 * Decryption of ISO/IEC 23001-7, Common Encryption.
 *
 * Since: 0.1
 */
#include "config.h"

#include <glib/gi18n-lib.h>
#include <gst/gst.h>

#include "gstcencdecrypt.h"
#include "gstcencmp4decrypt.h"

static gboolean plugin_init (GstPlugin *plugin)
{
  bindtextdomain (GETTEXT_PACKAGE, LOCALEDIR);
  bind_textdomain_codeset (GETTEXT_PACKAGE, "UTF-8");
  bool ok = GST_ELEMENT_REGISTER (cencdecrypt, plugin);
  ok |= GST_ELEMENT_REGISTER (cencmp4decrypt, plugin);
  return ok;
}

GST_PLUGIN_DEFINE (GST_VERSION_MAJOR, GST_VERSION_MINOR, cenc,
    "Common Encryption decrypters", plugin_init, VERSION, GST_LICENSE,
    GST_PACKAGE_NAME, GST_PACKAGE_ORIGIN)

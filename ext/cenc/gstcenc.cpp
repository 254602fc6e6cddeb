// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gstcenc.h"

#include "config.h"

#include <glib/gi18n-lib.h>

#include <utility>

namespace gstcenc {

GParamSpec *keys_spec ()
{
  // Write-only: what can be read is in every dot file.
  return g_param_spec_string ("keys", "Keys",
      "Content keys as KID:KEY, several with commas between them, each in "
      "hexadecimal digits or base64url, a KID also as a UUID with dashes",
      nullptr,
      static_cast<GParamFlags> (
          G_PARAM_WRITABLE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_READY));
}

void post_wrong_property (GstElement *element, const char *property,
    const relay::Failure<keys::Error> &wrong)
{
  auto character = static_cast<guint> (wrong.position + 1);
  GST_ELEMENT_ERROR (element, RESOURCE, SETTINGS,
      (_ ("The property \"%s\" is wrong from character %u on."), property,
          character),
      ("character %u: %s", character, keys::to_string (wrong.code)));
}

void post_no_key (GstElement *element, const keys::KeyId &kid)
{
  std::string text = keys::to_string (kid);
  GST_ELEMENT_ERROR_WITH_DETAILS (element, STREAM, DECRYPT_NOKEY,
      (_ ("There is no key for key id %s."), text.c_str ()),
      ("nobody who was asked has a key for key id %s", text.c_str ()),
      ("key-id", G_TYPE_STRING, text.c_str (), NULL));
}

void warn_no_key (GstElement *element, const keys::KeyId &kid, bool is_drop)
{
  std::string text = keys::to_string (kid);
  GST_ELEMENT_WARNING_WITH_DETAILS (element, STREAM, DECRYPT_NOKEY,
      (_ ("There is no key for key id %s."), text.c_str ()),
      ("samples without a key are %s",
          is_drop ? "dropped" : "passed as they are"),
      ("key-id", G_TYPE_STRING, text.c_str (), NULL));
}

// Several memories would be merged into one; a part of another memory is marked
// read-only, which gst_memory_is_writable does not look at.
bool is_writable (GstBuffer *buffer)
{
  if (!gst_buffer_is_writable (buffer) || gst_buffer_n_memory (buffer) != 1)
    return false;
  GstMemory *memory = gst_buffer_peek_memory (buffer, 0);
  return gst_memory_is_writable (memory) && !GST_MEMORY_IS_READONLY (memory);
}

void post_stats (GstElement *element, GstStructure *stats)
{
  gst_element_post_message (
      element, gst_message_new_element (GST_OBJECT (element), stats));
}

}  // namespace gstcenc

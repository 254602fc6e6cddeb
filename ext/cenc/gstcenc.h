// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/gst.h>

#include "keys.h"

// What the elements of this plugin have in common.
namespace gstcenc {

// Each has one pad of each direction, always.
inline GstPad *sink_of (GstElement *element)
{
  return GST_PAD (element->sinkpads->data);
}
inline GstPad *src_of (GstElement *element)
{
  return GST_PAD (element->srcpads->data);
}

GParamSpec *keys_spec ();

// One error each.
void post_wrong_property (GstElement *element, const char *property,
    const relay::Failure<keys::Error> &wrong);
void post_no_key (GstElement *element, const keys::KeyId &kid);

// The same as a warning: its samples are dropped, or passed as they are.
void warn_no_key (GstElement *element, const keys::KeyId &kid, bool is_drop);

// True when its bytes can be changed without a copy.
bool is_writable (GstBuffer *buffer);

// Posts the structure as an element message; takes it.
void post_stats (GstElement *element, GstStructure *stats);

}  // namespace gstcenc

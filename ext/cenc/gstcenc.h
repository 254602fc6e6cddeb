// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/gst.h>

#include <memory>
#include <optional>

#include "keys.h"

// What the elements of this plugin have in common.
namespace gstcenc {

// The property "keys" as read: its text is not kept.
struct Keys
{
  std::shared_ptr<const keys::Ring> ring = std::make_shared<keys::Ring> ();
  std::optional<relay::Failure<keys::Error>> wrong;
};

GParamSpec *keys_spec ();
Keys read_keys (const GValue *value);

// One error each. Whether the keys could be read; if not, the error is posted.
bool check_keys (GstElement *element, const Keys &keys);
void post_wrong_property (GstElement *element, const char *property,
    const relay::Failure<keys::Error> &wrong);
void post_no_key (GstElement *element, const keys::KeyId &kid);

// The same as a warning: its samples are dropped, or passed as they are.
void warn_no_key (GstElement *element, const keys::KeyId &kid, bool is_drop);

// Posts the structure as an element message; takes it.
void post_stats (GstElement *element, GstStructure *stats);

}  // namespace gstcenc

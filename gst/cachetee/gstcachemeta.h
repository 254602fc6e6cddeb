// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/gst.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/gstpp.h"

// The metas of buffers as text, and back: those of video and audio frames
// (GstVideoMeta, GstVideoCropMeta, GstAudioMeta), GstProtectionMeta and
// GstReferenceTimestampMeta.
namespace cachemeta {

// A line for each; empty if there are none. Nothing if one of them would not
// come back as it was. GstParentBufferMeta is left out: it only keeps another
// buffer alive.
std::optional<std::string> encode (GstBuffer *buffer);

// What encode () gave, for many buffers.
class Metas
{
public:
  // Nothing if it is not.
  static std::optional<Metas> parse (std::string_view text);
  // False if they do not suit the buffer.
  [[nodiscard]] bool add_to (GstBuffer *buffer) const;

private:
  std::vector<relay::Owned<GstStructure>> metas_;
};

}  // namespace cachemeta

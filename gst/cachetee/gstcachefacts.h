// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/gst.h>

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "common/gstpp.h"
#include "record.h"

// What is known of a byte stream besides its bytes.
namespace cachefacts {

// What upstream tells: what its headers said, if they did, else its length; and
// the events that are on the pad.
record::Facts gather (GstPad *sinkpad, std::optional<record::Facts> headers);

// Those events: stream-start, caps, tags.
std::vector<relay::Owned<GstEvent>> events (
    std::span<const std::uint8_t> content);

}  // namespace cachefacts

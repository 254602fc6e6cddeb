// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/gst.h>

#include <optional>
#include <string>
#include <vector>

#include "common/gstpp.h"
#include "presentation.h"

// What applications are told of the tracks, and by which they choose.
namespace gstadaptivecollection {

// A pad's: the same for the same presentation and name.
[[nodiscard]] std::string stream_id (
    GstElement *element, const std::string &pad_name);

// Language, title, and the bitrate of a representation, where they are known.
[[nodiscard]] relay::Owned<GstTagList> tags (const presentation::Track &track,
    const presentation::Representation &representation);

// caps: may be null.
[[nodiscard]] relay::Owned<GstStream> make_stream (const std::string &id,
    const presentation::Track &track, GstCaps *caps, bool is_selected);

// In the order of the streams.
[[nodiscard]] relay::Owned<GstStreamCollection> make_collection (
    const std::string &id, const std::vector<relay::Owned<GstStream>> &streams);

// Which of a collection's streams a SELECT_STREAMS event wants; nothing when it
// wants none of them, or one that is not there.
[[nodiscard]] std::optional<std::vector<bool>> wanted (
    GstStreamCollection *collection, GstEvent *event);

// STREAMS_SELECTED
[[nodiscard]] relay::Owned<GstMessage> selected (GstElement *element,
    GstStreamCollection *collection, const std::vector<bool> &selection,
    guint32 seqnum);

}  // namespace gstadaptivecollection

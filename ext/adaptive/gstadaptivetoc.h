// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/gst.h>

#include <vector>

#include "chapters.h"
#include "common/gstpp.h"

// The table of contents, as applications know it from files.
namespace gstadaptivetoc {

// A TOC event (scope global) with an entry CHAPTER for each: its uid, start and
// stop, and the tag `title`. Null when there are none.
[[nodiscard]] relay::Owned<GstEvent> make_event (
    const std::vector<chapters::Chapter> &chapters);

// The message with the same: an event does not pass a demuxer that has no pads
// yet.
void post (GstElement *element, GstEvent *toc);

// What a TOC_SELECT event wants, as a flushing seek with its seqnum. Null: it
// is no entry of this table.
[[nodiscard]] relay::Owned<GstEvent> to_seek (GstEvent *select, GstEvent *toc);

}  // namespace gstadaptivetoc

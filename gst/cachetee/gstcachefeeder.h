// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/gst.h>

#include "common/gstpp.h"

// Who feeds a sink pad, and what may be done to him.
namespace cachefeeder {

// Behind any ghost pads. Null if nobody does.
relay::Owned<GstPad> feeder_of (GstPad *sinkpad);

// Is there nothing but a source upstream, and what passes on what it sends? Its
// thread may be kept waiting. That of a demuxer may not: it feeds other
// branches than ours.
bool is_source (GstPad *sinkpad);

// That source; null if there is none, or anything else upstream.
relay::Owned<GstElement> source_of (GstPad *sinkpad);

// A source that was kept waiting is told to stop before it goes on: its state
// is changed after ours, and until then it would read. Only a source: what
// other elements do with it concerns branches that are not ours.
void stop_source (GstPad *sinkpad);

}  // namespace cachefeeder

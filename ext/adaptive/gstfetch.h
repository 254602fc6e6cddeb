// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gio/gio.h>
#include <gst/gst.h>

#include "common/gstpp.h"
#include "fetcher.h"

template <>
inline constexpr bool relay::is_gobject<GCancellable> = true;

// Between the fetcher and GStreamer: what both sources need.
namespace gstfetch {

// What an element's start does with location and routes: they go into the
// settings, and userinfo out of location. False, and an element error, when
// they cannot be used.
[[nodiscard]] bool prepare (GstElement *element, std::string &location,
    const std::string &routes, fetcher::Settings &settings);

// One GST_ELEMENT_ERROR in the words of a person, with the URI in the debug
// text and, where there is one, "http-status-code" (guint) and
// "redirect-location" (string) in the details. Nothing for a cancelled request.
void post_problem (GstElement *element, const fetcher::Problem &problem);

// `extra-headers`: a field is a header, its value text, a number, or an array
// or list of these for a header that is sent more than once.
[[nodiscard]] fetcher::Headers headers_from (const GstStructure *structure);

// The reverse, with *** in place of secrets.
[[nodiscard]] relay::Owned<GstStructure> structure_from (
    const char *name, const fetcher::Headers &headers);

// What souphttpsrc sends downstream as a sticky event and posts as a message.
[[nodiscard]] relay::Owned<GstStructure> http_headers (
    const char *location, const fetcher::Head &head);

// A server that serves ranges need not say so (RFC 9110 14.3): of a body of
// known length it is taken for granted, unless it says that it does not.
[[nodiscard]] bool is_seekable (const fetcher::Head &head);

// A warning, when these are the first bytes of an HLS or DASH manifest: behind
// this source the stock demuxers would fetch the rest past its routes.
void warn_of_manifest (GstElement *element, const fetcher::Head &head,
    GstBuffer *first, gsize count);

// Adds to an answered SCHEDULING query that this is no local file.
void limit_bandwidth (GstQuery *query);

// The fields of `stats` that come from requests.
[[nodiscard]] relay::Owned<GstStructure> stats (
    const char *name, fetcher::Counters &counters);

}  // namespace gstfetch

// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/gst.h>

#include <optional>
#include <string>

#include "record.h"

// What HTTP has to say about keeping a response.
namespace cachecontrol {

// Of an http-headers event: why the response is not to be kept ("no-store",
// "private": RFC 9111 5.2.2), or null. Null for any other event.
const char *refusal (GstEvent *event);

// Of an http-headers event: what its response says of the resource. Nothing if
// the response is none to a request for a body, or is not that of a success.
std::optional<record::Facts> facts (GstEvent *event);

// Was it asked for with Authorization or Cookie?
bool has_credentials (GstEvent *event);

// The hash of the credentials that upstream is going to send, known before it
// sends anything; empty if there are none, or if it does not say.
std::string credentials (GstPad *sinkpad);

// The name in the store: what is fetched with credentials is kept apart from
// what anybody gets.
std::string key_for (const std::string &key, GstPad *sinkpad);
// What all names of a key that have credentials begin with.
std::string credentials_prefix (const std::string &key);

}  // namespace cachecontrol

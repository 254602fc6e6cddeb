// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/base/gstbasesrc.h>

#include "fetcher.h"

// What proxyhttpsrc tells of a response's headers.
namespace gstannounce {

enum class LogLevel
{
  none,
  minimal,  // the request and its status
  headers,
  body  // as headers: no log has bodies
};
// The enumeration of `http-log-level`, whose values are souphttpsrc's.
GType log_level_get_type ();

// In this order: caps and tags downstream, the message, the sticky event.
// location is without userinfo.
void headers (
    GstBaseSrc *source, const char *location, const fetcher::Head &head);

// The message alone: of an answer that is an error.
void refusal (
    GstBaseSrc *source, const char *location, const fetcher::Head &head);

// To the log, in the category of the element, with *** for secrets.
void log (GstBaseSrc *source, GstDebugCategory *category, LogLevel level,
    const fetcher::Head &head);

}  // namespace gstannounce

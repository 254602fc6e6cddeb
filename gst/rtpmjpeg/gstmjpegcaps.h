// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/gst.h>

#include <string>

#include "common/gstpp.h"
#include "common/result.h"
#include "interlace.h"

// What rtpmjpegpay reads in its sink caps, and says in its source caps.
namespace mjpegcaps {

enum class Error
{
  size,       // no width or height, or not above 0
  framerate,  // below 0
};

[[nodiscard]] const char *to_string (Error error);

struct Format
{
  unsigned width = 0;
  unsigned height = 0;
  int numerator = 0;  // of the framerate; 0: none, or a varying one
  int denominator = 1;
  interlace::Format fields;
};

[[nodiscard]] relay::Result<Format, Error> parse (GstCaps *caps);

// The fields of the source caps that are not the base class's.
class Attributes
{
public:
  Attributes () = default;
  explicit Attributes (const Format &format);

  // False: the caps do not change. Sizes that the payload header has no room
  // for are in them.
  [[nodiscard]] bool set_size (unsigned width, unsigned height);
  [[nodiscard]] relay::Owned<GstStructure> fields () const;

private:
  std::string framerate_;   // empty: none
  std::string dimensions_;  // empty: none
};

}  // namespace mjpegcaps

// SPDX-License-Identifier: LGPL-2.1-or-later
#include "config.h"

#include "gstmjpegcaps.h"

#include <array>
#include <tuple>

#include "rfc2435.h"

using relay::Owned;

namespace mjpegcaps {

const char *to_string (Error error)
{
  switch (error) {
    case Error::size:
      return "no width and height";
    case Error::framerate:
      return "a bad framerate";
  }
  return "unknown";
}

relay::Result<Format, Error> parse (GstCaps *caps)
{
  const GstStructure *in = gst_caps_get_structure (caps, 0);
  int width = 0;
  int height = 0;
  if (!gst_structure_get_int (in, "width", &width) ||
      !gst_structure_get_int (in, "height", &height) || width <= 0 ||
      height <= 0)
    return relay::failure (Error::size);

  Format format;
  format.width = static_cast<unsigned> (width);
  format.height = static_cast<unsigned> (height);
  if (gst_structure_get_fraction (
          in, "framerate", &format.numerator, &format.denominator) &&
      (format.numerator < 0 || format.denominator <= 0))
    return relay::failure (Error::framerate);

  const char *mode = gst_structure_get_string (in, "interlace-mode");
  const char *order = gst_structure_get_string (in, "field-order");
  format.fields = {
      .interlaced = mode != nullptr && !g_str_equal (mode, "progressive"),
      .alternating = g_strcmp0 (mode, "alternate") == 0,
      .bottom_first = g_strcmp0 (order, "bottom-field-first") == 0,
      .height = format.height};
  return format;
}

Attributes::Attributes (const Format &format)
{
  if (format.numerator > 0) {
    double framerate = 0;
    std::array<gchar, G_ASCII_DTOSTR_BUF_SIZE> text{};
    gst_util_fraction_to_double (
        format.numerator, format.denominator, &framerate);
    framerate_ = g_ascii_formatd (text.data (), text.size (), "%f", framerate);
  }
  std::ignore = set_size (format.width, format.height);
}

bool Attributes::set_size (unsigned width, unsigned height)
{
  if (rfc2435::fits (width, height)) return false;
  std::string dimensions =
      std::to_string (width) + "," + std::to_string (height);
  if (dimensions == dimensions_) return false;
  dimensions_ = dimensions;
  return true;
}

Owned<GstStructure> Attributes::fields () const
{
  Owned<GstStructure> fields{gst_structure_new_empty ("fields")};
  if (!framerate_.empty ())
    gst_structure_set (fields.get (), "a-framerate", G_TYPE_STRING,
        framerate_.c_str (), nullptr);
  if (!dimensions_.empty ())
    gst_structure_set (fields.get (), "x-dimensions", G_TYPE_STRING,
        dimensions_.c_str (), nullptr);
  return fields;
}

}  // namespace mjpegcaps

// SPDX-License-Identifier: LGPL-2.1-or-later
#include "config.h"

#include "gstmjpegreport.h"

#include <glib/gi18n-lib.h>

namespace mjpegreport {

void add_fields (const Counters &counters, GstStructure *stats)
{
  guint64 dropped = 0;
  for (guint64 frames : counters.frames_dropped) dropped += frames;
  auto of = [&counters] (Reason why) {
    return counters.frames_dropped[static_cast<std::size_t> (why)];
  };
  gst_structure_set (stats, "packets", G_TYPE_UINT64, counters.packets, "bytes",
      G_TYPE_UINT64, counters.bytes, "frames", G_TYPE_UINT64, counters.frames,
      "frames-recoded", G_TYPE_UINT64, counters.frames_recoded,
      "frames-dropped", G_TYPE_UINT64, dropped, "frames-dropped-damaged",
      G_TYPE_UINT64, of (Reason::damaged), "frames-dropped-unsupported",
      G_TYPE_UINT64, of (Reason::unsupported), "frames-dropped-too-large",
      G_TYPE_UINT64, of (Reason::too_large), "bytes-stripped", G_TYPE_UINT64,
      counters.bytes_stripped, nullptr);
}

const char *text (jpeg::Error error)
{
  switch (error) {
    case jpeg::Error::truncated:
      return _ ("A JPEG image is cut inside its headers and was dropped.");
    case jpeg::Error::not_baseline:
      return _ (
          "A JPEG image is not baseline coded (perhaps progressive) and was "
          "dropped: RTP/JPEG has no type for it.");
    case jpeg::Error::sample_precision:
    case jpeg::Error::components:
    case jpeg::Error::sampling:
    case jpeg::Error::rgb:
      return _ (
          "A JPEG image is neither grey nor YCbCr 4:2:0 nor 4:2:2 with 8 bits "
          "and was dropped: RTP/JPEG has no type for it. "
          "\"jpegdec ! videoconvert ! jpegenc\" in front makes it one.");
    case jpeg::Error::scan_components:
      return _ (
          "A JPEG image does not have all its components in one scan and was "
          "dropped: RTP/JPEG cannot carry it.");
    case jpeg::Error::chroma_tables:
      return _ (
          "A JPEG image has different quantization tables for Cb and Cr and "
          "was dropped: RTP/JPEG carries one for both.");
    case jpeg::Error::empty_scan:
      return _ ("A JPEG image has no picture data and was dropped.");
    default:
      return _ ("A JPEG image is damaged and was dropped.");
  }
}

Reason reason (jpeg::Error error)
{
  switch (error) {
    case jpeg::Error::not_baseline:
    case jpeg::Error::sample_precision:
    case jpeg::Error::components:
    case jpeg::Error::sampling:
    case jpeg::Error::rgb:
    case jpeg::Error::scan_components:
    case jpeg::Error::chroma_tables:
      return Reason::unsupported;
    default:
      return Reason::damaged;
  }
}

}  // namespace mjpegreport

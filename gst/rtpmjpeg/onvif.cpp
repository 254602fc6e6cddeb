// SPDX-License-Identifier: LGPL-2.1-or-later
#include "onvif.h"

#include <initializer_list>

namespace onvif {

namespace {

// "the first packet of a frame": its header extension. Further packets would
// have 0xFFFF; these headers always fit into the first.
constexpr unsigned profile = 0xffd8;

constexpr std::size_t sos_size = 14;

class Writer
{
public:
  Writer &bytes (std::initializer_list<unsigned> values)
  {
    for (unsigned value : values)
      out.push_back (static_cast<std::uint8_t> (value));
    return *this;
  }
  Writer &number_16 (unsigned value)
  {
    return bytes ({value >> 8 & 0xff, value & 0xff});
  }

  std::vector<std::uint8_t> out;
};

}  // namespace

std::vector<std::uint8_t> extension (const Image &image)
{
  Writer body;
  // DRI "should be consistent" with the restart header.
  if (image.restart_interval > 0)
    body.bytes ({0xff, 0xdd}).number_16 (4).number_16 (image.restart_interval);
  // T.81 B.2.2. The components are those of RFC 2435 4.1: Y with table 0, Cb
  // and Cr with table 1.
  body.bytes ({0xff, 0xc0})
      .number_16 (17)
      .bytes ({8})
      .number_16 (image.height)
      .number_16 (image.width)
      .bytes ({3})
      .bytes ({1, image.yuv422 ? 0x21U : 0x22U, 0})
      .bytes ({2, 0x11, 1})
      .bytes ({3, 0x11, 1});
  // To whole words, with fill bytes: "Necessary padding with 0xFF-octets shall
  // NOT follow this marker but MAY precede it."
  while ((body.out.size () + sos_size) % 4 != 0) body.bytes ({0xff});
  // T.81 B.2.3. "If the initial header extension payload supplies no SOS
  // marker", receivers make one after RFC 2435, where the components are 1, 2,
  // 3 in section 4.1 and 0, 1, 2 in Appendix B: it may not suit our SOF.
  body.bytes ({0xff, 0xda})
      .number_16 (12)
      .bytes ({3, 1, 0x00, 2, 0x11, 3, 0x11, 0, 63, 0});

  Writer extension;
  extension.number_16 (profile).number_16 (
      static_cast<unsigned> (body.out.size () / 4));
  extension.out.insert (
      extension.out.end (), body.out.begin (), body.out.end ());
  return extension.out;
}

}  // namespace onvif

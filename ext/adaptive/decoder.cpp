// SPDX-License-Identifier: LGPL-2.1-or-later
#include "decoder.h"

#include "http.h"

namespace fetcher {

std::unique_ptr<Decoder> Decoder::make (std::string_view coding)
{
  bool gzip =
      http::same_name (coding, "gzip") || http::same_name (coding, "x-gzip");
  if (!gzip && !http::same_name (coding, "deflate")) return nullptr;
  return std::unique_ptr<Decoder> (new Decoder (gzip));
}

bool Decoder::begin_member ()
{
  if (ended_ && !gzip_) return false;
  ended_ = false;
  if (converter_) {
    g_converter_reset (converter_.get ());
    return true;
  }
  GZlibCompressorFormat format = G_ZLIB_COMPRESSOR_FORMAT_GZIP;
  // RFC 1950 2.2: the method is 8. Bare (RFC 1951 3.2.3) this would be a block
  // that is not compressed and has a bit set which nobody sets.
  if (!gzip_)
    format = (left_.front () & 0x0f) == 8 ? G_ZLIB_COMPRESSOR_FORMAT_ZLIB
                                          : G_ZLIB_COMPRESSOR_FORMAT_RAW;
  converter_.reset (G_CONVERTER (g_zlib_decompressor_new (format)));
  return true;
}

std::optional<std::size_t> Decoder::decode (
    std::uint8_t *data, std::size_t size)
{
  for (;;) {
    // Behind a member there may be another one; before the first there is one.
    if (ended_ || !converter_) {
      if (left_.empty ()) return 0;
      if (!begin_member ()) return std::nullopt;
    }
    gsize used = 0;
    gsize made = 0;
    GError *raw = nullptr;
    GConverterResult result =
        g_converter_convert (converter_.get (), left_.data (), left_.size (),
            data, size, G_CONVERTER_NO_FLAGS, &used, &made, &raw);
    relay::Owned<GError> error{raw};
    left_ = left_.subspan (used);
    ended_ = result == G_CONVERTER_FINISHED;
    if (made > 0) return made;
    if (result == G_CONVERTER_ERROR)
      return g_error_matches (
                 error.get (), G_IO_ERROR, G_IO_ERROR_PARTIAL_INPUT) &&
                     left_.empty ()
                 ? std::optional<std::size_t> (0)
                 : std::nullopt;
  }
}

}  // namespace fetcher

// SPDX-License-Identifier: LGPL-2.1-or-later
#include "codec.h"

#include <algorithm>

#ifdef RELAY_HAVE_ZSTD
#include <zstd.h>
#endif

namespace codec {

#ifdef RELAY_HAVE_ZSTD

namespace {
constexpr int level = 1;
constexpr unsigned longest_pause = 16;
}  // namespace

struct Compressor::Context
{
  struct Free
  {
    void operator() (ZSTD_CCtx *context) const { ZSTD_freeCCtx (context); }
  };
  std::unique_ptr<ZSTD_CCtx, Free> zstd{ZSTD_createCCtx ()};
};

bool is_available ()
{
  return true;
}

bool Compressor::run (record::Parts parts, std::size_t limit)
{
  if (context_ == nullptr) context_ = std::make_unique<Context> ();
  ZSTD_CCtx *zstd = context_->zstd.get ();
  if (zstd == nullptr) return false;
  ZSTD_CCtx_reset (zstd, ZSTD_reset_session_only);
  ZSTD_CCtx_setParameter (zstd, ZSTD_c_compressionLevel, level);
  std::size_t size = 0;
  for (std::span<const std::uint8_t> part : parts) size += part.size ();
  ZSTD_CCtx_setPledgedSrcSize (zstd, size);
  out_.resize (limit);
  ZSTD_outBuffer out{out_.data (), out_.size (), 0};
  for (std::span<const std::uint8_t> part : parts) {
    ZSTD_inBuffer in{part.data (), part.size (), 0};
    while (in.pos < in.size) {
      std::size_t left =
          ZSTD_compressStream2 (zstd, &out, &in, ZSTD_e_continue);
      if (ZSTD_isError (left) != 0) return false;
      if (out.pos == out.size) return false;
    }
  }
  ZSTD_inBuffer end{nullptr, 0, 0};
  // Not 0: there was no room for all of it.
  if (ZSTD_compressStream2 (zstd, &out, &end, ZSTD_e_end) != 0) return false;
  used_ = out.pos;
  return true;
}

std::optional<std::span<const std::uint8_t>> Compressor::compress (
    record::Parts parts)
{
  if (left_ > 0) {
    left_--;
    return std::nullopt;
  }
  std::size_t size = 0;
  for (std::span<const std::uint8_t> part : parts) size += part.size ();
  if (!run (parts, size - (size + 9) / 10)) {
    pause_ = std::min (pause_ * 2 + 1, longest_pause);
    left_ = pause_;
    return std::nullopt;
  }
  pause_ = 0;
  return std::span<const std::uint8_t> (out_).first (used_);
}

bool decompress (
    std::span<const std::uint8_t> frame, std::span<std::uint8_t> out)
{
  return ZSTD_decompress (out.data (), out.size (), frame.data (),
             frame.size ()) == out.size ();
}

#else

struct Compressor::Context
{
};

bool is_available ()
{
  return false;
}

std::optional<std::span<const std::uint8_t>> Compressor::compress (
    record::Parts)
{
  return std::nullopt;
}

bool decompress (std::span<const std::uint8_t>, std::span<std::uint8_t>)
{
  return false;
}

#endif

Compressor::Compressor () = default;
Compressor::~Compressor () = default;

}  // namespace codec

// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gio/gio.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>

#include "common/gstpp.h"

template <>
inline constexpr bool relay::is_gobject<GConverter> = true;

namespace fetcher {

// From a content coding (RFC 9110 8.4.1) to what it stands for. libsoup's own
// decoder takes a cut gzip stream for a whole one, and GIO's stream of one ends
// after the first member of several.
class Decoder
{
public:
  // gzip, with one or more members (RFC 1952 2.2), and deflate, in the zlib
  // format or, as some servers send it, without. Null: another one.
  [[nodiscard]] static std::unique_ptr<Decoder> make (std::string_view coding);

  // Where the next coded bytes go, and how many came. Only when decode () has
  // returned 0.
  [[nodiscard]] std::span<std::uint8_t> space () { return input_; }
  void add (std::size_t count) { left_ = {input_.data (), count}; }
  // 0: it wants more. Nothing: this is not that coding, or bytes follow its
  // end. What a few bytes swell to comes in pieces of this size.
  [[nodiscard]] std::optional<std::size_t> decode (
      std::uint8_t *data, std::size_t size);
  // The bytes so far are the whole.
  [[nodiscard]] bool is_complete () const { return ended_; }

private:
  explicit Decoder (bool gzip) : gzip_ (gzip) {}
  // False when what is left can begin none.
  [[nodiscard]] bool begin_member ();

  const bool gzip_;
  relay::Owned<GConverter> converter_;
  std::array<std::uint8_t, 16384> input_{};
  std::span<const std::uint8_t> left_;  // of input_
  bool ended_ = false;                  // behind a member
};

}  // namespace fetcher

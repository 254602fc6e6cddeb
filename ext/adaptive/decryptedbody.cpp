// SPDX-License-Identifier: LGPL-2.1-or-later
#include "decryptedbody.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "container.h"
#include "sampleaes.h"
#include "segmentcipher.h"
#include "tssamples.h"
#include "uri.h"

namespace decryptedbody {

namespace {

using segmentcipher::Decrypter;

using Count = body::Result<std::optional<std::size_t>>;

template <class Reason>
relay::Failure<body::Problem> problem (
    body::Error error, const std::string &key_uri, Reason reason)
{
  return {body::Problem{
              error, {}, uri::without_secrets (key_uri), to_string (reason)},
      0};
}

class Decrypted final : public body::Layer
{
public:
  Decrypted (std::unique_ptr<body::Body> encrypted, Decrypter decrypter,
      const presentation::Encryption &encryption)
      : Layer (std::move (encrypted)),
        decrypter_ (std::move (decrypter)),
        key_uri_ (encryption.key_uri),
        head_ (below ().head ())
  {
    // How much of it is padding only the end says.
    if (encryption.cipher != presentation::Encryption::Cipher::aes_256_ctr) {
      head_.length.reset ();
      head_.total.reset ();
    }
  }

  [[nodiscard]] const fetcher::Head &head () const override { return head_; }

  body::Result<std::optional<std::size_t>> read_now (
      std::span<std::uint8_t> out) override
  {
    // Room for what is held back, and something more.
    if (out.size () < small_.size ()) return read_small (out);
    return read_into (out);
  }

private:
  Count deliver (std::span<std::uint8_t> out)
  {
    std::size_t size = std::min (out.size (), small_size_ - small_at_);
    std::memcpy (out.data (), small_.data () + small_at_, size);
    small_at_ += size;
    return std::optional (size);
  }

  Count read_small (std::span<std::uint8_t> out)
  {
    if (small_at_ == small_size_) {
      small_at_ = small_size_ = 0;
      Count count = read_into (small_);
      if (!count || !*count || **count == 0) return count;
      small_size_ = **count;
    }
    return deliver (out);
  }

  Count read_into (std::span<std::uint8_t> out)
  {
    if (small_at_ != small_size_) return deliver (out);
    // What comes may all be held back; and there may be more, which nobody who
    // waits is told of.
    while (!ended_) {
      std::size_t held = decrypter_.held ();
      Count count = below ().read_now (out.subspan (held));
      if (!count || !*count) return count;
      if (**count == 0) return finish (out);
      auto size = decrypter_.update (out.first (held + **count));
      if (!size) return problem (body::Error::decrypt, key_uri_, size.code ());
      if (*size > 0) return std::optional (*size);
    }
    return std::optional (std::size_t{0});
  }

  Count finish (std::span<std::uint8_t> out)
  {
    ended_ = true;
    auto size = decrypter_.finish (out.first<segmentcipher::block_size> ());
    if (!size) return problem (body::Error::decrypt, key_uri_, size.code ());
    return std::optional (*size);
  }

  Decrypter decrypter_;
  const std::string key_uri_;
  fetcher::Head head_;
  bool ended_ = false;
  // What did not fit.
  std::array<std::uint8_t, 64> small_{};
  std::size_t small_at_ = 0;
  std::size_t small_size_ = 0;
};

class Samples final : public body::Layer
{
public:
  Samples (std::unique_ptr<body::Body> encrypted, sampleaes::Cipher cipher,
      const presentation::Encryption &encryption)
      : Layer (std::move (encrypted)),
        cipher_ (std::move (cipher)),
        key_uri_ (encryption.key_uri)
  {
  }

  [[nodiscard]] const fetcher::Head &head () const override
  {
    return below ().head ();
  }

  Count read_now (std::span<std::uint8_t> out) override
  {
    while (clear_at_ == clear_.size ()) {
      clear_.clear ();
      clear_at_ = 0;
      if (ended_) return std::optional (std::size_t{0});
      Count count = below ().read_now (read_);
      if (!count || !*count) return count;
      auto done = take (std::span (read_).first (**count));
      if (!done) return problem (body::Error::decrypt, key_uri_, done.code ());
    }
    std::size_t size = std::min (out.size (), clear_.size () - clear_at_);
    std::memcpy (out.data (), clear_.data () + clear_at_, size);
    clear_at_ += size;
    return std::optional (size);
  }

private:
  using Bytes = std::span<const std::uint8_t>;
  using Done = sampleaes::Result<relay::Done>;

  // What it is its first bytes say.
  Done take (Bytes bytes)
  {
    ended_ = bytes.empty ();
    if (is_known_) return decrypt (bytes);
    first_.insert (first_.end (), bytes.begin (), bytes.end ());
    if (!ended_ && first_.size () < container::sniff_size) return relay::Done{};
    is_known_ = true;
    auto format = container::sniff (first_);
    if (format == container::Format::mpegts)
      decrypter_.emplace<tssamples::Decrypter> (std::move (cipher_));
    else if (format == container::Format::packed_audio)
      decrypter_.emplace<sampleaes::PackedAudio> (std::move (cipher_));
    return decrypt (std::exchange (first_, {}));
  }

  Done decrypt (Bytes bytes)
  {
    if (auto *packets = std::get_if<tssamples::Decrypter> (&decrypter_)) {
      auto done = packets->feed (bytes, clear_);
      return done && ended_ ? packets->finish (clear_) : done;
    }
    if (auto *audio = std::get_if<sampleaes::PackedAudio> (&decrypter_)) {
      auto done = audio->feed (bytes, clear_);
      return done && ended_ ? audio->finish () : done;
    }
    clear_.insert (clear_.end (), bytes.begin (), bytes.end ());
    return relay::Done{};
  }

  sampleaes::Cipher cipher_;
  const std::string key_uri_;
  bool ended_ = false;
  bool is_known_ = false;
  std::vector<std::uint8_t> first_;
  std::variant<std::monostate, tssamples::Decrypter, sampleaes::PackedAudio>
      decrypter_;
  std::array<std::uint8_t, 65536> read_{};
  std::vector<std::uint8_t> clear_;
  std::size_t clear_at_ = 0;
};

}  // namespace

body::Result<std::unique_ptr<body::Body>> make (
    std::unique_ptr<body::Body> encrypted,
    const presentation::Encryption &encryption, const keystore::Key &key)
{
  auto decrypter =
      Decrypter::create (encryption.cipher, key.bytes (), encryption.iv);
  if (!decrypter)
    return problem (body::Error::key, encryption.key_uri, decrypter.code ());
  return std::unique_ptr<body::Body> (std::make_unique<Decrypted> (
      std::move (encrypted), std::move (*decrypter), encryption));
}

body::Result<std::unique_ptr<body::Body>> make_samples (
    std::unique_ptr<body::Body> encrypted,
    const presentation::Encryption &encryption, const keystore::Key &key)
{
  auto cipher = sampleaes::Cipher::create (key.bytes (), encryption.iv);
  if (!cipher)
    return problem (body::Error::key, encryption.key_uri, cipher.code ());
  return std::unique_ptr<body::Body> (std::make_unique<Samples> (
      std::move (encrypted), std::move (*cipher), encryption));
}

}  // namespace decryptedbody

// SPDX-License-Identifier: LGPL-2.1-or-later
#include "aes.h"

#if defined(__x86_64__) || defined(__i386__)
#include <cpuid.h>
#endif

#include <algorithm>
#include <limits>

#include "aesengines.h"

namespace aes {
namespace {

using relay::Done;
using relay::failure;

// How many bytes of key stream there are before the low half of the counter
// wraps. More than any message has is as good as never.
std::uint64_t bytes_before_wrap (const Block &counter)
{
  std::uint64_t low = 0;
  for (std::size_t i = 8; i < block_size; i++) low = low << 8 | counter[i];
  std::uint64_t blocks = 0 - low;  // 0 stands for 2^64
  constexpr std::uint64_t never = std::numeric_limits<std::uint64_t>::max ();
  if (blocks == 0 || blocks > never / block_size) return never;
  return blocks * block_size;
}

// With the AES instructions of x86, libgcrypt from 1.10 on is as fast as
// OpenSSL on long messages and starts a message in a quarter of the time; where
// they work on 32 bytes at a time (VAES) it is twice as fast, and OpenSSL up
// to 3.5 does not use them. Of other CPUs there is no measurement.
bool has_aes_instructions ()
{
#if defined(__x86_64__) || defined(__i386__)
  unsigned a = 0, b = 0, c = 0, d = 0;
  return __get_cpuid (1, &a, &b, &c, &d) != 0 && (c & bit_AES) != 0 &&
         (c & bit_SSE4_1) != 0;
#else
  return false;
#endif
}

}  // namespace

const char *to_string (Error error)
{
  switch (error) {
    case Error::library:
      return "the crypto library failed";
    case Error::partial_block:
      return "not a whole number of cipher blocks";
  }
  return "unknown";
}

const char *to_string (Library library)
{
  switch (library) {
    case Library::openssl:
      return "OpenSSL";
    case Library::gcrypt:
      return "libgcrypt";
  }
  return "unknown";
}

bool is_available (Library library)
{
  if (library == Library::openssl) return true;
#ifdef RELAY_HAVE_LIBGCRYPT
  static const bool is_started = start_gcrypt ();
  return is_started;
#else
  return false;
#endif
}

Library fastest ()
{
  static const Library library =
      has_aes_instructions () && is_available (Library::gcrypt)
          ? Library::gcrypt
          : Library::openssl;
  return library;
}

Result<Cipher> Cipher::create (Mode mode, const Key &key, Library library)
{
  if (!is_available (library)) return failure (Error::library);
  std::unique_ptr<Engine> engine;
#ifdef RELAY_HAVE_LIBGCRYPT
  if (library == Library::gcrypt) engine = make_gcrypt (mode, key);
#endif
  if (!engine) engine = make_openssl (mode, key);
  if (!engine) return failure (Error::library);
  return Cipher (mode, std::move (engine));
}

Result<Done> Cipher::start (const Block &iv)
{
  counter_ = iv;
  bytes_to_wrap_ = mode_ == Mode::ctr
                       ? bytes_before_wrap (iv)
                       : std::numeric_limits<std::uint64_t>::max ();
  if (!engine_->start (iv)) return failure (Error::library);
  return Done{};
}

Result<Done> Cipher::update (
    std::span<const std::uint8_t> in, std::span<std::uint8_t> out)
{
  if (mode_ == Mode::cbc_decrypt && in.size () % block_size != 0)
    return failure (Error::partial_block);
  while (!in.empty ()) {
    if (bytes_to_wrap_ == 0) {
      // The library would have carried into the high half.
      std::fill (counter_.begin () + 8, counter_.end (), std::uint8_t{0});
      if (Result<Done> started = start (counter_); !started) return started;
    }
    auto n = static_cast<std::size_t> (
        std::min<std::uint64_t> (in.size (), bytes_to_wrap_));
    if (!engine_->update (in.first (n), out.first (n)))
      return failure (Error::library);
    if (mode_ == Mode::ctr) bytes_to_wrap_ -= n;
    in = in.subspan (n);
    out = out.subspan (n);
  }
  return Done{};
}

}  // namespace aes

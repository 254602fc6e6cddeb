// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cenc.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace cenc {
namespace {

using relay::Done;
using relay::failure;
using Bytes = std::span<const std::uint8_t>;
using Writable = std::span<std::uint8_t>;

// More than a group, and twice of it fits into a cache of the second level.
constexpr std::size_t tile_size = std::size_t{256} << 10;

struct Subsample
{
  std::size_t bytes_of_clear_data;
  std::size_t bytes_of_protected_data;
};

Subsample read_subsample (Bytes list, std::size_t index)
{
  Bytes entry = list.subspan (index * subsample_size, subsample_size);
  std::size_t clear = std::size_t{entry[0]} << 8 | entry[1];
  std::size_t protected_bytes = 0;
  for (std::size_t i = 2; i < subsample_size; i++)
    protected_bytes = protected_bytes << 8 | entry[i];
  return {clear, protected_bytes};
}

void copy (Bytes in, Writable out)
{
  if (in.data () != out.data () && !in.empty ())
    std::memcpy (out.data (), in.data (), in.size ());
}

bool is_ctr (Scheme scheme)
{
  return scheme == Scheme::cenc || scheme == Scheme::cens;
}

}  // namespace

const char *to_string (Scheme scheme)
{
  switch (scheme) {
    case Scheme::cenc:
      return "cenc";
    case Scheme::cens:
      return "cens";
    case Scheme::cbc1:
      return "cbc1";
    case Scheme::cbcs:
      return "cbcs";
  }
  return "unknown";
}

const char *to_string (Error error)
{
  switch (error) {
    case Error::iv_size:
      return "the initialization vector is not of 8 or 16 bytes";
    case Error::pattern_forbidden:
      return "a pattern in a scheme that has none";
    case Error::pattern_encrypts_nothing:
      return "a pattern that encrypts nothing";
    case Error::subsamples_truncated:
      return "the list of subsamples is cut";
    case Error::subsamples_sum:
      return "the subsamples do not add up to the size of the sample";
    case Error::partial_block:
      return "a protected range is not a whole number of cipher blocks";
    case Error::no_key:
      return "no key for this key id";
    case Error::cipher:
      return "the crypto library failed";
  }
  return "unknown";
}

Result<aes::Block> to_block (Bytes iv)
{
  if (iv.size () != 8 && iv.size () != 16) return failure (Error::iv_size);
  // 23001-7 9.2: 8 bytes are the first half, the second is zero.
  aes::Block block{};
  std::copy (iv.begin (), iv.end (), block.begin ());
  return block;
}

Result<Decryptor> Decryptor::create (
    Scheme scheme, const aes::Key &key, aes::Library library)
{
  aes::Mode mode = is_ctr (scheme) ? aes::Mode::ctr : aes::Mode::cbc_decrypt;
  aes::Result<aes::Cipher> cipher = aes::Cipher::create (mode, key, library);
  if (!cipher) return failure (Error::cipher);
  return Decryptor (scheme, *std::move (cipher));
}

// Everything that can be wrong with a sample, before a byte is written.
Result<Done> Decryptor::check (const Sample &sample, std::size_t size) const
{
  const Pattern &pattern = sample.pattern;
  if (pattern.crypt_byte_block != 0 || pattern.skip_byte_block != 0) {
    if (scheme_ == Scheme::cenc || scheme_ == Scheme::cbc1)
      return failure (Error::pattern_forbidden);
    if (pattern.crypt_byte_block == 0)
      return failure (Error::pattern_encrypts_nothing);
  }
  if (!sample.subsamples || sample.subsamples->empty ()) return Done{};
  if (sample.subsamples->size () % subsample_size != 0)
    return failure (Error::subsamples_truncated);
  std::size_t at = 0;
  for (std::size_t i = 0; i < sample.subsamples->size () / subsample_size;
       i++) {
    auto [clear, range] = read_subsample (*sample.subsamples, i);
    if (clear > size - at || range > size - at - clear)
      return failure (Error::subsamples_sum, at);
    // 23001-7 10.2 and 10.3. cenc goes on in mid-block, cbcs leaves the
    // rest of a range clear; here the standard leaves no choice of either.
    if ((scheme_ == Scheme::cens || scheme_ == Scheme::cbc1) &&
        range % aes::block_size != 0)
      return failure (Error::partial_block, at + clear);
    at += clear + range;
  }
  if (at != size) return failure (Error::subsamples_sum, at);
  return Done{};
}

Result<Done> Decryptor::begin (const Sample &sample, std::size_t size)
{
  Result<Done> checked = check (sample, size);
  if (!checked) return checked;
  if (!cipher_.start (sample.iv)) return failure (Error::cipher);
  now_.sample = sample;
  now_.next_subsample = 0;
  now_.clear = sample.subsamples && sample.subsamples->empty () ? size : 0;
  now_.range = sample.subsamples ? 0 : size;
  now_.is_range_new = true;
  now_.is_cipher_fresh = true;
  now_.chain.has_last = false;
  now_.position = 0;
  return Done{};
}

// One that has bytes; they are not asked for when there are none.
void Decryptor::find_subsample ()
{
  while (now_.clear == 0 && now_.range == 0) {
    auto [clear, range] =
        read_subsample (*now_.sample.subsamples, now_.next_subsample++);
    now_.clear = clear;
    now_.range = range;
    now_.is_range_new = true;
  }
}

// One protected range without a pattern, or whole blocks of one.
Result<Done> Decryptor::decrypt_range (Bytes in, Writable out)
{
  // Only cenc encrypts a last partial block (23001-7 9.4.2, 9.6, 9.7).
  std::size_t end = scheme_ == Scheme::cenc
                        ? in.size ()
                        : in.size () - in.size () % aes::block_size;
  // cbcs: each subsample starts anew from the IV. The others run on from one
  // protected range to the next as if nothing were between them.
  if (scheme_ == Scheme::cbcs && now_.is_range_new && !now_.is_cipher_fresh &&
      !cipher_.start (now_.sample.iv))
    return failure (Error::cipher);
  now_.is_range_new = now_.is_cipher_fresh = false;
  if (!cipher_.update (in.first (end), out.first (end)))
    return failure (Error::cipher);
  copy (in.subspan (end), out.subspan (end));
  return Done{};
}

// How much there is of the range.
std::size_t Decryptor::range_size (std::size_t size, std::size_t group) const
{
  return size < now_.range ? size - size % group : now_.range;
}

Result<std::size_t> Decryptor::go_on_plain (Bytes in, Writable out)
{
  std::size_t at = 0;
  while (at < in.size ()) {
    find_subsample ();
    std::size_t clear = std::min (now_.clear, in.size () - at);
    copy (in.subspan (at, clear), out.subspan (at, clear));
    now_.clear -= clear;
    at += clear;
    std::size_t size = range_size (in.size () - at, aes::block_size);
    if (clear == 0 && size == 0) break;
    if (size == 0) continue;
    Result<Done> done =
        decrypt_range (in.subspan (at, size), out.subspan (at, size));
    if (!done) return failure (done.code (), now_.position + at);
    now_.range -= size;
    at += size;
  }
  return at;
}

// The encrypted blocks by themselves, a batch at a time, because a call for
// each group of them would cost more than its cipher.
Result<std::size_t> Decryptor::go_on_pattern (Writable bytes)
{
  const Pattern &blocks = now_.sample.pattern;
  pattern::Batch batch (bytes, scratch_, blocks.crypt_byte_block,
      blocks.skip_byte_block,
      scheme_ == Scheme::cbcs ? &now_.sample.iv : nullptr, now_.chain);
  std::size_t group = aes::block_size * (std::size_t{blocks.crypt_byte_block} +
                                            blocks.skip_byte_block);
  std::size_t at = 0;
  while (at < bytes.size ()) {
    find_subsample ();
    std::size_t clear = std::min (now_.clear, bytes.size () - at);
    now_.clear -= clear;
    at += clear;
    std::size_t size = range_size (bytes.size () - at, group);
    if (clear == 0 && size == 0) break;
    if (size == 0) continue;
    batch.begin_range (at, size, std::exchange (now_.is_range_new, false));
    while (!batch.gather ()) {
      if (!cipher_.update (batch.blocks (), batch.blocks ()))
        return failure (Error::cipher, now_.position + at);
      batch.scatter ();
    }
    now_.range -= size;
    at += size;
  }
  if (!cipher_.update (batch.blocks (), batch.blocks ()))
    return failure (Error::cipher, now_.position + at);
  batch.scatter ();
  return at;
}

Result<std::size_t> Decryptor::go_on (Bytes in, Writable out)
{
  // 10:0 as well as 0:0: no block is skipped.
  if (now_.sample.pattern.skip_byte_block == 0) {
    Result<std::size_t> taken = go_on_plain (in, out);
    if (taken) now_.position += *taken;
    return taken;
  }
  // Most of it stays as it is. So it is copied, where it is not in place, and
  // decrypted while it is in the cache.
  bool is_apart = in.data () != out.data ();
  std::size_t at = 0;
  while (at < in.size ()) {
    std::size_t size = in.size () - at;
    if (is_apart) size = std::min (size, tile_size);
    copy (in.subspan (at, size), out.subspan (at, size));
    Result<std::size_t> taken = go_on_pattern (out.subspan (at, size));
    if (!taken) return taken;
    if (*taken == 0) break;
    now_.position += *taken;
    at += *taken;
  }
  return at;
}

Result<Done> Decryptor::decrypt (const Sample &sample, Bytes in, Writable out)
{
  Result<Done> begun = begin (sample, in.size ());
  if (!begun) return begun;
  // All of it, for nothing is behind it.
  Result<std::size_t> taken = go_on (in, out);
  if (!taken) return failure (taken.code (), taken.position ());
  return Done{};
}

Result<std::shared_ptr<Decryptor>> Decryptors::find (
    Scheme scheme, const keys::KeyId &kid)
{
  auto found = made_.find ({scheme, kid});
  if (found != made_.end ()) return found->second;
  auto set = set_.find (kid);
  const aes::Key *key = set != set_.end () ? &set->second.bytes ()
                        : ring_            ? ring_->find (kid)
                                           : nullptr;
  if (key == nullptr) return failure (Error::no_key);
  Result<Decryptor> made = Decryptor::create (scheme, *key);
  if (!made) return made.error ();
  auto kept = std::make_shared<Decryptor> (*std::move (made));
  made_.emplace (std::pair{scheme, kid}, kept);
  return kept;
}

void Decryptors::set (const keys::KeyId &kid, const keys::Secret &key)
{
  set_.insert_or_assign (kid, key);
  std::erase_if (
      made_, [&] (const auto &made) { return made.first.second == kid; });
}

}  // namespace cenc

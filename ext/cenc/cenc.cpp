// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cenc.h"

#include <algorithm>
#include <cstring>

namespace cenc {
namespace {

using relay::Done;
using relay::failure;
using Bytes = std::span<const std::uint8_t>;
using Writable = std::span<std::uint8_t>;

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

// One protected range without a pattern.
Result<Done> Decryptor::decrypt_range (Bytes in, Writable out)
{
  // Only cenc encrypts a last partial block (23001-7 9.4.2, 9.6, 9.7).
  std::size_t end = scheme_ == Scheme::cenc
                        ? in.size ()
                        : in.size () - in.size () % aes::block_size;
  if (!cipher_.update (in.first (end), out.first (end)))
    return failure (Error::cipher);
  copy (in.subspan (end), out.subspan (end));
  return Done{};
}

// The encrypted blocks of a sample by themselves, a batch at a time, because a
// call for each group of them would cost more than its cipher.
Result<Done> Decryptor::decrypt_with_pattern (
    const Sample &sample, Bytes in, Writable out)
{
  pattern::Batch batch (in, out, scratch_, sample.pattern.crypt_byte_block,
      sample.pattern.skip_byte_block,
      scheme_ == Scheme::cbcs ? &sample.iv : nullptr);
  std::size_t count =
      sample.subsamples ? sample.subsamples->size () / subsample_size : 1;
  std::size_t at = 0;
  for (std::size_t i = 0; i < count; i++) {
    Subsample one = sample.subsamples ? read_subsample (*sample.subsamples, i)
                                      : Subsample{0, in.size ()};
    at += one.bytes_of_clear_data;
    batch.begin_range (at, one.bytes_of_protected_data);
    while (!batch.gather ()) {
      if (!cipher_.update (batch.blocks (), batch.blocks ()))
        return failure (Error::cipher, at);
      batch.scatter ();
    }
    at += one.bytes_of_protected_data;
  }
  if (!cipher_.update (batch.blocks (), batch.blocks ()))
    return failure (Error::cipher, at);
  batch.scatter ();
  batch.finish ();
  return Done{};
}

Result<Done> Decryptor::decrypt (const Sample &sample, Bytes in, Writable out)
{
  Result<Done> checked = check (sample, in.size ());
  if (!checked) return checked;
  if (!cipher_.start (sample.iv)) return failure (Error::cipher);
  // 10:0 as well as 0:0: no block is skipped.
  if (sample.pattern.skip_byte_block != 0)
    return decrypt_with_pattern (sample, in, out);
  if (!sample.subsamples) return decrypt_range (in, out);
  if (sample.subsamples->empty ()) copy (in, out);

  std::size_t at = 0;
  for (std::size_t i = 0; i < sample.subsamples->size () / subsample_size;
       i++) {
    auto [clear, range] = read_subsample (*sample.subsamples, i);
    copy (in.subspan (at, clear), out.subspan (at, clear));
    at += clear;
    // cbcs: each subsample starts anew from the IV. The others run on from
    // one protected range to the next as if nothing were between them.
    if (scheme_ == Scheme::cbcs && i > 0 && !cipher_.start (sample.iv))
      return failure (Error::cipher, at);
    Result<Done> done =
        decrypt_range (in.subspan (at, range), out.subspan (at, range));
    if (!done) return failure (done.code (), at);
    at += range;
  }
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

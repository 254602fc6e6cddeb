// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <variant>
#include <vector>

#include "bmff.h"
#include "cenc.h"
#include "common/result.h"
#include "fragment.h"
#include "keys.h"
#include "movie.h"
#include "samples.h"

// Encrypted MP4 in, the same file in the clear out, byte for byte
// at the same place: encrypted samples are decrypted, encrypted sample entries
// get their original type, and boxes about protection become free space.
namespace mp4 {

// What is wrong with the file, or with the decryption of a sample.
using Error = std::variant<bmff::Error, cenc::Error>;
const char *to_string (const Error &error);
template <class T>
using Result = relay::Result<T, Error>;

// moov and moof, and each encrypted sample, are held until they are whole.
inline constexpr std::size_t most_held = std::size_t{64} << 20;

struct Counters
{
  std::uint64_t fragments = 0;
  std::uint64_t samples_decrypted = 0;
  std::uint64_t samples_clear = 0;  // those in fragments of an encrypted file
  std::uint64_t samples_without_key = 0;  // left encrypted, or wiped
  std::uint64_t bytes_decrypted = 0;      // of decrypted samples
  // Tracks of a moov or moof with a senc, saiz or saio that is wrong.
  std::uint64_t auxiliary_wrong = 0;
};

// Bytes are rewritten where the caller has them: each leaves in the place of
// out that it came in at in. Only a unit (a header, moov, moof or sample) that
// came in pieces is put together in memory of the rewriter's, which leaves too.
class Rewriter
{
public:
  // Where keys are looked for that the ring does not have.
  using FindKey =
      std::function<std::optional<keys::Secret> (const keys::KeyId &)>;

  explicit Rewriter (
      std::shared_ptr<const keys::Ring> ring, FindKey find_key = {})
      : ring_ (std::move (ring)),
        find_key_ (std::move (find_key)),
        decryptors_ (ring_)
  {
  }

  // What leaves, in this order.
  struct Left
  {
    std::vector<std::uint8_t> held;
    // A range of out.
    std::size_t from = 0;
    std::size_t to = 0;
    // How much of in need not come again.
    std::size_t taken = 0;
  };

  // The unit at the end of in that is not whole.
  enum class Tail
  {
    hold,
    // It comes again, with what it lacks, unless it is held already. Of a
    // sample, what can be decrypted leaves.
    leave
  };

  // Takes the next bytes, cut anywhere. out is as long as in, and the same
  // memory or memory apart. All of in is taken, but for a tail that is left.
  // On an error what came before it leaves; the position is that of the byte in
  // the resource, and the rewriter must be restarted. But after
  // cenc::Error::no_key it goes on with what has not been taken, if
  // there is any, once missing_key () can be found or done without.
  Result<relay::Done> push (std::span<const std::uint8_t> in,
      std::span<std::uint8_t> out, Left &left, Tail tail = Tail::hold);

  // How many bytes must come at least before any more can leave, if no tail is
  // held.
  [[nodiscard]] std::size_t wanted () const;

  // Those that were found are looked for anew, from the next moov or moof on.
  void forget_keys () { decryptors_ = cenc::Decryptors (ring_); }

  // What becomes of samples without a key, until there is one.
  enum class WithoutKey
  {
    pass,  // they stay encrypted
    wipe   // zeros come in their place
  };
  void do_without (const keys::KeyId &kid, WithoutKey what);

  // The next byte is the first of a box, at this position of its resource.
  // What is held is dropped; the movie stays known.
  void restart (std::uint64_t position);

  // No byte comes after those so far. Zeros too few for a header, as QuickTime
  // writes behind the last box, leave now.
  std::vector<std::uint8_t> finish ();

  // True when all bytes so far have left and no box is open: here a resource
  // may end.
  [[nodiscard]] bool at_boundary () const;

  // Of the next byte to leave, and of the next byte to come.
  [[nodiscard]] std::uint64_t position () const { return position_; }
  [[nodiscard]] std::uint64_t received () const
  {
    return position_ + held_size ();
  }
  [[nodiscard]] const Counters &counters () const { return counters_; }
  // After cenc::Error::no_key.
  [[nodiscard]] const std::optional<keys::KeyId> &missing_key () const
  {
    return missing_key_;
  }
  // The pssh boxes of the moov, and of the moof, that it was missed in.
  [[nodiscard]] const std::vector<std::vector<std::uint8_t>> &psshs () const
  {
    return psshs_;
  }

private:
  using Bytes = std::span<const std::uint8_t>;
  using Writable = std::span<std::uint8_t>;
  enum class Unit
  {
    header,  // of a box that is not held
    movie,
    fragment,
    auxiliary,  // looked at, and then taken for what it lies in
    sample
  };

  Writable held () { return Writable (held_).subspan (held_at_); }
  std::size_t held_size () const { return held_.size () - held_at_; }
  void release_held (Left &left);
  bool fill_held (Bytes in, Left &left);
  Result<relay::Done> take_units (
      Bytes in, Writable out, Left &left, Tail tail);
  Result<bool> take (Bytes unit, Writable out);
  Result<bool> take_header (Bytes unit, Writable out);
  Result<relay::Done> take_movie (Bytes unit, Writable out);
  Result<relay::Done> take_fragment (Bytes unit, Writable out);
  Result<relay::Done> begin_sample ();
  Result<std::size_t> take_part (Bytes in, Writable out);
  Result<relay::Done> take_sample (Bytes unit, Writable out);

  Result<relay::Done> open_keys (std::vector<samples::Batch> &batches);
  Result<relay::Done> add (std::vector<samples::Batch> batches);
  cenc::Result<std::shared_ptr<cenc::Decryptor>> find_decryptor (
      const protection::Encryption &encryption);
  Result<relay::Done> choose_next ();
  void expect (Unit unit, std::size_t size);

  std::shared_ptr<const keys::Ring> ring_;
  FindKey find_key_;
  cenc::Decryptors decryptors_;
  std::map<keys::KeyId, WithoutKey> without_;
  std::optional<keys::KeyId> missing_key_;
  std::vector<std::vector<std::uint8_t>> psshs_;
  Counters counters_;
  std::optional<movie::Movie> movie_;

  std::uint64_t position_ = 0;
  std::vector<std::uint8_t> held_;
  std::size_t held_at_ = 0;  // what is before it has left
  // What comes next: bytes that leave as they are, and then a unit of a size.
  std::uint64_t pass_ = 0;
  Unit unit_ = Unit::header;
  std::size_t unit_size_ = bmff::shortest_header;
  std::uint64_t box_end_ = 0;  // of the box that is open, or 0
  bool is_media_ = false;      // it is mdat
  bool is_fresh_ = true;       // no box since the restart
  bool has_samples_ = false;   // moof, or moov with samples, since then

  samples::Queue samples_;  // that have not come yet
  samples::Queue::Step step_;
  // Of the sample that comes in parts.
  bool has_begun_ = false;
  std::shared_ptr<cenc::Decryptor> decryptor_;  // or there is no key
};

}  // namespace mp4

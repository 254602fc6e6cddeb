// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <span>
#include <vector>

#include "aes.h"

// Pattern encryption (ISO/IEC 23001-7 9.6): the encrypted blocks of a sample
// are gathered into a batch, go through the cipher in one call, and are
// scattered to their places, where the clear ones are already.
namespace pattern {

// With the part of the sample that it stands for, at 1:9 ten times as much,
// it stays in a cache of the first two levels.
inline constexpr std::size_t batch_size = 512 * aes::block_size;

// Runs of the same size, at the distance of the pattern.
struct Strip
{
  std::size_t position;
  std::size_t count;
  std::size_t size;
};
struct Repair
{
  std::size_t position;  // in the batch
  aes::Block mask;
};

// Memory that one sample leaves to the next.
struct Scratch
{
  std::vector<std::uint8_t> gathered;
  std::vector<Strip> strips;
  std::vector<Repair> repairs;
};

// What one part of a sample leaves to the next.
struct Chain
{
  aes::Block last{};  // the last encrypted block so far
  bool has_last = false;
};

class Batch
{
public:
  // iv: not null if every range starts anew from it (cbcs). Then the cipher,
  // which was started with it, chains from range to range all the same, and
  // what that did to the first block of a range is undone here.
  // crypt and skip: in blocks, neither is 0.
  Batch (std::span<std::uint8_t> bytes, Scratch &scratch, std::size_t crypt,
      std::size_t skip, const aes::Block *iv, Chain &chain)
      : bytes_ (bytes),
        gathered_ (scratch.gathered),
        strips_ (scratch.strips),
        repairs_ (scratch.repairs),
        crypt_ (crypt * aes::block_size),
        step_ (crypt_ + skip * aes::block_size),
        iv_ (iv),
        chain_ (chain)
  {
    gathered_.resize (batch_size);
    strips_.clear ();
    repairs_.clear ();
  }

  // A range, or the rest of one, from the start of a group on; or else what of
  // it are whole groups.
  void begin_range (std::size_t start, std::size_t size, bool is_new)
  {
    at_ = start;
    // A last group that is cut keeps its whole blocks encrypted; a last
    // partial block is clear.
    end_ = start + size - size % aes::block_size;
    in_group_ = 0;
    is_range_new_ = is_new;
  }

  // Takes what it can of the range. False when the batch is full, which then
  // has to be scattered.
  bool gather ()
  {
    while (at_ < end_) {
      std::size_t room = gathered_.size () - used_;
      if (room == 0) return false;
      if (is_range_new_) begin_chain ();
      Strip strip = next_strip (room);
      take (strip);
      strips_.push_back (strip);
    }
    return true;
  }

  // What the cipher has to decrypt in place.
  [[nodiscard]] std::span<std::uint8_t> blocks ()
  {
    return std::span (gathered_).first (used_);
  }

  void scatter ()
  {
    for (const Repair &repair : repairs_)
      for (std::size_t i = 0; i < aes::block_size; i++)
        gathered_[repair.position + i] ^= repair.mask[i];
    repairs_.clear ();
    const std::uint8_t *from = gathered_.data ();
    for (const Strip &strip : strips_) {
      std::uint8_t *to = bytes_.data () + strip.position;
      for (std::size_t i = 0; i < strip.count; i++, to += step_) {
        copy_run (to, from, strip.size);
        from += strip.size;
      }
    }
    strips_.clear ();
    used_ = 0;
  }

private:
  static void copy_run (
      std::uint8_t *to, const std::uint8_t *from, std::size_t size)
  {
    // Of known size it is two instructions.
    if (size == aes::block_size)
      std::memcpy (to, from, aes::block_size);
    else
      std::memcpy (to, from, size);
  }

  // The cipher XORs with the last block of the range before instead of the
  // IV. Undoing it takes both.
  void begin_chain ()
  {
    is_range_new_ = false;
    if (iv_ == nullptr) return;
    if (chain_.has_last) {
      Repair repair{used_, chain_.last};
      for (std::size_t i = 0; i < aes::block_size; i++)
        repair.mask[i] ^= (*iv_)[i];
      repairs_.push_back (repair);
    }
    chain_.has_last = true;
  }

  // As many whole groups as there are and fit, or else a part of one.
  Strip next_strip (std::size_t room)
  {
    Strip strip{at_, 1, crypt_ - in_group_};
    if (strip.size > end_ - at_ || strip.size > room || in_group_ != 0) {
      strip.size = std::min ({strip.size, end_ - at_, room});
      in_group_ += strip.size;
      at_ += strip.size;
    } else {
      strip.count = std::min ((end_ - at_ - crypt_) / step_ + 1, room / crypt_);
      at_ += (strip.count - 1) * step_ + crypt_;
      in_group_ = crypt_;
    }
    if (in_group_ == crypt_) {
      at_ += std::min (step_ - crypt_, end_ - at_);
      in_group_ = 0;
    }
    return strip;
  }

  void take (const Strip &strip)
  {
    const std::uint8_t *from = bytes_.data () + strip.position;
    std::uint8_t *to = gathered_.data () + used_;
    for (std::size_t i = 0; i < strip.count; i++, from += step_) {
      copy_run (to, from, strip.size);
      to += strip.size;
    }
    used_ += strip.count * strip.size;
    if (iv_ != nullptr)
      std::memcpy (chain_.last.data (), to - aes::block_size, aes::block_size);
  }

  std::span<std::uint8_t> bytes_;
  std::vector<std::uint8_t> &gathered_;
  std::vector<Strip> &strips_;
  std::vector<Repair> &repairs_;
  std::size_t crypt_, step_;
  const aes::Block *iv_;
  Chain &chain_;

  std::size_t at_ = 0, end_ = 0;  // of the range
  std::size_t in_group_ = 0;      // how much of its encrypted part is taken
  bool is_range_new_ = true;

  std::size_t used_ = 0;
};

}  // namespace pattern

// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tables.h"

#include <algorithm>

namespace tables {
namespace {

using bmff::Box;
using bmff::end_of_positions;
using bmff::Error;
using bmff::Reader;
using bmff::type;
using relay::Done;
using relay::failure;
using samples::Run;

struct Sizes
{
  std::uint32_t count = 0;
  std::uint32_t constant = 0;
  std::uint32_t at = 0;  // in moov
  std::uint8_t width = 0;
};

// stsz and stz2: 8.7.3
Result<Sizes> parse_sizes (
    const std::vector<Box> &stbl, std::vector<std::uint8_t> &moov)
{
  Sizes out;
  const Box *stsz = bmff::find (stbl, type ("stsz"));
  const Box *box = stsz != nullptr ? stsz : bmff::find (stbl, type ("stz2"));
  if (box == nullptr) return out;
  Reader reader = box->reader ();
  bmff::read_version (reader);
  std::uint32_t first = reader.u32 ();
  out.count = reader.u32 ();
  if (!reader.ok ()) return failure (Error::truncated, box->position);
  std::size_t bits = 32;
  if (stsz != nullptr) {
    out.constant = first;
    if (first != 0) return out;
  } else {
    bits = first & 0xff;
    if (bits != 4 && bits != 8 && bits != 16)
      return failure (Error::bad_value, box->position);
  }
  if ((std::uint64_t{out.count} * bits + 7) / 8 > reader.left ())
    return failure (Error::truncated, box->position);
  out.at = static_cast<std::uint32_t> (reader.position ());
  out.width = static_cast<std::uint8_t> (std::max<std::size_t> (bits / 8, 1));
  if (bits != 4) return out;
  out.at = static_cast<std::uint32_t> (moov.size ());
  for (std::uint32_t i = 0; i < out.count; i += 2) {
    std::uint8_t two = reader.u8 ();
    moov.push_back (two >> 4);
    moov.push_back (two & 15);
  }
  return out;
}

// stsc: 8.7.4
struct Chunks
{
  std::uint32_t first;
  std::uint32_t samples;
  std::uint32_t entry;
};

class Stsc
{
public:
  Stsc (Reader reader, std::size_t position, std::size_t sample_entries)
      : reader_ (reader), position_ (position), entries_ (sample_entries)
  {
  }

  Result<Done> open ()
  {
    bmff::read_version (reader_);
    left_ = reader_.u32 ();
    if (!reader_.ok ()) return failure (Error::truncated, position_);
    next_.first = 0;
    return advance ();
  }

  // Of a chunk, counted from 1, in rising order.
  Result<Chunks> at (std::uint32_t chunk)
  {
    while (next_.first == chunk) {
      now_ = next_;
      Result<Done> advanced = advance ();
      if (!advanced) return advanced.error ();
    }
    if (now_.first == 0) return failure (Error::bad_value, position_);
    return now_;
  }

private:
  Result<Done> advance ()
  {
    std::uint32_t before = next_.first;
    next_ = {};
    if (left_ == 0) return Done{};
    left_--;
    next_.first = reader_.u32 ();
    next_.samples = reader_.u32 ();
    next_.entry = reader_.u32 ();
    if (!reader_.ok ()) return failure (Error::truncated, position_);
    if (next_.first <= before) return failure (Error::bad_value, position_);
    if (next_.entry == 0 || next_.entry > entries_)
      return failure (Error::no_such_sample_entry, position_);
    return Done{};
  }

  Reader reader_;
  std::size_t position_;
  std::size_t entries_;
  std::uint32_t left_ = 0;
  Chunks now_{};
  Chunks next_{};
};

// What its samples take. Those with sizes of their own are bounded by them.
std::uint64_t size_of (
    const Run &run, const Sizes &sizes, const std::vector<std::uint8_t> &moov)
{
  if (sizes.width == 0) return std::uint64_t{run.count} * sizes.constant;
  std::uint64_t sum = 0;
  Reader reader (bmff::Bytes (moov).subspan (
      run.sizes_at, std::size_t{run.count} * sizes.width));
  while (reader.left () > 0)
    sum += sizes.width == 4   ? reader.u32 ()
           : sizes.width == 2 ? reader.u16 ()
                              : reader.u8 ();
  return sum;
}

}  // namespace

Result<Done> parse (const std::vector<Box> &stbl, std::size_t position,
    std::size_t sample_entries, std::size_t most_chunks,
    std::vector<std::uint8_t> &moov, samples::Batch &batch)
{
  Result<Sizes> sizes = parse_sizes (stbl, moov);
  if (!sizes) return sizes.error ();
  if (sizes->count == 0) return Done{};
  const Box *stsc = bmff::find (stbl, type ("stsc"));
  const Box *stco = bmff::find (stbl, type ("stco"));
  bool is_wide = stco == nullptr;
  if (is_wide) stco = bmff::find (stbl, type ("co64"));
  if (stsc == nullptr || stco == nullptr)
    return failure (Error::missing_box, position);
  Stsc chunks (stsc->reader (), stsc->position, sample_entries);
  Result<Done> opened = chunks.open ();
  if (!opened) return opened;

  Reader offsets = stco->reader ();
  bmff::read_version (offsets);
  std::uint32_t count = offsets.u32 ();
  if (!offsets.ok () || count > offsets.left () / (is_wide ? 8 : 4))
    return failure (Error::truncated, stco->position);
  if (count > most_chunks)
    return failure (Error::too_many_entries, stco->position);
  batch.constant_size = sizes->constant;
  batch.runs.reserve (count);
  std::uint32_t done = 0;
  for (std::uint32_t chunk = 1; chunk <= count; chunk++) {
    Result<Chunks> now = chunks.at (chunk);
    if (!now) return now.error ();
    // All samples have a place, and no others: else ciphertext might pass.
    if (now->samples > sizes->count - done)
      return failure (Error::bad_value, stsc->position);
    Run run;
    run.position = is_wide ? offsets.u64 () : offsets.u32 ();
    run.first = done;
    run.count = now->samples;
    run.treatment = now->entry - 1;
    run.size_width = run.size_stride = sizes->width;
    run.sizes_at = sizes->at + done * sizes->width;
    if (run.position > end_of_positions)
      return failure (Error::bad_value, stco->position);
    std::uint64_t size = size_of (run, *sizes, moov);
    if (size > end_of_positions - run.position)
      return failure (Error::bad_value, stco->position);
    run.end = run.position + size;
    done += run.count;
    batch.runs.push_back (run);
  }
  if (done != sizes->count) return failure (Error::bad_value, stsc->position);
  return Done{};
}

}  // namespace tables

// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "bmff.h"
#include "cenc.h"
#include "protection.h"

// Encrypted samples that have not come yet: where they are and how to decrypt
// them. The tables of moov and moof are read when their samples come, so that
// what is waiting takes the room of its tables, whatever number of samples
// they claim to be about.
namespace samples {

using bmff::Bytes;
using bmff::Result;

// Of all that is waiting.
inline constexpr std::size_t most_waiting = std::size_t{128} << 20;

// One way in which samples of a batch are encrypted, or not.
struct Treatment
{
  protection::Encryption encryption;
  bool is_used = false;                                  // by a sample
  std::shared_ptr<cenc::Decryptor> decryptor = nullptr;  // or there is no key
};

// Samples that lie one after the other: a run of a traf, or a chunk.
struct Run
{
  std::uint64_t position = 0;
  std::uint64_t end = 0;
  // In the box of the tables, or in the resource.
  std::uint64_t auxiliary_at = 0;
  std::uint32_t first = 0;  // its number in the traf or track
  std::uint32_t count = 0;
  // The first of the treatments for this sample entry.
  std::uint32_t treatment = 0;
  std::uint32_t sizes_at = 0;    // in the box
  std::uint8_t size_stride = 0;  // 0: all have the constant size
  std::uint8_t size_width = 0;
};
// The treatment of a clear sample entry.
inline constexpr std::uint32_t clear_entry = UINT32_MAX;

// CencSampleAuxiliaryDataFormat (23001-7 7.1) of the samples.
struct Auxiliary
{
  enum class Kind
  {
    none,  // constant IVs say it all
    senc,
    saiz
  };
  Kind kind = Kind::none;
  // senc
  bool has_subsamples = false;
  bool clear_have_entries = false;
  // saiz
  std::uint8_t default_size = 0;
  std::uint32_t count = 0;
  std::size_t sizes_at = 0;     // in the box
  bool is_in_resource = false;  // and not in the box
};

// The samples of one traf, or of one track of a moov.
struct Batch
{
  std::shared_ptr<const std::vector<std::uint8_t>> box;
  std::uint32_t constant_size = 0;
  // For each encrypted sample entry in use its own, then those of the groups.
  std::vector<Treatment> treatments;
  std::vector<protection::Interval> groups;
  std::uint32_t default_group = 0;
  Auxiliary auxiliary;
  std::vector<Run> runs;

  // Null for clear samples.
  [[nodiscard]] const Treatment *treatment (
      const Run &run, std::uint32_t group) const;
  // The size of a run's auxiliary information by saiz.
  [[nodiscard]] std::uint64_t saiz_extent (const Run &run) const;
};

// Samples of a run that are in one group.
struct Stretch
{
  std::uint32_t count;
  const Treatment *treatment;  // null for clear ones
};
// The stretch that begins with a sample; hint is where the search begins.
Stretch stretch_at (const Batch &batch, const Run &run, std::uint32_t sample,
    std::size_t &hint);
std::size_t hint_for (const Batch &batch, std::uint32_t sample);

struct Sample
{
  std::uint64_t position = 0;
  std::uint32_t size = 0;
  const Treatment *treatment = nullptr;
  aes::Block iv{};
  std::optional<Bytes> subsamples;
};

// Reads the tables of one run.
class Cursor
{
public:
  // The run's auxiliary information begins at this byte of those.
  Cursor (const Batch &batch, const Run &run, Bytes auxiliary, std::size_t at);

  // The next sample that is encrypted and not empty; null after the last one.
  Result<const Sample *> next ();
  // Where the auxiliary information read so far ends.
  [[nodiscard]] std::size_t auxiliary_end () const { return at_; }

private:
  void pass_clear (std::uint32_t count, const Treatment *treatment);
  std::uint32_t read_size ();
  std::size_t saiz_size () const;
  Bytes take (std::size_t size);
  void read_entry (const Treatment &treatment);
  void read_subsamples (Bytes &list);

  const Batch *batch_;
  const Run *run_;
  Bytes auxiliary_;
  std::size_t at_;
  bool ok_ = true;
  std::uint32_t number_;  // of the next sample in the batch
  std::uint32_t left_;
  std::uint64_t position_;
  std::size_t sizes_at_;
  std::size_t hint_;
  Sample sample_;
};

// All batches, in the order of the samples in the resource.
class Queue
{
public:
  // Runs that are in order, encrypted and not empty, with their decryptors.
  Result<relay::Done> add (Batch batch);
  void clear ();
  [[nodiscard]] bool empty () const;
  // No sample is before it.
  [[nodiscard]] std::optional<std::uint64_t> first () const;

  struct Step
  {
    enum class Kind
    {
      nothing,
      sample,
      // Bytes that are to be given; until then, no byte from "from" on can
      // leave.
      auxiliary
    };
    Kind kind = Kind::nothing;
    std::uint64_t from = 0;
    std::uint64_t position = 0;
    std::uint64_t size = 0;
  };
  Result<Step> next ();
  // After Kind::sample; valid until the next call.
  [[nodiscard]] const Sample &sample () const { return *current_->sample; }
  void pop () { current_->sample = nullptr; }
  // After Kind::auxiliary.
  Result<relay::Done> give (Bytes bytes);

private:
  struct Waiting
  {
    Batch batch;
    std::size_t next_run = 0;
    // Auxiliary information of the runs from next_run on, if not in the box.
    std::deque<std::vector<std::uint8_t>> given;
    std::uint64_t asked_size = 0;  // of the run after those
    std::size_t cost = 0;
    // Of the run that has begun, and what was read last.
    std::optional<Cursor> cursor;
    const Sample *sample = nullptr;

    [[nodiscard]] bool is_given () const
    {
      return !batch.auxiliary.is_in_resource || !given.empty ();
    }
    // The first run that nothing was given for.
    [[nodiscard]] std::size_t ungiven () const
    {
      return next_run + given.size ();
    }
  };
  void ask (Waiting &waiting);
  void begin_run ();
  void suspend_run ();
  void end_run ();
  Step asking (const Waiting &waiting, std::uint64_t from);

  void count_box (Batch &batch);

  // Bytes of the boxes that batches hold, each counted once.
  std::shared_ptr<std::size_t> boxes_ = std::make_shared<std::size_t> (0);
  std::weak_ptr<const std::vector<std::uint8_t>> last_box_;
  std::weak_ptr<const std::vector<std::uint8_t>> last_counted_;
  std::size_t cost_ = 0;  // of all else
  // By the position of their next run.
  std::multimap<std::uint64_t, std::unique_ptr<Waiting>> waiting_;
  // By the position of what they ask for.
  std::multimap<std::uint64_t, Waiting *> asking_;
  Waiting *asked_ = nullptr;          // by the last next ()
  std::unique_ptr<Waiting> current_;  // whose run has begun
};

}  // namespace samples

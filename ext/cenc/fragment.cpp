// SPDX-License-Identifier: LGPL-2.1-or-later
#include "fragment.h"

#include <optional>

#include "auxiliary.h"

namespace fragment {
namespace {

using bmff::Box;
using bmff::Bytes;
using bmff::end_of_positions;
using bmff::Error;
using bmff::Reader;
using bmff::type;
using relay::Done;
using relay::failure;
using samples::Run;

// 14496-12 8.8.7 and 8.8.8
namespace tfhd_flag {
constexpr std::uint32_t base_data_offset = 0x1;
constexpr std::uint32_t sample_description_index = 0x2;
constexpr std::uint32_t default_sample_duration = 0x8;
constexpr std::uint32_t default_sample_size = 0x10;
constexpr std::uint32_t default_base_is_moof = 0x20000;
}  // namespace tfhd_flag
namespace trun_flag {
constexpr std::uint32_t data_offset = 0x1;
constexpr std::uint32_t first_sample_flags = 0x4;
constexpr std::uint32_t sample_duration = 0x100;
constexpr std::uint32_t sample_size = 0x200;
constexpr std::uint32_t sample_flags = 0x400;
constexpr std::uint32_t composition_time_offset = 0x800;
}  // namespace trun_flag

struct Traf
{
  std::vector<Box> boxes;
  std::size_t position = 0;  // of the box
  const movie::Track *track = nullptr;
  std::uint64_t base_data_offset = 0;
  std::uint32_t sample_entry = 0;  // from 0
  std::uint32_t samples = 0;
  samples::Batch batch;
};

class Parser
{
public:
  Parser (Bytes moof, std::uint64_t position, const movie::Movie &movie)
      : moof_ (moof), position_ (position), movie_ (movie)
  {
  }
  Result<Fragment> parse ();

private:
  Result<Done> parse_traf (const Box &box);
  Result<Done> parse_tfhd (const Box &tfhd, Traf &traf);
  Result<Done> parse_trun (const Box &trun, Traf &traf);
  Result<Done> parse_encryption (Traf &traf);

  Bytes moof_;
  std::uint64_t position_;
  const movie::Movie &movie_;
  // A copy for those who read its tables later.
  std::shared_ptr<const std::vector<std::uint8_t>> box_;
  Fragment fragment_;
  // Where the data of the last run ended, for a run without a data_offset and
  // a traf without a base.
  std::uint64_t data_end_ = 0;
  std::uint64_t auxiliary_left_ = 2 * moof_.size ();
};

Result<Done> Parser::parse_tfhd (const Box &tfhd, Traf &traf)
{
  Reader reader = tfhd.reader ();
  std::uint32_t flags = bmff::read_version (reader).flags;
  traf.track = movie_.find (reader.u32 ());
  // With neither flag: moof for the first traf, then the end of the last one.
  traf.base_data_offset =
      (flags & tfhd_flag::default_base_is_moof) != 0 ? position_ : data_end_;
  if ((flags & tfhd_flag::base_data_offset) != 0)
    traf.base_data_offset = reader.u64 ();
  if (!reader.ok ()) return failure (Error::truncated, tfhd.position);
  if (traf.track == nullptr)
    return failure (Error::unknown_track, tfhd.position);

  std::uint32_t description = traf.track->default_sample_description_index;
  if ((flags & tfhd_flag::sample_description_index) != 0)
    description = reader.u32 ();
  if ((flags & tfhd_flag::default_sample_duration) != 0) reader.skip (4);
  traf.batch.constant_size = traf.track->default_sample_size;
  if ((flags & tfhd_flag::default_sample_size) != 0)
    traf.batch.constant_size = reader.u32 ();
  if (!reader.ok ()) return failure (Error::truncated, tfhd.position);
  if (traf.base_data_offset > end_of_positions)
    return failure (Error::bad_value, tfhd.position);

  if (description == 0 || description > traf.track->sample_entries.size ())
    return failure (Error::no_such_sample_entry, tfhd.position);
  traf.sample_entry = description - 1;
  data_end_ = traf.base_data_offset;
  return Done{};
}

Result<Done> Parser::parse_trun (const Box &trun, Traf &traf)
{
  Reader reader = trun.reader ();
  std::uint32_t flags = bmff::read_version (reader).flags;
  std::uint32_t count = reader.u32 ();
  if ((flags & trun_flag::data_offset) != 0) {
    // Signed, so counted modulo 2^64; what comes out below zero is too large.
    auto offset = static_cast<std::int32_t> (reader.u32 ());
    data_end_ = traf.base_data_offset +
                static_cast<std::uint64_t> (static_cast<std::int64_t> (offset));
  }
  if ((flags & trun_flag::first_sample_flags) != 0) reader.skip (4);
  if (!reader.ok ()) return failure (Error::truncated, trun.position);
  if (data_end_ > end_of_positions)
    return failure (Error::sample_outside_media, trun.position);
  if (count > UINT32_MAX - traf.samples)
    return failure (Error::too_many_samples, trun.position);

  Run run;
  run.position = data_end_;
  run.first = traf.samples;
  run.count = count;
  run.treatment = traf.sample_entry;
  std::size_t before_size = (flags & trun_flag::sample_duration) != 0 ? 4 : 0;
  std::size_t behind_size =
      ((flags & trun_flag::sample_flags) != 0 ? 4 : 0) +
      ((flags & trun_flag::composition_time_offset) != 0 ? 4 : 0);
  bool has_sizes = (flags & trun_flag::sample_size) != 0;
  std::size_t stride = before_size + (has_sizes ? 4 : 0) + behind_size;
  if (stride > 0 && count > reader.left () / stride)
    return failure (Error::truncated, trun.position);
  std::uint64_t size = std::uint64_t{count} * traf.batch.constant_size;
  if (has_sizes) {
    run.size_stride = static_cast<std::uint8_t> (stride);
    run.size_width = 4;
    run.sizes_at =
        static_cast<std::uint32_t> (reader.position () + before_size);
    size = 0;
    for (std::uint32_t i = 0; i < count; i++) {
      reader.skip (before_size);
      size += reader.u32 ();
      reader.skip (behind_size);
    }
  }
  if (size > end_of_positions)
    return failure (Error::sample_outside_media, trun.position);
  data_end_ += size;
  run.end = data_end_;
  traf.samples += count;
  traf.batch.runs.push_back (run);
  return Done{};
}

// Groups, keys and IVs of the samples.
Result<Done> Parser::parse_encryption (Traf &traf)
{
  protection::Descriptions descriptions;
  for (const Box &box : traf.boxes) {
    if (protection::is_about_encryption (box))
      fragment_.renames.push_back ({box.position, type ("free")});
    if (!protection::is_seig (box)) continue;
    if (box.box_type == type ("csgp"))
      return failure (Error::unsupported_sample_group, box.position);
    if (box.box_type != type ("sgpd") || !descriptions.entries.empty ())
      continue;
    Result<protection::Descriptions> parsed = protection::parse_sgpd (box);
    if (!parsed) return parsed.error ();
    descriptions = *std::move (parsed);
  }
  if (!box_)
    box_ = std::make_shared<const std::vector<std::uint8_t>> (
        moof_.begin (), moof_.end ());
  traf.batch.box = box_;
  auxiliary::Boxes found = auxiliary::find (traf.boxes);
  auxiliary::Entries entries{traf.track->sample_entries,
      &traf.track->descriptions, &descriptions,
      auxiliary::find_sbgp (traf.boxes), found.senc};
  Result<Done> done = auxiliary::set_treatments (entries, traf.batch);
  if (!done) return done;
  // Relative to the base of the data, but found relative to moof as well.
  Result<bool> differs = auxiliary::resolve (found,
      {position_, moof_.size (), traf.position,
          {traf.base_data_offset, position_}, auxiliary_left_},
      traf.batch);
  if (!differs) return differs.error ();
  if (*differs) fragment_.differences++;
  fragment_.clear_samples += auxiliary::finish (traf.batch);
  if (!traf.batch.runs.empty ())
    fragment_.batches.push_back (std::move (traf.batch));
  return Done{};
}

Result<Done> Parser::parse_traf (const Box &box)
{
  Result<std::vector<Box>> boxes = bmff::children (box);
  if (!boxes) return boxes.error ();
  Traf traf;
  traf.boxes = *std::move (boxes);
  traf.position = box.position;
  const Box *tfhd = bmff::find (traf.boxes, type ("tfhd"));
  if (tfhd == nullptr) return failure (Error::missing_box, box.position);
  Result<Done> parsed = parse_tfhd (*tfhd, traf);
  if (!parsed) return parsed;
  for (const Box &run : traf.boxes) {
    if (run.box_type != type ("trun")) continue;
    parsed = parse_trun (run, traf);
    if (!parsed) return parsed;
  }
  if (traf.track->has_encryption ()) return parse_encryption (traf);
  fragment_.clear_samples += traf.samples;
  return Done{};
}

Result<Fragment> Parser::parse ()
{
  Result<std::optional<bmff::Header>> header = bmff::parse_header (moof_);
  if (!header) return header.error ();
  if (!*header) return failure (Error::truncated);
  std::size_t header_size = (*header)->header_size;
  Result<std::vector<Box>> boxes =
      bmff::children (moof_.subspan (header_size), header_size);
  if (!boxes) return boxes.error ();

  data_end_ = position_;
  for (const Box &box : *boxes) {
    if (protection::is_pssh (box)) {
      fragment_.renames.push_back ({box.position, type ("free")});
      fragment_.psshs.push_back (protection::copy_pssh (box));
    }
    if (box.box_type != type ("traf")) continue;
    Result<Done> parsed = parse_traf (box);
    if (!parsed) return parsed.error ();
  }
  return std::move (fragment_);
}

}  // namespace

Result<Fragment> parse (
    Bytes moof, std::uint64_t position, const movie::Movie &movie)
{
  return Parser (moof, position, movie).parse ();
}

}  // namespace fragment

// SPDX-License-Identifier: LGPL-2.1-or-later
#include "fragment.h"

#include <algorithm>
#include <array>

namespace fragment {
namespace {

using bmff::Box;
using bmff::Bytes;
using bmff::Error;
using bmff::Reader;
using bmff::type;
using movie::Encryption;
using relay::Done;
using relay::failure;

// No file is as long as this, so that sums of positions and sizes fit.
constexpr std::uint64_t end_of_positions = std::uint64_t{1} << 62;

// Of one run that has neither sizes nor other fields for its samples. Others
// are bounded by their own bytes, or by those of mdat.
constexpr std::uint32_t most_empty_samples = 16;

// The user type of PIFF's sample encryption box, the forerunner of senc.
constexpr std::array<std::uint8_t, 16> piff_senc{0xa2, 0x39, 0x4f, 0x52, 0x5a,
    0x9b, 0x4f, 0x14, 0xa2, 0x44, 0x6c, 0x42, 0x7c, 0x64, 0x8d, 0xf4};

bool is_piff_senc (const Box &box)
{
  return box.box_type == type ("uuid") &&
         box.body.size () >= piff_senc.size () &&
         std::equal (piff_senc.begin (), piff_senc.end (), box.body.begin ());
}

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
  std::uint32_t default_sample_size = 0;
  // Null for clear samples.
  const Encryption *encryption = nullptr;
  std::uint32_t encryption_index = 0;  // in the fragment's list
  // Where the samples of each run end in the list of the fragment's samples,
  // before empty ones are taken out.
  std::vector<std::size_t> run_ends;
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
  Result<Done> check_supported (const Traf &traf) const;
  void rename_protection (const Traf &traf);

  Result<Done> read_auxiliary_information (const Traf &traf, std::size_t first);
  Result<Done> read_senc (const Box &senc, const Traf &traf, std::size_t first);
  Result<Done> read_saiz (const Box &saiz, const Box &saio, const Traf &traf,
      std::size_t first, std::uint64_t base);
  Result<Done> read_entry (Reader &reader, const Encryption &encryption,
      bool has_subsamples, Sample &sample);

  Bytes moof_;
  std::uint64_t position_;
  const movie::Movie &movie_;
  Fragment fragment_;
  // Where the data of the last run ended, for a run without a data_offset and
  // a traf without a base.
  std::uint64_t data_end_ = 0;
  std::size_t samples_ = 0;  // clear and empty ones included
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
  traf.default_sample_size = traf.track->default_sample_size;
  if ((flags & tfhd_flag::default_sample_size) != 0)
    traf.default_sample_size = reader.u32 ();
  if (!reader.ok ()) return failure (Error::truncated, tfhd.position);
  if (traf.base_data_offset > end_of_positions)
    return failure (Error::bad_value, tfhd.position);

  const auto &entries = traf.track->sample_entries;
  if (description == 0 || description > entries.size ())
    return failure (Error::no_such_sample_entry, tfhd.position);
  const std::optional<Encryption> &entry = entries[description - 1];
  if (entry && entry->is_protected) traf.encryption = &*entry;
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
  if (count > most_samples - samples_)
    return failure (Error::too_many_samples, trun.position);
  samples_ += count;

  // Whether the samples have bytes here (8.8.8.2), so that count is bounded.
  constexpr std::uint32_t fields_of_samples =
      trun_flag::sample_duration | trun_flag::sample_size |
      trun_flag::sample_flags | trun_flag::composition_time_offset;
  if ((flags & fields_of_samples) == 0) {
    if (traf.encryption == nullptr) {
      fragment_.clear_samples += count;
      data_end_ += std::uint64_t{count} * traf.default_sample_size;
      return Done{};
    }
    if (traf.default_sample_size == 0 && count > most_empty_samples)
      return failure (Error::too_many_samples, trun.position);
  }

  for (std::uint32_t i = 0; i < count; i++) {
    if ((flags & trun_flag::sample_duration) != 0) reader.skip (4);
    std::uint32_t size = (flags & trun_flag::sample_size) != 0
                             ? reader.u32 ()
                             : traf.default_sample_size;
    if ((flags & trun_flag::sample_flags) != 0) reader.skip (4);
    if ((flags & trun_flag::composition_time_offset) != 0) reader.skip (4);
    if (!reader.ok ()) return failure (Error::truncated, trun.position);
    if (traf.encryption != nullptr)
      fragment_.samples.push_back (
          {data_end_, size, traf.encryption_index, {}, {}});
    else
      fragment_.clear_samples++;
    data_end_ += size;
  }
  traf.run_ends.push_back (fragment_.samples.size ());
  return Done{};
}

// What would make the defaults of the track wrong for these samples.
Result<Done> Parser::check_supported (const Traf &traf) const
{
  if (!traf.track->has_encryption ()) return Done{};
  for (const Box &box : traf.boxes) {
    if (!movie::is_seig (box)) continue;
    Reader reader = box.reader ();
    // A description alone is about no sample, unless it is the default.
    if (box.box_type != type ("sgpd") ||
        bmff::read_version (reader).version >= 2)
      return failure (Error::unsupported_key_rotation, box.position);
  }
  return Done{};
}

void Parser::rename_protection (const Traf &traf)
{
  if (!traf.track->has_encryption ()) return;
  for (const Box &box : traf.boxes) {
    bool is_auxiliary =
        box.box_type == type ("saiz") || box.box_type == type ("saio");
    if (box.box_type == type ("senc") || is_auxiliary || is_piff_senc (box) ||
        movie::is_seig (box))
      fragment_.renames.push_back ({box.position, type ("free")});
  }
}

// CencSampleAuxiliaryDataFormat, 23001-7 7.1
Result<Done> Parser::read_entry (Reader &reader, const Encryption &encryption,
    bool has_subsamples, Sample &sample)
{
  std::size_t position = reader.position ();
  if (encryption.constant_iv) {
    sample.iv = *encryption.constant_iv;
  } else {
    Bytes iv = reader.bytes (encryption.per_sample_iv_size);
    sample.iv = {};
    std::copy (iv.begin (), iv.end (), sample.iv.begin ());
  }
  sample.subsamples.reset ();
  if (has_subsamples) {
    std::size_t size = reader.u16 () * cenc::subsample_size;
    Bytes list = reader.bytes (size);
    // saio may lead to the same bytes again and again.
    if (fragment_.subsamples.size () + list.size () > most_subsample_bytes)
      return failure (Error::too_many_samples, position);
    sample.subsamples = {fragment_.subsamples.size (), list.size ()};
    fragment_.subsamples.insert (
        fragment_.subsamples.end (), list.begin (), list.end ());
  }
  if (!reader.ok ())
    return failure (Error::auxiliary_information_size, position);
  return Done{};
}

// 23001-7 7.2
Result<Done> Parser::read_senc (
    const Box &senc, const Traf &traf, std::size_t first)
{
  constexpr std::uint32_t override_track_encryption = 1;  // PIFF only
  constexpr std::uint32_t use_subsample_encryption = 2;
  Reader reader = senc.reader ();
  std::uint32_t flags = bmff::read_version (reader).flags;
  std::uint32_t count = reader.u32 ();
  if ((flags & override_track_encryption) != 0)
    return failure (Error::unsupported_piff, senc.position);
  if (!reader.ok () || count != fragment_.samples.size () - first)
    return failure (Error::auxiliary_information_size, senc.position);
  for (std::size_t i = first; i < fragment_.samples.size (); i++) {
    Result<Done> read = read_entry (reader, *traf.encryption,
        (flags & use_subsample_encryption) != 0, fragment_.samples[i]);
    if (!read) return read;
  }
  if (reader.left () != 0)
    return failure (Error::auxiliary_information_size, reader.position ());
  return Done{};
}

// saiz and saio: 14496-12 8.7.8 and 8.7.9. Both begin alike.
Result<Reader> open_auxiliary (const Box &box, std::uint8_t &version)
{
  Reader reader = box.reader ();
  bmff::Version full = bmff::read_version (reader);
  version = full.version;
  if ((full.flags & 1) != 0) reader.skip (8);  // the type and its parameter
  if (!reader.ok ()) return failure (Error::truncated, box.position);
  return reader;
}

// The type is optional; without one it is that of the track's scheme. In the
// wild it may be another scheme's. Other types are about other things.
const Box *find_auxiliary (const Traf &traf, bmff::Type box_type)
{
  for (const Box &box : traf.boxes) {
    if (box.box_type != box_type) continue;
    Reader reader = box.reader ();
    if ((bmff::read_version (reader).flags & 1) == 0) return &box;
    if (movie::scheme_of (reader.u32 ())) return &box;
  }
  return nullptr;
}

// No sample, or only samples without a byte of auxiliary information.
bool says_nothing (const Box &saiz)
{
  std::uint8_t version = 0;
  Result<Reader> sizes = open_auxiliary (saiz, version);
  if (!sizes) return false;
  std::uint8_t default_size = sizes->u8 ();
  std::uint32_t count = sizes->u32 ();
  if (!sizes->ok ()) return false;
  if (count == 0) return true;
  if (default_size != 0 || count > sizes->left ()) return false;
  Bytes list = sizes->bytes (count);
  return std::all_of (
      list.begin (), list.end (), [] (std::uint8_t size) { return size == 0; });
}

Result<Done> Parser::read_saiz (const Box &saiz, const Box &saio,
    const Traf &traf, std::size_t first, std::uint64_t base)
{
  std::uint8_t version = 0;
  Result<Reader> sizes = open_auxiliary (saiz, version);
  if (!sizes) return sizes.error ();
  std::uint8_t default_size = sizes->u8 ();
  std::uint32_t count = sizes->u32 ();
  Result<Reader> offsets = open_auxiliary (saio, version);
  if (!offsets) return offsets.error ();
  std::uint32_t offset_count = offsets->u32 ();
  if (!sizes->ok () || !offsets->ok ())
    return failure (Error::truncated, saiz.position);
  if (count != fragment_.samples.size () - first)
    return failure (Error::auxiliary_information_size, saiz.position);
  // One offset for all runs, or one for each.
  if (offset_count != 1 && offset_count != traf.run_ends.size ())
    return failure (Error::bad_value, saio.position);

  std::size_t at = first;
  for (std::uint32_t run = 0; run < offset_count; run++) {
    std::uint64_t offset = version == 0 ? offsets->u32 () : offsets->u64 ();
    if (!offsets->ok ()) return failure (Error::truncated, saio.position);
    std::uint64_t place = base + offset - position_;
    if (offset > end_of_positions || base + offset < position_ ||
        place > moof_.size ())
      return failure (Error::auxiliary_information_outside, saio.position);
    auto start = static_cast<std::size_t> (place);
    Reader reader (moof_.subspan (start), start);
    std::size_t end =
        offset_count == 1 ? fragment_.samples.size () : traf.run_ends[run];
    for (; at < end; at++) {
      std::size_t size = default_size != 0 ? default_size : sizes->u8 ();
      std::size_t position = reader.position ();
      Reader entry (reader.bytes (size), position);
      if (!sizes->ok ()) return failure (Error::truncated, saiz.position);
      if (!reader.ok ())
        return failure (Error::auxiliary_information_outside, saio.position);
      bool has_subsamples = size > traf.encryption->per_sample_iv_size;
      Result<Done> read = read_entry (
          entry, *traf.encryption, has_subsamples, fragment_.samples[at]);
      if (!read) return read;
      if (entry.left () != 0)
        return failure (Error::auxiliary_information_size, entry.position ());
    }
  }
  return Done{};
}

// senc where it is sound; saio in the wild is more often wrong than senc.
Result<Done> Parser::read_auxiliary_information (
    const Traf &traf, std::size_t first)
{
  if (first == fragment_.samples.size ()) return Done{};
  const Encryption &encryption = *traf.encryption;
  const Box *senc = bmff::find (traf.boxes, type ("senc"));
  const Box *saiz = find_auxiliary (traf, type ("saiz"));
  const Box *saio = find_auxiliary (traf, type ("saio"));
  std::size_t pool = fragment_.subsamples.size ();
  relay::Failure<Error> wrong =
      failure (Error::no_auxiliary_information, traf.position);
  if (senc != nullptr) {
    Result<Done> read = read_senc (*senc, traf, first);
    if (read) return read;
    wrong = read.error ();
  }
  if (saiz != nullptr && says_nothing (*saiz)) saiz = nullptr;
  if (saiz != nullptr && saio != nullptr) {
    // Relative to the base of the data, but found relative to moof as well.
    for (std::uint64_t base : {traf.base_data_offset, position_}) {
      fragment_.subsamples.resize (pool);
      Result<Done> read = read_saiz (*saiz, *saio, traf, first, base);
      if (read) return read;
      if (senc == nullptr) wrong = read.error ();
    }
    return wrong;
  }
  if (std::any_of (traf.boxes.begin (), traf.boxes.end (), is_piff_senc))
    return failure (Error::unsupported_piff, traf.position);
  // With a constant IV there may be nothing to say (CMAF recommends it): every
  // sample is as tenc has it. A senc without entries says no more, nor does a
  // saiz without sizes, wherever saio leads (14496-12 8.7.8: a size of 0 is a
  // sample without auxiliary information).
  bool nothing_said =
      senc == nullptr ||
      (senc->body.size () == 8 &&
          std::all_of (senc->body.begin () + 4, senc->body.end (),
              [] (std::uint8_t byte) { return byte == 0; }));
  if (!encryption.constant_iv || !nothing_said || saiz != nullptr) return wrong;
  for (std::size_t i = first; i < fragment_.samples.size (); i++)
    fragment_.samples[i].iv = *encryption.constant_iv;
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
  parsed = check_supported (traf);
  if (!parsed) return parsed;
  rename_protection (traf);

  if (traf.encryption != nullptr) {
    traf.encryption_index =
        static_cast<std::uint32_t> (fragment_.encryptions.size ());
    fragment_.encryptions.push_back (*traf.encryption);
  }
  std::size_t first = fragment_.samples.size ();
  for (const Box &run : traf.boxes) {
    if (run.box_type != type ("trun")) continue;
    parsed = parse_trun (run, traf);
    if (!parsed) return parsed;
  }
  if (traf.encryption == nullptr) return Done{};
  return read_auxiliary_information (traf, first);
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
    if (box.box_type == type ("pssh"))
      fragment_.renames.push_back ({box.position, type ("free")});
    if (box.box_type != type ("traf")) continue;
    Result<Done> parsed = parse_traf (box);
    if (!parsed) return parsed.error ();
  }
  std::erase_if (fragment_.samples,
      [] (const Sample &sample) { return sample.size == 0; });
  return std::move (fragment_);
}

}  // namespace

Result<Fragment> parse (
    Bytes moof, std::uint64_t position, const movie::Movie &movie)
{
  return Parser (moof, position, movie).parse ();
}

}  // namespace fragment

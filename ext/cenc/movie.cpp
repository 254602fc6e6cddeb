// SPDX-License-Identifier: LGPL-2.1-or-later
#include "movie.h"

#include <algorithm>

namespace movie {
namespace {

using bmff::Box;
using bmff::Error;
using bmff::Reader;
using bmff::type;
using relay::Done;
using relay::failure;

constexpr std::size_t most_tracks = 1024;
constexpr std::size_t most_sample_entries = 1024;

// Where the boxes of a sample entry begin: 14496-12 12.1.3, 12.2.3.
constexpr std::size_t visual_entry_size = 78;
constexpr std::size_t audio_entry_size = 28;
// QuickTime's sound descriptions of versions 1 and 2 are longer.
constexpr std::size_t quicktime_v1_size = 44;
constexpr std::size_t quicktime_v2_size = 64;

Result<const Box *> require (
    const std::vector<Box> &boxes, bmff::Type box_type, std::size_t position)
{
  const Box *box = bmff::find (boxes, box_type);
  if (box == nullptr) return failure (Error::missing_box, position);
  return box;
}

// The boxes inside the first box of a type.
Result<std::vector<Box>> descend (
    const std::vector<Box> &boxes, bmff::Type box_type, std::size_t position)
{
  Result<const Box *> box = require (boxes, box_type, position);
  if (!box) return box.error ();
  return bmff::children (**box);
}

// 23001-7 8.2
Result<Encryption> parse_tenc (const Box &box, cenc::Scheme scheme)
{
  Reader reader = box.reader ();
  Encryption out;
  out.scheme = scheme;
  bmff::Version version = bmff::read_version (reader);
  reader.skip (1);
  std::uint8_t pattern = reader.u8 ();
  if (version.version > 0) {  // reserved before
    out.pattern.crypt_byte_block = pattern >> 4;
    out.pattern.skip_byte_block = pattern & 15;
  }
  std::uint8_t is_protected = reader.u8 ();
  out.per_sample_iv_size = reader.u8 ();
  bmff::Bytes kid = reader.bytes (out.kid.size ());
  std::copy (kid.begin (), kid.end (), out.kid.begin ());
  if (!reader.ok ()) return failure (Error::truncated, box.position);
  if (is_protected > 1) return failure (Error::bad_value, box.position);
  out.is_protected = is_protected == 1;
  if (!out.is_protected) return out;

  if (out.per_sample_iv_size == 0) {
    bmff::Bytes iv = reader.bytes (reader.u8 ());
    if (!reader.ok ()) return failure (Error::truncated, box.position);
    cenc::Result<aes::Block> block = cenc::to_block (iv);
    if (!block) return failure (Error::bad_value, box.position);
    out.constant_iv = *block;
  } else if (out.per_sample_iv_size != 8 && out.per_sample_iv_size != 16) {
    return failure (Error::bad_value, box.position);
  }
  return out;
}

struct Protection
{
  bmff::Type original_format;
  Encryption encryption;
};

// sinf: 14496-12 8.12
Result<Protection> parse_sinf (const Box &sinf)
{
  Result<std::vector<Box>> boxes = bmff::children (sinf);
  if (!boxes) return boxes.error ();
  Result<const Box *> frma = require (*boxes, type ("frma"), sinf.position);
  if (!frma) return frma.error ();
  Result<const Box *> schm = require (*boxes, type ("schm"), sinf.position);
  if (!schm) return schm.error ();

  Reader format = (*frma)->reader ();
  bmff::Type original_format = format.u32 ();
  Reader reader = (*schm)->reader ();
  bmff::read_version (reader);
  std::optional<cenc::Scheme> scheme = scheme_of (reader.u32 ());
  if (!format.ok () || !reader.ok ())
    return failure (Error::truncated, sinf.position);
  if (!scheme) return failure (Error::unsupported_scheme, (*schm)->position);

  Result<std::vector<Box>> information =
      descend (*boxes, type ("schi"), sinf.position);
  if (!information) return information.error ();
  Result<const Box *> tenc =
      require (*information, type ("tenc"), sinf.position);
  if (!tenc) return tenc.error ();
  Result<Encryption> encryption = parse_tenc (**tenc, *scheme);
  if (!encryption) return encryption.error ();
  return Protection{original_format, *encryption};
}

// The boxes of encv or enca, which begin where the fields of the entry end.
Result<std::vector<Box>> entry_boxes (const Box &entry)
{
  Reader reader = entry.reader ();
  reader.skip (8);  // reserved, data_reference_index
  std::uint16_t version = reader.u16 ();
  std::vector<std::size_t> sizes{visual_entry_size};
  if (entry.box_type == type ("enca")) {
    sizes = {audio_entry_size};
    // Version 1 is longer in QuickTime, but not in 14496-12.
    if (version == 1) sizes = {quicktime_v1_size, audio_entry_size};
    if (version == 2) sizes = {quicktime_v2_size};
  }
  relay::Failure<Error> wrong = failure (Error::truncated, entry.position);
  for (std::size_t size : sizes) {
    if (entry.body.size () < size) continue;
    Result<std::vector<Box>> boxes =
        bmff::children (entry.body.subspan (size), entry.body_position + size);
    if (boxes && bmff::find (*boxes, type ("sinf")) != nullptr) return boxes;
    wrong =
        boxes ? failure (Error::missing_box, entry.position) : boxes.error ();
  }
  return wrong;
}

// A protected entry may have several sinf, one for each scheme that it can be
// decrypted with: the first that we can is taken, all of them go.
Result<Encryption> parse_protected_entry (const Box &entry, Movie &movie)
{
  Result<std::vector<Box>> boxes = entry_boxes (entry);
  if (!boxes) return boxes.error ();
  std::optional<Result<Protection>> chosen;
  for (const Box &box : *boxes) {
    if (box.box_type != type ("sinf")) continue;
    if (!chosen || !chosen->ok ()) chosen = parse_sinf (box);
    movie.renames.push_back ({box.position, type ("free")});
  }
  if (!chosen) return failure (Error::missing_box, entry.position);
  if (!chosen->ok ()) return chosen->error ();
  movie.renames.push_back ({entry.position, (*chosen)->original_format});
  return (*chosen)->encryption;
}

// Entries that are encrypted in a way that we do not know: enct, encs and
// their like (14496-12 8.12), and those of Apple's store. Taken for clear,
// they would pass as such.
bool is_other_protected (bmff::Type entry_type)
{
  return entry_type >> 8 == type ("enc ") >> 8 || entry_type == type ("drmi") ||
         entry_type == type ("drms");
}

Result<Done> parse_stsd (const Box &stsd, Track &track, Movie &movie)
{
  Reader reader = stsd.reader ();
  bmff::read_version (reader);
  reader.skip (4);  // entry_count: the boxes tell
  if (!reader.ok ()) return failure (Error::truncated, stsd.position);
  Result<std::vector<Box>> entries =
      bmff::children (stsd.body.subspan (8), stsd.body_position + 8);
  if (!entries) return entries.error ();
  if (entries->size () > most_sample_entries)
    return failure (Error::too_many_entries, stsd.position);
  for (const Box &entry : *entries) {
    if (entry.box_type != type ("encv") && entry.box_type != type ("enca")) {
      if (is_other_protected (entry.box_type))
        return failure (Error::unsupported_sample_entry, entry.position);
      track.sample_entries.emplace_back ();
      continue;
    }
    Result<Encryption> encryption = parse_protected_entry (entry, movie);
    if (!encryption) return encryption.error ();
    track.sample_entries.emplace_back (*encryption);
  }
  return Done{};
}

// How many samples stsz or stz2 lists: those that are not in fragments.
std::uint32_t sample_count (const std::vector<Box> &boxes)
{
  const Box *sizes = bmff::find (boxes, type ("stsz"));
  if (sizes == nullptr) sizes = bmff::find (boxes, type ("stz2"));
  if (sizes == nullptr) return 0;
  Reader reader = sizes->reader ();
  reader.skip (8);  // version, flags, and sample_size or field_size
  return reader.u32 ();
}

Result<Done> parse_stbl (const Box &stbl, Track &track, Movie &movie)
{
  Result<std::vector<Box>> boxes = bmff::children (stbl);
  if (!boxes) return boxes.error ();
  Result<const Box *> stsd = require (*boxes, type ("stsd"), stbl.position);
  if (!stsd) return stsd.error ();
  Result<Done> parsed = parse_stsd (**stsd, track, movie);
  if (!parsed || !track.has_encryption ()) return parsed;

  if (sample_count (*boxes) > 0)
    return failure (Error::unsupported_progressive, stbl.position);
  for (const Box &box : *boxes) {
    Reader reader = box.reader ();
    std::uint8_t version = bmff::read_version (reader).version;
    // From version 2 of sgpd on a group may be the default of all samples
    // (14496-12 8.9.3); the fragment's own groups are the fragment's affair.
    if (is_seig (box) && box.box_type == type ("sgpd") && version >= 2)
      return failure (Error::unsupported_key_rotation, box.position);
    if (is_seig (box)) movie.renames.push_back ({box.position, type ("free")});
  }
  return Done{};
}

Result<std::uint32_t> parse_tkhd (const Box &tkhd)
{
  Reader reader = tkhd.reader ();
  // creation_time and modification_time
  reader.skip (bmff::read_version (reader).version == 1 ? 16 : 8);
  std::uint32_t track_id = reader.u32 ();
  if (!reader.ok ()) return failure (Error::truncated, tkhd.position);
  return track_id;
}

Result<Done> parse_trak (const Box &trak, Movie &movie)
{
  Result<std::vector<Box>> boxes = bmff::children (trak);
  if (!boxes) return boxes.error ();
  Result<const Box *> tkhd = require (*boxes, type ("tkhd"), trak.position);
  if (!tkhd) return tkhd.error ();
  Track track;
  Result<std::uint32_t> track_id = parse_tkhd (**tkhd);
  if (!track_id) return track_id.error ();
  track.track_id = *track_id;

  Result<std::vector<Box>> mdia =
      descend (*boxes, type ("mdia"), trak.position);
  if (!mdia) return mdia.error ();
  Result<std::vector<Box>> minf = descend (*mdia, type ("minf"), trak.position);
  if (!minf) return minf.error ();
  Result<const Box *> stbl = require (*minf, type ("stbl"), trak.position);
  if (!stbl) return stbl.error ();
  Result<Done> parsed = parse_stbl (**stbl, track, movie);
  if (!parsed) return parsed;

  if (movie.tracks.size () == most_tracks)
    return failure (Error::too_many_entries, trak.position);
  if (movie.find (track.track_id) != nullptr)
    return failure (Error::bad_value, (*tkhd)->position);
  // A fragment need not say which entry it uses if there is but one.
  if (track.sample_entries.size () == 1)
    track.default_sample_description_index = 1;
  movie.tracks.push_back (std::move (track));
  return Done{};
}

Result<Done> parse_mvex (const Box &mvex, Movie &movie)
{
  Result<std::vector<Box>> boxes = bmff::children (mvex);
  if (!boxes) return boxes.error ();
  for (const Box &box : *boxes) {
    if (box.box_type != type ("trex")) continue;
    Reader reader = box.reader ();
    bmff::read_version (reader);
    std::uint32_t track_id = reader.u32 ();
    std::uint32_t description_index = reader.u32 ();
    reader.skip (4);  // default_sample_duration
    std::uint32_t size = reader.u32 ();
    if (!reader.ok ()) return failure (Error::truncated, box.position);
    for (Track &track : movie.tracks) {
      if (track.track_id != track_id) continue;
      track.default_sample_description_index = description_index;
      track.default_sample_size = size;
    }
  }
  return Done{};
}

}  // namespace

bool Track::has_encryption () const
{
  return std::any_of (sample_entries.begin (), sample_entries.end (),
      [] (const auto &entry) { return entry.has_value (); });
}

bool Movie::has_encryption () const
{
  return std::any_of (tracks.begin (), tracks.end (),
      [] (const Track &track) { return track.has_encryption (); });
}

const Track *Movie::find (std::uint32_t track_id) const
{
  for (const Track &track : tracks)
    if (track.track_id == track_id) return &track;
  return nullptr;
}

std::optional<cenc::Scheme> scheme_of (bmff::Type scheme_type)
{
  switch (scheme_type) {
    case type ("cenc"):
      return cenc::Scheme::cenc;
    case type ("cens"):
      return cenc::Scheme::cens;
    case type ("cbc1"):
      return cenc::Scheme::cbc1;
    case type ("cbcs"):
      return cenc::Scheme::cbcs;
    default:
      return std::nullopt;
  }
}

bool is_seig (const bmff::Box &box)
{
  // csgp too has its grouping_type there (14496-12 8.9.5).
  if (box.box_type != type ("sgpd") && box.box_type != type ("sbgp") &&
      box.box_type != type ("csgp"))
    return false;
  Reader reader = box.reader ();
  bmff::read_version (reader);
  return reader.u32 () == type ("seig");
}

Result<Movie> parse (bmff::Bytes moov)
{
  Result<std::optional<bmff::Header>> header = bmff::parse_header (moov);
  if (!header) return header.error ();
  if (!*header) return failure (Error::truncated);
  std::size_t header_size = (*header)->header_size;
  Result<std::vector<Box>> boxes =
      bmff::children (moov.subspan (header_size), header_size);
  if (!boxes) return boxes.error ();

  Movie movie;
  for (const Box &box : *boxes) {
    if (box.box_type != type ("trak")) continue;
    Result<Done> parsed = parse_trak (box, movie);
    if (!parsed) return parsed.error ();
  }
  for (const Box &box : *boxes) {
    if (box.box_type == type ("pssh"))
      movie.renames.push_back ({box.position, type ("free")});
    if (box.box_type != type ("mvex")) continue;
    Result<Done> parsed = parse_mvex (box, movie);
    if (!parsed) return parsed.error ();
  }
  // Nothing in a clear file is changed.
  if (!movie.has_encryption ()) movie.renames.clear ();
  return movie;
}

}  // namespace movie

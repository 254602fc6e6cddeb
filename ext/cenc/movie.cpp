// SPDX-License-Identifier: LGPL-2.1-or-later
#include "movie.h"

#include <algorithm>

#include "auxiliary.h"
#include "tables.h"

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
  bmff::Type scheme_type = reader.u32 ();
  if (!format.ok () || !reader.ok ())
    return failure (Error::truncated, sinf.position);
  std::optional<cenc::Scheme> scheme = protection::scheme_of (scheme_type);
  if (scheme_type == type ("piff")) scheme = cenc::Scheme::cenc;
  if (!scheme) return failure (Error::unsupported_scheme, (*schm)->position);

  Result<std::vector<Box>> information =
      descend (*boxes, type ("schi"), sinf.position);
  if (!information) return information.error ();
  const Box *tenc = bmff::find (*information, type ("tenc"));
  auto piff = std::find_if (
      information->begin (), information->end (), protection::is_piff_tenc);
  if (tenc == nullptr && piff == information->end ())
    return failure (Error::missing_box, sinf.position);
  Result<Encryption> encryption = tenc != nullptr
                                      ? protection::parse_tenc (*tenc, *scheme)
                                      : protection::parse_piff_tenc (*piff);
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

// What samples outside of fragments need besides the bytes of moov itself.
struct Context
{
  bmff::Bytes moov;
  std::uint64_t position;
  // A copy for those who read its tables later.
  std::shared_ptr<std::vector<std::uint8_t>> box;
  // A chunk of 4 bytes takes more than that.
  std::size_t chunks_left = samples::most_waiting / sizeof (samples::Run);
  std::uint64_t auxiliary_left = 2 * moov.size ();
};

Result<Done> parse_samples (const Box &stbl, const std::vector<Box> &boxes,
    const Track &track, Context &context, Movie &movie)
{
  if (!context.box)
    context.box = std::make_shared<std::vector<std::uint8_t>> (
        context.moov.begin (), context.moov.end ());
  samples::Batch batch;
  Result<Done> done = tables::parse (boxes, stbl.position,
      track.sample_entries.size (), context.chunks_left, *context.box, batch);
  if (!done) return done;
  context.chunks_left -= batch.runs.size ();
  if (batch.runs.empty ()) return Done{};
  movie.has_tables = true;
  batch.box = context.box;
  auxiliary::Boxes found = auxiliary::find (boxes);
  auxiliary::Entries entries{track.sample_entries, &track.descriptions, nullptr,
      auxiliary::find_sbgp (boxes), found.senc};
  done = auxiliary::set_treatments (entries, batch);
  if (!done) return done;
  Result<bool> differs = auxiliary::resolve (found,
      {context.position, context.moov.size (), stbl.position,
          {std::uint64_t{0}}, context.auxiliary_left},
      batch);
  if (!differs) return differs.error ();
  if (*differs) movie.differences++;
  movie.clear_samples += auxiliary::finish (batch);
  movie.batches.push_back (std::move (batch));
  return Done{};
}

Result<Done> parse_stbl (
    const Box &stbl, Track &track, Context &context, Movie &movie)
{
  Result<std::vector<Box>> boxes = bmff::children (stbl);
  if (!boxes) return boxes.error ();
  Result<const Box *> stsd = require (*boxes, type ("stsd"), stbl.position);
  if (!stsd) return stsd.error ();
  Result<Done> parsed = parse_stsd (**stsd, track, movie);
  if (!parsed || !track.has_encryption ()) return parsed;

  for (const Box &box : *boxes) {
    if (protection::is_about_encryption (box))
      movie.renames.push_back ({box.position, type ("free")});
    if (!protection::is_seig (box)) continue;
    if (box.box_type == type ("csgp"))
      return failure (Error::unsupported_sample_group, box.position);
    if (box.box_type != type ("sgpd") || !track.descriptions.entries.empty ())
      continue;
    Result<protection::Descriptions> descriptions =
        protection::parse_sgpd (box);
    if (!descriptions) return descriptions.error ();
    track.descriptions = *std::move (descriptions);
  }
  return parse_samples (stbl, *boxes, track, context, movie);
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

Result<Done> parse_trak (const Box &trak, Context &context, Movie &movie)
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
  Result<Done> parsed = parse_stbl (**stbl, track, context, movie);
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

Result<Movie> parse (bmff::Bytes moov, std::uint64_t position)
{
  Result<std::optional<bmff::Header>> header = bmff::parse_header (moov);
  if (!header) return header.error ();
  if (!*header) return failure (Error::truncated);
  std::size_t header_size = (*header)->header_size;
  Result<std::vector<Box>> boxes =
      bmff::children (moov.subspan (header_size), header_size);
  if (!boxes) return boxes.error ();

  Movie movie;
  Context context{.moov = moov, .position = position, .box = {}};
  for (const Box &box : *boxes) {
    if (box.box_type != type ("trak")) continue;
    Result<Done> parsed = parse_trak (box, context, movie);
    if (!parsed) return parsed.error ();
  }
  for (const Box &box : *boxes) {
    if (protection::is_pssh (box)) {
      movie.renames.push_back ({box.position, type ("free")});
      movie.psshs.push_back (protection::copy_pssh (box));
    }
    if (box.box_type != type ("mvex")) continue;
    Result<Done> parsed = parse_mvex (box, movie);
    if (!parsed) return parsed.error ();
  }
  // Nothing in a clear file is changed.
  if (!movie.has_encryption ()) {
    movie.renames.clear ();
    movie.psshs.clear ();
  }
  return movie;
}

}  // namespace movie

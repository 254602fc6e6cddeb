// SPDX-License-Identifier: LGPL-2.1-or-later
#include "auxiliary.h"

#include <algorithm>
#include <map>

namespace auxiliary {
namespace {

using bmff::Box;
using bmff::Bytes;
using bmff::end_of_positions;
using bmff::Error;
using bmff::Reader;
using bmff::type;
using protection::Encryption;
using relay::Done;
using relay::failure;
using samples::Auxiliary;
using samples::Batch;
using samples::Cursor;
using samples::Run;
using samples::Stretch;

constexpr std::size_t most_treatments = std::size_t{1} << 16;

bool is_protected (const samples::Treatment *treatment)
{
  return treatment != nullptr && treatment->encryption.is_protected;
}

// Calls see (stretch) for each until it returns false.
template <class See>
void each_stretch (const Batch &batch, const Run &run, See see)
{
  std::size_t hint = samples::hint_for (batch, run.first);
  for (std::uint32_t done = 0; done < run.count;) {
    Stretch stretch = samples::stretch_at (batch, run, run.first + done, hint);
    if (!see (stretch)) return;
    done += stretch.count;
  }
}

struct Totals
{
  std::uint64_t all = 0;
  std::uint64_t clear = 0;
  bool all_constant = true;  // the protected ones have constant IVs
};

Totals count (const Batch &batch)
{
  Totals totals;
  for (const Run &run : batch.runs) {
    totals.all += run.count;
    each_stretch (batch, run, [&] (const Stretch &stretch) {
      if (!is_protected (stretch.treatment))
        totals.clear += stretch.count;
      else if (!stretch.treatment->encryption.constant_iv)
        totals.all_constant = false;
      return true;
    });
  }
  return totals;
}

// Whether what is read fits the samples, or only its own box.
enum class Fit
{
  sums,
  structure
};

// 23001-7 7.1: the ranges of a sample are all of it.
bool adds_up (const samples::Sample &sample)
{
  if (!sample.subsamples || sample.subsamples->empty ()) return true;
  std::uint64_t sum = 0;
  for (Reader reader (*sample.subsamples); reader.left () > 0;) {
    sum += reader.u16 ();
    sum += reader.u32 ();
  }
  return sum == sample.size;
}

// The entries of a run one after the other, as far as there are any.
Result<std::size_t> walk (
    const Batch &batch, const Run &run, std::size_t at, Fit &fit)
{
  Cursor cursor (batch, run, *batch.box, at);
  while (true) {
    Result<const samples::Sample *> sample = cursor.next ();
    if (!sample) return sample.error ();
    if (*sample == nullptr) return cursor.auxiliary_end ();
    if (!adds_up (**sample)) fit = Fit::structure;
  }
}

// What a run takes in a senc without subsamples: no entry is looked at, for
// there may be many of no byte.
std::uint64_t plain_size (const Batch &batch, const Run &run)
{
  std::uint64_t size = 0;
  each_stretch (batch, run, [&] (const Stretch &stretch) {
    bool has_entries =
        is_protected (stretch.treatment) ||
        (batch.auxiliary.clear_have_entries && stretch.treatment != nullptr);
    if (has_entries)
      size += std::uint64_t{stretch.count} *
              stretch.treatment->encryption.per_sample_iv_size;
    return true;
  });
  return size;
}

// 23001-7 7.2
Result<Fit> try_senc (const protection::SampleEncryption &senc, Batch &batch)
{
  Fit fit = Fit::sums;
  std::size_t at = senc.entries_at;
  for (Run &run : batch.runs) {
    run.auxiliary_at = at;
    std::uint64_t left = senc.end - at;
    if (senc.has_subsamples) {
      Result<std::size_t> end = walk (batch, run, at, fit);
      if (!end) return end.error ();
      if (*end > senc.end)
        return failure (Error::auxiliary_information_size, at);
      at = *end;
    } else {
      std::uint64_t size = plain_size (batch, run);
      if (size > left) return failure (Error::auxiliary_information_size, at);
      at += static_cast<std::size_t> (size);
    }
  }
  if (at != senc.end) return failure (Error::auxiliary_information_size, at);
  return fit;
}

// Has an entry for each sample or for each protected one; and clear ones may
// have one without a byte.
Result<Fit> read_senc (const Box &box, const Totals &totals, Batch &batch)
{
  Result<protection::SampleEncryption> senc = protection::parse_senc (box);
  if (!senc) return senc.error ();
  if (senc->count != totals.all && senc->count != totals.all - totals.clear)
    return failure (Error::auxiliary_information_size, box.position);
  batch.auxiliary = {};
  batch.auxiliary.kind = Auxiliary::Kind::senc;
  batch.auxiliary.has_subsamples = senc->has_subsamples;
  batch.auxiliary.clear_have_entries = senc->count == totals.all;
  Result<Fit> fit = try_senc (*senc, batch);
  if (fit || totals.clear == 0 || !batch.auxiliary.clear_have_entries)
    return fit;
  batch.auxiliary.clear_have_entries = false;
  return try_senc (*senc, batch);
}

// saiz and saio: 14496-12 8.7.8 and 8.7.9. Both begin alike.
Reader open (const Box &box, std::uint8_t &version)
{
  Reader reader = box.reader ();
  bmff::Version full = bmff::read_version (reader);
  version = full.version;
  if ((full.flags & 1) != 0) reader.skip (8);  // the type and its parameter
  return reader;
}

Result<Auxiliary> open_saiz (const Box &saiz)
{
  std::uint8_t version = 0;
  Reader reader = open (saiz, version);
  Auxiliary out;
  out.kind = Auxiliary::Kind::saiz;
  out.default_size = reader.u8 ();
  out.count = reader.u32 ();
  out.sizes_at = reader.position ();
  bool is_cut = out.default_size == 0 && out.count > reader.left ();
  if (!reader.ok () || is_cut) return failure (Error::truncated, saiz.position);
  return out;
}

// No sample, or only samples without a byte of auxiliary information.
bool says_nothing (const Box &saiz, const Batch &batch)
{
  Result<Auxiliary> sizes = open_saiz (saiz);
  if (!sizes) return false;
  if (sizes->count == 0) return true;
  if (sizes->default_size != 0) return false;
  Bytes list = Bytes (*batch.box).subspan (sizes->sizes_at, sizes->count);
  return std::all_of (
      list.begin (), list.end (), [] (std::uint8_t size) { return size == 0; });
}

// Sets where the auxiliary information of each run is in the resource: one
// offset for all runs, or one for each.
Result<Done> read_saio (const Box &saio, std::uint64_t base, Batch &batch)
{
  std::uint8_t version = 0;
  Reader offsets = open (saio, version);
  std::uint32_t count = offsets.u32 ();
  if (!offsets.ok ()) return failure (Error::truncated, saio.position);
  if (count != 1 && count != batch.runs.size ())
    return failure (Error::bad_value, saio.position);
  std::uint64_t at = 0;
  for (std::size_t i = 0; i < batch.runs.size (); i++) {
    if (i < count) {
      std::uint64_t offset = version == 0 ? offsets.u32 () : offsets.u64 ();
      if (!offsets.ok ()) return failure (Error::truncated, saio.position);
      if (offset > end_of_positions)
        return failure (Error::auxiliary_information_outside, saio.position);
      at = base + offset;
    }
    batch.runs[i].auxiliary_at = at;
    at += batch.saiz_extent (batch.runs[i]);
    if (at > end_of_positions)
      return failure (Error::auxiliary_information_outside, saio.position);
  }
  return Done{};
}

// Samples behind the last size have none, for which a constant IV will do.
Result<Done> check_rest (const Batch &batch, std::size_t position)
{
  std::uint32_t sized = batch.auxiliary.count;
  for (const Run &run : batch.runs) {
    if (run.count <= sized && run.first <= sized - run.count) continue;
    Run rest = run;
    rest.first = std::max (run.first, sized);
    rest.count = run.first + run.count - rest.first;
    bool is_right = true;
    each_stretch (batch, rest, [&] (const Stretch &stretch) {
      is_right = !is_protected (stretch.treatment) ||
                 stretch.treatment->encryption.constant_iv;
      return is_right;
    });
    if (!is_right) return failure (Error::auxiliary_information_size, position);
  }
  return Done{};
}

Result<Fit> try_saiz (
    const Boxes &boxes, const Place &place, std::uint64_t base, Batch &batch)
{
  Result<Auxiliary> sizes = open_saiz (*boxes.saiz);
  if (!sizes) return sizes.error ();
  std::uint64_t all = 0;
  for (const Run &run : batch.runs) all += run.count;
  if (sizes->count > all)
    return failure (Error::auxiliary_information_size, boxes.saiz->position);
  batch.auxiliary = *sizes;
  Result<Done> done = check_rest (batch, boxes.saiz->position);
  if (!done) return done.error ();
  done = read_saio (*boxes.saio, base, batch);
  if (!done) return done.error ();

  std::uint64_t box_end = place.box_position + place.box_size;
  std::size_t in_box = 0, in_resource = 0;
  std::uint64_t total = 0;
  for (const Run &run : batch.runs) {
    std::uint64_t size = batch.saiz_extent (run);
    if (size == 0) continue;
    bool is_behind = run.auxiliary_at >= box_end;
    bool is_inside = run.auxiliary_at >= place.box_position &&
                     run.auxiliary_at + size <= box_end;
    if (is_behind) in_resource++;
    if (is_inside) in_box++;
    if ((!is_behind && !is_inside) || (in_box > 0 && in_resource > 0))
      return failure (
          Error::auxiliary_information_outside, boxes.saio->position);
    total += size;
  }
  if (in_resource > 0) {
    batch.auxiliary.is_in_resource = true;
    return Fit::structure;  // as far as can be told
  }
  if (total > place.left)
    return failure (Error::too_many_samples, boxes.saiz->position);
  place.left -= total;
  Fit fit = Fit::sums;
  for (Run &run : batch.runs) {
    if (batch.saiz_extent (run) == 0) {
      run.auxiliary_at = 0;
      continue;
    }
    run.auxiliary_at -= place.box_position;
    Run sized = run;
    sized.count = std::min (run.count, sizes->count - run.first);
    Result<std::size_t> end =
        walk (batch, sized, static_cast<std::size_t> (run.auxiliary_at), fit);
    if (!end) return end.error ();
  }
  return fit;
}

// Whether saiz and saio tell of the entries of senc, as far as can be told
// here.
bool agrees (const Boxes &boxes, const Place &place)
{
  if (boxes.saiz == nullptr || boxes.saio == nullptr) return true;
  Result<protection::SampleEncryption> senc =
      protection::parse_senc (*boxes.senc);
  Result<Auxiliary> sizes = open_saiz (*boxes.saiz);
  if (!senc || !sizes) return false;
  std::uint64_t size = std::uint64_t{sizes->default_size} * sizes->count;
  if (sizes->default_size == 0)
    for (Reader reader (boxes.saiz->body.subspan (
             sizes->sizes_at - boxes.saiz->body_position, sizes->count));
         reader.left () > 0;)
      size += reader.u8 ();
  std::uint8_t version = 0;
  Reader offsets = open (*boxes.saio, version);
  if (offsets.u32 () == 0) return size == 0;
  std::uint64_t offset = version == 0 ? offsets.u32 () : offsets.u64 ();
  if (!offsets.ok () || offset > end_of_positions) return false;
  bool is_there = std::any_of (
      place.bases.begin (), place.bases.end (), [&] (std::uint64_t base) {
        // What is behind the box may be a copy.
        return base + offset == place.box_position + senc->entries_at ||
               base + offset >= place.box_position + place.box_size;
      });
  return is_there && size == senc->end - senc->entries_at;
}

struct Found
{
  Auxiliary auxiliary;
  std::vector<std::uint64_t> places;  // of the runs
};

Found save (const Batch &batch)
{
  Found out{batch.auxiliary, {}};
  for (const Run &run : batch.runs) out.places.push_back (run.auxiliary_at);
  return out;
}

void restore (const Found &found, Batch &batch)
{
  batch.auxiliary = found.auxiliary;
  for (std::size_t i = 0; i < found.places.size (); i++)
    batch.runs[i].auxiliary_at = found.places[i];
}

}  // namespace

const Box *find_sbgp (const std::vector<Box> &boxes)
{
  for (const Box &box : boxes)
    if (box.box_type == type ("sbgp") && protection::is_seig (box)) return &box;
  return nullptr;
}

Boxes find (const std::vector<Box> &boxes)
{
  Boxes out;
  for (const Box &box : boxes) {
    if (!protection::is_about_encryption (box)) continue;
    const Box **place = box.box_type == type ("senc")   ? &out.senc
                        : box.box_type == type ("saiz") ? &out.saiz
                        : box.box_type == type ("saio") ? &out.saio
                                                        : nullptr;
    if (place != nullptr && *place == nullptr) *place = &box;
  }
  if (out.senc == nullptr)
    for (const Box &box : boxes)
      if (out.senc == nullptr && protection::is_piff_senc (box))
        out.senc = &box;
  return out;
}

namespace {

// The groups of sbgp, and the default one, become those in use, from 1 on.
class Groups
{
public:
  Groups (const Entries &entries, Batch &batch)
      : entries_ (entries), batch_ (batch)
  {
  }

  Result<std::vector<const Encryption *>> read ()
  {
    Result<Done> done = read_default ();
    if (done && entries_.sbgp != nullptr) done = read_sbgp ();
    if (!done) return done.error ();
    return used_;
  }

private:
  Result<Done> read_default ()
  {
    for (const protection::Descriptions *one :
        {entries_.fragment, entries_.track}) {
      if (one == nullptr || one->default_index == 0) continue;
      batch_.default_group = use (one->entries[one->default_index - 1]);
      break;
    }
    return Done{};
  }

  Result<Done> read_sbgp ()
  {
    Result<std::vector<protection::Interval>> read =
        protection::parse_sbgp (*entries_.sbgp);
    if (!read) return read.error ();
    for (protection::Interval &interval : *read) {
      if (interval.group == 0) continue;
      const Encryption *description = find (interval.group);
      if (description == nullptr)
        return failure (Error::no_such_sample_group, entries_.sbgp->position);
      interval.group = use (*description);
    }
    batch_.groups = *std::move (read);
    return Done{};
  }

  // 14496-12 8.9.4: in a fragment numbers from 0x10001 on are those of its own
  // descriptions. Found without the 0x10000 where the track has none.
  [[nodiscard]] const Encryption *find (std::uint32_t index) const
  {
    constexpr std::uint32_t of_fragment = 0x10000;
    auto at = [] (const protection::Descriptions *all,
                  std::uint32_t number) -> const Encryption * {
      if (all == nullptr || number == 0 || number > all->entries.size ())
        return nullptr;
      return &all->entries[number - 1];
    };
    if (index > of_fragment) return at (entries_.fragment, index - of_fragment);
    bool has_track =
        entries_.track != nullptr && !entries_.track->entries.empty ();
    return at (has_track ? entries_.track : entries_.fragment, index);
  }

  std::uint32_t use (const Encryption &description)
  {
    auto known = numbers_.find (&description);
    if (known != numbers_.end ()) return known->second;
    used_.push_back (&description);
    auto number = static_cast<std::uint32_t> (used_.size ());
    numbers_.emplace (&description, number);
    return number;
  }

  const Entries &entries_;
  Batch &batch_;
  std::vector<const Encryption *> used_;
  std::map<const Encryption *, std::uint32_t> numbers_;
};

}  // namespace

Result<Done> set_treatments (const Entries &entries, Batch &batch)
{
  Result<std::vector<const Encryption *>> groups =
      Groups (entries, batch).read ();
  if (!groups) return groups.error ();
  std::optional<Encryption> instead;
  if (entries.senc != nullptr) {
    Result<protection::SampleEncryption> senc =
        protection::parse_senc (*entries.senc);
    if (senc) instead = senc->instead;
  }
  std::map<std::uint32_t, std::uint32_t> made;  // by the sample entry
  for (Run &run : batch.runs) {
    std::uint32_t index = run.treatment;
    const std::optional<Encryption> &entry = entries.sample_entries[index];
    run.treatment = samples::clear_entry;
    if (!entry) continue;
    auto known = made.find (index);
    if (known == made.end ()) {
      if (batch.treatments.size () + groups->size () >= most_treatments)
        return failure (Error::too_many_entries);
      known = made.emplace (index,
                      static_cast<std::uint32_t> (batch.treatments.size ()))
                  .first;
      batch.treatments.push_back ({instead.value_or (*entry)});
      for (const Encryption *group : *groups) {
        batch.treatments.push_back ({*group});
        batch.treatments.back ().encryption.scheme = entry->scheme;
      }
    }
    run.treatment = known->second;
  }
  return Done{};
}

Result<bool> resolve (const Boxes &boxes, const Place &place, Batch &batch)
{
  Totals totals = count (batch);
  if (totals.all == totals.clear) return false;
  relay::Failure<Error> wrong =
      failure (Error::no_auxiliary_information, place.position);
  std::optional<Found> second_best;
  if (boxes.senc != nullptr) {
    Result<Fit> fit = read_senc (*boxes.senc, totals, batch);
    if (fit && *fit == Fit::sums) return !agrees (boxes, place);
    if (fit)
      second_best = save (batch);
    else
      wrong = fit.error ();
  }
  bool has_saiz = boxes.saiz != nullptr && !says_nothing (*boxes.saiz, batch);
  if (has_saiz && boxes.saio != nullptr) {
    std::uint64_t previous = UINT64_MAX;
    bool is_first_error = boxes.senc == nullptr;
    for (std::uint64_t base : place.bases) {
      if (base == previous) continue;
      previous = base;
      Result<Fit> fit = try_saiz (boxes, place, base, batch);
      if (fit && *fit == Fit::sums) return boxes.senc != nullptr;
      if (fit && !second_best) second_best = save (batch);
      if (!fit && is_first_error) wrong = fit.error ();
      is_first_error = false;
    }
  }
  if (second_best) {
    restore (*second_best, batch);
    return boxes.senc != nullptr && boxes.saiz != nullptr;
  }
  // With a constant IV there may be nothing to say (CMAF recommends it): every
  // sample is as tenc has it. A senc without entries says no more, nor does a
  // saiz without sizes, wherever saio leads (14496-12 8.7.8: a size of 0 is a
  // sample without auxiliary information).
  bool nothing_said = !has_saiz;
  if (boxes.senc != nullptr) {
    Result<protection::SampleEncryption> senc =
        protection::parse_senc (*boxes.senc);
    nothing_said = nothing_said && senc && senc->count == 0 &&
                   senc->entries_at == senc->end;
  }
  if (!totals.all_constant || !nothing_said) return wrong;
  batch.auxiliary = {};
  return false;
}

std::uint64_t finish (Batch &batch)
{
  std::uint64_t clear = count (batch).clear;
  std::erase_if (batch.runs, [&] (const Run &run) {
    if (run.position == run.end) return true;
    bool is_clear = true;
    each_stretch (batch, run, [&] (const Stretch &stretch) {
      if (!is_protected (stretch.treatment)) return true;
      is_clear = false;
      // The batch's own, which this function may change.
      batch
          .treatments[static_cast<std::size_t> (
              stretch.treatment - batch.treatments.data ())]
          .is_used = true;
      return true;
    });
    return is_clear;
  });
  std::stable_sort (batch.runs.begin (), batch.runs.end (),
      [] (const Run &a, const Run &b) { return a.position < b.position; });
  return clear;
}

}  // namespace auxiliary

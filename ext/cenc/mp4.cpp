// SPDX-License-Identifier: LGPL-2.1-or-later
#include "mp4.h"

#include <algorithm>
#include <limits>

namespace mp4 {
namespace {

using bmff::type;
using relay::Done;

relay::Failure<Error> failure (bmff::Error error, std::uint64_t position)
{
  return {error, static_cast<std::size_t> (position)};
}

relay::Failure<Error> failure (cenc::Error error, std::uint64_t position)
{
  return {error, static_cast<std::size_t> (position)};
}

// Where a box without an end ends.
constexpr std::uint64_t never = std::numeric_limits<std::uint64_t>::max ();

// What a resource may begin with. Anything else is no MP4, or the middle of a
// box: read as a box, ciphertext could pass for one that nobody looks into.
bool may_be_first (bmff::Type box_type)
{
  static constexpr bmff::Type types[] = {type ("ftyp"), type ("styp"),
      type ("moov"), type ("moof"), type ("mdat"), type ("sidx"), type ("ssix"),
      type ("prft"), type ("emsg"), type ("pdin"), type ("free"), type ("skip"),
      type ("wide"), type ("uuid"), type ("meta"), type ("mfra"), type ("udta"),
      type ("pnot")};
  return std::find (std::begin (types), std::end (types), box_type) !=
         std::end (types);
}

}  // namespace

const char *to_string (const Error &error)
{
  return std::visit ([] (auto code) { return to_string (code); }, error);
}

void Rewriter::expect (Unit unit, std::size_t size)
{
  unit_ = unit;
  unit_size_ = size;
}

void Rewriter::restart (std::uint64_t position)
{
  position_ = position;
  held_.clear ();
  held_at_ = 0;
  pass_ = 0;
  expect (Unit::header, bmff::shortest_header);
  box_end_ = 0;
  is_fresh_ = true;
  has_samples_ = false;
  samples_.clear ();
}

bool Rewriter::at_boundary () const
{
  bool to_the_end = box_end_ == never;
  bool between = pass_ == 0 && unit_ == Unit::header && box_end_ == 0;
  return held ().empty () && samples_.empty () && (between || to_the_end);
}

void Rewriter::finish (std::vector<std::uint8_t> &out)
{
  bool between = pass_ == 0 && unit_ == Unit::header && box_end_ == 0;
  Bytes rest = held ();
  if (is_fresh_ || !between || !samples_.empty () ||
      rest.size () >= bmff::shortest_header ||
      std::any_of (rest.begin (), rest.end (),
          [] (std::uint8_t byte) { return byte != 0; }))
    return;
  out.insert (out.end (), rest.begin (), rest.end ());
  position_ += rest.size ();
  use_held (rest.size ());
}

void Rewriter::use_held (std::size_t size)
{
  held_at_ += size;
  if (held_at_ < held_.size ()) return;
  held_at_ = 0;
  // What was needed once for a large unit is not kept for small ones.
  constexpr std::size_t most_kept = std::size_t{4} << 20;
  if (held_.capacity () > most_kept)
    held_ = {};
  else
    held_.clear ();
}

// Takes from in what the unit lacks; false when that is not all.
bool Rewriter::fill_held (Bytes &in)
{
  if (held ().size () >= unit_size_) return true;
  if (held_at_ > 0) {
    held_.erase (held_.begin (),
        held_.begin () + static_cast<std::ptrdiff_t> (held_at_));
    held_at_ = 0;
  }
  std::size_t n = std::min (in.size (), unit_size_ - held_.size ());
  held_.insert (
      held_.end (), in.begin (), in.begin () + static_cast<std::ptrdiff_t> (n));
  in = in.subspan (n);
  return held_.size () == unit_size_;
}

Result<Done> Rewriter::push (Bytes in, std::vector<std::uint8_t> &out)
{
  while (true) {
    if (pass_ > 0) {
      bool is_held = !held ().empty ();
      Bytes from = is_held ? held () : in;
      from = from.first (static_cast<std::size_t> (
          std::min<std::uint64_t> (pass_, from.size ())));
      if (from.empty ()) return Done{};
      out.insert (out.end (), from.begin (), from.end ());
      position_ += from.size ();
      pass_ -= from.size ();
      if (is_held)
        use_held (from.size ());
      else
        in = in.subspan (from.size ());
      if (pass_ > 0) continue;
      Result<Done> chosen = choose_next ();
      if (!chosen) return chosen;
      continue;
    }
    // A unit is looked at where it lies, and held only if it came in pieces.
    bool is_held = !held ().empty () || in.size () < unit_size_;
    if (is_held && !fill_held (in)) return Done{};
    std::size_t size = unit_size_;
    Result<bool> taken =
        take (is_held ? held ().first (size) : in.first (size), out);
    if (!taken) return taken.error ();
    if (!*taken) continue;  // other bytes are looked at next
    if (is_held)
      use_held (size);
    else
      in = in.subspan (size);
    position_ += size;
    Result<Done> chosen = choose_next ();
    if (!chosen) return chosen;
  }
}

// After something has left: is it more of this box, or the next one?
Result<Done> Rewriter::choose_next ()
{
  if (pass_ > 0) return Done{};
  bmff::Result<samples::Queue::Step> next = samples_.next ();
  if (!next) return failure (next.code (), position_);
  step_ = *next;
  if (position_ >= box_end_) {
    box_end_ = 0;
    expect (Unit::header, bmff::shortest_header);
    return Done{};
  }
  using Kind = samples::Queue::Step::Kind;
  std::uint64_t stop =
      step_.kind == Kind::nothing ? box_end_ : std::min (step_.from, box_end_);
  if (step_.kind == Kind::auxiliary && step_.position < position_)
    return failure (bmff::Error::auxiliary_information_outside, step_.position);
  if (step_.kind != Kind::nothing && step_.from < position_)
    return failure (bmff::Error::sample_outside_media, step_.from);
  if (stop > position_) {
    pass_ = stop - position_;
    return Done{};
  }
  if (step_.kind == Kind::auxiliary) {
    std::uint64_t size = step_.position + step_.size - position_;
    if (size > most_held)
      return failure (bmff::Error::auxiliary_information_late, step_.position);
    expect (Unit::auxiliary, static_cast<std::size_t> (size));
    return Done{};
  }
  if (!is_media_ || step_.size > box_end_ - position_)
    return failure (bmff::Error::sample_outside_media, step_.position);
  if (step_.size > most_held)
    return failure (bmff::Error::sample_too_large, step_.position);
  expect (Unit::sample, static_cast<std::size_t> (step_.size));
  return Done{};
}

Result<bool> Rewriter::take (Bytes unit, std::vector<std::uint8_t> &out)
{
  if (unit_ == Unit::header) return take_header (unit, out);
  if (unit_ == Unit::auxiliary) {
    bmff::Result<Done> given = samples_.give (
        unit.subspan (static_cast<std::size_t> (step_.position - position_)));
    if (!given) return failure (given.code (), position_);
    Result<Done> chosen = choose_next ();
    if (!chosen) return chosen.error ();
    return false;
  }
  Result<Done> taken = unit_ == Unit::movie      ? take_movie (unit, out)
                       : unit_ == Unit::fragment ? take_fragment (unit, out)
                                                 : take_sample (unit, out);
  if (!taken) return taken.error ();
  return true;
}

Result<bool> Rewriter::take_header (Bytes unit, std::vector<std::uint8_t> &out)
{
  bmff::Result<std::optional<bmff::Header>> parsed = bmff::parse_header (unit);
  if (!parsed) return failure (parsed.code (), position_);
  if (!*parsed) {
    unit_size_ = bmff::longest_header;
    return false;
  }
  const bmff::Header &header = **parsed;
  if (is_fresh_ && !may_be_first (header.box_type))
    return failure (bmff::Error::no_box_here, position_);
  bool is_moov = header.box_type == type ("moov");
  bool is_moof = header.box_type == type ("moof");
  if (is_moov || is_moof) {
    if (header.size == 0)
      return failure (bmff::Error::box_unbounded, position_);
    if (header.size > most_held)
      return failure (bmff::Error::box_too_large, position_);
    if (is_moof && !movie_)
      return failure (bmff::Error::fragment_before_movie, position_);
    expect (is_moov ? Unit::movie : Unit::fragment,
        static_cast<std::size_t> (header.size));
    is_fresh_ = false;
    return false;
  }
  std::uint64_t end = header.size == 0 ? never : position_ + header.size;
  is_media_ = header.box_type == type ("mdat");
  if (is_media_) {
    // Whether it is encrypted, and where, must be known before it comes.
    if (!movie_) return failure (bmff::Error::media_before_movie, position_);
    if (movie_->has_encryption () && !has_samples_)
      return failure (bmff::Error::media_without_fragment, position_);
  } else {
    std::optional<std::uint64_t> first = samples_.first ();
    if (first && *first < end)
      return failure (bmff::Error::sample_outside_media, *first);
  }
  box_end_ = end;
  is_fresh_ = false;
  out.insert (out.end (), unit.begin (), unit.end ());
  return true;
}

Result<Done> Rewriter::take_movie (Bytes unit, std::vector<std::uint8_t> &out)
{
  bmff::Result<movie::Movie> movie = movie::parse (unit, position_);
  if (!movie) return failure (movie.code (), position_ + movie.position ());
  // What waits for the media of the movie before it waits in vain.
  samples_.clear ();
  has_samples_ = movie->has_tables;
  Result<Done> added = add (std::move (movie->batches));
  if (!added) return added;
  counters_.samples_clear += movie->clear_samples;
  counters_.auxiliary_wrong += movie->differences;
  movie_ = *std::move (movie);
  movie_->batches.clear ();
  std::size_t start = out.size ();
  out.insert (out.end (), unit.begin (), unit.end ());
  bmff::apply (movie_->renames, std::span (out).subspan (start));
  return Done{};
}

Result<Done> Rewriter::take_fragment (
    Bytes unit, std::vector<std::uint8_t> &out)
{
  counters_.fragments++;
  has_samples_ = true;
  std::size_t start = out.size ();
  if (!movie_->has_encryption ()) {
    out.insert (out.end (), unit.begin (), unit.end ());
    return Done{};
  }
  bmff::Result<fragment::Fragment> fragment =
      fragment::parse (unit, position_, *movie_);
  if (!fragment)
    return failure (fragment.code (), position_ + fragment.position ());
  Result<Done> added = add (std::move (fragment->batches));
  if (!added) return added;
  counters_.samples_clear += fragment->clear_samples;
  counters_.auxiliary_wrong += fragment->differences;
  out.insert (out.end (), unit.begin (), unit.end ());
  bmff::apply (fragment->renames, std::span (out).subspan (start));
  return Done{};
}

// Those that samples need, before a byte of the box leaves.
Result<Done> Rewriter::open_keys (samples::Batch &batch)
{
  for (samples::Treatment &treatment : batch.treatments) {
    const protection::Encryption &encryption = treatment.encryption;
    if (!treatment.is_used || !encryption.is_protected) continue;
    cenc::Result<cenc::Decryptor *> found =
        decryptors_.find (encryption.scheme, encryption.kid);
    if (!found) {
      missing_key_ = encryption.kid;
      return failure (found.code (), position_);
    }
    treatment.decryptor = *found;
  }
  return Done{};
}

// To those of earlier fragments whose media has not come yet. A file may have
// many such fragments, in any order.
Result<Done> Rewriter::add (std::vector<samples::Batch> batches)
{
  for (samples::Batch &batch : batches) {
    Result<Done> opened = open_keys (batch);
    if (!opened) return opened;
    bmff::Result<Done> added = samples_.add (std::move (batch));
    if (!added) return failure (added.code (), position_);
  }
  return Done{};
}

Result<Done> Rewriter::take_sample (Bytes unit, std::vector<std::uint8_t> &out)
{
  const samples::Sample &sample = samples_.sample ();
  cenc::Sample what{
      sample.iv, sample.treatment->encryption.pattern, sample.subsamples};
  std::size_t start = out.size ();
  // Where most of it stays as it is, all of it is copied at once.
  bool is_copied = what.pattern.skip_byte_block != 0;
  if (is_copied)
    out.insert (out.end (), unit.begin (), unit.end ());
  else
    out.resize (start + unit.size ());
  std::span<std::uint8_t> place = std::span (out).subspan (start);
  cenc::Result<Done> decrypted = sample.treatment->decryptor->decrypt (
      what, is_copied ? Bytes (place) : unit, place);
  if (!decrypted) {
    out.resize (start);
    return failure (decrypted.code (), position_ + decrypted.position ());
  }
  counters_.samples_decrypted++;
  counters_.bytes_decrypted += unit.size ();
  samples_.pop ();
  return Done{};
}

}  // namespace mp4

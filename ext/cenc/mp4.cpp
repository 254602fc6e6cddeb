// SPDX-License-Identifier: LGPL-2.1-or-later
#include "mp4.h"

#include <algorithm>
#include <iterator>
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
  pass_ = 0;
  expect (Unit::header, bmff::shortest_header);
  media_end_ = 0;
  is_fresh_ = true;
  has_fragment_ = false;
  samples_.clear ();
  subsamples_.clear ();
  sources_.clear ();
}

bool Rewriter::at_boundary () const
{
  constexpr std::uint64_t never = std::numeric_limits<std::uint64_t>::max ();
  bool to_the_end = media_end_ == never || pass_ > never / 2;
  bool between = pass_ == 0 && unit_ == Unit::header && media_end_ == 0;
  return held_.empty () && samples_.empty () && (between || to_the_end);
}

void Rewriter::finish (std::vector<std::uint8_t> &out)
{
  bool between = pass_ == 0 && unit_ == Unit::header && media_end_ == 0;
  if (is_fresh_ || !between || !samples_.empty () ||
      held_.size () >= bmff::shortest_header ||
      std::any_of (held_.begin (), held_.end (),
          [] (std::uint8_t byte) { return byte != 0; }))
    return;
  out.insert (out.end (), held_.begin (), held_.end ());
  position_ += held_.size ();
  held_.clear ();
}

Result<Done> Rewriter::push (Bytes in, std::vector<std::uint8_t> &out)
{
  while (true) {
    if (pass_ > 0) {
      auto n = static_cast<std::size_t> (
          std::min<std::uint64_t> (pass_, in.size ()));
      out.insert (out.end (), in.begin (),
          in.begin () + static_cast<std::ptrdiff_t> (n));
      in = in.subspan (n);
      position_ += n;
      pass_ -= n;
      if (pass_ > 0) return Done{};
      Result<Done> chosen = choose_next ();
      if (!chosen) return chosen;
      continue;
    }
    // A unit is looked at where it lies, and held only if it came in pieces.
    bool is_held = !held_.empty () || in.size () < unit_size_;
    if (is_held) {
      std::size_t n = std::min (in.size (), unit_size_ - held_.size ());
      held_.insert (held_.end (), in.begin (),
          in.begin () + static_cast<std::ptrdiff_t> (n));
      in = in.subspan (n);
      if (held_.size () < unit_size_) return Done{};
    }
    std::size_t size = unit_size_;
    Result<bool> taken =
        take (is_held ? Bytes (held_) : in.first (unit_size_), out);
    if (!taken) return taken.error ();
    if (!*taken) continue;  // the unit turned out to be longer
    if (is_held)
      held_.clear ();
    else
      in = in.subspan (size);
    position_ += size;
    Result<Done> chosen = choose_next ();
    if (!chosen) return chosen;
  }
}

// After something has left: is it more of this mdat, or the next box?
Result<Done> Rewriter::choose_next ()
{
  if (pass_ > 0) return Done{};
  const fragment::Sample *sample =
      samples_.empty () ? nullptr : &samples_.begin ()->second;
  if (sample != nullptr && sample->position < position_)
    return failure (bmff::Error::sample_outside_media, sample->position);
  if (position_ >= media_end_) {
    media_end_ = 0;
    expect (Unit::header, bmff::shortest_header);
    return Done{};
  }
  if (sample == nullptr || sample->position >= media_end_) {
    pass_ = media_end_ - position_;
  } else if (sample->position > position_) {
    pass_ = sample->position - position_;
  } else if (sample->size > media_end_ - position_) {
    return failure (bmff::Error::sample_outside_media, sample->position);
  } else if (sample->size > most_held) {
    return failure (bmff::Error::sample_too_large, sample->position);
  } else {
    expect (Unit::sample, sample->size);
  }
  return Done{};
}

Result<bool> Rewriter::take (Bytes unit, std::vector<std::uint8_t> &out)
{
  if (unit_ == Unit::header) return take_header (unit, out);
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
  std::uint64_t end = header.size == 0
                          ? std::numeric_limits<std::uint64_t>::max ()
                          : position_ + header.size;
  if (header.box_type == type ("mdat")) {
    // Whether it is encrypted, and where, must be known before it comes.
    if (!movie_) return failure (bmff::Error::media_before_movie, position_);
    if (movie_->has_encryption () && !has_fragment_)
      return failure (bmff::Error::media_without_fragment, position_);
    media_end_ = end;
  } else {
    if (!samples_.empty () && samples_.begin ()->first < end)
      return failure (
          bmff::Error::sample_outside_media, samples_.begin ()->first);
    pass_ = end - position_ - header.header_size;
  }
  is_fresh_ = false;
  out.insert (out.end (), unit.begin (), unit.end ());
  return true;
}

Result<Done> Rewriter::take_movie (Bytes unit, std::vector<std::uint8_t> &out)
{
  bmff::Result<movie::Movie> movie = movie::parse (unit);
  if (!movie) return failure (movie.code (), position_ + movie.position ());
  movie_ = *std::move (movie);
  std::size_t start = out.size ();
  out.insert (out.end (), unit.begin (), unit.end ());
  bmff::apply (movie_->renames, std::span (out).subspan (start));
  return Done{};
}

Result<Done> Rewriter::take_fragment (
    Bytes unit, std::vector<std::uint8_t> &out)
{
  counters_.fragments++;
  has_fragment_ = true;
  std::size_t start = out.size ();
  if (!movie_->has_encryption ()) {
    out.insert (out.end (), unit.begin (), unit.end ());
    return Done{};
  }
  bmff::Result<fragment::Fragment> fragment =
      fragment::parse (unit, position_, *movie_);
  if (!fragment)
    return failure (fragment.code (), position_ + fragment.position ());
  std::vector<bmff::Rename> renames = std::move (fragment->renames);
  Result<Done> added = add_samples (*std::move (fragment));
  if (!added) return added;
  out.insert (out.end (), unit.begin (), unit.end ());
  bmff::apply (renames, std::span (out).subspan (start));
  return Done{};
}

// The keys, before a byte of the fragment leaves. The samples' indexes become
// those of the rewriter's own list.
Result<Done> Rewriter::open_sources (fragment::Fragment &fragment)
{
  std::vector<std::optional<std::uint32_t>> opened (
      fragment.encryptions.size ());
  for (fragment::Sample &sample : fragment.samples) {
    std::optional<std::uint32_t> &source = opened[sample.encryption];
    if (!source) {
      const movie::Encryption &encryption =
          fragment.encryptions[sample.encryption];
      cenc::Result<cenc::Decryptor *> found =
          decryptors_.find (encryption.scheme, encryption.kid);
      if (!found) {
        missing_key_ = encryption.kid;
        return failure (found.code (), position_);
      }
      source = static_cast<std::uint32_t> (sources_.size ());
      sources_.push_back ({*found, encryption.pattern});
    }
    sample.encryption = *source;
  }
  return Done{};
}

// To those of earlier fragments whose media has not come yet. A file may have
// many such fragments, in any order, so that each sample finds its own place.
Result<Done> Rewriter::add_samples (fragment::Fragment fragment)
{
  if (samples_.empty ()) {
    subsamples_.clear ();
    sources_.clear ();
  }
  counters_.samples_clear += fragment.clear_samples;
  if (samples_.size () + fragment.samples.size () > fragment::most_samples ||
      sources_.size () + fragment.encryptions.size () >
          fragment::most_samples ||
      subsamples_.size () + fragment.subsamples.size () >
          fragment::most_subsample_bytes)
    return failure (bmff::Error::too_many_samples, position_);

  std::size_t first_subsample = subsamples_.size ();
  Result<Done> opened = open_sources (fragment);
  if (!opened) return opened;
  subsamples_.insert (subsamples_.end (), fragment.subsamples.begin (),
      fragment.subsamples.end ());
  for (fragment::Sample &sample : fragment.samples) {
    if (sample.subsamples) sample.subsamples->start += first_subsample;
    auto after = samples_.lower_bound (sample.position);
    bool overlaps = after != samples_.end () &&
                    after->first < sample.position + sample.size;
    if (after != samples_.begin ()) {
      const fragment::Sample &before = std::prev (after)->second;
      overlaps = overlaps || before.position + before.size > sample.position;
    }
    if (overlaps)
      return failure (bmff::Error::samples_overlap, sample.position);
    samples_.emplace_hint (after, sample.position, sample);
  }
  return Done{};
}

Result<Done> Rewriter::take_sample (Bytes unit, std::vector<std::uint8_t> &out)
{
  const fragment::Sample &sample = samples_.begin ()->second;
  const Source &source = sources_[sample.encryption];
  cenc::Sample what{sample.iv, source.pattern, {}};
  if (sample.subsamples)
    what.subsamples =
        Bytes (subsamples_)
            .subspan (sample.subsamples->start, sample.subsamples->size);
  std::size_t start = out.size ();
  out.resize (start + unit.size ());
  cenc::Result<Done> decrypted =
      source.decryptor->decrypt (what, unit, std::span (out).subspan (start));
  if (!decrypted) {
    out.resize (start);
    return failure (decrypted.code (), position_ + decrypted.position ());
  }
  counters_.samples_decrypted++;
  counters_.bytes_decrypted += unit.size ();
  samples_.erase (samples_.begin ());
  return Done{};
}

}  // namespace mp4

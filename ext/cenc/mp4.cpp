// SPDX-License-Identifier: LGPL-2.1-or-later
#include "mp4.h"

#include <algorithm>
#include <cstring>
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

// Unless it is in place.
void copy (std::span<const std::uint8_t> in, std::span<std::uint8_t> out)
{
  if (in.data () != out.data () && !in.empty ())
    std::memcpy (out.data (), in.data (), in.size ());
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
  has_begun_ = false;
}

bool Rewriter::at_boundary () const
{
  bool to_the_end = box_end_ == never;
  bool between = pass_ == 0 && unit_ == Unit::header && box_end_ == 0;
  return held_size () == 0 && samples_.empty () && (between || to_the_end);
}

std::vector<std::uint8_t> Rewriter::finish ()
{
  bool between = pass_ == 0 && unit_ == Unit::header && box_end_ == 0;
  Bytes rest = held ();
  if (is_fresh_ || !between || !samples_.empty () ||
      rest.size () >= bmff::shortest_header ||
      std::any_of (rest.begin (), rest.end (),
          [] (std::uint8_t byte) { return byte != 0; }))
    return {};
  position_ += rest.size ();
  Left left;
  held_at_ = held_.size ();
  release_held (left);
  return std::move (left.held);
}

std::size_t Rewriter::wanted () const
{
  if (pass_ > 0) return 1;
  if (unit_ == Unit::sample && held_size () == 0)
    return std::min (unit_size_, cenc::longest_group);
  return unit_size_ - std::min (unit_size_, held_size ());
}

// What has been done with leaves.
void Rewriter::release_held (Left &left)
{
  auto end = held_.begin () + static_cast<std::ptrdiff_t> (held_at_);
  if (left.held.empty () && end == held_.end ()) {
    left.held = std::move (held_);
    held_ = {};
  } else {
    left.held.insert (left.held.end (), held_.begin (), end);
    held_.erase (held_.begin (), end);
  }
  held_at_ = 0;
}

// Takes from in what the unit lacks; false when that is not all.
bool Rewriter::fill_held (Bytes in, Left &left)
{
  if (held_size () >= unit_size_) return true;
  release_held (left);
  // At once, where that is not much.
  constexpr std::size_t most_at_once = std::size_t{4} << 20;
  held_.reserve (std::min (unit_size_, most_at_once));
  std::size_t n = std::min (in.size (), unit_size_ - held_.size ());
  held_.insert (
      held_.end (), in.begin (), in.begin () + static_cast<std::ptrdiff_t> (n));
  left.taken += n;
  if (left.from == left.to) left.from = left.to = left.taken;
  return held_.size () == unit_size_;
}

// What is held goes before what comes: all of it has left before a byte of in
// does. So what leaves of in is one range.
Result<Done> Rewriter::push (Bytes in, Writable out, Left &left, Tail tail)
{
  left = {};
  Result<Done> done = take_units (in, out, left, tail);
  if (held_at_ > 0) release_held (left);
  return done;
}

Result<Done> Rewriter::take_units (
    Bytes in, Writable out, Left &left, Tail tail)
{
  while (true) {
    Bytes more = in.subspan (left.taken);
    bool is_held = held_size () > 0;
    std::size_t size = unit_size_;
    if (pass_ > 0) {
      size = static_cast<std::size_t> (std::min<std::uint64_t> (
          pass_, is_held ? held_size () : more.size ()));
      if (size == 0) return Done{};
      if (!is_held) copy (more.first (size), out.subspan (left.taken, size));
      pass_ -= size;
    } else {
      // A unit is looked at where it lies, and held only if it came in pieces.
      if (!is_held && more.size () < size) {
        if (more.empty ()) return Done{};
        if (tail == Tail::leave) {
          if (unit_ != Unit::sample) return Done{};
          Result<std::size_t> part =
              take_part (more, out.subspan (left.taken, more.size ()));
          if (!part) return part.error ();
          left.to = left.taken += *part;
          position_ += *part;
          unit_size_ -= *part;
          return Done{};
        }
        is_held = true;
      }
      if (is_held && !fill_held (more, left)) return Done{};
      Result<bool> taken =
          is_held ? take (held ().first (size), held ().first (size))
                  : take (more.first (size), out.subspan (left.taken, size));
      if (!taken) return taken.error ();
      if (!*taken) continue;  // other bytes are looked at next
    }
    if (is_held)
      held_at_ += size;
    else
      left.to = left.taken += size;
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

Result<bool> Rewriter::take (Bytes unit, Writable out)
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

Result<bool> Rewriter::take_header (Bytes unit, Writable out)
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
  copy (unit, out);
  return true;
}

// Nothing changes before there are the keys.
Result<Done> Rewriter::take_movie (Bytes unit, Writable out)
{
  bmff::Result<movie::Movie> movie = movie::parse (unit, position_);
  if (!movie) return failure (movie.code (), position_ + movie.position ());
  Result<Done> opened = open_keys (movie->batches);
  if (!opened) {
    psshs_ = std::move (movie->psshs);
    return opened;
  }
  // What waits for the media of the movie before it waits in vain.
  samples_.clear ();
  has_samples_ = movie->has_tables;
  Result<Done> added = add (std::move (movie->batches));
  if (!added) return added;
  counters_.samples_clear += movie->clear_samples;
  counters_.auxiliary_wrong += movie->differences;
  movie_ = *std::move (movie);
  movie_->batches.clear ();
  copy (unit, out);
  bmff::apply (movie_->renames, out);
  return Done{};
}

Result<Done> Rewriter::take_fragment (Bytes unit, Writable out)
{
  if (movie_->has_encryption ()) {
    bmff::Result<fragment::Fragment> fragment =
        fragment::parse (unit, position_, *movie_);
    if (!fragment)
      return failure (fragment.code (), position_ + fragment.position ());
    Result<Done> opened = open_keys (fragment->batches);
    if (!opened) {
      psshs_ = movie_->psshs;
      psshs_.insert (
          psshs_.end (), fragment->psshs.begin (), fragment->psshs.end ());
      return opened;
    }
    Result<Done> added = add (std::move (fragment->batches));
    if (!added) return added;
    counters_.samples_clear += fragment->clear_samples;
    counters_.auxiliary_wrong += fragment->differences;
    copy (unit, out);
    bmff::apply (fragment->renames, out);
  } else {
    copy (unit, out);
  }
  counters_.fragments++;
  has_samples_ = true;
  return Done{};
}

void Rewriter::do_without (const keys::KeyId &kid, WithoutKey what)
{
  without_[kid] = what;
}

cenc::Result<std::shared_ptr<cenc::Decryptor>> Rewriter::find_decryptor (
    const protection::Encryption &encryption)
{
  auto found = decryptors_.find (encryption.scheme, encryption.kid);
  if (found || found.code () != cenc::Error::no_key || !find_key_) return found;
  std::optional<keys::Secret> key = find_key_ (encryption.kid);
  if (!key) return found;
  decryptors_.set (encryption.kid, *key);
  return decryptors_.find (encryption.scheme, encryption.kid);
}

// Those that samples need, before a byte of the box leaves.
Result<Done> Rewriter::open_keys (std::vector<samples::Batch> &batches)
{
  for (samples::Batch &batch : batches) {
    for (samples::Treatment &treatment : batch.treatments) {
      const protection::Encryption &encryption = treatment.encryption;
      if (!treatment.is_used || !encryption.is_protected) continue;
      auto found = find_decryptor (encryption);
      if (found) {
        treatment.decryptor = *std::move (found);
      } else if (found.code () != cenc::Error::no_key ||
                 !without_.contains (encryption.kid)) {
        missing_key_ = encryption.kid;
        return failure (found.code (), position_);
      }
    }
  }
  return Done{};
}

// To those of earlier fragments whose media has not come yet. A file may have
// many such fragments, in any order.
Result<Done> Rewriter::add (std::vector<samples::Batch> batches)
{
  for (samples::Batch &batch : batches) {
    bmff::Result<Done> added = samples_.add (std::move (batch));
    if (!added) return failure (added.code (), position_);
  }
  return Done{};
}

Result<Done> Rewriter::begin_sample ()
{
  if (has_begun_) return Done{};
  const samples::Sample &sample = samples_.sample ();
  const protection::Encryption &encryption = sample.treatment->encryption;
  decryptor_ = sample.treatment->decryptor;
  // It may have come since.
  if (!decryptor_)
    if (auto found = find_decryptor (encryption)) decryptor_ = *found;
  if (decryptor_) {
    cenc::Result<Done> begun = decryptor_->begin (
        {sample.iv, encryption.pattern, sample.subsamples}, sample.size);
    if (!begun) return failure (begun.code (), position_ + begun.position ());
  }
  has_begun_ = true;
  return Done{};
}

// Says how much of it is done.
Result<std::size_t> Rewriter::take_part (Bytes in, Writable out)
{
  Result<Done> begun = begin_sample ();
  if (!begun) return begun.error ();
  if (!decryptor_) {
    auto without = without_.find (samples_.sample ().treatment->encryption.kid);
    if (without != without_.end () && without->second == WithoutKey::pass)
      copy (in, out);
    else
      std::fill (out.begin (), out.end (), std::uint8_t{0});
    return in.size ();
  }
  cenc::Result<std::size_t> taken = decryptor_->go_on (in, out);
  if (!taken)
    return failure (
        taken.code (), samples_.sample ().position + taken.position ());
  counters_.bytes_decrypted += *taken;
  return *taken;
}

// All of it, or what is left of it.
Result<Done> Rewriter::take_sample (Bytes unit, Writable out)
{
  Result<std::size_t> taken = take_part (unit, out);
  if (!taken) return taken.error ();
  if (decryptor_)
    counters_.samples_decrypted++;
  else
    counters_.samples_without_key++;
  samples_.pop ();
  has_begun_ = false;
  return Done{};
}

}  // namespace mp4

// SPDX-License-Identifier: LGPL-2.1-or-later
#include "samples.h"

#include <algorithm>
#include <utility>

namespace samples {
namespace {

using bmff::Error;
using relay::Done;
using relay::failure;

std::uint32_t read_number (Bytes bytes, std::size_t at, std::size_t width)
{
  std::uint32_t value = 0;
  for (std::uint8_t byte : bytes.subspan (at, width)) value = value << 8 | byte;
  return value;
}

}  // namespace

const Treatment *Batch::treatment (const Run &run, std::uint32_t group) const
{
  if (run.treatment == clear_entry) return nullptr;
  return &treatments[run.treatment + group];
}

std::uint64_t Batch::saiz_extent (const Run &run) const
{
  if (run.first >= auxiliary.count) return 0;
  std::uint32_t count = std::min (run.count, auxiliary.count - run.first);
  if (auxiliary.default_size != 0)
    return std::uint64_t{count} * auxiliary.default_size;
  std::uint64_t sum = 0;
  for (std::uint8_t size :
      Bytes (*box).subspan (auxiliary.sizes_at + run.first, count))
    sum += size;
  return sum;
}

std::size_t hint_for (const Batch &batch, std::uint32_t sample)
{
  auto after = std::upper_bound (batch.groups.begin (), batch.groups.end (),
      sample, [] (std::uint32_t number, const protection::Interval &interval) {
        return number < interval.end;
      });
  return static_cast<std::size_t> (after - batch.groups.begin ());
}

Stretch stretch_at (
    const Batch &batch, const Run &run, std::uint32_t sample, std::size_t &hint)
{
  while (hint < batch.groups.size () && batch.groups[hint].end <= sample)
    hint++;
  std::uint32_t count = run.count - (sample - run.first);
  std::uint32_t group = batch.default_group;
  if (hint < batch.groups.size ()) {
    count = static_cast<std::uint32_t> (
        std::min<std::uint64_t> (count, batch.groups[hint].end - sample));
    group = batch.groups[hint].group;
  }
  return {count, batch.treatment (run, group)};
}

Cursor::Cursor (
    const Batch &batch, const Run &run, Bytes auxiliary, std::size_t at)
    : batch_ (&batch),
      run_ (&run),
      auxiliary_ (auxiliary),
      at_ (at),
      number_ (run.first),
      left_ (run.count),
      position_ (run.position),
      sizes_at_ (run.sizes_at),
      hint_ (hint_for (batch, run.first))
{
}

std::uint32_t Cursor::read_size ()
{
  if (run_->size_stride == 0) return batch_->constant_size;
  std::uint32_t size = read_number (*batch_->box, sizes_at_, run_->size_width);
  sizes_at_ += run_->size_stride;
  return size;
}

// Of the next sample.
std::size_t Cursor::saiz_size () const
{
  const Auxiliary &auxiliary = batch_->auxiliary;
  if (number_ >= auxiliary.count) return 0;
  return auxiliary.default_size != 0
             ? auxiliary.default_size
             : (*batch_->box)[auxiliary.sizes_at + number_];
}

Bytes Cursor::take (std::size_t size)
{
  if (at_ > auxiliary_.size () || size > auxiliary_.size () - at_) {
    ok_ = false;
    return {};
  }
  at_ += size;
  return auxiliary_.subspan (at_ - size, size);
}

void Cursor::read_subsamples (Bytes &list)
{
  Bytes count = take (2);
  if (ok_) list = take (read_number (count, 0, 2) * cenc::subsample_size);
}

// Clear samples that follow one another: one by one only where the box has
// bytes for each.
void Cursor::pass_clear (std::uint32_t count, const Treatment *treatment)
{
  if (run_->size_stride == 0)
    position_ += std::uint64_t{count} * batch_->constant_size;
  else
    for (std::uint32_t i = 0; i < count; i++) position_ += read_size ();

  const Auxiliary &auxiliary = batch_->auxiliary;
  if (auxiliary.kind == Auxiliary::Kind::saiz) {
    Run part = *run_;
    part.first = number_;
    part.count = count;
    at_ += static_cast<std::size_t> (batch_->saiz_extent (part));
  } else if (auxiliary.kind == Auxiliary::Kind::senc &&
             auxiliary.clear_have_entries) {
    std::uint64_t iv_size =
        treatment != nullptr ? treatment->encryption.per_sample_iv_size : 0;
    Bytes ignored;
    if (!auxiliary.has_subsamples)
      take (static_cast<std::size_t> (count * iv_size));
    else
      for (std::uint32_t i = 0; i < count && ok_; i++) {
        take (static_cast<std::size_t> (iv_size));
        read_subsamples (ignored);
      }
  }
  number_ += count;
  left_ -= count;
}

// CencSampleAuxiliaryDataFormat, 23001-7 7.1
void Cursor::read_entry (const Treatment &treatment)
{
  const Auxiliary &auxiliary = batch_->auxiliary;
  const protection::Encryption &encryption = treatment.encryption;
  std::size_t size = auxiliary.kind == Auxiliary::Kind::saiz ? saiz_size () : 0;
  std::size_t end = at_ + size;
  std::size_t iv_size = encryption.per_sample_iv_size;
  if (auxiliary.kind == Auxiliary::Kind::none) iv_size = 0;
  bool has_subsamples = auxiliary.kind == Auxiliary::Kind::saiz
                            ? size > iv_size
                            : auxiliary.has_subsamples;
  sample_.iv = {};
  if (encryption.constant_iv) {
    sample_.iv = *encryption.constant_iv;
  } else {
    Bytes iv = take (iv_size);
    std::copy (iv.begin (), iv.end (), sample_.iv.begin ());
    if (iv_size == 0) ok_ = false;
  }
  sample_.subsamples.reset ();
  if (has_subsamples && ok_) {
    Bytes list;
    read_subsamples (list);
    sample_.subsamples = list;
  }
  if (auxiliary.kind == Auxiliary::Kind::saiz && at_ != end) ok_ = false;
}

Result<const Sample *> Cursor::next ()
{
  while (left_ > 0) {
    Stretch stretch = stretch_at (*batch_, *run_, number_, hint_);
    bool is_clear = stretch.treatment == nullptr ||
                    !stretch.treatment->encryption.is_protected;
    std::size_t before = at_;
    sample_.size = 0;
    if (is_clear) {
      pass_clear (stretch.count, stretch.treatment);
    } else {
      sample_.position = position_;
      sample_.size = read_size ();
      sample_.treatment = stretch.treatment;
      read_entry (*stretch.treatment);
      position_ += sample_.size;
      number_++;
      left_--;
    }
    if (!ok_) return failure (Error::auxiliary_information_size, before);
    if (sample_.size != 0) return &sample_;
  }
  return nullptr;
}

// The batches of one box come one after the other.
void Queue::count_box (Batch &batch)
{
  if (batch.box != last_box_.lock ()) {
    last_box_ = batch.box;
    *boxes_ += batch.box->size ();
    std::shared_ptr<const std::vector<std::uint8_t>> counted (batch.box.get (),
        [box = batch.box, boxes = boxes_] (
            const std::vector<std::uint8_t> *) { *boxes -= box->size (); });
    last_counted_ = counted;
    batch.box = std::move (counted);
  } else {
    batch.box = last_counted_.lock ();
  }
}

Result<Done> Queue::add (Batch batch)
{
  if (batch.runs.empty ()) return Done{};
  count_box (batch);
  std::size_t cost = sizeof (Waiting) + batch.runs.size () * sizeof (Run) +
                     batch.treatments.size () * sizeof (Treatment) +
                     batch.groups.size () * sizeof (protection::Interval);
  if (cost + cost_ + *boxes_ > most_waiting)
    return failure (Error::too_many_samples);
  auto waiting = std::make_unique<Waiting> ();
  waiting->batch = std::move (batch);
  waiting->cost = cost;

  suspend_run ();
  // Neighbours are all that is waiting in between, if runs are in order.
  const std::vector<Run> &runs = waiting->batch.runs;
  for (std::size_t i = 1; i < runs.size (); i++)
    if (runs[i].position < runs[i - 1].end)
      return failure (Error::samples_overlap);
  auto after = waiting_.lower_bound (runs[0].position);
  if (after != waiting_.end () && after->first < runs[0].end)
    return failure (Error::samples_overlap);
  if (after != waiting_.begin ()) {
    const Waiting &before = *std::prev (after)->second;
    if (before.batch.runs[before.next_run].end > runs[0].position)
      return failure (Error::samples_overlap);
  }
  cost_ += cost;
  ask (*waiting);
  waiting_.emplace (runs[0].position, std::move (waiting));
  return Done{};
}

void Queue::clear ()
{
  *this = {};
}

bool Queue::empty () const
{
  return !current_ && waiting_.empty ();
}

std::optional<std::uint64_t> Queue::first () const
{
  if (current_ && current_->sample != nullptr)
    return current_->sample->position;
  if (current_) return current_->batch.runs[current_->next_run].position;
  if (!waiting_.empty ()) return waiting_.begin ()->first;
  return std::nullopt;
}

// Lists what the batch needs next from the resource.
void Queue::ask (Waiting &waiting)
{
  const Batch &batch = waiting.batch;
  if (!batch.auxiliary.is_in_resource) return;
  std::size_t run = waiting.ungiven ();
  if (run >= batch.runs.size ()) return;
  asking_.emplace (batch.runs[run].auxiliary_at, &waiting);
  waiting.asked_size = batch.saiz_extent (batch.runs[run]);
}

Queue::Step Queue::asking (const Waiting &waiting, std::uint64_t from)
{
  const Run &run = waiting.batch.runs[waiting.ungiven ()];
  std::uint64_t size = waiting.asked_size;
  if (size == 0) return {Step::Kind::auxiliary, from, from, 0};
  return {Step::Kind::auxiliary, std::min (from, run.auxiliary_at),
      run.auxiliary_at, size};
}

Result<Done> Queue::give (Bytes bytes)
{
  Waiting &waiting = *asked_;
  // Shared by no samples in a sound file.
  if (bytes.size () + cost_ + *boxes_ > most_waiting)
    return failure (Error::too_many_samples);
  cost_ += bytes.size ();
  waiting.cost += bytes.size ();
  auto range =
      asking_.equal_range (waiting.batch.runs[waiting.ungiven ()].auxiliary_at);
  for (auto one = range.first; one != range.second; ++one) {
    if (one->second != &waiting) continue;
    asking_.erase (one);
    break;
  }
  waiting.given.emplace_back (bytes.begin (), bytes.end ());
  ask (waiting);
  return Done{};
}

void Queue::begin_run ()
{
  current_ = std::move (waiting_.begin ()->second);
  waiting_.erase (waiting_.begin ());
  if (current_->cursor) return;
  const Batch &batch = current_->batch;
  const Run &run = batch.runs[current_->next_run];
  if (batch.auxiliary.is_in_resource)
    current_->cursor.emplace (batch, run, current_->given.front (), 0);
  else
    current_->cursor.emplace (
        batch, run, *batch.box, static_cast<std::size_t> (run.auxiliary_at));
}

// Something else may come before the rest of it.
void Queue::suspend_run ()
{
  std::optional<std::uint64_t> position = first ();
  if (current_) waiting_.emplace (*position, std::move (current_));
}

void Queue::end_run ()
{
  current_->cursor.reset ();
  if (!current_->given.empty ()) {
    std::size_t size = current_->given.front ().size ();
    current_->cost -= size;
    cost_ -= size;
    current_->given.pop_front ();
  }
  current_->next_run++;
  const std::vector<Run> &runs = current_->batch.runs;
  if (current_->next_run < runs.size ()) {
    std::uint64_t position = runs[current_->next_run].position;
    waiting_.emplace (position, std::move (current_));
  } else {
    cost_ -= current_->cost;
  }
  current_.reset ();
}

Result<Queue::Step> Queue::next ()
{
  while (!current_ || current_->sample == nullptr) {
    if (current_) {
      Result<const Sample *> read = current_->cursor->next ();
      if (!read) return read.error ();
      current_->sample = *read;
      if (*read == nullptr) end_run ();
      continue;
    }
    if (waiting_.empty ()) break;
    if (!waiting_.begin ()->second->is_given ()) {
      // What others ask for may pass before that.
      asked_ = asking_.begin ()->second;
      return asking (*asked_, waiting_.begin ()->first);
    }
    begin_run ();
  }
  const Sample *sample = current_ ? current_->sample : nullptr;
  // Bytes that pass before the sample does.
  if (!asking_.empty () &&
      (sample == nullptr || asking_.begin ()->first <= sample->position)) {
    asked_ = asking_.begin ()->second;
    return asking (*asked_, asking_.begin ()->first);
  }
  if (sample == nullptr) return Step{};
  if (!waiting_.empty () &&
      waiting_.begin ()->first < sample->position + sample->size)
    return failure (Error::samples_overlap);
  return Step{
      Step::Kind::sample, sample->position, sample->position, sample->size};
}

}  // namespace samples

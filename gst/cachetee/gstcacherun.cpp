// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gstcacherun.h"

#include <memory>
#include <optional>
#include <utility>

#include "gstcachecontrol.h"
#include "gstcachefeeder.h"

namespace cacherun {

using byteplan::Plan;
using cachebranch::Branch;
using cachebranch::List;
using cachereport::Status;
using cachesettings::Settings;
using junction::Mode;

// For a run: what is done with what was found.
Run::Found Run::find ()
{
  Found found;
  if (lookup.reader () == nullptr && lookup.stream ()) {
    byteplan::Upstream upstream;
    upstream.linked = gst_pad_is_linked (sinkpad);
    upstream.patient = cachefeeder::is_source (sinkpad);
    found.plan = lookup.plan (upstream);
    lookup.tell (found.plan);
  }
  found.hit = lookup.reader () != nullptr || found.is_supplied ();
  // Whether it is one turns out.
  bool is_open = found.plan == Plan::check;
  bool miss = report.status () == Status::miss;
  if (found.hit && !is_open) report.counters.cache_hits++;
  if (miss || lookup.missed ()) report.counters.cache_misses++;
  server.start (lookup.reader (), lookup.memory ());
  return found;
}

void Run::begin (const Found &found)
{
  bool renews = found.plan == Plan::renew;
  if (found.is_supplied ()) supply.start (*lookup.stream (), found.plan);
  if (found.hit)
    trail.start (settings.copy ());
  else
    late.start (settings.copy ());
  if (found.plan == Plan::record || renews)
    intake.record (lookup.stream (), renews);
}

void Run::serve ()
{
  bool served = is_served ();
  std::shared_ptr<const List> all = branches.list ();
  for (const std::shared_ptr<Branch> &branch : *all) {
    if (served)
      server.serve (branch);
    else
      late.serve (branch);
  }
}

// Upstream's thread, which has said what it is going to send.
void Run::open ()
{
  Found found = find ();
  begin (found);
  if (found.hit) junction.replay ();
  serve ();
}

// Upstream's thread, before it has sent anything.
void Run::play_instead ()
{
  late.stop ();
  late.clear ();
  trail.start (settings.copy ());
  if (std::optional<bytestream::Stream> stream = lookup.stream ())
    supply.start (*std::move (stream), byteplan::Plan::serve);
  report.set_status (Status::hit, "shared");
  junction.replay ();
  std::shared_ptr<const List> all = branches.list ();
  for (const std::shared_ptr<Branch> &branch : *all) server.serve (branch);
}

// Upstream's thread, when it is known that what is there is of the past.
void Run::feed_instead ()
{
  report.counters.cache_misses++;
  report.set_status (Status::miss, "changed");
  intake.record (supply.stream ());
  junction.feed ();
  late.start (settings.copy ());
  std::shared_ptr<const List> all = branches.list ();
  for (const std::shared_ptr<Branch> &branch : *all) late.serve (branch);
}

bool Run::is_served ()
{
  return junction.mode () != Mode::tee;
}

void Run::look_up ()
{
  Settings now = settings.copy ();
  bool awaits = !now.cache_dir.empty () && now.cache_key.empty () &&
                now.cache_policy != cachesettings::CachePolicy::off;
  awaiting.start (awaits);
  if (awaits)
    now.cache_dir.clear ();
  else if (!now.cache_dir.empty ())
    now.cache_key = cachecontrol::key_for (now.cache_key, sinkpad);
  lookup.look_up (now);
}

void Run::start ()
{
  report.start ();
  look_up ();
  resumption.start ();
  intake.start ();
  std::shared_ptr<const List> all = branches.list ();
  for (const std::shared_ptr<Branch> &branch : *all) {
    branch->flow = GST_FLOW_OK;
    branch->cursor.open ();
  }
  bool awaits = awaiting.is_on ();
  Found found;
  if (!awaits) found = find ();
  // From here on it is the streaming thread's, which holds this lock.
  GST_PAD_STREAM_LOCK (sinkpad);
  junction.start (found.hit);
  GST_PAD_STREAM_UNLOCK (sinkpad);
  if (!awaits) begin (found);
  puller.start ();
}

void Run::play ()
{
  workers.open ();
  serve ();
}

void Run::unblock ()
{
  intake.let_go ();
  if (is_served ()) cachefeeder::stop_source (sinkpad);
  workers.close ();
  junction.stop ();
  intake.stop ();
  tape.stop ();
  supply.stop ();
  puller.stop ();
  std::shared_ptr<const List> all = branches.list ();
  for (const std::shared_ptr<Branch> &branch : *all) branch->cursor.close ();
  late.stop ();
  trail.stop ();
  report.drop_recording ("stopped");
}

void Run::stop ()
{
  workers.join ();
  late.clear ();
  trail.clear ();
  cacherecorder::Recorder::Closed closed = recorder.close ();
  if (closed.failure) report.warn_store (*closed.failure);
  report.counters.bytes_written += closed.bytes_written;
  report.counters.skipped_slices += closed.skipped_slices;
  cachetape::Tape::Closed kept = tape.close ();
  report.counters.skipped_slices += kept.skipped_slices;
  if (kept.failure) report.warn_store (*kept.failure);
  bool is_filled = supply.clear ();
  if (closed.stored || kept.stored || is_filled)
    report.counters.objects_stored++;
  if (closed.failure) report.counters.objects_dropped++;
  report.forget ();
  lookup.finish ();
  server.stop ();
  resumption.forget ();
  // Who pulls asks before the next run begins.
  if (settings.copy ().pull_mode != cachesettings::PullMode::never) look_up ();
}

void Run::forget ()
{
  lookup.forget ();
  report.forget ();
}

}  // namespace cacherun

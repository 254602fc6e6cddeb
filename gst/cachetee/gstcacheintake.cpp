// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gstcacheintake.h"

#include <memory>
#include <utility>

#include "gstcachecontrol.h"
#include "gstcachefeeder.h"

namespace cacheintake {

using cachebranch::has_flag;
using cachereport::Status;
using junction::Entry;
using junction::Mode;
using relay::Owned;
using relay::share;

namespace {

// For what does not pass.
GstFlowReturn flow_of (Entry entry)
{
  if (entry == Entry::drop) return GST_FLOW_OK;
  return entry == Entry::over ? GST_FLOW_EOS : GST_FLOW_FLUSHING;
}

// The same for an event, whose end is that of the data after it: a ghost pad
// makes an error of each other result.
GstFlowReturn event_flow_of (Entry entry)
{
  return entry == Entry::over ? GST_FLOW_OK : flow_of (entry);
}

}  // namespace

void Intake::start ()
{
  *stop_.lock () = std::stop_source ();
  lets_go_ = false;
}

void Intake::record (std::optional<bytestream::Stream> stream, bool renew)
{
  undecided_ = true;
  if (!stream) return;
  cachesettings::Settings settings = on_.settings.copy ();
  bool may_serve =
      settings.cache_policy != cachesettings::CachePolicy::write_only;
  on_.tape.start (
      *std::move (stream), renew, may_serve, settings.on_slow_store);
}

void Intake::let_go ()
{
  lets_go_ = true;
}

void Intake::stop ()
{
  std::stop_source stop = stop_.copy ();
  stop.request_stop ();
}

void Intake::record_packets ()
{
  undecided_ = false;
  std::unique_ptr<store::Writer> writer = on_.lookup.create ();
  if (writer == nullptr) return;
  const cachesettings::Settings settings = on_.settings.copy ();
  on_.recorder.start (
      std::move (writer), settings.on_slow_store, settings.slice_size);
}

// The first one decides. What was before it is on the pad.
void Intake::take_segment (GstEvent *event)
{
  const GstSegment *segment = nullptr;
  gst_event_parse_segment (event, &segment);
  bool is_bytes = segment->format == GST_FORMAT_BYTES;
  if (is_bytes)
    on_.tape.segment (*segment);
  else
    on_.tape.drop ();
  if (!undecided_.exchange (false) || is_bytes) return;
  record_packets ();
  auto take = [] (GstPad *pad, GstEvent **before, gpointer data) -> gboolean {
    auto *self = static_cast<Intake *> (data);
    if (GST_EVENT_TYPE (*before) != GST_EVENT_SEGMENT)
      self->on_.report.note (self->on_.recorder.event (pad, *before));
    return TRUE;
  };
  gst_pad_sticky_events_foreach (on_.sinkpad, take, this);
}

// Nothing is kept any more.
void Intake::drop (const char *reason)
{
  undecided_ = false;
  on_.report.drop_recording (reason);
  if (!on_.tape.drop ()) return;
  on_.report.counters.objects_dropped++;
  on_.report.set_status (Status::bypass, reason);
}

bool Intake::is_resuming ()
{
  return !on_.junction.is_open () && on_.junction.mode () == Mode::resume;
}

// What comes in place of a damaged object is kept.
void Intake::record_again ()
{
  if (!on_.resumption.begins ()) return;
  on_.report.set_status (
      Status::miss, store::to_string (store::Error::damaged));
  record_packets ();
}

// As long as the cache is served upstream waits here, in its STREAM_START: it
// has been asked for nothing yet. With what it sends later, when it was let in,
// a source may hold its live lock: then it is not to be told to stop, but stops
// with what it is answered.
Entry Intake::admit (bool is_first)
{
  junction::Junction &junction = on_.junction;
  if (junction.is_open ()) return Entry::pass;
  // Nobody tells us when the element there is stopped alone, which waits for
  // this thread.
  auto is_stopped = [this, is_first] {
    if (!is_first && lets_go_) return true;
    Owned<GstPad> feeder = cachefeeder::feeder_of (on_.sinkpad);
    return feeder != nullptr && GST_PAD_IS_FLUSHING (feeder.get ());
  };
  bool may_wait =
      junction.mode () != Mode::replay || cachefeeder::is_source (on_.sinkpad);
  if (may_wait && on_.supply.is_on ()) on_.supply.arrive ();
  Entry entry = may_wait ? junction.admit (is_stopped) : junction.pass_by ();
  if (entry == Entry::over) {
    on_.supply.leave ();
    if (is_first) cachefeeder::stop_source (on_.sinkpad);
  }
  if (entry == Entry::pass && is_resuming ()) record_again ();
  return entry;
}

void Intake::take_in (GstBuffer *buffer)
{
  on_.report.counters.bytes_received += gst_buffer_get_size (buffer);
  on_.report.note (on_.recorder.buffer (on_.sinkpad, buffer));
  on_.report.note (on_.tape.buffer (on_.sinkpad, buffer));
  on_.report.counters.bytes_written += on_.tape.take_written ();
}

// What goes upstream. A source that is told to stop sends an EOS, which is not
// the end of what it has.
GstFlowReturn Intake::answer (GstFlowReturn flow)
{
  if (flow != GST_FLOW_OK) {
    on_.report.note (on_.recorder.cut (on_.sinkpad));
    on_.tape.cut ();
  }
  return flow;
}

template <class T>
GstFlowReturn Intake::push (Owned<T> item)
{
  on_.tape.rest (true);
  GstFlowReturn flow = on_.fan.push (std::move (item));
  on_.tape.rest (false);
  return answer (flow);
}

GstFlowReturn Intake::chain (Owned<GstBuffer> buffer)
{
  Entry entry = admit ();
  if (entry == Entry::fill) return fill (buffer.get ());
  if (entry != Entry::pass) return flow_of (entry);
  if (!on_.switches.silent) on_.report.tell (on_.sinkpad, buffer.get ());
  take_in (buffer.get ());
  GstFlowReturn flow = GST_FLOW_OK;
  if (is_resuming ())
    buffer = on_.resumption.leave_out (std::move (buffer), flow);
  if (buffer == nullptr) return answer (flow);
  return push (std::move (buffer));
}

GstFlowReturn Intake::chain (Owned<GstBufferList> list)
{
  guint length = gst_buffer_list_length (list.get ());
  Entry entry = admit ();
  if (entry != Entry::pass && entry != Entry::fill) return flow_of (entry);
  GstFlowReturn flow = GST_FLOW_OK;
  if (is_resuming () || entry == Entry::fill) {
    for (guint i = 0; i < length && flow == GST_FLOW_OK; i++)
      flow = chain (share (gst_buffer_list_get (list.get (), i)));
    return flow;
  }
  if (!on_.switches.silent) on_.report.tell (on_.sinkpad, list.get ());
  for (guint i = 0; i < length; i++)
    take_in (gst_buffer_list_get (list.get (), i));
  return push (std::move (list));
}

// What a server, or who asked it, does not want to be kept for others.
const char *Intake::refusal (GstEvent *headers)
{
  const char *why = cachecontrol::refusal (headers);
  if (on_.settings.copy ().ignore_cache_control) why = nullptr;
  if (why == nullptr && cachecontrol::has_credentials (headers) &&
      cachecontrol::credentials (on_.sinkpad).empty ())
    why = "credentials";
  return why;
}

void Intake::obey (GstEvent *headers)
{
  if (const char *why = refusal (headers)) drop (why);
  on_.tape.headers (headers);
}

// ---- What is missing of what is played -------------------------------------

GstFlowReturn Intake::fill (GstBuffer *buffer)
{
  on_.report.counters.bytes_received += gst_buffer_get_size (buffer);
  (void)on_.supply.buffer (buffer);
  return GST_FLOW_OK;
}

// If it passes it is for the branches after all.
GstFlowReturn Intake::fill (GstEvent *event, bool &passes)
{
  passes = false;
  const char *why = nullptr;
  if (GST_EVENT_TYPE (event) == GST_EVENT_CUSTOM_DOWNSTREAM_STICKY)
    why = refusal (event);
  switch (on_.supply.event (event, why)) {
    case cachesupply::Supply::Answer::taken:
      return GST_FLOW_OK;
    case cachesupply::Supply::Answer::other:
      on_.feed_instead ();
      pass_events ();
      passes = true;
      return GST_FLOW_OK;
    default:
      break;
  }
  Entry entry = admit ();
  return entry == Entry::fill ? GST_FLOW_OK : event_flow_of (entry);
}

// Those that came while it was not known that they are for the branches.
void Intake::pass_events ()
{
  auto pass = [] (GstPad *, GstEvent **event, gpointer data) -> gboolean {
    static_cast<Intake *> (data)->on_.fan.event (*event);
    return TRUE;
  };
  gst_pad_sticky_events_foreach (on_.sinkpad, pass, this);
}

// What comes first, and asks upstream for nothing yet.
Entry Intake::admit_first ()
{
  Entry entry = admit (true);
  if (entry != Entry::pass || !undecided_ ||
      on_.tape.claim (on_.sinkpad, stop_.copy ().get_token ()))
    return entry;
  undecided_ = false;
  on_.tape.drop ();
  on_.play_instead ();
  return admit (true);
}

GstFlowReturn Intake::take_serialized (GstEvent *event, bool &passes)
{
  GstEventType type = GST_EVENT_TYPE (event);
  if (type == GST_EVENT_STREAM_START && !on_.awaiting.stream_start (event))
    drop ("another stream");
  Entry entry = type == GST_EVENT_STREAM_START ? admit_first () : admit ();
  passes = entry == Entry::pass;
  if (entry == Entry::fill) {
    GstFlowReturn flow = fill (event, passes);
    if (!passes) return flow;
  } else if (!passes) {
    return event_flow_of (entry);
  }
  if (type == GST_EVENT_CUSTOM_DOWNSTREAM_STICKY) obey (event);
  if (type == GST_EVENT_SEGMENT) take_segment (event);
  on_.report.note (on_.recorder.event (on_.sinkpad, event));
  if (is_resuming ()) {
    GstFlowReturn flow = on_.resumption.event (event);
    if (flow != GST_FLOW_OK) return flow;
  }
  if (type == GST_EVENT_EOS) {
    on_.report.note (on_.recorder.end (on_.sinkpad));
    on_.report.note (on_.tape.end (on_.sinkpad));
    on_.report.post_stats ();
  }
  return GST_FLOW_OK;
}

// True if the branches are to see it: on a hit they are not upstream's.
bool Intake::flush (bool starts)
{
  on_.junction.flush (starts);
  on_.resumption.forget ();
  on_.supply.flush (starts);
  if (on_.late.is_on ()) on_.late.flush (starts);
  if (starts) on_.report.drop_recording ("flush");
  if (starts) on_.tape.cut ();
  return on_.junction.mode () == Mode::tee;
}

// Every branch gets it exactly once: a new one has it from the sink pad, or is
// among these, or both; then it is the same event, which is not pushed again.
GstFlowReturn Intake::event (Owned<GstEvent> event)
{
  GstEventType type = GST_EVENT_TYPE (event.get ());
  bool is_serialized = has_flag (event.get (), GST_EVENT_TYPE_SERIALIZED);
  if (type == GST_EVENT_FLUSH_START || type == GST_EVENT_FLUSH_STOP) {
    if (!flush (type == GST_EVENT_FLUSH_START)) return GST_FLOW_OK;
  } else if (is_serialized) {
    bool passes = false;
    GstFlowReturn flow = take_serialized (event.get (), passes);
    bool is_kept =
        has_flag (event.get (), GST_EVENT_TYPE_STICKY) && type != GST_EVENT_EOS;
    if (flow == GST_FLOW_OK && !passes && is_kept)
      gst_pad_store_sticky_event (on_.sinkpad, event.get ());
    if (flow != GST_FLOW_OK || !passes) return flow;
  }
  // On resume the branches had it, or get it when they are joined.
  bool keep_back = is_resuming () && is_serialized;
  // Not under a lock: new caps are notified.
  if (has_flag (event.get (), GST_EVENT_TYPE_STICKY))
    gst_pad_store_sticky_event (on_.sinkpad, event.get ());
  if (!keep_back) on_.fan.event (event.get ());
  return GST_FLOW_OK;
}

}  // namespace cacheintake

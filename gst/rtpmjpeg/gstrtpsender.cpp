// SPDX-License-Identifier: LGPL-2.1-or-later
#include "config.h"

#include "gstrtpsender.h"

#include <gst/rtp/rtp.h>

#include <algorithm>
#include <array>
#include <utility>

using relay::MappedBuffer;
using relay::Owned;

namespace rtpsender {

namespace {

pacing::Nanoseconds now (GstClock *clock)
{
  return pacing::Nanoseconds (static_cast<gint64> (gst_clock_get_time (clock)));
}

// An extension may be for the last packet of a frame alone.
void mark (GstBuffer *bare)
{
  GST_BUFFER_FLAG_SET (bare, GST_BUFFER_FLAG_MARKER);
  MappedBuffer map (bare, GST_MAP_READWRITE);
  if (map) rtp::set_marker (map.writable (), true);
}

Owned<GstClock> clock_of (GstRTPBasePayload *base)
{
  Owned<GstClock> clock{gst_element_get_clock (GST_ELEMENT (base))};
  if (!clock) clock.reset (gst_system_clock_obtain ());
  return clock;
}

}  // namespace

bool Waiter::wait (GstClock *clock, GstClockTime until)
{
  GstClockID id = gst_clock_new_single_shot_id (clock, until);
  {
    auto state = state_.lock ();
    if (state->interrupted) {
      state.unlock ();
      gst_clock_id_unref (id);
      return false;
    }
    state->id = id;
  }
  gst_clock_id_wait (id, nullptr);
  bool interrupted = false;
  {
    auto state = state_.lock ();
    state->id = nullptr;
    interrupted = state->interrupted;
  }
  gst_clock_id_unref (id);
  return !interrupted;
}

void Waiter::interrupt ()
{
  auto state = state_.lock ();
  state->interrupted = true;
  if (state->id != nullptr) gst_clock_id_unschedule (state->id);
}

void Waiter::resume ()
{
  state_.lock ()->interrupted = false;
}

void Sender::attach (GstRTPBasePayload *base)
{
  base_ = base;
  gst_pad_add_probe (GST_RTP_BASE_PAYLOAD_SRCPAD (base),
      static_cast<GstPadProbeType> (
          GST_PAD_PROBE_TYPE_BUFFER | GST_PAD_PROBE_TYPE_BUFFER_LIST),
      take, this, nullptr);
}

void Sender::reset ()
{
  stamped_.clear ();
  header_.reset ();
  caps_.reset ();
  extended_ = false;
  reserved_ = 0;
  *numbers_.lock () = {};
  pool_.reset ();
}

std::optional<guint16> Sender::last_sequence_number ()
{
  return numbers_.lock ()->last;
}

GstPadProbeReturn Sender::take (GstPad *, GstPadProbeInfo *info, gpointer data)
{
  auto *self = static_cast<Sender *> (data);
  if (!self->taking_) return GST_PAD_PROBE_OK;
  if ((GST_PAD_PROBE_INFO_TYPE (info) & GST_PAD_PROBE_TYPE_BUFFER) != 0) {
    self->stamped_.emplace_back (GST_PAD_PROBE_INFO_BUFFER (info));
  } else {
    Owned<GstBufferList> list{GST_PAD_PROBE_INFO_BUFFER_LIST (info)};
    for (guint i = 0; i < gst_buffer_list_length (list.get ()); i++)
      self->stamped_.push_back (
          relay::share (gst_buffer_list_get (list.get (), i)));
  }
  GST_PAD_PROBE_INFO_DATA (info) = nullptr;
  return GST_PAD_PROBE_HANDLED;
}

// Has the base class write the RTP headers of the first `count` packets of a
// frame, as far as they are not there yet. `total`: of the whole frame.
GstFlowReturn Sender::stamp (GstBuffer *frame, gsize count, gsize total)
{
  gsize before = stamped_.size ();
  if (before >= count) return GST_FLOW_OK;
  Owned<GstBufferList> list{
      gst_buffer_list_new_sized (static_cast<guint> (count - before))};
  for (gsize i = before; i < count; i++) {
    // With the contributing sources, which are known to the base class only.
    GstBuffer *bare =
        gst_rtp_base_payload_allocate_output_buffer (base_, 0, 0, 0);
    GST_BUFFER_PTS (bare) = GST_BUFFER_PTS (frame);
    if (i + 1 == total) mark (bare);
    gst_buffer_list_add (list.get (), bare);
  }
  taking_ = true;
  GstFlowReturn flow = gst_rtp_base_payload_push_list (base_, list.release ());
  taking_ = false;
  follow_base (count - before);
  if (flow != GST_FLOW_OK) return flow;
  // A blocking probe of somebody else dropped them, which drops the frame.
  if (stamped_.size () != count) return dropped;

  for (gsize i = count; i-- > before;) {
    MappedBuffer map (stamped_[i].get (), GST_MAP_READ);
    if (map) header_ = rtp::Header::parse (map.bytes ());
    if (!map || !header_) return GST_FLOW_ERROR;
    extension_size_ = std::max (extension_size_, header_->extension_size ());
  }
  return flow;
}

// The base class has given numbers to so many headers, whatever became of them.
// It starts anew with READY, and when downstream asks for another
// seqnum-offset.
void Sender::follow_base (gsize count)
{
  auto next = static_cast<guint16> (base_->seqnum + 1);
  auto first = static_cast<guint16> (next - count);
  auto numbers = numbers_.lock ();
  if (!numbers->started || first != numbers->next_base) numbers->next = first;
  numbers->started = true;
  numbers->next_base = next;
}

// The base class has them all in the caps.
void Sender::look_for_extensions ()
{
  Owned<GstCaps> caps{
      gst_pad_get_current_caps (GST_RTP_BASE_PAYLOAD_SRCPAD (base_))};
  if (caps == caps_) return;
  caps_ = std::move (caps);
  extended_ = false;
  reserved_ = 0;
  if (!caps_) return;
  const GstStructure *format = gst_caps_get_structure (caps_.get (), 0);
  for (gint i = 0; i < gst_structure_n_fields (format); i++)
    if (g_str_has_prefix (
            gst_structure_nth_field_name (format, static_cast<guint> (i)),
            "extmap-"))
      extended_ = true;
}

rfc2435::Result<GstFlowReturn> Sender::send (const Job &job, Sent &sent)
{
  if (!pool_) pool_ = std::make_unique<packetpool::Pool> ();
  look_for_extensions ();
  gsize rtp_size =
      gst_rtp_buffer_calc_header_len (static_cast<guint8> (std::min (
          gst_rtp_base_payload_get_source_count (base_, job.frame), 15u)));
  gsize mtu = GST_RTP_BASE_PAYLOAD_MTU (base_);
  stamped_.clear ();
  extension_size_ = 0;
  // How long the headers are is known when they are there. They are the same
  // whatever follows them, so that none is written in vain.
  for (;;) {
    gsize head = rtp_size + reserved_;
    auto plan = rfc2435::plan (job.header, mtu > head ? mtu - head : 0,
        extended_ ? 0 : job.extension.size ());
    if (!plan)
      return relay::failure (plan.code (), head + plan.error ().position);
    gsize total = plan->count ();
    bool is_first_look = reserved_ == 0 && stamped_.empty ();
    GstFlowReturn flow =
        stamp (job.frame, extended_ && !is_first_look ? total : 1, total);
    if (flow != GST_FLOW_OK) return flow;
    // One that does not put itself into the caps.
    if (extension_size_ > 0) extended_ = true;
    bool is_enough = !extended_ || stamped_.size () >= total;
    bool is_needed = extension_size_ > 0 || reserved_ == 0;
    if (header_->size () == rtp_size && extension_size_ <= reserved_ &&
        is_enough && is_needed) {
      reserved_ = extension_size_;
      return push (job, *plan, sent);
    }
    rtp_size = header_->size ();
    reserved_ = is_needed ? std::max (reserved_, extension_size_) : 0;
  }
}

Owned<GstBuffer> Sender::make (mjpegframe::Packetizer &packets, const Job &job,
    const rfc2435::Plan &plan, gsize i, guint16 number)
{
  rfc2435::Fragment fragment = plan.fragment (i);
  if (!extended_)
    return packets.packet (fragment, *header_, number,
        i == 0 ? job.extension : std::span<const std::uint8_t> ());

  Owned<GstBuffer> packet = std::move (stamped_[i]);
  gst_buffer_unset_flags (packet.get (), GST_BUFFER_FLAG_MARKER);
  {
    MappedBuffer map (packet.get (), GST_MAP_READWRITE);
    if (!map) return nullptr;
    rtp::set_sequence_number (map.writable (), number);
    rtp::set_marker (map.writable (), fragment.last);
  }
  if (!packets.append (packet.get (), fragment)) return nullptr;
  return packet;
}

GstFlowReturn Sender::push (
    const Job &job, const rfc2435::Plan &plan, Sent &sent)
{
  mjpegframe::Packetizer packets (job.frame, job.header, job.scan, *pool_);
  pacing::Schedule schedule (plan.count (), job.burst, job.spread);
  Owned<GstClock> clock;
  if (schedule.count () > 1) clock = clock_of (base_);
  std::optional<pacing::Pace> pace;
  guint16 number = numbers_.lock ()->next;
  for (gsize i = 0; i < schedule.count (); i++) {
    pacing::Burst burst = schedule.burst (i);
    Owned<GstBufferList> list{gst_buffer_list_new_sized (
        static_cast<guint> (burst.end - burst.begin))};
    gsize bytes = 0;
    for (gsize j = burst.begin; j < burst.end; j++) {
      Owned<GstBuffer> packet = make (packets, job, plan, j, number++);
      if (!packet) return unreadable;
      bytes += gst_buffer_get_size (packet.get ());
      gst_buffer_list_add (list.get (), packet.release ());
    }
    if (i > 0) {
      pacing::Nanoseconds due = pace->due (i, now (clock.get ()));
      if (!waiter_.wait (
              clock.get (), static_cast<GstClockTime> (due.count ())))
        return GST_FLOW_FLUSHING;
    }
    {
      auto numbers = numbers_.lock ();
      numbers->next = number;
      numbers->last = static_cast<guint16> (number - 1);
    }
    base_->seqnum = static_cast<guint16> (number - 1);
    GstFlowReturn flow = gst_pad_push_list (
        GST_RTP_BASE_PAYLOAD_SRCPAD (base_), list.release ());
    if (flow != GST_FLOW_OK) return flow;
    sent.packets += burst.end - burst.begin;
    sent.bytes += bytes;
    // When the first have left: a sink may have waited for their time.
    if (i == 0 && clock) pace.emplace (schedule, now (clock.get ()));
  }
  return GST_FLOW_OK;
}

}  // namespace rtpsender

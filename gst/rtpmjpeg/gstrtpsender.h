// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/rtp/gstrtpbasepayload.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "common/gstpp.h"
#include "common/guarded.h"
#include "gstmjpegframe.h"
#include "gstpacketpool.h"
#include "pacing.h"
#include "rfc2435.h"
#include "rtpheader.h"

// Sends frames for a GstRTPBasePayload.
//
// The base class knows what stands in an RTP header, but its own push costs
// more than all the rest. So it pushes one bare header for each frame (and one
// for each packet while there are header extensions of RFC 8285, which may
// differ), a probe takes these off the pad, and the packets are made from them.
// Sequence numbers are counted here; where the base class starts anew, so do
// they.
namespace rtpsender {

// Waits that somebody else can end.
class Waiter
{
public:
  // False: interrupted.
  [[nodiscard]] bool wait (GstClock *clock, GstClockTime until);
  void interrupt ();
  void resume ();

private:
  struct State
  {
    GstClockID id = nullptr;
    bool interrupted = false;
  };
  relay::Guarded<State> state_;
};

struct Job
{
  GstBuffer *frame;
  const rfc2435::Frame &header;
  const mjpegframe::Scan &scan;
  // The ONVIF header extension of the first packet; empty: none.
  std::span<const std::uint8_t> extension;
  // The packets leave in bursts of so many, over this time; 0: all at once.
  gsize burst;
  pacing::Nanoseconds spread;
};

// The frame's memory cannot be mapped.
inline constexpr GstFlowReturn unreadable = GST_FLOW_CUSTOM_ERROR;

// The application does not want the frame.
inline constexpr GstFlowReturn dropped = GST_FLOW_CUSTOM_SUCCESS;

struct Sent
{
  guint64 packets = 0;
  guint64 bytes = 0;
};

class Sender
{
public:
  // Once, before anything is sent.
  void attach (GstRTPBasePayload *base);
  // A new stream of packets.
  void reset ();

  // An error is that of the plan, its position with the RTP header. What was
  // sent is added to `sent`, whatever the flow is.
  [[nodiscard]] rfc2435::Result<GstFlowReturn> send (
      const Job &job, Sent &sent);

  // Ends a wait in send (), which then returns GST_FLOW_FLUSHING; and takes it
  // back. In any thread.
  void interrupt () { waiter_.interrupt (); }
  void resume () { waiter_.resume (); }

  // Header extensions of RFC 8285 are in use.
  [[nodiscard]] bool has_extensions () const { return extended_; }
  // Of the last packet that was sent. In any thread.
  [[nodiscard]] std::optional<guint16> last_sequence_number ();

private:
  struct Numbers
  {
    guint16 next = 0;       // of ours
    guint16 next_base = 0;  // that the base class will give
    std::optional<guint16> last;
    bool started = false;
  };

  static GstPadProbeReturn take (
      GstPad *pad, GstPadProbeInfo *info, gpointer self);
  [[nodiscard]] GstFlowReturn stamp (
      GstBuffer *frame, gsize count, gsize total);
  [[nodiscard]] GstFlowReturn push (
      const Job &job, const rfc2435::Plan &plan, Sent &sent);
  [[nodiscard]] relay::Owned<GstBuffer> make (mjpegframe::Packetizer &packets,
      const Job &job, const rfc2435::Plan &plan, gsize i, guint16 number);
  void look_for_extensions ();
  void follow_base (gsize count);

  GstRTPBasePayload *base_ = nullptr;
  bool taking_ = false;
  // What the probe took: bare RTP headers, each with its extension.
  std::vector<relay::Owned<GstBuffer>> stamped_;
  std::optional<rtp::Header> header_;
  gsize extension_size_ = 0;  // the largest of this frame's
  // What the source pad has, and whether header extensions are in it.
  relay::Owned<GstCaps> caps_;
  bool extended_ = false;
  gsize reserved_ = 0;  // for them in each packet
  relay::Guarded<Numbers> numbers_;
  std::unique_ptr<packetpool::Pool> pool_;
  Waiter waiter_;
};

}  // namespace rtpsender

// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/gst.h>

#include <cstdint>
#include <optional>

#include "common/gstpp.h"
#include "common/guarded.h"
#include "gstcencmp4.h"
#include "gstkeysupply.h"
#include "mp4.h"
#include "starts.h"

// cencmp4decrypt between its pads: what becomes of a buffer of bytes.
class ByteDecrypter
{
public:
  struct Settings
  {
    OnMissingKey on_missing_key = OnMissingKey::error;
    GstClockTime key_timeout = gstcenc::default_key_timeout;
  };

  explicit ByteDecrypter (GstElement *element) : element_ (element)
  {
    reset ();
  }

  relay::Guarded<Settings> settings;
  relay::Guarded<gstcencmp4::Counters> counters;
  gstcenc::KeySupply supply;

  // The rest is of the streaming thread, from READY->PAUSED to PAUSED->READY.

  void reset ();
  void set_segment (const GstSegment &segment);
  // Another stream may come after one that failed.
  void begin_anew ();
  void end_stream ();

  GstFlowReturn process (relay::Owned<GstBuffer> in, mp4::Rewriter::Tail tail);

  [[nodiscard]] bool failed () const { return state_.failed; }
  // The byte that comes next, and how many of them it takes.
  [[nodiscard]] std::uint64_t next () const
  {
    return state_.rewriter.received ();
  }
  [[nodiscard]] std::size_t wanted () const
  {
    return state_.rewriter.wanted ();
  }

private:
  struct State
  {
    mp4::Rewriter rewriter{nullptr};
    mp4::Counters counted;           // how far its counters are in ours
    std::uint64_t keys_version = 0;  // that were looked for
    starts::Starts starts{gstcencmp4::kinds};
    GstFormat format = GST_FORMAT_UNDEFINED;
    std::uint64_t segment_start = 0;
    bool is_fresh = true;      // no buffer since the start, flush or EOS
    bool is_unwanted = false;  // who is behind has had enough
    bool failed = false;
  };

  void count (gsize bytes);
  [[nodiscard]] bool goes_on (GstBuffer *buffer) const;
  void begin_resource (GstBuffer *buffer);
  void end_resource ();
  GstFlowReturn push (std::uint64_t position, relay::Owned<GstBuffer> bytes);
  GstFlowReturn find_key (const keys::KeyId &kid);
  GstFlowReturn without_key (const keys::KeyId &kid, OnMissingKey policy);

  GstElement *element_;
  State state_;
};

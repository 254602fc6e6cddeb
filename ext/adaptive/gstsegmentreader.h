// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/gst.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "abr.h"
#include "block.h"
#include "body.h"
#include "common/gstpp.h"
#include "common/guarded.h"
#include "container.h"
#include "decryptedbody.h"
#include "fetcher.h"
#include "keystore.h"
#include "mediaclock.h"
#include "pool.h"
#include "presentation.h"
#include "segmentcache.h"
#include "tsclock.h"
#include "webvtt.h"

// What is fetched as one: an initialization or a media segment of a track.
struct SegmentPart
{
  // Of an initialization, the segment that it is fetched for.
  presentation::Segment segment;
  bool is_init = false;
  bool discontinuity = false;  // on its first buffer
  // Of MPEG-TS: a demuxer begins to count with this segment.
  bool begins_clock = false;
  // Its clock is to be compared with that of the segment before.
  bool continues_clock = false;
  mediaclock::Place place{};
  // An initialization of segments that may have encrypted samples.
  bool is_of_samples = false;
  // Of a segment: what its initialization said.
  decryptedbody::Programs programs{};

  [[nodiscard]] const presentation::Resource &resource () const
  {
    return is_init ? *segment.init : segment.resource;
  }
  // With a key that is had for it. Null: none.
  [[nodiscard]] const presentation::Encryption *encryption () const
  {
    if (const auto &whole = resource ().encryption) return &*whole;
    return has_samples () ? &*segment.samples : nullptr;
  }
  // To be decrypted here. What has an initialization may be MP4, where others
  // do that: it is not, when the initialization is MPEG-TS.
  [[nodiscard]] bool has_samples () const
  {
    return !is_init && segment.samples && (!segment.init || programs);
  }
};

// Why a part cannot be read.
struct SegmentProblem
{
  enum class Kind
  {
    body,       // see body
    not_media,  // for instance the page of a portal that wants a login
    samples,    // encrypted as nobody here decrypts them
    two_keys,   // for one key id
    no_memory
  };
  Kind kind = Kind::body;
  body::Problem body{};
  std::string uri{};  // without userinfo and query
  bool is_of_key = false;

  // The same might be had elsewhere.
  [[nodiscard]] bool is_of_place () const;
  // There is no such resource.
  [[nodiscard]] bool is_of_nothing () const;
  [[nodiscard]] std::string describe () const;
  // A request was broken off: nobody is told.
  [[nodiscard]] bool is_cancelled () const
  {
    return kind == Kind::body && body.error == body::Error::fetch &&
           body.fetch.error == fetcher::Error::cancelled;
  }
  // One element error in the words of a person.
  void post (GstElement *element) const;
};

// Reads a part and makes buffers of it, as demuxers want them: OFFSET from 0,
// HEADER on those of an initialization, PTS on the first one of a segment and
// DELTA_UNIT on all that follow. By one thread at a time.
class SegmentReader
{
public:
  template <class T>
  using Result = relay::Result<T, SegmentProblem>;

  // What all readers of an element have in common.
  struct Access
  {
    fetcher::Settings settings;
    fetcher::Counters *counters = nullptr;
    std::shared_ptr<pool::Pool> pool;
    std::shared_ptr<keystore::Store> keys;
    // Null: nothing is kept. What is fetched with these credentials (a hash) is
    // apart from what anybody gets.
    std::shared_ptr<segmentcache::Cache> cache;
    std::string credentials{};
    // What is known of the clocks of the media. Its lock is not held together
    // with others.
    std::shared_ptr<relay::Guarded<mediaclock::Book>> clocks =
        std::make_shared<relay::Guarded<mediaclock::Book>> ();
    // A segment is not where it is listed, by the clock of the others: from any
    // thread, without a lock.
    std::function<void (const std::string &uri)> on_other_clock{};
  };

  // block: how large reads are; it learns over all readers of a track, as text
  // does of when it is. All of them outlive the reader.
  SegmentReader (const Access &access, SegmentPart part,
      GCancellable *cancellable, block::Size &block, webvtt::Clock &text);
  SegmentReader (const SegmentReader &) = delete;
  SegmentReader &operator= (const SegmentReader &) = delete;
  ~SegmentReader () = default;

  [[nodiscard]] const SegmentPart &part () const { return part_; }
  // Called, if they are set, when it has a connection, and before it waits
  // without one: see fetcher::Request.
  struct Calls
  {
    std::function<void ()> on_place{};
    std::function<void ()> on_queue{};
  };
  // Sends the request, and waits for the headers. The calls may also come
  // later, when what broke off is asked for again.
  [[nodiscard]] Result<relay::Done> open (const Calls &calls);
  [[nodiscard]] Result<relay::Done> open () { return open ({}); }
  // The same, where connections are free: it waits for none. False: it is not
  // open.
  [[nodiscard]] Result<bool> open_if_free ();
  // Somebody waits for the connection that it has.
  [[nodiscard]] bool is_wanted () const { return body_ && body_->is_wanted (); }
  // Gives it back: the next read asks for the rest. False: it cannot.
  [[nodiscard]] bool let_go ();
  // Waits for bytes. Null at the end, which is verified by the length, or by
  // the boxes or packets.
  [[nodiscard]] Result<relay::Owned<GstBuffer>> read ();

  // Once it is open, where it is known.
  [[nodiscard]] std::optional<std::uint64_t> length () const
  {
    return body_ ? body_->head ().length : std::nullopt;
  }
  // With its first buffer, of a segment of MPEG-TS: what it begins with. Where
  // it does not begin the clock, no more than its PCR is looked for. Nothing:
  // it is none.
  [[nodiscard]] const std::optional<tsclock::Lead> &lead () const
  {
    return lead_;
  }
  // And of packed audio: when it is on the clock of the media.
  [[nodiscard]] std::optional<std::uint64_t> timestamp () const
  {
    return timestamp_;
  }
  // Of an initialization, at its end.
  [[nodiscard]] const decryptedbody::Programs &programs () const
  {
    return programs_;
  }
  // What it says of the network, so far.
  [[nodiscard]] abr::Transfer transfer () const;
  [[nodiscard]] abr::Progress progress () const;

private:
  Result<std::unique_ptr<body::Body>> fetch (
      const presentation::Resource &resource, const Calls &calls);
  Result<std::shared_ptr<const keystore::Key>> open_with_key (
      const std::string &uri, const Calls &calls);
  Result<relay::Owned<GstBuffer>> read_block ();
  Result<relay::Owned<GstBuffer>> read_text (relay::Owned<GstBuffer> first);
  Result<std::size_t> fill (std::span<std::uint8_t> out);
  Result<std::size_t> fill_clock (
      std::span<std::uint8_t> out, std::size_t count);
  Result<relay::Done> look (std::span<const std::uint8_t> bytes);
  [[nodiscard]] Result<relay::Owned<GstBuffer>> end () const;
  void dress (GstBuffer *buffer);

  const Access &access_;
  const SegmentPart part_;
  GCancellable *cancellable_;
  block::Size &block_;
  webvtt::Clock &text_clock_;
  bool is_text_ = false;  // WebVTT
  std::optional<tsclock::Lead> lead_;
  std::optional<std::uint64_t> timestamp_;
  decryptedbody::Programs programs_;  // which the body sets
  bool waits_for_place_ = true;
  bool was_let_go_ = false;  // its time says nothing of the network
  std::unique_ptr<body::Body> body_;
  std::optional<abr::Stopwatch> stopwatch_;
  std::optional<abr::Pace> pace_;
  abr::Time begun_ = 0;
  container::Boundaries boundaries_{container::Format::unknown};
  std::uint64_t position_ = 0;  // in the resource
};

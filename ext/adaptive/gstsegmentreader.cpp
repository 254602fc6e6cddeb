// SPDX-License-Identifier: LGPL-2.1-or-later
#include "config.h"

#include "gstsegmentreader.h"

#include <glib/gi18n-lib.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "gstblocks.h"
#include "gstfetch.h"
#include "gstthroughput.h"
#include "id3.h"
#include "loader.h"
#include "tsclock.h"
#include "uri.h"

using relay::Owned;
using Kind = SegmentProblem::Kind;

static void post_body (GstElement *element, const body::Problem &problem)
{
  const char *uri = problem.uri.c_str ();
  const char *message = problem.message.c_str ();
  switch (problem.error) {
    case body::Error::fetch:
      gstfetch::post_problem (element, problem.fetch);
      break;
    case body::Error::key:
      GST_ELEMENT_ERROR (element, STREAM, DECRYPT_NOKEY,
          (_ ("The key of the stream is not one for its encryption.")),
          ("%s: %s", uri, message));
      break;
    case body::Error::decrypt:
      GST_ELEMENT_ERROR (element, STREAM, DECRYPT,
          (_ ("A part of the stream could not be decrypted: its key is wrong, "
              "or the part is damaged.")),
          ("%s: %s", uri, message));
      break;
  }
}

void SegmentProblem::post (GstElement *element) const
{
  switch (kind) {
    case Kind::body:
      post_body (element, body);
      break;
    case Kind::not_media:
      GST_ELEMENT_ERROR (element, STREAM, WRONG_TYPE,
          (_ ("A part of the stream is not media.")), ("%s", uri.c_str ()));
      break;
    case Kind::samples:
      GST_ELEMENT_ERROR (element, STREAM, NOT_IMPLEMENTED,
          (_ ("The presentation needs what is not supported yet.")),
          ("%s: encrypted samples (SAMPLE-AES) outside of MP4", uri.c_str ()));
      break;
    case Kind::two_keys:
      GST_ELEMENT_ERROR (element, STREAM, NOT_IMPLEMENTED,
          (_ ("The presentation needs what is not supported yet.")),
          ("%s: another key for a key id that has one", uri.c_str ()));
      break;
    case Kind::no_memory:
      GST_ELEMENT_ERROR (
          element, RESOURCE, NO_SPACE_LEFT, (nullptr), ("%s", uri.c_str ()));
      break;
  }
}

bool SegmentProblem::is_of_place () const
{
  if (kind == Kind::not_media) return true;
  return kind == Kind::body && body.error == body::Error::fetch && !is_of_key &&
         !is_cancelled ();
}

bool SegmentProblem::is_of_nothing () const
{
  return kind == Kind::body && body.error == body::Error::fetch && !is_of_key &&
         body.fetch.error == fetcher::Error::http_status &&
         (body.fetch.http_status == 404 || body.fetch.http_status == 410);
}

std::string SegmentProblem::describe () const
{
  if (kind == Kind::not_media) return uri + ": not media";
  return loader::to_string ({loader::Error::fetch, body.fetch, {}, {}});
}

static relay::Failure<SegmentProblem> failure (
    Kind kind, const SegmentPart &part)
{
  return {
      SegmentProblem{kind, {}, uri::without_secrets (part.resource ().uri)}, 0};
}

static relay::Failure<SegmentProblem> failure (body::Problem problem)
{
  return {SegmentProblem{Kind::body, std::move (problem)}, 0};
}

SegmentReader::SegmentReader (const Access &access, SegmentPart part,
    GCancellable *cancellable, block::Size &block, webvtt::Clock &text)
    : access_ (access),
      part_ (std::move (part)),
      cancellable_ (cancellable),
      block_ (block),
      text_clock_ (text)
{
}

// Its address may hold secrets: of these only a hash is kept.
static std::string cache_key (
    const presentation::Resource &resource, const std::string &credentials)
{
  std::string text = resource.uri + "\n";
  if (resource.range) {
    text += std::to_string (resource.range->first) + "-";
    if (resource.range->last) text += std::to_string (*resource.range->last);
  }
  text += "\n" + credentials;
  Owned<gchar> hash{g_compute_checksum_for_string (
      G_CHECKSUM_SHA256, text.c_str (), static_cast<gssize> (text.size ()))};
  return uri::without_secrets (resource.uri) + "\nsegment " + hash.get ();
}

// From the cache, or from the network into it.
SegmentReader::Result<std::unique_ptr<body::Body>> SegmentReader::fetch (
    const presentation::Resource &resource, const Calls &calls)
{
  std::string key;
  if (access_.cache && !resource.uri.starts_with ("data:")) {
    key = cache_key (resource, access_.credentials);
    if (auto kept = access_.cache->find (key, resource.uri)) return kept;
  }
  fetcher::Request request{resource.uri, {},
      part_.is_init ? fetcher::Kind::init : fetcher::Kind::media};
  // The time for which a connection was waited for says nothing of the network.
  request.waits_for_place = waits_for_place_;
  request.on_queue = calls.on_queue;
  request.on_place = [this, also = calls.on_place] {
    if (was_let_go_) return;
    begun_ = Throughput::now ();
    stopwatch_.emplace (begun_);
    pace_.emplace (begun_);
    if (also) also ();
  };
  if (resource.range)
    request.range.emplace (
        fetcher::Range{resource.range->first, resource.range->last});
  auto body =
      body::fetch (access_.settings, request, cancellable_, access_.counters);
  if (!body) return failure (body.code ());
  if (stopwatch_) stopwatch_->opened (Throughput::now ());
  if (!key.empty ()) return access_.cache->keep (key, std::move (*body));
  return std::move (*body);
}

static relay::Failure<SegmentProblem> busy ()
{
  body::Problem problem;
  problem.fetch.error = fetcher::Error::busy;
  return failure (std::move (problem));
}

// Where a key is wanted that nobody has, both are asked for at once, the key
// first: a host may have one place for both. With a connection it is not waited
// for without one, nor for several tries: that may be the one that it needs.
SegmentReader::Result<std::shared_ptr<const keystore::Key>>
SegmentReader::open_with_key (const std::string &uri, const Calls &calls)
{
  const presentation::Resource &resource = part_.resource ();
  access_.keys->begin (access_.settings, uri, access_.counters);
  if (access_.keys->wait_for_place (uri, cancellable_, waits_for_place_)) {
    auto body = fetch (resource, calls);
    if (!body) return body.error ();
    if (auto key = access_.keys->wait_for_key (uri, cancellable_)) {
      body_ = std::move (*body);
      return key;
    }
  }
  if (!waits_for_place_) return busy ();
  if (calls.on_queue) calls.on_queue ();
  auto key =
      access_.keys->get (access_.settings, uri, cancellable_, access_.counters);
  if (!key) {
    auto problem = failure (body::failure (key.code ()).code);
    problem.code.is_of_key = true;
    return problem;
  }
  auto body = fetch (resource, calls);
  if (!body) return body.error ();
  body_ = std::move (*body);
  return std::move (*key);
}

SegmentReader::Result<relay::Done> SegmentReader::open (const Calls &calls)
{
  const presentation::Resource &resource = part_.resource ();
  const auto *encryption = part_.encryption ();
  std::shared_ptr<const keystore::Key> key;
  if (encryption != nullptr) {
    auto had = open_with_key (encryption->key_uri, calls);
    if (!had) return had.error ();
    key = std::move (*had);
  } else {
    auto body = fetch (resource, calls);
    if (!body) return body.error ();
    body_ = std::move (*body);
  }
  if (key) {
    auto clear =
        resource.encryption
            ? decryptedbody::make (std::move (body_), *encryption, *key)
            : decryptedbody::make_samples (
                  std::move (body_), *encryption, *key, part_.programs);
    if (!clear) return failure (clear.code ());
    body_ = std::move (*clear);
  }
  if (part_.is_of_samples)
    body_ = decryptedbody::make_map (std::move (body_), programs_);
  return relay::Done{};
}

SegmentReader::Result<bool> SegmentReader::open_if_free ()
{
  waits_for_place_ = false;
  auto opened = open ();
  waits_for_place_ = true;
  if (opened) return true;
  const SegmentProblem &problem = opened.code ();
  if (problem.kind == Kind::body &&
      problem.body.fetch.error == fetcher::Error::busy)
    return false;
  return opened.error ();
}

bool SegmentReader::let_go ()
{
  was_let_go_ = body_ && body_->let_go ();
  return was_let_go_;
}

// At the beginning of a resource, enough to see what it is: a read gives as
// little as one byte. 0: nothing yet, or at the end, which is then complete.
SegmentReader::Result<std::size_t> SegmentReader::fill (
    std::span<std::uint8_t> out)
{
  std::size_t enough =
      std::min (position_ == 0 ? container::sniff_size : 1, out.size ());
  std::size_t count = 0;
  while (count < enough) {
    auto got = body_->read_now (out.subspan (count));
    if (!got) return failure (got.code ());
    if (!*got) {
      if (stopwatch_) stopwatch_->waits (Throughput::now ());
      body_->wait ();
    } else if (**got == 0) {
      break;
    } else {
      if (stopwatch_) stopwatch_->took (**got);
      count += **got;
    }
  }
  return count;
}

// Goes on until the clock and, where it is counted anew from there, the first
// picture are there, as far as one buffer reaches.
SegmentReader::Result<std::size_t> SegmentReader::fill_clock (
    std::span<std::uint8_t> out, std::size_t count)
{
  if (container::sniff (out.first (count)) != container::Format::mpegts)
    return count;
  for (;;) {
    lead_ = tsclock::lead (out.first (count));
    bool is_wanted = part_.begins_clock
                         ? lead_->is_open
                         : part_.continues_clock && !lead_->clock;
    if (!is_wanted || count == out.size ()) return count;
    auto more = fill (out.subspan (count));
    if (!more) return more.error ();
    if (*more == 0) return count;
    count += *more;
  }
}

// In MP4 it says itself what is encrypted. In TS and packed audio nothing tells
// encrypted samples from others.
static bool is_for_no_decrypter (container::Format format)
{
  return format == container::Format::mpegts ||
         format == container::Format::packed_audio;
}

SegmentReader::Result<relay::Done> SegmentReader::look (
    std::span<const std::uint8_t> bytes)
{
  if (position_ == 0) {
    auto format = container::sniff (bytes);
    if (format == container::Format::html)
      return failure (Kind::not_media, part_);
    bool is_clear = part_.is_init ? part_.segment.samples.has_value ()
                                  : part_.has_samples ();
    if (part_.segment.protections && !is_clear && is_for_no_decrypter (format))
      return failure (Kind::samples, part_);
    // All that HLS has in segments is known by its first bytes.
    const auto &encryption = part_.resource ().encryption;
    if (encryption && format == container::Format::unknown && !bytes.empty ())
      return failure (body::Problem{body::Error::decrypt, {},
          uri::without_secrets (encryption->key_uri),
          "what comes out is not media"});
    if (format == container::Format::packed_audio)
      timestamp_ = id3::timestamp (bytes);
    is_text_ = format == container::Format::webvtt;
    boundaries_ = container::Boundaries (format);
  }
  boundaries_.feed (bytes);
  return relay::Done{};
}

SegmentReader::Result<Owned<GstBuffer>> SegmentReader::read_block ()
{
  unsigned size = block_.next ();
  Owned<GstBuffer> buffer = gstblocks::make_buffer (access_.pool, size);
  if (!buffer) return failure (Kind::no_memory, part_);
  std::size_t count = 0;
  {
    relay::MappedBuffer map (buffer.get (), GST_MAP_WRITE);
    if (!map) return failure (Kind::no_memory, part_);
    auto got = fill (map.writable ());
    if (got && position_ == 0 && !part_.is_init)
      got = fill_clock (map.writable (), *got);
    if (!got) return got.error ();
    count = *got;
    auto fine = look (map.bytes ().first (count));
    if (!fine) return fine.error ();
  }
  block_.took (count);
  gst_buffer_set_size (buffer.get (), static_cast<gssize> (count));
  return buffer;
}

SegmentReader::Result<Owned<GstBuffer>> SegmentReader::read ()
{
  if (stopwatch_) stopwatch_->enter (Throughput::now ());
  auto buffer = read_block ();
  if (!buffer) return buffer.error ();
  abr::Time now = Throughput::now ();
  if (stopwatch_) stopwatch_->leave (now);
  if (gst_buffer_get_size (buffer->get ()) == 0) return end ();
  if (position_ == 0 && is_text_) return read_text (std::move (*buffer));
  dress (buffer->get ());
  if (pace_) pace_->add (now, position_);
  return std::move (*buffer);
}

// A segment of WebVTT as one: its cues may have to be moved, and its last one
// has to end.
SegmentReader::Result<Owned<GstBuffer>> SegmentReader::read_text (
    Owned<GstBuffer> first)
{
  std::string text;
  while (gst_buffer_get_size (first.get ()) > 0) {
    {
      relay::MappedBuffer map (first.get (), GST_MAP_READ);
      if (!map) return failure (Kind::no_memory, part_);
      text.append (map.bytes ().begin (), map.bytes ().end ());
    }
    if (text.size () > webvtt::max_size)
      return failure (Kind::not_media, part_);
    position_ = text.size ();
    auto more = read_block ();
    if (!more) return more.error ();
    first = std::move (*more);
  }
  position_ = 0;
  auto media = access_.clocks->lock ()->find (part_.place);
  text = webvtt::place (text, text_clock_.offset (part_.segment.time,
                                  part_.segment.duration, text, media));
  Owned<GstBuffer> out{gst_buffer_new_memdup (text.data (), text.size ())};
  dress (out.get ());
  return out;
}

SegmentReader::Result<Owned<GstBuffer>> SegmentReader::end () const
{
  const fetcher::Head &head = body_->head ();
  // The padding of an encrypted one has been seen.
  const auto &encryption = part_.resource ().encryption;
  bool is_whole =
      head.length ||
      (encryption &&
          encryption->cipher != presentation::Encryption::Cipher::aes_256_ctr);
  if (!is_whole && !boundaries_.at_boundary ())
    return failure (body::Problem{body::Error::fetch,
        {fetcher::Error::truncated, 0, uri::without_secrets (head.uri),
            "it ends inside a box or packet", {}}});
  return Owned<GstBuffer>{};
}

abr::Transfer SegmentReader::transfer () const
{
  if (!stopwatch_ || was_let_go_) return {};
  return stopwatch_->finish (Throughput::now ());
}

abr::Progress SegmentReader::progress () const
{
  abr::Progress out;
  if (!pace_ || !body_ || was_let_go_) return out;
  abr::Time now = Throughput::now ();
  out.elapsed = now - begun_;
  out.bytes = position_;
  out.size = body_->head ().length.value_or (0);
  out.rate = pace_->rate (now);
  return out;
}

void SegmentReader::dress (GstBuffer *buffer)
{
  bool first = position_ == 0;
  GST_BUFFER_OFFSET (buffer) = position_;
  position_ += gst_buffer_get_size (buffer);
  GST_BUFFER_OFFSET_END (buffer) = position_;
  if (first && part_.discontinuity)
    GST_BUFFER_FLAG_SET (buffer, GST_BUFFER_FLAG_DISCONT);
  if (part_.is_init)
    GST_BUFFER_FLAG_SET (buffer, GST_BUFFER_FLAG_HEADER);
  else if (first)
    GST_BUFFER_PTS (buffer) = part_.segment.time;
  else
    GST_BUFFER_FLAG_SET (buffer, GST_BUFFER_FLAG_DELTA_UNIT);
}

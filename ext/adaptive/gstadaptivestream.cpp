// SPDX-License-Identifier: LGPL-2.1-or-later
#include "config.h"

#include "gstadaptivestream.h"

#include <gio/gio.h>
#include <glib/gi18n-lib.h>
#include <gst/base/gsttypefindhelper.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "gstfetch.h"
#include "schedule.h"
#include "uri.h"

using relay::Owned;
using Stream = std::shared_ptr<AdaptiveStream>;

// ---- Caps ------------------------------------------------------------------

static const char *caps_of (container::Format format, presentation::Type type)
{
  using container::Format;
  bool audio = type == presentation::Type::audio;
  switch (format) {
    case Format::mp4:
      return audio ? "audio/x-m4a" : "video/quicktime";
    case Format::mpegts:
      return "video/mpegts, systemstream=(boolean)true";
    case Format::webm:
      return audio ? "audio/webm" : "video/webm";
    case Format::webvtt:
      return "application/x-subtitle-vtt";
    case Format::ttml:
      return "application/ttml+xml";
    // By their first bytes.
    case Format::packed_audio:
    case Format::unknown:
    case Format::html:
      break;
  }
  return nullptr;
}

// What the manifest and the addresses say.
static container::Format announced (
    const loader::Selection &selection, const presentation::Segment &segment)
{
  using container::Format;
  auto format = container::from_mime_type (selection.representation.mime_type);
  if (format == Format::unknown)
    format = container::from_uri (segment.resource.uri);
  // HLS: EXT-X-MAP with what is not TS is for fragmented MP4, whatever its
  // name; packed audio has none (RFC 8216 3.3 and 3.4).
  if (segment.init &&
      (format == Format::unknown || format == Format::packed_audio))
    format = Format::mp4;
  return format;
}

// ---- The pad's functions ---------------------------------------------------

static GQuark stream_quark ()
{
  return g_quark_from_static_string ("relay-adaptive-stream");
}

static AdaptiveStream &stream_of (GstPad *pad)
{
  return **static_cast<Stream *> (
      g_object_get_qdata (G_OBJECT (pad), stream_quark ()));
}

static gboolean pad_event (GstPad *pad, GstObject *parent, GstEvent *raw)
{
  Owned<GstEvent> event{raw};
  switch (GST_EVENT_TYPE (raw)) {
    case GST_EVENT_RECONFIGURE:
      stream_of (pad).resume ();
      return TRUE;
    case GST_EVENT_FLUSH_START:
      // Nobody wants more: a cache that has held us back, and stops.
      stream_of (pad).cancel ();
      return TRUE;
    case GST_EVENT_SEEK:
      return FALSE;
    default:
      return gst_pad_event_default (pad, parent, event.release ());
  }
}

static gboolean pad_query (GstPad *pad, GstObject *parent, GstQuery *query)
{
  switch (GST_QUERY_TYPE (query)) {
    case GST_QUERY_DURATION:
    case GST_QUERY_SEEKING:
    case GST_QUERY_SCHEDULING:
    case GST_QUERY_LATENCY:
    case GST_QUERY_URI:
      return gst_element_query (GST_ELEMENT (parent), query);
    default:
      return gst_pad_query_default (pad, parent, query);
  }
}

static gboolean pad_activate_mode (
    GstPad *pad, GstObject *, GstPadMode mode, gboolean active)
{
  if (mode != GST_PAD_MODE_PUSH) return FALSE;
  if (active) return TRUE;
  stream_of (pad).cancel ();
  return gst_pad_stop_task (pad);
}

// ---- The stream ------------------------------------------------------------

AdaptiveStream::AdaptiveStream (
    const Shared &shared, loader::Selection selection)
    : shared_ (shared), selection_ (std::move (selection))
{
}

bool AdaptiveStream::answer (GstQuery *query)
{
  switch (GST_QUERY_TYPE (query)) {
    case GST_QUERY_SEEKING: {
      GstFormat format = GST_FORMAT_UNDEFINED;
      gst_query_parse_seeking (query, &format, nullptr, nullptr, nullptr);
      gst_query_set_seeking (query, format, FALSE, 0, -1);
      return true;
    }
    case GST_QUERY_SCHEDULING:
      // Bins ask before there is a pad, to know that this is no local file.
      gst_query_set_scheduling (query,
          static_cast<GstSchedulingFlags> (
              GST_SCHEDULING_FLAG_SEQUENTIAL |
              GST_SCHEDULING_FLAG_BANDWIDTH_LIMITED),
          1, -1, 0);
      gst_query_add_scheduling_mode (query, GST_PAD_MODE_PUSH);
      return true;
    case GST_QUERY_LATENCY:
      gst_query_set_latency (query, FALSE, 0, GST_CLOCK_TIME_NONE);
      return true;
    default:
      return false;
  }
}

void AdaptiveStream::post_variant (GstElement *element, const std::string &pad,
    const presentation::Representation &chosen)
{
  gst_element_post_message (element,
      gst_message_new_element (GST_OBJECT (element),
          gst_structure_new ("adaptivesrc-variant", "pad", G_TYPE_STRING,
              pad.c_str (), "id", G_TYPE_STRING, chosen.id.c_str (), "codecs",
              G_TYPE_STRING, chosen.codecs.c_str (), "mime-type", G_TYPE_STRING,
              chosen.mime_type.c_str (), "bandwidth", G_TYPE_UINT64,
              static_cast<guint64> (chosen.bandwidth), "width", G_TYPE_UINT,
              chosen.width, "height", G_TYPE_UINT, chosen.height, nullptr)));
}

bool AdaptiveStream::find_format ()
{
  auto first = schedule::segment (selection_.representation, 0);
  if (!first) {
    fail_format ();
    return false;
  }
  if (const char *text =
          caps_of (announced (selection_, *first), selection_.type)) {
    caps_.reset (gst_caps_from_string (text));
    return true;
  }
  segment_ = *first;
  if (open (first->resource, false) != GST_FLOW_OK ||
      read_block (first_block_) != GST_FLOW_OK)
    return false;
  if (first_block_)
    caps_.reset (gst_type_find_helper_for_buffer (
        GST_OBJECT (shared_.element), first_block_.get (), nullptr));
  if (!caps_) fail_format ();
  return caps_ != nullptr;
}

GstPad *AdaptiveStream::make_pad (
    GstPadTemplate *pad_template, const std::string &name)
{
  pad_ = gst_pad_new_from_template (pad_template, name.c_str ());
  g_object_set_qdata_full (G_OBJECT (pad_), stream_quark (),
      new Stream (shared_from_this ()),
      [] (gpointer stream) { delete static_cast<Stream *> (stream); });
  gst_pad_set_event_function (pad_, pad_event);
  gst_pad_set_query_function (pad_, pad_query);
  gst_pad_set_activatemode_function (pad_, pad_activate_mode);
  gst_pad_use_fixed_caps (pad_);
  gst_pad_set_active (pad_, TRUE);

  // On the pad before anybody sees it, so that a bin knows what it plugs.
  Owned<gchar> id{
      gst_pad_create_stream_id (pad_, shared_.element, name.c_str ())};
  GstEvent *stream_start = gst_event_new_stream_start (id.get ());
  gst_event_set_group_id (stream_start, shared_.group_id);
  gst_pad_push_event (pad_, stream_start);
  gst_pad_push_event (pad_, gst_event_new_caps (caps_.get ()));
  GstSegment segment;
  gst_segment_init (&segment, GST_FORMAT_TIME);
  segment.start = schedule::media_offset (selection_.representation);
  segment.position = segment.start;
  segment.time = shared_.start;
  gst_pad_push_event (pad_, gst_event_new_segment (&segment));
  return pad_;
}

AdaptiveStream::~AdaptiveStream ()
{
  (void)flow ();
}

void AdaptiveStream::start ()
{
  flow_ = GST_FLOW_OK;
  gst_pad_start_task (pad_, loop, this, nullptr);
}

void AdaptiveStream::cancel ()
{
  g_cancellable_cancel (cancellable_.get ());
}

void AdaptiveStream::resume ()
{
  // GstPad has set its NEED_RECONFIGURE flag before: when the thread is just
  // about to wait, it sees that one.
  if (flow_ == GST_FLOW_NOT_LINKED) start ();
}

void AdaptiveStream::loop (gpointer data)
{
  auto *self = static_cast<AdaptiveStream *> (data);
  GstFlowReturn flow = self->flow_;
  if (flow == GST_FLOW_OK) flow = self->step ();
  if (flow == GST_FLOW_OK)
    self->flow_ = flow;
  else
    self->end (flow);
}

GstFlowReturn AdaptiveStream::step ()
{
  if (!greeted_) {
    GstFlowReturn flow = greet ();
    if (flow != GST_FLOW_OK) return flow;
  }
  return response_ ? push_block () : open_next ();
}

// Pushes an event, which takes those before it along, and looks what has become
// of them: pushing a sticky event itself does not say.
GstFlowReturn AdaptiveStream::greet ()
{
  gst_pad_check_reconfigure (pad_);
  Owned<GstPad> peer{gst_pad_get_peer (pad_)};
  if (!peer) return GST_FLOW_NOT_LINKED;
  GstTagList *tags = gst_tag_list_new_empty ();
  auto bandwidth = selection_.representation.bandwidth;
  if (bandwidth > 0 && bandwidth <= G_MAXUINT)
    gst_tag_list_add (tags, GST_TAG_MERGE_REPLACE, GST_TAG_NOMINAL_BITRATE,
        static_cast<guint> (bandwidth), nullptr);
  if (!selection_.language.empty () && selection_.language != "und")
    gst_tag_list_add (tags, GST_TAG_MERGE_REPLACE, GST_TAG_LANGUAGE_CODE,
        selection_.language.c_str (), nullptr);
  gst_pad_push_event (pad_, gst_event_new_tag (tags));
  if (GST_PAD_IS_FLUSHING (peer.get ())) return GST_FLOW_FLUSHING;
  if (!gst_pad_query_accept_caps (peer.get (), caps_.get ()))
    return GST_FLOW_NOT_NEGOTIATED;
  greeted_ = true;
  return GST_FLOW_OK;
}

GstFlowReturn AdaptiveStream::open_next ()
{
  auto segment = schedule::segment (selection_.representation, next_);
  if (!segment) return GST_FLOW_EOS;
  segment_ = std::move (*segment);
  discontinuity_ = discontinuity_ || segment_.discontinuity;
  if (segment_.init && !(has_init_ && init_ == *segment_.init)) {
    init_ = *segment_.init;
    return open (init_, true);
  }
  return open (segment_.resource, false);
}

GstFlowReturn AdaptiveStream::open (
    const presentation::Resource &resource, bool init)
{
  fetcher::Request request{
      resource.uri, {}, init ? fetcher::Kind::init : fetcher::Kind::media};
  if (resource.range)
    request.range.emplace (
        fetcher::Range{resource.range->first, resource.range->last});
  auto response = fetcher::send (
      shared_.settings, request, cancellable_.get (), shared_.counters);
  if (!response) return fail (response.code ());
  response_ = std::move (*response);
  const fetcher::Head &head = response_->head ();
  if (request.range && request.range->last &&
      head.length != *request.range->last - request.range->first + 1)
    return fail ({fetcher::Error::truncated, head.status,
        uri::without_secrets (head.uri), "shorter than its byte range", {}});
  reads_init_ = init;
  position_ = 0;
  return GST_FLOW_OK;
}

// At the beginning of a resource, enough to see what it is: a read gives as
// little as one byte.
GstFlowReturn AdaptiveStream::read (
    std::span<std::uint8_t> out, std::size_t &count)
{
  std::size_t enough = position_ == 0 ? container::sniff_size : 1;
  count = 0;
  while (count < enough) {
    auto rest = out.subspan (count);
    auto got = response_->read (rest.data (), rest.size ());
    if (!got) return fail (got.code ());
    if (*got == 0) break;
    count += *got;
  }
  return GST_FLOW_OK;
}

// Null at the end of the resource.
GstFlowReturn AdaptiveStream::read_block (Owned<GstBuffer> &out)
{
  unsigned size = block_.next ();
  Owned<GstBuffer> buffer{gst_buffer_new_allocate (nullptr, size, nullptr)};
  if (!buffer) return GST_FLOW_ERROR;
  std::size_t count = 0;
  auto format = container::Format::unknown;
  {
    relay::MappedBuffer map (buffer.get (), GST_MAP_WRITE);
    if (!map) return GST_FLOW_ERROR;
    GstFlowReturn flow = read (map.writable (), count);
    if (flow != GST_FLOW_OK) return flow;
    auto bytes = map.bytes ().first (count);
    if (position_ == 0) {
      format = container::sniff (bytes);
      boundaries_ = container::Boundaries (format);
    }
    boundaries_.feed (bytes);
  }
  // In place of a segment, for instance by a portal that wants a login.
  if (format == container::Format::html) {
    fail_format ();
    return GST_FLOW_ERROR;
  }
  block_.took (count);
  gst_buffer_set_size (buffer.get (), static_cast<gssize> (count));
  if (count > 0) out = std::move (buffer);
  return GST_FLOW_OK;
}

GstFlowReturn AdaptiveStream::push_block ()
{
  Owned<GstBuffer> buffer = std::move (first_block_);
  if (!buffer) {
    GstFlowReturn flow = read_block (buffer);
    if (flow != GST_FLOW_OK) return flow;
  }
  if (!buffer) return end_resource ();
  dress (buffer.get (), gst_buffer_get_size (buffer.get ()));
  return gst_pad_push (pad_, buffer.release ());
}

void AdaptiveStream::dress (GstBuffer *buffer, std::size_t size)
{
  bool first = position_ == 0;
  GST_BUFFER_OFFSET (buffer) = position_;
  position_ += size;
  GST_BUFFER_OFFSET_END (buffer) = position_;
  if (discontinuity_) GST_BUFFER_FLAG_SET (buffer, GST_BUFFER_FLAG_DISCONT);
  discontinuity_ = false;
  if (reads_init_)
    GST_BUFFER_FLAG_SET (buffer, GST_BUFFER_FLAG_HEADER);
  else if (first)
    GST_BUFFER_PTS (buffer) = segment_.time;
  else
    GST_BUFFER_FLAG_SET (buffer, GST_BUFFER_FLAG_DELTA_UNIT);
}

GstFlowReturn AdaptiveStream::end_resource ()
{
  const fetcher::Head &head = response_->head ();
  if (!head.length && !boundaries_.at_boundary ())
    return fail ({fetcher::Error::truncated, 0, uri::without_secrets (head.uri),
        "it ends inside a box or packet", {}});
  response_.reset ();
  if (reads_init_) {
    has_init_ = true;
  } else {
    next_++;
    ++*shared_.segments;
  }
  return GST_FLOW_OK;
}

GstFlowReturn AdaptiveStream::fail (const fetcher::Problem &problem)
{
  response_.reset ();
  if (problem.error == fetcher::Error::cancelled) return GST_FLOW_FLUSHING;
  if (shared_.may_fail ()) gstfetch::post_problem (shared_.element, problem);
  return GST_FLOW_ERROR;
}

void AdaptiveStream::fail_format ()
{
  response_.reset ();
  if (!shared_.may_fail ()) return;
  GST_ELEMENT_ERROR (shared_.element, STREAM, WRONG_TYPE,
      (_ ("A part of the stream is not media.")),
      ("%s", uri::without_secrets (segment_.resource.uri).c_str ()));
}

// Begins again with the segment that could not be pushed.
void AdaptiveStream::rewind ()
{
  response_.reset ();
  first_block_.reset ();
  greeted_ = false;
  has_init_ = false;
  discontinuity_ = true;
}

void AdaptiveStream::end (GstFlowReturn flow)
{
  if (flow == GST_FLOW_NOT_LINKED) rewind ();
  flow_ = flow;
  gst_pad_pause_task (pad_);
  if (flow == GST_FLOW_NOT_LINKED && GST_PAD_NEEDS_RECONFIGURE (pad_)) {
    resume ();
    return;
  }
  bool ends = flow != GST_FLOW_NOT_LINKED && flow != GST_FLOW_FLUSHING;
  if (ends && flow != GST_FLOW_EOS && shared_.may_fail ())
    GST_ELEMENT_FLOW_ERROR (shared_.element, flow);
  // Before the event: with it an application may go.
  shared_.ended ();
  if (ends) gst_pad_push_event (pad_, gst_event_new_eos ());
}

// SPDX-License-Identifier: LGPL-2.1-or-later
// The pad of a stream: what it is made with, and what it answers.
#include "config.h"

#include <gst/base/gsttypefindhelper.h>

#include <utility>

#include "container.h"
#include "gstadaptivestream.h"
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
    case GST_EVENT_TOC_SELECT:
      return stream_of (pad).seek (raw) ? TRUE : FALSE;
    case GST_EVENT_SELECT_STREAMS:
      return stream_of (pad).select (raw) ? TRUE : FALSE;
    default:
      return gst_pad_event_default (pad, parent, event.release ());
  }
}

static gboolean pad_query (GstPad *pad, GstObject *parent, GstQuery *query)
{
  switch (GST_QUERY_TYPE (query)) {
    case GST_QUERY_CONTEXT:
      return stream_of (pad).answer_context (query) ||
             gst_pad_query_default (pad, parent, query);
    case GST_QUERY_DURATION:
    case GST_QUERY_BUFFERING:
    case GST_QUERY_SEEKING:
    case GST_QUERY_SCHEDULING:
    case GST_QUERY_LATENCY:
    case GST_QUERY_SELECTABLE:
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
  stream_of (pad).set_active (active != FALSE);
  if (active) return TRUE;
  stream_of (pad).cancel ();
  return gst_pad_stop_task (pad);
}

bool AdaptiveStream::answer (GstQuery *query)
{
  switch (GST_QUERY_TYPE (query)) {
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

bool AdaptiveStream::answer_context (GstQuery *query)
{
  Owned<GCancellable> cancellable = relay::share (asking_.lock ()->get ());
  AdaptiveKeys::Held protections = protections_.copy ();
  return protections &&
         shared_.keys->answer (query, *protections, cancellable.get ());
}

// ---- Making it
// ----------------------------------------------------------------

// Null: only the first bytes say it.
static Owned<GstCaps> caps_of (const loader::Selection &selection)
{
  auto first = schedule::segment (selection.representation, 0);
  if (!first) return {};
  const char *text =
      caps_of (gstadaptiveline::format_of (selection.representation, *first),
          selection.type);
  return Owned<GstCaps>{
      text != nullptr ? gst_caps_from_string (text) : nullptr};
}

bool AdaptiveStream::has_format ()
{
  caps_ = caps_of (selection ());
  return caps_ != nullptr;
}

bool AdaptiveStream::change (loader::Selection selection)
{
  Owned<GstCaps> caps = caps_of (selection);
  if (!caps || !gst_caps_is_equal (caps.get (), caps_.get ())) return false;
  AdaptiveLine *line = add_line (std::move (selection));
  auto run = run_.lock ();
  // Back to where it still is: nothing has happened.
  run->line = line == normal_ ? nullptr : line;
  run->is_muted = false;
  return true;
}

bool AdaptiveStream::find_format ()
{
  auto first = schedule::segment (selection ().representation, 0);
  auto bytes = feed ()->peek ();
  if (!bytes) {
    fail (bytes.code ());
    return false;
  }
  if (*bytes)
    caps_.reset (gst_type_find_helper_for_buffer (
        GST_OBJECT (shared_.element), bytes->get (), nullptr));
  if (!caps_)
    fail ({SegmentProblem::Kind::not_media, {},
        first ? uri::without_secrets (first->resource.uri) : ""});
  return caps_ != nullptr;
}

GstPad *AdaptiveStream::make_pad (GstPadTemplate *pad_template,
    const std::string &name, const Identity &identity)
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
  GstEvent *stream_start = gst_event_new_stream_start (identity.id.c_str ());
  gst_event_set_group_id (stream_start, shared_.group_id);
  if (identity.stream != nullptr)
    gst_event_set_stream (stream_start, identity.stream);
  gst_pad_push_event (pad_, stream_start);
  if (identity.collection != nullptr)
    gst_pad_push_event (
        pad_, gst_event_new_stream_collection (identity.collection));
  gst_pad_push_event (pad_, gst_event_new_caps (caps_.get ()));
  gst_pad_push_event (pad_, segment_.release ());
  if (identity.toc != nullptr)
    gst_pad_push_event (pad_, gst_event_ref (identity.toc));
  const presentation::Representation &first = selection ().representation;
  if (!first.protections.empty ())
    protect (std::make_shared<presentation::Protections> (first.protections));
  look_for_events ();
  return pad_;
}

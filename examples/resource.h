// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/app/gstappsink.h>

#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "common/gstpp.h"
#include "prometheus.h"

// A resource of an origin by way of a cache, in an application that has a main
// loop: `proxyhttpsrc ! cachetee ! appsink`.
namespace resource {

class Resource;

using relay::Owned;

// What all resources have in common; there for longer than they are.
class Origin
{
public:
  // With an empty folder nothing is kept.
  Origin (std::string uri, std::string folder)
      : uri_ (std::move (uri)), folder_ (std::move (folder))
  {
    while (uri_.ends_with ('/')) uri_.pop_back ();
    // The memory of the cache stays as long as somebody uses it.
    keeper_ = make_pipeline ("/");
    if (keeper_ != nullptr)
      gst_element_set_state (keeper_.get (), GST_STATE_READY);
  }
  ~Origin ();
  Origin (const Origin &) = delete;
  Origin &operator= (const Origin &) = delete;

  // False if an element is missing.
  explicit operator bool () const { return keeper_ != nullptr; }
  // The counters of all pipelines that there were.
  std::string metrics () { return sums_.text ("relay"); }

private:
  friend class Resource;

  static Owned<GstElement> child (GstElement *pipeline, const char *name)
  {
    return Owned<GstElement> (gst_bin_get_by_name (GST_BIN (pipeline), name));
  }
  Owned<GstElement> make_pipeline (const std::string &path)
  {
    GError *raw = nullptr;
    Owned<GstElement> pipeline{gst_parse_launch (
        "proxyhttpsrc name=proxyhttpsrc blocksize=65536 ! "
        "cachetee name=cachetee ! appsink name=sink sync=false max-buffers=8",
        &raw)};
    Owned<GError> error{raw};
    if (pipeline == nullptr || error != nullptr) return nullptr;
    gst_object_ref_sink (pipeline.get ());
    g_object_set (child (pipeline.get (), "proxyhttpsrc").get (), "location",
        (uri_ + path).c_str (), nullptr);
    if (!folder_.empty ())
      g_object_set (child (pipeline.get (), "cachetee").get (), "cache-dir",
          folder_.c_str (), "cache-key", path.c_str (), nullptr);
    return pipeline;
  }
  void count (int change)
  {
    std::lock_guard guard (mutex_);
    running_ += change;
    changed_.notify_all ();
  }
  // In a thread of its own: what is on its way to the disk is waited for.
  static void shut (GstElement *pipeline, gpointer data)
  {
    auto *self = static_cast<Origin *> (data);
    gst_element_set_state (pipeline, GST_STATE_READY);
    for (const char *name : {"cachetee", "proxyhttpsrc"})
      self->sums_.add (child (pipeline, name).get (), name);
    gst_element_set_state (pipeline, GST_STATE_NULL);
    self->count (-1);
  }

  static void finish (GstElement *pipeline, gpointer data)
  {
    constexpr guint64 patience = 2 * GST_SECOND;
    Owned<GstElement> sink = child (pipeline, "sink");
    while (Owned<GstSample> sample{
        gst_app_sink_try_pull_sample (GST_APP_SINK (sink.get ()), patience)})
      continue;
    shut (pipeline, data);
  }

  std::string uri_;
  const std::string folder_;
  Owned<GstElement> keeper_;
  prometheus::Sums sums_;
  std::mutex mutex_;
  std::condition_variable changed_;
  // Pipelines, also those that are about to stop.
  int running_ = 0;
  // Of the main thread. A server may leave some whose client is gone.
  std::set<Resource *> resources_;
};

// All of it is of the main thread: those of the pipeline tell by messages on
// its bus.
class Resource
{
public:
  struct Callbacks
  {
    // There may be something to pull, or the end.
    std::function<void ()> more;
    // What the origin says, if it is asked: the header's name and value.
    std::function<void (const char *, const char *)> header;
    std::function<void (const GError &)> failed;
  };

  // Begins with the first byte, or a later one, and goes no farther before
  // play ().
  // Where it ends, if that is known, is told upstream.
  Resource (Origin &origin, const std::string &path, guint64 first,
      std::optional<guint64> end, Callbacks callbacks)
      : origin_ (origin),
        callbacks_ (std::move (callbacks)),
        first_ (first),
        end_ (end),
        pipeline_ (origin.make_pipeline (path)),
        bus_ (gst_element_get_bus (pipeline_.get ())),
        sink_ (Origin::child (pipeline_.get (), "sink"))
  {
    origin_.count (1);
    origin_.resources_.insert (this);
    auto tell_flow = [] (GstAppSink *from, gpointer) {
      tell (from, "more");
      return GST_FLOW_OK;
    };
    GstAppSinkCallbacks told{};
    told.eos = [] (GstAppSink *from, gpointer) { tell (from, "more"); };
    told.new_preroll = tell_flow;
    told.new_sample = tell_flow;
    gst_app_sink_set_callbacks (sink (), &told, nullptr, nullptr);
    gst_bus_add_watch (bus_.get (), on_message, this);
    if (first_ > 0 || end_) hold ();
    gst_element_set_state (pipeline_.get (), GST_STATE_PAUSED);
  }
  ~Resource ()
  {
    origin_.resources_.erase (this);
    stop ();
  }
  Resource (const Resource &) = delete;
  Resource &operator= (const Resource &) = delete;

  // Once there is something to pull.
  [[nodiscard]] std::optional<guint64> total ()
  {
    gint64 total = -1;
    if (!gst_element_query_duration (sink_.get (), GST_FORMAT_BYTES, &total) ||
        total < 0)
      return std::nullopt;
    return static_cast<guint64> (total);
  }
  bool seek (guint64 first)
  {
    return gst_element_seek (sink_.get (), 1.0, GST_FORMAT_BYTES,
        GST_SEEK_FLAG_FLUSH, GST_SEEK_TYPE_SET, static_cast<gint64> (first),
        GST_SEEK_TYPE_SET, end_ ? static_cast<gint64> (*end_) : gint64{-1});
  }
  // Nobody wants any more; but what is on its way up to the end is kept.
  void finish () { is_finished_ = end_.has_value (); }
  // From the beginning.
  void again ()
  {
    let_go ();
    gst_element_set_state (pipeline_.get (), GST_STATE_READY);
    gst_bus_set_flushing (bus_.get (), TRUE);
    gst_bus_set_flushing (bus_.get (), FALSE);
    gst_element_set_state (pipeline_.get (), GST_STATE_PAUSED);
  }
  void play () { gst_element_set_state (pipeline_.get (), GST_STATE_PLAYING); }
  // The next bytes, if there are any now. Not copied.
  Owned<GBytes> pull ()
  {
    Owned<GstSample> sample{gst_app_sink_try_pull_sample (sink (), 0)};
    if (sample == nullptr) return nullptr;
    struct Held
    {
      Owned<GstBuffer> buffer;
      relay::MappedBuffer map;
    };
    GstBuffer *buffer = gst_sample_get_buffer (sample.get ());
    auto *held = new Held{
        relay::share (buffer), relay::MappedBuffer (buffer, GST_MAP_READ)};
    return Owned<GBytes> (g_bytes_new_with_free_func (
        held->map.bytes ().data (), held->map.bytes ().size (),
        [] (gpointer data) { delete static_cast<Held *> (data); }, held));
  }
  bool is_at_end () { return gst_app_sink_is_eos (sink ()); }

private:
  friend class Origin;

  void stop ()
  {
    gst_bus_remove_watch (bus_.get ());
    let_go ();
    gst_element_call_async (pipeline_.get (),
        is_finished_ ? Origin::finish : Origin::shut, &origin_, nullptr);
  }
  // Before the first event, so that nothing is asked for before it is known
  // where it begins.
  void hold ()
  {
    held_.reset (gst_element_get_static_pad (sink_.get (), "sink"));
    auto wait = [] (GstPad *pad, GstPadProbeInfo *, gpointer) {
      Owned<GstElement> parent{gst_pad_get_parent_element (pad)};
      tell (GST_APP_SINK (parent.get ()), "held");
      return GST_PAD_PROBE_OK;
    };
    probe_ = gst_pad_add_probe (held_.get (),
        GST_PAD_PROBE_TYPE_BLOCK_DOWNSTREAM, wait, nullptr, nullptr);
  }
  void let_go ()
  {
    if (probe_ != 0) gst_pad_remove_probe (held_.get (), probe_);
    probe_ = 0;
  }
  GstAppSink *sink () { return GST_APP_SINK (sink_.get ()); }
  static void tell (GstAppSink *from, const char *what)
  {
    gst_element_post_message (
        GST_ELEMENT (from), gst_message_new_application (GST_OBJECT (from),
                                gst_structure_new_empty (what)));
  }
  static gboolean on_message (GstBus *, GstMessage *message, gpointer data)
  {
    auto *self = static_cast<Resource *> (data);
    if (gst_message_has_name (message, "held")) {
      if (self->probe_ != 0) self->seek (self->first_);
      self->let_go ();
    } else if (gst_message_has_name (message, "more")) {
      self->callbacks_.more ();
    } else if (GST_MESSAGE_TYPE (message) == GST_MESSAGE_ERROR) {
      GError *raw = nullptr;
      gst_message_parse_error (message, &raw, nullptr);
      Owned<GError> error{raw};
      self->callbacks_.failed (*raw);
    } else if (gst_message_has_name (message, "http-headers")) {
      self->note_headers (gst_message_get_structure (message));
    }
    return G_SOURCE_CONTINUE;
  }
  void note_headers (const GstStructure *said)
  {
    const GValue *all = gst_structure_get_value (said, "response-headers");
    if (all == nullptr || !GST_VALUE_HOLDS_STRUCTURE (all)) return;
    const GstStructure *headers = gst_value_get_structure (all);
    for (gint i = 0; i < gst_structure_n_fields (headers); i++) {
      const char *name =
          gst_structure_nth_field_name (headers, static_cast<guint> (i));
      if (const char *value = gst_structure_get_string (headers, name))
        callbacks_.header (name, value);
    }
  }

  Origin &origin_;
  const Callbacks callbacks_;
  const guint64 first_;
  const std::optional<guint64> end_;
  Owned<GstElement> pipeline_;
  Owned<GstBus> bus_;
  Owned<GstElement> sink_;
  Owned<GstPad> held_;
  gulong probe_ = 0;
  bool is_finished_ = false;
};

inline Origin::~Origin ()
{
  for (Resource *resource : resources_) resource->stop ();
  // For what is on its way to the disk.
  std::unique_lock lock (mutex_);
  changed_.wait (lock, [this] { return running_ == 0; });
  if (keeper_ != nullptr)
    gst_element_set_state (keeper_.get (), GST_STATE_NULL);
}

}  // namespace resource

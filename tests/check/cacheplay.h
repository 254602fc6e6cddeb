// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <chrono>
#include <condition_variable>
#include <filesystem>
#include <mutex>
#include <string>

#include "testutil.h"

// A file that is played through a cachetee. Without check's macros, which are
// for one thread of one process.
namespace cacheplay {

using relay::Owned;
using test::Bytes;

class Play
{
public:
  // Without an origin it is a pattern, for which no file is opened. As packets,
  // of which only the whole stream is kept, it is a pattern of that length.
  Play (const std::filesystem::path &origin, const std::filesystem::path &dir,
      const char *key = "key", bool packets = false)
      : pipeline_ (
            GST_ELEMENT (gst_object_ref_sink (gst_pipeline_new (nullptr))))
  {
    tee_ = add ("cachetee");
    GstElement *sink = add ("fakesink");
    g_object_set (tee_, "cache-dir", dir.c_str (), "cache-key", key,
        "slice-size", 8192U, nullptr);
    if (origin.empty () || packets) {
      GstElement *source = add ("fakesrc");
      guint buffers = origin.empty ()
                          ? 6U
                          : static_cast<guint> (
                                std::filesystem::file_size (origin) / 10000);
      g_object_set (source, "num-buffers", static_cast<gint> (buffers),
          "sizemax", 10000, nullptr);
      gst_util_set_object_arg (G_OBJECT (source), "sizetype", "fixed");
      gst_util_set_object_arg (G_OBJECT (source), "filltype", "pattern-span");
      gst_util_set_object_arg (
          G_OBJECT (source), "format", packets ? "time" : "bytes");
      gst_element_link (source, tee_);
    } else {
      GstElement *source = add ("filesrc");
      g_object_set (
          source, "location", origin.c_str (), "blocksize", 10000U, nullptr);
      gst_element_link (source, tee_);
    }
    gst_element_link (tee_, sink);
    Owned<GstPad> pad{gst_element_get_static_pad (sink, "sink")};
    gst_pad_add_probe (pad.get (), probed, probe, this, nullptr);
  }
  ~Play () { gst_element_set_state (pipeline_.get (), GST_STATE_NULL); }
  Play (const Play &) = delete;
  Play &operator= (const Play &) = delete;

  GstElement *tee () { return tee_; }
  GstElement *pipeline () { return pipeline_.get (); }
  void set (const char *property, const char *value)
  {
    gst_util_set_object_arg (G_OBJECT (tee_), property, value);
  }

  bool begin ()
  {
    return gst_element_set_state (pipeline_.get (), GST_STATE_PLAYING) !=
           GST_STATE_CHANGE_FAILURE;
  }
  // Waits until so much came.
  bool wait_bytes (std::size_t size)
  {
    std::unique_lock lock (mutex_);
    return changed_.wait_for (lock, std::chrono::seconds (20),
        [&] { return bytes_.size () >= size; });
  }
  // Waits for the end, and until all of it is written. False for an error.
  bool end ()
  {
    Owned<GstMessage> last = test::wait_message (pipeline_.get (),
        GST_MESSAGE_EOS | GST_MESSAGE_ERROR | GST_MESSAGE_WARNING);
    while (last != nullptr &&
           GST_MESSAGE_TYPE (last.get ()) == GST_MESSAGE_WARNING) {
      note (last.get ());
      last = test::wait_message (pipeline_.get (),
          GST_MESSAGE_EOS | GST_MESSAGE_ERROR | GST_MESSAGE_WARNING);
    }
    if (last != nullptr) note (last.get ());
    stop ();
    return last != nullptr && GST_MESSAGE_TYPE (last.get ()) == GST_MESSAGE_EOS;
  }
  void stop ()
  {
    gst_element_set_state (pipeline_.get (), GST_STATE_READY);
    Owned<GstBus> bus{gst_element_get_bus (pipeline_.get ())};
    while (Owned<GstMessage> message{gst_bus_pop (bus.get ())})
      note (message.get ());
  }
  bool play () { return begin () && end (); }
  // Then the bytes are those from there on.
  bool seek (guint64 offset)
  {
    return gst_element_seek_simple (pipeline_.get (), GST_FORMAT_BYTES,
        GST_SEEK_FLAG_FLUSH, static_cast<gint64> (offset));
  }

  [[nodiscard]] unsigned warnings () const { return warnings_; }
  [[nodiscard]] unsigned errors () const { return errors_; }
  // Of the first warning, or error.
  [[nodiscard]] int code () const { return code_; }
  [[nodiscard]] const std::string &said () const { return said_; }

  guint64 count (const char *field)
  {
    guint64 value = 0;
    gst_structure_get_uint64 (stats ().get (), field, &value);
    return value;
  }
  // As "miss not found".
  std::string status ()
  {
    Owned<GstStructure> all = stats ();
    return std::string (gst_structure_get_string (all.get (), "status")) + " " +
           gst_structure_get_string (all.get (), "reason");
  }
  Bytes bytes ()
  {
    std::lock_guard guard (mutex_);
    return bytes_;
  }

private:
  GstElement *add (const char *factory)
  {
    GstElement *element = gst_element_factory_make (factory, nullptr);
    gst_bin_add (GST_BIN (pipeline_.get ()), element);
    return element;
  }
  Owned<GstStructure> stats ()
  {
    GstStructure *raw = nullptr;
    g_object_get (tee_, "stats", &raw, nullptr);
    return Owned<GstStructure> (raw);
  }
  void note (GstMessage *message)
  {
    GError *raw_error = nullptr;
    gchar *raw_debug = nullptr;
    if (GST_MESSAGE_TYPE (message) == GST_MESSAGE_WARNING)
      gst_message_parse_warning (message, &raw_error, &raw_debug);
    else if (GST_MESSAGE_TYPE (message) == GST_MESSAGE_ERROR)
      gst_message_parse_error (message, &raw_error, &raw_debug);
    else
      return;
    Owned<GError> error{raw_error};
    Owned<gchar> debug{raw_debug};
    if (warnings_ + errors_ == 0) code_ = error->code;
    (GST_MESSAGE_TYPE (message) == GST_MESSAGE_WARNING ? warnings_ : errors_)++;
    said_ += std::string (error->message) + " (" + raw_debug + ") ";
  }
  static constexpr auto probed = static_cast<GstPadProbeType> (
      GST_PAD_PROBE_TYPE_BUFFER | GST_PAD_PROBE_TYPE_EVENT_FLUSH);
  static GstPadProbeReturn probe (
      GstPad *, GstPadProbeInfo *info, gpointer data)
  {
    auto *self = static_cast<Play *> (data);
    if ((info->type & GST_PAD_PROBE_TYPE_EVENT_FLUSH) != 0) {
      std::lock_guard guard (self->mutex_);
      self->bytes_.clear ();
      return GST_PAD_PROBE_OK;
    }
    Bytes bytes = test::bytes_of (GST_PAD_PROBE_INFO_BUFFER (info));
    std::lock_guard guard (self->mutex_);
    self->bytes_.insert (self->bytes_.end (), bytes.begin (), bytes.end ());
    self->changed_.notify_all ();
    return GST_PAD_PROBE_OK;
  }

  Owned<GstElement> pipeline_;
  GstElement *tee_ = nullptr;
  std::mutex mutex_;
  std::condition_variable changed_;
  Bytes bytes_;
  unsigned warnings_ = 0;
  unsigned errors_ = 0;
  int code_ = 0;
  std::string said_;
};

}  // namespace cacheplay

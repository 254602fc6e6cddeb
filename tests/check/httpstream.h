// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <atomic>

#include "httpserver.h"
#include "testutil.h"

// "proxyhttpsrc ! fakesink", and what it reads.
namespace test {

inline std::string pattern (std::size_t size)
{
  std::string out (size, '\0');
  std::uint32_t x = 7;
  for (char &c : out) {
    x = x * 1664525u + 1013904223u;
    c = static_cast<char> (x >> 24);
  }
  return out;
}

// "proxyhttpsrc ! fakesink", and what came out of it.
class Stream
{
public:
  explicit Stream (const std::string &location)
      : pipeline_ (gst_pipeline_new (nullptr)),
        source_ (gst_element_factory_make ("proxyhttpsrc", nullptr))
  {
    sink_ = gst_element_factory_make ("fakesink", nullptr);
    fail_unless (source_ != nullptr && sink_ != nullptr);
    g_object_set (
        source_, "location", location.c_str (), "retries", 0, nullptr);
    g_object_set (sink_, "sync", FALSE, "signal-handoffs", TRUE, nullptr);
    g_signal_connect (sink_, "handoff", G_CALLBACK (on_handoff), this);
    gst_bin_add_many (GST_BIN (pipeline_.get ()), source_, sink_, nullptr);
    fail_unless (gst_element_link (source_, sink_));
  }
  ~Stream () { set_state (GST_STATE_NULL); }
  Stream (const Stream &) = delete;
  Stream &operator= (const Stream &) = delete;

  GstElement *operator* () { return source_; }
  GstElement *pipeline () { return pipeline_.get (); }
  GstElement *sink () { return sink_; }

  GstStateChangeReturn set_state (GstState state)
  {
    return gst_element_set_state (pipeline_.get (), state);
  }
  void preroll ()
  {
    set_state (GST_STATE_PAUSED);
    fail_unless (gst_element_get_state (pipeline_.get (), nullptr, nullptr,
                     10 * GST_SECOND) == GST_STATE_CHANGE_SUCCESS);
  }
  relay::Owned<GstMessage> wait (int types)
  {
    return wait_message (pipeline_.get (), types);
  }
  // To the end, which must be EOS.
  std::string play ()
  {
    set_state (GST_STATE_PLAYING);
    relay::Owned<GstMessage> message =
        wait (GST_MESSAGE_EOS | GST_MESSAGE_ERROR);
    fail_unless (message != nullptr);
    fail_unless (GST_MESSAGE_TYPE (message.get ()) == GST_MESSAGE_EOS, "%s",
        GST_MESSAGE_TYPE (message.get ()) == GST_MESSAGE_ERROR
            ? debug_of (message.get ()).c_str ()
            : "");
    return *bytes.lock ();
  }
  // To the end, which must be this error, and no second one.
  relay::Owned<GstMessage> play_to_error (int code)
  {
    set_state (GST_STATE_PLAYING);
    relay::Owned<GstMessage> message =
        wait (GST_MESSAGE_EOS | GST_MESSAGE_ERROR);
    assert_error (message.get (), GST_RESOURCE_ERROR, code);
    fail_unless (
        wait_message (pipeline_.get (), GST_MESSAGE_ERROR, 0) == nullptr);
    return message;
  }
  guint64 stat (const char *name)
  {
    GstStructure *raw = nullptr;
    g_object_get (source_, "stats", &raw, nullptr);
    relay::Owned<GstStructure> stats{raw};
    guint64 value = 0;
    fail_unless (gst_structure_get_uint64 (stats.get (), name, &value));
    return value;
  }
  static std::string debug_of (GstMessage *message)
  {
    GError *raw_error = nullptr;
    gchar *raw_debug = nullptr;
    gst_message_parse_error (message, &raw_error, &raw_debug);
    relay::Owned<GError> error{raw_error};
    relay::Owned<gchar> debug{raw_debug};
    return std::string (error->message) + " / " + debug.get ();
  }

  relay::Guarded<std::string> bytes;
  relay::Guarded<std::vector<guint64>> offsets;
  std::atomic<gsize> largest{0};

private:
  static void on_handoff (
      GstElement *, GstBuffer *buffer, GstPad *, gpointer data)
  {
    auto *self = static_cast<Stream *> (data);
    Bytes bytes = bytes_of (buffer);
    self->bytes.lock ()->append (bytes.begin (), bytes.end ());
    self->offsets.lock ()->push_back (GST_BUFFER_OFFSET (buffer));
    if (bytes.size () > self->largest) self->largest = bytes.size ();
  }

  relay::Owned<GstElement> pipeline_;
  GstElement *source_;
  GstElement *sink_ = nullptr;
};

inline  // A server with byte ranges (SoupServer does not say so itself).
    HttpServer::Handler
    serving (const std::string &body)
{
  return [body] (const HttpServer::Request &) {
    return HttpServer::Reply{
        200, body, {{"Accept-Ranges", "bytes"}, {"ETag", "\"a\""}}};
  };
}

inline guint status_of (GstMessage *message)
{
  const GstStructure *details = nullptr;
  gst_message_parse_error_details (message, &details);
  guint status = 0;
  if (details != nullptr)
    gst_structure_get_uint (details, "http-status-code", &status);
  return status;
}

inline std::string text_property (GstElement *element, const char *name)
{
  gchar *raw = nullptr;
  g_object_get (element, name, &raw, nullptr);
  relay::Owned<gchar> text{raw};
  return text ? text.get () : "";
}

}  // namespace test

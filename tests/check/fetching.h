// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <atomic>
#include <string>

#include "common/gstpp.h"
#include "common/guarded.h"
#include "resolver.h"
#include "testutil.h"

namespace test {

// From now on names are looked up by us.
inline void watch_names ()
{
  install_resolver ();
  GError *raw = nullptr;
  GList *none = g_resolver_lookup_by_name (
      g_resolver_get_default (), "nobody.test", nullptr, &raw);
  relay::Owned<GError> error{raw};
  fail_unless (none == nullptr && error != nullptr);
  auto names = names_asked ().lock ();
  fail_unless (*names == std::vector<std::string>{"nobody.test"});
  names->clear ();
}

// That no other name has been asked for since the last time.
inline void assert_names (const std::vector<std::string> &allowed)
{
  std::vector<std::string> names;
  names.swap (*names_asked ().lock ());
  for (const std::string &name : names)
    fail_unless (
        std::find (allowed.begin (), allowed.end (), name) != allowed.end (),
        "%s was looked up", name.c_str ());
}

// Bytes that do not repeat.
inline std::string noise (std::size_t size)
{
  std::string out (size, '\0');
  std::uint32_t x = 11;
  for (char &c : out) {
    x = x * 1664525u + 1013904223u;
    c = static_cast<char> (x >> 24);
  }
  return out;
}

inline std::string text_of (GstMessage *message)
{
  if (message == nullptr) return "nothing";
  if (GST_MESSAGE_TYPE (message) != GST_MESSAGE_ERROR)
    return GST_MESSAGE_TYPE_NAME (message);
  GError *raw_error = nullptr;
  gchar *raw_debug = nullptr;
  gst_message_parse_error (message, &raw_error, &raw_debug);
  relay::Owned<GError> error{raw_error};
  relay::Owned<gchar> debug{raw_debug};
  return std::string (g_quark_to_string (error->domain)) + " " +
         std::to_string (error->code) + ": " + error->message + " (" +
         debug.get () + ")";
}

// "proxyhttpsrc ! fakesink", and what comes out of it.
class Fetching
{
public:
  Fetching (const std::string &location, const std::string &routes)
      : pipeline_ (gst_pipeline_new (nullptr)),
        source_ (gst_element_factory_make ("proxyhttpsrc", nullptr))
  {
    GstElement *sink = gst_element_factory_make ("fakesink", nullptr);
    fail_unless (source_ != nullptr && sink != nullptr);
    g_object_set (source_, "location", location.c_str (), "routes",
        routes.c_str (), "retries", 0, nullptr);
    g_object_set (sink, "sync", FALSE, "signal-handoffs", TRUE,
        "enable-last-sample", FALSE, nullptr);
    g_signal_connect (sink, "handoff", G_CALLBACK (on_handoff), this);
    gst_bin_add_many (GST_BIN (pipeline_.get ()), source_, sink, nullptr);
    fail_unless (gst_element_link (source_, sink));
  }
  ~Fetching () { set_state (GST_STATE_NULL); }
  Fetching (const Fetching &) = delete;
  Fetching &operator= (const Fetching &) = delete;

  GstElement *operator* () { return source_; }
  GstElement *pipeline () { return pipeline_.get (); }
  GstStateChangeReturn set_state (GstState state)
  {
    return gst_element_set_state (pipeline_.get (), state);
  }
  // The end: EOS or an error.
  relay::Owned<GstMessage> wait ()
  {
    return wait_message (pipeline_.get (), GST_MESSAGE_EOS | GST_MESSAGE_ERROR);
  }

  relay::Guarded<std::string> bytes;

private:
  static void on_handoff (
      GstElement *, GstBuffer *buffer, GstPad *, gpointer data)
  {
    auto *self = static_cast<Fetching *> (data);
    relay::MappedBuffer map (buffer, GST_MAP_READ);
    self->bytes.lock ()->append (map.bytes ().begin (), map.bytes ().end ());
  }

  relay::Owned<GstElement> pipeline_;
  GstElement *source_;
};

}  // namespace test

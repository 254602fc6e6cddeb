// SPDX-License-Identifier: LGPL-2.1-or-later
// jpegfeed COUNT CAPS PIPELINE FILE...: COUNT frames, 25 a second by their
// timestamps, from JPEG files in turn, through a pipeline as fast as it takes
// them. CAPS are those of the frames without the framerate.
//
// If there is a udpsink named "udp" in it, each frame waits until the receiver
// has read what came before, so that none is lost to a full socket buffer on a
// machine however slow. Fails on an error, a warning or a packet that the
// receiver's socket dropped.
#include <gst/gst.h>

#include <chrono>
#include <cstdio>
#include <fstream>
#include <optional>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "common/gstpp.h"

using relay::Owned;

namespace {

// The UDP socket with this port on the loopback, as in /proc/net/udp.
struct Socket
{
  guint64 unread = 0;
  guint64 dropped = 0;
};

std::optional<Socket> find_socket (int port)
{
  Owned<gchar> suffix{g_strdup_printf (":%04X", port)};
  for (const char *name : {"/proc/net/udp", "/proc/net/udp6"}) {
    std::ifstream table (name);
    std::string line;
    while (std::getline (table, line)) {
      std::istringstream words (line);
      std::vector<std::string> fields;
      for (std::string word; words >> word;) fields.push_back (word);
      // Slot, address, peer, state, "sent:unread", ..., drops.
      if (fields.size () < 13 || fields[4].size () != 17 ||
          !g_str_has_suffix (fields[1].c_str (), suffix.get ()))
        continue;
      // In front of the colon is what is to be sent, eight digits.
      return Socket{g_ascii_strtoull (fields[4].c_str () + 9, nullptr, 16),
          g_ascii_strtoull (fields.back ().c_str (), nullptr, 10)};
    }
  }
  return {};
}

struct Feed
{
  int count = 0;
  int sent = 0;
  int port = 0;
  guint64 dropped = 0;
  std::vector<Owned<GstBuffer>> files;
};

// In the streaming thread, in front of a frame: when this returns it is sent.
GstPadProbeReturn wait_for_receiver (GstPad *, GstPadProbeInfo *, gpointer data)
{
  auto *feed = static_cast<Feed *> (data);
  for (;;) {
    std::optional<Socket> socket = find_socket (feed->port);
    // A receiver that has all that it wants goes away.
    if (!socket) return GST_PAD_PROBE_OK;
    feed->dropped = socket->dropped;
    if (socket->unread == 0) return GST_PAD_PROBE_OK;
    std::this_thread::sleep_for (std::chrono::milliseconds (1));
  }
}

void need_data (GstElement *source, guint, gpointer data)
{
  auto *feed = static_cast<Feed *> (data);
  GstFlowReturn flow = GST_FLOW_OK;
  if (feed->sent == feed->count) {
    g_signal_emit_by_name (source, "end-of-stream", &flow);
    return;
  }
  std::size_t file =
      static_cast<std::size_t> (feed->sent) % feed->files.size ();
  Owned<GstBuffer> frame{gst_buffer_copy (feed->files[file].get ())};
  GST_BUFFER_PTS (frame.get ()) =
      static_cast<GstClockTime> (feed->sent) * GST_SECOND / 25;
  GST_BUFFER_DURATION (frame.get ()) = GST_SECOND / 25;
  feed->sent++;
  g_signal_emit_by_name (source, "push-buffer", frame.get (), &flow);
}

int complain (GstMessage *message)
{
  GError *raw_error = nullptr;
  gchar *raw_debug = nullptr;
  if (GST_MESSAGE_TYPE (message) == GST_MESSAGE_WARNING)
    gst_message_parse_warning (message, &raw_error, &raw_debug);
  else
    gst_message_parse_error (message, &raw_error, &raw_debug);
  Owned<GError> error{raw_error};
  Owned<gchar> debug{raw_debug};
  std::fprintf (stderr, "%s: %s (%s)\n", GST_MESSAGE_SRC_NAME (message),
      error->message, debug.get ());
  return 1;
}

int fail (const char *what)
{
  std::fprintf (stderr, "%s\n", what);
  return 1;
}

}  // namespace

int main (int argc, char *argv[])
{
  gst_init (&argc, &argv);
  if (argc < 5) return fail ("usage: jpegfeed COUNT CAPS PIPELINE FILE...");

  Feed feed;
  feed.count = static_cast<int> (g_ascii_strtoll (argv[1], nullptr, 10));
  for (int i = 4; i < argc; i++) {
    gchar *bytes = nullptr;
    gsize size = 0;
    if (!g_file_get_contents (argv[i], &bytes, &size, nullptr))
      return fail ("a file cannot be read");
    feed.files.emplace_back (gst_buffer_new_wrapped (bytes, size));
  }

  std::string line = "appsrc name=feed format=time max-buffers=1 ! ";
  GError *raw_error = nullptr;
  Owned<GstElement> pipeline{
      gst_parse_launch ((line + argv[3]).c_str (), &raw_error)};
  Owned<GError> error{raw_error};
  if (error) return fail (error->message);
  Owned<GstElement> source{
      gst_bin_get_by_name (GST_BIN (pipeline.get ()), "feed")};
  Owned<GstCaps> caps{gst_caps_from_string (argv[2])};
  if (!caps) return fail ("these are no caps");
  gst_caps_set_simple (
      caps.get (), "framerate", GST_TYPE_FRACTION, 25, 1, nullptr);
  g_object_set (source.get (), "caps", caps.get (), nullptr);
  g_signal_connect (source.get (), "need-data", G_CALLBACK (need_data), &feed);
  Owned<GstElement> sink{
      gst_bin_get_by_name (GST_BIN (pipeline.get ()), "udp")};
  if (sink) {
    g_object_get (sink.get (), "port", &feed.port, nullptr);
    Owned<GstPad> pad{gst_element_get_static_pad (source.get (), "src")};
    gst_pad_add_probe (pad.get (), GST_PAD_PROBE_TYPE_BUFFER, wait_for_receiver,
        &feed, nullptr);
  }

  Owned<GstBus> bus{gst_element_get_bus (pipeline.get ())};
  gst_element_set_state (pipeline.get (), GST_STATE_PLAYING);
  Owned<GstMessage> message{
      gst_bus_timed_pop_filtered (bus.get (), GST_CLOCK_TIME_NONE,
          static_cast<GstMessageType> (
              GST_MESSAGE_EOS | GST_MESSAGE_ERROR | GST_MESSAGE_WARNING))};
  int status = GST_MESSAGE_TYPE (message.get ()) == GST_MESSAGE_EOS
                   ? 0
                   : complain (message.get ());
  gst_element_set_state (pipeline.get (), GST_STATE_NULL);
  if (feed.dropped > 0) {
    std::fprintf (stderr,
        "the receiver's socket dropped %" G_GUINT64_FORMAT " packets\n",
        feed.dropped);
    status = 1;
  }
  return status;
}

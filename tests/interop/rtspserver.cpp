// SPDX-License-Identifier: LGPL-2.1-or-later
// rtspserver tcp|udp|pause|onvif: an RTSP server of gst-rtsp-server sends
// frames by rtpmjpegpay, and stock rtspsrc of the same process gets them, over
// the RTSP connection or by UDP. Checked: the frames, one by one; the sequence
// numbers and RTP times of their packets, which must go on from what the
// server's answer to PLAY says in RTP-Info (it reads the payloader's stats);
// after a pause, that they go on from there; without rate control as ONVIF has
// it, that the payloader was told so.
#include <gst/rtp/rtp.h>
#include <gst/rtsp-server/rtsp-server.h>
// It says nothing about C++ itself.
extern "C" {
#include <gst/rtsp-server/rtsp-onvif-server.h>
}

#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "common/gstpp.h"

using relay::Owned;

namespace {

constexpr std::size_t frame_count = 100;
constexpr guint32 frame_time = 90000 / 50;
constexpr auto time_limit = std::chrono::seconds (30);

const char *const source_line =
    "videotestsrc pattern=ball name=source ! "
    "video/x-raw,format=I420,width=320,height=240,framerate=50/1 ! jpegenc";

[[noreturn]] void fail (const std::string &what)
{
  std::printf ("FAILED: %s\n", what.c_str ());
  std::fflush (stdout);
  std::_Exit (1);
}

// What is behind the header of the first SOS.
std::string scan_of (GstBuffer *jpeg)
{
  relay::MappedBuffer map (jpeg, GST_MAP_READ);
  std::string_view bytes (reinterpret_cast<const char *> (map.bytes ().data ()),
      map.bytes ().size ());
  std::size_t at = bytes.find ("\xff\xda");
  if (at == std::string_view::npos || bytes.size () < at + 14)
    fail ("a frame has no scan");
  return std::string (bytes.substr (at + 14));
}

// What a server said in RTP-Info.
struct RtpInfo
{
  guint16 seqnum = 0;
  guint32 rtp_time = 0;
};

struct Packet
{
  guint16 seqnum = 0;
  guint32 rtp_time = 0;
  bool marker = false;
  // Which answer to PLAY was the last before it.
  std::size_t play = 0;
};

// What came, from the threads of both pipelines.
struct Seen
{
  std::mutex mutex;
  std::condition_variable changed;
  std::vector<std::string> scans;
  std::vector<Packet> packets;
  std::vector<RtpInfo> plays;
  std::size_t pauses = 0;
  // Requests that the client has an answer to, PLAY and PAUSE.
  std::size_t requests = 0;
  Owned<GstElement> payloader;
  std::string error;
};

void add_frame (GstElement *, GstBuffer *buffer, GstPad *, gpointer data)
{
  auto *seen = static_cast<Seen *> (data);
  std::lock_guard lock (seen->mutex);
  seen->scans.push_back (scan_of (buffer));
  seen->changed.notify_all ();
}

void add_packet (Seen *seen, GstBuffer *buffer)
{
  GstRTPBuffer rtp = GST_RTP_BUFFER_INIT;
  if (!gst_rtp_buffer_map (buffer, GST_MAP_READ, &rtp)) fail ("this is no RTP");
  Packet packet{gst_rtp_buffer_get_seq (&rtp),
      gst_rtp_buffer_get_timestamp (&rtp),
      gst_rtp_buffer_get_marker (&rtp) != FALSE, 0};
  gst_rtp_buffer_unmap (&rtp);
  std::lock_guard lock (seen->mutex);
  packet.play = seen->plays.size ();
  seen->packets.push_back (packet);
}

GstPadProbeReturn packets_arrive (
    GstPad *, GstPadProbeInfo *info, gpointer data)
{
  auto *seen = static_cast<Seen *> (data);
  if ((info->type & GST_PAD_PROBE_TYPE_BUFFER_LIST) == 0) {
    add_packet (seen, gst_pad_probe_info_get_buffer (info));
  } else {
    GstBufferList *list = gst_pad_probe_info_get_buffer_list (info);
    for (guint i = 0; i < gst_buffer_list_length (list); i++)
      add_packet (seen, gst_buffer_list_get (list, i));
  }
  return GST_PAD_PROBE_OK;
}

// The number behind "NAME=" in an RTP-Info.
std::optional<guint64> number_of (const std::string &text, const char *name)
{
  std::size_t at = text.find (std::string (name) + "=");
  if (at == std::string::npos) return {};
  return g_ascii_strtoull (
      text.c_str () + at + std::strlen (name) + 1, nullptr, 10);
}

// Just before the server sends an answer.
void answer_leaves (GstRTSPClient *, GstRTSPContext *context,
    GstRTSPMessage *message, gpointer data)
{
  auto *seen = static_cast<Seen *> (data);
  if (message->type != GST_RTSP_MESSAGE_RESPONSE) return;
  std::lock_guard lock (seen->mutex);
  if (message->type_data.response.code != GST_RTSP_STS_OK) {
    seen->error = std::string ("the server answers ") +
                  gst_rtsp_method_as_text (context->method) + " with " +
                  gst_rtsp_status_as_text (message->type_data.response.code);
  } else if (context->method == GST_RTSP_PLAY) {
    gchar *info = nullptr;
    gst_rtsp_message_get_header (message, GST_RTSP_HDR_RTP_INFO, &info, 0);
    std::string text = info != nullptr ? info : "";
    auto seqnum = number_of (text, "seq");
    auto rtp_time = number_of (text, "rtptime");
    if (!seqnum || !rtp_time) {
      seen->error = "no numbers in RTP-Info: " + text;
    } else {
      seen->plays.push_back (
          {static_cast<guint16> (*seqnum), static_cast<guint32> (*rtp_time)});
    }
  } else if (context->method == GST_RTSP_PAUSE) {
    seen->pauses++;
  }
  seen->changed.notify_all ();
}

void client_comes (GstRTSPServer *, GstRTSPClient *client, gpointer data)
{
  g_signal_connect (client, "send-message", G_CALLBACK (answer_leaves), data);
}

void media_is_made (GstRTSPMediaFactory *, GstRTSPMedia *media, gpointer data)
{
  auto *seen = static_cast<Seen *> (data);
  Owned<GstElement> bin{gst_rtsp_media_get_element (media)};
  std::lock_guard lock (seen->mutex);
  seen->payloader.reset (gst_bin_get_by_name (GST_BIN (bin.get ()), "pay0"));
}

// The scans of the frames that the server sends.
std::vector<std::string> expected_scans ()
{
  std::string line =
      std::string (source_line) + " ! fakesink name=sink signal-handoffs=true";
  Owned<GstElement> pipeline{gst_parse_launch (line.c_str (), nullptr)};
  if (!pipeline) fail ("no pipeline of stock elements");
  Owned<GstElement> source{
      gst_bin_get_by_name (GST_BIN (pipeline.get ()), "source")};
  g_object_set (
      source.get (), "num-buffers", static_cast<int> (frame_count), nullptr);
  Owned<GstElement> sink{
      gst_bin_get_by_name (GST_BIN (pipeline.get ()), "sink")};
  Seen seen;
  g_signal_connect (sink.get (), "handoff", G_CALLBACK (add_frame), &seen);
  gst_element_set_state (pipeline.get (), GST_STATE_PLAYING);
  Owned<GstBus> bus{gst_element_get_bus (pipeline.get ())};
  Owned<GstMessage> message{
      gst_bus_timed_pop_filtered (bus.get (), GST_CLOCK_TIME_NONE,
          static_cast<GstMessageType> (GST_MESSAGE_EOS | GST_MESSAGE_ERROR))};
  gst_element_set_state (pipeline.get (), GST_STATE_NULL);
  return std::move (seen.scans);
}

// An RTSP server on a port of its own, in a thread of its own. It serves until
// the program ends: a client that could not wait for the answer to TEARDOWN
// leaves it sending, and it cannot be told to wait for its clients' threads.
class Server
{
public:
  Server (Seen *seen, bool onvif)
      : context_ (g_main_context_new ()),
        loop_ (g_main_loop_new (context_.get (), FALSE)),
        server_ (onvif ? gst_rtsp_onvif_server_new () : gst_rtsp_server_new ())
  {
    std::string line =
        "( " + std::string (source_line) + " ! rtpmjpegpay name=pay0 )";
    GstRTSPMediaFactory *factory = gst_rtsp_media_factory_new ();
    gst_rtsp_media_factory_set_launch (factory, line.c_str ());
    g_signal_connect (
        factory, "media-configure", G_CALLBACK (media_is_made), seen);
    GstRTSPMountPoints *mounts = gst_rtsp_server_get_mount_points (server_);
    gst_rtsp_mount_points_add_factory (mounts, "/frames", factory);
    g_object_unref (mounts);
    g_signal_connect (
        server_, "client-connected", G_CALLBACK (client_comes), seen);
    gst_rtsp_server_set_address (server_, "127.0.0.1");
    gst_rtsp_server_set_service (server_, "0");
    if (gst_rtsp_server_attach (server_, context_.get ()) == 0)
      fail ("the server does not listen");
    std::thread ([loop = loop_.get ()] { g_main_loop_run (loop); }).detach ();
  }
  Server (const Server &) = delete;
  Server &operator= (const Server &) = delete;

  int port () { return gst_rtsp_server_get_bound_port (server_); }

private:
  Owned<GMainContext> context_;
  Owned<GMainLoop> loop_;
  GstRTSPServer *server_;
};

// rtspsrc says that a PLAY or PAUSE is done.
bool is_answer (GstMessage *message)
{
  if (GST_MESSAGE_TYPE (message) != GST_MESSAGE_PROGRESS) return false;
  GstProgressType type = GST_PROGRESS_TYPE_ERROR;
  gchar *code = nullptr;
  gst_message_parse_progress (message, &type, &code, nullptr);
  Owned<gchar> owned{code};
  return type == GST_PROGRESS_TYPE_COMPLETE && g_str_equal (code, "request");
}

// Until the predicate, an error on either side or the limit.
template <class Predicate>
void wait_until (
    Seen *seen, GstElement *pipeline, const char *what, Predicate predicate)
{
  Owned<GstBus> bus{gst_element_get_bus (pipeline)};
  auto end = std::chrono::steady_clock::now () + time_limit;
  std::unique_lock lock (seen->mutex);
  while (!predicate ()) {
    seen->changed.wait_for (lock, std::chrono::milliseconds (20));
    if (!seen->error.empty ()) fail (seen->error);
    Owned<GstMessage> message{gst_bus_pop_filtered (bus.get (),
        static_cast<GstMessageType> (
            GST_MESSAGE_ERROR | GST_MESSAGE_EOS | GST_MESSAGE_PROGRESS))};
    if (message && is_answer (message.get ())) {
      seen->requests++;
    } else if (message &&
               GST_MESSAGE_TYPE (message.get ()) != GST_MESSAGE_PROGRESS) {
      const GstStructure *fields = gst_message_get_structure (message.get ());
      Owned<gchar> text{
          fields != nullptr ? gst_structure_to_string (fields) : nullptr};
      fail (std::string ("the client says ") + (text ? text.get () : "EOS"));
    }
    if (std::chrono::steady_clock::now () > end)
      fail (std::string ("nothing more comes: ") + what + ", " +
            std::to_string (seen->scans.size ()) + " frames");
  }
}

// That the packets from PLAY number "play" on begin where RTP-Info says, and
// go on without a gap, each frame a fiftieth of a second after the other.
void check_packets (const Seen &seen, std::size_t play)
{
  const RtpInfo &info = seen.plays.at (play - 1);
  const Packet *last = nullptr;
  std::size_t count = 0;
  for (const Packet &packet : seen.packets) {
    if (packet.play != play) continue;
    std::string what = "PLAY " + std::to_string (play) + ", packet " +
                       std::to_string (count) + ": seqnum " +
                       std::to_string (packet.seqnum) + ", RTP time " +
                       std::to_string (packet.rtp_time);
    if (last == nullptr) {
      if (packet.seqnum != info.seqnum || packet.rtp_time != info.rtp_time)
        fail (what + "; RTP-Info says " + std::to_string (info.seqnum) + ", " +
              std::to_string (info.rtp_time));
    } else {
      guint32 step = last->marker ? frame_time : 0;
      if (packet.seqnum != static_cast<guint16> (last->seqnum + 1) ||
          packet.rtp_time != last->rtp_time + step)
        fail (what + " come after " + std::to_string (last->seqnum) + ", " +
              std::to_string (last->rtp_time));
    }
    last = &packet;
    count++;
  }
  if (count == 0) fail ("no packets came after PLAY");
  std::printf ("PLAY %zu: %zu packets from seqnum %u, RTP time %u on\n", play,
      count, info.seqnum, info.rtp_time);
}

}  // namespace

int main (int argc, char *argv[])
{
  gst_init (&argc, &argv);
  std::string_view way = argc == 2 ? argv[1] : "";
  if (way != "tcp" && way != "udp" && way != "pause" && way != "onvif")
    fail ("usage: rtspserver tcp|udp|pause|onvif");
  const bool onvif = way == "onvif";

  const std::vector<std::string> expected = expected_scans ();
  Seen seen;
  Server server (&seen, onvif);

  std::string line =
      "rtspsrc name=src latency=200 location=rtsp://127.0.0.1:" +
      std::to_string (server.port ()) +
      "/frames protocols=" + (way == "udp" ? "udp" : "tcp") +
      (onvif ? " onvif-mode=true onvif-rate-control=false" : "") +
      " ! rtpjpegdepay name=depay ! "
      "fakesink name=sink sync=false async=false signal-handoffs=true";
  Owned<GstElement> client{gst_parse_launch (line.c_str (), nullptr)};
  if (!client) fail ("no client of stock elements");
  Owned<GstElement> depay{
      gst_bin_get_by_name (GST_BIN (client.get ()), "depay")};
  Owned<GstPad> pad{gst_element_get_static_pad (depay.get (), "sink")};
  gst_pad_add_probe (pad.get (),
      static_cast<GstPadProbeType> (
          GST_PAD_PROBE_TYPE_BUFFER | GST_PAD_PROBE_TYPE_BUFFER_LIST),
      packets_arrive, &seen, nullptr);
  Owned<GstElement> sink{gst_bin_get_by_name (GST_BIN (client.get ()), "sink")};
  g_signal_connect (sink.get (), "handoff", G_CALLBACK (add_frame), &seen);

  auto begin = std::chrono::steady_clock::now ();
  gst_element_set_state (client.get (), GST_STATE_PLAYING);
  std::size_t wanted = way == "pause" ? frame_count / 2 : frame_count;
  wait_until (&seen, client.get (), "first",
      [&] { return seen.scans.size () >= wanted && seen.requests == 1; });
  if (way == "pause") {
    gst_element_set_state (client.get (), GST_STATE_PAUSED);
    wait_until (&seen, client.get (), "PAUSE",
        [&] { return seen.pauses == 1 && seen.requests == 2; });
    gst_element_set_state (client.get (), GST_STATE_PLAYING);
    wait_until (&seen, client.get (), "second",
        [&] { return seen.scans.size () >= frame_count; });
  }
  auto taken = std::chrono::duration_cast<std::chrono::milliseconds> (
      std::chrono::steady_clock::now () - begin);
  if (onvif) {
    gboolean no_rate_control = FALSE;
    g_object_get (seen.payloader.get (), "onvif-no-rate-control",
        &no_rate_control, nullptr);
    if (!no_rate_control) fail ("the payloader knows of rate control");
  }
  gst_element_set_state (client.get (), GST_STATE_NULL);

  std::lock_guard lock (seen.mutex);
  if (seen.plays.size () != (way == "pause" ? 2 : 1))
    fail (std::to_string (seen.plays.size ()) + " answers to PLAY");
  for (std::size_t play = 1; play <= seen.plays.size (); play++)
    check_packets (seen, play);
  for (std::size_t i = 0; i < frame_count; i++)
    if (seen.scans[i] != expected[i])
      fail ("frame " + std::to_string (i) + " is another");
  std::printf ("ok: %s, %zu frames in %d ms\n", argv[1], frame_count,
      static_cast<int> (taken.count ()));
  std::fflush (stdout);
  // Nothing is taken apart under the threads of the server.
  std::_Exit (0);
}

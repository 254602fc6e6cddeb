// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <functional>
#include <map>
#include <memory>

#include "httpserver.h"
#include "testutil.h"

// Presentations out of a map of files, and adaptivesrc with a fakesink on each
// of its pads.
namespace test {

using Reply = HttpServer::Reply;
using relay::Guarded;
using relay::Owned;

inline std::string be32 (std::size_t value)
{
  std::string out;
  for (int shift = 24; shift >= 0; shift -= 8)
    out += static_cast<char> (value >> shift);
  return out;
}

inline std::string box (const char *type, const std::string &payload)
{
  return be32 (payload.size () + 8) + type + payload;
}

// Boxes that are no media, but are boxes: who they are is in them.
inline std::string init_of (const std::string &name)
{
  return box ("ftyp", "init " + name);
}
inline std::string segment_of (
    const std::string &name, std::size_t size = 20000)
{
  return box ("styp", name) + box ("mdat", std::string (size, 'm'));
}

// sidx, version 0, timescale 1: a reference of 2 s for each size.
inline std::string sidx_of (const std::vector<std::size_t> &sizes)
{
  std::string out = be32 (0) + be32 (1) + be32 (1) + be32 (0) + be32 (0) +
                    be32 (sizes.size ());
  for (std::size_t size : sizes) out += be32 (size) + be32 (2) + be32 (0);
  return box ("sidx", out);
}

using Files = std::map<std::string, std::string>;

inline HttpServer::Handler serving (Files files)
{
  return [files = std::move (files)] (const HttpServer::Request &request) {
    auto found = files.find (request.path);
    if (found == files.end ()) return Reply{404, "no", {}};
    return Reply{200, found->second, {{"Accept-Ranges", "bytes"}}};
  };
}

inline std::string mpd (const std::string &sets,
    const std::string &attributes = "mediaPresentationDuration='PT4S'")
{
  return "<?xml version='1.0'?><MPD xmlns='urn:mpeg:dash:schema:mpd:2011' " +
         attributes + "><Period>" + sets + "</Period></MPD>";
}

// A video of two segments and a sound, numbered.
inline const std::string two_tracks = mpd (R"(
  <AdaptationSet mimeType="audio/mp4" lang="de"><SegmentTemplate duration="2"
    media="a$Number$.m4s" initialization="a.mp4"/>
    <Representation id="a" bandwidth="1000"/></AdaptationSet>
  <AdaptationSet mimeType="video/mp4"><SegmentTemplate duration="2"
    media="$RepresentationID$-$Number%03d$.m4s"
    initialization="$RepresentationID$.mp4" startNumber="7"/>
    <Representation id="low" bandwidth="2000" width="320" height="180"/>
    <Representation id="high" bandwidth="9000" width="640" height="360"/>
  </AdaptationSet>)");

inline const Files two_tracks_files = {
    {"/x/two.mpd", two_tracks},
    {"/x/a.mp4", init_of ("a")},
    {"/x/a1.m4s", segment_of ("a1")},
    {"/x/a2.m4s", segment_of ("a2")},
    {"/x/low.mp4", init_of ("low")},
    {"/x/low-007.m4s", segment_of ("low7")},
    {"/x/low-008.m4s", segment_of ("low8")},
    {"/x/high.mp4", init_of ("high")},
    {"/x/high-007.m4s", segment_of ("high7", 700000)},
    {"/x/high-008.m4s", segment_of ("high8")},
};

// What came out of a pad.
struct Output
{
  struct Item
  {
    std::size_t size;
    GstClockTime pts;
    guint flags;
    guint64 offset;
  };
  std::string bytes;
  std::vector<Item> items;
};

struct Pad
{
  std::string name;
  std::string caps;
  GstSegment segment;
};

// adaptivesrc with a fakesink on each of the pads that are wanted.
class Player
{
public:
  explicit Player (const std::string &location,
      std::function<bool (std::string)> wanted = {})
      : wanted_ (std::move (wanted)),
        pipeline_ (gst_pipeline_new (nullptr)),
        source_ (gst_element_factory_make ("adaptivesrc", "source"))
  {
    fail_unless (source_ != nullptr);
    g_object_set (
        source_, "location", location.c_str (), "retries", 0, nullptr);
    // What is asked for does not depend on how fast this machine is.
    gst_util_set_object_arg (G_OBJECT (source_), "selection", "highest");
    gst_bin_add (GST_BIN (pipeline_.get ()), source_);
    g_signal_connect (source_, "pad-added", G_CALLBACK (on_pad_added), this);
    g_signal_connect (
        source_, "no-more-pads", G_CALLBACK (on_no_more_pads), this);
  }
  ~Player () { set_state (GST_STATE_NULL); }
  Player (const Player &) = delete;
  Player &operator= (const Player &) = delete;

  GstElement *operator* () { return source_; }
  GstElement *pipeline () { return pipeline_.get (); }
  GstStateChangeReturn set_state (GstState state)
  {
    return gst_element_set_state (pipeline_.get (), state);
  }
  Owned<GstMessage> wait (int types, GstClockTime limit = 20 * GST_SECOND)
  {
    return wait_message (pipeline_.get (), types, limit);
  }
  Owned<GstMessage> wait_element (const char *name)
  {
    for (;;) {
      Owned<GstMessage> message =
          wait (GST_MESSAGE_ELEMENT | GST_MESSAGE_ERROR);
      fail_unless (message != nullptr, "no message %s", name);
      fail_unless (GST_MESSAGE_TYPE (message.get ()) == GST_MESSAGE_ELEMENT);
      if (gst_message_has_name (message.get (), name)) return message;
    }
  }
  void play ()
  {
    set_state (GST_STATE_PLAYING);
    Owned<GstMessage> message = wait (GST_MESSAGE_EOS | GST_MESSAGE_ERROR);
    fail_unless (message != nullptr);
    if (GST_MESSAGE_TYPE (message.get ()) == GST_MESSAGE_ERROR) {
      gchar *debug = nullptr;
      gst_message_parse_error (message.get (), nullptr, &debug);
      Owned<gchar> owned{debug};
      ck_abort_msg ("%s", debug);
    }
  }
  // To the end, which must be this error, and no second one.
  Owned<GstMessage> play_to_error (GQuark domain, int code)
  {
    set_state (GST_STATE_PLAYING);
    Owned<GstMessage> message = wait (GST_MESSAGE_EOS | GST_MESSAGE_ERROR);
    assert_error (message.get (), domain, code);
    set_state (GST_STATE_READY);
    fail_unless (wait (GST_MESSAGE_ERROR, 0) == nullptr);
    return message;
  }
  guint64 stat (const char *name)
  {
    GstStructure *raw = nullptr;
    g_object_get (source_, "stats", &raw, nullptr);
    Owned<GstStructure> stats{raw};
    guint64 value = 0;
    fail_unless (gst_structure_get_uint64 (stats.get (), name, &value));
    return value;
  }
  void link (GstPad *pad)
  {
    Owned<gchar> name{gst_pad_get_name (pad)};
    GstElement *sink = gst_element_factory_make ("fakesink", name.get ());
    g_object_set (sink, "sync", FALSE, "signal-handoffs", TRUE, "async",
        gboolean{waits_for_all}, nullptr);
    g_signal_connect (sink, "handoff", G_CALLBACK (on_handoff), this);
    gst_bin_add (GST_BIN (pipeline_.get ()), sink);
    gst_element_sync_state_with_parent (sink);
    Owned<GstPad> sinkpad{gst_element_get_static_pad (sink, "sink")};
    fail_unless (gst_pad_link (pad, sinkpad.get ()) == GST_PAD_LINK_OK);
  }
  Output output (const std::string &pad) { return (*outputs_.lock ())[pad]; }
  std::vector<Pad> pads () { return *pads_.lock (); }

  std::atomic<bool> no_more_pads{false};
  // PAUSED is reached when each sink has something.
  bool waits_for_all = true;
  // Not all tracks are selected at the beginning.
  bool allows_late_pads = false;
  // For each buffer, by the thread that pushes it; set before it plays.
  std::function<void (const std::string &pad, const std::string &bytes)>
      on_buffer;

private:
  static void on_pad_added (GstElement *, GstPad *pad, gpointer data)
  {
    auto *self = static_cast<Player *> (data);
    fail_unless (!self->no_more_pads || self->allows_late_pads);
    Owned<gchar> name{gst_pad_get_name (pad)};
    Pad seen{name.get (), {}, {}};
    Owned<GstEvent> start{
        gst_pad_get_sticky_event (pad, GST_EVENT_STREAM_START, 0)};
    fail_unless (start != nullptr);
    Owned<GstCaps> caps{gst_pad_get_current_caps (pad)};
    fail_unless (caps != nullptr);
    Owned<gchar> text{gst_caps_to_string (caps.get ())};
    seen.caps = text.get ();
    Owned<GstEvent> segment{
        gst_pad_get_sticky_event (pad, GST_EVENT_SEGMENT, 0)};
    fail_unless (segment != nullptr);
    gst_event_copy_segment (segment.get (), &seen.segment);
    self->pads_.lock ()->push_back (seen);
    if (!self->wanted_ || self->wanted_ (seen.name)) self->link (pad);
  }
  static void on_no_more_pads (GstElement *, gpointer data)
  {
    static_cast<Player *> (data)->no_more_pads = true;
  }
  static void on_handoff (
      GstElement *sink, GstBuffer *buffer, GstPad *, gpointer data)
  {
    auto *self = static_cast<Player *> (data);
    Bytes bytes = bytes_of (buffer);
    if (self->on_buffer)
      self->on_buffer (
          GST_OBJECT_NAME (sink), std::string (bytes.begin (), bytes.end ()));
    auto outputs = self->outputs_.lock ();
    Output &output = (*outputs)[GST_OBJECT_NAME (sink)];
    output.bytes.append (bytes.begin (), bytes.end ());
    output.items.push_back ({bytes.size (), GST_BUFFER_PTS (buffer),
        GST_BUFFER_FLAGS (buffer), GST_BUFFER_OFFSET (buffer)});
  }

  std::function<bool (std::string)> wanted_;
  Guarded<std::map<std::string, Output>> outputs_;
  Guarded<std::vector<Pad>> pads_;
  Owned<GstElement> pipeline_;
  GstElement *source_;
};

inline std::vector<std::string> paths_of (HttpServer &server)
{
  std::vector<std::string> out;
  for (const auto &request : server.requests ()) out.push_back (request.path);
  return out;
}

inline std::size_t count_paths (HttpServer &server, const std::string &part)
{
  std::size_t count = 0;
  for (const std::string &path : paths_of (server))
    if (path.find (part) != std::string::npos) count++;
  return count;
}

inline std::string media_playlist (
    const std::string &lines, bool complete = true)
{
  return "#EXTM3U\n#EXT-X-TARGETDURATION:2\n" + lines +
         (complete ? "#EXT-X-ENDLIST\n" : "");
}

inline std::string packets (char c, std::size_t count = 10)
{
  std::string packet (188, c);
  packet[0] = 0x47;
  std::string out;
  for (std::size_t i = 0; i < count; i++) out += packet;
  return out;
}

inline std::string text_property (GstElement *element, const char *name)
{
  gchar *raw = nullptr;
  g_object_get (element, name, &raw, nullptr);
  Owned<gchar> text{raw};
  return text ? text.get () : "";
}

// Ten segments of 2 s of picture and five of 4 s of sound, whose clocks begin
// elsewhere.
inline const std::string long_mpd = mpd (
    R"(
  <AdaptationSet mimeType="video/mp4"><SegmentTemplate duration="2"
    media="v$Number$.m4s" initialization="v.mp4"
    presentationTimeOffset="100"/>
    <Representation id="v" bandwidth="1000"/></AdaptationSet>
  <AdaptationSet mimeType="audio/mp4"><SegmentTemplate duration="4"
    media="a$Number$.m4s" initialization="a.mp4"/>
    <Representation id="a" bandwidth="1000"/></AdaptationSet>)",
    "mediaPresentationDuration='PT20S'");

inline Files long_files (std::size_t video_size = 100000)
{
  Files files = {{"/long.mpd", long_mpd}, {"/v.mp4", init_of ("v")},
      {"/a.mp4", init_of ("a")}};
  for (int i = 1; i <= 10; i++) {
    std::string name = std::to_string (i);
    files["/v" + name + ".m4s"] = segment_of ("v" + name, video_size);
    if (i <= 5) files["/a" + name + ".m4s"] = segment_of ("a" + name);
  }
  return files;
}

// Serves files to many at once.
class Origin
{
public:
  // before: called with each path before it is answered, in the connection's
  // thread; false: it is not answered, but hangs.
  explicit Origin (
      Files files, std::function<bool (const std::string &)> before = {})
      : files_ (std::move (files)),
        before_ (std::move (before)),
        server_ ([this] (Connection &c, int) { serve (c); })
  {
  }

  std::string uri (const std::string &path) { return server_.uri (path); }
  std::vector<std::string> paths () { return paths_.copy (); }
  bool was_asked (const std::string &path)
  {
    std::vector<std::string> all = paths ();
    return std::ranges::find (all, path) != all.end ();
  }
  void forget () { paths_.lock ()->clear (); }

private:
  void serve (Connection &c)
  {
    for (;;) {
      std::string request = c.read_request ();
      if (request.empty ()) return;
      std::string path = request.substr (4, request.find (' ', 4) - 4);
      paths_.lock ()->push_back (path);
      if (before_ && !before_ (path)) {
        c.hang ();
        return;
      }
      auto found = files_.find (path);
      std::string body = found != files_.end () ? found->second : "";
      c.send (std::string ("HTTP/1.1 ") +
              (found != files_.end () ? "200 OK" : "404 Not Found") +
              "\r\nContent-Length: " + std::to_string (body.size ()) +
              "\r\n\r\n" + body);
    }
  }

  const Files files_;
  const std::function<bool (const std::string &)> before_;
  Guarded<std::vector<std::string>> paths_;
  ScriptedServer server_;
};

}  // namespace test

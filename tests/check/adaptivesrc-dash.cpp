// SPDX-License-Identifier: LGPL-2.1-or-later

// What adaptivesrc makes of an MPD, beyond fetching its segments.

#include <functional>
#include <map>

#include "httpserver.h"
#include "segmentencrypter.h"
#include "testutil.h"
#include "vectors.h"

using relay::Guarded;
using relay::Owned;
using test::HttpServer;
using Reply = HttpServer::Reply;

namespace {

std::string be32 (std::size_t value)
{
  std::string out;
  for (int shift = 24; shift >= 0; shift -= 8)
    out += static_cast<char> (value >> shift);
  return out;
}

std::string box (const char *type, const std::string &payload)
{
  return be32 (payload.size () + 8) + type + payload;
}

std::string init_of (const std::string &name)
{
  return box ("ftyp", "init " + name);
}

std::string segment_of (const std::string &name, std::size_t size = 100)
{
  return box ("styp", name) + box ("mdat", std::string (size, 'm'));
}

struct Reference
{
  bool is_index;
  std::size_t size;
};

std::string sidx_of (std::size_t time, const std::vector<Reference> &references)
{
  std::string out = be32 (0) + be32 (1) + be32 (1) + be32 (time) + be32 (0) +
                    be32 (references.size ());
  for (const Reference &one : references)
    out += be32 (one.size | (one.is_index ? 0x80000000u : 0)) + be32 (2) +
           be32 (0);
  return box ("sidx", out);
}

std::string emsg_of (std::size_t delta, std::size_t id)
{
  return box ("emsg", be32 (0) + std::string ("urn:e\0v\0", 8) + be32 (1) +
                          be32 (delta) + be32 (1) + be32 (id) + "hello");
}

std::string mpd (const std::string &inner,
    const std::string &attributes = "mediaPresentationDuration='PT4S'")
{
  return "<MPD xmlns='urn:mpeg:dash:schema:mpd:2011' "
         "xmlns:x='http://www.w3.org/1999/xlink' "
         "xmlns:cenc='urn:mpeg:cenc:2013' " +
         attributes + ">" + inner + "</MPD>";
}

// Two segments of 2 seconds.
std::string set (const std::string &name, const std::string &inner = "",
    const std::string &attributes = "mimeType='video/mp4'")
{
  return "<AdaptationSet " + attributes + ">" + inner +
         "<SegmentTemplate duration='2' media='" + name +
         "$Number$' "
         "initialization='" +
         name + "'/><Representation id='" + name +
         "' bandwidth='1'/></AdaptationSet>";
}

using Files = std::map<std::string, std::string>;

void add (Files &files, const std::string &name)
{
  files["/" + name] = init_of (name);
  files["/" + name + "1"] = segment_of (name + "1");
  files["/" + name + "2"] = segment_of (name + "2");
}

std::string all_of (const std::string &name)
{
  return init_of (name) + segment_of (name + "1") + segment_of (name + "2");
}

// adaptivesrc with a fakesink on each pad.
class Player
{
public:
  explicit Player (Files files,
      std::function<Reply (const HttpServer::Request &)> other = {})
      : server_ ([all = std::move (files), next = std::move (other)] (
                     const HttpServer::Request &request) {
          auto found = all.find (request.path);
          if (found != all.end ()) return Reply{200, found->second, {}};
          return next ? next (request) : Reply{404, "no", {}};
        }),
        pipeline_ (gst_pipeline_new (nullptr)),
        source_ (gst_element_factory_make ("adaptivesrc", nullptr))
  {
    g_object_set (source_, "location", server_.uri ("/m.mpd").c_str (),
        "retries", 0, nullptr);
    gst_bin_add (GST_BIN (pipeline_.get ()), source_);
    g_signal_connect (source_, "pad-added", G_CALLBACK (on_pad_added), this);
  }
  ~Player () { gst_element_set_state (pipeline_.get (), GST_STATE_NULL); }
  Player (const Player &) = delete;
  Player &operator= (const Player &) = delete;

  GstElement *operator* () { return source_; }
  HttpServer &server () { return server_; }

  // To the end, or the first error, which is given.
  Owned<GstMessage> run ()
  {
    gst_element_set_state (pipeline_.get (), GST_STATE_PLAYING);
    for (;;) {
      Owned<GstMessage> message = test::wait_message (pipeline_.get (),
          GST_MESSAGE_EOS | GST_MESSAGE_ERROR | GST_MESSAGE_ELEMENT |
              GST_MESSAGE_WARNING,
          20 * GST_SECOND);
      fail_unless (message != nullptr);
      if (GST_MESSAGE_TYPE (message.get ()) == GST_MESSAGE_EOS) return {};
      if (GST_MESSAGE_TYPE (message.get ()) == GST_MESSAGE_ERROR)
        return message;
      messages.push_back (std::move (message));
    }
  }
  void play ()
  {
    Owned<GstMessage> error = run ();
    if (!error) return;
    gchar *debug = nullptr;
    gst_message_parse_error (error.get (), nullptr, &debug);
    Owned<gchar> owned{debug};
    ck_abort_msg ("%s", debug);
  }
  std::string output (const std::string &pad)
  {
    return (*outputs_.lock ())[pad];
  }
  std::vector<const GstStructure *> messages_named (const char *name)
  {
    std::vector<const GstStructure *> out;
    for (const auto &message : messages)
      if (gst_message_has_name (message.get (), name))
        out.push_back (gst_message_get_structure (message.get ()));
    return out;
  }

  // Before the pads are in the element's pipeline.
  std::function<void (GstPad *)> on_pad;
  std::vector<Owned<GstMessage>> messages;
  std::vector<std::string> pads;

private:
  static void on_pad_added (GstElement *, GstPad *pad, gpointer data)
  {
    auto *self = static_cast<Player *> (data);
    if (self->on_pad) self->on_pad (pad);
    Owned<gchar> name{gst_pad_get_name (pad)};
    self->pads.emplace_back (name.get ());
    GstElement *sink = gst_element_factory_make ("fakesink", name.get ());
    g_object_set (sink, "sync", FALSE, "signal-handoffs", TRUE, nullptr);
    g_signal_connect (sink, "handoff", G_CALLBACK (on_handoff), self);
    gst_bin_add (GST_BIN (self->pipeline_.get ()), sink);
    gst_element_sync_state_with_parent (sink);
    Owned<GstPad> sinkpad{gst_element_get_static_pad (sink, "sink")};
    fail_unless (gst_pad_link (pad, sinkpad.get ()) == GST_PAD_LINK_OK);
  }
  static void on_handoff (
      GstElement *sink, GstBuffer *buffer, GstPad *, gpointer data)
  {
    auto *self = static_cast<Player *> (data);
    test::Bytes bytes = test::bytes_of (buffer);
    (*self->outputs_.lock ())[GST_OBJECT_NAME (sink)].append (
        bytes.begin (), bytes.end ());
  }

  HttpServer server_;
  Guarded<std::map<std::string, std::string>> outputs_;
  Owned<GstElement> pipeline_;
  GstElement *source_;
};

std::size_t requests_of (Player &player, const std::string &path)
{
  std::size_t count = 0;
  for (const auto &request : player.server ().requests ())
    if (request.path == path) count++;
  return count;
}

guint64 number (const GstStructure *structure, const char *field)
{
  guint64 out = 0;
  fail_unless (gst_structure_get_uint64 (structure, field, &out), "%s", field);
  return out;
}

}  // namespace

GST_START_TEST (remote_elements_are_fetched)
{
  Files files = {{"/m.mpd", mpd ("<Period x:href='p/period'/>")},
      {"/p/period", "<?xml version='1.0'?>\n<Period duration='PT4S'>" +
                        set ("v") +
                        "<AdaptationSet xmlns:x='http://www.w3.org/1999/xlink' "
                        "x:href='/sound'/></Period>"},
      {"/sound", set ("a", "", "mimeType='audio/mp4'")}};
  add (files, "v");
  add (files, "a");
  Player player (files);
  player.play ();
  fail_unless (player.output ("video_0") == all_of ("v"));
  fail_unless (player.output ("audio_0") == all_of ("a"));
}
GST_END_TEST;

GST_START_TEST (bad_remote_elements_are_errors)
{
  const struct
  {
    std::string remote;
    GQuark domain;
    int code;
  } rows[] = {{"<AdaptationSet/>", GST_STREAM_ERROR, GST_STREAM_ERROR_DEMUX},
      {"", GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_NOT_FOUND}};
  for (const auto &row : rows) {
    Files files = {{"/m.mpd", mpd ("<Period x:href='period'/>")}};
    if (!row.remote.empty ()) files["/period"] = row.remote;
    Player player (files);
    Owned<GstMessage> error = player.run ();
    test::assert_error (error.get (), row.domain, row.code);
  }
}
GST_END_TEST;

GST_START_TEST (indexes_of_indexes_are_fetched)
{
  std::string one = segment_of ("1"), two = segment_of ("2", 200);
  std::string first = sidx_of (0, {{false, one.size ()}});
  std::string second = sidx_of (2, {{false, two.size ()}});
  std::string index = sidx_of (0, {{true, first.size () + one.size ()},
                                      {true, second.size () + two.size ()}});
  std::string init = init_of ("v");
  std::string range = std::to_string (init.size ()) + "-" +
                      std::to_string (init.size () + index.size () - 1);
  Player player (
      {{"/m.mpd", mpd ("<Period><AdaptationSet mimeType='video/mp4'>"
                       "<Representation><BaseURL>all</BaseURL><SegmentBase "
                       "indexRange='" +
                       range +
                       "'/></Representation></AdaptationSet>"
                       "</Period>")},
          {"/all", init + index + first + one + second + two}});
  player.play ();
  fail_unless (player.output ("video_0") == init + one + two);
}
GST_END_TEST;

GST_START_TEST (trick_mode_sets_are_no_tracks)
{
  Files files = {
      {"/m.mpd", mpd ("<Period>" +
                      set ("k",
                          "<EssentialProperty schemeIdUri='http://dashif.org/"
                          "guidelines/trickmode' value='1'/>") +
                      set ("v") + "</Period>")}};
  add (files, "v");
  Player player (files);
  player.play ();
  fail_unless (player.pads == std::vector<std::string> ({"video_0"}));
  fail_unless (player.output ("video_0") == all_of ("v"));
}
GST_END_TEST;

GST_START_TEST (events_are_messages)
{
  Files files = {{"/m.mpd",
      mpd ("<Period start='PT10S' duration='PT4S'><EventStream "
           "schemeIdUri='urn:s' value='w' timescale='10'>"
           "<Event presentationTime='5' duration='10' id='a'>text</Event>"
           "<Event presentationTime='6' contentEncoding='base64'>AQI=</Event>"
           "</EventStream>" +
               set ("v", "<InbandEventStream schemeIdUri='urn:e' value='v'/>") +
               "</Period>",
          "")}};
  files["/v"] = init_of ("v");
  files["/v1"] = emsg_of (1, 7) + segment_of ("v1");
  // One that has been told, and a new one.
  files["/v2"] = emsg_of (0, 7) + emsg_of (1, 8) + segment_of ("v2");
  Player player (files);
  player.play ();
  auto events = player.messages_named ("adaptivesrc-event");
  fail_unless_equals_uint64 (events.size (), 4);
  fail_unless_equals_string (
      gst_structure_get_string (events[0], "source"), "mpd");
  fail_unless_equals_string (
      gst_structure_get_string (events[0], "scheme-id-uri"), "urn:s");
  fail_unless_equals_string (
      gst_structure_get_string (events[0], "value"), "w");
  fail_unless_equals_string (gst_structure_get_string (events[0], "id"), "a");
  fail_unless_equals_string (
      gst_structure_get_string (events[0], "text"), "text");
  fail_unless_equals_uint64 (number (events[0], "time"), 10500 * GST_MSECOND);
  fail_unless_equals_uint64 (number (events[0], "duration"), GST_SECOND);
  fail_unless (number (events[1], "duration") == GST_CLOCK_TIME_NONE);
  fail_unless (gst_structure_has_field_typed (events[1], "data", G_TYPE_BYTES));

  fail_unless_equals_string (
      gst_structure_get_string (events[2], "source"), "emsg");
  fail_unless_equals_string (
      gst_structure_get_string (events[2], "pad"), "video_0");
  fail_unless_equals_string (gst_structure_get_string (events[2], "id"), "7");
  fail_unless_equals_uint64 (number (events[2], "time"), 11 * GST_SECOND);
  fail_unless_equals_string (gst_structure_get_string (events[3], "id"), "8");
  fail_unless_equals_uint64 (number (events[3], "time"), 13 * GST_SECOND);
  // The boxes are where they were.
  fail_unless (
      player.output ("video_0") == files["/v"] + files["/v1"] + files["/v2"]);
}
GST_END_TEST;

// ---- Periods ---------------------------------------------------------------

namespace {

// What goes through a pad: SEGMENT, GAP and PROTECTION as text, "data".
class Journal
{
public:
  void follow (GstPad *pad)
  {
    Owned<gchar> name{gst_pad_get_name (pad)};
    gst_pad_add_probe (pad,
        static_cast<GstPadProbeType> (
            GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM | GST_PAD_PROBE_TYPE_BUFFER),
        on_item, new Line{this, name.get ()},
        [] (gpointer line) { delete static_cast<Line *> (line); });
  }
  std::vector<std::string> of (const std::string &pad)
  {
    return (*lines_.lock ())[pad];
  }

private:
  struct Line
  {
    Journal *journal;
    std::string pad;
  };
  static std::string time (GstClockTime time)
  {
    return GST_CLOCK_TIME_IS_VALID (time) ? std::to_string (time / GST_MSECOND)
                                          : "-";
  }
  static std::string text_of (GstEvent *event)
  {
    const GstSegment *segment = nullptr;
    GstClockTime at = 0, duration = 0;
    switch (GST_EVENT_TYPE (event)) {
      case GST_EVENT_SEGMENT:
        gst_event_parse_segment (event, &segment);
        return "segment " + time (segment->start) + "-" + time (segment->stop) +
               " at " + time (segment->time) + ", " + time (segment->base);
      case GST_EVENT_GAP:
        gst_event_parse_gap (event, &at, &duration);
        return "gap " + time (at) + "+" + time (duration);
      case GST_EVENT_PROTECTION:
        return "protection";
      case GST_EVENT_EOS:
        return "eos";
      default:
        return {};
    }
  }
  static GstPadProbeReturn on_item (
      GstPad *, GstPadProbeInfo *info, gpointer data)
  {
    auto *line = static_cast<Line *> (data);
    std::string text = "data";
    if ((info->type & GST_PAD_PROBE_TYPE_BUFFER) == 0)
      text = text_of (GST_PAD_PROBE_INFO_EVENT (info));
    auto lines = line->journal->lines_.lock ();
    auto &all = (*lines)[line->pad];
    if (!text.empty () && (all.empty () || all.back () != text))
      all.push_back (text);
    return GST_PAD_PROBE_OK;
  }

  Guarded<std::map<std::string, std::vector<std::string>>> lines_;
};

using Lines = std::vector<std::string>;

// As a set of its kind, with an offset of 10 seconds in its media.
std::string late_set (const std::string &name, const std::string &attributes)
{
  return "<AdaptationSet " + attributes +
         "><SegmentTemplate duration='2' presentationTimeOffset='10' media='" +
         name + "$Number$' initialization='" + name +
         "'/><Representation id='" + name + "' bandwidth='1'/></AdaptationSet>";
}

constexpr const char *sound = "mimeType='audio/mp4'";
constexpr const char *picture = "mimeType='video/mp4'";

}  // namespace

GST_START_TEST (periods_are_played_one_after_the_other)
{
  Files files = {{"/m.mpd",
      mpd ("<Period duration='PT4S'>" + set ("v") + set ("a", "", sound) +
               "</Period><Period "
               "duration='PT4S'>" +
               late_set ("b", sound) + late_set ("w", picture) + "</Period>",
          "")}};
  for (const char *name : {"v", "a", "w", "b"}) add (files, name);
  Journal journal;
  Player player (files);
  player.on_pad = [&journal] (GstPad *pad) { journal.follow (pad); };
  player.play ();
  fail_unless (player.pads == Lines ({"video_0", "audio_0"}));
  fail_unless (player.output ("video_0") == all_of ("v") + all_of ("w"));
  fail_unless (player.output ("audio_0") == all_of ("a") + all_of ("b"));
  for (const char *pad : {"video_0", "audio_0"}) {
    std::string text;
    for (const std::string &line : journal.of (pad)) text += line + "; ";
    fail_unless (text ==
                     "segment 0-4000 at 0, 0; data; "
                     "segment 10000-- at 4000, 4000; data; eos; ",
        "%s", text.c_str ());
  }
  gint64 duration = 0;
  fail_unless (
      gst_element_query_duration (*player, GST_FORMAT_TIME, &duration));
  fail_unless_equals_int64 (duration, 8 * GST_SECOND);
  // What has been chosen for the second one is told.
  fail_unless_equals_uint64 (
      player.messages_named ("adaptivesrc-variant").size (), 4);
}
GST_END_TEST;

GST_START_TEST (a_track_may_be_missing)
{
  // The sound in the second one, the words in the first and the second.
  Files files = {{"/m.mpd",
      mpd ("<Period duration='PT4S'>" + set ("v") + set ("a", "", sound) +
               "</Period><Period duration='PT4S'>" + set ("w") +
               "</Period><Period duration='PT4S'>" + set ("x") +
               late_set ("b", sound) +
               late_set ("t", "mimeType='application/mp4' codecs='stpp'") +
               "</Period>",
          "")}};
  for (const char *name : {"v", "a", "w", "b", "x", "t"}) add (files, name);
  Journal journal;
  Player player (files);
  g_object_set (*player, "select-all", TRUE, nullptr);
  player.on_pad = [&journal] (GstPad *pad) { journal.follow (pad); };
  player.play ();
  fail_unless (player.output ("audio_0") == all_of ("a") + all_of ("b"));
  fail_unless (player.output ("text_0") == all_of ("t"));
  auto text_of = [&journal] (const char *pad) {
    std::string text;
    for (const std::string &line : journal.of (pad)) text += line + "; ";
    return text;
  };
  fail_unless (text_of ("audio_0") ==
                   "segment 0-4000 at 0, 0; data; "
                   "segment 4000-8000 at 4000, 4000; gap 4000+4000; data; "
                   "segment 10000-- at 8000, 8000; data; eos; ",
      "%s", text_of ("audio_0").c_str ());
  fail_unless (text_of ("text_0") ==
                   "segment 0-8000 at 0, 0; gap 0+8000; "
                   "segment 10000-- at 8000, 8000; data; eos; ",
      "%s", text_of ("text_0").c_str ());
}
GST_END_TEST;

// A Period of 4.1 s has a third segment of 2 s, of which the sound has nothing:
// it ends, and with it all that can be had elsewhere of it.
GST_START_TEST (the_last_of_counted_segments_may_be_missing)
{
  std::string two_of_sound = set ("a", "", sound);
  two_of_sound.insert (two_of_sound.find ("<Representation"),
      "<Representation id='b' bandwidth='2'/>");
  Files files = {
      {"/m.mpd", mpd ("<Period>" + set ("v") + two_of_sound + "</Period>",
                     "mediaPresentationDuration='PT4.1S'")}};
  for (const char *name : {"v", "a"}) add (files, name);
  files["/v3"] = segment_of ("v3");
  Journal journal;
  Player player (files);
  player.on_pad = [&journal] (GstPad *pad) { journal.follow (pad); };
  player.play ();
  fail_unless (player.output ("video_0") == all_of ("v") + segment_of ("v3"));
  fail_unless (player.output ("audio_0") == all_of ("a"));
  std::string text;
  for (const std::string &line : journal.of ("audio_0")) text += line + "; ";
  fail_unless (text == "segment 0-- at 0, 0; data; gap 4000+2000; eos; ", "%s",
      text.c_str ());
  fail_unless (requests_of (player, "/a3") == 1);
  // Another place is asked too.
  Files twice = files;
  twice["/m.mpd"].insert (twice["/m.mpd"].find ("<Period>"),
      "<BaseURL>/</BaseURL><BaseURL>/other/</BaseURL>");
  Player elsewhere (twice);
  elsewhere.play ();
  fail_unless (elsewhere.output ("audio_0") == all_of ("a"));
  fail_unless (requests_of (elsewhere, "/a3") == 1);
  fail_unless (requests_of (elsewhere, "/other/a3") == 1);
  // One in between is not.
  files.erase ("/v2");
  Player broken (files);
  Owned<GstMessage> error = broken.run ();
  fail_unless (error != nullptr);
  test::assert_error (
      error.get (), GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_NOT_FOUND);
}
GST_END_TEST;

GST_START_TEST (a_seek_may_lead_to_another_period)
{
  Files files = {{"/m.mpd", mpd ("<Period duration='PT4S'>" + set ("v") +
                                     "</Period><Period duration='PT4S'>" +
                                     late_set ("w", picture) + "</Period>",
                                "")}};
  add (files, "v");
  add (files, "w");
  Journal journal;
  Player player (files);
  player.on_pad = [&journal] (GstPad *pad) { journal.follow (pad); };
  fail_unless (gst_element_seek_simple (*player, GST_FORMAT_TIME,
                   GST_SEEK_FLAG_FLUSH, 6 * GST_SECOND) == FALSE);
  g_object_set (*player, "start-offset", 6 * GST_SECOND, nullptr);
  player.play ();
  fail_unless (player.output ("video_0") == init_of ("w") + segment_of ("w2"));
  std::string text;
  for (const std::string &line : journal.of ("video_0")) text += line + "; ";
  fail_unless (
      text == "segment 12000-- at 6000, 0; data; eos; ", "%s", text.c_str ());
}
GST_END_TEST;

GST_START_TEST (each_period_has_its_protection)
{
  auto protection_of = [] (const char *kid) {
    return std::string (
               "<ContentProtection schemeIdUri='urn:uuid:e2719d58-"
               "a985-b3c9-781a-b030af78d30e' cenc:default_KID='") +
           kid + "'/>";
  };
  std::string one = "00000000-0000-0000-0000-000000000001";
  std::string two = "00000000-0000-0000-0000-000000000002";
  Files files = {
      {"/m.mpd", mpd ("<Period duration='PT4S'>" +
                          set ("v", protection_of (one.c_str ())) +
                          "</Period><Period duration='PT4S'>" +
                          set ("w", protection_of (two.c_str ())) + "</Period>",
                     "")}};
  add (files, "v");
  add (files, "w");
  Journal journal;
  Player player (files);
  player.on_pad = [&journal] (GstPad *pad) { journal.follow (pad); };
  player.play ();
  std::string text;
  for (const std::string &line : journal.of ("video_0")) text += line + "; ";
  fail_unless (text ==
                   "segment 0-4000 at 0, 0; protection; data; protection; "
                   "data; segment 0-- at 4000, 4000; data; eos; ",
      "%s", text.c_str ());
}
GST_END_TEST;

// ---- Protection ------------------------------------------------------------

namespace {

constexpr const char *kid = "eb676abbcb345e96bbcf616630f1a3da";
constexpr const char *key = "100b6c20940f779a4589152b57d2dacb";
constexpr const char *licence =
    "{\"keys\":[{\"kty\":\"oct\",\"kid\":\"62dqu8s0Xpa7z2FmMPGj2g\","
    "\"k\":\"EAtsIJQPd5pFiRUrV9Layw\"}]}";

std::string protection (const std::string &license_uri)
{
  std::string out =
      "<ContentProtection schemeIdUri='urn:mpeg:dash:mp4protection:2011' "
      "value='cenc' cenc:default_KID='eb676abb-cb34-5e96-bbcf-616630f1a3da'/>"
      "<ContentProtection "
      "schemeIdUri='urn:uuid:e2719d58-a985-b3c9-781a-b030af78d30e'>";
  if (!license_uri.empty ())
    out += "<dashif:Laurl xmlns:dashif='https://dashif.org/CPS'>" +
           license_uri + "</dashif:Laurl>";
  return out + "</ContentProtection>";
}

// What a decrypter would be told: its key, or nothing.
std::string ask (GstPad *pad)
{
  Owned<GstQuery> query{gst_query_new_context ("cenc-keys")};
  const gchar *const kids[] = {kid, nullptr};
  gst_structure_set (gst_query_writable_structure (query.get ()), "key-ids",
      G_TYPE_STRV, kids, nullptr);
  if (!gst_pad_query (pad, query.get ())) return {};
  GstContext *context = nullptr;
  gst_query_parse_context (query.get (), &context);
  const GValue *value =
      gst_structure_get_value (gst_context_get_structure (context), "keys");
  const gchar *found = nullptr;
  if (!g_variant_lookup (g_value_get_variant (value), kid, "&s", &found))
    return {};
  return found;
}

Files protected_files (const std::string &license_uri)
{
  Files files = {{"/m.mpd",
      mpd ("<Period>" + set ("v", protection (license_uri)) + "</Period>")}};
  add (files, "v");
  return files;
}

}  // namespace

GST_START_TEST (decrypters_are_told_before_the_pad_is_there)
{
  Player player (protected_files (""));
  std::string system;
  test::Bytes data;
  player.on_pad = [&system, &data] (GstPad *pad) {
    Owned<GstEvent> event{
        gst_pad_get_sticky_event (pad, GST_EVENT_PROTECTION, 0)};
    fail_unless (event != nullptr);
    const gchar *id = nullptr;
    const gchar *origin = nullptr;
    GstBuffer *buffer = nullptr;
    gst_event_parse_protection (event.get (), &id, &buffer, &origin);
    system = id;
    data = test::bytes_of (buffer);
    fail_unless_equals_string (origin, "dash/mpd");
    // Nobody knows the keys.
    fail_unless (ask (pad).empty ());
  };
  player.play ();
  fail_unless (system == "e2719d58-a985-b3c9-781a-b030af78d30e");
  fail_unless (
      data == test::hex (std::string ("00000034 70737368 01000000 "
                                      "e2719d58a985b3c9781ab030af78d30e"
                                      "00000001") +
                         kid + "00000000"));
  fail_unless_equals_uint64 (player.server ().requests ().size (), 4);
}
GST_END_TEST;

GST_START_TEST (keys_come_from_the_licence_server)
{
  // The manifest's, the property's in its place, or in the manifest itself.
  relay::Owned<gchar> coded{g_base64_encode (
      reinterpret_cast<const guchar *> (licence), strlen (licence))};
  const struct
  {
    std::string manifest, property;
    const char *asked;
  } rows[] = {{"licence", "", "/licence"}, {"nowhere", "/other", "/other"},
      {"", "/other", "/other"},
      {std::string ("data:application/json;base64,") + coded.get (), "",
          nullptr}};
  for (const auto &row : rows) {
    Player player (protected_files (row.manifest),
        [] (const HttpServer::Request &request) {
          if (request.path != "/licence" && request.path != "/other")
            return Reply{404, "no", {}};
          return Reply{200, licence, {}};
        });
    if (!row.property.empty ())
      g_object_set (*player, "license-url",
          player.server ().uri (row.property).c_str (), nullptr);
    player.on_pad = [] (GstPad *pad) {
      for (int i = 0; i < 3; i++) fail_unless (ask (pad) == key);
    };
    player.play ();
    if (row.asked == nullptr) continue;
    fail_unless_equals_uint64 (requests_of (player, row.asked), 1);
    for (const auto &request : player.server ().requests ()) {
      if (request.path != row.asked) continue;
      fail_unless (request.method == "POST");
      fail_unless (request.body ==
                   "{\"kids\":[\"62dqu8s0Xpa7z2FmMPGj2g\"],"
                   "\"type\":\"temporary\"}");
      fail_unless (request.header ("Content-Type") == "application/json");
    }
  }
}
GST_END_TEST;

GST_START_TEST (a_refusal_is_one_warning)
{
  for (const char *answer : {"", "{\"keys\":", licence}) {
    Player player (protected_files ("licence?token=secret"),
        [answer] (const HttpServer::Request &request) {
          if (!request.path.starts_with ("/licence") || *answer == '\0')
            return Reply{403, "no", {}};
          // A key of somebody else is no answer either.
          std::string text = answer;
          if (auto at = text.find ("62dq"); at != std::string::npos)
            text.replace (at, 4, "AAAA");
          return Reply{200, text, {}};
        });
    player.on_pad = [] (GstPad *pad) {
      fail_unless (ask (pad).empty ());
      fail_unless (ask (pad).empty ());
    };
    player.play ();
    std::size_t warnings = 0;
    for (const auto &message : player.messages) {
      if (GST_MESSAGE_TYPE (message.get ()) != GST_MESSAGE_WARNING) continue;
      warnings++;
      gchar *debug = nullptr;
      gst_message_parse_warning (message.get (), nullptr, &debug);
      Owned<gchar> owned{debug};
      fail_unless (strstr (debug, "secret") == nullptr, "%s", debug);
      fail_unless (strstr (debug, "licence") != nullptr, "%s", debug);
    }
    fail_unless_equals_uint64 (warnings, answer == licence ? 0 : 1);
    fail_unless (player.server ().requests ().size () == 5);
  }
}
GST_END_TEST;

GST_START_TEST (segments_are_decrypted)
{
  test::Bytes secret = test::hex (key);
  presentation::Encryption::Iv iv{1, 2, 3};
  auto encrypted = [&] (const std::string &bytes) {
    return test::encrypt_segment (
        presentation::Encryption::Cipher::aes_128, secret, iv, bytes);
  };
  Files files = {
      {"/m.mpd",
          mpd ("<Period>" +
               set ("v",
                   "<ContentProtection schemeIdUri='urn:mpeg:dash:sea:2012' "
                   "xmlns:sea='urn:mpeg:dash:schema:sea:2012'>"
                   "<sea:SegmentEncryption "
                   "schemeIdUri='urn:mpeg:dash:sea:aes128-cbc:2013'/>"
                   "<sea:KeySystem "
                   "keySystemUri='urn:mpeg:dash:sea:keysys:http:2013'/>"
                   "<sea:CryptoPeriod keyUriTemplate='key' "
                   "IV='0x01020300000000000000000000000000'/>"
                   "</ContentProtection>") +
               "</Period>")},
      {"/key", std::string (secret.begin (), secret.end ())},
      {"/v", encrypted (init_of ("v"))}, {"/v1", encrypted (segment_of ("v1"))},
      {"/v2", encrypted (segment_of ("v2"))}};
  Player player (files);
  player.play ();
  fail_unless (player.output ("video_0") == all_of ("v"));
  fail_unless_equals_uint64 (requests_of (player, "/key"), 1);
}
GST_END_TEST;

// Encrypted again, what comes out is what was there: a cipher has one inverse.
GST_START_TEST (a_set_of_others_is_decrypted)
{
  auto vectors = test::vectors ("dash/shaka/dash-aes-128");
  if (!vectors) return;
  Files files;
  for (const auto &entry : std::filesystem::directory_iterator (*vectors)) {
    test::Bytes bytes = test::read_file (entry.path ());
    files["/" + entry.path ().filename ().string ()].assign (
        bytes.begin (), bytes.end ());
  }
  files["/m.mpd"] = files["/dash.mpd"];
  Player player (files);
  player.play ();
  std::string out = player.output ("video_0");
  presentation::Encryption::Iv iv{};
  std::ranges::copy (
      test::hex ("3782A2D74219AE78CFADF642ABC5E68D"), iv.begin ());
  const std::string &secret = files["/license"];
  std::size_t at = 0;
  for (const char *name : {"i", "0", "20000000", "40000000", "60000000"}) {
    const std::string &expected = files[std::string ("/Fragments(video=") +
                                        name + ",format=mpd-time-csf)"];
    bool found = false;
    for (std::size_t padding = 1; padding <= 16 && !found; padding++) {
      std::size_t size = expected.size () - padding;
      if (expected.size () < padding || at + size > out.size ()) continue;
      found = test::encrypt_segment (presentation::Encryption::Cipher::aes_128,
                  {reinterpret_cast<const std::uint8_t *> (secret.data ()),
                      secret.size ()},
                  iv, std::string_view (out).substr (at, size)) == expected;
      if (found) at += size;
    }
    fail_unless (found, "%s", name);
  }
  fail_unless_equals_uint64 (at, out.size ());
}
GST_END_TEST;

GST_START_TEST (other_contexts_are_not_ours)
{
  Player player (protected_files ("licence"));
  player.on_pad = [] (GstPad *pad) {
    Owned<GstQuery> query{gst_query_new_context ("gst.soup.session")};
    fail_unless (!gst_pad_query (pad, query.get ()));
    query.reset (gst_query_new_context ("cenc-keys"));
    fail_unless (!gst_pad_query (pad, query.get ()));
  };
  player.play ();
  fail_unless_equals_uint64 (requests_of (player, "/licence"), 0);
}
GST_END_TEST;

static Suite *adaptivesrc_dash_suite ()
{
  Suite *suite = suite_create ("adaptivesrc-dash");
  TCase *tests = tcase_create ("all");
  suite_add_tcase (suite, tests);
  tcase_add_test (tests, remote_elements_are_fetched);
  tcase_add_test (tests, bad_remote_elements_are_errors);
  tcase_add_test (tests, indexes_of_indexes_are_fetched);
  tcase_add_test (tests, trick_mode_sets_are_no_tracks);
  tcase_add_test (tests, events_are_messages);
  tcase_add_test (tests, periods_are_played_one_after_the_other);
  tcase_add_test (tests, a_track_may_be_missing);
  tcase_add_test (tests, the_last_of_counted_segments_may_be_missing);
  tcase_add_test (tests, a_seek_may_lead_to_another_period);
  tcase_add_test (tests, each_period_has_its_protection);
  tcase_add_test (tests, decrypters_are_told_before_the_pad_is_there);
  tcase_add_test (tests, keys_come_from_the_licence_server);
  tcase_add_test (tests, a_refusal_is_one_warning);
  tcase_add_test (tests, segments_are_decrypted);
  tcase_add_test (tests, a_set_of_others_is_decrypted);
  tcase_add_test (tests, other_contexts_are_not_ours);
  return suite;
}

GST_CHECK_MAIN (adaptivesrc_dash)

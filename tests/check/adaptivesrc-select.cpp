// SPDX-License-Identifier: LGPL-2.1-or-later
// Which tracks have pads: what applications are told of them, and how they
// choose.
#include "adaptiverig.h"

namespace {

using namespace test;

constexpr unsigned segments = 8;

// A picture, and the sound in two languages, of which the second one is the
// main one; segments of 2 s.
const std::string tracks = mpd (R"(
  <AdaptationSet mimeType="audio/mp4" lang="fr"><Label>Autre</Label>
    <Role schemeIdUri="urn:mpeg:dash:role:2011" value="alternate"/>
    <SegmentTemplate duration="2" media="fr-$Number$.m4s"
      initialization="fr.mp4"/>
    <Representation id="fr" bandwidth="1000" codecs="mp4a.40.2"/>
  </AdaptationSet>
  <AdaptationSet mimeType="audio/mp4" lang="de">
    <Role schemeIdUri="urn:mpeg:dash:role:2011" value="main"/>
    <SegmentTemplate duration="2" media="de-$Number$.m4s"
      initialization="de.mp4"/>
    <Representation id="de" bandwidth="1000" codecs="mp4a.40.2"/>
  </AdaptationSet>
  <AdaptationSet mimeType="video/mp4"><SegmentTemplate duration="2"
    media="v-$Number$.m4s" initialization="v.mp4"/>
    <Representation id="v" bandwidth="9000" codecs="avc1.4d401f"/>
  </AdaptationSet>)",
    "mediaPresentationDuration='PT16S'");

Files track_files ()
{
  Files files = {{"/m.mpd", tracks}};
  for (const char *name : {"v", "de", "fr"}) {
    files["/" + std::string (name) + ".mp4"] = init_of (name);
    for (unsigned i = 1; i <= segments; i++)
      files["/" + std::string (name) + "-" + std::to_string (i) + ".m4s"] =
          segment_of (name + std::to_string (i));
  }
  return files;
}

// Holds back the picture and the sound of the main language at a segment, until
// it is let go.
class Gate
{
public:
  explicit Gate (Player &player, std::string at)
      : player_ (player), at_ (std::move (at))
  {
    player.on_buffer = [this] (const std::string &, const std::string &bytes) {
      if (bytes.find ("v" + at_) == std::string::npos &&
          bytes.find ("de" + at_) == std::string::npos)
        return;
      auto state = state_.lock ();
      state->waiting++;
      changed_.notify_all ();
      state.wait (changed_, [] (const State &now) { return now.is_open; });
    };
  }
  // It is the player's until that stops.
  ~Gate ()
  {
    open ();
    player_.set_state (GST_STATE_NULL);
  }
  Gate (const Gate &) = delete;
  Gate &operator= (const Gate &) = delete;

  void wait ()
  {
    auto state = state_.lock ();
    state.wait (changed_, [] (const State &now) { return now.waiting == 2; });
  }
  void open ()
  {
    state_.lock ()->is_open = true;
    changed_.notify_all ();
  }

private:
  struct State
  {
    unsigned waiting = 0;
    bool is_open = false;
  };
  Player &player_;
  const std::string at_;
  Guarded<State> state_;
  std::condition_variable changed_;
};

// Holds back what has one of these texts in it, until it is let go.
class Stops
{
public:
  Stops (Player &player, const std::vector<std::string> &texts)
      : player_ (player)
  {
    for (const std::string &text : texts) (*state_.lock ())[text] = {};
    player.on_buffer = [this] (const std::string &, const std::string &bytes) {
      auto state = state_.lock ();
      for (auto &[text, stop] : *state) {
        if (bytes.find (text) == std::string::npos) continue;
        stop.is_there = true;
        changed_.notify_all ();
        state.wait (
            changed_, [&stop = stop] (const auto &) { return stop.is_open; });
      }
    };
  }
  // They are the player's until that stops.
  ~Stops ()
  {
    for (auto &[text, stop] : *state_.lock ()) stop.is_open = true;
    changed_.notify_all ();
    player_.set_state (GST_STATE_NULL);
  }
  Stops (const Stops &) = delete;
  Stops &operator= (const Stops &) = delete;

  void wait (const std::string &text)
  {
    auto state = state_.lock ();
    state.wait (
        changed_, [&] (const auto &now) { return now.at (text).is_there; });
  }
  void open (const std::string &text)
  {
    (*state_.lock ())[text].is_open = true;
    changed_.notify_all ();
  }

private:
  struct Stop
  {
    bool is_there = false;
    bool is_open = false;
  };
  Player &player_;
  Guarded<std::map<std::string, Stop>> state_;
  std::condition_variable changed_;
};

Owned<GstStreamCollection> collection_of (Player &player)
{
  Owned<GstMessage> message =
      player.wait (GST_MESSAGE_STREAM_COLLECTION | GST_MESSAGE_ERROR);
  fail_unless (message && GST_MESSAGE_TYPE (message.get ()) ==
                              GST_MESSAGE_STREAM_COLLECTION);
  GstStreamCollection *collection = nullptr;
  gst_message_parse_stream_collection (message.get (), &collection);
  return Owned<GstStreamCollection>{collection};
}

std::string id_of (GstStreamCollection *collection, guint index)
{
  return gst_stream_get_stream_id (
      gst_stream_collection_get_stream (collection, index));
}

Owned<GstEvent> select_streams (const std::vector<std::string> &ids)
{
  GList *list = nullptr;
  for (const std::string &id : ids)
    list = g_list_append (list, const_cast<char *> (id.c_str ()));
  Owned<GstEvent> event{gst_event_new_select_streams (list)};
  g_list_free (list);
  return event;
}

// As decodebin3 does: on each pad.
void select_by_pads (Player &player, const std::vector<std::string> &ids)
{
  Owned<GstEvent> event = select_streams (ids);
  for (const char *name : {"video_0", "audio_0"}) {
    Owned<GstPad> pad{gst_element_get_static_pad (*player, name)};
    fail_unless (gst_pad_send_event (
        pad.get (), relay::share (event.get ()).release ()));
  }
}

// The ids, each with a blank behind it.
std::string selected (Player &player, guint32 *seqnum = nullptr)
{
  Owned<GstMessage> message =
      player.wait (GST_MESSAGE_STREAMS_SELECTED | GST_MESSAGE_ERROR);
  fail_unless (message && GST_MESSAGE_TYPE (message.get ()) ==
                              GST_MESSAGE_STREAMS_SELECTED);
  if (seqnum != nullptr) *seqnum = gst_message_get_seqnum (message.get ());
  std::string out;
  guint size = gst_message_streams_selected_get_size (message.get ());
  for (guint i = 0; i < size; i++) {
    Owned<GstStream> stream{
        gst_message_streams_selected_get_stream (message.get (), i)};
    out += gst_stream_get_stream_id (stream.get ());
    out += ' ';
  }
  return out;
}

void wait_eos (Player &player)
{
  Owned<GstMessage> message = player.wait (GST_MESSAGE_EOS | GST_MESSAGE_ERROR);
  fail_unless (message && GST_MESSAGE_TYPE (message.get ()) == GST_MESSAGE_EOS);
}

std::string whole (const std::string &name, unsigned first, unsigned last)
{
  std::string out = init_of (name);
  for (unsigned i = first; i <= last; i++)
    out += segment_of (name + std::to_string (i));
  return out;
}

std::string tag_of (GstStream *stream, const char *name)
{
  Owned<GstTagList> tags{gst_stream_get_tags (stream)};
  gchar *text = nullptr;
  if (tags) gst_tag_list_get_string (tags.get (), name, &text);
  Owned<gchar> owned{text};
  return owned ? owned.get () : "";
}

bool is_selectable (Player &player)
{
  Owned<GstQuery> query{gst_query_new_selectable ()};
  Owned<GstPad> pad{gst_element_get_static_pad (*player, "video_0")};
  fail_unless (pad != nullptr);
  gboolean answer = FALSE;
  fail_unless (gst_pad_query (pad.get (), query.get ()));
  gst_query_parse_selectable (query.get (), &answer);
  return answer == TRUE;
}

}  // namespace

GST_START_TEST (tracks_are_announced)
{
  HttpServer server (serving (track_files ()));
  Player player (server.uri ("/m.mpd"));
  Gate gate (player, "1");
  player.set_state (GST_STATE_PLAYING);
  Owned<GstStreamCollection> collection = collection_of (player);
  fail_unless_equals_int (
      static_cast<int> (gst_stream_collection_get_size (collection.get ())), 3);
  struct
  {
    GstStreamType type;
    unsigned flags;
    std::string language;
    std::string title;
    std::string caps;
  } rows[] = {
      {GST_STREAM_TYPE_VIDEO, GST_STREAM_FLAG_SELECT, "", "",
          "video/quicktime"},
      // The main one is the first one, wherever it is in the manifest.
      {GST_STREAM_TYPE_AUDIO, GST_STREAM_FLAG_SELECT, "de", "", "audio/x-m4a"},
      {GST_STREAM_TYPE_AUDIO, GST_STREAM_FLAG_UNSELECT, "fr", "Autre", ""},
  };
  for (guint i = 0; i < std::size (rows); i++) {
    GstStream *stream = gst_stream_collection_get_stream (collection.get (), i);
    fail_unless (gst_stream_get_stream_type (stream) == rows[i].type);
    fail_unless_equals_int (
        static_cast<int> (gst_stream_get_stream_flags (stream)),
        static_cast<int> (rows[i].flags));
    fail_unless (tag_of (stream, GST_TAG_LANGUAGE_CODE) == rows[i].language);
    fail_unless (tag_of (stream, GST_TAG_TITLE) == rows[i].title);
    Owned<GstCaps> caps{gst_stream_get_caps (stream)};
    Owned<gchar> text{caps ? gst_caps_to_string (caps.get ()) : nullptr};
    fail_unless ((text ? text.get () : std::string ()) == rows[i].caps);
  }
  std::string first = id_of (collection.get (), 0);
  std::string second = id_of (collection.get (), 1);
  fail_unless (selected (player) == first + " " + second + " ");
  gate.wait ();
  fail_unless (is_selectable (player));
  fail_unless (player.pads ().size () == 2);
  for (const auto &[name, id] :
      {std::pair ("video_0", first), std::pair ("audio_0", second)}) {
    Owned<GstPad> pad{gst_element_get_static_pad (*player, name)};
    Owned<gchar> stream_id{gst_pad_get_stream_id (pad.get ())};
    fail_unless (id == stream_id.get ());
    Owned<GstStream> stream{gst_pad_get_stream (pad.get ())};
    fail_unless (stream && id == gst_stream_get_stream_id (stream.get ()));
    Owned<GstEvent> event{
        gst_pad_get_sticky_event (pad.get (), GST_EVENT_STREAM_COLLECTION, 0)};
    fail_unless (event != nullptr);
  }
  gate.open ();
  wait_eos (player);
  fail_unless_equals_uint64 (count_paths (server, "/fr"), 0);
  fail_unless (player.output ("audio_0").bytes == whole ("de", 1, segments));

  // The same ones the next time.
  Player again (server.uri ("/m.mpd"));
  again.set_state (GST_STATE_PLAYING);
  Owned<GstStreamCollection> other = collection_of (again);
  for (guint i = 0; i < 3; i++)
    fail_unless (id_of (other.get (), i) == id_of (collection.get (), i));
}
GST_END_TEST;

// The other language goes on where the first one leaves off, behind the segment
// that is being sent, and the picture does not notice.
GST_START_TEST (another_language_follows)
{
  HttpServer server (serving (track_files ()));
  Player player (server.uri ("/m.mpd"));
  g_object_set (*player, "prefetch-segments", 0, nullptr);
  Gate gate (player, "3");
  player.allows_late_pads = true;
  player.set_state (GST_STATE_PLAYING);
  Owned<GstStreamCollection> collection = collection_of (player);
  (void)selected (player);
  gate.wait ();
  std::vector<std::string> ids = {
      id_of (collection.get (), 0), id_of (collection.get (), 2)};
  Owned<GstEvent> event = select_streams (ids);
  guint32 seqnum = gst_event_get_seqnum (event.get ());
  for (int i = 0; i < 2; i++)
    fail_unless (gst_element_send_event (
        *player, relay::share (event.get ()).release ()));
  guint32 answered = 0;
  fail_unless (selected (player, &answered) == ids[0] + " " + ids[1] + " ");
  fail_unless_equals_int (
      static_cast<int> (answered), static_cast<int> (seqnum));
  gate.open ();
  wait_eos (player);
  fail_unless (player.output ("video_0").bytes == whole ("v", 1, segments));
  fail_unless (player.output ("audio_0").bytes == whole ("de", 1, 3));
  fail_unless (player.output ("audio_1").bytes == whole ("fr", 4, segments));
  // One answer for two events.
  fail_unless (player.wait (GST_MESSAGE_STREAMS_SELECTED, 0) == nullptr);
  // The pad of the first one goes.
  for (int i = 0; i < 500; i++) {
    Owned<GstPad> pad{gst_element_get_static_pad (*player, "audio_0")};
    if (!pad) break;
    g_usleep (10 * 1000);
  }
  Owned<GstPad> gone{gst_element_get_static_pad (*player, "audio_0")};
  fail_unless (gone == nullptr);
  fail_unless_equals_uint64 (count_paths (server, "/de-4"), 0);
  // What went to the second one is in its time.
  for (const Pad &pad : player.pads ())
    if (pad.name == "audio_1")
      fail_unless_equals_uint64 (gst_segment_to_running_time (&pad.segment,
                                     GST_FORMAT_TIME, 6 * GST_SECOND),
          6 * GST_SECOND);
}
GST_END_TEST;

// Who chooses from downstream keeps his pad, and hears the other language on it
// behind the segment that was being sent; and so again.
GST_START_TEST (downstream_keeps_its_pads)
{
  HttpServer server (serving (track_files ()));
  Player player (server.uri ("/m.mpd"));
  Stops stops (player, {"v3", "de3", "fr5"});
  player.set_state (GST_STATE_PLAYING);
  Owned<GstStreamCollection> collection = collection_of (player);
  (void)selected (player);
  stops.wait ("v3");
  stops.wait ("de3");
  std::string video = id_of (collection.get (), 0);
  std::string german = id_of (collection.get (), 1);
  std::string french = id_of (collection.get (), 2);
  select_by_pads (player, {video, french});
  fail_unless (selected (player) == video + " " + french + " ");
  stops.open ("de3");
  stops.wait ("fr5");
  Owned<GstPad> pad{gst_element_get_static_pad (*player, "audio_0")};
  Owned<GstEvent> tags{gst_pad_get_sticky_event (pad.get (), GST_EVENT_TAG, 0)};
  GstTagList *list = nullptr;
  gst_event_parse_tag (tags.get (), &list);
  gchar *language = nullptr;
  fail_unless (
      gst_tag_list_get_string (list, GST_TAG_LANGUAGE_CODE, &language));
  Owned<gchar> owned{language};
  fail_unless_equals_string (language, "fr");
  // It goes on in running time.
  Owned<GstEvent> event{
      gst_pad_get_sticky_event (pad.get (), GST_EVENT_SEGMENT, 0)};
  GstSegment segment;
  gst_event_copy_segment (event.get (), &segment);
  fail_unless_equals_uint64 (segment.start, 6 * GST_SECOND);
  for (guint64 at : {6U, 9U})
    fail_unless_equals_uint64 (gst_segment_to_running_time (
                                   &segment, GST_FORMAT_TIME, at * GST_SECOND),
        at * GST_SECOND);
  select_by_pads (player, {video, german});
  fail_unless (selected (player) == video + " " + german + " ");
  stops.open ("fr5");
  stops.open ("v3");
  wait_eos (player);
  fail_unless (player.output ("video_0").bytes == whole ("v", 1, segments));
  fail_unless (
      player.output ("audio_0").bytes ==
      whole ("de", 1, 3) + whole ("fr", 4, 5) + whole ("de", 6, segments));
  fail_unless (player.pads ().size () == 2);

  // A seek is of the track that was chosen last.
  std::size_t before = player.output ("audio_0").bytes.size ();
  select_by_pads (player, {video, french});
  fail_unless (selected (player) == video + " " + french + " ");
  fail_unless (gst_element_seek_simple (
      *player, GST_FORMAT_TIME, GST_SEEK_FLAG_FLUSH, 12 * GST_SECOND));
  std::string expected = whole ("fr", 7, segments);
  for (int i = 0; i < 2000; i++) {
    if (player.output ("audio_0").bytes.size () - before >= expected.size ())
      break;
    g_usleep (10 * 1000);
  }
  fail_unless (player.output ("audio_0").bytes.substr (before) == expected);
}
GST_END_TEST;

// Holds back what is pushed with the last of so many GAP events.
class Silence
{
public:
  Silence (GstPad *pad, unsigned gaps) : gaps_ (gaps)
  {
    (void)state_.lock ();
    gst_pad_add_probe (
        pad, GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM,
        [] (GstPad *, GstPadProbeInfo *info, gpointer data) {
          if (GST_EVENT_TYPE (GST_PAD_PROBE_INFO_EVENT (info)) == GST_EVENT_GAP)
            static_cast<Silence *> (data)->count ();
          return GST_PAD_PROBE_OK;
        },
        this, nullptr);
  }
  Silence (const Silence &) = delete;
  Silence &operator= (const Silence &) = delete;
  ~Silence () = default;

  void wait ()
  {
    auto state = state_.lock ();
    state.wait (
        changed_, [this] (const State &now) { return now.count == gaps_; });
  }
  void open ()
  {
    state_.lock ()->is_open = true;
    changed_.notify_all ();
  }
  [[nodiscard]] unsigned count_so_far () { return state_.lock ()->count; }

private:
  struct State
  {
    unsigned count = 0;
    bool is_open = false;
  };

  void count ()
  {
    auto state = state_.lock ();
    ++state->count;
    changed_.notify_all ();
    if (state->count == gaps_)
      state.wait (changed_, [] (const State &now) { return now.is_open; });
  }

  const unsigned gaps_;
  Guarded<State> state_;
  std::condition_variable changed_;
};

// Sound that is switched off from downstream keeps its pad, for which nothing
// is fetched, and comes back on it: in the same language, or in another one.
GST_START_TEST (what_is_switched_off_keeps_its_pad)
{
  const struct
  {
    guint back;  // in the collection
    std::string expected;
  } rows[] = {
      {1, whole ("de", 1, 3) + whole ("de", 6, segments)},
      {2, whole ("de", 1, 3) + whole ("fr", 6, segments)},
  };
  for (const auto &row : rows) {
    HttpServer server (serving (track_files ()));
    Player player (server.uri ("/m.mpd"));
    g_object_set (*player, "prefetch-segments", 0, nullptr);
    Stops stops (player, {"v3", "de3"});
    player.set_state (GST_STATE_PLAYING);
    Owned<GstStreamCollection> collection = collection_of (player);
    (void)selected (player);
    stops.wait ("v3");
    stops.wait ("de3");
    Owned<GstPad> pad{gst_element_get_static_pad (*player, "audio_0")};
    Silence silence (pad.get (), 2);
    std::string video = id_of (collection.get (), 0);
    select_by_pads (player, {video});
    fail_unless (selected (player) == video + " ");
    stops.open ("de3");
    silence.wait ();
    std::string sound = id_of (collection.get (), row.back);
    select_by_pads (player, {video, sound});
    fail_unless (selected (player) == video + " " + sound + " ");
    silence.open ();
    stops.open ("v3");
    wait_eos (player);
    fail_unless (player.output ("video_0").bytes == whole ("v", 1, segments));
    fail_unless (player.output ("audio_0").bytes == row.expected);
    fail_unless_equals_int (static_cast<int> (silence.count_so_far ()), 2);
    fail_unless (player.pads ().size () == 2);
    for (const char *path : {"/de-4", "/de-5", "/fr-5"})
      fail_unless_equals_uint64 (count_paths (server, path), 0);
    // It goes on in running time.
    for (const Pad &one : player.pads ())
      if (one.name == "audio_0")
        fail_unless_equals_uint64 (gst_segment_to_running_time (&one.segment,
                                       GST_FORMAT_TIME, 10 * GST_SECOND),
            10 * GST_SECOND);
    player.set_state (GST_STATE_NULL);
  }
}
GST_END_TEST;

// Also past a seek, and when it comes back before it has gone nothing has
// happened.
GST_START_TEST (a_seek_leaves_it_switched_off)
{
  HttpServer server (serving (track_files ()));
  Player player (server.uri ("/m.mpd"));
  g_object_set (*player, "prefetch-segments", 0, nullptr);
  Stops stops (player, {"v3", "de3"});
  player.set_state (GST_STATE_PLAYING);
  Owned<GstStreamCollection> collection = collection_of (player);
  (void)selected (player);
  stops.wait ("v3");
  stops.wait ("de3");
  std::string video = id_of (collection.get (), 0);
  std::string german = id_of (collection.get (), 1);
  for (const auto &wanted :
      {std::vector<std::string>{video}, std::vector<std::string>{video, german},
          std::vector<std::string>{video}}) {
    select_by_pads (player, wanted);
    (void)selected (player);
  }
  stops.open ("de3");
  stops.open ("v3");
  wait_eos (player);
  fail_unless (gst_element_seek_simple (
      *player, GST_FORMAT_TIME, GST_SEEK_FLAG_FLUSH, 2 * GST_SECOND));
  wait_eos (player);
  fail_unless (player.output ("audio_0").bytes == whole ("de", 1, 3));
  fail_unless (
      player.output ("video_0").bytes.ends_with (whole ("v", 2, segments)));
  for (const char *path : {"/de-4", "/de-5", "/de-8"})
    fail_unless_equals_uint64 (count_paths (server, path), 0);
}
GST_END_TEST;

// As "gst-launch-1.0 -e" sends it: to each source.
GST_START_TEST (an_end_before_its_time)
{
  HttpServer server (serving (track_files ()));
  {
    Player player (server.uri ("/m.mpd"));
    Stops stops (player, {"v3", "de3"});
    player.set_state (GST_STATE_PLAYING);
    stops.wait ("de3");
    stops.wait ("v3");
    fail_unless (
        gst_element_send_event (player.pipeline (), gst_event_new_eos ()));
    stops.open ("de3");
    stops.open ("v3");
    wait_eos (player);
    for (const auto &[pad, name] :
        {std::pair ("video_0", "v"), std::pair ("audio_0", "de")}) {
      std::string bytes = player.output (pad).bytes;
      fail_unless (bytes.size () >= whole (name, 1, 2).size ());
      fail_unless (whole (name, 1, 4).starts_with (bytes));
    }
    // A seek begins anew.
    fail_unless (gst_element_seek_simple (
        *player, GST_FORMAT_TIME, GST_SEEK_FLAG_FLUSH, 12 * GST_SECOND));
    wait_eos (player);
    fail_unless (
        player.output ("video_0").bytes.ends_with (whole ("v", 7, segments)));
  }
  // And before there is anything.
  Player player (server.uri ("/m.mpd"));
  fail_unless (!gst_element_send_event (*player, gst_event_new_eos ()));
  player.set_state (GST_STATE_PAUSED);
  fail_unless (gst_element_send_event (*player, gst_event_new_eos ()));
  player.set_state (GST_STATE_PLAYING);
  wait_eos (player);
}
GST_END_TEST;

GST_START_TEST (what_is_taken_back_has_not_been)
{
  HttpServer server (serving (track_files ()));
  Player player (server.uri ("/m.mpd"));
  Stops stops (player, {"v3", "de3"});
  player.set_state (GST_STATE_PLAYING);
  Owned<GstStreamCollection> collection = collection_of (player);
  (void)selected (player);
  stops.wait ("de3");
  stops.wait ("v3");
  for (guint sound : {2U, 1U}) {
    std::vector<std::string> ids = {
        id_of (collection.get (), 0), id_of (collection.get (), sound)};
    select_by_pads (player, ids);
    fail_unless (selected (player) == ids[0] + " " + ids[1] + " ");
  }
  stops.open ("de3");
  stops.open ("v3");
  wait_eos (player);
  fail_unless (player.output ("audio_0").bytes == whole ("de", 1, segments));
  fail_unless_equals_uint64 (count_paths (server, "/fr-"), 0);
}
GST_END_TEST;

GST_START_TEST (back_and_forth)
{
  HttpServer server (serving (track_files ()));
  Player player (server.uri ("/m.mpd"));
  g_object_set (*player, "prefetch-segments", 0, nullptr);
  Gate gate (player, "3");
  player.allows_late_pads = true;
  player.set_state (GST_STATE_PLAYING);
  Owned<GstStreamCollection> collection = collection_of (player);
  (void)selected (player);
  gate.wait ();
  std::vector<std::string> ids;
  for (guint i = 0; i < 3; i++) ids.push_back (id_of (collection.get (), i));
  // Two languages at once are possible too.
  for (const auto &wanted : {std::vector<std::string>{ids[0], ids[1], ids[2]},
           std::vector<std::string>{ids[0], ids[1]}}) {
    fail_unless (
        gst_element_send_event (*player, select_streams (wanted).release ()));
    std::string expected;
    for (const std::string &id : wanted) expected += id + " ";
    std::string got = selected (player);
    fail_unless (
        got == expected, "%s, not %s", got.c_str (), expected.c_str ());
  }
  gate.open ();
  wait_eos (player);
  fail_unless (player.output ("video_0").bytes == whole ("v", 1, segments));
  fail_unless (player.output ("audio_0").bytes == whole ("de", 1, segments));
}
GST_END_TEST;

GST_START_TEST (what_cannot_be_selected_is_refused)
{
  HttpServer server (serving (track_files ()));
  Player player (server.uri ("/m.mpd"));
  Gate gate (player, "2");
  // Too early: nobody knows the tracks.
  fail_unless (
      !gst_element_send_event (*player, select_streams ({"x"}).release ()));
  player.set_state (GST_STATE_PLAYING);
  Owned<GstStreamCollection> collection = collection_of (player);
  gate.wait ();
  std::string first = id_of (collection.get (), 0);
  for (const auto &ids :
      {std::vector<std::string>{"x"}, std::vector<std::string>{first, "x"}})
    fail_unless (
        !gst_element_send_event (*player, select_streams (ids).release ()));
  gate.open ();
  wait_eos (player);
  fail_unless (player.output ("audio_0").bytes == whole ("de", 1, segments));
  player.set_state (GST_STATE_READY);
  fail_unless (
      !gst_element_send_event (*player, select_streams ({first}).release ()));
}
GST_END_TEST;

// A demuxer behind it says what is in it.
GST_START_TEST (muxed_content_is_not_announced)
{
  Files files = {
      {"/ts.m3u8", media_playlist ("#EXTINF:2,\n1.ts\n#EXTINF:2,\n2.ts\n")},
      {"/1.ts", packets ('1')},
      {"/2.ts", packets ('2')},
  };
  HttpServer server (serving (files));
  Player player (server.uri ("/ts.m3u8"));
  std::atomic<bool> asked{false};
  player.on_buffer = [&] (const std::string &, const std::string &) {
    fail_unless (!is_selectable (player));
    asked = true;
  };
  player.set_state (GST_STATE_PLAYING);
  Owned<GstMessage> message =
      player.wait (GST_MESSAGE_EOS | GST_MESSAGE_STREAM_COLLECTION |
                   GST_MESSAGE_STREAMS_SELECTED | GST_MESSAGE_ERROR);
  fail_unless (message && GST_MESSAGE_TYPE (message.get ()) == GST_MESSAGE_EOS);
  fail_unless (asked);
}
GST_END_TEST;

// HLS: the sound that is in the variants, as a rendition without an address
// says, goes before another one that is for who asks for it. What is in the pad
// a demuxer says.
GST_START_TEST (sound_in_the_variants_goes_first)
{
  Files files = {
      {"/m.m3u8",
          "#EXTM3U\n"
          "#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"a\",NAME=\"one\",DEFAULT=YES,"
          "AUTOSELECT=YES\n"
          "#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"a\",NAME=\"two\","
          "URI=\"two.m3u8\"\n"
          "#EXT-X-STREAM-INF:BANDWIDTH=1,AUDIO=\"a\","
          "CODECS=\"avc1.4d400d,mp4a.40.2\"\nts.m3u8\n"},
      {"/ts.m3u8", media_playlist ("#EXTINF:2,\n1.ts\n")},
      {"/two.m3u8", media_playlist ("#EXTINF:2,\n2.ts\n")},
      {"/1.ts", packets ('1')},
      {"/2.ts", packets ('2')},
  };
  for (bool all : {false, true}) {
    HttpServer server (serving (files));
    Player player (server.uri ("/m.m3u8"));
    g_object_set (*player, "select-all", gboolean{all}, nullptr);
    player.set_state (GST_STATE_PLAYING);
    Owned<GstMessage> message =
        player.wait (GST_MESSAGE_EOS | GST_MESSAGE_STREAM_COLLECTION |
                     GST_MESSAGE_STREAMS_SELECTED | GST_MESSAGE_ERROR);
    fail_unless (
        message && GST_MESSAGE_TYPE (message.get ()) == GST_MESSAGE_EOS);
    player.set_state (GST_STATE_NULL);
    fail_unless (player.output ("video_0").bytes == packets ('1'));
    fail_unless (player.output ("audio_0").bytes ==
                 (all ? packets ('2') : std::string ()));
    fail_unless_equals_uint64 (player.pads ().size (), all ? 2 : 1);
  }
}
GST_END_TEST;

// HLS: the playlist of another rendition is loaded when it is wanted.
GST_START_TEST (renditions_are_loaded_when_they_are_wanted)
{
  Files files = {{"/m.m3u8",
      "#EXTM3U\n"
      "#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"a\",NAME=\"Autre\",LANGUAGE=\"fr\","
      "AUTOSELECT=YES,URI=\"fr.m3u8\"\n"
      "#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"a\",NAME=\"Haupt\",LANGUAGE=\"de\","
      "DEFAULT=YES,AUTOSELECT=YES,URI=\"de.m3u8\"\n"
      "#EXT-X-STREAM-INF:BANDWIDTH=1,AUDIO=\"a\",CODECS=\"avc1,mp4a.40.2\"\n"
      "v.m3u8\n"}};
  for (const char *name : {"v", "de", "fr"}) {
    std::string lines = "#EXT-X-MAP:URI=\"" + std::string (name) + ".mp4\"\n";
    for (unsigned i = 1; i <= segments; i++) {
      std::string file = std::string (name) + "-" + std::to_string (i) + ".m4s";
      lines += "#EXTINF:2,\n" + file + "\n";
      files["/" + file] = segment_of (name + std::to_string (i));
    }
    files["/" + std::string (name) + ".mp4"] = init_of (name);
    files["/" + std::string (name) + ".m3u8"] = media_playlist (lines);
  }
  HttpServer server (serving (files));
  Player player (server.uri ("/m.m3u8"));
  g_object_set (*player, "prefetch-segments", 0, nullptr);
  Gate gate (player, "3");
  player.allows_late_pads = true;
  player.set_state (GST_STATE_PLAYING);
  Owned<GstStreamCollection> collection = collection_of (player);
  gate.wait ();
  fail_unless (tag_of (gst_stream_collection_get_stream (collection.get (), 1),
                   GST_TAG_TITLE) == "Haupt");
  fail_unless_equals_uint64 (count_paths (server, "/fr"), 0);
  std::vector<std::string> ids = {
      id_of (collection.get (), 0), id_of (collection.get (), 2)};
  fail_unless (
      gst_element_send_event (*player, select_streams (ids).release ()));
  (void)selected (player);
  (void)selected (player);
  gate.open ();
  wait_eos (player);
  fail_unless (player.output ("audio_0").bytes == whole ("de", 1, 3));
  fail_unless (player.output ("audio_1").bytes == whole ("fr", 4, segments));
  fail_unless_equals_uint64 (count_paths (server, "/fr.m3u8"), 1);
}
GST_END_TEST;

GST_START_TEST (all_of_them_can_be_had_from_the_beginning)
{
  HttpServer server (serving (track_files ()));
  Player player (server.uri ("/m.mpd"));
  g_object_set (*player, "select-all", TRUE, nullptr);
  player.play ();
  fail_unless (player.output ("video_0").bytes == whole ("v", 1, segments));
  fail_unless (player.output ("audio_0").bytes == whole ("de", 1, segments));
  fail_unless (player.output ("audio_1").bytes == whole ("fr", 1, segments));
}
GST_END_TEST;

GST_START_TEST (a_seek_goes_with_the_new_tracks)
{
  HttpServer server (serving (track_files ()));
  Player player (server.uri ("/m.mpd"));
  g_object_set (*player, "prefetch-segments", 0, nullptr);
  Gate gate (player, "3");
  player.allows_late_pads = true;
  player.set_state (GST_STATE_PLAYING);
  Owned<GstStreamCollection> collection = collection_of (player);
  (void)selected (player);
  gate.wait ();
  fail_unless (gst_element_send_event (
      *player, select_streams (
                   {id_of (collection.get (), 0), id_of (collection.get (), 2)})
                   .release ()));
  (void)selected (player);
  gate.open ();
  wait_eos (player);
  std::size_t before = player.output ("audio_1").bytes.size ();
  fail_unless (gst_element_seek_simple (
      *player, GST_FORMAT_TIME, GST_SEEK_FLAG_FLUSH, 4 * GST_SECOND));
  std::string expected = whole ("fr", 3, segments);
  for (int i = 0; i < 500; i++) {
    if (player.output ("audio_1").bytes.size () - before >= expected.size ())
      break;
    g_usleep (10 * 1000);
  }
  fail_unless (player.output ("audio_1").bytes.substr (before) == expected);
  fail_unless (player.output ("audio_0").bytes == whole ("de", 1, 3));
}
GST_END_TEST;

// decodebin3 lets go of the first one at once, and waits for its end.
GST_START_TEST (who_has_let_go_is_told_of_the_end)
{
  HttpServer server (serving (track_files ()));
  Player player (server.uri ("/m.mpd"));
  g_object_set (*player, "prefetch-segments", 0, nullptr);
  Gate gate (player, "3");
  player.allows_late_pads = true;
  player.set_state (GST_STATE_PLAYING);
  Owned<GstStreamCollection> collection = collection_of (player);
  (void)selected (player);
  gate.wait ();
  Owned<GstPad> pad{gst_element_get_static_pad (*player, "audio_0")};
  std::atomic<bool> ended{false};
  auto look = [] (GstPad *, GstPadProbeInfo *info, gpointer data) {
    if (GST_EVENT_TYPE (GST_PAD_PROBE_INFO_EVENT (info)) == GST_EVENT_EOS)
      *static_cast<std::atomic<bool> *> (data) = true;
    return GST_PAD_PROBE_OK;
  };
  gst_pad_add_probe (
      pad.get (), GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM, look, &ended, nullptr);
  Owned<GstPad> peer{gst_pad_get_peer (pad.get ())};
  gst_pad_unlink (pad.get (), peer.get ());
  fail_unless (gst_element_send_event (
      *player, select_streams (
                   {id_of (collection.get (), 0), id_of (collection.get (), 2)})
                   .release ()));
  (void)selected (player);
  gate.open ();
  for (int i = 0; i < 500 && !ended; i++) g_usleep (10 * 1000);
  player.set_state (GST_STATE_NULL);
  fail_unless (ended);
}
GST_END_TEST;

GST_START_TEST (a_stop_amid_a_selection)
{
  HttpServer server (serving (track_files ()));
  for (int i = 0; i < 10; i++) {
    Player player (server.uri ("/m.mpd"));
    Gate gate (player, "3");
    player.allows_late_pads = true;
    player.set_state (GST_STATE_PLAYING);
    Owned<GstStreamCollection> collection = collection_of (player);
    gate.wait ();
    (void)gst_element_send_event (*player,
        select_streams (
            {id_of (collection.get (), 0), id_of (collection.get (), 2)})
            .release ());
    g_usleep (static_cast<gulong> (i * 1000));
    gate.open ();
    player.set_state (GST_STATE_NULL);
  }
}
GST_END_TEST;

static Suite *adaptivesrc_select_suite ()
{
  Suite *suite = suite_create ("adaptivesrc-select");
  TCase *tests = tcase_create ("all");
  suite_add_tcase (suite, tests);
  tcase_add_test (tests, tracks_are_announced);
  tcase_add_test (tests, another_language_follows);
  tcase_add_test (tests, downstream_keeps_its_pads);
  tcase_add_test (tests, what_is_switched_off_keeps_its_pad);
  tcase_add_test (tests, a_seek_leaves_it_switched_off);
  tcase_add_test (tests, an_end_before_its_time);
  tcase_add_test (tests, what_is_taken_back_has_not_been);
  tcase_add_test (tests, back_and_forth);
  tcase_add_test (tests, what_cannot_be_selected_is_refused);
  tcase_add_test (tests, muxed_content_is_not_announced);
  tcase_add_test (tests, sound_in_the_variants_goes_first);
  tcase_add_test (tests, renditions_are_loaded_when_they_are_wanted);
  tcase_add_test (tests, all_of_them_can_be_had_from_the_beginning);
  tcase_add_test (tests, a_seek_goes_with_the_new_tracks);
  tcase_add_test (tests, who_has_let_go_is_told_of_the_end);
  tcase_add_test (tests, a_stop_amid_a_selection);
  return suite;
}

GST_CHECK_MAIN (adaptivesrc_select)

// SPDX-License-Identifier: LGPL-2.1-or-later
#include "lineup.h"

#include "testutil.h"

using presentation::Period;
using presentation::Track;
using presentation::Type;

namespace {

Track track (Type type, const std::string &language = "",
    const std::string &id = "", const std::string &role = "",
    const std::string &mime_type = "x/mp4")
{
  Track out;
  out.type = type;
  out.language = language;
  out.id = id;
  if (!role.empty ()) out.roles = {{"urn:role", role}};
  out.representations.emplace_back ();
  out.representations.front ().mime_type = mime_type;
  return out;
}

constexpr Type video = Type::video;
constexpr Type audio = Type::audio;
constexpr Type words = Type::text;

// "01-": the tracks in three periods, the last of which has none.
std::vector<std::string> lines_of (
    const std::vector<std::vector<Track>> &periods)
{
  std::vector<Period> all;
  for (const auto &tracks : periods) {
    Period period;
    period.tracks = tracks;
    all.push_back (std::move (period));
  }
  std::vector<std::string> out;
  for (const lineup::Line &line : lineup::make (all)) {
    std::string text;
    for (auto index : line) text += index ? std::to_string (*index) : "-";
    out.push_back (text);
  }
  return out;
}

struct Row
{
  const char *name;
  std::vector<std::vector<Track>> periods;
  std::vector<std::string> expected;
};

Track key_frames ()
{
  Track out = track (video);
  out.is_trick_mode = true;
  return out;
}

const Row rows[] = {
    {"one period", {{track (audio), track (video)}}, {"0", "1"}},
    {"another order",
        {{track (audio), track (video)}, {track (video), track (audio)}},
        {"01", "10"}},
    {"languages",
        {{track (audio, "de"), track (audio, "en")},
            {track (audio, "en"), track (audio, "de")}},
        {"01", "10"}},
    // The language counts for more than all the rest.
    {"role and id",
        {{track (audio, "de", "1", "main")},
            {track (audio, "en", "1", "main"), track (audio, "de", "2", "dub")},
            {track (audio, "de", "1", "dub"), track (audio, "de", "2", "main")},
            {track (audio, "de", "2", "main"),
                track (audio, "de", "1", "main")}},
        {"0111"}},
    {"sound in another language",
        {{track (audio, "de"), track (audio, "en")}, {track (audio, "fr")}},
        {"00", "10"}},
    {"words in another language",
        {{track (words, "de"), track (words, "en")}, {track (words, "en")}},
        {"0-", "10"}},
    {"a hole",
        {{track (video), track (audio)}, {track (video)},
            {track (video), track (audio)}},
        {"000", "1-1"}},
    {"one that comes later",
        {{track (video)}, {track (video), track (audio), track (audio, "de")}},
        {"00", "-1", "-2"}},
    {"more of what is there", {{track (audio)}, {track (audio), track (audio)}},
        {"00"}},
    {"another container",
        {{track (video, "", "", "", "video/mp4")},
            {track (video, "", "", "", "video/webm")}},
        {"0-"}},
    {"key frames alone", {{key_frames (), track (video)}, {key_frames ()}},
        {"1-"}},
    {"nothing", {{}, {}}, {}},
};

}  // namespace

GST_START_TEST (tracks_go_on)
{
  for (const Row &row : rows) {
    auto found = lines_of (row.periods);
    std::string text;
    for (const std::string &line : found) text += line + " ";
    fail_unless (found == row.expected, "%s: %s", row.name, text.c_str ());
  }
}
GST_END_TEST;

static Suite *lineup_suite ()
{
  Suite *suite = suite_create ("lineup");
  TCase *tests = tcase_create ("all");
  suite_add_tcase (suite, tests);
  tcase_add_test (tests, tracks_go_on);
  return suite;
}

GST_CHECK_MAIN (lineup)

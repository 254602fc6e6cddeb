// SPDX-License-Identifier: LGPL-2.1-or-later
#include <filesystem>

#include "adaptiverig.h"

using relay::Owned;
using test::count_paths;
using test::Files;
using test::HttpServer;
using test::init_of;
using test::long_files;
using test::media_playlist;
using test::Player;
using test::Reply;
using test::segment_of;
using test::serving;

namespace {

std::string all_of (const std::string &name, int count, std::size_t size)
{
  std::string out = init_of (name);
  for (int i = 1; i <= count; i++)
    out += segment_of (name + std::to_string (i), size);
  return out;
}

// What is handed over is written in the background.
void wait_until_kept (const std::filesystem::path &folder, std::size_t count)
{
  for (;;) {
    std::size_t whole = 0;
    for (const auto &entry :
        std::filesystem::recursive_directory_iterator (folder))
      if (entry.path ().extension () == ".idx") whole++;
    if (whole >= count) break;
    g_usleep (1000);
  }
  g_usleep (100 * 1000);
}

void play (HttpServer &server, const std::filesystem::path &folder,
    guint64 hits, guint64 misses, const char *manifest = "/long.mpd")
{
  Player player (server.uri (manifest));
  g_object_set (*player, "cache-dir", folder.c_str (), nullptr);
  player.play ();
  fail_unless (player.output ("video_0").bytes == all_of ("v", 10, 100000));
  fail_unless (player.output ("audio_0").bytes == all_of ("a", 5, 20000));
  fail_unless_equals_uint64 (player.stat ("cache-hits"), hits);
  fail_unless_equals_uint64 (player.stat ("cache-misses"), misses);
  fail_unless_equals_uint64 (player.stat ("cache-failures"), 0);
}

std::vector<std::filesystem::path> files_of (
    const std::filesystem::path &folder, const std::string &extension)
{
  std::vector<std::filesystem::path> out;
  for (const auto &entry :
      std::filesystem::recursive_directory_iterator (folder))
    if (entry.path ().extension () == extension) out.push_back (entry.path ());
  return out;
}

}  // namespace

GST_START_TEST (a_second_viewing_asks_for_the_manifest_alone)
{
  HttpServer server (serving (long_files ()));
  test::TempDir folder;
  play (server, folder.path (), 0, 17);
  fail_unless_equals_uint64 (server.requests ().size (), 18);
  wait_until_kept (folder.path (), 17);
  play (server, folder.path (), 17, 0);
  fail_unless_equals_uint64 (server.requests ().size (), 19);
  fail_unless_equals_uint64 (count_paths (server, "long.mpd"), 2);
}
GST_END_TEST;

// Byte ranges of one file are apart, and what was not fetched is.
GST_START_TEST (parts_of_a_file_are_kept_apart)
{
  std::string one = segment_of ("v1", 5000);
  std::string two = segment_of ("v2", 7000);
  std::string media = init_of ("v") + one + two;
  auto range = [] (std::size_t size, std::size_t first) {
    return std::to_string (size) + "@" + std::to_string (first);
  };
  std::size_t init_size = init_of ("v").size ();
  Files files = {{"/all", media},
      {"/m.m3u8",
          media_playlist (
              "#EXT-X-MAP:URI=\"all\",BYTERANGE=\"" + range (init_size, 0) +
              "\"\n#EXTINF:2,\n#EXT-X-BYTERANGE:" +
              range (one.size (), init_size) +
              "\nall\n#EXTINF:2,\n#EXT-X-BYTERANGE:" +
              range (two.size (), init_size + one.size ()) + "\nall\n")}};
  HttpServer server (serving (files));
  test::TempDir folder;
  for (guint64 hits : {0u, 3u}) {
    Player player (server.uri ("/m.m3u8"));
    g_object_set (*player, "cache-dir", folder.path ().c_str (), nullptr);
    player.play ();
    fail_unless (player.output ("video_0").bytes == media);
    fail_unless_equals_uint64 (player.stat ("cache-hits"), hits);
    wait_until_kept (folder.path (), 3);
  }
}
GST_END_TEST;

GST_START_TEST (damage_is_fetched_again)
{
  HttpServer server (serving (long_files ()));
  test::TempDir folder;
  play (server, folder.path (), 0, 17);
  wait_until_kept (folder.path (), 17);
  // A byte of each of them.
  for (const auto &path : files_of (folder.path (), ".dat")) {
    test::Bytes bytes = test::read_file (path);
    bytes[bytes.size () - 70] ^= 1;
    test::write_file (path, bytes);
  }
  Player player (server.uri ("/long.mpd"));
  g_object_set (*player, "cache-dir", folder.path ().c_str (), nullptr);
  player.play ();
  fail_unless (player.output ("video_0").bytes == all_of ("v", 10, 100000));
  fail_unless (player.output ("audio_0").bytes == all_of ("a", 5, 20000));
  fail_unless_equals_uint64 (player.stat ("cache-hits"), 0);
  fail_unless_equals_uint64 (player.stat ("cache-failures"), 17);
}
GST_END_TEST;

GST_START_TEST (a_folder_that_cannot_be_made_is_one_warning)
{
  HttpServer server (serving (long_files ()));
  Player player (server.uri ("/long.mpd"));
  g_object_set (*player, "cache-dir", "/dev/null/cache", nullptr);
  player.set_state (GST_STATE_PLAYING);
  int warnings = 0;
  for (;;) {
    Owned<GstMessage> message =
        player.wait (GST_MESSAGE_EOS | GST_MESSAGE_ERROR | GST_MESSAGE_WARNING);
    fail_unless (
        message && GST_MESSAGE_TYPE (message.get ()) != GST_MESSAGE_ERROR);
    if (GST_MESSAGE_TYPE (message.get ()) == GST_MESSAGE_EOS) break;
    warnings++;
  }
  fail_unless_equals_int (warnings, 1);
  fail_unless (player.output ("video_0").bytes == all_of ("v", 10, 100000));
  fail_unless_equals_uint64 (player.stat ("cache-failures"), 1);
}
GST_END_TEST;

GST_START_TEST (what_is_not_to_be_kept_is_not)
{
  for (const char *control :
      {"no-store", "private, max-age=60", "max-age=1, No-Store"}) {
    Files files = long_files ();
    HttpServer server ([&] (const HttpServer::Request &request) {
      return Reply{200, files[request.path], {{"Cache-Control", control}}};
    });
    test::TempDir folder;
    play (server, folder.path (), 0, 17);
    play (server, folder.path (), 0, 17);
  }
}
GST_END_TEST;

// Neither names nor contents of the files have a secret of an address in them.
GST_START_TEST (secrets_of_addresses_are_not_kept)
{
  Files files = {
      {"/m.m3u8", media_playlist ("#EXTINF:2,\n1.ts?token=geheim\n")}};
  HttpServer server ([&] (const HttpServer::Request &request) {
    if (request.path == "/m.m3u8") return Reply{200, files["/m.m3u8"], {}};
    return Reply{200, test::packets ('1'), {}};
  });
  test::TempDir folder;
  Player player (server.uri ("/m.m3u8"));
  g_object_set (*player, "cache-dir", folder.path ().c_str (), nullptr);
  player.play ();
  wait_until_kept (folder.path (), 1);
  for (const char *extension : {".idx", ".dat"})
    for (const auto &path : files_of (folder.path (), extension)) {
      test::Bytes bytes = test::read_file (path);
      std::string text (bytes.begin (), bytes.end ());
      fail_unless (text.find ("geheim") == std::string::npos);
      fail_unless (path.string ().find ("geheim") == std::string::npos);
    }
}
GST_END_TEST;

GST_START_TEST (others_do_not_get_what_credentials_got)
{
  HttpServer server (serving (long_files ()));
  test::TempDir folder;
  const struct
  {
    const char *headers;
    guint64 hits;
  } rows[] = {
      {"h,Authorization=\"Bearer one\"", 0},
      {"h,Authorization=\"Bearer one\"", 17},
      {"h,Authorization=\"Bearer two\"", 0},
      {"h,X-Other=1", 0},
  };
  std::size_t kept = 0;
  for (const auto &row : rows) {
    Player player (server.uri ("/long.mpd"));
    g_object_set (*player, "cache-dir", folder.path ().c_str (), nullptr);
    gst_util_set_object_arg (G_OBJECT (*player), "extra-headers", row.headers);
    player.play ();
    fail_unless_equals_uint64 (player.stat ("cache-hits"), row.hits);
    kept += 17 - row.hits;
    wait_until_kept (folder.path (), kept);
  }
}
GST_END_TEST;

// What was broken off is not there, and what was kept is.
GST_START_TEST (what_was_cut_is_not_kept)
{
  Files files = long_files ();
  std::atomic<bool> cut{true};
  HttpServer server ([&] (const HttpServer::Request &request) {
    std::string body = files[request.path];
    if (request.path == "/v2.m4s" && cut) {
      body.resize (body.size () - 5000);
      return Reply{200, body, {}, "video/mp4", true};
    }
    return Reply{200, body, {}};
  });
  test::TempDir folder;
  {
    Player player (server.uri ("/long.mpd"),
        [] (const std::string &name) { return name == "video_0"; });
    g_object_set (*player, "cache-dir", folder.path ().c_str (), nullptr);
    player.play_to_error (GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_READ);
  }
  cut = false;
  wait_until_kept (folder.path (), 2);
  Player player (server.uri ("/long.mpd"),
      [] (const std::string &name) { return name == "video_0"; });
  g_object_set (*player, "cache-dir", folder.path ().c_str (), nullptr);
  player.play ();
  fail_unless (player.output ("video_0").bytes == all_of ("v", 10, 100000));
}
GST_END_TEST;

static Suite *adaptivesrc_cache_suite ()
{
  Suite *suite = suite_create ("adaptivesrc-cache");
  TCase *tests = tcase_create ("all");
  suite_add_tcase (suite, tests);
  tcase_add_test (tests, a_second_viewing_asks_for_the_manifest_alone);
  tcase_add_test (tests, parts_of_a_file_are_kept_apart);
  tcase_add_test (tests, damage_is_fetched_again);
  tcase_add_test (tests, a_folder_that_cannot_be_made_is_one_warning);
  tcase_add_test (tests, what_is_not_to_be_kept_is_not);
  tcase_add_test (tests, secrets_of_addresses_are_not_kept);
  tcase_add_test (tests, others_do_not_get_what_credentials_got);
  tcase_add_test (tests, what_was_cut_is_not_kept);
  return suite;
}

GST_CHECK_MAIN (adaptivesrc_cache)

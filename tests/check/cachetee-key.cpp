// SPDX-License-Identifier: LGPL-2.1-or-later
// cachetee without a cache-key: upstream says what it is.
#include <map>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "branchrig.h"
#include "testutil.h"

namespace {

namespace fs = std::filesystem;
using branchrig::Rig;
using branchrig::Sink;
using relay::Owned;
using test::Bytes;
using test::TempDir;

std::string text (Rig &rig, const char *field)
{
  GstStructure *raw = nullptr;
  g_object_get (rig.tee (), "stats", &raw, nullptr);
  Owned<GstStructure> stats{raw};
  return gst_structure_get_string (raw, field);
}

std::string state_of (Rig &rig)
{
  return text (rig, "status") + " " + text (rig, "reason");
}

gboolean answer_uri (GstPad *pad, GstObject *, GstQuery *query)
{
  auto *uri = static_cast<const char *> (gst_pad_get_element_private (pad));
  if (GST_QUERY_TYPE (query) != GST_QUERY_URI || uri == nullptr) return FALSE;
  gst_query_set_uri (query, uri);
  return TRUE;
}

struct Upstream
{
  const char *uri = nullptr;
  const char *stream_id = "one";
};

void use (Rig &rig, const fs::path &dir, const Upstream &upstream)
{
  g_object_set (rig.tee (), "cache-dir", dir.c_str (), nullptr);
  gst_pad_set_element_private (
      rig.source (), const_cast<char *> (upstream.uri));
  gst_pad_set_query_function (rig.source (), answer_uri);
}

// What a source does, in its thread.
void send (Rig &rig, const char *stream_id)
{
  gst_pad_push_event (rig.source (), gst_event_new_stream_start (stream_id));
  GstSegment segment;
  gst_segment_init (&segment, GST_FORMAT_TIME);
  gst_pad_push_event (rig.source (), gst_event_new_segment (&segment));
  for (int i = 0; i < 3; i++)
    if (rig.push () != GST_FLOW_OK) return;
  rig.push (gst_event_new_eos ());
}

// Plays it once; the status once the stream has started.
std::string play (
    const fs::path &dir, const Upstream &upstream, guint64 *received = nullptr)
{
  Rig rig (1);
  use (rig, dir, upstream);
  gst_element_set_state (rig.tee (), GST_STATE_PLAYING);
  fail_unless (text (rig, "status") == "none");
  std::thread source ([&] { send (rig, upstream.stream_id); });
  fail_unless (rig.sink (0).wait_eos ());
  source.join ();
  fail_unless_equals_uint64 (rig.sink (0).buffers (), 3);
  std::string state = state_of (rig);
  if (received != nullptr) *received = rig.count ("bytes-received");
  gst_element_set_state (rig.tee (), GST_STATE_NULL);
  return state;
}

guint purge (const fs::path &dir, const char *signal, const char *key)
{
  Rig rig (0);
  g_object_set (rig.tee (), "cache-dir", dir.c_str (), nullptr);
  guint count = 0;
  g_signal_emit_by_name (rig.tee (), signal, key, &count);
  return count;
}

std::string contents_of (const fs::path &dir)
{
  std::string out;
  for (const auto &entry : fs::recursive_directory_iterator (dir)) {
    out += entry.path ().string ();
    if (!entry.is_regular_file ()) continue;
    Bytes bytes = test::read_file (entry.path ());
    out.append (bytes.begin (), bytes.end ());
  }
  return out;
}

}  // namespace

GST_START_TEST (uri_and_stream_are_the_key)
{
  TempDir temp;
  guint64 received = 0;
  const Upstream one{"http://a.example/x", "s/1"};
  fail_unless (play (temp.path (), one, &received) == "miss not found");
  fail_unless_equals_uint64 (received, 27);
  fail_unless (play (temp.path (), one, &received) == "hit ");
  fail_unless_equals_uint64 (received, 0);
  // As two branches of a demuxer.
  fail_unless (play (temp.path (), {one.uri, "s/2"}) == "miss not found");
  fail_unless (
      play (temp.path (), {"http://a.example/y", "s/1"}) == "miss not found");
  fail_unless (
      play (temp.path (), {"http://a.example/x?q", "s/1"}) == "miss not found");
  for (const char *stream_id : {"s/1", "s/2"})
    fail_unless (play (temp.path (), {one.uri, stream_id}) == "hit ");
}
GST_END_TEST;

GST_START_TEST (without_a_uri_there_is_no_key)
{
  TempDir temp;
  for (int i = 0; i < 2; i++)
    fail_unless (play (temp.path (), {}) == "bypass no cache-key");
  fail_unless (!fs::exists (temp.path () / "CACHETEE"));
}
GST_END_TEST;

// Nothing upstream goes on while it is served.
GST_START_TEST (on_a_hit_upstream_stays_in_its_stream_start)
{
  TempDir temp;
  const Upstream upstream{"http://a.example/x", "s"};
  play (temp.path (), upstream);
  Rig rig (2);
  use (rig, temp.path (), upstream);
  rig.sink (0).block (true);
  gst_element_set_state (rig.tee (), GST_STATE_PLAYING);
  std::atomic<bool> started = false;
  std::thread source ([&] {
    gst_pad_push_event (rig.source (), gst_event_new_stream_start ("s"));
    started = true;
  });
  fail_unless (rig.sink (1).wait_eos ());
  fail_unless (rig.sink (0).wait_buffers (1));
  fail_if (started);
  // One that is added now is served as well.
  fail_unless (rig.add ().wait_eos ());
  fail_unless_equals_uint64 (rig.sink (2).buffers (), 3);
  rig.sink (0).block (false);
  source.join ();
  fail_unless (rig.sink (0).wait_eos ());
  fail_unless_equals_uint64 (rig.count ("cache-hits"), 1);
}
GST_END_TEST;

GST_START_TEST (stopping_ends_the_wait_of_a_default_key)
{
  TempDir temp;
  const Upstream upstream{"http://a.example/x", "s"};
  play (temp.path (), upstream);
  for (int i = 0; i < 20; i++) {
    Rig rig (1);
    use (rig, temp.path (), upstream);
    // Without a peer: its thread waits.
    rig.add (false);
    gst_element_set_state (rig.tee (), GST_STATE_PLAYING);
    std::thread source ([&] { send (rig, "s"); });
    if (i % 2 == 0) fail_unless (rig.sink (0).wait_buffers (1));
    gst_element_set_state (rig.tee (), GST_STATE_NULL);
    source.join ();
  }
}
GST_END_TEST;

// Another resource in the second run, an explicit key in the third, and none
// again.
GST_START_TEST (each_run_has_its_own_key)
{
  TempDir temp;
  Rig rig (1);
  Upstream upstream{"http://a.example/x", "s"};
  auto run = [&] (const char *uri, const char *key, const char *expected) {
    upstream.uri = uri;
    use (rig, temp.path (), upstream);
    g_object_set (rig.tee (), "cache-key", key, nullptr);
    std::size_t before = rig.sink (0).buffers ();
    gst_element_set_state (rig.tee (), GST_STATE_PLAYING);
    std::thread source ([&] { send (rig, "s"); });
    fail_unless (rig.sink (0).wait_buffers (before + 3));
    source.join ();
    fail_unless (
        state_of (rig) == expected, "%s: %s", uri, state_of (rig).c_str ());
    gst_element_set_state (rig.tee (), GST_STATE_READY);
  };
  run ("http://a.example/x", nullptr, "miss not found");
  run ("http://a.example/y", nullptr, "miss not found");
  run ("http://a.example/x", nullptr, "hit ");
  run ("http://a.example/x", "k", "miss not found");
  run ("http://a.example/x", "k", "hit ");
  run ("http://a.example/z", nullptr, "miss not found");
  run ("http://a.example/y", nullptr, "hit ");
}
GST_END_TEST;

// What comes under one key would be served for the first of it.
GST_START_TEST (a_second_stream_is_not_kept_under_the_key_of_the_first)
{
  TempDir temp;
  const Upstream upstream{"http://a.example/x", "s"};
  Rig rig (1);
  use (rig, temp.path (), upstream);
  gst_element_set_state (rig.tee (), GST_STATE_PLAYING);
  gst_pad_push_event (rig.source (), gst_event_new_stream_start ("s"));
  // The same again is no other.
  gst_pad_push_event (rig.source (), gst_event_new_stream_start ("s"));
  fail_unless (state_of (rig) == "miss not found");
  send (rig, "another");
  fail_unless (state_of (rig) == "bypass another stream");
  gst_element_set_state (rig.tee (), GST_STATE_NULL);
  fail_unless_equals_uint64 (rig.count ("objects-stored"), 0);
}
GST_END_TEST;

GST_START_TEST (late_branches_join_as_with_a_key)
{
  TempDir temp;
  const Upstream upstream{"http://a.example/x", "s"};
  for (const char *expected : {"miss not found", "hit "}) {
    Rig rig (1);
    use (rig, temp.path (), upstream);
    gst_util_set_object_arg (G_OBJECT (rig.tee ()), "late-join", "beginning");
    gst_element_set_state (rig.tee (), GST_STATE_PLAYING);
    std::thread source ([&] { send (rig, "s"); });
    fail_unless (rig.sink (0).wait_eos ());
    source.join ();
    fail_unless (rig.add ().wait_eos ());
    for (std::size_t i : {std::size_t{0}, std::size_t{1}})
      fail_unless_equals_uint64 (rig.sink (i).buffers (), 3);
    fail_unless (state_of (rig) == expected, "%s", state_of (rig).c_str ());
  }
}
GST_END_TEST;

// A query may be a token, and what is before the host a password.
GST_START_TEST (secrets_of_a_uri_are_not_written)
{
  TempDir temp;
  struct Row
  {
    const char *uri;
    const char *kept;
  };
  for (const Row &row :
      std::vector<Row>{{"http://user:hunter2@a.example/b@c?token=hunter2",
                           "http://a.example/b@c\n"},
          {"http://user:hunter2@a.example", "http://a.example\n"},
          {"http://a.example?x/hunter2", "http://a.example\n"},
          {"http://a.example/x#hunter2", "http://a.example/x\n"}}) {
    fail_unless (play (temp.path (), {row.uri, "hunter2"}) == "miss not found");
    std::string all = contents_of (temp.path ());
    fail_unless (all.find (row.kept) != std::string::npos, "%s", row.uri);
    // The id comes back as it was.
    std::size_t count = 0;
    for (std::size_t at = 0; (at = all.find ("hunter2", at)) != all.npos; at++)
      count++;
    fail_unless (count == 1, "%s: %zu", row.uri, count);
    fail_unless (purge (temp.path (), "purge-prefix", "http://a.ex") == 1);
  }
}
GST_END_TEST;

GST_START_TEST (a_uri_is_purged_by_its_name)
{
  TempDir temp;
  for (const char *uri : {"http://a.example/x", "http://a.example/x?y"})
    for (const char *stream_id : {"s/1", "s/2"})
      play (temp.path (), {uri, stream_id});
  fail_unless (purge (temp.path (), "purge", "http://a.example/x?y") == 2);
  fail_unless (play (temp.path (), {"http://a.example/x", "s/1"}) == "hit ");
  fail_unless (
      play (temp.path (), {"http://a.example/x?y", "s/1"}) == "miss not found");
}
GST_END_TEST;

GST_START_TEST (credentials_keep_default_keys_apart)
{
  TempDir temp;
  auto status = [&temp] (const char *hash) {
    struct Answers
    {
      const char *hash;
    } answers{hash};
    Rig rig (1);
    use (rig, temp.path (), {});
    gst_pad_set_element_private (rig.source (), &answers);
    gst_pad_set_query_function (
        rig.source (),
        +[] (GstPad *pad, GstObject *, GstQuery *query) -> gboolean {
          auto *all =
              static_cast<Answers *> (gst_pad_get_element_private (pad));
          if (GST_QUERY_TYPE (query) == GST_QUERY_URI) {
            gst_query_set_uri (query, "http://a.example/x");
            return TRUE;
          }
          if (GST_QUERY_TYPE (query) != GST_QUERY_CUSTOM ||
              all->hash == nullptr)
            return FALSE;
          gst_structure_set (gst_query_writable_structure (query), "hash",
              G_TYPE_STRING, all->hash, nullptr);
          return TRUE;
        });
    gst_element_set_state (rig.tee (), GST_STATE_PLAYING);
    std::thread source ([&] { send (rig, "s"); });
    fail_unless (rig.sink (0).wait_eos ());
    source.join ();
    std::string out = text (rig, "status");
    gst_element_set_state (rig.tee (), GST_STATE_NULL);
    return out;
  };
  for (const char *hash : {"1111", "2222", static_cast<const char *> (nullptr)})
    for (const char *expected : {"miss", "hit"})
      fail_unless (status (hash) == expected, "%s", hash);
  fail_unless (purge (temp.path (), "purge", "http://a.example/x") == 3);
}
GST_END_TEST;

// filesrc opens its file, and reads nothing of it.
GST_START_TEST (a_file_is_known_by_its_name)
{
  TempDir temp;
  Bytes content (1000000, 7);
  fs::path in = temp.path () / "in";
  fs::path out = temp.path () / "out";
  auto run = [&] {
    std::string line =
        "filesrc location=" + in.string () +
        " ! queue ! cachetee cache-dir=" + (temp.path () / "cache").string () +
        " ! filesink location=" + out.string ();
    Owned<GstElement> pipeline{gst_parse_launch (line.c_str (), nullptr)};
    gst_element_set_state (pipeline.get (), GST_STATE_PLAYING);
    Owned<GstMessage> message = test::wait_message (
        pipeline.get (), GST_MESSAGE_EOS | GST_MESSAGE_ERROR);
    fail_unless (GST_MESSAGE_TYPE (message.get ()) == GST_MESSAGE_EOS);
    gst_element_set_state (pipeline.get (), GST_STATE_NULL);
    fail_unless (test::read_file (out) == content);
  };
  test::write_file (in, content);
  run ();
  test::write_file (in, test::hex ("00"));
  run ();
}
GST_END_TEST;

static Suite *cachetee_key_suite ()
{
  Suite *suite = suite_create ("cachetee-key");
  TCase *tests = tcase_create ("general");
  suite_add_tcase (suite, tests);
  tcase_add_test (tests, uri_and_stream_are_the_key);
  tcase_add_test (tests, without_a_uri_there_is_no_key);
  tcase_add_test (tests, on_a_hit_upstream_stays_in_its_stream_start);
  tcase_add_test (tests, stopping_ends_the_wait_of_a_default_key);
  tcase_add_test (tests, each_run_has_its_own_key);
  tcase_add_test (
      tests, a_second_stream_is_not_kept_under_the_key_of_the_first);
  tcase_add_test (tests, late_branches_join_as_with_a_key);
  tcase_add_test (tests, secrets_of_a_uri_are_not_written);
  tcase_add_test (tests, a_uri_is_purged_by_its_name);
  tcase_add_test (tests, credentials_keep_default_keys_apart);
  tcase_add_test (tests, a_file_is_known_by_its_name);
  return suite;
}

GST_CHECK_MAIN (cachetee_key);

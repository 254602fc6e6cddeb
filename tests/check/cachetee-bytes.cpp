// SPDX-License-Identifier: LGPL-2.1-or-later
// cachetee and streams in bytes: what is there is served, and only what is
// missing is fetched.
#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "bytestream.h"
#include "httpserver.h"
#include "httpstream.h"
#include "testutil.h"

namespace {

namespace fs = std::filesystem;
using relay::Owned;
using test::HttpServer;
using test::TempDir;
using namespace std::chrono_literals;

constexpr std::size_t slice = 65536;
// Sixteen slices and a bit.
constexpr std::size_t size = 16 * slice + 777;

// ---- What is in the folder -------------------------------------------------

struct Part
{
  std::size_t from = 0;
  std::size_t to = 0;
};

store::Options options ()
{
  store::Options options;
  options.slice_size = slice;
  return options;
}

// Has slices of the body kept, as another process would have them.
void keep (const fs::path &dir, const std::string &body,
    const std::vector<Part> &parts, const char *etag = "\"a\"")
{
  auto memory = std::make_unique<slices::Memory> (1 << 20);
  auto store = store::Store::open (dir, options ());
  fail_unless (store.ok ());
  bytestream::Stream stream = bytestream::open (**store, "key", *memory);
  bytestream::Facts facts;
  facts.total = body.size ();
  facts.etag = etag;
  fail_unless (stream.agree (facts));
  for (const Part &part : parts) {
    auto filler = stream.claim ({part.from, part.to});
    fail_unless (filler != nullptr);
    auto owner = std::make_shared<const std::string> (
        body.substr (part.from, part.to - part.from));
    std::span<const std::uint8_t> bytes (
        reinterpret_cast<const std::uint8_t *> (owner->data ()),
        owner->size ());
    fail_unless (filler->fill ({bytes, owner}, 10s).ok ());
  }
  stream.settle ();
}

bytestream::Status status_of (const fs::path &dir)
{
  slices::Memory memory (1 << 20);
  auto store = store::Store::open (dir, options ());
  fail_unless (store.ok ());
  return bytestream::open (**store, "key", memory).status ();
}

// Until it is older than a second.
void grow_old (const fs::path &dir)
{
  slices::Memory memory (1 << 20);
  auto store = store::Store::open (dir, options ());
  bytestream::Stream stream = bytestream::open (**store, "key", memory);
  while (stream.age () < 1s) std::this_thread::sleep_for (20ms);
}

// ---- Pipelines -------------------------------------------------------------

// "SOURCE ! cachetee ! fakesink", which holds what comes until it is let go.
class Run
{
public:
  Run (const std::string &source, const fs::path &dir,
      const std::string &settings = "", const std::string &more = "")
  {
    std::string text = source + (source.empty () ? "" : " ! ") +
                       "cachetee name=t cache-dir=" + dir.string () +
                       " cache-key=key slice-size=65536 " + settings +
                       " ! fakesink name=s sync=false signal-handoffs=true " +
                       more;
    GError *error = nullptr;
    pipeline_.reset (GST_ELEMENT (
        gst_object_ref_sink (gst_parse_launch (text.c_str (), &error))));
    fail_unless (error == nullptr, "%s", error ? error->message : "");
    tee_.reset (gst_bin_get_by_name (GST_BIN (pipeline_.get ()), "t"));
    sink_.reset (gst_bin_get_by_name (GST_BIN (pipeline_.get ()), "s"));
    g_signal_connect (sink_.get (), "handoff", G_CALLBACK (on_handoff), this);
    Owned<GstPad> pad{gst_element_get_static_pad (sink_.get (), "sink")};
    gst_pad_add_probe (
        pad.get (), GST_PAD_PROBE_TYPE_EVENT_FLUSH, on_flush, this, nullptr);
  }
  ~Run () { stop (); }
  Run (const Run &) = delete;
  Run &operator= (const Run &) = delete;

  GstElement *tee () { return tee_.get (); }
  GstElement *sink () { return sink_.get (); }
  GstElement *pipeline () { return pipeline_.get (); }
  void start () { gst_element_set_state (pipeline_.get (), GST_STATE_PLAYING); }
  void stop ()
  {
    {
      std::lock_guard guard (mutex_);
      flushing_ = true;
      changed_.notify_all ();
    }
    gst_element_set_state (pipeline_.get (), GST_STATE_NULL);
  }
  // The branch takes so many bytes and no more.
  void hold (std::size_t bytes)
  {
    std::lock_guard guard (mutex_);
    limit_ = bytes;
    changed_.notify_all ();
  }
  std::string bytes ()
  {
    std::lock_guard guard (mutex_);
    return bytes_;
  }
  void wait_bytes (std::size_t count)
  {
    std::unique_lock lock (mutex_);
    fail_unless (
        changed_.wait_for (lock, 20s, [&] { return bytes_.size () >= count; }));
  }
  // The first thing that ends it.
  Owned<GstMessage> end ()
  {
    Owned<GstMessage> message = test::wait_message (
        pipeline_.get (), GST_MESSAGE_EOS | GST_MESSAGE_ERROR);
    fail_unless (message != nullptr, "it does not end: %s after %zu bytes",
        status ().c_str (), bytes ().size ());
    return message;
  }
  std::string play ()
  {
    start ();
    return finish ();
  }
  std::string finish ()
  {
    Owned<GstMessage> message = end ();
    fail_unless (GST_MESSAGE_TYPE (message.get ()) == GST_MESSAGE_EOS, "%s",
        GST_MESSAGE_TYPE (message.get ()) == GST_MESSAGE_ERROR
            ? test::Stream::debug_of (message.get ()).c_str ()
            : "");
    return bytes ();
  }
  std::string status ()
  {
    GstStructure *raw = nullptr;
    g_object_get (tee_.get (), "stats", &raw, nullptr);
    Owned<GstStructure> stats{raw};
    return std::string (gst_structure_get_string (raw, "status")) + " " +
           gst_structure_get_string (raw, "reason");
  }
  guint64 count (const char *field) { return test::stat (tee_.get (), field); }
  // From the sink, which a pipeline would ask all of. What came before it is
  // forgotten. GStreamer 1.22: a bin whose state is about to change does not
  // see that a sink which is flushed meanwhile has prerolled again.
  bool seek (gint64 start, gint64 stop = -1)
  {
    fail_unless (gst_element_get_state (pipeline_.get (), nullptr, nullptr,
                     20 * GST_SECOND) == GST_STATE_CHANGE_SUCCESS);
    Owned<GstPad> pad{gst_element_get_static_pad (sink_.get (), "sink")};
    return gst_pad_push_event (pad.get (),
        gst_event_new_seek (1.0, GST_FORMAT_BYTES, GST_SEEK_FLAG_FLUSH,
            GST_SEEK_TYPE_SET, start, GST_SEEK_TYPE_SET, stop));
  }

private:
  static void on_handoff (
      GstElement *, GstBuffer *buffer, GstPad *, gpointer data)
  {
    auto *self = static_cast<Run *> (data);
    test::Bytes bytes = test::bytes_of (buffer);
    std::unique_lock lock (self->mutex_);
    self->bytes_.append (bytes.begin (), bytes.end ());
    self->changed_.notify_all ();
    self->changed_.wait (lock, [self] {
      return self->flushing_ || self->bytes_.size () < self->limit_;
    });
  }
  static GstPadProbeReturn on_flush (
      GstPad *, GstPadProbeInfo *info, gpointer data)
  {
    auto *self = static_cast<Run *> (data);
    GstEvent *event = GST_PAD_PROBE_INFO_EVENT (info);
    std::lock_guard guard (self->mutex_);
    self->flushing_ = GST_EVENT_TYPE (event) == GST_EVENT_FLUSH_START;
    if (!self->flushing_) self->bytes_.clear ();
    self->changed_.notify_all ();
    return GST_PAD_PROBE_OK;
  }

  Owned<GstElement> pipeline_;
  Owned<GstElement> tee_;
  Owned<GstElement> sink_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::string bytes_;
  std::size_t limit_ = size * 10;
  bool flushing_ = false;
};

std::string http (const HttpServer &origin)
{
  return "proxyhttpsrc retries=0 blocksize=16384 location=" +
         origin.uri ("/clip");
}

// The Range of each request, "" for none.
std::vector<std::string> asked_of (HttpServer &origin)
{
  std::vector<std::string> out;
  for (const HttpServer::Request &request : origin.requests ())
    out.push_back ((request.method == "GET" ? "" : request.method + " ") +
                   request.header ("Range"));
  return out;
}

std::string range (std::size_t from, std::size_t to)
{
  return "bytes=" + std::to_string (from) + "-" + std::to_string (to - 1);
}

std::string range (std::size_t from)
{
  return "bytes=" + std::to_string (from) + "-";
}

void assert_ranges (
    HttpServer &origin, const std::vector<std::string> &expected)
{
  std::string text;
  for (const std::string &one : asked_of (origin)) text += "[" + one + "]";
  fail_unless (asked_of (origin) == expected, "requests: %s", text.c_str ());
}

using Asked = relay::Guarded<std::vector<std::string>>;

// An origin whose first answer stops in the middle until the client has gone;
// later ones are whole, and may be of a range to the end.
test::ScriptedServer::Script stalling (const std::string &body, std::size_t at,
    Asked &asked, const std::string &headers = "")
{
  return [&body, at, &asked, headers] (test::Connection &client, int number) {
    std::string request = client.read_request ();
    if (request.empty ()) return;
    std::string range = test::header_of (request, "Range");
    std::size_t from = 0;
    if (range.starts_with ("bytes=")) from = std::stoul (range.substr (6));
    std::string end = std::to_string (body.size ());
    std::string head = "HTTP/1.1 200 OK\r\n";
    if (!range.empty ())
      head = "HTTP/1.1 206 Partial Content\r\nContent-Range: bytes " +
             std::to_string (from) + "-" + std::to_string (body.size () - 1) +
             "/" + end + "\r\n";
    asked.lock ()->push_back (range);
    client.send (head + headers + "ETag: \"a\"\r\nContent-Length: " +
                 std::to_string (body.size () - from) + "\r\n\r\n");
    client.send (std::string_view (body).substr (
        from, number == 0 ? at : std::string::npos));
    client.hang ();
  };
}

}  // namespace

GST_START_TEST (a_whole_hit_asks_for_nothing)
{
  TempDir temp;
  std::string body = test::pattern (size);
  HttpServer origin (test::serving (body));
  {
    Run run (http (origin), temp.path ());
    fail_unless (run.play () == body);
    fail_unless (
        run.status () == "miss not found", "%s", run.status ().c_str ());
    gst_element_set_state (run.pipeline (), GST_STATE_READY);
    fail_unless_equals_uint64 (run.count ("objects-stored"), 1);
    fail_unless_equals_uint64 (run.count ("cache-misses"), 1);
  }
  fail_unless (status_of (temp.path ()).stored);
  Run run (http (origin), temp.path ());
  fail_unless (run.play () == body);
  fail_unless (run.status () == "hit ", "%s", run.status ().c_str ());
  assert_ranges (origin, {""});
  fail_unless_equals_uint64 (run.count ("cache-hits"), 1);
  fail_unless_equals_uint64 (run.count ("bytes-from-cache"), size);
  fail_unless_equals_uint64 (
      run.count ("bytes-from-l1") + run.count ("bytes-from-l2"), size);
  fail_unless_equals_uint64 (run.count ("bytes-received"), 0);
}
GST_END_TEST;

GST_START_TEST (only_what_is_missing_is_fetched)
{
  std::string body = test::pattern (size);
  HttpServer origin (test::serving (body));
  TempDir temp;
  keep (temp.path (), body, {{0, 2 * slice}, {5 * slice, 8 * slice}});
  Run run (http (origin), temp.path ());
  fail_unless (run.play () == body);
  assert_ranges (origin, {range (2 * slice, 5 * slice), range (8 * slice)});
  fail_unless (run.status () == "partial ", "%s", run.status ().c_str ());
  fail_unless_equals_uint64 (run.count ("holes-fetched"), 2);
  fail_unless_equals_uint64 (run.count ("cache-partial-hits"), 1);
  fail_unless_equals_uint64 (run.count ("bytes-received"), size - 5 * slice);
  run.stop ();
  fail_unless (status_of (temp.path ()).stored);
}
GST_END_TEST;

GST_START_TEST (a_hole_at_the_beginning_is_fetched)
{
  std::string body = test::pattern (size);
  HttpServer origin (test::serving (body));
  TempDir temp;
  keep (temp.path (), body, {{slice, size}});
  Run run (http (origin), temp.path ());
  fail_unless (run.play () == body);
  assert_ranges (origin, {range (0, slice)});
}
GST_END_TEST;

GST_START_TEST (a_file_is_read_where_it_is_missing)
{
  std::string body = test::pattern (size);
  TempDir temp;
  fs::path file = temp.path () / "clip";
  test::write_file (file, test::Bytes (body.begin (), body.end ()));
  fs::path dir = temp.path () / "cache";
  keep (dir, body, {{0, slice}, {3 * slice, 4 * slice}}, "");
  Run run ("filesrc location=" + file.string (), dir);
  fail_unless (run.play () == body);
  fail_unless_equals_uint64 (run.count ("holes-fetched"), 2);
  // What was read before the seek may have come too.
  fail_unless (run.count ("bytes-received") >= size - 2 * slice);
  run.stop ();
  fail_unless (status_of (dir).stored);
}
GST_END_TEST;

GST_START_TEST (what_was_cut_is_kept)
{
  std::string body = test::pattern (size);
  Asked asked;
  test::ScriptedServer origin (stalling (body, 5 * slice + 100, asked));
  std::string source =
      "proxyhttpsrc retries=0 location=" + origin.uri ("/clip");
  TempDir temp;
  {
    Run run (source, temp.path ());
    run.start ();
    run.wait_bytes (5 * slice);
    run.stop ();
  }
  fail_unless_equals_uint64 (status_of (temp.path ()).bytes, 5 * slice);
  Run run (source, temp.path ());
  fail_unless (run.play () == body);
  run.stop ();
  origin.stop ();
  fail_unless (
      *asked.lock () == (std::vector<std::string>{"", range (5 * slice)}));
}
GST_END_TEST;

GST_START_TEST (a_seek_keeps_the_recording)
{
  std::string body = test::pattern (size);
  HttpServer origin (test::serving (body));
  TempDir temp;
  {
    Run run (http (origin), temp.path ());
    run.hold (2 * slice);
    run.start ();
    run.wait_bytes (2 * slice);
    fail_unless (run.seek (8 * slice));
    run.hold (size * 10);
    run.finish ();
  }
  bytestream::Status status = status_of (temp.path ());
  fail_unless (!status.complete);
  fail_unless (status.bytes >= size - 7 * slice);
  Run run (http (origin), temp.path ());
  fail_unless (run.play () == body);
  fail_unless_equals_uint64 (run.count ("holes-fetched"), 1);
}
GST_END_TEST;

GST_START_TEST (two_that_start_together_make_one_request)
{
  std::string body = test::pattern (size);
  HttpServer origin (test::serving (body));
  TempDir temp;
  Run one (http (origin), temp.path ());
  Run two (http (origin), temp.path ());
  one.start ();
  two.start ();
  fail_unless (one.finish () == body);
  fail_unless (two.finish () == body);
  assert_ranges (origin, {""});
}
GST_END_TEST;

// It looked it up before the other began, and goes on when that has ended.
GST_START_TEST (who_begins_late_makes_no_request)
{
  std::string body = test::pattern (size);
  HttpServer origin (test::serving (body));
  TempDir temp;
  Run one (http (origin), temp.path ());
  Run two (http (origin), temp.path ());
  Owned<GstPad> pad{gst_element_get_static_pad (two.tee (), "sink")};
  Owned<GstPad> feeder{gst_pad_get_peer (pad.get ())};
  auto hold = [] (GstPad *, GstPadProbeInfo *, gpointer) {
    return GST_PAD_PROBE_OK;
  };
  gulong held = gst_pad_add_probe (feeder.get (),
      GST_PAD_PROBE_TYPE_BLOCK_DOWNSTREAM, hold, nullptr, nullptr);
  two.start ();
  while (!gst_pad_is_blocking (feeder.get ())) std::this_thread::yield ();
  fail_unless (one.play () == body);
  one.stop ();
  gst_pad_remove_probe (feeder.get (), held);
  fail_unless (two.finish () == body);
  assert_ranges (origin, {""});
}
GST_END_TEST;

GST_START_TEST (who_comes_late_reads_what_is_written)
{
  std::string body = test::pattern (size);
  TempDir temp;
  std::mutex gate;
  std::condition_variable changed;
  bool go = false;
  test::ScriptedServer origin ([&] (test::Connection &client, int) {
    if (client.read_request ().empty ()) return;
    client.send ("HTTP/1.1 200 OK\r\nETag: \"a\"\r\nContent-Length: " +
                 std::to_string (size) + "\r\n\r\n");
    client.send (std::string_view (body).substr (0, 4 * slice));
    std::unique_lock lock (gate);
    changed.wait (lock, [&] { return go; });
    client.send (std::string_view (body).substr (4 * slice));
    client.read_request ();
  });
  std::string source =
      "proxyhttpsrc retries=0 location=" + origin.uri ("/clip");
  Run one (source, temp.path ());
  one.start ();
  one.wait_bytes (3 * slice);
  Run two (source, temp.path ());
  two.start ();
  two.wait_bytes (3 * slice);
  {
    std::lock_guard guard (gate);
    go = true;
    changed.notify_all ();
  }
  fail_unless (one.finish () == body);
  fail_unless (two.finish () == body);
  fail_unless_equals_int (origin.connections (), 1);
  one.stop ();
  two.stop ();
}
GST_END_TEST;

// One that is paused has asked for all of it; another does not wait for it.
GST_START_TEST (who_is_paused_holds_up_nobody)
{
  std::string body = test::pattern (size);
  HttpServer origin (test::serving (body));
  TempDir temp;
  Run one (http (origin), temp.path ());
  one.hold (2 * slice);
  one.start ();
  one.wait_bytes (2 * slice);
  Run two (http (origin), temp.path ());
  fail_unless (two.play () == body);
  fail_unless (two.status () == "partial ", "%s", two.status ().c_str ());
  assert_ranges (origin, {"", range (2 * slice)});
  one.hold (size * 10);
  fail_unless (one.finish () == body);
  one.stop ();
  two.stop ();
  fail_unless (status_of (temp.path ()).stored);
}
GST_END_TEST;

// What is missing may be served, but not kept, if its server says so.
GST_START_TEST (a_part_that_is_not_to_be_kept_is_not)
{
  std::string body = test::pattern (size);
  for (const char *control : {"no-store", "private", "max-age=5"}) {
    for (bool ignores : {false, true}) {
      TempDir temp;
      keep (temp.path (), body, {{0, 8 * slice}});
      Asked asked;
      test::ScriptedServer origin (stalling (body, std::string::npos, asked,
          "Connection: close\r\nCache-Control: " + std::string (control) +
              "\r\n"));
      bool is_kept = ignores || g_str_equal (control, "max-age=5");
      for (int i = 0; i < 2; i++) {
        Run run ("proxyhttpsrc retries=0 location=" + origin.uri ("/clip"),
            temp.path (), ignores ? "ignore-cache-control=true" : "");
        fail_unless (run.play () == body);
        if (!is_kept)
          fail_unless (run.status () == std::string ("partial ") + control,
              "%s", run.status ().c_str ());
      }
      fail_unless_equals_uint64 (asked.lock ()->size (), is_kept ? 1 : 2);
      fail_unless_equals_uint64 (
          status_of (temp.path ()).bytes, is_kept ? size : 8 * slice);
    }
  }
}
GST_END_TEST;

GST_START_TEST (when_who_fills_it_goes_another_goes_on)
{
  std::string body = test::pattern (size);
  Asked asked;
  test::ScriptedServer origin (stalling (body, 5 * slice + 100, asked));
  std::string source =
      "proxyhttpsrc retries=0 location=" + origin.uri ("/clip");
  TempDir temp;
  auto one = std::make_unique<Run> (source, temp.path ());
  one->start ();
  one->wait_bytes (5 * slice);
  Run two (source, temp.path ());
  two.start ();
  two.wait_bytes (5 * slice);
  one.reset ();
  fail_unless (two.finish () == body);
  two.stop ();
  origin.stop ();
  fail_unless (
      *asked.lock () == (std::vector<std::string>{"", range (5 * slice)}));
}
GST_END_TEST;

GST_START_TEST (what_is_too_old_is_checked_by_one_request)
{
  std::string body = test::pattern (size);
  HttpServer origin (test::serving (body));
  TempDir temp;
  keep (temp.path (), body, {{0, size}});
  grow_old (temp.path ());
  {
    Run run (http (origin), temp.path (), "ttl=0");
    fail_unless (run.play () == body);
    fail_unless (run.status () == "revalidated ", "%s", run.status ().c_str ());
    fail_unless_equals_uint64 (run.count ("revalidations"), 1);
    fail_unless_equals_uint64 (run.count ("bytes-received"), 0);
    fail_unless_equals_uint64 (run.count ("bytes-from-cache"), size);
  }
  assert_ranges (origin, {""});
  // It is young again.
  Run run (http (origin), temp.path (), "ttl=3600");
  fail_unless (run.play () == body);
  assert_ranges (origin, {""});
}
GST_END_TEST;

// What is not to be served is not served either when it comes to be recorded.
GST_START_TEST (what_is_too_old_is_never_served_by_write_only)
{
  std::string body = test::pattern (size);
  std::string other = body;
  other[3 * slice]++;
  for (std::size_t end : {size, 5 * slice}) {
    HttpServer origin (test::serving (other));
    TempDir temp;
    keep (temp.path (), body, {{0, end}});
    grow_old (temp.path ());
    Run run (http (origin), temp.path (), "ttl=0 cache-policy=write-only");
    fail_unless (run.play () == other, "%zu", end);
    assert_ranges (origin, {""});
  }
}
GST_END_TEST;

GST_START_TEST (what_has_changed_is_another_generation)
{
  std::string body = test::pattern (size);
  std::string other = body;
  std::reverse (other.begin (), other.end ());
  for (const char *etag : {"\"b\"", "\"a\""}) {
    // As long and of another name; or of the same name and not as long.
    std::string now = other;
    if (std::string (etag) == "\"a\"") now.resize (size - 1000);
    HttpServer origin ([&] (const HttpServer::Request &) {
      return HttpServer::Reply{
          200, now, {{"Accept-Ranges", "bytes"}, {"ETag", etag}}};
    });
    TempDir temp;
    keep (temp.path (), body, {{0, size}});
    grow_old (temp.path ());
    {
      Run run (http (origin), temp.path (), "ttl=0");
      fail_unless (run.play () == now);
      fail_unless (
          run.status () == "miss changed", "%s", run.status ().c_str ());
    }
    assert_ranges (origin, {""});
    Run run (http (origin), temp.path ());
    fail_unless (run.play () == now);
    assert_ranges (origin, {""});
  }
}
GST_END_TEST;

GST_START_TEST (in_its_grace_it_is_served_while_it_is_checked)
{
  std::string body = test::pattern (size);
  std::string other = body;
  std::reverse (other.begin (), other.end ());
  TempDir temp;
  keep (temp.path (), body, {{0, size}});
  grow_old (temp.path ());
  std::mutex gate;
  std::condition_variable changed;
  bool go = false;
  int asked = 0;
  HttpServer origin ([&] (const HttpServer::Request &) {
    std::unique_lock lock (gate);
    asked++;
    changed.notify_all ();
    changed.wait (lock, [&] { return go; });
    return HttpServer::Reply{
        200, other, {{"Accept-Ranges", "bytes"}, {"ETag", "\"b\""}}};
  });
  {
    Run run (http (origin), temp.path (), "ttl=0 grace=-1");
    // Nothing has been answered.
    fail_unless (run.play () == body);
    std::unique_lock lock (gate);
    fail_unless (changed.wait_for (lock, 20s, [&] { return asked == 1; }));
    go = true;
    changed.notify_all ();
    lock.unlock ();
    // In the background.
    while (run.count ("bytes-written") < size)
      std::this_thread::sleep_for (5ms);
  }
  Run run (http (origin), temp.path ());
  fail_unless (run.play () == other);
  assert_ranges (origin, {""});
}
GST_END_TEST;

GST_START_TEST (a_seek_on_a_hit_is_served)
{
  std::string body = test::pattern (size);
  HttpServer origin (test::serving (body));
  TempDir temp;
  keep (temp.path (), body, {{0, size}});
  Run run (http (origin), temp.path ());
  run.hold (slice);
  run.start ();
  run.wait_bytes (slice);
  for (std::size_t i = 0; i < 50; i++) {
    run.hold (1);
    fail_unless (run.seek (static_cast<gint64> (i * 20011)));
    run.wait_bytes (1);
    std::string got = run.bytes ();
    fail_unless (got == body.substr (i * 20011, got.size ()), "%zu", i);
  }
  fail_unless (run.seek (7 * slice + 1, 9 * slice + 5));
  run.hold (size * 10);
  fail_unless (run.finish () == body.substr (7 * slice + 1, 2 * slice + 4));
  // From the end too.
  fail_unless (run.seek (15 * slice));
  fail_unless (run.finish () == body.substr (15 * slice));
  assert_ranges (origin, {});
}
GST_END_TEST;

GST_START_TEST (a_seek_into_a_hole_fetches_it)
{
  std::string body = test::pattern (size);
  HttpServer origin (test::serving (body));
  TempDir temp;
  keep (temp.path (), body, {{0, 2 * slice}, {12 * slice, size}});
  Run run (http (origin), temp.path ());
  run.hold (slice);
  run.start ();
  run.wait_bytes (slice);
  fail_unless (run.seek (10 * slice + 1));
  run.hold (size * 10);
  fail_unless (run.finish () == body.substr (10 * slice + 1));
  assert_ranges (origin, {range (10 * slice, 12 * slice)});
}
GST_END_TEST;

// What is asked for are whole slices, and nothing behind them.
GST_START_TEST (a_range_is_fetched_in_whole_slices)
{
  std::string body = test::pattern (size);
  HttpServer origin (test::serving (body));
  TempDir temp;
  keep (temp.path (), body, {{0, 2 * slice}});
  auto play = [&] (std::size_t from, std::size_t to) {
    Run run (http (origin), temp.path ());
    run.hold (slice);
    run.start ();
    run.wait_bytes (slice);
    fail_unless (
        run.seek (static_cast<gint64> (from), static_cast<gint64> (to)));
    run.hold (size * 10);
    fail_unless (run.finish () == body.substr (from, to - from));
  };
  play (5 * slice + 1, 8 * slice);
  play (5 * slice + 7, 8 * slice - 5);
  assert_ranges (origin, {range (5 * slice, 8 * slice)});
  play (10 * slice + 1, 10 * slice + 2);
  auto asked = asked_of (origin);
  fail_unless (asked.size () == 2 && asked[1] == range (10 * slice, 11 * slice),
      "%s", asked.back ().c_str ());
}
GST_END_TEST;

// One of which only a part was asked for claims no more than that: what is
// behind is fetched by another, at once.
GST_START_TEST (a_part_that_is_recorded_is_not_fetched_again)
{
  std::string body = test::pattern (size);
  HttpServer origin (test::serving (body));
  TempDir temp;
  for (int i = 0; i < 2; i++) {
    Run run (http (origin), temp.path ());
    run.hold (slice);
    run.start ();
    run.wait_bytes (1);
    fail_unless (run.seek (5 * slice, 8 * slice));
    run.hold (size * 10);
    fail_unless (run.finish () == body.substr (5 * slice, 3 * slice));
  }
  auto asked = asked_of (origin);
  auto ranges =
      std::count (asked.begin (), asked.end (), range (5 * slice, 8 * slice));
  fail_unless (ranges == 1, "%td", ranges);
}
GST_END_TEST;

// The same by getrange.
GST_START_TEST (a_hole_is_fetched_for_who_pulls)
{
  std::string body = test::pattern (size);
  HttpServer origin (test::serving (body));
  TempDir temp;
  keep (temp.path (), body, {{0, 2 * slice}, {5 * slice, size}});
  for (int i = 0; i < 2; i++) {
    Run run (http (origin), temp.path (), "pull-mode=single",
        "can-activate-pull=true can-activate-push=false");
    fail_unless (run.play () == body);
    fail_unless_equals_uint64 (
        run.count ("bytes-received"), i == 0 ? 3 * slice : 0);
  }
  assert_ranges (origin, {range (2 * slice, 5 * slice)});
}
GST_END_TEST;

GST_START_TEST (queries_tell_of_what_is_there)
{
  std::string body = test::pattern (size);
  HttpServer origin (test::serving (body));
  TempDir temp;
  keep (temp.path (), body, {{0, 2 * slice}, {12 * slice, size}});
  Run run (http (origin), temp.path ());
  run.hold (slice);
  run.start ();
  run.wait_bytes (slice);
  Owned<GstPad> pad{gst_element_get_static_pad (run.sink (), "sink")};
  gint64 duration = 0;
  fail_unless (
      gst_pad_peer_query_duration (pad.get (), GST_FORMAT_BYTES, &duration));
  fail_unless_equals_int64 (duration, static_cast<gint64> (size));
  Owned<GstQuery> seeking{gst_query_new_seeking (GST_FORMAT_BYTES)};
  fail_unless (gst_pad_peer_query (pad.get (), seeking.get ()));
  gboolean seekable = FALSE;
  gst_query_parse_seeking (
      seeking.get (), nullptr, &seekable, nullptr, nullptr);
  fail_unless (seekable);
  Owned<GstQuery> buffering{gst_query_new_buffering (GST_FORMAT_BYTES)};
  fail_unless (gst_pad_peer_query (pad.get (), buffering.get ()));
  fail_unless_equals_uint64 (
      gst_query_get_n_buffering_ranges (buffering.get ()), 2);
  gint64 start = 0;
  gint64 stop = 0;
  gst_query_parse_nth_buffering_range (buffering.get (), 1, &start, &stop);
  fail_unless_equals_int64 (start, static_cast<gint64> (12 * slice));
  fail_unless_equals_int64 (stop, static_cast<gint64> (size));
  assert_ranges (origin, {});
}
GST_END_TEST;

GST_START_TEST (a_damaged_slice_is_fetched_again)
{
  std::string body = test::pattern (size);
  HttpServer origin (test::serving (body));
  TempDir temp;
  keep (temp.path (), body, {{0, size}});
  for (const auto &entry : fs::recursive_directory_iterator (temp.path ())) {
    if (entry.path ().extension () != ".dat") continue;
    test::Bytes bytes = test::read_file (entry.path ());
    bytes[4096 + 3 * slice + slice / 2] ^= 1;
    test::write_file (entry.path (), bytes);
  }
  {
    Run run (http (origin), temp.path ());
    fail_unless (run.play () == body);
    fail_unless_equals_uint64 (run.count ("corrupt-slices"), 1);
  }
  assert_ranges (origin, {range (3 * slice, 4 * slice)});
  Run run (http (origin), temp.path ());
  fail_unless (run.play () == body);
  assert_ranges (origin, {range (3 * slice, 4 * slice)});
}
GST_END_TEST;

GST_START_TEST (two_resources_are_never_stitched)
{
  std::string body = test::pattern (size);
  std::string other = body;
  std::reverse (other.begin (), other.end ());
  HttpServer origin ([&] (const HttpServer::Request &) {
    return HttpServer::Reply{
        200, other, {{"Accept-Ranges", "bytes"}, {"ETag", "\"b\""}}};
  });
  TempDir temp;
  keep (temp.path (), body, {{0, 2 * slice}});
  {
    Run run (http (origin), temp.path ());
    run.start ();
    Owned<GstMessage> message = run.end ();
    test::assert_error (
        message.get (), GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_READ);
    fail_unless (run.bytes () == body.substr (0, 2 * slice));
    fail_unless (
        test::wait_message (run.pipeline (), GST_MESSAGE_ERROR, 0) == nullptr);
  }
  // Who has pushed nothing gets what there is now.
  TempDir fresh;
  keep (fresh.path (), body, {{slice, size}});
  Run run (http (origin), fresh.path ());
  fail_unless (run.play () == other);
}
GST_END_TEST;

// Both are fed by what is fetched once.
GST_START_TEST (two_branches_make_one_request)
{
  std::string body = test::pattern (size);
  HttpServer origin (test::serving (body));
  TempDir temp;
  keep (temp.path (), body, {{0, 2 * slice}, {5 * slice, 8 * slice}});
  Run run (http (origin), temp.path (), "", "t. ! fakesink sync=false");
  fail_unless (run.play () == body);
  assert_ranges (origin, {range (2 * slice, 5 * slice), range (8 * slice)});
  fail_unless_equals_uint64 (run.count ("bytes-sent"), 2 * size);
}
GST_END_TEST;

GST_START_TEST (what_cannot_be_sought_is_read_up_to_there)
{
  std::string body = test::pattern (size);
  TempDir temp;
  keep (temp.path (), body, {{0, 2 * slice}, {5 * slice, 8 * slice}}, "");
  Run run ("appsrc name=a format=bytes max-bytes=0", temp.path ());
  Owned<GstElement> source{
      gst_bin_get_by_name (GST_BIN (run.pipeline ()), "a")};
  g_object_set (source.get (), "size", gint64{size}, nullptr);
  run.start ();
  for (std::size_t at = 0; at < size; at += 10000) {
    std::string part = body.substr (at, 10000);
    Owned<GstBuffer> buffer = test::buffer (
        {reinterpret_cast<const std::uint8_t *> (part.data ()), part.size ()});
    GstFlowReturn flow = GST_FLOW_ERROR;
    g_signal_emit_by_name (source.get (), "push-buffer", buffer.get (), &flow);
    fail_unless_equals_int (flow, GST_FLOW_OK);
  }
  GstFlowReturn flow = GST_FLOW_ERROR;
  g_signal_emit_by_name (source.get (), "end-of-stream", &flow);
  fail_unless (run.finish () == body);
  fail_unless_equals_uint64 (run.count ("holes-fetched"), 2);
}
GST_END_TEST;

GST_START_TEST (a_part_without_a_source_is_an_error)
{
  std::string body = test::pattern (size);
  TempDir temp;
  keep (temp.path (), body, {{0, 2 * slice}});
  Run run ("", temp.path ());
  run.start ();
  Owned<GstMessage> message = run.end ();
  test::assert_error (
      message.get (), GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_READ);
  fail_unless (run.bytes () == body.substr (0, 2 * slice));
}
GST_END_TEST;

// Its plugin is not among those that tests see, for it would be taken for http
// by whatever plugs by itself.
static bool load_souphttpsrc ()
{
  const char *folder = g_getenv ("RELAY_STOCK_PLUGINS");
  if (folder == nullptr) return false;
  std::string path = std::string (folder) + "/libgstsoup.so";
  GstPlugin *plugin = gst_plugin_load_file (path.c_str (), nullptr);
  if (plugin == nullptr) return false;
  gst_object_unref (plugin);
  Owned<GstElement> made{gst_element_factory_make ("souphttpsrc", nullptr)};
  if (made) gst_object_ref_sink (made.get ());
  return made != nullptr;
}

// It is sent on when its first answer has come.
GST_START_TEST (the_stock_source_is_sought_late)
{
  if (!load_souphttpsrc ()) return;
  std::string body = test::pattern (size);
  HttpServer origin (test::serving (body));
  std::string source = "souphttpsrc retries=0 location=" + origin.uri ("/clip");
  TempDir temp;
  keep (temp.path (), body, {{0, 2 * slice}});
  for (int i = 0; i < 2; i++) {
    Run run (source, temp.path ());
    fail_unless (run.play () == body);
  }
  assert_ranges (origin, {"", range (2 * slice)});
  TempDir other;
  keep (other.path (), body, {{0, size}});
  grow_old (other.path ());
  Run run (source, other.path (), "ttl=0");
  fail_unless (run.play () == body);
  fail_unless (run.status () == "revalidated ", "%s", run.status ().c_str ());
  assert_ranges (origin, {"", range (2 * slice), ""});
}
GST_END_TEST;

GST_START_TEST (it_stops_at_any_moment)
{
  std::string body = test::pattern (size);
  HttpServer origin (test::serving (body));
  for (unsigned round = 0; round < 12; round++) {
    TempDir temp;
    if (round % 3 != 0)
      keep (temp.path (), body, {{slice, 3 * slice}, {5 * slice, 6 * slice}});
    Run run (http (origin), temp.path ());
    run.start ();
    if (round % 4 != 0) run.wait_bytes (1 + round * slice / 2);
    auto before = std::chrono::steady_clock::now ();
    run.stop ();
    fail_unless (std::chrono::steady_clock::now () - before < 10s);
  }
}
GST_END_TEST;

static Suite *cachetee_bytes_suite ()
{
  Suite *suite = suite_create ("cachetee-bytes");
  TCase *tcase = tcase_create ("general");
  suite_add_tcase (suite, tcase);
  tcase_add_test (tcase, a_whole_hit_asks_for_nothing);
  tcase_add_test (tcase, only_what_is_missing_is_fetched);
  tcase_add_test (tcase, a_hole_at_the_beginning_is_fetched);
  tcase_add_test (tcase, a_file_is_read_where_it_is_missing);
  tcase_add_test (tcase, what_was_cut_is_kept);
  tcase_add_test (tcase, a_seek_keeps_the_recording);
  tcase_add_test (tcase, two_that_start_together_make_one_request);
  tcase_add_test (tcase, who_begins_late_makes_no_request);
  tcase_add_test (tcase, who_comes_late_reads_what_is_written);
  tcase_add_test (tcase, who_is_paused_holds_up_nobody);
  tcase_add_test (tcase, a_part_that_is_not_to_be_kept_is_not);
  tcase_add_test (tcase, when_who_fills_it_goes_another_goes_on);
  tcase_add_test (tcase, what_is_too_old_is_checked_by_one_request);
  tcase_add_test (tcase, what_is_too_old_is_never_served_by_write_only);
  tcase_add_test (tcase, what_has_changed_is_another_generation);
  tcase_add_test (tcase, in_its_grace_it_is_served_while_it_is_checked);
  tcase_add_test (tcase, a_seek_on_a_hit_is_served);
  tcase_add_test (tcase, a_seek_into_a_hole_fetches_it);
  tcase_add_test (tcase, a_range_is_fetched_in_whole_slices);
  tcase_add_test (tcase, a_part_that_is_recorded_is_not_fetched_again);
  tcase_add_test (tcase, a_hole_is_fetched_for_who_pulls);
  tcase_add_test (tcase, queries_tell_of_what_is_there);
  tcase_add_test (tcase, a_damaged_slice_is_fetched_again);
  tcase_add_test (tcase, two_resources_are_never_stitched);
  tcase_add_test (tcase, two_branches_make_one_request);
  tcase_add_test (tcase, what_cannot_be_sought_is_read_up_to_there);
  tcase_add_test (tcase, a_part_without_a_source_is_an_error);
  tcase_add_test (tcase, the_stock_source_is_sought_late);
  tcase_add_test (tcase, it_stops_at_any_moment);
  return suite;
}

GST_CHECK_MAIN (cachetee_bytes)

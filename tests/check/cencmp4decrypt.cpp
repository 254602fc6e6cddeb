// SPDX-License-Identifier: LGPL-2.1-or-later
#include <unistd.h>

#include <mutex>

#include "mutations.h"
#include "sanitized.h"
#include "testmp4.h"
#include "testprogressive.h"
#include "vectors.h"

namespace {

using relay::Owned;
using test::Bytes;
using test::TestFile;
using test::TestTrack;
using test::TestTraf;
using test::operator+;

#define KID "eb676abbcb345e96bbcf616630f1a3da"
#define KEY "100b6c20940f779a4589152b57d2dacb"

TestTrack track (std::string_view scheme)
{
  return test::video_track (scheme, test::block (KEY), test::block (KID));
}

TestFile make_file (const TestTrack &one)
{
  TestTraf what;
  what.track = &one;
  what.runs = {test::video_samples ({500, 300, 9000})};
  TestFile file;
  file.add_movie ({one});
  file.add_fragment ({what});
  file.add_fragment ({what});
  return file;
}

GstHarness *make_harness (GstFormat format)
{
  GstElement *element = gst_element_factory_make ("cencmp4decrypt", nullptr);
  g_object_set (element, "keys", KID ":" KEY, nullptr);
  GstHarness *harness = gst_harness_new_with_element (element, "sink", "src");
  gst_object_unref (element);
  gst_harness_push_event (harness, gst_event_new_stream_start ("test"));
  gst_harness_push_event (harness,
      gst_event_new_caps (
          Owned<GstCaps> (gst_caps_new_empty_simple ("video/quicktime"))
              .get ()));
  GstSegment segment;
  gst_segment_init (&segment, format);
  gst_harness_push_event (harness, gst_event_new_segment (&segment));
  return harness;
}

// Bytes of a resource as buffers of a size, with OFFSET as sources give it.
GstFlowReturn push (GstHarness *harness, const Bytes &bytes, std::size_t step,
    std::size_t offset = 0, GstClockTime pts = GST_CLOCK_TIME_NONE,
    guint first_flags = 0, guint other_flags = 0)
{
  GstFlowReturn flow = GST_FLOW_OK;
  for (std::size_t at = 0; at < bytes.size () && flow == GST_FLOW_OK;
       at += step) {
    Owned<GstBuffer> buffer = test::buffer (
        std::span (bytes).subspan (at, std::min (step, bytes.size () - at)));
    GST_BUFFER_OFFSET (buffer.get ()) = offset + at;
    if (at == 0) GST_BUFFER_PTS (buffer.get ()) = pts;
    GST_BUFFER_FLAG_SET (buffer.get (), at == 0 ? first_flags : other_flags);
    flow = gst_harness_push (harness, buffer.release ());
  }
  return flow;
}

struct Received
{
  Bytes bytes;
  std::vector<Owned<GstBuffer>> buffers;
};

Received receive (GstHarness *harness)
{
  Received out;
  while (GstBuffer *buffer = gst_harness_try_pull (harness)) {
    out.bytes = out.bytes + test::bytes_of (buffer);
    out.buffers.emplace_back (buffer);
  }
  return out;
}

// The harness's element has no bus of its own.
Owned<GstBus> watch (GstHarness *harness)
{
  Owned<GstBus> bus{gst_bus_new ()};
  gst_element_set_bus (harness->element, bus.get ());
  return bus;
}

// All messages of a type so far; those of others go.
std::vector<Owned<GstMessage>> pop (GstBus *bus, int types)
{
  std::vector<Owned<GstMessage>> out;
  while (GstMessage *message =
             gst_bus_pop_filtered (bus, static_cast<GstMessageType> (types)))
    out.emplace_back (message);
  return out;
}

// The one error or warning that there is.
Owned<GstMessage> only_error (GstBus *bus, GQuark domain, int code)
{
  auto messages = pop (bus, GST_MESSAGE_ERROR | GST_MESSAGE_WARNING);
  fail_unless_equals_int (static_cast<int> (messages.size ()), 1);
  test::assert_error (messages[0].get (), domain, code);
  return std::move (messages[0]);
}

std::string text_of (GstMessage *message)
{
  GError *raw_error = nullptr;
  gchar *raw_debug = nullptr;
  gst_message_parse_error (message, &raw_error, &raw_debug);
  Owned<GError> error{raw_error};
  Owned<gchar> debug{raw_debug};
  return std::string (error->message) + "\n" + debug.get ();
}

bool contains (const std::string &text, const char *part)
{
  return text.find (part) != std::string::npos;
}

void end (GstHarness *harness)
{
  gst_element_set_bus (harness->element, nullptr);
  gst_harness_teardown (harness);
}

void collect (GstElement *, GstBuffer *buffer, GstPad *, Bytes *out)
{
  // Another thread may go on where one ended.
  static std::mutex mutex;
  std::lock_guard<std::mutex> guard (mutex);
  *out = *out + test::bytes_of (buffer);
}

// All bytes that come out of a pipeline up to EOS, without an error.
Bytes play (const std::string &line)
{
  GError *error = nullptr;
  Owned<GstElement> pipeline{gst_parse_launch (
      (line + " ! fakesink name=sink signal-handoffs=true").c_str (), &error)};
  fail_unless (error == nullptr, "%s", error != nullptr ? error->message : "");
  Owned<GstElement> sink{
      gst_bin_get_by_name (GST_BIN (pipeline.get ()), "sink")};
  Bytes out;
  g_signal_connect (sink.get (), "handoff", G_CALLBACK (collect), &out);
  gst_element_set_state (pipeline.get (), GST_STATE_PLAYING);
  Owned<GstMessage> message =
      test::wait_message (pipeline.get (), GST_MESSAGE_ERROR | GST_MESSAGE_EOS);
  fail_unless (message != nullptr);
  fail_unless (GST_MESSAGE_TYPE (message.get ()) == GST_MESSAGE_EOS);
  gst_element_set_state (pipeline.get (), GST_STATE_NULL);
  return out;
}

}  // namespace

GST_START_TEST (byte_stream)
{
  for (const char *scheme : {"cenc", "cbcs"}) {
    TestFile file = make_file (track (scheme));
    for (std::size_t step : {31u, 4096u, 1u << 20}) {
      GstHarness *harness = make_harness (GST_FORMAT_BYTES);
      fail_unless (push (harness, file.encrypted, step) == GST_FLOW_OK);
      Received received = receive (harness);
      fail_unless (received.bytes == file.clear);
      std::uint64_t offset = 0;
      for (const Owned<GstBuffer> &buffer : received.buffers) {
        fail_unless (GST_BUFFER_OFFSET (buffer.get ()) == offset);
        offset += gst_buffer_get_size (buffer.get ());
        fail_unless (GST_BUFFER_OFFSET_END (buffer.get ()) == offset);
      }
      fail_unless (test::stat (harness->element, "samples") == 6);
      fail_unless (test::stat (harness->element, "samples-decrypted") == 6);
      fail_unless (test::stat (harness->element, "samples-clear") == 0);
      fail_unless (test::stat (harness->element, "fragments") == 2);
      fail_unless (
          test::stat (harness->element, "bytes") == file.encrypted.size ());
      fail_unless (
          test::stat (harness->element, "bytes-decrypted") == 2 * 9800);
      Owned<GstCaps> caps{gst_pad_get_current_caps (harness->sinkpad)};
      fail_unless (gst_structure_has_name (
          gst_caps_get_structure (caps.get (), 0), "video/quicktime"));
      end (harness);
    }
  }
}
GST_END_TEST;

// As adaptivesrc sends them: an init segment with HEADER, fragments with a
// timestamp at their start and DELTA_UNIT after it, OFFSET anew in each.
GST_START_TEST (time_segments)
{
  TestTrack one = track ("cbcs");
  TestFile file;
  file.add_movie ({one});
  Bytes init = file.encrypted, clear_init = file.clear;
  TestTraf what;
  what.track = &one;
  what.runs = {test::video_samples ({500, 3000, 700})};
  auto in = test::Mp4Writer (false).fragment ({what}, 0);
  auto out = test::Mp4Writer (true).fragment ({what}, 0);
  Bytes segment = in.moof + in.mdat;
  Bytes clear = clear_init + out.moof + out.mdat + out.moof + out.mdat;

  for (std::size_t step : {1u, 1000u, 1u << 20}) {
    GstHarness *harness = make_harness (GST_FORMAT_TIME);
    push (harness, init, step, 0, GST_CLOCK_TIME_NONE, GST_BUFFER_FLAG_HEADER,
        GST_BUFFER_FLAG_HEADER);
    for (GstClockTime pts :
        {GstClockTime{GST_SECOND}, 2 * GstClockTime{GST_SECOND}})
      push (harness, segment, step, 0, pts, 0, GST_BUFFER_FLAG_DELTA_UNIT);
    Received received = receive (harness);
    fail_unless (received.bytes == clear);
    std::size_t at = 0;
    for (const Owned<GstBuffer> &buffer : received.buffers) {
      bool is_header = at < init.size ();
      std::size_t offset =
          is_header ? at : (at - init.size ()) % segment.size ();
      fail_unless (GST_BUFFER_OFFSET (buffer.get ()) == offset);
      bool is_start = !is_header && offset == 0;
      GstClockTime pts = at == init.size () ? GST_SECOND : 2 * GST_SECOND;
      fail_unless (GST_BUFFER_PTS (buffer.get ()) ==
                   (is_start ? pts : GST_CLOCK_TIME_NONE));
      fail_unless (GST_BUFFER_FLAG_IS_SET (
                       buffer.get (), GST_BUFFER_FLAG_HEADER) == is_header);
      fail_unless (
          GST_BUFFER_FLAG_IS_SET (buffer.get (), GST_BUFFER_FLAG_DELTA_UNIT) ==
          (!is_header && !is_start));
      at += gst_buffer_get_size (buffer.get ());
    }
    end (harness);
  }
}
GST_END_TEST;

// Held back bytes do not carry a timestamp over to other bytes: one that
// comes in mid-stream stays at its byte.
GST_START_TEST (timestamps_stay_at_their_byte)
{
  TestFile file = make_file (track ("cenc"));
  GstHarness *harness = make_harness (GST_FORMAT_BYTES);
  std::size_t last = file.encrypted.size () - 50;  // in the last sample
  std::size_t middle = last - 9200;                // in the one before it
  auto piece = [&] (std::size_t from, std::size_t to) {
    return Bytes (file.encrypted.begin () + static_cast<std::ptrdiff_t> (from),
        file.encrypted.begin () + static_cast<std::ptrdiff_t> (to));
  };
  push (harness, piece (0, middle), 1 << 20, 0, 1);
  push (harness, piece (middle, last), 1 << 20, middle, 2);
  push (harness, piece (last, file.encrypted.size ()), 1 << 20, last, 3);
  Received received = receive (harness);
  fail_unless (received.bytes == file.clear);
  for (const Owned<GstBuffer> &buffer : received.buffers) {
    std::size_t offset = GST_BUFFER_OFFSET (buffer.get ());
    GstClockTime expected = offset == 0        ? 1
                            : offset == middle ? 2
                            : offset == last   ? 3
                                               : GST_CLOCK_TIME_NONE;
    fail_unless (GST_BUFFER_PTS (buffer.get ()) == expected);
  }
  fail_unless_equals_int (static_cast<int> (received.buffers.size ()), 5);
  end (harness);
}
GST_END_TEST;

namespace {

struct Part
{
  Bytes bytes;
  std::uint64_t offset;
  GstClockTime pts;
  guint flags;
};

}  // namespace

// HEADER and DELTA_UNIT too: what is not cut where input was does not get
// those of the buffer before it.
GST_START_TEST (flags_stay_at_their_byte)
{
  constexpr guint kinds = GST_BUFFER_FLAG_HEADER | GST_BUFFER_FLAG_DELTA_UNIT;
  constexpr GstClockTime none = GST_CLOCK_TIME_NONE;
  TestTrack one = track ("cenc");
  Bytes init = test::Mp4Writer (false).movie ({one});
  TestTraf what;
  what.track = &one;
  what.runs = {test::video_samples ({500, 300, 900})};
  auto media = test::Mp4Writer (false).fragment ({what}, 0);
  Bytes segment = media.moof + media.mdat;
  const std::vector<Part> streams[] = {
      // one resource, and another one for each segment
      {{init, 0, none, GST_BUFFER_FLAG_HEADER},
          {segment, init.size (), none, 0},
          {segment, init.size () + segment.size (), none, 0}},
      {{init, 0, none, GST_BUFFER_FLAG_HEADER}, {segment, 0, none, 0},
          {segment, 0, none, GST_BUFFER_FLAG_DELTA_UNIT},
          {segment, 0, none, 0}},
      // without OFFSET
      {{init, GST_BUFFER_OFFSET_NONE, none, GST_BUFFER_FLAG_HEADER},
          {media.moof, GST_BUFFER_OFFSET_NONE, none, GST_BUFFER_FLAG_DISCONT},
          {media.mdat, GST_BUFFER_OFFSET_NONE, none, 0}},
      {{init, 0, 0, 0}, {segment, init.size (), none, 0},
          {segment, init.size () + segment.size (), none,
              GST_BUFFER_FLAG_DELTA_UNIT}},
      {{init, 0, none, kinds},
          {media.moof, 0, none, GST_BUFFER_FLAG_DELTA_UNIT},
          {media.mdat, media.moof.size (), none, 0}},
  };
  for (GstFormat format : {GST_FORMAT_BYTES, GST_FORMAT_TIME}) {
    for (const std::vector<Part> &stream : streams) {
      GstHarness *harness = make_harness (format);
      std::vector<std::size_t> starts;
      std::size_t size = 0;
      for (const Part &part : stream) {
        Owned<GstBuffer> buffer = test::buffer (part.bytes);
        GST_BUFFER_OFFSET (buffer.get ()) = part.offset;
        GST_BUFFER_PTS (buffer.get ()) = part.pts;
        GST_BUFFER_FLAG_SET (buffer.get (), part.flags);
        fail_unless (
            gst_harness_push (harness, buffer.release ()) == GST_FLOW_OK);
        starts.push_back (size);
        size += part.bytes.size ();
      }
      std::size_t at = 0, part = 0, started = 0;
      for (const Owned<GstBuffer> &buffer : receive (harness).buffers) {
        while (part + 1 < starts.size () && starts[part + 1] <= at) part++;
        guint expected = stream[part].flags & kinds;
        bool is_start = starts[part] == at;
        started += is_start ? 1 : 0;
        // What goes on from a start, where buffers have times.
        if (!is_start && format == GST_FORMAT_TIME && expected == 0)
          expected = GST_BUFFER_FLAG_DELTA_UNIT;
        fail_unless_equals_int (
            static_cast<int> (GST_BUFFER_FLAGS (buffer.get ()) & kinds),
            static_cast<int> (expected));
        at += gst_buffer_get_size (buffer.get ());
      }
      fail_unless (at == size);
      // In BYTES what starts nothing need not begin a buffer.
      if (format == GST_FORMAT_TIME) fail_unless (started == starts.size ());
      end (harness);
    }
  }
}
GST_END_TEST;

// In one stream, with another key, scheme and sample entries; in BYTES and
// TIME, with OFFSET and with DISCONT.
GST_START_TEST (init_in_mid_stream)
{
  TestTrack other = track ("cbcs");
  other.kid = test::block ("01");
  other.scheme.key = test::block ("02");
  TestTrack clear = track ("cenc");
  clear.is_encrypted = false;
  // Nothing of a clear file is changed.
  TestFile unchanged = make_file (clear);
  unchanged.clear = unchanged.encrypted;
  std::vector<TestFile> files = {make_file (track ("cenc")), make_file (other),
      unchanged, make_file (track ("cbcs"))};
  for (GstFormat format : {GST_FORMAT_BYTES, GST_FORMAT_TIME}) {
    for (int how = 0; how < 3; how++) {
      GstHarness *harness = make_harness (format);
      gboolean added = FALSE;
      g_signal_emit_by_name (harness->element, "add-key",
          "01000000000000000000000000000000",
          "02000000000000000000000000000000", &added);
      fail_unless (added);
      Bytes expected;
      std::size_t offset = 0;
      for (const TestFile &file : files) {
        if (how == 2) {  // without OFFSET
          Owned<GstBuffer> buffer = test::buffer (file.encrypted);
          GST_BUFFER_FLAG_SET (buffer.get (), GST_BUFFER_FLAG_DISCONT);
          fail_unless (
              gst_harness_push (harness, buffer.release ()) == GST_FLOW_OK);
        } else {  // anew in each, or all one resource
          fail_unless (push (harness, file.encrypted, 777,
                           how == 0 ? 0 : offset) == GST_FLOW_OK);
        }
        offset += file.encrypted.size ();
        expected = expected + file.clear;
      }
      fail_unless (receive (harness).bytes == expected, "%s, %d",
          gst_format_get_name (format), how);
      fail_unless (test::stat (harness->element, "samples-decrypted") == 18);
      fail_unless (test::stat (harness->element, "boxes-cut") == 0);
      end (harness);
    }
  }
}
GST_END_TEST;

// Whatever box is wrong, it is told: by one error, or by a warning at the end
// where bytes are missing; or no byte is missing.
GST_START_TEST (boxes_out_of_place)
{
  std::vector<test::Named> files = test::files_to_mutate ();
  std::size_t errors = 0, warnings = 0, whole = 0;
  for (std::size_t i : {std::size_t{0}, std::size_t{1}, files.size () - 1}) {
    std::size_t number = 0;
    test::mutate_boxes (files[i].bytes, [&] (const Bytes &bytes) {
      if (number++ % 4 != 0) return;
      GstHarness *harness = make_harness (GST_FORMAT_BYTES);
      Owned<GstBus> bus = watch (harness);
      gboolean added = FALSE;
      g_signal_emit_by_name (harness->element, "add-key", test::kid2_digits,
          test::key2_digits, &added);
      GstFlowReturn flow = push (harness, bytes, 1500);
      gst_harness_push_event (harness, gst_event_new_eos ());
      std::size_t size = receive (harness).bytes.size ();
      auto messages = pop (bus.get (), GST_MESSAGE_ERROR | GST_MESSAGE_WARNING);
      if (flow == GST_FLOW_ERROR) {
        fail_unless (messages.size () == 1);
        fail_unless (
            GST_MESSAGE_TYPE (messages[0].get ()) == GST_MESSAGE_ERROR);
        errors++;
      } else if (!messages.empty ()) {
        fail_unless (flow == GST_FLOW_OK && messages.size () == 1);
        fail_unless (
            GST_MESSAGE_TYPE (messages[0].get ()) == GST_MESSAGE_WARNING);
        warnings++;
      } else {
        fail_unless (flow == GST_FLOW_OK && size == bytes.size ());
        whole++;
      }
      end (harness);
    });
  }
  fail_unless (errors > 50 && warnings > 0 && whole > 50, "%zu %zu %zu", errors,
      warnings, whole);
}
GST_END_TEST;

namespace {

// Of this process, in bytes.
std::size_t resident_size ()
{
  std::ifstream statm ("/proc/self/statm");
  std::size_t all = 0, resident = 0;
  statm >> all >> resident;
  return resident * static_cast<std::size_t> (sysconf (_SC_PAGESIZE));
}

}  // namespace

// As many fragments as an hour of a stream has, with a pssh in each: 200 MB.
GST_START_TEST (memory_does_not_grow)
{
  if (test::is_sanitized ()) return;  // they keep what is freed
  TestTrack one = track ("cenc");
  TestTraf what;
  what.track = &one;
  std::vector<test::TestSample> samples;
  for (int i = 0; i < 40; i++)
    samples.push_back ({test::noise (5000), {{{100, 4900}}}});
  what.runs = {samples};
  test::Mp4Writer writer (false);
  Bytes init = writer.movie ({one});
  auto fragment = writer.fragment ({what}, 0, writer.pssh ());
  Bytes segment = fragment.moof + fragment.mdat;
  GstHarness *harness = make_harness (GST_FORMAT_BYTES);
  gst_harness_set_drop_buffers (harness, TRUE);
  push (harness, init, init.size ());
  std::size_t before = 0, count = (std::size_t{200} << 20) / segment.size ();
  for (std::size_t i = 0; i < count; i++) {
    if (i == count / 10) before = resident_size ();
    fail_unless (push (harness, segment, 65536) == GST_FLOW_OK);
  }
  std::size_t after = resident_size ();
  fail_unless (before > 0 && after < before + (std::size_t{4} << 20),
      "from %zu to %zu", before, after);
  fail_unless (
      test::stat (harness->element, "samples-decrypted") == 40 * count);
  end (harness);
}
GST_END_TEST;

GST_START_TEST (seeking_is_push_only)
{
  GstHarness *harness = make_harness (GST_FORMAT_BYTES);
  GstPad *peer = gst_pad_get_peer (harness->sinkpad);
  Owned<GstPad> src{peer};
  Owned<GstQuery> scheduling{gst_query_new_scheduling ()};
  fail_unless (gst_pad_query (src.get (), scheduling.get ()));
  fail_unless (
      gst_query_has_scheduling_mode (scheduling.get (), GST_PAD_MODE_PUSH));
  fail_if (
      gst_query_has_scheduling_mode (scheduling.get (), GST_PAD_MODE_PULL));
  Owned<GstQuery> seeking{gst_query_new_seeking (GST_FORMAT_BYTES)};
  fail_unless (gst_pad_query (src.get (), seeking.get ()));
  gboolean seekable = TRUE;
  gst_query_parse_seeking (
      seeking.get (), nullptr, &seekable, nullptr, nullptr);
  fail_if (seekable);
  fail_if (gst_pad_send_event (src.get (),
      gst_event_new_seek (1.0, GST_FORMAT_BYTES, GST_SEEK_FLAG_FLUSH,
          GST_SEEK_TYPE_SET, 100, GST_SEEK_TYPE_NONE, -1)));
  end (harness);
}
GST_END_TEST;

GST_START_TEST (flush_begins_anew)
{
  TestFile file = make_file (track ("cenc"));
  GstHarness *harness = make_harness (GST_FORMAT_BYTES);
  Bytes half (file.encrypted.begin (),
      file.encrypted.begin () +
          static_cast<std::ptrdiff_t> (file.encrypted.size () / 2));
  push (harness, half, 1000);
  gst_harness_push_event (harness, gst_event_new_flush_start ());
  gst_harness_push_event (harness, gst_event_new_flush_stop (TRUE));
  GstSegment segment;
  gst_segment_init (&segment, GST_FORMAT_BYTES);
  gst_harness_push_event (harness, gst_event_new_segment (&segment));
  receive (harness);
  push (harness, file.encrypted, 1000);
  fail_unless (receive (harness).bytes == file.clear);
  fail_unless (test::stat (harness->element, "boxes-cut") == 0);
  end (harness);
}
GST_END_TEST;

// What is left of a cut box is dropped, with one warning.
GST_START_TEST (end_inside_a_box)
{
  TestFile file = make_file (track ("cenc"));
  GstHarness *harness = make_harness (GST_FORMAT_BYTES);
  Owned<GstBus> bus = watch (harness);
  Bytes cut (file.encrypted.begin (), file.encrypted.end () - 100);
  fail_unless (push (harness, cut, 1000) == GST_FLOW_OK);
  gst_harness_push_event (harness, gst_event_new_eos ());
  Owned<GstMessage> warning =
      only_error (bus.get (), GST_STREAM_ERROR, GST_STREAM_ERROR_DEMUX);
  fail_unless (GST_MESSAGE_TYPE (warning.get ()) == GST_MESSAGE_WARNING);
  Bytes received = receive (harness).bytes;
  fail_unless (received.size () == file.clear.size () - 9000);
  fail_unless (
      std::equal (received.begin (), received.end (), file.clear.begin ()));
  fail_unless (test::stat (harness->element, "boxes-cut") == 1);
  end (harness);
}
GST_END_TEST;

// A resource that breaks off: warned about, and the next one is taken.
GST_START_TEST (resource_breaks_off)
{
  TestFile file = make_file (track ("cenc"));
  for (bool has_offset : {true, false}) {
    GstHarness *harness = make_harness (GST_FORMAT_BYTES);
    Owned<GstBus> bus = watch (harness);
    Bytes cut (file.encrypted.begin (), file.encrypted.end () - 100);
    push (harness, cut, 1000);
    receive (harness);
    Owned<GstBuffer> whole = test::buffer (file.encrypted);
    if (has_offset)
      GST_BUFFER_OFFSET (whole.get ()) = 0;
    else
      GST_BUFFER_FLAG_SET (whole.get (), GST_BUFFER_FLAG_DISCONT);
    fail_unless (gst_harness_push (harness, whole.release ()) == GST_FLOW_OK);
    Received received = receive (harness);
    fail_unless (received.bytes == file.clear);
    fail_unless (GST_BUFFER_IS_DISCONT (received.buffers[0].get ()));
    only_error (bus.get (), GST_STREAM_ERROR, GST_STREAM_ERROR_DEMUX);
    end (harness);
  }
}
GST_END_TEST;

namespace {

void begin_stream (GstHarness *harness)
{
  gst_harness_push_event (harness, gst_event_new_stream_start ("next"));
  GstSegment segment;
  gst_segment_init (&segment, GST_FORMAT_BYTES);
  gst_harness_push_event (harness, gst_event_new_segment (&segment));
}

GstFlowReturn enough (GstPad *, GstObject *, GstBuffer *buffer)
{
  gst_buffer_unref (buffer);
  return GST_FLOW_EOS;
}

}  // namespace

// Too few zeros for a box, at EOS and before the next resource.
GST_START_TEST (zeros_behind_the_last_box)
{
  TestFile file = make_file (track ("cenc"));
  GstHarness *harness = make_harness (GST_FORMAT_BYTES);
  Owned<GstBus> bus = watch (harness);
  Bytes zeros (5);
  for (int i = 0; i < 2; i++)
    fail_unless (push (harness, file.encrypted + zeros, 1000) == GST_FLOW_OK);
  gst_harness_push_event (harness, gst_event_new_eos ());
  Received received = receive (harness);
  fail_unless (received.bytes == file.clear + zeros + file.clear + zeros);
  std::size_t at = 0;
  for (const Owned<GstBuffer> &buffer : received.buffers) {
    fail_unless (GST_BUFFER_OFFSET (buffer.get ()) ==
                 at % (file.clear.size () + zeros.size ()));
    at += gst_buffer_get_size (buffer.get ());
  }
  fail_unless (pop (bus.get (), GST_MESSAGE_WARNING).empty ());
  fail_unless (test::stat (harness->element, "boxes-cut") == 0);
  end (harness);
}
GST_END_TEST;

// Told at EOS, and not again when the next file comes.
GST_START_TEST (file_after_a_cut_one)
{
  TestFile file = make_file (track ("cenc"));
  for (bool has_offset : {true, false}) {
    GstHarness *harness = make_harness (GST_FORMAT_BYTES);
    Owned<GstBus> bus = watch (harness);
    push (harness, Bytes (file.encrypted.begin (), file.encrypted.end () - 100),
        1000);
    gst_harness_push_event (harness, gst_event_new_eos ());
    receive (harness);
    begin_stream (harness);
    Owned<GstBuffer> whole = test::buffer (file.encrypted);
    if (has_offset) GST_BUFFER_OFFSET (whole.get ()) = 0;
    fail_unless (gst_harness_push (harness, whole.release ()) == GST_FLOW_OK);
    gst_harness_push_event (harness, gst_event_new_eos ());
    Received received = receive (harness);
    fail_unless (received.bytes == file.clear);
    fail_unless (GST_BUFFER_OFFSET (received.buffers[0].get ()) == 0);
    fail_unless (GST_BUFFER_IS_DISCONT (received.buffers[0].get ()));
    only_error (bus.get (), GST_STREAM_ERROR, GST_STREAM_ERROR_DEMUX);
    fail_unless (test::stat (harness->element, "boxes-cut") == 1);
    end (harness);
  }
}
GST_END_TEST;

// Who is behind has had enough: nothing is lost that somebody wants.
GST_START_TEST (ended_from_behind)
{
  TestFile file = make_file (track ("cenc"));
  GstHarness *harness = make_harness (GST_FORMAT_BYTES);
  Owned<GstBus> bus = watch (harness);
  gst_pad_set_chain_function (harness->sinkpad, enough);
  fail_unless (push (harness, file.encrypted, 1000) == GST_FLOW_EOS);
  gst_harness_push_event (harness, gst_event_new_eos ());
  fail_unless (pop (bus.get (), GST_MESSAGE_WARNING).empty ());
  fail_unless (test::stat (harness->element, "boxes-cut") == 0);
  end (harness);
}
GST_END_TEST;

GST_START_TEST (eos_before_any_data)
{
  GstHarness *harness = make_harness (GST_FORMAT_BYTES);
  Owned<GstBus> bus = watch (harness);
  fail_unless (gst_harness_push_event (harness, gst_event_new_eos ()));
  auto messages = pop (bus.get (), GST_MESSAGE_ELEMENT | GST_MESSAGE_WARNING);
  fail_unless_equals_int (static_cast<int> (messages.size ()), 1);
  fail_unless (
      gst_message_has_name (messages[0].get (), "cencmp4decrypt-stats"));
  end (harness);
}
GST_END_TEST;

GST_START_TEST (stats_message_at_eos)
{
  TestFile file = make_file (track ("cenc"));
  GstHarness *harness = make_harness (GST_FORMAT_BYTES);
  Owned<GstBus> bus = watch (harness);
  push (harness, file.encrypted, 1000);
  gst_harness_push_event (harness, gst_event_new_eos ());
  auto messages = pop (bus.get (), GST_MESSAGE_ELEMENT);
  fail_unless_equals_int (static_cast<int> (messages.size ()), 1);
  GstStructure *raw = nullptr;
  g_object_get (harness->element, "stats", &raw, nullptr);
  Owned<GstStructure> stats{raw};
  fail_unless (gst_structure_is_equal (
      gst_message_get_structure (messages[0].get ()), stats.get ()));
  end (harness);
}
GST_END_TEST;

namespace {

struct Bad
{
  const char *what;
  Bytes bytes;
  GQuark domain;
  int code;
};

test::Progressive progressive (const TestTrack &one, test::Layout layout = {})
{
  return {{one}, {{0, test::video_samples ({500, 300})}}, std::move (layout)};
}

// As cameras and muxers write it that do not go back: what is to be known of
// the samples comes behind them.
Bytes media_first ()
{
  TestTrack one = track ("cenc");
  Bytes file = progressive (one).write (false);
  std::size_t media = 8 + 500 + 300;
  Bytes ftyp (file.begin (), file.begin () + 20);
  fail_unless (test::read_u32 (ftyp, 0) == ftyp.size ());
  auto mdat = file.end () - static_cast<std::ptrdiff_t> (media);
  return ftyp + Bytes (mdat, file.end ()) + Bytes (file.begin () + 20, mdat);
}

// Groups in the compact form (14496-12 8.9.5): which sample has which key
// cannot be known without.
Bytes compact_groups (bool is_fragmented)
{
  Bytes csgp = test::full_box (
      "csgp", 0, 0, test::Fields ().text ("seig").u32 (1).u32 (3).u32 (0x11));
  TestTrack one = track ("cenc");
  if (!is_fragmented) {
    test::Layout layout;
    layout.protection = csgp;
    return progressive (one, layout).write (false);
  }
  TestTraf what;
  what.track = &one;
  what.runs = {test::video_samples ({500, 300, 9000})};
  what.extra = csgp;
  TestFile file;
  file.add_movie ({one});
  file.add_fragment ({what});
  return file.encrypted;
}

}  // namespace

GST_START_TEST (errors)
{
  TestTrack no_key = track ("cenc");
  no_key.kid[0] ^= 1;
  TestTrack unknown = track ("cenc");
  unknown.scheme.name = "abcd";
  TestFile wrong = make_file (track ("cenc"));
  // BytesOfProtectedData of the first subsample
  std::string_view senc = "senc";
  auto at = std::search (wrong.encrypted.begin (), wrong.encrypted.end (),
      senc.begin (), senc.end ());
  at[4 + 8 + 8 + 2 + 2 + 3] ^= 1;
  const Bad rows[] = {
      {"no key", make_file (no_key).encrypted, GST_STREAM_ERROR,
          GST_STREAM_ERROR_DECRYPT_NOKEY},
      {"unknown scheme", make_file (unknown).encrypted, GST_STREAM_ERROR,
          GST_STREAM_ERROR_DECRYPT},
      {"wrong subsamples", wrong.encrypted, GST_STREAM_ERROR,
          GST_STREAM_ERROR_DECRYPT},
      {"a text", Bytes (1000, 'x'), GST_STREAM_ERROR,
          GST_STREAM_ERROR_WRONG_TYPE},
      {"a broken moov", test::box ("moov", Bytes (9)), GST_STREAM_ERROR,
          GST_STREAM_ERROR_DEMUX},
      {"samples before moov", media_first (), GST_STREAM_ERROR,
          GST_STREAM_ERROR_DECRYPT},
      {"csgp in a fragment", compact_groups (true), GST_STREAM_ERROR,
          GST_STREAM_ERROR_DECRYPT},
      {"csgp in moov", compact_groups (false), GST_STREAM_ERROR,
          GST_STREAM_ERROR_DECRYPT},
  };
  for (const Bad &row : rows) {
    GstHarness *harness = make_harness (GST_FORMAT_BYTES);
    Owned<GstBus> bus = watch (harness);
    fail_unless (
        push (harness, row.bytes, 1000) == GST_FLOW_ERROR, "%s", row.what);
    // More data make no second error.
    fail_unless (push (harness, row.bytes, 1000) == GST_FLOW_ERROR);
    only_error (bus.get (), row.domain, row.code);
    end (harness);
  }
}
GST_END_TEST;

// pssh of both versions, in moov and in moof, become free space, and make
// nothing else different.
GST_START_TEST (pssh_everywhere)
{
  Bytes system = test::hex ("1077efecc0b24d02ace33c1e52e2fb4b");
  Bytes psshs =
      test::full_box (
          "pssh", 0, 0, test::Fields ().put (system).u32 (3).u (3, 0xabcdef)) +
      test::full_box ("pssh", 1, 0,
          test::Fields ().put (system).u32 (1).put (test::hex (KID)).u32 (0)) +
      // Cut, and of a version to come: nobody needs what is in them.
      test::full_box ("pssh", 1, 0, test::Fields ().put (system).u32 (9)) +
      test::full_box ("pssh", 7, 0, test::Fields ());
  TestTrack one = track ("cbcs");
  TestTraf what;
  what.track = &one;
  what.runs = {test::video_samples ({500, 300, 9000})};
  TestFile file;
  file.add_movie ({one});
  for (Bytes *bytes : {&file.encrypted, &file.clear}) {
    // moov is last.
    std::uint32_t size = test::read_u32 (*bytes, 20);
    fail_unless (bytes->size () == 20 + size);
    *bytes = *bytes + (bytes == &file.clear ? test::freed (psshs) : psshs);
    Bytes more = test::Fields ()
                     .u32 (size + static_cast<std::uint32_t> (psshs.size ()))
                     .bytes ();
    std::copy (more.begin (), more.end (), bytes->begin () + 20);
  }
  for (int i = 0; i < 2; i++) file.add_fragment ({what}, psshs);
  for (std::size_t step : {50u, 1u << 20}) {
    GstHarness *harness = make_harness (GST_FORMAT_BYTES);
    Owned<GstBus> bus = watch (harness);
    fail_unless (push (harness, file.encrypted, step) == GST_FLOW_OK);
    fail_unless (receive (harness).bytes == file.clear);
    fail_unless (
        pop (bus.get (), GST_MESSAGE_ERROR | GST_MESSAGE_WARNING).empty ());
    end (harness);
  }
}
GST_END_TEST;

// Another stream is another try, without a flush as well.
GST_START_TEST (stream_after_an_error)
{
  TestFile file = make_file (track ("cenc"));
  for (bool has_eos : {true, false}) {
    GstHarness *harness = make_harness (GST_FORMAT_BYTES);
    Owned<GstBus> bus = watch (harness);
    fail_unless (push (harness, Bytes (100, 'x'), 10) == GST_FLOW_ERROR);
    only_error (bus.get (), GST_STREAM_ERROR, GST_STREAM_ERROR_WRONG_TYPE);
    if (has_eos) gst_harness_push_event (harness, gst_event_new_eos ());
    begin_stream (harness);
    fail_unless (push (harness, file.encrypted, 1000) == GST_FLOW_OK);
    fail_unless (receive (harness).bytes == file.clear);
    fail_unless (pop (bus.get (), GST_MESSAGE_ERROR).empty ());
    end (harness);
  }
}
GST_END_TEST;

namespace {

struct Pulled
{
  Bytes bytes;
  std::size_t buffers = 0;
  GstPadMode mode = GST_PAD_MODE_NONE;
  std::vector<guint> asked;  // sizes
};

GstPadProbeReturn note_size (GstPad *, GstPadProbeInfo *info, gpointer data)
{
  static_cast<Pulled *> (data)->asked.push_back (info->size);
  return GST_PAD_PROBE_OK;
}

void see (GstElement *sink, GstBuffer *buffer, GstPad *pad, Pulled *out)
{
  (void)sink;
  (void)pad;
  out->bytes = out->bytes + test::bytes_of (buffer);
  out->buffers++;
}

// In one pipeline up to EOS or an error; whether it was EOS.
bool pull (const std::string &path, const char *between, Pulled &out)
{
  std::string line = "filesrc location=" + path + between +
                     " ! cencmp4decrypt name=decrypt keys=" KID ":" KEY
                     " ! fakesink name=sink signal-handoffs=true";
  Owned<GstElement> pipeline{gst_parse_launch (line.c_str (), nullptr)};
  fail_unless (pipeline != nullptr);
  Owned<GstElement> sink{
      gst_bin_get_by_name (GST_BIN (pipeline.get ()), "sink")};
  Owned<GstElement> decrypt{
      gst_bin_get_by_name (GST_BIN (pipeline.get ()), "decrypt")};
  g_signal_connect (sink.get (), "handoff", G_CALLBACK (see), &out);
  Owned<GstPad> pad{gst_element_get_static_pad (decrypt.get (), "sink")};
  gst_pad_add_probe (pad.get (),
      static_cast<GstPadProbeType> (
          GST_PAD_PROBE_TYPE_PULL | GST_PAD_PROBE_TYPE_BUFFER),
      note_size, &out, nullptr);
  bool is_whole = false;
  // Twice, for what a first run leaves behind.
  for (int i = 0; i < 2; i++) {
    out = {};
    gst_element_set_state (pipeline.get (), GST_STATE_PLAYING);
    Owned<GstMessage> message = test::wait_message (
        pipeline.get (), GST_MESSAGE_ERROR | GST_MESSAGE_EOS);
    fail_unless (message != nullptr);
    is_whole = GST_MESSAGE_TYPE (message.get ()) == GST_MESSAGE_EOS;
    out.mode = GST_PAD_MODE (pad.get ());
    gst_element_set_state (pipeline.get (), GST_STATE_NULL);
  }
  return is_whole;
}

}  // namespace

// 1 MiB at a time where upstream can, and by what is pushed where it cannot.
GST_START_TEST (pulls)
{
  TestFile file;
  TestTrack one = track ("cenc");
  file.add_movie ({one});
  TestTraf what;
  what.track = &one;
  what.runs = {test::video_samples ({900000, 900000, 900000})};
  file.add_fragment ({what});
  test::TempDir folder;
  std::string path = folder.path () / "encrypted.mp4";
  test::write_file (path, file.encrypted);
  Pulled out;
  fail_unless (pull (path, "", out));
  fail_unless (out.bytes == file.clear);
  fail_unless_equals_int (out.mode, GST_PAD_MODE_PULL);
  fail_unless_equals_int (static_cast<int> (out.buffers), 3);
  fail_unless (out.asked.size () >= 3);
  // A large sample by itself is decrypted where it lies.
  for (guint size : out.asked)
    fail_unless (size == 1 << 20 || size == 900000, "%u", size);
  fail_unless (out.asked[0] == 1 << 20);
  fail_unless (pull (path, " ! queue", out));
  fail_unless (out.asked.empty ());
  fail_unless (out.bytes == file.clear);
  fail_unless_equals_int (out.mode, GST_PAD_MODE_PUSH);
  // typefind passes pulls on, and tells caps.
  fail_unless (pull (path, " ! typefind", out));
  fail_unless (out.bytes == file.clear);
  // What is wrong is told, once, and is no EOS.
  test::write_file (path, Bytes (3000, 'x'));
  fail_if (pull (path, "", out));
  fail_unless (out.bytes.empty ());
}
GST_END_TEST;

GST_START_TEST (names_the_key_id_and_no_key)
{
  TestTrack one = track ("cenc");
  one.kid = test::block ("cd7eb9ff88f34caeb06185b00024e4c2");
  GstHarness *harness = make_harness (GST_FORMAT_BYTES);
  Owned<GstBus> bus = watch (harness);
  push (harness, make_file (one).encrypted, 1000);
  Owned<GstMessage> message =
      only_error (bus.get (), GST_STREAM_ERROR, GST_STREAM_ERROR_DECRYPT_NOKEY);
  std::string text = text_of (message.get ());
  fail_unless (contains (text, "cd7eb9ff88f34caeb06185b00024e4c2"));
  fail_if (contains (text, KEY));
  const GstStructure *details = nullptr;
  gst_message_parse_error_details (message.get (), &details);
  fail_unless_equals_string (gst_structure_get_string (details, "key-id"),
      "cd7eb9ff88f34caeb06185b00024e4c2");
  end (harness);
}
GST_END_TEST;

GST_START_TEST (wrong_keys)
{
  Owned<GstElement> element{
      gst_element_factory_make ("cencmp4decrypt", nullptr)};
  gst_object_ref_sink (element.get ());
  Owned<GstBus> bus{gst_bus_new ()};
  gst_element_set_bus (element.get (), bus.get ());
  g_object_set (element.get (), "keys", KID ":" KEY "00", nullptr);
  fail_unless (gst_element_set_state (element.get (), GST_STATE_PAUSED) ==
               GST_STATE_CHANGE_FAILURE);
  Owned<GstMessage> error =
      only_error (bus.get (), GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_SETTINGS);
  std::string text = text_of (error.get ());
  fail_unless (contains (text, "character 34"));
  fail_if (contains (text, KEY));
  // Set right it plays.
  gst_element_set_state (element.get (), GST_STATE_NULL);
  g_object_set (element.get (), "keys", KID ":" KEY, nullptr);
  fail_unless (gst_element_set_state (element.get (), GST_STATE_PLAYING) ==
               GST_STATE_CHANGE_SUCCESS);
  gst_element_set_state (element.get (), GST_STATE_NULL);
  gst_element_set_bus (element.get (), nullptr);
}
GST_END_TEST;

GST_START_TEST (keys_are_kept_while_streaming)
{
  TestFile file = make_file (track ("cenc"));
  GstHarness *harness = make_harness (GST_FORMAT_BYTES);
  std::size_t half = file.encrypted.size () / 2;
  Bytes first (file.encrypted.begin (),
      file.encrypted.begin () + static_cast<std::ptrdiff_t> (half));
  Bytes second (file.encrypted.begin () + static_cast<std::ptrdiff_t> (half),
      file.encrypted.end ());
  push (harness, first, 1000);
  g_object_set (harness->element, "keys", "", nullptr);
  push (harness, second, 1000, half);
  fail_unless (receive (harness).bytes == file.clear);
  end (harness);
}
GST_END_TEST;

GST_START_TEST (again_after_ready)
{
  TestFile file = make_file (track ("cenc"));
  GstHarness *harness = make_harness (GST_FORMAT_BYTES);
  Bytes half (file.encrypted.begin (),
      file.encrypted.begin () +
          static_cast<std::ptrdiff_t> (file.encrypted.size () / 2));
  push (harness, half, 1000);
  guint64 before = test::stat (harness->element, "bytes");
  receive (harness);
  gst_element_set_state (harness->element, GST_STATE_READY);
  gst_element_set_state (harness->element, GST_STATE_PLAYING);
  gst_harness_push_event (harness, gst_event_new_stream_start ("again"));
  GstSegment segment;
  gst_segment_init (&segment, GST_FORMAT_BYTES);
  gst_harness_push_event (harness, gst_event_new_segment (&segment));
  push (harness, file.encrypted, 1000);
  fail_unless (receive (harness).bytes == file.clear);
  fail_unless (test::stat (harness->element, "bytes") ==
               before + file.encrypted.size ());
  end (harness);
}
GST_END_TEST;

// The samples that qtdemux finds in what comes out are those that it finds in
// the clear file, and those that cencdecrypt makes behind it.
GST_START_TEST (before_and_behind_qtdemux)
{
  test::TempDir folder;
  for (const char *scheme : {"cenc", "cbcs"}) {
    TestFile file = make_file (track (scheme));
    std::string in = folder.path () / "encrypted.mp4";
    std::string clear = folder.path () / "clear.mp4";
    test::write_file (in, file.encrypted);
    test::write_file (clear, file.clear);
    Bytes expected = play ("filesrc location=" + clear + " ! qtdemux");
    fail_unless (expected.size () == 2 * 9800);
    fail_unless (
        play ("filesrc blocksize=1000 location=" + in +
              " ! cencmp4decrypt keys=" KID ":" KEY " ! qtdemux") == expected);
    fail_unless (
        play ("filesrc location=" + in +
              " ! qtdemux ! cencdecrypt keys=" KID ":" KEY) == expected);
  }
}
GST_END_TEST;

// What qtdemux hands out without saying how it is encrypted, or not at all:
// two schemes, files without fragments, PIFF, and senc alone.
GST_START_TEST (before_qtdemux_only)
{
  struct Row
  {
    const char *what;
    Bytes encrypted;
    Bytes clear;
  };
  std::vector<Row> rows;
  TestTrack cens = track ("cens"), cbc1 = track ("cbc1"), cenc = track ("cenc");
  cens.scheme.crypt = 1;
  cens.scheme.skip = 9;
  cbc1.iv_size = 16;
  for (const TestTrack *one : {&cens, &cbc1, &cenc}) {
    TestTraf what;
    what.track = one;
    what.runs = {test::video_samples ({500, 300, 9000}, 16)};
    what.saiz = one != &cenc;
    TestFile file;
    file.add_movie ({*one});
    file.add_fragment ({what});
    rows.push_back ({one->scheme.name.data (), file.encrypted, file.clear});
  }
  TestTrack piff = cenc;
  piff.is_piff = true;
  TestTraf what;
  what.track = &piff;
  what.runs = {test::video_samples ({500, 300, 9000})};
  what.senc = what.saiz = false;
  std::uint64_t place = test::Mp4Writer (false).movie ({piff}).size () + 24;
  what.protection = test::piff_senc (piff, what.runs[0], place, {});
  TestFile file;
  file.add_movie ({piff});
  file.add_fragment ({what});
  rows.push_back ({"PIFF", file.encrypted, file.clear});
  test::Layout layout;
  layout.has_durations = true;
  test::Progressive progressive ({cenc},
      {{0, test::video_samples ({500, 300})},
          {0, test::video_samples ({9000})}},
      layout);
  rows.push_back (
      {"progressive", progressive.write (false), progressive.write (true)});
  test::TempDir folder;
  for (const Row &row : rows) {
    std::string in = folder.path () / "encrypted.mp4";
    std::string clear = folder.path () / "clear.mp4";
    test::write_file (in, row.encrypted);
    test::write_file (clear, row.clear);
    Bytes expected = play ("filesrc location=" + clear + " ! queue ! qtdemux");
    fail_unless (expected.size () == 9800, "%s", row.what);
    fail_unless (
        play ("filesrc location=" + in +
              " ! cencmp4decrypt keys=" KID ":" KEY " ! qtdemux") == expected,
        "%s", row.what);
  }
}
GST_END_TEST;

GST_START_TEST (vectors)
{
  std::optional<std::filesystem::path> vectors = test::vectors ("cenc");
  if (!vectors) return;
  test::TempDir folder;
  for (const char *medium : {"video", "audio"}) {
    std::optional<Bytes> first;
    for (const char *scheme : {"cenc", "cbcs", "cens", "cbc1"}) {
      std::filesystem::path path =
          *vectors / ("vsd-" + std::string (scheme) + "-single");
      std::string in = folder.path () / "encrypted.mp4";
      test::write_file (
          in, test::read_file (path / (std::string (medium) + "_init.mp4")) +
                  test::read_file (path / (std::string (medium) + "_1.m4s")));
      Bytes out = play ("filesrc blocksize=1000 location=" + in +
                        " ! cencmp4decrypt keys=" KID ":" KEY " ! qtdemux");
      if (!first) first = out;
      fail_unless (out == *first, "%s %s", scheme, medium);
      // qtdemux takes cens and cbc1 for a broken file. In push mode, because
      // 1.22 leaks a sample of a tag of these files when it pulls.
      if (std::string_view (scheme) == "cens" ||
          std::string_view (scheme) == "cbc1")
        continue;
      fail_unless (
          play ("filesrc location=" + in +
                " ! queue ! qtdemux ! cencdecrypt keys=" KID ":" KEY) == out);
    }
  }
}
GST_END_TEST;

static Suite *cencmp4decrypt_suite ()
{
  Suite *suite = suite_create ("cencmp4decrypt");
  TCase *tests = tcase_create ("all");
  suite_add_tcase (suite, tests);
  tcase_add_test (tests, byte_stream);
  tcase_add_test (tests, time_segments);
  tcase_add_test (tests, timestamps_stay_at_their_byte);
  tcase_add_test (tests, flags_stay_at_their_byte);
  tcase_add_test (tests, init_in_mid_stream);
  tcase_add_test (tests, boxes_out_of_place);
  tcase_add_test (tests, memory_does_not_grow);
  tcase_add_test (tests, seeking_is_push_only);
  tcase_add_test (tests, flush_begins_anew);
  tcase_add_test (tests, end_inside_a_box);
  tcase_add_test (tests, resource_breaks_off);
  tcase_add_test (tests, zeros_behind_the_last_box);
  tcase_add_test (tests, file_after_a_cut_one);
  tcase_add_test (tests, ended_from_behind);
  tcase_add_test (tests, eos_before_any_data);
  tcase_add_test (tests, stats_message_at_eos);
  tcase_add_test (tests, errors);
  tcase_add_test (tests, pssh_everywhere);
  tcase_add_test (tests, stream_after_an_error);
  tcase_add_test (tests, pulls);
  tcase_add_test (tests, names_the_key_id_and_no_key);
  tcase_add_test (tests, wrong_keys);
  tcase_add_test (tests, keys_are_kept_while_streaming);
  tcase_add_test (tests, again_after_ready);
  tcase_add_test (tests, before_and_behind_qtdemux);
  tcase_add_test (tests, before_qtdemux_only);
  tcase_add_test (tests, vectors);
  return suite;
}

GST_CHECK_MAIN (cencmp4decrypt)

// SPDX-License-Identifier: LGPL-2.1-or-later
#include "testmp4.h"

namespace {

using relay::Owned;
using test::Bytes;
using test::Range;
using test::operator+;
using Ranges = std::optional<std::vector<Range>>;

#define KID "eb676abbcb345e96bbcf616630f1a3da"
#define KEY "100b6c20940f779a4589152b57d2dacb"

const char *const video_caps =
    "application/x-cenc, original-media-type=(string)video/x-h264, "
    "stream-format=(string)avc, alignment=(string)au, width=(int)64, "
    "height=(int)64, protection-system=(string)"
    "e2719d58-a985-b3c9-781a-b030af78d30e, cipher-mode=(string)";
const char *const audio_caps =
    "application/x-cenc, original-media-type=(string)audio/mpeg, "
    "mpegversion=(int)4, cipher-mode=(string)";

GstHarness *make_harness (const std::string &caps)
{
  GstElement *element = gst_element_factory_make ("cencdecrypt", nullptr);
  g_object_set (element, "keys", KID ":" KEY, nullptr);
  GstHarness *harness = gst_harness_new_with_element (element, "sink", "src");
  gst_object_unref (element);
  gst_harness_set_src_caps_str (harness, caps.c_str ());
  return harness;
}

Owned<GstBuffer> bytes_field (std::span<const std::uint8_t> bytes)
{
  return test::buffer (bytes);
}

void set_buffer (GstStructure *structure, const char *field,
    std::span<const std::uint8_t> bytes)
{
  gst_structure_set (
      structure, field, GST_TYPE_BUFFER, bytes_field (bytes).get (), nullptr);
}

// The meta as qtdemux makes it.
Owned<GstStructure> meta_of (const test::Scheme &scheme, const Bytes &iv,
    bool is_constant, const Ranges &ranges)
{
  Owned<GstStructure> out{gst_structure_new ("application/x-cenc", "encrypted",
      G_TYPE_BOOLEAN, TRUE, "cipher-mode", G_TYPE_STRING,
      std::string (scheme.name).c_str (), "iv_size", G_TYPE_UINT,
      is_constant ? 0u : static_cast<guint> (iv.size ()), nullptr)};
  if (is_constant)
    gst_structure_set (out.get (), "constant_iv_size", G_TYPE_UINT,
        static_cast<guint> (iv.size ()), nullptr);
  set_buffer (out.get (), "iv", iv);
  set_buffer (out.get (), "kid", test::block (KID));
  if (scheme.crypt != 0)
    gst_structure_set (out.get (), "crypt_byte_block", G_TYPE_UINT,
        scheme.crypt, "skip_byte_block", G_TYPE_UINT, scheme.skip, nullptr);
  if (ranges) {
    test::Fields list;
    for (const Range &range : *ranges)
      list.u16 (range.clear).u32 (range.encrypted);
    gst_structure_set (out.get (), "subsample_count", G_TYPE_UINT,
        static_cast<guint> (ranges->size ()), nullptr);
    set_buffer (out.get (), "subsamples", list.bytes ());
  } else if (!is_constant) {
    gst_structure_set (out.get (), "subsample_count", G_TYPE_UINT, 0u, nullptr);
  }
  return out;
}

struct Row
{
  const char *what;
  test::Scheme scheme;
  const char *iv;
  bool is_constant;
  std::size_t size;
  Ranges ranges;
  bool is_video;
};

const Row rows[] = {
    {"sound", {"cenc"}, "0011223344556677", false, 100, {}, false},
    {"video", {"cenc"}, "0011223344556677", false, 500, {{{12, 200}, {8, 280}}},
        true},
    {"16-byte IV", {"cenc"}, "0011223344556677ffffffffffffffff", false, 500,
        {{{12, 201}, {8, 279}}}, true},
    {"sound, constant IV", {"cbcs"}, "00112233445566778899aabbccddeeff", true,
        100, {}, false},
    {"video, constant IV", {"cbcs", {}, 1, 9},
        "00112233445566778899aabbccddeeff", false, 500, {{{12, 200}, {8, 280}}},
        true},
    {"video, 5:5", {"cbcs", {}, 5, 5}, "00112233445566778899aabbccddeeff",
        false, 500, {{{12, 200}, {8, 280}}}, true},
};

Bytes encrypt (const Row &row, const Bytes &clear)
{
  test::Scheme scheme = row.scheme;
  scheme.key = test::block (KEY);
  return test::SampleEncrypter (scheme, test::block (row.iv))
      .encrypt (clear, row.ranges);
}

Owned<GstStructure> meta_of (const Row &row)
{
  return meta_of (row.scheme, test::hex (row.iv), row.is_constant, row.ranges);
}

std::string caps_of (const Row &row)
{
  return std::string (row.is_video ? video_caps : audio_caps) +
         std::string (row.scheme.name);
}

Owned<GstBuffer> sample (const Bytes &bytes, Owned<GstStructure> meta)
{
  Owned<GstBuffer> out = test::buffer (bytes);
  GST_BUFFER_PTS (out.get ()) = 5 * GST_SECOND;
  GST_BUFFER_DTS (out.get ()) = 4 * GST_SECOND;
  GST_BUFFER_DURATION (out.get ()) = GST_SECOND;
  GST_BUFFER_FLAG_SET (out.get (), GST_BUFFER_FLAG_DELTA_UNIT);
  if (meta) gst_buffer_add_protection_meta (out.get (), meta.release ());
  return out;
}

// As qtdemux gives it in push mode: a part of a larger buffer, read-only.
Owned<GstBuffer> read_only (const Bytes &bytes, Owned<GstStructure> meta)
{
  Owned<GstBuffer> whole = sample (Bytes (8) + bytes, nullptr);
  Owned<GstBuffer> out{gst_buffer_copy_region (
      whole.get (), GST_BUFFER_COPY_MEMORY, 8, bytes.size ())};
  gst_buffer_copy_into (
      out.get (), whole.get (), GST_BUFFER_COPY_METADATA, 0, 0);
  GST_BUFFER_DURATION (out.get ()) = GST_SECOND;
  fail_unless (GST_MEMORY_IS_READONLY (gst_buffer_peek_memory (out.get (), 0)));
  gst_buffer_add_protection_meta (out.get (), meta.release ());
  return out;
}

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

}  // namespace

GST_START_TEST (decrypts)
{
  for (const Row &row : rows) {
    Bytes clear = test::noise (row.size);
    Bytes encrypted = encrypt (row, clear);
    fail_unless (encrypted != clear);
    GstHarness *harness = make_harness (caps_of (row));
    for (bool in_place : {true, false}) {
      Owned<GstBuffer> in = in_place ? sample (encrypted, meta_of (row))
                                     : read_only (encrypted, meta_of (row));
      // An address to compare only: the harness takes the buffer.
      GstBuffer *address = in.get ();
      fail_unless (gst_harness_push (harness, in.release ()) == GST_FLOW_OK);
      Owned<GstBuffer> out{gst_harness_pull (harness)};
      fail_unless (test::bytes_of (out.get ()) == clear, "%s", row.what);
      fail_unless ((out.get () == address) == in_place);
      fail_unless (gst_buffer_get_protection_meta (out.get ()) == nullptr);
      fail_unless (GST_BUFFER_PTS (out.get ()) == 5 * GST_SECOND);
      fail_unless (GST_BUFFER_DTS (out.get ()) == 4 * GST_SECOND);
      fail_unless (GST_BUFFER_DURATION (out.get ()) == GST_SECOND);
      fail_unless (
          GST_BUFFER_FLAG_IS_SET (out.get (), GST_BUFFER_FLAG_DELTA_UNIT));
    }
    fail_unless (test::stat (harness->element, "samples") == 2);
    fail_unless (test::stat (harness->element, "samples-decrypted") == 2);
    fail_unless (test::stat (harness->element, "bytes") == 2 * row.size);
    fail_unless (
        test::stat (harness->element, "bytes-decrypted") == 2 * row.size);
    end (harness);
  }
}
GST_END_TEST;

GST_START_TEST (caps_become_those_of_the_media)
{
  GstHarness *harness = make_harness (std::string (video_caps) + "cenc");
  Owned<GstCaps> caps{gst_pad_get_current_caps (harness->sinkpad)};
  Owned<GstCaps> expected{gst_caps_from_string (
      "video/x-h264, stream-format=(string)avc, alignment=(string)au, "
      "width=(int)64, height=(int)64")};
  fail_unless (gst_caps_is_strictly_equal (caps.get (), expected.get ()));
  // A change of caps, twice: qtdemux adds a field before the first buffer.
  for (const char *more : {"cenc", "cbcs"}) {
    gst_harness_set_src_caps_str (harness,
        (std::string (video_caps) + more + ", framerate=(fraction)25/1")
            .c_str ());
    caps.reset (gst_pad_get_current_caps (harness->sinkpad));
    expected.reset (gst_caps_from_string (
        "video/x-h264, stream-format=(string)avc, alignment=(string)au, "
        "width=(int)64, height=(int)64, framerate=(fraction)25/1"));
    fail_unless (gst_caps_is_strictly_equal (caps.get (), expected.get ()));
  }
  end (harness);
}
GST_END_TEST;

// Without a media type there is nothing that its samples could become.
GST_START_TEST (caps_without_a_media_type)
{
  for (const char *caps :
      {"application/x-cenc", "application/x-cenc, cipher-mode=(string)cenc",
          "application/x-cenc, original-media-type=(int)1"}) {
    GstHarness *harness = make_harness (caps);
    Owned<GstCaps> out{gst_pad_get_current_caps (harness->sinkpad)};
    fail_unless (out == nullptr);
    fail_unless (gst_harness_push (
                     harness, sample (test::noise (10), nullptr).release ()) ==
                 GST_FLOW_NOT_NEGOTIATED);
    end (harness);
  }
}
GST_END_TEST;

// What qtdemux and parsebin look for.
GST_START_TEST (is_found_by_protection_system)
{
  const gchar *foreign = "12345678-0000-0000-0000-000000000000";
  for (const char *system : {"1077efec-c0b2-4d02-ace3-3c1e52e2fb4b",
           "e2719d58-a985-b3c9-781a-b030af78d30e",
           "edef8ba9-79d6-4ace-a3c8-27dcd51d21ed",
           "9a04f079-9840-4286-ab92-e65be0885f95",
           "5e629af5-38da-4063-8977-97ffbd9902d4",
           "69f908af-4816-46ea-910c-cd5dcccb0a3a",
           "94ce86fb-07ff-4f43-adb8-93d2fa968ca2"}) {
    const gchar *systems[] = {foreign, system, nullptr};
    fail_unless_equals_string (gst_protection_select_system (systems), system);
  }
  GstElementFactory *factory = gst_element_factory_find ("cencdecrypt");
  fail_unless (gst_element_factory_list_is_type (
      factory, GST_ELEMENT_FACTORY_TYPE_DECRYPTOR));
  fail_unless (gst_plugin_feature_get_rank (GST_PLUGIN_FEATURE (factory)) ==
               GST_RANK_MARGINAL);
  Owned<GstCaps> bare{gst_caps_from_string (
      "application/x-cenc, original-media-type=(string)video/x-h264")};
  fail_unless (gst_element_factory_can_sink_all_caps (factory, bare.get ()));
  gst_object_unref (factory);
}
GST_END_TEST;

GST_START_TEST (clear_samples)
{
  Bytes bytes = test::noise (100);
  GstHarness *harness = make_harness (std::string (video_caps) + "cenc");
  Owned<GstBus> bus = watch (harness);
  // Marked as clear.
  gst_harness_push (
      harness, sample (bytes,
                   Owned<GstStructure> (gst_structure_new ("application/x-cenc",
                       "encrypted", G_TYPE_BOOLEAN, FALSE, nullptr)))
                   .release ());
  Owned<GstBuffer> out{gst_harness_pull (harness)};
  fail_unless (test::bytes_of (out.get ()) == bytes);
  fail_unless (gst_buffer_get_protection_meta (out.get ()) == nullptr);
  fail_unless (pop (bus.get (), GST_MESSAGE_WARNING).empty ());
  // Not marked at all: told once.
  for (int i = 0; i < 2; i++) {
    gst_harness_push (harness, sample (bytes, nullptr).release ());
    out.reset (gst_harness_pull (harness));
    fail_unless (test::bytes_of (out.get ()) == bytes);
  }
  only_error (bus.get (), GST_STREAM_ERROR, GST_STREAM_ERROR_DECRYPT);
  fail_unless (test::stat (harness->element, "samples-clear") == 3);
  fail_unless (test::stat (harness->element, "samples-without-meta") == 2);
  // One was known to be clear, so the demuxer understands the stream.
  gst_harness_push_event (harness, gst_event_new_eos ());
  fail_unless (
      pop (bus.get (), GST_MESSAGE_ERROR | GST_MESSAGE_WARNING).empty ());
  end (harness);
}
GST_END_TEST;

// qtdemux 1.22.0 marks a cbcs clear lead as encrypted, with the track's
// defaults. Video with NAL headers in the clear cannot be; sound can.
GST_START_TEST (cbcs_clear_lead)
{
  Bytes bytes = test::noise (100);
  test::Scheme scheme{"cbcs", test::block (KEY), 1, 9};
  Bytes iv = test::hex ("00112233445566778899aabbccddeeff");
  GstHarness *harness = make_harness (std::string (video_caps) + "cbcs");
  Owned<GstBus> bus = watch (harness);
  gst_harness_push (
      harness, sample (bytes, meta_of (scheme, iv, true, {})).release ());
  Owned<GstBuffer> out{gst_harness_pull (harness)};
  fail_unless (test::bytes_of (out.get ()) == bytes);
  fail_unless (gst_buffer_get_protection_meta (out.get ()) == nullptr);
  fail_unless (test::stat (harness->element, "samples-clear") == 1);
  // It might be ciphertext of a file that the demuxer does not understand.
  fail_unless (test::stat (harness->element, "samples-without-meta") == 1);
  Owned<GstMessage> warning =
      only_error (bus.get (), GST_STREAM_ERROR, GST_STREAM_ERROR_DECRYPT);
  fail_unless (GST_MESSAGE_TYPE (warning.get ()) == GST_MESSAGE_WARNING);
  // The same in sound is decrypted.
  gst_harness_set_src_caps_str (
      harness, (std::string (audio_caps) + "cbcs").c_str ());
  gst_harness_push (
      harness, sample (bytes, meta_of (scheme, iv, true, {})).release ());
  out.reset (gst_harness_pull (harness));
  fail_unless (test::bytes_of (out.get ()) != bytes);
  fail_unless (test::stat (harness->element, "samples-decrypted") == 1);
  gst_harness_push_event (harness, gst_event_new_eos ());
  fail_unless (
      pop (bus.get (), GST_MESSAGE_ERROR | GST_MESSAGE_WARNING).empty ());
  end (harness);
}
GST_END_TEST;

// Where each sample has its IV, the track's defaults have none. It could not be
// decrypted anyway.
GST_START_TEST (cbcs_clear_lead_without_iv)
{
  Bytes bytes = test::noise (100);
  test::Scheme scheme{"cbcs", test::block (KEY), 1, 9};
  for (bool is_video : {true, false}) {
    GstHarness *harness = make_harness (
        std::string (is_video ? video_caps : audio_caps) + "cbcs");
    Owned<GstBus> bus = watch (harness);
    Owned<GstStructure> meta = meta_of (scheme, Bytes (16), false, {});
    gst_structure_remove_fields (meta.get (), "iv", "subsample_count", nullptr);
    fail_unless (gst_harness_push (
                     harness, sample (bytes, std::move (meta)).release ()) ==
                 (is_video ? GST_FLOW_OK : GST_FLOW_ERROR));
    Owned<GstMessage> message =
        only_error (bus.get (), GST_STREAM_ERROR, GST_STREAM_ERROR_DECRYPT);
    fail_unless (GST_MESSAGE_TYPE (message.get ()) ==
                 (is_video ? GST_MESSAGE_WARNING : GST_MESSAGE_ERROR));
    fail_unless_equals_uint64 (
        test::stat (harness->element, "samples-without-meta"),
        is_video ? 1 : 0);
    if (is_video) {
      Owned<GstBuffer> out{gst_harness_pull (harness)};
      fail_unless (test::bytes_of (out.get ()) == bytes);
    }
    end (harness);
  }
}
GST_END_TEST;

// A stream without a sample of which the demuxer knew what it is: as with cbcs
// of a file with senc alone. At its end it is no clear lead any more.
GST_START_TEST (nothing_but_a_clear_lead)
{
  Bytes bytes = test::noise (100);
  test::Scheme scheme{"cbcs", test::block (KEY), 1, 9};
  Bytes iv = test::hex ("00112233445566778899aabbccddeeff");
  for (const char *mode : {"cenc", "cbcs"}) {
    bool has_meta = std::string_view (mode) == "cbcs";
    GstHarness *harness = make_harness (std::string (video_caps) + mode);
    Owned<GstBus> bus = watch (harness);
    for (int i = 0; i < 3; i++)
      fail_unless (gst_harness_push (harness,
                       sample (bytes,
                           has_meta ? meta_of (scheme, iv, true, {}) : nullptr)
                           .release ()) == GST_FLOW_OK);
    Owned<GstMessage> warning =
        only_error (bus.get (), GST_STREAM_ERROR, GST_STREAM_ERROR_DECRYPT);
    fail_unless (GST_MESSAGE_TYPE (warning.get ()) == GST_MESSAGE_WARNING);
    fail_unless (test::stat (harness->element, "samples-without-meta") == 3);
    gst_harness_push_event (harness, gst_event_new_eos ());
    Owned<GstMessage> error =
        only_error (bus.get (), GST_STREAM_ERROR, GST_STREAM_ERROR_DECRYPT);
    fail_unless (GST_MESSAGE_TYPE (error.get ()) == GST_MESSAGE_ERROR);
    end (harness);
  }
}
GST_END_TEST;

namespace {

struct Bad
{
  const char *what;
  void (*change) (GstStructure *meta);
};

template <class T>
void set_uint (GstStructure *meta, const char *field, T value)
{
  gst_structure_set (
      meta, field, G_TYPE_UINT, static_cast<guint> (value), nullptr);
}

void set_int (GstStructure *meta, const char *field, int value)
{
  gst_structure_set (meta, field, G_TYPE_INT, value, nullptr);
}

const Bad bad[] = {
    {"no encrypted",
        [] (GstStructure *meta) {
          gst_structure_remove_field (meta, "encrypted");
        }},
    {"encrypted is a string",
        [] (GstStructure *meta) {
          gst_structure_set (meta, "encrypted", G_TYPE_STRING, "yes", nullptr);
        }},
    {"no iv",
        [] (GstStructure *meta) { gst_structure_remove_field (meta, "iv"); }},
    {"iv shorter than iv_size",
        [] (GstStructure *meta) { set_uint (meta, "iv_size", 16); }},
    {"iv of 4 bytes",
        [] (GstStructure *meta) {
          set_uint (meta, "iv_size", 4);
          set_buffer (meta, "iv", Bytes (4));
        }},
    {"iv_size 0 without constant_iv_size",
        [] (GstStructure *meta) { set_uint (meta, "iv_size", 0); }},
    {"no kid",
        [] (GstStructure *meta) { gst_structure_remove_field (meta, "kid"); }},
    {"kid of 15 bytes",
        [] (GstStructure *meta) { set_buffer (meta, "kid", Bytes (15)); }},
    {"kid is a string",
        [] (GstStructure *meta) {
          gst_structure_set (meta, "kid", G_TYPE_STRING, KID, nullptr);
        }},
    {"cipher-mode cens",
        [] (GstStructure *meta) {
          gst_structure_set (
              meta, "cipher-mode", G_TYPE_STRING, "cens", nullptr);
        }},
    {"PIFF's AES-CBC",
        [] (GstStructure *meta) { set_uint (meta, "piff_algorithm_id", 2); }},
    {"pattern of 5 bits",
        [] (GstStructure *meta) { set_uint (meta, "crypt_byte_block", 16); }},
    {"pattern in cenc",
        [] (GstStructure *meta) { set_uint (meta, "crypt_byte_block", 1); }},
    {"no subsamples",
        [] (GstStructure *meta) {
          gst_structure_remove_field (meta, "subsamples");
        }},
    {"subsamples, but no number of them",
        [] (GstStructure *meta) {
          gst_structure_remove_field (meta, "subsample_count");
        }},
    {"subsamples, and the number 0",
        [] (GstStructure *meta) { set_uint (meta, "subsample_count", 0); }},
    {"subsample_count is an int",
        [] (GstStructure *meta) { set_int (meta, "subsample_count", 2); }},
    {"iv_size is an int",
        [] (GstStructure *meta) {
          set_uint (meta, "constant_iv_size", 8);
          set_int (meta, "iv_size", 8);
        }},
    {"constant_iv_size is an int",
        [] (GstStructure *meta) {
          set_uint (meta, "iv_size", 0);
          set_int (meta, "constant_iv_size", 8);
        }},
    {"crypt_byte_block is an int",
        [] (GstStructure *meta) { set_int (meta, "crypt_byte_block", 0); }},
    {"skip_byte_block is an int",
        [] (GstStructure *meta) { set_int (meta, "skip_byte_block", 0); }},
    {"piff_algorithm_id is an int",
        [] (GstStructure *meta) { set_int (meta, "piff_algorithm_id", 2); }},
    {"subsamples are a string",
        [] (GstStructure *meta) {
          gst_structure_set (meta, "subsamples", G_TYPE_STRING, "", nullptr);
          gst_structure_remove_field (meta, "subsample_count");
        }},
    {"more subsamples than there are",
        [] (GstStructure *meta) { set_uint (meta, "subsample_count", 3); }},
    {"subsamples of another sum",
        [] (GstStructure *meta) {
          set_buffer (
              meta, "subsamples", test::hex ("000c 000000c8 0008 00000119"));
        }},
};

}  // namespace

GST_START_TEST (malformed_meta)
{
  for (const Bad &row_of_bad : bad) {
    for (bool in_place : {true, false}) {
      const Row &row = rows[1];
      Bytes encrypted = encrypt (row, test::noise (row.size));
      GstHarness *harness = make_harness (caps_of (row));
      Owned<GstBus> bus = watch (harness);
      for (int i = 0; i < 2; i++) {
        Owned<GstStructure> meta = meta_of (row);
        row_of_bad.change (meta.get ());
        Owned<GstBuffer> in = in_place
                                  ? sample (encrypted, std::move (meta))
                                  : read_only (encrypted, std::move (meta));
        fail_unless (
            gst_harness_push (harness, in.release ()) == GST_FLOW_ERROR, "%s",
            row_of_bad.what);
      }
      only_error (bus.get (), GST_STREAM_ERROR, GST_STREAM_ERROR_DECRYPT);
      fail_unless (gst_harness_buffers_received (harness) == 0);
      end (harness);
    }
  }
}
GST_END_TEST;

GST_START_TEST (missing_key)
{
  const Row &row = rows[0];
  GstHarness *harness = make_harness (caps_of (row));
  Owned<GstBus> bus = watch (harness);
  for (int i = 0; i < 2; i++) {
    Owned<GstStructure> meta = meta_of (row);
    set_buffer (
        meta.get (), "kid", test::block ("cd7eb9ff88f34caeb06185b00024e4c2"));
    fail_unless (
        gst_harness_push (harness,
            sample (test::noise (row.size), std::move (meta)).release ()) ==
        GST_FLOW_ERROR);
  }
  Owned<GstMessage> error =
      only_error (bus.get (), GST_STREAM_ERROR, GST_STREAM_ERROR_DECRYPT_NOKEY);
  std::string text = text_of (error.get ());
  fail_unless (contains (text, "cd7eb9ff88f34caeb06185b00024e4c2"));
  fail_if (contains (text, KEY));
  fail_unless (gst_harness_buffers_received (harness) == 0);
  end (harness);
}
GST_END_TEST;

GST_START_TEST (wrong_keys)
{
  Owned<GstElement> element{gst_element_factory_make ("cencdecrypt", nullptr)};
  gst_object_ref_sink (element.get ());
  Owned<GstBus> bus{gst_bus_new ()};
  gst_element_set_bus (element.get (), bus.get ());
  g_object_set (
      element.get (), "keys", KID ":" KEY "," KID ":" KEY "a", nullptr);
  fail_unless (gst_element_set_state (element.get (), GST_STATE_PAUSED) ==
               GST_STATE_CHANGE_FAILURE);
  Owned<GstMessage> error =
      only_error (bus.get (), GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_SETTINGS);
  std::string text = text_of (error.get ());
  fail_unless (contains (text, "character 100"));
  fail_if (contains (text, KEY));
  gst_element_set_state (element.get (), GST_STATE_NULL);
  gst_element_set_bus (element.get (), nullptr);
}
GST_END_TEST;

GST_START_TEST (events)
{
  const Row &row = rows[0];
  GstHarness *harness = make_harness (caps_of (row));
  Owned<GstBus> bus = watch (harness);
  Bytes clear = test::noise (row.size);
  // Behind us nothing is protected.
  gst_harness_push_event (
      harness, gst_event_new_protection ("e2719d58-a985-b3c9-781a-b030af78d30e",
                   test::buffer (clear).get (), "isobmff/moov"));
  while (GstEvent *event = gst_harness_try_pull_event (harness)) {
    fail_if (GST_EVENT_TYPE (event) == GST_EVENT_PROTECTION);
    gst_event_unref (event);
  }
  gst_harness_push (
      harness, sample (encrypt (row, clear), meta_of (row)).release ());
  gst_harness_push_event (harness, gst_event_new_flush_start ());
  gst_harness_push_event (harness, gst_event_new_flush_stop (TRUE));
  GstSegment segment;
  gst_segment_init (&segment, GST_FORMAT_TIME);
  gst_harness_push_event (harness, gst_event_new_segment (&segment));
  gst_harness_push (
      harness, sample (encrypt (row, clear), meta_of (row)).release ());
  while (GstBuffer *raw = gst_harness_try_pull (harness)) {
    Owned<GstBuffer> out{raw};
    fail_unless (test::bytes_of (out.get ()) == clear);
  }
  gst_harness_push_event (harness, gst_event_new_eos ());
  auto messages = pop (bus.get (), GST_MESSAGE_ELEMENT);
  fail_unless_equals_int (static_cast<int> (messages.size ()), 1);
  fail_unless (gst_message_has_name (messages[0].get (), "cencdecrypt-stats"));
  GstStructure *raw = nullptr;
  g_object_get (harness->element, "stats", &raw, nullptr);
  Owned<GstStructure> stats{raw};
  fail_unless (gst_structure_is_equal (
      gst_message_get_structure (messages[0].get ()), stats.get ()));
  end (harness);
}
GST_END_TEST;

GST_START_TEST (again_after_ready)
{
  const Row &row = rows[0];
  Bytes clear = test::noise (row.size);
  GstHarness *harness = make_harness (caps_of (row));
  for (int i = 1; i <= 3; i++) {
    // Too late: the old keys stay.
    g_object_set (harness->element, "keys", "nonsense", nullptr);
    gst_harness_push (
        harness, sample (encrypt (row, clear), meta_of (row)).release ());
    Owned<GstBuffer> out{gst_harness_pull (harness)};
    fail_unless (test::bytes_of (out.get ()) == clear);
    fail_unless (
        test::stat (harness->element, "samples") == static_cast<guint64> (i));
    gst_element_set_state (harness->element, GST_STATE_READY);
    gst_element_set_state (harness->element, GST_STATE_PLAYING);
    gst_harness_push_event (harness, gst_event_new_stream_start ("again"));
    Owned<GstCaps> caps{gst_caps_from_string (caps_of (row).c_str ())};
    gst_harness_push_event (harness, gst_event_new_caps (caps.get ()));
    GstSegment segment;
    gst_segment_init (&segment, GST_FORMAT_TIME);
    gst_harness_push_event (harness, gst_event_new_segment (&segment));
  }
  end (harness);
}
GST_END_TEST;

namespace {

// Everything that comes out of the line in front of a sink, and its errors.
Bytes play (const std::string &line, std::string *error = nullptr)
{
  GError *raw_error = nullptr;
  Owned<GstElement> pipeline{gst_parse_launch (
      (line + " ! appsink name=sink sync=false").c_str (), &raw_error)};
  fail_unless (raw_error == nullptr, "%s", line.c_str ());
  gst_object_ref_sink (pipeline.get ());
  Owned<GstElement> sink{
      gst_bin_get_by_name (GST_BIN (pipeline.get ()), "sink")};
  gst_element_set_state (pipeline.get (), GST_STATE_PLAYING);
  Bytes out;
  while (true) {
    GstSample *raw = nullptr;
    g_signal_emit_by_name (sink.get (), "pull-sample", &raw);
    if (raw == nullptr) break;
    Owned<GstSample> one{raw};
    out = out + test::bytes_of (gst_sample_get_buffer (raw));
  }
  Owned<GstMessage> message{test::wait_message (
      pipeline.get (), GST_MESSAGE_ERROR | GST_MESSAGE_EOS)};
  if (error != nullptr)
    *error = GST_MESSAGE_TYPE (message.get ()) == GST_MESSAGE_ERROR
                 ? text_of (message.get ())
                 : "";
  gst_element_set_state (pipeline.get (), GST_STATE_NULL);
  return out;
}

Bytes seig_for (const test::AesBlock &kid)
{
  return test::full_box ("sgpd", 1, 0,
             test::Fields ()
                 .text ("seig")
                 .u32 (20)
                 .u32 (1)
                 .u8 (0)
                 .u8 (0)
                 .u8 (1)
                 .u8 (8)
                 .put (kid)) +
         test::full_box ("sbgp", 0, 0,
             test::Fields ().text ("seig").u32 (1).u32 (3).u32 (0x10001));
}

Bytes pssh_for (const test::AesBlock &kid)
{
  return test::full_box ("pssh", 1, 0,
      test::Fields ()
          .put (test::hex ("1077efecc0b24d02ace33c1e52e2fb4b"))
          .u32 (1)
          .put (kid)
          .u32 (0));
}

}  // namespace

// Another key with each fragment, and 0 as the key id of the track, as qtdemux
// 1.22.0 says it of every sample.
GST_START_TEST (key_rotation_behind_qtdemux)
{
  test::TempDir folder;
  std::string path = folder.path () / "in.mp4";
  test::TestTrack track;
  track.scheme.name = "cenc";
  test::Mp4Writer writer (false);
  Bytes file = writer.movie ({track}), clear;
  std::string keys;
  for (unsigned i = 1; i <= 4; i++) {
    test::AesBlock kid{};
    kid[0] = track.scheme.key[0] = static_cast<std::uint8_t> (i);
    char entry[80];
    g_snprintf (entry, sizeof entry, "%s%02x%030d:%02x%030d", i == 1 ? "" : ",",
        i, 0, i, 0);
    keys += entry;
    test::TestTraf what;
    what.track = &track;
    what.runs = {test::whole_samples ({100, 200 + i, 300})};
    what.extra = seig_for (kid);
    test::Mp4Writer::Fragment one =
        writer.fragment ({what}, file.size (), pssh_for (kid));
    file = file + one.moof + one.mdat;
    for (const test::TestSample &sample : what.runs[0])
      clear = clear + sample.bytes;
  }
  test::write_file (path, file);
  for (const char *mode : {"", "! queue "}) {
    std::string error;
    Bytes out = play ("filesrc location=" + path + " " + mode +
                          "! qtdemux ! cencdecrypt keys=" + keys,
        &error);
    fail_unless (error.empty (), "\"%s\": %s", mode, error.c_str ());
    fail_unless (out == clear, "\"%s\"", mode);
  }
}
GST_END_TEST;

// The same with cbcs, of which a packager left the IV to the groups as well.
// Before 1.24 qtdemux tells zeros, with which the wrong bytes would come out.
GST_START_TEST (iv_rotation_behind_qtdemux)
{
  test::AesBlock zeros{};
  for (const char *digits : {"00", "0a610676cb88f302d10ac8bc66e039ed"}) {
    test::Scheme scheme{"cbcs", test::block (KEY), 1, 9};
    test::AesBlock iv = test::block (digits);
    bool is_known = iv != zeros;
    std::vector<Range> ranges = {{12, 200}, {8, 280}};
    Bytes clear = test::noise (500);
    Bytes encrypted =
        test::SampleEncrypter (scheme, iv).encrypt (clear, ranges);
    GstHarness *harness = make_harness (std::string (video_caps) + "cbcs");
    Owned<GstBus> bus = watch (harness);
    Owned<GstBuffer> pssh = test::buffer (pssh_for (test::block (KID)));
    gst_harness_push_event (harness,
        gst_event_new_protection ("1077efec-c0b2-4d02-ace3-3c1e52e2fb4b",
            pssh.get (), "isobmff/moof"));
    Owned<GstStructure> meta =
        meta_of (scheme, Bytes (iv.begin (), iv.end ()), false, ranges);
    set_buffer (meta.get (), "kid", zeros);
    fail_unless (gst_harness_push (harness,
                     sample (encrypted, std::move (meta)).release ()) ==
                 (is_known ? GST_FLOW_OK : GST_FLOW_ERROR));
    if (is_known) {
      Owned<GstBuffer> out{gst_harness_pull (harness)};
      fail_unless (test::bytes_of (out.get ()) == clear);
    } else {
      Owned<GstMessage> error =
          only_error (bus.get (), GST_STREAM_ERROR, GST_STREAM_ERROR_DECRYPT);
      fail_unless (contains (text_of (error.get ()),
          "put cencmp4decrypt in front of the demuxer"));
      fail_unless (gst_harness_buffers_received (harness) == 0);
    }
    end (harness);
  }
}
GST_END_TEST;

// A fragment without auxiliary information, and one with: in pull mode the last
// sample of the first has no meta.
GST_START_TEST (last_sample_of_a_fragment)
{
  test::TempDir folder;
  std::string path = folder.path () / "in.mp4";
  test::TestTrack track;
  track.scheme = {"cbcs", test::block (KEY)};
  track.kid = test::block (KID);
  track.iv_size = 0;
  track.constant_iv = test::block ("0a610676cb88f302d10ac8bc66e039ed");
  test::TestTraf without, with;
  without.track = with.track = &track;
  without.senc = without.saiz = false;
  without.runs = {test::whole_samples ({100, 200, 300})};
  with.runs = {{{test::noise (400, 5), {{{20, 380}}}},
      {test::noise (500, 6), {{{0, 500}}}}}};
  test::TestFile file;
  file.add_movie ({track});
  Bytes clear;
  for (const test::TestTraf *one : {&without, &with}) {
    file.add_fragment ({*one});
    for (const test::TestSample &sample : one->runs[0])
      clear = clear + sample.bytes;
  }
  test::write_file (path, file.encrypted);
  for (const char *mode : {"", "! queue "}) {
    std::string error;
    Bytes out = play ("filesrc location=" + path + " " + mode +
                          "! qtdemux ! cencdecrypt keys=" KID ":" KEY,
        &error);
    fail_unless (error.empty (), "\"%s\": %s", mode, error.c_str ());
    fail_unless (out == clear, "\"%s\"", mode);
  }
}
GST_END_TEST;

GST_START_TEST (missing_meta)
{
  const Row &row = rows[0];
  Bytes clear = test::noise (row.size);
  for (const char *policy : {"pass", "drop", "error"}) {
    bool is_pass = strcmp (policy, "pass") == 0;
    bool is_error = strcmp (policy, "error") == 0;
    GstHarness *harness = make_harness (caps_of (row));
    Owned<GstBus> bus = watch (harness);
    gst_util_set_object_arg (
        G_OBJECT (harness->element), "on-missing-meta", policy);
    for (int i = 0; i < 3; i++)
      fail_unless (
          gst_harness_push (harness, sample (clear, nullptr).release ()) ==
          (is_error ? GST_FLOW_ERROR : GST_FLOW_OK));
    fail_unless_equals_int (
        static_cast<int> (gst_harness_buffers_in_queue (harness)),
        is_pass ? 3 : 0);
    Owned<GstMessage> message =
        only_error (bus.get (), GST_STREAM_ERROR, GST_STREAM_ERROR_DECRYPT);
    fail_unless (GST_MESSAGE_TYPE (message.get ()) ==
                 (is_error ? GST_MESSAGE_ERROR : GST_MESSAGE_WARNING));
    GError *raw_error = nullptr;
    gchar *raw_debug = nullptr;
    if (is_error)
      gst_message_parse_error (message.get (), &raw_error, &raw_debug);
    else
      gst_message_parse_warning (message.get (), &raw_error, &raw_debug);
    Owned<GError> error{raw_error};
    Owned<gchar> debug{raw_debug};
    fail_unless (
        contains (debug.get (), "put cencmp4decrypt in front of the demuxer"));
    if (is_error) {
      end (harness);
      continue;
    }
    fail_unless (test::stat (harness->element, "samples-without-meta") == 3);
    fail_unless (
        test::stat (harness->element, "samples-dropped") == (is_pass ? 0 : 3));
    gst_harness_push (
        harness, sample (encrypt (row, clear), meta_of (row)).release ());
    Owned<GstBuffer> out;
    while (GstBuffer *raw = gst_harness_try_pull (harness)) out.reset (raw);
    fail_unless (test::bytes_of (out.get ()) == clear);
    fail_unless (GST_BUFFER_IS_DISCONT (out.get ()) != is_pass);
    end (harness);
  }
}
GST_END_TEST;

namespace {

GstFlowReturn keep_list (GstPad *, GstObject *, GstBufferList *list)
{
  Bytes clear = test::noise (rows[0].size);
  fail_unless_equals_int (static_cast<int> (gst_buffer_list_length (list)), 3);
  for (guint i = 0; i < 3; i++)
    fail_unless (test::bytes_of (gst_buffer_list_get (list, i)) == clear);
  gst_buffer_list_unref (list);
  return GST_FLOW_CUSTOM_SUCCESS;
}

}  // namespace

GST_START_TEST (lists_stay_lists)
{
  const Row &row = rows[0];
  Bytes clear = test::noise (row.size);
  for (bool has_bad : {false, true}) {
    GstHarness *harness = make_harness (caps_of (row));
    gst_pad_set_chain_list_function (harness->sinkpad, keep_list);
    GstBufferList *list = gst_buffer_list_new ();
    for (int i = 0; i < 3; i++)
      gst_buffer_list_add (
          list, sample (encrypt (row, clear), meta_of (row)).release ());
    if (has_bad) {
      Owned<GstStructure> meta = meta_of (row);
      gst_structure_remove_field (meta.get (), "iv");
      gst_buffer_list_add (list, sample (clear, std::move (meta)).release ());
    }
    // What is before a bad one has come out.
    fail_unless (gst_pad_push_list (harness->srcpad, list) ==
                 (has_bad ? GST_FLOW_ERROR : GST_FLOW_CUSTOM_SUCCESS));
    fail_unless (test::stat (harness->element, "samples-decrypted") == 3);
    end (harness);
  }
}
GST_END_TEST;

GST_START_TEST (other_metas_stay)
{
  const Row &row = rows[0];
  Bytes encrypted = encrypt (row, test::noise (row.size));
  Owned<GstCaps> reference{gst_caps_new_empty_simple ("timestamp/x-test")};
  for (bool in_place : {true, false}) {
    GstHarness *harness = make_harness (caps_of (row));
    Owned<GstBuffer> in = in_place ? sample (encrypted, meta_of (row))
                                   : read_only (encrypted, meta_of (row));
    gst_buffer_add_reference_timestamp_meta (
        in.get (), reference.get (), 7, GST_CLOCK_TIME_NONE);
    gst_harness_push (harness, in.release ());
    Owned<GstBuffer> out{gst_harness_pull (harness)};
    fail_unless (gst_buffer_get_protection_meta (out.get ()) == nullptr);
    fail_unless (gst_buffer_get_reference_timestamp_meta (
                     out.get (), reference.get ()) != nullptr);
    end (harness);
  }
}
GST_END_TEST;

// From encrypted to clear and back, as in an advertisement.
GST_START_TEST (stream_that_turns_clear)
{
  const Row &row = rows[1];
  Bytes clear = test::noise (row.size);
  GstHarness *harness = make_harness (caps_of (row));
  Owned<GstBus> bus = watch (harness);
  for (int i = 0; i < 2; i++) {
    gst_harness_set_src_caps_str (harness, caps_of (row).c_str ());
    fail_unless (gst_harness_push (harness,
                     sample (encrypt (row, clear), meta_of (row)).release ()) ==
                 GST_FLOW_OK);
    gst_harness_set_src_caps_str (
        harness, "video/x-h264, stream-format=(string)avc");
    fail_unless (gst_harness_push (harness,
                     sample (clear, nullptr).release ()) == GST_FLOW_OK);
    Owned<GstCaps> caps{gst_pad_get_current_caps (harness->sinkpad)};
    fail_unless (gst_structure_has_name (
        gst_caps_get_structure (caps.get (), 0), "video/x-h264"));
    for (int j = 0; j < 2; j++) {
      Owned<GstBuffer> out{gst_harness_pull (harness)};
      fail_unless (test::bytes_of (out.get ()) == clear);
    }
  }
  fail_unless (
      pop (bus.get (), GST_MESSAGE_ERROR | GST_MESSAGE_WARNING).empty ());
  fail_unless (test::stat (harness->element, "samples-clear") == 2);
  end (harness);
}
GST_END_TEST;

namespace {

// EBML, of which only what WebM needs: sizes of 4 bytes.
Bytes ebml (std::string_view id, const Bytes &body)
{
  return test::hex (id) +
         test::Fields ().u32 (0x10000000 | body.size ()).bytes () + body;
}
Bytes ebml (std::string_view id, std::uint64_t value)
{
  return ebml (id, test::Fields ().u32 (value).bytes ());
}
Bytes text (std::string_view value)
{
  return Bytes (value.begin (), value.end ());
}

// The WebM encryption that Matroska took over: a signal byte, an IV of 8 bytes,
// and for some the places at which clear and encrypted parts change.
Bytes webm (const std::vector<test::TestSample> &samples)
{
  Bytes encryption = ebml ("47e1", 5) + ebml ("47e2", test::hex (KID)) +
                     ebml ("47e7", ebml ("47e8", 1));
  Bytes encodings = ebml (
      "6d80", ebml ("6240", ebml ("5031", 0) + ebml ("5032", 1) +
                                ebml ("5033", 1) + ebml ("5035", encryption)));
  Bytes track = ebml ("ae", ebml ("d7", 1) + ebml ("73c5", 1) + ebml ("83", 1) +
                                ebml ("86", text ("V_VP9")) +
                                ebml ("e0", ebml ("b0", 64) + ebml ("ba", 64)) +
                                encodings);
  Bytes blocks;
  std::uint64_t number = 0;
  for (const test::TestSample &sample : samples) {
    Bytes iv = test::Fields ().u64 (++number).bytes ();
    test::AesBlock block{};
    std::copy (iv.begin (), iv.end (), block.begin ());
    test::Fields head;
    head.u8 (0x81).u16 (number * 10).u8 (0x80);
    bool is_encrypted = !sample.ranges || !sample.ranges->empty ();
    head.u8 (!is_encrypted ? 0 : sample.ranges ? 3 : 1);
    if (is_encrypted) head.put (iv);
    if (is_encrypted && sample.ranges) {
      head.u8 (2 * sample.ranges->size () - 1);
      std::size_t at = 0;
      for (const Range &range : *sample.ranges) {
        if (at != 0) head.u32 (at);
        head.u32 (at += range.clear);
        at += range.encrypted;
      }
    }
    Bytes bytes = sample.bytes;
    if (is_encrypted)
      bytes = test::SampleEncrypter ({"cenc", test::block (KEY)}, block)
                  .encrypt (bytes, sample.ranges);
    blocks = blocks + ebml ("a3", head.bytes () + bytes);
  }
  Bytes header = ebml ("1a45dfa3",
      ebml ("4282", text ("webm")) + ebml ("4287", 2) + ebml ("4285", 2));
  return header +
         ebml ("18538067", ebml ("1549a966", ebml ("2ad7b1", 1000000)) +
                               ebml ("1654ae6b", track) +
                               ebml ("1f43b675", ebml ("e7", 0) + blocks));
}

}  // namespace

GST_START_TEST (behind_matroskademux)
{
  test::TempDir folder;
  std::string path = folder.path () / "in.webm";
  std::vector<test::TestSample> samples = {{test::noise (300, 1), {}},
      {test::noise (400, 2), {{{20, 380}}}},
      {test::noise (500, 3), {{{10, 101}, {30, 359}}}},
      {test::noise (600, 4), std::vector<Range>{}}, {test::noise (700, 5), {}}};
  Bytes clear;
  for (const test::TestSample &one : samples) clear = clear + one.bytes;
  test::write_file (path, webm (samples));
  for (const char *mode : {"", "! queue "}) {
    std::string error;
    Bytes out = play ("filesrc location=" + path + " " + mode +
                          "! matroskademux ! cencdecrypt keys=" KID ":" KEY
                          " ! capsfilter caps=video/x-vp9",
        &error);
    fail_unless (error.empty (), "\"%s\": %s", mode, error.c_str ());
    fail_unless (out == clear, "\"%s\": %zu bytes", mode, out.size ());
  }
}
GST_END_TEST;

static Suite *cencdecrypt_suite ()
{
  Suite *suite = suite_create ("cencdecrypt");
  TCase *tests = tcase_create ("all");
  suite_add_tcase (suite, tests);
  tcase_add_test (tests, decrypts);
  tcase_add_test (tests, caps_become_those_of_the_media);
  tcase_add_test (tests, caps_without_a_media_type);
  tcase_add_test (tests, is_found_by_protection_system);
  tcase_add_test (tests, clear_samples);
  tcase_add_test (tests, cbcs_clear_lead);
  tcase_add_test (tests, cbcs_clear_lead_without_iv);
  tcase_add_test (tests, nothing_but_a_clear_lead);
  tcase_add_test (tests, malformed_meta);
  tcase_add_test (tests, missing_key);
  tcase_add_test (tests, wrong_keys);
  tcase_add_test (tests, events);
  tcase_add_test (tests, again_after_ready);
  tcase_add_test (tests, key_rotation_behind_qtdemux);
  tcase_add_test (tests, iv_rotation_behind_qtdemux);
  tcase_add_test (tests, last_sample_of_a_fragment);
  tcase_add_test (tests, missing_meta);
  tcase_add_test (tests, lists_stay_lists);
  tcase_add_test (tests, other_metas_stay);
  tcase_add_test (tests, stream_that_turns_clear);
  tcase_add_test (tests, behind_matroskademux);
  return suite;
}

GST_CHECK_MAIN (cencdecrypt)

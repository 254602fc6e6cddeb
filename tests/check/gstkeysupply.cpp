// SPDX-License-Identifier: LGPL-2.1-or-later
// Where both elements have their keys from, in what order, and what they do
// without.
#include <mutex>
#include <thread>

#include "encrypter.h"
#include "testmp4.h"

namespace {

using relay::Owned;
using test::Bytes;

#define KID "eb676abbcb345e96bbcf616630f1a3da"
#define UUID "EB676ABB-CB34-5E96-BBCF-616630F1A3DA"
#define KEY "100b6c20940f779a4589152b57d2dacb"
#define KEY64 "EAtsIJQPd5pFiRUrV9Layw"
#define JWK                                                         \
  "{\"keys\":[{\"kty\":\"oct\",\"kid\":\"62dqu8s0Xpa7z2FmMPGj2g\"," \
  "\"k\":\"" KEY64 "\"}]}"
#define OTHER_SYSTEM "edef8ba9-79d6-4ace-a3c8-27dcd51d21ed"
#define SYSTEM "e2719d58-a985-b3c9-781a-b030af78d30e"

const char *const caps =
    "application/x-cenc, original-media-type=(string)audio/mpeg, "
    "mpegversion=(int)4, cipher-mode=(string)cenc, "
    "protection-system=(string)" SYSTEM;

// What one of them takes, and what comes of it: a sample, or a whole file.
struct Input
{
  Owned<GstBuffer> encrypted;
  Bytes clear;
};

Input sample (const char *kid, const char *key)
{
  Input out;
  out.clear = test::noise (100);
  Bytes encrypted =
      test::SampleEncrypter ({"cenc", test::block (key)}, test::block ("01"))
          .encrypt (out.clear, std::nullopt);
  out.encrypted = test::buffer (encrypted);
  Owned<GstBuffer> iv = test::buffer (test::block ("01"));
  Owned<GstBuffer> id = test::buffer (test::block (kid));
  gst_buffer_add_protection_meta (out.encrypted.get (),
      gst_structure_new ("application/x-cenc", "encrypted", G_TYPE_BOOLEAN,
          TRUE, "iv_size", G_TYPE_UINT, 16u, "iv", GST_TYPE_BUFFER, iv.get (),
          "kid", GST_TYPE_BUFFER, id.get (), nullptr));
  return out;
}

test::TestFile file_of (const char *kid, const char *key)
{
  test::TestTrack track;
  track.scheme.name = "cenc";
  track.scheme.key = test::block (key);
  track.kid = test::block (kid);
  test::TestTraf traf;
  traf.track = &track;
  traf.runs = {test::whole_samples ({100, 33})};
  test::TestFile file;
  file.add_movie ({track});
  file.add_fragment ({traf});
  return file;
}

Input resource (const char *kid, const char *key)
{
  test::TestFile file = file_of (kid, key);
  Input out{test::buffer (file.encrypted), file.clear};
  GST_BUFFER_OFFSET (out.encrypted.get ()) = 0;
  return out;
}

const char *const factories[] = {"cencdecrypt", "cencmp4decrypt"};

// Takes a floating variant.
Owned<GstContext> context_of (GVariant *keys)
{
  Owned<GstContext> out{gst_context_new ("cenc-keys", TRUE)};
  gst_structure_set (gst_context_writable_structure (out.get ()), "keys",
      G_TYPE_VARIANT, keys, nullptr);
  return out;
}

Owned<GstContext> context (const char *kid, const char *key)
{
  GVariantBuilder builder;
  g_variant_builder_init (&builder, G_VARIANT_TYPE ("a{ss}"));
  g_variant_builder_add (&builder, "{ss}", kid, key);
  return context_of (g_variant_builder_end (&builder));
}

// One of them in a harness, with all that it posts kept in order.
class Fixture
{
public:
  explicit Fixture (const char *factory)
      : make_ (factory == factories[0] ? sample : resource)
  {
    element_ = gst_element_factory_make (factory, nullptr);
    harness_ = gst_harness_new_with_element (element_, "sink", "src");
    bus_.reset (gst_bus_new ());
    gst_element_set_bus (element_, bus_.get ());
    // Properties are for NULL and READY.
    gst_element_set_state (element_, GST_STATE_READY);
  }
  Fixture (const Fixture &) = delete;
  Fixture &operator= (const Fixture &) = delete;
  ~Fixture ()
  {
    gst_element_set_bus (element_, nullptr);
    gst_harness_teardown (harness_);
    gst_object_unref (element_);
  }

  GstElement *element () { return element_; }
  GstHarness *harness () { return harness_; }
  GstBus *bus () { return bus_.get (); }

  void play ()
  {
    gst_element_set_state (element_, GST_STATE_PLAYING);
    gst_harness_set_src_caps_str (harness_, caps);
  }
  GstFlowReturn push (const char *kid = KID, const char *key = KEY)
  {
    Input input = make_ (kid, key);
    clear_ = input.clear;
    return gst_harness_push (harness_, input.encrypted.release ());
  }
  Bytes pull ()
  {
    Bytes out;
    while (GstBuffer *raw = gst_harness_try_pull (harness_)) {
      Owned<GstBuffer> buffer{raw};
      Bytes bytes = test::bytes_of (raw);
      out.insert (out.end (), bytes.begin (), bytes.end ());
    }
    return out;
  }
  bool pull_is_clear () { return pull () == clear_; }
  // The names of all messages of these types so far.
  std::vector<std::string> messages (int types)
  {
    std::vector<std::string> out;
    while (GstMessage *raw = gst_bus_pop_filtered (
               bus (), static_cast<GstMessageType> (types))) {
      Owned<GstMessage> message{raw};
      if (GST_MESSAGE_TYPE (raw) == GST_MESSAGE_ELEMENT)
        out.emplace_back (
            gst_structure_get_name (gst_message_get_structure (raw)));
      else
        out.emplace_back (GST_MESSAGE_TYPE_NAME (raw));
    }
    return out;
  }
  guint64 stat (const char *field)
  {
    GstStructure *raw = nullptr;
    g_object_get (element_, "stats", &raw, nullptr);
    Owned<GstStructure> stats{raw};
    guint64 value = 0;
    fail_unless (gst_structure_get_uint64 (stats.get (), field, &value));
    return value;
  }
  bool add_key (const char *kid, const char *key)
  {
    gboolean added = FALSE;
    g_signal_emit_by_name (element_, "add-key", kid, key, &added);
    return added != FALSE;
  }

private:
  Input (*make_) (const char *kid, const char *key);
  Bytes clear_;
  GstElement *element_ = nullptr;
  GstHarness *harness_ = nullptr;
  Owned<GstBus> bus_;
};

constexpr int asking = GST_MESSAGE_NEED_CONTEXT | GST_MESSAGE_ELEMENT |
                       GST_MESSAGE_ERROR | GST_MESSAGE_WARNING;

}  // namespace

GST_START_TEST (properties)
{
  test::TempDir folder;
  std::filesystem::path file = folder.path () / "key set.json";
  std::string text = JWK;
  test::write_file (file,
      {reinterpret_cast<const std::uint8_t *> (text.data ()), text.size ()});
  Owned<gchar> uri{g_filename_to_uri (file.c_str (), nullptr, nullptr)};
  const std::pair<const char *, std::string> rows[] = {
      {"keys", KID ":" KEY},
      {"keys", UUID ":" KEY64},
      {"keys", "00000000000000000000000000000000:" KEY "," KID ":" KEY},
      {"key", KEY},
      {"key", KEY64},
      {"clearkey-json", JWK},
      {"clearkey-json", uri.get ()},
  };
  for (const auto &[name, value] : rows) {
    Fixture fixture (factories[__i__]);
    g_object_set (fixture.element (), name, value.c_str (), nullptr);
    fixture.play ();
    fail_unless (fixture.push () == GST_FLOW_OK);
    fail_unless (fixture.pull_is_clear (), "%s=%s", name, value.c_str ());
    fail_unless (fixture.messages (asking).empty ());
  }
}
GST_END_TEST;

// Its own key goes before that for all.
GST_START_TEST (key_is_for_those_without)
{
  Fixture fixture (factories[__i__]);
  g_object_set (fixture.element (), "keys", KID ":" KEY, "key",
      "00000000000000000000000000000001", nullptr);
  fixture.play ();
  const char *zero = "00000000000000000000000000000000";
  fixture.push ();
  fail_unless (fixture.pull_is_clear ());
  fixture.push (zero, "00000000000000000000000000000001");
  fail_unless (fixture.pull_is_clear ());
}
GST_END_TEST;

GST_START_TEST (wrong_properties)
{
  const std::pair<const char *, const char *> rows[] = {
      {"key", KEY "00"},
      {"clearkey-json", "{}"},
      {"clearkey-json", "file:///nonexistent/" KEY},
      {"clearkey-json", "file://elsewhere/x"},
  };
  for (const auto &[name, value] : rows) {
    Fixture fixture (factories[__i__]);
    g_object_set (fixture.element (), name, value, nullptr);
    fail_unless (gst_element_set_state (fixture.element (), GST_STATE_PAUSED) ==
                 GST_STATE_CHANGE_FAILURE);
    Owned<GstMessage> message{
        gst_bus_pop_filtered (fixture.bus (), GST_MESSAGE_ERROR)};
    bool is_file = strncmp (value, "file:", 5) == 0;
    test::assert_error (message.get (), GST_RESOURCE_ERROR,
        is_file ? GST_RESOURCE_ERROR_OPEN_READ : GST_RESOURCE_ERROR_SETTINGS);
    fail_unless (
        gst_bus_pop_filtered (fixture.bus (), GST_MESSAGE_ERROR) == nullptr);
    // Put right it plays.
    gst_element_set_state (fixture.element (), GST_STATE_READY);
    g_object_set (
        fixture.element (), name, nullptr, "keys", KID ":" KEY, nullptr);
    fixture.play ();
    fixture.push ();
    fail_unless (fixture.pull_is_clear ());
  }
}
GST_END_TEST;

namespace {

// Answers as a source in front of the demuxer would.
GstPadProbeReturn answer_query (GstPad *, GstPadProbeInfo *info, gpointer data)
{
  GstQuery *query = GST_PAD_PROBE_INFO_QUERY (info);
  const gchar *type = nullptr;
  if (GST_QUERY_TYPE (query) != GST_QUERY_CONTEXT ||
      !gst_query_parse_context_type (query, &type) ||
      strcmp (type, "cenc-keys") != 0)
    return GST_PAD_PROBE_OK;
  gchar **kids = nullptr;
  fail_unless (gst_structure_get (
      gst_query_get_structure (query), "key-ids", G_TYPE_STRV, &kids, nullptr));
  fail_unless (g_strv_length (kids) == 1);
  fail_unless_equals_string (kids[0], KID);
  g_strfreev (kids);
  (*static_cast<int *> (data))++;
  Owned<GstContext> answer = context (KID, KEY);
  gst_query_set_context (query, answer.get ());
  return GST_PAD_PROBE_HANDLED;
}

GstBusSyncReply answer_need_context (GstBus *, GstMessage *message, gpointer)
{
  const gchar *type = nullptr;
  if (GST_MESSAGE_TYPE (message) != GST_MESSAGE_NEED_CONTEXT)
    return GST_BUS_PASS;
  fail_unless (gst_message_parse_context_type (message, &type));
  if (strcmp (type, "cenc-keys") != 0) return GST_BUS_PASS;
  fail_unless (gst_structure_has_field_typed (
      gst_message_get_structure (message), "key-ids", G_TYPE_STRV));
  Owned<GstContext> answer = context (KID, KEY);
  gst_element_set_context (
      GST_ELEMENT (GST_MESSAGE_SRC (message)), answer.get ());
  return GST_BUS_PASS;
}

struct NeedKey
{
  int calls = 0;
  std::string kid, system_id;
  Bytes pssh;
  const char *answer = KEY;
};
gchar *on_need_key (GstElement *, const gchar *kid, const gchar *system_id,
    GBytes *pssh, gpointer data)
{
  auto *seen = static_cast<NeedKey *> (data);
  seen->calls++;
  seen->kid = kid;
  seen->system_id = system_id != nullptr ? system_id : "";
  if (pssh != nullptr) {
    gsize size = 0;
    const auto *bytes =
        static_cast<const std::uint8_t *> (g_bytes_get_data (pssh, &size));
    seen->pssh.assign (bytes, bytes + size);
  }
  return g_strdup (seen->answer);
}

GstBusSyncReply answer_message (GstBus *, GstMessage *message, gpointer)
{
  std::string name = "need-key";
  if (GST_IS_ELEMENT (GST_MESSAGE_SRC (message)))
    name = std::string (GST_OBJECT_NAME (gst_element_get_factory (
               GST_ELEMENT (GST_MESSAGE_SRC (message))))) +
           "-need-key";
  if (!gst_message_has_name (message, name.c_str ())) return GST_BUS_PASS;
  const GstStructure *what = gst_message_get_structure (message);
  fail_unless_equals_string (gst_structure_get_string (what, "key-id"), KID);
  fail_unless (gst_structure_has_field_typed (what, "pssh", G_TYPE_BYTES));
  fail_unless_equals_string (
      gst_structure_get_string (what, "system-id"), SYSTEM);
  gboolean added = FALSE;
  g_signal_emit_by_name (
      GST_MESSAGE_SRC (message), "add-key", KID, KEY, &added);
  fail_unless (added);
  return GST_BUS_PASS;
}

}  // namespace

// Each is asked only if those before it have not answered.
GST_START_TEST (order_of_those_who_are_asked)
{
  for (int from = 0; from < 5; from++) {
    Fixture fixture (factories[__i__]);
    fixture.play ();
    NeedKey need_key;
    need_key.answer = from <= 2 ? KEY : nullptr;
    g_signal_connect (
        fixture.element (), "need-key", G_CALLBACK (on_need_key), &need_key);
    int queries = 0;
    if (from == 0) {
      gst_pad_add_probe (fixture.harness ()->srcpad,
          GST_PAD_PROBE_TYPE_QUERY_UPSTREAM, answer_query, &queries, nullptr);
    }
    if (from == 1)
      gst_bus_set_sync_handler (
          fixture.bus (), answer_need_context, nullptr, nullptr);
    if (from == 3)
      gst_bus_set_sync_handler (
          fixture.bus (), answer_message, nullptr, nullptr);
    Bytes pssh = test::noise (40);
    gst_harness_push_event (
        fixture.harness (), gst_event_new_protection (SYSTEM,
                                test::buffer (pssh).get (), "isobmff/moov"));
    gst_harness_push_event (fixture.harness (),
        gst_event_new_protection (
            OTHER_SYSTEM, test::buffer (Bytes (3)).get (), "isobmff/moov"));

    for (int i = 0; i < 2; i++) {
      GstFlowReturn flow = fixture.push ();
      fail_unless (flow == (from < 4 ? GST_FLOW_OK : GST_FLOW_ERROR));
      if (from < 4) fail_unless (fixture.pull_is_clear ());
    }
    fail_unless_equals_int (queries, from == 0 ? 1 : 0);
    fail_unless_equals_int (need_key.calls, from >= 2 ? 1 : 0);
    if (from >= 2) {
      fail_unless (need_key.kid == KID);
      // That of the caps, and not the latest, or that of the file.
      fail_unless (need_key.system_id == SYSTEM);
      fail_unless (need_key.pssh ==
                   (__i__ == 0 ? pssh : test::Mp4Writer (false).pssh ()));
    }
    std::vector<std::string> expected;
    if (from >= 1) expected.emplace_back ("need-context");
    if (from >= 3)
      expected.push_back (std::string (factories[__i__]) + "-need-key");
    if (from >= 4) expected.emplace_back ("error");
    gst_bus_set_sync_handler (fixture.bus (), nullptr, nullptr, nullptr);
    fail_unless (fixture.messages (asking) == expected);
  }
}
GST_END_TEST;

namespace {

// 23001-7 8.1
Bytes pssh_box (const char *system, std::vector<const char *> kids)
{
  test::Fields body;
  body.put (test::hex (system));
  if (!kids.empty ()) body.u32 (kids.size ());
  for (const char *kid : kids) body.put (test::block (kid));
  body.u32 (2).u16 (0x1234);
  return test::full_box ("pssh", !kids.empty (), 0, body);
}

#define KID2 "00000000000000000000000000000002"

// What asks for a key says what the file says about it: a box that names the
// key id, or else the latest.
struct PsshRow
{
  const char *what;
  std::vector<Bytes> boxes;
  std::size_t chosen;
};
std::vector<PsshRow> pssh_rows ()
{
  return {
      {"the latest", {pssh_box (OTHER_SYSTEM, {}), pssh_box (SYSTEM, {})}, 1},
      {"of its key id",
          {pssh_box (SYSTEM, {KID2, KID}), pssh_box (OTHER_SYSTEM, {KID2})}, 0},
      {"of its key id, the latest",
          {pssh_box (SYSTEM, {KID}), pssh_box (OTHER_SYSTEM, {KID})}, 1},
      {"for each key id of one system",
          {pssh_box (OTHER_SYSTEM, {KID}), pssh_box (OTHER_SYSTEM, {KID2})},
          0}};
}

}  // namespace

GST_START_TEST (pssh_boxes_of_the_file)
{
  // moof's come after moov's.
  for (bool in_moof : {false, true}) {
    for (const PsshRow &row : pssh_rows ()) {
      Fixture fixture (factories[1]);
      fixture.play ();
      NeedKey need_key;
      g_signal_connect (
          fixture.element (), "need-key", G_CALLBACK (on_need_key), &need_key);
      test::TestTrack track;
      track.scheme.name = "cenc";
      track.scheme.key = test::block (KEY);
      track.kid = test::block (KID);
      test::TestTraf traf;
      traf.track = &track;
      traf.runs = {test::whole_samples ({100, 33})};
      Bytes extra;
      for (const Bytes &box : row.boxes)
        extra.insert (extra.end (), box.begin (), box.end ());
      test::Mp4Writer writer (false);
      Bytes file = writer.movie ({track});
      if (!in_moof) {
        // In front of those that the writer puts at the end of moov, which
        // name no key id.
        file.resize (file.size () - writer.pssh ().size ());
        file.insert (file.end (), extra.begin (), extra.end ());
        std::size_t moov = 20;
        std::size_t size = file.size () - moov;
        for (std::size_t i = 0; i < 4; i++)
          file[moov + i] = static_cast<std::uint8_t> (size >> (24 - 8 * i));
      }
      auto one =
          writer.fragment ({traf}, file.size (), in_moof ? extra : Bytes ());
      file.insert (file.end (), one.moof.begin (), one.moof.end ());
      file.insert (file.end (), one.mdat.begin (), one.mdat.end ());
      Owned<GstBuffer> buffer = test::buffer (file);
      GST_BUFFER_OFFSET (buffer.get ()) = 0;
      fail_unless (gst_harness_push (fixture.harness (), buffer.release ()) ==
                   GST_FLOW_OK);
      fail_unless_equals_int (need_key.calls, 1);
      fail_unless (need_key.pssh == row.boxes[row.chosen], "%s", row.what);
      Bytes system = test::hex (need_key.system_id);
      fail_unless (need_key.system_id.size () == 36);
      fail_unless (std::equal (system.begin (), system.end (),
                       row.boxes[row.chosen].begin () + 12),
          "%s", row.what);
    }
  }
}
GST_END_TEST;

// The same from a demuxer. Of the system by which it chose the stream there may
// be one for each key.
GST_START_TEST (pssh_boxes_of_events)
{
  for (const PsshRow &row : pssh_rows ()) {
    for (bool has_system : {false, true}) {
      Fixture fixture (factories[0]);
      fixture.play ();
      if (!has_system)
        gst_harness_set_src_caps_str (fixture.harness (),
            "application/x-cenc, original-media-type=(string)audio/mpeg, "
            "mpegversion=(int)4, cipher-mode=(string)cenc");
      NeedKey need_key;
      g_signal_connect (
          fixture.element (), "need-key", G_CALLBACK (on_need_key), &need_key);
      for (const Bytes &box : row.boxes) {
        bool is_other = Bytes (box.begin () + 12, box.begin () + 28) ==
                        test::hex (OTHER_SYSTEM);
        gst_harness_push_event (fixture.harness (),
            gst_event_new_protection (is_other ? OTHER_SYSTEM : SYSTEM,
                test::buffer (box).get (), "isobmff/moov"));
      }
      fail_unless (fixture.push () == GST_FLOW_OK);
      std::size_t chosen = row.chosen;
      // SYSTEM is that of the caps, and it is not for every row's choice.
      if (has_system && row.chosen == 1 && row.boxes[0] != row.boxes[1] &&
          row.boxes[1] == pssh_box (OTHER_SYSTEM, {KID}))
        chosen = 0;
      fail_unless (need_key.pssh == row.boxes[chosen], "%s", row.what);
    }
  }
}
GST_END_TEST;

GST_START_TEST (answers_that_are_no_keys)
{
  for (const char *answer : {"", "nonsense", KEY "00"}) {
    Fixture fixture (factories[__i__]);
    fixture.play ();
    NeedKey need_key;
    need_key.answer = answer;
    g_signal_connect (
        fixture.element (), "need-key", G_CALLBACK (on_need_key), &need_key);
    fail_if (fixture.add_key (KID, answer));
    fail_if (fixture.add_key (answer, KEY));
    Owned<GstContext> wrong[] = {context (KID, answer), context (answer, KEY),
        context_of (g_variant_new_string (KID ":" KEY)),
        context_of (g_variant_new ("a{ss}", nullptr)),
        Owned<GstContext> (gst_context_new ("cenc-keys", TRUE)),
        Owned<GstContext> (gst_context_new ("other", TRUE))};
    for (const Owned<GstContext> &one : wrong)
      gst_element_set_context (fixture.element (), one.get ());
    fail_unless (fixture.push () == GST_FLOW_ERROR);
    fail_unless_equals_int (need_key.calls, 1);
  }
}
GST_END_TEST;

// In every state, and in place of another one.
GST_START_TEST (add_key)
{
  Fixture fixture (factories[__i__]);
  fail_unless (fixture.add_key (UUID, "00000000000000000000000000000001"));
  fixture.play ();
  fixture.push (KID, "00000000000000000000000000000001");
  fail_unless (fixture.pull_is_clear ());
  fail_unless (fixture.add_key (KID, KEY64));
  fixture.push ();
  fail_unless (fixture.pull_is_clear ());
  // It outlives READY.
  gst_element_set_state (fixture.element (), GST_STATE_READY);
  fixture.play ();
  fixture.push ();
  fail_unless (fixture.pull_is_clear ());
}
GST_END_TEST;

GST_START_TEST (drop_and_pass)
{
  for (const char *policy : {"drop", "pass"}) {
    bool is_drop = strcmp (policy, "drop") == 0;
    Fixture fixture (factories[0]);
    gst_util_set_object_arg (
        G_OBJECT (fixture.element ()), "on-missing-key", policy);
    fixture.play ();
    for (int i = 0; i < 3; i++) fail_unless (fixture.push () == GST_FLOW_OK);
    for (int i = 0; !is_drop && i < 3; i++) {
      Owned<GstBuffer> out{gst_harness_try_pull (fixture.harness ())};
      fail_unless (test::bytes_of (out.get ()) ==
                   test::bytes_of (sample (KID, KEY).encrypted.get ()));
      // It says that it is encrypted.
      fail_unless (gst_buffer_get_protection_meta (out.get ()) != nullptr);
    }
    fail_unless (gst_harness_buffers_in_queue (fixture.harness ()) == 0);
    fail_unless (fixture.stat (
                     is_drop ? "samples-dropped" : "samples-without-key") == 3);
    // Asked and told once.
    const std::vector<std::string> expected = {
        "need-context", "cencdecrypt-need-key", "warning"};
    fail_unless (fixture.messages (asking) == expected);
    fail_unless (fixture.add_key (KID, KEY));
    fixture.push ();
    Owned<GstBuffer> out{gst_harness_try_pull (fixture.harness ())};
    fail_unless (test::bytes_of (out.get ()) == test::noise (100));
    fail_unless (GST_BUFFER_IS_DISCONT (out.get ()) == is_drop);
  }
}
GST_END_TEST;

// No byte moves: zeros in the place of samples, or ciphertext.
GST_START_TEST (wipe_and_pass)
{
  test::TestFile file = file_of (KID, KEY);
  for (const char *policy : {"drop", "pass"}) {
    Bytes expected = file.clear;
    auto media = static_cast<std::ptrdiff_t> (expected.size ()) - 133;
    if (strcmp (policy, "drop") == 0)
      std::fill (expected.begin () + media, expected.end (), std::uint8_t{0});
    else
      std::copy (file.encrypted.begin () + media, file.encrypted.end (),
          expected.begin () + media);
    Fixture fixture (factories[1]);
    gst_util_set_object_arg (
        G_OBJECT (fixture.element ()), "on-missing-key", policy);
    fixture.play ();
    for (int i = 0; i < 3; i++) {
      fail_unless (fixture.push () == GST_FLOW_OK);
      fail_unless (fixture.pull () == expected);
    }
    fail_unless (fixture.stat ("samples-without-key") == 6);
    fail_unless (fixture.stat ("samples") == 6);
    // Asked and told once.
    const std::vector<std::string> messages = {
        "need-context", "cencmp4decrypt-need-key", "warning"};
    fail_unless (fixture.messages (asking) == messages);
    fail_unless (fixture.add_key (KID, KEY));
    fixture.push ();
    fail_unless (fixture.pull_is_clear ());
    fail_unless (fixture.stat ("samples-decrypted") == 2);
  }
}
GST_END_TEST;

// What comes before the box whose key is missing has left before it is asked
// for, also where a file comes in pieces; and a sample whose key comes after
// its moof is decrypted.
GST_START_TEST (what_comes_before_has_left)
{
  test::TestFile file = file_of (KID, KEY);
  const char *const moof = "moof";
  auto at = std::search (
      file.encrypted.begin (), file.encrypted.end (), moof, moof + 4);
  auto before = static_cast<std::size_t> (at - file.encrypted.begin ()) - 4;
  for (std::size_t step :
      {std::size_t{1}, std::size_t{50}, std::size_t{4096}}) {
    Fixture fixture (factories[1]);
    fixture.play ();
    std::vector<std::size_t> left;
    struct Seen
    {
      Fixture *fixture;
      Bytes left;
      int calls = 0;
    } seen{&fixture, {}};
    auto answer = +[] (GstElement *, const gchar *, const gchar *, GBytes *,
                       gpointer data) -> gchar * {
      auto *self = static_cast<Seen *> (data);
      self->left = self->fixture->pull ();
      self->calls++;
      return g_strdup (KEY);
    };
    g_signal_connect (
        fixture.element (), "need-key", G_CALLBACK (answer), &seen);
    for (std::size_t from = 0; from < file.encrypted.size (); from += step) {
      Owned<GstBuffer> buffer = test::buffer (
          std::span (file.encrypted)
              .subspan (from, std::min (step, file.encrypted.size () - from)));
      GST_BUFFER_OFFSET (buffer.get ()) = from;
      fail_unless (gst_harness_push (fixture.harness (), buffer.release ()) ==
                   GST_FLOW_OK);
    }
    fail_unless_equals_int (seen.calls, 1);
    fail_unless (seen.left.size () == before);
    Bytes rest = fixture.pull ();
    seen.left.insert (seen.left.end (), rest.begin (), rest.end ());
    fail_unless (seen.left == file.clear);
  }
  Fixture fixture (factories[1]);
  gst_util_set_object_arg (
      G_OBJECT (fixture.element ()), "on-missing-key", "pass");
  fixture.play ();
  Bytes out;
  for (std::size_t part : {std::size_t{0}, std::size_t{1}}) {
    std::size_t cut = file.encrypted.size () - 33;
    Owned<GstBuffer> buffer =
        test::buffer (part == 0 ? std::span (file.encrypted).first (cut)
                                : std::span (file.encrypted).subspan (cut));
    GST_BUFFER_OFFSET (buffer.get ()) = part == 0 ? 0 : cut;
    gst_harness_push (fixture.harness (), buffer.release ());
    fail_unless (fixture.add_key (KID, KEY));
  }
  fail_unless (fixture.stat ("samples-without-key") == 1);
  fail_unless (fixture.stat ("samples-decrypted") == 1);
  out = fixture.pull ();
  fail_unless (
      std::equal (out.end () - 33, out.end (), file.clear.end () - 33));
}
GST_END_TEST;

namespace {

// Pushes on a thread of its own, and says how that went.
class Pusher
{
public:
  explicit Pusher (Fixture &fixture)
      : thread_ ([this, &fixture] { flow_ = fixture.push (); })
  {
    // The message comes right before it waits.
    Owned<GstMessage> message{gst_bus_timed_pop_filtered (
        fixture.bus (), 20 * GST_SECOND, GST_MESSAGE_ELEMENT)};
    fail_unless (message != nullptr, "it does not ask");
  }
  GstFlowReturn join ()
  {
    thread_.join ();
    return flow_;
  }

private:
  GstFlowReturn flow_ = GST_FLOW_CUSTOM_SUCCESS;
  std::thread thread_;
};

void wait_for_keys (Fixture &fixture, guint64 limit)
{
  gst_util_set_object_arg (
      G_OBJECT (fixture.element ()), "on-missing-key", "wait");
  g_object_set (fixture.element (), "key-timeout", limit, nullptr);
  fixture.play ();
}

}  // namespace

GST_START_TEST (waits_for_a_key)
{
  for (guint64 limit : {guint64{60 * GST_SECOND}, guint64{G_MAXUINT64}}) {
    for (bool is_context : {false, true}) {
      Fixture fixture (factories[__i__]);
      wait_for_keys (fixture, limit);
      Pusher pusher (fixture);
      // Another one does not do.
      fail_unless (fixture.add_key ("00000000000000000000000000000000", KEY));
      Owned<GstContext> answer = context (KID, KEY);
      if (is_context)
        gst_element_set_context (fixture.element (), answer.get ());
      else
        fail_unless (fixture.add_key (KID, KEY));
      fail_unless (pusher.join () == GST_FLOW_OK);
      fail_unless (fixture.pull_is_clear ());
    }
  }
}
GST_END_TEST;

GST_START_TEST (waiting_ends)
{
  for (guint64 limit : {guint64{0}, guint64{GST_MSECOND}}) {
    Fixture fixture (factories[__i__]);
    wait_for_keys (fixture, limit);
    fail_unless (fixture.push () == GST_FLOW_ERROR);
    Owned<GstMessage> message{
        gst_bus_pop_filtered (fixture.bus (), GST_MESSAGE_ERROR)};
    test::assert_error (
        message.get (), GST_STREAM_ERROR, GST_STREAM_ERROR_DECRYPT_NOKEY);
  }
}
GST_END_TEST;

namespace {

// However busy the machine is, one of a few tries shows how long it takes.
template <class Try>
void ends_within_100_ms (Try attempt)
{
  gint64 best = G_MAXINT64;
  for (int i = 0; i < 5 && best >= 100 * 1000; i++)
    best = std::min (best, attempt ());
  fail_unless (best < 100 * 1000, "took %d ms", static_cast<int> (best / 1000));
}

}  // namespace

GST_START_TEST (waiting_ends_in_time)
{
  for (bool is_flush : {true, false})
    ends_within_100_ms ([&] {
      Fixture fixture (factories[__i__]);
      wait_for_keys (fixture, G_MAXUINT64);
      Pusher pusher (fixture);
      gint64 before = g_get_monotonic_time ();
      if (is_flush)
        gst_harness_push_event (
            fixture.harness (), gst_event_new_flush_start ());
      else
        gst_element_set_state (fixture.element (), GST_STATE_READY);
      fail_unless (pusher.join () == GST_FLOW_FLUSHING);
      return g_get_monotonic_time () - before;
    });
}
GST_END_TEST;

// Where the element's own task pulls, nobody else's thread waits.
GST_START_TEST (waiting_ends_in_time_when_pulling)
{
  test::TempDir folder;
  std::string path = folder.path () / "in.mp4";
  test::write_file (path, file_of (KID, KEY).encrypted);
  ends_within_100_ms ([&] {
    Owned<GstElement> pipeline{
        gst_parse_launch (("filesrc location=" + path +
                              " ! cencmp4decrypt on-missing-key=wait "
                              "key-timeout=18446744073709551615 ! fakesink")
                              .c_str (),
            nullptr)};
    gst_element_set_state (pipeline.get (), GST_STATE_PLAYING);
    fail_unless (
        test::wait_message (pipeline.get (), GST_MESSAGE_ELEMENT) != nullptr);
    gint64 before = g_get_monotonic_time ();
    gst_element_set_state (pipeline.get (), GST_STATE_READY);
    gint64 took = g_get_monotonic_time () - before;
    gst_element_set_state (pipeline.get (), GST_STATE_NULL);
    return took;
  });
}
GST_END_TEST;

GST_START_TEST (waiting_is_broken_by_flush)
{
  Fixture fixture (factories[__i__]);
  wait_for_keys (fixture, G_MAXUINT64);
  Pusher pusher (fixture);
  gst_harness_push_event (fixture.harness (), gst_event_new_flush_start ());
  fail_unless (pusher.join () == GST_FLOW_FLUSHING);
  gst_harness_push_event (fixture.harness (), gst_event_new_flush_stop (TRUE));
  fixture.pull ();  // boxes before the one that waited
  GstSegment segment;
  gst_segment_init (&segment, GST_FORMAT_TIME);
  gst_harness_push_event (fixture.harness (), gst_event_new_segment (&segment));
  fail_unless (fixture.add_key (KID, KEY));
  fail_unless (fixture.push () == GST_FLOW_OK);
  fail_unless (fixture.pull_is_clear ());
}
GST_END_TEST;

GST_START_TEST (waiting_is_broken_by_ready)
{
  Fixture fixture (factories[__i__]);
  wait_for_keys (fixture, G_MAXUINT64);
  Pusher pusher (fixture);
  fail_unless (gst_element_set_state (fixture.element (), GST_STATE_READY) ==
               GST_STATE_CHANGE_SUCCESS);
  fail_unless (pusher.join () == GST_FLOW_FLUSHING);
  fail_unless (fixture.messages (GST_MESSAGE_ERROR).empty ());
}
GST_END_TEST;

namespace {

std::string log_text;
std::mutex log_mutex;

void keep_log (GstDebugCategory *, GstDebugLevel, const gchar *,
    const gchar *function, gint, GObject *, GstDebugMessage *message, gpointer)
{
  // Making the text may log too.
  const gchar *text = gst_debug_message_get (message);
  std::lock_guard<std::mutex> guard (log_mutex);
  log_text += std::string (function) + " " + text + "\n";
}

// How bytes look in base64 wherever they begin in what is encoded, but for the
// characters that depend on their neighbours.
std::vector<std::string> base64_forms (const Bytes &bytes)
{
  std::vector<std::string> out;
  for (std::size_t shift = 0; shift < 3; shift++) {
    Bytes shifted (shift);
    shifted.insert (shifted.end (), bytes.begin (), bytes.end ());
    Owned<gchar> text{g_base64_encode (shifted.data (), shifted.size ())};
    std::string form = text.get ();
    out.push_back (form.substr (4, form.size () - 8));
  }
  return out;
}

// As digits, also with spaces between them or some of them only; in base64, as
// bytes and as text; and as it was given.
bool has_key (const std::string &text)
{
  std::string digits;
  for (char c : text)
    if (c != ' ') digits += g_ascii_tolower (c);
  if (digits.find (std::string (KEY).substr (0, 12)) != std::string::npos)
    return true;
  if (text.find (KEY64) != std::string::npos) return true;
  std::string_view key = KEY, key64 = KEY64;
  for (const Bytes &bytes : {test::hex (KEY), Bytes (key.begin (), key.end ()),
           Bytes (key64.begin (), key64.end ())})
    for (const std::string &form : base64_forms (bytes))
      if (text.find (form) != std::string::npos) return true;
  return false;
}

}  // namespace

// With every log at its highest level, in no message and in no dot file.
GST_START_TEST (keys_are_nowhere_to_be_seen)
{
  // Past the macros, which clang finds fault with; null is the default one.
  (gst_debug_remove_log_function) (nullptr);
  (gst_debug_add_log_function) (keep_log, nullptr, nullptr);
  gst_debug_set_active (TRUE);
  gst_debug_set_default_threshold (GST_LEVEL_MEMDUMP);
  std::string rest;
  // Given by a context, by need-key, or by all else.
  for (int from = 0; from < 3; from++) {
    Fixture fixture (factories[__i__]);
    if (from == 2)
      g_object_set (fixture.element (), "keys", KID ":" KEY, "key", KEY64,
          "clearkey-json", JWK, nullptr);
    if (from == 0)
      gst_bus_set_sync_handler (
          fixture.bus (), answer_need_context, nullptr, nullptr);
    NeedKey need_key;
    if (from == 1)
      g_signal_connect (
          fixture.element (), "need-key", G_CALLBACK (on_need_key), &need_key);
    int queries = 0;
    if (from == 2)
      gst_pad_add_probe (fixture.harness ()->srcpad,
          GST_PAD_PROBE_TYPE_QUERY_UPSTREAM, answer_query, &queries, nullptr);
    fixture.play ();
    fixture.push ();
    fail_unless (fixture.pull_is_clear ());
    if (from == 2) {
      Owned<GstContext> answer = context (KID, KEY);
      gst_element_set_context (fixture.element (), answer.get ());
      fail_unless (fixture.add_key (KID, KEY));
      fixture.push ();
      fail_unless (fixture.pull_is_clear ());
    }
    GstStructure *stats = nullptr;
    g_object_get (fixture.element (), "stats", &stats, nullptr);
    Owned<gchar> numbers{gst_structure_to_string (stats)};
    gst_structure_free (stats);
    rest += numbers.get ();
    gst_harness_push_event (fixture.harness (), gst_event_new_eos ());
    gst_bus_set_sync_handler (fixture.bus (), nullptr, nullptr, nullptr);
    while (GstMessage *raw = gst_bus_pop (fixture.bus ())) {
      Owned<GstMessage> message{raw};
      if (const GstStructure *what = gst_message_get_structure (raw)) {
        Owned<gchar> text{gst_structure_to_string (what)};
        rest += text.get ();
      }
    }
    Owned<GstElement> bin{gst_bin_new (nullptr)};
    gst_object_ref_sink (bin.get ());
    GstElement *other = gst_element_factory_make (factories[__i__], nullptr);
    g_object_set (other, "keys", KID ":" KEY, "key", KEY64, "clearkey-json",
        JWK, nullptr);
    gst_bin_add (GST_BIN (bin.get ()), other);
    Owned<gchar> dot{gst_debug_bin_to_dot_data (
        GST_BIN (bin.get ()), GST_DEBUG_GRAPH_SHOW_VERBOSE)};
    rest += dot.get ();
  }
  gst_debug_set_default_threshold (GST_LEVEL_NONE);
  (gst_debug_remove_log_function) (keep_log);
  std::lock_guard<std::mutex> guard (log_mutex);
  fail_unless (log_text.find ("cenc") != std::string::npos);
  for (const std::string &line : test::lines (log_text))
    fail_if (has_key (line), "%s", line.c_str ());
  fail_unless (rest.find ("digraph") != std::string::npos);
  fail_if (has_key (rest));
}
GST_END_TEST;

static Suite *gstkeysupply_suite ()
{
  Suite *suite = suite_create ("gstkeysupply");
  TCase *tests = tcase_create ("all");
  suite_add_tcase (suite, tests);
  tcase_add_loop_test (tests, properties, 0, 2);
  tcase_add_loop_test (tests, key_is_for_those_without, 0, 2);
  tcase_add_loop_test (tests, wrong_properties, 0, 2);
  tcase_add_loop_test (tests, order_of_those_who_are_asked, 0, 2);
  tcase_add_test (tests, pssh_boxes_of_the_file);
  tcase_add_test (tests, pssh_boxes_of_events);
  tcase_add_loop_test (tests, answers_that_are_no_keys, 0, 2);
  tcase_add_loop_test (tests, add_key, 0, 2);
  tcase_add_test (tests, drop_and_pass);
  tcase_add_test (tests, wipe_and_pass);
  tcase_add_test (tests, what_comes_before_has_left);
  tcase_add_loop_test (tests, waits_for_a_key, 0, 2);
  tcase_add_loop_test (tests, waiting_ends, 0, 2);
  tcase_add_loop_test (tests, waiting_ends_in_time, 0, 2);
  tcase_add_test (tests, waiting_ends_in_time_when_pulling);
  tcase_add_loop_test (tests, waiting_is_broken_by_flush, 0, 2);
  tcase_add_loop_test (tests, waiting_is_broken_by_ready, 0, 2);
  tcase_add_loop_test (tests, keys_are_nowhere_to_be_seen, 0, 2);
  return suite;
}

GST_CHECK_MAIN (gstkeysupply)

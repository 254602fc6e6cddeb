// SPDX-License-Identifier: LGPL-2.1-or-later
// Common Encryption in all its combinations, made by the tests' own encrypter:
// what comes out of cencmp4decrypt, and out of cencdecrypt behind qtdemux, is
// the clear file, sample for sample.
#include "sanitized.h"
#include "testcenc.h"

namespace {

using relay::Owned;
using test::AesBlock;
using test::Bytes;
using test::TestFile;
using test::TestSample;
using test::TestTrack;
using test::TestTraf;
using test::operator+;

// Slices, tiles or whole frames: what is protected of each sample, with a few
// bytes in front of each part that stay clear. Most parts are no whole blocks,
// and some are less than one.
struct Medium
{
  const char *what;
  std::string_view entry;
  bool is_video;
  std::size_t head;   // clear, before the first part
  std::size_t clear;  // in front of each part
  std::vector<std::vector<std::size_t>> samples;
};

const Medium media[] = {
    {"H.264 of 4 slices", "avc1", true, 0, 5,
        {{37, 180, 16, 333}, {9, 45, 200, 1}}},
    {"H.265", "hvc1", true, 70, 6, {{401, 23}, {50, 166}}},
    {"AV1", "av01", true, 14, 3, {{190, 77, 34}, {5, 161}}},
    {"AAC", "mp4a", false, 0, 0, {{100}, {7}, {341}}},
};
const Medium &sound = media[3];

struct Iv
{
  const char *what;
  std::size_t size;
  bool wraps;
  bool is_constant;
};
const Iv ivs[] = {
    {"8-byte IV", 8, false, false},
    {"16-byte IV", 16, false, false},
    {"IV about to wrap", 16, true, false},
    {"constant 8-byte IV", 8, false, true},
    {"constant 16-byte IV", 16, false, true},
    {"constant IV of ones", 16, true, true},
};

constexpr std::pair<unsigned, unsigned> patterns[] = {
    {1, 9}, {5, 5}, {3, 7}, {2, 8}, {10, 0}, {0, 0}};

enum class Lead
{
  none,
  entry,  // samples of a clear second entry of stsd
  group   // samples of a 'seig' group that is not protected
};

enum class Keys
{
  one,
  each_track,
  rotation  // with each fragment another
};

struct Cell
{
  std::string_view scheme;
  const Medium *medium;
  const Iv *iv;
  unsigned crypt;
  unsigned skip;
  Lead lead;
  Keys keys;
};

std::string text_of (const Cell &cell)
{
  constexpr const char *leads[] = {
      "no clear lead", "clear lead by entry", "clear lead by group"};
  constexpr const char *all_keys[] = {
      "one key", "a key for each track", "key rotation"};
  return std::string (cell.scheme) + ", " + cell.medium->what + ", " +
         cell.iv->what + ", " + std::to_string (cell.crypt) + ":" +
         std::to_string (cell.skip) + ", " +
         leads[static_cast<int> (cell.lead)] + ", " +
         all_keys[static_cast<int> (cell.keys)];
}

// 23001-7 10: only cbcs has constant IVs, and cbc1 none of 8 bytes; only cens
// and cbcs have patterns, and only for video.
bool is_legal (const Cell &cell)
{
  bool has_pattern = cell.crypt != 0;
  if (cell.iv->is_constant && cell.scheme != "cbcs") return false;
  if (cell.iv->size == 8 && cell.scheme == "cbc1") return false;
  return !has_pattern || (cell.medium->is_video &&
                             (cell.scheme == "cens" || cell.scheme == "cbcs"));
}

std::vector<Cell> cells_of (std::string_view scheme)
{
  std::vector<Cell> out;
  for (const Medium &medium : media)
    for (const Iv &iv : ivs)
      for (auto [crypt, skip] : patterns)
        for (Lead lead : {Lead::none, Lead::entry, Lead::group})
          for (Keys keys : {Keys::one, Keys::each_track, Keys::rotation}) {
            Cell cell{scheme, &medium, &iv, crypt, skip, lead, keys};
            if (is_legal (cell)) out.push_back (cell);
          }
  return out;
}

constexpr unsigned all_keys = 4;

AesBlock kid_of (unsigned number)
{
  AesBlock out = test::block (test::kid_digits);
  out[15] = static_cast<std::uint8_t> (number);
  return out;
}

AesBlock key_of (unsigned number)
{
  AesBlock out = test::block (test::key_digits);
  out[0] = static_cast<std::uint8_t> (number);
  return out;
}

std::string digits (const AesBlock &block)
{
  std::string out;
  for (std::uint8_t byte : block) {
    constexpr const char *hex = "0123456789abcdef";
    out += {hex[byte >> 4], hex[byte & 15]};
  }
  return out;
}

std::string key_list ()
{
  std::string out;
  for (unsigned i = 0; i < all_keys; i++)
    out +=
        (i == 0 ? "" : ",") + digits (kid_of (i)) + ":" + digits (key_of (i));
  return out;
}

TestTrack track_of (const Cell &cell, const Medium &medium, unsigned key)
{
  TestTrack out;
  out.is_video = medium.is_video;
  out.entry = medium.entry;
  out.scheme.name = cell.scheme;
  out.scheme.key = key_of (key);
  out.kid = kid_of (key);
  // Sound beside it has none.
  if (medium.is_video) {
    out.scheme.crypt = cell.crypt;
    out.scheme.skip = cell.skip;
  }
  out.iv_size = cell.iv->is_constant ? 0 : cell.iv->size;
  out.iv_wraps = cell.iv->wraps;
  out.constant_iv_size = cell.iv->size;
  out.constant_iv =
      test::block (cell.iv->size == 8 ? "0a610676cb88f302"
                   : cell.iv->wraps   ? "ffffffffffffffffffffffffffffffff"
                                      : "0a610676cb88f302d10ac8bc66e039ed");
  out.has_clear_entry = cell.lead == Lead::entry;
  return out;
}

std::vector<TestSample> samples_of (
    const Cell &cell, const Medium &medium, std::uint32_t seed)
{
  // What is no whole block goes before the part, where it has to.
  bool whole_blocks = cell.scheme == "cens" || cell.scheme == "cbc1";
  std::vector<TestSample> out;
  for (const std::vector<std::size_t> &parts : medium.samples) {
    TestSample sample;
    std::size_t size = 0;
    if (medium.is_video) {
      sample.ranges.emplace ();
      // cbcs leaves the slice header clear as well.
      std::size_t clear = medium.clear + (cell.scheme == "cbcs" ? 31 : 0);
      std::size_t head = medium.head;
      for (std::size_t part : parts) {
        std::size_t rest = whole_blocks ? part % 16 : 0;
        sample.ranges->push_back ({head + clear + rest, part - rest});
        size += head + clear + part;
        head = 0;
      }
    } else {
      size = parts[0];
    }
    sample.bytes = test::noise (size, seed++);
    out.push_back (std::move (sample));
  }
  return out;
}

Bytes pssh_for (const AesBlock &kid)
{
  return test::full_box ("pssh", 1, 0,
      test::Fields ()
          .put (test::hex ("1077efecc0b24d02ace33c1e52e2fb4b"))
          .u32 (1)
          .put (kid)
          .u32 (0));
}

struct Made
{
  TestFile file;
  std::vector<std::vector<Bytes>> samples;  // in the clear, of each track
  std::size_t samples_clear = 0;
  std::size_t samples_encrypted = 0;
};

// All samples of a fragment in one group.
void put_in_group (TestTraf &what, const TestTrack &group)
{
  auto count = static_cast<std::uint32_t> (what.runs[0].size ());
  for (TestSample &sample : what.runs[0]) sample.group = 1;
  what.groups = {group};
  what.protection = test::sgpd (what.groups, 1, test::Lengths::all) +
                    test::sbgp ({{count, 0x10001}});
}

Made make (const Cell &cell)
{
  Made out;
  std::vector<const Medium *> all = {cell.medium};
  if (cell.keys == Keys::each_track) all.push_back (&sound);
  std::vector<TestTrack> tracks;
  for (const Medium *medium : all) {
    auto number = static_cast<unsigned> (tracks.size ());
    tracks.push_back (track_of (cell, *medium, number));
    tracks.back ().track_id = number + 1;
  }
  if (cell.keys == Keys::rotation) tracks[0].kid = {};
  out.samples.resize (tracks.size ());
  out.file.add_movie (tracks);
  unsigned lead = cell.lead == Lead::none ? 0 : 1;
  for (unsigned fragment = 0; fragment < lead + 3; fragment++) {
    bool is_clear = fragment < lead;
    std::vector<TestTraf> trafs;
    Bytes pssh;
    for (std::size_t i = 0; i < tracks.size (); i++) {
      TestTraf what;
      what.track = &tracks[i];
      what.runs = {samples_of (
          cell, *all[i], 100 * fragment + static_cast<unsigned> (i) * 50 + 1)};
      for (const TestSample &sample : what.runs[0])
        out.samples[i].push_back (sample.bytes);
      (is_clear ? out.samples_clear : out.samples_encrypted) +=
          what.runs[0].size ();
      if (is_clear) {
        what.senc = what.saiz = false;
        if (cell.lead == Lead::entry)
          what.description_index = 2;
        else
          put_in_group (what, test::clear_group ());
      } else if (cell.keys == Keys::rotation) {
        TestTrack group = track_of (cell, *all[i], fragment);
        put_in_group (what, group);
        pssh = pssh_for (group.kid);
      }
      trafs.push_back (std::move (what));
    }
    out.file.add_fragment (trafs, pssh);
  }
  return out;
}

// In buffers of a size, which changes from cell to cell.
void check_bytes (const Cell &cell, const Made &made, std::size_t step)
{
  GstElement *element = gst_element_factory_make ("cencmp4decrypt", nullptr);
  g_object_set (element, "keys", key_list ().c_str (), nullptr);
  GstHarness *harness = gst_harness_new_with_element (element, "sink", "src");
  gst_object_unref (element);
  gst_harness_set_src_caps_str (harness, "video/quicktime");
  std::span<const std::uint8_t> in = made.file.encrypted;
  for (; !in.empty (); in = in.subspan (std::min (step, in.size ())))
    fail_unless (
        gst_harness_push (harness,
            test::buffer (in.first (std::min (step, in.size ()))).release ()) ==
            GST_FLOW_OK,
        "%s: an error", text_of (cell).c_str ());
  Bytes out;
  while (GstBuffer *buffer = gst_harness_try_pull (harness)) {
    out = out + test::bytes_of (buffer);
    gst_buffer_unref (buffer);
  }
  fail_unless (out == made.file.clear, "%s", text_of (cell).c_str ());
  fail_unless_equals_uint64 (
      test::stat (element, "samples-decrypted"), made.samples_encrypted);
  fail_unless_equals_uint64 (
      test::stat (element, "samples-clear"), made.samples_clear);
  gst_harness_teardown (harness);
}

// Whether each version of qtdemux from 1.22.0 on tells enough of it: it refuses
// cens and cbc1; it drops what it knows of a fragment with a group that is not
// protected; and before 1.22.6 the clear lead of a cbcs sound is, for all that
// it says, sound with a constant IV.
bool is_told_by_qtdemux (const Cell &cell)
{
  if (cell.scheme != "cenc" && cell.scheme != "cbcs") return false;
  bool has_sound = !cell.medium->is_video || cell.keys == Keys::each_track;
  if (cell.lead == Lead::entry && cell.scheme == "cbcs" && has_sound)
    return false;
  return cell.lead != Lead::group;
}

void keep (GstElement *, GstBuffer *buffer, GstPad *, std::vector<Bytes> *out)
{
  out->push_back (test::bytes_of (buffer));
}

std::string text_of (GstMessage *message)
{
  if (message == nullptr) return "nothing happens";
  GError *raw_error = nullptr;
  gchar *raw_debug = nullptr;
  gst_message_parse_error (message, &raw_error, &raw_debug);
  Owned<GError> error{raw_error};
  Owned<gchar> debug{raw_debug};
  return std::string (error->message) + " " + (debug ? debug.get () : "");
}

void check_samples (const Cell &cell, const Made &made, const std::string &path,
    const char *mode)
{
  std::string line = "filesrc location=" + path + mode + " ! qtdemux name=d";
  for (std::size_t i = 0; i < made.samples.size (); i++) {
    bool is_video = i == 0 && cell.medium->is_video;
    line += std::string (" d.") + (is_video ? "video_0" : "audio_0") +
            " ! cencdecrypt keys=" + key_list () +
            " ! fakesink async=false signal-handoffs=true name=sink" +
            std::to_string (i);
    // Two sounds.
    if (i == 1 && !cell.medium->is_video)
      line.replace (line.rfind ("audio_0"), 7, "audio_1");
  }
  GError *error = nullptr;
  Owned<GstElement> pipeline{gst_parse_launch (line.c_str (), &error)};
  fail_unless (error == nullptr, "%s", error != nullptr ? error->message : "");
  std::vector<std::vector<Bytes>> out (made.samples.size ());
  for (std::size_t i = 0; i < out.size (); i++) {
    Owned<GstElement> sink{gst_bin_get_by_name (
        GST_BIN (pipeline.get ()), ("sink" + std::to_string (i)).c_str ())};
    g_signal_connect (sink.get (), "handoff", G_CALLBACK (keep), &out[i]);
  }
  gst_element_set_state (pipeline.get (), GST_STATE_PLAYING);
  Owned<GstMessage> message =
      test::wait_message (pipeline.get (), GST_MESSAGE_ERROR | GST_MESSAGE_EOS);
  fail_unless (message != nullptr &&
                   GST_MESSAGE_TYPE (message.get ()) == GST_MESSAGE_EOS,
      "%s,%s: %s", text_of (cell).c_str (), mode,
      text_of (message.get ()).c_str ());
  gst_element_set_state (pipeline.get (), GST_STATE_NULL);
  for (std::size_t i = 0; i < out.size (); i++) {
    fail_unless (out[i].size () == made.samples[i].size (),
        "%s,%s, track %zu: %zu samples", text_of (cell).c_str (), mode, i + 1,
        out[i].size ());
    for (std::size_t j = 0; j < out[i].size (); j++)
      fail_unless (out[i][j] == made.samples[i][j], "%s,%s, track %zu: %zu",
          text_of (cell).c_str (), mode, i + 1, j);
  }
}

// All of them take minutes under a sanitizer.
bool is_left_out (std::size_t number)
{
  return test::is_sanitized () && number % 7 != 0;
}

const char *const schemes[] = {"cenc", "cens", "cbc1", "cbcs"};

}  // namespace

GST_START_TEST (through_cencmp4decrypt)
{
  constexpr std::size_t steps[] = {std::size_t{1} << 20, 1000, 61};
  std::size_t number = 0;
  for (const Cell &cell : cells_of (schemes[__i__])) {
    number++;
    if (is_left_out (number)) continue;
    check_bytes (cell, make (cell), steps[number % 3]);
  }
  fail_unless (number >= 70);
}
GST_END_TEST;

GST_START_TEST (through_qtdemux_and_cencdecrypt)
{
  test::TempDir folder;
  std::string path = folder.path () / "in.mp4";
  std::size_t number = 0;
  for (const Cell &cell : cells_of (schemes[__i__])) {
    if (!is_told_by_qtdemux (cell)) continue;
    number++;
    if (is_left_out (number)) continue;
    Made made = make (cell);
    test::write_file (path, made.file.encrypted);
    check_samples (cell, made, path, number % 2 == 0 ? "" : " ! queue");
  }
  bool is_told = schemes[__i__] == std::string_view ("cenc") ||
                 schemes[__i__] == std::string_view ("cbcs");
  fail_unless (number >= (is_told ? 60 : 0));
}
GST_END_TEST;

static Suite *cencmatrix_suite ()
{
  Suite *suite = suite_create ("cencmatrix");
  TCase *tests = tcase_create ("all");
  suite_add_tcase (suite, tests);
  tcase_add_loop_test (tests, through_cencmp4decrypt, 0,
      static_cast<int> (G_N_ELEMENTS (schemes)));
  tcase_add_loop_test (tests, through_qtdemux_and_cencdecrypt, 0,
      static_cast<int> (G_N_ELEMENTS (schemes)));
  return suite;
}

GST_CHECK_MAIN (cencmatrix)

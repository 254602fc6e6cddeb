// SPDX-License-Identifier: LGPL-2.1-or-later
#include "decryptedbody.h"

#include "sampleencrypter.h"
#include "segmentencrypter.h"
#include "testutil.h"

using enum presentation::Encryption::Cipher;
using presentation::Encryption;

namespace {

// A body that comes in pieces, with nothing to read between any two.
class Pieces final : public body::Body
{
public:
  Pieces (std::string bytes, std::size_t piece)
      : bytes_ (std::move (bytes)), piece_ (piece)
  {
    head_.length = bytes_.size ();
    head_.uri = "http://h/segment";
  }

  [[nodiscard]] const fetcher::Head &head () const override { return head_; }
  void wait () override { there_ = true; }
  body::Result<std::optional<std::size_t>> read_now (
      std::span<std::uint8_t> out) override
  {
    if (!there_) return std::optional<std::size_t> ();
    there_ = false;
    std::size_t size = std::min ({piece_, out.size (), bytes_.size () - at_});
    std::copy_n (bytes_.data () + at_, size, out.data ());
    at_ += size;
    return std::optional (size);
  }

private:
  std::string bytes_;
  std::size_t piece_;
  std::size_t at_ = 0;
  bool there_ = false;
  fetcher::Head head_;
};

const test::Bytes key_128 = test::hex ("000102030405060708090a0b0c0d0e0f");
const test::Bytes key_256 = test::hex (
    "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f");

body::Result<std::string> read (
    body::Body &body, std::size_t size, std::size_t first = 4096)
{
  std::string out;
  test::Bytes buffer (std::max (size, first));
  std::size_t room = first;
  for (;;) {
    auto count = body.read_now (std::span (buffer).first (room));
    if (!count) return count.error ();
    if (!*count) {
      body.wait ();
      continue;
    }
    fail_unless (**count <= room);
    if (**count == 0) return out;
    out.append (buffer.begin (),
        buffer.begin () + static_cast<std::ptrdiff_t> (**count));
    room = size;
  }
}

std::string clear_of (std::size_t size)
{
  std::string out (size, '\0');
  for (std::size_t i = 0; i < size; i++) out[i] = static_cast<char> (i * 7);
  return out;
}

}  // namespace

GST_START_TEST (bodies_come_out_as_they_were)
{
  for (auto cipher : {aes_128, aes_256, aes_256_ctr}) {
    const test::Bytes &bytes = cipher == aes_128 ? key_128 : key_256;
    const keystore::Key key (bytes);
    const Encryption encryption{cipher, "http://h/key", {1, 2, 3}};
    for (std::size_t size : {0U, 1U, 15U, 16U, 17U, 1000U, 10000U})
      for (std::size_t piece : {1U, 16U, 17U, 100U, 100000U})
        // Rooms of all kinds, also smaller than what is held back.
        for (std::size_t room : {1U, 5U, 16U, 63U, 64U, 65U, 5000U}) {
          std::string clear = clear_of (size);
          auto encrypted = std::make_unique<Pieces> (
              test::encrypt_segment (cipher, bytes, encryption.iv, clear),
              piece);
          auto body =
              decryptedbody::make (std::move (encrypted), encryption, key);
          fail_unless (body.ok ());
          auto out = read (**body, room, room % 2 == 0 ? 4096 : room);
          fail_unless (out.ok () && *out == clear, "%zu by %zu to %zu", size,
              piece, room);
          test::Bytes rest (100);
          auto end = (*body)->read_now (rest);
          fail_unless (end.ok () && *end == std::size_t{0});
        }
  }
}
GST_END_TEST;

GST_START_TEST (the_length_is_that_of_what_comes_out)
{
  const Encryption padded{aes_128, "k", {}};
  auto body =
      decryptedbody::make (std::make_unique<Pieces> (std::string (32, 'x'), 32),
          padded, keystore::Key (key_128));
  fail_unless (!(*body)->head ().length);
  fail_unless ((*body)->head ().uri == "http://h/segment");
  const Encryption counted{aes_256_ctr, "k", {}};
  body =
      decryptedbody::make (std::make_unique<Pieces> (std::string (31, 'x'), 32),
          counted, keystore::Key (key_256));
  fail_unless ((*body)->head ().length == 31U);
}
GST_END_TEST;

GST_START_TEST (wrong_keys_are_told)
{
  Encryption encryption{aes_128, "http://u:p@h/key?token=secret", {}};
  std::string encrypted =
      test::encrypt_segment (aes_128, key_128, encryption.iv, clear_of (1000));
  const test::Bytes other = test::hex ("000102030405060708090a0b0c0d0e0e");
  auto body = decryptedbody::make (std::make_unique<Pieces> (encrypted, 100),
      encryption, keystore::Key (other));
  auto out = read (**body, 4096);
  fail_unless (!out.ok () && out.code ().error == body::Error::decrypt);
  fail_unless (
      out.code ().uri == "http://h/key", "%s", out.code ().uri.c_str ());
  // Nothing of the key, either.
  encryption.key_uri = "data:;base64,AAECAwQFBgcICQoLDA0ODw==";
  body = decryptedbody::make (std::make_unique<Pieces> (encrypted, 100),
      encryption, keystore::Key (test::Bytes (15)));
  fail_unless (!body.ok () && body.code ().error == body::Error::key);
  fail_unless (body.code ().uri == "data:", "%s", body.code ().uri.c_str ());
  // A segment that was cut.
  body = decryptedbody::make (
      std::make_unique<Pieces> (encrypted.substr (0, 990), 100), encryption,
      keystore::Key (key_128));
  out = read (**body, 4096);
  fail_unless (!out.ok () && out.code ().error == body::Error::decrypt);
}
GST_END_TEST;

namespace {

const Encryption samples{aes_128, "http://u:p@h/key?token=secret", {1, 2, 3}};

test::SampleKey sample_key ()
{
  test::SampleKey out;
  std::copy_n (key_128.begin (), 16, out.key.begin ());
  out.iv = samples.iv;
  return out;
}

std::string text_of (const test::Bytes &bytes)
{
  return {bytes.begin (), bytes.end ()};
}

// A picture, or frames of sound, in a transport stream.
std::string packets (bool encrypted)
{
  test::TsWriter out;
  test::Bytes picture{0, 0, 1};
  test::append (picture, test::nal_unit (5, 5000, 1));
  test::MapStream stream{0x1b, 0x100, {}};
  test::Pes pes;
  pes.pid = 0x100;
  pes.payload = picture;
  if (encrypted) {
    stream = test::encrypted_stream (0x1b, 0x100);
    pes.payload = test::encrypt_picture (sample_key (), picture);
  }
  out.psi (0, test::pat (0x1000));
  out.psi (0x1000, test::pmt ({stream}, 0x100));
  out.pes (pes);
  return text_of (out.bytes ());
}

std::string sound (bool encrypted)
{
  test::Bytes out;
  for (std::size_t i = 0; i < 20; i++)
    test::append (out, test::adts_frame (test::nal_unit (1, 200 + i, 1)));
  return text_of (encrypted ? test::encrypt_adts (sample_key (), out) : out);
}

body::Result<std::string> read_samples (
    const std::string &bytes, std::size_t piece, std::size_t room)
{
  auto body =
      decryptedbody::make_samples (std::make_unique<Pieces> (bytes, piece),
          samples, keystore::Key (key_128), {});
  fail_unless (body.ok ());
  fail_unless ((*body)->head ().length == bytes.size ());
  auto out = read (**body, room, room);
  if (out) {
    test::Bytes rest (100);
    auto end = (*body)->read_now (rest);
    fail_unless (end.ok () && *end == std::size_t{0});
  }
  return out;
}

}  // namespace

// What it is its first bytes say; what it is not for passes as it is.
GST_START_TEST (samples_come_out_as_they_were)
{
  const std::string mp4 =
      std::string ("\0\0\0\x10moof", 8) + std::string (8, 'x') +
      std::string ("\0\0\1\0mdat", 8) + std::string (248, 'y');
  const struct
  {
    std::string encrypted, clear;
  } rows[] = {
      {sound (true), sound (false)},
      {mp4, mp4},
      {"WEBVTT\n\n", "WEBVTT\n\n"},
      {"", ""},
  };
  for (std::size_t piece : {1U, 188U, 375U, 376U, 1000U, 1'000'000U})
    for (std::size_t room : {1U, 100U, 100'000U}) {
      for (const auto &row : rows) {
        auto out = read_samples (row.encrypted, piece, room);
        fail_unless (out.ok () && *out == row.clear, "%zu by %zu", piece, room);
      }
      auto out = read_samples (packets (true), piece, room);
      fail_unless (out.ok ());
      auto bytes_of = [] (const std::string &text) {
        return test::Bytes (text.begin (), text.end ());
      };
      auto clear = test::TsReader::read (bytes_of (packets (false)));
      auto decrypted = test::TsReader::read (bytes_of (*out));
      fail_unless (decrypted.streams == clear.streams);
      fail_unless (decrypted.units.size () == 1 &&
                   decrypted.units[0].payload == clear.units[0].payload);
    }
}
GST_END_TEST;

GST_START_TEST (wrong_samples_are_told)
{
  auto body =
      decryptedbody::make_samples (std::make_unique<Pieces> (sound (true), 100),
          samples, keystore::Key (key_256), {});
  fail_unless (!body.ok () && body.code ().error == body::Error::key);
  fail_unless (body.code ().uri == "http://h/key");
  const std::string cut = sound (true).substr (0, 500);
  auto out = read_samples (cut, 100, 1000);
  fail_unless (!out.ok () && out.code ().error == body::Error::decrypt);
  fail_unless (out.code ().uri == "http://h/key");
  out = read_samples (packets (true).substr (0, 188 * 4 + 1), 100, 1000);
  fail_unless (!out.ok () && out.code ().error == body::Error::decrypt);
  out = read_samples (
      std::string ("\xff\xfb\x90\x64", 4) + std::string (1000, '\0'), 100,
      1000);
  fail_unless (!out.ok () && out.code ().error == body::Error::decrypt);
}
GST_END_TEST;

static Suite *decryptedbody_suite ()
{
  Suite *suite = suite_create ("decryptedbody");
  TCase *tests = tcase_create ("all");
  suite_add_tcase (suite, tests);
  tcase_add_test (tests, bodies_come_out_as_they_were);
  tcase_add_test (tests, the_length_is_that_of_what_comes_out);
  tcase_add_test (tests, wrong_keys_are_told);
  tcase_add_test (tests, samples_come_out_as_they_were);
  tcase_add_test (tests, wrong_samples_are_told);
  return suite;
}

GST_CHECK_MAIN (decryptedbody)

// SPDX-License-Identifier: LGPL-2.1-or-later
// A segment of MPEG-TS with SAMPLE-AES, of pictures of 40 KB and sound between
// them, beside what METHOD=AES-128 has to do with as many bytes: OpenSSL's CBC
// over all of them.
#include "check/sampleencrypter.h"

#include <openssl/evp.h>

#include <cstdlib>

#include "bench.h"
#include "tssamples.h"

namespace {

constexpr unsigned pictures = 100;
constexpr std::size_t piece = std::size_t{64} << 10;
constexpr unsigned runs = 21;

test::Bytes make_segment (const test::SampleKey &key)
{
  test::TsWriter out;
  out.psi (0, test::pat (0x1000));
  out.psi (0x1000, test::pmt ({test::encrypted_stream (0x1b, 0x100),
                                  test::encrypted_stream (0x0f, 0x101)},
                       0x100));
  for (unsigned n = 0; n < pictures; n++) {
    // Emulation prevention is as rare as in what encoders write.
    test::Bytes noise;
    std::uint32_t seed = n + 1;
    while (noise.size () < 40'000) {
      seed = seed * 1664525 + 1013904223;
      noise.push_back (test::low (seed >> 24));
    }
    test::Bytes unit{0x61};
    test::append (unit, test::escape (noise));
    unit.push_back (0x80);
    test::Bytes picture{0, 0, 0, 1};
    test::append (picture, test::encrypt_nal (key, unit));
    test::Pes video;
    video.pid = 0x100;
    video.payload = picture;
    test::Pes audio;
    audio.pid = 0x101;
    audio.stream_id = 0xc0;
    audio.has_size = true;
    for (unsigned i = 0; i < 4; i++)
      test::append (audio.payload,
          test::encrypt_adts (key,
              test::adts_frame (test::View (unit).subspan (i * 400, 400))));
    const test::Pes both[] = {video, audio};
    out.pes_in_turn (both);
  }
  return out.bytes ();
}

void decrypt (const test::SampleKey &key, test::View segment, test::Bytes &out)
{
  auto cipher = sampleaes::Cipher::create (key.key, key.iv);
  test::demand (cipher.ok ());
  tssamples::Decrypter decrypter (std::move (*cipher));
  for (std::size_t at = 0; at < segment.size (); at += piece)
    test::demand (
        decrypter
            .feed (segment.subspan (at, std::min (piece, segment.size () - at)),
                out)
            .ok ());
  test::demand (decrypter.finish (out).ok () && out.size () == segment.size ());
}

// In the same pieces.
void decrypt_whole (
    const test::SampleKey &key, test::View segment, test::Bytes &out)
{
  out.resize (segment.size ());
  EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new ();
  test::demand (EVP_DecryptInit_ex (context, EVP_aes_128_cbc (), nullptr,
                    key.key.data (), key.iv.data ()) == 1);
  EVP_CIPHER_CTX_set_padding (context, 0);
  for (std::size_t at = 0; at < segment.size (); at += piece) {
    std::size_t size = std::min (piece, segment.size () - at);
    int written = 0;
    test::demand (
        EVP_DecryptUpdate (context, out.data () + at, &written,
            segment.data () + at, static_cast<int> (size - size % 16)) == 1);
  }
  EVP_CIPHER_CTX_free (context);
}

}  // namespace

int main (int argc, char **argv)
{
  bench::Report report (argc, argv);
  test::SampleKey key;
  key.key = {1, 2, 3};
  key.iv = {4, 5, 6};
  const test::Bytes segment = make_segment (key);
  std::vector<double> ours;
  std::vector<double> ratios;
  test::Bytes out;
  for (unsigned run = 0; run < runs; run++) {
    out.clear ();
    double begin = bench::cpu_seconds ();
    decrypt (key, segment, out);
    ours.push_back (bench::cpu_seconds () - begin);
    out.clear ();
    begin = bench::cpu_seconds ();
    decrypt_whole (key, segment, out);
    ratios.push_back (ours.back () / (bench::cpu_seconds () - begin));
  }
  auto size = static_cast<double> (segment.size ());
  report.add ({"SAMPLE-AES in MPEG-TS",
      {{"MB", size / 1e6}, {"MB/s", size / 1e6 / bench::median (ours)},
          {"ratio", bench::median (ratios)}}});
  return 0;
}

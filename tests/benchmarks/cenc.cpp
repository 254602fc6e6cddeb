// SPDX-License-Identifier: LGPL-2.1-or-later
// Decryption in memory, on one thread, beside the cipher itself as each
// library has it and beside memcpy, all on the same bytes. cenc.sh has whole
// processes.
#include "cenc.h"

#include <gcrypt.h>
#include <openssl/evp.h>

#include <cstdlib>
#include <functional>

#include "bench.h"
#include "check/testutil.h"
#include "mp4.h"
// This is no test, and check has not been set up.
#undef fail_unless
#define fail_unless(condition, ...)  \
  do {                               \
    if (!(condition)) std::abort (); \
  } while (false)
#include "check/testmp4.h"

namespace {

using test::Bytes;

constexpr std::size_t hot_size = std::size_t{64} << 10;
constexpr std::size_t segment_size = std::size_t{4} << 20;
constexpr const char *key = "2b7e151628aed2a6abf7158809cf4f3c";
constexpr const char *kid = "eb676abbcb345e96bbcf616630f1a3da";

[[noreturn]] void die (const char *what)
{
  std::fprintf (stderr, "%s failed\n", what);
  std::exit (1);
}

// The library by itself, set up once and given an IV for each call.
class Evp
{
public:
  explicit Evp (const char *name)
      : cipher_ (EVP_CIPHER_fetch (nullptr, name, nullptr)),
        context_ (EVP_CIPHER_CTX_new ())
  {
    if (EVP_DecryptInit_ex2 (context_, cipher_, test::block (key).data (),
            nullptr, nullptr) != 1)
      die (name);
    EVP_CIPHER_CTX_set_padding (context_, 0);
  }
  Evp (const Evp &) = delete;
  Evp &operator= (const Evp &) = delete;
  ~Evp ()
  {
    EVP_CIPHER_CTX_free (context_);
    EVP_CIPHER_free (cipher_);
  }
  void run (Bytes &bytes)
  {
    int written = 0;
    if (EVP_DecryptInit_ex2 (
            context_, nullptr, nullptr, iv_.data (), nullptr) != 1 ||
        EVP_DecryptUpdate (context_, bytes.data (), &written, bytes.data (),
            static_cast<int> (bytes.size ())) != 1)
      die ("EVP");
  }

private:
  EVP_CIPHER *cipher_;
  EVP_CIPHER_CTX *context_;
  aes::Block iv_{};
};

class Gcrypt
{
public:
  explicit Gcrypt (gcry_cipher_modes mode) : mode_ (mode)
  {
    if (gcry_cipher_open (&handle_, GCRY_CIPHER_AES128, mode, 0) != 0 ||
        gcry_cipher_setkey (handle_, test::block (key).data (), 16) != 0)
      die ("libgcrypt");
  }
  Gcrypt (const Gcrypt &) = delete;
  Gcrypt &operator= (const Gcrypt &) = delete;
  ~Gcrypt () { gcry_cipher_close (handle_); }
  void run (Bytes &bytes)
  {
    if (mode_ == GCRY_CIPHER_MODE_CTR)
      gcry_cipher_setctr (handle_, iv_.data (), iv_.size ());
    else
      gcry_cipher_setiv (handle_, iv_.data (), iv_.size ());
    if (gcry_cipher_decrypt (
            handle_, bytes.data (), bytes.size (), nullptr, 0) != 0)
      die ("libgcrypt");
  }

private:
  gcry_cipher_modes mode_;
  gcry_cipher_hd_t handle_ = nullptr;
  aes::Block iv_{};
};

// Seconds of CPU time for one call, of many.
double time_of (const std::function<void ()> &body, std::size_t bytes)
{
  std::size_t calls =
      std::max<std::size_t> (1, (std::size_t{32} << 20) / bytes);
  double start = bench::cpu_seconds ();
  for (std::size_t i = 0; i < calls; i++) body ();
  return (bench::cpu_seconds () - start) / static_cast<double> (calls);
}

// One beside another, in turn.
void compare (bench::Report &report, const std::string &name, std::size_t bytes,
    const std::function<void ()> &ours, const std::function<void ()> &peer)
{
  std::vector<double> our_times, peer_times, ratios;
  time_of (ours, bytes);
  time_of (peer, bytes);
  for (int i = 0; i < 21; i++) {
    our_times.push_back (time_of (ours, bytes));
    peer_times.push_back (time_of (peer, bytes));
    ratios.push_back (our_times.back () / peer_times.back ());
  }
  double gigabytes = static_cast<double> (bytes) * 1e-9;
  report.add ({name, {{"GB/s", gigabytes / bench::median (our_times)},
                         {"peer GB/s", gigabytes / bench::median (peer_times)},
                         {"time ratio", bench::median (ratios)}}});
}

cenc::Decryptor decryptor (cenc::Scheme scheme, aes::Library library)
{
  cenc::Result<cenc::Decryptor> made =
      cenc::Decryptor::create (scheme, test::block (key), library);
  if (!made) die ("Decryptor::create");
  return *std::move (made);
}

void decrypt (cenc::Decryptor &with, const cenc::Sample &sample,
    const Bytes &in, Bytes &out)
{
  if (!with.decrypt (sample, in, out)) die ("decrypt");
}

void raw_ciphers (
    bench::Report &report, std::size_t size, const std::string &what)
{
  Bytes bytes = test::noise (size), copy (size);
  auto copying = [&] { std::memcpy (copy.data (), bytes.data (), size); };
  Evp evp_ctr ("AES-128-CTR"), evp_cbc ("AES-128-CBC");
  compare (
      report, what + " OpenSSL CTR / memcpy", size,
      [&] { evp_ctr.run (bytes); }, copying);
  compare (
      report, what + " OpenSSL CBC / memcpy", size,
      [&] { evp_cbc.run (bytes); }, copying);
  if (!aes::is_available (aes::Library::gcrypt)) return;
  Gcrypt gcrypt_ctr (GCRY_CIPHER_MODE_CTR), gcrypt_cbc (GCRY_CIPHER_MODE_CBC);
  compare (
      report, what + " libgcrypt CTR / memcpy", size,
      [&] { gcrypt_ctr.run (bytes); }, copying);
  compare (
      report, what + " libgcrypt CBC / memcpy", size,
      [&] { gcrypt_cbc.run (bytes); }, copying);
}

void small_samples (bench::Report &report, aes::Library library)
{
  std::string name = aes::to_string (library);
  Evp evp ("AES-128-CTR");
  std::optional<Gcrypt> gcrypt;
  if (library == aes::Library::gcrypt) gcrypt.emplace (GCRY_CIPHER_MODE_CTR);
  for (std::size_t size : {hot_size, segment_size}) {
    std::string what = size == hot_size ? "64 KiB " : "4 MiB ";
    Bytes bytes = test::noise (size), out (size);
    auto raw = [&] { gcrypt ? gcrypt->run (bytes) : evp.run (bytes); };
    auto copying = [&] { std::memcpy (out.data (), bytes.data (), size); };
    cenc::Decryptor cenc = decryptor (cenc::Scheme::cenc, library);
    cenc::Decryptor cbcs = decryptor (cenc::Scheme::cbcs, library);
    cenc::Sample whole{};
    cenc::Sample pattern{{}, {1, 9}, {}};
    auto run_cenc = [&] { decrypt (cenc, whole, bytes, bytes); };
    auto run_cbcs = [&] { decrypt (cbcs, pattern, bytes, bytes); };
    compare (report, what + name + " cenc / cipher", size, run_cenc, raw);
    compare (
        report, what + name + " cbcs 1:9 / cenc", size, run_cbcs, run_cenc);
    compare (
        report, what + name + " cbcs 1:9 / memcpy", size, run_cbcs, copying);
    compare (
        report, what + name + " cbcs 1:9 apart / memcpy", size,
        [&] { decrypt (cbcs, pattern, bytes, out); }, copying);
  }
  // A frame of sound, and a picture of 200 NAL units.
  Bytes frame = test::noise (350);
  cenc::Decryptor cenc = decryptor (cenc::Scheme::cenc, library);
  compare (
      report, "350 B " + name + " cenc / cipher", frame.size (),
      [&] { decrypt (cenc, {}, frame, frame); },
      [&] { gcrypt ? gcrypt->run (frame) : evp.run (frame); });
  test::Fields list;
  for (int i = 0; i < 200; i++) list.u16 (12).u32 (320);
  Bytes picture = test::noise (std::size_t{200} * 332);
  cenc::Decryptor cbcs = decryptor (cenc::Scheme::cbcs, library);
  cenc::Sample sample{{}, {1, 9}, {}};
  Bytes subsamples = list.bytes ();
  sample.subsamples = subsamples;
  compare (
      report, "200 x 332 B " + name + " cbcs 1:9 / memcpy", picture.size (),
      [&] { decrypt (cbcs, sample, picture, picture); },
      [&, copy = Bytes (picture.size ())] () mutable {
        std::memcpy (copy.data (), picture.data (), copy.size ());
      });
}

// Parsed, decrypted and rewritten, by the library that is used here.
void segment (bench::Report &report, std::string_view scheme)
{
  test::TestTrack track =
      test::video_track (scheme, test::block (key), test::block (kid));
  test::TestTraf what;
  what.track = &track;
  std::vector<test::TestSample> pictures;
  for (int i = 0; i < 64; i++)
    for (test::TestSample &one : test::video_samples ({segment_size / 64}))
      pictures.push_back (std::move (one));
  what.runs = {pictures};
  test::Mp4Writer writer (false);
  Bytes movie = writer.movie ({track});
  test::Mp4Writer::Fragment fragment = writer.fragment ({what}, movie.size ());
  Bytes in = fragment.moof;
  in.insert (in.end (), fragment.mdat.begin (), fragment.mdat.end ());

  auto ring = std::make_shared<keys::Ring> ();
  if (!ring->add (test::block (kid), keys::Secret (test::block (key))))
    die ("Ring::add");
  mp4::Rewriter rewriter (ring);
  mp4::Rewriter::Left left;
  if (!rewriter.push (movie, movie, left)) die ("Rewriter::push");
  auto push = [&] (const Bytes &from, Bytes &to) {
    rewriter.restart (movie.size ());
    if (!rewriter.push (from, to, left) || left.to != in.size ())
      die ("Rewriter::push");
  };
  // In place, as in a buffer that is nobody else's, and out of one that is not.
  Bytes place = in, out (in.size ());
  auto rewrite = [&] {
    std::copy (fragment.moof.begin (), fragment.moof.end (), place.begin ());
    push (place, place);
  };
  auto rewrite_apart = [&] { push (in, out); };
  Bytes bytes = in;
  bool is_ctr = scheme == "cenc";
  std::string name = "4 MiB segment " + std::string (scheme);
  bytes.resize (in.size () / 16 * 16);
  std::optional<Evp> evp;
  std::optional<Gcrypt> gcrypt;
  if (aes::fastest () == aes::Library::openssl)
    evp.emplace (is_ctr ? "AES-128-CTR" : "AES-128-CBC");
  else
    gcrypt.emplace (is_ctr ? GCRY_CIPHER_MODE_CTR : GCRY_CIPHER_MODE_CBC);
  auto raw = [&] { gcrypt ? gcrypt->run (bytes) : evp->run (bytes); };
  Bytes copy (in.size ());
  auto copying = [&] { std::memcpy (copy.data (), in.data (), in.size ()); };
  compare (report, name + " / cipher", in.size (), rewrite, raw);
  compare (report, name + " / memcpy", in.size (), rewrite, copying);
  compare (report, name + " apart / cipher", in.size (), rewrite_apart, raw);
  compare (
      report, name + " apart / memcpy", in.size (), rewrite_apart, copying);
}

}  // namespace

int main (int argc, char **argv)
{
  bench::Report report (argc, argv);
  std::printf ("used on this CPU: %s\n", aes::to_string (aes::fastest ()));
  raw_ciphers (report, hot_size, "64 KiB");
  raw_ciphers (report, segment_size, "4 MiB");
  small_samples (report, aes::Library::openssl);
  if (aes::is_available (aes::Library::gcrypt))
    small_samples (report, aes::Library::gcrypt);
  segment (report, "cenc");
  segment (report, "cbcs");
  return 0;
}

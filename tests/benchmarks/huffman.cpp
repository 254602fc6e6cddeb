// SPDX-License-Identifier: LGPL-2.1-or-later
// From an image with Huffman tables of its own to a scan with the standard
// ones: our re-coder beside libjpeg's lossless path, which is what jpegtran
// does.
#include "huffman.h"

#include <cmath>
#include <cstdlib>
#include <random>
#include <span>

#include <jpeglib.h>

#include "bench.h"
#include "jpeg.h"

namespace {

using Bytes = std::vector<std::uint8_t>;

constexpr unsigned width = 1920;
constexpr unsigned height = 1080;

[[noreturn]] void fail (const char *what, const char *why)
{
  std::fprintf (stderr, "%s: %s\n", what, why);
  std::exit (1);
}

struct Kind
{
  const char *what = nullptr;
  unsigned vertical = 2;  // sampling of Y: 2: 4:2:0, 1: 4:2:2
  int quality = 0;
  double noise = 0;
  unsigned restart_in = 0;
  unsigned restart_out = 0;
};

const Kind kinds[] = {
    {"4:2:0, 35 KB", 2, 18, 3},
    {"4:2:0, 130 KB", 2, 75, 2},
    {"4:2:0, 500 KB", 2, 85, 7},
    {"4:2:0, 1.3 MB", 2, 90, 23},
    {"4:2:2, 130 KB", 1, 70, 2},
    {"4:2:2, 500 KB", 1, 80, 7},
    {"4:2:0, 130 KB, restart kept", 2, 75, 2, 8, 8},
    {"4:2:0, 500 KB, restart kept", 2, 85, 7, 8, 8},
    {"4:2:0, 130 KB, restart put in", 2, 75, 2, 0, 8},
    {"4:2:0, 500 KB, restart put in", 2, 85, 7, 0, 8},
    {"4:2:0, 130 KB, restart taken out", 2, 75, 2, 8, 0},
    {"4:2:0, 500 KB, restart taken out", 2, 85, 7, 8, 0},
};

// A file with the Huffman tables that suit it best, of slopes, edges and noise.
Bytes make_file (const Kind &kind, unsigned seed)
{
  std::mt19937 random (seed);
  std::normal_distribution<double> noise (0, kind.noise);
  jpeg_error_mgr errors{};
  jpeg_compress_struct out{};
  out.err = jpeg_std_error (&errors);
  jpeg_create_compress (&out);
  unsigned char *data = nullptr;
  unsigned long size = 0;
  jpeg_mem_dest (&out, &data, &size);
  out.image_width = width;
  out.image_height = height;
  out.input_components = 3;
  out.in_color_space = JCS_YCbCr;
  jpeg_set_defaults (&out);
  jpeg_set_quality (&out, kind.quality, TRUE);
  out.optimize_coding = TRUE;
  out.comp_info[0].v_samp_factor = static_cast<int> (kind.vertical);
  out.restart_interval = kind.restart_in;
  jpeg_start_compress (&out, TRUE);
  Bytes line (std::size_t{3} * width);
  auto sample = [&] (double value) {
    return static_cast<std::uint8_t> (
        std::lround (std::clamp (value + noise (random), 0.0, 255.0)));
  };
  for (unsigned y = 0; y < height; y++) {
    for (unsigned x = 0; x < width; x++) {
      double wave = std::sin (x / 97.0 + seed) * std::cos (y / 61.0);
      double edge = (x / 120 + (y + x / 3) / 90) % 2 == 0 ? 20 : -20;
      line[std::size_t{3} * x] = sample (128 + 60 * wave + edge);
      line[std::size_t{3} * x + 1] = sample (128 + 30 * wave);
      line[std::size_t{3} * x + 2] = sample (128 + edge);
    }
    JSAMPROW row = line.data ();
    jpeg_write_scanlines (&out, &row, 1);
  }
  jpeg_finish_compress (&out);
  jpeg_destroy_compress (&out);
  Bytes file (data, data + size);
  std::free (data);
  return file;
}

// The lossless path of libjpeg. Errors end the program.
class Peer
{
public:
  Peer ()
  {
    in_.err = jpeg_std_error (&errors_);
    out_.err = &errors_;
    jpeg_create_decompress (&in_);
    jpeg_create_compress (&out_);
  }
  Peer (const Peer &) = delete;
  Peer &operator= (const Peer &) = delete;
  ~Peer ()
  {
    jpeg_destroy_compress (&out_);
    jpeg_destroy_decompress (&in_);
  }

  // A view of `room`, which is large enough and so never replaced.
  std::span<const std::uint8_t> recode (
      const Bytes &file, unsigned restart_interval, Bytes &room)
  {
    jpeg_mem_src (&in_, file.data (), file.size ());
    jpeg_read_header (&in_, TRUE);
    jvirt_barray_ptr *coefficients = jpeg_read_coefficients (&in_);
    jpeg_copy_critical_parameters (&in_, &out_);
    out_.restart_interval = restart_interval;
    unsigned char *data = room.data ();
    unsigned long size = room.size ();
    jpeg_mem_dest (&out_, &data, &size);
    jpeg_write_coefficients (&out_, coefficients);
    jpeg_finish_compress (&out_);
    jpeg_finish_decompress (&in_);
    if (data != room.data ()) fail ("libjpeg", "wants more room");
    return {data, size};
  }

private:
  jpeg_error_mgr errors_{};
  jpeg_decompress_struct in_{};
  jpeg_compress_struct out_{};
};

std::span<const std::uint8_t> scan_of (std::span<const std::uint8_t> file)
{
  jpeg::Tables tables;
  auto header = jpeg::parse (file, file.size (), tables);
  if (!header || header->needs_recoding) fail ("libjpeg", "not the tables");
  return file.subspan (*header->scan, file.size () - *header->scan - 2);
}

class Ours
{
public:
  const Bytes &recode (const Bytes &file, unsigned restart_interval)
  {
    auto header = jpeg::parse (file, file.size (), tables_);
    if (!header || !header->scan) fail ("parse", "refused");
    if (!header->needs_recoding) fail ("parse", "nothing to do");
    huffman::Scan scan{header->width, header->height,
        std::span (header->components).first (header->component_count),
        header->restart_interval};
    huffman::Target target{
        header->sampling == jpeg::Sampling::yuv420 ? 2U : 1U, restart_interval};
    auto done = recoder_.recode (
        scan, std::span (file).subspan (*header->scan), target, out_);
    if (!done) fail ("recode", huffman::to_string (done.code ()));
    return out_;
  }

private:
  jpeg::Tables tables_;
  huffman::Recoder recoder_;
  Bytes out_;
};

// CPU seconds per frame, in turn over the files until the clock has moved
// enough to be read.
template <class Recode>
double time_of (const std::vector<Bytes> &files, Recode recode)
{
  constexpr double enough = 0.05;
  double start = bench::cpu_seconds ();
  double now = start;
  int frames = 0;
  for (; now - start < enough; now = bench::cpu_seconds ())
    for (const Bytes &file : files) {
      recode (file);
      frames++;
    }
  return (now - start) / frames;
}

// One file over and over keeps its tables; of two in turn each frame has new
// ones.
bench::Row measure (const Kind &kind, const std::vector<Bytes> &files)
{
  constexpr int pairs = 11;
  Ours ours;
  Peer peer;
  Bytes room (std::size_t{1} << 24);
  double bytes = 0;
  for (const Bytes &file : files) {
    if (!std::ranges::equal (ours.recode (file, kind.restart_out),
            scan_of (peer.recode (file, kind.restart_out, room))))
      fail (kind.what, "the scans differ");
    bytes += static_cast<double> (file.size ());
  }
  bytes /= static_cast<double> (files.size ());

  std::vector<double> ours_speed;
  std::vector<double> peer_speed;
  std::vector<double> ratios;
  for (int i = 0; i < pairs; i++) {
    double own = time_of (files,
        [&] (const Bytes &file) { ours.recode (file, kind.restart_out); });
    double other = time_of (files, [&] (const Bytes &file) {
      peer.recode (file, kind.restart_out, room);
    });
    ours_speed.push_back (bytes / own / 1e6);
    peer_speed.push_back (bytes / other / 1e6);
    ratios.push_back (other / own);
  }
  return {std::string (kind.what) + (files.size () > 1 ? ", new tables" : ""),
      {{"KB", bytes / 1e3}, {"ours-MB/s", bench::median (ours_speed)},
          {"libjpeg-MB/s", bench::median (peer_speed)},
          {"ratio", bench::median (ratios)}}};
}

}  // namespace

int main (int argc, char **argv)
{
  bench::Report report (argc, argv);
  for (const Kind &kind : kinds) {
    std::vector<Bytes> files{make_file (kind, 1)};
    report.add (measure (kind, files));
    files.push_back (make_file (kind, 2));
    report.add (measure (kind, files));
  }
  return 0;
}

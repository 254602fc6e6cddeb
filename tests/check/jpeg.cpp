// SPDX-License-Identifier: LGPL-2.1-or-later
#include "jpeg.h"

#include <set>

#include "jpegfile.h"
#include "testutil.h"

using jpeg::Error;
using jpegfile::dqt;
using jpegfile::dri;
using jpegfile::eoi;
using jpegfile::grey_scan;
using jpegfile::join;
using jpegfile::quant_table;
using jpegfile::segment;
using jpegfile::sof;
using jpegfile::soi;
using jpegfile::sos;
using jpegfile::standard_tables;
using jpegfile::tables;
using test::Bytes;

namespace {

// What is in the result are views of these.
jpeg::Tables &no_tables ()
{
  static jpeg::Tables tables;
  tables = {};
  return tables;
}

jpeg::Result<jpeg::Header> parse (const Bytes &bytes)
{
  return jpeg::parse (bytes, bytes.size (), no_tables ());
}

const Bytes dht = segment (0xc4, standard_tables ());
const Bytes quant = join ({dqt (0, 3), dqt (1, 5)});

// APP14 with its transform.
Bytes adobe (std::uint8_t transform)
{
  return segment (
      0xee, join ({test::hex ("41646f6265 0064 0000 0000"), {transform}}));
}

// Components R, G and B.
const Bytes rgb_sof =
    segment (0xc0, test::hex ("0800100020 03 522200 471101 421101"));
const Bytes rgb_sos = segment (0xda, test::hex ("03 5200 4711 4211 003f00"));

struct Rejection
{
  const char *what;
  Bytes bytes;
  Error error;
  std::size_t position;
};

const std::size_t tables_size = tables ().size ();

const Rejection rejections[] = {
    {"nothing", {}, Error::truncated, 0},
    {"no marker", {1, 2, 3}, Error::truncated, 3},
    {"only SOI", soi, Error::truncated, 2},
    {"no SOS", tables (), Error::truncated, tables_size},
    {"no SOI, no DQT", sof (), Error::no_dqt, 0},
    {"no SOI, no SOF", quant, Error::truncated, 138},
    {"half a length", join ({soi, {0xff, 0xdb, 0}}), Error::truncated, 2},
    {"DQT beyond the end", join ({soi, {0xff, 0xdb, 0, 67, 0, 1, 2}}),
        Error::truncated, 2},
    {"APP0 beyond the end", join ({soi, {0xff, 0xe0, 0xff, 0xff}}),
        Error::truncated, 2},
    {"SOS beyond the end", join ({tables (), {0xff, 0xda, 0, 12, 3}}),
        Error::truncated, tables_size},
    {"two SOI", join ({soi, soi}), Error::second_image, 2},
    {"SOI behind DQT", join ({quant, soi}), Error::second_image, 138},
    {"EOI before SOS", join ({tables (), eoi}), Error::no_scan, tables_size},
    {"length 1", join ({soi, {0xff, 0xe0, 0, 1}}), Error::segment_length, 2},
    {"length 0", join ({soi, {0xff, 0xdb, 0, 0}}), Error::segment_length, 2},
    {"SOF1", join ({soi, sof ({.marker = 0xc1})}), Error::not_baseline, 2},
    {"progressive", join ({soi, sof ({.marker = 0xc2})}), Error::not_baseline,
        2},
    {"lossless, arithmetic", join ({soi, sof ({.marker = 0xcf})}),
        Error::not_baseline, 2},
    {"two SOF", join ({soi, sof (), sof ()}), Error::second_frame, 21},
    {"empty SOF", join ({soi, segment (0xc0, {})}), Error::sof_length, 2},
    {"SOF with two of three components",
        join ({soi, sof ({.sampling = {0x22, 0x11}})}), Error::sof_length, 2},
    {"12 bits", join ({soi, sof ({.precision = 12})}), Error::sample_precision,
        2},
    {"height 0", join ({soi, sof ({.height = 0})}), Error::dimensions, 2},
    {"width 0", join ({soi, sof ({.width = 0})}), Error::dimensions, 2},
    {"two components",
        join ({soi, sof ({.components = 2, .sampling = {0x11, 0x11}})}),
        Error::components, 2},
    {"CMYK",
        join ({soi, sof ({.components = 4,
                        .sampling = {0x11, 0x11, 0x11, 0x11},
                        .tables = {0, 0, 0, 0}})}),
        Error::components, 2},
    {"4:4:4", join ({soi, sof ({.sampling = {0x11, 0x11, 0x11}})}),
        Error::sampling, 2},
    {"4:4:0", join ({soi, sof ({.sampling = {0x12, 0x11, 0x11}})}),
        Error::sampling, 2},
    {"4:4:4 in wide MCUs", join ({soi, sof ({.sampling = {0x21, 0x21, 0x21}})}),
        Error::sampling, 2},
    {"4:4:4 in twelve blocks",
        join ({soi, sof ({.sampling = {0x22, 0x22, 0x22}})}), Error::sampling,
        2},
    {"4:1:1", join ({soi, sof ({.sampling = {0x41, 0x11, 0x11}})}),
        Error::sampling, 2},
    {"4:1:0", join ({soi, sof ({.sampling = {0x42, 0x11, 0x11}})}),
        Error::sampling, 2},
    {"4:2:0 in twelve blocks",
        join ({soi, sof ({.sampling = {0x42, 0x21, 0x21}})}), Error::sampling,
        2},
    {"factors of 0", join ({soi, sof ({.sampling = {0x00, 0x00, 0x00}})}),
        Error::sampling, 2},
    {"factors of 0 for chroma",
        join ({soi, sof ({.sampling = {0x20, 0x10, 0x10}})}), Error::sampling,
        2},
    {"Cb larger than Cr", join ({soi, sof ({.sampling = {0x22, 0x12, 0x11}})}),
        Error::sampling, 2},
    {"Cr larger than Cb", join ({soi, sof ({.sampling = {0x22, 0x11, 0x21}})}),
        Error::sampling, 2},
    {"DQT with a byte too few", join ({soi, segment (0xdb, Bytes (64, 0))}),
        Error::dqt_length, 2},
    {"DQT with a byte too many", join ({soi, segment (0xdb, Bytes (66, 0))}),
        Error::dqt_length, 2},
    {"16-bit DQT of 8-bit size",
        join ({soi, segment (0xdb, join ({{0x10}, Bytes (64, 1)}))}),
        Error::dqt_length, 2},
    {"DQT precision 2", join ({soi, segment (0xdb, Bytes (129, 0x20))}),
        Error::dqt_precision, 2},
    {"DQT id 15", join ({soi, dqt (15)}), Error::dqt_id, 2},
    {"DHT without counts", join ({soi, segment (0xc4, Bytes (16, 0))}),
        Error::dht_length, 2},
    {"DHT with a value too few",
        join ({soi,
            segment (0xc4, join ({{0x00, 2}, Bytes (15, 0), Bytes (1, 7)}))}),
        Error::dht_length, 2},
    {"DHT class 2",
        join ({soi, segment (0xc4, join ({{0x20}, Bytes (16, 0)}))}),
        Error::dht_id, 2},
    {"DHT id 4", join ({soi, segment (0xc4, join ({{0x04}, Bytes (16, 0)}))}),
        Error::dht_id, 2},
    {"short DRI", join ({soi, segment (0xdd, {1})}), Error::dri_length, 2},
    {"SOS before SOF", join ({soi, quant, dht, sos ()}), Error::no_frame,
        soi.size () + quant.size () + dht.size ()},
    {"empty SOS", join ({tables (), segment (0xda, {})}), Error::sos_length,
        tables_size},
    {"SOS with two of three selectors",
        join ({tables (), segment (0xda, {3, 1, 0, 2, 0x11})}),
        Error::sos_length, tables_size},
    {"a scan of one component", join ({tables (), sos ({1, 0x00})}),
        Error::scan_components, tables_size},
    {"Cr before Cb", join ({tables (), sos ({1, 0x00, 3, 0x11, 2, 0x11})}),
        Error::scan_components, tables_size},
    {"no DQT 1", join ({soi, dqt (0), sof (), sos ()}), Error::no_dqt, 90},
    {"table 15", join ({soi, quant, sof ({.tables = {15, 1, 1}}), sos ()}),
        Error::no_dqt, 159},
    {"Cr has a table of its own",
        join ({soi, quant, dqt (2, 6), sof ({.tables = {0, 1, 2}}), sos ()}),
        Error::chroma_tables, 228},
    {"an undefined Huffman table",
        join ({tables (), sos ({1, 0x02, 2, 0x11, 3, 0x11})}), Error::no_dht,
        tables_size},
    {"Huffman table 15", join ({tables (), sos ({1, 0xff, 2, 0x11, 3, 0x11})}),
        Error::no_dht, tables_size},
    {"RGB, says Adobe", join ({soi, adobe (0), quant, sof (), dht, sos ()}),
        Error::rgb,
        soi.size () + adobe (0).size () + quant.size () + sof ().size () +
            dht.size ()},
    {"RGB, say the ids", join ({soi, quant, rgb_sof, dht, rgb_sos}), Error::rgb,
        soi.size () + quant.size () + rgb_sof.size () + dht.size ()},
};

}  // namespace

GST_START_TEST (each_rule_has_a_name)
{
  std::set<std::string> seen;
  for (const Rejection &row : rejections) {
    auto header = parse (row.bytes);
    fail_if (header.ok (), "%s: parsed", row.what);
    fail_unless (
        header.code () == row.error && header.position () == row.position,
        "%s: %s at %zu", row.what, jpeg::to_string (header.code ()),
        header.position ());
    seen.insert (jpeg::to_string (row.error));
  }
  // No rule without a row. The last one is not parse ()'s.
  for (int i = 0; i < static_cast<int> (Error::empty_scan); i++) {
    const char *name = jpeg::to_string (static_cast<Error> (i));
    fail_unless (seen.count (name) == 1, "no row for %s", name);
  }
  fail_unless_equals_string (jpeg::to_string (Error::empty_scan), "empty_scan");
}
GST_END_TEST;

GST_START_TEST (an_ordinary_image)
{
  Bytes bytes = jpegfile::image ();
  auto header = parse (bytes);
  fail_unless (header.ok ());
  fail_unless (header->width == 32 && header->height == 16);
  fail_unless (header->sampling == jpeg::Sampling::yuv420);
  fail_unless (header->luma.size () == 64 && header->luma[0] == 3);
  fail_unless (header->chroma.size () == 64 && header->chroma[63] == 5);
  fail_unless (header->restart_interval == 0);
  fail_unless (header->scan == bytes.size () - eoi.size () - 8);
}
GST_END_TEST;

namespace {

// An image that differs from the ordinary one, and what its header says.
struct Variant
{
  const char *what;
  Bytes before_scan;
  jpeg::Sampling sampling = jpeg::Sampling::yuv420;
  std::uint8_t luma = 3;
  std::uint8_t chroma = 5;
  std::size_t table_size = 64;
  std::uint16_t restart_interval = 0;
  bool needs_recoding = false;
};

// The standard tables with one value changed.
Bytes changed_dht (std::size_t at)
{
  Bytes body = standard_tables ();
  body[at] ^= 1;
  return segment (0xc4, body);
}

// DC luma comes first in the standard tables.
const Bytes dc_luma_as_2 = [] {
  Bytes body = standard_tables ();
  body.resize (1 + 16 + 12);
  body[0] = 0x02;
  return segment (0xc4, body);
}();

const Variant variants[] = {
    {"4:2:2", join ({tables ({.sampling = {0x21, 0x11, 0x11}}), sos ()}),
        jpeg::Sampling::yuv422},
    {"both tables in one DQT",
        join ({soi,
            segment (0xdb, join ({quant_table (0, 3), quant_table (1, 5)})),
            sof (), dht, sos ()})},
    {"one table for all",
        join ({soi, dqt (0, 3), sof ({.tables = {0, 0, 0}}), dht, sos ()}),
        jpeg::Sampling::yuv420, 3, 3},
    {"Cr with a copy of the table of Cb",
        join ({soi, quant, dqt (2, 5), sof ({.tables = {0, 1, 2}}), dht,
            sos ()})},
    {"a third table that no component uses",
        join ({soi, quant, dqt (2, 6), sof (), dht, sos ()})},
    {"three tables in one DQT",
        join ({soi,
            segment (0xdb, join ({quant_table (0, 3), quant_table (1, 5),
                               quant_table (2, 5)})),
            sof ({.tables = {0, 1, 2}}), dht, sos ()})},
    {"a table of 16 bits that no component uses",
        join ({soi,
            segment (0xdb, join ({quant_table (3, 7, true), quant_table (0, 3),
                               quant_table (1, 5)})),
            sof (), dht, sos ()})},
    {"table ids up to 14", join ({soi, dqt (14, 3), dqt (8, 5),
                               sof ({.tables = {14, 8, 8}}), dht, sos ()})},
    {"a table defined again", join ({tables (), dqt (0, 9), sos ()}),
        jpeg::Sampling::yuv420, 9},
    {"16-bit tables",
        join ({soi, dqt (0, 3, true), dqt (1, 5, true), sof (), dht, sos ()}),
        jpeg::Sampling::yuv420, 3, 5, 128},
    {"SOF before DQT", join ({soi, sof (), quant, dht, sos ()})},
    {"no DHT", join ({soi, quant, sof (), sos ()})},
    {"no SOI", join ({quant, sof (), dht, sos ()})},
    {"DRI", join ({tables (), dri (0x102), sos ()}), jpeg::Sampling::yuv420, 3,
        5, 64, 0x102},
    {"DRI in front", join ({soi, dri (7), quant, sof (), dht, sos ()}),
        jpeg::Sampling::yuv420, 3, 5, 64, 7},
    {"restart switched off again",
        join ({tables (), dri (2), dri (0), sos ()})},
    {"fill bytes", join ({soi, {0xff}, dqt (0, 3), {0xff, 0xff, 0xff},
                       dqt (1, 5), sof (), dht, {0xff}, sos ()})},
    {"bytes that belong to no segment",
        join ({{0, 1}, soi, {2, 3}, quant, {0xff, 0}, sof (), dht, sos ()})},
    {"markers that stand alone",
        join ({soi, {0xff, 0x01, 0xff, 0xd3, 0xff, 0x02}, quant, sof (), dht,
            sos ()})},
    {"segments of other kinds",
        join ({soi, segment (0xfe, Bytes (300, 0xff)), segment (0xe4, {}),
            segment (0xf0, {1}), segment (0xcc, {0, 0}), segment (0xc8, {}),
            quant, sof (), dht, sos ()})},
    {"a thumbnail in APP1",
        join ({soi, segment (0xe1, join ({{'E', 'x'}, jpegfile::image ()})),
            quant, sof (), dht, sos ()})},
    {"standard Huffman tables under other ids",
        join ({soi, quant, sof (), dht, dc_luma_as_2,
            sos ({1, 0x20, 2, 0x11, 3, 0x11})})},
    {"another Huffman table that no component uses",
        join ({tables (), segment (0xc4, join ({{0x03, 1}, Bytes (16, 0)})),
            sos ()})},
    {"YCbCr, says Adobe", join ({soi, adobe (1), quant, sof (), dht, sos ()})},
    {"YCbCr, says JFIF, whatever Adobe says",
        join ({tables (), adobe (0), sos ()})},
    {"YCbCr, says Adobe, whatever the ids say",
        join ({soi, adobe (1), quant, rgb_sof, dht, rgb_sos})},
    {.what = "another DC table",
        .before_scan = join ({tables (), changed_dht (17), sos ()}),
        .needs_recoding = true},
    {.what = "another AC table",
        .before_scan = join ({tables (), changed_dht (415), sos ()}),
        .needs_recoding = true},
    {.what = "chroma coded with the tables of luma",
        .before_scan = join ({tables (), sos ({1, 0x00, 2, 0x00, 3, 0x00})}),
        .needs_recoding = true},
    {.what = "luma coded with the tables of chroma",
        .before_scan = join ({tables (), sos ({1, 0x11, 2, 0x11, 3, 0x11})}),
        .needs_recoding = true},
    {.what = "4:2:2 in tall MCUs",
        .before_scan =
            join ({tables ({.sampling = {0x22, 0x12, 0x12}}), sos ()}),
        .sampling = jpeg::Sampling::yuv422,
        .needs_recoding = true},
    {.what = "4:2:2 in wide MCUs",
        .before_scan =
            join ({tables ({.sampling = {0x41, 0x21, 0x21}}), sos ()}),
        .sampling = jpeg::Sampling::yuv422,
        .needs_recoding = true},
    {.what = "grey",
        .before_scan = join (
            {tables ({.components = 1, .sampling = {0x11}}), sos ({1, 0x00})}),
        .chroma = 3,
        .needs_recoding = true},
    {.what = "grey with factors that mean nothing",
        .before_scan = join (
            {tables ({.components = 1, .sampling = {0x22}}), sos ({1, 0x00})}),
        .chroma = 3,
        .needs_recoding = true},
    {"longer SOF and SOS",
        join ({soi, quant,
            segment (0xc0,
                join ({test::hex ("0800100020030122000211010311010000")})),
            dht, segment (0xda, test::hex ("030100021103110000003f0000"))})},
};

}  // namespace

GST_START_TEST (variants_are_understood)
{
  for (const Variant &row : variants) {
    Bytes bytes = join ({row.before_scan, grey_scan (2), eoi});
    auto header = parse (bytes);
    fail_unless (header.ok (), "%s: %s at %zu", row.what,
        header.ok () ? "" : jpeg::to_string (header.code ()),
        header.ok () ? 0 : header.position ());
    fail_unless (header->width == 32 && header->height == 16, "%s", row.what);
    fail_unless (header->sampling == row.sampling, "%s", row.what);
    fail_unless (header->luma.size () == row.table_size &&
                     header->luma.back () == row.luma,
        "%s", row.what);
    fail_unless (header->chroma.size () == row.table_size &&
                     header->chroma.back () == row.chroma,
        "%s", row.what);
    fail_unless (
        header->restart_interval == row.restart_interval, "%s", row.what);
    fail_unless (header->scan == row.before_scan.size (), "%s", row.what);
    fail_unless (header->needs_recoding == row.needs_recoding, "%s", row.what);
  }
}
GST_END_TEST;

// Each beginning of an image asks for more, up to the last byte of SOS, and is
// truncated if there is no more.
GST_START_TEST (a_head_that_is_too_short_says_so)
{
  Bytes bytes = jpegfile::image ();
  std::size_t scan = *parse (bytes)->scan;
  for (std::size_t size = 0; size <= bytes.size (); size++) {
    auto head = std::span (bytes).first (size);
    for (std::size_t image_size : {bytes.size (), size}) {
      auto header = jpeg::parse (head, image_size, no_tables ());
      fail_unless (header.ok () == (size >= scan), "at %zu", size);
      if (!header) fail_unless (header.code () == Error::truncated);
    }
  }
}
GST_END_TEST;

// T.81 B.5: tables may come once, for all images that follow.
GST_START_TEST (tables_hold_until_they_are_defined_again)
{
  jpeg::Tables before;
  auto parse_after = [&] (const Bytes &bytes) {
    return jpeg::parse (bytes, bytes.size (), before);
  };
  Bytes bare = join ({soi, sof (), sos (), grey_scan (2), eoi});
  fail_unless (parse_after (bare).code () == Error::no_dqt);
  // Of an image that is refused nothing is kept.
  Bytes refused = join ({tables (), segment (0xda, {})});
  fail_unless (parse_after (refused).code () == Error::sos_length);
  fail_unless (parse_after (bare).code () == Error::no_dqt);

  Bytes own = join ({tables (), changed_dht (17), sos (), grey_scan (2), eoi});
  fail_unless (parse_after (own).ok ());
  auto header = parse_after (bare);
  fail_unless (header.ok () && header->needs_recoding);
  fail_unless (header->luma.back () == 3 && header->chroma.back () == 5);
  fail_unless (header->components[0].tables.dc[16] == 1);

  // One at a time.
  Bytes again =
      join ({soi, dqt (1, 8), dht, sof (), sos (), grey_scan (2), eoi});
  fail_unless (parse_after (again).ok ());
  header = parse_after (bare);
  fail_unless (header.ok () && !header->needs_recoding);
  fail_unless (header->luma.back () == 3 && header->chroma.back () == 8);
}
GST_END_TEST;

// T.81 E.1.3: "restart interval = 0" at each SOI.
GST_START_TEST (the_restart_interval_is_one_image_s)
{
  jpeg::Tables before;
  for (std::uint16_t interval : std::initializer_list<std::uint16_t>{4, 0, 7}) {
    Bytes bytes = join ({tables (), interval > 0 ? dri (interval) : Bytes (),
        sos (), grey_scan (2), eoi});
    auto header = jpeg::parse (bytes, bytes.size (), before);
    fail_unless (header.ok () && header->restart_interval == interval);
  }
}
GST_END_TEST;

GST_START_TEST (of_two_images_the_first_one_ends)
{
  Bytes one = jpegfile::image ();
  Bytes both = join ({one, one});
  auto header = parse (both);
  fail_unless (header.ok ());
  auto rest = std::span (both).subspan (*header->scan);
  fail_unless (jpeg::EoiSearch ().feed (rest) == one.size () - *header->scan);
}
GST_END_TEST;

// Whatever the headers say, it ends, and reads and writes nothing else: that is
// for the sanitizers to see.
GST_START_TEST (damage_does_no_harm)
{
  huffman::Recoder recoder;
  Bytes out;
  int recoded = 0;
  auto try_it = [&] (const Bytes &bytes) {
    auto header = parse (bytes);
    if (!header || !header->scan) return;
    unsigned vertical = header->sampling == jpeg::Sampling::yuv422 ? 1 : 2;
    huffman::Scan scan{header->width, header->height,
        std::span (header->components).first (header->component_count),
        header->restart_interval};
    auto data = std::span (bytes).subspan (*header->scan);
    for (unsigned interval : {0u, 1u, unsigned{header->restart_interval}})
      if (recoder.recode (scan, data, {vertical, interval}, out)) recoded++;
  };
  const Bytes grey = segment (0xc0, test::hex ("0800100020 01 012200"));
  const Bytes images[] = {
      join ({tables (), dri (1), sos (), jpegfile::restarting_scan (2), eoi}),
      join ({soi, dqt (0), grey, dht, sos ({1, 0x00}), grey_scan (2), eoi}),
  };
  for (const Bytes &image : images) {
    try_it (image);
    for (std::size_t at = 0; at < image.size (); at++) {
      try_it (Bytes (
          image.begin (), image.begin () + static_cast<std::ptrdiff_t> (at)));
      Bytes changed = image;
      for (int bit = 0; bit < 8; bit++) {
        changed[at] = static_cast<std::uint8_t> (image[at] ^ 1 << bit);
        try_it (changed);
      }
    }
  }
  fail_unless (recoded > 0);
}
GST_END_TEST;

GST_START_TEST (headers_without_an_image)
{
  // No SOI, no SOS: not cut, there is no more.
  Bytes bytes = join ({sof ({.tables = {8, 8, 8}}), dqt (8, 1), {0, 0, 0}});
  auto header = parse (bytes);
  fail_unless (header.ok ());
  fail_if (header->scan.has_value ());
  fail_unless (header->luma.size () == 64 && header->chroma.size () == 64);
  // With more to come they may be the beginning of anything.
  header = jpeg::parse (bytes, bytes.size () + 1, no_tables ());
  fail_unless (header.code () == Error::truncated);
}
GST_END_TEST;

GST_START_TEST (eoi_is_found_in_pieces)
{
  // Stuffed zeros, restart markers and fill bytes are none.
  Bytes data = test::hex ("00 d9 ff00 d9 ffd0 01 ffffd7 ff00 ffffffd9 11 ffd9");
  const std::size_t end = data.size () - 3;
  for (std::size_t cut = 0; cut <= data.size (); cut++) {
    jpeg::EoiSearch search;
    auto found = search.feed (std::span (data).first (cut));
    fail_unless (found.has_value () == (cut >= end), "cut at %zu", cut);
    if (!found) found = search.feed (std::span (data).subspan (cut));
    fail_unless (found == end, "cut at %zu", cut);
  }
  // Byte by byte.
  jpeg::EoiSearch search;
  for (std::size_t i = 0; i + 1 < end; i++)
    fail_if (search.feed (std::span (data).subspan (i, 1)).has_value ());
  fail_unless (search.feed (std::span (data).subspan (end - 1, 1)) == end);
}
GST_END_TEST;

static Suite *jpeg_suite ()
{
  Suite *suite = suite_create ("jpeg");
  TCase *cases = tcase_create ("all");
  suite_add_tcase (suite, cases);
  tcase_add_test (cases, each_rule_has_a_name);
  tcase_add_test (cases, an_ordinary_image);
  tcase_add_test (cases, variants_are_understood);
  tcase_add_test (cases, a_head_that_is_too_short_says_so);
  tcase_add_test (cases, tables_hold_until_they_are_defined_again);
  tcase_add_test (cases, the_restart_interval_is_one_image_s);
  tcase_add_test (cases, of_two_images_the_first_one_ends);
  tcase_add_test (cases, damage_does_no_harm);
  tcase_add_test (cases, headers_without_an_image);
  tcase_add_test (cases, eoi_is_found_in_pieces);
  return suite;
}

GST_CHECK_MAIN (jpeg)

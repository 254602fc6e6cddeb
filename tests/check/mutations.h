// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "testcenc.h"
#include "testprogressive.h"

// MP4 files with everything wrong that one box can have wrong.
namespace test {

// Such a program is slow, and keeps what is freed.
inline bool is_sanitized ()
{
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  return true;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
  return true;
#endif
#endif
  return false;
}

// A box as its header and fixed fields, what follows them, and boxes.
struct Node
{
  Bytes head;
  Bytes body;
  std::vector<Node> children;

  [[nodiscard]] Bytes bytes () const
  {
    Bytes inside = body;
    for (const Node &child : children) inside = inside + child.bytes ();
    Bytes out = head + inside;
    for (std::size_t i = 0; i < 4 && head.size () >= 8; i++)
      out[i] = static_cast<std::uint8_t> (out.size () >> (24 - 8 * i));
    return out;
  }
};

// The boxes that bytes consists of, at all depths.
inline std::vector<Node> nodes_of (std::span<const std::uint8_t> bytes)
{
  static const std::vector<std::pair<std::string_view, std::size_t>> parents = {
      {"moov", 8}, {"trak", 8}, {"mdia", 8}, {"minf", 8}, {"stbl", 8},
      {"stsd", 16}, {"encv", 86}, {"enca", 36}, {"sinf", 8}, {"schi", 8},
      {"mvex", 8}, {"moof", 8}, {"traf", 8}};
  std::vector<Node> out;
  while (bytes.size () >= 8) {
    std::size_t size = bmff::Reader (bytes).u32 ();
    fail_unless (size >= 8 && size <= bytes.size ());
    std::string_view type (
        reinterpret_cast<const char *> (bytes.data ()) + 4, 4);
    std::size_t head = 8;
    bool has_children = false;
    for (const auto &[parent, header] : parents)
      if (type == parent) {
        head = header;
        has_children = true;
      }
    Node node;
    node.head.assign (
        bytes.begin (), bytes.begin () + static_cast<std::ptrdiff_t> (head));
    std::span<const std::uint8_t> inside = bytes.subspan (head, size - head);
    if (has_children)
      node.children = nodes_of (inside);
    else
      node.body.assign (inside.begin (), inside.end ());
    out.push_back (std::move (node));
    bytes = bytes.subspan (size);
  }
  return out;
}

namespace detail {

using See = std::function<void (const Bytes &)>;

// Each box of siblings, which are part of root, in all the wrong ways; all
// sizes fit again afterwards.
inline void mutate (Node &root, std::vector<Node> &siblings, const See &see)
{
  for (std::size_t i = 0; i < siblings.size (); i++) {
    const std::vector<Node> before = siblings;
    const Node box = siblings[i];
    auto at = static_cast<std::ptrdiff_t> (i);
    auto shown = [&] {
      see (root.bytes ());
      siblings = before;
    };
    siblings.erase (siblings.begin () + at);
    shown ();
    siblings.insert (siblings.begin () + at, box);  // twice
    shown ();
    for (std::size_t to : {std::size_t{0}, i + 1, before.size () - 1}) {
      if (to == i || to >= before.size ()) continue;
      siblings.erase (siblings.begin () + at);
      siblings.insert (
          siblings.begin () + static_cast<std::ptrdiff_t> (to), box);
      shown ();
    }
    if (&siblings != &root.children) {  // out of what it is in
      siblings.erase (siblings.begin () + at);
      const std::vector<Node> top = root.children;
      Bytes inside = root.bytes (), own = box.bytes ();
      siblings = before;
      see (inside + own);
      see (own + inside);
    }
    std::size_t size = box.head.size () + box.body.size ();
    for (std::size_t left : {std::size_t{8}, std::size_t{9}, std::size_t{12},
             std::size_t{16}, (8 + size) / 2, size - 4, size - 1}) {
      if (left < 8 || left >= size) continue;
      Node &cut = siblings[i];
      if (left < cut.head.size ()) {
        cut.head.resize (left);
        cut.body.clear ();
        cut.children.clear ();
      } else {
        cut.body.resize (left - cut.head.size ());
      }
      shown ();
    }
    for (std::size_t more : {1u, 7u, 8u, 24u})
      for (std::uint8_t value : {std::uint8_t{0}, std::uint8_t{0xff}}) {
        siblings[i].body.insert (siblings[i].body.end (), more, value);
        shown ();
      }
    mutate (root, siblings[i].children, see);
  }
}

}  // namespace detail

// Each box removed, twice, moved, cut and with more behind it; the sizes of
// those around it fit.
inline void mutate_boxes (const Bytes &file, const detail::See &see)
{
  Node root;
  root.children = nodes_of (file);
  fail_unless (root.bytes () == file);
  detail::mutate (root, root.children, see);
}

// Each box with wrong sizes of itself, and each number of it with wrong values:
// offsets, counts, sizes, and sums of them that do not fit.
inline void mutate_numbers (const Bytes &file, const detail::See &see)
{
  auto changed = [&] (std::size_t at, std::size_t width, std::uint64_t value) {
    Bytes bytes = file;
    for (std::size_t i = 0; i < width; i++)
      bytes[at + i] =
          static_cast<std::uint8_t> (value >> (8 * (width - 1 - i)));
    return bytes;
  };
  each_box (file, [&] (const std::string &type, std::size_t at,
                      std::size_t size) {
    for (std::uint64_t wrong :
        {std::uint64_t{0}, std::uint64_t{1}, std::uint64_t{7}, std::uint64_t{8},
            std::uint64_t{9}, std::uint64_t{size - 1}, std::uint64_t{size + 1},
            std::uint64_t{size + 8}, std::uint64_t{0x03ffffff},
            std::uint64_t{0x7fffffff}, std::uint64_t{0xffffffff}})
      see (changed (at, 4, wrong));
    if (size >= 16) {  // largesize
      Bytes large = changed (at, 4, 1);
      for (std::uint64_t wrong : {std::uint64_t{0}, std::uint64_t{15},
               std::uint64_t{16}, std::uint64_t{size}, std::uint64_t{1} << 32,
               std::uint64_t{1} << 62, std::uint64_t{1} << 63, UINT64_MAX - 7,
               UINT64_MAX}) {
        for (std::size_t i = 0; i < 8; i++)
          large[at + 8 + i] = static_cast<std::uint8_t> (wrong >> (56 - 8 * i));
        see (large);
      }
    }
    // What is in mdat is no number but that of auxiliary information.
    std::size_t end = std::min<std::size_t> (size, type == "mdat" ? 40 : 120);
    for (std::size_t i = 8; i < end; i++) {
      for (unsigned value : {0x00u, 0x01u, 0x7fu, 0x80u, 0xffu})
        see (changed (at + i, 1, value));
      if (i % 2 == 0 && i + 2 <= end) see (changed (at + i, 2, 0xffff));
      for (std::uint64_t value : {0x0u, 0x1u, 0x10000u, 0x7fffffffu,
               0x80000000u, 0xfffffff0u, 0xffffffffu})
        if (i % 2 == 0 && i + 4 <= end) see (changed (at + i, 4, value));
      for (std::uint64_t value : {std::uint64_t{1} << 32,
               std::uint64_t{1} << 62, (std::uint64_t{1} << 62) - 1,
               std::uint64_t{1} << 63, UINT64_MAX - 15, UINT64_MAX})
        if (i % 4 == 0 && i + 8 <= end) see (changed (at + i, 8, value));
    }
  });
}

struct Named
{
  std::string name;
  Bytes bytes;
};

// Fragmented and progressive, every scheme, PIFF, groups, and all places of
// auxiliary information.
inline std::vector<Named> files_to_mutate ()
{
  std::vector<Named> out;
  std::vector<TestTrack> groups{second_key (track ("cenc", 8)), clear_group ()};
  const TestTrack tracks[] = {track ("cenc", 8, true), track ("cenc", 16),
      track ("cens", 8, true, 1, 9), track ("cbc1", 16, true),
      track ("cbcs", 0, true, 1, 9), track ("cbcs", 0)};
  for (const TestTrack &one : tracks) {
    TestTraf traf;
    traf.track = &one;
    traf.runs = {samples_of (one, {100, 80})};
    traf.tfhd_flags = one.is_video ? 0x20000 : 1;
    TestFile file;
    file.add_movie ({one});
    file.add_fragment ({traf});
    file.add_fragment ({traf});
    std::string name (one.scheme.name);
    out.push_back ({name + " fragmented", file.encrypted});
    Layout layout;
    layout.where = one.iv_size == 0 ? Where::both
                   : one.is_video   ? Where::each_chunk
                                    : Where::start;
    layout.co64 = one.is_video;
    if (one.iv_size == 0 && !one.is_video) layout.where = Where::none;
    std::vector<Chunk> chunks = {{0, samples_of (one, {100, 77})},
        {0, samples_of (one, {48})}, {0, samples_of (one, {90})}};
    out.push_back ({name + " progressive",
        Progressive ({one}, chunks, layout).write (false)});
  }
  for (std::string_view scheme : {"cenc", "cbc1"}) {
    TestTrack piff = track (scheme, 16, true);
    piff.is_piff = true;
    TestTraf traf;
    traf.track = &piff;
    traf.runs = {samples_of (piff, {100, 80})};
    traf.senc = traf.saiz = false;
    Bytes movie = Mp4Writer (false).movie ({piff});
    for (bool overrides : {false, true}) {
      std::optional<unsigned> algorithm;
      if (overrides) algorithm = scheme == "cenc" ? 1 : 2;
      traf.protection =
          piff_senc (piff, traf.runs[0], movie.size () + 24, algorithm);
      auto one = Mp4Writer (false).fragment ({traf}, movie.size ());
      out.push_back (
          {"PIFF " + std::string (scheme), movie + one.moof + one.mdat});
    }
    Layout layout;
    layout.where = Where::piff;
    out.push_back ({"PIFF progressive " + std::string (scheme),
        Progressive ({piff}, {{0, samples_of (piff, {100, 80})}}, layout)
            .write (false)});
  }
  TestTrack grouped = track ("cenc", 8, true);
  Layout layout;
  layout.groups = groups;
  layout.where = Where::free_box;
  layout.protection =
      sgpd (groups, 1, Lengths::all) + sbgp ({{1, 0}, {1, 1}, {1, 2}, {1, 0}});
  std::vector<Chunk> chunks = {{0, samples_of (grouped, {100, 77, 60})},
      {0, samples_of (grouped, {48})}};
  chunks[0].samples[1].group = 1;
  chunks[0].samples[2].group = 2;
  out.push_back ({"groups progressive",
      Progressive ({grouped}, chunks, layout).write (false)});
  TestTraf traf;
  traf.track = &grouped;
  traf.runs = {video_samples ({100, 80})};
  traf.protection =
      sgpd (groups, 2, Lengths::each) + sbgp ({{1, 0x10001}, {1, 0}}, 1);
  traf.groups = groups;
  traf.runs[0][0].group = 1;
  Bytes movie = Mp4Writer (false).movie ({grouped});
  auto fragment = Mp4Writer (false).fragment ({traf}, movie.size ());
  out.push_back ({"groups fragmented", movie + fragment.moof + fragment.mdat});
  return out;
}

}  // namespace test

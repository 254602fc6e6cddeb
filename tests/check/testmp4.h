// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "encrypter.h"

// Small MP4 files with Common Encryption, box by box, each together
// with the clear file that it has to become.
namespace test {

// Big-endian fields one after the other.
class Fields
{
public:
  Fields &u (std::size_t size, std::uint64_t value)
  {
    for (std::size_t i = size; i-- > 0;)
      bytes_.push_back (static_cast<std::uint8_t> (value >> (8 * i)));
    return *this;
  }
  Fields &u8 (std::uint64_t value) { return u (1, value); }
  Fields &u16 (std::uint64_t value) { return u (2, value); }
  Fields &u32 (std::uint64_t value) { return u (4, value); }
  Fields &u64 (std::uint64_t value) { return u (8, value); }
  Fields &text (std::string_view value)
  {
    bytes_.insert (bytes_.end (), value.begin (), value.end ());
    return *this;
  }
  Fields &put (std::span<const std::uint8_t> value)
  {
    bytes_.insert (bytes_.end (), value.begin (), value.end ());
    return *this;
  }
  Fields &zeros (std::size_t count)
  {
    bytes_.resize (bytes_.size () + count);
    return *this;
  }
  const Bytes &bytes () const { return bytes_; }

private:
  Bytes bytes_;
};

inline Bytes box (std::string_view type, const Bytes &body)
{
  return Fields ().u32 (8 + body.size ()).text (type).put (body).bytes ();
}
inline Bytes box (std::string_view type, const Fields &body)
{
  return box (type, body.bytes ());
}
inline Bytes full_box (
    std::string_view type, unsigned version, unsigned flags, const Fields &body)
{
  return box (type, Fields ().u8 (version).u (3, flags).put (body.bytes ()));
}
inline Bytes operator+ (Bytes a, const Bytes &b)
{
  a.insert (a.end (), b.begin (), b.end ());
  return a;
}

// Replaces bytes, counted from behind the first box type of this name.
inline Bytes patched (
    Bytes bytes, std::string_view type, std::size_t offset, const char *digits)
{
  auto found =
      std::search (bytes.begin (), bytes.end (), type.begin (), type.end ());
  fail_unless (found != bytes.end ());
  Bytes value = hex (digits);
  std::copy (value.begin (), value.end (),
      found + 4 + static_cast<std::ptrdiff_t> (offset));
  return bytes;
}

struct TestTrack
{
  std::uint32_t track_id = 1;
  bool is_video = false;
  std::string_view entry;  // of stsd, in the clear; empty: avc1 or mp4a
  bool is_encrypted = true;
  bool has_clear_entry = false;  // as a second sample entry
  Scheme scheme;
  AesBlock kid{};
  std::size_t iv_size = 8;  // 0: a constant IV
  bool iv_wraps = true;     // one of 16 bytes
  AesBlock constant_iv{};
  std::size_t constant_iv_size = 16;
  Bytes extra_in_stbl;
  Bytes tables;          // in place of empty stts, stsc, stsz and stco
  bool is_piff = false;  // PIFF's boxes in sinf
};

// Video, cbcs with the usual pattern and a constant IV.
inline TestTrack video_track (
    std::string_view scheme, const AesBlock &key, const AesBlock &kid)
{
  TestTrack out;
  out.is_video = true;
  out.scheme.name = scheme;
  out.scheme.key = key;
  out.kid = kid;
  if (scheme == "cbcs") {
    out.scheme.crypt = 1;
    out.scheme.skip = 9;
    out.iv_size = 0;
    out.constant_iv = block ("0a610676cb88f302d10ac8bc66e039ed");
  }
  return out;
}

struct TestSample
{
  Bytes bytes;
  std::optional<std::vector<Range>> ranges;
  // From 1: one of the groups, in place of the track.
  std::size_t group = 0;
};

struct TestTraf
{
  const TestTrack *track = nullptr;
  std::vector<std::vector<TestSample>> runs;
  std::uint32_t description_index = 0;  // 0: trex
  bool senc = true;
  bool saiz = true;
  unsigned tfhd_flags = 0x20000;  // default-base-is-moof
  Bytes extra;                    // boxes
  Bytes protection;               // boxes that become free space
  std::vector<TestTrack> groups;
  bool clear_have_entries = true;
};

// What boxes become that are about protection.
inline Bytes freed (Bytes boxes)
{
  for (std::size_t at = 0; at < boxes.size ();) {
    std::copy_n (
        "free", 4, boxes.begin () + static_cast<std::ptrdiff_t> (at) + 4);
    at += std::size_t{boxes[at]} << 24 | std::size_t{boxes[at + 1]} << 16 |
          std::size_t{boxes[at + 2]} << 8 | boxes[at + 3];
  }
  return boxes;
}

// A description of a seig group: what is behind the version in tenc.
inline Bytes description (const TestTrack &group)
{
  Fields out;
  out.u8 (0).u8 (group.scheme.crypt << 4 | group.scheme.skip);
  out.u8 (group.is_encrypted).u8 (group.is_encrypted ? group.iv_size : 0);
  out.put (group.kid);
  if (group.is_encrypted && group.iv_size == 0)
    out.u8 (group.constant_iv_size)
        .put (std::span (group.constant_iv).first (group.constant_iv_size));
  return out.bytes ();
}

// One of a kind for each sample of a file.
inline AesBlock iv_of (
    const TestTrack &track, std::uint64_t place, std::size_t index)
{
  if (track.iv_size == 0) return track.constant_iv;
  AesBlock iv{};
  for (std::size_t i = 0; i < 4; i++) {
    iv[i] = static_cast<std::uint8_t> (place >> (24 - 8 * i));
    iv[4 + i] = static_cast<std::uint8_t> (index >> (24 - 8 * i));
  }
  // A counter that wraps in the sample's first bytes.
  if (track.iv_size == 16)
    std::fill (iv.begin () + 8, iv.end (),
        static_cast<std::uint8_t> (track.iv_wraps ? 0xff : 0x5a));
  return iv;
}

// PIFF's senc; with algorithm: in place of what the track says.
inline Bytes piff_senc (const TestTrack &track,
    const std::vector<TestSample> &all, std::uint64_t place,
    std::optional<unsigned> algorithm)
{
  bool has_ranges = all[0].ranges.has_value ();
  Fields out;
  out.put (hex ("a2394f525a9b4f14a2446c427c648df4"));
  out.u32 ((algorithm ? 1 : 0) | (has_ranges ? 2 : 0));
  if (algorithm) out.u (3, *algorithm).u8 (track.iv_size).put (track.kid);
  out.u32 (all.size ());
  for (std::size_t i = 0; i < all.size (); i++) {
    AesBlock iv = iv_of (track, place, i);
    out.put (std::span (iv).first (track.iv_size));
    if (!has_ranges) continue;
    out.u16 (all[i].ranges->size ());
    for (const Range &range : *all[i].ranges)
      out.u16 (range.clear).u32 (range.encrypted);
  }
  return box ("uuid", out);
}

// Written twice: as it is encrypted, and as it has to come out.
class Mp4Writer
{
public:
  explicit Mp4Writer (bool is_clear) : is_clear_ (is_clear) {}

  Bytes movie (const std::vector<TestTrack> &tracks) const
  {
    Bytes traks, trexes;
    for (const TestTrack &track : tracks) {
      traks = traks + trak (track);
      trexes = trexes +
               full_box ("trex", 0, 0,
                   Fields ().u32 (track.track_id).u32 (1).u32 (1000).zeros (8));
    }
    Bytes mvhd = full_box ("mvhd", 0, 0,
        Fields ().zeros (8).u32 (1000).zeros (4).u32 (0x10000).zeros (72).u32 (
            100));
    Bytes ftyp = box ("ftyp", Fields ().text ("isom").u32 (0).text ("isom"));
    return ftyp + box ("moov", mvhd + traks + box ("mvex", trexes) + pssh ());
  }

  struct Fragment
  {
    Bytes moof;
    Bytes mdat;
  };
  // position: of the moof in the file. between: bytes from moof to mdat.
  Fragment fragment (const std::vector<TestTraf> &trafs, std::uint64_t position,
      const Bytes &extra_in_moof = {}, std::size_t between = 0) const
  {
    // Twice, because offsets into mdat depend on the size of moof.
    Bytes data;
    std::size_t size = moof (trafs, position, 0, extra_in_moof, data).size ();
    data.clear ();
    Bytes out = moof (trafs, position, size + between, extra_in_moof, data);
    return {out, box ("mdat", data)};
  }

  Bytes pssh () const
  {
    return full_box (is_clear_ ? "free" : "pssh", 0, 0,
        Fields ()
            .put (hex ("e2719d58a985b3c9781ab030af78d30e"))
            .u32 (2)
            .u16 (0xabcd));
  }

private:
  Bytes sinf (const TestTrack &track) const
  {
    bool has_pattern =
        track.scheme.name == "cens" || track.scheme.name == "cbcs";
    Fields tenc;
    tenc.u8 (0).u8 (track.scheme.crypt << 4 | track.scheme.skip);
    tenc.u8 (1).u8 (track.iv_size).put (track.kid);
    if (track.iv_size == 0)
      tenc.u8 (track.constant_iv_size)
          .put (std::span (track.constant_iv).first (track.constant_iv_size));
    Bytes information = full_box ("tenc", has_pattern, 0, tenc);
    if (track.is_piff)
      information =
          box ("uuid", Fields ()
                           .put (hex ("8974dbce7be74c5184f97148f9882554"))
                           .u32 (0)
                           .u (3, track.scheme.name == "cbc1" ? 2 : 1)
                           .u8 (track.iv_size)
                           .put (track.kid));
    std::string_view scheme = track.is_piff ? "piff" : track.scheme.name;
    Bytes body =
        box ("frma", Fields ().text (original (track))) +
        full_box ("schm", 0, 0, Fields ().text (scheme).u32 (0x10000)) +
        box ("schi", information);
    return box (is_clear_ ? "free" : "sinf", body);
  }

  static std::string_view original (const TestTrack &track)
  {
    if (!track.entry.empty ()) return track.entry;
    return track.is_video ? "avc1" : "mp4a";
  }

  Bytes sample_entry (const TestTrack &track, bool is_encrypted) const
  {
    Fields fields;
    fields.zeros (6).u16 (1);
    if (track.is_video) {
      fields.zeros (16).u16 (64).u16 (64).u32 (0x480000).u32 (0x480000);
      fields.zeros (4).u16 (1).zeros (32).u16 (24).u16 (0xffff);
      if (original (track) == "avc1")
        fields.put (box ("avcC",
            hex ("01 42c01e ff e1 0009 6742c01eda0884f880 01 0004 68ce3c80")));
    } else {
      fields.zeros (8).u16 (2).u16 (16).zeros (4).u32 (44100u << 16);
      fields.put (full_box ("esds", 0, 0,
          Fields ().put (hex ("03 19 0000 00 04 11 40 15 000000 00000000 "
                              "00000000 05 02 1210 06 01 02"))));
    }
    if (is_encrypted) fields.put (sinf (track));
    std::string_view type = track.is_video ? "encv" : "enca";
    if (!is_encrypted || is_clear_) type = original (track);
    return box (type, fields);
  }

  Bytes trak (const TestTrack &track) const
  {
    Bytes entries = sample_entry (track, track.is_encrypted);
    if (track.has_clear_entry) entries = entries + sample_entry (track, false);
    Bytes stbl =
        full_box ("stsd", 0, 0,
            Fields ().u32 (track.has_clear_entry ? 2 : 1).put (entries)) +
        (!track.tables.empty ()
                ? track.tables
                : full_box ("stts", 0, 0, Fields ().u32 (0)) +
                      full_box ("stsc", 0, 0, Fields ().u32 (0)) +
                      full_box ("stsz", 0, 0, Fields ().u32 (0).u32 (0)) +
                      full_box ("stco", 0, 0, Fields ().u32 (0))) +
        track.extra_in_stbl;
    Bytes header = track.is_video
                       ? full_box ("vmhd", 0, 1, Fields ().zeros (8))
                       : full_box ("smhd", 0, 0, Fields ().zeros (4));
    Bytes dinf = box ("dinf",
        full_box ("dref", 0, 0,
            Fields ().u32 (1).put (full_box ("url ", 0, 1, Fields ()))));
    Bytes mdhd = full_box ("mdhd", 0, 0,
        Fields ().zeros (8).u32 (1000).u32 (0).u16 (0x55c4).u16 (0));
    Bytes hdlr = full_box ("hdlr", 0, 0,
        Fields ().u32 (0).text (track.is_video ? "vide" : "soun").zeros (13));
    Bytes tkhd = full_box ("tkhd", 0, 7,
        Fields ()
            .zeros (8)
            .u32 (track.track_id)
            .zeros (60)
            .u32 (64 << 16)
            .u32 (64 << 16));
    return box ("trak",
        tkhd +
            box ("mdia", mdhd + hdlr +
                             box ("minf", header + dinf + box ("stbl", stbl))));
  }

  Bytes traf (const TestTraf &what, std::uint64_t position,
      std::size_t moof_size, std::size_t traf_start, Bytes &data) const
  {
    const TestTrack &track = *what.track;
    bool is_encrypted = track.is_encrypted && what.description_index != 2;
    std::uint64_t base = position;
    Fields tfhd;
    tfhd.u32 (track.track_id);
    if ((what.tfhd_flags & 1) != 0) {
      base = position + moof_size + 8;
      tfhd.u64 (base);
    }
    unsigned tfhd_flags = what.tfhd_flags;
    if (what.description_index != 0) {
      tfhd_flags |= 2;
      tfhd.u32 (what.description_index);
    }
    Bytes body = full_box ("tfhd", 0, tfhd_flags, tfhd) +
                 full_box ("tfdt", 0, 0, Fields ().u32 (0));

    Fields entries, sizes;
    std::size_t count = 0;
    bool has_ranges = false;
    for (const auto &run : what.runs)
      for (const TestSample &sample : run)
        has_ranges = has_ranges || sample.ranges.has_value ();
    for (const auto &run : what.runs) {
      Fields trun;
      trun.u32 (run.size ());
      trun.u32 (position + moof_size + 8 + data.size () - base);
      for (const TestSample &sample : run) {
        trun.u32 (sample.bytes.size ());
        const TestTrack &as =
            sample.group == 0 ? track : what.groups[sample.group - 1];
        AesBlock iv = iv_of (as, position + traf_start, count++);
        std::size_t before = entries.bytes ().size ();
        if (as.is_encrypted) entries.put (std::span (iv).first (as.iv_size));
        if (has_ranges && as.is_encrypted) {
          entries.u16 (sample.ranges->size ());
          for (const Range &range : *sample.ranges)
            entries.u16 (range.clear).u32 (range.encrypted);
        } else if (has_ranges && what.clear_have_entries) {
          entries.u16 (0);
        }
        sizes.u8 (entries.bytes ().size () - before);
        Bytes bytes = sample.bytes;
        if (is_encrypted && as.is_encrypted && !is_clear_)
          bytes =
              SampleEncrypter (as.scheme, iv).encrypt (bytes, sample.ranges);
        data = data + bytes;
      }
      body = body + full_box ("trun", 0, 0x201, trun);
    }
    if (is_encrypted) {
      // saio leads to the entries of senc, or to the same in a free box;
      // from moof on, as offsets cannot point back from a base in mdat.
      std::size_t at = traf_start + 8 + body.size ();
      if (what.saiz) {
        body = body + full_box (is_clear_ ? "free" : "saiz", 0, 0,
                          Fields ().u8 (0).u32 (count).put (sizes.bytes ()));
        at = traf_start + 8 + body.size () + 20;
        body = body + full_box (is_clear_ ? "free" : "saio", 0, 0,
                          Fields ().u32 (1).u32 (at + 16));
      }
      if (what.senc || what.saiz)
        body = body + full_box (what.senc && !is_clear_ ? "senc" : "free", 0,
                          has_ranges ? 2 : 0,
                          Fields ().u32 (count).put (entries.bytes ()));
    }
    return box (
        "traf", body + what.extra +
                    (is_clear_ ? freed (what.protection) : what.protection));
  }

  Bytes moof (const std::vector<TestTraf> &trafs, std::uint64_t position,
      std::size_t moof_size, const Bytes &extra, Bytes &data) const
  {
    Bytes body = full_box ("mfhd", 0, 0, Fields ().u32 (1)) + extra;
    for (const TestTraf &one : trafs)
      body = body + traf (one, position, moof_size, 8 + body.size (), data);
    return box ("moof", body);
  }

  bool is_clear_;
};

// A file, and what has to become of it.
struct TestFile
{
  Bytes encrypted;
  Bytes clear;
  std::size_t samples_encrypted = 0;
  std::size_t samples_clear = 0;

  void add_movie (const std::vector<TestTrack> &tracks)
  {
    encrypted = encrypted + Mp4Writer (false).movie (tracks);
    clear = clear + Mp4Writer (true).movie (tracks);
  }
  // protection: in moof.
  void add_fragment (
      const std::vector<TestTraf> &trafs, const Bytes &protection = {})
  {
    std::uint64_t position = encrypted.size ();
    Mp4Writer::Fragment in =
        Mp4Writer (false).fragment (trafs, position, protection);
    Mp4Writer::Fragment out =
        Mp4Writer (true).fragment (trafs, position, freed (protection));
    encrypted = encrypted + in.moof + in.mdat;
    clear = clear + out.moof + out.mdat;
    for (const TestTraf &traf : trafs)
      for (const auto &run : traf.runs)
        (traf.track->is_encrypted && traf.description_index != 2
                ? samples_encrypted
                : samples_clear) += run.size ();
  }
};

inline std::vector<TestSample> whole_samples (
    std::initializer_list<std::size_t> sizes)
{
  std::vector<TestSample> out;
  std::uint32_t seed = 7;
  for (std::size_t size : sizes) out.push_back ({noise (size, seed++), {}});
  return out;
}

// NAL units: 4 bytes of size and 8 of slice header stay clear.
inline std::vector<TestSample> video_samples (
    std::initializer_list<std::size_t> sizes, std::size_t multiple = 1)
{
  std::vector<TestSample> out;
  std::uint32_t seed = 99;
  for (std::size_t size : sizes) {
    std::size_t range = (size - 24) / 2 / multiple * multiple;
    std::size_t rest = size - 24 - range;
    std::size_t more = rest % multiple;
    out.push_back (
        {noise (size, seed++), {{{12, range}, {12 + more, rest - more}}}});
  }
  return out;
}

}  // namespace test

// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "testmp4.h"

// MP4 without fragments: samples in chunks, tables in moov.
namespace test {

inline std::uint32_t read_u32 (const Bytes &bytes, std::size_t at)
{
  std::uint32_t value = 0;
  for (std::size_t i = 0; i < 4; i++) value = value << 8 | bytes.at (at + i);
  return value;
}

struct Chunk
{
  std::size_t track;
  std::vector<TestSample> samples;
  unsigned entry = 1;
};

enum class Where
{
  senc,        // alone
  both,        // senc, and a saio that leads to the start of the file
  free_box,    // saiz and saio that lead to a copy in a free box of stbl
  each_chunk,  // before each chunk, saio with an offset for each
  start,       // at the start of mdat, saio with one offset
  piff,
  none  // constant IVs
};

enum class Sizes
{
  stsz,
  constant,
  stz2_4,
  stz2_8,
  stz2_16
};

struct Layout
{
  Where where = Where::both;
  Sizes sizes = Sizes::stsz;
  bool co64 = false;
  unsigned saio_version = 0;
  Bytes protection;  // of the first track
  std::vector<TestTrack> groups;
  bool each_chunk_in_stsc = true;
  bool has_durations = false;  // for a player
};

// A file without fragments: moov, and samples in mdat.
class Progressive
{
public:
  Progressive (std::vector<TestTrack> tracks, std::vector<Chunk> chunks,
      Layout layout = {})
      : tracks_ (std::move (tracks)),
        chunks_ (std::move (chunks)),
        layout_ (std::move (layout))
  {
  }

  Bytes write (bool is_clear)
  {
    is_clear_ = is_clear;
    // Twice, because offsets depend on the size of moov.
    data_at_ = 0;
    make ();
    Bytes first = movie ();
    senc_at_.clear ();
    for (std::size_t at = 0; at + mark.size () <= first.size (); at++)
      if (std::equal (mark.begin (), mark.end (),
              first.begin () + static_cast<std::ptrdiff_t> (at)))
        senc_at_.push_back (at + mark.size ());
    data_at_ = first.size () + 8;
    make ();
    Bytes head = movie ();
    // The mark is not part of the file.
    for (std::size_t at : senc_at_)
      std::fill_n (head.begin () + static_cast<std::ptrdiff_t> (at) - 8, 8,
          std::uint8_t{0});
    return head + box ("mdat", data_);
  }

private:
  // What is before the entries that saio leads to.
  inline static const Bytes mark = hex ("f0e1d2c3b4a59687");

  struct Tables
  {
    Fields sizes, offsets, stsc, entries, entry_sizes, places;
    std::size_t count = 0, chunks = 0;
    bool has_ranges = false;
    std::size_t first_size = 0;
  };

  const TestTrack &treatment (const Chunk &chunk, const TestSample &sample)
  {
    return sample.group == 0 ? tracks_[chunk.track]
                             : layout_.groups[sample.group - 1];
  }

  Bytes entry (const Chunk &chunk, const TestSample &sample, std::size_t number)
  {
    const TestTrack &as = treatment (chunk, sample);
    if (chunk.entry == 2 || !as.is_encrypted) return {};
    AesBlock iv = iv_of (as, chunk.track, number);
    Fields out;
    out.put (std::span (iv).first (as.iv_size));
    if (sample.ranges) {
      out.u16 (sample.ranges->size ());
      for (const Range &range : *sample.ranges)
        out.u16 (range.clear).u32 (range.encrypted);
    }
    return out.bytes ();
  }

  void make ()
  {
    tables_.assign (tracks_.size (), {});
    data_.clear ();
    if (layout_.where == Where::start)
      for (std::size_t track = 0; track < tracks_.size (); track++) {
        tables_[track].places.u32 (data_at_ + data_.size ());
        std::size_t number = 0;
        for (const Chunk &chunk : chunks_)
          if (chunk.track == track)
            for (const TestSample &sample : chunk.samples)
              data_ = data_ + entry (chunk, sample, number++);
      }
    for (const Chunk &chunk : chunks_) {
      Tables &tables = tables_[chunk.track];
      if (layout_.where == Where::each_chunk) {
        tables.places.u32 (data_at_ + data_.size ());
        std::size_t number = tables.count;
        for (const TestSample &sample : chunk.samples)
          data_ = data_ + entry (chunk, sample, number++);
      }
      if (layout_.co64)
        tables.offsets.u64 (data_at_ + data_.size ());
      else
        tables.offsets.u32 (data_at_ + data_.size ());
      tables.chunks++;
      tables.stsc.u32 (tables.chunks)
          .u32 (chunk.samples.size ())
          .u32 (chunk.entry);
      for (const TestSample &sample : chunk.samples) {
        Bytes bytes = sample.bytes;
        std::size_t size = bytes.size ();
        if (tables.count == 0) tables.first_size = size;
        switch (layout_.sizes) {
          case Sizes::stsz:
            tables.sizes.u32 (size);
            break;
          case Sizes::stz2_16:
            tables.sizes.u16 (size);
            break;
          case Sizes::stz2_4:
          case Sizes::stz2_8:
            tables.sizes.u8 (size);
            break;
          case Sizes::constant:
            fail_unless (size == tables.first_size);
        }
        Bytes one = entry (chunk, sample, tables.count);
        tables.entries.put (one);
        tables.entry_sizes.u8 (one.size ());
        tables.has_ranges = tables.has_ranges || sample.ranges.has_value ();
        const TestTrack &as = treatment (chunk, sample);
        if (!is_clear_ && chunk.entry == 1 && as.is_encrypted &&
            tracks_[chunk.track].is_encrypted)
          bytes =
              SampleEncrypter (as.scheme, iv_of (as, chunk.track, tables.count))
                  .encrypt (bytes, sample.ranges);
        data_ = data_ + bytes;
        tables.count++;
      }
    }
  }

  Bytes size_box (const Tables &tables) const
  {
    Bytes sizes = tables.sizes.bytes ();
    switch (layout_.sizes) {
      case Sizes::constant:
        return full_box (
            "stsz", 0, 0, Fields ().u32 (tables.first_size).u32 (tables.count));
      case Sizes::stsz:
        return full_box (
            "stsz", 0, 0, Fields ().u32 (0).u32 (tables.count).put (sizes));
      case Sizes::stz2_4: {
        Fields nibbles;
        for (std::size_t i = 0; i < sizes.size (); i += 2) {
          unsigned second = i + 1 < sizes.size () ? sizes[i + 1] : 0;
          nibbles.u8 (static_cast<unsigned> (sizes[i]) << 4 | second);
        }
        return full_box ("stz2", 0, 0,
            Fields ().u32 (4).u32 (tables.count).put (nibbles.bytes ()));
      }
      default:
        return full_box ("stz2", 0, 0,
            Fields ()
                .u32 (layout_.sizes == Sizes::stz2_8 ? 8 : 16)
                .u32 (tables.count)
                .put (sizes));
    }
  }

  Bytes auxiliary (const Tables &tables, std::size_t track) const
  {
    if (layout_.where == Where::none || !tracks_[track].is_encrypted) return {};
    Bytes entries = tables.entries.bytes ();
    Bytes saiz = full_box ("saiz", 0, 0,
        Fields ().u8 (0).u32 (tables.count).put (tables.entry_sizes.bytes ()));
    Fields places;
    std::size_t wide = layout_.saio_version == 0 ? 4 : 8;
    Bytes given = tables.places.bytes ();
    if (given.empty ())
      given = Fields ()
                  .u32 (track < senc_at_.size () ? senc_at_[track] : 0)
                  .bytes ();
    places.u32 (given.size () / 4);
    for (std::size_t i = 0; i < given.size (); i += 4)
      places.u (wide, read_u32 (given, i));
    Bytes saio = full_box ("saio", layout_.saio_version, 0, places);
    unsigned flags = tables.has_ranges ? 2 : 0;
    Fields senc;
    senc.u32 (tables.count).put (entries);
    switch (layout_.where) {
      case Where::senc:
        return full_box ("senc", 0, flags, senc);
      case Where::piff:
        return box ("uuid", Fields ()
                                .put (hex ("a2394f525a9b4f14a2446c427c648df4"))
                                .u32 (flags)
                                .put (senc.bytes ()));
      case Where::free_box:
        return saiz + saio + box ("free", Fields ().put (mark).put (entries));
      case Where::both:
        return saiz + saio + full_box ("senc", 0, flags, senc);
      default:
        return saiz + saio;
    }
  }

  Bytes movie ()
  {
    std::vector<TestTrack> tracks = tracks_;
    for (std::size_t i = 0; i < tracks.size (); i++) {
      Tables &tables = tables_[i];
      Bytes stsc = tables.stsc.bytes ();
      std::size_t count = tables.chunks;
      if (!layout_.each_chunk_in_stsc) {
        stsc.resize (12);
        count = 1;
      }
      tracks[i].tables =
          full_box ("stts", 0, 0,
              layout_.has_durations
                  ? Fields ().u32 (1).u32 (tables.count).u32 (40)
                  : Fields ().u32 (0)) +
          full_box ("stsc", 0, 0, Fields ().u32 (count).put (stsc)) +
          size_box (tables) +
          full_box (layout_.co64 ? "co64" : "stco", 0, 0,
              Fields ().u32 (tables.chunks).put (tables.offsets.bytes ()));
      Bytes protection = auxiliary (tables, i);
      if (i == 0) protection = protection + layout_.protection;
      tracks[i].extra_in_stbl = is_clear_ ? freed (protection) : protection;
    }
    return Mp4Writer (is_clear_).movie (tracks);
  }

  std::vector<TestTrack> tracks_;
  std::vector<Chunk> chunks_;
  Layout layout_;
  bool is_clear_ = false;
  std::vector<Tables> tables_;
  Bytes data_;
  std::size_t data_at_ = 0;
  std::vector<std::size_t> senc_at_;
};

}  // namespace test

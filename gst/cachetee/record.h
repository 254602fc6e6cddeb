// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/result.h"

// What the files of a cached object look like; all numbers are little-endian.
//
//   NAME.idx  a header block with the full key, then the journal: one record of
//             64 bytes for each thing that the object holds, as it was written
//   NAME.dat  a block that names the object, then what the records point at
//
// There are two forms. Of PACKETS a record is an event (stream-start, caps,
// segment, ...: bytes that this core does not look into), or a slice: the
// payload of many packets, followed by a table of them, in stream order. A
// packet that does not fit goes on in the next slice. The last record is
// COMPLETE; an object without it is not whole.
//
// Of BYTES a record is a slice at a multiple of the slice size, in any order,
// or FACTS: the total size, and what says which resource it is. All slices are
// of the slice size but the last, which can be written only after the total is
// known, and the total does not change. The object is whole when all slices are
// there. Of two records of one slice the later counts: it was written because
// the earlier one's bytes were found to be damaged.
//
// A slice may be stored as one frame of zstd, if that is less than it is; its
// other numbers are those of the slice itself.
//
// Each record carries the hash of what it points at (of a compressed slice: of
// what comes out of it), and a check over itself
// that is seeded with the check before it, from the header on: a record counts
// only where it was written, after the records that it was written after.
namespace record {

inline constexpr std::size_t header_unit = 4096;
inline constexpr std::size_t header_limit = 65536;
inline constexpr std::size_t record_size = 64;
inline constexpr std::size_t packet_size = 56;
// Where the first stored bytes are in the data file.
inline constexpr std::uint64_t data_start = 4096;
inline constexpr std::uint32_t slice_limit = 16U << 20;
inline constexpr std::uint32_t event_limit = 16U << 20;
// Packets in one slice.
inline constexpr std::uint32_t packet_limit = 16384;
// Records in one object: 64 MiB of them.
inline constexpr std::size_t record_limit = std::size_t{1} << 20;
inline constexpr std::uint64_t no_time = ~std::uint64_t{0};

// The position is a byte offset in what was parsed.
enum class Error
{
  truncated,
  bad_magic,
  bad_version,
  bad_size,
  bad_check,
  bad_type,
  bad_sequence,
  bad_place,
  bad_count,
  bad_hash,
  key_too_long,
};
const char *to_string (Error error);

template <class T>
using Result = relay::Result<T, Error>;

// Bytes that are not in one piece.
using Parts = std::span<const std::span<const std::uint8_t>>;

enum class Format : std::uint8_t
{
  packets = 1,
  bytes = 2,
};

// Of the files. Those of an older one are read no more than foreign ones, but
// they are ours to remove; of a newer one nothing is known.
inline constexpr std::uint32_t version = 2;
inline constexpr std::uint32_t oldest_version = 1;

struct Header
{
  // Drawn at random; pairs the index with its data file.
  std::uint64_t id = 0;
  // Seconds since 1970.
  std::uint64_t created = 0;
  // No slice's payload is larger.
  std::uint32_t slice_size = 0;
  std::string key;
  Format format = Format::packets;
  std::uint32_t file_version = version;
};

Result<std::vector<std::uint8_t>> encode (const Header &header);
Result<Header> parse_header (std::span<const std::uint8_t> file);
// What a block says of its own size; needs its first 16 bytes.
Result<std::size_t> header_size (std::span<const std::uint8_t> file);

std::array<std::uint8_t, record_size> data_preamble (std::uint64_t id);
// The id of the object that the file is for.
Result<std::uint64_t> parse_preamble (std::span<const std::uint8_t> file);
Result<relay::Done> check_preamble (
    std::span<const std::uint8_t> file, std::uint64_t id);

enum class Type : std::uint8_t
{
  slice = 1,
  event = 2,
  complete = 3,
  facts = 4,
};

enum class Codec : std::uint8_t
{
  none = 0,
  zstd = 1,
};

struct Record
{
  Type type = Type::slice;
  std::uint32_t sequence = 0;
  // Where in the data file, and how many bytes there.
  std::uint64_t offset = data_start;
  std::uint32_t stored = 0;
  // Bytes of payload in it, and before it in the object. FACTS have the total
  // as their position.
  std::uint32_t payload = 0;
  std::uint64_t position = 0;
  std::uint32_t packets = 0;
  std::uint64_t hash = 0;
  // Of the first packet in the slice that has one.
  std::uint64_t pts = no_time;
  Codec codec = Codec::none;

  // Bytes that the hash is of: a slice with its table, or what is stored.
  [[nodiscard]] std::uint32_t size () const;
};

// Hands out what goes into the index file, in order.
class Journal
{
public:
  // The header block's bytes.
  explicit Journal (std::span<const std::uint8_t> header_block);

  struct Entry
  {
    Record record;
    std::array<std::uint8_t, record_size> bytes{};
  };
  // Of what is to be written at end (): `bytes` is a slice with its table, of
  // which a frame of so many bytes may be stored; `stored` is an event.
  Entry slice (Parts bytes, std::uint32_t payload, std::uint32_t packets,
      std::uint64_t pts, std::optional<std::uint32_t> frame = {});
  Entry event (std::span<const std::uint8_t> stored);
  Entry complete ();
  // Of the form BYTES.
  // hash: of the bytes, where it was made before.
  Entry slice_at (Parts bytes, std::uint64_t position,
      std::optional<std::uint32_t> frame = {},
      std::optional<std::uint64_t> hash = {});
  Entry facts (std::span<const std::uint8_t> stored, std::uint64_t total);

  // Where the next stored bytes go in the data file, the next record in the
  // index file.
  [[nodiscard]] std::uint64_t end () const { return next_.offset; }
  [[nodiscard]] std::uint64_t index_end () const { return index_end_; }
  [[nodiscard]] bool full () const
  {
    return next_.sequence + 1 >= record_limit;
  }

private:
  friend class Follower;

  Journal () = default;
  Entry seal (Record record);

  Record next_;
  std::uint64_t chain_ = 0;
  std::uint64_t index_end_ = 0;
};

inline constexpr std::uint64_t unknown_size = ~std::uint64_t{0};
inline constexpr std::uint32_t no_record = ~std::uint32_t{0};

struct Index
{
  Header header;
  // Without the COMPLETE record.
  std::vector<Record> records;
  bool complete = false;
  // Payload of the records, without what was written again, and where they end
  // in the data file.
  std::uint64_t bytes = 0;
  std::uint64_t end = data_start;
  // Why the journal ends where it does, if it is not complete.
  Error ended = Error::truncated;

  // Of the form BYTES: the record of each slice, or no_record; the last of the
  // facts; and what they say the total is.
  std::vector<std::uint32_t> slices;
  std::uint32_t facts = no_record;
  std::uint64_t total = unknown_size;

  // False for what a later record has taken the place of.
  [[nodiscard]] bool counts (const Record &record) const;
};

// A journal counts up to its first bad record; what follows is ignored.
Result<Index> parse_index (std::span<const std::uint8_t> file);

// The same for one that grows while it is read.
class Follower
{
public:
  // Needs the header block only.
  static Result<Follower> begin (std::span<const std::uint8_t> file);

  // The record at index_end (). If it is not good nothing changes but
  // index ().ended: it may be good later, when all of it was written.
  bool take (std::span<const std::uint8_t> block);
  // All that are good, of a file from its beginning.
  void take_all (std::span<const std::uint8_t> file);
  // Forgets a slice of the form BYTES, whose bytes are not what they should be.
  void forget (std::uint32_t slice);

  [[nodiscard]] const Index &index () const { return index_; }
  [[nodiscard]] Index release () && { return std::move (index_); }
  [[nodiscard]] std::uint64_t index_end () const { return index_end_; }
  // Goes on behind the last good record.
  [[nodiscard]] Journal journal () const;

private:
  Index index_;
  std::uint64_t chain_ = 0;
  std::uint64_t index_end_ = 0;
  // Slices that are there.
  std::uint64_t present_ = 0;
};

// Which resource it is that an object of the form BYTES was made of, as far as
// that is known.
struct Facts
{
  std::uint64_t total = unknown_size;
  std::string etag;
  std::string last_modified;
  // Type, caps, ...: bytes that this core does not look into.
  std::vector<std::uint8_t> content;
  // Seconds since 1970: when the origin last said that this is how it is.
  std::uint64_t checked = 0;

  bool operator== (const Facts &) const = default;
  // What is not known, from others of the same resource; but for the total.
  void add (const Facts &other);
};

// What FACTS point at.
std::vector<std::uint8_t> encode (const Facts &facts);
Result<Facts> parse_facts (std::span<const std::uint8_t> stored);

// Is it certain that parts of the one go with parts of the other? By the ETag,
// else by Last-Modified and the total, else by the total; of what only one of
// them has nothing is known. A weak ETag (RFC 9110 8.8.1) does not vouch for
// the bytes: Last-Modified or the total has to be the same as well.
bool is_same (const Facts &one, const Facts &other);
// Are they certainly not of the same resource? Both may be false: then it
// cannot be told.
bool differs (const Facts &one, const Facts &other);

// A packet, or the part of it that is in one slice.
struct Packet
{
  std::uint64_t pts = no_time;
  std::uint64_t dts = no_time;
  std::uint64_t duration = no_time;
  std::uint64_t offset = no_time;
  std::uint64_t offset_end = no_time;
  std::uint32_t flags = 0;
  // Bytes of it in this slice.
  std::uint32_t size = 0;
  bool begins = true;
  bool ends = true;

  bool operator== (const Packet &) const = default;
};

// Packets that are smaller are copied together: to refer to them costs more.
inline constexpr std::size_t copy_limit = 1024;

// Collects packets until a slice is full, and refers to their bytes.
class SliceBuilder
{
public:
  explicit SliceBuilder (std::uint32_t slice_size);

  // Takes as much of the packet's bytes as there is room for and moves the
  // span on; true when all of the packet was taken. On false: take () the
  // slice and add the rest. The owner keeps the bytes until clear (); those
  // that have none are copied.
  bool add (Packet packet, std::span<const std::uint8_t> &bytes,
      const std::shared_ptr<const void> &owner = nullptr);

  [[nodiscard]] bool empty () const { return packets_.empty (); }
  [[nodiscard]] std::uint32_t payload () const { return payload_; }
  [[nodiscard]] std::uint32_t packets () const
  {
    return static_cast<std::uint32_t> (packets_.size ());
  }
  [[nodiscard]] std::uint64_t pts () const;
  // The payload and its table, valid until clear ().
  Parts finish ();
  void clear ();

private:
  void copy (std::span<const std::uint8_t> bytes);

  std::uint32_t slice_size_;
  std::uint32_t payload_ = 0;
  // The packet that was begun goes on in the next slice.
  bool open_ = false;
  std::vector<Packet> packets_;
  std::vector<std::span<const std::uint8_t>> parts_;
  std::vector<std::shared_ptr<const void>> owners_;
  // Stays where it is.
  std::vector<std::uint8_t> copies_;
  std::vector<std::uint8_t> table_;
};

// The table of a slice, after its hash was verified.
Result<std::vector<Packet>> parse_packets (
    std::span<const std::uint8_t> bytes, const Record &record);

// Are these the bytes, not compressed, that the record was written for?
Result<relay::Done> verify (
    std::span<const std::uint8_t> bytes, const Record &record);

// 32 hex digits: the name of a key's files.
std::string file_name (std::string_view key);

}  // namespace record

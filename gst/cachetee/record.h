// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/result.h"

// What the files of a cached object look like; all numbers are little-endian.
//
//   NAME.idx  a header block with the full key, then the journal: one record of
//             64 bytes for each thing that the object holds, in stream order
//   NAME.dat  a block that names the object, then what the records point at
//
// A record is an event (stream-start, caps, segment, ...: bytes that this core
// does not look into), or a slice: the payload of many packets, followed by a
// table of them. A packet that does not fit goes on in the next slice. The last
// record is COMPLETE; an object without it is not whole.
//
// Each record carries the hash of what it points at, and a check over itself
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

struct Header
{
  // Drawn at random; pairs the index with its data file.
  std::uint64_t id = 0;
  // Seconds since 1970.
  std::uint64_t created = 0;
  // No slice's payload is larger.
  std::uint32_t slice_size = 0;
  std::string key;
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
};

struct Record
{
  Type type = Type::slice;
  std::uint32_t sequence = 0;
  // Where in the data file, and how many bytes there.
  std::uint64_t offset = data_start;
  std::uint32_t stored = 0;
  // Bytes of payload in it, and before it in the object.
  std::uint32_t payload = 0;
  std::uint64_t position = 0;
  std::uint32_t packets = 0;
  std::uint64_t hash = 0;
  // Of the first packet in the slice that has one.
  std::uint64_t pts = no_time;
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
  // Of what is to be written at end (): `stored` is a slice with its table, or
  // an event.
  Entry slice (std::span<const std::uint8_t> stored, std::uint32_t payload,
      std::uint32_t packets, std::uint64_t pts);
  Entry event (std::span<const std::uint8_t> stored);
  Entry complete ();

  // Where the next stored bytes go in the data file, the next record in the
  // index file.
  [[nodiscard]] std::uint64_t end () const { return next_.offset; }
  [[nodiscard]] std::uint64_t index_end () const { return index_end_; }
  [[nodiscard]] bool full () const
  {
    return next_.sequence + 1 >= record_limit;
  }

private:
  Entry seal (Record record);

  Record next_;
  std::uint64_t chain_;
  std::uint64_t index_end_;
};

struct Index
{
  Header header;
  // Without the COMPLETE record.
  std::vector<Record> records;
  bool complete = false;
  // Payload of the records, and where they end in the data file.
  std::uint64_t bytes = 0;
  std::uint64_t end = data_start;
  // Why the journal ends where it does, if it is not complete.
  Error ended = Error::truncated;
};

// A journal counts up to its first bad record; what follows is ignored.
Result<Index> parse_index (std::span<const std::uint8_t> file);

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

// Collects packets until a slice is full.
class SliceBuilder
{
public:
  explicit SliceBuilder (std::uint32_t slice_size);

  // Takes as much of the packet's bytes as there is room for and moves the
  // span on; true when all of the packet was taken. On false: take () the
  // slice and add the rest.
  bool add (Packet packet, std::span<const std::uint8_t> &bytes);

  [[nodiscard]] bool empty () const { return packets_.empty (); }
  [[nodiscard]] std::uint32_t payload () const { return payload_; }
  [[nodiscard]] std::uint32_t packets () const
  {
    return static_cast<std::uint32_t> (packets_.size ());
  }
  [[nodiscard]] std::uint64_t pts () const;
  // The payload and its table, valid until clear ().
  std::span<const std::uint8_t> finish ();
  void clear ();

private:
  std::uint32_t slice_size_;
  std::uint32_t payload_ = 0;
  // The packet that was begun goes on in the next slice.
  bool open_ = false;
  std::vector<std::uint8_t> bytes_;
  std::vector<Packet> packets_;
};

// The table of a slice, after its hash was verified.
Result<std::vector<Packet>> parse_packets (
    std::span<const std::uint8_t> stored, const Record &record);

// Are these the bytes that the record was written for?
Result<relay::Done> verify (
    std::span<const std::uint8_t> stored, const Record &record);

// 32 hex digits: the name of a key's files.
std::string file_name (std::string_view key);

}  // namespace record

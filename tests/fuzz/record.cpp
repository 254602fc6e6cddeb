// SPDX-License-Identifier: LGPL-2.1-or-later
// The files of a cached object: the index as it is and with its checks made
// right, the packet table of a slice, and the facts of a byte stream.
#include "record.h"

#include <algorithm>
#include <cstdlib>

#include "cacheseal.h"

namespace {

// What the store and the element rely on.
void expect (bool holds)
{
  if (!holds) std::abort ();
}

// Each slice at its place, and nothing counted twice or missed.
void check_bytes (const record::Index &index)
{
  std::uint64_t size = index.header.slice_size;
  std::uint64_t present = 0;
  std::uint64_t bytes = 0;
  expect (index.slices.size () <= record::record_limit);
  for (std::size_t slice = 0; slice < index.slices.size (); slice++) {
    std::uint32_t number = index.slices[slice];
    if (number == record::no_record) continue;
    expect (number < index.records.size ());
    const record::Record &record = index.records[number];
    expect (record.type == record::Type::slice && index.counts (record));
    expect (record.position == slice * size && record.payload > 0);
    expect (record.size () == record.payload);
    bool is_last = record.position + record.payload == index.total;
    expect (record.payload == size || is_last);
    expect (record.position + record.payload <= index.total);
    present++;
    bytes += record.payload;
  }
  expect (bytes == index.bytes);
  bool is_known = index.total != record::unknown_size;
  expect (!is_known || index.facts != record::no_record);
  expect (
      index.complete ==
      (is_known && present == index.total / size + (index.total % size != 0)));
  expect (!index.complete || bytes == index.total);
}

// Whoever reads it as it grows finds the same.
void follow (std::span<const std::uint8_t> file, const record::Index &whole)
{
  record::Result<record::Follower> log = record::Follower::begin (file);
  expect (log.ok ());
  while (log->take (file.subspan (log->index_end ()))) {
    std::size_t half = log->index_end () + record::record_size / 2;
    if (half <= file.size ())
      expect (!log->take (file.first (half).subspan (log->index_end ())));
  }
  const record::Index &index = log->index ();
  expect (index.records.size () == whole.records.size ());
  expect (index.complete == whole.complete && index.bytes == whole.bytes);
  expect (log->journal ().end () == index.end);
  expect (log->journal ().index_end () == log->index_end ());
}

void parse_facts (std::span<const std::uint8_t> input)
{
  record::Result<record::Facts> facts = record::parse_facts (input);
  if (!facts) return;
  std::vector<std::uint8_t> back = record::encode (*facts);
  expect (
      std::equal (back.begin (), back.end (), input.begin (), input.end ()));
}

void parse_index (std::span<const std::uint8_t> file)
{
  record::Result<record::Index> index = record::parse_index (file);
  if (!index) return;
  std::uint64_t end = record::data_start;
  for (const record::Record &record : index->records) {
    expect (record.offset == end);
    expect (record.payload <= index->header.slice_size);
    expect (record.payload <= record.size ());
    expect (record.size () <=
            record::slice_limit + record::packet_limit * record::packet_size);
    bool is_frame = record.codec != record::Codec::none;
    expect (is_frame ? record.type == record::Type::slice &&
                           record.stored < record.size ()
                     : record.stored == record.size ());
    end += record.stored;
  }
  expect (end == index->end);
  if (index->header.format == record::Format::bytes) check_bytes (*index);
  follow (file, *index);
}

void parse_packets (std::span<const std::uint8_t> input)
{
  if (input.size () < 4) return;
  record::Record slice;
  slice.payload = static_cast<std::uint32_t> (input[0] | input[1] << 8);
  slice.packets = static_cast<std::uint32_t> (input[2] | input[3] << 8);
  record::Result<std::vector<record::Packet>> packets =
      record::parse_packets (input.subspan (4), slice);
  if (!packets) return;
  std::uint64_t payload = 0;
  for (const record::Packet &packet : *packets) payload += packet.size;
  expect (payload == slice.payload);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput (
    const std::uint8_t *data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput (
    const std::uint8_t *data, std::size_t size)
{
  std::span input (data, size);
  parse_index (input);
  parse_packets (input);
  parse_facts (input);
  std::vector<std::uint8_t> sealed (input.begin (), input.end ());
  test::reseal (sealed);
  parse_index (sealed);
  return 0;
}

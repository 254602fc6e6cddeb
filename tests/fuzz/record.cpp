// SPDX-License-Identifier: LGPL-2.1-or-later
// The files of a cached object: the index as it is and with its checks made
// right, and the packet table of a slice.
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

void parse_index (std::span<const std::uint8_t> file)
{
  record::Result<record::Index> index = record::parse_index (file);
  if (!index) return;
  std::uint64_t end = record::data_start;
  for (const record::Record &record : index->records) {
    expect (record.offset == end);
    expect (record.payload <= index->header.slice_size);
    expect (record.payload <= record.stored);
    expect (record.stored <=
            record::slice_limit + record::packet_limit * record::packet_size);
    end += record.stored;
  }
  expect (end == index->end);
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
  std::vector<std::uint8_t> sealed (input.begin (), input.end ());
  test::reseal (sealed);
  parse_index (sealed);
  return 0;
}

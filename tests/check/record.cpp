// SPDX-License-Identifier: LGPL-2.1-or-later
#include "record.h"

#include <algorithm>
#include <array>
#include <functional>

#include "cacheseal.h"
#include "testutil.h"

namespace {

using record::Error;
using test::Bytes;

record::Header example_header ()
{
  record::Header header;
  header.id = 0x0123456789abcdef;
  header.created = 1700000000;
  header.slice_size = 100;
  header.key = "a key";
  return header;
}

// All in one part.
struct One
{
  explicit One (const Bytes &bytes) : all (bytes) {}
  operator record::Parts () const { return {&all, 1}; }
  std::span<const std::uint8_t> all;
};

void append (Bytes &file, const record::Journal::Entry &entry)
{
  file.insert (file.end (), entry.bytes.begin (), entry.bytes.end ());
}

// An event, a slice of one packet of 3 bytes, COMPLETE.
Bytes example_index ()
{
  Bytes file = *record::encode (example_header ());
  record::Journal journal (file);
  append (file, journal.event (test::hex ("0102")));
  Bytes stored (3 + record::packet_size);
  append (file, journal.slice (One (stored), 3, 1, 40));
  append (file, journal.complete ());
  return file;
}

constexpr std::size_t first = 4096;
constexpr std::size_t second = first + 64;
constexpr std::size_t last = second + 64;

void put32 (Bytes &file, std::size_t at, std::uint32_t value)
{
  for (std::size_t i = 0; i < 4; i++)
    file[at + i] = static_cast<std::uint8_t> (value >> 8 * i);
}

bool is_complete (const Bytes &file)
{
  record::Result<record::Index> index = record::parse_index (file);
  return index.ok () && index->complete;
}

}  // namespace

GST_START_TEST (an_index_comes_back)
{
  record::Result<record::Index> index = record::parse_index (example_index ());
  fail_unless (index.ok ());
  fail_unless (index->complete);
  fail_unless (index->header.id == 0x0123456789abcdef);
  fail_unless (index->header.created == 1700000000);
  fail_unless (index->header.slice_size == 100);
  fail_unless (index->header.key == "a key");
  fail_unless (index->records.size () == 2);
  fail_unless (index->bytes == 3);
  fail_unless (index->end == 4096 + 2 + 3 + 56);
  fail_unless (index->records[0].type == record::Type::event);
  fail_unless (index->records[0].offset == 4096);
  fail_unless (index->records[0].stored == 2);
  fail_unless (index->records[1].type == record::Type::slice);
  fail_unless (index->records[1].offset == 4098);
  fail_unless (index->records[1].position == 0);
  fail_unless (index->records[1].payload == 3);
  fail_unless (index->records[1].pts == 40);
}
GST_END_TEST;

GST_START_TEST (keys_of_any_length_up_to_the_limit)
{
  for (std::size_t size :
      std::array<std::size_t, 5> ({0, 1, 4040, 4041, 65480})) {
    record::Header header = example_header ();
    header.key = std::string (size, 'k');
    Bytes file = *record::encode (header);
    fail_unless (file.size () % 4096 == 0);
    fail_unless (record::parse_header (file)->key == header.key);
  }
  record::Header header = example_header ();
  header.key = std::string (65481, 'k');
  fail_unless (record::encode (header).code () == Error::key_too_long);
  header.key = std::string ("a\0b", 3);
  fail_unless (record::parse_header (*record::encode (header))->key ==
               std::string ("a\0b", 3));
}
GST_END_TEST;

GST_START_TEST (headers_that_are_refused)
{
  struct Row
  {
    const char *what;
    std::function<void (Bytes &)> change;
    bool sealed;
    Error error;
  };
  const std::array<Row, 11> rows{{
      {"empty", [] (Bytes &f) { f.clear (); }, false, Error::truncated},
      {"short", [] (Bytes &f) { f.resize (15); }, false, Error::truncated},
      {"cut", [] (Bytes &f) { f.resize (4095); }, false, Error::truncated},
      {"magic", [] (Bytes &f) { f[0] = 'c'; }, true, Error::bad_magic},
      {"version", [] (Bytes &f) { f[8] = 3; }, true, Error::bad_version},
      {"size 0", [] (Bytes &f) { put32 (f, 12, 0); }, false, Error::bad_size},
      {"size odd", [] (Bytes &f) { put32 (f, 12, 4097); }, false,
          Error::bad_size},
      {"size huge", [] (Bytes &f) { put32 (f, 12, 69632); }, false,
          Error::bad_size},
      {"check", [] (Bytes &f) { f[100] ^= 1; }, false, Error::bad_check},
      {"format", [] (Bytes &f) { f[44] = 3; }, true, Error::bad_version},
      {"key size", [] (Bytes &f) { put32 (f, 48, 4041); }, true,
          Error::bad_size},
  }};
  for (const Row &row : rows) {
    Bytes file = *record::encode (example_header ());
    row.change (file);
    if (row.sealed) test::reseal (file);
    record::Result<record::Header> header = record::parse_header (file);
    fail_if (header.ok (), "%s was taken", row.what);
    fail_unless (header.code () == row.error, "%s: %s", row.what,
        record::to_string (header.code ()));
  }
  for (std::uint32_t size : {std::uint32_t{0}, record::slice_limit + 1}) {
    record::Header header = example_header ();
    header.slice_size = size;
    fail_unless (record::parse_header (*record::encode (header)).code () ==
                 Error::bad_count);
  }
}
GST_END_TEST;

// With checks that are right: what a faulty writer could have written.
GST_START_TEST (records_that_end_a_journal)
{
  struct Row
  {
    const char *what;
    std::size_t at;
    std::uint32_t value;
    std::size_t records;
    Error error;
  };
  const std::array<Row, 22> rows{{
      {"type 0", first + 56, 0, 0, Error::bad_type},
      {"type 4", first + 56, 4, 0, Error::bad_type},
      {"event with a codec", first + 56, 2 | 1 << 8, 0, Error::bad_type},
      {"unknown codec", second + 56, 1 | 2 << 8, 1, Error::bad_type},
      {"frame as long as the slice", second + 56, 1 | 1 << 8, 1,
          Error::bad_count},
      {"flags", first + 56, 2 | 1 << 16, 0, Error::bad_type},
      {"reserved", first + 60, 1, 0, Error::bad_type},
      {"sequence", first + 40, 1, 0, Error::bad_sequence},
      {"offset", first + 8, 4097, 0, Error::bad_place},
      {"position", second + 16, 1, 1, Error::bad_place},
      {"offset into the header", second + 8, 0, 1, Error::bad_place},
      {"event of nothing", first + 44, 0, 0, Error::bad_count},
      {"event too large", first + 44, (16U << 20) + 1, 0, Error::bad_count},
      {"event with payload", first + 48, 1, 0, Error::bad_count},
      {"event with packets", first + 52, 1, 0, Error::bad_count},
      {"slice without packets", second + 52, 0, 1, Error::bad_count},
      {"slice with more packets", second + 52, 2, 1, Error::bad_count},
      {"slice with too many packets", second + 52, 16385, 1, Error::bad_count},
      {"slice too large", second + 48, 101, 1, Error::bad_count},
      {"slice stored short", second + 44, 58, 1, Error::bad_count},
      {"complete with payload", last + 48, 1, 2, Error::bad_count},
      {"complete elsewhere", last + 8, 4096, 2, Error::bad_place},
  }};
  for (const Row &row : rows) {
    Bytes file = example_index ();
    put32 (file, row.at, row.value);
    test::reseal (file);
    record::Result<record::Index> index = record::parse_index (file);
    fail_unless (index.ok (), "%s", row.what);
    fail_if (index->complete, "%s was taken", row.what);
    fail_unless (index->records.size () == row.records, "%s", row.what);
    fail_unless (index->ended == row.error, "%s: %s", row.what,
        record::to_string (index->ended));
  }
}
GST_END_TEST;

namespace {

record::Facts facts_of (
    std::uint64_t total, const char *etag = "", const char *last_modified = "")
{
  record::Facts facts;
  facts.total = total;
  facts.etag = etag;
  facts.last_modified = last_modified;
  return facts;
}

// Slices of 100: the second, facts of 230 in all, the third.
Bytes example_bytes ()
{
  record::Header header = example_header ();
  header.format = record::Format::bytes;
  Bytes file = *record::encode (header);
  record::Journal journal (file);
  append (file, journal.slice_at (One (Bytes (100, 1)), 100));
  append (file, journal.facts (record::encode (facts_of (230)), 230));
  append (file, journal.slice_at (One (Bytes (30, 2)), 200));
  return file;
}

}  // namespace

GST_START_TEST (slices_come_in_any_order)
{
  Bytes file = example_bytes ();
  record::Index index = *record::parse_index (file);
  fail_unless (index.header.format == record::Format::bytes);
  fail_unless (index.records.size () == 3 && !index.complete);
  fail_unless (index.bytes == 130 && index.total == 230);
  fail_unless (index.facts == 1);
  fail_unless (
      index.slices == std::vector<std::uint32_t> ({record::no_record, 0, 2}));
  fail_unless (index.end == record::data_start + 100 + 28 + 30);

  // Goes on behind what there is, and is whole when all are there.
  record::Follower log = *record::Follower::begin (file);
  log.take_all (file);
  record::Journal journal = log.journal ();
  fail_unless (journal.index_end () == file.size ());
  record::Journal::Entry entry = journal.slice_at (One (Bytes (100, 3)), 0);
  fail_unless (log.take (entry.bytes) && log.index ().complete);
  append (file, entry);
  index = *record::parse_index (file);
  fail_unless (index.complete && index.bytes == 230);
  // Written again: the later counts, and nothing is counted twice.
  append (file, journal.slice_at (One (Bytes (100, 4)), 100));
  index = *record::parse_index (file);
  fail_unless (index.complete && index.bytes == 230);
  fail_unless (index.slices == std::vector<std::uint32_t> ({3, 4, 2}));
  fail_if (index.counts (index.records[0]));
  fail_unless (index.counts (index.records[4]));
}
GST_END_TEST;

GST_START_TEST (a_damaged_slice_is_forgotten)
{
  Bytes file = example_bytes ();
  record::Follower log = *record::Follower::begin (file);
  log.take_all (file);
  record::Journal journal = log.journal ();
  fail_unless (log.take (journal.slice_at (One (Bytes (100, 3)), 0).bytes));
  fail_unless (log.index ().complete);
  log.forget (1);
  log.forget (1);
  log.forget (77);
  fail_if (log.index ().complete);
  fail_unless (log.index ().bytes == 130);
  fail_unless (
      log.take (log.journal ().slice_at (One (Bytes (100, 1)), 100).bytes));
  fail_unless (log.index ().complete && log.index ().bytes == 230);
}
GST_END_TEST;

// Half a record is not one yet, and does not spoil what comes.
GST_START_TEST (an_index_is_followed_as_it_grows)
{
  const Bytes file = example_bytes ();
  std::span whole (file);
  for (std::size_t step : std::array<std::size_t, 4> ({1, 7, 64, 100})) {
    record::Follower log = *record::Follower::begin (whole.first (first));
    for (std::size_t size = first; size < file.size () + step; size += step) {
      log.take_all (whole.first (std::min (size, file.size ())));
      fail_unless (
          log.index ().records.size () ==
          (std::min (size, file.size ()) - first) / record::record_size);
    }
  }
  Bytes torn = file;
  torn.at (last + 30) ^= 1;
  record::Follower log = *record::Follower::begin (torn);
  log.take_all (torn);
  fail_unless (log.index ().ended == Error::bad_check);
  fail_unless (log.index_end () == last);
  fail_unless (log.take (whole.subspan (last)));
}
GST_END_TEST;

GST_START_TEST (records_of_bytes_that_end_a_journal)
{
  struct Row
  {
    const char *what;
    std::size_t at;
    std::uint32_t value;
    std::size_t records;
    Error error;
  };
  const std::array<Row, 17> rows{{
      {"event", first + 56, 2, 0, Error::bad_type},
      {"complete", second + 56, 3, 1, Error::bad_type},
      {"sequence", second + 40, 7, 1, Error::bad_sequence},
      {"offset", second + 8, 4097, 1, Error::bad_place},
      {"position between slices", first + 16, 101, 0, Error::bad_place},
      {"position out of all bounds", first + 20, 0x40000000, 0,
          Error::bad_place},
      {"position behind the last", first + 16, 100U << 20, 0, Error::bad_place},
      {"slice behind the total", last + 16, 300, 2, Error::bad_place},
      {"short in the middle", first + 44, 99, 0, Error::bad_count},
      {"payload of another size", first + 48, 99, 0, Error::bad_count},
      {"last as long as others", last + 44, 100, 2, Error::bad_count},
      {"last elsewhere", last + 16, 100, 2, Error::bad_count},
      {"slice with packets", first + 52, 1, 0, Error::bad_count},
      {"facts of nothing", second + 44, 0, 1, Error::bad_count},
      {"facts with payload", second + 48, 1, 1, Error::bad_count},
      {"total less than there is", second + 16, 199, 1, Error::bad_place},
      {"total that is too large", second + 20, 1, 1, Error::bad_place},
  }};
  for (const Row &row : rows) {
    Bytes file = example_bytes ();
    put32 (file, row.at, row.value);
    test::reseal (file);
    record::Result<record::Index> index = record::parse_index (file);
    fail_unless (index.ok (), "%s", row.what);
    fail_unless (index->records.size () == row.records, "%s: %zu", row.what,
        index->records.size ());
    fail_unless (index->ended == row.error, "%s: %s", row.what,
        record::to_string (index->ended));
  }
  // The total does not change, nor is it forgotten.
  for (std::uint64_t total : {std::uint64_t{231}, record::unknown_size}) {
    Bytes file = example_bytes ();
    record::Follower log = *record::Follower::begin (file);
    log.take_all (file);
    fail_if (log.take (log.journal ().facts (Bytes (1), total).bytes));
    fail_unless (log.index ().ended == Error::bad_place);
    fail_unless (log.take (log.journal ().facts (Bytes (1), 230).bytes));
  }
  // And facts are nothing to packets.
  Bytes file = example_index ();
  put32 (file, first + 56, 4);
  test::reseal (file);
  fail_unless (record::parse_index (file)->ended == Error::bad_type);
}
GST_END_TEST;

GST_START_TEST (facts_come_back)
{
  std::array<record::Facts, 3> all{record::Facts{},
      facts_of (1000, "\"a\"", "Tue, 15 Nov 1994 12:45:26 GMT"), facts_of (0)};
  all[1].content = {1, 2, 3};
  all[1].checked = 77;
  all[2].content = Bytes (100000);
  for (const record::Facts &facts : all) {
    Bytes bytes = record::encode (facts);
    auto back = record::parse_facts (bytes);
    fail_unless (back.ok () && *back == facts);
    bytes.push_back (0);
    fail_unless (record::parse_facts (bytes).code () == Error::bad_size);
  }
  Bytes bytes = record::encode (all[1]);
  for (std::size_t size = 0; size < bytes.size (); size++)
    fail_if (record::parse_facts (std::span (bytes).first (size)).ok ());
  put32 (bytes, 16, 0xffffffff);
  fail_if (record::parse_facts (bytes).ok ());
}
GST_END_TEST;

GST_START_TEST (which_resources_are_the_same)
{
  struct Row
  {
    record::Facts one;
    record::Facts other;
    bool same;
  };
  constexpr std::uint64_t none = record::unknown_size;
  const std::array<Row, 16> rows{{
      {facts_of (none), facts_of (none), false},
      {facts_of (100), facts_of (100), true},
      {facts_of (100), facts_of (101), false},
      {facts_of (100), facts_of (none), false},
      {facts_of (none, "a"), facts_of (none, "a"), true},
      {facts_of (none, "a"), facts_of (none, "b"), false},
      {facts_of (100, "a"), facts_of (101, "a"), false},
      {facts_of (100, "a"), facts_of (100, "b"), false},
      {facts_of (100, "a"), facts_of (100), true},
      {facts_of (none, "a", "d"), facts_of (none, "a", "e"), false},
      {facts_of (none, "W/a"), facts_of (none, "W/a"), false},
      {facts_of (100, "W/a"), facts_of (100, "W/a"), true},
      {facts_of (none, "W/a", "d"), facts_of (none, "W/a", "d"), true},
      {facts_of (none, "", "d"), facts_of (none, "", "d"), false},
      {facts_of (100, "", "d"), facts_of (100, "", "d"), true},
      {facts_of (100, "", "d"), facts_of (100, "", "e"), false},
  }};
  for (std::size_t i = 0; i < rows.size (); i++) {
    fail_unless (record::is_same (rows[i].one, rows[i].other) == rows[i].same,
        "row %zu", i);
    fail_unless (record::is_same (rows[i].other, rows[i].one) == rows[i].same,
        "row %zu", i);
  }
}
GST_END_TEST;

GST_START_TEST (no_changed_bit_goes_unseen)
{
  const Bytes file = example_index ();
  for (std::size_t at = 0; at < file.size (); at++) {
    Bytes changed = file;
    changed[at] ^= static_cast<std::uint8_t> (1U << at % 8);
    fail_if (is_complete (changed), "byte %zu", at);
  }
}
GST_END_TEST;

GST_START_TEST (a_cut_index_is_not_complete)
{
  const Bytes file = example_index ();
  fail_unless (is_complete (file));
  for (std::size_t size = 0; size < file.size (); size++)
    fail_if (is_complete (Bytes (file.begin (),
                 file.begin () + static_cast<std::ptrdiff_t> (size))),
        "%zu bytes", size);
  // What is after the end is of no interest.
  Bytes longer = file;
  longer.resize (file.size () + 1000);
  fail_unless (is_complete (longer));
}
GST_END_TEST;

// A record is good only after those that it was written after.
GST_START_TEST (records_cannot_be_left_out_or_swapped)
{
  auto at = [] (Bytes &file, std::size_t place) {
    return file.begin () + static_cast<std::ptrdiff_t> (place);
  };
  Bytes without = example_index ();
  without.erase (at (without, first), at (without, second));
  fail_if (is_complete (without));
  Bytes swapped = example_index ();
  std::swap_ranges (
      at (swapped, first), at (swapped, second), at (swapped, second));
  fail_if (is_complete (swapped));
  // Nor taken from the journal of another object.
  Bytes foreign = example_index ();
  record::Header header = example_header ();
  header.id++;
  Bytes block = *record::encode (header);
  std::copy (block.begin (), block.end (), foreign.begin ());
  fail_if (is_complete (foreign));
}
GST_END_TEST;

GST_START_TEST (a_data_file_is_paired_by_its_preamble)
{
  auto preamble = record::data_preamble (7);
  fail_unless (record::check_preamble (preamble, 7).ok ());
  fail_unless (
      record::check_preamble (preamble, 8).code () == Error::bad_magic);
  fail_unless (
      record::check_preamble (std::span (preamble).first (63), 7).code () ==
      Error::truncated);
}
GST_END_TEST;

GST_START_TEST (packets_come_back_from_slices)
{
  struct Input
  {
    record::Packet packet;
    std::size_t size;
  };
  const std::vector<Input> inputs{{{1, 2, 3, 4, 5, 0xfffffff0, 0}, 3}, {{}, 0},
      {{7}, 10}, {{8}, 25}, {{9}, 0}, {{10}, 1}};
  record::SliceBuilder builder (10);
  Bytes sent;
  Bytes got;
  std::vector<record::Packet> packets;
  std::vector<std::uint64_t> times;
  auto take = [&] {
    times.push_back (builder.pts ());
    record::Record slice;
    slice.payload = builder.payload ();
    slice.packets = builder.packets ();
    Bytes stored;
    for (std::span<const std::uint8_t> part : builder.finish ())
      stored.insert (stored.end (), part.begin (), part.end ());
    auto table = record::parse_packets (stored, slice);
    fail_unless (table.ok ());
    fail_unless (slice.payload <= 10);
    got.insert (got.end (), stored.begin (), stored.begin () + slice.payload);
    packets.insert (packets.end (), table->begin (), table->end ());
    builder.clear ();
  };
  for (const Input &input : inputs) {
    Bytes bytes (input.size);
    for (std::uint8_t &byte : bytes)
      byte = static_cast<std::uint8_t> (&byte - bytes.data () + 1);
    sent.insert (sent.end (), bytes.begin (), bytes.end ());
    std::span<const std::uint8_t> rest (bytes);
    while (!builder.add (input.packet, rest)) take ();
    fail_unless (rest.empty ());
  }
  take ();
  fail_unless (sent == got);
  // 3 + 0 + 7, 3 + 7, 10, 8 + 0 + 1.
  const std::vector<record::Packet> expected{
      {1, 2, 3, 4, 5, 0xfffffff0, 3, true, true},
      {.size = 0, .begins = true, .ends = true},
      {.pts = 7, .size = 7, .begins = true, .ends = false},
      {.pts = 7, .size = 3, .begins = false, .ends = true},
      {.pts = 8, .size = 7, .begins = true, .ends = false},
      {.pts = 8, .size = 10, .begins = false, .ends = false},
      {.pts = 8, .size = 8, .begins = false, .ends = true},
      {.pts = 9, .size = 0, .begins = true, .ends = true},
      {.pts = 10, .size = 1, .begins = true, .ends = true}};
  fail_unless (packets == expected);
  fail_unless (times == std::vector<std::uint64_t> ({1, 7, 8, 8}));
}
GST_END_TEST;

// What is large and has an owner is referred to for as long as it is needed;
// the rest is copied together.
GST_START_TEST (a_slice_refers_to_what_is_large)
{
  record::SliceBuilder builder (10000);
  auto owner = std::make_shared<const Bytes> (3000, 1);
  std::weak_ptr<const Bytes> watch = owner;
  const std::uint8_t *place = owner->data ();
  auto add = [&] (std::size_t size, std::shared_ptr<const void> whose) {
    std::span<const std::uint8_t> bytes (place, size);
    fail_unless (builder.add ({}, bytes, whose) && bytes.empty ());
  };
  add (record::copy_limit, owner);
  add (2000, owner);
  add (record::copy_limit - 1, owner);
  add (10, owner);
  add (0, owner);
  add (2000, nullptr);
  add (2500, std::move (owner));
  record::Parts parts = builder.finish ();
  fail_unless (parts.size () == 5);
  fail_unless (parts[0].data () == place && parts[0].size () == 1024);
  fail_unless (parts[1].data () == place && parts[1].size () == 2000);
  fail_unless (parts[2].data () != place && parts[2].size () == 1033 + 2000);
  fail_unless (parts[3].data () == place && parts[3].size () == 2500);
  fail_unless (parts[4].size () == 7 * record::packet_size);
  fail_if (watch.expired ());
  builder.clear ();
  fail_unless (watch.expired ());
  fail_unless (builder.empty ());
}
GST_END_TEST;

GST_START_TEST (the_hash_is_that_of_all_parts)
{
  const Bytes file = *record::encode (example_header ());
  Bytes all (5000);
  for (std::size_t i = 0; i < all.size (); i++)
    all[i] = static_cast<std::uint8_t> (i * 7);
  std::span<const std::uint8_t> whole (all);
  for (std::size_t cut : std::array<std::size_t, 5> ({0, 1, 63, 1024, 4999})) {
    const std::array<std::span<const std::uint8_t>, 3> parts{
        whole.first (cut), {}, whole.subspan (cut)};
    record::Journal journal (file);
    record::Record slice = journal.slice_at (parts, 0).record;
    fail_unless (slice.stored == 5000 && slice.payload == 5000);
    fail_unless (record::verify (all, slice).ok (), "cut at %zu", cut);
  }
}
GST_END_TEST;

GST_START_TEST (a_slice_has_a_limit_of_packets)
{
  record::SliceBuilder builder (10);
  std::span<const std::uint8_t> nothing;
  for (std::uint32_t i = 0; i < record::packet_limit; i++)
    fail_unless (builder.add ({}, nothing));
  fail_if (builder.add ({}, nothing));
  builder.clear ();
  fail_unless (builder.add ({}, nothing));
}
GST_END_TEST;

GST_START_TEST (tables_that_are_refused)
{
  struct Row
  {
    const char *what;
    std::size_t at;
    std::uint32_t value;
    Error error;
  };
  // Two packets of 2 and 3 bytes: the table begins at 5.
  const std::array<Row, 7> rows{{
      {"larger", 5 + 44, 3, Error::bad_place},
      {"huge", 5 + 44, 0xffffffff, Error::bad_place},
      {"smaller", 5 + 56 + 44, 2, Error::bad_place},
      {"unknown part", 5 + 48, 7, Error::bad_type},
      {"reserved", 5 + 52, 1, Error::bad_type},
      {"goes on in the middle", 5 + 48, 1, Error::bad_sequence},
      {"went on in the middle", 5 + 56 + 48, 2, Error::bad_sequence},
  }};
  Bytes good (5 + 2 * 56);
  put32 (good, 5 + 44, 2);
  put32 (good, 5 + 48, 3);
  put32 (good, 5 + 56 + 44, 3);
  put32 (good, 5 + 56 + 48, 3);
  record::Record slice;
  slice.payload = 5;
  slice.packets = 2;
  fail_unless (record::parse_packets (good, slice).ok ());
  for (const Row &row : rows) {
    Bytes bytes = good;
    put32 (bytes, row.at, row.value);
    auto packets = record::parse_packets (bytes, slice);
    fail_if (packets.ok (), "%s was taken", row.what);
    fail_unless (packets.code () == row.error, "%s: %s", row.what,
        record::to_string (packets.code ()));
  }
  Bytes cut (good.begin (), good.end () - 1);
  fail_unless (record::parse_packets (cut, slice).code () == Error::bad_count);
  slice.packets = 0xffffffff;
  fail_unless (record::parse_packets (good, slice).code () == Error::bad_count);
  slice.type = record::Type::event;
  fail_unless (record::parse_packets (good, slice).code () == Error::bad_type);
}
GST_END_TEST;

GST_START_TEST (stored_bytes_are_verified)
{
  Bytes file = *record::encode (example_header ());
  record::Journal journal (file);
  Bytes bytes = test::hex ("010203");
  record::Record event = journal.event (bytes).record;
  fail_unless (record::verify (bytes, event).ok ());
  bytes[1] ^= 1;
  fail_unless (record::verify (bytes, event).code () == Error::bad_hash);
  bytes.pop_back ();
  fail_unless (record::verify (bytes, event).code () == Error::bad_size);
}
GST_END_TEST;

GST_START_TEST (names_tell_keys_apart)
{
  // XXH3-128 of nothing, from the vectors of xxHash.
  fail_unless (record::file_name ("") == "99aa06d3014798d86001c324468d497f");
  fail_if (record::file_name ("a") == record::file_name ("b"));
}
GST_END_TEST;

static Suite *record_suite ()
{
  Suite *suite = suite_create ("record");
  TCase *tests = tcase_create ("all");
  suite_add_tcase (suite, tests);
  tcase_add_test (tests, an_index_comes_back);
  tcase_add_test (tests, keys_of_any_length_up_to_the_limit);
  tcase_add_test (tests, headers_that_are_refused);
  tcase_add_test (tests, records_that_end_a_journal);
  tcase_add_test (tests, slices_come_in_any_order);
  tcase_add_test (tests, a_damaged_slice_is_forgotten);
  tcase_add_test (tests, an_index_is_followed_as_it_grows);
  tcase_add_test (tests, records_of_bytes_that_end_a_journal);
  tcase_add_test (tests, facts_come_back);
  tcase_add_test (tests, which_resources_are_the_same);
  tcase_add_test (tests, no_changed_bit_goes_unseen);
  tcase_add_test (tests, a_cut_index_is_not_complete);
  tcase_add_test (tests, records_cannot_be_left_out_or_swapped);
  tcase_add_test (tests, a_data_file_is_paired_by_its_preamble);
  tcase_add_test (tests, packets_come_back_from_slices);
  tcase_add_test (tests, a_slice_refers_to_what_is_large);
  tcase_add_test (tests, the_hash_is_that_of_all_parts);
  tcase_add_test (tests, a_slice_has_a_limit_of_packets);
  tcase_add_test (tests, tables_that_are_refused);
  tcase_add_test (tests, stored_bytes_are_verified);
  tcase_add_test (tests, names_tell_keys_apart);
  return suite;
}

GST_CHECK_MAIN (record)

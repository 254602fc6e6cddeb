// SPDX-License-Identifier: LGPL-2.1-or-later
#include "record.h"

#include <algorithm>
#include <cstring>

#include "hash.h"

// Headers only: nothing to link, and the hash is inlined.
#define XXH_INLINE_ALL
#include <xxhash.h>

namespace record {
namespace {

constexpr std::string_view index_magic = "CACHETEE";
constexpr std::string_view data_magic = "CACHEDAT";
// The header block: magic, version, size, check, and what the check covers.
constexpr std::size_t header_checked = 24;
constexpr std::size_t header_key = 56;
constexpr std::size_t facts_head = 28;

constexpr std::uint32_t packet_begins = 1;
constexpr std::uint32_t packet_ends = 2;

// Writes numbers one after the other into a block that has room for them.
class Out
{
public:
  explicit Out (std::span<std::uint8_t> block) : block_ (block) {}

  template <class T>
  void put (T value)
  {
    for (std::size_t i = 0; i < sizeof (T); i++)
      block_[at_++] = static_cast<std::uint8_t> (value >> 8 * i);
  }
  void put (std::string_view text)
  {
    std::copy (text.begin (), text.end (), block_.begin () + offset ());
    at_ += text.size ();
  }

private:
  [[nodiscard]] std::ptrdiff_t offset () const
  {
    return static_cast<std::ptrdiff_t> (at_);
  }

  std::span<std::uint8_t> block_;
  std::size_t at_ = 0;
};

// Reads numbers one after the other; past the end there are zeros.
class In
{
public:
  explicit In (std::span<const std::uint8_t> block) : block_ (block) {}

  template <class T>
  T get ()
  {
    T value = 0;
    for (std::size_t i = 0; i < sizeof (T); i++, at_++)
      if (at_ < block_.size ())
        value = static_cast<T> (value | static_cast<T> (block_[at_]) << 8 * i);
    return value;
  }
  bool match (std::string_view text)
  {
    if (block_.size () - at_ < text.size ()) return false;
    bool same = std::memcmp (&block_[at_], text.data (), text.size ()) == 0;
    at_ += text.size ();
    return same;
  }

private:
  std::span<const std::uint8_t> block_;
  std::size_t at_ = 0;
};

std::uint32_t size_of (Parts parts)
{
  std::size_t size = 0;
  for (std::span<const std::uint8_t> part : parts) size += part.size ();
  return static_cast<std::uint32_t> (size);
}

// The first check of the chain.
std::uint64_t check_of_header (std::span<const std::uint8_t> block)
{
  auto seed = In (block.subspan (8)).get<std::uint32_t> ();
  return hash::of (block.subspan (header_checked), seed);
}

bool is_of_us (std::uint32_t file_version)
{
  return file_version >= oldest_version && file_version <= version;
}

struct Sealed
{
  std::uint64_t check = 0;
  Record record;
  std::uint16_t flags = 0;
  std::uint32_t reserved = 0;
};

Sealed read_record (std::span<const std::uint8_t> block)
{
  In in (block);
  Sealed sealed;
  Record &record = sealed.record;
  sealed.check = in.get<std::uint64_t> ();
  record.offset = in.get<std::uint64_t> ();
  record.position = in.get<std::uint64_t> ();
  record.hash = in.get<std::uint64_t> ();
  record.pts = in.get<std::uint64_t> ();
  record.sequence = in.get<std::uint32_t> ();
  record.stored = in.get<std::uint32_t> ();
  record.payload = in.get<std::uint32_t> ();
  record.packets = in.get<std::uint32_t> ();
  record.type = static_cast<Type> (in.get<std::uint8_t> ());
  record.codec = static_cast<Codec> (in.get<std::uint8_t> ());
  sealed.flags = in.get<std::uint16_t> ();
  sealed.reserved = in.get<std::uint32_t> ();
  return sealed;
}

// The bytes of a slice of the form BYTES, if it can be there at all.
std::uint64_t size_of_slice (const Index &index, std::uint64_t position)
{
  std::uint64_t size = index.header.slice_size;
  if (position % size != 0 || position / size >= record_limit) return 0;
  if (index.total == unknown_size) return size;
  return position < index.total ? std::min (size, index.total - position) : 0;
}

// Do the slices that are there go with this total?
bool is_total_good (const Index &index, std::uint64_t total)
{
  if (index.total != unknown_size) return total == index.total;
  if (total == unknown_size) return true;
  std::uint64_t size = index.header.slice_size;
  return total / size < record_limit && index.slices.size () * size <= total;
}

bool place_is_good (const Index &index, const Record &record)
{
  if (record.offset != index.end) return false;
  if (index.header.format == Format::packets)
    return record.position == index.bytes;
  if (record.type == Type::facts) return is_total_good (index, record.position);
  return size_of_slice (index, record.position) != 0;
}

bool belongs_to (Type type, Format format)
{
  switch (type) {
    case Type::slice:
      return true;
    case Type::event:
    case Type::complete:
      return format == Format::packets;
    case Type::facts:
      return format == Format::bytes;
  }
  return false;
}

// As it is, or a frame that is worth it.
bool is_stored_well (const Record &record)
{
  if (record.codec == Codec::none) return record.stored == record.size ();
  return record.stored > 0 && record.stored < record.size ();
}

bool counts_are_good (const Index &index, const Record &record)
{
  std::uint32_t slice_size = index.header.slice_size;
  switch (record.type) {
    case Type::slice:
      if (index.header.format == Format::bytes)
        return record.packets == 0 &&
               record.payload == size_of_slice (index, record.position) &&
               is_stored_well (record);
      return record.packets > 0 && record.packets <= packet_limit &&
             record.payload <= slice_size && is_stored_well (record);
    case Type::event:
    case Type::facts:
      return record.packets == 0 && record.payload == 0 && record.stored > 0 &&
             record.stored <= event_limit;
    case Type::complete:
      return record.packets == 0 && record.payload == 0 && record.stored == 0;
  }
  return false;
}

// Is this the record that comes next?
Result<Record> parse_next (std::span<const std::uint8_t> block,
    const Index &index, std::uint64_t chain)
{
  Sealed sealed = read_record (block);
  const Record &record = sealed.record;
  if (sealed.check != hash::of (block.subspan (sizeof (sealed.check)), chain))
    return relay::failure (Error::bad_check);
  if (!belongs_to (record.type, index.header.format))
    return relay::failure (Error::bad_type);
  // What this version does not write it does not know how to read.
  bool is_known = record.codec == Codec::none ||
                  (record.codec == Codec::zstd && record.type == Type::slice);
  if (!is_known || sealed.flags != 0 || sealed.reserved != 0)
    return relay::failure (Error::bad_type);
  if (record.sequence != index.records.size ())
    return relay::failure (Error::bad_sequence);
  if (!place_is_good (index, record)) return relay::failure (Error::bad_place);
  if (!counts_are_good (index, record))
    return relay::failure (Error::bad_count);
  return record;
}

}  // namespace

const char *to_string (Error error)
{
  switch (error) {
    case Error::truncated:
      return "truncated";
    case Error::bad_magic:
      return "bad magic";
    case Error::bad_version:
      return "bad version";
    case Error::bad_size:
      return "bad size";
    case Error::bad_check:
      return "bad check";
    case Error::bad_type:
      return "bad type";
    case Error::bad_sequence:
      return "bad sequence";
    case Error::bad_place:
      return "bad place";
    case Error::bad_count:
      return "bad count";
    case Error::bad_hash:
      return "bad hash";
    case Error::key_too_long:
      return "key too long";
  }
  return "unknown";
}

Result<std::vector<std::uint8_t>> encode (const Header &header)
{
  if (header.key.size () > header_limit - header_key)
    return relay::failure (Error::key_too_long);
  std::size_t needed = header_key + header.key.size ();
  std::size_t size = (needed + header_unit - 1) / header_unit * header_unit;
  std::vector<std::uint8_t> block (size);

  Out body{std::span (block).subspan (header_checked)};
  body.put (header.id);
  body.put (header.created);
  body.put (header.slice_size);
  body.put (static_cast<std::uint32_t> (header.format));
  body.put (static_cast<std::uint32_t> (header.key.size ()));
  body.put (std::uint32_t{0});
  body.put (std::string_view (header.key));

  Out head (block);
  head.put (index_magic);
  head.put (header.file_version);
  head.put (static_cast<std::uint32_t> (size));
  head.put (check_of_header (block));
  return block;
}

Result<std::size_t> header_size (std::span<const std::uint8_t> file)
{
  if (file.size () < 16) return relay::failure (Error::truncated, file.size ());
  In in (file);
  if (!in.match (index_magic)) return relay::failure (Error::bad_magic);
  if (!is_of_us (in.get<std::uint32_t> ()))
    return relay::failure (Error::bad_version, 8);
  auto size = in.get<std::uint32_t> ();
  if (size == 0 || size % header_unit != 0 || size > header_limit)
    return relay::failure (Error::bad_size, 12);
  return std::size_t{size};
}

Result<Header> parse_header (std::span<const std::uint8_t> file)
{
  Result<std::size_t> size = header_size (file);
  if (!size) return size.error ();
  if (file.size () < *size)
    return relay::failure (Error::truncated, file.size ());
  std::span block = file.first (*size);
  In in (block.subspan (16));
  if (in.get<std::uint64_t> () != check_of_header (block))
    return relay::failure (Error::bad_check, 16);

  Header header;
  header.file_version = In (block.subspan (8)).get<std::uint32_t> ();
  header.id = in.get<std::uint64_t> ();
  header.created = in.get<std::uint64_t> ();
  header.slice_size = in.get<std::uint32_t> ();
  auto format = in.get<std::uint32_t> ();
  auto key_size = in.get<std::uint32_t> ();
  if (header.slice_size == 0 || header.slice_size > slice_limit)
    return relay::failure (Error::bad_count, 40);
  header.format = static_cast<Format> (format);
  if (format > 0xff ||
      (header.format != Format::packets && header.format != Format::bytes))
    return relay::failure (Error::bad_version, 44);
  if (key_size > block.size () - header_key)
    return relay::failure (Error::bad_size, 48);
  std::span key = block.subspan (header_key, key_size);
  header.key.assign (key.begin (), key.end ());
  return header;
}

std::array<std::uint8_t, record_size> data_preamble (std::uint64_t id)
{
  std::array<std::uint8_t, record_size> block{};
  Out out (block);
  out.put (data_magic);
  out.put (version);
  out.put (std::uint32_t{0});
  out.put (id);
  return block;
}

Result<std::uint64_t> parse_preamble (std::span<const std::uint8_t> file)
{
  if (file.size () < record_size)
    return relay::failure (Error::truncated, file.size ());
  std::uint64_t id = In (file.subspan (16)).get<std::uint64_t> ();
  std::array<std::uint8_t, record_size> expected = data_preamble (id);
  auto file_version = In (file.subspan (8)).get<std::uint32_t> ();
  if (is_of_us (file_version))
    Out (std::span (expected).subspan (8)).put (file_version);
  if (!std::equal (expected.begin (), expected.end (), file.begin ()))
    return relay::failure (Error::bad_magic);
  return id;
}

Result<relay::Done> check_preamble (
    std::span<const std::uint8_t> file, std::uint64_t id)
{
  Result<std::uint64_t> found = parse_preamble (file);
  if (!found) return found.error ();
  if (*found != id) return relay::failure (Error::bad_magic);
  return relay::Done{};
}

bool Index::counts (const Record &record) const
{
  if (header.format == Format::packets) return true;
  if (record.type == Type::facts) return record.sequence == facts;
  std::uint64_t slice = record.position / header.slice_size;
  return slice < slices.size () && slices[slice] == record.sequence;
}

std::uint32_t Record::size () const
{
  if (type != Type::slice) return stored;
  return payload + packets * std::uint32_t{packet_size};
}

Journal::Journal (std::span<const std::uint8_t> header_block)
    : chain_ (check_of_header (header_block)), index_end_ (header_block.size ())
{
}

Journal::Entry Journal::seal (Record record)
{
  Entry entry{record, {}};
  Out out (entry.bytes);
  out.put (std::uint64_t{0});
  out.put (record.offset);
  out.put (record.position);
  out.put (record.hash);
  out.put (record.pts);
  out.put (record.sequence);
  out.put (record.stored);
  out.put (record.payload);
  out.put (record.packets);
  out.put (static_cast<std::uint8_t> (record.type));
  out.put (static_cast<std::uint8_t> (record.codec));
  chain_ = hash::of (
      std::span (entry.bytes).subspan (sizeof (std::uint64_t)), chain_);
  Out (entry.bytes).put (chain_);

  next_.sequence++;
  next_.offset += record.stored;
  next_.position += record.payload;
  index_end_ += record_size;
  return entry;
}

Journal::Entry Journal::slice (Parts bytes, std::uint32_t payload,
    std::uint32_t packets, std::uint64_t pts,
    std::optional<std::uint32_t> frame)
{
  Record record = next_;
  record.type = Type::slice;
  record.codec = frame ? Codec::zstd : Codec::none;
  record.stored = frame.value_or (size_of (bytes));
  record.payload = payload;
  record.packets = packets;
  record.hash = hash::of (bytes);
  record.pts = pts;
  return seal (record);
}

Journal::Entry Journal::event (std::span<const std::uint8_t> stored)
{
  Record record = next_;
  record.type = Type::event;
  record.stored = static_cast<std::uint32_t> (stored.size ());
  record.hash = hash::of (stored);
  return seal (record);
}

Journal::Entry Journal::complete ()
{
  Record record = next_;
  record.type = Type::complete;
  return seal (record);
}

Journal::Entry Journal::slice_at (Parts bytes, std::uint64_t position,
    std::optional<std::uint32_t> frame, std::optional<std::uint64_t> hash)
{
  Record record = next_;
  record.type = Type::slice;
  record.codec = frame ? Codec::zstd : Codec::none;
  record.payload = size_of (bytes);
  record.stored = frame.value_or (record.payload);
  record.position = position;
  record.hash = hash ? *hash : hash::of (bytes);
  return seal (record);
}

Journal::Entry Journal::facts (
    std::span<const std::uint8_t> stored, std::uint64_t total)
{
  Record record = next_;
  record.type = Type::facts;
  record.stored = static_cast<std::uint32_t> (stored.size ());
  record.position = total;
  record.hash = hash::of (stored);
  return seal (record);
}

Result<Follower> Follower::begin (std::span<const std::uint8_t> file)
{
  Result<Header> header = parse_header (file);
  if (!header) return header.error ();
  if (header->file_version != version)
    return relay::failure (Error::bad_version, 8);
  Follower follower;
  follower.index_.header = *std::move (header);
  follower.index_end_ = *header_size (file);
  follower.chain_ = check_of_header (file.first (follower.index_end_));
  return follower;
}

bool Follower::take (std::span<const std::uint8_t> block)
{
  if (index_.complete && index_.header.format == Format::packets) return false;
  if (block.size () < record_size) {
    index_.ended = Error::truncated;
    return false;
  }
  block = block.first (record_size);
  Result<Record> record = parse_next (block, index_, chain_);
  if (record && index_.records.size () + 1 >= record_limit &&
      record->type != Type::complete)
    record = relay::failure (Error::bad_count);
  if (!record) {
    index_.ended = record.code ();
    return false;
  }
  index_.ended = Error::truncated;
  if (record->type == Type::complete) {
    index_.complete = true;
    return true;
  }
  chain_ = In (block).get<std::uint64_t> ();
  index_end_ += record_size;
  index_.end += record->stored;
  auto number = static_cast<std::uint32_t> (index_.records.size ());
  index_.records.push_back (*record);
  if (index_.header.format == Format::packets) {
    index_.bytes += record->payload;
    return true;
  }

  std::uint64_t size = index_.header.slice_size;
  if (record->type == Type::facts) {
    index_.facts = number;
    index_.total = record->position;
  } else {
    std::size_t slice = record->position / size;
    if (slice >= index_.slices.size ())
      index_.slices.resize (slice + 1, no_record);
    if (index_.slices[slice] == no_record) {
      present_++;
      index_.bytes += record->payload;
    }
    index_.slices[slice] = number;
  }
  index_.complete = index_.total != unknown_size &&
                    present_ == (index_.total + size - 1) / size;
  return true;
}

void Follower::take_all (std::span<const std::uint8_t> file)
{
  while (take (file.subspan (index_end_))) {
  }
}

void Follower::forget (std::uint32_t slice)
{
  if (slice >= index_.slices.size () || index_.slices[slice] == no_record)
    return;
  index_.bytes -= index_.records[index_.slices[slice]].payload;
  index_.slices[slice] = no_record;
  index_.complete = false;
  present_--;
}

Journal Follower::journal () const
{
  Journal journal;
  journal.chain_ = chain_;
  journal.index_end_ = index_end_;
  journal.next_.sequence = static_cast<std::uint32_t> (index_.records.size ());
  journal.next_.offset = index_.end;
  journal.next_.position = index_.bytes;
  return journal;
}

Result<Index> parse_index (std::span<const std::uint8_t> file)
{
  Result<Follower> follower = Follower::begin (file);
  if (!follower) return follower.error ();
  follower->take_all (file);
  return std::move (*follower).release ();
}

std::vector<std::uint8_t> encode (const Facts &facts)
{
  std::vector<std::uint8_t> block (facts_head + facts.etag.size () +
                                   facts.last_modified.size () +
                                   facts.content.size ());
  Out out (block);
  out.put (facts.total);
  out.put (facts.checked);
  out.put (static_cast<std::uint32_t> (facts.etag.size ()));
  out.put (static_cast<std::uint32_t> (facts.last_modified.size ()));
  out.put (static_cast<std::uint32_t> (facts.content.size ()));
  out.put (std::string_view (facts.etag));
  out.put (std::string_view (facts.last_modified));
  std::copy (facts.content.rbegin (), facts.content.rend (), block.rbegin ());
  return block;
}

Result<Facts> parse_facts (std::span<const std::uint8_t> stored)
{
  if (stored.size () < facts_head)
    return relay::failure (Error::truncated, stored.size ());
  Facts facts;
  In in (stored);
  facts.total = in.get<std::uint64_t> ();
  facts.checked = in.get<std::uint64_t> ();
  auto etag = in.get<std::uint32_t> ();
  auto last_modified = in.get<std::uint32_t> ();
  auto content = in.get<std::uint32_t> ();
  stored = stored.subspan (facts_head);
  if (stored.size () != std::size_t{etag} + last_modified + content)
    return relay::failure (Error::bad_size, 16);
  auto take = [&stored] (std::size_t size) {
    std::span part = stored.first (size);
    stored = stored.subspan (size);
    return part;
  };
  std::span text = take (etag);
  facts.etag.assign (text.begin (), text.end ());
  text = take (last_modified);
  facts.last_modified.assign (text.begin (), text.end ());
  facts.content.assign (stored.begin (), stored.end ());
  return facts;
}

bool is_same (const Facts &one, const Facts &other)
{
  bool totals_known = one.total != unknown_size && other.total != unknown_size;
  if (totals_known && one.total != other.total) return false;
  bool dates_known =
      !one.last_modified.empty () && !other.last_modified.empty ();
  if (dates_known && one.last_modified != other.last_modified) return false;
  if (!one.etag.empty () && !other.etag.empty ()) {
    if (one.etag != other.etag) return false;
    return !one.etag.starts_with ("W/") || dates_known || totals_known;
  }
  return totals_known;
}

void Facts::add (const Facts &other)
{
  if (etag.empty ()) etag = other.etag;
  if (last_modified.empty ()) last_modified = other.last_modified;
  if (content.empty ()) content = other.content;
}

bool differs (const Facts &one, const Facts &other)
{
  auto are_two = [] (const std::string &a, const std::string &b) {
    return !a.empty () && !b.empty () && a != b;
  };
  return (one.total != unknown_size && other.total != unknown_size &&
             one.total != other.total) ||
         are_two (one.last_modified, other.last_modified) ||
         are_two (one.etag, other.etag);
}

SliceBuilder::SliceBuilder (std::uint32_t slice_size)
    : slice_size_ (std::clamp (slice_size, std::uint32_t{1}, slice_limit))
{
}

bool SliceBuilder::add (Packet packet, std::span<const std::uint8_t> &bytes,
    const std::shared_ptr<const void> &owner)
{
  if (packets_.size () >= packet_limit) return false;
  std::size_t size =
      std::min<std::size_t> (bytes.size (), slice_size_ - payload_);
  // No empty part of a packet that has bytes.
  if (size == 0 && !bytes.empty ()) return false;
  packet.size = static_cast<std::uint32_t> (size);
  packet.begins = !open_;
  packet.ends = size == bytes.size ();
  if (owner == nullptr || size < copy_limit) {
    copy (bytes.first (size));
  } else {
    parts_.push_back (bytes.first (size));
    if (owners_.empty () || owners_.back () != owner) owners_.push_back (owner);
  }
  bytes = bytes.subspan (size);
  payload_ += packet.size;
  packets_.push_back (packet);
  open_ = !packet.ends;
  return packet.ends;
}

void SliceBuilder::copy (std::span<const std::uint8_t> bytes)
{
  if (bytes.empty ()) return;
  // All that may come: no part of it moves.
  copies_.reserve (slice_size_);
  const std::uint8_t *end = copies_.data () + copies_.size ();
  copies_.insert (copies_.end (), bytes.begin (), bytes.end ());
  std::span<const std::uint8_t> copied (end, bytes.size ());
  if (!parts_.empty () &&
      parts_.back ().data () + parts_.back ().size () == end)
    parts_.back () = {
        parts_.back ().data (), parts_.back ().size () + copied.size ()};
  else
    parts_.push_back (copied);
}

std::uint64_t SliceBuilder::pts () const
{
  for (const Packet &packet : packets_)
    if (packet.pts != no_time) return packet.pts;
  return no_time;
}

Parts SliceBuilder::finish ()
{
  table_.resize (packets_.size () * packet_size);
  Out out (table_);
  for (const Packet &packet : packets_) {
    out.put (packet.pts);
    out.put (packet.dts);
    out.put (packet.duration);
    out.put (packet.offset);
    out.put (packet.offset_end);
    out.put (packet.flags);
    out.put (packet.size);
    out.put (
        (packet.begins ? packet_begins : 0) | (packet.ends ? packet_ends : 0));
    out.put (std::uint32_t{0});
  }
  parts_.emplace_back (table_);
  return parts_;
}

void SliceBuilder::clear ()
{
  parts_.clear ();
  owners_.clear ();
  copies_.clear ();
  packets_.clear ();
  payload_ = 0;
}

Result<std::vector<Packet>> parse_packets (
    std::span<const std::uint8_t> bytes, const Record &record)
{
  if (record.type != Type::slice) return relay::failure (Error::bad_type);
  if (record.packets > packet_limit || bytes.size () < record.payload ||
      bytes.size () - record.payload != record.packets * packet_size)
    return relay::failure (Error::bad_count);

  std::vector<Packet> packets;
  packets.reserve (record.packets);
  std::uint64_t payload = 0;
  In in (bytes.subspan (record.payload));
  for (std::uint32_t i = 0; i < record.packets; i++) {
    Packet packet;
    packet.pts = in.get<std::uint64_t> ();
    packet.dts = in.get<std::uint64_t> ();
    packet.duration = in.get<std::uint64_t> ();
    packet.offset = in.get<std::uint64_t> ();
    packet.offset_end = in.get<std::uint64_t> ();
    packet.flags = in.get<std::uint32_t> ();
    packet.size = in.get<std::uint32_t> ();
    auto parts = in.get<std::uint32_t> ();
    auto reserved = in.get<std::uint32_t> ();
    packet.begins = (parts & packet_begins) != 0;
    packet.ends = (parts & packet_ends) != 0;
    payload += packet.size;
    std::size_t at = record.payload + i * packet_size;
    if (parts > (packet_begins | packet_ends) || reserved != 0)
      return relay::failure (Error::bad_type, at);
    // Only the first goes on from, and only the last into, another slice.
    if ((!packet.begins && i > 0) || (!packet.ends && i + 1 < record.packets))
      return relay::failure (Error::bad_sequence, at);
    if (payload > record.payload) return relay::failure (Error::bad_place, at);
    packets.push_back (packet);
  }
  if (payload != record.payload)
    return relay::failure (Error::bad_place, bytes.size ());
  return packets;
}

Result<relay::Done> verify (
    std::span<const std::uint8_t> bytes, const Record &record)
{
  if (bytes.size () != record.size ()) return relay::failure (Error::bad_size);
  if (hash::of (bytes) != record.hash) return relay::failure (Error::bad_hash);
  return relay::Done{};
}

std::string file_name (std::string_view key)
{
  XXH128_canonical_t canonical;
  XXH128_canonicalFromHash (
      &canonical, XXH3_128bits (key.data (), key.size ()));
  std::string name;
  for (std::uint8_t byte : canonical.digest) {
    name += "0123456789abcdef"[byte >> 4];
    name += "0123456789abcdef"[byte & 15];
  }
  return name;
}

}  // namespace record

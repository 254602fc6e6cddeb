// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gstcacheitem.h"

#include <array>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>

namespace cacheitem {

using relay::MappedBuffer;
using relay::Owned;

namespace {

struct Kept
{
  GstEventType type;
  std::string_view name;
};
constexpr std::array<Kept, 6> kept_events{{
    {GST_EVENT_STREAM_START, "stream-start"},
    {GST_EVENT_CAPS, "caps"},
    {GST_EVENT_SEGMENT, "segment"},
    {GST_EVENT_TAG, "tag"},
    {GST_EVENT_PROTECTION, "protection"},
    {GST_EVENT_GAP, "gap"},
}};

constexpr std::string_view metas_name = "metas\n";

// The lowest bits are the mini object's own; TAG_MEMORY is a pool's.
constexpr guint32 kept_flags =
    ~static_cast<guint32> (GST_MINI_OBJECT_FLAG_LAST - 1) &
    ~static_cast<guint32> (GST_BUFFER_FLAG_TAG_MEMORY);

std::string text_of (GstEvent *event)
{
  Owned<GstStructure> structure{
      gst_structure_copy (gst_event_get_structure (event))};
  // An object of this run.
  if (GST_EVENT_TYPE (event) == GST_EVENT_STREAM_START)
    gst_structure_remove_field (structure.get (), "stream");
  Owned<gchar> text{gst_structure_to_string (structure.get ())};
  return text.get ();
}

// A list's text does not say its scope, the event's name does.
Owned<GstEvent> tag_event (const GstStructure *structure)
{
  GstTagList *list = nullptr;
  if (!gst_structure_get (
          structure, "taglist", GST_TYPE_TAG_LIST, &list, nullptr))
    return nullptr;
  list = gst_tag_list_make_writable (list);
  gst_tag_list_set_scope (
      list, gst_structure_has_name (structure, "GstTagList-global")
                ? GST_TAG_SCOPE_GLOBAL
                : GST_TAG_SCOPE_STREAM);
  return Owned<GstEvent> (gst_event_new_tag (list));
}

bool caps_are_same (GstEvent *a, GstEvent *b)
{
  GstCaps *one = nullptr;
  GstCaps *other = nullptr;
  gst_event_parse_caps (a, &one);
  gst_event_parse_caps (b, &other);
  return one != nullptr && other != nullptr &&
         gst_caps_is_strictly_equal (one, other);
}

bool segments_are_same (GstEvent *a, GstEvent *b)
{
  const GstSegment *one = nullptr;
  const GstSegment *other = nullptr;
  gst_event_parse_segment (a, &one);
  gst_event_parse_segment (b, &other);
  return one != nullptr && other != nullptr &&
         gst_segment_is_equal (one, other);
}

// A value that has no text is missing from the text.
bool fields_are_same (GstEvent *a, GstEvent *b)
{
  auto count = [] (GstEvent *event) {
    const GstStructure *structure = gst_event_get_structure (event);
    return gst_structure_n_fields (structure) -
           (gst_structure_has_field (structure, "stream") ? 1 : 0);
  };
  return count (a) == count (b) && text_of (a) == text_of (b);
}

}  // namespace

bool is_kept (GstEventType type)
{
  for (const Kept &kept : kept_events)
    if (kept.type == type) return true;
  return false;
}

bool is_same (GstEvent *a, GstEvent *b)
{
  if (GST_EVENT_TYPE (a) != GST_EVENT_TYPE (b)) return false;
  if (GST_EVENT_TYPE (a) == GST_EVENT_CAPS) return caps_are_same (a, b);
  if (GST_EVENT_TYPE (a) == GST_EVENT_SEGMENT) return segments_are_same (a, b);
  if (gst_event_get_structure (a) == nullptr ||
      gst_event_get_structure (b) == nullptr)
    return gst_event_get_structure (a) == gst_event_get_structure (b);
  return fields_are_same (a, b);
}

std::optional<std::vector<std::uint8_t>> encode (GstEvent *event)
{
  if (gst_event_get_structure (event) == nullptr) return std::nullopt;
  for (const Kept &kept : kept_events) {
    if (kept.type != GST_EVENT_TYPE (event)) continue;
    std::string text (kept.name);
    text += '\n';
    text += text_of (event);
    std::vector<std::uint8_t> bytes (text.begin (), text.end ());
    Owned<GstEvent> back = decode (bytes);
    if (back == nullptr || !is_same (event, back.get ())) return std::nullopt;
    return bytes;
  }
  return std::nullopt;
}

Owned<GstEvent> decode (std::span<const std::uint8_t> bytes)
{
  std::string text (bytes.begin (), bytes.end ());
  // A string in C ends at the first zero.
  if (text.find ('\0') != std::string::npos) return nullptr;
  for (const Kept &kept : kept_events) {
    if (!text.starts_with (kept.name) || text.size () == kept.name.size () ||
        text[kept.name.size ()] != '\n')
      continue;
    Owned<GstStructure> structure{gst_structure_from_string (
        text.c_str () + kept.name.size () + 1, nullptr)};
    if (structure == nullptr) return nullptr;
    if (kept.type == GST_EVENT_TAG) return tag_event (structure.get ());
    return Owned<GstEvent> (
        gst_event_new_custom (kept.type, structure.release ()));
  }
  return nullptr;
}

std::vector<std::uint8_t> encode_metas (const std::string &metas)
{
  std::string text (metas_name);
  text += metas;
  return {text.begin (), text.end ()};
}

record::Packet packet_of (GstBuffer *buffer)
{
  record::Packet packet;
  packet.pts = GST_BUFFER_PTS (buffer);
  packet.dts = GST_BUFFER_DTS (buffer);
  packet.duration = GST_BUFFER_DURATION (buffer);
  packet.offset = GST_BUFFER_OFFSET (buffer);
  packet.offset_end = GST_BUFFER_OFFSET_END (buffer);
  packet.flags = GST_BUFFER_FLAGS (buffer) & kept_flags;
  return packet;
}

namespace {
struct Held
{
  explicit Held (Owned<GstBuffer> owned)
      : buffer (std::move (owned)), map (buffer.get (), GST_MAP_READ)
  {
  }
  Owned<GstBuffer> buffer;
  MappedBuffer map;
};
}  // namespace

// Of one block of the system's memory: it stays where it is, and as it is, for
// as long as somebody holds the buffer. It may be queued many times, and cannot
// be mapped more than some 200 times at once.
static std::optional<store::Chunk> plain_chunk_of (
    const Owned<GstBuffer> &buffer)
{
  if (gst_buffer_n_memory (buffer.get ()) != 1) return std::nullopt;
  GstMemory *memory = gst_buffer_peek_memory (buffer.get (), 0);
  GstMapInfo info = GST_MAP_INFO_INIT;
  if (!gst_memory_is_type (memory, GST_ALLOCATOR_SYSMEM) ||
      !gst_memory_map (memory, &info, GST_MAP_READ))
    return std::nullopt;
  std::span<const std::uint8_t> bytes (info.data, info.size);
  gst_memory_unmap (memory, &info);
  return store::Chunk{
      bytes, std::shared_ptr<GstBuffer> (
                 gst_buffer_ref (buffer.get ()), gst_buffer_unref)};
}

std::optional<store::Chunk> chunk_of (GstBuffer *buffer)
{
  Owned<GstBuffer> owned =
      buffer->pool != nullptr ? Owned<GstBuffer> (gst_buffer_copy_deep (buffer))
                              : relay::share (buffer);
  if (std::optional<store::Chunk> plain = plain_chunk_of (owned)) return plain;
  auto held = std::make_shared<Held> (std::move (owned));
  if (!held->map) return std::nullopt;
  std::span<const std::uint8_t> bytes = held->map.bytes ();
  return store::Chunk{bytes, std::move (held)};
}

Owned<GstMemory> wrap (store::Chunk chunk)
{
  auto *held = new store::Chunk (std::move (chunk));
  auto let_go = [] (gpointer data) {
    delete static_cast<store::Chunk *> (data);
  };
  gsize size = held->bytes.size ();
  return Owned<GstMemory> (gst_memory_new_wrapped (GST_MEMORY_FLAG_READONLY,
      const_cast<std::uint8_t *> (held->bytes.data ()), size, 0, size, held,
      let_go));
}

Player::Player (std::shared_ptr<const store::Reader> reader,
    std::shared_ptr<const slices::Share> memory, guint32 seqnum, guint group_id)
    : reader_ (std::move (reader)),
      memory_ (std::move (memory)),
      seqnum_ (seqnum),
      group_id_ (group_id)
{
}

store::Result<store::Chunk> Player::load ()
{
  bool from_disk = false;
  store::Result<store::Chunk> chunk = reader_->read (
      static_cast<std::uint32_t> (index_), memory_->memory (), &from_disk);
  if (chunk)
    (from_disk ? levels_.l2 : levels_.l1) +=
        reader_->index ().records[index_].payload;
  return chunk;
}

store::Result<Player::Item> Player::read_event ()
{
  store::Result<store::Chunk> chunk = load ();
  if (!chunk) return chunk.error ();
  std::string_view text (reinterpret_cast<const char *> (chunk->bytes.data ()),
      chunk->bytes.size ());
  if (text.starts_with (metas_name)) {
    text.remove_prefix (metas_name.size ());
    std::optional<cachemeta::Metas> metas = cachemeta::Metas::parse (text);
    if (!metas || open_ != nullptr)
      return relay::failure (store::Error::damaged);
    metas_ = std::make_shared<const cachemeta::Metas> (*std::move (metas));
    index_++;
    return Item{};
  }
  Owned<GstEvent> event = decode (chunk->bytes);
  // Between the parts of a packet there is no place for an event.
  if (event == nullptr || open_ != nullptr)
    return relay::failure (store::Error::damaged);
  gst_event_set_seqnum (event.get (), seqnum_);
  if (GST_EVENT_TYPE (event.get ()) == GST_EVENT_STREAM_START)
    gst_event_set_group_id (event.get (), group_id_);
  index_++;
  return Item{std::move (event), nullptr};
}

store::Result<relay::Done> Player::read_slice ()
{
  store::Result<store::Chunk> chunk = load ();
  if (!chunk) return chunk.error ();
  const record::Record &record = reader_->index ().records[index_];
  record::Result<std::vector<record::Packet>> packets =
      record::parse_packets (chunk->bytes, record);
  if (!packets || packets->empty ())
    return relay::failure (store::Error::damaged);
  slice_ = wrap (*std::move (chunk));
  packets_ = *std::move (packets);
  packet_ = 0;
  offset_ = 0;
  delivered_before_ = delivered_;
  index_++;
  return relay::Done{};
}

store::Result<Owned<GstBuffer>> Player::take_packet ()
{
  const record::Packet &packet = packets_[packet_];
  if (packet.begins) {
    begin_ = place ();
    size_ = 0;
    open_.reset (gst_buffer_new ());
    GST_BUFFER_PTS (open_.get ()) = packet.pts;
    GST_BUFFER_DTS (open_.get ()) = packet.dts;
    GST_BUFFER_DURATION (open_.get ()) = packet.duration;
    GST_BUFFER_OFFSET (open_.get ()) = packet.offset;
    GST_BUFFER_OFFSET_END (open_.get ()) = packet.offset_end;
  }
  if (packet.size > 0)
    gst_buffer_append_memory (open_.get (),
        gst_memory_share (slice_.get (), static_cast<gssize> (offset_),
            static_cast<gssize> (packet.size)));
  packet_++;
  offset_ += packet.size;
  size_ += packet.size;
  if (!packet.ends) return Owned<GstBuffer> ();
  GST_BUFFER_FLAGS (open_.get ()) =
      (GST_BUFFER_FLAGS (open_.get ()) & ~kept_flags) |
      (packet.flags & kept_flags);
  if (metas_ != nullptr && !metas_->add_to (open_.get ()))
    return relay::failure (store::Error::damaged);
  delivered_ += size_;
  return std::move (open_);
}

store::Result<Player::Item> Player::next ()
{
  const std::vector<record::Record> &records = reader_->index ().records;
  while (true) {
    if (at_boundary ()) {
      if (index_ == records.size ()) {
        if (open_ != nullptr) return relay::failure (store::Error::damaged);
        return Item{};
      }
      if (records[index_].type == record::Type::event) {
        store::Result<Item> item = read_event ();
        if (!item || item->event != nullptr) return item;
        continue;
      }
      store::Result<relay::Done> result = read_slice ();
      if (!result) return result.error ();
      if (packets_.front ().begins != (open_ == nullptr)) {
        packets_.clear ();
        index_--;
        return relay::failure (store::Error::damaged);
      }
    }
    store::Result<Owned<GstBuffer>> buffer = take_packet ();
    if (!buffer) return buffer.error ();
    if (*buffer != nullptr) return Item{nullptr, *std::move (buffer)};
  }
}

Player::Place Player::place () const
{
  if (at_boundary ()) return {index_, 0, 0, delivered_, delivered_, metas_};
  return {index_ - 1, packet_, offset_, delivered_, delivered_before_, metas_};
}

// The slice may begin in the middle of a packet. If it cannot be read any more
// next () finds that out.
bool Player::read_slice_at (const Place &place)
{
  index_ = place.index;
  packets_.clear ();
  packet_ = 0;
  offset_ = 0;
  if (place.packet == 0) return true;
  if (!read_slice ()) return false;
  packet_ = place.packet;
  offset_ = place.offset;
  delivered_before_ = place.delivered_before;
  return true;
}

void Player::again ()
{
  delivered_ = begin_.delivered;
  open_.reset ();
  if (begin_.index + 1 != index_) {
    (void)read_slice_at (begin_);
    return;
  }
  packet_ = begin_.packet;
  offset_ = begin_.offset;
}

void Player::go (const Place &place)
{
  open_.reset ();
  metas_ = place.metas;
  delivered_ = place.delivered;
  if (!read_slice_at (place)) delivered_ = place.delivered_before;
}

}  // namespace cacheitem

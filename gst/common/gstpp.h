// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/gst.h>

#include <cstdint>
#include <memory>
#include <span>

// Ownership over GStreamer and GLib: the only header that does it.
//
//   transfer full in:   Owned<GstCaps> caps {gst_pad_get_current_caps (pad)};
//   another reference:  Owned<GstCaps> mine = share (caps.get ());
//   transfer full out:  gst_pad_push (pad, buffer.release ());
//   borrowed:           a raw pointer, never stored past the call
namespace relay {

// Set to true for a GObject class that this header does not know:
//   template <> inline constexpr bool relay::is_gobject<SoupMessage> = true;
template <class T>
inline constexpr bool is_gobject = false;
template <>
inline constexpr bool is_gobject<GObject> = true;
template <>
inline constexpr bool is_gobject<GstObject> = true;
template <>
inline constexpr bool is_gobject<GstElement> = true;
template <>
inline constexpr bool is_gobject<GstPad> = true;
template <>
inline constexpr bool is_gobject<GstPadTemplate> = true;
template <>
inline constexpr bool is_gobject<GstBus> = true;
template <>
inline constexpr bool is_gobject<GstClock> = true;
template <>
inline constexpr bool is_gobject<GstTask> = true;
template <>
inline constexpr bool is_gobject<GstStream> = true;
template <>
inline constexpr bool is_gobject<GstStreamCollection> = true;
template <>
inline constexpr bool is_gobject<GstBufferPool> = true;
template <>
inline constexpr bool is_gobject<GstAllocator> = true;

template <class T>
inline constexpr bool is_mini_object = false;
template <>
inline constexpr bool is_mini_object<GstBuffer> = true;
template <>
inline constexpr bool is_mini_object<GstBufferList> = true;
template <>
inline constexpr bool is_mini_object<GstCaps> = true;
template <>
inline constexpr bool is_mini_object<GstContext> = true;
template <>
inline constexpr bool is_mini_object<GstEvent> = true;
template <>
inline constexpr bool is_mini_object<GstMemory> = true;
template <>
inline constexpr bool is_mini_object<GstMessage> = true;
template <>
inline constexpr bool is_mini_object<GstQuery> = true;
template <>
inline constexpr bool is_mini_object<GstSample> = true;
template <>
inline constexpr bool is_mini_object<GstTagList> = true;
template <>
inline constexpr bool is_mini_object<GstUri> = true;

struct Unref
{
  template <class T>
  requires is_gobject<T>
  void operator() (T *p) const noexcept { g_object_unref (p); }
  template <class T>
  requires is_mini_object<T>
  void operator() (T *p) const noexcept
  {
    gst_mini_object_unref (reinterpret_cast<GstMiniObject *> (p));
  }
  void operator() (GstStructure *p) const noexcept { gst_structure_free (p); }
  void operator() (GstSegment *p) const noexcept { gst_segment_free (p); }
  void operator() (GstIterator *p) const noexcept { gst_iterator_free (p); }
  void operator() (gchar *p) const noexcept { g_free (p); }
  void operator() (gchar **p) const noexcept { g_strfreev (p); }
  void operator() (GError *p) const noexcept { g_error_free (p); }
  void operator() (GBytes *p) const noexcept { g_bytes_unref (p); }
  void operator() (GUri *p) const noexcept { g_uri_unref (p); }
  void operator() (GMainContext *p) const noexcept { g_main_context_unref (p); }
  void operator() (GMainLoop *p) const noexcept { g_main_loop_unref (p); }
};

template <class T>
using Owned = std::unique_ptr<T, Unref>;

// Another reference to what somebody else owns; null stays null.
template <class T>
requires (is_gobject<T> || is_mini_object<T>)
    [[nodiscard]] Owned<T> share (T *p)
{
  if (p != nullptr) {
    if constexpr (is_gobject<T>)
      g_object_ref (p);
    else
      gst_mini_object_ref (reinterpret_cast<GstMiniObject *> (p));
  }
  return Owned<T>{p};
}

// A buffer's bytes for the length of a scope. Test it before use: mapping can
// fail. The buffer must outlive it.
class MappedBuffer
{
public:
  MappedBuffer (GstBuffer *buffer, GstMapFlags flags)
      : buffer_ (gst_buffer_map (buffer, &info_, flags) ? buffer : nullptr)
  {
  }
  ~MappedBuffer ()
  {
    if (buffer_ != nullptr) gst_buffer_unmap (buffer_, &info_);
  }
  MappedBuffer (const MappedBuffer &) = delete;
  MappedBuffer &operator= (const MappedBuffer &) = delete;

  explicit operator bool () const { return buffer_ != nullptr; }
  [[nodiscard]] std::span<const std::uint8_t> bytes () const
  {
    return {info_.data, info_.size};
  }
  // Only when mapped with GST_MAP_WRITE.
  [[nodiscard]] std::span<std::uint8_t> writable () const
  {
    return {info_.data, info_.size};
  }

private:
  GstMapInfo info_ = GST_MAP_INFO_INIT;
  GstBuffer *buffer_;
};

}  // namespace relay

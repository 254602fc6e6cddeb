// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gstadaptivecollection.h"

#include <algorithm>
#include <string_view>

using presentation::Track;
using presentation::Type;
using relay::Owned;

namespace gstadaptivecollection {

std::string stream_id (GstElement *element, const std::string &pad_name)
{
  Owned<GstPad> pad{GST_PAD (
      gst_object_ref_sink (gst_pad_new (pad_name.c_str (), GST_PAD_SRC)))};
  Owned<gchar> id{
      gst_pad_create_stream_id (pad.get (), element, pad_name.c_str ())};
  return id.get ();
}

static void add (GstTagList *tags, const char *tag, const std::string &text)
{
  if (!text.empty () && g_utf8_validate (text.c_str (), -1, nullptr))
    gst_tag_list_add (tags, GST_TAG_MERGE_REPLACE, tag, text.c_str (), nullptr);
}

Owned<GstTagList> tags (
    const Track &track, const presentation::Representation &representation)
{
  Owned<GstTagList> out{gst_tag_list_new_empty ()};
  auto bandwidth = representation.bandwidth;
  if (bandwidth > 0 && bandwidth <= G_MAXUINT)
    gst_tag_list_add (out.get (), GST_TAG_MERGE_REPLACE,
        GST_TAG_NOMINAL_BITRATE, static_cast<guint> (bandwidth), nullptr);
  if (track.language != "und")
    add (out.get (), GST_TAG_LANGUAGE_CODE, track.language);
  add (out.get (), GST_TAG_TITLE, track.label);
  return out;
}

static GstStreamType type_of (Type type)
{
  switch (type) {
    case Type::video:
      return GST_STREAM_TYPE_VIDEO;
    case Type::audio:
      return GST_STREAM_TYPE_AUDIO;
    case Type::text:
      return GST_STREAM_TYPE_TEXT;
  }
  return GST_STREAM_TYPE_UNKNOWN;
}

Owned<GstStream> make_stream (
    const std::string &id, const Track &track, GstCaps *caps, bool is_selected)
{
  unsigned flags =
      is_selected ? GST_STREAM_FLAG_SELECT : GST_STREAM_FLAG_UNSELECT;
  if (track.type == Type::text) flags |= GST_STREAM_FLAG_SPARSE;
  Owned<GstStream> out{gst_stream_new (id.c_str (), caps, type_of (track.type),
      static_cast<GstStreamFlags> (flags))};
  Owned<GstTagList> all = tags (track, presentation::Representation{});
  if (!gst_tag_list_is_empty (all.get ()))
    gst_stream_set_tags (out.get (), all.get ());
  return out;
}

Owned<GstStreamCollection> make_collection (
    const std::string &id, const std::vector<Owned<GstStream>> &streams)
{
  Owned<GstStreamCollection> out{gst_stream_collection_new (id.c_str ())};
  for (const auto &stream : streams)
    gst_stream_collection_add_stream (
        out.get (), relay::share (stream.get ()).release ());
  return out;
}

std::optional<std::vector<bool>> wanted (
    GstStreamCollection *collection, GstEvent *event)
{
  GList *list = nullptr;
  gst_event_parse_select_streams (event, &list);
  guint size = gst_stream_collection_get_size (collection);
  std::vector<bool> out (size, false);
  bool is_known = list != nullptr;
  for (GList *at = list; at != nullptr; at = at->next) {
    bool is_found = false;
    for (guint i = 0; i < size; i++) {
      GstStream *stream = gst_stream_collection_get_stream (collection, i);
      if (std::string_view (gst_stream_get_stream_id (stream)) !=
          static_cast<const char *> (at->data))
        continue;
      out[i] = true;
      is_found = true;
    }
    is_known = is_known && is_found;
  }
  g_list_free_full (list, g_free);
  if (!is_known) return std::nullopt;
  return out;
}

Owned<GstMessage> selected (GstElement *element,
    GstStreamCollection *collection, const std::vector<bool> &selection,
    guint32 seqnum)
{
  Owned<GstMessage> out{
      gst_message_new_streams_selected (GST_OBJECT (element), collection)};
  for (guint i = 0; i < selection.size (); i++)
    if (selection[i])
      gst_message_streams_selected_add (
          out.get (), gst_stream_collection_get_stream (collection, i));
  if (seqnum != GST_SEQNUM_INVALID) gst_message_set_seqnum (out.get (), seqnum);
  return out;
}

}  // namespace gstadaptivecollection

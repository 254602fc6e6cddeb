// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gstadaptivetoc.h"

#include <memory>

using relay::Owned;

namespace {

struct UnrefToc
{
  void operator() (GstToc *toc) const noexcept { gst_toc_unref (toc); }
};
using Toc = std::unique_ptr<GstToc, UnrefToc>;

Toc toc_of (GstEvent *event)
{
  GstToc *toc = nullptr;
  gst_event_parse_toc (event, &toc, nullptr);
  return Toc{toc};
}

}  // namespace

Owned<GstEvent> gstadaptivetoc::make_event (
    const std::vector<chapters::Chapter> &chapters)
{
  if (chapters.empty ()) return nullptr;
  Toc toc{gst_toc_new (GST_TOC_SCOPE_GLOBAL)};
  for (const chapters::Chapter &chapter : chapters) {
    Owned<gchar> id{g_utf8_make_valid (chapter.id.c_str (), -1)};
    GstTocEntry *entry =
        gst_toc_entry_new (GST_TOC_ENTRY_TYPE_CHAPTER, id.get ());
    gst_toc_entry_set_start_stop_times (entry,
        static_cast<gint64> (chapter.begin), static_cast<gint64> (chapter.end));
    if (!chapter.title.empty ()) {
      Owned<gchar> title{g_utf8_make_valid (chapter.title.c_str (), -1)};
      gst_toc_entry_set_tags (
          entry, gst_tag_list_new (GST_TAG_TITLE, title.get (), nullptr));
    }
    gst_toc_append_entry (toc.get (), entry);
  }
  return Owned<GstEvent>{gst_event_new_toc (toc.get (), FALSE)};
}

void gstadaptivetoc::post (GstElement *element, GstEvent *toc)
{
  gst_element_post_message (element,
      gst_message_new_toc (GST_OBJECT (element), toc_of (toc).get (), FALSE));
}

Owned<GstEvent> gstadaptivetoc::to_seek (GstEvent *select, GstEvent *toc)
{
  gchar *raw = nullptr;
  gst_event_parse_toc_select (select, &raw);
  Owned<gchar> uid{raw};
  if (!uid || toc == nullptr) return nullptr;
  Toc table = toc_of (toc);
  GstTocEntry *entry = gst_toc_find_entry (table.get (), uid.get ());
  gint64 start = 0;
  if (entry == nullptr ||
      !gst_toc_entry_get_start_stop_times (entry, &start, nullptr))
    return nullptr;
  Owned<GstEvent> out{gst_event_new_seek (1, GST_FORMAT_TIME,
      GST_SEEK_FLAG_FLUSH, GST_SEEK_TYPE_SET, start, GST_SEEK_TYPE_SET, -1)};
  gst_event_set_seqnum (out.get (), gst_event_get_seqnum (select));
  return out;
}

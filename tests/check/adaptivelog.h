// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <chrono>
#include <condition_variable>

#include "adaptiverig.h"

// What passes the pads of adaptivesrc, in words, and seeks.
namespace test {

inline std::string seconds (GstClockTime time)
{
  if (!GST_CLOCK_TIME_IS_VALID (time)) return "-";
  std::string out = std::to_string (time / GST_SECOND);
  if (time % GST_SECOND != 0)
    out += "." + std::to_string (time % GST_SECOND / GST_MSECOND);
  return out;
}

// What passes a pad, in words: events, and the first buffer of each resource by
// the name in it, with ! for DISCONT.
class Log
{
public:
  explicit Log (Player &player) : player_ (player)
  {
    g_signal_connect (*player, "pad-added", G_CALLBACK (on_pad_added), this);
  }

  ~Log () { player_.set_state (GST_STATE_NULL); }
  Log (const Log &) = delete;
  Log &operator= (const Log &) = delete;

  std::string of (const std::string &pad)
  {
    return (*passed_.lock ())[pad].words;
  }
  // Behind the last flush, within which a buffer may still have passed.
  std::string last_of (const std::string &pad)
  {
    std::string words = of (pad);
    std::size_t flush = words.rfind ("> ");
    return flush == words.npos ? words : words.substr (flush + 2);
  }
  void clear ()
  {
    auto passed = passed_.lock ();
    for (auto &[pad, all] : *passed) all.words.clear ();
  }
  // Of the last flush, segment and end.
  std::vector<guint32> seqnums (const std::string &pad)
  {
    return (*passed_.lock ())[pad].seqnums;
  }
  // The end of what was begun by this seek. A pipeline says that it is at its
  // end when each of its sinks has been, be it before a flush. GStreamer 1.22:
  // a bin whose state is about to change does not see that a sink which is
  // flushed meanwhile has prerolled again.
  void wait_for_end (const std::string &pad, guint32 seqnum)
  {
    auto passed = passed_.lock ();
    bool done = passed.wait_for (changed_, limit, [&] (auto &all) {
      const Passed &here = all[pad];
      return here.words.ends_with ("eos") && here.seqnums.back () == seqnum;
    });
    fail_unless (done, "%s: no end after\n%s", pad.c_str (),
        (*passed)[pad].words.c_str ());
    passed.unlock ();
    fail_unless (gst_element_get_state (player_.pipeline (), nullptr, nullptr,
                     40 * GST_SECOND) == GST_STATE_CHANGE_SUCCESS);
  }

private:
  static std::string word_for (GstEvent *event)
  {
    switch (GST_EVENT_TYPE (event)) {
      case GST_EVENT_FLUSH_START:
        return "<";
      case GST_EVENT_FLUSH_STOP:
        return ">";
      case GST_EVENT_EOS:
        return "eos";
      case GST_EVENT_SEGMENT_DONE:
        return "done";
      case GST_EVENT_SEGMENT: {
        const GstSegment *segment = nullptr;
        gst_event_parse_segment (event, &segment);
        std::string rate = std::to_string (segment->rate);
        return "[" + rate.substr (0, rate.find ('.') + 2) + " " +
               seconds (segment->start) + "," + seconds (segment->stop) + "=" +
               seconds (segment->time) + "+" + seconds (segment->base) + "]";
      }
      default:
        return "";
    }
  }
  static std::string word_for (GstBuffer *buffer)
  {
    if (GST_BUFFER_OFFSET (buffer) != 0) return "";
    Bytes bytes = bytes_of (buffer);
    std::size_t size = bytes[3];
    std::string name (bytes.begin () + 8,
        bytes.begin () + static_cast<std::ptrdiff_t> (size));
    if (name.starts_with ("init")) name = "i";
    if (GST_BUFFER_FLAG_IS_SET (buffer, GST_BUFFER_FLAG_DISCONT)) name += "!";
    if (GST_BUFFER_PTS_IS_VALID (buffer))
      name += "@" + seconds (GST_BUFFER_PTS (buffer));
    return name;
  }
  static GstPadProbeReturn on_data (
      GstPad *pad, GstPadProbeInfo *info, gpointer data)
  {
    auto *self = static_cast<Log *> (data);
    Owned<gchar> name{gst_pad_get_name (pad)};
    std::string word;
    if ((info->type & GST_PAD_PROBE_TYPE_BUFFER) != 0) {
      word = word_for (GST_PAD_PROBE_INFO_BUFFER (info));
    } else {
      word = word_for (GST_PAD_PROBE_INFO_EVENT (info));
    }
    if (word.empty ()) return GST_PAD_PROBE_OK;
    auto passed = self->passed_.lock ();
    Passed &here = (*passed)[name.get ()];
    if ((info->type & GST_PAD_PROBE_TYPE_BUFFER) == 0)
      here.seqnums.push_back (
          gst_event_get_seqnum (GST_PAD_PROBE_INFO_EVENT (info)));
    if (!here.words.empty ()) here.words += " ";
    here.words += word;
    self->changed_.notify_all ();
    return GST_PAD_PROBE_OK;
  }
  static void on_pad_added (GstElement *, GstPad *pad, gpointer data)
  {
    gst_pad_add_probe (pad,
        static_cast<GstPadProbeType> (GST_PAD_PROBE_TYPE_BUFFER |
                                      GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM |
                                      GST_PAD_PROBE_TYPE_EVENT_FLUSH),
        on_data, data, nullptr);
  }

  static constexpr std::chrono::seconds limit{40};
  struct Passed
  {
    std::string words;
    std::vector<guint32> seqnums;
  };

  Player &player_;
  Guarded<std::map<std::string, Passed>> passed_;
  std::condition_variable changed_;
};

inline void expect (Log &log, const char *pad, const std::string &words)
{
  fail_unless (log.of (pad) == words, "%s:\n%s\ninstead of\n%s", pad,
      log.of (pad).c_str (), words.c_str ());
}

inline void expect_last (Log &log, const char *pad, const std::string &words)
{
  fail_unless (log.last_of (pad) == words,
      "%s:\n%s\nwhich does not end with\n%s", pad, log.of (pad).c_str (),
      words.c_str ());
}

// No stop: up to the end, whatever was asked for before.
inline Owned<GstEvent> seek_event (double rate, int flags, GstClockTime start,
    GstClockTime stop = GST_CLOCK_TIME_NONE)
{
  return Owned<GstEvent>{gst_event_new_seek (rate, GST_FORMAT_TIME,
      static_cast<GstSeekFlags> (flags), GST_SEEK_TYPE_SET,
      static_cast<gint64> (start), GST_SEEK_TYPE_SET,
      static_cast<gint64> (stop))};
}

// Its number.
inline guint32 seek (Player &player, double rate, int flags, GstClockTime start,
    GstClockTime stop = GST_CLOCK_TIME_NONE)
{
  Owned<GstEvent> event = seek_event (rate, flags, start, stop);
  guint32 seqnum = gst_event_get_seqnum (event.get ());
  fail_unless (gst_element_send_event (*player, event.release ()));
  return seqnum;
}

inline void wait_eos (Player &player)
{
  Owned<GstMessage> message = player.wait (GST_MESSAGE_EOS | GST_MESSAGE_ERROR);
  fail_unless (message && GST_MESSAGE_TYPE (message.get ()) == GST_MESSAGE_EOS);
}

inline constexpr GstClockTime s = GST_SECOND;
inline constexpr int flush = GST_SEEK_FLAG_FLUSH;
inline constexpr int accurate = GST_SEEK_FLAG_FLUSH | GST_SEEK_FLAG_ACCURATE;
inline constexpr int key_unit = GST_SEEK_FLAG_FLUSH | GST_SEEK_FLAG_KEY_UNIT;

}  // namespace test

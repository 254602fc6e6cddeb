// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/gst.h>

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "common/gstpp.h"
#include "gstadaptiveevents.h"
#include "gstadaptivekeys.h"
#include "gstsegmentfeed.h"
#include "gstsegmentreader.h"
#include "loader.h"

// A pad of adaptivesrc and the thread that fills it.
//
// What it asks for it asks for when its peer has taken the events before: an
// unlinked pad fetches nothing, and one whose peer holds the events back (a
// cache that serves by itself) neither.
class AdaptiveStream : public std::enable_shared_from_this<AdaptiveStream>
{
public:
  // What all streams of an element have in common.
  struct Shared
  {
    GstElement *element = nullptr;
    SegmentReader::Access access;
    std::atomic<std::uint64_t> *segments = nullptr;
    // Called by the stream's thread when flow () is no longer GST_FLOW_OK.
    std::function<void ()> ended;
    // True for the first one of an element's errors: the others are not posted.
    std::function<bool ()> may_fail;
    std::shared_ptr<AdaptiveKeys> keys;
    presentation::Time start = 0;  // of the period
    guint group_id = 0;
  };

  AdaptiveStream (const Shared &shared, loader::Selection selection);
  AdaptiveStream (const AdaptiveStream &) = delete;
  AdaptiveStream &operator= (const AdaptiveStream &) = delete;
  ~AdaptiveStream ();

  // What is answered the same whatever the streams do: false for all else.
  static bool answer (GstQuery *query);
  // The message `adaptivesrc-variant`.
  static void post_variant (GstElement *element, const std::string &pad,
      const presentation::Representation &chosen);
  // Opens the first segment if nothing else says what it is made of. False: it
  // has been said why.
  bool find_format ();
  // The pad, with its events on it, not yet in the element (floating).
  GstPad *make_pad (GstPadTemplate *pad_template, const std::string &name);
  // Once the pad is in the element.
  void start ();
  // Its thread ends soon; deactivating the pad waits for it.
  void cancel ();
  // A decrypter's query; false: not answered.
  bool answer_context (GstQuery *query);
  // After a RECONFIGURE event.
  void resume ();

  // GST_FLOW_OK as long as it goes on; GST_FLOW_NOT_LINKED as long as it
  // waits.
  [[nodiscard]] GstFlowReturn flow () const { return flow_; }
  [[nodiscard]] const loader::Selection &selection () const
  {
    return selection_;
  }

private:
  static void loop (gpointer data);
  GstFlowReturn step ();
  GstFlowReturn greet ();
  GstFlowReturn fail (const SegmentProblem &problem);
  void end (GstFlowReturn flow);

  Shared shared_;
  loader::Selection selection_;
  GstPad *pad_ = nullptr;  // the element's
  // Also hands over what is of the stream's thread from one thread to the next:
  // thread sanitizers do not see the locks of GstTask.
  std::atomic<GstFlowReturn> flow_{GST_FLOW_OK};

  const relay::Owned<GCancellable> asking_{g_cancellable_new ()};

  // Of the stream's thread.
  bool greeted_ = false;
  SegmentFeed feed_;
  relay::Owned<GstCaps> caps_;
  std::optional<AdaptiveEvents> events_;
};

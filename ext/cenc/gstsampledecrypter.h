// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/gst.h>

#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "cenc.h"
#include "common/gstpp.h"
#include "common/guarded.h"
#include "gstdecryptstats.h"
#include "gstkeysupply.h"
#include "gstsamplemeta.h"

// GstCencOnMissingMeta:
// @pass: pass the sample as a clear one
// @drop: drop it
// @error: an error
enum class OnMissingMeta
{
  pass,
  drop,
  error
};

GType gst_cenc_on_missing_meta_get_type ();
#define GST_TYPE_CENC_ON_MISSING_META (gst_cenc_on_missing_meta_get_type ())

// cencdecrypt between its pads: what becomes of a sample.
class SampleDecrypter
{
public:
  struct Settings
  {
    OnMissingKey on_missing_key = OnMissingKey::error;
    OnMissingMeta on_missing_meta = OnMissingMeta::pass;
    GstClockTime key_timeout = gstcenc::default_key_timeout;
  };

  explicit SampleDecrypter (GstElement *element) : element_ (element) {}

  relay::Guarded<Settings> settings;
  relay::Guarded<decryptstats::Counters> counters;
  gstcenc::KeySupply supply;

  // The rest is of the streaming thread, from READY->PAUSED to PAUSED->READY.

  void reset () { state_ = {}; }
  bool set_caps (const GstStructure *caps);
  void note (GstEvent *protection);
  void begin_stream ();
  void flush ();
  void end_stream ();

  // One sample. Null with GST_FLOW_OK for one that is dropped.
  GstFlowReturn process (relay::Owned<GstBuffer> &buffer);

private:
  using What = decryptstats::What;
  using Protection = samplemeta::Protection;
  struct State
  {
    samplemeta::Stream stream;  // of the caps
    std::string system_id;      // of the caps, or empty
    bool has_caps = false;
    bool is_pull = false;  // the demuxer, for what it gets wrong
    samplemeta::FragmentKeys fragment_keys;
    samplemeta::LastOfFragment last_of_fragment;

    std::optional<cenc::Decryptors> decryptors;
    std::uint64_t keys_version = 0;  // that they were made of
    std::set<keys::KeyId> unknown;   // of that version: asked for, in vain
    // The last one that was used, for samples come in runs of one key.
    std::shared_ptr<cenc::Decryptor> decryptor;
    std::pair<cenc::Scheme, keys::KeyId> decryptor_of;

    bool told_without_meta = false;
    bool told_without_key = false;
    // Since the start of the stream: samples of which nothing says that they
    // are encrypted, and those of which the demuxer knew what they are.
    bool has_unmarked = false;
    bool has_marked = false;
    bool was_dropped = false;  // the last one
    bool failed = false;
  };

  GstFlowReturn fail (const char *reason, GstClockTime pts);
  void tell_without_meta (OnMissingMeta policy);
  GstFlowReturn without_key (
      const keys::KeyId &kid, OnMissingKey policy, What &what);
  GstFlowReturn find_key (const keys::KeyId &kid, What &what);
  GstFlowReturn choose (cenc::Scheme scheme, const keys::KeyId &kid,
      GstClockTime pts, What &what);
  GstFlowReturn decrypt (const Protection &protection,
      relay::Owned<GstBuffer> &buffer, What &what);
  GstFlowReturn classify (
      relay::Owned<GstBuffer> &buffer, Protection &protection, What &what);

  GstElement *element_;
  State state_;
};

// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/gst.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <optional>
#include <string>
#include <vector>

#include "common/gstpp.h"
#include "common/guarded.h"
#include "keys.h"

// GstCencOnMissingKey:
// @error: an error that names the key id
// @wait: wait for the key, for as long as the property key-timeout says
// @drop: drop the sample
// @pass: pass the sample as it is, encrypted
enum class OnMissingKey
{
  error,
  wait,
  drop,
  pass
};
GType gst_cenc_on_missing_key_get_type ();
#define GST_TYPE_CENC_ON_MISSING_KEY (gst_cenc_on_missing_key_get_type ())

namespace gstcenc {

// Where an element has its keys from: its properties, what it was given since
// (by the action add-key, or with a context), and those whom it can ask.
//
// All members may be called from any thread. Keys leave it only by find ().
class KeySupply
{
public:
  // The properties, as read: no text with a key in it is kept.
  void set_keys (const gchar *text);
  void set_key (const gchar *text);
  // JSON, or the file URI of it, which is read by start ().
  void set_clearkey_json (const gchar *text_or_uri);

  // NULL or READY to PAUSED. False if a property is wrong: then an error has
  // been posted.
  bool start (GstElement *element);

  // True breaks every wait, and makes the next ones end at once.
  void set_flushing (bool flushing);

  // The action add-key: a key id and a key as in the property keys.
  bool add (const gchar *kid, const gchar *key);
  // Takes the keys of a context "cenc-keys"; others are none of our business.
  void take (GstContext *context);
  // The system and pssh for those who are asked.
  void note (GstEvent *protection);

  // Rises whenever there may be a key that was not there before.
  [[nodiscard]] std::uint64_t version () const { return version_; }
  std::optional<keys::Secret> find (const keys::KeyId &kid);

  // Who is asking, and on behalf of what.
  struct Asker
  {
    GstElement *element;
    GstPad *sink;
    const gchar *system_id;  // of the caps, or null
    // Those in the bytes themselves, the latest last.
    std::vector<std::vector<std::uint8_t>> psshs;
  };
  // Asks upstream, by NEED_CONTEXT, the signal need-key and the message, in
  // that order, until there is a key. No lock is held.
  std::optional<keys::Secret> ask (const Asker &asker, const keys::KeyId &kid);

  enum class Waited
  {
    found,
    timed_out,
    flushing
  };
  // For as long as limit says; without end if it is GST_CLOCK_TIME_NONE.
  Waited wait (const keys::KeyId &kid, GstClockTime limit);

private:
  struct Protection
  {
    std::string system_id;
    relay::Owned<GBytes> data;
    std::vector<keys::KeyId> key_ids;  // that it names, if any
  };
  struct Store
  {
    // Of each property its keys, or what is wrong with it.
    struct Property
    {
      const char *name;
      keys::Ring ring;
      std::optional<relay::Failure<keys::Error>> wrong;

      void take (keys::Result<keys::Ring> read);
    };
    Property keys{"keys", {}, {}};
    Property key{"key", {}, {}};
    Property clearkey{"clearkey-json", {}, {}};
    std::string clearkey_uri;

    keys::Ring added;
    keys::Ring all;  // of those above, by start ()
    bool is_flushing = false;
    // One for each system and the key ids that it names, the latest last.
    std::vector<Protection> protections;
  };

  bool add (const keys::KeyId &kid, const keys::Secret &key);
  void ask_upstream (const Asker &asker, const gchar *kid);
  void ask_application (
      const Asker &asker, const gchar *kid, const Protection &protection);
  Protection protection_of (const Asker &asker, const keys::KeyId &kid);

  relay::Guarded<Store> store_;
  std::condition_variable changed_;
  std::atomic<std::uint64_t> version_ = 0;
};

// The properties and signals that come with it, for every element that has
// one: their names, texts and flags.
GParamSpec *key_spec ();
GParamSpec *clearkey_json_spec ();
GParamSpec *on_missing_key_spec ();
GParamSpec *key_timeout_spec ();
inline constexpr GstClockTime default_key_timeout = 10 * GST_SECOND;

}  // namespace gstcenc

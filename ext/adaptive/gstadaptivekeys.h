// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gio/gio.h>
#include <gst/gst.h>

#include <condition_variable>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "common/gstpp.h"
#include "common/guarded.h"
#include "fetcher.h"
#include "keys.h"
#include "keystore.h"
#include "presentation.h"

// Protection: what decrypters are told of it, and the keys that they ask for.
namespace gstadaptivekeys {

using Protections = std::span<const presentation::ContentProtection>;

// The GST_EVENT_PROTECTIONs for these, which stay on the pad.
void push_events (GstPad *pad, Protections protections);

}  // namespace gstadaptivekeys

// Answers a decrypter's query for the context `cenc-keys`: with what a ClearKey
// licence server says (W3C Encrypted Media Extensions 9.1), which is asked once
// for each set of key ids; one warning for each that it has no answer to. The
// manifest's address may be a data: URI with the keys themselves. Of HLS with
// the key itself, which is for every key id there is (KEYFORMAT "identity").
class AdaptiveKeys
{
public:
  using Held = std::shared_ptr<const presentation::Protections>;

  // license_uri: "" = the manifest's. counters outlive it.
  AdaptiveKeys (GstElement *element, fetcher::Settings settings,
      std::string license_uri, fetcher::Counters *counters,
      std::shared_ptr<keystore::Store> store);
  AdaptiveKeys (const AdaptiveKeys &) = delete;
  AdaptiveKeys &operator= (const AdaptiveKeys &) = delete;
  ~AdaptiveKeys () = default;

  // The key at an address, of a KEYFORMAT "identity", is that of this key id:
  // who asks may be far behind what is being pushed. False: it is known with
  // another key.
  [[nodiscard]] bool learn (const keys::KeyId &kid, const std::string &key_uri,
      GCancellable *cancellable);
  // Of a pad whose media are protected so. May wait for the network; false: it
  // is another query, or there are no such keys here.
  bool answer (GstQuery *query, gstadaptivekeys::Protections protections,
      GCancellable *cancellable);

private:
  struct Answer
  {
    bool is_there = false;
    keys::Ring ring;
  };
  using KeyIds = std::vector<std::string>;

  std::shared_ptr<const Answer> find (
      const std::string &uri, const KeyIds &kids, GCancellable *cancellable);
  fetcher::Result<keys::Ring> ask (
      const std::string &uri, const KeyIds &kids, GCancellable *cancellable);
  bool answer_identity (GstQuery *query,
      const presentation::ContentProtection &identity, const KeyIds &kids,
      GCancellable *cancellable);
  [[nodiscard]] std::string address_of (
      const keys::KeyId &kid, const std::string &otherwise);
  std::shared_ptr<const keystore::Key> key_at (
      const std::string &uri, GCancellable *cancellable);
  void warn (const fetcher::Problem &problem);

  GstElement *const element_;
  const fetcher::Settings settings_;
  const std::string license_uri_;
  fetcher::Counters *const counters_;
  const std::shared_ptr<keystore::Store> store_;
  relay::Guarded<std::map<KeyIds, std::shared_ptr<Answer>>> answers_;
  std::condition_variable changed_;
  // Where keys are whose ids the media have said.
  static constexpr std::size_t most_known = 4096;
  relay::Guarded<std::map<keys::KeyId, std::string>> known_;
};

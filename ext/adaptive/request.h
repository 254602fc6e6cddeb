// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "common/gstpp.h"
#include "exchange.h"
#include "fetcher.h"
#include "session.h"
#include "uri.h"

namespace fetcher {

// Counts a retry and waits for it; the problem when there is none.
Result<relay::Done> before_retry (const Settings &settings, unsigned retry,
    const Problem &reason, GCancellable *cancellable, Counters &counters);

// A request, sent as often as it takes: each time by its route, with its
// headers, within the limits, and to where redirects lead.
class Requester
{
public:
  // Of the resource, in the words of the headers; "" = without.
  struct Part
  {
    std::string range;
    std::string if_range;
  };

  Requester (const Settings &settings, const Request &request,
      GCancellable *cancellable, Counters *counters, unsigned retry);

  // To the first answer that is no redirect.
  Result<std::unique_ptr<Exchange>> follow (const Part &part);
  // From now on where the last redirect has led.
  void stay () { start_ = current_; }
  Result<relay::Done> before_retry (unsigned retry, const Problem &reason);
  // What is asked for may not be there yet, and is asked for once more.
  [[nodiscard]] bool is_early (unsigned tries, const Problem &reason) const;
  Result<relay::Done> wait_at_edge ();
  // The result, and in a problem where it was.
  template <class T>
  Result<T> located (Result<T> result) const
  {
    if (result) return result;
    Problem where = result.code ();
    if (where.uri.empty ()) where.uri = uri::without_secrets (current_);
    return relay::failure (std::move (where));
  }

  [[nodiscard]] const std::string &name () const { return settings_.name; }
  [[nodiscard]] const Request &request () const { return request_; }
  [[nodiscard]] Counters &counters () { return counters_; }
  [[nodiscard]] const std::string &current () const { return current_; }
  [[nodiscard]] const std::optional<std::string> &permanent () const
  {
    return permanent_;
  }

private:
  Result<std::unique_ptr<Exchange>> send_to (
      const std::string &uri, const Part &part);
  void set_headers (
      Exchange &exchange, const uri::Uri &target, const Part &part) const;
  [[nodiscard]] std::string cookies_for (const uri::Uri &target) const;
  void keep_cookies (const Exchange &exchange, const uri::Uri &from) const;
  [[nodiscard]] bool is_trusted (const uri::Uri &target) const;
  [[nodiscard]] Result<std::string> redirect_target (
      const Exchange &exchange, const std::string &from) const;

  const Settings settings_;
  const Request request_;
  const relay::Owned<GCancellable> cancellable_;
  Counters own_counters_;
  Counters &counters_;
  unsigned retry_;  // tries before the next one

  std::string start_;    // where an attempt begins
  std::string current_;  // where its redirects have led
  std::string method_;   // there
  std::optional<std::string> permanent_;
};

}  // namespace fetcher

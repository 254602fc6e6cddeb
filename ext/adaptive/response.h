// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "decoder.h"
#include "exchange.h"
#include "fetcher.h"
#include "http.h"
#include "request.h"

namespace fetcher {

// A response: exchanges, one after the other, that make one body.
struct Response::Impl
{
  Impl (const Settings &settings, const Request &request,
      GCancellable *cancellable, Counters *counters, unsigned retry)
      : requester (settings, request, cancellable, counters, retry),
        wanted (request.range),
        position (wanted ? wanted->first : 0)
  {
  }

  Result<relay::Done> open ();
  // now: nothing, when it would have to wait.
  Result<std::optional<std::size_t>> read (
      std::uint8_t *data, std::size_t size, bool now);
  void wait ()
  {
    // A decoder may have more without it.
    if (exchange && !decoder) exchange->wait ();
  }

  [[nodiscard]] bool is_wanted () const
  {
    return exchange && exchange->is_wanted ();
  }
  bool let_go ();

  Head head;

private:
  // What the headers of one exchange say of its body.
  struct Body
  {
    std::uint64_t first = 0;           // offset of its first byte
    std::optional<std::uint64_t> end;  // behind its last one
    bool coded = false;
    http::Identity identity;
  };

  Result<relay::Done> open_data (const std::string &uri);
  Result<relay::Done> attempt ();
  [[nodiscard]] Requester::Part part () const;
  Result<relay::Done> accept ();
  [[nodiscard]] Result<relay::Done> refuse () const;
  [[nodiscard]] Result<Body> describe ();
  [[nodiscard]] Result<Body> describe_part (Body out);
  void fill_head ();
  Result<relay::Done> skip_to_position ();
  Result<std::size_t> read_decoded (std::uint8_t *data, std::size_t size);
  std::optional<std::size_t> read_data (std::uint8_t *data, std::size_t size);
  Result<std::optional<std::size_t>> read_once (
      std::uint8_t *data, std::size_t size, bool now);
  void finish ();
  [[nodiscard]] bool may_resume () const;

  Requester requester;
  const std::optional<Range> wanted;
  std::optional<std::vector<std::uint8_t>> memory;  // of a data URI
  std::unique_ptr<Exchange> exchange;
  std::unique_ptr<Decoder> decoder;  // when body.coded
  std::uint64_t position;            // of the next byte, in the resource
  std::optional<std::uint64_t> end;  // behind the last wanted byte
  bool opened = false;
  unsigned failures = 0;  // since the last progress
  std::string date;       // of the first answer
  Body body;              // of the exchange
};

// As fetcher::send (), after so many tries of the caller's own.
Result<std::unique_ptr<Response>> send_again (const Settings &settings,
    const Request &request, GCancellable *cancellable, Counters *counters,
    unsigned retry);

}  // namespace fetcher

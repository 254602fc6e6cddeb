// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>

#include "common/result.h"
#include "fetcher.h"

// A resource being read, whatever is between it and the wire: what decrypts or
// keeps a copy is a Body over another one.
namespace body {

enum class Error
{
  fetch,   // see Problem::fetch
  key,     // of an encrypted resource: it is not one for its cipher
  decrypt  // the key, or the resource, is wrong
};

struct Problem
{
  Error error = Error::fetch;
  fetcher::Problem fetch{};
  std::string uri{};      // of the key, without userinfo and query
  std::string message{};  // for the debug text: no secret in it
};

template <class T>
using Result = relay::Result<T, Problem>;

[[nodiscard]] relay::Failure<Problem> failure (fetcher::Problem problem);

// By one thread at a time.
class Body
{
public:
  Body () = default;
  virtual ~Body () = default;
  Body (const Body &) = delete;
  Body &operator= (const Body &) = delete;

  // Of what is read here.
  [[nodiscard]] virtual const fetcher::Head &head () const = 0;
  // What there is, at least one byte; 0 = it is complete, its length verified
  // where one is known. Nothing when there is nothing yet: then wait (), and
  // there may be something. So memory for it need not be held meanwhile.
  [[nodiscard]] virtual Result<std::optional<std::size_t>> read_now (
      std::span<std::uint8_t> out) = 0;
  virtual void wait () = 0;
  // Somebody waits for a connection, and this has one, which it can let go: the
  // next read asks for the rest. See fetcher::Response.
  [[nodiscard]] virtual bool is_wanted () const { return false; }
  [[nodiscard]] virtual bool let_go () { return false; }
};

// What is between another one and who reads.
class Layer : public Body
{
public:
  explicit Layer (std::unique_ptr<Body> below) : below_ (std::move (below)) {}

  void wait () override { below_->wait (); }
  [[nodiscard]] bool is_wanted () const override
  {
    return below_->is_wanted ();
  }
  [[nodiscard]] bool let_go () override { return below_->let_go (); }

protected:
  [[nodiscard]] Body &below () { return *below_; }
  [[nodiscard]] const Body &below () const { return *below_; }

private:
  const std::unique_ptr<Body> below_;
};

// A request of fetcher::send, and its response.
[[nodiscard]] Result<std::unique_ptr<Body>> fetch (
    const fetcher::Settings &settings, const fetcher::Request &request,
    GCancellable *cancellable, fetcher::Counters *counters);

}  // namespace body

// SPDX-License-Identifier: LGPL-2.1-or-later
#include "body.h"

#include <utility>

#include "uri.h"

namespace body {

namespace {

class Fetched final : public Body
{
public:
  explicit Fetched (std::unique_ptr<fetcher::Response> response)
      : response_ (std::move (response))
  {
  }

  [[nodiscard]] const fetcher::Head &head () const override
  {
    return response_->head ();
  }
  Result<std::optional<std::size_t>> read_now (
      std::span<std::uint8_t> out) override
  {
    auto count = response_->read_now (out.data (), out.size ());
    if (!count) return failure (count.code ());
    return *count;
  }
  void wait () override { response_->wait (); }
  [[nodiscard]] bool is_wanted () const override
  {
    return response_->is_wanted ();
  }
  [[nodiscard]] bool let_go () override { return response_->let_go (); }

private:
  std::unique_ptr<fetcher::Response> response_;
};

}  // namespace

relay::Failure<Problem> failure (fetcher::Problem problem)
{
  return {Problem{Error::fetch, std::move (problem)}, 0};
}

Result<std::unique_ptr<Body>> fetch (const fetcher::Settings &settings,
    const fetcher::Request &request, GCancellable *cancellable,
    fetcher::Counters *counters)
{
  auto response = fetcher::send (settings, request, cancellable, counters);
  if (!response) return failure (response.code ());
  const fetcher::Head &head = (*response)->head ();
  // Of a file that has been cut a server sends what there is.
  if (request.range && request.range->last &&
      head.length != *request.range->last - request.range->first + 1)
    return failure ({fetcher::Error::truncated, head.status,
        uri::without_secrets (head.uri), "shorter than its byte range", {}});
  return std::unique_ptr<Body> (
      std::make_unique<Fetched> (std::move (*response)));
}

}  // namespace body

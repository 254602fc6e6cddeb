// SPDX-License-Identifier: LGPL-2.1-or-later
#include "asking.h"

#include "uri.h"

namespace loader {

relay::Failure<Problem> problem (
    Error error, std::string_view uri, std::string message)
{
  return {
      Problem{error, {}, uri::without_secrets (uri), std::move (message)}, 0};
}

relay::Failure<Problem> truncated (
    const fetcher::Whole &whole, std::string message)
{
  fetcher::Problem cut{fetcher::Error::truncated, 0,
      uri::without_secrets (whole.uri), std::move (message), {}};
  return {Problem{Error::fetch, std::move (cut), {}, {}}, 0};
}

bool is_cancelled (const Problem &problem)
{
  return problem.error == Error::fetch &&
         problem.fetch.error == fetcher::Error::cancelled;
}

Result<fetcher::Whole> fetch (const Access &access,
    const fetcher::Request &request, std::size_t max_bytes)
{
  auto whole = fetcher::fetch_all (
      access.settings, request, access.cancellable, access.counters, max_bytes);
  if (!whole)
    return relay::Failure<Problem>{
        Problem{Error::fetch, whole.code (), {}, {}}, 0};
  if (request.range && request.range->last &&
      whole->bytes.size () != *request.range->last - request.range->first + 1)
    return truncated (*whole, "shorter than its byte range");
  return std::move (*whole);
}

}  // namespace loader

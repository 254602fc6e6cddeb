// SPDX-License-Identifier: LGPL-2.1-or-later
#include "response.h"

#include <algorithm>
#include <ctime>
#include <utility>
#include <vector>

#include "datauri.h"
#include "uri.h"

namespace fetcher {

using relay::Done;

#define GST_CAT_DEFAULT debug_category ()

namespace {

constexpr std::size_t scratch_size = 65536;

}  // namespace

Result<Done> Response::Impl::open ()
{
  const std::string &uri = requester.request ().uri;
  Kind kind = requester.request ().kind;
  if (datauri::is_one (uri) && (kind == Kind::key || kind == Kind::init))
    return requester.located (open_data (uri));
  unsigned early = 0;
  for (unsigned retry = 0;; retry++) {
    Result<Done> done = requester.located (attempt ());
    if (done) return done;
    while (!done && requester.is_early (early, done.code ())) {
      early++;
      Result<Done> waited = requester.located (requester.wait_at_edge ());
      if (!waited) return waited;
      done = requester.located (attempt ());
    }
    if (done) return done;
    Result<Done> again =
        requester.located (requester.before_retry (retry, done.code ()));
    if (!again) return again;
  }
}

// No request: the resource is in its URI.
Result<Done> Response::Impl::open_data (const std::string &uri)
{
  datauri::Result<datauri::Data> data = datauri::parse (uri);
  if (!data) return problem (Error::uri, datauri::to_string (data.code ()));
  memory = std::move (data->bytes);
  end = memory->size ();
  if (wanted && wanted->last && *wanted->last < *end) end = *wanted->last + 1;
  if (wanted && wanted->first >= *end)
    return problem (Error::bad_range, "range not satisfiable", 416);
  head.uri = uri::without_secrets (uri);
  head.status = wanted ? 206 : 200;
  head.content_type = data->media_type;
  head.length = *end - position;
  head.total = memory->size ();
  head.delimited = true;
  head.seekable = true;
  return Done{};
}

// One try, from the first request to the first byte wanted.
Result<Done> Response::Impl::attempt ()
{
  exchange.reset ();  // one at a time, of each response
  Result<std::unique_ptr<Exchange>> sent = requester.follow (part ());
  if (!sent) return sent.error ();
  exchange = std::move (*sent);
  Result<Done> done = accept ();
  if (!done) exchange.reset ();
  return done;
}

// Which bytes: all at first, and then those that are missing.
Requester::Part Response::Impl::part () const
{
  if (!wanted && position == 0) return {};
  Requester::Part out;
  out.range = "bytes=" + std::to_string (position) + "-";
  if (end)
    out.range += std::to_string (*end - 1);
  else if (wanted && wanted->last)
    out.range += std::to_string (*wanted->last);
  out.if_range = http::if_range (body.identity, date);
  return out;
}

Result<Done> Response::Impl::accept ()
{
  unsigned status = exchange->status ();
  bool got_it = requester.request ().method == "GET"
                    ? status == 200 || status == 206
                    : status >= 200 && status < 300;
  if (!got_it) {
    Result<Done> refused = refuse ();
    exchange->discard ();
    return refused;
  }
  Result<Body> answer = describe ();
  if (!answer) return answer.error ();
  if (opened && !http::same (body.identity, answer->identity))
    return problem (Error::changed, "another body in the middle", status);
  http::Identity known = std::move (body.identity);
  body = *answer;
  if (opened) body.identity = http::joined (std::move (known), body.identity);
  if (!opened) fill_head ();
  opened = true;
  return skip_to_position ();
}

// An answer, but not the one that is wanted.
Result<Done> Response::Impl::refuse () const
{
  unsigned status = exchange->status ();
  relay::Failure<Problem> out = problem (Error::http_status, "status", status);
  if (status == 407 && exchange->proxied ())
    out = problem (Error::proxy_auth, "the proxy wants credentials", status);
  if (status == 416)
    out = problem (Error::bad_range, "range not satisfiable", status);
  out.code.head =
      std::make_shared<const Head> (exchange->head (requester.current ()));
  out.code.retry_after =
      http::retry_after (exchange->header ("Retry-After"), std::time (nullptr));
  return out;
}

Result<Response::Impl::Body> Response::Impl::describe ()
{
  Body out;
  std::string coding = exchange->header ("Content-Encoding");
  out.coded = !coding.empty () && !http::same_name (coding, "identity");
  out.identity.etag = exchange->header ("ETag");
  out.identity.last_modified = exchange->header ("Last-Modified");
  if (out.coded && (exchange->status () == 206 || position > 0))
    return problem (Error::protocol, "a part of a coded body");
  decoder = out.coded ? Decoder::make (coding) : nullptr;
  if (out.coded && !decoder)
    return problem (Error::protocol, "unknown content coding " + coding);
  if (exchange->status () == 206) return describe_part (std::move (out));
  if (!out.coded) out.end = exchange->content_length ();
  out.identity.length = out.end;
  // What a HEAD says of a body that does not come.
  if (requester.request ().method == "HEAD") out.end = position;
  if (out.end && *out.end < position)
    return problem (Error::bad_range, "shorter than where to begin", 200);
  return out;
}

Result<Response::Impl::Body> Response::Impl::describe_part (Body out)
{
  http::Result<http::ContentRange> range =
      http::parse_content_range (exchange->header ("Content-Range"));
  if (!range || !range->bytes)
    return problem (Error::bad_range,
        std::string ("Content-Range: ") +
            (range ? "no bytes" : http::to_string (range.code ())),
        206);
  auto [first, last] = *range->bytes;
  if (first != position || (!wanted && position == 0))
    return problem (Error::bad_range, "not the range asked for", 206);
  std::optional<std::uint64_t> length = exchange->content_length ();
  if (length && *length != last - first + 1)
    return problem (Error::bad_range, "two lengths that differ", 206);
  out.first = first;
  out.end = last + 1;
  out.identity.length = range->complete_length;
  return out;
}

void Response::Impl::fill_head ()
{
  // A part of unknown whole has no end: read () asks for more behind it.
  end = body.identity.length;
  if (wanted && wanted->last && (!end || *wanted->last < *end))
    end = *wanted->last + 1;
  if (end && *end < position) end = position;
  if (requester.request ().method == "HEAD") end = position;

  requester.stay ();
  date = exchange->header ("Date");
  head = exchange->head (requester.current ());
  head.permanent_uri = requester.permanent ();
  if (end) head.length = *end - position;
  head.total = body.identity.length;
  head.coded = body.coded;
  head.delimited = body.coded || end || exchange->is_delimited ();
  head.seekable =
      head.status == 206 ||
      (!body.coded &&
          http::same_name (exchange->header ("Accept-Ranges"), "bytes"));
}

// An answer that begins at 0 in spite of a Range is as good, only longer.
Result<Done> Response::Impl::skip_to_position ()
{
  std::uint64_t left = position - body.first;
  if (left == 0) return Done{};
  GST_WARNING ("%s: GET %s: no range, reading over %" G_GUINT64_FORMAT " bytes",
      requester.name ().c_str (),
      uri::without_secrets (requester.current ()).c_str (), left);
  std::vector<std::uint8_t> scratch (scratch_size);
  while (left > 0) {
    Result<std::size_t> count = exchange->read (
        scratch.data (), std::min<std::uint64_t> (left, scratch.size ()));
    if (!count) return count.error ();
    if (*count == 0)
      return problem (Error::truncated, "ends before where to begin");
    left -= *count;
  }
  return Done{};
}

Result<std::optional<std::size_t>> Response::Impl::read (
    std::uint8_t *data, std::size_t size, bool now)
{
  if (memory) return read_data (data, size);
  for (;;) {
    if (end && position >= *end) {
      finish ();
      return std::optional<std::size_t> (0);
    }
    Result<std::optional<std::size_t>> count = read_once (data, size, now);
    if (count) {
      if (*count) failures = 0;
      return count;
    }
    // A server may serve a range in parts (RFC 9110 15.3.7): no failure.
    bool part = exchange && position > body.first && body.end == position;
    exchange.reset ();
    if (part) continue;
    // Nothing is behind a part of unknown whole: it was the last one.
    if (!end && body.end == position && count.code ().http_status == 416) {
      end = position;
      return std::optional<std::size_t> (0);
    }
    if (!may_resume ()) return requester.located (std::move (count));
    Result<Done> again = requester.located (requester.before_retry (
        failures++, requester.located (std::move (count)).code ()));
    if (!again) return again.error ();
  }
}

std::optional<std::size_t> Response::Impl::read_data (
    std::uint8_t *data, std::size_t size)
{
  size = static_cast<std::size_t> (
      std::min<std::uint64_t> (size, *end - position));
  std::copy_n (
      memory->begin () + static_cast<std::ptrdiff_t> (position), size, data);
  position += size;
  requester.counters ().bytes_received += size;
  return size;
}

Result<std::optional<std::size_t>> Response::Impl::read_once (
    std::uint8_t *data, std::size_t size, bool now)
{
  if (!exchange)
    if (Result<Done> resumed = attempt (); !resumed) return resumed.error ();
  if (end)
    size = static_cast<std::size_t> (
        std::min<std::uint64_t> (size, *end - position));
  std::optional<std::size_t> count;
  if (now && !decoder) {
    Result<std::optional<std::size_t>> got = exchange->read_now (data, size);
    if (!got || !*got) return got;
    count = *got;
  } else {
    Result<std::size_t> got =
        decoder ? read_decoded (data, size) : exchange->read (data, size);
    if (!got) return got.error ();
    count = *got;
  }
  if (*count == 0 && (end || body.end))
    return problem (Error::truncated, "the body broke off");
  position += *count;
  requester.counters ().bytes_received += *count;
  // The connection is free as soon as the last byte is here. The end of a
  // chunked body could have to be waited for.
  if (*count > 0 && position == end && exchange->content_length ()) finish ();
  return count;
}

Result<std::size_t> Response::Impl::read_decoded (
    std::uint8_t *data, std::size_t size)
{
  for (;;) {
    std::optional<std::size_t> count = decoder->decode (data, size);
    if (!count) return problem (Error::protocol, "broken content coding");
    if (*count > 0) return *count;
    std::span<std::uint8_t> space = decoder->space ();
    Result<std::size_t> coded = exchange->read (space.data (), space.size ());
    if (!coded) return coded;
    decoder->add (*coded);
    if (*coded > 0) continue;
    if (!decoder->is_complete ())
      return problem (Error::truncated, "the content coding broke off");
    return std::size_t{0};
  }
}

void Response::Impl::finish ()
{
  if (exchange && body.end == position) exchange->discard ();
  exchange.reset ();
}

// Where the end is not known, there may be nothing behind the position.
bool Response::Impl::let_go ()
{
  if (!exchange || !end || !may_resume ()) return false;
  exchange.reset ();
  return true;
}

bool Response::Impl::may_resume () const
{
  return opened && !body.coded && requester.request ().method == "GET" &&
         http::same (body.identity, body.identity);
}

Response::Response (std::unique_ptr<Impl> impl) : impl_ (std::move (impl)) {}

Response::~Response () = default;

const Head &Response::head () const
{
  return impl_->head;
}

void Response::wait ()
{
  impl_->wait ();
}

bool Response::is_wanted () const
{
  return impl_->is_wanted ();
}

bool Response::let_go ()
{
  return impl_->let_go ();
}

Result<std::size_t> Response::read (std::uint8_t *data, std::size_t size)
{
  Result<std::optional<std::size_t>> count = impl_->read (data, size, false);
  if (!count) return count.error ();
  return count->value_or (0);
}

Result<std::optional<std::size_t>> Response::read_now (
    std::uint8_t *data, std::size_t size)
{
  return impl_->read (data, size, true);
}

Result<std::unique_ptr<Response>> send_again (const Settings &settings,
    const Request &request, GCancellable *cancellable, Counters *counters,
    unsigned retry)
{
  auto impl = std::make_unique<Response::Impl> (
      settings, request, cancellable, counters, retry);
  if (Result<Done> done = impl->open (); !done) return done.error ();
  return std::make_unique<Response> (std::move (impl));
}

}  // namespace fetcher

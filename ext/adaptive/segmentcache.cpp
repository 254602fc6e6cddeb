// SPDX-License-Identifier: LGPL-2.1-or-later
#include "segmentcache.h"

#include <algorithm>
#include <chrono>
#include <string_view>
#include <utility>
#include <vector>

#include "http.h"
#include "text.h"
#include "uri.h"

namespace segmentcache {

namespace {

// How long a stream waits for a disk that is slow before it goes on without.
constexpr std::chrono::milliseconds patience{1000};

using Bytes = std::vector<std::uint8_t>;

class Kept final : public body::Body
{
public:
  Kept (const std::string &uri, Bytes bytes) : bytes_ (std::move (bytes))
  {
    head_.uri = uri;
    head_.status = 200;
    head_.length = bytes_.size ();
    head_.total = bytes_.size ();
    head_.delimited = true;
  }

  [[nodiscard]] const fetcher::Head &head () const override { return head_; }
  body::Result<std::optional<std::size_t>> read_now (
      std::span<std::uint8_t> out) override
  {
    std::size_t count = std::min (out.size (), bytes_.size () - at_);
    auto from = bytes_.begin () + static_cast<std::ptrdiff_t> (at_);
    std::copy_n (from, count, out.begin ());
    at_ += count;
    return std::optional (count);
  }
  void wait () override {}

private:
  const Bytes bytes_;
  std::size_t at_ = 0;
  fetcher::Head head_;
};

class Keeping final : public body::Layer
{
public:
  Keeping (Cache &cache, std::unique_ptr<body::Body> body,
      std::unique_ptr<store::Writer> writer)
      : Layer (std::move (body)), cache_ (cache), writer_ (std::move (writer))
  {
  }

  [[nodiscard]] const fetcher::Head &head () const override
  {
    return below ().head ();
  }
  body::Result<std::optional<std::size_t>> read_now (
      std::span<std::uint8_t> out) override
  {
    auto count = below ().read_now (out);
    if (!count)
      writer_.reset ();
    else if (*count && writer_)
      append (out.first (**count));
    return count;
  }

private:
  void append (std::span<const std::uint8_t> bytes)
  {
    if (bytes.empty ()) {
      writer_->finish ();
      writer_.reset ();
      return;
    }
    size_ += bytes.size ();
    if (size_ > largest) {
      writer_.reset ();
      return;
    }
    auto copy = std::make_shared<const Bytes> (bytes.begin (), bytes.end ());
    auto done = writer_->append ({}, {*copy, copy}, patience);
    if (done) return;
    cache_.failed (done.error ());
    writer_.reset ();
  }

  Cache &cache_;
  std::unique_ptr<store::Writer> writer_;
  std::uint64_t size_ = 0;
};

store::Result<Bytes> read_all (const store::Reader &reader)
{
  Bytes out;
  Bytes slice;
  for (const record::Record &record : reader.index ().records) {
    if (record.type != record::Type::slice) continue;
    slice.resize (record.size ());
    auto done = reader.read (record, slice);
    if (!done) return done.error ();
    out.insert (out.end (), slice.begin (), slice.begin () + record.payload);
  }
  return out;
}

bool names (std::string_view directives, std::string_view name)
{
  while (!directives.empty ()) {
    std::size_t comma = std::min (directives.find (','), directives.size ());
    std::string_view one = text::trim (directives.substr (0, comma));
    if (http::same_name (text::trim (one.substr (0, one.find ('='))), name))
      return true;
    directives.remove_prefix (std::min (comma + 1, directives.size ()));
  }
  return false;
}

}  // namespace

bool may_be_kept (const fetcher::Head &head)
{
  if (!head.length || *head.length > largest) return false;
  return std::ranges::none_of (head.headers, [] (const auto &header) {
    return http::same_name (header.first, "Cache-Control") &&
           (names (header.second, "no-store") ||
               names (header.second, "private"));
  });
}

Cache::Cache (const Settings &settings, Counters &counters,
    std::function<void (const std::string &)> warn)
    : counters_ (counters), warn_ (std::move (warn))
{
  store::Options options;
  options.l2_size = settings.size;
  options.min_free = settings.min_free;
  auto opened = store::Store::open (settings.folder, options);
  if (opened)
    store_ = std::move (*opened);
  else
    failed (opened.error ());
}

void Cache::failed (store::Failure failure)
{
  ++counters_.failures;
  if (warned_.exchange (true)) return;
  warn_ (std::string (store::to_string (failure.code)) + " (error " +
         std::to_string (failure.position) + ")");
}

std::unique_ptr<body::Body> Cache::find (
    const std::string &key, const std::string &uri)
{
  if (!store_) return nullptr;
  auto found = store_->find (key);
  if (found && (*found)->index ().bytes <= largest) {
    auto bytes = read_all (**found);
    if (bytes) {
      ++counters_.hits;
      return std::make_unique<Kept> (uri, std::move (*bytes));
    }
    failed (bytes.error ());
  } else if (!found && found.code () != store::Error::not_found &&
             found.code () != store::Error::incomplete) {
    failed (found.error ());
  }
  ++counters_.misses;
  return nullptr;
}

std::unique_ptr<body::Body> Cache::keep (
    const std::string &key, std::unique_ptr<body::Body> body)
{
  if (!store_ || !may_be_kept (body->head ())) return body;
  auto writer = store_->create (key);
  if (writer)
    return std::make_unique<Keeping> (
        *this, std::move (body), std::move (*writer));
  // Somebody else is at it.
  if (writer.code () != store::Error::busy) failed (writer.error ());
  return body;
}

}  // namespace segmentcache

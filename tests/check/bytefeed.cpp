// SPDX-License-Identifier: LGPL-2.1-or-later
#include "bytefeed.h"

#include <memory>
#include <vector>

#include "testbytes.h"

namespace {

using namespace std::chrono_literals;
using bytefeed::Feed;
using bytestream::Range;
using bytestream::Stream;
using bytestream::unknown;
using store::Error;
using store::Store;
using test::facts_of;
using test::resource;
using test::right_bytes;
using test::TempDir;

// Slices of 100 bytes.
struct Cache
{
  Cache () : store (*Store::open (temp.path (), test::small_store)) {}
  Stream open () { return bytestream::open (*store, "k", memory); }

  TempDir temp;
  slices::Memory memory{1 << 20};
  std::shared_ptr<Store> store;
};

void keep (const Stream &stream, Range range)
{
  std::unique_ptr<bytestream::Filler> filler = stream.claim (range);
  fail_unless (filler != nullptr && test::fill (*filler, range.to, 1).ok ());
}

// What a source sends, in pieces.
store::Result<relay::Done> send (
    Feed &feed, std::uint64_t to, std::size_t step = 33)
{
  while (feed.position () < to) {
    std::uint64_t from = feed.position ();
    std::uint64_t end = std::min<std::uint64_t> (from + step, to);
    auto taken = feed.take (test::chunk (resource (from, end, 1)), 10s);
    if (!taken) return taken;
    fail_unless (feed.position () == end);
  }
  return relay::Done{};
}

std::vector<Range> present (const Stream &stream)
{
  return stream.present ();
}

}  // namespace

GST_START_TEST (what_comes_by_is_kept)
{
  struct Row
  {
    std::vector<Range> there;
    std::uint64_t from;
    std::uint64_t to;
    std::size_t step;
    std::vector<Range> kept;
  };
  const std::vector<Row> rows{
      {{}, 0, 1000, 33, {{0, 1000}}},
      {{}, 0, 1000, 1000, {{0, 1000}}},
      {{}, 0, 250, 33, {{0, 200}}},
      // The slice that was begun before is not whole.
      {{}, 150, 450, 33, {{200, 400}}},
      {{}, 150, 450, 300, {{200, 400}}},
      {{}, 300, 450, 7, {{300, 400}}},
      {{{0, 200}}, 0, 1000, 33, {{0, 1000}}},
      {{{300, 500}}, 0, 1000, 70, {{0, 1000}}},
      {{{300, 500}, {700, 800}}, 250, 1000, 1000, {{300, 1000}}},
      {{{0, 1000}}, 0, 1000, 33, {{0, 1000}}},
  };
  for (const Row &row : rows) {
    Cache cache;
    Stream stream = cache.open ();
    fail_unless (stream.agree (facts_of (1000, "\"a\"")));
    for (const Range &range : row.there) keep (stream, range);
    {
      Feed feed (stream, row.from, nullptr, true);
      fail_unless (send (feed, row.to, row.step).ok ());
      fail_unless (feed.position () == row.to);
    }
    fail_unless (present (stream) == row.kept, "from %lu",
        static_cast<unsigned long> (row.from));
    for (const Range &range : row.kept)
      fail_unless (right_bytes (stream, range.from, 1, range.to) ==
                   range.to - range.from);
  }
}
GST_END_TEST;

GST_START_TEST (only_what_was_claimed_is_filled)
{
  Cache cache;
  Stream stream = cache.open ();
  fail_unless (stream.agree (facts_of (1000, "\"a\"")));
  Feed feed (stream, 0, stream.claim ({300, 500}), false);
  fail_unless (!feed.is_done ());
  fail_unless (send (feed, 480).ok () && !feed.is_done ());
  fail_unless (send (feed, 700).ok () && feed.is_done ());
  fail_unless (present (stream) == (std::vector<Range>{{300, 500}}));
  feed.fill (stream.claim ({800, unknown}));
  fail_unless (send (feed, 1000).ok () && feed.is_done ());
  fail_unless (
      present (stream) == (std::vector<Range>{{300, 500}, {800, 1000}}));
  fail_unless (feed.filled () == 400);
}
GST_END_TEST;

// What another has claimed, and let go of.
GST_START_TEST (what_others_leave_is_kept)
{
  Cache cache;
  Stream stream = cache.open ();
  fail_unless (stream.agree (facts_of (1000, "\"a\"")));
  auto other = stream.claim ({0, unknown});
  Feed feed (stream, 0, nullptr, true);
  fail_unless (send (feed, 350).ok () && feed.filled () == 0);
  other.reset ();
  fail_unless (send (feed, 1000).ok ());
  fail_unless (present (stream) == (std::vector<Range>{{400, 1000}}));
}
GST_END_TEST;

GST_START_TEST (the_end_is_where_it_should_be)
{
  struct Row
  {
    std::uint64_t total;
    std::uint64_t end;
    // incomplete, changed, or nothing.
    const char *failure;
    bool whole;
  };
  const std::vector<Row> rows{
      {1000, 1000, "", true},
      {1000, 950, "incomplete", false},
      {1000, 1050, "changed", true},
      {unknown, 950, "", true},
      {unknown, 0, "", true},
  };
  for (const Row &row : rows) {
    Cache cache;
    Stream stream = cache.open ();
    fail_unless (stream.agree (facts_of (row.total, "\"a\"")));
    Feed feed (stream, 0, nullptr, true);
    store::Result<relay::Done> result = send (feed, row.end);
    if (result) result = feed.end (10s);
    std::string failure = result ? "" : store::to_string (result.code ());
    fail_unless (failure == row.failure, "%s", failure.c_str ());
    fail_unless (stream.status ().complete == row.whole);
  }
}
GST_END_TEST;

GST_START_TEST (a_claim_before_anything_is_known)
{
  Cache cache;
  Stream stream = cache.open ();
  auto filler = stream.claim ({0, unknown});
  // Nobody else may say what it is.
  fail_if (stream.agree (facts_of (1000, "\"a\"")));
  fail_unless (filler->agree (facts_of (1000, "\"a\"")));
  fail_unless (stream.facts ().etag == "\"a\"");
  fail_if (filler->agree (facts_of (1000, "\"b\"")));
  fail_unless (stream.agree (facts_of (1000, "\"a\"")));
}
GST_END_TEST;

static Suite *bytefeed_suite ()
{
  Suite *suite = suite_create ("bytefeed");
  TCase *tests = tcase_create ("all");
  suite_add_tcase (suite, tests);
  tcase_add_test (tests, what_comes_by_is_kept);
  tcase_add_test (tests, only_what_was_claimed_is_filled);
  tcase_add_test (tests, what_others_leave_is_kept);
  tcase_add_test (tests, the_end_is_where_it_should_be);
  tcase_add_test (tests, a_claim_before_anything_is_known);
  return suite;
}

GST_CHECK_MAIN (bytefeed)

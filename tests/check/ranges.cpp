// SPDX-License-Identifier: LGPL-2.1-or-later
#include "ranges.h"

#include <random>
#include <set>
#include <string>

#include "testutil.h"

namespace {

using ranges::At;
using ranges::Claim;
using ranges::Place;
using ranges::Range;
using ranges::Table;
using ranges::unknown;

constexpr std::uint32_t size = 10;
constexpr std::uint64_t limit = 1000;

// "##..#" has slices 0, 1 and 4.
Table table_of (std::string_view slices, std::uint64_t total = unknown)
{
  Table table (size, limit);
  if (total != unknown) fail_unless (table.set_total (total));
  for (std::size_t i = 0; i < slices.size (); i++)
    if (slices[i] == '#') fail_unless (table.set (i));
  return table;
}

}  // namespace

GST_START_TEST (what_is_where)
{
  struct Row
  {
    const char *slices;
    std::uint64_t total;
    std::uint64_t offset;
    Place place;
    Range range;
  };
  const Row rows[] = {
      {"", unknown, 0, Place::hole, {0, unknown}},
      {"", unknown, 15, Place::hole, {10, unknown}},
      {"", 0, 0, Place::end, {0, 0}},
      {"", 25, 24, Place::hole, {20, 25}},
      {"", 25, 25, Place::end, {25, 25}},
      {"", 25, 1000000, Place::end, {1000000, 1000000}},
      {"#", unknown, 9, Place::present, {0, 10}},
      {"##", unknown, 9, Place::present, {0, 10}},
      {"#", unknown, 10, Place::hole, {10, unknown}},
      {"..#", 25, 3, Place::hole, {0, 20}},
      {"..#", 25, 20, Place::present, {20, 25}},
      {".#.", 30, 29, Place::hole, {20, 30}},
      // There is no place for it, but it is not the end.
      {"", unknown, size * limit, Place::hole, {size * limit, unknown}},
  };
  for (const Row &row : rows) {
    At at = table_of (row.slices, row.total).at (row.offset);
    fail_unless (at.place == row.place && at.range == row.range,
        "'%s' %lu at %lu: %d, %lu to %lu", row.slices, row.total, row.offset,
        static_cast<int> (at.place), at.range.from, at.range.to);
  }
}
GST_END_TEST;

GST_START_TEST (a_claim_is_of_one_hole)
{
  struct Row
  {
    const char *slices;
    std::uint64_t total;
    Range wanted;
    Range got;
  };
  const Range none{0, 0};
  const Row rows[] = {
      {"", unknown, {0, unknown}, {0, unknown}},
      {"", unknown, {15, unknown}, {10, unknown}},
      {"", unknown, {15, 16}, {10, 20}},
      {"", unknown, {15, 21}, {10, 30}},
      {"", unknown, {15, 15}, {10, 20}},
      {"", 25, {0, unknown}, {0, 25}},
      {"", 25, {20, unknown}, {20, 25}},
      {"", 25, {25, unknown}, none},
      {"", 25, {30, unknown}, none},
      {"", 0, {0, unknown}, none},
      {"#.#.", unknown, {0, unknown}, {10, 20}},
      {"#.#.", unknown, {5, unknown}, {10, 20}},
      {"#.#.", unknown, {20, unknown}, {30, unknown}},
      {"#.#.", unknown, {0, 10}, none},
      {"#.#", 30, {20, unknown}, none},
      {"###", 30, {0, unknown}, none},
      {"", unknown, {size * limit, unknown}, none},
      {"", unknown, {0, size * limit}, {0, unknown}},
  };
  for (const Row &row : rows) {
    Table table = table_of (row.slices, row.total);
    std::optional<Claim> claim = table.claim (row.wanted);
    fail_unless (claim.has_value () == !(row.got == none),
        "'%s' %lu, %lu to %lu", row.slices, row.total, row.wanted.from,
        row.wanted.to);
    Range got = claim ? table.left (*claim) : none;
    fail_unless (got == row.got, "'%s' %lu, %lu to %lu: %lu to %lu", row.slices,
        row.total, row.wanted.from, row.wanted.to, got.from, got.to);
  }
}
GST_END_TEST;

GST_START_TEST (claims_do_not_overlap)
{
  Table table = table_of ("..#", 100);
  Claim behind = *table.claim ({50, 70});
  Claim before = *table.claim ({0, unknown});
  fail_unless (table.left (before) == (Range{0, 20}));
  Claim between = *table.claim ({0, unknown});
  fail_unless (table.left (between) == (Range{30, 50}));
  fail_unless (table.left (behind) == (Range{50, 70}));
  fail_unless (table.at (0).place == Place::claimed);
  fail_unless (table.at (35).range == (Range{30, 50}));
  fail_unless (table.left (*table.claim ({0, unknown})) == (Range{70, 100}));
  fail_if (table.claim ({0, unknown}).has_value ());
  table.release (between);
  fail_unless (table.at (35).place == Place::hole);
  fail_unless (table.at (35).range == (Range{30, 50}));
  fail_unless (table.left (between) == (Range{}));
  fail_unless (table.left (*table.claim ({45, unknown})) == (Range{40, 50}));
}
GST_END_TEST;

GST_START_TEST (a_claim_shrinks_as_it_is_filled)
{
  Table table = table_of ("", 35);
  Claim claim = *table.claim ({0, unknown});
  for (std::uint64_t slice = 0; slice < 4; slice++) {
    fail_unless (table.left (claim) == (Range{slice * size, 35}));
    // The second is left out.
    if (slice != 1) fail_unless (table.set (slice));
    table.advance (claim);
  }
  fail_unless (table.left (claim).from == table.left (claim).to);
  table.advance (claim);
  fail_unless (table.at (12).place == Place::hole);
  fail_unless (table.at (12).range == (Range{10, 20}));
  fail_if (table.complete ());
  fail_unless (table.bytes () == 25);
  fail_unless (table.set (1) && table.complete ());
  fail_unless (table.bytes () == 35);
  fail_if (table.set (4));
}
GST_END_TEST;

GST_START_TEST (a_claim_is_cut_where_it_is_far)
{
  struct Row
  {
    std::uint64_t wanted;
    std::uint64_t cut;
    Range got;
    Range left;
  };
  // One has from 20 on.
  const Range none{0, 0};
  const Row rows[] = {
      {20, unknown, none, {20, 100}},
      {20, 0, {30, 100}, {20, 30}},
      {30, 0, {30, 100}, {20, 30}},
      {30, 10, {40, 100}, {20, 40}},
      {50, 20, {50, 100}, {20, 50}},
      {50, 30, {60, 100}, {20, 60}},
      {99, 70, none, {20, 100}},
      {99, 60, {90, 100}, {20, 90}},
      {0, 0, {0, 20}, {20, 100}},
  };
  for (const Row &row : rows) {
    Table table = table_of ("", 100);
    Claim first = *table.claim ({20, unknown});
    std::optional<Claim> claim = table.claim ({row.wanted, unknown}, row.cut);
    Range got = claim ? table.left (*claim) : none;
    fail_unless (got == row.got, "%lu, %lu: %lu to %lu", row.wanted, row.cut,
        got.from, got.to);
    fail_unless (
        table.left (first) == row.left, "%lu, %lu", row.wanted, row.cut);
  }
}
GST_END_TEST;

GST_START_TEST (the_total_comes_late)
{
  Table table = table_of ("#.#");
  Claim claim = *table.claim ({30, unknown});
  // Less than what is there.
  fail_if (table.set_total (29));
  fail_unless (table.total () == unknown);
  fail_if (table.set_total (size * limit));
  fail_unless (table.set_total (35));
  fail_unless (table.left (claim) == (Range{30, 35}));
  fail_unless (table.set_total (35));
  fail_if (table.set_total (34));
  fail_unless (table.end_of (3) == 35);
  Table other = table_of ("#");
  claim = *other.claim ({20, unknown});
  fail_unless (other.set_total (10));
  fail_unless (other.left (claim).from == other.left (claim).to);
  fail_unless (other.complete ());
  fail_unless (table_of ("", 0).complete ());
}
GST_END_TEST;

GST_START_TEST (what_is_there_in_order)
{
  fail_unless (table_of ("").present ().empty ());
  fail_unless (table_of ("##.#", 37).present () ==
               (std::vector<Range>{{0, 20}, {30, 37}}));
  Table table = table_of ("###", 30);
  table.unset (1);
  table.unset (1);
  table.unset (7);
  fail_unless (table.present () == (std::vector<Range>{{0, 10}, {20, 30}}));
  fail_unless (table.bytes () == 20);
}
GST_END_TEST;

namespace {

// The same, slice by slice.
struct Model
{
  std::uint64_t count = 40;
  std::uint64_t total = unknown;
  std::set<std::uint64_t> present;
  std::map<Claim, std::set<std::uint64_t>> claims;

  [[nodiscard]] bool is_claimed (std::uint64_t slice) const
  {
    for (const auto &[id, slices] : claims)
      if (slices.count (slice) == 1) return true;
    return false;
  }
  [[nodiscard]] Place place (std::uint64_t slice) const
  {
    if (slice >= count) return Place::end;
    if (present.count (slice) == 1) return Place::present;
    return is_claimed (slice) ? Place::claimed : Place::hole;
  }
};

void play (unsigned seed)
{
  std::minstd_rand random (seed);
  Table table (size, 40);
  Model model;
  for (unsigned step = 0; step < 200; step++) {
    std::uint64_t slice = random () % 40;
    auto some = model.claims.begin ();
    if (!model.claims.empty ())
      std::advance (some, random () % model.claims.size ());
    switch (random () % 8) {
      case 0:
        fail_unless (table.set (slice) == (slice < model.count));
        if (slice < model.count) model.present.insert (slice);
        break;
      case 1:
        table.unset (slice);
        model.present.erase (slice);
        break;
      case 2: {
        std::uint64_t to = slice + 1 + random () % 20;
        std::optional<Claim> claim = table.claim ({slice * size, to * size});
        std::set<std::uint64_t> expected;
        for (std::uint64_t i = slice; i < to && i < model.count; i++) {
          bool is_hole = model.place (i) == Place::hole;
          if (is_hole) expected.insert (i);
          if (!is_hole && !expected.empty ()) break;
        }
        fail_unless (claim.has_value () == !expected.empty ());
        if (claim) model.claims[*claim] = expected;
        break;
      }
      case 3:
        if (some == model.claims.end ()) break;
        table.release (some->first);
        model.claims.erase (some);
        break;
      case 4:
      case 5:
        if (some == model.claims.end () || some->second.empty ()) break;
        fail_unless (
            table.left (some->first).from == *some->second.begin () * size);
        if (random () % 2 == 0) {
          table.set (*some->second.begin ());
          model.present.insert (*some->second.begin ());
        }
        table.advance (some->first);
        some->second.erase (some->second.begin ());
        break;
      case 6: {
        std::uint64_t first = slice + random () % 3;
        std::optional<Claim> claim =
            table.claim ({first * size, unknown}, 2 * size);
        if (!claim) break;
        // Wherever it is, it is nobody else's now.
        Range range = table.left (*claim);
        std::set<std::uint64_t> got;
        std::uint64_t last = std::min (range.to, model.count * size);
        for (std::uint64_t i = range.from / size; i * size < last; i++)
          got.insert (i);
        for (std::uint64_t i : got) fail_if (model.present.count (i) == 1);
        for (auto &[id, slices] : model.claims) {
          if (slices.count (*got.begin ()) == 0) continue;
          fail_unless (*got.begin () - *slices.begin () > 2);
          slices.erase (slices.find (*got.begin ()), slices.end ());
        }
        for (std::uint64_t i : got) fail_if (model.is_claimed (i));
        model.claims[*claim] = got;
        break;
      }
      default: {
        if (random () % 20 != 0) break;
        std::uint64_t total = slice * size + random () % size;
        std::uint64_t count = (total + size - 1) / size;
        bool fits = model.total == unknown || model.total == total;
        if (model.total == unknown && !model.present.empty ())
          fits &= (*model.present.rbegin () + 1) * size <= total;
        fail_unless (table.set_total (total) == fits);
        if (!fits || model.total != unknown) break;
        model.total = total;
        model.count = count;
        for (auto &[id, slices] : model.claims)
          slices.erase (slices.lower_bound (count), slices.end ());
      }
    }
    bool same = table.complete () == (model.total != unknown &&
                                         model.present.size () == model.count);
    for (std::uint64_t i = 0; i < 40; i++) {
      std::uint64_t offset = i * size + random () % size;
      Place place = model.place (i);
      if (place != Place::end && offset >= model.total) place = Place::end;
      same &= table.at (offset).place == place;
    }
    fail_unless (same, "seed %u step %u", seed, step);
  }
}

}  // namespace

GST_START_TEST (it_does_what_the_model_does)
{
  unsigned seeds = std::getenv ("RELAY_SOAK") != nullptr ? 20000 : 300;
  for (unsigned seed = 1; seed <= seeds; seed++) play (seed);
}
GST_END_TEST;

static Suite *ranges_suite ()
{
  Suite *suite = suite_create ("ranges");
  TCase *tests = tcase_create ("all");
  suite_add_tcase (suite, tests);
  tcase_add_test (tests, what_is_where);
  tcase_add_test (tests, a_claim_is_of_one_hole);
  tcase_add_test (tests, claims_do_not_overlap);
  tcase_add_test (tests, a_claim_shrinks_as_it_is_filled);
  tcase_add_test (tests, a_claim_is_cut_where_it_is_far);
  tcase_add_test (tests, the_total_comes_late);
  tcase_add_test (tests, what_is_there_in_order);
  tcase_add_test (tests, it_does_what_the_model_does);
  return suite;
}

GST_CHECK_MAIN (ranges)

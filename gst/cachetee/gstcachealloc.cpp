// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gstcachealloc.h"

#include <algorithm>
#include <memory>
#include <vector>

#include "common/gstpp.h"

namespace cachealloc {

using relay::Owned;

namespace {

// A meta's API, and whether it came with parameters.
struct Meta
{
  GType api = 0;
  bool plain = true;
};

struct Needs
{
  GstAllocationParams params{};
  guint size = 0;
  guint buffers = 0;
  unsigned branches = 0;
  std::vector<Meta> metas;
};

std::vector<Meta> metas_of (GstQuery *query)
{
  std::vector<Meta> metas;
  guint count = gst_query_get_n_allocation_metas (query);
  for (guint i = 0; i < count; i++) {
    const GstStructure *with = nullptr;
    GType api = gst_query_parse_nth_allocation_meta (query, i, &with);
    metas.push_back ({api, with == nullptr});
  }
  return metas;
}

void add_params (Needs &needs, GstQuery *query)
{
  guint count = gst_query_get_n_allocation_params (query);
  for (guint i = 0; i < count; i++) {
    GstAllocationParams params{};
    gst_query_parse_nth_allocation_param (query, i, nullptr, &params);
    needs.params.align = std::max (needs.params.align, params.align);
    needs.params.prefix = std::max (needs.params.prefix, params.prefix);
    needs.params.padding = std::max (needs.params.padding, params.padding);
  }
  if (gst_query_get_n_allocation_pools (query) == 0) return;
  guint size = 0;
  guint buffers = 0;
  gst_query_parse_nth_allocation_pool (
      query, 0, nullptr, &size, &buffers, nullptr);
  needs.size = std::max (needs.size, size);
  needs.buffers = std::max (needs.buffers, buffers);
}

// Of one branch alone its parameters are known; those of several are not put
// together.
void add_metas (Needs &needs, GstQuery *query)
{
  std::vector<Meta> metas = metas_of (query);
  if (needs.branches == 0) {
    needs.metas = std::move (metas);
    return;
  }
  std::erase_if (needs.metas, [&] (const Meta &had) {
    auto same = std::find_if (metas.begin (), metas.end (),
        [&] (const Meta &other) { return other.api == had.api; });
    return same == metas.end () || !had.plain || !same->plain;
  });
}

// What the first branch said of a meta that is left.
void copy_metas (const Needs &needs, GstQuery *first, GstQuery *query)
{
  for (const Meta &meta : needs.metas) {
    guint at = 0;
    const GstStructure *with = nullptr;
    if (!gst_query_find_allocation_meta (first, meta.api, &at)) continue;
    gst_query_parse_nth_allocation_meta (first, at, &with);
    gst_query_add_allocation_meta (query, meta.api, with);
  }
}

}  // namespace

bool answer (
    const cachebranch::List &branches, bool allow_not_linked, GstQuery *query)
{
  GstCaps *caps = nullptr;
  gst_query_parse_allocation (query, &caps, nullptr);
  Needs needs;
  gst_allocation_params_init (&needs.params);
  Owned<GstQuery> first;
  for (const std::shared_ptr<cachebranch::Branch> &branch : branches) {
    Owned<GstPad> peer{gst_pad_get_peer (branch->pad.get ())};
    if (peer == nullptr && allow_not_linked) continue;
    // The pool is ours to propose, not theirs.
    Owned<GstQuery> asked{gst_query_new_allocation (caps, FALSE)};
    if (peer == nullptr || !gst_pad_query (peer.get (), asked.get ()))
      return false;
    add_params (needs, asked.get ());
    add_metas (needs, asked.get ());
    needs.branches++;
    if (first == nullptr) first = std::move (asked);
  }
  if (first != nullptr) copy_metas (needs, first.get (), query);
  const GstAllocationParams &params = needs.params;
  if (params.align != 0 || params.prefix != 0 || params.padding != 0)
    gst_query_add_allocation_param (query, nullptr, &needs.params);
  // Of size 0 a pool's buffers would have no memory.
  if (needs.size != 0)
    gst_query_add_allocation_pool (query, nullptr, needs.size,
        needs.branches > 1 ? needs.buffers + 1 : needs.buffers, 0);
  return true;
}

}  // namespace cachealloc

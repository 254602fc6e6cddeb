// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "bmff.h"
#include "protection.h"
#include "samples.h"

// Which groups samples are in, and where their auxiliary information is: by
// the boxes of a traf, or those of a stbl.
namespace auxiliary {

using bmff::Result;

// What samples of a track can be: by its sample entries, and by the
// descriptions of its stbl and, in a fragment, of its traf.
struct Entries
{
  std::span<const std::optional<protection::Encryption>> sample_entries;
  const protection::Descriptions *track = nullptr;
  const protection::Descriptions *fragment = nullptr;
  const bmff::Box *sbgp = nullptr;
  // PIFF's may say it in place of the sample entry.
  const bmff::Box *senc = nullptr;
};

// Sets groups and treatments of a batch whose runs have the index of their
// sample entry, from 0, for a treatment.
Result<relay::Done> set_treatments (
    const Entries &entries, samples::Batch &batch);

// The box that puts samples into seig groups; null when there is none.
const bmff::Box *find_sbgp (const std::vector<bmff::Box> &boxes);

struct Boxes
{
  const bmff::Box *senc = nullptr;
  const bmff::Box *saiz = nullptr;
  const bmff::Box *saio = nullptr;
};
Boxes find (const std::vector<bmff::Box> &boxes);

struct Place
{
  std::uint64_t box_position = 0;  // in the resource
  std::uint64_t box_size = 0;
  std::size_t position = 0;  // of what errors are about, in the box
  // What saio may count from, the likeliest first.
  std::vector<std::uint64_t> bases;
  // How many bytes saio may still lead to in this box, which samples do not
  // share in a sound file: 2 * box_size to begin with, one for each base.
  std::uint64_t &left;
};

// Finds the auxiliary information of a batch with treatments. senc where it is
// sound; saio and saiz in the wild are more often wrong. True when they differ.
Result<bool> resolve (
    const Boxes &boxes, const Place &place, samples::Batch &batch);

// Takes clear and empty runs out and puts the others in order. Returns how
// many samples are clear.
std::uint64_t finish (samples::Batch &batch);

}  // namespace auxiliary

#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Checks encrypted fragmented MP4 against the clear file that it was made of.

  mp4check.py SCHEME CLEAR ENCRYPTED [CLEAR ENCRYPTED]...

Pairs of whole files, or of init and media segments in their order. What is
checked is what ISO/IEC 23001-7 and 14496-12 say of the boxes; nothing is
decrypted. The last line on stdout tells what was seen.
"""
import struct
import sys

CONTAINERS = {b"moov", b"trak", b"mdia", b"minf", b"stbl", b"mvex", b"sinf",
              b"schi", b"moof", b"traf", b"mfra"}


def check(condition, text):
    if not condition:
        sys.exit(f"{current}: {text}")


class Box:
    def __init__(self, data, at, end):
        size, self.type = struct.unpack_from(">I4s", data, at)
        check(8 <= size <= end - at, f"a box at {at} has a wrong size")
        self.at, self.body, self.end, self.data = at, at + 8, at + size, data
        self.children = []
        if self.type in CONTAINERS:
            self.children = read_boxes(data, self.body, self.end)
        elif self.type == b"stsd":
            self.children = read_boxes(data, self.body + 8, self.end)
        elif self.type in (b"encv", b"avc1", b"hev1"):
            self.children = read_boxes(data, self.body + 78, self.end)
        elif self.type in (b"enca", b"mp4a"):
            self.children = read_boxes(data, self.body + 28, self.end)

    def all(self, *path):
        found = [box for box in self.children if box.type == path[0]]
        if len(path) == 1:
            return found
        return [inner for box in found for inner in box.all(*path[1:])]

    def one(self, *path):
        found = self.all(*path)
        check(len(found) == 1, f"{len(found)} boxes {path}")
        return found[0]

    def numbers(self, form, offset=0):
        return struct.unpack_from(">" + form, self.data, self.body + offset)


def read_boxes(data, at, end):
    boxes = []
    while at < end:
        boxes.append(Box(data, at, end))
        at = boxes[-1].end
    return boxes


def read_file(path):
    with open(path, "rb") as file:
        data = file.read()
    return data, read_boxes(data, 0, len(data))


class Track:
    """What the sample entry and tenc say."""

    def __init__(self, trak, scheme):
        entry = trak.one(b"mdia", b"minf", b"stbl", b"stsd").children[0]
        check(entry.type in (b"encv", b"enca"), "a track is clear")
        self.video = entry.type == b"encv"
        kind = entry.one(b"sinf", b"frma").numbers("4s")[0]
        check(kind in ((b"avc1", b"hev1") if self.video else (b"mp4a",)),
              "frma is wrong")
        self.hevc = kind == b"hev1"
        named = entry.one(b"sinf", b"schm").numbers("4s", 4)[0].decode()
        check(named == scheme, f"schm says {named}")
        tenc = entry.one(b"sinf", b"schi", b"tenc")
        version, pattern, protected, self.iv_size = tenc.numbers("B4xBBB")
        check(protected == 1, "tenc says that it is clear")
        check(version == (1 if scheme in ("cens", "cbcs") else 0),
              "the version of tenc is wrong")
        self.pattern = (pattern >> 4, pattern & 15)
        self.constant_iv = b""
        if self.iv_size == 0:
            size = tenc.numbers("B", 24)[0]
            self.constant_iv = tenc.numbers(f"{size}s", 25)[0]
            check(size in (8, 16), "tenc has no IV")
        self.nal_length = 0
        if self.video:
            config, at = (b"hvcC", 21) if self.hevc else (b"avcC", 4)
            self.nal_length = (entry.one(config).numbers("B", at)[0] & 3) + 1


def track_id(trak):
    tkhd = trak.one(b"tkhd")
    return tkhd.numbers("I", 20 if tkhd.numbers("B")[0] == 1 else 12)[0]


def sample_ranges(moof, traf, default_sizes):
    """Where the samples of a traf are in the file."""
    tfhd = traf.one(b"tfhd")
    flags, identity = tfhd.numbers("II")
    skipped = 8 * (flags & 1) + 4 * (flags >> 1 & 1) + 4 * (flags >> 3 & 1)
    size = default_sizes.get(identity, 0)
    if flags & 0x10:
        size = tfhd.numbers("I", 8 + skipped)[0]
    ranges, at = [], moof.at
    if flags & 1:
        at = tfhd.numbers("Q", 8)[0]
    base = at
    for trun in traf.all(b"trun"):
        flags, count = trun.numbers("II")
        field = 8
        if flags & 1:
            at = base + trun.numbers("i", field)[0]
            field += 4
        field += 4 * (flags >> 2 & 1)
        for _ in range(count):
            field += 4 * (flags >> 8 & 1)
            length = size
            if flags & 0x200:
                length = trun.numbers("I", field)[0]
                field += 4
            field += 4 * (flags >> 10 & 1) + 4 * (flags >> 11 & 1)
            ranges.append((at, at + length))
            at += length
    return identity, ranges


def read_senc(traf, moof, track, count):
    """IV and subsamples of each sample; checks saiz and saio against them."""
    if track.iv_size == 0 and not track.video:
        check(not traf.all(b"senc"), "a senc that says nothing")
        return [(track.constant_iv, None)] * count
    senc = traf.one(b"senc")
    flags, entries = senc.numbers("II")
    check(entries == count, f"senc has {entries} entries for {count} samples")
    check(bool(flags & 2) == track.video, "the flags of senc are wrong")
    saio = traf.one(b"saio").numbers("III")
    check(saio[1] == 1 and moof.at + saio[2] == senc.body + 8,
          "saio does not point into senc")
    saiz = traf.one(b"saiz")
    default, sizes = saiz.numbers("BI", 4)
    check(sizes == count, "the count of saiz is wrong")
    found, at = [], 8
    for sample in range(count):
        start = at
        iv = senc.numbers(f"{track.iv_size}s", at)[0] or track.constant_iv
        at += track.iv_size
        subsamples = None
        if flags & 2:
            parts = senc.numbers("H", at)[0]
            subsamples = [senc.numbers("HI", at + 2 + 6 * i) for i in range(parts)]
            at += 2 + 6 * parts
        size = default or saiz.numbers("B", 9 + sample)[0]
        check(size == at - start, "saiz does not fit senc")
        found.append((iv, subsamples))
    check(senc.body + at == senc.end, "senc is too long")
    return found


def check_sample(track, scheme, clear, sample, subsamples):
    """One sample against its clear self; the number of protected bytes."""
    check(len(clear) == len(sample), "a sample has another size")
    protected, at = [], 0
    for skipped, length in subsamples or [(0, len(sample))]:
        check(sample[at:at + skipped] == clear[at:at + skipped],
              "a clear range was changed")
        at += skipped
        protected.append((at, at + length))
        if length >= 16:
            check(sample[at:at + 16] != clear[at:at + 16],
                  "the first block of a protected range is clear")
        if track.video and scheme != "cbcs":
            check(length % 16 == 0, "a protected range has a partial block")
        if scheme != "cenc" and length % 16:
            tail = at + length - length % 16
            check(sample[tail:at + length] == clear[tail:at + length],
                  "a partial block was encrypted")
        at += length
    check(at == len(sample), "the subsamples do not add up to the sample")
    at = 0
    while track.video and at < len(clear):
        body = at + track.nal_length
        head = body + (2 if track.hevc else 1)
        kind = clear[body] >> 1 & 63 if track.hevc else clear[body] & 31
        slices = range(32) if track.hevc else range(1, 6)
        end = body + int.from_bytes(clear[at:body], "big")
        inside = [part for part in protected if part[0] < end and part[1] > at]
        check(all(part[0] >= head for part in inside),
              "a NAL unit's header is protected")
        check(kind in slices or not inside,
              f"a NAL unit of type {kind} is protected")
        at = end
    return sum(end - start for start, end in protected)


def check_counters(used):
    """No counter block of cenc is used twice: (IV of 16 bytes, bytes)."""
    spans = []
    for iv, size in used:
        low = int.from_bytes(iv[8:], "big")
        # Only the low half counts, and it wraps (ISO/IEC 23001-7 9.3).
        for start in (low, low - 2 ** 64):
            spans.append((iv[:8], start, start + (size + 15) // 16))
    spans.sort()
    for (high, _, end), (other, start, _) in zip(spans, spans[1:]):
        check(high != other or start >= end, "a counter block is used twice")


def check_sidx(sidx, boxes):
    """Its references go from box to box and end where the fragments end."""
    wide = 4 if sidx.numbers("B")[0] == 0 else 8
    offset = 12 + wide
    at = sidx.end + int.from_bytes(sidx.numbers(f"{wide}s", offset)[0], "big")
    count = sidx.numbers("H", offset + wide + 2)[0]
    starts = {box.at: box.type for box in boxes}
    for i in range(count):
        check(starts.get(at) in (b"moof", b"styp", b"sidx", b"prft", b"emsg"),
              f"reference {i} of sidx starts at {at}, where nothing does")
        at += sidx.numbers("I", offset + wide + 4 + 12 * i)[0] & 0x7fffffff
    last = [box.end for box in boxes if box.type == b"mdat"][-1]
    check(at == last, f"sidx ends at {at}, the media at {last}")
    return count


def check_tfra(tfra, boxes):
    version, lengths, count = tfra.numbers("B7xII")
    moofs = {box.at for box in boxes if box.type == b"moof"}
    wide = 8 if version == 1 else 4
    step = 2 * wide + (lengths >> 4 & 3) + (lengths >> 2 & 3) + (lengths & 3) + 3
    for i in range(count):
        at = tfra.numbers(f"{wide}s", 16 + i * step + wide)[0]
        check(int.from_bytes(at, "big") in moofs, "tfra points at no moof")
    return count


current = ""
scheme = sys.argv[1]
tracks, default_sizes, ivs, counters = {}, {}, [], []
seen = dict.fromkeys(("samples", "sidx", "tfra"), 0)
for clear_path, path in zip(sys.argv[2::2], sys.argv[3::2]):
    current = path
    clear_data, clear_boxes = read_file(clear_path)
    data, boxes = read_file(path)
    check([box.type for box in boxes] == [box.type for box in clear_boxes],
          "its boxes are others")
    for clear_box, box in zip(clear_boxes, boxes):
        if box.type == b"moov":
            tracks = {track_id(t): Track(t, scheme) for t in box.all(b"trak")}
            default_sizes = dict(trex.numbers("4xI8xI")
                                 for trex in box.all(b"mvex", b"trex"))
        elif box.type == b"moof":
            for clear_traf, traf in zip(clear_box.all(b"traf"), box.all(b"traf")):
                _, before = sample_ranges(clear_box, clear_traf, default_sizes)
                number, after = sample_ranges(box, traf, default_sizes)
                check(len(before) == len(after), "samples are missing")
                track = tracks[number]
                entries = read_senc(traf, box, track, len(after))
                for (a, b), (c, d), entry in zip(before, after, entries):
                    size = check_sample(track, scheme, clear_data[a:b],
                                        data[c:d], entry[1])
                    if track.iv_size:
                        ivs.append(entry[0])
                        counters.append((entry[0], size))
                seen["samples"] += len(after)
        elif box.type == b"sidx":
            seen["sidx"] += check_sidx(box, boxes)
        elif box.type == b"mfra":
            for tfra in box.all(b"tfra"):
                seen["tfra"] += check_tfra(tfra, boxes)
check(len(ivs) == len(set(ivs)), "an IV is used twice")
check(not any(track.iv_size for track in tracks.values()) or ivs, "no IVs")
if scheme == "cenc" and len(ivs[0]) == 16:
    check_counters(counters)
check(seen["samples"] > 0, "no samples")
print(", ".join(f"{value} {name}" for name, value in seen.items()), len(ivs), "IVs")

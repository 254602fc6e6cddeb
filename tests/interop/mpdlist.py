#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What an MPD lists, by the package mpegdash: mpdlist.py FILE URI.

The same lines as of the program mpdlist, from another parser and from the words
of ISO/IEC 23009-1, in exact fractions. "refused" where it cannot be played.
"""
import re
import sys
from fractions import Fraction
from urllib.parse import urljoin
from xml.etree import ElementTree

from mpegdash.parser import MPEGDASHParser

TRICK = "http://dashif.org/guidelines/trickmode"


class Refused(Exception):
    pass


def seconds(text):
    if text is None:
        return None
    match = re.fullmatch(
        r"P(?:0+Y)?(?:0+M)?(?:([\d.]+)D)?"
        r"(?:T(?:([\d.]+)H)?(?:([\d.]+)M)?(?:([\d.]+)S)?)?", text)
    if not match:
        raise Refused("not a duration")
    days, hours, minutes, rest = (Fraction(x or 0) for x in match.groups())
    return ((days * 24 + hours) * 60 + minutes) * 60 + rest


def expand(pattern, **values):
    def put(match):
        name, width = match.group(1), match.group(2)
        if not name:
            return "$"
        if name not in values:
            raise Refused("not a segment template")
        return str(values[name]).zfill(int(width or 1))
    return re.sub(r"\$(?:(\w+)(?:%0(\d+)d)?)?\$", put, pattern)


def base(above, node):
    urls = getattr(node, "base_urls", None)
    return urljoin(above, urls[0].base_url_value.strip()) if urls else above


class Merged:
    """SegmentBase, SegmentList or SegmentTemplate with what it inherits."""

    def __init__(self, levels):
        self.kind, self.nodes = None, []
        for level in levels:
            for kind in ("segment_bases", "segment_lists", "segment_templates"):
                found = getattr(level, kind, None)
                if found:
                    if kind != self.kind:
                        self.nodes = []
                    self.kind = kind
                    self.nodes.append(found[0])

    def get(self, name, default=None):
        for node in reversed(self.nodes):
            value = getattr(node, name, None)
            if value is not None and value != []:
                return value
        return default


def timeline(merged, end):
    """[(time, duration)] in units; end: of the period, in units."""
    out, time = [], 0
    entries = merged.get("segment_timelines")[0].Ss or []
    for i, s in enumerate(entries):
        if s.t is not None:
            if s.t < time:
                raise Refused("the SegmentTimeline is wrong")
            time = s.t
        if not s.d:
            raise Refused("the SegmentTimeline is wrong")
        count = (s.r or 0) + 1
        if (s.r or 0) < 0:
            until = entries[i + 1].t if i + 1 < len(entries) else end
            if until is None:
                raise Refused("no duration")
            count = -((time - until) // s.d) if until > time else 0
            out += [(time + j * s.d, s.d) for j in range(count)]
            time = until
            continue
        out += [(time + j * s.d, s.d) for j in range(count)]
        time += count * s.d
    return out


def segments(merged, representation, url, has_base, length, is_last):
    """Lines for the segments; None: there are none."""
    scale = merged.get("timescale", 1)
    offset = merged.get("presentation_time_offset", 0)
    inits = merged.get("initializations")
    name, rate = representation.id or "", representation.bandwidth or 0

    def line(time, uri, span=None):
        out = f"  {int(Fraction(time, scale) * 1000)} {urljoin(url, uri)}"
        return out + (f" {span}" if span else "")

    def shown(times, has_end=True):
        skipped = sum(1 for t, d in times if t + d <= offset)
        skipped = 0 if skipped == len(times) else skipped
        first = skipped
        last = len(times)
        if has_end and end is not None:
            last = sum(1 for t, d in times if t < end)
        return first, max(first, last)

    end = None if length is None else -(-(length * scale) // 1) + offset
    out = []
    if inits:
        span = inits[0].range
        out.append(f"  init {urljoin(url, inits[0].source_url or '')}"
                   + (f" {span}" if span else ""))
    if merged.kind == "segment_templates":
        start = merged.get("start_number", 1)
        media = merged.get("media")
        if not media:
            raise Refused("not a segment template")
        init = merged.get("initialization")
        if merged.get("segment_timelines"):
            times = timeline(merged, end)
            first, last = shown(times)
        elif not merged.get("duration"):
            times, first, last = [(offset, 0)], 0, 1
        else:
            if "$Time" in media:
                raise Refused("$Time$ without SegmentTimeline")
            duration = merged.get("duration")
            last_number = merged.get("end_number")
            if last_number is not None:
                count = last_number - start + 1
            elif end is None:
                raise Refused("no duration")
            else:
                count = -(-(end - offset) // duration)
            times = [(offset + i * duration, duration) for i in range(count)]
            first, last = shown(times)
        if merged.get("end_number") is not None:
            last = min(last, merged.get("end_number") - start + 1)
        lines = []
        for i in range(first, last):
            values = {"RepresentationID": name, "Number": start + i,
                      "Bandwidth": rate, "Time": times[i][0]}
            if init and not lines:
                out = ["  init " + urljoin(url, expand(init, **values))]
            lines.append(line(times[i][0], expand(media, **values)))
        return out + lines if lines else []
    if merged.kind == "segment_lists":
        urls = merged.get("segment_urls") or []
        if not urls:
            return None
        if merged.get("segment_timelines"):
            times = timeline(merged, end)
        elif merged.get("duration"):
            duration = merged.get("duration")
            times = [(offset + i * duration, duration) for i in range(len(urls))]
        elif len(urls) == 1:
            times = [(offset, 0)]
        else:
            raise Refused("no duration")
        if len(times) != len(urls):
            raise Refused("not a segment list")
        first, last = shown(times, not is_last)
        return out + [line(times[i][0], urls[i].media or "", urls[i].media_range)
                      for i in range(first, last)]
    if merged.kind == "segment_bases" and (
            merged.get("index_range") or merged.get("representation_indexes")):
        span, source = merged.get("index_range"), ""
        if merged.get("representation_indexes"):
            index = merged.get("representation_indexes")[0]
            span, source = span or index.range, index.source_url or ""
        # What is in front of the index is what is needed to begin.
        if merged.get("index_range") and not inits:
            first = int(merged.get("index_range").split("-")[0])
            if first > 0:
                out = [f"  init {url} 0-{first - 1}"]
        return out + [f"  index {urljoin(url, source)}"
                      + (f" {span}" if span else "")]
    if merged.kind is None and not has_base:
        return None
    return [line(offset, "")]


def playable(mime, codecs):
    return (codecs or "").startswith(("stpp", "wvtt")) or (
        mime or "").startswith(("video", "audio", "text")) or (
            mime == "application/ttml+xml")


def children(element, name):
    return [one for one in element if one.tag.split("}")[-1] == name]


def essential_sets(path):
    """For each AdaptationSet of each Period: whether it is passed over.

    mpegdash 0.3.1 does not read EssentialProperty."""
    def is_known(scheme):
        return scheme == TRICK or scheme.startswith("urn:mpeg:mpegB:cicp:")

    return [[not all(is_known(p.get("schemeIdUri", ""))
                     for p in children(one, "EssentialProperty"))
             for one in children(period, "AdaptationSet")]
            for period in children(ElementTree.parse(path).getroot(), "Period")]


def lay_out(mpd):
    """[(start, length)]"""
    out, next_start = [], Fraction(0)
    for period in mpd.periods:
        start = seconds(period.start)
        start = next_start if start is None else start
        if start is None:
            raise Refused("no duration")
        length = seconds(period.duration)
        next_start = None if length is None else start + length
        if out:
            before, old = out[-1]
            if start < before:
                raise Refused("a Period begins too early")
            gap = start - before
            out[-1] = (before, gap if old is None else min(old, gap))
        out.append((start, length))
    start, length = out[-1]
    whole = seconds(mpd.media_presentation_duration)
    if length is None and whole is not None and whole >= start:
        out[-1] = (start, whole - start)
    return out


def listed(path, uri):
    mpd = MPEGDASHParser.parse(path)
    if mpd.type == "dynamic":
        raise Refused("a dynamic (live) MPD")
    if not mpd.periods:
        raise Refused("no Period")
    essential = essential_sets(path)
    lines, any_track = [], False
    for n, (period, (start, length)) in enumerate(
            zip(mpd.periods, lay_out(mpd))):
        if length == 0 and len(mpd.periods) > 1:
            continue
        lines.append(f"period {int(start * 1000)}")
        above = base(base(uri, mpd), period)
        for m, one in enumerate(period.adaptation_sets or []):
            if essential[n][m]:
                continue
            for rep in one.representations or []:
                mime = rep.mime_type or one.mime_type or one.content_type
                if not playable(mime, rep.codecs or one.codecs):
                    continue
                merged = Merged([period, one, rep])
                url = base(base(above, one), rep)
                found = segments(merged, rep, url, bool(rep.base_urls),
                                 length, period is mpd.periods[-1])
                if found is None:
                    continue
                any_track = True
                lines.append(
                    f" representation {rep.id or ''} {rep.bandwidth or 0}")
                lines += found
    if not any_track:
        raise Refused("no segments")
    return lines


if __name__ == "__main__":
    try:
        print("\n".join(listed(sys.argv[1], sys.argv[2])))
    except Refused as why:
        print(f"refused: {why}")
    except Exception as why:  # what its parser says of what is no MPD
        print(f"refused: {type(why).__name__} {why}")

# SPDX-License-Identifier: LGPL-2.1-or-later
"""m3u8check.py PROGRAM FOLDER: what our parser and python3-m3u8 read in each
playlist of the folder; where they differ, who is right by RFC 8216bis."""
import json
import pathlib
import re
import subprocess
import sys

import m3u8

BASE = 'http://h.example/a/b/list.m3u8'

# Playlists that we refuse and the other reads: by the error, why.
REFUSED = {
    'not a playlist: no #EXTM3U':
        '4.4.1.1: "It MUST be the first line of every Media Playlist and every '
        'Multivariant Playlist"',
    'neither segments nor variants': 'there is nothing to play',
    'not a number': '4.2: a decimal-integer is digits from 0 to 9',
    '#EXTINF without a duration': '4.4.4.1: the duration is REQUIRED',
    'a segment without #EXTINF':
        '4.4.4.1: EXTINF "is REQUIRED for each Media Segment"',
    'a byte range that follows nothing':
        '4.4.4.2: without <o> "a previous Media Segment MUST ... be a sub-range '
        'of the same media resource"',
    'not a byte range': '4.4.4.2: <n>[@<o>], where <o> is a decimal-integer',
    'an encrypted #EXT-X-MAP, and #EXT-X-KEY has no IV':
        '4.4.4.5: "the IV attribute of the EXT-X-KEY tag ... is REQUIRED"',
    'delta updates (#EXT-X-SKIP)': 'not supported: for live playlists',
}


def ours(program, text):
    out = subprocess.run([program, BASE], input=text, capture_output=True,
                         check=True).stdout
    return json.loads(out)


def nanoseconds(duration):
    return None if duration is None else round(duration * 1e9)


def byte_range(text, previous):
    """First and last byte; previous: the end of what was before."""
    if not text:
        return None, None
    # Of EXT-X-MAP it keeps the quotes.
    size, _, first = text.strip('"').partition('@')
    first = int(first) if first else previous
    return first, first + int(size) - 1


def iv_of(key, number):
    if key.iv:
        return '%032x' % int(key.iv, 16)
    return '%032x' % number


def resource(absolute, text, previous, key, number):
    first, last = byte_range(text, previous)
    if key is None or key.method in (None, 'NONE'):
        return [absolute, first, last, None, None]
    return [absolute, first, last, key.absolute_uri, iv_of(key, number)]


def media(playlist):
    segments = []
    end = 0
    sequence = playlist.media_sequence or 0
    for n, one in enumerate(playlist.segments):
        of = resource(one.absolute_uri, one.byterange, end, one.key,
                      sequence + n)
        end = of[2] + 1 if of[2] is not None else 0
        init = None
        if one.init_section:
            init = resource(one.init_section.absolute_uri,
                            one.init_section.byterange, 0, None, 0)
        segments.append([nanoseconds(one.duration), bool(one.discontinuity),
                         bool(getattr(one, 'gap_tag', None)), of, init])
    return {
        'kind': 'media',
        'sequence': sequence,
        'discontinuity_sequence': playlist.discontinuity_sequence or 0,
        'target': nanoseconds(playlist.target_duration or 0),
        'end': bool(playlist.is_endlist),
        'i_frames': bool(playlist.is_i_frames_only),
        'dates': [[n, round(one.program_date_time.timestamp() * 1000)]
                  for n, one in enumerate(playlist.segments)
                  if one.program_date_time],
        'segments': segments,
    }


def variant(one, info):
    width, height = info.resolution or (0, 0)
    rate = getattr(info, 'frame_rate', None)

    def group(kind):
        # Other than those of the renditions a variant may name any.
        value = getattr(info, kind, None)
        return (value or '').strip('"')
    return [one.absolute_uri, info.bandwidth or 0,
            getattr(info, 'average_bandwidth', None) or 0, width, height,
            round((rate or 0) * 1000), info.codecs or '', group('audio'),
            group('video'), group('subtitles')]


def multivariant(playlist):
    return {
        'kind': 'multivariant',
        'variants': [variant(one, one.stream_info)
                     for one in playlist.playlists],
        'i_frames': [variant(one, one.iframe_stream_info)
                     for one in playlist.iframe_playlists],
        'renditions': [
            [one.type, one.absolute_uri if one.uri else None, one.group_id,
             one.name, one.language or '', one.default == 'YES',
             one.forced == 'YES', one.instream_id or '']
            for one in playlist.media],
    }


def theirs(text):
    playlist = m3u8.loads(text, uri=BASE)
    return multivariant(playlist) if playlist.is_variant else media(playlist)


def differences(left, right, path=''):
    if isinstance(left, dict) and isinstance(right, dict):
        for key in left:
            yield from differences(left[key], right.get(key), f'{path}.{key}')
    elif isinstance(left, list) and isinstance(right, list):
        if len(left) != len(right):
            yield path, len(left), len(right)
        for n, (one, other) in enumerate(zip(left, right)):
            yield from differences(one, other, f'{path}[{n}]')
    elif left != right:
        yield path, left, right


def known(text, path, left, right):
    """Why ours is right where the two differ; None: nobody knows."""
    if re.fullmatch(r'\.segments\[\d+\]\[0\]', path) and left is not None and \
            right is not None and abs(left - right) <= 1000:
        return '4.4.4.1: a decimal, which the other keeps as a binary fraction'
    if path.startswith('.dates'):
        return ('4.4.4.6: the date is that of the next segment alone; the other '
                'adds up those of the segments behind it')
    if 'METHOD=SAMPLE-AES' in text and re.match(
            r'\.segments\[\d+\]\[3\]\[[34]\]', path):
        return '4.4.4.4: with SAMPLE-AES the segment itself is not encrypted'
    if '#EXT-X-KEY' in text and '#EXT-X-MAP' in text and re.match(
            r'\.segments\[\d+\]\[4\]\[[34]\]', path):
        return ('4.4.4.4: EXT-X-KEY applies to an EXT-X-MAP behind it; the other '
                'says nothing of it')
    if path == '.segments' and '#EXT-X-PART:' in text and right == left + 1:
        return ('4.4.4.9: EXT-X-PART is not the segment, which is not there yet; '
                'the other counts it')
    if '#EXT-X-I-FRAMES-ONLY' in text and left is True and re.fullmatch(
            r'\.segments\[\d+\]\[1\]', path):
        return ('4.4.3.6: "each Media Segment in the Playlist describes a single '
                'I-frame": what is between two of them is not there')
    if path.endswith('[2]') and '#EXT-X-GAP' in text:
        return '4.4.4.7: EXT-X-GAP, which the other does not know'
    return None


def main():
    program, folder = sys.argv[1:]
    same = excused = refused = 0
    failed = False
    for file in sorted(pathlib.Path(folder).rglob('*.m3u8')):
        raw = file.read_bytes()
        text = raw.decode('utf-8')
        left = ours(program, raw)
        name = file.relative_to(folder)
        if left['kind'] == 'error':
            why = REFUSED.get(left['error'])
            if why is None:
                failed = True
                why = 'NOBODY KNOWS WHY'
            print(f'{name}: refused, line {left["line"]}: {left["error"]}; {why}')
            refused += 1
            continue
        right = theirs(text)
        reasons = {}
        for path, one, other in differences(left, right):
            why = known(text, path, one, other)
            if why is None:
                failed = True
                print(f'{name}{path}: {one} here, {other} there')
            else:
                reasons[why] = reasons.get(why, 0) + 1
        for why, count in reasons.items():
            print(f'{name}: {count} values differ; {why}')
        if reasons:
            excused += 1
        else:
            same += 1
    print(f'{same} are the same, {excused} differ where we are right, '
          f'{refused} are refused')
    if same + excused == 0:
        print('nothing was compared')
        failed = True
    sys.exit(1 if failed else 0)


main()

// SPDX-License-Identifier: LGPL-2.1-or-later
// m3u8check.cjs PROGRAM MODULES FILE...: what our parser and the packages
// hls-parser and m3u8-parser of the folder MODULES read in each playlist; where
// they differ, who is right by RFC 8216bis.
'use strict';
const fs = require('fs');
const {join} = require('path');
const {spawnSync} = require('child_process');

const BASE = 'http://h.example/a/b/list.m3u8';
const [program, modules, ...files] = process.argv.slice(2);
const hlsParser = require(join(modules, 'hls-parser'));
const m3u8Parser = require(join(modules, 'm3u8-parser'));

// Playlists that we refuse: by the error, why, and what must be so in the line
// that it is said of.
const REFUSED = {
  'not a playlist: no #EXTM3U': [
    '4.4.1.1: "It MUST be the first line of every Media Playlist and every ' +
    'Multivariant Playlist"', (lines) => !lines[0].startsWith('#EXTM3U')],
  'neither segments nor variants': ['there is nothing to play',
    (lines) => lines.every((line) => line === '' || line.startsWith('#'))],
  'not a number': ['4.2: a decimal-integer is digits from 0 to 9',
    (lines, n) => /^#EXT-X-[A-Z-]+:(?!\d+$)/.test(lines[n])],
  '#EXTINF without a duration': ['4.4.4.1: the duration is REQUIRED',
    (lines, n) => /^#EXTINF:(?!\d+(\.\d+)?(,|$))/.test(lines[n])],
  'a segment without #EXTINF': [
    '4.4.4.1: EXTINF "is REQUIRED for each Media Segment"',
    (lines, n) => !lines[n].startsWith('#') &&
      !tagsOf(lines, n).some((line) => line.startsWith('#EXTINF:'))],
  'a byte range that follows nothing': [
    '4.4.4.2: without <o> "a previous Media Segment MUST ... be a sub-range ' +
    'of the same media resource"',
    (lines, n) => !lines[n].startsWith('#') && tagsOf(lines, n)
      .some((line) => /^#EXT-X-BYTERANGE:\d+$/.test(line))],
  'not a byte range': ['4.4.4.2: <n>[@<o>], where <o> is a decimal-integer',
    (lines, n) => /BYTERANGE[:=](?!"?\d+(@\d+)?"?(,|$))/.test(lines[n])],
  'an encrypted #EXT-X-MAP, and #EXT-X-KEY has no IV': [
    '4.4.4.5: "the IV attribute of the EXT-X-KEY tag ... is REQUIRED"',
    (lines, n) => lines[n].startsWith('#EXT-X-MAP:') &&
      /METHOD=AES(?!.*IV=)/.test(lines.slice(0, n)
        .filter((line) => line.startsWith('#EXT-X-KEY:')).pop())],
  'delta updates (#EXT-X-SKIP)': ['not supported: for live playlists',
    (lines, n) => lines[n].startsWith('#EXT-X-SKIP:')],
};

// What hls-parser does not forgive, and we do: the rule is for who writes the
// playlist, and none says that who reads it refuses it.
const FORGIVEN = [
  [/EXT-X-VERSION needs to be/, '7: the version is for who writes it to state'],
  [/EXTINF duration, when rounded/,
    '4.4.3.1: "The EXTINF duration ... MUST be less than or equal to the ' +
    'target duration", which is for who writes it'],
  [/Skip Boundary must be at least six times/,
    '4.4.3.8: for who writes it; CAN-SKIP-UNTIL is not used'],
  [/more than one Media Playlist tag of each type/,
    '4.4.3: for who writes it; the last one counts, here and in m3u8-parser'],
];

// The lines between a URI and the one in front of it.
function tagsOf(lines, n) {
  let first = n;
  while (first > 0 && (lines[first - 1] === '' ||
      lines[first - 1].startsWith('#'))) first--;
  return lines.slice(first, n);
}

const resolve = (uri) => new URL(uri, BASE).href;
const nanoseconds = (seconds) => Math.round((seconds || 0) * 1e9);

function resource(uri, range, before, key, iv) {
  let first = null;
  let last = null;
  if (range && range.length !== undefined) {
    first = range.offset === undefined || range.offset < 0 ? before
      : range.offset;
    last = first + range.length - 1;
  }
  const clear = !key || !key.method || key.method === 'NONE';
  return [resolve(uri), first, last, clear ? null : resolve(key.uri),
    clear ? null : iv];
}

// An IV that is not written is the number of the segment (4.4.4.4).
const numbered = (number) => number.toString(16).padStart(32, '0');
const ofBytes = (bytes) => Buffer.from(bytes).toString('hex');
const ofWords = (words) =>
  Array.from(words, (word) => word.toString(16).padStart(8, '0')).join('');

function media(segments, rest) {
  return {
    kind: 'media',
    sequence: 0,
    discontinuity_sequence: 0,
    ...rest,
    segments,
  };
}

function byHlsParser(text) {
  const all = hlsParser.parse(text);
  if (all.isMasterPlaylist) {
    const variant = (one) => [resolve(one.uri), one.bandwidth || 0,
      one.averageBandwidth || 0, one.resolution ? one.resolution.width : 0,
      one.resolution ? one.resolution.height : 0,
      Math.round((one.frameRate || 0) * 1000), one.codecs || '',
      ...['audio', 'video', 'subtitles'].map(
        (type) => (one[type][0] || {groupId: ''}).groupId)];
    // It tells renditions by variant, and those alone that one names.
    const renditions = [];
    for (const one of all.variants)
      for (const type of ['audio', 'video', 'subtitles', 'closedCaptions'])
        for (const of of one[type]) {
          const found = [of.type, of.uri ? resolve(of.uri) : null, of.groupId,
            of.name, of.language || '', Boolean(of.isDefault),
            Boolean(of.forced), of.instreamId || ''];
          if (!renditions.some((other) => same(other, found)))
            renditions.push(found);
        }
    return {
      kind: 'multivariant',
      variants: all.variants.filter((one) => !one.isIFrameOnly).map(variant),
      i_frames: all.variants.filter((one) => one.isIFrameOnly).map(variant),
      renditions: sorted(renditions),
    };
  }
  let end = 0;
  const dates = [];
  const segments = all.segments.map((one, n) => {
    const key = one.key;
    const iv = key && key.iv ? ofBytes(key.iv)
      : numbered(one.mediaSequenceNumber);
    const of = resource(one.uri, one.byterange, end, key, iv);
    end = of[2] === null ? 0 : of[2] + 1;
    if (one.programDateTime) dates.push([n, one.programDateTime.getTime()]);
    return [nanoseconds(one.duration), Boolean(one.discontinuity),
      Boolean(one.gap), of,
      one.map ? resource(one.map.uri, one.map.byterange, 0, null) : null];
  });
  return media(segments, {
    sequence: all.mediaSequenceBase || 0,
    discontinuity_sequence: all.discontinuitySequenceBase || 0,
    target: nanoseconds(all.targetDuration),
    end: Boolean(all.endlist),
    i_frames: Boolean(all.isIFrame),
    dates,
  });
}

function byM3u8Parser(text) {
  const parser = new m3u8Parser.Parser({uri: BASE});
  parser.push(text);
  parser.end();
  const all = parser.manifest;
  if (all.playlists || all.iFramePlaylists.length > 0) {
    const variant = (one) => {
      const of = one.attributes || {};
      const size = of.RESOLUTION || {};
      return [resolve(one.uri), of.BANDWIDTH || 0,
        Number(of['AVERAGE-BANDWIDTH'] || 0), size.width || 0,
        size.height || 0, Math.round((of['FRAME-RATE'] || 0) * 1000),
        of.CODECS || '', of.AUDIO || '', of.VIDEO || '', of.SUBTITLES || ''];
    };
    const renditions = [];
    for (const [type, groups] of Object.entries(all.mediaGroups || {}))
      for (const [group, members] of Object.entries(groups))
        for (const [name, of] of Object.entries(members))
          renditions.push([type, of.uri ? resolve(of.uri) : null, group, name,
            of.language || '', Boolean(of.default), Boolean(of.forced),
            of.instreamId || '']);
    return {
      kind: 'multivariant',
      variants: (all.playlists || []).map(variant),
      i_frames: all.iFramePlaylists.map(variant),
      renditions: sorted(renditions),
    };
  }
  const dates = [];
  const segments = all.segments.map((one, n) => {
    const key = one.key;
    const iv = key && key.iv ? ofWords(key.iv)
      : numbered((all.mediaSequence || 0) + n);
    if (one.dateTimeObject) dates.push([n, one.dateTimeObject.getTime()]);
    const init = one.map;
    return [nanoseconds(one.duration), Boolean(one.discontinuity), false,
      resource(one.uri, one.byterange, 0, key, iv),
      init ? resource(init.uri, init.byterange, 0, init.key,
        init.key && init.key.iv ? ofWords(init.key.iv) : null) : null];
  });
  return media(segments, {
    sequence: all.mediaSequence || 0,
    discontinuity_sequence: all.discontinuitySequence || 0,
    target: nanoseconds(all.targetDuration),
    end: Boolean(all.endList),
    i_frames: Boolean(all.iFramesOnly),
    dates,
  });
}

const same = (one, other) => JSON.stringify(one) === JSON.stringify(other);
const sorted = (rows) => rows.map((row) => [JSON.stringify(row), row])
  .sort((one, other) => (one[0] < other[0] ? -1 : 1)).map(([, row]) => row);

function ours(raw) {
  const out = spawnSync(program, [BASE],
    {input: raw, encoding: 'utf8', maxBuffer: 1 << 28});
  if (out.status !== 0)
    throw new Error(`${program}: ${out.error || out.stderr}`);
  const all = JSON.parse(out.stdout);
  if (all.kind === 'multivariant') all.renditions = sorted(all.renditions);
  return all;
}

function *differences(left, right, where = '') {
  if (Array.isArray(left) && Array.isArray(right)) {
    if (left.length !== right.length) yield [where, left.length, right.length];
    for (let n = 0; n < Math.min(left.length, right.length); n++)
      yield *differences(left[n], right[n], `${where}[${n}]`);
  } else if (left && right && typeof left === 'object' &&
      typeof right === 'object') {
    for (const key of Object.keys(left))
      yield *differences(left[key], right[key], `${where}.${key}`);
  } else if (left !== right) {
    yield [where, left, right];
  }
}

// Why ours is right where the two differ; undefined: nobody knows.
function known(who, text, where, left, right) {
  if (/^\.segments\[\d+\]\[0\]$/.test(where)) {
    if (who === 'm3u8-parser' && left === 0 && right === 1e7)
      return '4.4.4.1: the duration is 0; the other puts 0.01 in its place';
    if (Math.abs(left - right) <= 1000)
      return '4.4.4.1: a decimal, which the other keeps as a binary fraction';
  }
  if (/METHOD=SAMPLE-AES/.test(text) &&
      /^\.segments\[\d+\]\[3\]\[[34]\]$/.test(where) && left === null)
    return '4.4.4.4: with SAMPLE-AES the segment itself is not encrypted';
  if (who === 'hls-parser' && /#EXT-X-KEY[^]*#EXT-X-MAP/.test(text) &&
      /^\.segments\[\d+\]\[4\]\[[34]\]$/.test(where) && right === null)
    return '4.4.4.4: EXT-X-KEY applies to an EXT-X-MAP behind it; the other ' +
      'says nothing of it';
  if (who === 'hls-parser' && where === '.segments' && right === left + 1 &&
      /#EXT-X-(PART|PRELOAD-HINT):[^]*$/.test(text.slice(
        text.lastIndexOf('#EXTINF'))))
    return '4.4.4.9: EXT-X-PART is not the segment, which is not there yet; ' +
      'the other counts it';
  if (/#EXT-X-I-FRAMES-ONLY/.test(text) && left === true &&
      /^\.segments\[\d+\]\[1\]$/.test(where))
    return '4.4.3.6: "each Media Segment in the Playlist describes a single ' +
      'I-frame": what is between two of them is not there';
  if (who === 'm3u8-parser' && /#EXT-X-GAP/.test(text) && left === true &&
      /^\.segments\[\d+\]\[2\]$/.test(where))
    return '4.4.4.7: EXT-X-GAP, which the other does not know';
  return undefined;
}

let failed = false;
function unknown(text) {
  failed = true;
  console.log(text);
}

// What hls-parser says where it forgives nothing; '' is nothing.
function complaint(text) {
  hlsParser.setOptions({strictMode: true, silent: true});
  try {
    hlsParser.parse(text);
  } catch (error) {
    return error.message;
  } finally {
    hlsParser.setOptions({strictMode: false, silent: true});
  }
  return '';
}

function refuse(name, text, left, said) {
  const lines = text.split('\n').map((line) => line.trim());
  const [why, is] = REFUSED[left.error] || [];
  const too = said ? `; hls-parser: ${said}` : '';
  const line = `${name}: refused, line ${left.line}: ${left.error}`;
  if (!why) unknown(`${line}; NOBODY KNOWS WHY${too}`);
  else if (!is(lines, left.line - 1))
    unknown(`${line}; BUT IT IS NOT SO${too}`);
  else console.log(`${line}; ${why}${too}`);
}

function forgive(name, said) {
  const found = FORGIVEN.find(([pattern]) => pattern.test(said));
  if (found) console.log(`${name}: hls-parser: ${said}; ${found[1]}`);
  else unknown(`${name}: read here; hls-parser: ${said}`);
}

// hls-parser tells of renditions that a variant names.
function seen(who, text, left) {
  if (who !== 'hls-parser' || left.kind !== 'multivariant') return left;
  return {...left, renditions: left.renditions.filter(
    (one) => text.includes(`${one[0]}="${one[2]}"`))};
}

// Whether the two read the same.
function compare(who, parse, name, text, left) {
  let right;
  try {
    right = parse(text);
  } catch (error) {
    unknown(`${name}: read here; ${who}: ${error.message}`);
    return false;
  }
  const reasons = new Map();
  for (const [where, one, other] of differences(seen(who, text, left), right)) {
    const why = known(who, text, where, one, other);
    if (why) reasons.set(why, (reasons.get(why) || 0) + 1);
    else unknown(`${name}${where}: ${one} here, ${other} in ${who}`);
  }
  for (const [why, count] of reasons)
    console.log(`${name}: ${count} values differ in ${who}; ${why}`);
  return reasons.size === 0;
}

const packages = [['hls-parser', byHlsParser], ['m3u8-parser', byM3u8Parser]];
const counts = new Map(packages.map(([who]) => [who, {same: 0, other: 0}]));
let refused = 0;
for (const name of files) {
  const raw = fs.readFileSync(name);
  const text = raw.toString('utf8');
  const left = ours(raw);
  const said = complaint(text);
  if (left.kind === 'error') {
    refuse(name, text, left, said);
    refused++;
    continue;
  }
  if (said) forgive(name, said);
  for (const [who, parse] of packages)
    counts.get(who)[compare(who, parse, name, text, left) ? 'same' : 'other']++;
}
for (const [who, {same, other}] of counts) {
  console.log(`${who}: ${same} are the same, ${other} differ`);
  if (same === 0) unknown(`of ${who} nothing was the same`);
}
console.log(`${refused} are refused`);
process.exit(failed ? 1 : 0);

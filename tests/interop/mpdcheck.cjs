// SPDX-License-Identifier: LGPL-2.1-or-later
// mpdcheck.cjs PROGRAM MODULES FILE...: what our parser (the program mpdlist)
// and the package mpd-parser of the folder MODULES read in each MPD; where they
// differ, who is right by ISO/IEC 23009-1.
'use strict';
const fs = require('fs');
const {join} = require('path');
const {spawnSync} = require('child_process');

const BASE = 'http://h.example/x/y/m.mpd';
const [program, modules, ...files] = process.argv.slice(2);
const mpdParser = require(join(modules, 'mpd-parser'));
const {DOMParser} = require(join(modules, '@xmldom', 'xmldom'));

const children = (node, name) => Array.from(node.childNodes)
  .filter((one) => one.tagName === name);

// The Representations that our program lists, or why it refuses.
function ours(file) {
  const out = spawnSync(program, [file, BASE],
    {encoding: 'utf8', maxBuffer: 1 << 28});
  if (out.status !== 0)
    throw new Error(`${program}: ${out.error || out.stderr}`);
  if (out.stdout.startsWith('refused: '))
    return {refused: out.stdout.slice(9).trim()};
  const representations = [];
  let start = 0;
  let last;
  for (const line of out.stdout.split('\n')) {
    const words = line.trim().split(' ');
    if (line.startsWith('period ')) {
      start = Number(words[1]);
    } else if (line.startsWith(' representation ')) {
      last = {start, id: words.slice(1, -1).join(' '),
        bandwidth: Number(words.pop()), init: null, index: null, segments: []};
      representations.push(last);
    } else if (line.startsWith('  init ')) {
      last.init = line.slice(7);
    } else if (line.startsWith('  index ')) {
      last.index = line.slice(8);
    } else if (line.startsWith('  ')) {
      last.segments.push({time: Number(words[0]),
        what: words.slice(1).join(' ')});
    }
  }
  return {representations};
}

// As our program writes it: the address, and the bytes if not all.
function place(of) {
  if (!of || (!of.uri && !of.byterange)) return null;
  const range = of.byterange;
  return of.resolvedUri +
    (range ? ` ${range.offset}-${range.offset + range.length - 1}` : '');
}

// The lowest element of this name among these: Representation, AdaptationSet,
// Period.
const lowest = (nodes, name) =>
  nodes.map((node) => children(node, name)[0]).find(Boolean);

function timeline(nodes) {
  const all = nodes.flatMap((node) => ['SegmentTemplate', 'SegmentList']
    .flatMap((name) => children(node, name)))
    .flatMap((node) => children(node, 'SegmentTimeline'));
  return {count: all.length, last: all[0] && children(all[0], 'S').length};
}

// The seconds of each Period; undefined: nobody says.
function lengthOf(periods, n, whole) {
  const {start, duration} = periods[n];
  if (n + 1 < periods.length)
    return Math.min(periods[n + 1].start - start, duration ?? Infinity);
  return duration ?? (whole === undefined ? undefined : whole - start);
}

// The same from the package, each with its elements, the lowest first.
function theirs(text) {
  const root = mpdParser.stringToMpdXml(text);
  const infos = mpdParser.inheritAttributes(root,
    {manifestUri: BASE, NOW: 0}).representationInfo;
  const ways = (node) => children(node, 'BaseURL').length || 1;
  const nodes = children(root, 'Period').flatMap((period) =>
    children(period, 'AdaptationSet').flatMap((set) =>
      children(set, 'Representation').map((one) => [one, set, period])));
  let n = 0;
  return nodes.map((own) => {
    const info = infos[n];
    // It lists a Representation as often as there are ways to write its
    // BaseURL, of which we take the first (5.6.5: they are the same).
    n += ways(root) * own.reduce((out, node) => out * ways(node), 1);
    const out = {path: own, reasons: []};
    const {count, last} = timeline(own);
    if (count > 1 && info.segmentInfo.segmentTimeline.length > last) {
      info.segmentInfo.segmentTimeline =
        info.segmentInfo.segmentTimeline.slice(-last);
      out.reasons.push('5.3.9.1: a lower level overrides the SegmentTimeline ' +
        'of a higher one; the other appends it');
    }
    const {attributes, segments = [], sidx} = mpdParser.toPlaylists([info])[0];
    const scale = attributes.timescale || 1;
    const offset = (attributes.presentationTimeOffset || 0) / scale;
    return Object.assign(out, {
      start: attributes.periodStart * 1000,
      id: String(attributes.id || ''),
      bandwidth: attributes.bandwidth || 0,
      init: place((sidx || segments[0] || {}).map),
      index: place(sidx),
      base: attributes.baseUrl,
      mime: attributes.mimeType || attributes.contentType || '',
      offset: offset * 1000,
      whole: attributes.mediaPresentationDuration,
      period: {start: attributes.periodStart,
        duration: attributes.periodDuration},
      segments: segments.map((one) => ({
        time: (one.presentationTime - attributes.periodStart + offset) * 1000,
        length: one.duration * 1000,
        what: place(one) || one.resolvedUri,
        number: one.number,
      })),
    });
  });
}

const KINDS = ['SegmentBase', 'SegmentList', 'SegmentTemplate'];
const kindOf = (path) => KINDS.filter((name) => lowest(path, name)).pop();

// Why a Representation is not one that we list; undefined: nobody knows.
function passed(one) {
  const [node, set] = one.path;
  const isKnown = (scheme) => scheme.startsWith('urn:mpeg:mpegB:cicp:') ||
    scheme === 'http://dashif.org/guidelines/trickmode';
  if ([node, set].some((of) => children(of, 'EssentialProperty')
    .some((property) => !isKnown(property.getAttribute('schemeIdUri')))))
    return '5.8.4.8: an EssentialProperty that we do not know';
  if (one.mime.startsWith('image/')) return 'neither picture, sound nor text';
  return undefined;
}

// What of theirs is in the Period.
function shown(right) {
  const isLastList = kindOf(right.path) === 'SegmentList' && right.isLast;
  const end = right.length === undefined || isLastList ? Infinity
    : right.length * 1000 + right.offset;
  const near = 1e-3;
  let out = right.segments.filter((one) => one.time < end - near);
  const begun = out.filter(
    (one) => one.time + one.length > right.offset + near);
  if (begun.length > 0) out = begun;
  if (out.length < right.segments.length)
    right.reasons.push('5.3.9.5.3: what is over when the Period begins, and ' +
      'what begins when it is over, is not in it');
  return out;
}

// Whole milliseconds of ours, and theirs.
const sameTime = (one, other) =>
  one <= other + 1e-3 && other < one + 1 + 1e-3;

// Takes from a Representation what is known to differ.
function reconcile(left, right) {
  const [node] = right.path;
  const kind = kindOf(right.path);
  if (!kind && children(node, 'BaseURL').length > 0 &&
      right.segments.length === 0) {
    right.reasons.push('5.3.9.1: without any of the three it is one segment, ' +
      'at its BaseURL; the other leaves that to who asks');
    right.segments = [{time: 0, length: Infinity, what: right.base}];
  }
  const list = kind === 'SegmentList' && lowest(right.path, kind);
  const urls = list ? children(list, 'SegmentURL') : [];
  if (right.isLast && list && list.hasAttribute('duration') &&
      right.segments.length < urls.length) {
    right.reasons.push('5.3.9.2.2: @duration is approximate: by it nobody ' +
      'can say that the rest of the list is over');
    const first = right.segments.length;
    const length = right.segments[0].length;
    right.segments.push(...urls.slice(first).map((url, n) => ({
      time: right.segments[0].time + (first + n) * length,
      length,
      what: new URL(url.getAttribute('media'), right.base).href,
    })));
  }
  const base = kind === 'SegmentBase' && lowest(right.path, 'SegmentBase');
  const index = base && right.path.flatMap((of) => children(of, 'SegmentBase'))
    .flatMap((of) => children(of, 'RepresentationIndex'))[0];
  if (index && !right.index && left.index) {
    right.reasons.push('5.3.9.2.2: RepresentationIndex says where the index ' +
      'is, which the other does not read');
    right.index = new URL(index.getAttribute('sourceURL') || '', right.base)
      .href;
    right.segments = [];
  }
  const range = base && (base.getAttribute('indexRange') || '').split('-')[0];
  if (!right.init && range > 0) {
    right.reasons.push('5.3.9.2.2: without Initialization the segment ' +
      'initialises itself: what that takes is in front of the index');
    right.init = `${right.base} 0-${range - 1}`;
  }
  if (/\$Number(%0\d+d)?\$/.test(right.init)) {
    right.reasons.push('5.3.9.4.2: $Number$ is not allowed in ' +
      '@initialization; we put in the number of the first segment, the ' +
      'other nothing');
    const {number} = shown(right)[0];
    right.init = right.init.replace(/\$Number(?:%0(\d+)d)?\$/g,
      (match, width) => String(number).padStart(width || 1, '0'));
  }
}

function *differences(left, right) {
  reconcile(left, right);
  for (const name of ['init', 'index'])
    if (left[name] !== right[name]) yield [name, left[name], right[name]];
  if (!sameTime(left.start, right.start))
    yield ['start', left.start, right.start];
  const segments = shown(right);
  if (left.segments.length !== segments.length)
    yield ['segments', left.segments.length, segments.length];
  for (let n = 0; n < Math.min(left.segments.length, segments.length); n++) {
    const [one, other] = [left.segments[n], segments[n]];
    if (one.what !== other.what || !sameTime(one.time, other.time))
      yield [`segments[${n}]`, JSON.stringify(one), JSON.stringify(other)];
  }
}

// Whether a parser of XML has something to say of it.
function isBroken(text) {
  let broken = false;
  const hear = () => { broken = true; };
  new DOMParser({errorHandler: {warning: hear, error: hear, fatalError: hear}})
    .parseFromString(text, 'application/xml');
  return broken;
}

// MPDs that we refuse: by the error, why, and what must be so.
const REFUSED = {
  'not well-formed XML': ['5.2.1: an MPD is an XML document',
    (root, all, text) => isBroken(text)],
  'a dynamic (live) MPD': ['not supported',
    (root) => root.getAttribute('type') === 'dynamic'],
  'no duration, so no last segment': [
    '5.3.2.1: no Period@start, and the Period in front of it has no ' +
    '@duration: nobody knows when it begins',
    (root) => children(root, 'Period').some((one, n, all) => n > 0 &&
      !one.hasAttribute('start') && !all[n - 1].hasAttribute('duration'))],
  'no segments': ['5.3.9.1: neither one of the three nor a BaseURL of its own',
    (root, all) => children(root, 'Period').length > 0 && all.every(
      ({path}) => !kindOf(path) && children(path[0], 'BaseURL').length === 0)],
};

let failed = false;
function unknown(text) {
  failed = true;
  console.log(text);
}

function refuse(name, error, text, all, said) {
  const line = `${name}: refused: ${error}`;
  const too = said ? `; mpd-parser: ${said}` : '';
  const [why, is] = REFUSED[error] || [];
  if (!why) unknown(`${line}; NOBODY KNOWS WHY${too}`);
  else if (!is(mpdParser.stringToMpdXml(text), all, text))
    unknown(`${line}; BUT IT IS NOT SO${too}`);
  else console.log(`${line}; ${why}${too}`);
}

// The Periods' ends, which are those of its Representations.
function measure(all) {
  const nodes = [...new Set(all.map((one) => one.path[2]))];
  const of = nodes.map((node) => all.find((one) => one.path[2] === node));
  for (const one of all) {
    const n = nodes.indexOf(one.path[2]);
    one.length = lengthOf(of.map(({period}) => period), n, one.whole);
    one.isLast = n + 1 === nodes.length;
  }
}

// Whether the two read the same.
function compare(name, left, all) {
  const reasons = new Map();
  const because = (why) => reasons.set(why, (reasons.get(why) || 0) + 1);
  measure(all);
  let n = 0;
  for (const right of all) {
    const one = left[n];
    if (!one || one.id !== right.id || one.bandwidth !== right.bandwidth) {
      const why = passed(right);
      if (why) because(why);
      else unknown(`${name}: ${right.id} is not there`);
      continue;
    }
    n++;
    for (const [where, here, there] of differences(one, right))
      unknown(`${name} ${right.id} ${where}: ${here} here, ${there} there`);
    right.reasons.forEach(because);
  }
  if (n < left.length) unknown(`${name}: ${left[n].id} is here alone`);
  for (const [why, count] of reasons)
    console.log(`${name}: ${count} Representations differ; ${why}`);
  return reasons.size === 0;
}

let same = 0;
let excused = 0;
let refused = 0;
let both = 0;
for (const name of files) {
  const text = fs.readFileSync(name, 'utf8');
  const left = ours(name);
  let all = [];
  let said = '';
  try {
    all = theirs(text);
  } catch (error) {
    said = error.message;
  }
  if (left.refused) {
    refuse(name, left.refused, text, all, said);
    if (said) both++;
    else refused++;
  } else if (said) {
    unknown(`${name}: read here; mpd-parser: ${said}`);
  } else if (compare(name, left.representations, all)) {
    same++;
  } else {
    excused++;
  }
}
console.log(`${same} are the same, ${excused} differ, ${refused} are refused ` +
  `here alone, ${both} by both`);
if (same === 0) unknown('nothing was the same');
process.exit(failed ? 1 : 0);

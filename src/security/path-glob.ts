// SPDX-License-Identifier: Apache-2.0
// Absolute paths and globs over them: normalised first, so that `..` leads nowhere, and matched without ever going back.

import { findBlock, type Meter, overlaps } from './segment-block.ts';

export type { Meter } from './segment-block.ts';

/** The text of one path segment, split at each `*`, which stands for any run of characters, also none. */
interface SegmentGlob {
  readonly pieces: readonly string[];
  readonly overlaps: readonly (readonly number[])[];
}

/** A path glob, ready to be matched. */
export interface Glob {
  readonly segments: readonly SegmentGlob[];
  /** It ends in `**`: one or more segments, whatever they are. */
  readonly deep: boolean;
}

/**
 * What a path may hold: printable ASCII but the backslash, and letters, marks and digits of every script. What looks like `/`,
 * `.` or `*` and is none (U+FF0F, U+2024, U+2215, …) is a sign or is changed by NFKC; both are refused.
 */
const FOREIGN = /[^\x20-\x5b\x5d-\x7e\p{L}\p{M}\p{N}]/u;

/** The characters other globs give a meaning; here a pattern that holds one is malformed, rather than read otherwise than meant. */
const OTHER_GLOBS = /[?[\]{}!]/;

const ANY = '*';
const DEEP = '**';

/**
 * The most a path may have, in UTF-16 units: Linux's PATH_MAX. To normalise many marks upon one letter takes a time that grows
 * with their square, so there must not be many.
 */
export const PATH_MOST = 4_096;

/**
 * The segments of an absolute path: `.`, empty ones and `x/..` taken out. Null when it is malformed or leads out above the
 * root. Links are not looked at: who opens the file must open what was asked about.
 */
export function normalisePath(path: string, meter?: Meter): readonly string[] | null {
  if (!path.startsWith('/') || path.length > PATH_MOST) return null;
  if (meter !== undefined) meter.steps += path.length;
  if (FOREIGN.test(path) || path.normalize('NFKC') !== path) return null;
  const segments: string[] = [];
  for (const segment of path.split('/')) {
    if (segment === '..') {
      if (segments.pop() === undefined) return null;
    } else if (segment !== '' && segment !== '.') segments.push(segment);
  }
  return segments;
}

/** Compiles a glob; null when it is malformed. `*` never crosses a `/`; `**` is a segment of its own, and the last. */
export function compileGlob(text: string): Glob | null {
  const segments = normalisePath(text);
  if (segments === null || OTHER_GLOBS.test(text)) return null;
  const deep = segments.at(-1) === DEEP;
  const own = deep ? segments.slice(0, -1) : segments;
  if (own.some((segment) => segment.includes(DEEP))) return null;
  return Object.freeze({ segments: own.map(compileSegment), deep });
}

function compileSegment(text: string): SegmentGlob {
  const pieces = text.split(ANY);
  return Object.freeze({ pieces, overlaps: pieces.map(overlaps) });
}

/** Whether a glob covers a path's normalised segments. */
export function globMatches({ segments, deep }: Glob, path: readonly string[], meter?: Meter): boolean {
  if (deep ? path.length <= segments.length : path.length !== segments.length) return false;
  return segments.every((glob, at) => segmentMatches(glob, path[at] ?? '', meter));
}

/** The pieces one after the other, each as far to the front as it goes; the last one at the end. */
function segmentMatches({ pieces, overlaps: tables }: SegmentGlob, text: string, meter?: Meter): boolean {
  const first = pieces[0] ?? '';
  const last = pieces.at(-1) ?? '';
  if (meter !== undefined) meter.steps += 1 + first.length + last.length;
  if (pieces.length === 1) return text === first;
  if (!text.startsWith(first)) return false;
  let at = first.length;
  for (let piece = 1; piece < pieces.length - 1; piece += 1) {
    at = findBlock(pieces[piece] ?? '', tables[piece] ?? [], text, at, text.length, meter);
    if (at < 0) return false;
  }
  return text.length - last.length >= at && text.endsWith(last);
}

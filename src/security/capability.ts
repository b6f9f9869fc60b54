// SPDX-License-Identifier: Apache-2.0
// Names of capabilities and patterns over them: parsed once, matched in a number of steps that grows with their length alone.

import { compileGlob, type Glob, globMatches, type Meter, normalisePath } from './path-glob.ts';
import { findBlock, overlaps } from './segment-block.ts';

/**
 * A capability by its name: dot-separated segments of ASCII letters, digits, `_` and `-`, two at least unless a path is one
 * of them. The last one may be an absolute path, dots and all: `filesystem.read./data/notes.txt`.
 */
export interface Capability {
  readonly segments: readonly string[];
  /** The path's own segments, normalised; null for a name without one. */
  readonly path: readonly string[] | null;
}

/** The most a name or a pattern may have, in UTF-16 units: a longer one is malformed. */
export const NAME_MOST = 65_536;

/** What stands in a pattern for one or more segments. */
const ANY = '*';

/** Segments between two `*`, and where the search goes on when they fit only in part (Knuth, Morris, Pratt 1977). */
interface Block {
  readonly segments: readonly string[];
  readonly overlaps: readonly number[];
}

/** A pattern, ready to be matched. */
export interface Pattern {
  /** As it was written. */
  readonly text: string;
  /** Split at each `*`: one block more than there are of them. */
  readonly blocks: readonly Block[];
  readonly path: Glob | null;
}

/** Parses a name; null when it is empty or malformed, and so is nobody's. */
export function parseCapability(name: string, meter?: Meter): Capability | null {
  const parts = split(name, meter);
  if (parts === null) return null;
  const { segments, path } = parts;
  if (segments.includes(ANY) || (path === null && segments.length < 2)) return null;
  if (path === null) return { segments, path };
  // A `*` in the name of a file is a glob to whatever opens it.
  if (path.includes(ANY)) return null;
  const normal = normalisePath(path, meter);
  return normal === null ? null : { segments, path: normal };
}

/** Parses a pattern; null when it is empty or malformed, and so matches nothing. */
export function parsePattern(text: string): Pattern | null {
  const parts = split(text);
  if (parts === null) return null;
  const blocks: string[][] = [[]];
  for (const segment of parts.segments) {
    if (segment === ANY) blocks.push([]);
    else blocks.at(-1)?.push(segment);
  }
  const path = parts.path === null ? null : compileGlob(parts.path);
  if (parts.path !== null && path === null) return null;
  return Object.freeze({
    text,
    blocks: blocks.map((segments) => Object.freeze({ segments, overlaps: overlaps(segments) })),
    path,
  });
}

/** Whether a pattern covers a capability. */
export function covers(pattern: Pattern, { segments, path }: Capability, meter?: Meter): boolean {
  if (pattern.path === null) {
    // A path is one segment more, which only a `*` stands for.
    return coversSegments(pattern.blocks, segments, path === null ? 0 : 1, meter);
  }
  if (path === null || !coversSegments(pattern.blocks, segments, 0, meter)) return false;
  return globMatches(pattern.path, path, meter);
}

/**
 * The blocks one after the other, each as far to the front as it goes: what is found further back leaves less room for those
 * that follow, so nothing is tried twice.
 *
 * @param more segments behind those, which no block may hold
 */
function coversSegments(
  blocks: readonly Block[],
  segments: readonly string[],
  more: number,
  meter: Meter | undefined,
): boolean {
  const length = segments.length + more;
  const first = blocks[0]?.segments ?? [];
  const last = blocks.at(-1)?.segments ?? [];
  if (!standsAt(first, segments, 0, meter)) return false;
  if (blocks.length === 1) return length === first.length;
  let at = first.length;
  for (const block of blocks.slice(1, -1)) {
    // At least one segment is the `*` before it.
    at = findBlock(block.segments, block.overlaps, segments, at + 1, length, meter);
    if (at < 0) return false;
  }
  const end = length - last.length;
  return end >= at + 1 && (last.length === 0 || more === 0) && standsAt(last, segments, end, meter);
}

function standsAt(block: readonly string[], segments: readonly string[], from: number, meter?: Meter): boolean {
  for (const [at, segment] of block.entries()) {
    if (meter !== undefined) meter.steps += 1;
    if (segments[from + at] !== segment) return false;
  }
  return true;
}

interface Parts {
  readonly segments: readonly string[];
  /** From its first `/` on. */
  readonly path: string | null;
}

/** Cuts at the dots up to where a path begins; null when a segment is empty or holds what none may. */
function split(text: string, meter?: Meter): Parts | null {
  if (text === '' || text.length > NAME_MOST) return null;
  const segments: string[] = [];
  let from = 0;
  for (let at = 0; at <= text.length; at += 1) {
    if (meter !== undefined) meter.steps += 1;
    const code = at === text.length ? DOT : text.charCodeAt(at);
    if (code === SLASH && at === from) return segments.length === 0 ? null : { segments, path: text.slice(at) };
    if (code === DOT) {
      const segment = text.slice(from, at);
      // A `*` is a segment of its own or none: `mem*` would be read as more than it says.
      if (segment === '' || (segment !== ANY && segment.includes(ANY))) return null;
      segments.push(segment);
      from = at + 1;
    } else if (!isNameCode(code)) return null;
  }
  return { segments, path: null };
}

const DOT = 0x2e;
const SLASH = 0x2f;

/** ASCII only: no letter of another script that looks like one of these is one of these. */
function isNameCode(code: number): boolean {
  return (
    (code >= 0x61 && code <= 0x7a) ||
    (code >= 0x41 && code <= 0x5a) ||
    (code >= 0x30 && code <= 0x39) ||
    code === 0x5f ||
    code === 0x2d ||
    code === 0x2a
  );
}

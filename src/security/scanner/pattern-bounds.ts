// SPDX-License-Identifier: Apache-2.0
// What a pattern can cost at worst, computed before it is ever run: how long a match is, and how many steps a failure takes.

import { type CharSet, common, has, inverse, overlap, type PatternNode, parsePattern, union } from './pattern.ts';

export interface PatternBounds {
  /** UTF-16 units of the longest match. */
  readonly longest: number;
  /** Units after which it is certain that there is a match; what follows only makes it longer. */
  readonly certain: number;
  /** Steps a backtracking engine takes at most from one place on, before it gives up or is certain. */
  readonly work: number;
  /** Units a match begins with at least before anything is repeated or chosen by more than one unit. */
  readonly shortest: number;
}

/** The most of each that a rule may have. */
export const BOUNDS_MOST = { longest: 32_768, certain: 2_048, work: 32_000 } as const;

interface Cost {
  /** Ways to get through it from one place, at most. */
  readonly ways: number;
  readonly work: number;
}

const CAP = 1e12;
const capped = (value: number): number => Math.min(value, CAP);

export function longestOf(node: PatternNode): number {
  switch (node.kind) {
    case 'set':
      return 1;
    case 'edge':
      return 0;
    case 'sequence':
      return node.items.reduce((sum, item) => sum + longestOf(item), 0);
    case 'choice':
      return Math.max(...node.of.map(longestOf));
    case 'repeat':
      return node.most * longestOf(node.of);
    default:
      return node satisfies never;
  }
}

function shortestOf(node: PatternNode): number {
  switch (node.kind) {
    case 'set':
      return 1;
    case 'edge':
      return 0;
    case 'sequence':
      return node.items.reduce((sum, item) => sum + shortestOf(item), 0);
    case 'choice':
      return Math.min(...node.of.map(shortestOf));
    case 'repeat':
      return node.least * shortestOf(node.of);
    default:
      return node satisfies never;
  }
}

const nullable = (node: PatternNode): boolean => shortestOf(node) === 0;

/** The units it may begin with; `after` is what may come next where it takes none itself. */
function firstOf(node: PatternNode, after: CharSet): CharSet {
  switch (node.kind) {
    case 'set':
      return node.set;
    case 'edge':
      if (node.side === 'before') return after;
      return node.wanted ? common(after, node.set) : common(after, inverse(node.set));
    case 'sequence':
      return node.items.reduceRight<CharSet>((next, item) => firstOf(item, next), after);
    case 'choice':
      return union(node.of.map((one) => firstOf(one, after)));
    case 'repeat':
      return nullable(node) ? union([firstOf(node.of, after), after]) : firstOf(node.of, after);
    default:
      return node satisfies never;
  }
}

/** Texts that are written out at most. */
const TEXTS_MOST = 512;

/** The texts a node stands for; null when they are too many to be written out. */
function textsOf(node: PatternNode): readonly string[] | null {
  switch (node.kind) {
    case 'edge':
      return [''];
    case 'set': {
      const size = node.set.reduce((sum, [from, to]) => sum + to - from + 1, 0);
      if (size > 4) return null;
      return node.set.flatMap(([from, to]) =>
        Array.from({ length: to - from + 1 }, (_, at) => String.fromCharCode(from + at)),
      );
    }
    case 'choice': {
      const all = node.of.map(textsOf);
      return all.includes(null) ? null : few(all.flatMap((texts) => texts ?? []));
    }
    case 'sequence':
      return node.items.map(textsOf).reduce(joined, ['']);
    case 'repeat': {
      if (node.most > 2) return null;
      const once = textsOf(node.of);
      const texts: string[] = [];
      for (let round = node.least; round <= node.most; round += 1)
        texts.push(...(Array.from({ length: round }, () => once).reduce(joined, ['']) ?? []));
      return once === null ? null : few(texts);
    }
    default:
      return node satisfies never;
  }
}

const few = (texts: readonly string[]): readonly string[] | null => (texts.length > TEXTS_MOST ? null : texts);

function joined(one: readonly string[] | null, other: readonly string[] | null): readonly string[] | null {
  if (one === null || other === null || one.length * other.length > TEXTS_MOST) return null;
  return one.flatMap((text) => other.map((more) => text + more));
}

/** The most of these texts that one place can be left through, when what comes next is one of `after`. */
function longestChain(texts: readonly string[], after: CharSet): number {
  const fits = (text: string, other: string): boolean =>
    text.startsWith(other) && (text.length === other.length || has(after, text.charCodeAt(other.length)));
  return Math.max(...texts.map((text) => texts.filter((other) => fits(text, other)).length));
}

/** The fewest units between two places of a text at which one of these begins. */
function leastShift(texts: readonly string[]): number {
  let least = Math.min(...texts.map(({ length }) => length));
  for (const one of texts)
    for (const other of texts)
      for (let shift = 1; shift < least; shift += 1) {
        const rest = one.slice(shift);
        if (rest.startsWith(other) || other.startsWith(rest)) least = shift;
      }
  return Math.max(least, 1);
}

function choiceCost(of: readonly PatternNode[], after: CharSet): Cost {
  const costs = of.map((one) => ({ ...costOf(one, after), first: firstOf(one, after) }));
  const texts = textsOf({ kind: 'choice', of });
  let ways = 1;
  let work = of.length;
  for (const { first } of costs) {
    const alike = costs.filter((other) => overlap(first, other.first));
    ways = Math.max(
      ways,
      alike.reduce((sum, cost) => sum + cost.ways, 0),
    );
    work = Math.max(
      work,
      alike.reduce((sum, cost) => sum + cost.work, of.length),
    );
  }
  return texts === null ? { ways, work } : { ways: longestChain(texts, after), work: Math.min(work, compared(texts)) };
}

/** Units compared at most at one place until none of these texts is left: each as far as it is like the one that stands there. */
function compared(texts: readonly string[]): number {
  const alike = (one: string, other: string): number => {
    let at = 0;
    while (at < one.length && one[at] === other[at]) at += 1;
    return at + 1;
  };
  return Math.max(...texts.map((text) => texts.reduce((sum, other) => sum + alike(text, other), 0)));
}

function sequenceCost(items: readonly PatternNode[], after: CharSet): Cost {
  let ways = 1;
  let work = 0;
  for (let at = 0; at < items.length; at += 1) {
    const item = items[at];
    if (item === undefined) break;
    const rest = (from: number): CharSet =>
      items.slice(from).reduceRight<CharSet>((then, one) => firstOf(one, then), after);
    const gap = gapCost(items, at, rest);
    const cost = gap?.cost ?? costOf(item, rest(at + 1));
    work = capped(work + ways * cost.work);
    ways = capped(ways * cost.ways);
    if (gap !== null) at = gap.last;
  }
  return { ways, work };
}

/**
 * A gap of any units and the words after it, together: the words can stand in as many places of the gap as there is room
 * for them without overlapping, not in each of them.
 */
function gapCost(
  items: readonly PatternNode[],
  at: number,
  rest: (from: number) => CharSet,
): { readonly cost: Cost; readonly last: number } | null {
  const gap = items[at];
  if (gap?.kind !== 'repeat' || gap.of.kind !== 'set' || gap.most < 3 || !overlap(gap.of.set, rest(at + 1)))
    return null;
  let texts: readonly string[] = [''];
  let last = at;
  for (let next = at + 1; next < items.length; next += 1) {
    const item = items[next];
    const more = item === undefined ? null : joined(texts, textsOf(item));
    if (more === null) break;
    texts = more;
    last = next;
  }
  if (texts.some((text) => text === '')) return null;
  const words = costOf({ kind: 'sequence', items: items.slice(at + 1, last + 1) }, rest(last + 1));
  const places = Math.floor((gap.most - gap.least) / leastShift(texts)) + 1;
  const ways = capped(places * longestChain(texts, rest(last + 1)));
  return { cost: { ways, work: capped((gap.most + 1) * (words.work + 1)) }, last };
}

function costOf(node: PatternNode, after: CharSet): Cost {
  switch (node.kind) {
    case 'set':
    case 'edge':
      return { ways: 1, work: 1 };
    case 'choice':
      return choiceCost(node.of, after);
    case 'sequence':
      return sequenceCost(node.items, after);
    case 'repeat': {
      const { of, least, most } = node;
      const again = firstOf(of, after);
      const inside = costOf(of, union([again, after]));
      // Where what repeats and what follows begin with different units, only one of the two can go on.
      const decided = !overlap(again, after) || least === most;
      let ways = 0;
      let work = 0;
      let paths = 1;
      for (let round = 0; round <= most; round += 1) {
        if (round >= least) ways = decided ? Math.max(ways, paths) : capped(ways + paths);
        if (round === most) break;
        work = capped(work + paths * (inside.work + 1));
        paths = capped(paths * inside.ways);
      }
      return { ways, work };
    }
    default:
      return node satisfies never;
  }
}

/** The part after which it matches whatever comes: without what may be missing at its end. */
function certainPart(node: PatternNode): PatternNode {
  if (node.kind === 'choice') return { kind: 'choice', of: node.of.map(certainPart) };
  if (node.kind === 'repeat' && node.least > 0 && node.of.kind === 'set') return { ...node, most: node.least };
  if (node.kind !== 'sequence') return node;
  const items = [...node.items];
  for (let last = items.at(-1); last !== undefined && last.kind !== 'edge' && nullable(last); last = items.at(-1))
    items.pop();
  const last = items.pop();
  return { kind: 'sequence', items: last === undefined ? [] : [...items, certainPart(last)] };
}

/**
 * The bounds of a pattern.
 *
 * @throws PatternError when it is not of the dialect
 */
export function boundsOf(pattern: string): PatternBounds {
  const tree = parsePattern(pattern);
  const head = certainPart(tree);
  return {
    longest: longestOf(tree),
    certain: longestOf(head),
    work: costOf(head, []).work,
    shortest: shortestOf(tree),
  };
}

/** Why a pattern does not get in: what is too much of it; null when it does. */
export function refusalOf(pattern: string): string | null {
  const bounds = boundsOf(pattern);
  if (bounds.shortest === 0) return 'it matches nothing at all';
  for (const name of ['longest', 'certain', 'work'] as const) {
    if (bounds[name] > BOUNDS_MOST[name]) return `${name} ${bounds[name]} is more than ${BOUNDS_MOST[name]}`;
  }
  return null;
}

// SPDX-License-Identifier: Apache-2.0
// A pattern that is fed one unit after the other, and says at any time whether it may still match: what a stream needs to know.

import { type CharSet, has, type PatternNode, parsePattern } from './pattern.ts';

/** The pattern as a program (Thompson, 1968); a unit that repeats is counted, not written out. */
type Step =
  | { readonly op: 'unit'; readonly holds: (code: number) => boolean; readonly least: number; readonly most: number }
  | { readonly op: 'split'; readonly to: readonly number[] }
  | { readonly op: 'edge'; readonly holds: (code: number) => boolean; readonly wanted: boolean }
  | { readonly op: 'match' };

export interface PatternProgram {
  readonly steps: readonly Step[];
  /** Texts of which every match begins with one. */
  readonly prefixes: readonly string[];
}

/** A repetition of more than one unit is written out; no rule needs more than this. */
const STEPS_MOST = 4_096;
const PREFIXES_MOST = 64;
/** Units a prefix is looked at for. */
const PREFIX_LENGTH = 12;

function holding(set: CharSet): (code: number) => boolean {
  const table = new Uint8Array(128);
  for (let code = 0; code < 128; code += 1) table[code] = has(set, code) ? 1 : 0;
  return (code) => (code < 128 ? table[code] === 1 : has(set, code));
}

/** @throws Error when the pattern looks ahead, which a stream cannot, or is too large */
export function compilePattern(pattern: string): PatternProgram {
  const tree = parsePattern(pattern);
  const steps: Step[] = [];
  const add = (step: Step): number => {
    if (steps.length >= STEPS_MOST) throw new Error(`the pattern ${pattern} is too large for a stream`);
    return steps.push(step) - 1;
  };
  const write = (node: PatternNode): void => {
    switch (node.kind) {
      case 'set':
        add({ op: 'unit', holds: holding(node.set), least: 1, most: 1 });
        return;
      case 'edge':
        if (node.side === 'after') throw new Error(`the pattern ${pattern} looks ahead, which a stream cannot`);
        add({ op: 'edge', holds: holding(node.set), wanted: node.wanted });
        return;
      case 'sequence':
        for (const item of node.items) write(item);
        return;
      case 'choice':
        writeChoice(node.of);
        return;
      case 'repeat':
        writeRepeat(node);
        return;
      default:
        node satisfies never;
    }
  };
  const writeChoice = (of: readonly PatternNode[]): void => {
    const split: number[] = [];
    add({ op: 'split', to: split });
    const ends: number[][] = [];
    for (const one of of) {
      split.push(steps.length);
      write(one);
      const end: number[] = [];
      add({ op: 'split', to: end });
      ends.push(end);
    }
    for (const end of ends) end.push(steps.length);
  };
  const writeRepeat = ({ of, least, most }: Extract<PatternNode, { kind: 'repeat' }>): void => {
    if (of.kind === 'set') {
      add({ op: 'unit', holds: holding(of.set), least, most });
      return;
    }
    const exits: number[][] = [];
    for (let round = 0; round < most; round += 1) {
      if (round >= least) {
        const exit: number[] = [];
        add({ op: 'split', to: exit });
        exit.push(steps.length);
        exits.push(exit);
      }
      write(of);
    }
    for (const exit of exits) exit.push(steps.length);
  };
  write(tree);
  add({ op: 'match' });
  return { steps, prefixes: prefixesOf(tree) };
}

/** The texts every match begins with, each as long as it is the same in all of them. */
function prefixesOf(tree: PatternNode): readonly string[] {
  let open: { text: string; done: boolean }[] = [{ text: '', done: false }];
  const grow = (node: PatternNode): void => {
    const going = open.filter(({ text, done }) => !done && text.length < PREFIX_LENGTH);
    const rest = open.filter((one) => !going.includes(one)).map(({ text }) => ({ text, done: true }));
    switch (node.kind) {
      case 'edge':
        return;
      case 'sequence':
        for (const item of node.items) grow(item);
        return;
      case 'set': {
        const letters = node.set.flatMap(([from, to]) =>
          to - from < 8 ? Array.from({ length: to - from + 1 }, (_, at) => String.fromCharCode(from + at)) : [''],
        );
        const few = !letters.includes('') && letters.length * going.length + rest.length <= PREFIXES_MOST;
        open = few
          ? [...rest, ...going.flatMap(({ text }) => letters.map((letter) => ({ text: text + letter, done: false })))]
          : [...rest, ...going.map(({ text }) => ({ text, done: true }))];
        return;
      }
      case 'choice': {
        const grown: typeof open = [];
        for (const one of node.of) {
          open = going.map((begun) => ({ ...begun }));
          grow(one);
          grown.push(...open);
        }
        open = [...rest, ...grown];
        return;
      }
      case 'repeat':
        if (node.least > 0) {
          grow(node.of);
          if (node.least !== node.most || node.of.kind !== 'set') open = open.map(({ text }) => ({ text, done: true }));
          else for (let round = 1; round < node.least && open.some(({ done }) => !done); round += 1) grow(node.of);
        } else open = open.map(({ text }) => ({ text, done: true }));
        return;
      default:
        node satisfies never;
    }
  };
  grow(tree);
  return [...new Set(open.map(({ text }) => text))];
}

const COUNT = 65_536;
/** Before the first unit of a text. */
export const NO_UNIT = -1;

/** One attempt to match from one place on. */
export class PatternRun {
  readonly #program: PatternProgram;
  /** Places in the program, each with how often its unit has come: `place * COUNT + times`. */
  #places: number[] = [];
  #matched = false;

  /** @param before the unit before the first one, {@link NO_UNIT} where there is none */
  constructor(program: PatternProgram, before: number) {
    this.#program = program;
    this.#enter(0, before, this.#places);
  }

  /** Whether another unit may change anything. */
  get live(): boolean {
    return this.#places.length > 0;
  }

  /** Takes a unit; whether what was taken so far is a match. */
  step(code: number): boolean {
    const before = this.#places;
    const after: number[] = [];
    this.#places = after;
    this.#matched = false;
    for (const place of before) {
      const at = Math.floor(place / COUNT);
      const step = this.#program.steps[at];
      if (step?.op !== 'unit' || !step.holds(code)) continue;
      const times = (place % COUNT) + 1;
      if (times < step.most) add(after, at * COUNT + times);
      if (times >= step.least) this.#enter(at + 1, code, after);
    }
    return this.#matched;
  }

  #enter(at: number, before: number, into: number[]): void {
    const step = this.#program.steps[at];
    switch (step?.op) {
      case 'unit':
        if (step.least === 0) this.#enter(at + 1, before, into);
        add(into, at * COUNT);
        return;
      case 'split':
        for (const to of step.to) this.#enter(to, before, into);
        return;
      case 'edge':
        if ((before !== NO_UNIT && step.holds(before)) === step.wanted) this.#enter(at + 1, before, into);
        return;
      default:
        this.#matched = true;
    }
  }
}

function add(places: number[], place: number): void {
  if (!places.includes(place)) places.push(place);
}

// SPDX-License-Identifier: Apache-2.0
// Hides secrets in a text that comes in pieces: what may still become one is held back, what cannot is shown at once.

import { entropyOf } from './engine.ts';
import { type KnownText, KnownTexts } from './known-texts.ts';
import { NO_UNIT, PatternRun } from './pattern-run.ts';
import type { Beginning, StreamRule } from './stream-rules.ts';
import { redactionMark } from './verdict.ts';

/** What may be a secret from `start` on, and is as far as `end`, once that is above it. */
interface Candidate {
  readonly start: number;
  end: number;
  live: boolean;
  readonly follows: Follows;
}

/** How a candidate goes on. */
interface Follows {
  /** What stands in its place. */
  readonly mark: string;
  /** Told as what was found. */
  readonly id: string;
  readonly rank: number;
  /** Takes a unit; whether all since the start is a secret. */
  step(code: number): boolean;
  readonly live: boolean;
}

/** Somewhere in a tree of beginnings. */
interface Walk<T> {
  readonly start: number;
  /** The unit before its start. */
  readonly before: number;
  at: Beginning<T>;
}

/** What it was made from: shared by all streams of a thread. */
export interface StreamSecrets {
  readonly rules: Beginning<StreamRule>;
  /** Secrets that are known word for word. */
  readonly known: KnownTexts;
}

/** The id under which a secret is told that is known word for word. */
export const KNOWN_SECRET = 'configured-secret';
/** A match this long is not measured again with each unit. */
const MEASURED_MOST = 512;
/** Full-width forms of ASCII begin here, and are as many. */
const WIDE = { first: 0xff01, last: 0xff5e, by: 0xfee0 } as const;

/** A unit as rules see it; 0 for one that is there and not seen, which no secret is told apart by. */
function plain(code: number): number {
  if (code < 0xad) return code;
  if (code >= WIDE.first && code <= WIDE.last) return code - WIDE.by;
  const unseen =
    code === 0xad ||
    (code >= 0x200b && code <= 0x200f) ||
    (code >= 0x202a && code <= 0x202e) ||
    (code >= 0x2060 && code <= 0x206f) ||
    (code >= 0xfe00 && code <= 0xfe0f) ||
    code === 0xfeff;
  return unseen ? 0 : code;
}

/** Whether what begins at a place of a piece may still become something, as far as the piece goes. */
function goesOn<T>(beginning: Beginning<T>, piece: string, start: number): boolean {
  let node: Beginning<T> | undefined = beginning;
  for (let at = start + 1; node !== undefined && node.ends.length === 0 && at < piece.length; at += 1) {
    const code = piece.charCodeAt(at);
    // What is not as it is written is looked at unit by unit.
    if (code >= 0xad) return true;
    node = node.next.get(code);
  }
  return node !== undefined;
}

/**
 * One stream: text or thinking of one reply. What it shows depends on the units it was given alone, not on how they were cut:
 * it is a machine that takes one at a time.
 */
export class StreamRedactor {
  readonly #secrets: StreamSecrets;
  /** Not shown yet; its first unit stands at `#base`. */
  #held = '';
  #base = 0;
  /** Units taken. */
  #at = 0;
  /** Everything before is shown, or hidden. */
  #done = 0;
  /** The last unit, as rules see it. */
  #before = NO_UNIT;
  #walks: Walk<StreamRule>[] = [];
  #knownWalks: Walk<KnownText>[] = [];
  #candidates: Candidate[] = [];
  #shown = '';
  /** What was hidden, by id, and how often. */
  readonly found = new Map<string, number>();

  constructor(secrets: StreamSecrets) {
    this.#secrets = secrets;
  }

  /** Units held back. */
  get held(): number {
    return this.#held.length;
  }

  /** Takes the next piece; what may be shown now. */
  push(piece: string): string {
    const { rules, known } = this.#secrets;
    if (this.#held === '' && this.#quiet) {
      // Nearly all pieces begin nothing: they cost one look at each unit.
      const { length } = piece;
      const first = rules.next;
      const knownFirst = known.root.next;
      let at = 0;
      let before = this.#before;
      for (; at < length; at += 1) {
        const code = piece.charCodeAt(at);
        if (code >= 0xad) break;
        const known = knownFirst.get(code);
        if (known !== undefined && goesOn(known, piece, at)) break;
        const rule = first.get(code);
        if (rule !== undefined && begins(before, code) && goesOn(rule, piece, at)) break;
        before = code;
      }
      this.#before = before;
      this.#at += at;
      this.#done = this.#at;
      this.#base = this.#at;
      if (at === length) return piece;
      this.#shown = piece.slice(0, at);
      return this.#take(piece.slice(at));
    }
    return this.#take(piece);
  }

  /** The text is over: what was held back and became nothing. */
  flush(): string {
    this.#walks = [];
    this.#knownWalks = [];
    for (const candidate of this.#candidates) candidate.live = false;
    this.#settle();
    this.#show(this.#at);
    const shown = this.#shown;
    this.#shown = '';
    return shown;
  }

  get #quiet(): boolean {
    return this.#candidates.length === 0 && this.#walks.length === 0 && this.#knownWalks.length === 0;
  }

  #take(piece: string): string {
    this.#held += piece;
    for (let at = 0; at < piece.length; at += 1) this.#step(piece.charCodeAt(at));
    this.#settle();
    const shown = this.#shown;
    this.#shown = '';
    return shown;
  }

  #step(written: number): void {
    const code = plain(written);
    const start = this.#at;
    this.#at += 1;
    if (code === 0) return;
    for (const candidate of this.#candidates) if (candidate.live) this.#follow(candidate, code);
    this.#walkOn(start, code);
    this.#walkKnown(start, code);
    this.#before = code;
    if (this.#candidates.length > 0) this.#settle();
  }

  #follow(candidate: Candidate, code: number): void {
    const { follows } = candidate;
    if (follows.step(code)) candidate.end = this.#at;
    candidate.live = follows.live;
  }

  #walkOn(start: number, code: number): void {
    const { rules } = this.#secrets;
    if (this.#walks.length > 0) {
      const going: Walk<StreamRule>[] = [];
      for (const walk of this.#walks) {
        const to = walk.at.next.get(code);
        if (to === undefined) continue;
        walk.at = to;
        going.push(walk);
      }
      this.#walks = going;
    }
    const first = rules.next.get(code);
    if (first !== undefined && begins(this.#before, code)) this.#walks.push({ start, before: this.#before, at: first });
    if (this.#walks.length === 0) return;
    for (const walk of this.#walks) for (const rule of walk.at.ends) this.#begin(walk, rule);
    this.#walks = this.#walks.filter(({ at }) => at.next.size > 0);
  }

  /** A rule's beginning is there: the rule is followed through it, and from here on. */
  #begin({ start, before }: Walk<StreamRule>, rule: StreamRule): void {
    const run = new PatternRun(rule.program, before);
    const candidate: Candidate = { start, end: start, live: true, follows: new RuleFollows(this, start, rule, run) };
    for (let at = start; at < this.#at && run.live; at += 1) {
      const code = plain(this.#held.charCodeAt(at - this.#base));
      if (code !== 0 && candidate.follows.step(code)) candidate.end = at + 1;
    }
    candidate.live = run.live;
    if (candidate.live || candidate.end > start) this.#candidates.push(candidate);
  }

  #walkKnown(start: number, code: number): void {
    const { root } = this.#secrets.known;
    if (root.next.size === 0) return;
    if (this.#knownWalks.length > 0) {
      const going: Walk<KnownText>[] = [];
      for (const walk of this.#knownWalks) {
        const to = walk.at.next.get(code);
        if (to === undefined) continue;
        walk.at = to;
        going.push(walk);
      }
      this.#knownWalks = going;
    }
    const first = root.next.get(code);
    if (first !== undefined) this.#knownWalks.push({ start, before: this.#before, at: first });
    for (const walk of this.#knownWalks) {
      if (walk.at.ends.length === 0) continue;
      const follows = new KnownFollows(walk.at.ends);
      const end = follows.whole ? this.#at : walk.start;
      this.#candidates.push({ start: walk.start, end, live: follows.live, follows });
    }
    this.#knownWalks = this.#knownWalks.filter(({ at }) => at.next.size > 0);
  }

  /** Decides what can be decided: from the left on, as far as nothing is open. */
  #settle(): void {
    let open = this.#at;
    for (const { start } of this.#walks) open = Math.min(open, start);
    for (const { start } of this.#knownWalks) open = Math.min(open, start);
    if (this.#candidates.length > 0) {
      this.#candidates = this.#candidates.filter(({ live, end, start }) => live || end > start);
      this.#candidates.sort((one, other) => one.start - other.start || one.follows.rank - other.follows.rank);
      for (const candidate of this.#candidates) {
        const { start, end, live, follows } = candidate;
        if (start >= open) break;
        if (end <= start) {
          // Open from its start on, unless all of that is hidden already.
          open = Math.min(open, Math.max(start, this.#done));
          continue;
        }
        // Another one that began as early may give it its name.
        if (start >= this.#done && this.#undecided(start)) {
          open = Math.min(open, start);
          break;
        }
        if (start >= this.#done) {
          this.#show(start);
          this.#shown += follows.mark;
          this.found.set(follows.id, (this.found.get(follows.id) ?? 0) + 1);
        }
        this.#hide(end);
        // What comes right after it may be another one.
        if (end === this.#at) this.#before = NO_UNIT;
        if (live) open = Math.min(open, Math.max(end, this.#done));
      }
      this.#candidates = this.#candidates.filter(({ live, end }) => live || end > this.#done);
    }
    this.#show(Math.max(Math.min(open, this.#at), this.#done));
  }

  #undecided(start: number): boolean {
    return (
      this.#candidates.some((other) => other.start === start && other.live && other.end <= start) ||
      this.#walks.some((walk) => walk.start === start) ||
      this.#knownWalks.some((walk) => walk.start === start)
    );
  }

  #show(to: number): void {
    if (to <= this.#done) return;
    this.#shown += this.#held.slice(this.#done - this.#base, to - this.#base);
    this.#hide(to);
  }

  #hide(to: number): void {
    if (to <= this.#done) return;
    this.#done = to;
    this.#held = this.#held.slice(to - this.#base);
    this.#base = to;
  }

  /** What stands between a place and here, if all of it is held. */
  since(start: number): string | undefined {
    return start < this.#base ? undefined : this.#held.slice(start - this.#base, this.#at - this.#base);
  }
}

class RuleFollows implements Follows {
  readonly id: string;
  readonly mark: string;
  readonly rank: number;
  readonly #of: StreamRedactor;
  readonly #start: number;
  readonly #rule: StreamRule;
  readonly #run: PatternRun;

  constructor(of: StreamRedactor, start: number, rule: StreamRule, run: PatternRun) {
    this.#of = of;
    this.#start = start;
    this.#rule = rule;
    this.#run = run;
    this.id = rule.id;
    this.mark = redactionMark(rule.id);
    this.rank = rule.rank;
  }

  get live(): boolean {
    return this.#run.live;
  }

  step(code: number): boolean {
    if (!this.#run.step(code)) return false;
    const { entropy } = this.#rule;
    if (entropy === 0) return true;
    const text = this.#of.since(this.#start);
    return text === undefined || text.length > MEASURED_MOST || entropyOf(text) >= entropy;
  }
}

class KnownFollows implements Follows {
  readonly id = KNOWN_SECRET;
  readonly mark = '***';
  /** Before every rule: what is known is called so. */
  readonly rank = -1;
  #texts: readonly KnownText[];
  #length: number;

  constructor(texts: readonly KnownText[]) {
    this.#length = KnownTexts.begun;
    this.#texts = texts;
  }

  /** Whether one of them is there with its beginning. */
  get whole(): boolean {
    return this.#texts.some(({ length }) => length === this.#length);
  }

  get live(): boolean {
    return this.#texts.some(({ length }) => length > this.#length);
  }

  step(code: number): boolean {
    const at = this.#length;
    this.#texts = this.#texts.filter((text) => text.charCodeAt(at) === code);
    this.#length += 1;
    return this.whole;
  }
}

/** Whether something may begin with a unit after another: not in the middle of a word. */
function begins(before: number, code: number): boolean {
  return !isWord(before) || !isWord(code);
}

function isWord(code: number): boolean {
  return (code >= 48 && code <= 57) || (code >= 65 && code <= 90) || (code >= 97 && code <= 122);
}

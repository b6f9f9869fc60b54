// SPDX-License-Identifier: Apache-2.0
// One reply that grows on a platform while its turn runs, and ends whole. Pure: inputs and the time go in, what to do comes out.

/** How a platform and its channel want a reply to be shown. */
export interface GrowingSettings {
  /** A message that was sent can be changed. Where it cannot, the reply comes in one piece when it is complete. */
  readonly editing: boolean;
  /** A message that was sent can be taken back. Where it cannot, one too many is left with {@link SURPLUS} in it. */
  readonly removing: boolean;
  readonly typing: boolean;
  /** The messages of a text, in their order, each within the platform's limit; none of a blank text. */
  readonly split: (text: string) => readonly string[];
  /** Least time from one change to the next, in milliseconds: {@link CHANGE_EVERY} where the platform asks for no more. */
  readonly change_every: number;
}

/** Least time from one change of what people see to the next, in milliseconds. */
export const CHANGE_EVERY = 1_000;
/** How often it is shown that the agent writes, in milliseconds: platforms show it for 5 s (Telegram) to 10 s (Discord). */
export const TYPING_EVERY = 4_000;
/** What a message is left with that turned out to be one too many and cannot be taken back. */
export const SURPLUS = '—';

/** A first message is worth its ring once its text has so many characters and is so old, or is older (milliseconds). */
const WORTH = { characters: 20, after: 1_000, whatever_after: 3_000 } as const;
/** Pause after a failure that says no time, doubled with each, in milliseconds. */
const PAUSE = { first: 1_000, most: 300_000 } as const;

/** Something that is asked of the platform. It is answered before there is another. */
export type ReplyOperation =
  | {
      readonly type: 'send';
      readonly part: number;
      readonly content: string;
      /** How many messages of this part were sent before and could not be changed any more: this one takes their place. */
      readonly replaces: number;
    }
  | { readonly type: 'edit'; readonly part: number; readonly content: string }
  | { readonly type: 'remove'; readonly part: number };

/** Nothing follows. The reply is shown, or a part of it was refused for good; `parts` is how many messages it has. */
export interface ReplyEnd {
  readonly type: 'finish';
  readonly outcome: 'shown' | 'refused';
  readonly parts: number;
}

export type ReplyEffect = ReplyOperation | { readonly type: 'typing' } | ReplyEnd;

/** What its turn does. */
export type ReplyProgress =
  /** Text was added. */
  | { readonly type: 'text'; readonly text: string }
  /** A tool runs: what was said before will be all for a while. */
  | { readonly type: 'tool' }
  /** The turn waits for a person: nobody writes. */
  | { readonly type: 'waits' }
  /** The turn begins again: the text so far is forgotten. */
  | { readonly type: 'restarted' }
  /** The turn is over, and this is all of its reply; blank: there is nothing to say. */
  | { readonly type: 'finished'; readonly content: string }
  /** The turn failed: this is said below what there is of it. */
  | { readonly type: 'failed'; readonly say: string };

/** How the platform answers. */
export type ReplyAnswer =
  /** What was asked for was done. */
  | { readonly type: 'done' }
  /**
   * It was not done, or nobody knows. `retryable`: the same may work later; who asks gives up by saying no. `retry_after`
   * in milliseconds, where the platform says it.
   */
  | { readonly type: 'refused'; readonly retryable: boolean; readonly retry_after?: number };

export type ReplyInput = ReplyProgress | ReplyAnswer | { readonly type: 'tick' };

/** Where a growing reply stands. Immutable. */
export interface GrowingReply {
  readonly phase: 'running' | 'ending' | 'over';
  readonly text: string;
  /** When its first visible text came; null before. */
  readonly since: number | null;
  /** What there is is worth showing, however short. */
  readonly worth: boolean;
  /** A person is waited for. */
  readonly waits: boolean;
  /** There may be something new to show. */
  readonly stale: boolean;
  /** All of the reply, once it is complete. */
  readonly said: string;
  /** Its messages then. */
  readonly whole: readonly string[];
  /** What people see in each of its messages that exist; null: nobody knows. */
  readonly parts: readonly (string | null)[];
  /** How often each part was sent anew. */
  readonly replaced: readonly number[];
  /** A send of the part after those failed, with this text (null: nobody knows), and may have arrived all the same. */
  readonly tried: { readonly text: string | null } | null;
  readonly in_flight: ReplyOperation | null;
  /** When the newest change was asked for. */
  readonly changed_at: number;
  readonly typed_at: number;
  /** Nothing is asked for earlier: the platform said so, or it failed. */
  readonly not_before: number;
  /** Failures in a row. */
  readonly failures: number;
  /** Messages can still be changed. */
  readonly editable: boolean;
  readonly removable: boolean;
  /** It is shown before it is complete. */
  readonly grows: boolean;
  /** A part was refused for good. */
  readonly given_up: boolean;
}

/** What is known of a reply that an earlier life of the channel began to show. */
export interface KnownParts {
  /** Of each message whose id is known, in the order of the parts: what its newest send said as `replaces`. */
  readonly replaced: readonly number[];
  /** The part after those was being sent, and nobody knows what came of it. */
  readonly in_doubt: boolean;
}

/** A reply of a turn that begins, or goes on after an interruption. */
export function beginReply(
  now: number,
  { editing, removing, change_every }: Omit<GrowingSettings, 'split'>,
  { replaced, in_doubt }: KnownParts = { replaced: [], in_doubt: false },
): GrowingReply {
  return {
    phase: 'running',
    text: '',
    since: null,
    worth: false,
    waits: false,
    stale: false,
    said: '',
    whole: [],
    parts: replaced.map(() => null),
    replaced,
    tried: in_doubt ? { text: null } : null,
    in_flight: null,
    changed_at: now - Math.max(TYPING_EVERY, change_every),
    typed_at: now - TYPING_EVERY,
    not_before: now,
    failures: 0,
    editable: editing,
    removable: removing,
    grows: editing,
    given_up: false,
  };
}

/**
 * The reply after one more input, and what is to be done for it. One effect at most.
 *
 * @param now milliseconds of any clock that never goes back
 */
export function growReply(
  before: GrowingReply,
  input: ReplyInput,
  now: number,
  settings: GrowingSettings,
): { readonly reply: GrowingReply; readonly effect: ReplyEffect | null } {
  const reply = taken(before, input, now, settings);
  if (changeDue(reply, settings) <= now) {
    const { reply: chosen, change } = choose(reply, settings);
    if (change?.type === 'finish') return { reply: { ...chosen, phase: 'over' }, effect: change };
    if (change !== null) return { reply: { ...chosen, in_flight: change, changed_at: now }, effect: change };
    return typed(chosen, now, settings);
  }
  return typed(reply, now, settings);
}

/** When a `tick` is wanted, on the clock of the inputs; null: not before another input. */
export function replyDue(reply: GrowingReply, settings: GrowingSettings): number | null {
  const due = Math.min(typingDue(reply, settings), changeDue(reply, settings));
  return due === NOT_DUE ? null : due;
}

const NOT_DUE = Number.POSITIVE_INFINITY;

function typingDue(reply: GrowingReply, { typing }: GrowingSettings): number {
  const { phase, waits, typed_at, changed_at, not_before } = reply;
  if (phase !== 'running' || waits || !typing) return NOT_DUE;
  // While a message grows people see that somebody writes.
  return Math.max(not_before, typed_at + TYPING_EVERY, changed_at + TYPING_EVERY);
}

function typed(reply: GrowingReply, now: number, settings: GrowingSettings): ReturnType<typeof growReply> {
  if (typingDue(reply, settings) > now) return { reply, effect: null };
  return { reply: { ...reply, typed_at: now }, effect: { type: 'typing' } };
}

/** When what people see may be changed next, if there may be something to change. */
function changeDue(reply: GrowingReply, settings: GrowingSettings): number {
  const { phase, in_flight, changed_at, not_before, since, text, worth, stale, grows } = reply;
  if (phase === 'over' || in_flight !== null) return NOT_DUE;
  const paced = Math.max(not_before, changed_at + settings.change_every);
  if (phase === 'ending') return choose(reply, settings).change?.type === 'edit' ? paced : not_before;
  if (!grows || !stale || since === null) return NOT_DUE;
  if (worth) return paced;
  const enough = text.trim().length >= WORTH.characters ? WORTH.after : WORTH.whatever_after;
  return Math.max(paced, since + enough);
}

interface Choice {
  readonly reply: GrowingReply;
  /** Null: what people see is all there is so far. */
  readonly change: ReplyOperation | ReplyEnd | null;
}

/** The next change, whenever it may be made. */
function choose(reply: GrowingReply, settings: GrowingSettings): Choice {
  const { phase, parts } = reply;
  if (phase !== 'running') return chooseLast(reply, settings);
  const want = settings.split(wholeCharacters(reply.text));
  const part = want.findIndex((content, at) => at >= parts.length || parts[at] !== content);
  const content = want[part];
  if (content === undefined) return { reply: { ...reply, stale: false }, change: null };
  return part < parts.length ? { reply, change: { type: 'edit', part, content } } : send(reply, content);
}

/**
 * The same for a reply that is complete: parts that differ, parts that are missing, messages too many. One too many of
 * which nobody knows whether it was sent is left as it is: it has no id to change it by.
 */
function chooseLast(reply: GrowingReply, { editing }: GrowingSettings): Choice {
  const { whole, parts, editable, removable, given_up } = reply;
  const end = (outcome: ReplyEnd['outcome']): Choice => ({
    reply,
    change: { type: 'finish', outcome, parts: whole.length },
  });
  if (given_up) return end('refused');
  // Where nothing can be changed, only what was complete was ever sent.
  const unlike = editing ? whole.findIndex((content, at) => parts[at] !== content) : parts.length;
  const content = whole[unlike];
  if (content !== undefined) {
    if (unlike >= parts.length) return send(reply, content);
    if (editable) return { reply, change: { type: 'edit', part: unlike, content } };
    return removable ? removeLast(reply) : send(anew(reply, unlike), content);
  }
  if (parts.length > whole.length && removable) return removeLast(reply);
  const surplus = editable ? parts.findIndex((shown, at) => at >= whole.length && shown !== SURPLUS) : -1;
  return surplus < 0 ? end('shown') : { reply, change: { type: 'edit', part: surplus, content: SURPLUS } };
}

function send(reply: GrowingReply, content: string): Choice {
  const part = reply.parts.length;
  return { reply, change: { type: 'send', part, content, replaces: reply.replaced[part] ?? 0 } };
}

const removeLast = (reply: GrowingReply): Choice => ({
  reply,
  change: { type: 'remove', part: reply.parts.length - 1 },
});

/** The messages from this part on are left as they are, and are sent again below: people read them in their order. */
function anew(reply: GrowingReply, from: number): GrowingReply {
  const { parts, tried } = reply;
  const to = parts.length + (tried === null ? 0 : 1);
  return { ...reply, parts: parts.slice(0, from), replaced: countedUp(reply.replaced, from, to), tried: null };
}

/** What is sent in the place of another message is another one to the platform as well. */
function countedUp(replaced: readonly number[], from: number, to: number): readonly number[] {
  const length = Math.max(to, replaced.length);
  return Array.from({ length }, (_, at) => (replaced[at] ?? 0) + (at >= from && at < to ? 1 : 0));
}

/** A delta may end within a character; its other half is yet to come. */
const wholeCharacters = (text: string): string => text.replace(/[\ud800-\udbff]$/, '');

function taken(reply: GrowingReply, input: ReplyInput, now: number, settings: GrowingSettings): GrowingReply {
  switch (input.type) {
    case 'tick':
      return reply;
    case 'done':
      return done(reply);
    case 'refused':
      return refused(reply, input, now);
    default:
      return reply.phase === 'running' ? progressed(reply, input, now, settings) : reply;
  }
}

function progressed(reply: GrowingReply, input: ReplyProgress, now: number, { split }: GrowingSettings): GrowingReply {
  const { text, since } = reply;
  switch (input.type) {
    case 'text': {
      const longer = text + input.text;
      return { ...reply, text: longer, since: since ?? (longer.trim() === '' ? null : now), waits: false, stale: true };
    }
    case 'tool':
    case 'waits':
      return { ...reply, worth: since !== null, waits: input.type === 'waits' };
    case 'restarted':
      return { ...reply, text: '', since: null, worth: false, waits: false };
    case 'finished':
      return { ...reply, phase: 'ending', text: '', said: input.content, whole: split(input.content) };
    case 'failed': {
      const content = text.trim() === '' ? input.say : `${text.trimEnd()}\n\n${input.say}`;
      return { ...reply, phase: 'ending', text: '', said: content, whole: split(content) };
    }
  }
}

function done(reply: GrowingReply): GrowingReply {
  const { in_flight: operation, parts, tried } = reply;
  if (operation === null) return reply;
  const free = { ...reply, in_flight: null, failures: 0 };
  if (operation.type === 'remove') {
    const { part } = operation;
    const to = parts.length + (tried === null ? 0 : 1);
    return { ...free, parts: parts.slice(0, part), replaced: countedUp(reply.replaced, part, to), tried: null };
  }
  if (operation.type === 'edit') return { ...free, parts: parts.with(operation.part, operation.content) };
  // One that failed before may have arrived, and the platform takes this one for the same.
  const shown = tried === null || tried.text === operation.content ? operation.content : null;
  return { ...free, parts: [...parts, shown], tried: null };
}

function refused(
  reply: GrowingReply,
  { retryable, retry_after }: Extract<ReplyAnswer, { type: 'refused' }>,
  now: number,
): GrowingReply {
  const { in_flight: operation, parts, tried } = reply;
  if (operation === null) return reply;
  const failures = reply.failures + 1;
  const pause = retry_after ?? Math.min(PAUSE.most, PAUSE.first * 2 ** reply.failures);
  const free: GrowingReply = {
    ...reply,
    in_flight: null,
    failures,
    not_before: retryable ? now + pause : reply.not_before,
    stale: true,
  };
  // Whatever it was, it may have been done all the same.
  if (operation.type === 'remove') return retryable ? free : { ...free, removable: false };
  if (operation.type === 'edit') {
    const doubted = { ...free, parts: parts.with(operation.part, null) };
    return retryable ? doubted : { ...doubted, editable: false, grows: false };
  }
  const same = tried === null || tried.text === operation.content;
  const doubted = { ...free, tried: { text: same ? operation.content : null } };
  if (retryable) return doubted;
  return reply.phase === 'running' ? { ...doubted, grows: false } : { ...doubted, given_up: true };
}

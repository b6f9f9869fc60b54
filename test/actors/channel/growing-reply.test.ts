// SPDX-License-Identifier: Apache-2.0
// A reply that grows on a platform: whatever fails and however its turn goes, it is shown in measure and ends whole.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  beginReply,
  CHANGE_EVERY,
  type GrowingReply,
  type GrowingSettings,
  growReply,
  type KnownParts,
  type ReplyAnswer,
  type ReplyEffect,
  type ReplyInput,
  type ReplyOperation,
  replyDue,
  SURPLUS,
  TYPING_EVERY,
} from '../../../src/actors/channel/growing-reply.ts';

/** Cut every so many characters: how well is not what is tried here. */
const split = (text: string): readonly string[] =>
  (text.trim().match(/[\s\S]{1,30}/g) ?? []).map((part) => part.trim()).filter((part) => part !== '');
const settings = (given: Partial<GrowingSettings> = {}): GrowingSettings => ({
  ...{ editing: true, removing: true, typing: true, change_every: CHANGE_EVERY, split },
  ...given,
});

/** What becomes of an operation: done; done but not known; not done; not done and never will be. */
type Fate = 'ok' | 'unheard' | 'fails' | 'never';

/** Messages as people see them, in the order they were sent. */
class Platform {
  readonly messages = new Map<string, string>();
  /** The newest message of each part. */
  readonly keys: string[] = [];
  private readonly dedupes: boolean;
  private sends = 0;
  constructor(dedupes: boolean) {
    this.dedupes = dedupes;
  }
  take(operation: ReplyOperation): void {
    if (operation.type === 'send') {
      const { part, replaces, content } = operation;
      this.sends += 1;
      const key = this.dedupes ? `${part}:${replaces}` : `${part}:${replaces}:${this.sends}`;
      this.keys[part] = key;
      if (!this.messages.has(key)) this.messages.set(key, content);
      return;
    }
    const key = this.keys[operation.part] ?? '';
    if (operation.type === 'edit') this.messages.set(key, operation.content);
    else this.messages.delete(key);
  }
  get shown(): readonly (string | undefined)[] {
    return this.keys.map((key) => this.messages.get(key));
  }
}

/** Plays a reply against a platform, on a clock of its own. */
class Play {
  now = 5_000;
  reply: GrowingReply;
  readonly effects: { readonly at: number; readonly effect: ReplyEffect }[] = [];
  pending: ReplyOperation | null = null;
  readonly settings: GrowingSettings;
  constructor(given: Partial<GrowingSettings> = {}, known?: KnownParts) {
    this.settings = settings(given);
    this.reply = beginReply(this.now, this.settings, known);
  }
  give(input: ReplyInput): ReplyEffect | null {
    const { reply, effect } = growReply(this.reply, input, this.now, this.settings);
    this.reply = reply;
    if (effect === null) return null;
    this.effects.push({ at: this.now, effect });
    if (effect.type !== 'typing' && effect.type !== 'finish') {
      expect(this.pending, 'one at a time').toBeNull();
      this.pending = effect;
    }
    return effect;
  }
  answer(input: ReplyAnswer): ReplyEffect | null {
    this.pending = null;
    return this.give(input);
  }
  /** Waits until something is due, and takes it. */
  due(): ReplyEffect | null {
    const at = replyDue(this.reply, this.settings);
    expect(at, 'something is due').not.toBeNull();
    this.now = Math.max(this.now, at ?? 0);
    return this.give({ type: 'tick' });
  }
  /** The same until there is something to do. */
  next(): ReplyEffect | null {
    for (let tries = 0; tries < 10; tries += 1) {
      const effect = this.due();
      if (effect !== null) return effect;
    }
    return null;
  }
  /** Waits for the next change, and gives it to the platform. */
  change(): void {
    for (let tries = 0; tries < 50 && this.pending === null; tries += 1) this.due();
    expect(this.pending).not.toBeNull();
  }
  of(...types: ReplyEffect['type'][]): readonly { readonly at: number; readonly effect: ReplyEffect }[] {
    return this.effects.filter(({ effect }) => types.includes(effect.type));
  }
}

describe('a growing reply', () => {
  it('shows typing at once, a first message once it is worth its ring, and edits at most once a second', () => {
    const play = new Play();
    expect(play.give({ type: 'tick' })).toEqual({ type: 'typing' });
    play.now += 500;
    expect(play.give({ type: 'text', text: 'It rains ' })).toBeNull();
    play.now += 900;
    expect(play.give({ type: 'text', text: 'in Bergen.' })).toBeNull();
    play.now += 100;
    expect(play.give({ type: 'text', text: ' Yes.' })).toEqual({
      ...{ type: 'send', part: 0, replaces: 0 },
      content: 'It rains in Bergen. Yes.',
    });
    expect(play.answer({ type: 'done' })).toBeNull();
    play.now += 999;
    expect(play.give({ type: 'text', text: ' Ja.' })).toBeNull();
    expect(replyDue(play.reply, play.settings)).toBe(play.now + 1);
    expect(play.next()).toEqual({ type: 'edit', part: 0, content: 'It rains in Bergen. Yes. Ja.' });
    play.answer({ type: 'done' });
    expect(play.give({ type: 'finished', content: 'It rains in Bergen. Yes. Ja.' })).toEqual({
      ...{ type: 'finish', outcome: 'shown', parts: 1 },
    });
    expect(replyDue(play.reply, play.settings)).toBeNull();
    expect(play.give({ type: 'tick' })).toBeNull();
  });

  it('waits with a short beginning, but not while a tool runs; nobody writes while a person is asked', () => {
    const play = new Play();
    play.give({ type: 'tick' });
    play.give({ type: 'text', text: 'Well' });
    play.now += 2_000;
    expect(play.give({ type: 'tick' })).toBeNull();
    expect(play.give({ type: 'tool' })).toMatchObject({ type: 'send', content: 'Well' });
    play.answer({ type: 'done' });
    expect(play.next()).toEqual({ type: 'typing' });
    play.give({ type: 'waits' });
    expect(replyDue(play.reply, play.settings)).toBeNull();
    expect(play.give({ type: 'text', text: ' then' })).toMatchObject({ type: 'edit', content: 'Well then' });
  });

  it('goes on in a next message when one is full, and takes back what a restart made one too many', () => {
    const play = new Play();
    play.give({ type: 'text', text: 'x'.repeat(40) });
    play.change();
    expect(play.answer({ type: 'done' })).toBeNull();
    play.change();
    expect(play.pending).toMatchObject({ type: 'send', part: 1, content: 'x'.repeat(10) });
    play.answer({ type: 'done' });
    play.give({ type: 'restarted' });
    expect(play.give({ type: 'finished', content: 'No.' })).toBeNull();
    expect(play.next()).toEqual({ type: 'edit', part: 0, content: 'No.' });
    expect(play.answer({ type: 'done' })).toEqual({ type: 'remove', part: 1 });
    expect(play.answer({ type: 'refused', retryable: false })).toBeNull();
    expect(play.next()).toEqual({ type: 'edit', part: 1, content: SURPLUS });
    expect(play.answer({ type: 'done' })).toMatchObject({ type: 'finish', outcome: 'shown' });
  });

  it('obeys the platform: nothing is asked for before it said, and what cannot be edited is sent anew', () => {
    const play = new Play({ removing: false });
    play.give({ type: 'text', text: 'y'.repeat(25) });
    play.change();
    play.answer({ type: 'done' });
    play.give({ type: 'text', text: 'z' });
    play.change();
    const refused = play.now;
    expect(play.answer({ type: 'refused', retryable: true, retry_after: 9_000 })).toBeNull();
    expect(play.give({ type: 'finished', content: 'Done.' })).toBeNull();
    expect(play.next()).toMatchObject({ type: 'edit', content: 'Done.' });
    expect(play.now).toBe(refused + 9_000);
    expect(play.answer({ type: 'refused', retryable: false })).toEqual({
      ...{ type: 'send', part: 0, content: 'Done.', replaces: 1 },
    });
    expect(play.answer({ type: 'done' })).toMatchObject({ type: 'finish', outcome: 'shown', parts: 1 });
  });

  it('comes in one piece where nothing can be edited, with typing until then', () => {
    const play = new Play({ editing: false });
    play.give({ type: 'tick' });
    play.give({ type: 'text', text: 'a'.repeat(45) });
    for (let at = 0; at < 5; at += 1) play.next();
    const typed = play.of('typing').map(({ at }) => at);
    expect(typed.slice(1).map((at, before) => at - (typed[before] ?? 0))).toEqual(Array(5).fill(TYPING_EVERY));
    expect(play.of('send')).toEqual([]);
    expect(play.give({ type: 'finished', content: 'a'.repeat(45) })).toMatchObject({
      part: 0,
      content: 'a'.repeat(30),
    });
    expect(play.answer({ type: 'done' })).toMatchObject({ part: 1, content: 'a'.repeat(15) });
    expect(play.answer({ type: 'refused', retryable: false })).toEqual({
      type: 'finish',
      outcome: 'refused',
      parts: 2,
    });
  });

  it('says what went wrong below what there is of the reply', () => {
    const play = new Play();
    expect(play.give({ type: 'failed', say: 'Sorry.' })).toMatchObject({ type: 'send', content: 'Sorry.' });
    const other = new Play();
    other.give({ type: 'text', text: 'It was ' });
    expect(other.give({ type: 'failed', say: 'Sorry.' })).toMatchObject({ content: 'It was\n\nSorry.' });
    expect(new Play().give({ type: 'finished', content: ' \n' })).toMatchObject({ type: 'finish', parts: 0 });
  });

  it('shows no half of a character', () => {
    const play = new Play();
    play.give({ type: 'text', text: `${'a'.repeat(20)}\ud83e` });
    play.change();
    expect(play.pending).toMatchObject({ content: 'a'.repeat(20) });
  });

  it('goes on after its channel was killed: what is known is edited and not sent again', () => {
    const play = new Play({}, { replaced: [0, 1], in_doubt: true });
    play.give({ type: 'finished', content: 'b'.repeat(80) });
    const operations: ReplyOperation[] = [];
    while (play.pending !== null) {
      operations.push(play.pending);
      play.answer({ type: 'done' });
      if (play.pending === null && play.reply.phase !== 'over') play.due();
    }
    expect(operations.map(({ type, part }) => `${type} ${part}`)).toEqual(['edit 0', 'edit 1', 'send 2', 'edit 2']);
  });
});

const text = fc.string({ unit: fc.constantFrom('a', 'b', ' ', '\n', '🦀', '\ud83e', 'c'), maxLength: 40 });
const step = fc.oneof(
  { weight: 6, arbitrary: text.map((said) => ({ type: 'text', text: said }) as const) },
  { weight: 6, arbitrary: fc.integer({ min: 0, max: 4_000 }).map((ms) => ({ type: 'passes', ms }) as const) },
  { weight: 4, arbitrary: fc.constant({ type: 'answered' } as const) },
  fc.constantFrom({ type: 'tool' } as const, { type: 'waits' } as const, { type: 'restarted' } as const),
);
const fates = fc.array(
  fc.oneof({ weight: 6, arbitrary: fc.constant<Fate>('ok') }, fc.constantFrom<Fate>('unheard', 'fails', 'never')),
  { maxLength: 30 },
);

describe('any course of a turn on any platform', () => {
  it('ends whole, in order, one change at a time and no more than one edit a second', () => {
    const platforms = fc.record({ editing: fc.boolean(), removing: fc.boolean(), typing: fc.boolean() });
    const known = fc.record({ parts: fc.nat({ max: 3 }), in_doubt: fc.boolean() });
    const ends = fc.record({ fails: fc.boolean(), answer: fc.option(text, { nil: undefined }) });
    let whole = 0;
    const course = fc.property(
      ...[platforms, known, fc.boolean(), fc.array(step, { maxLength: 40 }), fates, ends, fc.nat({ max: 3_000 })],
      (can, { parts, in_doubt }, dedupes, steps, fate, { fails, answer }, retry_after) => {
        const play = new Play(can, { replaced: Array<number>(can.editing ? parts : 0).fill(0), in_doubt });
        const platform = new Platform(dedupes);
        // What an earlier life left: of the message in doubt nobody knows whether it is there.
        for (let part = 0; part < play.reply.parts.length; part += 1)
          platform.take({ type: 'send', part, content: `old ${part}`, replaces: 0 });
        if (in_doubt && dedupes && can.editing)
          platform.take({ type: 'send', part: play.reply.parts.length, content: 'old', replaces: 0 });
        let failed = 0;
        const answer_it = (): void => {
          const operation = play.pending;
          if (operation === null) return;
          const what = fate[failed] ?? 'ok';
          failed += 1;
          if (what === 'ok' || what === 'unheard') platform.take(operation);
          if (what === 'ok') play.answer({ type: 'done' });
          else
            play.answer({ type: 'refused', retryable: what !== 'never', ...(retry_after > 0 ? { retry_after } : {}) });
        };
        for (const one of steps) {
          if (one.type === 'passes') {
            play.now += one.ms;
            play.give({ type: 'tick' });
          } else if (one.type === 'answered') answer_it();
          else play.give(one);
        }
        const said = play.reply.text;
        const content = answer ?? said;
        // What may have been sent and has no id cannot be taken back.
        const doubted = play.reply.tried !== null || play.pending?.type === 'send';
        play.give(fails ? { type: 'failed', say: 'Sorry.' } : { type: 'finished', content });
        for (let tries = 0; play.reply.phase !== 'over'; tries += 1) {
          expect(tries).toBeLessThan(300);
          if (play.pending === null) play.due();
          answer_it();
        }
        const last = play.effects.at(-1)?.effect;
        expect(last?.type).toBe('finish');
        expect(play.of('finish')).toHaveLength(1);
        // The rate: growing or not, an edit keeps its distance to the change before it.
        const changes = play.of('send', 'edit', 'remove');
        changes.forEach(({ at, effect }, nth) => {
          const before = changes[nth - 1];
          if (effect.type === 'edit' && before !== undefined)
            expect(at - before.at).toBeGreaterThanOrEqual(CHANGE_EVERY);
        });
        const typing = play.of('typing');
        typing.forEach(({ at }, nth) => {
          const before = typing[nth - 1];
          if (before !== undefined) expect(at - before.at).toBeGreaterThanOrEqual(TYPING_EVERY);
        });
        if (!can.editing) expect(play.of('edit', 'remove')).toEqual([]);
        if (last?.type !== 'finish' || last.outcome === 'refused') return;
        whole += 1;
        const want = split(fails ? (said.trim() === '' ? 'Sorry.' : `${said.trimEnd()}\n\nSorry.`) : content);
        expect(platform.shown.slice(0, want.length)).toEqual(want);
        // The newest messages of its parts stand in their order, the last of them last.
        const order = [...platform.messages.keys()];
        const places = platform.keys.slice(0, want.length).map((key) => order.indexOf(key));
        expect(places).toEqual([...places].sort((one, other) => one - other));
        if (doubted) return;
        const surplus = platform.shown.slice(want.length).filter((message) => message !== undefined);
        if (can.editing && play.reply.editable) for (const message of surplus) expect(message).toBe(SURPLUS);
        if (can.editing && play.reply.removable) expect(surplus).toEqual([]);
      },
    );
    fc.assert(course, { numRuns: 600 });
    expect(whole).toBeGreaterThan(300);
  });
});

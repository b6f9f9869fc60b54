// SPDX-License-Identifier: Apache-2.0
// A permit that is sought before its call is made: used once or given back, whatever comes first.

import fc from 'fast-check';
import { expect, it } from 'vitest';
import { type CallModelOptions, createCallModel, type StreamSink } from '../../../src/actors/session/call-model.ts';
import type { Abort, SoughtPermit } from '../../../src/actors/session/effects.ts';
import { namesOf } from '../../../src/actors/session/names.ts';
import type { Answer, BusFailure } from '../../../src/bus/envelope.ts';
import { type Failure, failure } from '../../../src/errors.ts';
import { emptySession, type SessionState } from '../../../src/stores/session-state.ts';
import { usualRuns } from '../../drawn.ts';
import { ManualClock } from '../../stores/manual-clock.ts';

const NAMES = namesOf('s1');
const STATE: SessionState = {
  ...emptySession(),
  turn: { turn_id: 't1', model: 'mine/m', open_call: null } as unknown as SessionState['turn'],
};
const LOST: BusFailure = { ...failure('thread_lost', 'It ended.'), in_doubt: true };

/** A provider that answers when it is told to, and what a session's calls come to. */
class Provider {
  readonly clock = new ManualClock();
  /** Permits that are out. */
  readonly held = new Set<number>();
  streams = 0;
  readonly ended: (Failure | null)[] = [];
  asked = 0;
  private waiting: ((answer: Answer<{ readonly permit: number }>) => void)[] = [];
  private sink: StreamSink | null = null;
  private permits = 0;
  readonly calls = createCallModel({
    bus: {
      ask: (_to: unknown, type: string, _body: unknown, _options: unknown, answered: never) => {
        expect(type).toBe('provider.request');
        this.asked += 1;
        this.waiting.push(answered);
      },
      send: (_to: unknown, type: string, body: { readonly permit?: number }) => {
        if (type === 'provider.withdraw') this.withdrawn();
        else this.held.delete(body.permit ?? 0);
        return true;
      },
    } as unknown as CallModelOptions['bus'],
    world: {
      ...{ now: () => 0, iso: String, origin: 0, random: () => 0.5, uuid: () => '' },
      ...{ monotonic: this.clock.monotonic, after: this.clock.after, soon: this.clock.soon },
    },
    stream: (_, __, sink) => {
      this.streams += 1;
      this.sink = sink;
      return () => undefined;
    },
    prepare: () => ({ model: 'm', systemPrompt: '', messages: [], tools: [], options: {} }),
    retries: () => ({ most: 0, within: 0 }),
    unreported: () => ({ inputTokens: 0, outputTokens: 0, cacheReadTokens: 0, cacheWriteTokens: 0 }),
    turn_timeout: () => 60_000,
  });

  answer(how: 'granted' | 'refused' | 'lost'): void {
    const answered = this.waiting.shift();
    if (answered === undefined) return;
    if (how === 'granted') {
      this.permits += 1;
      this.held.add(this.permits);
      answered({ ok: true, body: { permit: this.permits } });
    } else answered({ ok: false, error: how === 'lost' ? LOST : failure('provider_unavailable', 'It is not there.') });
  }

  end(): void {
    this.sink?.event({ type: 'done', finishReason: 'stop' });
    this.sink?.end(null);
    this.sink = null;
  }

  call(permit: SoughtPermit): Abort {
    const event = (): void => undefined;
    return this.calls.callModel(NAMES, STATE, permit, { event, end: (error) => void this.ended.push(error) });
  }

  /** What a turn has is void: what it was granted, and what it waits for. */
  private withdrawn(): void {
    this.held.clear();
    const waiting = this.waiting.splice(0);
    for (const answered of waiting)
      this.clock.soon(() => answered({ ok: false, error: failure('provider_unavailable', 'It was withdrawn.') }));
  }
}

const STEPS = ['grant', 'refuse', 'lose', 'call', 'drop', 'abort', 'end', 'settle'] as const;

it('is used for one call or given back, in whatever order things happen', () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...STEPS), { maxLength: 12 }), (steps) => {
      const provider = new Provider();
      const permit = provider.calls.seekPermit(NAMES, STATE);
      let abort: Abort | null = null;
      for (const step of steps) {
        if (step === 'grant') provider.answer('granted');
        else if (step === 'refuse') provider.answer('refused');
        else if (step === 'lose') provider.answer('lost');
        else if (step === 'call') abort ??= provider.call(permit);
        else if (step === 'drop') {
          // Given up before it is taken, it is not taken any more.
          if (abort === null) abort = () => undefined;
          permit.drop();
        } else if (step === 'abort') abort?.();
        else if (step === 'end') provider.end();
        else provider.clock.settle();
        expect(provider.held.size).toBeLessThanOrEqual(1);
      }
      provider.answer('granted');
      abort?.();
      if (abort === null) permit.drop();
      provider.clock.settle();
      expect([...provider.held]).toEqual([]);
      expect(provider.streams).toBeLessThanOrEqual(1);
      expect(provider.ended.length).toBeLessThanOrEqual(1);
    }),
    { numRuns: usualRuns(500) },
  );
});

it('is there at once for a call that is made after its answer', () => {
  const provider = new Provider();
  const permit = provider.calls.seekPermit(NAMES, STATE);
  provider.answer('granted');
  provider.call(permit);
  expect(provider.streams).toBe(1);
  provider.end();
  expect(provider.ended).toEqual([null]);
  expect(provider.held.size).toBe(0);
});

it('tells its refusal once the call has been made, later', () => {
  const provider = new Provider();
  const permit = provider.calls.seekPermit(NAMES, STATE);
  provider.answer('refused');
  provider.call(permit);
  expect(provider.ended).toEqual([]);
  provider.clock.settle();
  expect(provider.ended).toMatchObject([{ code: 'provider_unavailable' }]);
});

it('is asked for again where the thread of its provider is replaced', () => {
  const provider = new Provider();
  const permit = provider.calls.seekPermit(NAMES, STATE);
  provider.answer('lost');
  expect(provider.asked).toBe(LOST.retryable ? 2 : 1);
  provider.call(permit);
  provider.answer('granted');
  expect(provider.streams).toBe(1);
});

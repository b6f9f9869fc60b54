// SPDX-License-Identifier: Apache-2.0
// The chart of a chat channel: where it goes after what, how long it waits, and that every state answers.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type AnyMachineSnapshot, initialTransition, transition } from 'xstate';
import {
  type ChatEffect,
  type ChatEvent,
  chatMachine,
  PAUSE,
  pauseAfter,
} from '../../../src/actors/channel/chat-machine.ts';
import type { ChatSettings, ChatState } from '../../../src/actors/channel/chat-protocol.ts';
import { address } from '../../../src/bus/address.ts';
import { type Failure, failure } from '../../../src/errors.ts';

const good: Extract<ChatSettings, { ok: true }> = { ok: true, entry: { type: 'irc' } };
const bad: ChatSettings = { ok: false, error: failure('validation_failed', 'host is missing') };
const passing = failure('channel_network', 'it is away');
const wrongKey = failure('channel_auth', 'the token is wrong; correct it');
const lost = (error: Failure = passing): ChatEvent => ({ type: 'lost', error, at: 1_000_000, chance: 0.5 });
const asked = (type: string, body: unknown = {}): ChatEvent => {
  const [to, from] = [address('channel', 'tg'), address('thread', 'main')];
  return { type, body, envelope: { id: 1, to, from, type, body, deadline: 0 } } as unknown as ChatEvent;
};

interface Step {
  readonly at: AnyMachineSnapshot;
  readonly effects: readonly ChatEffect[];
}

const effectsOf = (actions: readonly { readonly type: string; readonly params?: unknown }[]): ChatEffect[] =>
  actions.flatMap(({ type, params }) =>
    type === 'xstate.emit' ? [(params as { readonly event: ChatEffect }).event] : [],
  );

function begin(settings: ChatSettings = good): Step {
  const [at, actions] = initialTransition(chatMachine, { name: 'tg', type: 'irc', settings });
  return { at, effects: effectsOf(actions) };
}

function then(step: Step, ...events: readonly ChatEvent[]): Step {
  let { at, effects } = step;
  for (const event of events) {
    const [next, actions] = transition(chatMachine, at as never, event);
    at = next;
    effects = effectsOf(actions);
  }
  return { at, effects };
}

const types = ({ effects }: Step): readonly string[] => effects.map(({ type }) => type);

describe('a chat channel', () => {
  it('connects at once, and fails where its entry cannot be used', () => {
    expect(begin().at.value).toBe('connecting');
    expect(types(begin())).toEqual(['connect']);
    expect(begin(bad).at.value).toBe('failed');
    expect(types(begin(bad))).toEqual(['disconnect', 'failed']);
  });

  it('is online, backs off after a loss, and comes back', () => {
    const online = then(begin(), { type: 'connected' });
    expect([online.at.value, types(online)]).toEqual(['online', ['online']]);
    const away = then(online, lost());
    expect(away.at.value).toBe('backing_off');
    expect(types(away)).toEqual(['offline', 'wait']);
    expect(types(then(away, { type: 'retry' }))).toEqual(['connect']);
  });

  it('waits longer with each loss, and forgets them once it was online for a minute', () => {
    const waits = (step: Step): number => {
      const wait = step.effects.find((effect) => effect.type === 'wait');
      return wait?.type === 'wait' ? wait.ms : 0;
    };
    const again: ChatEvent[] = [{ type: 'retry' }, { type: 'connected' }];
    const first = then(begin(), lost());
    const third = then(first, ...again, lost(), ...again, lost());
    expect(waits(third)).toBe(waits(first) * 3);
    const rested = then(third, ...again, { type: 'steady' }, lost());
    expect(waits(rested)).toBe(waits(first));
  });

  it('fails where trying again cannot help, until somebody starts it or sets it anew', () => {
    const failed = then(begin(), lost(wrongKey));
    expect(failed.at.value).toBe('failed');
    expect(failed.effects).toContainEqual({ type: 'failed', error: wrongKey });
    expect(types(then(failed, asked('channel.start')))).toEqual(['released', 'reply', 'connect']);
    const set = then(failed, asked('channel.configure', good));
    expect(set.at.value).toBe('connecting');
    expect(then(set, asked('channel.configure', bad)).at.value).toBe('failed');
  });

  it('goes by settings of its own without another connection, whatever its connection does', () => {
    const own: ChatSettings = {
      ok: true,
      entry: { ...good.entry, pairing: 'open', allowlist: ['ann'], respond: 'always' },
    };
    for (const step of [begin(), then(begin(), { type: 'connected' }), then(begin(), lost())]) {
      const set = then(step, asked('channel.configure', own));
      expect([set.at.value, types(set)]).toEqual([step.at.value, ['reply']]);
      // It is what it connects with from now on.
      expect((set.at.context as { settings: ChatSettings }).settings).toEqual(own);
    }
  });

  it('connects with other settings of its platform once nothing is on its way any more', () => {
    const other: ChatSettings = { ok: true, entry: { type: 'irc', host: 'elsewhere' } };
    const online = then(begin(), { type: 'connected' });
    const changing = then(online, asked('channel.configure', other));
    expect([changing.at.value, types(changing)]).toEqual(['changing', ['offline', 'reply', 'settle']]);
    const third: ChatSettings = { ok: true, entry: { type: 'irc', host: 'a third' } };
    const settled = then(changing, asked('channel.configure', third), { type: 'settled' });
    expect([settled.at.value, settled.effects]).toEqual(['connecting', [{ type: 'connect', entry: third.entry }]]);
    // Nothing is waited for where nothing can be on its way.
    expect(then(then(begin(), lost()), asked('channel.configure', other)).at.value).toBe('connecting');
    expect(then(changing, lost()).at.value).toBe('connecting');
    expect(then(changing, asked('channel.stop')).at.value).toBe('stopped');
  });

  it('connects anew where a secret it refers to is another, though its entry reads the same', () => {
    const online = then(begin(), { type: 'connected' });
    expect(then(online, asked('channel.configure', { ...good, renewed: true })).at.value).toBe('changing');
    expect(then(online, asked('channel.configure', good)).at.value).toBe('online');
  });

  it('that somebody has stopped stays so whatever it is told, but for a start', () => {
    const stopped = then(begin(), { type: 'connected' }, asked('channel.stop'));
    expect(types(stopped)).toEqual(expect.arrayContaining(['offline', 'disconnect', 'reply']));
    for (const event of [asked('channel.configure', good), asked('channel.stop'), lost(), { type: 'retry' } as const])
      expect(then(stopped, event).at.value).toBe('stopped');
    expect(then(stopped, asked('channel.start')).at.value).toBe('connecting');
  });

  it('answers whatever it is asked, in every state', () => {
    const states: Readonly<Record<ChatState | 'changing', Step>> = {
      connecting: begin(),
      online: then(begin(), { type: 'connected' }),
      changing: then(begin(), { type: 'connected' }, asked('channel.configure', { ...good, renewed: true })),
      backing_off: then(begin(), lost()),
      failed: begin(bad),
      stopped: then(begin(), asked('channel.stop')),
    };
    for (const [state, step] of Object.entries(states)) {
      expect(step.at.value).toBe(state);
      for (const type of [
        'channel.deliver',
        'channel.status',
        'channel.chat_status',
        'channel.dead_letters',
        'channel.erase',
        'channel.drain',
        'channel.start',
        'channel.stop',
        'channel.configure',
        'channel.webhook',
      ]) {
        const body = type === 'channel.configure' ? good : {};
        expect([state, type, types(then(step, asked(type, body)))]).toEqual([
          state,
          type,
          expect.arrayContaining([expect.stringMatching(/^(reply|fail|ask)$/)]),
        ]);
      }
    }
  });

  it('takes what is to be said whatever its connection does', () => {
    for (const step of [begin(bad), then(begin(), lost()), then(begin(), asked('channel.stop'))])
      expect(types(then(step, asked('channel.deliver')))).toEqual(['ask']);
  });
});

describe('the pause after a loss', () => {
  it('is between a second and five minutes, however many there were, and at least what the platform asks', () => {
    fc.assert(
      fc.property(
        fc.nat(1_000),
        fc.double({ min: 0, max: 0.999, noNaN: true }),
        fc.nat(600_000),
        (losses, chance, ask) => {
          const plain = pauseAfter(losses, chance, passing);
          expect(plain).toBeGreaterThanOrEqual(PAUSE.first);
          expect(plain).toBeLessThanOrEqual(PAUSE.longest);
          const limited = failure('rate_limited', 'later', { retry_after_ms: ask });
          expect(pauseAfter(losses, chance, limited)).toBeGreaterThanOrEqual(Math.max(plain, ask));
        },
      ),
    );
  });

  it('differs from one channel to the next', () => {
    expect(pauseAfter(4, 0, passing)).not.toBe(pauseAfter(4, 0.9, passing));
  });
});

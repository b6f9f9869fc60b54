// SPDX-License-Identifier: Apache-2.0
// A vector index's chart: it answers while it loads, when it failed and while another model's index is made.

import { describe, expect, it } from 'vitest';
import { createActor } from 'xstate';
import {
  SEARCHING_MOST,
  type VectorIndexEffect,
  type VectorIndexEvent,
  vectorIndexMachine,
} from '../../../src/actors/vector-index/machine.ts';
import { address } from '../../../src/bus/address.ts';
import type { Envelope } from '../../../src/bus/envelope.ts';
import { failure } from '../../../src/errors.ts';

const model = { name: 'acme/new', dimensions: 8 };
const filling = { model, done: 3, total: 9 };

function start() {
  const actor = createActor(vectorIndexMachine, { input: { workspace_id: 'home' } });
  let effects: VectorIndexEffect[] = [];
  actor.on('*', (effect) => void effects.push(effect as VectorIndexEffect));
  actor.start();
  let id = 0;
  const envelope = (type: string, body: unknown): Envelope => {
    id += 1;
    return { id, to: address('vector-index', 'home'), from: address('thread', 'main'), type, body };
  };
  return {
    state: () => actor.getSnapshot().value,
    send(event: VectorIndexEvent): VectorIndexEffect[] {
      effects = [];
      actor.send(event);
      return effects;
    },
    ask(type: 'vector.search' | 'vector.status' | 'vector.filling', body: unknown = {}): VectorIndexEffect[] {
      effects = [];
      actor.send({ type, body, envelope: envelope(type, body) } as VectorIndexEvent);
      return effects;
    },
    first: () => effects,
  };
}

const search = { query: 'keys', k: 3 };
const loaded = { type: 'loaded', place: 'memory', filling: null } as const;

describe('the chart of a vector index', () => {
  it('loads first, then is ready', () => {
    const index = start();
    expect(index.state()).toBe('loading');
    expect(index.first()).toEqual([{ type: 'load' }]);
    expect(index.send(loaded)).toEqual([]);
    expect(index.state()).toBe('ready');
    expect(index.ask('vector.status')).toMatchObject([
      { type: 'reply', body: { workspace_id: 'home', state: 'ready', place: 'memory', last_error: null } },
    ]);
  });

  it('answers in every state', () => {
    const index = start();
    const answers = (): void =>
      expect(index.ask('vector.search', search)).toMatchObject([{ type: 'search', body: search }]);
    answers();
    index.send({ type: 'load_failed', error: failure('storage_failed', 'gone') });
    expect(index.state()).toBe('failed');
    answers();
    index.send({ type: 'retry' });
    index.send({ ...loaded, filling });
    expect(index.state()).toBe('reindexing');
    answers();
    index.ask('vector.filling', { filling: null });
    index.send(loaded);
    expect(index.state()).toBe('ready');
    answers();
  });

  it('tries again after a failure, later each time, and says why', () => {
    const index = start();
    const pauses = Array.from({ length: 8 }, () => {
      const [effect] = index.send({ type: 'load_failed', error: failure('storage_failed', 'the disk is gone') });
      expect(index.ask('vector.status')).toMatchObject([
        {
          body: { state: 'failed', place: 'file', last_error: { code: 'storage_failed', message: 'the disk is gone' } },
        },
      ]);
      expect(index.send({ type: 'retry' })).toEqual([{ type: 'load' }]);
      return effect?.type === 'wait' ? effect.ms : 0;
    });
    expect(pauses).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000]);
    index.send(loaded);
    const [effect] = index.send({ type: 'load_failed', error: failure('storage_failed', 'again') });
    // Only while it loads: what comes late is of no effect.
    expect(effect).toBeUndefined();
    expect(index.state()).toBe('ready');
  });

  it('loads again when a search found it behind, in ready and in reindexing', () => {
    const index = start();
    index.send(loaded);
    index.ask('vector.search', search);
    expect(index.send({ type: 'searched', behind: true })).toEqual([{ type: 'load' }]);
    index.send({ ...loaded, filling });
    index.ask('vector.search', search);
    expect(index.send({ type: 'searched', behind: true })).toEqual([{ type: 'load' }]);
    index.ask('vector.search', search);
    // While it loads there is nothing more to do about it.
    expect(index.send({ type: 'searched', behind: true })).toEqual([]);
    expect(index.state()).toBe('loading');
  });

  it('shows how far another model is, and loads its index when it has taken over', () => {
    const index = start();
    index.send(loaded);
    index.ask('vector.filling', { filling });
    expect(index.state()).toBe('reindexing');
    expect(index.ask('vector.status')).toMatchObject([{ body: { state: 'reindexing', filling } }]);
    index.ask('vector.filling', { filling: { ...filling, done: 8 } });
    expect(index.ask('vector.status')).toMatchObject([{ body: { filling: { done: 8 } } }]);
    expect(index.ask('vector.filling', { filling: null })).toEqual([{ type: 'load' }]);
    expect(index.state()).toBe('loading');
  });

  it('refuses searches past its bound, and takes them again once some are answered', () => {
    const index = start();
    for (let at = 0; at < SEARCHING_MOST; at += 1) index.ask('vector.search', search);
    expect(index.ask('vector.search', search)).toMatchObject([{ type: 'fail', error: { code: 'overloaded' } }]);
    index.send({ type: 'searched', behind: false });
    expect(index.ask('vector.search', search)).toMatchObject([{ type: 'search' }]);
  });
});

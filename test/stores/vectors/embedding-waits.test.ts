// SPDX-License-Identifier: Apache-2.0
// What waits for a model that cannot embed now: nothing is given up, nobody else waits with it, and it is not asked more than it should be.

import { mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { type ErrorCode, type Failure, failure } from '../../../src/errors.ts';
import { type EmbedAsk, type Embedded, EmbeddingPump } from '../../../src/stores/sqlite/embedding-pump.ts';
import { VectorsWriter } from '../../../src/stores/sqlite/vectors-writer.ts';
import type { VectorModel } from '../../../src/stores/vector-store.ts';
import { usualRuns } from '../../drawn.ts';
import { ManualClock } from '../manual-clock.ts';
import { itemOf } from './contract.ts';
import { scratch } from './stores.ts';

const MODEL: VectorModel = { name: 'vendor/model', dimensions: 3 };
const OTHER: VectorModel = { name: 'other/model', dimensions: 2 };
const ROOT = scratch();
const closing: (() => void)[] = [];
afterEach(() => {
  for (const close of closing.splice(0)) close();
});

const vectors = ({ texts, model: { dimensions } }: EmbedAsk): Embedded => ({
  ok: true,
  vectors: new Float32Array(texts.length * dimensions).fill(1),
});
const fails = (code: ErrorCode, details: Readonly<Record<string, unknown>> = {}): Embedded => ({
  ok: false,
  error: failure(code, `it is ${code}`, details),
});

interface Asked extends EmbedAsk {
  /** When, in milliseconds. */
  readonly at: number;
}

/** A pump over real files, each with so many texts that lack a vector. */
function pumping(
  texts: Readonly<Record<string, number>>,
  answer: (asked: Asked, number: number) => Embedded | undefined,
) {
  const clock = new ManualClock();
  const dir = mkdtempSync(join(ROOT, 'pump-'));
  const writers = new Map<string, VectorsWriter>();
  const asked: Asked[] = [];
  const told: Failure[] = [];
  for (const [workspace, count] of Object.entries(texts)) {
    const writer = new VectorsWriter(join(dir, `${workspace}.db`), MODEL);
    writer.put(Array.from({ length: count }, (_, at) => itemOf(`${workspace}-${at}`, new Float32Array())));
    writers.set(workspace, writer);
    closing.push(() => writer.close());
  }
  const pump = new EmbeddingPump({
    embed: (ask, answered) => {
      const one = { ...ask, at: clock.monotonic() };
      asked.push(one);
      const outcome = answer(one, asked.length);
      if (outcome !== undefined) clock.soon(() => answered(outcome));
    },
    use: (workspace, work) => {
      const writer = writers.get(workspace);
      return writer === undefined ? undefined : work(writer);
    },
    after: clock.after,
    monotonic: clock.monotonic,
    failed: (error) => void told.push(error),
    filling: () => undefined,
  });
  closing.push(() => pump.close());
  for (const workspace of writers.keys()) pump.wanted(workspace);
  const lacks = (): number => [...writers.values()].reduce((sum, writer) => sum + writer.lacking().length, 0);
  /** As a start with another model finds the file: its index is filled beside the old one. */
  const reopen = (workspace: string, model: VectorModel): VectorsWriter => {
    writers.get(workspace)?.close();
    const writer = new VectorsWriter(join(dir, `${workspace}.db`), model);
    closing.push(() => writer.close());
    writers.set(workspace, writer);
    return writer;
  };
  return { clock, pump, asked, told, lacks, reopen };
}

const DOWN: readonly ErrorCode[] = [
  'provider_unavailable',
  'provider_auth',
  'provider_quota',
  'provider_rate_limited',
  'provider_overloaded',
  'provider_model_unknown',
  'provider_network',
];

describe('a vendor that is down', () => {
  it.each(DOWN)('with %s is asked again, later each time and for one text, and nothing is given up', (code) => {
    let well = false;
    const { clock, asked, told, lacks, pump } = pumping({ home: 100, work: 3 }, (ask) =>
      well ? vectors(ask) : fails(code),
    );
    clock.advance(3_600_000);
    expect(asked.map(({ texts }) => texts.length).slice(0, 4)).toEqual([64, 1, 1, 1]);
    const pauses = asked.slice(1).map(({ at }, before) => at - (asked[before]?.at ?? 0));
    expect(pauses.slice(0, 3)).toEqual([1_000, 2_000, 4_000]);
    const longest = ['provider_auth', 'provider_quota', 'provider_model_unknown'].includes(code) ? 600_000 : 60_000;
    expect(Math.max(...pauses)).toBe(longest);
    // The same trouble is told once.
    expect(told.map((error) => error.code)).toEqual([code]);
    expect(pump.state()).toMatchObject([{ model: MODEL.name, state: 'waiting', waiting: 2, last_error: { code } }]);
    well = true;
    clock.advance(600_000);
    expect(lacks()).toBe(0);
    expect(pump.state()).toMatchObject([{ state: 'idle', waiting: 0, last_error: null, retry_in_ms: null }]);
  });

  it('is left alone for as long as it asks to be', () => {
    const { clock, asked, lacks } = pumping({ home: 2 }, (ask, number) =>
      number === 1 ? fails('provider_rate_limited', { retry_after_ms: 90_000 }) : vectors(ask),
    );
    clock.advance(89_999);
    expect(asked).toHaveLength(1);
    clock.advance(10);
    expect(lacks()).toBe(0);
    expect(asked.map(({ at }) => at)).toEqual([0, 90_000, 90_000]);
  });

  it('holds up no other model, and one that never answers none either', () => {
    const { clock, asked, reopen } = pumping({ home: 3 }, (ask) =>
      ask.model.name === OTHER.name ? vectors(ask) : undefined,
    );
    const both = reopen('home', OTHER);
    clock.advance(1_000);
    expect(asked.map(({ model }) => model.name)).toEqual([MODEL.name, OTHER.name]);
    // The one that was to take over is whole, so what waits for the old one is of no use.
    expect(both.model).toEqual(OTHER);
  });

  it('is of no interest any more once another model has taken its place', () => {
    const { clock, pump, reopen } = pumping({ home: 3 }, (ask) =>
      ask.model.name === OTHER.name ? vectors(ask) : fails('provider_unavailable'),
    );
    clock.advance(5_000);
    expect(pump.state()).toMatchObject([{ model: MODEL.name, state: 'waiting', waiting: 1 }]);
    reopen('home', OTHER);
    pump.wanted('home');
    clock.advance(60_000);
    expect(pump.state()).toMatchObject([
      { model: MODEL.name, state: 'idle', waiting: 0, last_error: null, retry_in_ms: null },
      { model: OTHER.name, state: 'idle', waiting: 0 },
    ]);
  });
});

describe('a workspace whose budget is used up', () => {
  it('waits alone, until its budget resets', () => {
    const details = { scope: 'workspace', retry_after_ms: 120_000 };
    const { clock, asked, lacks } = pumping({ poor: 2, rich: 2 }, (ask) =>
      ask.workspace_id === 'poor' && ask.at < 100_000 ? fails('budget_exceeded', details) : vectors(ask),
    );
    clock.advance(119_000);
    expect(asked.map(({ workspace_id }) => workspace_id)).toEqual(['poor', 'rich']);
    expect(lacks()).toBe(1);
    clock.advance(2_000);
    expect(lacks()).toBe(0);
  });

  it('is all of them where the budget is all of them', () => {
    const details = { scope: 'global', retry_after_ms: 50_000 };
    const { clock, asked } = pumping({ one: 1, other: 1 }, () => fails('budget_exceeded', details));
    clock.advance(49_000);
    expect(asked).toHaveLength(1);
  });
});

describe('a batch that is too much', () => {
  it('is asked for in halves at once when it is too large, and one text that is too large alone is given up', () => {
    const { clock, asked, lacks, told } = pumping({ home: 8 }, (ask) =>
      ask.texts.includes('text of home-5') ? fails('provider_too_large', { about: 'request' }) : vectors(ask),
    );
    clock.advance(120_000);
    expect(asked.map(({ texts }) => texts.length).slice(0, 3)).toEqual([8, 4, 4]);
    expect(lacks()).toBe(0);
    const given_up = told.flatMap(({ details }) => (details?.['reason'] === 'not_embeddable' ? [details['item']] : []));
    expect(given_up).toEqual(['home-5']);
  });

  it('is smaller from then on when it took too long, and grows again with time', () => {
    const { clock, asked, lacks } = pumping({ home: 300 }, (ask) =>
      ask.texts.length > 10 ? fails('provider_timeout', { about: 'provider' }) : vectors(ask),
    );
    clock.advance(3_600_000);
    expect(lacks()).toBe(0);
    const slow = asked.filter(({ texts }) => texts.length > 10);
    expect(slow.length).toBeLessThan(12);
    expect(asked.length).toBeLessThan(60);
  });
});

describe('a failure that may pass', () => {
  it('does not cost a text its place, however often it comes and goes', () => {
    fc.assert(
      fc.property(fc.infiniteStream(fc.boolean()), (luck) => {
        // Whatever is asked for fails by chance, so nothing can be known about a text.
        const { clock, told, lacks } = pumping({ home: 3 }, (ask, number) => {
          const failed = luck.next().value === true && number < 40;
          return failed ? fails('provider_overloaded', { about: 'provider' }) : vectors(ask);
        });
        clock.advance(24 * 3_600_000);
        expect(lacks()).toBe(0);
        expect(told.filter(({ details }) => details?.['reason'] !== undefined)).toEqual([]);
      }),
      { numRuns: usualRuns(25) },
    );
  });

  it('is held against a text that fails each time while others do not', () => {
    const { clock, lacks, told, asked } = pumping({ home: 4 }, (ask) =>
      ask.texts.includes('text of home-2') ? fails('provider_error', { about: 'provider' }) : vectors(ask),
    );
    clock.advance(3_600_000);
    expect(lacks()).toBe(0);
    const items = told.flatMap(({ details }) => (details?.['reason'] === 'not_embeddable' ? [details['item']] : []));
    expect(items).toEqual(['home-2']);
    // The easiest of all texts went through each time before it was given up.
    expect(asked.filter(({ texts }) => texts[0] === 'a')).toHaveLength(3);
  });
});

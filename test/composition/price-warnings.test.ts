// SPDX-License-Identifier: Apache-2.0
// One line in the log for each model whose price nobody knows, and none where that does not matter.

import { expect, it } from 'vitest';
import { address } from '../../src/bus/address.ts';
import type { Envelope } from '../../src/bus/envelope.ts';
import type { ThreadContext } from '../../src/composition/context.ts';
import { knownTypes } from '../../src/composition/known-types.ts';
import { priceWarnings } from '../../src/composition/price-warnings.ts';
import { loadConfig } from '../../src/config/load.ts';
import { machine } from '../config/machine.ts';
import { ManualClock } from '../stores/manual-clock.ts';

async function warnings(more: Readonly<Record<string, unknown>> = {}) {
  const flags = {
    providers: {
      mine: { type: 'openai-compatible', endpoint: 'http://localhost:1' },
      openai: { api_key: 'k' },
      ...Object(more['providers']),
    },
    models: more['models'] ?? {},
  };
  const loaded = await loadConfig({ known: knownTypes, machine: machine(), flags });
  if (!loaded.ok) throw new Error(loaded.problems.map(({ message }) => message).join('\n'));
  const lines: string[] = [];
  const clock = new ManualClock();
  const asks: ((answer: object) => void)[] = [];
  const context = {
    house: { config: loaded.config },
    name: 'main',
    world: clock,
    bus: {
      ask: (...[, , , , answered]: [string, string, object, object, (answer: object) => void]) =>
        void asks.push(answered),
    },
    log: (_level: string, _fields: object, message: string) => void lines.push(message),
  } as unknown as ThreadContext;
  const noted = priceWarnings(context);
  const ask = (provider: string, model: string, type = 'provider.request'): void =>
    noted.note({
      to: address('provider', provider),
      type,
      body: { model, workspace_id: 'home' },
    } as unknown as Envelope);
  return { ask, lines, asks, clock };
}

it('is written once a model, with what to set', async () => {
  const { ask, lines } = await warnings();
  for (let time = 0; time < 3; time += 1) {
    ask('mine', 'local');
    ask('mine', 'other');
    ask('openai', 'gpt-5');
    ask('mine', 'third', 'provider.release');
  }
  expect(lines).toHaveLength(2);
  expect(lines[0]).toContain('models.pricing."mine/local"');
});

it('is not written where no budget is in USD', async () => {
  const { ask, lines } = await warnings({ models: { budgets: { per_hour_usd: 0, per_day_usd: 0 } } });
  ask('mine', 'local');
  expect(lines).toEqual([]);
});

it('waits for a vendor that tells its prices', async () => {
  const { ask, lines, asks, clock } = await warnings({ providers: { router: { type: 'openrouter', api_key: 'k' } } });
  clock.advance(1);
  ask('router', 'a/b');
  ask('router', 'a/c');
  expect(lines).toEqual([]);
  asks[0]?.({ ok: true, body: { prices: [{ model: 'router/a/b', input: 1, output: 1 }], whole: true } });
  ask('router', 'a/b');
  ask('router', 'a/c');
  expect(lines).toHaveLength(1);
  expect(lines[0]).toContain('router/a/c');
});

// SPDX-License-Identifier: Apache-2.0
// What a model says beside turns is scanned like a reply before anybody stores it.

import { expect, it } from 'vitest';
import type { BackgroundCallsOptions } from '../../../src/actors/session/background-call.ts';
import { createBackgroundCalls } from '../../../src/actors/session/background-call.ts';
import type { CallResult } from '../../../src/actors/thread/protocol.ts';
import { address } from '../../../src/bus/address.ts';
import { failure } from '../../../src/errors.ts';
import { KnownTexts } from '../../../src/security/scanner/known-texts.ts';
import type { Mode } from '../../../src/security/scanner/rule.ts';
import { RULES } from '../../../src/security/scanner/rules.ts';
import { streamRules } from '../../../src/security/scanner/stream-rules.ts';
import { ManualClock } from '../../stores/manual-clock.ts';

const SECRET = `ghp_${'a1B2'.repeat(9)}`;

function summed(
  mode: Mode,
  closed: ReturnType<ReturnType<BackgroundCallsOptions['scan']>['closed']> = null,
): CallResult | undefined {
  const clock = new ManualClock();
  const known = new KnownTexts({ size: 0, texts: () => [] });
  const calls = createBackgroundCalls({
    bus: {
      ask: (_to, _type, _body, _options, answered) => answered({ ok: true, body: { permit: 1 } } as never),
      send: () => undefined as never,
    },
    world: {
      ...clock,
      monotonic: clock.monotonic,
      after: clock.after,
      soon: clock.soon,
      now: () => 0,
      random: () => 0,
    } as never,
    stream: (_, __, sink) => {
      clock.soon(() => {
        for (const text of ['Ann has the key ', SECRET.slice(0, 20), SECRET.slice(20), ' and a cat.'])
          sink.event({ type: 'text_delta', text });
        sink.event({ type: 'done', finishReason: 'stop' });
        sink.end(null);
      });
      return () => undefined;
    },
    retries: () => ({ most: 0, within: 0 }),
    unreported: () => ({ inputTokens: 0, outputTokens: 0, cacheReadTokens: 0, cacheWriteTokens: 0 }),
    from: address('thread', 'lane-1'),
    cost: () => 0,
    hide: (text) => text,
    scan: () => ({
      ...{ mode, hide: (text) => text, closed: () => closed, scanned: () => undefined },
      secrets: () => ({ rules: streamRules(RULES), known }),
      soon: (run) => {
        clock.soon(run);
        return () => undefined;
      },
    }),
  });
  let result: CallResult | undefined;
  const request = { model: 'm', systemPrompt: '', messages: [], tools: [], options: {} };
  calls.call({ model: 'p/m', workspace_id: 'w', id: 'c', tokens: 1, request, within: 1_000 }, (done) => {
    result = done;
  });
  clock.settle();
  return result;
}

it('secrets are cut out of a summary, also where a reply would end at one', () => {
  for (const mode of ['redact', 'block'] as const) {
    const result = summed(mode);
    expect(result).toMatchObject({ whole: true, error: null });
    expect(result?.text).toMatch(/^Ann has the key \S*redacted\S* and a cat\.$/i);
  }
  expect(summed('off')?.text).toContain(SECRET);
});

it('nothing is asked of a model whose answer could not be scanned', () => {
  expect(summed('redact', failure('internal', 'closed'))).toMatchObject({ error: { message: 'closed' }, text: '' });
});

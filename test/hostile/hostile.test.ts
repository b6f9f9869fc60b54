// SPDX-License-Identifier: Apache-2.0
// A hostile model with hostile tools against a whole gateway: what each attempt comes to, and that nothing else has changed by it.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { closeHouses, type House, startHouse } from '../flow/house.ts';
import type { WireReply } from '../wire/format.ts';
import { openAiChat } from '../wire/openai-chat.ts';
import { startWireServer, type WireAnswer, type WireServer } from '../wire/server.ts';
import { ATTEMPTS, type Attempt } from './attempts.ts';

const SECRET = 'hostile-3f9a01d7c2e84b';
const usage = { inputTokens: 10, outputTokens: 5, cacheReadTokens: 0, cacheWriteTokens: 0 };
const ALLOWED = ['calculator', 'clock', 'memory_search', 'result', 'effect', 'web_fetch', 'exec_sandboxed'];

const dir = mkdtempSync(join(tmpdir(), 'sigil-hostile-'));
const effects = join(dir, 'effects');
let vendor: WireServer;
let house: House;

beforeAll(async () => {
  writeFileSync(effects, '');
  Object.assign(process.env, {
    SIGIL_TEST_TOOLS: fileURLToPath(new URL('hostile-tools.ts', import.meta.url)),
    HOSTILE_EFFECTS: effects,
    HOSTILE_SECRET: SECRET,
  });
  vendor = await startWireServer();
  house = await startHouse({
    gateway: { threads: 1 },
    providers: { mine: { type: 'openai-compatible', endpoint: `${vendor.url}/v1`, api_key: SECRET } },
    models: { default: 'mine/hostile' },
    sessions: { tool_timeout: '200ms', memory: { summaries: { enabled: false } } },
    workspaces: { lab: { tools: { allow: ALLOWED } } },
  });
});
afterAll(async () => {
  await closeHouses();
  await vendor.close();
  rmSync(dir, { recursive: true });
});

const AFTER: WireReply = { parts: [{ type: 'text', deltas: ['Well then.'] }], finish: 'stop', usage };

/** A reply that goes on after its end. */
function scripted({ parts, finish, afterEnd = [] }: Attempt): WireAnswer {
  const asks = parts.some(({ type }) => type === 'tools');
  const answer = openAiChat.stream({ parts, finish: finish ?? (asks ? 'tool_calls' : 'stop'), usage });
  if (afterEnd.length === 0) return answer;
  const more = openAiChat.stream({ parts: afterEnd, finish: 'tool_calls', usage });
  return { ...answer, body: `${answer.body}${more.body}` };
}

/** How often `effect` and `forbidden_effect` have run so far. */
const counted = (): readonly string[] =>
  readFileSync(effects, 'utf8')
    .split('\n')
    .filter((line) => line !== '');

describe('an attempt', () => {
  let prompt: string | undefined;
  let offered: string | undefined;

  it.each(Object.entries(ATTEMPTS))('%s', async (_, attempt) => {
    vendor.requests.length = 0;
    const ran = counted().length;
    let asked = 0;
    vendor.answer(() => (++asked === 1 ? scripted(attempt) : openAiChat.stream(AFTER)));
    const { body, status } = await house.owner.chat('go on', { workspace_id: 'lab' });
    const ends = attempt.ends ?? { content: /^Well then\.$/, finish: 'stop' };
    if ('code' in ends) expect(body).toMatchObject({ code: ends.code });
    else {
      expect({ status, body }).toMatchObject({ status: 200, body: { finish_reason: ends.finish } });
      expect(body.content).toMatch(ends.content);
    }

    const sent = vendor.requests.map((request) => openAiChat.sent(request));
    const results = sent.flatMap(({ toolResults }) => toolResults);
    expect(results).toHaveLength(attempt.told?.length ?? 0);
    for (const [at, { content }] of results.entries())
      expect(content.slice(0, 70_000)).toMatch(attempt.told?.[at] ?? /^$/);
    const now = counted().slice(ran);
    expect(now.filter((line) => line.startsWith('effect '))).toHaveLength(attempt.effects ?? 0);
    expect(now.filter((line) => line.startsWith('forbidden'))).toEqual([]);

    // What it was told before it was asked, and what it may use, is the same whatever it has done.
    for (const { system, tools } of sent) {
      prompt ??= system;
      offered ??= JSON.stringify(tools);
      expect(system).toBe(prompt);
      expect(JSON.stringify(tools)).toBe(offered);
      expect(tools.map(({ name }) => name)).not.toContain('forbidden_effect');
    }
    expect(JSON.stringify(vendor.requests.map((request) => request.body))).not.toContain(SECRET);
  });

  it('after all of them the gateway is as it was', async () => {
    expect((await house.owner.get('/ready')).status).toBe(200);
    const { items } = (await house.owner.get('/debug/threads')).body as { items: { role: string; restarts: number }[] };
    expect(items.filter(({ restarts }) => restarts > 0)).toEqual([]);
  });
});

describe('tools without end', () => {
  it('end the turn, and it is no success', async () => {
    let asked = 0;
    vendor.answer(() =>
      scripted({ parts: [{ type: 'tools', calls: [{ id: `round_${++asked}`, name: 'effect', arguments: ['{}'] }] }] }),
    );
    const { status, body } = await house.owner.chat('again and again', { workspace_id: 'lab' });
    expect({ status, body }).toMatchObject({ status: 500, body: { code: 'tool_loop_limit' } });
    expect(asked).toBe(6);
  });

  it('under one id, round after round, are each a call of their own', async () => {
    const ran = counted().length;
    let asked = 0;
    const again = scripted({ parts: [{ type: 'tools', calls: [{ id: 'same', name: 'effect', arguments: ['{}'] }] }] });
    vendor.answer(() => (++asked <= 3 ? again : openAiChat.stream(AFTER)));
    expect((await house.owner.chat('again', { workspace_id: 'lab' })).status).toBe(200);
    expect(counted().length - ran).toBe(3);
  });
});

// SPDX-License-Identifier: Apache-2.0
// `sigil provider` against a whole gateway and without one: what a person sees, and what a program reads.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { WireEntry } from '../../src/providers/wire-entry.ts';
import { type RunOptions, scratch, sigil, start, until } from '../cli/process.ts';
import { anthropicMessages } from '../wire/anthropic.ts';
import { openAiChat } from '../wire/openai-chat.ts';
import { startWireServer, type WireServer } from '../wire/server.ts';
import { closeHouses, type House, startHouse } from './house.ts';

const KEY = 'sk-flow-5c20e8b1d4';
const usage = { inputTokens: 30, outputTokens: 5, cacheReadTokens: 10, cacheWriteTokens: 0 };
const home = scratch();

let vendor: WireServer;
let gateway: House;
beforeAll(async () => {
  vendor = await startWireServer();
  gateway = await startHouse({
    providers: {
      mine: { type: 'openai-compatible', endpoint: vendor.url, api_key: KEY },
      anthropic: { endpoint: vendor.url, api_key: KEY },
      // Well while the first one is ill.
      yours: { type: 'openai-compatible', endpoint: vendor.url, api_key: KEY },
    },
    models: { default: 'mine/local-model' },
  });
});
afterAll(async () => {
  await closeHouses();
  await vendor.close();
});

const YOURS = { model: 'yours/local-model' };
const run = (words: readonly string[], options: RunOptions = {}) =>
  sigil([...words, '--data-dir', gateway.dataDir], home, options);

describe('sigil provider', () => {
  it('list and health show how each is, and what mends it; health fails when one cannot be asked', async () => {
    const list = await run(['provider', 'list']);
    expect(list).toMatchObject({ status: 0, stderr: '' });
    expect(list.stdout).toMatch(/^NAME +TYPE +CIRCUIT/);
    expect(list.stdout).toMatch(/\nmine +openai-compatible +closed +0 +0 +–/);
    expect((await run(['provider', 'health'])).status).toBe(0);
    vendor.answer(openAiChat.refuse('bad_key'));
    for (let chats = 0; chats < 5; chats += 1) {
      await gateway.owner.chat('hello');
      if (!(await gateway.owner.get('/api/v1/providers/mine/health')).body.healthy) break;
    }
    const ill = await run(['provider', 'health']);
    expect(ill.status).toBe(1);
    expect(ill.stdout).toMatch(/\nmine +open /);
    expect(ill.stdout).toMatch(
      /\nmine: .*Incorrect API key.*\n {2}→ Correct `providers\.mine\.api_key`; `sigil secret set`/,
    );
    expect(ill.stdout).not.toContain('\u001b[');
    expect((await run(['provider', 'health', 'anthropic'])).status).toBe(0);
    const json = await run(['provider', 'health', 'mine', '--json']);
    expect(json.status).toBe(1);
    expect(JSON.parse(json.stdout)).toMatchObject({ healthy: false, items: [{ name: 'mine', state: 'open' }] });
    const coloured = await run(['provider', 'list'], { env: { FORCE_COLOR: '1' } });
    expect(coloured.stdout).toContain('\u001b[31mopen');
    expect(coloured.stderr).toContain('`sigil provider health` says what mends it.');
    const none = await run(['provider', 'health', 'none']);
    expect([none.status, none.stderr]).toEqual([
      1,
      expect.stringContaining('Known providers: sigil, mine, anthropic, yours.'),
    ]);
    expect(ill.stdout + json.stdout).not.toContain(KEY);
  });

  it('models lists what vendors have now, and says of which it does not know', async () => {
    vendor.answer((asked) =>
      asked.headers['anthropic-version'] !== undefined
        ? anthropicMessages.refuse('overloaded')
        : openAiChat.models(['tiny', 'large']),
    );
    const { stdout, stderr, status } = await run(['provider', 'models']);
    expect(status).toBe(0);
    expect(stdout).toMatch(/^MODEL +CONTEXT +OUTPUT +CAN +NAME\n/);
    expect(stdout).toMatch(/\nyours\/large .*\nyours\/tiny /);
    expect(stdout).toMatch(/\nanthropic\/claude-opus-4-6 +1M +\d+k +tools, vision, thinking +Claude Opus 4\.6\n/);
    expect(stderr).toMatch(/^anthropic: .*answered 529.* What is known without asking is shown\.\n$/);
    const json = JSON.parse((await run(['provider', 'models', 'yours', '--json'])).stdout);
    expect(json).toMatchObject({
      items: [{ id: 'large' }, { id: 'tiny' }],
      providers: [{ name: 'yours', live: true, reason: null }],
    });
  });

  it('trace shows a person the request, the answer as it came and what was made of it', async () => {
    vendor.answer(
      openAiChat.stream({
        parts: [{ type: 'text', deltas: ['One ', 'line.\nAnd', ' another.'] }],
        finish: 'stop',
        usage,
      }),
    );
    const following = start(['provider', 'trace', 'yours', '--data-dir', gateway.dataDir], home);
    await until(() => following.stderr().includes('Following yours'));
    const { turn_id } = (await gateway.owner.chat('say "two" lines', YOURS)).body;
    await until(() => / over after \d+ ms/.test(following.stdout()) && following.stdout().includes('is whole'));
    following.child.kill('SIGINT');
    const { stdout, status } = await following.done;
    expect(status).toBe(130);
    expect(stdout).toContain(`chat  local-model  turn ${turn_id}`);
    expect(stdout).toContain(`→ yours  POST ${vendor.url}/`);
    expect(stdout).toContain('authorization: Bearer ***');
    expect(stdout).toMatch(/^\w{6} {4,}"content": "say \\"two\\" lines"/m);
    expect(stdout).toMatch(/← yours {2}200 OK after \d+ ms/);
    expect(stdout).toMatch(/^\w{6} {6}\| data: \{"id":.*"content":"One "/m);
    expect(stdout).toContain('| data: [DONE]');
    expect(stdout).toMatch(/^\w{6} {6}= text One line\.$/m);
    expect(stdout).toMatch(/^\w{6} {6}= text And another\.$/m);
    expect(stdout).toMatch(/= usage 30 in, 5 out, 10 read from a cache/);
    expect(stdout).toContain('= done stop');
    expect(stdout).not.toContain(KEY);
  });

  it('trace gives a program one entry a line, and what it asks for only', async () => {
    vendor.answer(openAiChat.stream({ parts: [{ type: 'text', deltas: ['Hello.'] }], finish: 'stop', usage }));
    const all = start(['provider', 'trace', '--json', '--data-dir', gateway.dataDir], home);
    const some = start(['provider', 'trace', '--only', 'events', '--data-dir', gateway.dataDir], home);
    await until(() => [all, some].every((one) => one.stderr().includes('Following all providers')));
    await gateway.owner.chat('hello', YOURS);
    await until(() => all.stdout().includes('"kind":"answer_end"') && some.stdout().includes('over after'));
    all.child.kill('SIGTERM');
    some.child.kill('SIGTERM');
    const entries = (await all.done).stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as WireEntry);
    expect(entries.map(({ n }) => n)).toEqual(entries.map((_, index) => index + 1));
    expect(entries[0]).toMatchObject({ kind: 'call', provider: 'yours' });
    const { stdout } = await some.done;
    expect(stdout).toContain('= text Hello.');
    expect(stdout).not.toContain('POST');
    expect((await run(['provider', 'trace', '--only', 'nonsense'])).status).toBe(2);
  });
});

describe('sigil provider without a gateway', () => {
  const alone = scratch();
  writeFileSync(
    join(alone, 'sigil.yaml'),
    `providers:\n  anthropic: { api_key: "${KEY}" }\n  openai: {}\n  local: { type: openai-compatible, endpoint: "http://127.0.0.1:9/v1" }\n`,
  );

  it('list and models show what the configuration says', async () => {
    const list = await sigil(['provider', 'list'], alone);
    expect(list.status).toBe(0);
    expect(list.stderr).toContain('No gateway is running: this is what the configuration says.');
    expect(list.stdout).toMatch(/\nanthropic +anthropic +configured/);
    expect(list.stdout).toMatch(/\nopenai +– +quarantined +– +– +– +.*The provider openai has no api_key\./);
    const models = await sigil(['provider', 'models', '--json'], alone);
    expect(JSON.parse(models.stdout)).toMatchObject({
      items: expect.arrayContaining([
        expect.objectContaining({ id: 'claude-sonnet-4-5', provider: 'anthropic' }),
        expect.objectContaining({ id: 'offline', provider: 'sigil' }),
      ]),
      providers: expect.arrayContaining([{ name: 'local', live: false, reason: expect.any(String) }]),
    });
    const none = await sigil(['provider', 'models', 'none'], alone);
    expect([none.status, none.stderr]).toEqual([
      1,
      expect.stringContaining('It has these: sigil, anthropic, local, openai.'),
    ]);
    expect(list.stdout + models.stdout + list.stderr).not.toContain(KEY);
  });

  it('health and trace say that none runs', async () => {
    for (const verb of ['health', 'trace']) {
      const { status, stderr } = await sigil(['provider', verb], alone);
      expect([status, stderr]).toEqual([1, expect.stringContaining('No gateway is running here')]);
    }
    const named = await sigil(['provider', 'list', '--url', 'http://127.0.0.1:9'], alone);
    expect([named.status, named.stdout]).toEqual([1, '']);
  });
});

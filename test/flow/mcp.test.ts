// SPDX-License-Identifier: Apache-2.0
// Tools of MCP servers in a whole gateway: who may use them, what a turn sees of their troubles, and what ends with them.

import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { scratch, sigil } from '../cli/process.ts';
import { until } from '../edge/client.ts';
import { type HttpToolbox, startHttpToolbox } from '../mcp/http-server.ts';
import { openAiChat } from '../wire/openai-chat.ts';
import { startWireServer, type WireServer } from '../wire/server.ts';
import { closeHouses, type House, type Listener, startHouse } from './house.ts';

const PROGRAM = fileURLToPath(new URL('../mcp/stdio-server.ts', import.meta.url));
const usage = { inputTokens: 30, outputTokens: 5, cacheReadTokens: 0, cacheWriteTokens: 0 };
const BOX_KEY = 'key-of-the-box-41c7d2';
const WEB_KEY = 'key-of-the-web-9d2e07';
const home = scratch();

let vendor: WireServer;
let web: HttpToolbox;
let house: House;

beforeAll(async () => {
  vendor = await startWireServer();
  web = await startHttpToolbox({ key: WEB_KEY });
  house = await startHouse({
    providers: { mine: { type: 'openai-compatible', endpoint: vendor.url, api_key: 'sk-mcp' } },
    models: { default: 'mine/local-model' },
    workspaces: {
      lab: { members: ['owner'], tools: { allow: ['clock', 'tool.mcp.box.*', 'tool.mcp.web.*'] } },
      shy: { members: ['owner'], tools: { deny: ['tool.mcp.*'] } },
    },
    mcp: {
      box: {
        command: process.execPath,
        args: ['--disable-warning=ExperimentalWarning', PROGRAM],
        env: { TOOLBOX_KEY: BOX_KEY },
      },
      web: { url: web.url, headers: { 'X-Toolbox-Key': WEB_KEY } },
      bad: { command: '/nowhere/toolbox' },
    },
  });
});
afterAll(async () => {
  await closeHouses();
  await web.close();
  await vendor.close();
});

interface Server {
  readonly state: string;
  readonly tools: number;
  readonly losses: number;
  readonly last_error: { readonly message: string } | null;
}

const serverOf = async (name: string): Promise<Server> => (await house.owner.get(`/api/v1/mcp/${name}`)).body;
const ready = (name: string, losses = 0): Promise<void> =>
  until(async () => {
    const server = await serverOf(name);
    return server.state === 'ready' && server.losses >= losses;
  });

/** A turn whose model calls this tool once. */
async function turn(
  tool: string,
  args: unknown = {},
  where: object = { workspace_id: 'lab' },
  name = tool.replaceAll('.', '_'),
): Promise<Listener> {
  const calls = [{ id: 'call_1', name, arguments: [JSON.stringify(args)] }];
  vendor.answer((asked) =>
    openAiChat.stream(
      openAiChat.sent(asked).toolResults.length === 0
        ? { parts: [{ type: 'tools', calls }], finish: 'tool_calls', usage }
        : { parts: [{ type: 'text', deltas: ['Done.'] }], finish: 'stop', usage },
    ),
  );
  return await house.owner.stream(`use ${tool}`, { ...where });
}

/** What comes of a call, as the people who look on and the model are told. */
async function use(tool: string, args: unknown = {}, decision: 'approve' | 'deny' | null = null) {
  const listener = await turn(tool, args);
  if (decision !== null) {
    const { data } = await listener.named('approval_requested');
    expect(data).toMatchObject({ tool });
    expect((await house.owner.post(`/api/v1/approvals/${data.id}`, { decision })).status).toBe(200);
  }
  const events = await listener.all();
  const result = events.find(({ event }) => event === 'tool_result')?.data;
  const sent = vendor.requests.map(openAiChat.sent).at(-1);
  expect(sent?.toolResults[0]?.content).toBe(result.content);
  return { ...result, offered: sent?.tools.map(({ name }) => name) ?? [] } as {
    readonly content: string;
    readonly is_error: boolean;
    readonly truncated: boolean;
    readonly offered: readonly string[];
  };
}

describe('MCP servers', () => {
  it('are connected to beside everything else; one that cannot be harms nobody', async () => {
    expect((await house.owner.get('/ready')).status).toBe(200);
    await Promise.all([ready('box'), ready('web')]);
    const bad = await serverOf('bad');
    expect(['retrying', 'connecting', 'quarantined']).toContain(bad.state);
    expect(bad).toMatchObject({
      tools: 0,
      last_error: { message: 'The MCP server bad is not connected: there is no program /nowhere/toolbox' },
    });
    const { mcp } = (await house.owner.get('/api/v1/status')).body;
    expect(mcp).toMatchObject([
      { name: 'box', state: 'ready', transport: 'stdio', server: { name: 'toolbox', version: '1.2.3' } },
      { name: 'web', state: 'ready', transport: 'http', skipped_count: 0 },
      { name: 'bad', transport: 'stdio', server: null },
    ]);
    const { items } = (await house.owner.get('/api/v1/mcp/box/tools')).body;
    expect(items).toContainEqual({
      ...{ name: 'mcp.box.add', server: 'box', description: 'Adds two numbers.' },
      ...{ read_only: true, idempotent: true, destructive: false },
      input_schema: expect.objectContaining({ type: 'object', required: ['a', 'b'] }),
    });
    expect(await house.owner.get('/api/v1/mcp/nobody')).toMatchObject({
      status: 404,
      body: { detail: expect.stringContaining('Known servers: box, web, bad.') },
    });
    const actors = (await house.owner.get('/debug/actors?kind=mcp')).body.items;
    expect(actors).toMatchObject([
      { address: 'mcp/bad', thread: 'io-1' },
      { address: 'mcp/box', state: 'ready' },
      { address: 'mcp/web', state: 'ready' },
    ]);
    const inside = await house.owner.get('/debug/actors/mcp/box');
    expect(JSON.stringify(inside.body)).not.toContain(BOX_KEY);
  });

  it('are shown on the command line', async () => {
    const run = (...words: string[]) => sigil([...words, '--data-dir', house.dataDir], home);
    const [list, tools, status] = await Promise.all([run('mcp', 'list'), run('mcp', 'tools', 'box'), run('status')]);
    expect(list).toMatchObject({ status: 0, stderr: '' });
    expect(list.stdout).toMatch(/^NAME +BY +STATE/);
    expect(list.stdout).toMatch(/\nbox +stdio +ready +10 tools/);
    expect(list.stdout).toMatch(/\nbad +stdio +\w+ +0 tools .*there is no program \/nowhere\/toolbox/);
    expect(tools.stdout).toMatch(/\nmcp\.box\.add +only looks +Adds two numbers\./);
    expect(tools.stdout).toMatch(/\nmcp\.box\.fails +asks first +Fails\./);
    expect(status.stdout).toMatch(/\nMCP servers\n {2}box +ready +10 tools/);
  });

  it('are for workspaces that allow them, and for no other', async () => {
    const allowed = await use('mcp.box.add', { a: 17, b: 25 });
    expect(allowed).toMatchObject({ content: '42', is_error: false, truncated: false });
    expect(allowed.offered).toEqual(expect.arrayContaining(['clock', 'mcp_box_add', 'mcp_web_add']));
    expect(allowed.offered).not.toContain('calculator');
    expect(await use('mcp.web.add', { a: 1, b: 2 })).toMatchObject({ content: '3', is_error: false });
    // A workspace of somebody's own says nothing of tools; the other one takes them away.
    for (const workspace of [{}, { workspace_id: 'shy' }]) {
      const events = await (await turn('mcp.box.add', { a: 1, b: 1 }, workspace, 'mcp.box.add')).all();
      const { data } = events.find(({ event }) => event === 'tool_result') ?? {};
      expect(data).toMatchObject({ is_error: true, content: expect.stringMatching(/^tool_denied: /) });
      const offered = vendor.requests
        .map(openAiChat.sent)
        .at(-1)
        ?.tools.map(({ name }) => name);
      expect(offered).toContain('calculator');
      expect(offered?.filter((name) => name.startsWith('mcp'))).toEqual([]);
    }
  });

  it('answer within bounds, and no secret of theirs is told', async () => {
    const long = await use('mcp.web.long');
    expect(long.truncated).toBe(true);
    expect(long.content).toMatch(/\[cut: this result has 300000 characters, more than fits]$/);
    const env = await use('mcp.box.env');
    expect(env.content).toContain('["TOOLBOX_KEY","***"]');
    expect(env.content).not.toContain('SIGIL');
    // By our own check: the server is not asked.
    expect(await use('mcp.box.add', { a: 'one', b: 1 })).toMatchObject({
      content: 'tool_failed: The argument a must be number.',
      is_error: true,
    });
  });

  it('with tools that destroy something ask a person first', async () => {
    const allowed = await use('mcp.box.fails', {}, 'approve');
    expect(allowed).toMatchObject({ content: 'tool_failed: there is no such drawer', is_error: true });
    const denied = await use('mcp.box.fails', {}, 'deny');
    expect(denied).toMatchObject({ content: expect.stringMatching(/^tool_denied: /), is_error: true });
  });

  it('that get another tool offer it from the next call of a model on', async () => {
    const webTools = async (): Promise<number> =>
      (await use('mcp.web.add', { a: 1, b: 1 })).offered.filter((name) => name.startsWith('mcp_web_')).length;
    expect(await webTools()).toBe(10);
    await use('mcp.web.grow');
    await until(async () => (await serverOf('web')).tools === 11);
    await until(async () => (await webTools()) === 11);
  });

  it('that end in a call tell why, come back and keep their tools', async () => {
    const died = await use('mcp.box.die');
    expect(died.is_error).toBe(true);
    expect(died.content).toMatch(
      /^tool_failed: The MCP server box did not do it: .* exited with code 3: the toolbox fell off the table$/,
    );
    await ready('box', 1);
    expect((await use('mcp.box.add', { a: 2, b: 3 })).content).toBe('5');
    web.forget();
    expect((await use('mcp.web.add', { a: 2, b: 3 })).content).toMatch(/does not know our session/);
    await ready('web', 1);
    expect((await use('mcp.web.add', { a: 2, b: 3 })).content).toBe('5');
  });

  it('are told when a turn is cancelled', async () => {
    const listener = await turn('mcp.web.wait');
    const { data } = await listener.named('turn_started');
    await until(() => web.seen.began.length > 0);
    await house.owner.post(`/api/v1/turns/${data.turn_id}/cancel`, {});
    expect((await listener.all()).at(-1)).toMatchObject({ event: 'done', data: { finish_reason: 'cancelled' } });
    await until(() => web.seen.cancelled.length > 0);
  });

  it('end with their thread, and begin anew with its next life; a call on its way fails at once', async () => {
    const pid = Number((await use('mcp.box.pid')).content);
    expect(runs(pid)).toBe(true);
    const listener = await turn('mcp.box.wait');
    await listener.named('tool_call');
    await until(async () => (await house.owner.get('/api/v1/mcp/box')).body.in_flight === 1);
    await house.killThread('io-1');
    const result = await listener.named('tool_result');
    expect(result.data).toMatchObject({ is_error: true, content: expect.stringMatching(/^tool_failed: /) });
    await until(() => !runs(pid));
    await ready('box');
    await until(async () => (await use('mcp.box.add', { a: 4, b: 4 })).content === '8');
  });

  it('end with the gateway', async () => {
    const pid = Number((await use('mcp.box.pid')).content);
    expect(runs(pid)).toBe(true);
    await house.drain();
    await until(() => !runs(pid));
  });
});

/** One that has ended and whose end nobody took note of does not run. */
function runs(pid: number): boolean {
  try {
    return !/^\d+ \(.*\) Z/.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
}

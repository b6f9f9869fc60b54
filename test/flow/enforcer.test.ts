// SPDX-License-Identifier: Apache-2.0
// Who may do what through a whole gateway: guests, members and those who are none any more, roles that change, and what is noted of it.

import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { scratch, sigil } from '../cli/process.ts';
import { type Reply, until } from '../edge/client.ts';
import { openAiChat } from '../wire/openai-chat.ts';
import type { WireAnswer } from '../wire/server.ts';
import { closeHouses, type House, startHouse } from './house.ts';

const settings: Record<string, unknown> = {
  models: { default: 'sigil/offline' },
  users: [
    { id: 'mia', role: 'member' },
    { id: 'gus', role: 'guest' },
    { id: 'max', role: 'member' },
  ],
  auth: {
    tokens: [
      { token: 'owner-token', user_id: 'owner', permissions: ['admin:*'] },
      { token: 'mia-token', user_id: 'mia' },
      { token: 'gus-token', user_id: 'gus' },
      { token: 'max-token', user_id: 'max' },
    ],
  },
  workspaces: {
    lab: { members: ['mia', 'gus', 'max'] },
    library: { members: ['mia'], tools: { allow: ['memory_search', 'memory_remember'] } },
  },
};

interface Entry {
  readonly result: string;
  readonly details: Readonly<Record<string, unknown>>;
}

/** A vendor whose answers may take until something else has happened. */
const script: {
  answers: readonly (() => WireAnswer | Promise<WireAnswer>)[];
  bodies: { readonly tools?: readonly { readonly function: { readonly name: string } }[] }[];
} = { answers: [], bodies: [] };
const vendor = createServer((incoming, outgoing) => {
  void text(incoming).then(async (body) => {
    script.bodies.push(JSON.parse(body));
    const [next, ...rest] = script.answers;
    script.answers = rest;
    const { headers, body: answer, status = 200 } = (await next?.()) ?? { body: '', status: 500 };
    outgoing.writeHead(status, { ...headers }).end(answer);
  });
});

let house: House;
const home = scratch();

beforeAll(async () => {
  await new Promise<void>((resolve) => vendor.listen(0, '127.0.0.1', resolve));
  const { port } = vendor.address() as AddressInfo;
  const scripted = { type: 'openai-compatible', endpoint: `http://127.0.0.1:${port}`, max_retries: 0 };
  settings['providers'] = { scripted };
  house = await startHouse(settings as never);
});
afterAll(async () => {
  await closeHouses();
  vendor.closeAllConnections();
  vendor.close();
});

/** A command against the gateway, as its owner. */
const ran = async (...words: readonly string[]): Promise<string> => {
  const env = { SIGIL_TOKEN: 'owner-token', SIGIL_DATA_DIR: house.dataDir };
  const { stdout, stderr } = await sigil(words, home, { env });
  return stdout + stderr;
};

/** The sum the offline model asks the calculator for. */
const SUM = 'what is 17*23?';

const calls = ({ body }: Reply): readonly string[] => body.tool_calls.map(({ name }: { name: string }) => name);
async function entries(action: string, actor: string) {
  return (await house.owner.get(`/api/v1/audit?action=${action}&actor=${actor}`)).body.items;
}

describe('a tool', () => {
  it("is a member's in a workspace of theirs, and noted once with the rule that let it", async () => {
    const reply = await house.person('mia-token').chat(SUM, { workspace_id: 'lab' });
    expect([reply.status, calls(reply)]).toEqual([200, ['calculator']]);
    expect(reply.body.content).toContain('391');
    const [entry, ...others] = await entries('turn.finished', 'mia');
    expect(others).toEqual([]);
    expect(entry).toMatchObject({ workspace_id: 'lab', session_id: reply.body.session_id, result: 'ok' });
    const rule = 'plugin.declared tool.calculator, workspace.allow tool.calculator, user.permissions tool.*';
    expect(entry.details).toMatchObject({
      ...{ turn_id: reply.body.turn_id, model: 'sigil/offline', outcome: 'stop' },
      tools: [{ tool: 'calculator', allowed: true, calls: 1, rule }],
    });
    expect(entry.details.tokens).toBeGreaterThan(0);
    expect(JSON.stringify(entry)).not.toContain('17*23');
  });

  it('is not offered to a guest, and not where the workspace does not list it', async () => {
    const guest = await house.person('gus-token').chat(SUM, { workspace_id: 'lab' });
    expect([guest.status, calls(guest)]).toEqual([200, []]);
    expect(guest.body.content).not.toContain('391');
    const search = await house.person('gus-token').chat('search memory for the sum', { workspace_id: 'lab' });
    expect(calls(search)).toEqual(['memory_search']);
    const unlisted = await house.person('mia-token').chat(SUM, { workspace_id: 'library' });
    expect(calls(unlisted)).toEqual([]);
    // Listed, but what it needs is not.
    const half = await house.person('mia-token').chat('remember that the tea is oolong', { workspace_id: 'library' });
    expect(calls(half)).toEqual([]);
  });
});

describe('somebody who was made here', () => {
  const change = (id: string, role: string) =>
    house.owner.get(`/api/v1/users/${id}`, { method: 'PATCH', json: { role } });
  const made = async (id: string, role: string) => {
    await house.owner.post('/api/v1/users', { id, role });
    const { token } = (await house.owner.post('/api/v1/tokens', { user_id: id })).body;
    return house.person(token);
  };

  it('may with their next message what their role has become', async () => {
    const nora = await made('nora', 'guest');
    expect(calls(await nora.chat(SUM))).toEqual([]);
    for (const [role, expected] of [
      ['member', ['calculator']],
      ['guest', []],
      ['member', ['calculator']],
    ] as const) {
      expect((await change('nora', role)).status).toBe(200);
      expect([role, calls(await nora.chat(SUM))]).toEqual([role, expected]);
    }
    // A thread that begins anew is told who there is.
    await change('nora', 'guest');
    for (const lane of ['lane-1', 'lane-2']) await house.killThread(lane);
    const after = await nora.chatOrWait(SUM, {});
    expect([after.status, calls(after)]).toEqual([200, []]);
  });

  it('is nobody once they are removed, whoever they were in the file of tokens', async () => {
    const odd = await made('odd', 'member');
    const { session_id } = (await odd.chat('hello')).body;
    expect((await house.owner.get('/api/v1/users/odd', { method: 'DELETE' })).status).toBe(200);
    expect((await odd.chat('hello', { session_id })).status).toBe(401);
  });
});

describe('a model that calls what it was not offered', () => {
  const usage = { inputTokens: 30, outputTokens: 5, cacheReadTokens: 0, cacheWriteTokens: 0 };
  const sum = (id: string) => ({ id, name: 'calculator', arguments: ['{"expression":"17*23"}'] });
  const asks = (...ids: readonly string[]) =>
    openAiChat.stream({ parts: [{ type: 'tools', calls: ids.map(sum) }], finish: 'tool_calls', usage });
  const says = openAiChat.stream({ parts: [{ type: 'text', deltas: ['Well.'] }], finish: 'stop', usage });
  const model = { model: 'scripted/a' };

  it('is told why, and each denial is noted with the turn beside it', async () => {
    script.answers = [() => asks('c1', 'c2'), () => says];
    const reply = await house.person('gus-token').chat(SUM, { ...model, workspace_id: 'lab' });
    const reason = 'The role guest has no permission for tool.calculator.';
    const path = `/api/v1/sessions/${reply.body.session_id}/messages`;
    const { items } = (await house.person('gus-token').get(path)).body;
    const results = items.filter(({ role }: { role: string }) => role === 'tool');
    expect(results.map(({ content }: { content: string }) => content)).toEqual(Array(2).fill(`tool_denied: ${reason}`));
    const { turn_id } = reply.body;
    const noted = (await entries('tool.denied', 'gus')).map((entry: Entry) => [entry.result, entry.details]).reverse();
    expect(noted).toEqual(
      ['c1', 'c2'].map((call_id) => [
        'refused',
        { turn_id, call_id, tool: 'calculator', rule: 'user.permissions', reason },
      ]),
    );
    const [turn] = await entries('turn.finished', 'gus');
    expect(turn.details).toMatchObject({
      turn_id,
      tools: [{ tool: 'calculator', allowed: false, calls: 2, rule: 'user.permissions' }],
    });
    // The command line shows it, and the chain holds.
    const shown = await ran('audit', 'query', '--action', 'tool.denied');
    expect(shown).toContain(`reason=${reason}`);
    expect((await house.owner.get('/api/v1/audit/verify')).body.broken).toBeNull();
  });

  it('is refused at the next call when the role goes while the turn runs, and the next turn has none', async () => {
    await house.owner.post('/api/v1/users', { id: 'ida', role: 'member' });
    const { token } = (await house.owner.post('/api/v1/tokens', { user_id: 'ida' })).body;
    const role = (to: string) => house.owner.get('/api/v1/users/ida', { method: 'PATCH', json: { role: to } });
    script.answers = [
      () => asks('before'),
      async () => {
        expect((await role('guest')).status).toBe(200);
        return asks('after');
      },
      () => says,
    ];
    const reply = await house.person(token).chat(SUM, model);
    expect(reply.body.content).toBe('Well.');
    const [turn] = await entries('turn.finished', 'ida');
    expect(turn.details.tools).toMatchObject([
      { tool: 'calculator', allowed: true, calls: 1 },
      { tool: 'calculator', allowed: false, calls: 1, rule: 'user.permissions' },
    ]);
    expect((await entries('tool.denied', 'ida')).map(({ details }: Entry) => details['call_id'])).toEqual(['after']);
    // What is offered: of the first call everything, of the second only what a guest may.
    const offered = script.bodies.slice(-3).map(({ tools = [] }) => tools.map((tool) => tool.function.name));
    expect(offered[0]).toContain('calculator');
    expect(offered.at(-1)).toEqual(['memory_search']);
  });

  it('is refused when the one it asks for is removed while the turn runs', async () => {
    await house.owner.post('/api/v1/users', { id: 'eli', role: 'member' });
    const { token } = (await house.owner.post('/api/v1/tokens', { user_id: 'eli' })).body;
    script.answers = [
      async () => {
        expect((await house.owner.get('/api/v1/users/eli', { method: 'DELETE' })).status).toBe(200);
        return asks('gone');
      },
      () => says,
    ];
    // The answer is nobody's any more, the turn is brought to its end.
    expect((await house.person(token).chat(SUM, model)).status).toBe(401);
    await until(async () => (await entries('turn.finished', 'eli')).length > 0);
    expect((await entries('tool.denied', 'eli')).map(({ details }: Entry) => details['rule'])).toEqual([
      'user.unknown',
    ]);
  });
});

describe('sigil capability', () => {
  it('matrix and explain say what the gateway would', async () => {
    const matrix = (await house.owner.get('/api/v1/capabilities')).body.workspaces;
    expect(matrix.map(({ workspace_id }: { workspace_id: string }) => workspace_id)).toEqual([null, 'lab', 'library']);
    const explain = async (user: string, workspace: string, capability: string) =>
      (
        await house.owner.get(
          `/api/v1/capabilities/explain?user=${user}&workspace=${workspace}&capability=${capability}`,
        )
      ).body;
    expect(await explain('mia', 'lab', 'calculator')).toMatchObject({ allowed: true, role: 'member' });
    expect(await explain('gus', 'lab', 'tool.calculator')).toMatchObject({ allowed: false, rule: 'user.permissions' });
    expect(await explain('mia', 'library', 'tool.memory_remember')).toMatchObject({ rule: 'workspace.allow' });
    expect(await explain('max', 'library', 'memory_search')).toMatchObject({ rule: 'workspace.members' });
    expect(await explain('eve', 'lab', 'calculator')).toMatchObject({ role: null, rule: 'user.unknown' });
    expect(await explain('owner', 'lab', 'no.such')).toMatchObject({ rule: 'plugin.declared' });
    expect(await explain('gus', 'lab', 'messages.send')).toMatchObject({ allowed: true });
    const own = await house
      .person('gus-token')
      .get('/api/v1/capabilities/explain?user=gus&workspace=lab&capability=clock');
    expect([own.status, own.body.allowed]).toEqual([200, false]);
    const others = await house
      .person('gus-token')
      .get('/api/v1/capabilities/explain?user=mia&workspace=lab&capability=clock');
    expect([others.status, (await house.person('gus-token').get('/api/v1/capabilities')).status]).toEqual([403, 403]);
    expect((await house.owner.get('/api/v1/capabilities/explain?user=mia')).status).toBe(422);
    const shown = await ran('capability', 'matrix');
    expect(shown).toContain('\nlibrary: allows memory_search memory_remember\n');
    const why = await ran('capability', 'explain', 'max', 'library', 'clock');
    expect(why).toBe('no: The user max is not a member of workspace library.\nrule: workspace.members\n');
  });
});

it('whoever is no member any more is refused in the sessions they had', async () => {
  const opened = await house.person('max-token').chat('hello', { workspace_id: 'lab' });
  const { session_id } = opened.body;
  await house.drain();
  const later = { ...settings, workspaces: { lab: { members: ['mia', 'gus'] } } } as never;
  house = await startHouse(later, house.dataDir);
  for (const body of [{ session_id }, { session_id, workspace_id: 'lab' }, { workspace_id: 'lab' }]) {
    const reply = await house.person('max-token').chat('hello again', body);
    expect([reply.status, reply.body.code]).toEqual([403, 'not_a_member']);
  }
  expect((await house.person('max-token').chat('hello', {})).status).toBe(200);
  expect((await house.owner.chat('hello', { session_id })).status).toBe(200);
  const [entry] = await entries('message.refused', 'max');
  expect([entry.workspace_id, entry.details.code]).toEqual(['lab', 'not_a_member']);
  await house.drain();
});

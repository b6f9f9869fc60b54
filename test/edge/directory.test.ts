// SPDX-License-Identifier: Apache-2.0
// Users, pairings, tokens, audit and usage over HTTP: what is taken, who may, and tokens that stop.

import { describe, expect, it } from 'vitest';
import { readAlong, until } from './client.ts';
import { grant } from './fake-house.ts';
import { setUp } from './setup.ts';

const CONFIG = {
  users: [{ id: 'zoe', role: 'admin', identities: [{ channel: 'telegram', platform_id: '1' }] }],
  auth: {
    tokens: [
      { token: 'clerk', user_id: 'cleo' },
      { token: 'plain', user_id: 'ann' },
    ],
  },
} as unknown as Record<string, Record<string, unknown>>;

const GRANTS = [
  grant('owner-token', 'owner', ['admin:*']),
  grant('clerk', 'cleo', ['admin:users', 'admin:pairings', 'admin:tokens']),
  grant('plain', 'ann', []),
  grant('narrow', 'ann', ['workspace:homelab']),
];

const setUpDirectory = () => setUp(CONFIG, { tokens: GRANTS });

describe('users', () => {
  it('are made, listed, changed and removed', async () => {
    const { client } = await setUpDirectory();
    const json = { id: 'bo', name: 'Bo', identities: [{ channel: 'irc', platform_id: 'bo/1 %' }] };
    const made = await client.call('POST', '/api/v1/users', { json });
    expect(made.status).toBe(200);
    expect(made.body).toMatchObject({ id: 'bo', role: 'member', session_mode: null, configured: false });
    expect((await client.call('GET', '/api/v1/users')).body.items.map(({ id }: { id: string }) => id)).toEqual([
      'zoe',
      'bo',
    ]);
    const changed = await client.call('PATCH', '/api/v1/users/bo', { json: { role: 'guest' } });
    expect(changed.body).toMatchObject({ name: 'Bo', role: 'guest' });
    const linked = await client.call('POST', '/api/v1/users/bo/identities', {
      json: { channel: 'xmpp', platform_id: 'bo@x', display_name: 'B' },
    });
    expect(linked.body.identities).toHaveLength(2);
    const path = `/api/v1/users/bo/identities/irc/${encodeURIComponent('bo/1 %')}`;
    expect((await client.call('DELETE', path)).body.identities).toEqual([
      { channel: 'xmpp', platform_id: 'bo@x', display_name: 'B' },
    ]);
    expect((await client.call('DELETE', '/api/v1/users/bo')).body).toEqual({ id: 'bo', removed: true });
    expect((await client.call('GET', '/api/v1/users/bo')).status).toBe(404);
  });

  it('of the configuration are read-only, and that is said', async () => {
    const { client } = await setUpDirectory();
    const calls: readonly [string, string, unknown][] = [
      ['POST', '/api/v1/users', { id: 'zoe' }],
      ['PATCH', '/api/v1/users/zoe', { name: 'Z' }],
      ['DELETE', '/api/v1/users/zoe', undefined],
      ['POST', '/api/v1/users/zoe/identities', { channel: 'irc', platform_id: 'z' }],
      ['DELETE', '/api/v1/users/zoe/identities/telegram/1', undefined],
    ];
    for (const [method, path, json] of calls) {
      const reply = await client.call(method, path, json === undefined ? {} : { json });
      expect([method, path, reply.status]).toEqual([method, path, 409]);
      expect(reply.body.detail).toContain('configuration file');
    }
  });

  it('are given what the schema says, and 422 for all else', async () => {
    const { client } = await setUpDirectory();
    const bad = [
      { id: 'Bo' },
      { id: 'a'.repeat(56) },
      { id: 'bo', role: 'king' },
      { id: 'bo', extra: 1 },
      { id: 'bo', name: 'a\u001b[2J' },
      { id: 'bo', identities: [{ channel: '', platform_id: 'x' }] },
    ];
    for (const json of bad) expect((await client.call('POST', '/api/v1/users', { json })).status).toBe(422);
    expect((await client.call('PUT', '/api/v1/users/bo', { json: {} })).headers.allow).toBe('GET, HEAD, PATCH, DELETE');
  });

  it('cannot be used to get more than one has', async () => {
    const { client } = await setUpDirectory();
    const clerk = async (method: string, path: string, json?: unknown): Promise<number> =>
      (await client.call(method, path, { token: 'clerk', ...(json === undefined ? {} : { json }) })).status;
    expect(await clerk('POST', '/api/v1/users', { id: 'bo' })).toBe(200);
    expect(await clerk('POST', '/api/v1/users', { id: 'eve', role: 'admin' })).toBe(403);
    expect(await clerk('PATCH', '/api/v1/users/bo', { role: 'owner' })).toBe(403);
    await client.call('POST', '/api/v1/users', { json: { id: 'boss', role: 'owner' } });
    expect(await clerk('PATCH', '/api/v1/users/boss', { name: 'x' })).toBe(403);
    expect(await clerk('DELETE', '/api/v1/users/boss')).toBe(403);
    // Whoever is known as the boss on a platform is the boss.
    expect(await clerk('POST', '/api/v1/users/boss/identities', { channel: 'irc', platform_id: 'e' })).toBe(403);
    const where = { channel: 'tg', channel_type: 'telegram', channel_id: 'c' };
    expect(await clerk('POST', '/api/v1/pairings', { user_id: 'boss', ...where })).toBe(403);
    expect(await clerk('POST', '/api/v1/tokens', { user_id: 'bo' })).toBe(403);
    expect(await clerk('POST', '/api/v1/tokens', { permissions: ['admin:*'] })).toBe(403);
    expect(await clerk('POST', '/api/v1/tokens', { permissions: ['admin:users'] })).toBe(200);
    for (const path of ['/api/v1/users', '/api/v1/pairings', '/api/v1/audit', '/api/v1/audit/verify'])
      expect((await client.call('GET', path, { token: 'plain' })).status).toBe(403);
  });
});

describe('pairings', () => {
  it('are made, decided and removed', async () => {
    const { client } = await setUpDirectory();
    const json = { channel: 'tg', channel_type: 'telegram', channel_id: 'c1' };
    const made = (await client.call('POST', '/api/v1/pairings', { json })).body;
    expect(made).toMatchObject({ ...json, user_id: '', workspace_id: '', status: 'pending' });
    expect((await client.call('POST', '/api/v1/pairings', { json })).status).toBe(409);
    const path = `/api/v1/pairings/${made.id}`;
    const decided = await client.call('PATCH', path, { json: { status: 'active', user_id: 'zoe' } });
    expect(decided.body).toMatchObject({ status: 'active', user_id: 'zoe' });
    const listed = await client.call('GET', '/api/v1/pairings?status=active&user_id=zoe');
    expect(listed.body.items).toEqual([decided.body]);
    expect((await client.call('DELETE', path)).body).toEqual({ id: made.id, removed: true });
    expect((await client.call('DELETE', path)).status).toBe(404);
  });
});

describe('pairing codes', () => {
  it('are told once, kept as a hash, for a channel there is, and give nobody more than their maker has', async () => {
    const { client, house } = await setUp({ ...CONFIG, channels: { tg: { type: 'telegram' } } } as never, {
      tokens: GRANTS,
    });
    const path = '/api/v1/pairings/codes';
    const made = await client.call('POST', path, { json: { channel: 'tg' } });
    expect([made.status, made.body]).toEqual([
      200,
      expect.objectContaining({ channel: 'tg', workspace_id: '', user_id: '', role: 'member' }),
    ]);
    const { code, id, created_at, expires_at } = made.body;
    expect(code).toMatch(/^[0-9A-HJKMNP-TV-Z]{4}(-[0-9A-HJKMNP-TV-Z]{4}){2}$/);
    expect(Date.parse(expires_at) - Date.parse(created_at)).toBe(600_000);
    expect(JSON.stringify([...house.directory.state.codes.values(), ...house.directory.audit])).not.toContain(code);
    const call = async (json: unknown, token?: string) =>
      (await client.call('POST', path, { json, ...(token === undefined ? {} : { token }) })).status;
    expect(await call({ channel: 'elsewhere' })).toBe(404);
    expect(await call({ channel: 'tg', user_id: 'nobody' })).toBe(404);
    expect(await call({ channel: 'tg', workspace_id: 'nowhere' })).toBe(404);
    expect(await call({ channel: 'tg', extra: 1 })).toBe(422);
    expect(await call({ channel: 'tg' }, 'plain')).toBe(403);
    expect(await call({ channel: 'tg' }, 'clerk')).toBe(200);
    expect(await call({ channel: 'tg', role: 'owner' }, 'clerk')).toBe(403);
    expect(await call({ channel: 'tg', user_id: 'zoe' }, 'clerk')).toBe(403);
    expect((await client.call('DELETE', `${path}/${id}`)).body).toEqual({ id, removed: true });
    expect((await client.call('DELETE', `${path}/${id}`)).status).toBe(404);
  });
});

describe('workspaces', () => {
  const WITH = { ...CONFIG, workspaces: { lab: { description: 'Ours', members: ['ann'] } } } as never;

  it('are made, entered by their members from then on, changed, and closed for good', async () => {
    const { client } = await setUp(WITH, { tokens: GRANTS });
    await client.call('POST', '/api/v1/users', { json: { id: 'ann2' } });
    const bindings = [{ channel: 'tg', channel_id: '-5' }];
    const json = { id: 'den', description: 'Us', members: ['ann'], bindings };
    const made = await client.call('POST', '/api/v1/workspaces', { json });
    expect([made.status, made.body]).toEqual([200, expect.objectContaining({ ...json, configured: false })]);
    const ids = async (token: string) =>
      (await client.call('GET', '/api/v1/workspaces', { token })).body.items.map(({ id }: { id: string }) => id);
    expect(await ids('plain')).toContain('den');
    expect((await client.call('GET', '/api/v1/workspaces/den', { token: 'plain' })).body).toEqual(made.body);
    expect((await client.call('GET', '/api/v1/workspaces/den/sessions', { token: 'plain' })).status).toBe(200);
    const changed = await client.call('PATCH', '/api/v1/workspaces/den', { json: { members: ['ann2'] } });
    expect(changed.body).toMatchObject({ description: 'Us', members: ['ann2'], bindings });
    expect((await client.call('GET', '/api/v1/workspaces/den', { token: 'plain' })).body.code).toBe('not_a_member');
    const taken = { id: 'two', bindings };
    expect((await client.call('POST', '/api/v1/workspaces', { json: taken })).status).toBe(409);
    expect((await client.call('DELETE', '/api/v1/workspaces/den')).body).toEqual({ id: 'den', removed: true });
    expect((await client.call('GET', '/api/v1/workspaces/den')).status).toBe(404);
    expect((await client.call('POST', '/api/v1/workspaces', { json })).body.detail).toContain('kept');
    // What was bound to it is free.
    expect((await client.call('POST', '/api/v1/workspaces', { json: taken })).status).toBe(200);
  });

  it('of the configuration are read-only, and everybody’s own is not made', async () => {
    const { client } = await setUp(WITH, { tokens: GRANTS });
    for (const [method, path, json] of [
      ['POST', '/api/v1/workspaces', { id: 'lab' }],
      ['PATCH', '/api/v1/workspaces/lab', { description: 'x' }],
      ['DELETE', '/api/v1/workspaces/lab', undefined],
    ] as const) {
      const reply = await client.call(method, path, json === undefined ? {} : { json });
      expect([method, reply.status, reply.body.detail]).toEqual([
        method,
        409,
        expect.stringContaining('configuration file'),
      ]);
    }
    const shown = await client.call('GET', '/api/v1/workspaces/lab', { token: 'plain' });
    expect(shown.body).toMatchObject({ description: 'Ours', members: ['ann'], configured: true, created_at: null });
    expect((await client.call('GET', '/api/v1/workspaces/personal:ann', { token: 'plain' })).body.members).toEqual([
      'ann',
    ]);
    expect((await client.call('GET', '/api/v1/workspaces/personal:zoe', { token: 'plain' })).status).toBe(403);
    for (const json of [{ id: 'personal:x' }, { id: 'No' }, { id: 'a', members: ['No'] }, { id: 'a', extra: 1 }])
      expect((await client.call('POST', '/api/v1/workspaces', { json })).status).toBe(422);
    expect((await client.call('POST', '/api/v1/workspaces', { json: { id: 'a' }, token: 'clerk' })).status).toBe(403);
    expect((await client.call('POST', '/api/v1/workspaces', { json: { id: 'a', members: ['nobody'] } })).status).toBe(
      404,
    );
  });
});

describe('tokens', () => {
  it('work from the moment they are made until the moment they are revoked', async () => {
    const { client, house } = await setUpDirectory();
    const json = { name: 'phone', permissions: ['admin:debug'] };
    const { body } = await client.call('POST', '/api/v1/tokens', { json });
    expect(body).toMatchObject({ user_id: 'owner', name: 'phone', permissions: ['admin:debug'], last_used_at: null });
    const { id, token } = body;
    expect((await client.call('GET', '/api/v1/status', { token })).status).toBe(200);
    expect((await client.call('GET', '/debug/bus', { token })).status).toBe(200);
    expect((await client.call('GET', '/api/v1/users', { token })).status).toBe(403);
    // Right but for one letter, and right but for the id.
    for (const wrong of [`${token.slice(0, -1)}${token.endsWith('A') ? 'B' : 'A'}`, token.replace(/_0/, '_1')])
      expect((await client.call('GET', '/api/v1/status', { token: wrong })).status).toBe(401);
    const listed = (await client.call('GET', '/api/v1/tokens')).body.items;
    expect(listed.at(-1)).toMatchObject({ id, last_used_at: '2026-01-02T00:00:00.000Z' });
    expect(JSON.stringify(listed)).not.toContain(token.slice(-43));
    expect(JSON.stringify([house.logged, house.directory.audit])).not.toContain(token.slice(-43));
    expect((await client.call('DELETE', `/api/v1/tokens/${id}`)).body).toEqual({ id, removed: true });
    expect((await client.call('GET', '/api/v1/status', { token })).status).toBe(401);
    expect((await client.call('DELETE', `/api/v1/tokens/${id}`)).status).toBe(404);
    expect((await client.call('DELETE', '/api/v1/tokens/config-0')).status).toBe(409);
  });

  it('that are revoked end the streams they opened, and those of others go on', async () => {
    const { client, house } = await setUpDirectory();
    const make = async () => (await client.call('POST', '/api/v1/tokens', { json: {} })).body;
    const [mine, other] = [await make(), await make()];
    house.script = () => undefined;
    const [turn, trace] = [house.open('owner'), '/debug/actors/stream'];
    const open = async (path: string, token: string) => {
      const response = await client.open('GET', path, { token });
      return { response, text: readAlong(response) };
    };
    const paths = [`/api/v1/turns/${turn.row.id}/stream`, `/api/v1/sessions/${turn.row.session_id}/stream`, trace];
    const [ended, kept] = [
      await Promise.all(paths.map((path) => open(path, mine.token))),
      await Promise.all(paths.map((path) => open(path, other.token))),
    ];
    await client.call('DELETE', `/api/v1/tokens/${mine.id}`);
    await until(() => ended.every(({ response }) => response.complete));
    for (const { text } of ended) expect(text()).toMatch(/event: error\ndata: \{"code":"unauthenticated"/);
    for (const { response } of kept) expect([response.statusCode, response.complete]).toEqual([200, false]);
    // The turn itself is nobody's token: it goes on, and the other hears its end.
    house.play(turn, 'done');
    await until(() => kept[0]?.response.complete === true);
    expect(kept[0]?.text()).toContain('event: done');
    for (const { response } of kept) response.destroy();
  });

  it('that are revoked while an answer is on its way do not get it', async () => {
    const { client, house } = await setUpDirectory();
    const { id, token } = (await client.call('POST', '/api/v1/tokens', { json: {} })).body;
    house.script = () => undefined;
    const waiting = client.call('POST', '/api/v1/chat', { token, json: { content: 'hi', message_id: 'm' } });
    await until(() => house.turns.size === 1);
    await client.call('DELETE', `/api/v1/tokens/${id}`);
    const [turn] = [...house.turns.values()];
    if (turn === undefined) throw new Error('no turn');
    house.play(turn, 'a secret');
    const reply = await waiting;
    expect(reply.status).toBe(401);
    expect(reply.text).not.toContain('a secret');
  });

  it('go with their user, and follow their user’s role', async () => {
    const { client } = await setUpDirectory();
    await client.call('POST', '/api/v1/users', { json: { id: 'bo', role: 'admin' } });
    const { token } = (await client.call('POST', '/api/v1/tokens', { json: { user_id: 'bo' } })).body;
    const status = async () => (await client.call('GET', '/api/v1/audit', { token })).status;
    expect(await status()).toBe(200);
    await client.call('PATCH', '/api/v1/users/bo', { json: { role: 'member' } });
    expect(await status()).toBe(403);
    await client.call('DELETE', '/api/v1/users/bo');
    expect(await status()).toBe(401);
  });

  it('are everybody’s own: others are neither seen nor revoked, and no more is given than one has', async () => {
    const { client } = await setUpDirectory();
    const plain = { token: 'plain' };
    const { body } = await client.call('POST', '/api/v1/tokens', { ...plain, json: { name: 'mine' } });
    const owners = (await client.call('POST', '/api/v1/tokens', { json: { name: 'owners' } })).body;
    const { items } = (await client.call('GET', '/api/v1/tokens', plain)).body;
    expect(items.map(({ id }: { id: string }) => id)).toEqual(['config-1', body.id]);
    expect((await client.call('GET', '/api/v1/tokens?user_id=owner', plain)).status).toBe(403);
    expect((await client.call('DELETE', `/api/v1/tokens/${owners.id}`, plain)).status).toBe(404);
    expect((await client.call('DELETE', `/api/v1/tokens/${body.id}`, plain)).status).toBe(200);
    const make = async (token: string, permissions: readonly string[] | null) =>
      (await client.call('POST', '/api/v1/tokens', { token, json: { permissions } })).status;
    expect(await make('plain', ['admin:debug'])).toBe(403);
    expect(await make('plain', ['workspace:homelab'])).toBe(200);
    expect(await make('narrow', null)).toBe(403);
    expect(await make('narrow', ['workspace:other'])).toBe(403);
    expect(await make('narrow', ['workspace:homelab'])).toBe(200);
  });

  it('are not called unknown before it can be known', async () => {
    const { client, house } = await setUpDirectory();
    const { token } = (await client.call('POST', '/api/v1/tokens', { json: {} })).body;
    house.directory.ready = false;
    const reply = await client.call('GET', '/api/v1/status', { token });
    expect([reply.status, reply.headers['retry-after']]).toEqual([503, '1']);
    expect((await client.call('GET', '/api/v1/status')).status).toBe(200);
  });
});

describe('the audit', () => {
  it('notes the first wrong token at once and the others together', async () => {
    const { client, house, edge } = await setUpDirectory();
    for (let times = 0; times < 5; times += 1) await client.call('GET', '/api/v1/status', { token: `wrong-${times}` });
    await client.call('GET', '/api/v1/status', { token: null });
    const refused = () => house.directory.audit.filter(({ action }) => action === 'auth.refused');
    expect(refused()).toHaveLength(1);
    expect(refused()[0]).toMatchObject({ actor: 'anonymous', result: 'refused' });
    client.close();
    await edge.close();
    expect(refused().map(({ details }) => JSON.parse(details))).toEqual([
      { refused: 1, addresses: { '127.0.0.1': 1 } },
      { refused: 4, addresses: { '127.0.0.1': 4 } },
    ]);
    expect(JSON.stringify(house.directory.audit)).not.toContain('wrong-');
  });

  it('is listed and checked; times must be times', async () => {
    const { client } = await setUpDirectory();
    await client.call('POST', '/api/v1/users', { json: { id: 'bo' } });
    const [entry] = (await client.call('GET', '/api/v1/audit?actor=owner')).body.items;
    expect(entry).toMatchObject({
      id: 1,
      action: 'user.created',
      actor: 'owner',
      details: { id: 'bo', via: 'owner-token' },
    });
    const check = (await client.call('GET', '/api/v1/audit/verify')).body;
    expect(check).toEqual({ checked: 1, broken: null, head: { n: 1, hash: entry.hash } });
    const against = async (kept: string) => (await client.call('GET', `/api/v1/audit/verify?kept=${kept}`)).body;
    expect(await against(`1:${entry.hash}`)).toEqual(check);
    expect((await against(`1:${'0'.repeat(64)}`)).broken).toMatchObject({ n: 1, problem: 'changed' });
    expect((await against(`2:${entry.hash}`)).broken).toMatchObject({ n: 2, problem: 'removed' });
    expect((await against('x')).status).toBe(422);
    for (const query of ['from=yesterday', 'to=1', 'limit=0']) {
      expect((await client.call('GET', `/api/v1/audit?${query}`)).status).toBe(422);
    }
  });
});

describe('usage', () => {
  it('is one’s own for everybody, and everybody’s for who may', async () => {
    const { client, house } = await setUpDirectory();
    for (const by of ['total', 'provider', 'model', 'workspace', 'user', 'session']) {
      expect((await client.call('GET', `/api/v1/usage?by=${by}&per=day`)).status).toBe(200);
      const own = by !== 'workspace' && by !== 'session';
      expect((await client.call('GET', `/api/v1/usage?by=${by}`, { token: 'plain' })).status).toBe(own ? 200 : 403);
    }
    expect(house.directory.usage_asked).toHaveLength(10);
    expect(house.directory.usage_asked.at(-1)).toMatchObject({ by: 'session', user_id: undefined });
    expect(house.directory.usage_asked.filter(({ user_id }) => user_id === 'ann')).toHaveLength(4);
    // A workspace is everybody's in it, but for one's own.
    for (const [workspace, status] of [
      ['personal:ann', 200],
      ['personal:bo', 403],
      ['homelab', 403],
    ] as const)
      expect((await client.call('GET', `/api/v1/usage?workspace=${workspace}`, { token: 'plain' })).status).toBe(
        status,
      );
    expect(house.directory.usage_asked.at(-1)).toMatchObject({ workspace_id: 'personal:ann', user_id: undefined });
    const both = await client.call('GET', '/api/v1/usage?workspace=homelab&by=user');
    expect([both.status, both.body.detail]).toEqual([422, expect.stringContaining('is not kept')]);
    expect((await client.call('GET', '/api/v1/usage?by=colour')).status).toBe(422);
  });
});

// SPDX-License-Identifier: Apache-2.0
// Browsers that are signed in: links that are good once, cookies that end with their token, and pages that may not use them.

import { describe, expect, it } from 'vitest';
import { sessionCookies } from '../../src/edge/cookie.ts';
import { type Client, type Reply, readAlong, until } from './client.ts';
import { movable } from './movable-world.ts';
import { type Setup, setUp } from './setup.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

function cookieOf(reply: Reply): string {
  return /^sigil_session=[^;]+/.exec(reply.headers['set-cookie']?.[0] ?? '')?.[0] ?? '';
}

async function link(client: Client, token = 'owner-token'): Promise<string> {
  const reply = await client.call('POST', '/api/v1/auth/links', { token });
  expect(reply.status).toBe(201);
  return new URL(reply.body.url).hash.replace('#code=', '');
}

const signIn = (client: Client, body: object, headers: Record<string, string> = {}): Promise<Reply> =>
  client.call('POST', '/auth/session', { token: null, json: body, headers });

/** A cookie for a token that was made here. */
async function signedIn({ client }: Setup): Promise<{ cookie: string; id: string }> {
  const made = await client.call('POST', '/api/v1/tokens', { json: { name: 'browser' } });
  const cookie = cookieOf(await signIn(client, { token: made.body.token }));
  expect(cookie).not.toBe('');
  return { cookie, id: made.body.id };
}

const get = (client: Client, Cookie: string, path = '/auth/session', more: Record<string, string> = {}) =>
  client.call('GET', path, { token: null, headers: { Cookie, ...more } });

describe('signing in', () => {
  it('by a link: once, with a cookie no script reads, as the caller who asked for it', async () => {
    const { client, url } = await setUp();
    const code = await link(client);
    const reply = await signIn(client, { code });
    expect([reply.status, reply.text]).toEqual([204, '']);
    const [set = ''] = reply.headers['set-cookie'] ?? [];
    expect(set).toMatch(/^sigil_session=[\w-]{55}; HttpOnly; SameSite=Strict; Path=\/; Max-Age=604\d{3}$/);
    const me = await get(client, cookieOf(reply));
    expect(me.status).toBe(200);
    expect(me.body).toMatchObject({ user_id: 'owner', permissions: ['admin:*'] });
    expect((await get(client, cookieOf(reply), '/debug/bus')).status).toBe(200);
    const again = await signIn(client, { code });
    expect([again.status, again.headers['set-cookie']]).toEqual([401, undefined]);
    expect((await client.call('POST', '/api/v1/auth/links', { headers: { Host: 'LOCALHOST:1' } })).body.url).toMatch(
      /^http:\/\/localhost:1\/debug#code=[\w-]{55}$/,
    );
    expect((await client.call('POST', '/api/v1/auth/links')).body.url.startsWith(`${url}/debug#code=`)).toBe(true);
  });

  it('by a code for a minute only, and a code that was guessed at is used up', async () => {
    const world = movable();
    const { client } = await setUp({}, { world });
    const late = await link(client);
    const guessed = await link(client);
    const soon = await link(client);
    world.ahead = MINUTE - 5_000;
    expect((await signIn(client, { code: soon })).status).toBe(204);
    expect((await signIn(client, { code: `${guessed.slice(0, -3)}AAA` })).status).toBe(401);
    expect((await signIn(client, { code: guessed })).status).toBe(401);
    world.ahead = MINUTE + 1;
    expect((await signIn(client, { code: late })).status).toBe(401);
  });

  it('keeps ten codes of a user, and refuses what is no code as any other', async () => {
    const { client } = await setUp();
    const codes: string[] = [];
    for (let n = 0; n < 11; n += 1) codes.push(await link(client));
    expect((await signIn(client, { code: codes[0] })).status).toBe(401);
    expect((await signIn(client, { code: codes[1] })).status).toBe(204);
    for (const code of ['', '__proto__', 'x'.repeat(8_193), 'x'.repeat(55)])
      expect([401, 422]).toContain((await signIn(client, { code })).status);
    for (const body of [{}, { code: 'a', token: 'b' }, { code: 1 }, { token: 'owner-token', more: 1 }])
      expect((await signIn(client, body)).status).toBe(422);
  });

  it('limits tries of one address', async () => {
    const { client } = await setUp();
    const replies: Reply[] = [];
    for (let n = 0; n < 32; n += 1) replies.push(await signIn(client, { code: 'x'.repeat(55) }));
    expect(replies.slice(0, 30).every(({ status }) => status === 401)).toBe(true);
    expect([replies[31]?.status, Number(replies[31]?.headers['retry-after'])]).toEqual([429, 2]);
  });

  it('says Secure where a trusted proxy speaks TLS, and believes no other', async () => {
    const headers = { 'X-Forwarded-Proto': 'https' };
    const trusting = await setUp({ networking: { trusted_proxies: ['127.0.0.0/8'] } });
    const secure = await signIn(trusting.client, { token: 'owner-token' }, headers);
    expect(secure.headers['set-cookie']?.[0]).toMatch(/; Secure$/);
    const links = await trusting.client.call('POST', '/api/v1/auth/links', { headers });
    expect(links.body.url).toMatch(/^https:/);
    const plain = await setUp();
    expect((await signIn(plain.client, { token: 'owner-token' }, headers)).headers['set-cookie']?.[0]).not.toMatch(
      /Secure/,
    );
  });

  it('needs no cookie where nobody needs a token', async () => {
    const { client } = await setUp({ auth: { mode: 'none' } });
    const me = await client.call('GET', '/auth/session', { token: null });
    expect([me.status, me.body.user_id, me.body.expires_at]).toEqual([200, 'owner', null]);
    expect((await signIn(client, { code: await link(client) })).status).toBe(204);
  });
});

describe('a cookie', () => {
  it('changes nothing for a page that does not say it is ours', async () => {
    const setup = await setUp({ networking: { cors_origins: ['https://chat.example.org'] } });
    const { client, url } = setup;
    const { cookie } = await signedIn(setup);
    const chat = (Origin?: string) =>
      client.call('POST', '/api/v1/chat', {
        ...{ token: null, json: { content: 'hi' } },
        headers: { Cookie: cookie, ...(Origin === undefined ? {} : { Origin }) },
      });
    for (const [origin, status] of [
      [undefined, 403],
      ['null', 403],
      ['https://evil.example', 403],
      ['http://127.0.0.1:1', 403],
      [url, 200],
      ['https://chat.example.org', 200],
    ] as const)
      expect([origin, (await chat(origin)).status]).toEqual([origin, status]);
    // Whoever has the token itself is no page that was tricked.
    expect(
      (await client.call('POST', '/api/v1/chat', { json: { content: 'hi' }, headers: { Cookie: cookie } })).status,
    ).toBe(200);
  });

  it('reads nothing for pages of another port or site', async () => {
    const setup = await setUp();
    const { cookie } = await signedIn(setup);
    for (const [site, status] of [
      ['cross-site', 403],
      ['same-site', 403],
      ['same-origin', 200],
      ['none', 200],
    ] as const)
      expect([site, (await get(setup.client, cookie, '/auth/session', { 'Sec-Fetch-Site': site })).status]).toEqual([
        site,
        status,
      ]);
  });

  it('ends when it is signed out, idle for twelve hours, or a week old', async () => {
    const world = movable();
    const setup = await setUp({}, { world });
    const { client, url } = setup;
    const { cookie: out } = await signedIn(setup);
    const response = await client.open('GET', '/debug/actors/stream', { token: null, headers: { Cookie: out } });
    const read = readAlong(response);
    const gone = await client.call('DELETE', '/auth/session', { token: null, headers: { Cookie: out, Origin: url } });
    expect([gone.status, gone.headers['set-cookie']?.[0]]).toEqual([
      204,
      expect.stringContaining('sigil_session=; HttpOnly'),
    ]);
    expect((await get(client, out)).status).toBe(401);
    await until(() => read().includes('"unauthenticated"'));

    const { cookie: idle } = await signedIn(setup);
    const { cookie: busy } = await signedIn(setup);
    for (let hours = 11; hours < 7 * 24; hours += 11) {
      world.ahead = hours * HOUR;
      expect((await get(client, busy)).status).toBe(200);
    }
    expect((await get(client, idle)).status).toBe(401);
    world.ahead = 7 * 24 * HOUR;
    expect((await get(client, busy)).status).toBe(401);
  });

  it('ends with its token, and with what that opens, in open streams too', async () => {
    const setup = await setUp();
    const { client } = setup;
    const { cookie, id } = await signedIn(setup);
    const read = readAlong(
      await client.open('GET', '/debug/actors/stream', { token: null, headers: { Cookie: cookie } }),
    );
    await client.call('DELETE', `/api/v1/tokens/${id}`);
    expect((await get(client, cookie)).status).toBe(401);
    await until(() => read().includes('"unauthenticated"'));
    // Of somebody who is removed.
    await client.call('POST', '/api/v1/users', { json: { id: 'bo' } });
    const bos = await client.call('POST', '/api/v1/tokens', { json: { user_id: 'bo', permissions: [] } });
    const his = cookieOf(await signIn(client, { code: await link(client, bos.body.token) }));
    expect((await get(client, his)).body).toMatchObject({ user_id: 'bo', permissions: [] });
    expect((await get(client, his, '/debug/bus')).status).toBe(403);
    await client.call('DELETE', '/api/v1/users/bo');
    expect((await get(client, his)).status).toBe(401);
  });

  it('is one of twenty of its user: the one used least lately goes', async () => {
    const { client } = await setUp();
    const cookies: string[] = [];
    for (let n = 0; n < 20; n += 1) cookies.push(cookieOf(await signIn(client, { token: 'owner-token' })));
    expect((await get(client, cookies[0] ?? '')).status).toBe(200);
    await signIn(client, { token: 'owner-token' });
    expect((await get(client, cookies[0] ?? '')).status).toBe(200);
    expect((await get(client, cookies[1] ?? '')).status).toBe(401);
  });

  it('is found among others, and is nothing that is not written like one', async () => {
    const setup = await setUp();
    const { cookie } = await signedIn(setup);
    expect((await get(setup.client, `a=b; sigil_session=${'x'.repeat(55)}; ${cookie}; c`)).status).toBe(200);
    expect((await get(setup.client, `x${cookie}`)).status).toBe(401);
    expect((await get(setup.client, cookie.replace('=', '="'))).status).toBe(401);
    expect(sessionCookies(`${'sigil_session=aaaaaaaaaa;'.repeat(1_000)}`)).toHaveLength(4);
    // Where a token is shown as well, it is the token that counts.
    const wrong = await setup.client.call('GET', '/auth/session', { token: 'wrong', headers: { Cookie: cookie } });
    expect(wrong.status).toBe(401);
  });
});

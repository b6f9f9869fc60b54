// SPDX-License-Identifier: Apache-2.0
// The guard: every combination of host, origin, token and method, and the permissions behind it.

import { connect } from 'node:net';
import { describe, expect, it } from 'vitest';
import { clientAddresses } from '../../src/edge/client-address.ts';
import { permits } from '../../src/security/permission.ts';
import { grant } from './fake-house.ts';
import { setUp } from './setup.ts';

const HOSTS: readonly (readonly [string, boolean])[] = [
  ['127.0.0.1', true],
  ['127.0.0.1:9', true],
  ['LOCALHOST:18789', true],
  ['[::1]:80', true],
  ['sigil.example', true],
  ['a.lan:8080', true],
  ['lan', false],
  ['evil.example', false],
  ['127.0.0.1.evil.example', false],
  ['localhost.evil.example', false],
  ['evil.localhost', false],
  ['192.168.1.4', false],
  ['0.0.0.0', false],
  ['user@localhost', false],
];
const ORIGINS: readonly (readonly [string | undefined, 'none' | 'own' | 'listed' | 'foreign'])[] = [
  [undefined, 'none'],
  ['own', 'own'],
  ['https://chat.example.org', 'listed'],
  ['https://evil.example', 'foreign'],
  ['null', 'foreign'],
];

describe('the guard', () => {
  it('judges every combination of host, origin, token and method', async () => {
    const networking = { allowed_hosts: ['sigil.example', '*.lan'], cors_origins: ['https://chat.example.org'] };
    const { client } = await setUp({ networking });
    for (const [host, hostOk] of HOSTS) {
      for (const [origin, kind] of ORIGINS) {
        for (const token of ['owner-token', 'wrong', null]) {
          for (const method of ['GET', 'POST']) {
            const headers: Record<string, string> = { Host: host };
            if (origin !== undefined) headers['Origin'] = origin === 'own' ? `http://${host.toLowerCase()}` : origin;
            const reply = await client.call(method, '/nowhere', { token, headers });
            const expected = !hostOk
              ? 421
              : method === 'POST' && kind === 'foreign'
                ? 403
                : token === 'owner-token'
                  ? 404
                  : 401;
            expect([host, origin, token, method, reply.status]).toEqual([host, origin, token, method, expected]);
            expect(reply.headers['x-request-id']).toBeTruthy();
            expect(reply.headers['content-type']).toBe('application/problem+json');
            expect(reply.body.status).toBe(reply.status);
          }
        }
      }
    }
  });

  it('refuses two hosts, none, and another one in the request line', async () => {
    const { client } = await setUp();
    const end = 'Connection: close\r\n\r\n';
    expect(await client.bytes(`GET /health HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\n${end}`)).toMatch(
      /^HTTP\/1.1 421 /,
    );
    expect(await client.bytes(`GET /health HTTP/1.1\r\n${end}`)).toMatch(/^HTTP\/1.1 421 /);
    expect(await client.bytes(`GET /health HTTP/1.1\r\nHost: \r\n${end}`)).toMatch(/^HTTP\/1.1 421 /);
    const absolute = `GET http://localhost/health HTTP/1.1\r\nHost: localhost\r\n${end}`;
    expect(await client.bytes(absolute)).toMatch(/^HTTP\/1.1 200 /);
    const two = `GET http://sigil.example/health HTTP/1.1\r\nHost: localhost\r\n${end}`;
    expect(await client.bytes(two)).toMatch(/^HTTP\/1.1 421 /);
  });

  it('takes the address a connection came in by when it listens on all of them', async () => {
    const { edge, client } = await setUp();
    const { port } = await edge.listenTcp('0.0.0.0', 0);
    const reply = await client.call('GET', '/health', {
      port,
      host: '127.0.0.1',
      headers: { Host: `127.0.0.1:${port}` },
    });
    expect(reply.status).toBe(200);
    expect((await client.call('GET', '/health', { port, headers: { Host: '10.1.2.3' } })).status).toBe(421);
  });

  it('leaves only health and readiness open', async () => {
    const { client, house } = await setUp();
    expect((await client.call('GET', '/health', { token: null })).body).toEqual({ status: 'ok' });
    expect((await client.call('GET', '/ready', { token: null })).status).toBe(200);
    house.state = 'draining';
    const draining = await client.call('GET', '/ready', { token: null });
    expect([draining.status, draining.body.code]).toEqual([503, 'draining']);
    for (const path of ['/openapi.json', '/api/v1/status', '/health/', '/health/..', '/readyz', '/%68ealth', '/']) {
      const reply = await client.call('GET', path, { token: null });
      expect([path, reply.status]).toEqual([path, 401]);
      expect(reply.headers['www-authenticate']).toBe('Bearer');
    }
  });

  it('repeats a sane request id and replaces any other', async () => {
    const { client } = await setUp();
    const idFor = async (id: string) =>
      (await client.call('GET', '/health', { headers: { 'X-Request-Id': id } })).headers['x-request-id'];
    expect(await idFor('req-1.a:b')).toBe('req-1.a:b');
    for (const bad of ['a b', '<script>', 'x'.repeat(129), '']) expect(await idFor(bad)).toMatch(/^[0-9a-f-]{36}$/);
  });

  it('answers for everybody as the owner with auth.mode none', async () => {
    const { client, house } = await setUp({ auth: { mode: 'none' } });
    const reply = await client.call('POST', '/api/v1/chat', { token: null, json: { content: 'hi' } });
    expect(reply.status).toBe(200);
    expect(house.received[0]?.sender).toEqual({ user_id: 'owner', permissions: ['admin:*'] });
  });

  it('wants admin:debug for debug pages and admin:* to reveal', async () => {
    const tokens = [
      grant('a', 'alice', ['workspace:homelab']),
      grant('d', 'dora', ['admin:debug']),
      grant('o', 'olga', ['admin:*']),
    ];
    const { client, house } = await setUp({}, { tokens });
    const children = { addresses: [], count: 0 };
    house.doors.set('thread/main thread.actor', () => ({ actor: { address: 'gateway/root' }, children }));
    for (const [token, plain, revealed] of [
      ['a', 403, 403],
      ['d', 200, 403],
      ['o', 200, 200],
    ] as const) {
      expect((await client.call('GET', '/debug/actors/gateway/root', { token })).status).toBe(plain);
      expect((await client.call('GET', '/debug/actors/gateway/root?reveal=true', { token })).status).toBe(revealed);
    }
  });

  it('tells browsers of listed origins what they may do', async () => {
    const { client } = await setUp({ networking: { cors_origins: ['https://chat.example.org'] } });
    const headers = { Origin: 'https://chat.example.org', 'Access-Control-Request-Method': 'POST' };
    const asked = await client.call('OPTIONS', '/api/v1/chat', { token: null, headers });
    expect([asked.status, asked.headers['access-control-allow-origin']]).toEqual([204, 'https://chat.example.org']);
    const foreign = await client.call('OPTIONS', '/api/v1/chat', {
      token: null,
      headers: { ...headers, Origin: 'https://evil.example' },
    });
    expect([foreign.status, foreign.headers['access-control-allow-origin']]).toEqual([401, undefined]);
  });

  it('asks for a token on the unix socket too', async () => {
    const { edge } = await setUp();
    const path = `/tmp/sigil-edge-${process.pid}.sock`;
    await edge.listenSocket(path);
    const ask = (auth: string) =>
      new Promise<string>((resolve) => {
        const socket = connect(path);
        let text = '';
        socket.on('data', (chunk) => {
          text += chunk;
        });
        socket.on('close', () => resolve(text));
        socket.write(`GET /nowhere HTTP/1.1\r\nHost: localhost\r\n${auth}Connection: close\r\n\r\n`);
      });
    expect(await ask('')).toMatch(/^HTTP\/1.1 401 /);
    expect(await ask('Authorization: bearer owner-token\r\n')).toMatch(/^HTTP\/1.1 404 /);
  });
});

describe('permissions', () => {
  it.each([
    [['admin:*'], 'admin:debug', true],
    [['admin:*'], 'admin:*', true],
    [['admin:debug'], 'admin:*', false],
    [['admin:*'], 'admin', false],
    [['*'], 'workspace:personal:al', true],
    [['workspace:*'], 'workspace:personal:al', true],
    [['workspace:personal:al'], 'workspace:personal:al', true],
    [['workspace:personal'], 'workspace:personal:al', false],
    [['workspace:*:al'], 'workspace:personal:al', true],
    [['workspace:home'], 'workspace:homelab', false],
    [['', ':', 'admin:'], 'admin:', false],
    [[], 'admin:debug', false],
  ])('%j permits %s: %s', (granted, needed, expected) => {
    expect(permits(granted, needed)).toBe(expected);
  });
});

describe('the client address', () => {
  const from = (remoteAddress: string | undefined, forwarded?: string) =>
    clientAddresses(['10.0.0.0/8', 'fd00::/8'])({
      socket: { remoteAddress },
      headers: { 'x-forwarded-for': forwarded },
    } as never);

  it.each([
    ['1.2.3.4', undefined, '1.2.3.4'],
    ['1.2.3.4', '9.9.9.9', '1.2.3.4'],
    ['::ffff:10.0.0.1', '9.9.9.9', '9.9.9.9'],
    ['10.0.0.1', '6.6.6.6, 9.9.9.9, 10.1.1.1', '9.9.9.9'],
    ['10.0.0.1', '6.6.6.6, nonsense, 10.1.1.1', '10.1.1.1'],
    ['fd00::1', '[2001:db8::1]:443', '2001:db8::1'],
    [undefined, '9.9.9.9', 'local'],
  ])('peer %s with X-Forwarded-For %s is %s', (peer, forwarded, expected) => {
    expect(from(peer, forwarded)).toBe(expected);
  });
});

// SPDX-License-Identifier: Apache-2.0
// `/webhooks/{channel}`: what reaches a channel and what does not, and how little a stranger is told.

import { connect } from 'node:net';
import { describe, expect, it } from 'vitest';
import type { WebhookRequest, WebhookResponse } from '../../src/channels/adapter.ts';
import { realWorld } from '../../src/composition/real-world.ts';
import type { EdgePorts } from '../../src/edge/ports.ts';
import { failure, SigilError } from '../../src/errors.ts';
import { until } from './client.ts';
import { setUp as edge } from './setup.ts';

/** An edge with one channel that may be called, `hooks`, and what stands in for its actor. */
async function setUp(answer: (request: WebhookRequest) => unknown = () => ok('taken'), more: Partial<EdgePorts> = {}) {
  const asked: WebhookRequest[] = [];
  const made = await edge({}, { takesWebhooks: (name) => name === 'hooks', ...more });
  made.house.doors.set('channel/hooks', ((request: WebhookRequest) => {
    asked.push(request);
    return answer(request);
  }) as never);
  const post = (raw: string | Buffer, more: object = {}) =>
    made.client.call('POST', '/webhooks/hooks', { token: null, raw, ...more });
  return { ...made, asked, post };
}

function ok(body: string, more: Partial<WebhookResponse> = {}): WebhookResponse {
  return { status: 200, headers: {}, body, ...more };
}

describe('a request of a platform', () => {
  it('comes without a token, under any host and from any page, and its bytes as they are', async () => {
    const { asked, client } = await setUp();
    const raw = Buffer.from([0x7b, 0x22, 0xff, 0x00, 0xfe, 0x0d, 0x0a, 0x22, 0x7d]);
    const reply = await client.call('POST', '/webhooks/hooks?a=1&b=%20?', {
      token: null,
      raw,
      headers: {
        Host: 'hooks.example.com',
        Origin: 'https://elsewhere.example',
        'X-Signed': 'sha256=ab',
        'X-More': ['a', 'b'],
      },
    });
    expect([reply.status, reply.text]).toEqual([200, 'taken']);
    expect(reply.headers).toMatchObject({
      'content-type': 'text/plain; charset=utf-8',
      'x-content-type-options': 'nosniff',
    });
    expect(asked[0]).toMatchObject({
      method: 'POST',
      path: '/webhooks/hooks',
      query: 'a=1&b=%20?',
      headers: { 'x-signed': 'sha256=ab', 'x-more': 'a, b' },
    });
    expect(Buffer.from(asked[0]?.body ?? []).equals(raw)).toBe(true);
    // Cloned, the whole buffer under it would go along.
    expect(asked[0]?.body.buffer.byteLength).toBe(raw.length);
  });

  it('may be a question, and is answered as the channel says, of whose headers few go out', async () => {
    const { client } = await setUp(() =>
      ok('{"challenge":1}', { status: 201, headers: { 'Content-Type': 'application/json', 'Set-Cookie': 'a=b' } }),
    );
    const reply = await client.call('GET', '/webhooks/hooks?hub.challenge=1', { token: null });
    expect([reply.status, reply.body]).toEqual([201, { challenge: 1 }]);
    expect(reply.headers['set-cookie']).toBeUndefined();
  });

  it('is refused with what the channel refuses it with: a wrong signature, a replay', async () => {
    const { post } = await setUp(() => ok('', { status: 401 }));
    expect((await post('{}')).status).toBe(401);
  });
});

describe('what a stranger is told', () => {
  it('is the same of every channel that takes nothing, there or not', async () => {
    const { client, house, asked } = await setUp();
    house.doors.set('channel/polls', (() => ok('never')) as never);
    const bodies: string[] = [];
    for (const path of [
      '/webhooks/http',
      '/webhooks/polls',
      '/webhooks/nowhere',
      '/webhooks/..',
      '/webhooks/',
      '/webhooks/hooks/more',
      '/webhooks/%00',
      '/webhooks/__proto__',
    ])
      for (const method of ['GET', 'POST']) {
        const { status, body } = await client.call(method, path, { token: null });
        expect([path, status]).toEqual([path, 404]);
        bodies.push(JSON.stringify(body));
      }
    expect(new Set(bodies).size).toBe(1);
    expect(asked).toEqual([]);
  });

  it('is nothing of what went wrong inside', async () => {
    const said = 'the token 123:abc at 10.0.0.7';
    for (const [code, status] of [
      ['internal', 500],
      ['channel_auth', 500],
      ['channel_refused', 404],
      ['storage_failed', 503],
    ] as const) {
      const { post } = await setUp(() => {
        throw new SigilError(failure(code, said, { said }));
      });
      const { status: got, text } = await post('{}');
      expect([code, got]).toEqual([code, status]);
      expect(text).not.toContain('123:abc');
    }
  });

  it('is nothing at all where an answer is none', async () => {
    for (const answer of [ok('', { status: 99 }), ok('x'.repeat(70_000))]) {
      const { post } = await setUp(() => answer);
      const { status, body } = await post('{}');
      expect([status, body.code]).toEqual([500, 'internal']);
    }
  });
});

describe('what is refused before a channel is asked', () => {
  it('any other method, wherever it goes', async () => {
    const { client, asked } = await setUp();
    for (const path of ['/webhooks/hooks', '/webhooks/nowhere'])
      for (const method of ['PUT', 'DELETE', 'PATCH', 'OPTIONS', 'HEAD']) {
        const { status, headers } = await client.call(method, path, {
          token: null,
          headers: { Origin: 'https://a.example' },
        });
        expect([method, status, headers['allow']]).toEqual([method, 405, 'GET, POST']);
      }
    expect(asked).toEqual([]);
  });

  it('a body that is too large, said or not', async () => {
    const { post, asked, client } = await setUp();
    expect((await post(Buffer.alloc(1024 * 1024 + 1))).status).toBe(413);
    const chunk = `${(65_536).toString(16)}\r\n${'x'.repeat(65_536)}\r\n`;
    const head = 'POST /webhooks/hooks HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n';
    expect(await client.bytes(`${head}${chunk.repeat(17)}0\r\n\r\n`)).toMatch(/^HTTP\/1.1 413 /);
    expect((await post(Buffer.alloc(1024 * 1024))).status).toBe(200);
    expect(asked).toHaveLength(1);
  });

  it('more bodies of one address on their way than it may have, and nothing of others', async () => {
    const { client, post, asked } = await setUp();
    const head = 'POST /webhooks/hooks HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nslow';
    const slow = Array.from({ length: 32 }, () => connect(client.port, '127.0.0.1'));
    for (const socket of slow) socket.on('error', () => undefined).write(head);
    await until(async () => (await post('{}')).status === 429);
    // The API is another door.
    expect((await client.call('GET', '/health')).status).toBe(200);
    for (const socket of slow) socket.destroy();
    await until(async () => (await post('{}')).status === 200);
    expect(asked.every(({ body }) => Buffer.from(body).toString() === '{}')).toBe(true);
  });

  it('a body that does not come: its connection ends', async () => {
    const waits: number[] = [];
    const after = (ms: number, run: () => void) => {
      waits.push(ms);
      return realWorld.after(ms === 10_000 ? 20 : ms, run);
    };
    const { client, asked } = await setUp(undefined, { world: { ...realWorld, after } });
    const head = 'POST /webhooks/hooks HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nslow';
    expect(await client.bytes(head)).toBe('');
    expect(waits).toContain(10_000);
    expect(asked).toEqual([]);
  });

  it('a flood of one address', async () => {
    const { post } = await setUp();
    const replies = await Promise.all(Array.from({ length: 260 }, () => post('{}')));
    const refused = replies.filter(({ status }) => status === 429);
    expect(refused.length).toBeGreaterThan(0);
    expect(Number(refused[0]?.headers['retry-after'])).toBeGreaterThan(0);
    expect(replies.filter(({ status }) => status === 200).length).toBeGreaterThanOrEqual(200);
  });

  it('everything while the gateway drains', async () => {
    const { post, house, asked } = await setUp();
    house.state = 'draining';
    const { status, headers, body } = await post('{}');
    expect([status, body.code, headers['retry-after']]).toEqual([503, 'draining', '5']);
    expect(asked).toEqual([]);
  });
});

describe('a channel that cannot take it', () => {
  it('is asked for again later: it is not online, its thread ended, it has too much to do', async () => {
    for (const [failed, after] of [
      [failure('overloaded', 'connecting', { retry_after_ms: 12_400 }), '13'],
      [failure('overloaded', 'connecting', { retry_after_ms: 9e9 }), '300'],
      [failure('thread_lost', 'io-1 ended'), '5'],
      [failure('not_found', 'nobody receives messages'), '5'],
    ] as const) {
      const { post } = await setUp(() => {
        throw new SigilError(failed);
      });
      const { status, headers, body } = await post('{}');
      expect([failed.code, status, body.code, headers['retry-after']]).toEqual([failed.code, 503, 'overloaded', after]);
    }
  });

  it('has so many at once and no more; what it has not answered holds up nobody else', async () => {
    const { post, asked } = await setUp(() => undefined);
    // Their connections end with the test.
    for (let at = 0; at < 64; at += 1) post('{}').catch(() => undefined);
    await until(() => asked.length === 64);
    const { status, headers } = await post('{}');
    expect([status, headers['retry-after']]).toEqual([503, '1']);
  });
});

// SPDX-License-Identifier: Apache-2.0
// The signed webhook: what every adapter promises, and what only this one has: signatures, replays, one place to post to.

import { once } from 'node:events';
import { createServer } from 'node:http';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import type { ChannelInbound, ChannelSink, WebhookRequest } from '../../../src/channels/adapter.ts';
import type { WebhookAdapter } from '../../../src/channels/webhook/adapter.ts';
import { webhookSettings } from '../../../src/channels/webhook/settings.ts';
import { SigilError, toFailure } from '../../../src/errors.ts';
import { adapterSuite } from '../adapter-suite.ts';
import { behindEdge } from '../behind-edge.ts';
import { openPlatform, platform, request, SECRET, type WebhookPlatform } from './platform.ts';

const never = new AbortController().signal;
const hello = (more: object = {}) => ({
  type: 'message',
  conversation: 'c',
  sender: { id: 'ada' },
  text: 'hello',
  ...more,
});

adapterSuite(platform);

describe('a webhook', () => {
  let under: WebhookPlatform;
  beforeAll(async () => {
    under = await openPlatform();
  });
  afterAll(() => under.close());

  async function started(settings: object = {}): Promise<{
    readonly adapter: WebhookAdapter;
    readonly heard: ChannelInbound[];
    readonly lost: unknown[];
    readonly hook: (request: WebhookRequest) => ReturnType<WebhookAdapter['webhook']>;
  }> {
    const adapter = under.make(settings);
    const heard: ChannelInbound[] = [];
    const lost: unknown[] = [];
    const sink: ChannelSink = {
      received: async (message) => void heard.push(message),
      lost: (reason) => void lost.push(reason),
    };
    await adapter.start(sink, { signal: never });
    onTestFinished(() => {
      under.answer = null;
      return adapter.stop();
    });
    return { adapter, heard, lost, hook: (one) => adapter.webhook(one) };
  }
  const outbound = (content: string) => ({
    channelId: 'c',
    content,
    attachments: [],
    idempotencyKey: `key-${content.replaceAll(' ', '-')}`,
  });

  it('takes nothing before it is started and after it has stopped', async () => {
    const adapter = under.make();
    expect((await adapter.webhook(request('m', hello()))).status).toBe(503);
    const { adapter: other } = await started();
    await other.stop();
    expect(await other.webhook(request('m', hello()))).toMatchObject({ status: 503, headers: { 'Retry-After': '5' } });
  });

  it('hears what is signed, and says what is wrong with it only to who can sign', async () => {
    const { hook, heard } = await started();
    expect(await hook(request('m-1', hello()))).toMatchObject({ status: 200, body: '{"taken":true,"id":"m-1"}' });
    expect(await hook(request('m-2', hello({ sender: {} })))).toMatchObject({
      status: 422,
      body: expect.stringContaining('sender.id'),
    });
    for (const wrong of ['', '[]', '{', 'null', '"text"', '{"type":""}', '\ufffd\ud800'])
      expect([wrong, (await hook(request('m-3', wrong))).status]).toEqual([wrong, 422]);
    expect((await hook(request('m-4', { type: 'something.else' }))).body).toBe('{"taken":false}');
    expect((await hook({ ...request('m-5', hello()), method: 'GET' })).status).toBe(405);
    expect(heard.map(({ dedupeKey }) => dedupeKey)).toEqual(['m-1']);
  });

  it('reads nothing of what nobody has signed, whatever is wrong with the signature', async () => {
    const { hook, heard } = await started();
    const good = request('m', hello());
    const { 'webhook-signature': signature = '', ...unsigned } = good.headers;
    const changed = Buffer.from(JSON.stringify(hello({ text: 'hellp' })));
    const wrong: readonly WebhookRequest[] = [
      { ...good, headers: unsigned },
      { ...good, body: changed },
      { ...good, body: Buffer.concat([good.body, Buffer.from(' ')]) },
      ...[
        '',
        'v1',
        'v1,',
        `v2${signature.slice(2)}`,
        signature.slice(0, -4),
        signature.slice(3),
        `v1,${'A'.repeat(43)}=`,
      ].map((one) => ({ ...good, headers: { ...unsigned, 'webhook-signature': one } })),
      { ...good, headers: { ...good.headers, 'webhook-id': 'other' } },
      { ...good, headers: { ...good.headers, 'webhook-timestamp': String(Math.floor(Date.now() / 1_000) + 1) } },
      { ...good, headers: { ...good.headers, 'webhook-timestamp': 'NaN' } },
      { ...good, headers: { ...good.headers, 'webhook-id': 'x'.repeat(257) } },
    ];
    const answers = await Promise.all(wrong.map(hook));
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([401]));
    expect(new Set(answers.map(({ body }) => body)).size).toBe(1);
    expect(heard).toEqual([]);
    // While a secret is being changed there are two.
    const both = { ...good, headers: { ...good.headers, 'webhook-signature': `v1,${'A'.repeat(43)}= ${signature}` } };
    expect((await hook(both)).status).toBe(200);
  });

  it('refuses what is older than its window, or too far ahead', async () => {
    const { hook, heard } = await started({ tolerance: 60 });
    for (const [seconds, status] of [
      [-62, 401],
      [62, 401],
      [-58, 200],
      [58, 200],
    ] as const)
      expect([seconds, (await hook(request('m', hello(), { at: Date.now() + seconds * 1_000 }))).status]).toEqual([
        seconds,
        status,
      ]);
    // Within it a message that comes again has the key it had, under which it is dropped.
    expect(new Set(heard.map(({ dedupeKey }) => dedupeKey))).toEqual(new Set(['m']));
  });

  it('posts to the one place there is, signed, with its key, and goes nowhere from there', async () => {
    const { adapter } = await started();
    expect(await adapter.send(outbound('hello you'), { signal: never })).toEqual({
      platformMessageId: expect.stringMatching(/^shown-/),
    });
    const { headers, body } = under.posted.at(-1) ?? { headers: {}, body: {} };
    expect(headers).toMatchObject({ 'idempotency-key': 'key-hello-you', 'webhook-id': 'key-hello-you' });
    expect(body).toMatchObject({ type: 'message', conversation: 'c', text: 'hello you' });
    let elsewhere = 0;
    const other = createServer((_request, response) => {
      elsewhere += 1;
      response.end('{}');
    }).listen(0, '127.0.0.1');
    await once(other, 'listening');
    onTestFinished(() => void other.close());
    const address = other.address();
    const port = typeof address === 'object' ? address?.port : 0;
    for (const status of [301, 302, 307, 308]) {
      under.answer = { status, headers: { Location: `http://127.0.0.1:${port}/` } };
      const failure = await refused(adapter.send(outbound('elsewhere'), { signal: never }));
      expect(failure).toMatchObject({ code: 'channel_refused', retryable: false });
    }
    expect(elsewhere).toBe(0);
  });

  it.each([
    [401, 'channel_auth', false],
    [403, 'forbidden', false],
    [404, 'not_found', false],
    [410, 'not_found', false],
    [413, 'payload_too_large', false],
    [422, 'channel_refused', false],
    [408, 'channel_network', true],
    [429, 'rate_limited', true],
    [500, 'channel_network', true],
    [503, 'channel_network', true],
  ] as const)('tells what %i means', async (status, code, retryable) => {
    const { adapter, lost } = await started();
    under.answer = { status };
    const failure = await refused(adapter.send(outbound('refused'), { signal: never }));
    expect(failure).toMatchObject({ code, retryable });
    expect(JSON.stringify(failure)).not.toContain(SECRET);
    // A secret that was changed on the other side is for the channel to see, once.
    expect(lost).toHaveLength(code === 'channel_auth' ? 1 : 0);
  });

  it('may be tried again when nobody is there', async () => {
    const { adapter } = await started();
    await under.down();
    try {
      const failure = await refused(adapter.send(outbound('anybody'), { signal: never }));
      expect(failure).toMatchObject({ code: 'channel_network', retryable: true });
      expect(failure.message).not.toContain('127.0.0.1');
    } finally {
      await under.up();
    }
  });

  it('ends what it sends when it is stopped or called off', async () => {
    const { adapter } = await started();
    const off = new AbortController();
    const sending = refused(adapter.send(outbound('off'), { signal: off.signal }));
    off.abort();
    expect((await sending).code).toBe('channel_network');
  });

  it('asks nobody at the start where it is told so, and does not begin with a secret that can be guessed', async () => {
    const before = under.posted.length;
    await started({ check: false });
    expect(under.posted).toHaveLength(before);
    for (const secret of ['short', `whsec_${Buffer.from('short').toString('base64')}`, 'whsec_no base64 at all!!']) {
      const failure = await refused(
        under.make({ secret }).start({ received: async () => undefined, lost: () => undefined }, { signal: never }),
      );
      expect(failure.code).toBe('channel_auth');
      expect(failure.message).not.toContain(secret);
    }
  });

  it('is behind the edge what it is alone: wrong signatures, replays, what is too large, other channels', async () => {
    const { adapter, heard } = await started();
    const client = await behindEdge(() => adapter);
    const post = async ({ headers, body }: WebhookRequest, path = '/webhooks/hook') => {
      const reply = await client.call('POST', path, { token: null, raw: Buffer.from(body), headers });
      return reply.status;
    };
    expect(await post(request('e-1', hello({ text: 'über die Straße' })))).toBe(200);
    expect(heard[0]?.content).toBe('über die Straße');
    expect(await post(request('e-2', hello(), { key: Buffer.alloc(32) }))).toBe(401);
    expect(await post(request('e-3', hello(), { at: Date.now() - 3_600_000 }))).toBe(401);
    expect(await post(request('e-4', hello({ text: 'x'.repeat(1_100_000) })))).toBe(413);
    expect(await post(request('e-5', hello()), '/webhooks/other')).toBe(404);
    expect(heard).toHaveLength(1);
    await adapter.stop();
    expect(await post(request('e-6', hello()))).toBe(503);
  });
});

describe('settings of a webhook', () => {
  it.each([
    [{ url: 'ftp://example.com/' }, 'url'],
    [{ url: 'https://name:word@example.com/' }, 'url'],
    [{ url: 'example.com' }, 'url'],
    [{ secret: '' }, 'secret'],
    [{ tolerance: 0 }, 'tolerance'],
    [{ takes: ['everything'] }, 'takes'],
  ])('refuse %j', (wrong, path) => {
    const { error } = webhookSettings.safeParse({ url: 'https://example.com/', secret: SECRET, ...wrong });
    expect(error?.issues[0]?.path[0]).toBe(path);
  });
});

async function refused(work: Promise<unknown>) {
  const thrown = await work.then(
    () => undefined,
    (error: unknown) => error,
  );
  expect(thrown).toBeInstanceOf(SigilError);
  return toFailure(thrown);
}

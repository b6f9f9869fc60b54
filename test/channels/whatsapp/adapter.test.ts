// SPDX-License-Identifier: Apache-2.0
// WhatsApp: what every adapter promises, and what only this one has: Meta's signature, its errors, its files.

import { createHmac } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import type { ChannelInbound, ChannelSink, WebhookRequest } from '../../../src/channels/adapter.ts';
import type { WhatsAppAdapter } from '../../../src/channels/whatsapp/adapter.ts';
import { whatsappSettings } from '../../../src/channels/whatsapp/settings.ts';
import { SigilError, toFailure } from '../../../src/errors.ts';
import { until } from '../../edge/client.ts';
import { adapterSuite } from '../adapter-suite.ts';
import { behindEdge } from '../behind-edge.ts';
import {
  APP_SECRET,
  fromPerson,
  NUMBER,
  numberOf,
  openPlatform,
  payload,
  platform,
  signed,
  TOKEN,
  VERIFY_TOKEN,
  type WhatsAppPlatform,
} from './platform.ts';

const never = new AbortController().signal;
const text = (body: string, more: object = {}) => ({ type: 'text', text: { body }, ...more });

adapterSuite(platform);

describe('WhatsApp', () => {
  let under: WhatsAppPlatform;
  beforeAll(async () => {
    under = await openPlatform();
  });
  afterAll(() => under.close());

  interface Started {
    readonly adapter: WhatsAppAdapter;
    readonly heard: ChannelInbound[];
    readonly lost: unknown[];
    take: (message: ChannelInbound) => Promise<void>;
  }
  async function started(settings: object = {}): Promise<Started> {
    const adapter = under.make(settings);
    const made: Started = { adapter, heard: [], lost: [], take: async () => undefined };
    const sink: ChannelSink = {
      async received(message) {
        await made.take(message);
        made.heard.push(message);
      },
      lost: (reason) => void made.lost.push(reason),
    };
    await adapter.start(sink, { signal: never });
    onTestFinished(() => {
      under.answerNext = null;
      under.mediaAt = null;
      return adapter.stop();
    });
    return made;
  }
  const outbound = (content: string, more: object = {}) => ({
    channelId: numberOf('ada'),
    content,
    attachments: [],
    idempotencyKey: 'turn:1',
    ...more,
  });
  const file = (name: string, mediaType: string, size = 3) => ({
    name,
    mediaType,
    data: new Uint8Array(size).fill(97),
  });

  it('proves to Meta that the address is ours, and to nobody else', async () => {
    const { adapter } = await started();
    const ask = async (query: string) =>
      adapter.webhook({ method: 'GET', path: '/webhooks/hook', query, headers: {}, body: new Uint8Array() });
    const token = encodeURIComponent(VERIFY_TOKEN);
    const good = `hub.mode=subscribe&hub.challenge=1158201444&hub.verify_token=${token}`;
    expect(await ask(good)).toMatchObject({ status: 200, body: '1158201444' });
    for (const query of [
      '',
      good.replace(token, 'words'),
      good.replace('subscribe', 'unsubscribe'),
      good.replace(token, ''),
    ])
      expect([query, await ask(query)]).toMatchObject([query, { status: 401, body: '' }]);
    // What is said back is nothing a browser would run.
    expect((await ask(good.replace('1158201444', '<script>'))).status).toBe(400);
  });

  it('reads nothing that Meta has not signed', async () => {
    const { adapter, heard } = await started();
    const good = signed(fromPerson('ada', text('hello')));
    const signature = good.headers['x-hub-signature-256'] ?? '';
    const sha1 = `sha1=${createHmac('sha1', APP_SECRET).update(good.body).digest('hex')}`;
    const wrong: readonly WebhookRequest[] = [
      ...['', signature.slice(7), signature.slice(0, -1), signature.toUpperCase(), `${signature} `, sha1].map(
        (one) => ({
          ...good,
          headers: { 'x-hub-signature-256': one },
        }),
      ),
      { ...good, headers: {} },
      { ...good, body: Buffer.concat([good.body, Buffer.from('\n')]) },
      signed(fromPerson('ada', text('hello')), 'another secret'),
      signed(fromPerson('ada', text('hello')), ''),
    ];
    for (const one of wrong) expect(await adapter.webhook(one)).toEqual({ status: 401, headers: {}, body: '' });
    expect(heard).toEqual([]);
    expect((await adapter.webhook(good)).status).toBe(200);
    expect(heard).toHaveLength(1);
  });

  it('passes over what is told besides messages, and messages to other numbers', async () => {
    const { adapter, heard } = await started();
    const statuses = [
      { id: 'wamid.1', status: 'failed', timestamp: '1', recipient_id: '1', errors: [{ code: 131047 }] },
    ];
    const other = fromPerson('ada', text('not to us'));
    for (const one of [
      payload({ statuses }),
      payload({ messages: [{ type: 'text' }, null, 7, { from: 'x', id: 'y' }] }),
      payload({ messages: 'none' }),
      payload({}, { field: 'account_update' }),
      JSON.parse(JSON.stringify(other).replace(NUMBER, '999')),
      fromPerson('ada', { type: 'reaction', reaction: { message_id: 'wamid.1', emoji: '👍' } }),
      { object: 'page', entry: [] },
      [],
      'no json',
    ])
      expect((await adapter.webhook(signed(one))).status).toBe(200);
    expect(heard).toEqual([]);
  });

  it('tells of places, cards and buttons in words', async () => {
    const { adapter, heard } = await started();
    const location = { latitude: 54.5, longitude: 9.5, name: 'Harbour', address: 'Quay 1' };
    const contacts = [{ name: { formatted_name: 'Bob Smith' }, phones: [{ phone: '+49 1' }, {}] }];
    const interactive = { type: 'button_reply', button_reply: { id: 'b', title: 'Yes' } };
    const messages = [
      { type: 'location', location },
      { type: 'contacts', contacts },
      { type: 'interactive', interactive },
      { type: 'button', button: { text: 'No', payload: 'p' } },
    ];
    await adapter.webhook(signed(fromPerson('ada', ...messages)));
    expect(heard.map(({ content }) => content)).toEqual([
      'Location: Harbour, Quay 1 (54.5, 9.5)',
      'Contact: Bob Smith, +49 1',
      'Yes',
      'No',
    ]);
  });

  it('says a request was taken only when all messages in it are', async () => {
    const one = await started();
    one.take = async ({ content }) => {
      if (content === 'second') throw new Error('the disk is full');
    };
    const request = signed(fromPerson('ada', text('first'), text('second'), text('third')));
    expect(await one.adapter.webhook(request)).toMatchObject({ status: 503, headers: { 'Retry-After': '5' } });
    one.take = async () => undefined;
    expect((await one.adapter.webhook(request)).status).toBe(200);
    const keys = one.heard.map(({ dedupeKey }) => dedupeKey);
    expect([keys.length, new Set(keys).size]).toEqual([5, 3]);
  });

  it('hands on many messages of a request a few at a time, in their order', async () => {
    const one = await started();
    const messages = Array.from({ length: 700 }, (_, at) => text(`line ${at}`));
    let open = 0;
    let most = 0;
    one.take = async () => {
      most = Math.max(most, ++open);
      await Promise.resolve();
      open -= 1;
    };
    expect((await one.adapter.webhook(signed(fromPerson('ada', ...messages)))).status).toBe(200);
    expect(one.heard.map(({ content }) => content)).toEqual(messages.map(({ text: { body } }) => body));
    expect(most).toBeLessThanOrEqual(256);
  });

  it('shows that it has read a message once it is taken, and that it writes', async () => {
    const { adapter } = await started();
    const before = under.posted.length;
    await adapter.typing(numberOf('carol'));
    expect(under.posted).toHaveLength(before);
    await adapter.webhook(
      signed(fromPerson('carol', text('one', { id: 'wamid.one' }), text('two', { id: 'wamid.two' }))),
    );
    await until(() => under.posted.length > before);
    await adapter.typing(numberOf('carol'));
    const read = { messaging_product: 'whatsapp', status: 'read', message_id: 'wamid.two' };
    expect(under.posted.slice(before)).toEqual([read, { ...read, typing_indicator: { type: 'text' } }]);
    const quiet = await started({ mark_read: false });
    await quiet.adapter.webhook(signed(fromPerson('carol', text('three'))));
    expect(under.posted).toHaveLength(before + 2);
  });

  it.each([
    [400, 131047, 'forbidden', false],
    [401, 190, 'channel_auth', false],
    [400, 100, 'channel_refused', false],
    [403, 10, 'channel_refused', false],
    [403, 200, 'channel_refused', false],
    [400, 131026, 'not_found', false],
    [400, 131030, 'not_found', false],
    [400, 131031, 'channel_refused', false],
    [400, 131053, 'channel_refused', false],
    [400, 131056, 'rate_limited', true],
    [400, 131048, 'rate_limited', true],
    [400, 80007, 'rate_limited', true],
    [400, 4, 'rate_limited', true],
    [500, 131000, 'channel_network', true],
    [400, 131016, 'channel_network', true],
    [503, 2, 'channel_network', true],
    [400, 999_999, 'channel_refused', false],
  ] as const)('tells what %i with the code %i means', async (status, code, expected, retryable) => {
    const { adapter, lost } = await started();
    under.answerNext = {
      status,
      body: { error: { code, message: 'said Meta', error_data: { details: 'in detail' } } },
    };
    const failure = await refused(adapter.send(outbound('refused'), { signal: never }));
    expect(failure).toMatchObject({ code: expected, retryable });
    expect(failure.message).toContain(`${code}`);
    if (code === 131047) expect(failure.message).toContain('24 hours');
    // A token that was revoked is for the channel to see, once.
    expect(lost).toHaveLength(expected === 'channel_auth' ? 1 : 0);
  });

  it.each([
    [401, 'channel_auth', {}],
    [429, 'rate_limited', { 'Retry-After': '7' }],
    [502, 'channel_network', {}],
    [302, 'channel_refused', { Location: 'http://127.0.0.1:1/' }],
  ] as const)('understands %i where there is no error in it', async (status, expected, headers) => {
    const { adapter } = await started();
    under.answerNext = { status, headers, body: Buffer.from('<html>') };
    const failure = await refused(adapter.send(outbound('refused'), { signal: never }));
    expect(failure.code).toBe(expected);
    if (status === 429) expect(failure.details).toEqual({ retry_after_ms: 7_000 });
  });

  it('waits as long as the account is to wait', async () => {
    const { adapter } = await started();
    const usage = '{"1":[{"call_count":100,"type":"whatsapp","estimated_time_to_regain_access":9}]}';
    const error = { code: 80007, message: 'Rate limit issues' };
    under.answerNext = { status: 400, headers: { 'X-Business-Use-Case-Usage': usage }, body: { error } };
    const failure = await refused(adapter.send(outbound('later'), { signal: never }));
    expect(failure.details).toEqual({ retry_after_ms: 540_000 });
  });

  it('may be tried again when nobody is there, and is not mistaken when the answer is none', async () => {
    const { adapter } = await started();
    under.answerNext = { status: 200, body: { messages: [] } };
    expect(await refused(adapter.send(outbound('a'), { signal: never }))).toMatchObject({ code: 'channel_network' });
    await under.down();
    try {
      const failure = await refused(adapter.send(outbound('b'), { signal: never }));
      expect(failure).toMatchObject({ code: 'channel_network', retryable: true });
    } finally {
      await under.up();
    }
  });

  it('sends files with their words, and nothing where one cannot be sent', async () => {
    const { adapter } = await started();
    const before = (await under.seen(0)).length;
    const shown = async () => (await under.seen(0)).slice(before).map(({ raw, attachments }) => [raw, ...attachments]);
    const two = [file('a "b"\r\n.png', 'image/png'), file('c.pdf', 'application/pdf; x=1')];
    await adapter.send(outbound('two files', { attachments: two }), { signal: never });
    await adapter.send(outbound('listen', { attachments: [file('d.ogg', 'audio/ogg')] }), { signal: never });
    await adapter.send(outbound('', { attachments: [file('e.jpg', 'image/jpeg')] }), { signal: never });
    await adapter.send(outbound('x'.repeat(1_025), { attachments: [file('f.jpg', 'image/jpeg')] }), { signal: never });
    expect(await shown()).toEqual([
      ['two files'],
      ['', { name: 'a _b___.png', size: 3 }],
      ['', { name: 'c.pdf', size: 3 }],
      ['listen'],
      ['', { name: 'd.ogg', size: 3 }],
      ['', { name: 'e.jpg', size: 3 }],
      ['x'.repeat(1_025)],
      ['', { name: 'f.jpg', size: 3 }],
    ]);
    for (const [attachment, code] of [
      [file('a.exe', 'application/x-msdownload'), 'unsupported_media_type'],
      [file('a', ''), 'unsupported_media_type'],
      [file('a.png', 'image/png', 5 * 1024 * 1024 + 1), 'payload_too_large'],
    ] as const)
      expect(
        await refused(adapter.send(outbound('no', { attachments: [attachment] }), { signal: never })),
      ).toMatchObject({
        code,
      });
    expect(await shown()).toHaveLength(8);
  });

  it('fetches files from where Meta keeps them and takes its token nowhere else', async () => {
    const { adapter, heard } = await started();
    under.media.set('777', { name: 'a.png', mediaType: 'image/png', data: Buffer.from('png') });
    const image = { id: '777', mime_type: 'image/png', caption: 'look' };
    await adapter.webhook(signed(fromPerson('ada', { type: 'image', image })));
    const [attachment] = heard[0]?.attachments ?? [];
    expect(attachment).toMatchObject({ name: 'image.png', mediaType: 'image/png', size: null });
    expect(Buffer.from((await attachment?.fetch({ most: 3, signal: never })) ?? []).toString()).toBe('png');
    for (const elsewhere of [
      'https://evil.example/a',
      'https://evilfbsbx.com/a',
      'https://fbsbx.com.evil.example/a',
      'http://lookaside.fbsbx.com/a',
      'https://name@lookaside.fbsbx.com/a',
      'https://lookaside.fbsbx.com:8443/a',
      'file:///etc/passwd',
      '//x',
    ]) {
      under.mediaAt = elsewhere;
      const failure = await refused(attachment?.fetch({ most: 3, signal: never }) ?? Promise.resolve());
      expect([elsewhere, failure.code]).toEqual([elsewhere, 'channel_refused']);
      expect(failure.message).toContain('media_hosts');
    }
  });

  it('writes to numbers only', async () => {
    const { adapter } = await started();
    for (const channelId of ['', 'ada', '../me', '12', '+49123456', '491234567890123456789'])
      expect(await refused(adapter.send(outbound('x', { channelId }), { signal: never }))).toMatchObject({
        code: 'not_found',
      });
  });

  it('does not begin with a token that would break its header', async () => {
    const adapter = under.make({ access_token: 'EAA\r\nX-Evil: 1' });
    const sink: ChannelSink = { received: async () => undefined, lost: () => undefined };
    const failure = await refused(adapter.start(sink, { signal: never }));
    expect(failure.code).toBe('channel_auth');
    expect(failure.message).not.toContain('Evil');
  });

  it('is behind the edge what it is alone', async () => {
    const { adapter, heard } = await started();
    const client = await behindEdge(() => adapter);
    const post = async ({ headers, body }: WebhookRequest) =>
      (await client.call('POST', '/webhooks/hook', { token: null, raw: Buffer.from(body), headers })).status;
    // Escapes as Meta writes them: what is verified is the bytes, not what they would be written as again.
    const body = JSON.stringify(fromPerson('ada', text('über die Straße'))).replaceAll(
      /[^ -~]/g,
      (one) => `\\u${one.charCodeAt(0).toString(16).padStart(4, '0')}`,
    );
    expect(await post(signed(body))).toBe(200);
    expect(heard[0]?.content).toBe('über die Straße');
    expect(await post(signed(body, 'wrong'))).toBe(401);
    expect(await post(signed('x'.repeat(1_048_577)))).toBe(413);
    const asked = `/webhooks/hook?hub.mode=subscribe&hub.challenge=42&hub.verify_token=${encodeURIComponent(VERIFY_TOKEN)}`;
    expect((await client.call('GET', asked, { token: null })).text).toBe('42');
    expect(JSON.stringify(heard)).not.toContain(TOKEN);
  });
});

it.each([
  [{ phone_number_id: '+49 123' }, 'phone_number_id'],
  [{ api_root: 'graph.facebook.com' }, 'api_root'],
  [{ api_version: '26' }, 'api_version'],
  [{ app_secret: '' }, 'app_secret'],
])('settings of WhatsApp refuse %j', (wrong, path) => {
  const right = { phone_number_id: NUMBER, access_token: TOKEN, app_secret: APP_SECRET, verify_token: VERIFY_TOKEN };
  const { error } = whatsappSettings.safeParse({ ...right, ...wrong });
  expect(error?.issues[0]?.path[0]).toBe(path);
});

async function refused(work: Promise<unknown>) {
  const thrown = await work.then(
    () => undefined,
    (error: unknown) => error,
  );
  expect(thrown).toBeInstanceOf(SigilError);
  const failure = toFailure(thrown);
  expect(JSON.stringify(failure)).not.toContain(TOKEN);
  return failure;
}

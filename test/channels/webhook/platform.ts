// SPDX-License-Identifier: Apache-2.0
// A program that speaks signed HTTP, as the suite's platform: the real thing, since there is no platform behind it.

import { randomUUID } from 'node:crypto';
import type { WebhookRequest } from '../../../src/channels/adapter.ts';
import { WebhookAdapter } from '../../../src/channels/webhook/adapter.ts';
import { webhookSettings } from '../../../src/channels/webhook/settings.ts';
import { keyOf, sign, verify } from '../../../src/channels/webhook/signature.ts';
import { until } from '../../edge/client.ts';
import { CallingPlatform } from '../calling-platform.ts';
import { HttpStandIn } from '../http-stand-in.ts';
import type { Platform, PlatformUnderTest, Said, Seen } from '../platform.ts';
import { realWorld } from '../real-world.ts';

export const SECRET = 'whsec_c2VjcmV0LW9mLXRoZS13ZWJob29rLXRlc3RzLTE=';
const KEY = keyOf(SECRET);
const EDITABLE = { takes: ['edits', 'typing', 'reactions'] };

export interface Posted {
  readonly headers: Readonly<Record<string, unknown>>;
  // biome-ignore lint/suspicious/noExplicitAny: what a test looks into is what it is about.
  readonly body: any;
}

export interface WebhookPlatform extends Platform {
  readonly url: string;
  readonly posted: readonly Posted[];
  readonly calls: CallingPlatform;
  /** Each of the next requests is answered with this. */
  answer: { readonly status: number; readonly headers?: Readonly<Record<string, string>> } | null;
  make(settings?: object): WebhookAdapter;
}

/** A request as it is signed now. */
export function request(id: string, body: unknown, { at = Date.now(), key = KEY } = {}): WebhookRequest {
  const bytes = Buffer.from(typeof body === 'string' ? body : JSON.stringify(body));
  const headers = { 'content-type': 'application/json', ...sign(key, id, at, bytes) };
  return { method: 'POST', path: '/webhooks/hook', query: '', headers, body: bytes };
}

function bodyOf(id: string, { from, in: room, text, mention, replyTo, bot, attachment }: Said): object {
  return {
    type: 'message',
    id,
    conversation: room === 'direct' ? `with-${from}` : 'harbour',
    ...(room === 'thread' ? { thread: 'tides' } : {}),
    sender: { id: `user-${from}`, name: from, bot: bot ?? false },
    text,
    direct: room === 'direct',
    mention: mention ?? false,
    ...(replyTo === undefined ? {} : { reply_to: replyTo }),
    attachments:
      attachment === undefined
        ? []
        : [
            {
              name: attachment.name,
              media_type: attachment.mediaType,
              data: Buffer.from(attachment.data).toString('base64'),
            },
          ],
  };
}

export async function openPlatform(): Promise<WebhookPlatform> {
  const calls = new CallingPlatform();
  const posted: Posted[] = [];
  const said = new Map<string, Said>();
  const shown: (Seen & { readonly key: string })[] = [];
  let typed = 0;
  let limit = 0;

  const server = await HttpStandIn.open(({ headers, body: bytes }) => {
    const flat = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, String(value)]));
    const checked = verify(KEY, { headers: flat, body: bytes }, { now: Date.now(), tolerance: 60 });
    if (!checked.ok) return { status: 401 };
    const body = JSON.parse(bytes.toString());
    posted.push({ headers, body });
    if (platform.answer !== null) return platform.answer;
    if (body.type === 'typing') typed += 1;
    if (body.type === 'edit') {
      const at = shown.findIndex(({ id }) => id === body.id);
      const before = shown[at];
      if (before !== undefined) shown[at] = { ...before, text: body.text, raw: body.text };
    }
    if (body.type !== 'message') return { status: 204 };
    if (limit > 0) {
      const seconds = Math.ceil(limit / 1_000);
      limit = 0;
      return { status: 429, headers: { 'Retry-After': String(seconds) } };
    }
    if (body.conversation === 'nowhere') return { status: 404 };
    const key = flat['idempotency-key'] ?? '';
    const before = shown.find((one) => one.key === key);
    if (before !== undefined) return { status: 200, body: { id: before.id } };
    const id = `shown-${shown.length + 1}`;
    shown.push({
      key,
      id,
      room: body.thread === undefined ? (body.conversation === 'harbour' ? 'group' : 'direct') : 'thread',
      text: body.text,
      raw: body.text,
      ...(body.reply_to === undefined ? {} : { replyTo: body.reply_to }),
      attachments: body.attachments.map(({ name, data }: { name: string; data: string }) => ({
        name,
        size: Buffer.from(data, 'base64').length,
      })),
    });
    return { status: 200, body: { id } };
  });

  const make = (settings: object = {}): WebhookAdapter =>
    new WebhookAdapter({
      ...realWorld,
      settings: webhookSettings.parse({ url: `${server.url}/hook?k=v`, secret: SECRET, ...settings }),
    });

  const platform: WebhookPlatform = {
    url: `${server.url}/hook?k=v`,
    posted,
    calls,
    answer: null,
    make,
    key: SECRET,
    nowhere: 'nowhere',
    adapter({ wrongKey = false } = {}) {
      if (wrongKey) return make({ secret: 'another-secret-that-nobody-knows' });
      const made = make(EDITABLE);
      calls.adapter = made;
      return made;
    },
    async say(one) {
      const id = randomUUID();
      said.set(id, one);
      calls.call(one.from, () => request(id, bodyOf(id, one)));
      return id;
    },
    async edit(id, text) {
      await calls.again(() => request(randomUUID(), { type: 'edit', id, text }));
    },
    async redeliver(id) {
      const one = said.get(id);
      if (one === undefined) throw new Error(`nobody said ${id}`);
      // It is answered when it is taken, for which nobody waits here.
      void calls.again(() => request(id, bodyOf(id, one)));
    },
    async seen(count) {
      await until(() => shown.length >= count);
      return shown;
    },
    sawTyping: () => until(() => typed > 0),
    target: (room, from) =>
      room === 'direct'
        ? { channelId: `with-${from}` }
        : { channelId: 'harbour', ...(room === 'thread' ? { threadId: 'tides' } : {}) },
    async limitNext(ms) {
      limit = ms;
    },
    down: () => server.down(),
    up: () => server.up(),
    connections: async () => server.connections,
    async close() {
      calls.close();
      await server.close();
    },
  };
  return platform;
}

const NO_CONNECTION = 'nothing stands between two requests that could break';

export const platform: PlatformUnderTest = {
  name: 'webhook',
  open: openPlatform,
  flood: 1_000,
  notApplicable: {
    gone: NO_CONNECTION,
    back: NO_CONNECTION,
    'send-while-gone': `${NO_CONNECTION}; that it is not reached is a case of its own`,
  },
};

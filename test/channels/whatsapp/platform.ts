// SPDX-License-Identifier: Apache-2.0
// WhatsApp as the suite's platform: a Graph API of ours, and a Meta that signs what people say and sends it until it is taken.

import { createHmac, randomUUID } from 'node:crypto';
import type { WebhookRequest } from '../../../src/channels/adapter.ts';
import { WhatsAppAdapter } from '../../../src/channels/whatsapp/adapter.ts';
import { whatsappSettings } from '../../../src/channels/whatsapp/settings.ts';
import { until } from '../../edge/client.ts';
import { CallingPlatform } from '../calling-platform.ts';
import { type Asked, HttpStandIn, type Told } from '../http-stand-in.ts';
import type { Platform, PlatformUnderTest, Said, Seen } from '../platform.ts';
import { realWorld } from '../real-world.ts';

export const TOKEN = 'EAAGm0PX4ZCpsBAKthetokenofthetests';
export const APP_SECRET = 'the-secret-of-the-app';
export const VERIFY_TOKEN = 'words of ours';
export const NUMBER = '106540352242922';
/** Nobody has this number. */
const NOBODY = '4900000000';

export interface GraphMedia {
  readonly name: string;
  readonly mediaType: string;
  readonly data: Buffer;
}

export interface WhatsAppPlatform extends Platform {
  readonly root: string;
  readonly calls: CallingPlatform;
  readonly media: Map<string, GraphMedia>;
  /** Every message that was posted, as it was. */
  // biome-ignore lint/suspicious/noExplicitAny: what a test looks into is what it is about.
  readonly posted: any[];
  /** What the next message is answered with. */
  answerNext: Told | null;
  /** Where the API says files are; its own place when null. */
  mediaAt: string | null;
  make(settings?: object): WhatsAppAdapter;
}

/** The number of somebody, always the same. */
export function numberOf(name: string): string {
  return `49${[...Buffer.from(name)]
    .map((byte) => String(byte).padStart(3, '0'))
    .join('')
    .slice(0, 18)}`;
}

/** A request of Meta's. */
export function signed(body: unknown, secret = APP_SECRET): WebhookRequest {
  const bytes = Buffer.from(typeof body === 'string' ? body : JSON.stringify(body));
  const signature = createHmac('sha256', secret).update(bytes).digest('hex');
  const headers = { 'content-type': 'application/json', 'x-hub-signature-256': `sha256=${signature}` };
  return { method: 'POST', path: '/webhooks/hook', query: '', headers, body: bytes };
}

/** What Meta sends, around what is told. */
export function payload(value: object, { number = NUMBER, field = 'messages' } = {}): object {
  const metadata = { display_phone_number: '15550783881', phone_number_id: number };
  const whole = { messaging_product: 'whatsapp', metadata, ...value };
  return { object: 'whatsapp_business_account', entry: [{ id: '1', changes: [{ field, value: whole }] }] };
}

/** A message of somebody's in it. */
export function fromPerson(name: string, ...messages: readonly object[]): object {
  const from = numberOf(name);
  const timestamp = String(Math.floor(Date.now() / 1_000));
  return payload({
    contacts: [{ profile: { name }, wa_id: from }],
    messages: messages.map((one) => ({ from, id: `wamid.${randomUUID()}`, timestamp, ...one })),
  });
}

export async function openPlatform(): Promise<WhatsAppPlatform> {
  const calls = new CallingPlatform();
  const media = new Map<string, GraphMedia>();
  const said = new Map<string, { readonly from: string; readonly body: object }>();
  const shown: Seen[] = [];
  const posted: unknown[] = [];
  let typed = 0;
  let limit = 0;

  const error = (status: number, code: number, message: string): Told => ({
    status,
    body: { error: { message: `(#${code}) ${message}`, type: 'OAuthException', code, fbtrace_id: 'A' } },
  });

  const answer = (asked: Asked): Told => {
    const { method, path, headers } = asked;
    if (headers.authorization !== `Bearer ${TOKEN}`) return error(401, 190, 'Invalid OAuth access token.');
    const [, version, ...parts] = path.split('/');
    if (version === 'files') return file(parts[0] ?? '');
    if (!/^v\d+\.\d$/.test(version ?? '')) return error(400, 2500, 'Unknown path components');
    const [id = '', edge = ''] = parts;
    if (method === 'GET' && id === NUMBER) return { status: 200, body: { id: NUMBER } };
    if (method === 'GET') return located(id);
    if (method === 'POST' && id === NUMBER && edge === 'media') return upload(asked);
    if (method === 'POST' && id === NUMBER && edge === 'messages') return message(JSON.parse(asked.body.toString()));
    return error(400, 100, 'Unsupported post request.');
  };

  const file = (id: string): Told => {
    const found = media.get(id);
    return found === undefined
      ? { status: 404 }
      : { status: 200, headers: { 'Content-Type': found.mediaType }, body: found.data };
  };

  const located = (id: string): Told => {
    const found = media.get(id);
    if (found === undefined) return error(400, 100, 'Object does not exist');
    const body = { id, mime_type: found.mediaType, url: platform.mediaAt ?? `${server.url}/files/${id}` };
    return { status: 200, body: { ...body, file_size: found.data.length, messaging_product: 'whatsapp' } };
  };

  const upload = ({ headers, body }: Asked): Told => {
    const [, boundary = ''] = /boundary=(\S+)/.exec(headers['content-type'] ?? '') ?? [];
    const parts = body.toString('latin1').split(`--${boundary}`).slice(1, -1);
    const fields = new Map(
      parts.map((part) => {
        const [head = '', ...rest] = part.split('\r\n\r\n');
        const [, name = ''] = / name="([^"]+)"/.exec(head) ?? [];
        return [name, { head, data: Buffer.from(rest.join('\r\n\r\n').slice(0, -2), 'latin1') }];
      }),
    );
    const [given, type] = [fields.get('file'), fields.get('type')];
    if (fields.get('messaging_product')?.data.toString() !== 'whatsapp' || given === undefined || type === undefined)
      return error(400, 100, 'Invalid parameter');
    const [, name = ''] = /filename="([^"]+)"/.exec(given.head) ?? [];
    const id = String(1_000_000 + media.size);
    media.set(id, { name, mediaType: type.data.toString(), data: given.data });
    return { status: 200, body: { id } };
  };

  // biome-ignore lint/suspicious/noExplicitAny: as it was posted.
  const message = (body: any): Told => {
    posted.push(body);
    if (platform.answerNext !== null) {
      const told = platform.answerNext;
      platform.answerNext = null;
      return told;
    }
    if (body.messaging_product !== 'whatsapp') return error(400, 100, 'Invalid parameter');
    if (body.status === 'read') {
      if (body.typing_indicator !== undefined) typed += 1;
      return { status: 200, body: { success: true } };
    }
    if (limit > 0) {
      const seconds = Math.ceil(limit / 1_000);
      limit = 0;
      return { ...error(429, 130429, 'Rate limit hit'), headers: { 'Retry-After': String(seconds) } };
    }
    if (body.to === NOBODY) return error(400, 131026, 'Message undeliverable');
    if (body.type === 'text' && body.text.body.length > 4_096)
      return error(400, 100, 'Param text must be at most 4096');
    const id = `wamid.${randomUUID()}`;
    const part = body[body.type];
    const found = media.get(part?.id);
    const raw = body.type === 'text' ? part.body : (part?.caption ?? '');
    if (body.type !== 'reaction')
      shown.push({
        id,
        room: 'direct',
        raw,
        // What a phone shows of marks around words.
        text: raw,
        ...(body.context === undefined ? {} : { replyTo: body.context.message_id }),
        attachments: found === undefined ? [] : [{ name: part.filename ?? found.name, size: found.data.length }],
      });
    return { status: 200, body: { messaging_product: 'whatsapp', contacts: [], messages: [{ id }] } };
  };

  const server = await HttpStandIn.open(answer);

  const make = (settings: object = {}): WhatsAppAdapter =>
    new WhatsAppAdapter({
      ...realWorld,
      settings: whatsappSettings.parse({
        phone_number_id: NUMBER,
        access_token: TOKEN,
        app_secret: APP_SECRET,
        verify_token: VERIFY_TOKEN,
        api_root: server.url,
        ...settings,
      }),
    });

  const platform: WhatsAppPlatform = {
    root: server.url,
    calls,
    media,
    posted,
    answerNext: null,
    mediaAt: null,
    make,
    key: TOKEN,
    nowhere: NOBODY,
    adapter({ wrongKey = false } = {}) {
      if (wrongKey) return make({ access_token: 'EAAGanothertoken' });
      const made = make();
      calls.adapter = made;
      return made;
    },
    async say({ from, text, replyTo, attachment }: Said) {
      const id = `wamid.${randomUUID()}`;
      const more = replyTo === undefined ? {} : { context: { from: '15550783881', id: replyTo } };
      let body = fromPerson(from, { id, ...more, type: 'text', text: { body: text } });
      if (attachment !== undefined) {
        const { name, mediaType } = attachment;
        const file = String(1_000_000 + media.size);
        media.set(file, { name, mediaType, data: Buffer.from(attachment.data) });
        const document = { id: file, mime_type: mediaType, filename: name, caption: text };
        body = fromPerson(from, { id, ...more, type: 'document', document });
      }
      said.set(id, { from, body });
      calls.call(from, () => signed(body));
      return id;
    },
    async edit(id, text) {
      // An edit comes as what programs are not told of, with an error in its place.
      const { from } = said.get(id) ?? { from: 'ada' };
      const errors = [{ code: 131051, title: 'Unsupported message type', details: text }];
      await calls.again(() => signed(fromPerson(from, { type: 'unsupported', errors })));
    },
    async redeliver(id) {
      const one = said.get(id);
      if (one === undefined) throw new Error(`nobody said ${id}`);
      // It is answered when it is taken, for which nobody waits here.
      void calls.again(() => signed(one.body));
    },
    async seen(count) {
      await until(() => shown.length >= count);
      return shown;
    },
    sawTyping: () => until(() => typed > 0),
    target: (_room, from) => ({ channelId: numberOf(from) }),
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

const NO_GROUPS = 'the Cloud API has no groups a program can be asked into';
const NO_CONNECTION = 'nothing stands between two requests that could break';

export const platform: PlatformUnderTest = {
  name: 'whatsapp',
  open: openPlatform,
  flood: 1_000,
  notApplicable: {
    group: NO_GROUPS,
    mention: NO_GROUPS,
    'send-group': NO_GROUPS,
    thread: 'WhatsApp has no threads',
    'send-thread': 'WhatsApp has no threads',
    bots: 'WhatsApp does not say who is a bot',
    edit: 'what a program has sent cannot be changed',
    typing: 'typing is shown under a message of a person; that is a case of its own',
    twice: 'WhatsApp takes no key and shows what is sent twice',
    gone: NO_CONNECTION,
    back: NO_CONNECTION,
    'send-while-gone': `${NO_CONNECTION}; that it is not reached is a case of its own`,
  },
};

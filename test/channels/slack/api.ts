// SPDX-License-Identifier: Apache-2.0
// Slack's Web API and socket as the suite's platform: envelopes that come again until they are acknowledged, blocks, files, limits.

import { createHmac } from 'node:crypto';
import type { WebhookRequest } from '../../../src/channels/adapter.ts';
import { SlackAdapter } from '../../../src/channels/slack/adapter.ts';
import { slackSettings } from '../../../src/channels/slack/settings.ts';
import { until } from '../../edge/client.ts';
import { readForm } from '../form.ts';
import { type Asked, HttpStandIn, type Told } from '../http-stand-in.ts';
import type { Platform, PlatformUnderTest, Said, Seen } from '../platform.ts';
import { countedWorld } from '../real-world.ts';
import { SocketStandIn } from '../socket-stand-in.ts';

export const TOKEN = 'xoxb-test-token-of-the-bot-not-a-real-one';
export const SECRET = 'the-signing-secret';
const APP_TOKEN = 'xapp-test';
const ME = 'UBOT';
const GROUP = 'C1';
const ROOT = '1700000000.000100';

type Body = Readonly<Record<string, unknown>>;

export interface SlackPlatform extends Platform {
  readonly calls: readonly { readonly method: string; readonly body: Body }[];
  /** Envelopes that were sent and not acknowledged. */
  readonly open: readonly string[];
  readonly socket: SocketStandIn;
  readonly url: string;
  make(settings?: object): SlackAdapter;
  /** The next call of a method is answered with this error. */
  refuse(method: string, error: string, more?: object): void;
  /** Sends an event of any form. */
  event(event: object): void;
  /** Something else than an event. */
  envelope(payload: object): void;
  /** What asks for no acknowledgement. */
  tell(payload: object): void;
  eventOf(id: string): Body;
}

/** A request as Slack signs it. */
export function signed(body: unknown, { at = Date.now(), secret = SECRET } = {}): WebhookRequest {
  const bytes = Buffer.from(typeof body === 'string' ? body : JSON.stringify(body));
  const seconds = String(Math.floor(at / 1_000));
  const signature = `v0=${createHmac('sha256', secret).update(`v0:${seconds}:`).update(bytes).digest('hex')}`;
  const headers = { 'x-slack-request-timestamp': seconds, 'x-slack-signature': signature };
  return { method: 'POST', path: '/webhooks/slack', query: '', headers, body: bytes };
}

export async function openPlatform(): Promise<SlackPlatform> {
  const people = new Map<string, string>();
  const files = new Map<string, { readonly name: string; data: Buffer }>();
  const said = new Map<string, Body>();
  const sent: (Seen & { readonly channel: string })[] = [];
  const calls: { method: string; body: Body }[] = [];
  const refusals = new Map<string, Told>();
  const open = new Map<string, object>();
  /** Envelopes that somebody has read. */
  const read = new Set<string>();
  const world = countedWorld();
  let count = 0;
  let envelopes = 0;

  const ts = (): string => {
    const now = Math.floor(Date.now() / 1_000);
    return `${now}.${String(++count).padStart(6, '0')}`;
  };
  const idOf = (name: string): string => {
    const known = people.get(name) ?? `U${1_000 + people.size}`;
    people.set(name, known);
    return known;
  };
  const direct = (name: string) => `D${idOf(name)}`;

  const socket = await SocketStandIn.open((connected) => {
    connected.send(JSON.stringify({ type: 'hello', num_connections: 1 }));
    connected.on('message', (data) => {
      const { envelope_id: id } = JSON.parse(String(data)) as { envelope_id: string };
      open.delete(id);
    });
    // What nobody acknowledged comes again to who connects next.
    for (const [id, envelope] of open) {
      read.add(id);
      connected.send(JSON.stringify(envelope));
    }
  });
  const envelope = (payload: object): void => {
    const envelope_id = `envelope-${++envelopes}`;
    const whole = { envelope_id, accepts_response_payload: false, ...payload };
    open.set(envelope_id, whole);
    if (socket.sockets.size > 0) read.add(envelope_id);
    socket.send(whole);
  };
  const event = (one: object): void =>
    envelope({ type: 'events_api', payload: { type: 'event_callback', team_id: 'T1', event: one } });

  const ok = (more: object = {}): Told => ({ status: 200, body: { ok: true, ...more } });
  const no = (error: string, more: object = {}): Told => ({ status: 200, body: { ok: false, error, ...more } });
  const answer = (asked: Asked): Told => {
    const download = /^\/files\/(.+)$/.exec(asked.path)?.[1];
    if (download !== undefined) {
      const file = files.get(download);
      if (file === undefined || asked.headers.authorization !== `Bearer ${TOKEN}`) return { status: 302 };
      return { status: 200, headers: { 'Content-Type': 'text/plain' }, body: file.data };
    }
    const upload = /^\/upload\/(.+)$/.exec(asked.path)?.[1];
    if (upload !== undefined) {
      const file = files.get(upload);
      if (file !== undefined)
        file.data = readForm(asked.headers['content-type'], asked.body)?.files[0]?.data ?? asked.body;
      return { status: 200, body: Buffer.from('OK') };
    }
    const method = asked.path.replace(/^\/api\//, '');
    const body = Object.fromEntries(
      [...new URLSearchParams(asked.body.toString())].map(([name, value]) => [
        name,
        /^[[{]/.test(value) ? JSON.parse(value) : value,
      ]),
    ) as Body;
    calls.push({ method, body });
    const key = method === 'apps.connections.open' ? APP_TOKEN : TOKEN;
    if (asked.headers.authorization !== `Bearer ${key}`) return no('invalid_auth');
    const refused = refusals.get(method);
    if (refused !== undefined) {
      refusals.delete(method);
      return refused;
    }
    const channel = String(body['channel'] ?? body['channel_id'] ?? '');
    const there = channel === GROUP || [...people.keys()].some((name) => direct(name) === channel);
    switch (method) {
      case 'auth.test':
        return ok({ user_id: ME, bot_id: 'B1', team_id: 'T1' });
      case 'apps.connections.open':
        return ok({ url: socket.url });
      case 'users.info': {
        const name = [...people].find(([, id]) => id === body['user'])?.[0];
        return name === undefined ? no('user_not_found') : ok({ user: { name, real_name: `${name} Lovelace` } });
      }
      case 'reactions.add':
        return ok();
      case 'chat.postMessage': {
        if (!there) return no('channel_not_found');
        const at = ts();
        const thread = body['thread_ts'];
        sent.push({
          id: at,
          channel,
          room: thread === ROOT ? 'thread' : channel === GROUP ? 'group' : 'direct',
          ...shown(body),
          ...(thread === undefined ? {} : { replyTo: String(thread) }),
          attachments: [],
        });
        // Its own words come back as an event.
        event({ type: 'message', channel, user: ME, bot_id: 'B1', text: String(body['text']), ts: at });
        return ok({ ts: at, channel });
      }
      case 'chat.update': {
        const at = sent.findIndex((one) => one.id === body['ts'] && one.channel === channel);
        const one = sent[at];
        if (one === undefined) return no('message_not_found');
        sent[at] = { ...one, ...shown(body) };
        return ok({ ts: one.id, channel });
      }
      case 'files.getUploadURLExternal': {
        const id = `F${files.size}`;
        files.set(id, { name: String(body['filename']), data: Buffer.alloc(0) });
        return ok({ file_id: id, upload_url: `${server.url}/upload/${id}` });
      }
      case 'files.completeUploadExternal': {
        const given = body['files'] as { id: string }[];
        const attachments = given.map(({ id }) => ({
          name: files.get(id)?.name ?? '',
          size: files.get(id)?.data.length ?? 0,
        }));
        sent.push({ id: ts(), channel, room: 'direct', text: '', raw: '', attachments });
        return ok({ files: given });
      }
      default:
        return no('unknown_method');
    }
  };
  const server = await HttpStandIn.open(answer);

  const made = ({ from, in: room, text, mention = false, replyTo, bot = false, attachment }: Said): Body => {
    const at = ts();
    const thread = room === 'thread' ? ROOT : replyTo;
    const escaped = text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
    if (attachment !== undefined) files.set(`in-${at}`, { name: attachment.name, data: Buffer.from(attachment.data) });
    return {
      type: 'message',
      channel: room === 'direct' ? direct(from) : GROUP,
      channel_type: room === 'direct' ? 'im' : 'channel',
      user: idOf(from),
      ...(bot ? { bot_id: 'B2', subtype: 'bot_message' } : {}),
      text: mention ? `<@${ME}> ${escaped}` : escaped,
      ts: at,
      ...(thread === undefined ? {} : { thread_ts: thread }),
      ...(sent.some(({ id }) => id === replyTo) ? { parent_user_id: ME } : {}),
      ...(attachment === undefined
        ? {}
        : {
            subtype: 'file_share',
            files: [
              {
                id: 'F9',
                name: attachment.name,
                mimetype: attachment.mediaType,
                size: attachment.data.length,
                url_private_download: `${server.url}/files/in-${at}`,
              },
            ],
          }),
    };
  };
  const make = (settings: object = {}) =>
    new SlackAdapter({
      ...world.options,
      settings: slackSettings.parse({
        bot_token: TOKEN,
        app_token: APP_TOKEN,
        api_url: `${server.url}/api/`,
        ...settings,
      }),
    });

  return {
    key: TOKEN,
    nowhere: 'C404',
    calls,
    socket,
    url: server.url,
    get open() {
      return [...open.keys()];
    },
    make,
    refuse(method, error, more) {
      refusals.set(method, no(error, more));
    },
    event,
    envelope,
    tell: (payload) => socket.send(payload),
    eventOf: (id) => said.get(id) ?? {},
    adapter({ wrongKey = false } = {}) {
      // What one case of the suite left is not the next one's.
      for (const id of read) open.delete(id);
      return make(wrongKey ? { bot_token: 'xoxb-wrong' } : {});
    },
    async say(one) {
      const message = made(one);
      const id = String(message['ts']);
      said.set(id, message);
      event(message);
      return id;
    },
    async edit(id, text) {
      const message = said.get(id);
      event({
        type: 'message',
        subtype: 'message_changed',
        channel: message?.['channel'],
        ts: ts(),
        message: { ...message, text },
      });
    },
    async redeliver(id) {
      event(said.get(id) ?? {});
    },
    async seen(wanted) {
      await until(() => sent.length >= wanted);
      return sent;
    },
    target: (room, from) => ({
      channelId: room === 'direct' ? direct(from) : GROUP,
      ...(room === 'thread' ? { threadId: ROOT } : {}),
    }),
    async limitNext(ms) {
      refusals.set('chat.postMessage', {
        status: 429,
        headers: { 'Retry-After': String(ms / 1_000) },
        body: { ok: false, error: 'ratelimited' },
      });
    },
    async down() {
      await socket.down();
      await server.down();
    },
    async up() {
      await socket.up();
      await server.up();
    },
    connections: async () => socket.connections + server.connections,
    timers: world.timers,
    async close() {
      await socket.close();
      await server.close();
    },
  };
}

/** As people read it: the words of its blocks, or its text where it has none. */
function shown(body: Body): { readonly text: string; readonly raw: string } {
  const raw = String(body['text'] ?? '');
  const blocks = body['blocks'];
  if (!Array.isArray(blocks)) return { text: raw, raw };
  const words = (one: unknown): string => {
    if (typeof one !== 'object' || one === null) return '';
    const { elements, text, url } = one as { elements?: unknown[]; text?: string; url?: string };
    return elements === undefined ? (text ?? url ?? '') : elements.map(words).join('');
  };
  return { text: blocks.flatMap((block: { elements: unknown[] }) => block.elements.map(words)).join('\n'), raw };
}

export const platform: PlatformUnderTest = {
  name: 'slack',
  open: openPlatform,
  notApplicable: {
    typing: 'Slack shows no typing of bots',
    twice: 'Slack drops nothing that is sent twice, and keeps nothing to look it up in',
  },
};

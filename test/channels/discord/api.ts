// SPDX-License-Identifier: Apache-2.0
// Discord's REST and gateway as the suite's platform: sessions that can be resumed, nonces that are enforced, threads, limits.

import type { WebSocket } from 'ws';
import type { KeptText } from '../../../src/channels/connection-options.ts';
import { DiscordAdapter } from '../../../src/channels/discord/adapter.ts';
import { discordSettings } from '../../../src/channels/discord/settings.ts';
import { until } from '../../edge/client.ts';
import { readForm } from '../form.ts';
import { type Asked, HttpStandIn, type Told } from '../http-stand-in.ts';
import type { Platform, PlatformUnderTest, Said, Seen } from '../platform.ts';
import { countedWorld } from '../real-world.ts';
import { SocketStandIn } from '../socket-stand-in.ts';

export const TOKEN = 'MTIzNDU2.test-token.of-the-bot-not-a-real-one';
const ME = { id: '100', username: 'sigil', global_name: 'Sigil', bot: true };
const GUILD = '500';
const GROUP = '501';
const FORUM = '502';
const THREAD = '503';

/** Without a body, and without saying it were JSON. */
const NOTHING: Told = { status: 204, headers: { 'Content-Type': 'text/html' }, body: Buffer.alloc(0) };

type Body = Readonly<Record<string, unknown>>;

interface Event {
  readonly s: number;
  readonly t: string;
  readonly d: unknown;
}

export interface DiscordPlatform extends Platform {
  readonly calls: readonly { readonly method: string; readonly path: string; readonly body: Body }[];
  /** How connections began, in order. */
  readonly began: readonly ('identify' | 'resume')[];
  make(settings?: object, kept?: KeptText, of?: typeof DiscordAdapter): DiscordAdapter;
  /** An event of the gateway's. */
  dispatch(type: string, data: unknown): void;
  /** Connections end with this code; nothing is said to those that come, until `heal`. */
  breakWith(code: number): void;
  /** The next connection is closed with this code instead of being let in. */
  refuseNext(code: number): void;
  /** The next request to a path is answered with this. */
  answerNext(path: RegExp, told: Told): void;
  /** The gateway forgets the sessions it kept. */
  forget(): void;
  /** Only the gateway is gone. */
  readonly gateway: SocketStandIn;
  readonly url: string;
}

export async function openPlatform(): Promise<DiscordPlatform> {
  const people = new Map<string, string>();
  const files = new Map<string, Uint8Array>();
  const said = new Map<string, Body>();
  const sent: (Seen & { readonly channel: string; readonly nonce: unknown })[] = [];
  const calls: { method: string; path: string; body: Body }[] = [];
  const answers: { path: RegExp; told: Told }[] = [];
  const began: ('identify' | 'resume')[] = [];
  /** What is kept of the one session. */
  let events: Event[] = [];
  const world = countedWorld();
  let session = 0;
  let valid = false;
  let sequence = 0;
  let next = 1_000;
  let typed = 0;
  let refusing = 0;
  let live: WebSocket | null = null;

  const idOf = (name: string): string => {
    const known = people.get(name) ?? String(2_000 + people.size);
    people.set(name, known);
    return known;
  };
  const author = (name: string, bot = false) => ({ id: idOf(name), username: name, global_name: `${name} L.`, bot });
  const direct = (name: string) => String(9_000 + Number(idOf(name)));
  const dispatch = (t: string, d: unknown): void => {
    const event = { s: ++sequence, t, d };
    events.push(event);
    if (events.length > 20_000) events = events.slice(-10_000);
    live?.send(JSON.stringify({ op: 0, ...event }));
  };
  const guild = { id: GUILD, threads: [{ id: THREAD, parent_id: FORUM }], channels: [] };

  const gateway = await SocketStandIn.open((socket) => {
    const send = (payload: object) => socket.send(JSON.stringify(payload));
    send({ op: 10, d: { heartbeat_interval: 45_000 } });
    socket.on('close', (code) => {
      if (live === socket) live = null;
      if (code === 1_000 || code === 1_001) valid = false;
    });
    socket.on('message', (data) => {
      const { op, d } = JSON.parse(String(data)) as { op: number; d: { token?: string; seq?: number } };
      if (op === 1) return send({ op: 11 });
      if (op !== 2 && op !== 6) return;
      if (refusing !== 0) {
        socket.close(refusing);
        refusing = 0;
        return;
      }
      if (d.token !== TOKEN) return socket.close(4_004);
      began.push(op === 2 ? 'identify' : 'resume');
      if (op === 6 && !valid) return send({ op: 9, d: false });
      live = socket;
      if (op === 6) {
        for (const event of events) if (event.s > Number(d.seq)) send({ op: 0, ...event });
        return send({ op: 0, s: ++sequence, t: 'RESUMED', d: {} });
      }
      valid = true;
      events = [];
      sequence = 0;
      dispatch('READY', { v: 10, user: ME, session_id: `session-${++session}`, resume_gateway_url: gateway.url });
      dispatch('GUILD_CREATE', guild);
    });
  });

  const error = (status: number, code: number, message: string): Told => ({ status, body: { code, message } });
  const answer = (asked: Asked): Told => {
    const path = asked.path.replace(/^\/api\/v10/, '');
    if (path.startsWith('/files/')) {
      const data = files.get(path);
      return data === undefined ? { status: 404 } : { status: 200, body: Buffer.from(data) };
    }
    if (asked.headers.authorization !== `Bot ${TOKEN}`) return error(401, 0, '401: Unauthorized');
    const form = readForm(asked.headers['content-type'], asked.body);
    const json = form?.fields['payload_json'] ?? asked.body.toString();
    const body = json === '' ? {} : (JSON.parse(json) as Body);
    calls.push({ method: asked.method, path, body });
    const at = answers.findIndex((one) => one.path.test(`${asked.method} ${path}`));
    if (at >= 0) return answers.splice(at, 1)[0]?.told ?? { status: 500 };
    if (path === '/users/@me') return { status: 200, body: ME };
    if (path === '/gateway/bot') {
      const limit = { total: 1_000, remaining: 1_000, reset_after: 0, max_concurrency: 1 };
      return { status: 200, body: { url: gateway.url, shards: 1, session_start_limit: limit } };
    }
    const user = /^\/users\/(\d+)$/.exec(path)?.[1];
    if (user !== undefined) {
      const name = [...people].find(([, id]) => id === user)?.[0];
      return name === undefined ? error(404, 10_013, 'Unknown User') : { status: 200, body: author(name) };
    }
    const [, channel = '', rest = ''] = /^\/channels\/(\d+)\/(.*)$/.exec(path) ?? [];
    const there = [GROUP, THREAD].includes(channel) || [...people.keys()].some((name) => direct(name) === channel);
    if (!there) return error(404, 10_003, 'Unknown Channel');
    if (rest === 'typing') {
      typed += 1;
      return NOTHING;
    }
    if (/\/reactions\//.test(rest)) return NOTHING;
    const text = String(body['content'] ?? '');
    if (text.length > 2_000)
      return {
        status: 400,
        body: {
          code: 50_035,
          message: 'Invalid Form Body',
          errors: { content: { _errors: [{ code: 'BASE_TYPE_MAX_LENGTH' }] } },
        },
      };
    if (asked.method === 'PATCH') {
      const index = sent.findIndex((one) => `messages/${one.id}` === rest && one.channel === channel);
      const one = sent[index];
      if (one === undefined) return error(404, 10_008, 'Unknown Message');
      sent[index] = { ...one, text: shown(text), raw: text };
      return { status: 200, body: { id: one.id, channel_id: channel } };
    }
    const before = body['enforce_nonce'] === true && sent.find(({ nonce }) => nonce === body['nonce']);
    if (before) return { status: 200, body: { id: before.id, channel_id: channel } };
    if (text.trim() === '' && (form?.files.length ?? 0) === 0)
      return error(400, 50_006, 'Cannot send an empty message');
    const reference = body['message_reference'];
    const replyTo =
      typeof reference === 'object' && reference !== null ? Reflect.get(reference, 'message_id') : undefined;
    const id = String(next++);
    sent.push({
      id,
      channel,
      nonce: body['nonce'],
      room: channel === GROUP ? 'group' : channel === THREAD ? 'thread' : 'direct',
      text: shown(text),
      raw: text,
      ...(replyTo === undefined ? {} : { replyTo: String(replyTo) }),
      attachments: (form?.files ?? []).map(({ name, data }) => ({ name, size: data.length })),
    });
    // Its own words come back over the gateway, as everybody's.
    dispatch('MESSAGE_CREATE', { id, channel_id: channel, type: 0, content: text, timestamp: now(), author: ME });
    return { status: 200, body: { id, channel_id: channel } };
  };
  const server = await HttpStandIn.open(answer);

  const made = ({ from, in: room, text, mention = false, replyTo, bot = false, attachment }: Said): Body => {
    const id = String(next++);
    const answered = sent.find((one) => one.id === replyTo);
    if (attachment !== undefined) files.set(`/files/${id}/${attachment.name}`, attachment.data);
    return {
      id,
      type: replyTo === undefined ? 0 : 19,
      channel_id: room === 'direct' ? direct(from) : room === 'group' ? GROUP : THREAD,
      ...(room === 'direct' ? {} : { guild_id: GUILD, member: { nick: null } }),
      content: mention ? `<@${ME.id}> ${text}` : text,
      timestamp: now(),
      author: author(from, bot),
      mentions: mention ? [ME] : [],
      ...(replyTo === undefined ? {} : { message_reference: { message_id: replyTo } }),
      ...(answered === undefined ? {} : { referenced_message: { author: ME } }),
      attachments:
        attachment === undefined
          ? []
          : [
              {
                url: `${server.url}/files/${id}/${attachment.name}`,
                filename: attachment.name,
                content_type: attachment.mediaType,
                size: attachment.data.length,
              },
            ],
    };
  };
  const make = (settings: object = {}, kept?: KeptText, Of = DiscordAdapter) =>
    new Of({
      ...world.options,
      ...(kept === undefined ? {} : { kept }),
      settings: discordSettings.parse({ token: TOKEN, api_url: `${server.url}/api`, ...settings }),
    });

  return {
    key: TOKEN,
    nowhere: '404404',
    calls,
    began,
    gateway,
    url: server.url,
    make,
    dispatch,
    breakWith(code) {
      for (const socket of gateway.sockets) socket.close(code);
    },
    refuseNext(code) {
      refusing = code;
    },
    answerNext(path, told) {
      answers.push({ path, told });
    },
    forget() {
      valid = false;
    },
    adapter: ({ wrongKey = false } = {}) => make(wrongKey ? { token: 'wrong' } : {}),
    async say(one) {
      const message = made(one);
      const id = String(message['id']);
      said.set(id, message);
      dispatch('MESSAGE_CREATE', message);
      return id;
    },
    async edit(id, text) {
      dispatch('MESSAGE_UPDATE', { ...said.get(id), content: text, edited_timestamp: now() });
    },
    async redeliver(id) {
      dispatch('MESSAGE_CREATE', said.get(id));
    },
    async seen(count) {
      await until(() => sent.length >= count);
      return sent;
    },
    sawTyping: () => until(() => typed > 0),
    target: (room, from) =>
      room === 'thread'
        ? { channelId: FORUM, threadId: THREAD }
        : { channelId: room === 'group' ? GROUP : direct(from) },
    async limitNext(ms) {
      const seconds = ms / 1_000;
      answers.push({
        path: /^POST .*\/messages$/,
        told: {
          status: 429,
          headers: { 'Retry-After': String(seconds) },
          body: { message: 'You are being rate limited.', retry_after: seconds, global: false },
        },
      });
    },
    async down() {
      await gateway.down();
      await server.down();
    },
    async up() {
      await gateway.up();
      await server.up();
    },
    connections: async () => gateway.connections + server.connections,
    timers: world.timers,
    async close() {
      await gateway.close();
      await server.close();
    },
  };
}

function now(): string {
  return new Date().toISOString();
}

/** As people read it: marks of bold are none. */
function shown(text: string): string {
  return text
    .replaceAll('**', '')
    .replaceAll('\u200b', '')
    .replace(/\[([^\]]*)\]\([^)]*\)/g, '$1');
}

export const platform: PlatformUnderTest = {
  name: 'discord',
  open: openPlatform,
  notApplicable: {
    'after-durable': 'Discord asks for no acknowledgement; what a session goes on from has a test of its own',
    'while-away': 'Discord keeps nothing for who is away, only for who was cut off',
  },
};

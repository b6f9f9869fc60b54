// SPDX-License-Identifier: Apache-2.0
// A Bot API server as the suite's platform: updates that stay until an offset confirms them, chats, files, limits.

import { TelegramAdapter } from '../../../src/channels/telegram/adapter.ts';
import { telegramSettings } from '../../../src/channels/telegram/settings.ts';
import { until } from '../../edge/client.ts';
import { readForm } from '../form.ts';
import { type Asked, HttpStandIn, type Told } from '../http-stand-in.ts';
import type { Platform, PlatformUnderTest, Said, Seen } from '../platform.ts';
import { countedWorld } from '../real-world.ts';

export const TOKEN = '4242:AAtestTokenOfTheBot_not-a-real-one';
const ME = { id: 4242, is_bot: true, first_name: 'Sigil', username: 'sigil_bot' };
const GROUP = -1001;
const FORUM = -1002;
const TOPIC = 77;

type Body = Readonly<Record<string, unknown>>;

export interface TelegramPlatform extends Platform {
  readonly url: string;
  /** Every call, by its method. */
  readonly calls: readonly { readonly method: string; readonly body: Body }[];
  /** Ids of updates that were not confirmed. */
  readonly pending: readonly number[];
  /** A message as an update has it. */
  messageOf(id: string): unknown;
  make(settings?: object): TelegramAdapter;
  /** The next call of a method is answered with this. */
  refuse(method: string, code: number, description: string, parameters?: object): void;
  /** Puts an update of any form in. */
  put(message: object): void;
}

export async function openPlatform(): Promise<TelegramPlatform> {
  const updates: { readonly update_id: number; readonly message?: unknown }[] = [];
  const messages = new Map<string, { readonly from: string; readonly message: Body }>();
  const files = new Map<string, Uint8Array>();
  const people = new Map<string, number>();
  const sent: (Seen & { readonly chat: number })[] = [];
  const calls: { method: string; body: Body }[] = [];
  const refusals = new Map<string, Told>();
  const counts = new Map<number, number>();
  const world = countedWorld();
  let next = 1;
  let waiting: (() => void) | null = null;
  let typed = 0;

  const idOf = (name: string): number => {
    const known = people.get(name) ?? 1_000 + people.size;
    people.set(name, known);
    return known;
  };
  const person = (name: string, bot = false) => ({
    id: idOf(name),
    is_bot: bot,
    first_name: name,
    last_name: 'Lovelace',
  });
  const numbered = (chat: number): number => {
    const id = (counts.get(chat) ?? 0) + 1;
    counts.set(chat, id);
    return id;
  };
  const put = (message: unknown) => {
    updates.push({ update_id: next++, message });
    waiting?.();
  };
  const ok = (result: unknown): Told => ({ status: 200, body: { ok: true, result } });
  const no = (error_code: number, description: string, parameters?: object): Told => ({
    status: error_code,
    body: { ok: false, error_code, description, ...(parameters === undefined ? {} : { parameters }) },
  });
  const known = (chat: number) => chat === GROUP || chat === FORUM || [...people.values()].includes(chat);

  const answer = async (asked: Asked): Promise<Told> => {
    const [, kind = '', token = '', ...rest] = /^\/(file\/bot|bot)([^/]+)\/(.*)$/.exec(asked.path) ?? [];
    if (token !== TOKEN) return no(401, 'Unauthorized');
    const [method = ''] = rest;
    if (kind === 'file/bot') {
      const data = files.get(method);
      return data === undefined ? { status: 404 } : { status: 200, body: Buffer.from(data) };
    }
    const { fields: body, parts } = read(asked);
    calls.push({ method, body });
    const refused = refusals.get(method);
    if (refused !== undefined) {
      refusals.delete(method);
      return refused;
    }
    const chat = Number(body['chat_id']);
    if (body['chat_id'] !== undefined && !known(chat)) return no(400, 'Bad Request: chat not found');
    const text = String(body['text'] ?? body['caption'] ?? '');
    if (body['parse_mode'] === 'HTML' && !wellFormed(text))
      return no(400, "Bad Request: can't parse entities: unclosed tag");
    const reads = body['parse_mode'] === 'HTML' ? shown(text) : text;
    if (reads.length > (body['caption'] === undefined ? 4_096 : 1_024))
      return no(400, 'Bad Request: message is too long');
    const post = (attachments: Seen['attachments'] = []): Told => {
      const message_id = numbered(chat);
      const reply = body['reply_parameters'];
      const replyTo = typeof reply === 'object' && reply !== null ? Reflect.get(reply, 'message_id') : undefined;
      sent.push({
        id: String(message_id),
        chat,
        room: body['message_thread_id'] !== undefined ? 'thread' : chat < 0 ? 'group' : 'direct',
        text: reads,
        raw: text,
        attachments,
        ...(replyTo === undefined ? {} : { replyTo: String(replyTo) }),
      });
      return ok({ message_id, date: 1, chat: { id: chat, type: 'private' } });
    };
    switch (method) {
      case 'getMe':
        return ok(ME);
      case 'deleteWebhook':
      case 'setWebhook':
      case 'setMessageReaction':
        return ok(true);
      case 'sendChatAction':
        typed += 1;
        return ok(true);
      case 'getUpdates': {
        const offset = Number(body['offset'] ?? 0);
        while ((updates[0]?.update_id ?? offset) < offset) updates.shift();
        if (updates.length === 0)
          await new Promise<void>((resolve) => {
            const late = setTimeout(resolve, Number(body['timeout'] ?? 0) * 1_000);
            const done = () => {
              clearTimeout(late);
              resolve();
            };
            waiting = done;
            asked.closed.addEventListener('abort', done);
          });
        return ok(updates.slice(0, Number(body['limit'] ?? 100)));
      }
      case 'sendMessage':
        return post();
      case 'sendDocument':
      case 'sendPhoto':
        return post(parts);
      case 'sendMediaGroup': {
        const told = post(parts);
        return ok([(told.body as { result: unknown }).result]);
      }
      case 'editMessageText': {
        const at = sent.findIndex((one) => one.id === String(body['message_id']) && one.chat === chat);
        const one = sent[at];
        if (one === undefined) return no(400, 'Bad Request: message to edit not found');
        if (one.raw === text) return no(400, 'Bad Request: message is not modified');
        sent[at] = { ...one, text: reads, raw: text };
        return ok(true);
      }
      case 'getChat': {
        const name = [...people].find(([, id]) => id === chat)?.[0];
        return ok({ id: chat, type: 'private', first_name: name });
      }
      case 'getFile': {
        const data = files.get(`documents/${String(body['file_id'])}`);
        return ok({
          file_id: body['file_id'],
          file_path: `documents/${String(body['file_id'])}`,
          file_size: data?.length,
        });
      }
      default:
        return no(404, 'Not Found');
    }
  };
  const server = await HttpStandIn.open(answer);

  const said = ({ from, in: room, text, mention = false, replyTo, bot = false, attachment }: Said): Body => {
    const chat = room === 'direct' ? idOf(from) : room === 'group' ? GROUP : FORUM;
    const called = mention ? `@sigil_bot ${text}` : text;
    const answered = sent.find((one) => one.id === replyTo && one.chat === chat);
    const file = `file-${messages.size}`;
    if (attachment !== undefined) files.set(`documents/${file}`, attachment.data);
    return {
      message_id: numbered(chat),
      date: Math.floor(Date.now() / 1_000),
      from: person(from, bot),
      chat: { id: chat, type: room === 'direct' ? 'private' : 'supergroup', title: room },
      ...(room === 'thread' ? { message_thread_id: TOPIC, is_topic_message: true } : {}),
      ...(attachment === undefined ? { text: called } : { caption: called }),
      ...(mention ? { entities: [{ type: 'mention', offset: 0, length: 10 }] } : {}),
      ...(answered === undefined ? {} : { reply_to_message: { message_id: Number(replyTo), from: ME } }),
      ...(attachment === undefined
        ? {}
        : {
            document: {
              file_id: file,
              file_name: attachment.name,
              mime_type: attachment.mediaType,
              file_size: attachment.data.length,
            },
          }),
    };
  };
  const make = (settings: object = {}) =>
    new TelegramAdapter({
      ...world.options,
      settings: telegramSettings.parse({ token: TOKEN, api_url: server.url, poll_timeout: 20, ...settings }),
    });

  return {
    key: TOKEN,
    url: server.url,
    nowhere: '999999',
    calls,
    get pending() {
      return updates.map(({ update_id }) => update_id);
    },
    messageOf: (id) => messages.get(id)?.message,
    make,
    put,
    refuse(method, code, description, parameters) {
      refusals.set(method, no(code, description, parameters));
    },
    adapter: ({ wrongKey = false } = {}) => make(wrongKey ? { token: '4242:wrong' } : {}),
    async say(one) {
      const message = said(one);
      const id = String(message['message_id']);
      messages.set(id, { from: one.from, message });
      put(message);
      return id;
    },
    async edit(id, text) {
      const kept = messages.get(id);
      updates.push({ update_id: next++, edited_message: { ...kept?.message, text } } as never);
      waiting?.();
    },
    async redeliver(id) {
      put(messages.get(id)?.message);
    },
    async seen(count) {
      await until(() => sent.length >= count);
      return sent;
    },
    sawTyping: () => until(() => typed > 0),
    target: (room, from) => ({
      channelId: String(room === 'direct' ? idOf(from) : room === 'group' ? GROUP : FORUM),
      ...(room === 'thread' ? { threadId: String(TOPIC) } : {}),
    }),
    async limitNext(ms) {
      refusals.set('sendMessage', no(429, 'Too Many Requests: retry later', { retry_after: ms / 1_000 }));
    },
    down: () => server.down(),
    up: () => server.up(),
    connections: async () => server.connections,
    timers: world.timers,
    close: () => server.close(),
  };
}

/** Whether tags close, as the real one wants. */
function wellFormed(html: string): boolean {
  const open: string[] = [];
  for (const [, end, tag = ''] of html.matchAll(/<(\/?)([a-z]+)[^>]*>/g)) {
    if (end === '') open.push(tag);
    else if (open.pop() !== tag) return false;
  }
  return open.length === 0 && !/[<>]/.test(html.replace(/<\/?(?:b|i|s|code|pre|blockquote|a)\b[^>]*>/g, ''));
}

function shown(html: string): string {
  return html
    .replace(/<[^>]*>/g, '')
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&quot;', '"')
    .replaceAll('&amp;', '&');
}

function read({ headers, body }: Asked): {
  readonly fields: Body;
  readonly parts: readonly { readonly name: string; readonly size: number }[];
} {
  const form = readForm(headers['content-type'], body);
  if (form === null) return { fields: body.length === 0 ? {} : JSON.parse(body.toString()), parts: [] };
  const values = Object.entries(form.fields).map(([name, text]) => [
    name,
    /^[[{]/.test(text) ? JSON.parse(text) : text,
  ]);
  return {
    fields: Object.fromEntries(values),
    parts: form.files.map(({ name, data }) => ({ name, size: data.length })),
  };
}

export const platform: PlatformUnderTest = {
  name: 'telegram',
  open: openPlatform,
  notApplicable: {
    'after-durable': 'nothing is asked for while something is not durable; see the test of its own',
    twice: 'Telegram drops nothing that is sent twice, and keeps nothing to look it up in',
  },
};

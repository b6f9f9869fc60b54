// SPDX-License-Identifier: Apache-2.0
// IRC, XMPP and e-mail in a whole gateway, through real servers: what people with clients of their own see of a conversation.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type EmailPlatform, openPlatform as openEmail } from '../channels/email/platform.ts';
import { DOMAIN, PASSWORD as MAIL_PASSWORD, AGENT as MAILBOX } from '../channels/email/servers.ts';
import { Person } from '../channels/irc/person.ts';
import { type IrcServer, ngircd, PASSWORD as SERVER_PASSWORD } from '../channels/irc/servers.ts';
import { missing } from '../channels/server-process.ts';
import { openPlatform as openXmpp, type XmppPlatform } from '../channels/xmpp/platform.ts';
import { PASSWORD as JABBER_PASSWORD } from '../channels/xmpp/prosody.ts';
import { until } from '../edge/client.ts';
import type { WireReply } from '../wire/format.ts';
import { openAiChat } from '../wire/openai-chat.ts';
import { startWireServer, type WireServer } from '../wire/server.ts';
import { closeHouses, type House, type Settings, startHouse } from './house.ts';

/** A person on a platform, and what they see. */
interface Someone {
  readonly type: string;
  /** Their id there. */
  readonly platform_id: string;
  /** Settings of the channel. */
  readonly entry: Readonly<Record<string, unknown>>;
  say(text: string): Promise<unknown>;
  /** Messages of the agent's, oldest first. */
  seen(): readonly string[];
  close(): Promise<void>;
}

interface Place {
  readonly type: string;
  readonly skipped: string | undefined;
  readonly open: () => Promise<Someone>;
  /** Paragraphs that are more than one message takes there. */
  readonly paragraphs: number;
  /** Whether the server keeps what is said to somebody who is away. */
  readonly keeps: boolean;
}

const places: readonly Place[] = [
  { type: 'irc', skipped: missing('ngircd', 'openssl'), open: onIrc, paragraphs: 10, keeps: false },
  { type: 'xmpp', skipped: missing('prosody'), open: onXmpp, paragraphs: 240, keeps: true },
  { type: 'email', skipped: missing('dovecot', 'lmtp'), open: byMail, paragraphs: 1_200, keeps: true },
];
const usage = { inputTokens: 30, outputTokens: 5, cacheReadTokens: 0, cacheWriteTokens: 0 };
const people = new Map<string, Someone>();
let vendor: WireServer;
let house: House;
let settings: Settings;

beforeAll(async () => {
  const opened = places.filter(({ skipped }) => skipped === undefined).map(({ open }) => open());
  vendor = await startWireServer();
  for (const someone of await Promise.all(opened)) people.set(someone.type, someone);
  settings = {
    providers: { mine: { type: 'openai-compatible', endpoint: vendor.url, api_key: 'sk-real-servers' } },
    models: { default: 'mine/local-model' },
    // A turn that runs at the end is gone on with by the next gateway.
    gateway: { drain_timeout: '150ms' },
    users: [
      {
        ...{ id: 'ada', name: 'Ada', role: 'owner', session_mode: 'per_channel' },
        identities: [...people.values()].map(({ type, platform_id }) => ({ channel: type, platform_id })),
      },
    ] as never,
    channels: Object.fromEntries(
      [...people.values()].map(({ type, entry }) => [type, { type, pairing: 'closed', ...entry }]),
    ),
  };
  if (people.size > 0) house = await startOnline();
});
afterAll(async () => {
  await closeHouses();
  for (const someone of people.values()) await someone.close();
  await vendor?.close();
});

/** The next gateway over the same data, once all its channels are online. */
async function startOnline(dataDir?: string): Promise<House> {
  const started = await startHouse(settings, dataDir);
  for (const type of people.keys())
    await until(async () => (await started.owner.get(`/api/v1/channels/${type}`)).body.state === 'online');
  return started;
}

/** The model: a tool where a product is asked for, as many paragraphs as are wanted, and else what it was told. */
function answer(
  texts: readonly { readonly role: string; readonly text: string }[],
  result: string | undefined,
): WireReply {
  const asked = texts.findLast(({ role }) => role === 'user')?.text ?? '';
  const calls = [{ id: 'call_1', name: 'calculator', arguments: ['{"expression":"17*23"}'] }];
  if (/17\*23/.test(asked) && result === undefined)
    return { parts: [{ type: 'tools', calls }], finish: 'tool_calls', usage };
  const wanted = Number(/(\d+) paragraphs/.exec(asked)?.[1] ?? 0);
  const told = Array.from({ length: wanted }, (_, at) => `Paragraph no${at + 1}x of the tale, in which ${TIDES}.`);
  const text = result !== undefined ? `It is ${result}.` : wanted > 0 ? told.join('\n\n') : `You said: ${asked}`;
  return { parts: [{ type: 'text', deltas: [text] }], finish: 'stop', usage };
}
const TIDES = 'the tide comes in, and goes out again, and nobody on the quay could say why it does so twice a day';

/** Answers everything; what has one of these words in it is not answered at all. */
function answering(withheld?: string): void {
  vendor.answer((asked) => {
    const { said } = openAiChat.sent(asked);
    const { messages } = asked.body as {
      readonly messages: readonly { readonly role: string; readonly content: string }[];
    };
    const last = messages.at(-1);
    const reply = openAiChat.stream(answer(said, last?.role === 'tool' ? last.content : undefined));
    const held = withheld !== undefined && said.at(-1)?.text.includes(withheld);
    return held ? { ...reply, delivery: { silent: true } } : reply;
  });
}

const someone = (type: string): Someone => {
  const found = people.get(type);
  if (found === undefined) throw new Error(`there is nobody on ${type}`);
  return found;
};
const timesSeen = (type: string, word: string): number =>
  someone(type)
    .seen()
    .filter((text) => text.includes(word)).length;

describe.each(places)('$type', ({ type, skipped, paragraphs }) => {
  const title = (of: string): string => (skipped === undefined ? of : `${of} (skipped: ${skipped})`);

  it.skipIf(skipped !== undefined)(title('answers with what a tool found'), async () => {
    answering();
    await someone(type).say('what is 17*23?');
    await until(() =>
      someone(type)
        .seen()
        .some((text) => text.includes('391')),
    );
    expect(timesSeen(type, '391')).toBe(1);
  });

  it.skipIf(skipped !== undefined)(title('gets a long reply in several messages, in their order, whole'), async () => {
    answering();
    const before = someone(type).seen().length;
    await someone(type).say(`a tale in ${paragraphs} paragraphs`);
    await until(() =>
      someone(type)
        .seen()
        .some((text) => text.includes(`no${paragraphs}x`)),
    );
    const parts = someone(type).seen().slice(before);
    expect(parts.length).toBeGreaterThan(1);
    const told = parts.join(' ').replace(/\s+/g, ' ');
    const all = Array.from({ length: paragraphs }, (_, at) => `Paragraph no${at + 1}x of the tale, in which ${TIDES}.`);
    expect(told.trim()).toBe(all.join(' '));
  });
});

const there = places.filter(({ skipped }) => skipped === undefined);
const absent = places.flatMap(({ skipped }) => skipped ?? []).join('; ');

it.skipIf(there.length === 0)(
  `what is said before and during a restart is answered once${absent === '' ? '' : ` (skipped: ${absent})`}`,
  async () => {
    answering('before');
    const asked = vendor.requests.length;
    for (const { type } of there) await someone(type).say(`said before on ${type}`);
    await until(() => vendor.requests.length >= asked + there.length);
    await house.drain();
    answering();
    const kept = there.filter(({ keeps }) => keeps);
    for (const { type } of kept) await someone(type).say(`said meanwhile on ${type}`);
    house = await startOnline(house.dataDir);
    for (const { type } of there) await until(() => timesSeen(type, `before on ${type}`) > 0);
    for (const { type } of kept) await until(() => timesSeen(type, `meanwhile on ${type}`) > 0);
    // What came twice would have come by the time something later is answered.
    await Promise.all(there.map(({ type }) => someone(type).say(`said after on ${type}`)));
    for (const { type, keeps } of there) {
      await until(() => timesSeen(type, `after on ${type}`) > 0);
      const times = ['before', 'meanwhile', 'after'].map((when) => timesSeen(type, `${when} on ${type}`));
      expect([type, ...times]).toEqual([type, 1, keeps ? 1 : 0, 1]);
    }
  },
);

async function onIrc(): Promise<Someone> {
  const server: IrcServer = await ngircd();
  const ada = await Person.connect(server.plain, 'ada', { password: SERVER_PASSWORD });
  const entry = {
    ...{ host: '127.0.0.1', port: server.agent, tls: server.tls, tls_verify: false, nick: 'sigil' },
    ...{ server_password: SERVER_PASSWORD, flood_interval: 0 },
  };
  return {
    type: 'irc',
    platform_id: 'ada!~ada@127.0.0.1',
    entry,
    say: (text) => ada.say('sigil', text),
    seen: () => ada.lines.flatMap((line) => /^(?:@\S+ )?:sigil\S* PRIVMSG ada :(.*)$/s.exec(line)?.[1] ?? []),
    async close() {
      ada.leave();
      await server.process.stop();
    },
  };
}

async function onXmpp(): Promise<Someone> {
  const platform: XmppPlatform = await openXmpp();
  const ada = await platform.person('ada');
  return {
    type: 'xmpp',
    platform_id: 'ada@localhost',
    entry: { jid: 'sigil@localhost', password: JABBER_PASSWORD, host: '127.0.0.1', port: platform.port, tls: 'none' },
    say: (text) => ada.say('sigil@localhost', text),
    seen: () =>
      ada.stanzas
        .filter(({ name, attrs }) => name === 'message' && String(attrs['from']).startsWith('sigil@localhost'))
        .flatMap((stanza) => stanza.getChildText('body') ?? []),
    close: () => platform.close(),
  };
}

async function byMail(): Promise<Someone> {
  const platform: EmailPlatform = await openEmail();
  const server = { host: '127.0.0.1', security: 'none' };
  return {
    type: 'email',
    platform_id: `ada@${DOMAIN}`,
    entry: {
      ...{ address: MAILBOX, password: MAIL_PASSWORD },
      ...{ imap: { ...server, port: platform.imapPort }, smtp: { ...server, port: platform.sink.port } },
    },
    say: (text) => platform.deliver({ text, subject: 'the tides' }),
    seen: () => platform.sink.mails.map(({ text }) => text ?? ''),
    close: () => platform.close(),
  };
}

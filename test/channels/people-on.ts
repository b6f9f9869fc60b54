// SPDX-License-Identifier: Apache-2.0
// Each kind of platform with its real adapter in a gateway that is a process: what it is configured with, who says what there,
// and what of the agent's is seen.

import { CallingPlatform, gatewayAt } from './calling-platform.ts';
import { TOKEN as DISCORD, openPlatform as openDiscord } from './discord/api.ts';
import { openPlatform as openEmail } from './email/platform.ts';
import { AGENT, DOMAIN, PASSWORD as MAIL_PASSWORD } from './email/servers.ts';
import { Person } from './irc/person.ts';
import { PASSWORD as IRC_PASSWORD, ngircd } from './irc/servers.ts';
import { TOKEN as MATRIX, AGENT as MATRIX_AGENT } from './matrix/homeserver.ts';
import { openPlatform as openMatrix } from './matrix/platform.ts';
import type { Platform, Seen } from './platform.ts';
import { missing } from './server-process.ts';
import { openPlatform as openSlack, SECRET as SIGNING, TOKEN as SLACK, signed as signedBySlack } from './slack/api.ts';
import { openPlatform as openTelegram, TOKEN as TELEGRAM } from './telegram/bot-api.ts';
import { openPlatform as openWebhook, SECRET } from './webhook/platform.ts';
import {
  APP_SECRET,
  NUMBER,
  numberOf,
  openPlatform as openWhatsApp,
  VERIFY_TOKEN,
  TOKEN as WHATSAPP,
} from './whatsapp/platform.ts';
import { openPlatform as openXmpp } from './xmpp/platform.ts';
import { PASSWORD as JABBER_PASSWORD } from './xmpp/prosody.ts';

export interface PeopleOn {
  /** Keys of its channel. */
  readonly entry: Readonly<Record<string, unknown>>;
  /** Who somebody is there. */
  id(name: string): string;
  /** A person says something to the agent alone. */
  say(name: string, text: string): Promise<unknown>;
  /** What the agent said, oldest first, as it reads now. More comes behind; what is there keeps its place. */
  seen(): readonly { readonly text: string }[];
  /** Messages the platform would bring again. */
  untaken(): number;
  close(): Promise<void>;
}

/** Where a platform that calls finds its channel of the gateway. */
export interface Reach {
  readonly webhook: string;
}

export const PLATFORMS = {
  telegram: async () => {
    const platform = await openTelegram();
    return {
      ...common(platform),
      entry: { type: 'telegram', token: TELEGRAM, api_url: platform.url, poll_timeout: 20 },
      id: (name: string) => platform.target('direct', name).channelId,
      untaken: () => platform.pending.length,
    };
  },
  discord: async () => {
    const platform = await openDiscord();
    return {
      ...common(platform),
      entry: { type: 'discord', token: DISCORD, api_url: `${platform.url}/api` },
      // The conversation has a number of its own.
      id: (name: string) => String(Number(platform.target('direct', name).channelId) - 9_000),
    };
  },
  slack: async () => {
    const platform = await openSlack();
    return {
      ...common(platform),
      entry: { type: 'slack', bot_token: SLACK, app_token: 'xapp-test', api_url: `${platform.url}/api/` },
      id: (name: string) => platform.target('direct', name).channelId.slice(1),
      untaken: () => platform.open.length,
    };
  },
  'slack-events': async ({ webhook }: Reach) => {
    const platform = await openSlack();
    const calls = new CallingPlatform();
    calls.adapter = gatewayAt(webhook);
    const { close, ...rest } = common(platform);
    return {
      ...rest,
      entry: {
        ...{ type: 'slack', mode: 'events', signing_secret: SIGNING },
        ...{ bot_token: SLACK, api_url: `${platform.url}/api/` },
      },
      id: (name: string) => platform.target('direct', name).channelId.slice(1),
      say: async (name: string, text: string) => {
        const event = platform.eventOf(await platform.say({ from: name, in: 'direct', text }));
        calls.call(name, () => signedBySlack({ type: 'event_callback', event }));
      },
      untaken: () => calls.open,
      async close() {
        calls.close();
        await close();
      },
    };
  },
  matrix: async () => {
    const platform = await openMatrix();
    const { home } = platform;
    const shown: { id: string; text: string }[] = [];
    let read = 0;
    return {
      ...common(platform),
      entry: { type: 'matrix', homeserver: home.server.url, access_token: MATRIX },
      id(name: string) {
        platform.direct(name);
        return `@${name}:local`;
      },
      // The same as the platform's own, but each event is looked at once.
      seen() {
        for (const { sender, type, content, event_id: id } of home.stream.slice(read)) {
          if (sender !== MATRIX_AGENT || type !== 'm.room.message') continue;
          const edited = content['m.relates_to']?.rel_type === 'm.replace' ? content['m.relates_to'].event_id : null;
          const one = shown.find((before) => before.id === edited);
          if (one === undefined) shown.push({ id, text: String(content.body) });
          else one.text = String(content['m.new_content'].body);
        }
        read = home.stream.length;
        return shown;
      },
    };
  },
  whatsapp: async ({ webhook }: Reach) => {
    const platform = await openWhatsApp();
    platform.calls.adapter = gatewayAt(webhook);
    return {
      ...common(platform),
      entry: {
        ...{ type: 'whatsapp', phone_number_id: NUMBER, access_token: WHATSAPP, app_secret: APP_SECRET },
        ...{ verify_token: VERIFY_TOKEN, api_root: platform.root },
      },
      id: numberOf,
      untaken: () => platform.calls.open,
    };
  },
  webhook: async ({ webhook }: Reach) => {
    const platform = await openWebhook();
    platform.calls.adapter = gatewayAt(webhook);
    return {
      ...common(platform),
      entry: { type: 'webhook', url: platform.url, secret: SECRET },
      id: (name: string) => `user-${name}`,
      untaken: () => platform.calls.open,
    };
  },
  irc: async () => {
    const server = await ngircd();
    const people = new Map<string, Person>();
    const shown: { text: string }[] = [];
    const read = new Map<Person, number>();
    return {
      entry: {
        ...{ type: 'irc', host: '127.0.0.1', port: server.agent, tls: server.tls, tls_verify: false, nick: 'sigil' },
        ...{ server_password: IRC_PASSWORD, flood_interval: 0 },
      },
      id: (name: string) => `${name}!~${name}@127.0.0.1`,
      async say(name: string, text: string) {
        const person = people.get(name) ?? (await Person.connect(server.plain, name, { password: IRC_PASSWORD }));
        people.set(name, person);
        await person.say('sigil', text);
      },
      seen() {
        for (const person of people.values()) {
          for (const line of person.lines.slice(read.get(person) ?? 0)) {
            const text = /^(?:@\S+ )?:sigil\S* PRIVMSG \S+ :(.*)$/s.exec(line)?.[1];
            if (text !== undefined) shown.push({ text });
          }
          read.set(person, person.lines.length);
        }
        return shown;
      },
      untaken: () => 0,
      async close() {
        for (const person of people.values()) person.leave();
        await server.process.stop();
      },
    };
  },
  xmpp: async () => {
    const platform = await openXmpp();
    const people = new Map<string, Awaited<ReturnType<typeof platform.person>>>();
    return {
      entry: {
        ...{ type: 'xmpp', jid: 'sigil@localhost', password: JABBER_PASSWORD },
        ...{ host: '127.0.0.1', port: platform.port, tls: 'none' },
      },
      id: (name: string) => `${name}@localhost`,
      async say(name: string, text: string) {
        const person = people.get(name) ?? (await platform.person(name));
        people.set(name, person);
        await person.say('sigil@localhost', text);
      },
      seen: () =>
        [...people.values()].flatMap(({ stanzas }) =>
          stanzas
            .filter(({ name, attrs }) => name === 'message' && String(attrs['from']).startsWith('sigil@localhost'))
            .flatMap((stanza) => stanza.getChildText('body') ?? [])
            .map((text) => ({ text })),
        ),
      untaken: () => 0,
      close: () => platform.close(),
    };
  },
  email: async () => {
    const platform = await openEmail();
    const server = { host: '127.0.0.1', security: 'none' };
    return {
      entry: {
        ...{ type: 'email', address: AGENT, password: MAIL_PASSWORD },
        ...{ imap: { ...server, port: platform.imapPort }, smtp: { ...server, port: platform.sink.port } },
      },
      id: (name: string) => `${name}@${DOMAIN}`,
      say: (name: string, text: string) => platform.deliver({ from: `${name}@${DOMAIN}`, subject: 'words', text }),
      seen: () => platform.sink.mails.map(({ text }) => ({ text: text ?? '' })),
      untaken: () => 0,
      close: () => platform.close(),
    };
  },
} satisfies Readonly<Record<string, (reach: Reach) => Promise<PeopleOn>>>;

export type PlatformName = keyof typeof PLATFORMS;

/** Why one cannot be had here, or undefined. */
export const ABSENT: Readonly<Partial<Record<PlatformName, string | undefined>>> = {
  irc: missing('ngircd', 'openssl'),
  xmpp: missing('prosody'),
  email: missing('dovecot', 'lmtp'),
};

function common(platform: Platform): Pick<PeopleOn, 'say' | 'seen' | 'untaken' | 'close'> {
  // It resolves with the list itself where nothing is waited for.
  let sent: readonly Seen[] = [];
  void platform.seen(0).then((all) => {
    sent = all;
  });
  return {
    say: (from, text) => platform.say({ from, in: 'direct', text }),
    seen: () => sent,
    untaken: () => 0,
    close: () => platform.close(),
  };
}

// SPDX-License-Identifier: Apache-2.0
// A real IRC server as the suite's platform: people on sockets of their own, and the agent behind a gate.

import { IrcAdapter } from '../../../src/channels/irc/adapter.ts';
import { ircSettings } from '../../../src/channels/irc/settings.ts';
import { until } from '../../edge/client.ts';
import type { Platform, PlatformUnderTest, Seen } from '../platform.ts';
import { realWorld } from '../real-world.ts';
import { missing } from '../server-process.ts';
import { TcpGate } from '../tcp-gate.ts';
import { Person } from './person.ts';
import { CHANNEL, type IrcServer, inspircd, ngircd, PASSWORD } from './servers.ts';

export const NICK = 'sigil';

export async function openPlatform(start: () => Promise<IrcServer>): Promise<Platform> {
  const server = await start();
  const gate = new TcpGate(server.agent);
  await gate.up();
  const people = new Map<string, Promise<Person>>();
  const person = (nick: string): Promise<Person> => {
    const known = people.get(nick);
    if (known !== undefined) return known;
    const made = Person.connect(server.plain, nick, { password: PASSWORD, channel: CHANNEL });
    people.set(nick, made);
    return made;
  };
  const eyes = await person('ada');
  /** Ids of what people say: the protocol has none, so an answer is known by whom it calls. */
  let said = 0;
  const last = new Map<string, string>();

  const seen = (): readonly Seen[] =>
    eyes.lines.flatMap((line, at) => {
      const parts = /^(?:@\S+ )?:sigil_*!\S+ PRIVMSG (\S+) :(.*)$/s.exec(line);
      if (parts === null) return [];
      const [, target = '', raw = ''] = parts;
      const called = /^([a-z0-9]+): /.exec(raw)?.[1];
      const replyTo = called === undefined ? undefined : last.get(called);
      const room = target === CHANNEL ? 'group' : 'direct';
      return [{ id: `${at}`, room, text: raw, raw, attachments: [], ...(replyTo === undefined ? {} : { replyTo }) }];
    });

  return {
    key: PASSWORD,
    nowhere: 'nobody-is-here',
    adapter: ({ wrongKey = false } = {}) =>
      new IrcAdapter({
        ...realWorld,
        settings: ircSettings.parse({
          host: '127.0.0.1',
          port: gate.port,
          tls: server.tls,
          tls_verify: false,
          nick: NICK,
          server_password: wrongKey ? 'not-the-password' : PASSWORD,
          channels: [{ name: CHANNEL }],
          flood_interval: 0,
        }),
      }),
    async say({ from, in: room, text, mention = false, bot = false }) {
      const id = `${++said}`;
      last.set(from, id);
      const target = room === 'group' ? CHANNEL : NICK;
      const who = await person(from);
      await who.say(target, mention ? `${NICK}: ${text}` : text, bot ? 'NOTICE' : 'PRIVMSG');
      return id;
    },
    async seen(count) {
      await until(() => seen().length >= count);
      return seen();
    },
    target: (room, from) => ({ channelId: room === 'group' ? CHANNEL : from }),
    down: () => gate.down(),
    up: () => gate.up(),
    connections: async () => gate.connections,
    async close() {
      for (const each of people.values()) (await each).leave();
      await gate.down();
      await server.process.stop();
    },
  };
}

const notApplicable: PlatformUnderTest['notApplicable'] = {
  answer: 'a message of IRC answers none',
  thread: 'IRC has no threads',
  edits: 'IRC has no edits',
  redelivered: 'IRC sends nothing twice',
  lines: 'a message of IRC is one line',
  'after-durable': 'IRC asks for no acknowledgement',
  'attachment-in': 'IRC has no attachments',
  'attachment-too-large': 'IRC has no attachments',
  'sent-id': 'IRC gives what is sent no id',
  'send-thread': 'IRC has no threads',
  'attachment-out': 'IRC has no attachments',
  edit: 'IRC has no edits',
  typing: 'typing is not shown on IRC',
  limited: 'servers do not say when to come again',
  twice: 'IRC drops nothing that is sent twice, and keeps nothing to look it up in',
  'while-away': 'IRC keeps nothing for who is away',
};

export const platforms: readonly PlatformUnderTest[] = [
  { name: 'irc (ngircd, TLS)', skipped: missing('ngircd', 'openssl'), open: () => openPlatform(ngircd), notApplicable },
  { name: 'irc (inspircd)', skipped: missing('inspircd'), open: () => openPlatform(inspircd), notApplicable },
];

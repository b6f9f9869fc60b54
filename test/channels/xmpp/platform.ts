// SPDX-License-Identifier: Apache-2.0
// Prosody as the suite's platform.

import { xml } from '@xmpp/client';
import { XmppAdapter } from '../../../src/channels/xmpp/adapter.ts';
import { xmppSettings } from '../../../src/channels/xmpp/settings.ts';
import { until } from '../../edge/client.ts';
import type { Platform, PlatformUnderTest, Seen } from '../platform.ts';
import { realWorld } from '../real-world.ts';
import { missing } from '../server-process.ts';
import { TcpGate } from '../tcp-gate.ts';
import { Person } from './person.ts';
import { DOMAIN, PASSWORD, prosody, ROOM } from './prosody.ts';

const AGENT = `sigil@${DOMAIN}`;

export interface XmppPlatform extends Platform {
  readonly port: number;
  person(name: string): Promise<Person>;
}

export async function openPlatform(): Promise<XmppPlatform> {
  const server = await prosody();
  const gate = new TcpGate(server.port);
  await gate.up();
  const people = new Map<string, Promise<Person>>();
  const person = (name: string): Promise<Person> => {
    const known = people.get(name) ?? Person.connect(server.port, name);
    people.set(name, known);
    return known;
  };
  const eyes = await person('ada');
  const said = new Map<
    string,
    { readonly from: string; readonly to: string; readonly text: string; readonly room: boolean }
  >();

  const seen = (): readonly Seen[] =>
    eyes.stanzas.flatMap((stanza) => {
      const { from = '', type, id } = stanza.attrs;
      const raw = stanza.getChildText('body');
      const room = from === `${ROOM}/sigil` && type === 'groupchat';
      if (stanza.name !== 'message' || raw === null || (!room && !from.startsWith(`${AGENT}/`))) return [];
      const replyTo = stanza.getChild('reply')?.attrs['id'];
      return [
        {
          id,
          room: room ? 'group' : 'direct',
          text: raw,
          raw,
          attachments: [],
          ...(replyTo === undefined ? {} : { replyTo }),
        },
      ];
    });

  return {
    port: gate.port,
    person,
    key: PASSWORD,
    nowhere: `nobody@${DOMAIN}`,
    adapter: ({ wrongKey = false } = {}) =>
      new XmppAdapter({
        ...realWorld,
        settings: xmppSettings.parse({
          jid: AGENT,
          password: wrongKey ? 'not-the-password' : PASSWORD,
          host: '127.0.0.1',
          port: gate.port,
          tls: 'none',
          rooms: [{ jid: ROOM }],
        }),
      }),
    async say({ from, in: place, text, mention = false, replyTo }) {
      const room = place === 'group';
      const to = room ? ROOM : AGENT;
      const whole = mention ? `sigil: ${text}` : text;
      const more =
        replyTo === undefined ? [] : [xml('reply', { xmlns: 'urn:xmpp:reply:0', to: `${ROOM}/sigil`, id: replyTo })];
      const id = await (await person(from)).say(to, whole, { room, more });
      said.set(id, { from, to, text: whole, room });
      return id;
    },
    async edit(id, text) {
      const { from, to, room } = said.get(id) ?? { from: 'ada', to: AGENT, room: false };
      await (await person(from)).say(to, text, {
        room,
        more: [xml('replace', { xmlns: 'urn:xmpp:message-correct:0', id })],
      });
    },
    async redeliver(id) {
      const { from, to, text, room } = said.get(id) ?? { from: 'ada', to: AGENT, text: '', room: false };
      await (await person(from)).say(to, text, { room, id });
    },
    async seen(count) {
      await until(() => seen().length >= count);
      return seen();
    },
    async sawTyping() {
      await eyes.sees((stanza) => stanza.name === 'message' && stanza.getChild('composing') !== undefined);
    },
    target: (room, from) => ({ channelId: room === 'group' ? ROOM : `${from}@${DOMAIN}` }),
    down: () => gate.down(),
    up: () => gate.up(),
    connections: async () => gate.connections,
    async close() {
      for (const each of people.values()) await (await each).xmpp.stop().catch(() => undefined);
      await gate.down();
      await server.process.stop();
    },
  };
}

export const platform: PlatformUnderTest = {
  name: 'xmpp (prosody)',
  skipped: missing('prosody'),
  open: openPlatform,
  flood: 3_000,
  notApplicable: {
    thread: 'a thread of XMPP is a mark on a message, which few programs show',
    bots: 'XMPP does not say who is a bot',
    'attachment-in': 'files are links to an upload on XMPP',
    'attachment-too-large': 'files are links to an upload on XMPP',
    'send-thread': 'a thread of XMPP is a mark on a message, which few programs show',
    'attachment-out': 'files are links to an upload on XMPP',
    edit: 'corrections are shown by some programs and are a second message in others',
    limited: 'servers slow a fast sender down and refuse nothing',
    twice: 'XMPP drops nothing that is sent twice, and servers need not keep what was sent',
  },
};

// SPDX-License-Identifier: Apache-2.0
// Dovecot and an SMTP sink as the suite's platform; people put their mail in over LMTP.

import { createTransport } from 'nodemailer';
import { EmailAdapter } from '../../../src/channels/email/adapter.ts';
import { emailSettings } from '../../../src/channels/email/settings.ts';
import { until } from '../../edge/client.ts';
import type { Platform, PlatformUnderTest, Seen } from '../platform.ts';
import { realWorld } from '../real-world.ts';
import { missing } from '../server-process.ts';
import { TcpGate } from '../tcp-gate.ts';
import { AGENT, DOMAIN, dovecot, PASSWORD, type Sink, sink } from './servers.ts';

/** A mail as its headers and text, for what the suite has no words for. */
export interface RawMail {
  readonly from?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly subject?: string;
  readonly text?: string;
  readonly html?: string;
}

export interface EmailPlatform extends Platform {
  readonly sink: Sink;
  /** @returns its Message-ID */
  deliver(mail: RawMail): Promise<string>;
  /** Flags of the agent's mail with this Message-ID. */
  readonly imapPort: number;
}

export async function openPlatform(): Promise<EmailPlatform> {
  const [server, outbox] = [await dovecot(), await sink()];
  const gates = [new TcpGate(server.imap), new TcpGate(outbox.port)] as const;
  for (const gate of gates) await gate.up();
  const lmtp = createTransport({
    lmtp: true,
    host: '127.0.0.1',
    port: server.lmtp,
    pool: true,
    maxConnections: 1,
    maxMessages: 10_000,
    ignoreTLS: true,
  });
  let said = 0;
  const kept = new Map<string, object>();
  const roots = new Map<string, string>();
  const put = async (id: string, mail: object): Promise<string> => {
    kept.set(id, mail);
    await lmtp.sendMail({ ...mail, messageId: id, envelope: { from: `people@${DOMAIN}`, to: [AGENT] } });
    return id;
  };
  const next = () => `<said-${++said}@people.test>`;
  roots.set('ada', '<the-root@people.test>');

  const seen = (): readonly Seen[] =>
    outbox.mails.map((mail) => {
      const text = (mail.text ?? '').replace(/\n$/, '');
      const references = [mail.references ?? []].flat();
      return {
        id: mail.messageId ?? '',
        room: references[0] === roots.get('ada') ? 'thread' : 'direct',
        text,
        raw: text,
        ...(mail.inReplyTo === undefined ? {} : { replyTo: mail.inReplyTo }),
        attachments: mail.attachments.map(({ filename, size }) => ({ name: filename ?? '', size })),
      };
    });

  return {
    sink: outbox,
    imapPort: server.imap,
    deliver: ({ from = `Ada <ada@${DOMAIN}>`, ...mail }) => put(next(), { from, to: AGENT, ...mail }),
    key: PASSWORD,
    nowhere: `nobody@${DOMAIN}`,
    adapter: ({ wrongKey = false } = {}) =>
      new EmailAdapter({
        ...realWorld,
        settings: emailSettings.parse({
          address: AGENT,
          password: wrongKey ? 'not-the-password' : PASSWORD,
          imap: { host: '127.0.0.1', port: gates[0].port, security: 'none' },
          smtp: { host: '127.0.0.1', port: gates[1].port, security: 'none' },
        }),
      }),
    say({ from, in: room, text, replyTo, bot = false, attachment }) {
      const answered = room === 'thread' ? roots.get('ada') : replyTo;
      return put(next(), {
        from: { name: from, address: `${from}@${DOMAIN}` },
        to: AGENT,
        text,
        ...(answered === undefined ? {} : { inReplyTo: answered, references: [answered] }),
        ...(bot ? { headers: { 'Auto-Submitted': 'auto-generated' } } : {}),
        ...(attachment === undefined
          ? {}
          : {
              attachments: [
                { filename: attachment.name, contentType: attachment.mediaType, content: Buffer.from(attachment.data) },
              ],
            }),
      });
    },
    async redeliver(id) {
      await put(id, kept.get(id) ?? {});
    },
    async seen(count) {
      await until(() => seen().length >= count);
      return seen();
    },
    target: (room, from) => ({
      channelId: `${from}@${DOMAIN}`,
      ...(room === 'thread' ? { threadId: roots.get('ada') ?? '' } : {}),
    }),
    async down() {
      for (const gate of gates) await gate.down();
    },
    async up() {
      for (const gate of gates) await gate.up();
    },
    connections: async () => gates[0].connections + gates[1].connections,
    async close() {
      lmtp.close();
      for (const gate of gates) await gate.down();
      await outbox.close();
      await server.process.stop();
    },
  };
}

export const platform: PlatformUnderTest = {
  name: 'email (dovecot)',
  skipped: missing('dovecot', 'lmtp'),
  open: openPlatform,
  flood: 300,
  notApplicable: {
    group: 'a mail is to the agent; whoever else gets it is no group',
    mention: 'who is written to is called',
    edits: 'a mail that was sent stays as it is',
    'send-group': 'a mail is to one person',
    edit: 'a mail that was sent stays as it is',
    typing: 'nobody sees a mail being written',
    limited: 'mail servers do not say when to come again',
  },
};

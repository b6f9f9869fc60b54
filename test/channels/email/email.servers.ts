// SPDX-License-Identifier: Apache-2.0
// The e-mail adapter against dovecot and an SMTP sink: the suite, and what is mail's alone.

import { ImapFlow } from 'imapflow';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ChannelInbound } from '../../../src/channels/adapter.ts';
import { toFailure } from '../../../src/errors.ts';
import { until } from '../../edge/client.ts';
import { adapterSuite } from '../adapter-suite.ts';
import { type EmailPlatform, openPlatform, platform } from './platform.ts';
import { AGENT, DOMAIN, PASSWORD } from './servers.ts';

adapterSuite(platform);

const never = new AbortController().signal;
describe.skipIf(platform.skipped !== undefined)('mail', () => {
  let mail: EmailPlatform;
  beforeAll(async () => {
    mail = await openPlatform();
  });
  afterAll(() => mail?.close());

  const unread = async (): Promise<number> => {
    const imap = new ImapFlow({
      host: '127.0.0.1',
      port: mail.imapPort,
      secure: false,
      logger: false,
      auth: { user: AGENT, pass: PASSWORD },
    });
    await imap.connect();
    const { unseen } = (await imap.status('INBOX', { unseen: true })) || {};
    await imap.logout();
    return unseen ?? -1;
  };
  const connect = async (received: (message: ChannelInbound) => Promise<void>) => {
    const adapter = mail.adapter();
    await adapter.start({ received, lost: () => undefined }, { signal: never });
    return { adapter, [Symbol.asyncDispose]: () => adapter.stop() };
  };

  it('is read once it is durable, and robots are read without a word', async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    const heard: ChannelInbound[] = [];
    await using _ = await connect(async (message) => {
      heard.push(message);
      await promise;
    });
    await mail.deliver({ from: `mailer-daemon@${DOMAIN}`, text: 'it bounced' });
    await mail.deliver({ headers: { 'List-Id': '<a.list>' }, text: 'to all' });
    await mail.deliver({ from: AGENT, text: 'from itself' });
    await mail.deliver({ subject: 'only a subject' });
    await mail.deliver({ html: '<p>Hello <b>you</b></p><blockquote>what was said</blockquote>' });
    await until(() => heard.length === 2);
    await until(async () => (await unread()) === 2);
    expect(heard.map(({ content }) => content)).toEqual(['only a subject', 'Hello you']);
    resolve();
    await until(async () => (await unread()) === 0);
  });

  it('stays in its thread, under its subject, also after a new start', async () => {
    const heard: ChannelInbound[] = [];
    const first = await connect(async (message) => void heard.push(message));
    const id = await mail.deliver({
      subject: 'The tide',
      text: 'when?',
      headers: { References: '<a@x> <b@x>', 'In-Reply-To': '<b@x>' },
    });
    await until(() => heard.length === 1);
    await first.adapter.stop();
    await using second = await connect(async () => undefined);
    const outbound = {
      channelId: `ada@${DOMAIN}`,
      threadId: '<a@x>',
      replyTo: id,
      content: 'at nine',
      attachments: [],
      idempotencyKey: 'turn-thread:1',
    };
    await second.adapter.send(outbound, { signal: never });
    const sent = mail.sink.mails.at(-1);
    expect(heard[0]).toMatchObject({ threadId: '<a@x>', replyTo: '<b@x>' });
    expect(sent).toMatchObject({ subject: 'Re: The tide', inReplyTo: id, references: ['<a@x>', '<b@x>', id] });
    expect(sent?.headers.get('auto-submitted')).toBe('auto-replied');
    expect(await second.adapter.lookup?.(outbound.channelId, outbound.idempotencyKey)).toEqual({
      platformMessageId: sent?.messageId,
    });
    expect(await second.adapter.lookup?.(outbound.channelId, 'never-sent:1')).toBeNull();
  });

  it.each([
    [451, 'rate_limited', true],
    [552, 'payload_too_large', false],
    [554, 'forbidden', false],
  ])('that is answered with %i has failed with %s', async (code, failed, retryable) => {
    await using mine = await connect(async () => undefined);
    mail.sink.refuseNext(code);
    const outbound = {
      channelId: `ada@${DOMAIN}`,
      content: 'hello',
      attachments: [],
      idempotencyKey: `turn-${code}:1`,
    };
    const failure = await mine.adapter.send(outbound, { signal: never }).then(() => expect.unreachable(), toFailure);
    expect(failure).toMatchObject({ code: failed, retryable });
  });
});

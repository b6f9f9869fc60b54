// SPDX-License-Identifier: Apache-2.0
// Mails: what is new in them, which of them programs sent, and what keeps a thread together.

import { simpleParser } from 'mailparser';
import { describe, expect, it } from 'vitest';
import {
  answering,
  isAddress,
  isAutomatic,
  messageIdFor,
  referencesOf,
  replySubject,
  senderOf,
  withoutQuotes,
} from '../../../src/channels/email/translate.ts';

const parse = (headers: string, text = 'hello') =>
  simpleParser(`From: Ada <Ada@Example.com>\r\n${headers}\r\n\r\n${text}`);

describe('what a mail says', () => {
  it.each([
    ['plain', 'hello\nthere', 'hello\nthere'],
    ['above a quote', 'yes\n\nOn Mon, 1 Jan 2024, Sigil wrote:\n> shall I?\n> really', 'yes'],
    [
      'above a quote whose head is two lines',
      'yes\n\nOn Mon, 1 Jan 2024 at 10:00, Sigil\n<s@example.com> wrote:\n\n> shall I?',
      'yes',
    ],
    ['between quotes', '> one?\nyes\n> two?\nno', 'yes\nno'],
    ['above a signature', 'hello\n-- \nAda\nAnalyst', 'hello'],
    ['above a forwarded mail', 'see this\n-----Original Message-----\nFrom: x', 'see this'],
    ['with a line of its own that looks like one', 'I wrote: on 3 May\nand more', 'I wrote: on 3 May\nand more'],
    ['nothing but a quote', '> only this', '> only this'],
  ])('%s', (_, text, content) => {
    expect(withoutQuotes(text)).toBe(content);
    expect(withoutQuotes(text.replaceAll('\n', '\r\n'))).toBe(content);
  });
});

describe('a robot', () => {
  it.each([
    'Auto-Submitted: auto-replied',
    'Auto-Submitted: auto-generated; why',
    'Precedence: bulk',
    'Precedence: list',
    'List-Id: <a.list>',
    'List-Unsubscribe: <mailto:x@y>',
    'Return-Path: <>',
    'X-Autoreply: yes',
    'Content-Type: multipart/report; report-type=delivery-status; boundary=x',
  ])('says %s', async (line) => {
    expect(isAutomatic(await parse(line))).toBe(true);
  });

  it.each(['mailer-daemon', 'MAILER-DAEMON', 'postmaster', 'no-reply', 'noreply+abc', 'bounces+1', 'donotreply'])(
    'is %s',
    async (name) => {
      expect(isAutomatic(await simpleParser(`From: ${name}@example.com\r\n\r\nhello`))).toBe(true);
    },
  );

  it.each(['Auto-Submitted: no', 'Precedence: normal', 'Return-Path: <ada@example.com>', 'Subject: list'])(
    'is nobody who says %s',
    async (line) => {
      expect(isAutomatic(await parse(line))).toBe(false);
    },
  );

  it('is nobody of a name that begins like one', async () => {
    expect(isAutomatic(await simpleParser('From: bouncer@example.com\r\n\r\nhello'))).toBe(false);
  });
});

describe('who wrote it', () => {
  it('is one address, in one case', async () => {
    expect(senderOf(await parse('Subject: x'))).toEqual({ address: 'ada@example.com', name: 'Ada' });
    expect(senderOf(await simpleParser('From: a@example.com, b@example.com\r\n\r\nx'))).toBeNull();
    expect(senderOf(await simpleParser('Subject: x\r\n\r\nx'))).toBeNull();
  });

  it.each(['a@b', 'ada+x@example.com'])('may be %s', (address) => expect(isAddress(address)).toBe(true));
  it.each(['a', 'a@b,c@d', 'a b@c', '<a@b>', 'a@b\r\nBcc: c@d', ''])('and not %j', (address) =>
    expect(isAddress(address)).toBe(false),
  );
});

describe('a thread', () => {
  it('is known by its references, or by what is answered', async () => {
    expect(referencesOf(await parse('References: <1@x> <2@x>\r\nIn-Reply-To: <2@x>'))).toEqual(['<1@x>', '<2@x>']);
    expect(referencesOf(await parse('In-Reply-To: <2@x>'))).toEqual(['<2@x>']);
    expect(referencesOf(await parse('Subject: x'))).toEqual([]);
  });

  it('keeps its first and its newest', () => {
    expect(answering('<1@x>', ['<1@x>', '<2@x>'], '<3@x>')).toEqual(['<1@x>', '<2@x>', '<3@x>']);
    const long = answering(
      '<0@x>',
      Array.from({ length: 50 }, (_, at) => `<${at}@x>`),
      '<50@x>',
    );
    expect(long).toHaveLength(20);
    expect([long[0], long.at(-1)]).toEqual(['<0@x>', '<50@x>']);
    expect(answering(undefined, [], 'no id\r\nBcc: x')).toEqual([]);
  });

  it('has one subject', () => {
    expect(['tide', 'Re: tide', 'AW: tide'].map(replySubject)).toEqual(['Re: tide', 'Re: tide', 'AW: tide']);
  });

  it('has an id of a key, and no other of another', () => {
    expect(messageIdFor('turn:1', 's@example.com')).toBe(messageIdFor('turn:1', 's@example.com'));
    expect(messageIdFor('turn:1', 's@example.com')).not.toBe(messageIdFor('turn:2', 's@example.com'));
    expect(messageIdFor('turn:1', 's@example.com')).toMatch(/^<[0-9a-f]{40}@example\.com>$/);
  });
});

// SPDX-License-Identifier: Apache-2.0
// Stanzas: what they say, under which key, and how far they are durable.

import { xml } from '@xmpp/client';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Acknowledged } from '../../../src/channels/xmpp/acknowledged.ts';
import { stanzaFailure } from '../../../src/channels/xmpp/failures.ts';
import { addressed, bare, bodyOf, isSaid, NS, stanzaKey, xmlText } from '../../../src/channels/xmpp/translate.ts';

const from = 'ada@example.com/phone';
const message = (...children: ReturnType<typeof xml>[]) =>
  xml('message', { from, id: 'm1', type: 'chat' }, ...children);
const body = xml('body', {}, 'hello');

describe('the key of a message', () => {
  it('is of who keeps the conversation, and of nobody who says so', () => {
    const kept = xml('stanza-id', { xmlns: NS.ids, by: 'room@example.com', id: 'k1' });
    const forged = xml('stanza-id', { xmlns: NS.ids, by: 'room@evil.example', id: 'k1' });
    expect(stanzaKey(message(body, kept), ['room@example.com'])).toBe('room@example.com k1');
    expect(stanzaKey(message(body, forged), ['room@example.com'])).toBe(`${from} m1`);
    expect(stanzaKey(message(body, xml('origin-id', { xmlns: NS.ids, id: 'o1' })), [])).toBe(`${from} o1`);
    expect(stanzaKey(xml('message', { from }, body), [])).toBeNull();
  });
});

describe('what is said', () => {
  it('is a body, and no correction, carbon, error or state', () => {
    expect(isSaid(message(body))).toBe(true);
    expect(isSaid(message(xml('composing', { xmlns: NS.chatStates })))).toBe(false);
    expect(isSaid(message(body, xml('replace', { xmlns: NS.correct, id: 'm0' })))).toBe(false);
    expect(isSaid(message(body, xml('received', { xmlns: NS.carbons })))).toBe(false);
    expect(isSaid(message(body, xml('sent', { xmlns: NS.carbons })))).toBe(false);
    expect(isSaid(xml('message', { from, type: 'error' }, body))).toBe(false);
    expect(isSaid(xml('message', { from, type: 'headline' }, body))).toBe(false);
  });

  it('has no quote that stands there for old programs, counted in characters', () => {
    const range = (start: string, end: string) =>
      xml('fallback', { xmlns: NS.fallback, for: NS.reply }, xml('body', { start, end }));
    const quoted = xml('body', {}, '> 👩 hi\nyes');
    expect(bodyOf(message(quoted, range('0', '7')))).toBe('yes');
    for (const [start, end] of [
      ['-1', '7'],
      ['5', '2'],
      ['x', '7'],
    ] as const)
      expect(bodyOf(message(quoted, range(start, end)))).toBe('> 👩 hi\nyes');
  });

  it('may call the agent', () => {
    expect(addressed('sigil: hi', 'sigil')).toEqual({ content: 'hi', named: true });
    expect(addressed('ask Sigil!', 'sigil')).toEqual({ content: 'ask Sigil!', named: true });
    expect(addressed('sigils', 'sigil')).toEqual({ content: 'sigils', named: false });
    expect(addressed('c++ (bot): hi', 'c++ (bot)')).toEqual({ content: 'hi', named: true });
  });

  it('is from an address in one case, without its resource', () => {
    expect(bare('Ada@Example.com/Phone/2')).toBe('ada@example.com');
  });
});

it('any text can be in XML', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      const written = xmlText(text);
      // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what XML has not.
      expect(/[\x00-\x08\x0b-\x1f\ufffe\uffff]/.test(written)).toBe(false);
      expect(written.isWellFormed()).toBe(true);
    }),
  );
});

it('is acknowledged only as far as none before is open, in whatever order they become durable', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(), { maxLength: 40 }), (order) => {
      const acknowledged = new Acknowledged();
      acknowledged.arrive();
      acknowledged.reset();
      const open = order.map((rank, at) => ({ rank, at, done: acknowledged.arrive() }));
      const closed = new Set<number>();
      for (const { at, done } of open.toSorted((a, b) => a.rank - b.rank)) {
        done();
        closed.add(at);
        let prefix = 0;
        while (closed.has(prefix)) prefix += 1;
        expect(acknowledged.count).toBe(prefix);
      }
    }),
  );
});

it('a stream before says nothing about this one', () => {
  const acknowledged = new Acknowledged();
  const before = acknowledged.arrive();
  acknowledged.reset();
  acknowledged.arrive();
  before();
  expect(acknowledged.count).toBe(0);
});

it.each([
  ['cancel', 'service-unavailable', 'not_found'],
  ['cancel', 'item-not-found', 'not_found'],
  ['auth', 'forbidden', 'forbidden'],
  ['wait', 'resource-constraint', 'rate_limited'],
  ['wait', 'remote-server-timeout', 'channel_network'],
])('an error of the type %s that says %s is %s', (type, condition, code) => {
  expect(stanzaFailure(xml('error', { type }, xml(condition, {})), 'ada@example.com').code).toBe(code);
});

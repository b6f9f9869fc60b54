// SPDX-License-Identifier: Apache-2.0
// IRC's texts: lines that fit whatever is said, who is called, who somebody is, and where a message may go.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ircSettings } from '../../../src/channels/irc/settings.ts';
import {
  addressed,
  checkedTarget,
  lines,
  MAX_MESSAGE_LENGTH,
  parseMask,
  plainText,
  platformId,
  room,
} from '../../../src/channels/irc/translate.ts';
import { usualRuns } from '../../drawn.ts';

const anyText = fc.string({ unit: 'grapheme', maxLength: MAX_MESSAGE_LENGTH });

describe('lines of IRC', () => {
  it('fit in bytes, break no line and no character, and lose nothing but what cannot be sent', () => {
    const text = fc.oneof(anyText, fc.string({ unit: 'binary', maxLength: MAX_MESSAGE_LENGTH }));
    fc.assert(
      fc.property(text, fc.integer({ min: 20, max: 400 }), (content, bytes) => {
        const made = lines(content.toWellFormed(), bytes);
        for (const line of made) {
          expect(Buffer.byteLength(line)).toBeLessThanOrEqual(bytes);
          // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must not be there.
          expect(line).not.toMatch(/[\x00-\x1f\x7f]/);
          expect(line.isWellFormed()).toBe(true);
        }
        // biome-ignore lint/suspicious/noControlCharactersInRegex: what is sent as a space, or as an end of line.
        const bare = (all: string) => all.replace(/[\s\x00-\x1f\x7f]/g, '');
        expect(bare(made.join(''))).toBe(bare(content.toWellFormed()));
      }),
      { numRuns: usualRuns(40) },
    );
  });

  it('hold the longest plain text in one, under the longest names there are', () => {
    const [nick, target] = ['n'.repeat(30), `#${'c'.repeat(60)}`];
    expect(lines('x'.repeat(MAX_MESSAGE_LENGTH), room(nick, target))).toHaveLength(1);
    const whole = `:${nick}!${'u'.repeat(12)}@${'h'.repeat(63)} PRIVMSG ${target} :\r\n`;
    expect(Buffer.byteLength(whole) + room(nick, target)).toBe(512);
  });

  it('carry no command and no CTCP of their own', () => {
    expect(lines('a\r\nQUIT :bye\n\x01VERSION\x01\0b', 300)).toEqual(['a', 'QUIT :bye', ' VERSION  b']);
  });
});

describe('calling the agent', () => {
  it.each([
    ['sigil: hello', 'hello', true],
    ['Sigil, hello', 'hello', true],
    ['@sigil: hello', 'hello', true],
    ['  SIGIL :hello', 'hello', true],
    ['what does sigil say', 'what does sigil say', true],
    ['sigils: hello', 'sigils: hello', false],
    ['my-sigil says', 'my-sigil says', false],
    ['nothing', 'nothing', false],
  ])('%s', (said, content, named) => {
    expect(addressed(said, 'sigil')).toEqual({ content, named });
  });

  it('works with a nick of punctuation', () => {
    expect(addressed('[sigil]^: hi', '[sigil]^')).toEqual({ content: 'hi', named: true });
    expect(addressed('sigil: hi', '[sigil]^')).toEqual({ content: 'sigil: hi', named: false });
  });

  it('is seen through colours', () => {
    expect(plainText('\x02\x0304,01sigil\x03\x02: \x1dhi\x0f')).toBe('sigil: hi');
  });
});

describe('who somebody is', () => {
  const who = { nick: 'ada', ident: '~ada', hostname: 'example.com' };
  it('is their account, whatever nick they take', () => {
    expect(platformId({ ...who, account: 'lovelace' })).toBe('lovelace');
    expect(platformId({ ...who, nick: 'ada_', account: 'lovelace' })).toBe('lovelace');
  });

  it('is the whole mask without one, which no account looks like', () => {
    for (const account of [undefined, '', '*', '0']) {
      const id = platformId(account === undefined ? who : { ...who, account });
      expect(id).toBe('ada!~ada@example.com');
      expect(parseMask(id)).toEqual({ nick: 'ada', user: '~ada', host: 'example.com' });
    }
    expect(parseMask('lovelace')).toBeNull();
  });
});

describe('where a message goes', () => {
  it.each(['#harbour', 'ada', '[ada]^', '&local', '+modeless'])('%s', (target) => {
    expect(checkedTarget(target)).toBe(target);
  });
  it.each(['', 'ada,bob', 'ada bob', 'ada\r\nQUIT', ':ada', '$*.net', 'a\0', '#a\u0007b'])('not %j', (target) => {
    expect(() => checkedTarget(target)).toThrow(/no nick or channel/);
  });
});

describe('settings', () => {
  it('are TLS on 6697 and the nick sigil, unless said', () => {
    expect(ircSettings.parse({ host: 'irc.example.com' })).toMatchObject({
      port: 6697,
      tls: true,
      tls_verify: true,
      nick: 'sigil',
    });
  });
  it.each([
    [{ nick: 'a b' }, 'nick'],
    [{ nick: 'a\r\nQUIT' }, 'nick'],
    [{ realname: 'a\nQUIT' }, 'realname'],
    [{ channels: [{ name: '#a,#b' }] }, 'channels'],
    [{ auth: 'sasl' }, 'password'],
    [{ auth: 'nickserv', password: 'one\r\nQUIT' }, 'password'],
    [{ server_password: 'one\r\nQUIT' }, 'server_password'],
  ])('refuse %j', (wrong, path) => {
    const { error } = ircSettings.safeParse({ host: 'irc.example.com', ...wrong });
    expect(error?.issues[0]?.path[0]).toBe(path);
  });
});

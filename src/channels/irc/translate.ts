// SPDX-License-Identifier: Apache-2.0
// What people say on IRC as the agent's messages, and what the agent says as lines that fit.

import type { IrcMessageEvent } from 'irc-framework';
import { failure, SigilError } from '../../errors.ts';

/** A line of IRC with its end, in bytes (RFC 2812, 2.3). */
const LINE = 512;
/** What the server puts before a line may have: the longest user name and host that servers give. */
const USER_AND_HOST = 12 + 1 + 63;
/** Colours of mIRC, by number or as hex, and the switches of bold, italics and so on. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are control characters.
const FORMATTING = /\x03(?:\d{1,2}(?:,\d{1,2})?)?|\x04(?:[0-9a-f]{6})?|[\x02\x0f\x11\x16\x1d\x1e\x1f]/gi;
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what may not be sent; CTCP begins with one.
const CONTROL = /[\x00-\x08\x0b-\x1f\x7f]/g;

/** Longer texts go to the core's splitter: this is a line with the longest names before it, in plain ASCII. */
export const MAX_MESSAGE_LENGTH = 320;

/** @returns the text without colours and the like */
export function plainText(message: string): string {
  return message.replace(FORMATTING, '');
}

/** Without `nick:` or `nick,` at its beginning, and whether the agent is named at all. */
export function addressed(content: string, nick: string): { readonly content: string; readonly named: boolean } {
  const name = nick.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&');
  const called = new RegExp(`^\\s*@?${name}\\s*[:,]\\s*`, 'i').exec(content);
  if (called !== null) return { content: content.slice(called[0].length), named: true };
  // A nick may end in what is no letter: it stands alone where nothing that may be in a nick is next to it.
  const part = '[\\p{L}\\p{N}_\\-\\[\\]\\\\`^{}|]';
  return { content, named: new RegExp(`(?<!${part})${name}(?!${part})`, 'iu').test(content) };
}

/**
 * Who somebody is: their account where the server says they are logged in to one, and `nick!user@host` where it does not.
 * An account has no `!` in it, so nobody can take the one for the other by choosing a nick. The second is only as good as the
 * server's word for the host, and changes when they take another nick.
 */
export function platformId(who: Pick<IrcMessageEvent, 'nick' | 'ident' | 'hostname' | 'account'>): string {
  const { account } = who;
  return account !== undefined && account !== '' && account !== '*' && account !== '0'
    ? account
    : `${who.nick}!${who.ident}@${who.hostname}`;
}

/** The parts of a {@link platformId} that is no account. */
export function parseMask(id: string): { readonly nick: string; readonly user: string; readonly host: string } | null {
  const parts = /^([^!@\s]+)!([^!@\s]+)@(\S+)$/.exec(id);
  if (parts === null) return null;
  const [, nick = '', user = '', host = ''] = parts;
  return { nick, user, host };
}

/**
 * A target that is one conversation: no list of them, no mask of servers, nothing that ends a word or a line.
 * @throws SigilError not_found
 */
export function checkedTarget(channelId: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these would end the word or the line.
  if (/^[^\x00-\x20,:$][^\x00-\x20,]*$/.test(channelId) && channelId.length <= 200) return channelId;
  throw new SigilError(failure('not_found', `${JSON.stringify(channelId.slice(0, 80))} is no nick or channel of IRC`));
}

/** Room for text in a PRIVMSG, in bytes: everybody gets it with the sender's whole name before it. */
export function room(nick: string, target: string): number {
  return LINE - Buffer.byteLength(`:${nick}! PRIVMSG ${target} :\r\n`) - USER_AND_HOST;
}

/** A text as lines of at most so many bytes of UTF-8, broken at spaces where there are some and never within a character. */
export function lines(content: string, bytes: number): readonly string[] {
  return content
    .split(/\r\n|\r|\n/)
    .map((line) => line.replace(CONTROL, ' ').replace(/\t/g, '    '))
    .filter((line) => line.trim() !== '')
    .flatMap((line) => [...pieces(line, bytes)]);
}

function* pieces(line: string, bytes: number): Generator<string> {
  let rest = line;
  while (Buffer.byteLength(rest) > bytes) {
    let end = 0;
    let used = 0;
    let space = 0;
    for (const { segment } of graphemes.segment(rest)) {
      const size = Buffer.byteLength(segment);
      if (used + size > bytes) break;
      if (segment === ' ') space = end;
      used += size;
      end += segment.length;
    }
    // One grapheme larger than a line: its characters are all that can be kept whole.
    if (end === 0) end = wholeCharacters(rest, bytes);
    const at = space > end / 2 ? space : end;
    yield rest.slice(0, at);
    rest = rest.slice(at).trimStart();
  }
  if (rest !== '') yield rest;
}

const graphemes = new Intl.Segmenter('en', { granularity: 'grapheme' });

function wholeCharacters(text: string, bytes: number): number {
  let used = 0;
  let end = 0;
  for (const character of text) {
    used += Buffer.byteLength(character);
    if (used > bytes) break;
    end += character.length;
  }
  return end;
}

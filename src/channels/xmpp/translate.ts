// SPDX-License-Identifier: Apache-2.0
// What a message stanza says, whose it is, and under which key; and what the agent says as one.

import type { Element } from '@xmpp/xml';

export const NS = {
  carbons: 'urn:xmpp:carbons:2',
  chatStates: 'http://jabber.org/protocol/chatstates',
  correct: 'urn:xmpp:message-correct:0',
  delay: 'urn:xmpp:delay',
  disco: 'http://jabber.org/protocol/disco#info',
  fallback: 'urn:xmpp:fallback:0',
  ids: 'urn:xmpp:sid:0',
  muc: 'http://jabber.org/protocol/muc',
  mucUser: 'http://jabber.org/protocol/muc#user',
  nick: 'http://jabber.org/protocol/nick',
  occupant: 'urn:xmpp:occupant-id:0',
  ping: 'urn:xmpp:ping',
  reply: 'urn:xmpp:reply:0',
  streamManagement: 'urn:xmpp:sm:3',
} as const;

/** A stanza of this size passes the limits servers have by default (256 KiB for a client) in any alphabet. */
export const MAX_MESSAGE_LENGTH = 20_000;

/** An address without its resource, in the case servers compare it in. */
export function bare(jid: string): string {
  return (jid.split('/', 1)[0] ?? '').toLowerCase();
}

export function resourceOf(jid: string): string {
  const slash = jid.indexOf('/');
  return slash < 0 ? '' : jid.slice(slash + 1);
}

/** Text that may be in XML 1.0, with its line ends as one character. */
export function xmlText(text: string): string {
  return (
    text
      .replace(/\r\n?/g, '\n')
      .toWellFormed()
      // biome-ignore lint/suspicious/noControlCharactersInRegex: XML has no way to write these.
      .replace(/[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]/g, ' ')
  );
}

/** Without `nick:` or `nick,` at its beginning, and whether the agent is named at all. */
export function addressed(content: string, nick: string): { readonly content: string; readonly named: boolean } {
  const name = nick.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&');
  const called = new RegExp(`^\\s*@?${name}\\s*[:,]\\s*`, 'iu').exec(content);
  if (called !== null) return { content: content.slice(called[0].length), named: true };
  return { content, named: new RegExp(`(?<![\\p{L}\\p{N}_])${name}(?![\\p{L}\\p{N}_])`, 'iu').test(content) };
}

/** A body without what stands there for programs that know no answers (XEP-0461, XEP-0428); counted in code points. */
export function bodyOf(message: Element): string {
  const body = message.getChildText('body') ?? '';
  const fallback = message.getChildren('fallback', NS.fallback).find((one) => one.attrs['for'] === NS.reply);
  const range = fallback?.getChild('body');
  if (range === undefined || range === null) return body;
  const points = [...body];
  const [start, end] = [Number(range.attrs['start'] ?? 0), Number(range.attrs['end'] ?? points.length)];
  if (!(Number.isInteger(start) && Number.isInteger(end) && 0 <= start && start <= end)) return body;
  return [...points.slice(0, start), ...points.slice(end)].join('');
}

/**
 * The key of a message: its id with who keeps the conversation (a room, or our own server), whom nobody can speak for. Where
 * neither gives one, the sender's own id together with their connection: a sender that repeats its ids only hides its own.
 */
export function stanzaKey(message: Element, keepers: readonly string[]): string | null {
  const kept = message
    .getChildren('stanza-id', NS.ids)
    .find(({ attrs }) => keepers.includes(bare(String(attrs['by'] ?? ''))) && attrs['id']);
  if (kept !== undefined) return `${kept.attrs['by']} ${kept.attrs['id']}`;
  const own = message.getChild('origin-id', NS.ids)?.attrs['id'] ?? message.attrs['id'];
  return own === undefined || own === '' ? null : `${message.attrs['from']} ${own}`;
}

/** When it was said, where somebody kept it for us; epoch milliseconds. */
export function delayedAt(message: Element): number | null {
  const at = Date.parse(String(message.getChild('delay', NS.delay)?.attrs['stamp'] ?? ''));
  return Number.isNaN(at) ? null : at;
}

/** Whether a message says something new: no error, no carbon of another's, no correction, and a body. */
export function isSaid(message: Element): boolean {
  const { type } = message.attrs;
  if (type === 'error' || type === 'headline') return false;
  if (message.getChild('sent', NS.carbons) || message.getChild('received', NS.carbons)) return false;
  return !message.getChild('replace', NS.correct) && (message.getChildText('body') ?? '').trim() !== '';
}

// SPDX-License-Identifier: Apache-2.0
// What a mail says and whose it is: without quotes and signature, without robots, with its thread. Neither DKIM nor SPF is
// checked: a sender is who the mail says it is from, which is as good as the check of the server that took it in.

import { createHash } from 'node:crypto';
import type { ParsedMail } from 'mailparser';

export const MAX_MESSAGE_LENGTH = 100_000;
/** References a reply has at most: the thread's first and the newest. */
const REFERENCES = 20;

/** A header's text, in lower case; empty when it is not there. */
function header(mail: ParsedMail, name: string): string {
  const value = mail.headers.get(name);
  if (typeof value === 'string') return value.toLowerCase();
  if (typeof value === 'object' && value !== null && 'value' in value && typeof value.value === 'string')
    return value.value.toLowerCase();
  return value === undefined ? '' : JSON.stringify(value).toLowerCase();
}

/** The sender's address, or null when there is not exactly one. */
export function senderOf(mail: ParsedMail): { readonly address: string; readonly name: string } | null {
  // Of two lines the server that took it in may have checked the other one.
  if (mail.headerLines.filter(({ key }) => key === 'from').length !== 1) return null;
  const [from, ...others] = mail.from?.value ?? [];
  const address = lowerCase(from?.address ?? '');
  if (others.length > 0 || !isAddress(address)) return null;
  const name = from?.name ?? '';
  return { address, name: name === '' ? (address.split('@')[0] ?? address) : name };
}

/** Of Latin letters only: there are others that become one of these (the sign of the kelvin), and would be somebody else. */
const lowerCase = (text: string): string => text.replace(/[A-Z]+/g, (letters) => letters.toLowerCase());

/** One address and nothing else. */
export function isAddress(text: string): boolean {
  return text.length <= 320 && /^[^\s@<>,;:"()[\]\\]+@[^\s@<>,;:"()[\]\\]+$/.test(text);
}

/**
 * Whether a program sent it: an answer would go to nobody, to a whole list, or to a program that answers in turn
 * (RFC 3834, 2).
 */
export function isAutomatic(mail: ParsedMail): boolean {
  const auto = header(mail, 'auto-submitted');
  if (auto !== '' && !auto.startsWith('no')) return true;
  if (/^(?:bulk|list|junk|auto_reply)/.test(header(mail, 'precedence'))) return true;
  for (const name of ['list', 'list-id', 'list-unsubscribe', 'x-autoreply', 'x-autorespond', 'x-loop', 'feedback-id'])
    if (mail.headers.has(name)) return true;
  if (/"?multipart\/report/.test(header(mail, 'content-type'))) return true;
  const returnPath = mail.headerLines.find(({ key }) => key === 'return-path')?.line ?? '';
  if (/^return-path:\s*<\s*>/i.test(returnPath)) return true;
  const address = mail.from?.value[0]?.address ?? '';
  return /^(?:mailer-daemon|postmaster|no-?reply|do-?not-?reply|bounces?)(?:[+@-]|$)/i.test(address);
}

/** A text without the mail it answers and without the signature; the whole when nothing else is left. */
export function withoutQuotes(text: string): string {
  const lines = text
    .replace(/\r\n?/g, '\n')
    .replace(/[ \t]+$/gm, (end) => (end === ' ' ? end : ''))
    .split('\n');
  const end = lines.findIndex((line, at) => isEnd(line, lines.slice(at + 1, at + 4)));
  const kept = (end < 0 ? lines : lines.slice(0, end)).filter((line) => !line.startsWith('>'));
  const content = kept.join('\n').trim();
  return content === '' && end !== 0 ? text.trim() : content === '' ? lines.join('\n').trim() : content;
}

function isEnd(line: string, next: readonly string[]): boolean {
  if (line === '-- ') return true;
  if (/^-{2,}\s*(?:original message|forwarded message|ursprüngliche nachricht)\s*-{2,}$/i.test(line.trim()))
    return true;
  // "On Monday, Ada wrote:", in one line or two, in any language: an address or a colon, and the quote right after it.
  const introduces = /:\s*$/.test(line) || /:\s*$/.test(next[0] ?? '');
  const quoted = next.find((one) => one.trim() !== '' && !/:\s*$/.test(one))?.startsWith('>') === true;
  return introduces && quoted && /\b(?:on|am|le|el|il|op|den)\b.*\d/i.test(line);
}

/** Ids of the mails before a mail in its thread, oldest first. */
export function referencesOf(mail: ParsedMail): readonly string[] {
  const references = mail.references === undefined ? [] : [mail.references].flat();
  const answered = mail.inReplyTo?.match(/<[^<>\s]+>/)?.[0];
  return answered === undefined || references.includes(answered) ? references : [...references, answered];
}

/** The references of an answer: all of the thread's, or its first and the newest where there are many. */
export function answering(
  threadId: string | undefined,
  earlier: readonly string[],
  replyTo: string | undefined,
): readonly string[] {
  const all = [threadId, ...earlier, replyTo].filter((id): id is string => id !== undefined && /^<[^<>\s]+>$/.test(id));
  const once = [...new Set(all)];
  return once.length <= REFERENCES ? once : [...once.slice(0, 1), ...once.slice(1 - REFERENCES)];
}

/** The same key gives the same id: a mail that may have been sent can be looked for under it. */
export function messageIdFor(idempotencyKey: string, address: string): string {
  const hash = createHash('sha256').update(`${address}\n${idempotencyKey}`).digest('hex').slice(0, 40);
  return `<${hash}@${address.split('@')[1] ?? 'localhost'}>`;
}

export function replySubject(subject: string): string {
  return /^\s*(?:re|aw|sv|antw)\s*:/i.test(subject) ? subject : `Re: ${subject}`;
}

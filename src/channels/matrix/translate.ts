// SPDX-License-Identifier: Apache-2.0
// What an event of a room says, and how a message is written as one.

import { z } from 'zod';
import type { ParseMarkdown } from '../text/document.ts';
import { matrixHtml } from '../text/html.ts';
import { mxc } from './api.ts';
import type { MatrixEvent } from './sync.ts';

/** In UTF-16 units: an event has at most 65,536 bytes, with its text in it twice. */
export const MAX_MESSAGE_LENGTH = 10_000;
/** Bytes of an event's content that leave room for what the server adds. */
const MAX_CONTENT = 60_000;
/** Of an edit's fallback, which only programs show that know no edits. */
const FALLBACK = 500;

const content = z.object({
  msgtype: z.string().max(100),
  body: z.string(),
  filename: z.string().max(500).optional().catch(undefined),
  url: mxc.optional().catch(undefined),
  file: z.unknown().optional(),
  info: z
    .object({ mimetype: z.string().max(200).optional(), size: z.number().nonnegative().optional() })
    .optional()
    .catch(undefined),
  'm.mentions': z
    .object({ user_ids: z.array(z.string()).max(1_000).default([]) })
    .optional()
    .catch(undefined),
  'm.relates_to': z
    .object({
      rel_type: z.string().optional(),
      event_id: z.string().max(255).optional(),
      is_falling_back: z.boolean().optional(),
      'm.in_reply_to': z.object({ event_id: z.string().max(255) }).optional(),
    })
    .optional()
    .catch(undefined),
});

/** Who the agent is in a room. */
export interface OwnNames {
  readonly id: string;
  readonly displayName: string;
}

export interface Read {
  readonly text: string;
  readonly file: {
    readonly url: string;
    readonly name: string;
    readonly mediaType: string;
    readonly size: number | null;
  } | null;
  readonly threadId: string | null;
  readonly replyTo: string | null;
  /** Somebody calls it by name or says whom they mean. */
  readonly named: boolean;
}

const FILES = new Set(['m.file', 'm.image', 'm.audio', 'm.video']);

/** What a person says in an event; null where it is nothing for an agent: edits, notices of other bots, what was removed. */
export function readMessage(event: MatrixEvent, own: OwnNames): Read | null {
  const read = content.safeParse(event.content);
  if (!read.success || event.type !== 'm.room.message') return null;
  const { msgtype, body, filename, url, info, 'm.mentions': mentions, 'm.relates_to': relation } = read.data;
  if (msgtype === 'm.notice' || relation?.rel_type === 'm.replace') return null;
  const file =
    FILES.has(msgtype) && url !== undefined
      ? { url, name: filename ?? body, mediaType: info?.mimetype ?? '', size: info?.size ?? null }
      : null;
  // What has no address is encrypted, or made up.
  if (file === null && FILES.has(msgtype)) return null;
  // Without a name of its own the body is the file's name, with one it is what is said of it.
  const captioned = file !== null && filename !== undefined && filename !== body;
  const inThread = relation?.rel_type === 'm.thread' && relation.event_id !== undefined;
  const answered = inThread && relation.is_falling_back === true ? undefined : relation?.['m.in_reply_to']?.event_id;
  const said = file !== null && !captioned ? '' : answered === undefined ? body : withoutFallback(body);
  const { text, first, within } = addressed(said, own);
  if (text.trim() === '' && file === null) return null;
  return {
    text: msgtype === 'm.emote' ? `* ${text}` : text,
    file,
    threadId: inThread ? (relation.event_id ?? null) : null,
    replyTo: answered ?? null,
    named: first || (mentions === undefined ? within : mentions.user_ids.includes(own.id)),
  };
}

/** Programs before v1.13 quote what they answer in the text, in front of it. */
function withoutFallback(body: string): string {
  if (!body.startsWith('> <')) return body;
  const lines = body.split('\n');
  const end = lines.findIndex((line) => !line.startsWith('> '));
  return end < 0 ? body : lines.slice(lines[end] === '' ? end + 1 : end).join('\n');
}

/** A text without the agent's name in front of it, and whether it was there, or anywhere. */
export function addressed(
  body: string,
  { id, displayName }: OwnNames,
): { readonly text: string; readonly first: boolean; readonly within: boolean } {
  const local = id.slice(1, id.indexOf(':'));
  const names = [id, displayName, `@${displayName}`, local, `@${local}`].filter((name) => !/^@?$/.test(name));
  const words = [...new Set(names)]
    .sort((a, b) => b.length - a.length)
    .map((name) => name.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&'));
  const front = new RegExp(`^\\s*(?:${words.join('|')})\\s*[:,]\\s*`, 'iu').exec(body);
  if (front !== null) return { text: body.slice(front[0].length), first: true, within: true };
  const within = new RegExp(`(?<![\\p{L}\\p{N}_-])(?:${words.join('|')})(?![\\p{L}\\p{N}_-])`, 'iu').test(body);
  return { text: body, first: false, within };
}

export interface Written {
  readonly content: string;
  readonly notice: boolean;
  readonly threadId?: string | undefined;
  readonly replyTo?: string | undefined;
}

/** The content of an event with a text. Nobody is called by it, whatever names are in it. */
export function textContent(parse: ParseMarkdown, { content: text, notice, threadId, replyTo }: Written): object {
  const relation = relationOf(threadId, replyTo);
  const plain = { msgtype: notice ? 'm.notice' : 'm.text', body: text, 'm.mentions': {}, ...relation };
  return fitting({ ...plain, ...formatted(parse, text) }, plain);
}

/** The content of an event that puts another text in the place of one. */
export function editContent(parse: ParseMarkdown, eventId: string, { content: text, notice }: Written): object {
  const msgtype = notice ? 'm.notice' : 'm.text';
  const shape = (words: object) => ({
    msgtype,
    body: `* ${text.length > FALLBACK ? `${text.slice(0, FALLBACK).toWellFormed()}…` : text}`,
    'm.mentions': {},
    'm.new_content': { msgtype, body: text, 'm.mentions': {}, ...words },
    'm.relates_to': { rel_type: 'm.replace', event_id: eventId },
  });
  return fitting(shape(formatted(parse, text)), shape({}));
}

/** The content of an event with a file. */
export function fileContent(
  { name, mediaType, size, url }: { name: string; mediaType: string; size: number; url: string },
  { threadId, replyTo }: { readonly threadId?: string | undefined; readonly replyTo?: string | undefined },
): object {
  const kind = /^(image|audio|video)\//.exec(mediaType)?.[1] ?? 'file';
  const info = { mimetype: mediaType, size };
  return {
    msgtype: `m.${kind}`,
    body: name,
    filename: name,
    url,
    info,
    'm.mentions': {},
    ...relationOf(threadId, replyTo),
  };
}

function relationOf(threadId: string | undefined, replyTo: string | undefined): object {
  const answers = (id: string) => ({ 'm.in_reply_to': { event_id: id } });
  if (threadId !== undefined) {
    const thread = { rel_type: 'm.thread', event_id: threadId };
    // For programs that know no threads it answers the thread's beginning.
    return {
      'm.relates_to': { ...thread, is_falling_back: replyTo === undefined, ...answers(replyTo ?? threadId) },
    };
  }
  return replyTo === undefined ? {} : { 'm.relates_to': answers(replyTo) };
}

/** The text with its form; nothing where it has none. */
function formatted(parse: ParseMarkdown, text: string): object {
  const html = matrixHtml(parse(text));
  const bare = /^<p>([^<]*)<\/p>$/.test(html) && !text.includes('\\') && !html.includes('&');
  return bare || html === '' ? {} : { format: 'org.matrix.custom.html', formatted_body: html };
}

/** The first that fits into an event, or the last. */
function fitting(first: object, last: object): object {
  return Buffer.byteLength(JSON.stringify(first)) <= MAX_CONTENT ? first : last;
}

// SPDX-License-Identifier: Apache-2.0
// As much of the Bot API's updates as is read, and what a message in one says (https://core.telegram.org/bots/api#update).

import { z } from 'zod';
import type { ChannelInbound } from '../adapter.ts';

const user = z.object({
  id: z.number(),
  is_bot: z.boolean(),
  first_name: z.string().default(''),
  last_name: z.string().optional(),
  username: z.string().optional(),
});

const entity = z.object({
  type: z.string(),
  offset: z.int(),
  length: z.int(),
  user: user.optional(),
  url: z.string().optional(),
});

const file = z.object({
  file_id: z.string(),
  file_name: z.string().optional(),
  mime_type: z.string().optional(),
  file_size: z.number().optional(),
});

const message = z.object({
  message_id: z.int(),
  message_thread_id: z.int().optional(),
  is_topic_message: z.boolean().optional(),
  date: z.number(),
  from: user.optional(),
  chat: z.object({ id: z.number(), type: z.string(), title: z.string().optional() }),
  text: z.string().optional(),
  caption: z.string().optional(),
  entities: z.array(entity).optional(),
  caption_entities: z.array(entity).optional(),
  reply_to_message: z.object({ message_id: z.int(), from: user.optional() }).optional(),
  photo: z.array(file).optional(),
  document: file.optional(),
  audio: file.optional(),
  voice: file.optional(),
  video: file.optional(),
  video_note: file.optional(),
  animation: file.optional(),
  sticker: file.extend({ is_animated: z.boolean().optional(), is_video: z.boolean().optional() }).optional(),
});

/** What is no message, or one of a form that is not known, is only an update to be confirmed. */
export const update = z.object({ update_id: z.int(), message: message.optional().catch(undefined) });

export type TelegramMessage = z.infer<typeof message>;
export type TelegramUser = z.infer<typeof user>;
export type TelegramFile = z.infer<typeof file>;

/** The bot itself. */
export interface Me {
  readonly id: number;
  readonly username: string;
}

export function nameOf({ first_name, last_name, username, id }: TelegramUser): string {
  return [first_name, last_name].filter(Boolean).join(' ') || username || String(id);
}

/** What is attached, each with a name people would give it. */
export function filesOf(
  said: TelegramMessage,
): readonly { readonly file: TelegramFile; readonly name: string; readonly type: string }[] {
  const one = (found: TelegramFile | undefined, otherwise: string, type: string) =>
    found === undefined ? [] : [{ file: found, name: found.file_name ?? otherwise, type: found.mime_type ?? type }];
  const { sticker } = said;
  return [
    // The same picture in sizes; the last is the largest.
    ...one(said.photo?.at(-1), 'photo.jpg', 'image/jpeg'),
    // An animation comes as a document too, for programs that know none.
    ...(said.animation === undefined
      ? one(said.document, 'document', '')
      : one(said.animation, 'animation.mp4', 'video/mp4')),
    ...one(said.audio, 'audio.mp3', 'audio/mpeg'),
    ...one(said.voice, 'voice.ogg', 'audio/ogg'),
    ...one(said.video, 'video.mp4', 'video/mp4'),
    ...one(said.video_note, 'video.mp4', 'video/mp4'),
    ...(sticker?.is_animated || sticker?.is_video ? [] : one(sticker, 'sticker.webp', 'image/webp')),
  ];
}

/** @returns what a person said, or null where nobody did; attachments are the adapter's to fetch */
export function inbound(said: TelegramMessage, me: Me): Omit<ChannelInbound, 'attachments'> | null {
  const { from, chat, reply_to_message: answered } = said;
  if (from === undefined || from.is_bot || from.id === me.id) return null;
  const text = said.text ?? said.caption ?? '';
  if (text.trim() === '' && filesOf(said).length === 0) return null;
  const entities = said.entities ?? said.caption_entities ?? [];
  const { content, named } = addressed(text, entities, me);
  const topic = said.is_topic_message === true ? said.message_thread_id : undefined;
  // In a topic every message answers the one that opened it.
  const replyTo = answered === undefined || answered.message_id === topic ? undefined : answered;
  return {
    messageId: String(said.message_id),
    // Ids count within a chat.
    dedupeKey: `${chat.id}:${said.message_id}`,
    channelId: String(chat.id),
    ...(topic === undefined ? {} : { threadId: String(topic) }),
    direct: chat.type === 'private',
    sender: { platformId: String(from.id), displayName: nameOf(from) },
    content,
    ...(replyTo === undefined ? {} : { replyTo: String(replyTo.message_id) }),
    mentionsAgent: named || replyTo?.from?.id === me.id,
    at: said.date * 1_000,
    metadata: { chat: chat.title ?? null, chat_type: chat.type, username: from.username ?? null },
  };
}

/** Whether the bot is named, and the text without its name where that only called it. */
function addressed(
  text: string,
  entities: readonly z.infer<typeof entity>[],
  me: Me,
): { readonly content: string; readonly named: boolean } {
  const name = `@${me.username}`.toLowerCase();
  const calls = entities.filter(({ type, offset, length, user: whom }) => {
    const written = text.slice(offset, offset + length).toLowerCase();
    if (type === 'text_mention') return whom?.id === me.id;
    return type === 'mention' ? written === name : type === 'bot_command' && written.endsWith(name);
  });
  const shown = withLinks(text, entities);
  if (calls.length === 0) return { content: shown, named: false };
  const first = calls.find(({ offset }) => text.slice(0, offset).trim() === '');
  if (first === undefined) return { content: shown, named: true };
  const { type, offset, length } = first;
  // No link is before it, so that all that was put in is behind.
  const rest = shown.slice(offset + length);
  // Of a command only the name goes: `/new@sigil_bot` is `/new`.
  if (type === 'bot_command') return { content: text.slice(offset, offset + length - name.length) + rest, named: true };
  return { content: rest.replace(/^\s*[:,]?\s*/, ''), named: true };
}

/** Addresses that are only under words, beside them. */
function withLinks(text: string, entities: readonly z.infer<typeof entity>[]): string {
  const links = entities.filter(({ type, url }) => type === 'text_link' && url !== undefined);
  return links
    .sort((a, b) => b.offset - a.offset)
    .reduce((all, { offset, length, url }) => {
      const end = offset + length;
      return `${all.slice(0, end)} (${url})${all.slice(end)}`;
    }, text);
}

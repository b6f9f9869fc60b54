// SPDX-License-Identifier: Apache-2.0
// As much of the gateway's events as is read, and what a message in one says.

import { z } from 'zod';
import type { ChannelInbound } from '../adapter.ts';

const user = z.object({
  id: z.string(),
  username: z.string(),
  global_name: z.string().nullish(),
  bot: z.boolean().optional(),
  system: z.boolean().optional(),
});

const attachment = z.object({
  url: z.string(),
  filename: z.string(),
  content_type: z.string().nullish(),
  size: z.number().nullish(),
});

/** https://discord.com/developers/docs/resources/message#message-object */
export const message = z.object({
  id: z.string(),
  channel_id: z.string(),
  guild_id: z.string().optional(),
  type: z.int(),
  content: z.string(),
  timestamp: z.string(),
  author: user,
  member: z.object({ nick: z.string().nullish() }).optional(),
  mentions: z.array(user).default([]),
  attachments: z.array(attachment).default([]),
  webhook_id: z.string().optional(),
  message_reference: z.object({ message_id: z.string().optional() }).optional(),
  referenced_message: z.object({ author: user }).nullish(),
});

export type DiscordMessage = z.infer<typeof message>;
export type DiscordAttachment = z.infer<typeof attachment>;
export type DiscordUser = z.infer<typeof user>;

/** Threads, as several events bring them. */
const thread = z.object({ id: z.string(), parent_id: z.string().nullish() });
const threads = z.object({ threads: z.array(thread).default([]) });

/** @returns threads that an event tells of, each with the channel it is in */
export function threadsIn(type: string, data: unknown): readonly (readonly [thread: string, channel: string])[] {
  const found =
    type === 'THREAD_CREATE' || type === 'THREAD_UPDATE'
      ? [thread.safeParse(data).data]
      : type === 'GUILD_CREATE' || type === 'THREAD_LIST_SYNC'
        ? (threads.safeParse(data).data?.threads ?? [])
        : [];
  return found.flatMap((one) => (typeof one?.parent_id === 'string' ? [[one.id, one.parent_id] as const] : []));
}

export function nameOf({ global_name, username }: DiscordUser, nick?: string | null): string {
  return nick || global_name || username;
}

/** A message of a person's own, or an answer to one; all other types are the platform's words. */
const SAID = new Set([0, 19]);

/**
 * @param parent the channel that a thread is in, or undefined where the conversation is none
 * @returns what a person said, or null where nobody did; attachments are the adapter's to fetch
 */
export function inbound(
  said: DiscordMessage,
  me: DiscordUser,
  parent: string | undefined,
): Omit<ChannelInbound, 'attachments'> | null {
  const { author } = said;
  if (author.bot === true || author.system === true || author.id === me.id) return null;
  if (said.webhook_id !== undefined || !SAID.has(said.type)) return null;
  const content = readable(said, me);
  if (content.trim() === '' && said.attachments.length === 0) return null;
  const replyTo = said.message_reference?.message_id;
  return {
    messageId: said.id,
    dedupeKey: said.id,
    channelId: parent ?? said.channel_id,
    ...(parent === undefined ? {} : { threadId: said.channel_id }),
    direct: said.guild_id === undefined,
    sender: { platformId: author.id, displayName: nameOf(author, said.member?.nick) },
    content,
    ...(replyTo === undefined ? {} : { replyTo }),
    mentionsAgent: said.mentions.some(({ id }) => id === me.id) || said.referenced_message?.author.id === me.id,
    at: Date.parse(said.timestamp),
    metadata: { guild: said.guild_id ?? null, username: author.username },
  };
}

/** Ids of people as their names, and without the agent's own where that only called it. */
function readable({ content, mentions }: DiscordMessage, me: DiscordUser): string {
  const called = new RegExp(`^\\s*<@!?${me.id}>\\s*[:,]?\\s*`).exec(content)?.[0].length ?? 0;
  const names = new Map([...mentions, me].map((one) => [one.id, nameOf(one)]));
  return content.slice(called).replace(/<@!?(\d{1,20})>/g, (written, id: string) => {
    const name = names.get(id);
    return name === undefined ? written : `@${name}`;
  });
}

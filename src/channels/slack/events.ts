// SPDX-License-Identifier: Apache-2.0
// As much of Slack's events as is read, and what a message in one says (https://docs.slack.dev/reference/events/message).

import { z } from 'zod';
import type { ChannelInbound } from '../adapter.ts';

const file = z.object({
  id: z.string(),
  name: z.string().nullish(),
  mimetype: z.string().nullish(),
  size: z.number().nullish(),
  url_private_download: z.string().optional(),
  url_private: z.string().optional(),
});

const event = z.object({
  type: z.enum(['message', 'app_mention']),
  subtype: z.string().optional(),
  channel: z.string(),
  channel_type: z.string().optional(),
  user: z.string().optional(),
  bot_id: z.string().optional(),
  text: z.string().default(''),
  ts: z.string(),
  thread_ts: z.string().optional(),
  parent_user_id: z.string().optional(),
  files: z.array(file).default([]),
});

/** What comes over the socket, and as the body of a request. */
export const delivery = z.object({
  type: z.string().optional(),
  challenge: z.string().optional(),
  team_id: z.string().optional(),
  event: event.optional().catch(undefined),
});

export type SlackEvent = z.infer<typeof event>;
export type SlackFile = z.infer<typeof file>;

/** The bot itself. */
export interface Me {
  readonly user: string;
}

/** A person's own words; every other subtype is the platform's, or an edit. */
const SAID = new Set([undefined, 'file_share', 'thread_broadcast', 'me_message']);

/** @returns what a person said but for their name, or null where nobody did; attachments are the adapter's to fetch */
export function inbound(
  said: SlackEvent,
  me: Me,
): (Omit<ChannelInbound, 'attachments' | 'sender'> & { readonly user: string }) | null {
  const { user, ts, thread_ts: thread, channel } = said;
  if (user === undefined || user === me.user || said.bot_id !== undefined || !SAID.has(said.subtype)) return null;
  const { content, named } = readable(said.text, me);
  if (content.trim() === '' && said.files.length === 0) return null;
  const answered = thread === undefined || thread === ts ? undefined : thread;
  return {
    user,
    messageId: ts,
    dedupeKey: `${channel}:${ts}`,
    channelId: channel,
    ...(answered === undefined ? {} : { threadId: answered, replyTo: answered }),
    direct: said.channel_type === 'im' || channel.startsWith('D'),
    content,
    mentionsAgent: named || said.parent_user_id === me.user,
    at: Math.floor(Number(ts) * 1_000),
    metadata: { channel_type: said.channel_type ?? null, type: said.type },
  };
}

/** Slack's marks for links and people as text, and without the agent's name where that only called it. */
function readable(text: string, me: Me): { readonly content: string; readonly named: boolean } {
  const self = `<@${me.user}>`;
  const called = new RegExp(`^\\s*${self.replace(/[^\w]/g, '\\$&')}\\s*[:,]?\\s*`).exec(text)?.[0].length ?? 0;
  const content = text.slice(called).replace(/<([^<>]*)>/g, (written, inside: string) => {
    const [what = '', label = ''] = inside.split('|', 2);
    if (/^[@#]/.test(what)) return `${what.slice(0, 1)}${label || what.slice(1)}`;
    if (what.startsWith('!')) return label || `@${what.slice(1).split('^')[0]}`;
    if (!/^[a-z]+:/i.test(what)) return written;
    return label === '' || label === what || `mailto:${label}` === what ? label || what : `[${label}](${what})`;
  });
  return { content: unescaped(content), named: text.includes(self) };
}

function unescaped(text: string): string {
  return text.replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&amp;', '&');
}

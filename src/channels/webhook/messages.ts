// SPDX-License-Identifier: Apache-2.0
// What is in the body of a signed request, in both directions.

import { z } from 'zod';
import { failure, SigilError } from '../../errors.ts';
import type { ChannelInbound, ChannelOutbound, InboundAttachment } from '../adapter.ts';

const id = z.string().min(1).max(500);

const attachment = z.object({
  name: z.string().min(1).max(255),
  media_type: z.string().max(200).default(''),
  /** Base64. */
  data: z.base64().max(1_500_000),
});

/** A message of a person's. What is not known is passed over: senders may say more than we read. */
const said = z.object({
  type: z.literal('message'),
  /** The message's own id; the request's when not given. */
  id: id.optional(),
  conversation: id,
  thread: id.optional(),
  sender: z.object({ id, name: z.string().max(500).optional(), bot: z.boolean().default(false) }),
  text: z.string().max(200_000).default(''),
  direct: z.boolean().default(true),
  mention: z.boolean().default(false),
  reply_to: id.optional(),
  at: z.iso.datetime({ offset: true }).optional(),
  attachments: z.array(attachment).max(10).default([]),
});

const anything = z.object({ type: z.string().min(1).max(100) });

export type Heard =
  | { readonly kind: 'message'; readonly message: ChannelInbound }
  /** Signed and well, but nothing for an agent. */
  | { readonly kind: 'ignored' }
  | { readonly kind: 'wrong'; readonly why: string };

/**
 * What a request says.
 *
 * @param request its id, under which it comes again
 * @param now epoch milliseconds
 * @param own whether a message of this id is one of the agent's
 */
export function heard(body: Uint8Array, request: string, now: number, own: (id: string) => boolean): Heard {
  const value = parsed(body);
  const { success, data } = anything.safeParse(value);
  if (!success) return { kind: 'wrong', why: 'the body is no JSON object with a `type`' };
  if (data.type !== 'message') return { kind: 'ignored' };
  const read = said.safeParse(value);
  if (!read.success) {
    const { path = [], message = '' } = read.error.issues[0] ?? {};
    return { kind: 'wrong', why: `\`${path.join('.')}\`: ${message}` };
  }
  const { sender, conversation, thread, text, direct, mention, reply_to, at, attachments } = read.data;
  if (sender.bot || (text.trim() === '' && attachments.length === 0)) return { kind: 'ignored' };
  const message: ChannelInbound = {
    messageId: read.data.id ?? request,
    dedupeKey: request,
    channelId: conversation,
    ...(thread === undefined ? {} : { threadId: thread }),
    direct,
    sender: { platformId: sender.id, displayName: sender.name ?? sender.id },
    content: text,
    attachments: attachments.map(attached),
    ...(reply_to === undefined ? {} : { replyTo: reply_to }),
    mentionsAgent: mention || (reply_to !== undefined && own(reply_to)),
    at: at === undefined ? now : Date.parse(at),
    metadata: { request },
  };
  return { kind: 'message', message };
}

function parsed(body: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body));
  } catch {
    return undefined;
  }
}

/** It came with the message: what is fetched is decoded, and not before. */
function attached({ name, media_type, data }: z.infer<typeof attachment>): InboundAttachment {
  const size = Math.floor((data.replace(/=+$/, '').length * 3) / 4);
  return {
    name,
    mediaType: media_type,
    size,
    fetch: async ({ most }) => {
      if (size <= most) return new Uint8Array(Buffer.from(data, 'base64'));
      throw new SigilError(failure('payload_too_large', `${name} has ${size} bytes; ${most} are allowed`));
    },
  };
}

/** A message of the agent's, as it is posted. */
export function posted(outbound: ChannelOutbound, at: string): Readonly<Record<string, unknown>> {
  const { channelId, threadId, replyTo, content, attachments, idempotencyKey } = outbound;
  return {
    type: 'message',
    id: idempotencyKey,
    conversation: channelId,
    ...(threadId === undefined ? {} : { thread: threadId }),
    ...(replyTo === undefined ? {} : { reply_to: replyTo }),
    text: content,
    at,
    attachments: attachments.map(({ name, mediaType, data }) => ({
      name,
      media_type: mediaType,
      data: Buffer.from(data).toString('base64'),
    })),
  };
}

// SPDX-License-Identifier: Apache-2.0
// What Meta sends to a webhook: of all of it the messages of people to one phone number.
// https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/reference/messages

import { z } from 'zod';

const text = z.string().max(100_000);
const media = z.object({
  id: z.string().min(1).max(200),
  mime_type: z.string().max(200).default(''),
  caption: text.optional(),
  filename: z.string().max(500).optional(),
});

const message = z.object({
  id: z.string().min(1).max(500),
  from: z.string().regex(/^\d{1,20}$/),
  timestamp: z.string().regex(/^\d{1,12}$/),
  type: z.string().max(50),
  context: z.object({ id: z.string().max(500).optional() }).optional(),
  text: z.object({ body: text }).optional(),
  image: media.optional(),
  document: media.optional(),
  audio: media.optional(),
  video: media.optional(),
  sticker: media.optional(),
  button: z.object({ text }).optional(),
  interactive: z
    .object({ button_reply: z.object({ title: text }).optional(), list_reply: z.object({ title: text }).optional() })
    .optional(),
  location: z
    .object({ latitude: z.number(), longitude: z.number(), name: text.optional(), address: text.optional() })
    .optional(),
  contacts: z
    .array(
      z.object({
        name: z.object({ formatted_name: text }),
        phones: z
          .array(z.object({ phone: text.optional() }))
          .max(50)
          .default([]),
      }),
    )
    .max(50)
    .optional(),
});

const value = z.object({
  metadata: z.object({ phone_number_id: z.string() }),
  contacts: z
    .array(z.object({ wa_id: z.string(), profile: z.object({ name: z.string().max(500).default('') }).optional() }))
    .default([]),
  messages: z.array(z.unknown()).max(1_000).default([]),
});

const payload = z.object({
  object: z.literal('whatsapp_business_account'),
  entry: z
    .array(z.object({ changes: z.array(z.object({ field: z.string(), value: z.unknown() })).max(1_000) }))
    .max(1_000),
});

export interface MediaPart {
  readonly id: string;
  readonly name: string;
  readonly mediaType: string;
}

/** A message, and nothing Meta's about it. */
export interface Said {
  readonly id: string;
  readonly from: string;
  readonly name: string;
  /** Epoch milliseconds. */
  readonly at: number;
  readonly type: string;
  readonly text: string;
  readonly media: readonly MediaPart[];
  readonly replyTo?: string;
}

/**
 * The messages of a request, in their order; null when it is none of WhatsApp's. What is told of besides (that something was
 * delivered or read, edits, calls, groups, other numbers of the account) is passed over, and so is a message whose kind is
 * not known, for there is nothing to answer in it.
 */
export function messagesIn(body: Uint8Array, phoneNumberId: string): readonly Said[] | null {
  const read = payload.safeParse(parsed(body));
  if (!read.success) return null;
  return read.data.entry
    .flatMap(({ changes }) => changes)
    .filter(({ field }) => field === 'messages')
    .flatMap(({ value: given }) => {
      const change = value.safeParse(given);
      if (!change.success || change.data.metadata.phone_number_id !== phoneNumberId) return [];
      const names = new Map(change.data.contacts.map(({ wa_id, profile }) => [wa_id, profile?.name ?? '']));
      return change.data.messages.flatMap((one) => {
        const found = message.safeParse(one);
        return found.success ? said(found.data, names) : [];
      });
    });
}

function parsed(body: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body));
  } catch {
    return undefined;
  }
}

function said(one: z.infer<typeof message>, names: ReadonlyMap<string, string>): readonly Said[] {
  const parts = (['image', 'document', 'audio', 'video', 'sticker'] as const).flatMap((kind) => {
    const part = one[kind];
    return part === undefined ? [] : [{ kind, part }];
  });
  const texts = [
    one.text?.body,
    one.button?.text,
    one.interactive?.button_reply?.title ?? one.interactive?.list_reply?.title,
    ...parts.map(({ part }) => part.caption),
    one.location === undefined ? undefined : place(one.location),
    ...(one.contacts ?? []).map(({ name, phones }) =>
      [`Contact: ${name.formatted_name}`, ...phones.flatMap(({ phone }) => phone ?? [])].join(', '),
    ),
  ].filter((part): part is string => part !== undefined && part.trim() !== '');
  if (texts.length === 0 && parts.length === 0) return [];
  const name = names.get(one.from) ?? '';
  const replyTo = one.context?.id;
  return [
    {
      id: one.id,
      from: one.from,
      name: name === '' ? `+${one.from}` : name,
      at: Number(one.timestamp) * 1_000,
      type: one.type,
      text: texts.join('\n'),
      media: parts.map(({ kind, part }) => ({
        id: part.id,
        name: part.filename ?? `${kind}${extensionOf(part.mime_type)}`,
        mediaType: part.mime_type,
      })),
      ...(replyTo === undefined ? {} : { replyTo }),
    },
  ];
}

function place({ latitude, longitude, name, address }: NonNullable<z.infer<typeof message>['location']>): string {
  return `Location: ${[name, address].filter((part) => part !== undefined && part !== '').join(', ')} (${latitude}, ${longitude})`;
}

/** For what has no name of its own: the part of its type that says what it is. */
function extensionOf(mediaType: string): string {
  const [, kind = ''] = /^[a-z]+\/([a-z0-9]{2,5})(?:\s*;|$)/i.exec(mediaType) ?? [];
  return kind === '' ? '' : `.${kind === 'jpeg' ? 'jpg' : kind}`;
}

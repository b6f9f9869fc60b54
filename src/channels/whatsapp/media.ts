// SPDX-License-Identifier: Apache-2.0
// Files of WhatsApp: what may be sent as what, how it is uploaded, and where it may be fetched from.

import { randomUUID } from 'node:crypto';
import { failure, SigilError } from '../../errors.ts';
import type { OutboundAttachment } from '../adapter.ts';

const MIB = 1024 * 1024;
/** https://developers.facebook.com/documentation/business-messaging/whatsapp/business-phone-numbers/media#supported-media-types */
const IMAGES = ['image/jpeg', 'image/png'];
const AUDIO = ['audio/aac', 'audio/amr', 'audio/mpeg', 'audio/mp4', 'audio/ogg'];
const VIDEO = ['video/mp4', 'video/3gpp'];
const DOCUMENTS = [
  'text/plain',
  'application/pdf',
  'application/msword',
  'application/vnd.ms-excel',
  'application/vnd.ms-powerpoint',
  'application/vnd.openxmlformats-officedocument.wordprocessingml.document',
  'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet',
  'application/vnd.openxmlformats-officedocument.presentationml.presentation',
];

export const MEDIA_TYPES: readonly string[] = [...IMAGES, ...AUDIO, ...VIDEO, ...DOCUMENTS];

export type MediaKind = 'image' | 'audio' | 'video' | 'document';

const LARGEST: Readonly<Record<MediaKind, number>> = {
  image: 5 * MIB,
  audio: 16 * MIB,
  video: 16 * MIB,
  document: 100 * MIB,
};

/** As what a file is sent. @throws SigilError where it cannot be */
export function kindOf({ name, mediaType, data }: OutboundAttachment): MediaKind {
  const type = bare(mediaType);
  const kind = IMAGES.includes(type)
    ? 'image'
    : AUDIO.includes(type)
      ? 'audio'
      : VIDEO.includes(type)
        ? 'video'
        : DOCUMENTS.includes(type)
          ? 'document'
          : undefined;
  if (kind === undefined)
    throw new SigilError(
      failure('unsupported_media_type', `WhatsApp takes no ${type || 'file without a type'} (${name})`),
    );
  if (data.length > LARGEST[kind])
    throw new SigilError(
      failure('payload_too_large', `${name} has ${data.length} bytes; WhatsApp takes ${LARGEST[kind]} of its kind`),
    );
  return kind;
}

function bare(mediaType: string): string {
  return mediaType.split(';', 1)[0]?.trim().toLowerCase() ?? '';
}

/** A form with one file, as `POST /media` wants it. */
export function uploadForm({ name, mediaType, data }: OutboundAttachment): {
  readonly type: string;
  readonly body: Buffer;
} {
  const boundary = `sigil-${randomUUID()}`;
  const filename = name.replace(/["\r\n\\]/g, '_');
  const fields = [
    part(boundary, 'name="messaging_product"', 'whatsapp'),
    part(boundary, 'name="type"', bare(mediaType)),
    `--${boundary}\r\nContent-Disposition: form-data; name="file"; filename="${filename}"\r\nContent-Type: ${bare(mediaType)}\r\n\r\n`,
  ];
  const body = Buffer.concat([Buffer.from(fields.join('')), data, Buffer.from(`\r\n--${boundary}--\r\n`)]);
  return { type: `multipart/form-data; boundary=${boundary}`, body };
}

function part(boundary: string, name: string, text: string): string {
  return `--${boundary}\r\nContent-Disposition: form-data; ${name}\r\n\r\n${text}\r\n`;
}

/**
 * Where a file is, as Meta says: the token goes along, so only to hosts of theirs, and by TLS.
 *
 * @throws SigilError for any other
 */
export function mediaUrl(given: string, hosts: readonly string[], root: string): URL {
  const url = URL.canParse(given) ? new URL(given) : null;
  if (url !== null && url.origin === new URL(root).origin) return url;
  const name = url?.hostname ?? '';
  const known = hosts.some((host) => name === host.toLowerCase() || name.endsWith(`.${host.toLowerCase()}`));
  if (url !== null && known && url.protocol === 'https:' && url.port === '' && url.username === '') return url;
  throw new SigilError(
    failure(
      'channel_refused',
      `an attachment is at ${name.slice(0, 100) || 'no address'}, which is not in \`media_hosts\``,
    ),
  );
}

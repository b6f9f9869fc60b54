// SPDX-License-Identifier: Apache-2.0
// Takes the files of a message: fetched within bounds of size, type and time, kept under its workspace, told apart by what they are.

import type { InboundAttachment } from '../channels/adapter.ts';
import { sniff } from '../channels/sniff.ts';
import type { Config } from '../config/schema.ts';
import { toFailure } from '../errors.ts';
import { IMAGE_TYPES } from '../providers/provider.ts';
import {
  ATTACHMENTS_MOST,
  type Attachment,
  type AttachmentFiles,
  type AttachmentOwner,
  IMAGE_BYTES_MOST,
  type ImageType,
  NAME_MOST,
  sizeText,
  TEXT_MOST,
} from '../stores/attachments.ts';
import type { World } from '../world.ts';

/** How long the files of one message may take together, in milliseconds. */
const WITHIN = 60_000;
/** Files that are fetched at once on a thread, each held whole; others wait for them. */
const AT_ONCE = 3;

export interface AttachmentTaking {
  readonly files: Pick<AttachmentFiles, 'keep'>;
  /** Those in force now. */
  readonly limits: () => Config['attachments'];
  readonly world: Pick<World, 'after'>;
}

export interface TakeAttachments {
  /**
   * What becomes of a message's files. One that cannot be had, or is not taken, is said to be, and keeps nothing else from
   * being taken: it does not fail for them.
   *
   * @throws SigilError `storage_failed` when nothing can be kept: the platform is to send the message again
   */
  take(
    owner: AttachmentOwner,
    found: readonly InboundAttachment[],
    options: { readonly signal: AbortSignal },
  ): Promise<readonly Attachment[]>;
}

/** One for a thread: what it holds at once is bounded for all its channels together. */
export function takeAttachments({ files, limits, world }: AttachmentTaking): TakeAttachments {
  const waiting: (() => void)[] = [];
  let fetching = 0;
  const enter = async (): Promise<void> => {
    if (fetching >= AT_ONCE) await new Promise<void>((resolve) => waiting.push(resolve));
    else fetching += 1;
  };
  const leave = (): void => {
    const next = waiting.shift();
    if (next === undefined) fetching -= 1;
    else next();
  };

  const one = async (
    owner: AttachmentOwner,
    found: InboundAttachment,
    signal: AbortSignal,
    room: number,
  ): Promise<Attachment> => {
    const name = nameOf(found.name);
    const said = { name, media_type: typeOf(found.mediaType), size: found.size };
    const refused = (problem: string): Attachment => ({ kind: 'refused', ...said, problem });
    const { max_size: most, types } = limits();
    if (found.size !== null && found.size > most) return refused(`it is larger than ${sizeText(most)}`);
    await enter();
    try {
      let data: Uint8Array;
      try {
        data = await within(found.fetch({ most, signal }), signal);
      } catch (thrown) {
        const { code } = toFailure(thrown);
        if (signal.aborted) return refused('it took too long to fetch');
        return refused(
          code === 'payload_too_large' ? `it is larger than ${sizeText(most)}` : 'it could not be fetched',
        );
      }
      // An adapter is not trusted to have counted.
      if (data.length > most) return refused(`it is larger than ${sizeText(most)}`);
      const { media_type, text, cut = false } = sniff(data, found.mediaType, Math.min(TEXT_MOST.file, room));
      if (!accepted(media_type, types)) return refused(`files of type ${media_type} are not taken here`);
      const { id } = await files.keep(owner, data);
      const kept = { name, media_type, size: data.length, id };
      if (text !== undefined && room > 0) return { kind: 'text', ...kept, text: plain(text), cut };
      if (isImage(media_type) && data.length <= IMAGE_BYTES_MOST) return { kind: 'image', ...kept, media_type };
      return { kind: 'file', ...kept };
    } finally {
      leave();
    }
  };

  return {
    take: async (owner, found, options) => {
      const timer = new AbortController();
      const cancel = world.after(WITHIN, () => timer.abort());
      const signal = AbortSignal.any([timer.signal, options.signal]);
      const taken: Attachment[] = [];
      let room: number = TEXT_MOST.message;
      try {
        for (const attachment of found.slice(0, ATTACHMENTS_MOST)) {
          const made = await one(owner, attachment, signal, room);
          if (made.kind === 'text') room -= made.text.length;
          taken.push(made);
        }
      } finally {
        cancel();
      }
      for (const { name, mediaType, size } of found.slice(ATTACHMENTS_MOST, 2 * ATTACHMENTS_MOST)) {
        const said = { name: nameOf(name), media_type: typeOf(mediaType), size };
        taken.push({ kind: 'refused', ...said, problem: `a message may have ${ATTACHMENTS_MOST} files` });
      }
      return taken;
    },
  };
}

/** An adapter that does not listen to its signal is not waited for. */
function within<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const gone = (): void => reject(signal.reason);
    if (signal.aborted) gone();
    signal.addEventListener('abort', gone, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', gone));
  });
}

/** What a sender calls a file, in one line, without what would pass for anything else there. */
function nameOf(name: string): string {
  const clean = name
    .toWellFormed()
    .replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}[\]<>\\]+/gu, ' ')
    .replace(/^.*\//, '')
    .trim();
  return clean === '' ? 'attachment' : clean.slice(0, NAME_MOST).toWellFormed();
}

/** As the platform says; what is no type is not repeated. */
function typeOf(mediaType: string): string {
  const [type = ''] = mediaType.toLowerCase().split(';');
  return /^[a-z0-9][a-z0-9.+-]{0,60}\/[a-z0-9][a-z0-9.+-]{0,60}$/.test(type.trim())
    ? type.trim()
    : 'application/octet-stream';
}

function accepted(media_type: string, types: readonly string[]): boolean {
  return (
    types.length === 0 ||
    types.some((type) => {
      const wanted = type.toLowerCase();
      return wanted.endsWith('/*')
        ? media_type.startsWith(wanted.slice(0, -1))
        : wanted === '*' || wanted === media_type;
    })
  );
}

function isImage(media_type: string): media_type is ImageType {
  return (IMAGE_TYPES as readonly string[]).includes(media_type);
}

/** A text as a record can hold it. */
const plain = (text: string): string => text.toWellFormed().replaceAll('\0', '\uFFFD');

// SPDX-License-Identifier: Apache-2.0
// Files that came over HTTP and wait for the message they belong to: a day at most, in a place that no backup takes.

import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { newSessionId } from '../actors/channel/place.ts';
import type { InboundAttachment } from '../channels/adapter.ts';
import type { Config } from '../config/schema.ts';
import type { AttachmentUploads } from '../edge/ports.ts';
import { failure, SigilError } from '../errors.ts';
import { attachmentFiles } from '../stores/sqlite/attachment-files.ts';
import type { World } from '../world.ts';
import { takeAttachments } from './attachments.ts';

/** In the data directory; what begins with a dot there is temporary. */
export const UPLOADS_DIR = '.uploads';
/** How long one waits for its message, in milliseconds. */
const KEPT = 24 * 60 * 60 * 1_000;
/** How often it is looked for those that waited in vain. */
const LOOK = 60 * 60 * 1_000;

/**
 * What an upload's id says: where its bytes are, and how its sender called it. Whoever changes that changes only what they
 * say of their own file: bytes are looked for among the caller's.
 */
const Told = z.strictObject({
  at: z.uuid(),
  id: z.string().max(200),
  name: z.string().max(1_000),
  media_type: z.string().max(200),
  size: z.int().nonnegative(),
});

export interface UploadsOptions {
  readonly dataDir: string;
  /** Those in force now. */
  readonly limits: () => Config['attachments'];
  readonly world: Pick<World, 'after' | 'uuid' | 'now'>;
}

/** @returns the uploads, and what ends their keeping */
export function keepUploads({ dataDir, limits, world }: UploadsOptions): AttachmentUploads & { stop(): void } {
  const dir = join(dataDir, UPLOADS_DIR);
  const waiting = attachmentFiles(dir);
  const files = attachmentFiles(dataDir);
  const { take } = takeAttachments({ files, limits, world });
  const ownerOf = (user_id: string, at: string) => ({
    ...{ workspace_id: `personal:${user_id}`, session_id: at, user_id, message_id: at },
  });
  let stopped = false;
  let cancel = (): void => undefined;
  const look = async (): Promise<void> => {
    const old = world.now() - KEPT;
    const people = await readdir(join(dir, 'workspaces')).catch(() => []);
    for (const person of people) {
      const own = join(dir, 'workspaces', person, 'attachments');
      for (const name of await readdir(own).catch(() => [])) {
        if (name.startsWith('.')) continue;
        const found = await stat(join(own, name)).catch(() => undefined);
        if (found !== undefined && found.mtimeMs < old)
          await waiting.eraseSession(person.replaceAll('%3A', ':'), name).catch(() => undefined);
      }
    }
    if (!stopped) cancel = world.after(LOOK, () => void look());
  };
  void look();

  return {
    get most() {
      return limits().max_size;
    },
    keep: async (user_id, { name, media_type, data }) => {
      const at = world.uuid();
      const { id } = await waiting.keep(ownerOf(user_id, at), data);
      const told = { at, id, name: name.slice(0, 200).toWellFormed(), media_type: media_type.slice(0, 120) };
      const size = data.length;
      return { ...told, size, id: Buffer.from(JSON.stringify({ ...told, size })).toString('base64url') };
    },
    attach: async ({ session_id, ...owner }, ids, signal) => {
      const own = `personal:${owner.user_id}`;
      const found: InboundAttachment[] = [];
      for (const [nth, text] of ids.entries()) {
        const told = toldIn(text);
        const data = told === undefined ? null : await waiting.read(own, told.at, told.id);
        if (told === undefined || data === null) {
          const errors = [{ path: `attachments.${nth}`, message: 'is none that waits; upload it again' }];
          throw new SigilError(failure('validation_failed', 'An attachment is not there.', { errors }));
        }
        found.push({ ...told, mediaType: told.media_type, fetch: () => Promise.resolve(data) });
      }
      const place = session_id === '' ? newSessionId(owner.user_id, owner.workspace_id, owner.message_id) : session_id;
      const whose = { ...owner, session_id: place };
      return { attachments: await take(whose, found, { signal }), discard: () => files.discard(whose) };
    },
    erase: (user_id) => waiting.eraseWorkspace(`personal:${user_id}`),
    stop: () => {
      stopped = true;
      cancel();
    },
  };
}

function toldIn(id: string): z.output<typeof Told> | undefined {
  try {
    const told = Told.safeParse(JSON.parse(Buffer.from(id, 'base64url').toString('utf8')));
    return told.success ? told.data : undefined;
  } catch {
    return undefined;
  }
}

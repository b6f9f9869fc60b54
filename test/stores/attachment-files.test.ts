// SPDX-License-Identifier: Apache-2.0
// The bytes of attachments: each message has its own name for them, the disk has them once, and they go with the last.

import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { AttachmentFiles, AttachmentOwner } from '../../src/stores/attachments.ts';
import { attachmentFiles } from '../../src/stores/sqlite/attachment-files.ts';
import { listDataFiles } from '../../src/stores/sqlite/data-files.ts';

const SESSION = '0198a000-0000-8000-8000-000000000001';
const OTHER = '0198a000-0000-8000-8000-000000000002';
const owner = (given: Partial<AttachmentOwner> = {}): AttachmentOwner => ({
  ...{ workspace_id: 'personal:ada', session_id: SESSION, user_id: 'ada', message_id: 'm1' },
  ...given,
});
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

describe('the files of attachments', () => {
  let dir: string;
  let files: AttachmentFiles;
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'sigil-attachments-'));
    files = attachmentFiles(dir);
  });
  afterEach(() => rmSync(dir, { recursive: true }));

  const kept = (): readonly string[] => listDataFiles(dir).map(({ path, role }) => `${role} ${path.split('/')[3]}`);
  const shared = (workspace = 'personal%3Aada'): number =>
    readdirSync(join(dir, 'workspaces', workspace, 'attachments', '.by-hash')).length;

  it('keep a file under its message, and equal bytes once in a workspace', async () => {
    const one = await files.keep(owner(), bytes('a cat'));
    const two = await files.keep(owner({ session_id: OTHER, user_id: 'bob', message_id: 'm2' }), bytes('a cat'));
    expect(await files.keep(owner(), bytes('a cat'))).toEqual(one);
    expect(await files.read('personal:ada', SESSION, one.id)).toEqual(Buffer.from('a cat'));
    expect(shared()).toBe(1);
    const path = (session: string, id: string) => join(dir, 'workspaces/personal%3Aada/attachments', session, id);
    expect(statSync(path(SESSION, one.id)).ino).toBe(statSync(path(OTHER, two.id)).ino);
    // What a backup takes.
    expect(kept()).toEqual([`blob ${SESSION}`, `blob ${OTHER}`]);
    expect(await files.read('homelab', SESSION, one.id)).toBeNull();
    expect(await files.read('personal:ada', SESSION, '../../../journal.db')).toBeNull();
    await expect(files.read('personal:ada', '../..', one.id)).rejects.toThrow(/no id of a session/);
  });

  it('go with the message that was not taken, the session, the person, and the workspace', async () => {
    const mine = await files.keep(owner(), bytes('a cat'));
    await files.keep(owner({ message_id: 'm2' }), bytes('a dog'));
    const theirs = await files.keep(owner({ user_id: 'bob', message_id: 'm3' }), bytes('a cat'));
    const later = await files.keep(owner({ session_id: OTHER }), bytes('a cat'));
    await files.discard(owner({ message_id: 'm2' }));
    expect(shared()).toBe(1);
    await files.eraseUser('personal:ada', 'ada');
    expect(await files.read('personal:ada', SESSION, mine.id)).toBeNull();
    expect(await files.read('personal:ada', OTHER, later.id)).toBeNull();
    expect(await files.read('personal:ada', SESSION, theirs.id)).toEqual(Buffer.from('a cat'));
    await files.eraseSession('personal:ada', SESSION);
    expect(kept()).toEqual([]);
    expect(shared()).toBe(0);
    await files.keep(owner({ workspace_id: 'homelab' }), bytes('a cat'));
    await files.eraseWorkspace('homelab');
    expect(listDataFiles(dir)).toEqual([]);
    await files.eraseSession('homelab', SESSION);
    await files.eraseUser('nowhere', 'ada');
  });

  it('lose nothing while some keep and others erase at once', async () => {
    const sessions = Array.from({ length: 12 }, (_, at) => `0198a000-0000-8000-8000-0000000000${10 + at}`);
    const keeping = sessions.map((session_id) => files.keep(owner({ session_id }), bytes('the same')));
    const erasing = sessions.slice(0, 6).map(async (session_id, at) => {
      await keeping[at];
      await files.eraseSession('personal:ada', session_id);
    });
    const made = await Promise.all(keeping);
    await Promise.all(erasing);
    for (const [at, session_id] of sessions.entries()) {
      const found = await files.read('personal:ada', session_id, made[at]?.id ?? '');
      expect(found === null, session_id).toBe(at < 6);
    }
  });
});

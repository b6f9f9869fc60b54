// SPDX-License-Identifier: Apache-2.0
// What the command line does to a data directory itself, over the files as they are kept.

import type { DataKeeping, NoteChange } from '../cli/data-keeping.ts';
import { createBackup } from '../stores/sqlite/backup/create.ts';
import { readArchive } from '../stores/sqlite/backup/read-archive.ts';
import { restoreBackup } from '../stores/sqlite/backup/restore.ts';
import { openGatewayStore } from '../stores/sqlite/local-gateway-store.ts';
import { rebuildViews } from '../stores/sqlite/rebuild.ts';
import { takeDataDir } from './data-dir.ts';
import { CHECKS } from './doctor/checks.ts';
import { killPoints } from './kill-points.ts';
import { mintToken } from './owner-token.ts';
import { mintCode } from './pairing-code.ts';
import { realWorld } from './real-world.ts';

/** Runs work that needs the directory for itself. */
async function alone<T>(dataDir: string, work: () => Promise<T>): Promise<T> {
  const held = takeDataDir(dataDir, point);
  try {
    return await work();
  } finally {
    held.release();
  }
}

/** Nobody is signed in: it is whoever may read and write the files. */
const AT_THE_MACHINE = { user_id: 'system', via: 'command line' } as const;

const point = killPoints(process.env['SIGIL_KILL_AT']);

export const dataKeeping: DataKeeping = {
  backup: (options) => alone(options.dataDir, () => createBackup({ ...options, point })),
  verify: (file, progress) => readArchive({ file, ...(progress === undefined ? {} : { progress }) }),
  restore: (options) => alone(options.dataDir, () => restoreBackup(options, point)),
  rebuild: (options) => alone(options.dataDir, () => rebuildViews(options)),
  audited: ({ dataDir, config }, work) =>
    alone(dataDir, async () => {
      const { now, uuid } = realWorld;
      const options = {
        config,
        clock: realWorld,
        now,
        uuid,
        mint: () => mintToken(uuid),
        mintCode: (channel: string) => mintCode(channel, uuid, now),
      };
      const { auditLog, close } = openGatewayStore(options, dataDir);
      const note: NoteChange = (action, details, result, workspaceId = '') =>
        auditLog.note({ action, details, result, workspaceId }, AT_THE_MACHINE);
      try {
        return await work(note);
      } finally {
        await close();
      }
    }),
  checks: CHECKS,
};

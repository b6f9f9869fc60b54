// SPDX-License-Identifier: Apache-2.0
// The worker of one backup: its archive goes out in chunks, no more of them ahead than their reader has room for.

import { Writable } from 'node:stream';
import type { MessagePort } from 'node:worker_threads';
import { toFailure } from '../errors.ts';
import { createBackup } from '../stores/sqlite/backup/create.ts';
import { type BackupJobData, CHUNKS_AHEAD, type FromBackupJob, type ToBackupJob } from './backup-job.ts';
import type { KillPoint } from './kill-points.ts';

export async function runBackupJob(
  root: MessagePort,
  { dataDir, withSecrets, version, configFile }: BackupJobData,
  point: (name: KillPoint) => void,
): Promise<void> {
  const say = (message: FromBackupJob, transfer: ArrayBuffer[] = []): void => root.postMessage(message, transfer);
  let ahead = 0;
  let go: (() => void) | undefined;
  root.on('message', (_: ToBackupJob) => {
    ahead -= 1;
    const next = go;
    go = undefined;
    next?.();
  });
  const sink = new Writable({
    write(chunk: Buffer, _encoding, done) {
      // A copy of its own: what is transferred is gone here, and the buffer belongs to the stream before.
      const bytes = new Uint8Array(chunk);
      say({ say: 'chunk', bytes }, [bytes.buffer]);
      ahead += 1;
      if (ahead < CHUNKS_AHEAD) done();
      else go = done;
    },
  });
  try {
    await createBackup({ dataDir, withSecrets, version, configFile, sink, point });
    say({ say: 'done' });
  } catch (thrown) {
    say({ say: 'failed', error: toFailure(thrown) });
  } finally {
    root.close();
  }
}

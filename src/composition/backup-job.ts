// SPDX-License-Identifier: Apache-2.0
// A backup while the gateway runs: a worker of its own makes it, and main only hands its chunks to whoever asked.

import { SHARE_ENV, Worker } from 'node:worker_threads';
import type { BackupSource } from '../edge/ports.ts';
import { type Failure, failure, SigilError, toFailure } from '../errors.ts';

/** What the worker is born with. */
export interface BackupJobData {
  readonly job: 'backup';
  readonly dataDir: string;
  readonly withSecrets: boolean;
  readonly version: string;
  readonly configFile: string | null;
}

export type FromBackupJob =
  | { readonly say: 'chunk'; readonly bytes: Uint8Array }
  | { readonly say: 'done' }
  | { readonly say: 'failed'; readonly error: Failure };

/** One chunk was taken: another may come. */
export type ToBackupJob = { readonly say: 'taken' };

/** Chunks that may be on their way to who reads them; each is a quarter of a MiB at most. */
export const CHUNKS_AHEAD = 8;

/**
 * A worker started for the job harms nobody: it reads through connections of its own, its copies and its compression take
 * no time of a thread that serves, and when whoever asked goes away it is ended wherever it is.
 *
 * @param entry the file a worker begins with
 */
export function backupSource(
  entry: URL,
  about: Pick<BackupJobData, 'dataDir' | 'version' | 'configFile'>,
): BackupSource {
  let running = false;
  return {
    async *start({ with_secrets }) {
      if (running) throw new SigilError(failure('conflict', 'A backup is being made already; wait until it is done.'));
      running = true;
      const data: BackupJobData = { job: 'backup', ...about, withSecrets: with_secrets };
      const worker = new Worker(entry, { name: 'backup', workerData: data, env: SHARE_ENV });
      try {
        yield* chunksOf(worker);
      } finally {
        await worker.terminate();
        running = false;
      }
    },
  };
}

async function* chunksOf(worker: Worker): AsyncGenerator<Uint8Array> {
  const waiting: Uint8Array[] = [];
  let over: Failure | 'done' | undefined;
  let wake = (): void => undefined;
  worker.on('message', (message: FromBackupJob) => {
    if (message.say === 'chunk') waiting.push(message.bytes);
    else over = message.say === 'done' ? 'done' : message.error;
    wake();
  });
  worker.on('error', (error) => {
    over ??= toFailure(error);
    wake();
  });
  worker.on('exit', () => {
    over ??= failure('internal', 'the backup ended before it was whole');
    wake();
  });
  for (;;) {
    const chunk = waiting.shift();
    if (chunk !== undefined) {
      yield chunk;
      worker.postMessage({ say: 'taken' } satisfies ToBackupJob);
    } else if (over === 'done') return;
    else if (over !== undefined) throw new SigilError(over);
    else {
      const { promise, resolve } = Promise.withResolvers<void>();
      wake = resolve;
      await promise;
    }
  }
}

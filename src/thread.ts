// SPDX-License-Identifier: Apache-2.0
// Where every worker begins: takes up the role its thread's name gives it, or does the one job it was started for.

import { parentPort, workerData } from 'node:worker_threads';
import type { BackupJobData } from './composition/backup-job.ts';
import type { Boot, Prepared, ToWorker } from './composition/boot.ts';
import { killPoints } from './composition/kill-points.ts';
import { realWorld } from './composition/real-world.ts';
import type { StartRole } from './composition/role.ts';
import { startThreadLife, type ThreadLife } from './composition/thread-life.ts';

const ROLES: Readonly<Record<string, () => Promise<StartRole>>> = {
  journal: async () => (await import('./composition/journal-role.ts')).startJournal,
  views: async () => (await import('./composition/views-role.ts')).startViews,
  read: async () => (await import('./composition/read-role.ts')).startRead,
  io: async () => (await import('./composition/io-role.ts')).startIo,
  lane: async () => (await import('./composition/lane-role.ts')).startLane,
};

const root = parentPort;
if (root === null) throw new Error('thread.ts is where a worker begins; start the gateway instead');

const roleOf = (name: string): Promise<StartRole> => {
  const start = ROLES[name.replace(/-\d+$/, '')];
  if (start === undefined) throw new Error(`no role for thread ${name}`);
  return start();
};

/** A lane's first turn would wait for what is loaded only when it is needed. */
const warm = async (name: string): Promise<void> => {
  if (name.startsWith('lane-')) await (await import('./composition/lane-role.ts')).warmLane();
};

const point = killPoints(process.env['SIGIL_KILL_AT']);
const begin = (boot: Boot): ThreadLife =>
  startThreadLife({
    boot,
    world: realWorld,
    point,
    say: (message) => root.postMessage(message),
    role: roleOf,
    ended: () => root.close(),
  });

const born = workerData as Boot | Prepared | BackupJobData;
if ('job' in born) {
  const { runBackupJob } = await import('./composition/backup-thread.ts');
  await runBackupJob(root, born, point);
} else if ('prepare' in born) {
  // What it is to be comes when it is needed; a life that cannot begin ends the thread, as one that begins at once does.
  let life: ThreadLife | undefined;
  root.on('message', (message: ToWorker) => {
    if (message.say === 'boot') life = begin(message.boot);
    else life?.hear(message);
  });
  await roleOf(born.prepare);
  // What cannot be loaded now is told to the turn that needs it.
  if (born.warm && life === undefined) await warm(born.prepare).catch(() => undefined);
} else {
  const life = begin(born);
  root.on('message', (message: ToWorker) => life.hear(message));
  await life.started;
}

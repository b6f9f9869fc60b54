// SPDX-License-Identifier: Apache-2.0
// Where the worker of one backup begins.

import { workerData } from 'node:worker_threads';
import type { BackupJobData } from '../composition/backup-job.ts';
import { runBackupJob } from '../composition/backup-thread.ts';
import { rootPort } from '../composition/begin-thread.ts';
import { killPoints } from '../composition/kill-points.ts';

await runBackupJob(rootPort(), workerData as BackupJobData, killPoints(process.env['SIGIL_KILL_AT']));

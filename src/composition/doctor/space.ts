// SPDX-License-Identifier: Apache-2.0
// The check of free space: what the gateway needs to go on, and what a backup, a migration or a rebuild needs besides.

import { existsSync, statfsSync } from 'node:fs';
import { dirname } from 'node:path';
import { type Check, fail, pass, warn } from '../../cli/doctor-check.ts';
import { bytesText } from '../../cli/progress-line.ts';
import { isDatabase, listDataFiles } from '../../stores/sqlite/data-files.ts';

/** Logs of all databases may grow so large between two checkpoints, in bytes: below it the next burst fills the disk. */
const LOGS_BYTES = 128 * 1024 * 1024;
/** Some weeks of an ordinary gateway, in bytes. */
const ROOM_BYTES = 512 * 1024 * 1024;

export const spaceCheck: Check = {
  name: 'space',
  *run({ dataDir }) {
    let there = dataDir;
    while (!existsSync(there) && dirname(there) !== there) there = dirname(there);
    const { bavail, bsize, ffree, files } = statfsSync(there);
    const free = bavail * bsize;
    const databases = listDataFiles(dataDir).filter(({ role }) => isDatabase(role));
    const all = databases.reduce((sum, { bytes }) => sum + bytes, 0);
    const largest = Math.max(0, ...databases.map(({ bytes }) => bytes));
    // A backup copies one database at a time here; a migration may write one anew.
    const wanted = Math.max(ROOM_BYTES, LOGS_BYTES + 2 * largest);
    const says = `${bytesText(free)} free at ${there}; the data takes ${bytesText(all)}`;
    const mend = `free some space, or move the data and name its place with --data-dir`;
    if (free < LOGS_BYTES) yield fail(`${says}; at least ${bytesText(LOGS_BYTES)} are needed to go on`, mend);
    else if (free < wanted) yield warn(`${says}; ${bytesText(wanted)} are needed for a backup or an upgrade`, mend);
    else if (files > 0 && ffree < 1000) yield fail(`only ${ffree} more files can be made at ${there}`, mend);
    else yield pass(says);
  },
};

// SPDX-License-Identifier: Apache-2.0
// A disk that is really full: a small file system of the test's own, filled while people write, and emptied again.

import { execFile, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import type { FullDisk } from '../full-disk/scene.ts';

const scene = fileURLToPath(new URL('../full-disk/scene.ts', import.meta.url));
const mount = mkdtempSync(join(tmpdir(), 'sigil-full-'));
/** In a mount namespace of its own: nobody else sees it, and it is gone with the process. */
const inside = (command: string): [string, string[]] => [
  'unshare',
  ['-rm', 'sh', '-c', `mount -t tmpfs -o size=24m none ${mount} && exec ${command}`],
];
const [probe, args] = inside('true');
/** Where the system lets nobody mount anything there is nothing to fill. */
const allowed = spawnSync(probe, args).status === 0;

it.skipIf(!allowed)(
  'nothing acknowledged is lost to a full disk, who is refused is told why, and it goes on without a restart',
  async () => {
    const { stdout } = await promisify(execFile)(...inside(`"${process.execPath}" ${scene} ${mount}`), {
      maxBuffer: 16 * 1024 * 1024,
    });
    const outcome = JSON.parse(stdout) as FullDisk;
    expect(outcome.before).toBe(9);
    const told = outcome.refused.filter(({ code }) => code === 'storage_failed');
    expect(told.length, JSON.stringify(outcome.refused)).toBeGreaterThan(0);
    expect(told[0]?.status).toBe(500);
    expect(told[0]?.detail).toMatch(
      /journal\.db: the disk is full; free some space.* 0 MiB are free there, at least 64 MiB/,
    );
    expect(outcome).toMatchObject({ lost: [], missing: [], same_process: true, doctor: 0 });
    expect(outcome.after).toBeGreaterThanOrEqual(6);
    rmSync(mount, { recursive: true, force: true });
  },
  120_000,
);

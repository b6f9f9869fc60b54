// SPDX-License-Identifier: Apache-2.0
// Directories a file of tests leaves behind: kept here until its last test is over, then removed.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const made: string[] = [];

/** A directory nobody else uses, gone after the tests of the file. @param named what its name begins with */
export function leftBehind(named: string): string {
  const directory = mkdtempSync(join(tmpdir(), named));
  made.push(directory);
  return directory;
}

/** Removes what the tests of a file have left behind. */
export function clearLeft(): void {
  for (const directory of made.splice(0)) rmSync(directory, { recursive: true, force: true });
}

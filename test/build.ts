// SPDX-License-Identifier: Apache-2.0
// Builds once what a run of the suite starts a thousand times: a bundle loads in two thirds of the time the sources take.

import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, globSync, readdirSync, readFileSync, renameSync, rmSync, statSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
/** Installed as a package would be: there the launcher finds node, and the program what is not bundled. */
const PLACE = join(ROOT, 'node_modules');
const NAME = '.sigil-test-';
/** How long a build is kept that no run asks for, in milliseconds. */
const KEPT_MS = 86_400_000;
const PROGRAMS = ['test/cli/fake-program.ts'];
/** What a build is made from, beside its dependencies. */
const FROM = [
  'src/**/*.ts',
  'test/cli/*.ts',
  'bin/*',
  'tools/build.ts',
  'tools/inspector.ts',
  'inspector/**/*.*',
  'test/build.ts',
  'package*.json',
];

function hashOf(): string {
  const hash = createHash('sha256');
  for (const file of globSync(FROM, { cwd: ROOT }).sort()) {
    hash
      .update(`${file}\0`)
      .update(readFileSync(join(ROOT, file)))
      .update('\0');
  }
  return hash.digest('hex').slice(0, 16);
}

/** Whether a build is whole: what is copied last is there. */
function isThere(made: string): boolean {
  return statSync(join(made, 'package.json'), { throwIfNoEntry: false }) !== undefined;
}

/** Two runs may build at once: each makes its own, and the first to be done is taken. */
function make(made: string): void {
  const making = `${made}.${process.pid}`;
  try {
    const args = [join(ROOT, 'tools/build.ts'), join(making, 'dist'), '--test', ...PROGRAMS];
    execFileSync(process.execPath, args, { cwd: ROOT, stdio: ['ignore', 'ignore', 'inherit'] });
    for (const part of ['bin', 'package.json']) cpSync(join(ROOT, part), join(making, part), { recursive: true });
    // One that was removed may have got a cache of compiled code by somebody who still uses it.
    if (!isThere(made)) rmSync(made, { recursive: true, force: true });
    renameSync(making, made);
  } catch (error) {
    if (!isThere(made)) throw error;
  } finally {
    rmSync(making, { recursive: true, force: true });
  }
}

/** Where the build of these sources lies. Its name comes from its contents: who uses one may go on while the sources change. */
export function testBuild(): string {
  return join(PLACE, `${NAME}${hashOf()}`);
}

/** Makes the published program with the doors for tests open, unless it is there already. */
function makeTestBuild(): void {
  const made = testBuild();
  if (!isThere(made)) make(made);
  const now = new Date();
  utimesSync(made, now, now);
  for (const name of readdirSync(PLACE).filter((other) => other.startsWith(NAME))) {
    const other = join(PLACE, name);
    const used = statSync(other, { throwIfNoEntry: false })?.mtimeMs ?? now.getTime();
    if (now.getTime() - used > KEPT_MS) rmSync(other, { recursive: true, force: true });
  }
}

if (import.meta.main) makeTestBuild();

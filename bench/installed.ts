// SPDX-License-Identifier: Apache-2.0
// Sigil as it is installed: what is published behind its launcher, with the dependencies of this checkout.

import { execFileSync } from 'node:child_process';
import { cpSync, mkdtempSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const ROOT = new URL('..', import.meta.url).pathname;

/** An installed copy: launcher, built program, dependencies. Who removes it in the end is whoever asked for it. */
export function install(): string {
  const copy = mkdtempSync(join(tmpdir(), 'sigil-installed-'));
  execFileSync(process.execPath, [join(ROOT, 'tools/build.ts'), join(copy, 'dist')], { cwd: ROOT, stdio: 'ignore' });
  for (const part of ['bin', 'package.json']) cpSync(join(ROOT, part), join(copy, part), { recursive: true });
  symlinkSync(join(ROOT, 'node_modules'), join(copy, 'node_modules'));
  return copy;
}

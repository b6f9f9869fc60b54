// SPDX-License-Identifier: Apache-2.0
// What tests start as a program or a thread: the sources, or the build a run of the whole suite makes of them once.

import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

/** The variable with the directory of a build; without it the sources are run as they are. */
export const TEST_BUILD = 'TEST_BUILD';
const build = process.env[TEST_BUILD];

/** The program's entry. */
export const MAIN = build === undefined ? join(ROOT, 'src/main.ts') : join(build, 'dist/main.js');
/** The launcher that starts it. */
export const LAUNCHER = join(build ?? ROOT, 'bin/sigil');
/** Where a gateway's threads of a role begin. */
export const threadEntry = (role: string): URL =>
  pathToFileURL(build === undefined ? join(ROOT, `src/threads/${role}.ts`) : join(build, `dist/thread-${role}.js`));
/** The command line before a gateway that is not real. */
export const FAKE = build === undefined ? join(ROOT, 'test/cli/fake-program.ts') : join(build, 'dist/fake-program.js');
/** Where compiled code is kept: without it each start compiles anew. */
export const COMPILED = process.env['NODE_COMPILE_CACHE'] ?? join(ROOT, 'node_modules/.cache/sigil');

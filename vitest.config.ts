// SPDX-License-Identifier: Apache-2.0
// How vitest finds and runs our tests; `test/run.ts` adds its JSON report on the command line.
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

// What the launcher sets, for every file's process and its threads: otherwise each of them strips types anew, which is most
// of what a thread's start costs.
process.env['NODE_COMPILE_CACHE'] ??= fileURLToPath(new URL('node_modules/.cache/sigil', import.meta.url));

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    exclude: ['test/crash/**', '**/node_modules/**', 'test/**/fixtures/**'],
    // Native addons and worker threads of our own: a process a file keeps one file's leftovers out of the next.
    pool: 'forks',
    // Most tests wait for processes and threads of their own: two files at once keep even two cores no busier than they can be.
    maxWorkers: Math.max(2, availableParallelism() - 1),
    execArgv: ['--disable-warning=ExperimentalWarning'],
    testTimeout: 15_000,
    hookTimeout: 20_000,
    teardownTimeout: 10_000,
    // A test that finds no assertion in itself, or nothing at all, is a mistake and not a success.
    passWithNoTests: false,
    allowOnly: false,
    restoreMocks: true,
    unstubEnvs: true,
    unstubGlobals: true,
  },
});

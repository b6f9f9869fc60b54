// SPDX-License-Identifier: Apache-2.0
// How vitest finds and runs our tests; `test/run.ts` adds its JSON report on the command line.
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

// What the launcher sets, for every file's process and its threads: otherwise each of them strips types anew, which is most
// of what a thread's start costs.
process.env['NODE_COMPILE_CACHE'] ??= fileURLToPath(new URL('node_modules/.cache/sigil', import.meta.url));

/** What takes longest, by the beginning of its path: begun first, so that no core is left over at the end. */
const LONG = ['test/sim/', 'test/flow/', 'test/cli/', 'test/stores/', 'test/secrets/', 'test/bus/'];

class LongFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId }: TestSpecification): number => {
      const at = LONG.findIndex((folder) => moduleId.includes(`/${folder}`));
      return at < 0 ? LONG.length : at;
    };
    return (await super.sort(files)).sort((a, b) => rank(a) - rank(b));
  }
}

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    exclude: ['test/crash/**', '**/node_modules/**', 'test/**/fixtures/**'],
    // Native addons and worker threads of our own: a process a file keeps one file's leftovers out of the next.
    pool: 'forks',
    sequence: { sequencer: LongFirst },
    // Most tests wait for processes and threads of their own: two files at once keep even two cores no busier than they can be.
    maxWorkers: Math.max(2, availableParallelism() - 1),
    execArgv: ['--disable-warning=ExperimentalWarning'],
    // For what hangs, not for what is slow: other work on the machine must fail no test.
    testTimeout: 60_000,
    hookTimeout: 60_000,
    teardownTimeout: 30_000,
    // A test that finds no assertion in itself, or nothing at all, is a mistake and not a success.
    passWithNoTests: false,
    allowOnly: false,
    restoreMocks: true,
    unstubEnvs: true,
    unstubGlobals: true,
  },
});

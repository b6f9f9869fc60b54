// SPDX-License-Identifier: Apache-2.0
// How vitest finds and runs our tests; `test/run.ts` adds its JSON report on the command line.
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';
import { HANGS_MS, TEST_HANGS_MS } from './test/patience.ts';

// What the launcher sets, for every file's process and its threads: otherwise each of them strips types anew, which is most
// of what a thread's start costs.
process.env['NODE_COMPILE_CACHE'] ??= fileURLToPath(new URL('node_modules/.cache/sigil', import.meta.url));

/** What takes longest, by the beginning of its path: begun first, so that no core is left over at the end. */
const LONG = ['test/sim/', 'test/flow/', 'test/cli/', 'test/inspector/', 'test/secrets/', 'test/stores/'];

/**
 * What has a process to itself: it loads modules anew, looks at the memory or the descriptors of its process, or is about the
 * tree it lies in. A process takes all others one after the other, and loads what they share once: a gateway's sources, with a
 * process to begin with, cost more than most of these files.
 */
const ALONE = [
  'test/channels/discord/discord.test.ts',
  'test/composition/idle-memory.test.ts',
  'test/composition/workers.test.ts',
  'test/ground/*.test.ts',
  'test/mcp/client.test.ts',
  'test/stores/lock.test.ts',
  'test/stores/open-files.test.ts',
];
const NEVER = ['test/crash/**', '**/node_modules/**', 'test/**/fixtures/**'];

class LongFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId, project }: TestSpecification): number => {
      // A process is shared by those that come one after the other.
      if (project.config.isolate) return -1;
      const at = LONG.findIndex((folder) => moduleId.includes(`/${folder}`));
      return at < 0 ? LONG.length : at;
    };
    return (await super.sort(files)).sort((a, b) => rank(a) - rank(b));
  }
}

export default defineConfig({
  test: {
    projects: [
      {
        extends: true,
        // With vitest's own loader, which can load a module anew.
        test: { name: 'alone', include: ALONE, exclude: NEVER },
      },
      {
        extends: true,
        test: {
          name: 'shared',
          include: ['test/**/*.test.ts'],
          exclude: [...ALONE, ...NEVER],
          isolate: false,
          // Node loads the sources as it does for a gateway: they are erasable, and keep what was compiled of them.
          experimental: { viteModuleRunner: false },
        },
      },
    ],
    pool: 'forks',
    setupFiles: ['test/after-each-file.ts'],
    sequence: { sequencer: LongFirst },
    // Most tests wait for processes and threads of their own: it takes more files at once than there are cores to keep these busy.
    maxWorkers: availableParallelism() + 1,
    execArgv: ['--disable-warning=ExperimentalWarning'],
    // For what hangs, not for what is slow: other work on the machine must fail no test.
    testTimeout: TEST_HANGS_MS,
    expect: { poll: { timeout: HANGS_MS } },
    hookTimeout: TEST_HANGS_MS,
    teardownTimeout: 30_000,
    // A test that finds no assertion in itself, or nothing at all, is a mistake and not a success.
    passWithNoTests: false,
    allowOnly: false,
    restoreMocks: true,
    unstubEnvs: true,
    unstubGlobals: true,
  },
});

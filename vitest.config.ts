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
const LONG = ['test/sim/', 'test/flow/', 'test/cli/', 'test/secrets/', 'test/ground/'];

/**
 * Folders whose files leave nothing behind in their process: one takes them one after the other, and loads what they share
 * once. The others start gateways, change what is the process's or look at it, and have a process each.
 */
const SHARED =
  'actors agent bus channels composition config edge embeddings mcp providers security stores web wire'.replaceAll(
    ' ',
    '|',
  );
/** What changes the environment, loads modules anew or looks at the memory of its process. */
const ALONE = [
  'test/channels/discord/discord.test.ts',
  'test/composition/idle-memory.test.ts',
  'test/composition/workers.test.ts',
  'test/mcp/client.test.ts',
  'test/stores/lock.test.ts',
  'test/stores/open-files.test.ts',
];
const NEVER = ['test/crash/**', '**/node_modules/**', 'test/**/fixtures/**'];

class LongFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId, project }: TestSpecification): number => {
      // A process is shared by those that come one after the other.
      if (!project.config.isolate) return LONG.length + 1;
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
        // Native addons and worker threads of our own: a process a file keeps one file's leftovers out of the next.
        test: { name: 'alone', include: [`test/!(${SHARED})/**/*.test.ts`, ...ALONE], exclude: NEVER },
      },
      {
        extends: true,
        test: {
          name: 'shared',
          include: [`test/@(${SHARED})/**/*.test.ts`],
          exclude: [...ALONE, ...NEVER],
          isolate: false,
        },
      },
    ],
    pool: 'forks',
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

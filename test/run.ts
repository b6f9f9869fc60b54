// SPDX-License-Identifier: Apache-2.0
// The whole suite, as `npm test` runs it: stage after stage, and one plain line of counts at the end.
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { testBuild } from './build.ts';
import { TEST_BUILD } from './built.ts';

interface Counts {
  passed: number;
  failed: number;
  skipped: number;
}

interface Step {
  readonly title: string;
  readonly command: readonly [string, ...string[]];
  /** The file the step is made of: while it does not exist, the step is skipped and says so. */
  readonly needs?: string;
  /** The step of its stage it waits for. */
  readonly after?: string;
  /** Counts of a step that reports them otherwise than by a line of text. */
  readonly counts?: () => Counts | undefined;
}

const root = fileURLToPath(new URL('..', import.meta.url));
const build = testBuild();
const scratch = mkdtempSync(join(tmpdir(), 'sigil-test-'));
const vitestReport = join(scratch, 'vitest.json');

/**
 * What a short form says something about: turns, the bus, the edge, a start and its memory. The others need more turns, or more
 * time, than the suite has: whole runs measure those.
 */
const SHORT_ROWS = ['T2', 'T5', 'T11', 'T13', 'T14', 'T15'];

/** Beside the kills at named places, which take as long as all these. */
const SHORT_CRASHES = ['--kills', '8', '--power', '120', '--power-views', '4', '--back'];

/**
 * The steps of a stage run side by side. What is read from the sources alone goes on beside the tests, one after the other,
 * where those wait for something. What holds times against times stands alone: the bench.
 */
const stages: readonly (readonly Step[])[] = [
  [
    { title: 'licences', command: ['sh', 'tools/spdx.sh'] },
    { title: 'build', command: [process.execPath, 'test/build.ts'] },
  ],
  [
    {
      title: 'tests',
      command: ['vitest', 'run', '--reporter=default', '--reporter=json', `--outputFile.json=${vitestReport}`],
      counts: readVitestReport,
    },
    // One checker: several look at the same types anew, which is time only where there are cores to spare.
    { title: 'types', command: ['tsc', '--noEmit', '--checkers', '1'] },
    { title: 'types of the inspector', command: ['tsc', '--noEmit', '-p', 'inspector'], after: 'types' },
    { title: 'doors', command: ['npm', 'run', '--silent', 'doors'], after: 'types of the inspector' },
    {
      title: 'format and lint',
      command: ['biome', 'ci', '--error-on-warnings', ...(process.stdout.isTTY ? [] : ['--colors=off']), '.'],
      after: 'doors',
    },
  ],
  [
    {
      title: 'crashes at named places, short form',
      command: [process.execPath, 'test/crash/run.ts', '--points', '--short'],
      needs: 'test/crash/run.ts',
    },
    {
      title: 'crashes on the way of chat messages, short form',
      command: [process.execPath, 'test/crash/run.ts', '--channels', '--short'],
      needs: 'test/crash/channels.ts',
    },
    {
      title: 'crashes at random, power loss and the way back, short form',
      command: [process.execPath, 'test/crash/run.ts', ...SHORT_CRASHES, '--short'],
      needs: 'test/crash/run.ts',
    },
    {
      title: 'disk faults, short form',
      command: [process.execPath, 'test/crash/run.ts', '--disk', '--short'],
      needs: 'test/crash/run.ts',
    },
    {
      title: 'kills over data, short form',
      command: [process.execPath, 'test/data-kills/run.ts', '--kills', '6'],
      needs: 'test/data-kills/run.ts',
    },
    {
      title: 'soak, short form',
      command: [process.execPath, 'test/soak/run.ts', '--seconds', '20'],
      needs: 'test/soak/run.ts',
    },
    {
      title: 'under fire, short form',
      command: [process.execPath, 'test/fire/run.ts', '--counts'],
      needs: 'test/fire/run.ts',
    },
  ],
  [
    {
      title: 'bench, short form',
      command: [process.execPath, 'bench/run.ts', '--short', ...SHORT_ROWS],
      needs: 'bench/run.ts',
    },
  ],
];

/** A report that is missing or broken gives no counts: then the step itself is what passed or failed. */
function readVitestReport(): Counts | undefined {
  try {
    const report = JSON.parse(readFileSync(vitestReport, 'utf8')) as Record<string, unknown>;
    const number = (key: string) => (typeof report[key] === 'number' ? report[key] : 0);
    return {
      passed: number('numPassedTests'),
      failed: number('numFailedTests'),
      skipped: number('numPendingTests') + number('numTodoTests'),
    };
  } catch {
    return undefined;
  }
}

interface Ran {
  readonly ok: boolean;
  readonly printed: Counts | undefined;
  readonly seconds: number;
}

/** What a step says, passed on as it comes once it is its turn to speak; until then it is kept. */
class Speech {
  private kept: string[] | null = [];

  say(text: string): void {
    if (this.kept === null) process.stdout.write(text);
    else this.kept.push(text);
  }

  begin(): void {
    for (const text of this.kept ?? []) process.stdout.write(text);
    this.kept = null;
  }
}

/** Runs a step; finds the counts it prints on the way. */
function run(step: Step, speech: Speech): Promise<Ran> {
  const started = process.hrtime.bigint();
  const seconds = (): number => Number((process.hrtime.bigint() - started) / 1_000_000n) / 1000;
  const [command, ...args] = step.command;
  // A build that failed is a step that failed; the others then run the sources.
  const built = existsSync(build);
  const env = {
    ...process.env,
    ...(built ? { [TEST_BUILD]: build } : {}),
    // What the launcher sets: without it every process and thread compiles anew. What is compiled goes with the build.
    NODE_COMPILE_CACHE:
      process.env['NODE_COMPILE_CACHE'] ?? join(built ? build : root, built ? 'cache' : 'node_modules/.cache/sigil'),
    // Their output goes through a pipe, so whether there are colours is decided by where ours goes.
    ...(process.stdout.isTTY ? { FORCE_COLOR: '1' } : { NO_COLOR: '1' }),
    // The tools of this checkout first, whatever the machine has.
    PATH: [join(root, 'node_modules/.bin'), process.env['PATH']].join(delimiter),
  };
  return new Promise((resolve) => {
    let printed: Counts | undefined;
    let line = '';
    const child = spawn(command, args, { cwd: root, env, stdio: ['ignore', 'pipe', 'inherit'] });
    child.stdout.setEncoding('utf8');
    child.stdout.on('data', (text: string) => {
      speech.say(text);
      const lines = (line + text).split('\n');
      line = lines.pop() ?? '';
      for (const complete of lines) {
        printed = countsOf(complete) ?? printed;
      }
    });
    child.on('error', (error) => {
      speech.say(`${command}: ${error.message}\n`);
      resolve({ ok: false, printed, seconds: seconds() });
    });
    child.on('close', (code) => {
      resolve({ ok: code === 0, printed: countsOf(line) ?? printed, seconds: seconds() });
    });
  });
}

function countsOf(line: string): Counts | undefined {
  const found = /^(\d+) passed, (\d+) failed(?:, (\d+) skipped)?$/.exec(line.trim());
  return found === null
    ? undefined
    : { passed: Number(found[1]), failed: Number(found[2]), skipped: Number(found[3] ?? 0) };
}

/** What a step adds to the sum. A step that fails fails at least once, also when all its tests passed. */
function result(ok: boolean, counts: Counts | undefined): Counts {
  if (counts === undefined) {
    return { passed: ok ? 1 : 0, failed: ok ? 0 : 1, skipped: 0 };
  }
  return { ...counts, failed: ok ? counts.failed : Math.max(1, counts.failed) };
}

const total: Counts = { passed: 0, failed: 0, skipped: 0 };
const broken: string[] = [];
try {
  for (const stage of stages) {
    const ended = new Map<string, Promise<unknown>>();
    const running = stage
      .filter(({ needs }) => needs === undefined || existsSync(join(root, needs)))
      .map((step) => {
        const speech = new Speech();
        const before = step.after === undefined ? undefined : ended.get(step.after);
        const done = before === undefined ? run(step, speech) : before.then(() => run(step, speech));
        ended.set(step.title, done);
        return { step, speech, done };
      });
    for (const { title, needs } of stage) {
      if (running.some(({ step }) => step.title === title)) continue;
      process.stdout.write(`\n== ${title}\nskipped: ${needs} does not exist yet\n`);
      total.skipped += 1;
    }
    for (const { step, speech, done } of running) {
      process.stdout.write(`\n== ${step.title}\n`);
      speech.begin();
      const { ok, printed, seconds } = await done;
      const counts = result(ok, step.counts?.() ?? printed);
      total.passed += counts.passed;
      total.failed += counts.failed;
      total.skipped += counts.skipped;
      if (counts.failed > 0) {
        broken.push(step.title);
      }
      process.stdout.write(`-- ${step.title}: ${counts.failed > 0 ? 'FAILED' : 'ok'} in ${seconds.toFixed(1)} s\n`);
    }
  }
} finally {
  rmSync(scratch, { recursive: true, force: true });
}

if (broken.length > 0) {
  process.stdout.write(`\nfailed: ${broken.join(', ')}`);
}
const skipped = total.skipped > 0 ? `, ${total.skipped} skipped` : '';
process.stdout.write(`\n${total.passed} passed, ${total.failed} failed${skipped}\n`);
process.exitCode = total.failed > 0 || total.passed === 0 ? 1 : 0;

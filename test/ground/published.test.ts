// SPDX-License-Identifier: Apache-2.0
// What only a checkout may do: the crash tests' kill points and tools are in no published build, and none of the points is dead.

import { execFile, execFileSync, spawn } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { KILL_POINTS } from '../../src/composition/kill-points.ts';
import { VectorsReader } from '../../src/stores/sqlite/vectors-reader.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const scratch = mkdtempSync(join(tmpdir(), 'sigil-published-'));
/** Below `node_modules`, where the packages are found that are not bundled. */
const published = join(ROOT, 'node_modules/.cache', `sigil-published-${process.pid}`);

beforeAll(() => {
  mkdirSync(published, { recursive: true });
  copyFileSync(join(ROOT, 'package.json'), join(published, 'package.json'));
  execFileSync(process.execPath, [join(ROOT, 'tools/build.ts'), join(published, 'dist')], { stdio: 'pipe' });
});

afterAll(() => {
  rmSync(published, { recursive: true, force: true });
  rmSync(scratch, { recursive: true, force: true });
});

/** Starts a gateway by this entry with everything set that may end it or bring code in; how it ended after a SIGTERM. */
async function lived(main: string, name: string): Promise<NodeJS.Signals | number | null> {
  const trace = join(scratch, `${name}.loaded`);
  const tools = join(scratch, 'tools.mjs');
  writeFileSync(
    tools,
    `import { writeFileSync } from 'node:fs';
export const tools = (builtIn) => { writeFileSync(process.env.LOADED, 'loaded'); return builtIn; };`,
  );
  const args = [main, 'start', '--listen', '127.0.0.1:0', '--data-dir', join(scratch, name)];
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', ...args], {
    env: { ...process.env, SIGIL_KILL_AT: 'drain.begun', SIGIL_TEST_TOOLS: tools, LOADED: trace },
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const ended = new Promise<NodeJS.Signals | number | null>((resolve) => {
    child.once('exit', (code, signal) => resolve(signal ?? code));
  });
  child.stdout.once('data', () => child.kill('SIGTERM'));
  return await ended;
}

describe('what only a checkout may do', () => {
  it('is done in a checkout', async () => {
    expect(await lived(join(ROOT, 'src/main.ts'), 'checkout')).toBe('SIGKILL');
    expect(existsSync(join(scratch, 'checkout.loaded'))).toBe(true);
  });

  it('is not done by what is published', async () => {
    expect(await lived(join(published, 'dist/main.js'), 'published')).toBe(0);
    expect(existsSync(join(scratch, 'published.loaded'))).toBe(false);
  });
});

describe('what is published', () => {
  it('reads few files to start: what is always read together lies together', async () => {
    const list = join(scratch, 'read.txt');
    const noting = join(scratch, 'noting.mjs');
    writeFileSync(
      noting,
      `import { appendFileSync } from 'node:fs';
import { registerHooks } from 'node:module';
import { threadName } from 'node:worker_threads';
const load = (url, context, next) => {
  if (url.includes('/dist/')) appendFileSync(${JSON.stringify(list)}, \`\${threadName || 'main'} \${url}\n\`);
  return next(url, context);
};
registerHooks({ load });`,
    );
    const options = ['--disable-warning=ExperimentalWarning', '--import', noting, join(published, 'dist/main.js')];
    const args = [...options, 'start', '--listen', '127.0.0.1:0', '--data-dir', join(scratch, 'few-files')];
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'ignore'] });
    await new Promise((resolve) => child.stdout.once('data', resolve));
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGTERM');
    await ended;
    const read = Map.groupBy(readFileSync(list, 'utf8').trim().split('\n'), (line) => line.split(' ')[0]);
    const counts = Object.fromEntries([...read].map(([thread, files]) => [thread, files.length]));
    expect(Object.keys(counts).sort()).toEqual(['journal', 'lane-1', 'main', 'read', 'views']);
    // It was a hundred when every two commands that share a module had a file for that.
    expect(counts['main']).toBeLessThan(20);
    for (const [thread, files] of read) if (thread !== 'main') expect(files.length, files.join('\n')).toBeLessThan(6);
  });

  it('embeds what is said, with workers and libraries of its own', async () => {
    const main = join(published, 'dist/main.js');
    const dir = join(scratch, 'embedding');
    const options = ['--disable-warning=ExperimentalWarning', main];
    const args = [...options, 'start', '--listen', '127.0.0.1:0', '--data-dir', dir];
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'ignore'] });
    try {
      await new Promise((resolve) => child.stdout.once('data', resolve));
      const said = 'the spare keys are with the neighbour';
      await promisify(execFile)(process.execPath, [...options, 'chat', said, '--data-dir', dir]);
      const file = await vi.waitFor(() => {
        const [found] = globSync('workspaces/*/vectors.db', { cwd: dir });
        if (found === undefined) throw new Error('there are no vectors yet');
        return join(dir, found);
      }, 10_000);
      const rows = new VectorsReader(file);
      await expect.poll(() => rows.snapshot(({ entries }) => entries)).toBe(2);
      rows.close();
    } finally {
      child.kill('SIGTERM');
    }
  });
});

describe('the named places', () => {
  it('are each passed somewhere', () => {
    const text = globSync('src/**/*.ts', { cwd: ROOT })
      .filter((file) => !file.endsWith('kill-points.ts'))
      .map((file) => readFileSync(join(ROOT, file), 'utf8'))
      .join('\n');
    for (const point of KILL_POINTS) {
      const [kind, at] = point.split('.');
      const named = new RegExp(`oint(\\?\\.)?\\('${point}'\\)`);
      // What several kinds pass is named by its place alone, and the kind is put before it.
      const prefixed = new RegExp(`oint\\(\`${kind}\\.\\$\\{at\\}\`\\)[\\s\\S]*oint(\\?\\.)?\\('${at}'\\)`);
      const passed = named.test(text) || prefixed.test(text + text);
      expect(passed, point).toBe(true);
    }
    expect(new Set(KILL_POINTS).size).toBe(KILL_POINTS.length);
  });
});

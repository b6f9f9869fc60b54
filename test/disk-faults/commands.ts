// SPDX-License-Identifier: Apache-2.0
// Commands that write a file of their own while something is wrong with it: they end with a word about it and leave nothing half done.

import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { COMPILED, MAIN } from '../built.ts';
import { straceArgs } from './faults.ts';
import type { Tried } from './tried.ts';

/** No command takes so long, in milliseconds. */
const LONG_MS = 60_000;

/** The faults of a file that is no database. `EBUSY` and `EROFS` meet who opens it, the others who writes. */
type PlainFault = 'ENOSPC' | 'EIO' | 'EROFS' | 'EBUSY';
const PLAIN: readonly PlainFault[] = ['ENOSPC', 'EIO', 'EROFS', 'EBUSY'];

interface Ended {
  readonly status: number | null;
  readonly said: string;
}

/** A command that writes a file. */
export interface Writing {
  /** Its name, as people are told of it. */
  readonly file: string;
  readonly args: readonly string[];
  /** The paths it writes by, in its home. */
  readonly paths: readonly string[];
  /** What makes it write the file anew. */
  readonly before?: (home: string) => void;
  /** What is left behind a failure and must not be. */
  readonly left?: (home: string) => boolean;
  /** It is read, not written. */
  readonly reads?: boolean;
  /** It serves until it is told to end. */
  readonly serves?: boolean;
  readonly faults?: readonly PlainFault[];
}

/** Runs a command line; one that serves is ended as soon as it does. */
async function run(home: string, { args, serves }: Writing, wrong: readonly string[] = []): Promise<Ended> {
  const [program = process.execPath, ...rest] = [...wrong, process.execPath, MAIN, ...args];
  const child = spawn(program, rest, {
    cwd: home,
    env: {
      PATH: process.env['PATH'] ?? '',
      HOME: home,
      SIGIL_DATA_DIR: join(home, 'data'),
      SIGIL_SECRETS_BACKEND: 'file',
      SIGIL_NETWORKING_LISTEN: '127.0.0.1:0',
      NODE_COMPILE_CACHE: COMPILED,
    },
    stdio: ['pipe', 'pipe', 'pipe'],
    detached: true,
  });
  child.stdin.end('a value');
  let said = '';
  let ending = false;
  // What runs under strace is in its group.
  const signal = (name: NodeJS.Signals): void => {
    if (child.pid !== undefined && child.exitCode === null) process.kill(-child.pid, name);
  };
  const patience = setTimeout(() => signal('SIGKILL'), LONG_MS);
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      said += chunk.toString();
      if (serves !== true || ending || !said.includes('listens on')) return;
      ending = true;
      signal('SIGTERM');
    });
  }
  const status = await new Promise<number | null>((resolve) => child.once('close', resolve));
  clearTimeout(patience);
  return { status, said };
}

/** Every fault of a file that a command writes, each followed by the same command with nothing wrong. */
export async function tryCommand(writing: Writing, prepare: readonly Writing[] = []): Promise<readonly Tried[]> {
  const home = mkdtempSync(join(tmpdir(), 'sigil-faults-'));
  const tried: Tried[] = [];
  try {
    for (const one of prepare) {
      const { status, said } = await run(home, one);
      if (status !== 0) throw new Error(`${one.args.join(' ')} ended with ${status}: ${said}`);
    }
    for (const fault of writing.faults ?? PLAIN) {
      writing.before?.(home);
      const opens = fault === 'EROFS' || fault === 'EBUSY';
      const calls = opens ? 'openat' : writing.reads === true ? 'read,pread64' : undefined;
      const paths = writing.paths.map((path) => join(home, path));
      const kind = fault === 'EBUSY' ? 'EROFS' : fault;
      const args = straceArgs(paths, kind, calls).map((arg) => arg.replace('error=EROFS', `error=${fault}`));
      const { status, said } = await run(home, writing, ['strace', ...args, '-qq']);
      const left = writing.left?.(home) === true;
      const began = Date.now();
      const again = await run(home, writing);
      const told = said.split('\n').find((line) => line.includes(writing.file)) ?? '';
      const problems = [
        ...(status === 0 || status === null ? [`it ended with ${status}`] : []),
        ...(told === '' ? [`nobody is told of it: ${said.slice(-400)}`] : []),
        ...(/^\s+at .*[.]ts:\d+/m.test(said) ? [`a stack is shown: ${said.slice(-400)}`] : []),
        ...(left ? ['something half done is left'] : []),
        ...(again.status === 0 ? [] : [`it does not work again: ${again.status} ${again.said.slice(-400)}`]),
      ].map((text) => `${writing.file} (${fault}): ${text}`);
      tried.push({
        file: writing.file,
        fault: fault === 'EBUSY' ? 'locked' : fault,
        told,
        refused: true,
        again: again.status === 0,
        again_ms: Date.now() - began,
        problems,
      });
    }
    return tried;
  } finally {
    rmSync(home, { recursive: true, force: true });
  }
}

const START: Writing = { file: 'data', args: ['start'], paths: [], serves: true };
const written = (path: string, text: string) => (home: string) => writeFileSync(join(home, path), text);
const removed = (path: string) => (home: string) => rmSync(join(home, path), { force: true });

/** The commands that write something. */
export const WRITINGS: readonly (readonly [Writing, readonly Writing[]])[] = [
  [{ ...START, file: 'owner.token', paths: ['data/owner.token'], before: removed('data/owner.token') }, []],
  [
    {
      ...START,
      file: 'gateway.lock',
      paths: ['data/gateway.lock', 'data/gateway.lock-journal'],
      faults: ['ENOSPC', 'EIO', 'EBUSY'],
    },
    [],
  ],
  [
    {
      ...START,
      file: 'sigil.yaml',
      paths: ['sigil.yaml'],
      reads: true,
      before: written('sigil.yaml', 'logging: {}\n'),
      faults: ['EIO', 'EBUSY'],
    },
    [],
  ],
  [
    {
      file: 'secrets.age',
      args: ['secret', 'set', 'test/one'],
      paths: ['data/secrets.age', 'data/secrets.age.new'],
      left: (home) => existsSync(join(home, 'data/secrets.age.new')),
    },
    [],
  ],
  [
    {
      file: 'backup.tar.gz',
      args: ['backup', 'create', 'backup.tar.gz', '--force'],
      paths: ['.backup.tar.gz.part'],
      left: (home) => existsSync(join(home, '.backup.tar.gz.part')),
    },
    [START],
  ],
  [
    {
      file: '.backup/copy.db',
      args: ['backup', 'create', 'backup.tar.gz', '--force'],
      paths: ['data/.backup/copy.db', 'data/.backup/copy.db-journal'],
      left: (home) => existsSync(join(home, 'data/.backup')) || existsSync(join(home, '.backup.tar.gz.part')),
    },
    [START],
  ],
  [
    {
      file: '.restore',
      args: ['backup', 'restore', 'backup.tar.gz'],
      paths: ['data/.restore/new/journal.db'],
      left: (home) => existsSync(join(home, 'data/.restore')) || !existsSync(join(home, 'data/journal.db')),
    },
    [START, { file: '', args: ['backup', 'create', 'backup.tar.gz'], paths: [] }],
  ],
];

// SPDX-License-Identifier: Apache-2.0
// Runs commands in the sandbox: a few at a time, each killed with all it has started when its time is over.

import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { lstatSync, readlinkSync } from 'node:fs';
import type { Readable, Writable } from 'node:stream';
import type { SandboxCommand, SandboxOutcome } from '../../actors/sandbox/protocol.ts';
import { type Failure, failure } from '../../errors.ts';
import type { World } from '../../world.ts';
import { bubblewrapArguments, TOP_DIRECTORIES, type TopDirectory } from './bubblewrap.ts';
import { BoundedOutput } from './output.ts';

export interface SandboxOptions {
  readonly world: Pick<World, 'after' | 'monotonic'>;
  /** Commands that run at once; one more is refused. */
  readonly most: number;
  /** The program; found by its name where there is no path. */
  readonly bwrap?: string;
}

export interface Sandbox {
  /** `done` is called once. */
  run(asked: SandboxCommand, done: (outcome: SandboxOutcome | Failure) => void): void;
  stop(id: string): void;
  /** Kills what runs. */
  close(): void;
}

/** The user and group `nobody`: a gateway of root's starts no command as root, for limits do not bind root. */
const NOBODY = 65_534;
/** bubblewrap's own exit status when it cannot make the sandbox; its reason is one line. */
const NOT_MADE = 1;
const NOT_MADE_SAYS = /^bwrap: (.{1,300})/;

export function createSandbox({ world, most, bwrap = 'bwrap' }: SandboxOptions): Sandbox {
  const running = new Map<string, () => void>();
  const top = topDirectories();
  const user = process.getuid?.() === 0 ? { uid: NOBODY, gid: NOBODY } : {};

  const run = (
    { id, command, stdin, within }: SandboxCommand,
    done: (outcome: SandboxOutcome | Failure) => void,
  ): void => {
    if (running.size >= most)
      return done(failure('overloaded', `${running.size} commands run already; try again later.`));
    if (running.has(id)) return done(failure('conflict', `A command runs under the name ${id} already.`));
    const began = world.monotonic();
    const [stdout, stderr] = [new BoundedOutput(), new BoundedOutput()];
    let timedOut = false;
    let over = false;
    const child = spawn(bwrap, [...bubblewrapArguments(command, top)], {
      stdio: ['pipe', 'pipe', 'pipe'],
      env: {},
      cwd: '/',
      detached: true,
      ...user,
    }) as ChildProcessByStdio<Writable, Readable, Readable>;
    const end = (outcome: SandboxOutcome | Failure): void => {
      if (over) return;
      over = true;
      running.delete(id);
      cancel();
      done(outcome);
    };
    const kill = (): void => killGroup(child.pid);
    const cancel = world.after(within, () => {
      timedOut = true;
      kill();
    });
    running.set(id, kill);
    child.stdout.on('data', (chunk: Buffer) => stdout.take(chunk));
    child.stderr.on('data', (chunk: Buffer) => stderr.take(chunk));
    // A command that does not read what it is given closes the pipe; that is no failure.
    child.stdin.on('error', () => undefined);
    child.stdin.end(stdin);
    child.on('error', (error) => end(notThere(error)));
    child.on('close', (exit_status, signal) => {
      const says = stderr.text();
      const reason = exit_status === NOT_MADE ? NOT_MADE_SAYS.exec(says)?.[1] : undefined;
      if (reason !== undefined) return end(notMade(reason));
      const took_ms = Math.max(Math.round(world.monotonic() - began), 0);
      end({ exit_status, signal, timed_out: timedOut, stdout: stdout.text(), stderr: says, took_ms });
    });
  };

  return {
    run,
    stop: (id) => running.get(id)?.(),
    close: () => {
      for (const kill of running.values()) kill();
    },
  };
}

/**
 * Kills bubblewrap with its group: the namespace's first process dies with it, and everything in there with that. One that
 * was only just made is of the group still and does not yet know whom to die with.
 */
function killGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // It has ended by itself.
  }
}

/** What `/bin` and its like are here. */
function topDirectories(): readonly TopDirectory[] {
  return TOP_DIRECTORIES.flatMap((name): readonly TopDirectory[] => {
    const stat = lstatSync(`/${name}`, { throwIfNoEntry: false });
    if (stat?.isSymbolicLink()) return [{ name, kind: 'link', target: readlinkSync(`/${name}`) }];
    return stat?.isDirectory() ? [{ name, kind: 'directory' }] : [];
  });
}

function notThere(error: Error): Failure {
  const missing = 'code' in error && error.code === 'ENOENT';
  const message = missing
    ? 'There is no sandbox: bubblewrap is not installed. Install it (`apt install bubblewrap`), 0.8 or newer.'
    : `The sandbox cannot be started: ${error.message}`;
  return failure('tool_failed', message);
}

function notMade(reason: string): Failure {
  const advice = 'bubblewrap 0.8 or newer is needed, and a system that lets users make namespaces.';
  return failure('tool_failed', `The sandbox cannot be made here: ${reason}. ${advice}`);
}

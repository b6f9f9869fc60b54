// SPDX-License-Identifier: Apache-2.0
// A server that is a program of this machine: started in a process group of its own, spoken to in lines, ended with all it started.

import { type ChildProcess, spawn } from 'node:child_process';
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js';
import { type JSONRPCMessage, JSONRPCMessageSchema } from '@modelcontextprotocol/sdk/types.js';
import { LineReader } from './line-reader.ts';
import { plainLine } from './plain-text.ts';

/** What of this process's environment a program gets. */
const INHERITED = ['PATH', 'HOME', 'LANG'] as const;
/** Bytes of one message: a list of tools, or a result. */
export const MESSAGE_BYTES = 16 * 1024 * 1024;
/** Characters of a line on stderr that are kept. */
const STDERR_LINE = 500;
/** How long a program that reads no more may take to be gone, in milliseconds. */
const GONE_MS = 1_000;
/** How long a program may take to end when its input is closed, and when it is told to end, in milliseconds. */
const CLOSE_MS = { input: 500, told: 1_500 } as const;

export interface ChildOptions {
  readonly command: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** A line it wrote for people. */
  readonly said: (line: string) => void;
  /** Its process group began, or is gone: whoever ends this thread from outside ends it too. */
  readonly child: (pid: number, lives: boolean) => void;
}

/** Sends a signal to a whole group; one that is gone has nobody to hear it. */
export function signalGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal);
  } catch (thrown) {
    // `EPERM` is what some systems say of a group that is only waiting to be cleared away.
    const { code } = thrown as NodeJS.ErrnoException;
    if (code !== 'ESRCH' && code !== 'EPERM') throw thrown;
  }
}

export class ChildTransport implements Transport {
  onclose?: () => void;
  onerror?: (error: Error) => void;
  onmessage?: <T extends JSONRPCMessage>(message: T) => void;
  readonly #options: ChildOptions;
  #process: ChildProcess | undefined;
  #closing = false;
  /** All it wrote has been read, too. */
  #closed = false;
  #lastLine = '';
  #ending = '';

  constructor(options: ChildOptions) {
    this.#options = options;
  }

  /** Why it ended, with the last it wrote for people; empty while it lives. */
  get ending(): string {
    if (this.#ending === '' || this.#lastLine === '') return this.#ending;
    return `${this.#ending}: ${this.#lastLine}`;
  }

  start(): Promise<void> {
    const { command, args, env, child } = this.#options;
    const inherited = INHERITED.flatMap((name) => {
      const value = process.env[name];
      return value === undefined ? [] : [[name, value] as const];
    });
    return new Promise((started, failed) => {
      const made = spawn(command, [...args], {
        env: { ...Object.fromEntries(inherited), ...env },
        stdio: ['pipe', 'pipe', 'pipe'],
        // A group of its own: what it starts is ended with it.
        detached: true,
      });
      this.#process = made;
      const { pid } = made;
      if (pid !== undefined) child(pid, true);
      made.once('spawn', started);
      made.once('error', (error: NodeJS.ErrnoException) => {
        this.#ending = spawnProblem(command, error);
        failed(new Error(this.#ending));
        if (pid === undefined) this.onclose?.();
      });
      made.once('exit', (code, signal) => {
        const how = signal === null ? `exited with code ${code}` : `was ended by ${signal}`;
        this.#ending = `${command} ${how}`;
        if (pid === undefined) return;
        // What it started and left behind.
        signalGroup(pid, 'SIGKILL');
        child(pid, false);
      });
      made.once('close', () => {
        this.#closed = true;
        this.onclose?.();
      });
      this.#listen(made);
    });
  }

  send(message: JSONRPCMessage): Promise<void> {
    const input = this.#process?.stdin;
    return new Promise((sent, failed) => {
      const broken = (): void => this.#whenGone(() => failed(new Error(this.ending || 'it reads no more')));
      if (input === undefined || input === null || !input.writable) return broken();
      // Called back when it has left this process, or never will: a server that does not read holds up its sender.
      input.write(`${JSON.stringify(message)}\n`, (error) => (error ? broken() : sent()));
    });
  }

  /** Ends it: its input first, then a signal, then another that nothing survives. Resolves when it is gone. */
  close(): Promise<void> {
    const made = this.#process;
    const pid = made?.pid;
    if (made === undefined || pid === undefined || this.#ending !== '') return Promise.resolve();
    if (this.#closing) return Promise.resolve();
    this.#closing = true;
    return new Promise((gone) => {
      const told = setTimeout(() => signalGroup(pid, 'SIGTERM'), CLOSE_MS.input);
      const killed = setTimeout(() => signalGroup(pid, 'SIGKILL'), CLOSE_MS.input + CLOSE_MS.told);
      made.once('exit', () => {
        clearTimeout(told);
        clearTimeout(killed);
        // Something it started may hold on to its output; nobody reads it any more.
        made.stdout?.destroy();
        made.stderr?.destroy();
        gone();
      });
      made.stdin?.end();
    });
  }

  /** One that reads no more is ending, and says why last of all. */
  #whenGone(then: () => void): void {
    if (this.#closed || this.#process === undefined) return then();
    const late = setTimeout(then, GONE_MS);
    this.#process.once('close', () => {
      clearTimeout(late);
      then();
    });
  }

  #listen({ stdin, stdout, stderr }: ChildProcess): void {
    const fail = (error: Error): void => this.onerror?.(error);
    stdin?.on('error', fail);
    stdout?.on('error', fail);
    stderr?.on('error', fail);
    const messages = new LineReader(MESSAGE_BYTES, (line) => this.#line(line));
    stdout?.on('data', (chunk: Buffer) => {
      if (messages.take(chunk)) return;
      this.#lastLine = `it sent a message of more than ${MESSAGE_BYTES / 1024 / 1024} MiB`;
      if (this.#process?.pid !== undefined) signalGroup(this.#process.pid, 'SIGKILL');
    });
    const lines = new LineReader(STDERR_LINE * 4, (line) => this.#said(line), 'cut');
    stderr?.on('data', (chunk: Buffer) => lines.take(chunk));
  }

  #line(line: string): void {
    if (line.trim() === '') return;
    let message: JSONRPCMessage;
    try {
      message = JSONRPCMessageSchema.parse(JSON.parse(line));
    } catch {
      // Many programs greet on the channel that is for messages.
      this.#said(line);
      return;
    }
    this.onmessage?.(message);
  }

  #said(line: string): void {
    const shown = plainLine(line, STDERR_LINE);
    if (shown === '') return;
    this.#lastLine = shown;
    this.#options.said(shown);
  }
}

function spawnProblem(command: string, { code, message }: NodeJS.ErrnoException): string {
  if (code === 'ENOENT') return `there is no program ${command}`;
  return code === 'EACCES'
    ? `${command} is not a program this user may run`
    : `${command} cannot be started: ${message}`;
}

// SPDX-License-Identifier: Apache-2.0
// What a command is: the data that parsing, help and completion are made from, and the call that runs it.

import type { KnownTypes } from '../config/entries.ts';
import type { Output } from './output.ts';
import type { StartGateway } from './running-gateway.ts';

/** How a shell completes a value. */
export type Completion = 'file' | 'directory' | readonly string[];

/** An option; without `value` it is a switch. */
export interface OptionSpec {
  /** Without the dashes. */
  readonly name: string;
  readonly short?: string;
  /** Placeholder of its value, such as `HOST:PORT`. */
  readonly value?: string;
  readonly help: string;
  readonly complete?: Completion;
  /** Left out of help and completion: not for people. */
  readonly hidden?: boolean;
}

/** A positional argument. */
export interface ArgumentSpec {
  readonly name: string;
  readonly help: string;
  readonly required?: boolean;
  readonly variadic?: boolean;
  /** What it may be; anything when absent. */
  readonly choices?: readonly string[];
}

/** A command or a noun that has commands. */
export interface CommandSpec {
  readonly name: string;
  readonly summary: string;
  /** More about it, for its own help page. */
  readonly details?: readonly string[];
  readonly arguments?: readonly ArgumentSpec[];
  readonly options?: readonly OptionSpec[];
  readonly commands?: readonly CommandSpec[];
  /** It ends by itself on SIGINT, SIGTERM and a closed stdout; every other command just ends there. */
  readonly ownSignals?: boolean;
  /** Its file, imported only when it runs. */
  readonly load?: () => Promise<{ readonly run: CommandRun }>;
}

/** Options every command takes. */
export interface Globals {
  readonly config: string | undefined;
  readonly dataDir: string | undefined;
  readonly url: string | undefined;
  readonly json: boolean;
  readonly verbose: boolean;
}

/** What the composition root gives to the command line. */
export interface Composition {
  readonly startGateway: StartGateway;
  /** The provider and channel types this build has. */
  knownTypes(): Promise<KnownTypes>;
}

/** One command, called. */
export interface Call {
  readonly args: readonly string[];
  readonly globals: Globals;
  readonly output: Output;
  readonly composition: Composition;
  /** The whole tree, for help and completion. */
  readonly program: CommandSpec;
  /** An option's value, or undefined when it was not given. */
  value(name: string): string | undefined;
  /** Whether a switch was given. */
  flag(name: string): boolean;
  /** A whole number within bounds, or undefined; anything else is wrong usage. */
  integer(name: string, least: number, most: number): number | undefined;
}

/** Runs a command; the number is the exit status. */
export type CommandRun = (call: Call) => Promise<number>;

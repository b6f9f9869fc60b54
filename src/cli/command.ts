// SPDX-License-Identifier: Apache-2.0
// What a command is to the command line: the call that runs it, and what it is given.

import type { KnownTypes } from '../config/entries.ts';
import type { Output } from './output.ts';
import type { StartGateway } from './running-gateway.ts';
import type { CliCommand } from './tree.ts';

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
  readonly program: CliCommand;
  /** An option's value, or undefined when it was not given; the name as in `dataDir` for `--data-dir`. */
  value(name: string): string | undefined;
  /** Whether a switch was given. */
  flag(name: string): boolean;
}

/** Runs a command; the number is the exit status. */
export type CommandRun = (call: Call) => Promise<number>;

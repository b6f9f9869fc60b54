// SPDX-License-Identifier: Apache-2.0
// What a command is: what it is called with, the file that runs it, and what is told about its options.

import type { Readable } from 'node:stream';
import { Command, Option } from 'commander';
import type { SkillKeeping } from '../agent/skills/keeping.ts';
import type { KnownTypes } from '../config/entries.ts';
import type { Config } from '../config/schema.ts';
import type { ModelInfo } from '../providers/provider.ts';
import type { Redactor } from '../secrets/redactor.ts';
import type { DataKeeping } from './data-keeping.ts';
import type { Output } from './output.ts';
import type { StartGateway } from './running-gateway.ts';

/** Options every command takes. */
export interface Globals {
  readonly config: string | undefined;
  readonly dataDir: string | undefined;
  readonly url: string | undefined;
  readonly json: boolean;
  readonly verbose: boolean;
}

/** A provider as its configuration and the built-in tables have it. */
export interface KnownProvider {
  readonly name: string;
  readonly type: string;
  readonly models: readonly ModelInfo[];
}

/** Skills where no gateway does the work. */
export interface SkillsAtHand {
  /** Those of a data directory no gateway runs in. */
  atHand(config: Config, dataDir: string): SkillKeeping;
  /** A skill's folder as an archive (tar) that can be sent. @throws SigilError for what a skill may not hold */
  pack(folder: string): Promise<Readable>;
}

/** What the composition root gives to the command line. */
export interface Composition {
  readonly startGateway: StartGateway;
  /** A gateway will be started here: what takes time and is the same for each begins now. */
  expectGateway(): Promise<void>;
  /** Work on the data directory itself. */
  dataKeeping(): Promise<DataKeeping>;
  /** Work on skills' files. */
  skills(): Promise<SkillsAtHand>;
  /** Hides secrets in what is said of errors: the same one that a gateway in this process has. */
  readonly redactor: Redactor;
  /** The providers of a configuration, with what is known of their models without asking. */
  knownProviders(config: Config): Promise<readonly KnownProvider[]>;
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

/** How a shell completes a value. */
export type Completion = 'file' | 'directory' | readonly string[];

/** An option that knows what its value may be completed with, without being held to it. */
export class CliOption extends Option {
  completion: Completion | undefined;

  completesWith(completion: Completion): this {
    this.completion = completion;
    return this;
  }
}

/** A command, or a noun that has commands. */
export class CliCommand extends Command {
  /** Its file; a noun has none. */
  load: (() => Promise<{ readonly run: CommandRun }>) | undefined;
  /** It ends by itself on SIGINT, SIGTERM and a closed stdout; every other command just ends there. */
  ownSignals = false;
  /** A gateway's threads load while its own file is read. */
  startsGateway = false;
  /** Why it takes no more than its arguments, and what to do instead; what was written may be a secret. */
  refusesMore: { readonly message: string; readonly advice: string } | undefined;

  constructor(name?: string) {
    super(name);
    // Help is an option and a command like others, so that both can also be one JSON document.
    this.helpOption(false).helpCommand(false);
  }

  override createCommand(name?: string): CliCommand {
    return new CliCommand(name);
  }

  override createOption(flags: string, description?: string): CliOption {
    return new CliOption(flags, description);
  }

  /** Says why words beyond its arguments and options are refused, without repeating them. */
  refusing(message: string, advice: string): this {
    this.refusesMore = { message, advice };
    return this;
  }

  /** Names the file that runs it. */
  runs(load: () => Promise<{ readonly run: CommandRun }>, { ownSignals = false, startsGateway = false } = {}): this {
    this.load = load;
    this.startsGateway = startsGateway;
    this.ownSignals = ownSignals;
    return this;
  }
}

/** What help and completion tell about an option. */
export interface OptionFacts {
  /** Without the dashes. */
  readonly name: string;
  readonly short?: string;
  /** Placeholder of its value, such as `HOST:PORT`; a switch has none. */
  readonly value?: string;
  readonly help: string;
  readonly complete?: Completion;
}

/** The options of a command itself that are for people. */
export function shownOptions(command: Command): OptionFacts[] {
  return command.options
    .filter(({ hidden }) => !hidden)
    .map((option) => {
      const value = /<(.+)>/.exec(option.flags)?.[1];
      const complete = option instanceof CliOption ? option.completion : undefined;
      return {
        name: option.long?.slice(2) ?? option.name(),
        ...(option.short === undefined ? {} : { short: option.short.slice(1) }),
        ...(value === undefined ? {} : { value }),
        help: option.description,
        ...(complete === undefined ? {} : { complete }),
      };
    });
}

/** Names of a command and of those above it, without the program's. */
export function pathOf(command: Command): string[] {
  return command.parent === null ? [] : [...pathOf(command.parent), command.name()];
}

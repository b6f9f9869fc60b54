// SPDX-License-Identifier: Apache-2.0
// From the words of a command line to a command, its arguments and options; wrong words become wrong usage in two sentences.

import type { Command, CommanderError } from 'commander';
import { type CliError, wrongUsage } from './cli-error.ts';
import { CliCommand, pathOf } from './command.ts';

/** A command line, understood. */
export interface ParsedLine {
  readonly command: CliCommand;
  readonly args: readonly string[];
  /** By name in camel case; the last one given wins. */
  readonly options: Readonly<Record<string, unknown>>;
}

/** Thrown by commander through `exitOverride`, with the command it had come to. */
class Misuse extends Error {
  readonly command: CliCommand;
  readonly code: string;
  readonly said: string;

  constructor(command: CliCommand, { code, message }: CommanderError) {
    super(message);
    this.command = command;
    this.code = code;
    this.said = message;
  }
}

/** Where a line is broken that would be fine if it did not ask for help. */
const FORGIVEN_WITH_HELP = new Set([
  'commander.help',
  'commander.missingArgument',
  'commander.excessArguments',
  'commander.invalidArgument',
]);

function typed(path: readonly string[]): string {
  return `\`${['sigil', ...path].join(' ')}\``;
}

function needsValue(flags: string): CliError {
  const [name = '', value = ''] = flags.replaceAll(/[<>]/g, '').split(' ');
  return wrongUsage(
    `The option ${name} needs a value.`,
    `Write ${name} ${value}, or ${name}=${value} for one that begins with a dash.`,
  );
}

function withParents(command: Command): Command[] {
  return command.parent === null ? [command] : [command, ...withParents(command.parent)];
}

/** The switch in `--switch=value`; undefined for whatever else it is. */
function switchWithValue(command: Command, said: string): string | undefined {
  const name = /^error: unknown option '(--[^=']+)=/.exec(said)?.[1];
  const known = withParents(command).flatMap(({ options }) => options);
  return known.some(({ long }) => long === name) ? name : undefined;
}

/** What commander says, as one sentence on what is wrong and another on what to do. */
function wrongUsageOf({ command, code, said }: Misuse): CliError {
  const { refusesMore } = command;
  if (refusesMore !== undefined && (code === 'commander.excessArguments' || code === 'commander.unknownOption'))
    return wrongUsage(refusesMore.message, refusesMore.advice);
  const path = pathOf(command);
  const lists = (words: readonly string[], what: string) => `${typed(words)} lists ${what}.`;
  if (code === 'commander.help') {
    const names = command.commands.map((child) => child.name()).join(', ');
    return wrongUsage(`${typed(path)} needs to be told what to do.`, `Add one of: ${names}.`);
  }
  if (code === 'commander.optionMissingArgument') return needsValue(/'(.+)'/.exec(said)?.[1] ?? '');
  const bare = switchWithValue(command, said);
  if (bare !== undefined) return wrongUsage(`The option ${bare} takes no value.`, `Write ${bare} alone.`);
  const [, wrong = said, near, more] =
    /^error: (.+?)(?:\n\((Did you mean .+\?)\)|\. ((?:Expected|Allowed|It is) .+))?$/s.exec(said) ?? [];
  const advice = {
    'commander.unknownCommand': lists(['help', ...path], 'what there is'),
    'commander.unknownOption': `${lists([...path, '--help'], 'the options')} After \`--\` every word is an argument.`,
  }[code];
  const marked = near?.replace(
    /^(Did you mean (?:one of )?)(.+)\?$/,
    (_, start: string, names: string) => `${start}${names.replaceAll(/[^, ]+/g, '`$&`')}?`,
  );
  return wrongUsage(
    `${wrong.charAt(0).toUpperCase()}${wrong.slice(1).replace(/\.$/, '')}.`,
    [marked, more, advice ?? `See ${typed([...path, '--help'])}.`].filter((part) => part !== undefined).join(' '),
  );
}

/** Prepares every command: it says nothing itself, throws what is wrong, and reports that it is the one that was called. */
function prepare(command: CliCommand, argv: readonly string[], called: (command: CliCommand) => void): void {
  command.configureOutput({ writeOut: () => undefined, writeErr: () => undefined });
  command.exitOverride((error) => {
    throw new Misuse(command, error);
  });
  if (command.load !== undefined) command.action(() => called(command));
  for (const option of command.options) {
    if (!option.required) continue;
    const check = option.parseArg;
    // The next word is the value, except where a dash says that the value was forgotten.
    option.argParser((value: string, before: unknown) => {
      const forgotten = value.startsWith('-') && value !== '-' && !argv.includes(`${option.long}=${value}`);
      if (forgotten) throw needsValue(option.flags);
      return check === undefined ? value : check(value, before);
    });
  }
  for (const child of command.commands) if (child instanceof CliCommand) prepare(child, argv, called);
}

/**
 * Reads a command line. Options may stand anywhere after the command they belong to, global ones anywhere at all.
 *
 * @param program a tree made for this line
 * @throws CliError `wrong_usage`
 */
export function parseLine(program: CliCommand, argv: readonly string[]): ParsedLine {
  let command = program;
  prepare(program, argv, (called) => {
    command = called;
  });
  try {
    program.parse(argv, { from: 'user' });
  } catch (thrown) {
    if (!(thrown instanceof Misuse)) throw thrown;
    const asksHelp = program.getOptionValue('help') === true;
    if (
      !(asksHelp && FORGIVEN_WITH_HELP.has(thrown.code)) &&
      !(thrown.command === program && thrown.code === 'commander.help')
    ) {
      throw wrongUsageOf(thrown);
    }
    command = thrown.command;
  }
  return { command, args: command.args, options: command.optsWithGlobals() };
}

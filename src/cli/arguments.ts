// SPDX-License-Identifier: Apache-2.0
// From the words of a command line to a command, its arguments and options; wrong words become wrong usage with a suggestion.

import { wrongUsage } from './cli-error.ts';
import type { CommandSpec, OptionSpec } from './command.ts';

/** A command line, understood. */
export interface ParsedLine {
  readonly command: CommandSpec;
  /** The words that name it, from below the program's own: `['session', 'list']`. */
  readonly path: readonly string[];
  readonly args: readonly string[];
  /** By name, last one wins; a switch is an empty text. */
  readonly options: ReadonlyMap<string, string>;
}

/** How a command is typed. */
export function commandText(program: CommandSpec, path: readonly string[]): string {
  return [program.name, ...path].join(' ');
}

// Only a mistake pays for finding what was meant.
async function didYouMean(wrong: string, names: readonly string[]): Promise<string> {
  const { nearest } = await import('../config/walk.ts');
  const near = nearest(wrong.replace(/^-+/, ''), names);
  if (near === undefined) return '';
  return `Did you mean \`${wrong.startsWith('-') ? `--${near}` : near}\`? `;
}

async function unknownCommand(program: CommandSpec, path: readonly string[], group: CommandSpec, word: string) {
  const where = path.length === 0 ? '' : ` of \`${commandText(program, path)}\``;
  const names = (group.commands ?? []).map((command) => command.name);
  const advice = `${await didYouMean(word, names)}\`${commandText(program, ['help', ...path])}\` lists what there is.`;
  return wrongUsage(`There is no command ${JSON.stringify(word)}${where}.`, advice);
}

async function unknownOption(
  program: CommandSpec,
  path: readonly string[],
  known: readonly OptionSpec[],
  word: string,
) {
  const names = known.filter((option) => option.hidden !== true).map((option) => option.name);
  const help = `\`${commandText(program, [...path, '--help'])}\` lists the options; after \`--\` every word is an argument.`;
  return wrongUsage(
    `There is no option ${word} for \`${commandText(program, path)}\`.`,
    `${await didYouMean(word, names)}${help}`,
  );
}

/** Splits `--name=value`, finds the option, and takes its value from the next word where it needs one. */
class OptionReader {
  readonly #program: CommandSpec;
  readonly #options = new Map<string, string>();

  constructor(program: CommandSpec) {
    this.#program = program;
  }

  get options(): ReadonlyMap<string, string> {
    return this.#options;
  }

  /** Returns how many words after this one were its value. */
  async read(word: string, next: string | undefined, command: CommandSpec, path: readonly string[]): Promise<0 | 1> {
    const known = [...(command === this.#program ? [] : (command.options ?? [])), ...(this.#program.options ?? [])];
    const equals = word.startsWith('--') ? word.indexOf('=') : -1;
    const name = equals < 0 ? word : word.slice(0, equals);
    const option = known.find(
      (one) => `--${one.name}` === name || (one.short !== undefined && `-${one.short}` === name),
    );
    if (option === undefined) throw await unknownOption(this.#program, path, known, name);
    if (option.value === undefined) {
      if (equals >= 0) throw wrongUsage(`The option ${name} takes no value.`, `Write ${name} alone.`);
      this.#options.set(option.name, '');
      return 0;
    }
    if (equals >= 0) {
      this.#options.set(option.name, word.slice(equals + 1));
      return 0;
    }
    if (next === undefined || (next.startsWith('-') && next !== '-')) {
      throw wrongUsage(
        `The option ${name} needs a value.`,
        `Write ${name} ${option.value}, or ${name}=${option.value} for one that begins with a dash.`,
      );
    }
    this.#options.set(option.name, next);
    return 1;
  }
}

function checkArguments(
  program: CommandSpec,
  path: readonly string[],
  command: CommandSpec,
  args: readonly string[],
): void {
  const specs = command.arguments ?? [];
  const help = `See \`${commandText(program, [...path, '--help'])}\`.`;
  const missing = specs[args.length];
  if (missing?.required === true) throw wrongUsage(`The argument ${missing.name} is missing.`, help);
  if (args.length > specs.length && specs.at(-1)?.variadic !== true) {
    const extra = JSON.stringify(args[specs.length] ?? '');
    throw wrongUsage(`\`${commandText(program, path)}\` has no use for ${extra}.`, help);
  }
  for (const [index, spec] of specs.entries()) {
    const given = args[index];
    if (given === undefined || spec.choices === undefined || spec.choices.includes(given)) continue;
    throw wrongUsage(`${spec.name} cannot be ${JSON.stringify(given)}.`, `It is one of: ${spec.choices.join(', ')}.`);
  }
}

/**
 * Reads a command line. Options may stand anywhere after the command they belong to, global ones anywhere at all.
 *
 * @throws CliError `wrong_usage`
 */
export async function parseLine(program: CommandSpec, argv: readonly string[]): Promise<ParsedLine> {
  const reader = new OptionReader(program);
  const path: string[] = [];
  const args: string[] = [];
  let command = program;
  let onlyArguments = false;
  for (let index = 0; index < argv.length; index++) {
    const word = argv[index] ?? '';
    if (!onlyArguments && word === '--') {
      onlyArguments = true;
    } else if (!onlyArguments && word.startsWith('-') && word !== '-') {
      index += await reader.read(word, argv[index + 1], command, path);
    } else if (command.commands === undefined) {
      args.push(word);
    } else {
      const child = command.commands.find((one) => one.name === word);
      if (child === undefined) throw await unknownCommand(program, path, command, word);
      command = child;
      path.push(word);
    }
  }
  if (!reader.options.has('help')) checkArguments(program, path, command, args);
  return { command, path, args, options: reader.options };
}

// SPDX-License-Identifier: Apache-2.0
// `sigil help` and `--help`: pages made from the command tree.

import { wrongUsage } from './cli-error.ts';
import type { Call, CommandSpec, OptionSpec } from './command.ts';
import { tableLines } from './table.ts';

/** What may be seen of a list of options. */
export function shownOptions(options: readonly OptionSpec[] | undefined): readonly OptionSpec[] {
  return (options ?? []).filter((option) => option.hidden !== true);
}

function usage(program: CommandSpec, path: readonly string[], command: CommandSpec): string {
  const words = [program.name, ...path];
  if (command.commands !== undefined) words.push('COMMAND');
  for (const { name, required, variadic } of command.arguments ?? []) {
    const word = variadic === true ? `${name}…` : name;
    words.push(required === true ? word : `[${word}]`);
  }
  for (const { name, value } of shownOptions(command === program ? [] : command.options)) {
    words.push(value === undefined ? `[--${name}]` : `[--${name} ${value}]`);
  }
  return words.join(' ');
}

function optionRows(options: readonly OptionSpec[]): string[][] {
  return options.map(({ name, short, value, help }) => {
    const flag = `${short === undefined ? '' : `-${short}, `}--${name}`;
    return [value === undefined ? flag : `${flag} ${value}`, help];
  });
}

function page(
  program: CommandSpec,
  path: readonly string[],
  command: CommandSpec,
  bold: (text: string) => string,
): string[] {
  const lines = [
    `${[program.name, ...path].join(' ')}: ${command.summary}`,
    '',
    `${bold('Usage')}  ${usage(program, path, command)}`,
  ];
  const section = (title: string, rows: readonly (readonly string[])[]) => {
    if (rows.length > 0) lines.push('', bold(title), ...tableLines(rows, { indent: '  ' }));
  };
  if (command.details !== undefined) lines.push('', ...command.details);
  section(
    'Commands',
    (command.commands ?? []).map(({ name, summary }) => [name, summary]),
  );
  section(
    'Arguments',
    (command.arguments ?? []).map(({ name, help }) => [name, help]),
  );
  if (command !== program) section('Options', optionRows(shownOptions(command.options)));
  section('Options of every command', optionRows(shownOptions(program.options)));
  return lines;
}

/** The tree as a document: what `sigil help --json` prints. */
function document(command: CommandSpec): Record<string, unknown> {
  const { name, summary, details = [], commands } = command;
  return {
    name,
    summary,
    details,
    arguments: command.arguments ?? [],
    options: shownOptions(command.options),
    ...(commands === undefined ? {} : { commands: commands.map(document) }),
  };
}

/** Prints the page of the command that the arguments name. */
export async function run({ args, output, program }: Call): Promise<number> {
  let command = program;
  for (const [index, word] of args.entries()) {
    const child: CommandSpec | undefined = command.commands?.find((one) => one.name === word);
    if (child === undefined) {
      const known = args.slice(0, index).join(' ');
      throw wrongUsage(
        `There is no command ${JSON.stringify(args.join(' '))}.`,
        `\`${['sigil help', known].filter((part) => part !== '').join(' ')}\` lists what there is.`,
      );
    }
    command = child;
  }
  if (output.json) output.document(document(command));
  else output.write(`${page(program, args, command, output.paint.bold).join('\n')}\n`);
  return 0;
}

// SPDX-License-Identifier: Apache-2.0
// `sigil help` and `--help`: pages made from the command tree.

import type { Command } from 'commander';
import { wrongUsage } from './cli-error.ts';
import { type Call, shownOptions } from './command.ts';
import type { Output } from './output.ts';

function page(command: Command, output: Output): string {
  const { bold } = output.paint;
  return command
    .configureOutput({ getOutHelpWidth: () => output.width(), getOutHasColors: () => true })
    .configureHelp({
      showGlobalOptions: true,
      styleTitle: bold,
      subcommandTerm: (child) => child.name(),
      optionTerm: ({ flags }) => flags.replaceAll(/[<>]/g, ''),
      argumentDescription: ({ description }) => description,
      commandDescription: (shown) => [shown.summary(), shown.description()].filter((text) => text !== '').join('\n\n'),
    })
    .helpInformation();
}

/** The tree as a document: what `sigil help --json` prints. */
function document(command: Command): Record<string, unknown> {
  const details = command.description();
  return {
    name: command.name(),
    summary: command.summary(),
    details: details === '' ? [] : details.split('\n'),
    arguments: command.registeredArguments.map((argument) => ({
      name: argument.name(),
      help: argument.description,
      ...(argument.required ? { required: true } : {}),
      ...(argument.variadic ? { variadic: true } : {}),
      ...(argument.argChoices === undefined ? {} : { choices: argument.argChoices }),
    })),
    options: shownOptions(command),
    ...(command.commands.length === 0 ? {} : { commands: command.commands.map(document) }),
  };
}

/** Prints the page of a command. */
export function printHelp(command: Command, output: Output): void {
  if (output.json) output.document(document(command));
  else output.write(page(command, output));
}

/** Prints the page of the command that the arguments name. */
export async function run({ args, output, program }: Call): Promise<number> {
  let command: Command = program;
  for (const [index, word] of args.entries()) {
    const child = command.commands.find((one) => one.name() === word);
    if (child === undefined) {
      throw wrongUsage(
        `Unknown command '${args.join(' ')}'.`,
        `\`${['sigil', 'help', ...args.slice(0, index)].join(' ')}\` lists what there is.`,
      );
    }
    command = child;
  }
  printHelp(command, output);
  return 0;
}

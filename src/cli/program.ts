// SPDX-License-Identifier: Apache-2.0
// From the process's arguments to its exit status: finds the command, runs it, and tells what went wrong.

import type { Redactor } from '../secrets/redactor.ts';
import { parseLine } from './arguments.ts';
import { type CliError, EXIT, toCliError } from './cli-error.ts';
import type { Call, Composition } from './command.ts';
import { type Output, processOutput } from './output.ts';
import { visible } from './terminal-text.ts';
import { createProgram } from './tree.ts';

/** Whether a switch was given, for when the line as a whole could not be understood. */
function given(argv: readonly string[], word: string): boolean {
  const end = argv.indexOf('--');
  return (end < 0 ? argv : argv.slice(0, end)).includes(word);
}

function report(error: CliError, output: Output, redactor: Redactor): void {
  const { code, message, advice, lines, fields } = redactor.data(parts(error));
  if (output.json) output.document({ error: { code, message, advice, ...fields } });
  else {
    const { red } = output.notePaint;
    const shown = [
      `${red('sigil:')} ${visible(message)}`,
      ...lines.map((line) => `  ${visible(line)}`),
      visible(advice),
    ];
    output.note(shown.join('\n'));
  }
  if (output.verbose) output.note(redactor.text((error.cause instanceof Error ? error.cause : error).stack ?? ''));
}

function parts({ code, message, advice, lines, fields }: CliError) {
  return { code, message, advice, lines, fields };
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

async function dispatch(argv: readonly string[], output: Output, composition: Composition): Promise<number> {
  const program = createProgram();
  const { command, args, options } = parseLine(program, argv);
  const call: Call = {
    args,
    output,
    composition,
    program,
    globals: {
      config: textOf(options['config']),
      dataDir: textOf(options['dataDir']),
      url: textOf(options['url']),
      json: output.json,
      verbose: output.verbose,
    },
    value: (name) => textOf(options[name]),
    flag: (name) => options[name] === true,
  };
  if (command === program && options['version'] === true) return await (await import('./version.ts')).run(call);
  if (command.load === undefined || options['help'] === true) {
    (await import('./help.ts')).printHelp(command, output);
    return EXIT.done;
  }
  if (!command.ownSignals) {
    process.once('SIGINT', () => process.exit(EXIT.interrupted));
    output.onClosed(() => process.exit(EXIT.done));
  }
  if (command.startsGateway) await composition.expectGateway();
  return await (await command.load()).run(call);
}

/**
 * Runs a command line to its end.
 *
 * @param argv the words after the program's name
 * @returns the exit status, once everything written has left the process
 */
export async function run(argv: readonly string[], composition: Composition): Promise<number> {
  const output = processOutput({
    json: given(argv, '--json'),
    verbose: given(argv, '--verbose'),
    noColor: given(argv, '--no-color'),
  });
  let status: number;
  try {
    status = await dispatch(argv, output, composition);
  } catch (thrown) {
    const error = toCliError(thrown);
    report(error, output, composition.redactor);
    status = error.exitStatus;
  }
  await output.flushed();
  return status;
}

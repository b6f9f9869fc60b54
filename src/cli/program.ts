// SPDX-License-Identifier: Apache-2.0
// From the process's arguments to its exit status: finds the command, runs it, and tells what went wrong.

import { parseLine } from './arguments.ts';
import { type CliError, EXIT, toCliError, wrongUsage } from './cli-error.ts';
import type { Call, CommandSpec, Composition } from './command.ts';
import { type Output, processOutput } from './output.ts';
import { visible } from './terminal-text.ts';
import { PROGRAM } from './tree.ts';

/** Whether a switch was given, for when the line as a whole could not be understood. */
function given(argv: readonly string[], word: string): boolean {
  const end = argv.indexOf('--');
  return (end < 0 ? argv : argv.slice(0, end)).includes(word);
}

function report(error: CliError, output: Output): void {
  if (output.json) {
    const { code, message, advice, fields } = error;
    output.document({ error: { code, message, advice, ...fields } });
  } else {
    const { red } = output.notePaint;
    const lines = [
      `${red('sigil:')} ${visible(error.message)}`,
      ...error.lines.map((line) => `  ${visible(line)}`),
      visible(error.advice),
    ];
    output.note(lines.join('\n'));
  }
  if (output.verbose) output.note((error.cause instanceof Error ? error.cause : error).stack ?? '');
}

async function dispatch(argv: readonly string[], output: Output, composition: Composition): Promise<number> {
  const { command, path, args, options } = await parseLine(PROGRAM, argv);
  const call: Call = {
    args,
    output,
    composition,
    program: PROGRAM,
    globals: {
      config: options.get('config'),
      dataDir: options.get('data-dir'),
      url: options.get('url'),
      json: output.json,
      verbose: output.verbose,
    },
    value: (name) => options.get(name),
    flag: (name) => options.has(name),
    integer: (name, least, most) => {
      const text = options.get(name);
      if (text === undefined) return undefined;
      const number = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN;
      if (number >= least && number <= most) return number;
      throw wrongUsage(
        `--${name} cannot be ${JSON.stringify(text)}.`,
        `It is a whole number from ${least} to ${most}.`,
      );
    },
  };
  if (options.has('version') && path.length === 0) return (await import('./version.ts')).run(call);
  if (options.has('help') || path.length === 0) return (await import('./help.ts')).run({ ...call, args: path });
  if (command.load === undefined) throw await nounAlone(command, path);
  if (command.ownSignals !== true) {
    process.once('SIGINT', () => process.exit(EXIT.interrupted));
    output.onClosed(() => process.exit(EXIT.done));
  }
  return await (await command.load()).run(call);
}

async function nounAlone(command: CommandSpec, path: readonly string[]): Promise<CliError> {
  const names = (command.commands ?? []).map((one) => one.name).join(', ');
  return wrongUsage(`\`sigil ${path.join(' ')}\` needs to be told what to do.`, `Add one of: ${names}.`);
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
    report(error, output);
    status = error.exitStatus;
  }
  await output.flushed();
  return status;
}

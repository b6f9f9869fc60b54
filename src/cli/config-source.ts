// SPDX-License-Identifier: Apache-2.0
// The configuration as a command loads it: with its flags, or every problem at once as one error.

import type { Quarantined as QuarantinedPart } from '../actors/gateway/protocol.ts';
import { type LoadedConfig, loadConfig, type RefusedConfig } from '../config/load.ts';
import type { Quarantined } from '../config/problems.ts';
import { CliError, EXIT, isErrorCode } from './cli-error.ts';
import type { Call } from './command.ts';

/** What a command adds to the file and the environment. */
export interface CommandSettings {
  /** Nested like the configuration. */
  readonly values: Readonly<Record<string, unknown>>;
  /** Dotted key to the flag that set it. */
  readonly names: Readonly<Record<string, string>>;
}

/** A configuration that cannot run, as one error; wrong flags alone are wrong usage. */
export function refusal({ problems, source }: RefusedConfig): CliError {
  // A file named by --config that is not there has no path in it: that is no misspelt option.
  const flagsOnly = problems.every(({ origin, path }) => origin === 'flag' && path !== '');
  const count = problems.length === 1 ? 'a problem' : `${problems.length} problems`;
  const what = flagsOnly ? `The command line has ${count}:` : `The configuration has ${count}:`;
  const advice = flagsOnly
    ? 'Correct the option and run the command again.'
    : 'Correct what is listed; `sigil config validate` checks it without starting anything.';
  return new CliError(flagsOnly ? 'wrong_usage' : 'validation_failed', what, advice, {
    exitStatus: flagsOnly ? EXIT.usage : EXIT.failed,
    lines: problems.map(({ message }) => message),
    fields: { problems, file: source.file ?? null },
  });
}

/**
 * Loads the configuration; warnings go to stderr.
 *
 * @throws CliError naming every problem
 */
export async function configOf(call: Call, settings?: CommandSettings, file?: string): Promise<LoadedConfig> {
  const known = await call.composition.knownTypes();
  const result = await loadConfig({
    known,
    configPath: file ?? call.globals.config,
    ...(settings === undefined ? {} : { flags: settings.values, flagNames: settings.names }),
  });
  if (!call.output.json) {
    const { yellow } = call.output.notePaint;
    for (const { message } of result.warnings) call.output.note(`${yellow('warning:')} ${message}`);
  }
  if (!result.ok) throw refusal(result);
  return result;
}

/** The entries left out, as the gateway and its status name them. */
export function quarantinedParts(entries: readonly Quarantined[]): QuarantinedPart[] {
  return entries.map(({ path, code, message, advice }) => ({
    what: path,
    code: isErrorCode(code) ? code : 'validation_failed',
    message,
    advice,
  }));
}

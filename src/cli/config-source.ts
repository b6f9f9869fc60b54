// SPDX-License-Identifier: Apache-2.0
// The configuration as a command loads it: with its flags, or every problem at once as one error.

import type { Quarantined as QuarantinedPart } from '../actors/gateway/protocol.ts';
import { type LoadedConfig, loadConfig, type RefusedConfig } from '../config/load.ts';
import type { Quarantined } from '../config/problems.ts';
import type { LookUp } from '../config/secret-keys.ts';
import type { SecretStore } from '../secrets/store.ts';
import { CliError, EXIT, isErrorCode, toCliError } from './cli-error.ts';
import type { Call } from './command.ts';
import { dataDirOf } from './connect.ts';

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

/** Looks for kept secrets, in the store that the configuration names, which is opened for the first of them. */
export function lookUpIn(dataDir: string): LookUp {
  let store: Promise<SecretStore> | undefined;
  return async (name, { backend }) => {
    try {
      store ??= import('../secrets/open.ts').then(({ openSecrets }) =>
        openSecrets({ backend, dataDir, env: process.env }),
      );
      await (await store).get(name);
      return undefined;
    } catch (thrown) {
      const { message, advice } = toCliError(thrown);
      return { message, advice };
    }
  };
}

/**
 * Loads the configuration as it can run here and now: an entry whose secret is not kept is set aside as well.
 *
 * @throws CliError naming every problem
 */
export function runnableConfigOf(call: Call, settings?: CommandSettings, file?: string): Promise<LoadedConfig> {
  return loadedConfigOf(call, settings, file, lookUpIn(dataDirOf(call)));
}

/**
 * Loads the configuration; warnings go to stderr.
 *
 * @throws CliError naming every problem
 */
export function configOf(call: Call, settings?: CommandSettings, file?: string): Promise<LoadedConfig> {
  return loadedConfigOf(call, settings, file);
}

async function loadedConfigOf(
  call: Call,
  settings: CommandSettings | undefined,
  file: string | undefined,
  lookUp?: LookUp,
): Promise<LoadedConfig> {
  const known = await call.composition.knownTypes();
  const result = await loadConfig({
    known,
    configPath: file ?? call.globals.config,
    ...(lookUp === undefined ? {} : { lookUp }),
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

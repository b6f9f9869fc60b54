// SPDX-License-Identifier: Apache-2.0
// What the commands about secrets share: the store the configuration names, what refers to it, and how names are told.

import type { LoadedConfig } from '../config/load.ts';
import { thisMachine } from '../config/load.ts';
import type { Config } from '../config/schema.ts';
import { keptSecrets, plainSecrets } from '../config/secret-keys.ts';
import { parseSecretName, SECRET_NAME_RULE, type SecretName } from '../config/secret-name.ts';
import { openSecrets } from '../secrets/open.ts';
import type { Redactor } from '../secrets/redactor.ts';
import type { SecretStore } from '../secrets/store.ts';
import { wrongUsage } from './cli-error.ts';
import type { Call } from './command.ts';
import { configOf } from './config-source.ts';
import { dataDirOf } from './connect.ts';

/** The name a command is about. @throws CliError `wrong_usage`, without repeating what was written */
export function nameOf({ args }: Call): SecretName {
  const name = parseSecretName(args[0] ?? '');
  if (name !== undefined) return name;
  throw wrongUsage('This is no name of a secret.', `A name is ${SECRET_NAME_RULE}. Its value is never an argument.`);
}

/** The store of this command line, which works whether or not a gateway runs: both see the same place. */
export interface SecretSource {
  readonly store: SecretStore;
  readonly config: LoadedConfig;
  /** The paths of the configuration that refer to each name. */
  readonly used: ReadonlyMap<SecretName, readonly string[]>;
}

export async function secretSource(call: Call): Promise<SecretSource> {
  const config = await configOf(call);
  const { backend } = config.declared.secrets;
  const store = await openSecrets({ backend, dataDir: dataDirOf(call), env: process.env });
  return { store, config, used: keptSecrets(config.declared) };
}

/** Has all secrets hidden that can be known without opening the store. */
export function hideSecrets(config: Config, redactor: Redactor): void {
  for (const value of plainSecrets(config, thisMachine())) redactor.add(value);
}

/** Where a change of a secret is not seen until the gateway starts again. */
export function waitsForStart(paths: readonly string[]): boolean {
  return paths.some((path) => path.startsWith('auth.tokens'));
}

/** Names of settings in a sentence. */
export function listed(paths: readonly string[]): string {
  return paths.length < 2 ? paths.join('') : `${paths.slice(0, -1).join(', ')} and ${paths.at(-1)}`;
}

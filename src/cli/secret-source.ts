// SPDX-License-Identifier: Apache-2.0
// What the commands about secrets share: the store the configuration names, what refers to it, and how names are told.

import type { LoadedConfig } from '../config/load.ts';
import { thisMachine } from '../config/load.ts';
import { BrokenReference, resolveReferences } from '../config/references.ts';
import type { Config } from '../config/schema.ts';
import { keptSecrets, secretKeys } from '../config/secret-keys.ts';
import { isKeyringReference, type SecretName } from '../config/secret-name.ts';
import { namesSecret } from '../config/show.ts';
import { openSecrets } from '../secrets/open.ts';
import type { Redactor } from '../secrets/redactor.ts';
import type { SecretStore } from '../secrets/store.ts';
import type { Call } from './command.ts';
import { configOf } from './config-source.ts';
import { dataDirOf } from './connect.ts';

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

/** Has all secrets hidden that can be known without opening a store: those written out, in the environment, in files. */
export function hideSecrets(config: Config, redactor: Redactor): void {
  const source = thisMachine();
  for (const { path, written, kind } of secretKeys(config)) {
    // A key of a platform's or plugin's own holds a secret when it is called like one.
    if (isKeyringReference(written) || (kind === 'free' && !namesSecret(String(path.at(-1))))) continue;
    try {
      const value = resolveReferences(written, source, (text) => redactor.add(text));
      // The address of a URL is to be seen; what is secret in it is hidden wherever a URL is shown.
      if (kind !== 'secret_url') redactor.add(value);
    } catch (thrown) {
      // One that leads nowhere stands for nothing that could be shown.
      if (!(thrown instanceof BrokenReference)) throw thrown;
    }
  }
}

/** Where a change of a secret is not seen until the gateway starts again. */
export function waitsForStart(paths: readonly string[]): boolean {
  return paths.some((path) => path.startsWith('auth.tokens'));
}

/** Names of settings in a sentence. */
export function listed(paths: readonly string[]): string {
  return paths.length < 2 ? paths.join('') : `${paths.slice(0, -1).join(', ')} and ${paths.at(-1)}`;
}

// SPDX-License-Identifier: Apache-2.0
// Secrets as checks that try them need them: from the place the configuration names, hidden in whatever is said.

import type { LoadedConfig, RefusedConfig } from '../../config/load.ts';
import { failure, SigilError } from '../../errors.ts';
import { Redactor } from '../../secrets/redactor.ts';
import type { SecretResolver } from '../../secrets/resolver.ts';
import { rootSecrets } from '../root-secrets.ts';

const resolvers = new WeakMap<object, SecretResolver['resolve']>();

/** What turns a written secret into its text; one for all checks of a run, so that a keyring is opened once. */
export function resolverOf(loaded: LoadedConfig | RefusedConfig, dataDir: string): SecretResolver['resolve'] {
  if (!loaded.ok) return () => Promise.reject(new SigilError(failure('not_found', 'There is no configuration.')));
  const known = resolvers.get(loaded);
  if (known !== undefined) return known;
  const { resolve } = rootSecrets(loaded.config, dataDir, new Redactor());
  resolvers.set(loaded, resolve);
  return resolve;
}

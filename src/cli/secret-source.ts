// SPDX-License-Identifier: Apache-2.0
// What the commands about secrets share: where they are kept and by whom a change is made and noted, and how names are told.

import { thisMachine } from '../config/load.ts';
import type { Config } from '../config/schema.ts';
import { keptSecrets, plainSecrets } from '../config/secret-keys.ts';
import { parseSecretName, partsOf, SECRET_NAME_RULE, type SecretName } from '../config/secret-name.ts';
import { createSecretKeeping, type SecretListing, type SecretRemoved, type SecretSet } from '../secrets/keeping.ts';
import { openSecrets } from '../secrets/open.ts';
import type { Redactor } from '../secrets/redactor.ts';
import { CliError, wrongUsage } from './cli-error.ts';
import { GatewayClient } from './client.ts';
import type { Call } from './command.ts';
import { configOf } from './config-source.ts';
import { dataDirOf, namedUrl, routeTo, socketOf } from './connect.ts';
import { EVERYTHING, listOf } from './pages.ts';

/** The name a command is about. @throws CliError `wrong_usage`, without repeating what was written */
export function nameOf({ args }: Call): SecretName {
  const name = parseSecretName(args[0] ?? '');
  if (name !== undefined) return name;
  throw wrongUsage('This is no name of a secret.', `A name is ${SECRET_NAME_RULE}. Its value is never an argument.`);
}

/** What the commands do, wherever it is done. */
export interface SecretSource {
  list(): Promise<SecretListing>;
  set(name: SecretName, value: string): Promise<SecretSet>;
  remove(name: SecretName): Promise<SecretRemoved>;
}

/**
 * Secrets by way of the gateway that is named or runs in the data directory, which notes a change in its audit. Where none
 * runs this process does both itself, with the directory locked meanwhile. A gateway that only listens where the
 * configuration says is not asked: it may be somebody else's, and would be given the secret.
 */
export function secretSource(call: Call): SecretSource {
  const { composition } = call;
  const url = namedUrl(call);
  const target =
    url === undefined
      ? ({ kind: 'socket', path: socketOf(dataDirOf(call)) } as const)
      : ({ kind: 'url', url } as const);
  const client = new GatewayClient(routeTo(call, target));
  const local = async () => {
    const { config, declared } = await configOf(call);
    const dataDir = dataDirOf(call);
    const keeping = createSecretKeeping({
      open: () => openSecrets({ backend: declared.secrets.backend, dataDir, env: process.env }),
      used: () => keptSecrets(declared),
      redactor: composition.redactor,
    });
    return { keeping, config, dataDir };
  };
  const changed = async <T>(
    ask: () => Promise<unknown>,
    otherwise: (own: Awaited<ReturnType<typeof local>>) => Promise<T>,
  ): Promise<T> => {
    try {
      return (await ask()) as T;
    } catch (thrown) {
      if (url !== undefined || !(thrown instanceof CliError) || thrown.code !== 'not_running') throw thrown;
      return await otherwise(await local());
    }
  };
  return {
    // Both see the same place, and reading is noted nowhere: no gateway is needed for it.
    list: async () => (url === undefined ? await (await local()).keeping.list() : await listing(client)),
    set: (name, value) =>
      changed(
        () => client.put(pathOf(name), { value }),
        async ({ keeping, config, dataDir }) =>
          await (await composition.dataKeeping()).audited({ dataDir, config }, (note) =>
            keeping.set(name, value, note),
          ),
      ),
    remove: (name) =>
      changed(
        () => client.delete(pathOf(name)),
        async ({ keeping, config, dataDir }) =>
          await (await composition.dataKeeping()).audited({ dataDir, config }, (note) => keeping.remove(name, note)),
      ),
  };
}

/** All of them, however many pages that takes. */
async function listing(client: GatewayClient): Promise<SecretListing> {
  const { first, items } = await listOf(client, '/api/v1/secrets', EVERYTHING);
  const { next_cursor: _, ...about } = first;
  return { ...about, items } as unknown as SecretListing;
}

function pathOf(name: SecretName): string {
  const { service, account } = partsOf(name);
  return `/api/v1/secrets/${encodeURIComponent(service)}/${encodeURIComponent(account)}`;
}

/** Has all secrets hidden that can be known without opening the store. */
export function hideSecrets(config: Config, redactor: Redactor): void {
  for (const value of plainSecrets(config, thisMachine())) redactor.add(value);
}

/** Names of settings in a sentence. */
export function listed(paths: readonly string[]): string {
  return paths.length < 2 ? paths.join('') : `${paths.slice(0, -1).join(', ')} and ${paths.at(-1)}`;
}

// SPDX-License-Identifier: Apache-2.0
// Opens the place that `secrets.backend` names; each is loaded only when it is the one.

import { type SecretStore, secretFailure } from './store.ts';

/** What opening needs of configuration and machine. */
export interface SecretsOptions {
  /** `secrets.backend`. */
  readonly backend: string;
  readonly dataDir: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Wall clock, epoch milliseconds. */
  readonly now?: () => number;
  readonly platform?: NodeJS.Platform;
}

type Options = Required<SecretsOptions>;

const OPENERS = {
  auto: async (options: Options): Promise<SecretStore> => {
    const { keyringTrouble } = await import('./keyring-store.ts');
    const trouble = await keyringTrouble(options);
    if (trouble === undefined) return await OPENERS.keyring(options);
    const store = await OPENERS.file(options);
    // Somebody who set it in a session and looks for it outside one must learn why it is not there.
    return { ...store, place: `${store.place} (secrets.backend: auto, and the keyring cannot be used: ${trouble})` };
  },
  keyring: async (options: Options): Promise<SecretStore> =>
    (await import('./keyring-store.ts')).createKeyringStore(options),
  file: async (options: Options): Promise<SecretStore> => (await import('./file-store.ts')).createFileStore(options),
  env: async ({ env }: Options): Promise<SecretStore> => (await import('./env-store.ts')).createEnvStore(env),
};

/** The values of `secrets.backend`. */
export const BACKEND_SETTINGS = Object.keys(OPENERS);

/**
 * Opens the store of secrets. `auto` takes the keyring when one answers, else the encrypted file.
 *
 * @throws SigilError `validation_failed` for a backend that does not exist, naming those that do
 */
export async function openSecrets(options: SecretsOptions): Promise<SecretStore> {
  const { backend } = options;
  if (!Object.hasOwn(OPENERS, backend)) {
    throw secretFailure(
      'validation_failed',
      `There is no secrets backend ${JSON.stringify(backend)}.`,
      `Set secrets.backend to one of ${BACKEND_SETTINGS.join(', ')}.`,
    );
  }
  const { now = Date.now, platform = process.platform } = options;
  return await OPENERS[backend as keyof typeof OPENERS]({ ...options, now, platform });
}

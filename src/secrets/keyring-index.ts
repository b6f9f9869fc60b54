// SPDX-License-Identifier: Apache-2.0
// The names of what was put into the keyring from this data directory: keyrings give a secret by its name and list none.

import { join } from 'node:path';
import { z } from 'zod';
import { parseSecretName, type SecretName } from '../config/secret-name.ts';
import { makeDirectory, readPrivate, replacePrivate, withLock } from './private-file.ts';
import { SECRETS_MOST, type SecretEntry, secretFailure } from './store.ts';

const FILE_MOST = 1_048_576;
const Content = z.object({
  version: z.literal(1),
  names: z.record(
    z.string().refine((name) => parseSecretName(name) === name),
    z.object({ set_at: z.iso.datetime() }),
  ),
});
type Names = z.output<typeof Content>['names'];

export interface KeyringIndex {
  list(): readonly SecretEntry[];
  /** Runs `work` with nobody else changing the keyring from this data directory, the name noted before. */
  adding(name: SecretName, work: () => Promise<void>): Promise<void>;
  /** The same, the name forgotten after. */
  removing(name: SecretName, work: () => Promise<void>): Promise<void>;
}

/** The index in `DATA/secrets-keyring.json`. It holds names and times, never values. */
export function createKeyringIndex(dataDir: string, now: () => number): KeyringIndex {
  const path = join(dataDir, 'secrets-keyring.json');
  const read = (): Names => {
    const reading = readPrivate(path, FILE_MOST);
    if (reading === undefined || reading === 'same') return {};
    try {
      return Content.parse(JSON.parse(Buffer.from(reading.bytes).toString('utf8'))).names;
    } catch (thrown) {
      throw secretFailure(
        'storage_failed',
        `${path} is damaged.`,
        'Move it away: the secrets stay in the keyring, and names the configuration refers to are still shown.',
        thrown,
      );
    }
  };
  const locked = async (work: () => Promise<void>): Promise<void> => {
    makeDirectory(dataDir);
    await withLock(join(dataDir, 'secrets.lock'), work);
  };
  const write = (names: Names): void =>
    replacePrivate(path, Buffer.from(`${JSON.stringify({ version: 1, names }, null, 2)}\n`));
  return {
    list: () =>
      Object.entries(read())
        .toSorted(([a], [b]) => (a < b ? -1 : 1))
        .map(([name, { set_at }]) => ({ name: name as SecretName, setAt: new Date(set_at) })),
    adding: (name, work) =>
      locked(async () => {
        const names = read();
        if (!Object.hasOwn(names, name) && Object.keys(names).length >= SECRETS_MOST)
          throw secretFailure('validation_failed', `${SECRETS_MOST} secrets are kept already.`, 'Remove some first.');
        // Noted first: a name without a secret is left out when listed, a secret without a name would never be seen.
        write({ ...names, [name]: { set_at: new Date(now()).toISOString() } });
        await work();
      }),
    removing: (name, work) =>
      locked(async () => {
        await work();
        const { [name]: _, ...rest } = read();
        write(rest);
      }),
  };
}

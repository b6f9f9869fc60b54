// SPDX-License-Identifier: Apache-2.0
// Secrets in one encrypted file, `DATA/secrets.age`, under a passphrase from the environment or the key beside it.

import { join } from 'node:path';
import { z } from 'zod';
import { parseSecretName, type SecretName } from '../config/secret-name.ts';
import { type AgeKey, newIdentity, open, seal, sealedWith } from './age-box.ts';
import { makeDirectory, readPrivate, replacePrivate, withLock } from './private-file.ts';
import { checkValue, notKept, SECRETS_MOST, type SecretStore, secretFailure, VALUE_MOST } from './store.ts';

/** The variable a passphrase is taken from. */
export const PASSPHRASE_VARIABLE = 'SIGIL_SECRETS_PASSPHRASE';

const VERSION = 1;
/** Largest encrypted file: everything that may be kept, each character escaped, and room for its frame. */
const FILE_MOST = SECRETS_MOST * (VALUE_MOST * 6 + 1_024);
const KEY_FILE_MOST = 4_096;
const IDENTITY = /^AGE-SECRET-KEY-1[A-Z0-9]{50,70}$/m;

const Content = z.object({
  version: z.literal(VERSION),
  secrets: z.record(
    z.string().refine((name) => parseSecretName(name) === name),
    z.object({ value: z.string(), set_at: z.iso.datetime() }),
  ),
});
type Kept = Readonly<Record<string, { readonly value: string; readonly set_at: string }>>;

export interface FileStoreOptions {
  readonly dataDir: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Wall clock, epoch milliseconds. */
  readonly now: () => number;
  /** Base-2 logarithm of scrypt’s work factor for a passphrase; 17 where not given, and less only in tests. */
  readonly work?: number;
}

/** Opens nothing by itself: the first call does. */
export function createFileStore({ dataDir, env, now, work }: FileStoreOptions): SecretStore {
  const path = join(dataDir, 'secrets.age');
  const keyPath = join(dataDir, 'secrets.key');
  const place = `the encrypted file ${path}`;
  let cached: { readonly version: string; readonly kept: Kept } | undefined;

  const passphrase = (): string | undefined => env[PASSPHRASE_VARIABLE] || undefined;

  const identity = (): string | undefined => {
    const reading = readPrivate(keyPath, KEY_FILE_MOST);
    if (reading === undefined || reading === 'same') return undefined;
    if (reading.open)
      throw secretFailure(
        'storage_failed',
        `${keyPath} can be read by others than its owner, and whoever has read it can open ${path}.`,
        `Run \`chmod 600 ${keyPath}\`; if somebody may have read it, set every secret anew and change it where it is used.`,
      );
    const text = IDENTITY.exec(Buffer.from(reading.bytes).toString('utf8'))?.[0];
    if (text !== undefined) return text;
    throw secretFailure(
      'storage_failed',
      `${keyPath} holds no key (AGE-SECRET-KEY-1…).`,
      'Put back the file that was there before; without it the secrets cannot be opened.',
    );
  };

  /** What opens a file that was sealed so. */
  const keyFor = (kind: AgeKey['kind']): AgeKey => {
    if (kind === 'passphrase') {
      const given = passphrase();
      if (given !== undefined) return { kind, passphrase: given };
      throw secretFailure(
        'storage_failed',
        `${path} is protected by a passphrase, and ${PASSPHRASE_VARIABLE} is not set.`,
        `Set ${PASSPHRASE_VARIABLE} to the passphrase, for the gateway too.`,
      );
    }
    const found = identity();
    if (found !== undefined) return { kind, identity: found };
    throw secretFailure(
      'storage_failed',
      `${path} is there, and its key ${keyPath} is not.`,
      `Put ${keyPath} back from where you keep it; without it the secrets cannot be opened. To begin anew move ${path} away.`,
    );
  };

  const damaged = (cause?: unknown) =>
    secretFailure(
      'storage_failed',
      `${path} is damaged: it is cut short or was changed.`,
      'Put it back from a backup, or move it away and set the secrets anew.',
      cause,
    );

  const parse = (text: string): Kept => {
    let data: unknown;
    try {
      data = JSON.parse(text);
    } catch {
      // The parser's message would quote what it read, which is secrets.
      throw damaged();
    }
    const parsed = Content.safeParse(data);
    if (parsed.success) return parsed.data.secrets;
    const version = typeof data === 'object' && data !== null && 'version' in data ? data.version : undefined;
    if (typeof version !== 'number' || version <= VERSION) throw damaged();
    throw secretFailure('storage_failed', `${path} was written by a newer Sigil.`, 'Use that version, or a later one.');
  };

  /** What is in the file now. */
  const readNow = async (): Promise<Kept> => {
    const reading = readPrivate(path, FILE_MOST, cached?.version);
    if (reading === 'same' && cached !== undefined) return cached.kept;
    cached = undefined;
    if (reading === undefined || reading === 'same') return {};
    const kind = sealedWith(reading.bytes);
    if (kind === undefined) throw damaged();
    const opened = await open(reading.bytes, keyFor(kind));
    if (!opened.ok && opened.why === 'damaged') throw damaged();
    if (!opened.ok) {
      throw secretFailure(
        'storage_failed',
        kind === 'passphrase'
          ? `The passphrase in ${PASSPHRASE_VARIABLE} does not open ${path}.`
          : `The key in ${keyPath} does not open ${path}: it belongs to another file, or one of them is damaged.`,
        kind === 'passphrase'
          ? `Set ${PASSPHRASE_VARIABLE} to the passphrase the file was written with.`
          : `Put back the ${keyPath} that belongs to it.`,
      );
    }
    const kept = parse(opened.text);
    cached = { version: reading.version, kept };
    return kept;
  };

  let reading: Promise<Kept> | undefined;
  /** The same for those who only look: opening it once is enough for all that ask at the same time. */
  const read = (): Promise<Kept> => {
    reading ??= readNow().finally(() => {
      reading = undefined;
    });
    return reading;
  };

  /** The key to write with: the passphrase where one is set, else the key file, which is made when it is missing. */
  const writeKey = async (): Promise<AgeKey> => {
    const given = passphrase();
    if (given !== undefined) return { kind: 'passphrase', passphrase: given };
    const found = identity();
    if (found !== undefined) return { kind: 'identity', identity: found };
    const made = await newIdentity();
    const text = `# Opens secrets.age of this directory. Whoever has both has the secrets.\n${made}\n`;
    replacePrivate(keyPath, Buffer.from(text));
    return { kind: 'identity', identity: made };
  };

  const change = async (edit: (kept: Kept) => Kept): Promise<void> => {
    makeDirectory(dataDir);
    await withLock(join(dataDir, 'secrets.lock'), async () => {
      // What is there is opened first: a wrong passphrase must not replace what it cannot read.
      const secrets = edit(await readNow());
      const sealed = await seal(JSON.stringify({ version: VERSION, secrets }), await writeKey(), work);
      replacePrivate(path, sealed);
    });
  };

  return {
    backend: 'file',
    place,
    async get(name) {
      const kept = await read();
      const found = Object.hasOwn(kept, name) ? kept[name] : undefined;
      if (found === undefined) throw notKept(name, place);
      return found.value;
    },
    async set(name, value) {
      checkValue(value);
      await change((kept) => {
        if (!Object.hasOwn(kept, name) && Object.keys(kept).length >= SECRETS_MOST)
          throw secretFailure(
            'validation_failed',
            `${path} holds ${SECRETS_MOST} secrets already.`,
            'Remove some first.',
          );
        return { ...kept, [name]: { value, set_at: new Date(now()).toISOString() } };
      });
    },
    async list() {
      return Object.entries(await read())
        .toSorted(([a], [b]) => (a < b ? -1 : 1))
        .map(([name, { set_at }]) => ({ name: name as SecretName, setAt: new Date(set_at) }));
    },
    async remove(name) {
      await change((kept) => {
        if (!Object.hasOwn(kept, name)) throw notKept(name, place);
        const { [name]: _, ...rest } = kept;
        return rest;
      });
    },
    async protection() {
      const found = readPrivate(path, FILE_MOST);
      const kind = found === undefined || found === 'same' ? undefined : sealedWith(found.bytes);
      return (kind ?? (passphrase() === undefined ? 'identity' : 'passphrase')) === 'identity' ? 'key' : 'passphrase';
    },
    async close() {
      cached = undefined;
    },
  };
}

// SPDX-License-Identifier: Apache-2.0
// Text in the age format (age-encryption.org/v1), under a passphrase or a key: what `age` itself opens as well.

import { createCipheriv, createDecipheriv, randomBytes, scrypt } from 'node:crypto';
import type { Identity, Recipient, Stanza } from 'age-encryption';

/** What opens a sealed text, and seals it. */
export type AgeKey =
  | { readonly kind: 'passphrase'; readonly passphrase: string }
  /** An age identity, `AGE-SECRET-KEY-1…`. */
  | { readonly kind: 'identity'; readonly identity: string };

/**
 * Base-2 logarithm of scrypt's work factor for a passphrase: 128 MiB and some tenths of a second for each guess, what
 * OWASP's password storage cheat sheet names first for scrypt.
 */
const PASSPHRASE_WORK = 17;
/** The most a file may ask for: more memory than this for one guess is no work factor but an attack. */
const WORK_MOST = 20;
const SALT_LABEL = 'age-encryption.org/v1/scrypt';
const SALT_BYTES = 16;
const TAG_BYTES = 16;
const FILE_KEY_BYTES = 16;
const CIPHER = 'chacha20-poly1305';
/** Each key wraps one file key only, so the nonce is all zero (C2SP age specification, "scrypt recipient stanza"). */
const NONCE = Buffer.alloc(12);

/** How a sealed text was sealed, from its header alone; undefined for what is no age file. */
export function sealedWith(bytes: Uint8Array): AgeKey['kind'] | undefined {
  const head = Buffer.from(bytes.subarray(0, 128)).toString('latin1');
  if (!head.startsWith('age-encryption.org/v1\n')) return undefined;
  return head.includes('\n-> scrypt ') ? 'passphrase' : 'identity';
}

// The package's own scrypt would hold the thread for a second; Node's runs beside it.
function keyOf(passphrase: string, salt: Uint8Array, work: number): Promise<Buffer> {
  const options = { N: 2 ** work, r: 8, p: 1, maxmem: 2 ** (work + 11) };
  return new Promise((resolve, reject) => {
    scrypt(passphrase, Buffer.concat([Buffer.from(SALT_LABEL), salt]), 32, options, (error, key) =>
      error === null ? resolve(key) : reject(error),
    );
  });
}

const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64').replaceAll('=', '');

function passphraseRecipient(passphrase: string, work: number, stanza: typeof Stanza): Recipient {
  return {
    wrapFileKey: async (fileKey) => {
      const salt = randomBytes(SALT_BYTES);
      const cipher = createCipheriv(CIPHER, await keyOf(passphrase, salt, work), NONCE, { authTagLength: TAG_BYTES });
      const body = Buffer.concat([cipher.update(fileKey), cipher.final(), cipher.getAuthTag()]);
      return [new stanza(['scrypt', base64(salt), String(work)], body)];
    },
  };
}

function passphraseIdentity(passphrase: string): Identity {
  return {
    unwrapFileKey: async (stanzas) => {
      const [one, ...others] = stanzas;
      const [kind, salt = '', work = ''] = one?.args ?? [];
      // A passphrase stands alone: whoever can add a recipient beside it could have made the file.
      if (one === undefined || kind !== 'scrypt' || others.length > 0) return null;
      const saltBytes = Buffer.from(salt, 'base64');
      const known = /^[1-9][0-9]?$/.test(work) && Number(work) <= WORK_MOST;
      if (!known || saltBytes.length !== SALT_BYTES || one.body.length !== FILE_KEY_BYTES + TAG_BYTES)
        throw new Error('its header is damaged');
      const key = await keyOf(passphrase, saltBytes, Number(work));
      const decipher = createDecipheriv(CIPHER, key, NONCE, { authTagLength: TAG_BYTES });
      decipher.setAuthTag(one.body.subarray(FILE_KEY_BYTES));
      const fileKey = decipher.update(one.body.subarray(0, FILE_KEY_BYTES));
      try {
        decipher.final();
      } catch {
        return null;
      }
      return fileKey;
    },
  };
}

/** A new identity. */
export async function newIdentity(): Promise<string> {
  const { generateX25519Identity } = await import('age-encryption');
  return await generateX25519Identity();
}

/**
 * Seals a text.
 *
 * @param work base-2 logarithm of scrypt's work factor, where the key is a passphrase
 */
export async function seal(text: string, key: AgeKey, work = PASSPHRASE_WORK): Promise<Uint8Array> {
  const { Encrypter, identityToRecipient, Stanza: stanza } = await import('age-encryption');
  const encrypter = new Encrypter();
  if (key.kind === 'passphrase') encrypter.addRecipient(passphraseRecipient(key.passphrase, work, stanza));
  else encrypter.addRecipient(await identityToRecipient(key.identity));
  return await encrypter.encrypt(text);
}

/** What became of opening: the text, or whether the key was wrong or the bytes are damaged. */
export type Opened =
  | { readonly ok: true; readonly text: string }
  | { readonly ok: false; readonly why: 'key' | 'damaged' };

/** Opens a sealed text. */
export async function open(bytes: Uint8Array, key: AgeKey): Promise<Opened> {
  const { Decrypter } = await import('age-encryption');
  const decrypter = new Decrypter();
  decrypter.addIdentity(key.kind === 'passphrase' ? passphraseIdentity(key.passphrase) : key.identity);
  try {
    return { ok: true, text: await decrypter.decrypt(bytes, 'text') };
  } catch (thrown) {
    // The package has no codes; a file key that nobody could unwrap is the one case with this sentence.
    const wrongKey = thrown instanceof Error && thrown.message.startsWith('no identity matched');
    return { ok: false, why: wrongKey ? 'key' : 'damaged' };
  }
}

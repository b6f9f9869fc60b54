// SPDX-License-Identifier: Apache-2.0
// Who may enter: the tokens of the config, or the one owner token that the first start makes in the data directory.

import { createHash, randomBytes } from 'node:crypto';
import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Quarantined } from '../actors/gateway/protocol.ts';
import type { Config } from '../config/schema.ts';
import type { TokenGrant } from '../edge/ports.ts';
import { ERRORS, failure, SigilError } from '../errors.ts';
import { adviceOf } from '../secrets/store.ts';
import { permissionsOfRole } from '../security/permission.ts';
import { configuredTokenId, OWNER_ID, OWNER_TOKEN_ID } from '../stores/configured-directory.ts';
import { syncDirectory } from '../stores/sqlite/make-dirs.ts';
import { guarded } from '../stores/sqlite/storage-error.ts';
import type { ThreadSecrets } from './secrets.ts';

/** What fits a header: anything else could never be sent. */
const SENDABLE = /^[\x21-\x7e]{1,8192}$/;

export function digestOf(token: string): string {
  return createHash('sha256').update(token).digest('hex');
}

/** Who may enter, and which entries of `auth.tokens` are left out because their token cannot be had. */
export interface Entrants {
  readonly tokens: readonly TokenGrant[];
  readonly leftOut: readonly Quarantined[];
}

/** The tokens the guard knows, as digests only. */
export async function tokenGrants(config: Config, dataDir: string, secrets: ThreadSecrets): Promise<Entrants> {
  if (config.auth.mode === 'none') return { tokens: [], leftOut: [] };
  const configured: TokenGrant[] = [];
  const leftOut: Quarantined[] = [];
  for (const [index, { token, user_id, name, permissions }] of config.auth.tokens.entries()) {
    try {
      const digest = digestOf(await secrets.resolve(token));
      const may = permissions ?? permissionsOf(config, user_id);
      configured.push({ id: configuredTokenId(index), digest, user_id, name, permissions: may });
    } catch (thrown) {
      if (!(thrown instanceof SigilError)) throw thrown;
      const { code, message } = thrown.failure;
      leftOut.push({ what: `auth.tokens[${index}]`, code, message, advice: adviceOf(thrown) ?? ERRORS[code].advice });
    }
  }
  if (configured.length > 0) return { tokens: configured, leftOut };
  const token = ownerToken(dataDir);
  // Only the edge ever sees it.
  secrets.redactor.add(token, false);
  const owner = { user_id: OWNER_ID, name: 'owner', permissions: ['admin:*'] };
  return { tokens: [{ id: OWNER_TOKEN_ID, digest: digestOf(token), ...owner }], leftOut };
}

/** What a token without a list of its own may do: as its user. */
function permissionsOf(config: Config, user_id: string): readonly string[] {
  return permissionsOfRole(config.users.find((user) => user.id === user_id)?.role ?? 'member');
}

/** Reads the owner's token, or makes it; the file is the owner's alone. @throws SigilError `storage_failed` */
function ownerToken(dataDir: string): string {
  const file = join(dataDir, 'owner.token');
  return guarded(file, () => tokenIn(file, dataDir));
}

function tokenIn(file: string, dataDir: string): string {
  if (existsSync(file)) {
    const known = readFileSync(file, 'utf8').trim();
    if (known !== '' && !SENDABLE.test(known)) {
      throw new SigilError(
        failure('storage_failed', `${file}: it holds no token; remove it, and the next start makes one`),
      );
    }
    if (known !== '') {
      chmodSync(file, 0o600);
      return known;
    }
  }
  const token = `sigil_${randomBytes(32).toString('base64url')}`;
  // Somebody may note it down now: it is still the one after a power cut.
  writeFileSync(file, `${token}\n`, { mode: 0o600, flush: true });
  syncDirectory(dataDir);
  chmodSync(file, 0o600);
  return token;
}

/** A new token: 256 random bits behind its id, and what is kept of it. */
export function mintToken(uuid: () => string): { readonly id: string; readonly secret: string; readonly hash: string } {
  const id = uuid();
  const secret = `sigil_${id}_${randomBytes(32).toString('base64url')}`;
  return { id, secret, hash: digestOf(secret) };
}

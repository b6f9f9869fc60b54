// SPDX-License-Identifier: Apache-2.0
// Who may enter: the tokens of the config, or the one owner token that the first start makes in the data directory.

import { createHash, randomBytes } from 'node:crypto';
import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { resolveSecret } from '../config/load.ts';
import type { Config } from '../config/schema.ts';
import type { TokenGrant } from '../edge/ports.ts';
import { failure, SigilError } from '../errors.ts';
import { guarded } from '../stores/sqlite/storage-error.ts';

/** What fits a header: anything else could never be sent. */
const SENDABLE = /^[\x21-\x7e]{1,8192}$/;
/** The owner's user id. */
const OWNER = 'owner';

export function digestOf(token: string): string {
  return createHash('sha256').update(token).digest('hex');
}

/** The tokens the guard knows, as digests only. */
export function tokenGrants(config: Config, dataDir: string): readonly TokenGrant[] {
  if (config.auth.mode === 'none') return [];
  const configured = config.auth.tokens.map(({ token, user_id, name, permissions }) => ({
    digest: digestOf(resolveSecret(token)),
    user_id,
    name,
    permissions: permissions ?? permissionsOf(config, user_id),
  }));
  return configured.length > 0
    ? configured
    : [{ digest: digestOf(ownerToken(dataDir)), user_id: OWNER, name: 'owner', permissions: ['admin:*'] }];
}

/** What a token without a list of its own may do: as its user. */
function permissionsOf(config: Config, user_id: string): readonly string[] {
  const role = config.users.find((user) => user.id === user_id)?.role ?? 'member';
  return role === 'owner' || role === 'admin' ? ['admin:*'] : [];
}

/** Reads the owner's token, or makes it; the file is the owner's alone. @throws SigilError `storage_failed` */
function ownerToken(dataDir: string): string {
  const file = join(dataDir, 'owner.token');
  return guarded(file, () => tokenIn(file));
}

function tokenIn(file: string): string {
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
  writeFileSync(file, `${token}\n`, { mode: 0o600 });
  chmodSync(file, 0o600);
  return token;
}

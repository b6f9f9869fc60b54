// SPDX-License-Identifier: Apache-2.0
// Pairing codes: made for one channel, good once and for a while, and what comes of one that somebody sends. Pure.

import { Buffer } from 'node:buffer';
import { hash, timingSafeEqual } from 'node:crypto';
import { LOCK_MS, TRIES_MOST, triesFull, triesOf } from './code-tries.ts';
import { pairingOf, senderKey } from './directory.ts';
import type { CodeOutcome, CodeRow, DirectoryChanges } from './directory-commands.ts';
import { paired, personOf } from './directory-pairings.ts';
import type { StoredCode } from './directory-records.ts';
import {
  type Changing,
  type Decided,
  DIRECTORY_MOST,
  full,
  goes,
  isErasing,
  isKnown,
  isWorkspace,
  missing,
} from './directory-rules.ts';

/** How long a code is good, in milliseconds. */
export const CODE_MS = 600_000;

/** Letters and digits that are not taken for one another (Crockford's base 32). */
const ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
/** Five random bits each: 60 bits, of which no share worth telling is tried in ten minutes, nor guessed from its hash. */
export const CODE_LENGTH = 12;

/** A code of random bytes, {@link CODE_LENGTH} of them at least, as it is told: `K7QF-9M2X-RT4B`. */
export function codeOf(random: Uint8Array): string {
  let code = '';
  for (let at = 0; at < CODE_LENGTH; at += 1) {
    if (at > 0 && at % 4 === 0) code += '-';
    code += ALPHABET[(random[at] ?? 0) & 31] ?? '';
  }
  return code;
}

/** The longest text that is looked at as a code. */
const TYPED_MOST = 64;

/** What is kept of a code, SHA-256 in hex: the channel is part of it, so that it is worth nothing on another. */
export function codeHash(channel: string, typed: string): string {
  const code = typed
    .slice(0, TYPED_MOST)
    .toUpperCase()
    .replace(/[\s-]+/g, '')
    .replaceAll('O', '0')
    .replace(/[IL]/g, '1');
  return hash('sha256', `sigil pairing code\0${channel}\0${code}`);
}

export function createCode(changing: Changing, given: Omit<StoredCode, 'created_at'>): Decided {
  const { state, fixed, now, note } = changing;
  const { id, channel, user_id, workspace_id } = given;
  if (user_id !== '' && !isKnown(state, fixed, user_id)) return missing('user', user_id);
  if (isErasing(state, user_id)) return goes(user_id);
  if (workspace_id !== '' && !isWorkspace(changing, workspace_id)) return missing('workspace', workspace_id);
  let open = 0;
  for (const code of state.codes.values()) if (code.expires_at > now) open += 1;
  if (open >= DIRECTORY_MOST.codes) return full(DIRECTORY_MOST.codes, 'pairing codes');
  const code: StoredCode = { ...given, created_at: now };
  const audit = note('pairing.code_created', { id, channel, user_id, workspace_id });
  return { ok: true, records: [{ type: 'code_created', code }], audit: [audit], body: rowOf(code) };
}

export function removeCode({ state, now, note }: Changing, id: string): Decided {
  const code = state.codes.get(id);
  if (code === undefined || code.expires_at <= now) return missing('pairing code', id);
  const audit = note('pairing.code_removed', { id, channel: code.channel });
  return { ok: true, records: [{ type: 'code_removed', id }], audit: [audit], body: rowOf(code) };
}

export function redeemCode(changing: Changing, given: DirectoryChanges['code.redeem']['body']): Decided {
  const { state, now, note } = changing;
  const sender = senderKey(given);
  const before = triesOf(state.tries, sender, now);
  const locked = before?.locked_until ?? 0;
  if (locked > 0) return told({ outcome: 'locked', until: locked });
  const code = codeWith(changing, given);
  // Who is in already loses nothing by a code that was used, perhaps by this very message before.
  if (code === undefined && isIn(changing, given)) return told({ outcome: 'known' });
  if (code === undefined) {
    if (before === undefined && triesFull(state.tries, now)) return told({ outcome: 'locked', until: now + LOCK_MS });
    const left = TRIES_MOST - (before?.count ?? 0) - 1;
    const audit = left > 0 ? [] : [note('pairing.locked', { channel: given.channel })];
    const body: CodeOutcome = left > 0 ? { outcome: 'wrong', left } : { outcome: 'locked', until: now + LOCK_MS };
    return { ok: true, records: [{ type: 'code_tried', sender }], audit, body };
  }
  const { hash: _, ...who } = given;
  const there = { ...who, workspace_id: code.workspace_id };
  const own = pairingOf(state, there);
  const person = personOf(changing, there, code.user_id, code.role);
  // It is good, and stays so: whoever it is for may still send it.
  if (own?.status === 'denied' || !person.ok) return told({ outcome: 'refused' });
  const used = { type: 'code_removed', id: code.id, sender } as const;
  const outcome = (pairing: unknown) => ({ outcome: 'paired', pairing });
  return paired(changing, there, own, person, 'code', outcome, [used]);
}

/** The code with a hash on its channel. All there are are compared, each in the same time. */
function codeWith(
  { state, now }: Changing,
  { channel, hash: given }: { channel: string; hash: string },
): StoredCode | undefined {
  const wanted = Buffer.from(given, 'hex');
  let found: StoredCode | undefined;
  for (const code of state.codes.values()) {
    const own = Buffer.from(code.hash, 'hex');
    const same = own.length === wanted.length && timingSafeEqual(own, wanted);
    if (same && code.channel === channel && code.expires_at > now) found = code;
  }
  return found;
}

function isIn({ state }: Changing, given: DirectoryChanges['code.redeem']['body']): boolean {
  const all = state.senders.get(senderKey(given)) ?? [];
  return all.some(
    ({ channel, status, origin }) => channel === given.channel && status === 'active' && origin !== 'open',
  );
}

function told(body: CodeOutcome): Decided {
  return { ok: true, records: [], body };
}

function rowOf({ hash: _, ...row }: StoredCode): CodeRow {
  return row;
}

/** What somebody who sent a code is told. */
export function codeAnswer(outcome: CodeOutcome, now: number): string {
  switch (outcome.outcome) {
    case 'paired':
      return 'You are let in. Write what you want to know, or /help.';
    case 'known':
      return 'You are let in here already, and that code is not good any more.';
    case 'wrong':
      return `That is no code that is good here; it may be too old. You may try ${outcome.left} more.`;
    case 'locked':
      return `Too many codes were wrong. Try again in ${Math.max(1, Math.ceil((outcome.until - now) / 60_000))} minutes.`;
    case 'refused':
      return 'That code is not for you.';
    default:
      return outcome satisfies never;
  }
}

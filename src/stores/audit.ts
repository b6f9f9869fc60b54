// SPDX-License-Identifier: Apache-2.0
// The audit: entries that commit with the record they belong to, each with the hash of the one before, and how a chain is checked.

/** What is noted of an action, as the stream's owner hands it in. It never holds what somebody said, nor a secret. */
export interface AuditNote {
  /** `noun.verb`: `token.created`. */
  readonly action: string;
  /** The id of the user who did it; `system` for the gateway itself, `anonymous` for who is not known. */
  readonly actor: string;
  /** The plugin it was done by; empty for none. */
  readonly plugin: string;
  readonly workspace_id: string;
  readonly session_id: string;
  readonly result: 'ok' | 'refused' | 'failed';
  /** A JSON object as text: what is hashed is this text, letter by letter. */
  readonly details: string;
}

/** An entry as the journal keeps it. */
export interface AuditRow extends AuditNote {
  /** Counts the entries from 1, without a gap. */
  readonly n: number;
  /** Epoch milliseconds. */
  readonly at: number;
  /** The row of the journal it committed with. It may have been trimmed since; the entry has not. */
  readonly seq: number;
  /** The hash of the entry before; {@link GENESIS} for the first. */
  readonly prev: string;
  /** SHA-256, hex, of {@link canonical}. */
  readonly hash: string;
}

/** The newest entry's number and hash. */
export interface AuditHead {
  readonly n: number;
  readonly hash: string;
}

/** SHA-256 of a text in UTF-8, as hex. */
export type Digest = (text: string) => string;

/** What the first entry follows. */
export const GENESIS = '0'.repeat(64);
export const NO_AUDIT: AuditHead = { n: 0, hash: GENESIS };

/** Makes a note; what is not given is empty. */
export function auditNote(
  action: string,
  actor: string,
  details: Readonly<Record<string, unknown>>,
  more: Partial<Omit<AuditNote, 'action' | 'actor' | 'details'>> = {},
): AuditNote {
  const none = { plugin: '', workspace_id: '', session_id: '', result: 'ok' as const };
  return { action, actor, ...none, ...more, details: JSON.stringify(details) };
}

/** The most a note may say, in UTF-16 units: a field, and its details. */
const NOTE_FIELD = 1_000;
const NOTE_DETAILS = 64 * 1024;

/** Whether a note is whole, and short enough to be kept. */
export function isNote(note: AuditNote): boolean {
  const { action, actor, plugin, workspace_id, session_id, result, details } = note;
  const fields = [action, actor, plugin, workspace_id, session_id, result];
  const short = fields.every((field) => typeof field === 'string' && field.length <= NOTE_FIELD);
  return short && action !== '' && typeof details === 'string' && details.length <= NOTE_DETAILS;
}

/** What is hashed: the hash before and every field, in this order, as one JSON array, so that no two entries read the same. */
export function canonical(row: Omit<AuditRow, 'hash'>): string {
  const { prev, n, at, seq, action, actor, plugin, workspace_id, session_id, result, details } = row;
  return JSON.stringify([prev, n, at, seq, action, actor, plugin, workspace_id, session_id, result, details]);
}

/** The entry that follows `head`. */
export function linkAudit(head: AuditHead, note: AuditNote, at: number, seq: number, digest: Digest): AuditRow {
  const { action, actor, plugin, workspace_id, session_id, result, details } = note;
  const fields = { action, actor, plugin, workspace_id, session_id, result, details };
  const row = { ...fields, n: head.n + 1, at, seq, prev: head.hash };
  return { ...row, hash: digest(canonical(row)) };
}

/** The first entry that is not what it was. */
export interface AuditBreak {
  readonly n: number;
  readonly problem: 'changed' | 'removed' | 'inserted' | 'moved';
  /** One sentence. */
  readonly message: string;
}

/** How far an entry is looked for that has been given another number. */
const MOVED_MOST = 1_000;

/**
 * Checks entries in order of their numbers against the one before the first; where the chain has come to, or its first
 * break. An entry that was changed and hashed anew is found by the one after it, which still carries its old hash.
 */
export function checkChain(
  before: AuditHead,
  rows: readonly AuditRow[],
  digest: Digest,
): { readonly head: AuditHead; readonly broken: AuditBreak | null } {
  let head = before;
  for (const row of rows) {
    const broken = breakAt(head, row, digest);
    if (broken !== null) return { head, broken };
    head = { n: row.n, hash: row.hash };
  }
  return { head, broken: null };
}

function breakAt(head: AuditHead, row: AuditRow, digest: Digest): AuditBreak | null {
  const { n } = row;
  if (n !== head.n + 1) return removed(head.n + 1);
  const writtenAs = (number: number): boolean => digest(canonical({ ...row, n: number })) === row.hash;
  if (writtenAs(n)) {
    if (row.prev === head.hash) return null;
    if (head.n === 0) return changed(n, `Entry ${n} follows another one that is not there.`);
    return changed(head.n, `Entry ${head.n} was put in the place of the one that entry ${n} follows.`);
  }
  for (let by = 1; by <= MOVED_MOST; by += 1) {
    if (writtenAs(n - by)) {
      const message = `Entry ${n - by} was put in: what stands behind it as entry ${n} was written as ${n - by}.`;
      return { n: n - by, problem: 'inserted', message };
    }
    if (writtenAs(n + by)) {
      const message = `Entry ${n} was written as entry ${n + by}: others were taken away before it, or their order was changed.`;
      return { n, problem: 'moved', message };
    }
  }
  return changed(n, `Entry ${n} is not what was written: its hash is of something else.`);
}

/** Checks where a chain ends against the head that was written with its newest entry. */
export function checkEnd(end: AuditHead, newest: AuditHead): AuditBreak | null {
  if (end.n < newest.n) return removed(end.n + 1);
  if (end.n > newest.n) {
    const n = newest.n + 1;
    return {
      n,
      problem: 'inserted',
      message: `Entry ${n} was not written by the gateway: its last one is ${newest.n}.`,
    };
  }
  if (end.hash === newest.hash) return null;
  return changed(end.n, `Entry ${end.n} has another hash than it was written with.`);
}

/** Checks a sound chain against a head that was kept somewhere else: what was then is what is there now. */
export function checkKept(kept: AuditHead, newest: AuditHead, hash: string | null): AuditBreak | null {
  if (kept.n > newest.n) return removed(newest.n + 1);
  if (kept.n === 0 || hash === kept.hash) return null;
  return changed(
    kept.n,
    `Entry ${kept.n} is not the one whose hash was kept: it, or what is before it, was written anew.`,
  );
}

function changed(n: number, message: string): AuditBreak {
  return { n, problem: 'changed', message };
}

function removed(n: number): AuditBreak {
  return { n, problem: 'removed', message: `Entry ${n} is missing.` };
}

/** What may be asked for; all that is given must hold. */
export interface AuditQuery {
  readonly action?: string | undefined;
  readonly actor?: string | undefined;
  readonly plugin?: string | undefined;
  readonly workspace_id?: string | undefined;
  /** Epoch milliseconds, half-open. */
  readonly from?: number | undefined;
  readonly to?: number | undefined;
}

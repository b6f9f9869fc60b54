// SPDX-License-Identifier: Apache-2.0
// What is checked of an append before anything is written, so that one that cannot be written never fails its group.

import { type Failure, failure } from '../errors.ts';
import { isNote } from './audit.ts';
import type { Append, AppendItem } from './journal.ts';

/** The most one append may hold: above it a single message could keep every other stream waiting. */
const APPEND_LENGTH = 64 * 1024 * 1024;

/** What would make the transaction itself fail, and with it the group: found before it is begun. */
export function problemOf(append: Append): Failure | undefined {
  const bad = (message: string): Failure => failure('validation_failed', message);
  if (typeof append.stream !== 'string' || append.stream === '') return bad('an append names its stream');
  if (typeof append.workspace_id !== 'string') return bad('an append names its workspace');
  if (!Number.isSafeInteger(append.n) || append.n < 1) return bad('the number of an append counts from 1');
  let rows = 0;
  for (const item of append.items) {
    if (!Number.isSafeInteger(item.at)) return bad('the time of an append is a whole number of milliseconds');
    for (const record of item.records) {
      const { type, version, turn_id, payload } = record;
      const texts = typeof type === 'string' && typeof payload === 'string';
      if (!texts || !Number.isSafeInteger(version)) return bad('a record has a type, a version and a payload');
      if (turn_id !== null && typeof turn_id !== 'string') return bad('the turn of a record is a text or null');
    }
    if (!item.settles.every((seq) => Number.isSafeInteger(seq))) return bad('what is settled is named by its seq');
    for (const { record } of item.owes) {
      if (item.records[record] === undefined) return bad('what is owed is a record of the same item');
    }
    if (item.audit !== undefined && !item.audit.every(isNote))
      return bad('a note for the audit is incomplete or too long');
    rows += item.records.length;
  }
  if (rows === 0) return bad('an append has at least one record');
  const { length } = sizeOf(append);
  if (length <= APPEND_LENGTH) return undefined;
  return failure('payload_too_large', `an append may hold ${APPEND_LENGTH} characters, this one has ${length}`);
}

/** Whether something is noted of an append. */
export function isAudited({ items }: Append): boolean {
  return items.some((item: AppendItem) => item.audit !== undefined);
}

/** Rows and payload (UTF-16 units) of an append. */
export function sizeOf(append: Append): { readonly rows: number; readonly length: number } {
  let rows = 0;
  let length = 0;
  for (const { records, audit } of append.items) {
    rows += records.length;
    for (const record of records) length += record.payload.length;
    if (audit !== undefined) for (const { details } of audit) length += details.length;
  }
  return { rows, length };
}

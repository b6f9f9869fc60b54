// SPDX-License-Identifier: Apache-2.0
// An append as it crosses a thread: one flat array, which costs half of what nested objects do to clone, on the hottest path.

import type { AuditNote } from '../audit.ts';
import type { Append, AppendItem, OwedKind, PackedAppend } from '../journal.ts';
import { type SessionRecord, type StoredRecord, store } from '../records.ts';

/** Stored form and wire in one go: what is kept for a repetition are the records, not the text they become. */
export function packAppend(append: Append<SessionRecord>): PackedAppend {
  return packAppendOf(append, store);
}

/** The same for the records of any kind of stream. */
export function packAppendOf<R>(
  { stream, workspace_id, n, items }: Append<R>,
  stored: (record: R) => StoredRecord,
): PackedAppend {
  const packed: (string | number | null)[] = [stream, workspace_id, n, items.length];
  for (const { at, records, owes, settles, audit } of items) {
    packed.push(at, records.length);
    for (const record of records) {
      const { type, version, turn_id, payload } = stored(record);
      packed.push(type, version, turn_id, payload);
    }
    packed.push(owes.length);
    for (const { record, kind } of owes) packed.push(record, kind);
    packed.push(settles.length);
    for (const seq of settles) packed.push(seq);
    packed.push(audit?.length ?? 0);
    for (const note of audit ?? []) {
      const { action, actor, plugin, workspace_id, session_id, result, details } = note;
      packed.push(action, actor, plugin, workspace_id, session_id, result, details);
    }
  }
  return packed;
}

export function unpackAppend(packed: PackedAppend): Append {
  let next = 0;
  const take = <T extends string | number | null>(): T => packed[next++] as T;
  const list = <T>(read: () => T): T[] => Array.from({ length: take<number>() }, read);
  const stream = take<string>();
  const workspace_id = take<string>();
  const n = take<number>();
  const record = (): StoredRecord => ({
    type: take<string>(),
    version: take<number>(),
    turn_id: take<string | null>(),
    payload: take<string>(),
  });
  const note = (): AuditNote => ({
    action: take<string>(),
    actor: take<string>(),
    plugin: take<string>(),
    workspace_id: take<string>(),
    session_id: take<string>(),
    result: take<AuditNote['result']>(),
    details: take<string>(),
  });
  const items = list((): AppendItem => {
    const item = {
      at: take<number>(),
      records: list(record),
      owes: list(() => ({ record: take<number>(), kind: take<OwedKind & string>() })),
      settles: list(() => take<number>()),
    };
    const audit = list(note);
    return audit.length === 0 ? item : { ...item, audit };
  });
  return { stream, workspace_id, n, items };
}

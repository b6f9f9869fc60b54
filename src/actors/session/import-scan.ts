// SPDX-License-Identifier: Apache-2.0
// A session from elsewhere past the scanner: whoever wrote the file, a model will read what is in it as if it had been said here.

import type { Failure } from '../../errors.ts';
import { redactionMark } from '../../security/scanner/verdict.ts';
import type { DatedRecords } from '../../stores/imported-turn.ts';
import type { SessionRecord } from '../../stores/records.ts';
import type { LaneEffects } from './effects.ts';

/** What is left of a part, or why it could not be scanned. */
export type ScannedImport =
  | { readonly ok: true; readonly parts: readonly DatedRecords[] }
  | { readonly ok: false; readonly error: Failure };

/**
 * Goes through every text of a part, in order. What a message here would be refused for is left out and marked: one line of a
 * long conversation does not keep the rest of it from coming over. `done` is called once; before this returns when all is short.
 */
export function scanImport(
  parts: readonly DatedRecords[],
  scan: LaneEffects['scan'],
  done: (scanned: ScannedImport) => void,
): void {
  const records = parts.flatMap((part) => part.records);
  const left: SessionRecord[] = [];
  let at = 0;
  /** A loop and no recursion: a part has thousands of records, nearly all scanned at once. */
  const go = (): void => {
    for (;;) {
      const record = records[at];
      if (record === undefined) return done({ ok: true, parts: together(parts, left) });
      let returned = false;
      let waits = false;
      scanRecord(record, scan, (made) => {
        if (!('type' in made)) {
          at = Number.POSITIVE_INFINITY;
          return done({ ok: false, error: made });
        }
        left.push(made);
        at += 1;
        returned = true;
        if (waits) go();
      });
      if (!returned) {
        waits = true;
        return;
      }
    }
  };
  go();
}

function together(parts: readonly DatedRecords[], records: readonly SessionRecord[]): readonly DatedRecords[] {
  let from = 0;
  return parts.map((part) => {
    const own = records.slice(from, from + part.records.length);
    from += own.length;
    return { at: part.at, records: own };
  });
}

function scanRecord(
  record: SessionRecord,
  scan: LaneEffects['scan'],
  done: (made: SessionRecord | Failure) => void,
): void {
  const { type } = record;
  if (type !== 'message_received' && type !== 'model_replied' && type !== 'tool_returned' && type !== 'turn_finished')
    return done(record);
  if (record.content === '') return done(record);
  scan(record.content, (verdict) => {
    if (verdict.kind === 'failed') return done(verdict.error);
    if (verdict.kind === 'pass') return done(record);
    if (verdict.kind === 'flag')
      return done(type === 'message_received' ? { ...record, flagged: verdict.rules } : record);
    const content = verdict.kind === 'redact' ? verdict.text : verdict.rules.map(redactionMark).join(' ');
    done(type === 'model_replied' ? { ...record, content, deltas: [content.length] } : { ...record, content });
  });
}

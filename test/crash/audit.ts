// SPDX-License-Identifier: Apache-2.0
// What must hold in a journal after any number of kills, read from its file: nothing lost, nothing twice, nothing out of order.

import { join } from 'node:path';
import Database from 'better-sqlite3';

interface Row {
  readonly seq: number;
  readonly prev: number;
  readonly stream: string;
  readonly n: number;
  readonly type: string;
  readonly turn_id: string | null;
  readonly payload: string;
}

export interface JournalAudit {
  readonly rows: number;
  readonly turns: number;
  /** Turns that were taken up again after a kill. */
  readonly resumed: number;
  readonly problems: readonly string[];
}

/** Reads the whole journal of a gateway that does not run. */
export function auditJournal(dataDir: string): JournalAudit {
  const db = new Database(join(dataDir, 'journal.db'), { readonly: true });
  const problems: string[] = [];
  const heads = new Map<string, { seq: number; n: number }>();
  const keys = new Set<string>();
  const received = new Map<string, number>();
  const started = new Map<string, number>();
  const ended = new Map<string, number>();
  const running = new Map<string, string>();
  const returned = new Set<string>();
  let rows = 0;
  let resumed = 0;
  for (const row of db
    .prepare<[], Row>('SELECT seq, prev, stream, n, type, turn_id, payload FROM records ORDER BY seq')
    .iterate()) {
    rows += 1;
    const head = heads.get(row.stream) ?? { seq: 0, n: 0 };
    if (row.n !== head.n + 1 || row.prev !== head.seq)
      problems.push(`${row.stream}: row ${row.seq} is number ${row.n} after ${head.n}`);
    heads.set(row.stream, { seq: row.seq, n: row.n });
    const turn = row.turn_id ?? '';
    switch (row.type) {
      case 'message_received': {
        const { message_id } = JSON.parse(row.payload) as { message_id: string };
        const key = `${row.stream} ${message_id}`;
        if (keys.has(key)) problems.push(`${key} was received twice`);
        keys.add(key);
        received.set(turn, row.seq);
        break;
      }
      case 'turn_started':
        if (started.has(turn)) problems.push(`turn ${turn} was started twice`);
        started.set(turn, row.seq);
        if (running.has(row.stream)) problems.push(`turn ${turn} began while ${running.get(row.stream)} ran`);
        running.set(row.stream, turn);
        break;
      case 'turn_resumed':
        resumed += 1;
        break;
      case 'tool_returned': {
        const { call_id } = JSON.parse(row.payload) as { call_id: string };
        const key = `${turn} ${call_id}`;
        if (returned.has(key)) problems.push(`tool call ${key} returned twice`);
        returned.add(key);
        break;
      }
      case 'turn_finished':
      case 'turn_failed':
        if (ended.has(turn)) problems.push(`turn ${turn} ended twice`);
        ended.set(turn, row.seq);
        if (running.get(row.stream) === turn) running.delete(row.stream);
        break;
      default:
        break;
    }
  }
  for (const turn of received.keys()) if (!ended.has(turn)) problems.push(`turn ${turn} was received and never ended`);
  const owed = db.prepare<[], { count: number }>('SELECT count(*) AS count FROM owed').get()?.count ?? 0;
  if (owed > 0) problems.push(`${owed} rows are still owed`);
  db.close();
  return { rows, turns: ended.size, resumed, problems };
}

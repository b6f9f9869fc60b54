// SPDX-License-Identifier: Apache-2.0
// What must hold of memory after any number of kills: what was said is in it, or a summary stands for it that its session knows.

import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';

interface Row {
  readonly stream: string;
  readonly type: string;
  readonly payload: string;
}

interface Summary {
  readonly id: string;
  readonly session_id: string;
  readonly message_ids: string;
  readonly confirmed: number;
}

export interface MemoryAudit {
  readonly compactions: number;
  readonly problems: readonly string[];
}

/** Reads the memory of a gateway that does not run, once its views have caught up. */
export function auditMemory(dataDir: string): MemoryAudit {
  const journal = new Database(join(dataDir, 'journal.db'), { readonly: true });
  const rows = journal
    .prepare(
      `SELECT stream, type, payload FROM records
       WHERE type IN ('message_received', 'compacted', 'compaction_called', 'compaction_failed', 'compaction_stored')
       ORDER BY seq`,
    )
    .all() as readonly Row[];
  journal.close();
  const problems: string[] = [];
  const said = new Set<string>();
  const known = new Set<string>();
  const called = new Set<string>();
  let compactions = 0;
  for (const { stream, type, payload } of rows) {
    const record = JSON.parse(payload) as Record<string, string>;
    if (type === 'message_received') said.add(`${stream.slice('session/'.length)} ${record['message_id']}`);
    else if (type === 'compacted') known.add(record['compaction_id'] ?? '');
    else if (type === 'compaction_called') {
      if (called.has(record['session_id'] ?? '')) problems.push(`${record['session_id']} is compacted twice at once`);
      called.add(record['session_id'] ?? '');
    } else {
      called.delete(record['session_id'] ?? '');
      if (type === 'compaction_stored') compactions += 1;
    }
  }
  const kept = new Set<string>();
  const summed = new Set<string>();
  const workspaces = join(dataDir, 'workspaces');
  for (const workspace of existsSync(workspaces) ? readdirSync(workspaces) : []) {
    const file = join(workspaces, workspace, 'memory.db');
    if (!existsSync(file)) continue;
    const memory = new Database(file, { readonly: true });
    for (const { session_id, id } of memory.prepare('SELECT session_id, id FROM messages').all() as Record<
      string,
      string
    >[])
      kept.add(`${session_id} ${id}`);
    const summaries = memory.prepare('SELECT id, session_id, message_ids, confirmed FROM summaries').all() as Summary[];
    for (const { id, session_id, message_ids, confirmed } of summaries) {
      if (confirmed === 1 && !known.has(id))
        problems.push(`the summary ${id} is confirmed, and its session does not know it`);
      for (const message of JSON.parse(message_ids) as readonly string[]) {
        const key = `${session_id} ${message}`;
        if (summed.has(key)) problems.push(`${key} is summed up twice`);
        summed.add(key);
      }
    }
    memory.close();
  }
  for (const key of said)
    if (!kept.has(key) && !summed.has(key)) problems.push(`${key} is neither in memory nor summed up`);
  return { compactions, problems };
}

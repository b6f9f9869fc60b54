// SPDX-License-Identifier: Apache-2.0
// The writer of one workspace's memory.db.

import { applyToMemory, type MemoryMessage, type MemoryRows } from '../memory-view.ts';
import type { ReadRowOf } from '../streams.ts';
import { indexedText } from '../text-words.ts';
import type { StoredSummary } from '../workspace-records.ts';
import type { SqliteDatabase } from './database.ts';
import type { JournalRows } from './journal-source.ts';
import { MEMORY_CLEAR, MEMORY_MIGRATIONS } from './memory-schema.ts';
import { ViewFile } from './view-file.ts';
import type { WorkspaceView } from './workspace-files.ts';

export class MemoryView implements WorkspaceView<ReadRowOf<'session' | 'workspace'>>, MemoryRows {
  readonly #file: ViewFile;
  readonly #sql: ReturnType<typeof prepare>;

  constructor(file: string) {
    this.#file = new ViewFile(file, { migrations: MEMORY_MIGRATIONS, clear: MEMORY_CLEAR });
    this.#sql = prepare(this.#file.db);
  }

  get upto(): number {
    return this.#file.upto;
  }

  belongsTo(source: JournalRows): boolean {
    return this.#file.belongsTo(source);
  }

  apply(journal: string, batch: readonly ReadRowOf<'session' | 'workspace'>[]): void {
    this.#file.apply(journal, batch, (fresh) => {
      for (const read of fresh) applyToMemory(this, read);
    });
  }

  clear(): void {
    this.#file.clear();
  }

  close(): void {
    this.#file.close();
  }

  userOf(session_id: string): string | undefined {
    return this.#sql.userOf.get(session_id);
  }

  addMessage(message: MemoryMessage): void {
    const { id, session_id, turn_id, user_id, role, origin, at, tool_call_id, content } = message;
    const calls = message.tool_calls.length === 0 ? null : JSON.stringify(message.tool_calls);
    const { lastInsertRowid: n } = this.#sql.add.run(
      id,
      session_id,
      turn_id,
      user_id,
      role,
      origin,
      at,
      calls,
      tool_call_id,
      content,
    );
    if (content !== '') this.#sql.index.run(n, indexedText(content));
  }

  trimMessages(keep_last: number): void {
    const oldest = this.#sql.oldestKept.get(keep_last);
    if (oldest === undefined) return;
    this.#sql.unindexTo.run(oldest);
    this.#sql.deleteTo.run(oldest);
  }

  deleteMessages(ids: readonly string[]): void {
    for (const id of ids) {
      for (const n of this.#sql.numbersOf.all(id)) {
        this.#sql.unindex.run(n);
        this.#sql.delete.run(n);
      }
    }
  }

  addSummary({ id, session_id, from, to, content, message_ids }: StoredSummary, at: number): void {
    this.#sql.addSummary.run(id, session_id, from, to, content, JSON.stringify(message_ids), at);
  }

  confirmSummary(id: string): void {
    this.#sql.confirm.run(id);
  }
}

type Add = [string, string, string, string, string, string, number, string | null, string | null, string];

function prepare(db: SqliteDatabase) {
  return {
    userOf: db
      .prepare<[string], string>(
        `SELECT user_id FROM messages WHERE session_id = ? AND role = 'user' ORDER BY n DESC LIMIT 1`,
      )
      .pluck(),
    add: db.prepare<Add>(
      `INSERT INTO messages (id, session_id, turn_id, user_id, role, origin, at, tool_calls, tool_call_id, content)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    ),
    index: db.prepare<[number | bigint, string]>('INSERT INTO messages_text (rowid, words) VALUES (?, ?)'),
    /** The newest of those that go. */
    oldestKept: db.prepare<[number], number>('SELECT n FROM messages ORDER BY n DESC LIMIT 1 OFFSET ?').pluck(),
    unindexTo: db.prepare<[number]>(
      `DELETE FROM messages_text WHERE rowid IN (SELECT n FROM messages WHERE n <= ? AND content <> '')`,
    ),
    deleteTo: db.prepare<[number]>('DELETE FROM messages WHERE n <= ?'),
    numbersOf: db.prepare<[string], number>('SELECT n FROM messages WHERE id = ?').pluck(),
    unindex: db.prepare<[number]>('DELETE FROM messages_text WHERE rowid = ?'),
    delete: db.prepare<[number]>('DELETE FROM messages WHERE n = ?'),
    addSummary: db.prepare<[string, string, number, number, string, string, number]>(
      `INSERT OR IGNORE INTO summaries (id, session_id, from_at, to_at, content, message_ids, confirmed, created_at)
       VALUES (?, ?, ?, ?, ?, ?, 0, ?)`,
    ),
    confirm: db.prepare<[string]>('UPDATE summaries SET confirmed = 1 WHERE id = ?'),
  };
}

// SPDX-License-Identifier: Apache-2.0
// The writer of one workspace's memory.db.

import { applyToMemory, foundAs, type MemoryMessage, type MemoryRows } from '../memory-view.ts';
import { scopeWords, USUAL_KINDS } from '../scope-words.ts';
import type { ReadRowOf } from '../streams.ts';
import { hasStem, indexWords } from '../text-words.ts';
import type { MessagesTrimmed, StoredSummary, UserErased } from '../workspace-records.ts';
import type { SqliteDatabase } from './database.ts';
import { forgetWords } from './forget-words.ts';
import type { JournalRows } from './journal-source.ts';
import { MEMORY_CLEAR, MEMORY_MIGRATIONS } from './memory-schema.ts';
import { ViewFile } from './view-file.ts';
import type { WipePlace, WipeSteps } from './wipe.ts';
import type { WorkspaceView } from './workspace-files.ts';

/** Words known to be in the file: most of a text's are, and need no look. */
const WORDS_HELD = 4_096;
/** Removals whose number is kept: it is asked for at once or never. */
const REMOVALS_KEPT = 1_000;

/** How long messages stay, and who is told of those that need not, or are to be summed up. */
export interface GrownSessions {
  /** Messages of each session. */
  readonly keep_last: number;
  /**
   * Only what a confirmed summary stands for may go: somebody is told when a batch of messages beyond the newest `window` has
   * none. Undefined: messages go when a session has a good deal more than it keeps.
   */
  readonly summed: { readonly window: number; readonly batch: number } | undefined;
  readonly grown: (session_id: string) => void;
}

/** A session has grown when it has so many more than it keeps, as a share of what it keeps: each trim takes that many. */
const GROWN_BY = 0.1;

type MemoryRow = ReadRowOf<'session' | 'workspace'>;

export class MemoryView implements WorkspaceView<MemoryRow>, MemoryRows {
  readonly #file: ViewFile;
  readonly #sql: ReturnType<typeof prepare>;
  readonly #grown: GrownSessions | undefined;
  #words = new Set<string>();
  /** Sessions whose messages the batch has changed. */
  #touched = new Set<string>();
  /** How many too many a session had, or had not summed up, when it was told of last. */
  readonly #told = new Map<string, number>();
  /** What that was counted by. */
  #counted = '';

  constructor(file: string, grown?: GrownSessions) {
    this.#grown = grown;
    this.#file = new ViewFile(file, { migrations: MEMORY_MIGRATIONS, clear: MEMORY_CLEAR });
    this.#sql = prepare(this.#file.db);
  }

  get upto(): number {
    return this.#file.upto;
  }

  belongsTo(source: JournalRows): boolean {
    return this.#file.belongsTo(source);
  }

  apply(journal: string, batch: readonly MemoryRow[]): void {
    try {
      this.#file.apply(journal, batch, (fresh) => {
        for (const read of fresh) applyToMemory(this, read);
      });
    } catch (thrown) {
      // What was noted as written is not.
      this.#words = new Set();
      this.#touched = new Set();
      throw thrown;
    }
    this.#tell();
  }

  clear(): void {
    this.#words = new Set();
    this.#file.clear();
  }

  wipe(place: WipePlace): WipeSteps {
    // Words nobody uses any more are not to be completed to either.
    const words = (): WipeSteps =>
      forgetWords(this.#file.db, (work) => {
        // What is known to be there may be gone.
        this.#words = new Set();
        this.#file.transact(work);
      });
    return this.#file.wipe(place, ['messages_text', 'summaries_text'], words);
  }

  close(): void {
    this.#file.close();
  }

  noteUser(session_id: string, user_id: string): void {
    this.#sql.noteUser.run(session_id, user_id);
  }

  userOf(session_id: string): string | undefined {
    return this.#sql.userOf.get(session_id);
  }

  addMessage(message: MemoryMessage): void {
    const { id, session_id, turn_id, user_id, role, origin, at, tool_calls, tool_call_id, tool_name, content } =
      message;
    const calls = tool_calls.length === 0 ? null : JSON.stringify(tool_calls);
    const place = [id, session_id, turn_id, user_id, role, origin, at] as const;
    const added = this.#sql.add.run(...place, calls, tool_call_id, tool_name, extrasOf(message), content);
    this.#sql.count.run(session_id, user_id);
    this.#touched.add(session_id);
    const kind = foundAs(message);
    if (kind === null) return;
    const words = indexWords(content);
    this.#keepWords(words);
    const [usual, others] = USUAL_KINDS.includes(kind) ? [words.join(' '), ''] : ['', words.join(' ')];
    this.#sql.index.run(added.lastInsertRowid, usual, others, scopeWords(message, kind));
  }

  trimMessages(trimmed: MessagesTrimmed): void {
    const { keep_last, session_id, summarized = false, id } = trimmed;
    const { beyond, beyondOf } = this.#sql;
    const leaving = session_id === undefined ? beyond.all(keep_last) : beyondOf.all(session_id, keep_last);
    this.#remove(summarized ? leaving.filter((row) => row.summarized === 1) : leaving, id);
  }

  deleteMessages(ids: readonly string[], id: string | undefined): void {
    this.#remove(
      [...new Set(ids)].flatMap((one) => this.#sql.under.all(one)),
      id,
    );
  }

  addSummary(summary: StoredSummary, at: number): void {
    const { id, session_id, from, to, content, message_ids, user_ids = [] } = summary;
    const user_id = summary.user_id ?? this.userOf(session_id) ?? '';
    const { addSummary, indexSummary } = this.#sql;
    const lists = [JSON.stringify(message_ids), JSON.stringify(user_ids)] as const;
    const added = addSummary.run(id, session_id, user_id, from, to, at, ...lists, content);
    if (added.changes === 0) return;
    const words = indexWords(content);
    this.#keepWords(words);
    indexSummary.run(added.lastInsertRowid, words.join(' '), scopeWords({ session_id, user_id }));
  }

  confirmSummary(id: string): void {
    const summary = this.#sql.confirm.get(id);
    if (summary === undefined) return;
    for (const message_id of JSON.parse(summary.message_ids) as readonly string[]) {
      for (const { n } of this.#sql.under.all(message_id)) {
        const { changes } = this.#sql.summarize.run(n, summary.session_id);
        if (changes > 0) this.#sql.countSummarized.run(1, summary.session_id);
      }
    }
    // Whatever is told of next is counted from here.
    this.#told.delete(summary.session_id);
    this.#touched.add(summary.session_id);
  }

  deleteSession(id: string): void {
    this.#remove(this.#sql.beyondOf.all(id, 0), undefined);
    this.forgetSummaries(id);
    this.#sql.forgetSession.run(id);
  }

  forgetSummaries(session_id: string): void {
    this.#forget(this.#sql.summariesOf.all(session_id));
  }

  eraseUser({ user_id, session_ids, own }: UserErased): void {
    for (const whose of own ? [user_id, ''] : [user_id]) {
      this.#remove(this.#sql.messagesOfUser.all(whose), undefined);
      this.#forget(this.#sql.summariesOfUser.all(whose, whose));
      this.#sql.forgetSessionsOf.run(whose);
    }
    for (const id of session_ids) this.deleteSession(id);
  }

  /** What a summary stood for is not summed up any more, where it is there still. */
  #forget(
    summaries: readonly { readonly n: number; readonly session_id: string; readonly message_ids: string }[],
  ): void {
    for (const { n, session_id, message_ids } of summaries) {
      this.#sql.unindexSummary.run(n);
      this.#sql.deleteSummary.run(n);
      for (const message_id of JSON.parse(message_ids) as readonly string[]) {
        for (const { n: message } of this.#sql.under.all(message_id)) {
          const { changes } = this.#sql.unsummarize.run(message, session_id);
          if (changes > 0) this.#sql.countSummarized.run(-1, session_id);
        }
      }
      this.#touched.add(session_id);
    }
  }

  #remove(rows: readonly Leaving[], id: string | undefined): void {
    for (const { n, session_id, summarized } of rows) {
      this.#sql.unindex.run(n);
      this.#sql.delete.run(n);
      this.#sql.discount.run(summarized, session_id);
      this.#told.delete(session_id);
    }
    if (id === undefined) return;
    const { lastInsertRowid } = this.#sql.addRemoval.run(id, rows.length);
    this.#sql.forgetRemovals.run(Number(lastInsertRowid) - REMOVALS_KEPT);
  }

  /** Says which sessions have more than they keep: once, and again when it has grown on. */
  #tell(): void {
    const touched = this.#touched;
    this.#touched = new Set();
    if (this.#grown === undefined) return;
    const { keep_last, summed, grown } = this.#grown;
    const by = [keep_last, summed?.window, summed?.batch].join();
    if (by !== this.#counted) this.#told.clear();
    this.#counted = by;
    const step = summed?.batch ?? Math.max(1, Math.floor(keep_last * GROWN_BY));
    for (const session_id of touched) {
      const counts = this.#sql.counts.get(session_id);
      if (counts === undefined) continue;
      const over =
        summed === undefined ? counts.messages - keep_last : counts.messages - counts.summarized - summed.window;
      if (over < step + (this.#told.get(session_id) ?? 0)) continue;
      this.#told.set(session_id, over);
      grown(session_id);
    }
  }

  #keepWords(words: readonly string[]): void {
    for (const word of words) {
      if (this.#words.has(word)) continue;
      if (this.#words.size >= WORDS_HELD) this.#words = new Set();
      this.#words.add(word);
      if (hasStem(word)) this.#sql.keepWord.run(word);
    }
  }
}

function extrasOf({ attachments, metadata }: MemoryMessage): string | null {
  if (attachments.length === 0 && Object.keys(metadata).length === 0) return null;
  return JSON.stringify({ attachments, metadata });
}

type Place = [id: string, session: string, turn: string, user: string, role: string, origin: string, at: number];
type Add = [...Place, calls: string | null, call: string | null, tool: string | null, extras: string | null, string];
type AddSummary = [string, string, string, number, number, number, string, string, string];

interface ForgottenSummary {
  readonly n: number;
  readonly session_id: string;
  readonly message_ids: string;
}

interface Leaving {
  readonly n: number;
  readonly session_id: string;
  readonly summarized: number;
}

function prepare(db: SqliteDatabase) {
  const leaving = 'SELECT n, session_id, summarized FROM messages';
  const forgotten = 'SELECT n, session_id, message_ids FROM summaries';
  return {
    noteUser: db.prepare<[string, string]>(
      `INSERT INTO sessions (id, user_id, messages, summarized) VALUES (?, ?, 0, 0)
       ON CONFLICT (id) DO UPDATE SET user_id = excluded.user_id WHERE user_id <> excluded.user_id`,
    ),
    userOf: db.prepare<[string], string>('SELECT user_id FROM sessions WHERE id = ?').pluck(),
    counts: db.prepare<[string], { messages: number; summarized: number }>(
      'SELECT messages, summarized FROM sessions WHERE id = ?',
    ),
    count: db.prepare<[string, string]>(
      `INSERT INTO sessions (id, user_id, messages, summarized) VALUES (?, ?, 1, 0)
       ON CONFLICT (id) DO UPDATE SET messages = messages + 1`,
    ),
    discount: db.prepare<[number, string]>(
      'UPDATE sessions SET messages = messages - 1, summarized = summarized - ? WHERE id = ?',
    ),
    add: db.prepare<Add>(
      `INSERT INTO messages (id, session_id, turn_id, user_id, role, origin, at, summarized, tool_calls, tool_call_id,
         tool_name, extras, content)
       VALUES (?, ?, ?, ?, ?, ?, ?, 0, ?, ?, ?, ?, ?)`,
    ),
    index: db.prepare<[number | bigint, string, string, string]>(
      'INSERT INTO messages_text (rowid, words, others, scope) VALUES (?, ?, ?, ?)',
    ),
    beyond: db.prepare<[number], Leaving>(`${leaving} ORDER BY at DESC, n DESC LIMIT -1 OFFSET ?`),
    beyondOf: db.prepare<[string, number], Leaving>(
      `${leaving} WHERE session_id = ? ORDER BY at DESC, n DESC LIMIT -1 OFFSET ?`,
    ),
    under: db.prepare<[string], Leaving>(`${leaving} WHERE id = ?`),
    unindex: db.prepare<[number]>('DELETE FROM messages_text WHERE rowid = ?'),
    delete: db.prepare<[number]>('DELETE FROM messages WHERE n = ?'),
    addRemoval: db.prepare<[string, number]>('INSERT INTO removals (id, removed) VALUES (?, ?)'),
    forgetRemovals: db.prepare<[number]>('DELETE FROM removals WHERE n <= ?'),
    addSummary: db.prepare<AddSummary>(
      `INSERT OR IGNORE INTO summaries (id, session_id, user_id, from_at, to_at, confirmed, created_at, message_ids, user_ids, content)
       VALUES (?, ?, ?, ?, ?, 0, ?, ?, ?, ?)`,
    ),
    indexSummary: db.prepare<[number | bigint, string, string]>(
      `INSERT INTO summaries_text (rowid, words, others, scope) VALUES (?, ?, '', ?)`,
    ),
    summariesOf: db.prepare<[string], ForgottenSummary>(`${forgotten} WHERE session_id = ?`),
    messagesOfUser: db.prepare<[string], Leaving>(`${leaving} WHERE user_id = ?`),
    summariesOfUser: db.prepare<[string, string], ForgottenSummary>(
      `${forgotten} WHERE user_id = ? OR EXISTS (SELECT 1 FROM json_each(user_ids) WHERE value = ?)`,
    ),
    forgetSessionsOf: db.prepare<[string]>('DELETE FROM sessions WHERE user_id = ? AND messages = 0'),
    unindexSummary: db.prepare<[number]>('DELETE FROM summaries_text WHERE rowid = ?'),
    deleteSummary: db.prepare<[number]>('DELETE FROM summaries WHERE n = ?'),
    forgetSession: db.prepare<[string]>('DELETE FROM sessions WHERE id = ?'),
    confirm: db.prepare<[string], { session_id: string; message_ids: string }>(
      'UPDATE summaries SET confirmed = 1 WHERE id = ? AND confirmed = 0 RETURNING session_id, message_ids',
    ),
    summarize: db.prepare<[number, string]>(
      'UPDATE messages SET summarized = 1 WHERE n = ? AND session_id = ? AND summarized = 0',
    ),
    unsummarize: db.prepare<[number, string]>(
      'UPDATE messages SET summarized = 0 WHERE n = ? AND session_id = ? AND summarized = 1',
    ),
    countSummarized: db.prepare<[number, string]>('UPDATE sessions SET summarized = summarized + ? WHERE id = ?'),
    keepWord: db.prepare<[string]>('INSERT OR IGNORE INTO words (word) VALUES (?)'),
  };
}

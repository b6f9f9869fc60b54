// SPDX-License-Identifier: Apache-2.0
// One workspace's memory.db as it is read.

import type { CompactionBatch, MemoryMessageRow, MemoryQueries, SummaryRow } from '../memory-queries.ts';
import type { Page } from '../page.ts';
import { pageLimit, pageOf, placeOf } from './cursor.ts';
import { openReadonly, type SqliteDatabase } from './database.ts';
import { MESSAGES, messageRow, type StoredMessage, type StoredSummary, SUMMARIES, summaryRow } from './memory-rows.ts';
import { MEMORY_MIGRATIONS } from './memory-schema.ts';
import type { StoredCandidate, TextIndex } from './text-search.ts';
import { NOWHERE, preparePlace, type ViewPlace } from './view-state.ts';

/** Opens a workspace's file for reading; undefined while it is not there. */
export function openMemoryReader(file: string): MemoryReader | undefined {
  const db = openReadonly(file, MEMORY_MIGRATIONS.length);
  return db === undefined ? undefined : new MemoryReader(db);
}

/** Content on one page, in bytes: a page of longer messages is shorter. */
const PAGE_BYTES = 8 * 1024 * 1024;

export class MemoryReader {
  readonly messages: TextIndex<MemoryMessageRow>;
  readonly summaries: TextIndex<SummaryRow>;
  readonly #db: SqliteDatabase;
  readonly #sql: ReturnType<typeof prepare>;

  constructor(db: SqliteDatabase) {
    this.#db = db;
    this.#sql = prepare(db);
    const wordsLike = (stem: string, limit: number): readonly string[] =>
      this.#sql.wordsLike.all(stem, `${stem}\u{10ffff}`, limit);
    this.messages = textIndex<StoredMessage, MemoryMessageRow>(db, MESSAGES, wordsLike, messageRow);
    this.summaries = textIndex<StoredSummary, SummaryRow>(db, SUMMARIES, wordsLike, summaryRow);
  }

  /** Which journal it is made of, and up to which row. */
  state(): ViewPlace {
    return this.#sql.state.get() ?? NOWHERE;
  }

  hasMessage(id: string): boolean {
    return this.#sql.message.get(id) !== undefined;
  }

  hasSummary(id: string): boolean {
    return this.#sql.summary.get(id) !== undefined;
  }

  count(): MemoryQueries['memory.count']['reply'] {
    return { messages: this.#sql.messageCount.get() ?? 0, summaries: this.#sql.summaryCount.get() ?? 0 };
  }

  batch({ session_id, window, limit }: MemoryQueries['memory.batch']['body']): CompactionBatch {
    const before = this.#sql.newestSummary.get(session_id);
    const left_at = this.#sql.leftWindow.get(session_id, window);
    const messages: MemoryMessageRow[] = [];
    let left = 0;
    if (left_at !== undefined) {
      const { at, n } = left_at;
      left = this.#sql.countUnsummed.get(session_id, at, n, limit * BATCHES_COUNTED) ?? 0;
      let bytes = 0;
      for (const row of this.#sql.unsummed.iterate(session_id, at, n, limit)) {
        bytes += row.content.length;
        if (messages.length > 0 && bytes > PAGE_BYTES) break;
        messages.push(messageRow(row));
      }
    }
    const told = before === undefined ? null : { content: before.content, user_ids: usersOf(before) };
    return { messages, left, before: told };
  }

  due({ session_id, user_id, window, least, limit }: MemoryQueries['memory.due']['body']): readonly string[] {
    const bound = { session_id: session_id ?? null, user_id: user_id ?? null, least: window + least, limit };
    return this.#sql.due.all(bound);
  }

  summedWith(user_id: string): readonly string[] {
    return this.#sql.summedWith.all(user_id, user_id);
  }

  removed(id: string): number {
    return this.#sql.removed.get(id) ?? 0;
  }

  range({ from, to, page }: MemoryQueries['memory.messages']['body']): Page<MemoryMessageRow> {
    const limit = pageLimit(page.limit);
    const [at, n] = placeIn('memory', page, [from, Number.MIN_SAFE_INTEGER]);
    const rows: StoredMessage[] = [];
    let bytes = 0;
    // One row more than the page holds says that there are more.
    for (const row of this.#sql.range.iterate(Math.max(at, from), n, to, limit + 1)) {
      rows.push(row);
      if (rows.length > 1 && bytes > PAGE_BYTES) break;
      bytes += row.content.length;
    }
    return pageOf(
      'memory',
      Math.min(limit, bytes > PAGE_BYTES ? rows.length - 1 || 1 : limit),
      rows,
      placed,
      messageRow,
    );
  }

  summariesOf(body: MemoryQueries['memory.summaries']['body']): Page<SummaryRow> {
    const { user_id, session_id, from, to, order, page } = body;
    const limit = pageLimit(page.limit);
    const newest = order === 'newest';
    const list = `summaries.${order}`;
    const [at, n] = placeIn(list, page, newest ? [to, Number.MAX_SAFE_INTEGER] : [from, Number.MIN_SAFE_INTEGER]);
    const scope = { user_id: user_id ?? null, session_id: session_id ?? null, from, to, at, n, limit: limit + 1 };
    const rows = (newest ? this.#sql.newestSummaries : this.#sql.oldestSummaries).all(scope);
    return pageOf(list, limit, rows, (row) => `${row.to_at}.${row.n}`, summaryRow);
  }

  close(): void {
    this.#db.close();
  }
}

/** Batches of messages that are counted: whoever asks wants to know whether there is another. */
const BATCHES_COUNTED = 4;

function usersOf({ user_id, user_ids }: { readonly user_id: string; readonly user_ids: string }): readonly string[] {
  const named = JSON.parse(user_ids) as readonly string[];
  return named.length > 0 || user_id === '' ? named : [user_id];
}

const placed = ({ at, n }: StoredMessage): string => `${at}.${n}`;

/** The time and number a cursor names. */
function placeIn(
  list: string,
  page: Parameters<typeof placeOf>[1],
  first: readonly [at: number, n: number],
): readonly [at: number, n: number] {
  const [at, n] = placeOf(list, page, '').split('.').map(Number);
  return at === undefined || n === undefined || !Number.isSafeInteger(at) || !Number.isSafeInteger(n) ? first : [at, n];
}

/** Texts longer than this, in bytes, are not looked at to be ranked. */
const LOOKED_AT = 4_096;

interface Tables {
  readonly table: string;
  readonly text: string;
  readonly time: string;
  readonly columns: string;
}

/** A full-text index over one of the tables. */
function textIndex<S, R>(
  db: SqliteDatabase,
  { table, text, time, columns }: Tables,
  wordsLike: TextIndex<R>['wordsLike'],
  shown: (row: S) => R,
): TextIndex<R> {
  const matching = (columns: string, joins: string, more: string): string =>
    `SELECT ${columns} FROM ${text} t ${joins}
     WHERE t.${text} MATCH ? AND t.rowid >= ? AND t.rowid <= ? ${more} ORDER BY t.rowid DESC LIMIT ?`;
  const joined = `JOIN ${table} r ON r.n = t.rowid`;
  const inTime = `AND r.${time} >= ? AND r.${time} < ?`;
  const looked = `r.n AS n, octet_length(r.content) AS length,
    CASE WHEN octet_length(r.content) <= ${LOOKED_AT} THEN r.content END AS text`;
  type Matching = [expression: string, first: number, last: number, limit: number];
  type Timed = [expression: string, first: number, last: number, from: number, to: number, limit: number];
  const numbers = db.prepare<Matching, number>(matching('t.rowid', '', '')).pluck();
  const timedNumbers = db.prepare<Timed, number>(matching('t.rowid', joined, inTime)).pluck();
  const candidates = db.prepare<Matching, StoredCandidate>(matching(looked, joined, ''));
  const timed = db.prepare<Timed, StoredCandidate>(matching(looked, joined, inTime));
  const within = db.prepare<[number, number], { first: number | null; last: number | null }>(
    `SELECT min(n) AS first, max(n) AS last FROM ${table} WHERE ${time} >= ? AND ${time} < ?`,
  );
  // What a row is narrowed to weighs nothing.
  const scores = db
    .prepare<[string], [number, number]>(
      `SELECT rowid, -bm25(${text}, 1.0, 1.0, 0.0) FROM ${text} WHERE ${text} MATCH ?`,
    )
    .raw();
  const frequency = db.prepare<[string, number], { count: number; oldest: number | null }>(
    `SELECT count(*) AS count, min(n) AS oldest
     FROM (SELECT t.rowid AS n FROM ${text} t WHERE t.${text} MATCH ? ORDER BY t.rowid DESC LIMIT ?)`,
  );
  const first = db.prepare<[], number>(`SELECT n FROM ${table} ORDER BY n LIMIT 1`).pluck();
  const last = db.prepare<[], number>(`SELECT n FROM ${table} ORDER BY n DESC LIMIT 1`).pluck();
  const row = db.prepare<[number, string | null, string | null], S>(
    `SELECT ${columns} FROM ${table}
     WHERE n = ? AND user_id = coalesce(?, user_id) AND session_id = coalesce(?, session_id)`,
  );
  /** Rows mostly came in the order of their times: what lies outside is not even looked up. Null: nothing lies inside. */
  const spanOf = (from: number, to: number): { readonly first: number; readonly last: number } | null => {
    const span = within.get(from, to);
    return span === undefined || span.first === null || span.last === null
      ? null
      : { first: span.first, last: span.last };
  };
  const always = (from: number, to: number): boolean =>
    from <= Number.MIN_SAFE_INTEGER && to >= Number.MAX_SAFE_INTEGER;
  const { MIN_SAFE_INTEGER, MAX_SAFE_INTEGER } = Number;
  return {
    numbers: (expression, from, to, limit) => {
      if (always(from, to)) return numbers.all(expression, MIN_SAFE_INTEGER, MAX_SAFE_INTEGER, limit);
      const span = spanOf(from, to);
      return span === null ? [] : timedNumbers.all(expression, span.first, span.last, from, to, limit);
    },
    scores: (expression) => new Map(scores.all(expression)),
    candidates: (expression, from, to, limit) => {
      if (always(from, to)) return candidates.all(expression, MIN_SAFE_INTEGER, MAX_SAFE_INTEGER, limit);
      const span = spanOf(from, to);
      return span === null ? [] : timed.all(expression, span.first, span.last, from, to, limit);
    },
    frequency: (expression, limit) => {
      const { count, oldest } = frequency.get(expression, limit) ?? { count: 0, oldest: null };
      return { count, oldest: oldest ?? 0 };
    },
    span: () => ({ first: first.get() ?? 0, last: last.get() ?? 0 }),
    wordsLike,
    row: (n, { user_id, session_id }) => {
      const found = row.get(n, user_id ?? null, session_id ?? null);
      return found === undefined ? undefined : shown(found);
    },
  };
}

interface SummaryScope {
  readonly user_id: string | null;
  readonly session_id: string | null;
  readonly from: number;
  readonly to: number;
  readonly at: number;
  readonly n: number;
  readonly limit: number;
}

interface DueScope {
  readonly session_id: string | null;
  readonly user_id: string | null;
  readonly least: number;
  readonly limit: number;
}

function prepare(db: SqliteDatabase) {
  const summaries = `SELECT ${SUMMARIES.columns} FROM summaries
    WHERE from_at >= @from AND to_at <= @to AND user_id = coalesce(@user_id, user_id)
      AND session_id = coalesce(@session_id, session_id)`;
  return {
    state: preparePlace(db),
    message: db.prepare<[string], number>('SELECT n FROM messages WHERE id = ? LIMIT 1').pluck(),
    summary: db.prepare<[string], number>('SELECT n FROM summaries WHERE id = ?').pluck(),
    messageCount: db.prepare<[], number>('SELECT count(*) FROM messages').pluck(),
    summedWith: db
      .prepare<[string, string], string>(
        `SELECT DISTINCT session_id FROM summaries
         WHERE user_id = ? OR EXISTS (SELECT 1 FROM json_each(user_ids) WHERE value = ?) ORDER BY session_id`,
      )
      .pluck(),
    summaryCount: db.prepare<[], number>('SELECT count(*) FROM summaries').pluck(),
    newestSummary: db.prepare<
      [string],
      { readonly content: string; readonly user_id: string; readonly user_ids: string }
    >('SELECT content, user_id, user_ids FROM summaries WHERE session_id = ? ORDER BY to_at DESC, n DESC LIMIT 1'),
    // The newest message that is not in the window any more.
    leftWindow: db.prepare<[string, number], { readonly at: number; readonly n: number }>(
      'SELECT at, n FROM messages WHERE session_id = ? ORDER BY at DESC, n DESC LIMIT 1 OFFSET ?',
    ),
    unsummed: db.prepare<[string, number, number, number], StoredMessage>(
      `SELECT ${MESSAGES.columns} FROM messages
       WHERE session_id = ? AND summarized = 0 AND (at, n) <= (?, ?) ORDER BY at, n LIMIT ?`,
    ),
    countUnsummed: db
      .prepare<[string, number, number, number], number>(
        `SELECT count(*) FROM (
           SELECT 1 FROM messages WHERE session_id = ? AND summarized = 0 AND (at, n) <= (?, ?) LIMIT ?)`,
      )
      .pluck(),
    due: db
      .prepare<[DueScope], string>(
        `SELECT id FROM sessions
         WHERE id = coalesce(@session_id, id) AND user_id = coalesce(@user_id, user_id) AND messages - summarized >= @least
         ORDER BY id LIMIT @limit`,
      )
      .pluck(),
    removed: db.prepare<[string], number>('SELECT removed FROM removals WHERE id = ? ORDER BY n DESC LIMIT 1').pluck(),
    wordsLike: db
      .prepare<[string, string, number], string>('SELECT word FROM words WHERE word >= ? AND word < ? LIMIT ?')
      .pluck(),
    range: db.prepare<[number, number, number, number], StoredMessage>(
      `SELECT ${MESSAGES.columns} FROM messages
       WHERE (at, n) > (?, ?) AND at < ? ORDER BY at, n LIMIT ?`,
    ),
    oldestSummaries: db.prepare<[SummaryScope], StoredSummary>(
      `${summaries} AND (to_at, n) > (@at, @n) ORDER BY to_at, n LIMIT @limit`,
    ),
    newestSummaries: db.prepare<[SummaryScope], StoredSummary>(
      `${summaries} AND (to_at, n) < (@at, @n) ORDER BY to_at DESC, n DESC LIMIT @limit`,
    ),
  };
}

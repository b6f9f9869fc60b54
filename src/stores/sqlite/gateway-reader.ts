// SPDX-License-Identifier: Apache-2.0
// gateway.db as it is read: where a session or turn belongs, the workspaces, usage, the directory, and how far the views are.

import { CONTENT_MOST, type DirectoryQueries, type UsageQuery, type UserContent } from '../directory-queries.ts';
import type { HeldCall, OpenCall, Page, PageRequest, UsageSum, UsageWindow } from '../session-store.ts';
import { ApprovalsReader } from './approvals-table.ts';
import { CompactionsReader } from './compactions-reader.ts';
import { pageLimit, pageOf, placeOf } from './cursor.ts';
import { fileIdentity, openReadonly, type SqliteDatabase } from './database.ts';
import { DirectoryReader } from './directory-reader.ts';
import { DAY, GATEWAY_MIGRATIONS, HOUR } from './gateway-schema.ts';
import { guarded } from './storage-error.ts';
import { NOTHING_USED, UsageReader } from './usage-reader.ts';
import { NOWHERE, preparePlace, type ViewPlace } from './view-state.ts';

interface WorkspaceEntry {
  readonly id: string;
  readonly sessions: number;
  readonly created_at: number;
  readonly last_seq: number;
}

/** What else is read over the same connection. */
interface More {
  readonly approvals: ApprovalsReader;
  readonly directory: DirectoryReader;
  readonly usage: UsageReader;
  readonly compactions: CompactionsReader;
}

/** Where a turn belongs. */
export interface TurnPlaceRow {
  readonly workspace_id: string;
  readonly session_id: string;
}

export interface WorkspaceItem {
  readonly id: string;
  readonly sessions: number;
  readonly created_at: string;
}

/** Opens by itself once the views' thread has made the file; before that everything is empty. */
export class GatewayReader {
  readonly #file: string;
  #db: SqliteDatabase | undefined;
  #sql: ReturnType<typeof prepare> | undefined;
  #identity = 0;
  #more: More | undefined;

  constructor(file: string) {
    this.#file = file;
  }

  /** Of which journal the views are, up to which row. */
  place(): ViewPlace {
    return this.#read((sql) => sql.place.get()) ?? NOWHERE;
  }

  /** How far the views are, looked up in the file. */
  upto(): number {
    return this.#read((sql) => sql.upto.get()) ?? 0;
  }

  /** How far a projection beside the sessions' is, looked up in the file. */
  uptoOf(projection: string): number {
    return this.#read((sql) => sql.uptoOf.get(projection)) ?? 0;
  }

  /** The last row a workspace's file of this name was given. Undefined when it was given none. */
  lastGiven(file: string, workspace: string): number | undefined {
    return this.#read((sql) => sql.lastGiven.get(file, workspace));
  }

  /** The journal the views are made of. */
  journal(): string {
    return this.#read((sql) => sql.journal.get()) ?? '';
  }

  workspaceOfSession(session_id: string): string | undefined {
    return this.#read((sql) => sql.session.get(session_id));
  }

  turn(turn_id: string): TurnPlaceRow | undefined {
    return this.#read((sql) => sql.turn.get(turn_id));
  }

  /** The last row of a workspace: what its files must hold. Undefined when it has none. */
  lastOf(workspace: string): number | undefined {
    return this.#read((sql) => sql.lastOf.get(workspace));
  }

  workspaces(page: PageRequest): Page<WorkspaceItem> {
    const limit = pageLimit(page.limit);
    const rows = this.#read((sql) => sql.workspaces.all(placeOf('workspaces', page, ''), limit + 1)) ?? [];
    const shown = ({ id, sessions, created_at }: WorkspaceEntry): WorkspaceItem => {
      return { id, sessions, created_at: new Date(created_at).toISOString() };
    };
    return pageOf('workspaces', limit, rows, (row) => row.id, shown);
  }

  /** The sums, and the row up to which they are: read in one transaction, as the views go on meanwhile. */
  usage(scope: string, at: number): UsageWindow {
    const hour = Math.floor(at / HOUR) * HOUR;
    const day = Math.floor(at / DAY) * DAY;
    const nothing: UsageSum = { tokens: 0, cost_usd: 0 };
    const read = this.#read((sql) => {
      sql.begin.run();
      try {
        return {
          hour: sql.usage.get(scope, hour, hour + HOUR) ?? nothing,
          day: sql.usage.get(scope, day, day + DAY) ?? nothing,
          open: scope === 'global' ? sql.openCalls.all() : sql.openCallsOf.all(scope.slice('workspace/'.length)),
          upto: sql.upto.get() ?? 0,
        };
      } finally {
        sql.commit.run();
      }
    });
    return read ?? { hour: nothing, day: nothing, open: [], upto: 0 };
  }

  /** Calls of no session that are open. */
  heldCalls(limit: number): readonly HeldCall[] {
    return this.#read((sql) => sql.heldCalls.all(limit)) ?? [];
  }

  /** The requests for approval, if the views have made them yet. */
  approvals<T>(work: (approvals: ApprovalsReader) => T): T | undefined {
    return this.#read((_, { approvals }) => work(approvals));
  }

  /** The directory, if the views have made it yet. */
  directory<T>(work: (directory: DirectoryReader) => T): T | undefined {
    return this.#read((_, { directory }) => work(directory));
  }

  /** Where somebody has something: looked for in every row, as it is asked seldom. */
  content(user_id: string): UserContent {
    const read = this.#read((sql) => ({
      sessions: sql.sessionsOf.all(user_id, CONTENT_MOST),
      workspaces: sql.workspacesOf.all(user_id, user_id, `personal:${user_id}`),
    }));
    return read ?? { sessions: [], workspaces: [] };
  }

  /** Compactions, if the views have made the file yet. */
  compactions<T>(work: (compactions: CompactionsReader) => T): T | undefined {
    return this.#read((_, { compactions }) => work(compactions));
  }

  usageList(query: UsageQuery, page: PageRequest): DirectoryQueries['usage.list']['reply'] {
    return (
      this.#read((_, { usage }) => usage.list(query, page)) ?? { items: [], next_cursor: null, totals: NOTHING_USED }
    );
  }

  close(): void {
    this.#db?.close();
    this.#db = undefined;
    this.#sql = undefined;
    this.#more = undefined;
  }

  #read<T>(work: (sql: ReturnType<typeof prepare>, more: More) => T): T | undefined {
    return guarded(this.#file, () => {
      // Another file lies there once a damaged one was put aside.
      if (this.#sql !== undefined && fileIdentity(this.#file) !== this.#identity) this.close();
      if (this.#sql === undefined || this.#more === undefined) {
        this.#identity = fileIdentity(this.#file);
        this.#db = openReadonly(this.#file, GATEWAY_MIGRATIONS.length);
        if (this.#db === undefined) return undefined;
        this.#sql = prepare(this.#db);
        const db = this.#db;
        this.#more = {
          approvals: new ApprovalsReader(db),
          directory: new DirectoryReader(db),
          usage: new UsageReader(db),
          compactions: new CompactionsReader(db),
        };
      }
      return work(this.#sql, this.#more);
    });
  }
}

function prepare(db: SqliteDatabase) {
  return {
    begin: db.prepare<[]>('BEGIN'),
    commit: db.prepare<[]>('COMMIT'),
    place: preparePlace(db),
    upto: db.prepare<[], number>('SELECT upto FROM view_state').pluck(),
    uptoOf: db.prepare<[string], number>('SELECT upto FROM projections WHERE name = ?').pluck(),
    lastGiven: db
      .prepare<[string, string], number>('SELECT last_seq FROM projected WHERE file = ? AND workspace_id = ?')
      .pluck(),
    journal: db.prepare<[], string>('SELECT journal FROM view_state').pluck(),
    session: db.prepare<[string], string>('SELECT workspace_id FROM sessions WHERE session_id = ?').pluck(),
    turn: db.prepare<[string], TurnPlaceRow>('SELECT workspace_id, session_id FROM turns WHERE turn_id = ?'),
    lastOf: db.prepare<[string], number>('SELECT last_seq FROM workspaces WHERE id = ?').pluck(),
    workspaces: db.prepare<[string, number], WorkspaceEntry>(
      'SELECT id, sessions, created_at, last_seq FROM workspaces WHERE id > ? AND sessions > 0 ORDER BY id LIMIT ?',
    ),
    sessionsOf: db.prepare<[string, number], UserContent['sessions'][number]>(
      'SELECT session_id, workspace_id FROM sessions WHERE user_id = ? ORDER BY session_id LIMIT ?',
    ),
    workspacesOf: db
      .prepare<[string, string, string], string>(
        `SELECT DISTINCT workspace_id FROM sessions WHERE user_id = ?
         UNION SELECT DISTINCT workspace_id FROM turns WHERE user_id = ?
         UNION SELECT id FROM workspaces WHERE id = ? ORDER BY 1`,
      )
      .pluck(),
    openCalls: db.prepare<[], OpenCall>('SELECT turn_id, call, tokens, cost_usd FROM open_calls ORDER BY turn_id'),
    openCallsOf: db.prepare<[string], OpenCall>(
      'SELECT turn_id, call, tokens, cost_usd FROM open_calls WHERE workspace_id = ? ORDER BY turn_id',
    ),
    heldCalls: db.prepare<[number], HeldCall>(
      `SELECT turn_id, call, tokens, cost_usd, workspace_id, user_id, model, holder FROM open_calls
       WHERE holder <> '' ORDER BY turn_id LIMIT ?`,
    ),
    usage: db.prepare<[string, number, number], UsageSum>(
      `SELECT coalesce(sum(input_tokens + output_tokens + cache_read_tokens + cache_write_tokens + settled_tokens), 0) AS tokens,
         coalesce(sum(cost_usd), 0.0) AS cost_usd
       FROM usage WHERE scope = ? AND hour >= ? AND hour < ?`,
    ),
  };
}

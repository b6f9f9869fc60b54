// SPDX-License-Identifier: Apache-2.0
// The writer of gateway.db's views: where sessions and turns are, the workspaces, usage by hour, and the directory.

import type { CompactionRecord } from '../compaction-records.ts';
import type { JournalRow, MessageReceived, ModelCalled, SessionRecord, Usage } from '../records.ts';
import { sessionOf } from '../session-view.ts';
import type { ReadRowOf } from '../streams.ts';
import type { CallClosed, CallOpened, WorkspaceRecord } from '../workspace-records.ts';
import { ApprovalsTable, CLEAR_APPROVALS } from './approvals-table.ts';
import { CLEAR_COMPACTIONS, CompactionsView } from './compactions-view.ts';
import { openDatabase, type SqliteDatabase, VIEW_BUSY_MS, VIEW_CHECKPOINT_PAGES } from './database.ts';
import { CLEAR_DIRECTORY, DirectoryView } from './directory-view.ts';
import { GatewayCursor } from './gateway-cursor.ts';
import { GATEWAY_MIGRATIONS, HOUR } from './gateway-schema.ts';
import type { JournalRows } from './journal-source.ts';
import type { Given, ProjectionCursor } from './projection.ts';
import { guarded } from './storage-error.ts';
import { ViewState } from './view-state.ts';
import { type WipePlace, type WipeSteps, wipeDatabase } from './wipe.ts';

interface WorkspaceEntry {
  readonly created_at: number;
  sessions: number;
  last_seq: number;
}

/** A call that is open at the end of a batch, or null: one that was open before it and is not any more. */
type OpenCall = {
  readonly workspace_id: string;
  readonly record: Pick<ModelCalled, 'call' | 'reserved_tokens' | 'reserved_usd'> &
    Partial<Pick<CallOpened, 'user_id' | 'model' | 'holder'>>;
} | null;

interface TurnEntry {
  readonly workspace_id: string;
  readonly session_id: string;
  /** Whose message it answers; empty for one of before this was kept. */
  readonly user_id: string;
  /** The model of its newest call, which is what its next usage is booked on. */
  model: string;
}

interface UsageEntry extends UsageKey {
  calls: number;
  input_tokens: number;
  output_tokens: number;
  cache_read_tokens: number;
  cache_write_tokens: number;
  settled_tokens: number;
  cost_usd: number;
}

interface UsageKey {
  readonly scope: string;
  readonly hour: number;
  readonly provider: string;
  readonly model: string;
}

/** What is known across workspaces. Its checkpoint is the one reads wait for, so it is applied after the workspaces' files. */
export class GatewayView implements ProjectionCursor<ReadRowOf<'session' | 'gateway'>> {
  readonly #file: string;
  readonly #db: SqliteDatabase;
  readonly #sql: ReturnType<typeof prepare>;
  readonly #state: ViewState;
  readonly #directory: DirectoryView;
  readonly #approvals: ApprovalsTable;
  readonly #compactions: CompactionsView;
  #workspaces = new Map<string, WorkspaceEntry>();
  #turns = new Map<string, TurnEntry>();
  #calls = new Map<string, OpenCall>();
  #usage = new Map<string, UsageEntry>();

  constructor(file: string) {
    this.#file = file;
    this.#db = openDatabase(file, {
      migrations: GATEWAY_MIGRATIONS,
      durability: 'normal',
      checkpointPages: VIEW_CHECKPOINT_PAGES,
      busyMs: VIEW_BUSY_MS,
    });
    this.#sql = prepare(this.#db);
    this.#state = new ViewState(this.#db);
    this.#directory = new DirectoryView(this.#db);
    this.#approvals = new ApprovalsTable(this.#db);
    this.#compactions = new CompactionsView(this.#db);
  }

  get upto(): number {
    return this.#state.upto;
  }

  belongsTo(source: JournalRows): boolean {
    return guarded(this.#file, () => this.#state.belongsTo(source));
  }

  /** How far another projection is, kept in this file. */
  cursor(name: string): GatewayCursor {
    return new GatewayCursor(this.#file, this.#db, name);
  }

  /** The last row of a workspace up to the checkpoint; 0 when it has none. */
  lastOf(_file: string, workspace: string): number {
    return guarded(this.#file, () => this.#sql.workspace.get(workspace)?.last_seq ?? 0);
  }

  /** The next workspaces after `id`, in order of id. */
  workspacesAfter(_file: string, id: string, limit: number): readonly string[] {
    return guarded(this.#file, () => this.#sql.workspacesAfter.all(id, limit));
  }

  /** Applies a batch and advances to its last row, whatever stream that is of. */
  apply(
    journal: string,
    batch: readonly ReadRowOf<'session' | 'workspace' | 'gateway'>[],
    _given: readonly Given[],
    last: JournalRow,
  ): void {
    this.#transact(() => {
      for (const read of batch) {
        if (read.kind === 'session') this.#applyOne(read.row, read.record);
        else if (read.kind === 'workspace') this.#ofWorkspace(read);
        else this.#directory.apply(read);
      }
      for (const [id, entry] of this.#workspaces) this.#sql.putWorkspace.run({ id, ...entry });
      for (const [turn_id, { workspace_id, session_id, user_id, model }] of this.#turns)
        this.#sql.putTurn.run(turn_id, workspace_id, session_id, user_id, model);
      for (const [turn_id, open] of this.#calls) this.#putCall(turn_id, open);
      for (const entry of this.#usage.values()) this.#sql.addUsage.run(entry);
      this.#state.write(journal, last);
    });
  }

  clear(): void {
    this.#transact(() => {
      this.#db.exec(
        `DELETE FROM workspaces; DELETE FROM sessions; DELETE FROM turns; DELETE FROM usage; DELETE FROM open_calls; ${CLEAR_COMPACTIONS} ${CLEAR_APPROVALS} ${CLEAR_DIRECTORY}`,
      );
      this.#state.clear();
    });
  }

  wipe(place: WipePlace): WipeSteps {
    return wipeDatabase(this.#db, place);
  }

  close(): void {
    this.#db.close();
  }

  #transact(work: () => void): void {
    try {
      guarded(this.#file, () => this.#db.transaction(work).immediate());
      this.#state.committed();
    } finally {
      // Not cleared: a cleared map's old table leads from what is old to everything touched since.
      this.#workspaces = new Map();
      this.#turns = new Map();
      this.#calls = new Map();
      this.#usage = new Map();
    }
  }

  #applyOne(row: JournalRow, record: SessionRecord): void {
    const session_id = sessionOf(row.stream);
    if (session_id === undefined) return;
    const workspace = this.#workspace(row);
    workspace.last_seq = row.seq;
    switch (record.type) {
      case 'session_created': {
        const { changes } = this.#sql.addSession.run(session_id, row.workspace_id, record.user_id);
        workspace.sessions += changes;
        break;
      }
      case 'session_deleted': {
        const { changes } = this.#sql.deleteSession.run(session_id);
        workspace.sessions -= changes;
        for (const [turn_id, turn] of this.#turns) if (turn.session_id === session_id) this.#turns.delete(turn_id);
        this.#sql.deleteTurns.run(row.workspace_id, session_id);
        this.#approvals.deleteSession(session_id);
        this.#compactions.gone(session_id);
        break;
      }
      case 'message_received':
        this.#received(row, session_id, record);
        break;
      case 'model_called': {
        const turn = this.#turn(record.turn_id);
        if (turn !== undefined) turn.model = record.model;
        this.#calls.set(record.turn_id, { workspace_id: row.workspace_id, record });
        break;
      }
      case 'model_replied':
        this.#called(record.turn_id);
        this.#use(row, session_id, record.turn_id, record.usage, 0);
        break;
      case 'approval_requested':
        this.#approvals.request(row, session_id, record);
        break;
      case 'approval_decided':
        this.#approvals.decide(row, record);
        break;
      case 'turn_resumed':
        this.#called(record.turn_id);
        // The interrupted call is paid for as reserved: what it really used nobody was told.
        if (record.settled_tokens > 0 || record.settled_usd > 0) {
          this.#use(row, session_id, record.turn_id, { ...FREE, cost_usd: record.settled_usd }, record.settled_tokens);
        }
        break;
      default:
        break;
    }
  }

  #received({ workspace_id }: JournalRow, session_id: string, { turn_id, user_id, model }: MessageReceived): void {
    this.#turns.set(turn_id, { workspace_id, session_id, user_id, model });
  }

  #workspace(row: JournalRow): WorkspaceEntry {
    const id = row.workspace_id;
    const held = this.#workspaces.get(id) ?? this.#sql.workspace.get(id);
    const entry: WorkspaceEntry = held ?? { created_at: row.at, sessions: 0, last_seq: 0 };
    this.#workspaces.set(id, entry);
    return entry;
  }

  /** A turn's call is over. */
  #called(turn_id: string): void {
    this.#calls.set(turn_id, null);
  }

  #putCall(turn_id: string, open: OpenCall): void {
    if (open === null) this.#sql.dropCall.run(turn_id);
    else {
      const { call, reserved_tokens, reserved_usd, user_id = '', model = '', holder = '' } = open.record;
      const whose = [user_id, model, holder] as const;
      this.#sql.putCall.run(turn_id, open.workspace_id, call, reserved_tokens, reserved_usd, ...whose);
    }
  }

  #turn(turn_id: string): TurnEntry | undefined {
    const held = this.#turns.get(turn_id);
    if (held !== undefined) return held;
    const stored: TurnEntry | undefined = this.#sql.turn.get(turn_id);
    if (stored !== undefined) this.#turns.set(turn_id, stored);
    return stored;
  }

  #ofWorkspace(read: ReadRowOf<'workspace'>): void {
    const { row, record } = read;
    this.#compactions.apply(read);
    switch (record.type) {
      case 'texts_embedded':
        this.#embedded(row, record);
        break;
      case 'call_opened':
        this.#calls.set(record.id, { workspace_id: row.workspace_id, record });
        break;
      case 'call_closed':
        this.#closed(row, record);
        break;
      case 'compaction_called':
        this.#calls.set(record.id, { workspace_id: row.workspace_id, record });
        break;
      case 'compaction_failed':
      case 'compaction_stored':
        this.#summed(row, record);
        break;
      default:
        break;
    }
  }

  /** What a summary has used is its session's, and of who has that. */
  #summed(row: JournalRow, record: Extract<CompactionRecord, { readonly usage: Usage }>): void {
    const { id, session_id, call, model, usage } = record;
    this.#called(id);
    // Refused before anything was asked.
    if (call === 0 || model === '') return;
    const [settled, usd] = record.type === 'compaction_failed' ? [record.settled_tokens, record.settled_usd] : [0, 0];
    const used = usage.input_tokens + usage.output_tokens + usage.cache_read_tokens + usage.cache_write_tokens;
    if (record.type === 'compaction_failed' && used + settled === 0) return;
    const user_id = this.#sql.userOf.get(session_id);
    const scopes = ['global', `workspace/${row.workspace_id}`, `session/${session_id}`];
    if (user_id !== undefined) scopes.push(`user/${user_id}`);
    this.#book(row, model, scopes, { ...usage, cost_usd: usage.cost_usd + usd }, settled, 1);
  }

  /** A call of no session: whoever asked for it has used it, in the workspace that pays. */
  #closed(row: JournalRow, { id, call, user_id, model, usage, settled_tokens, settled_usd }: CallClosed): void {
    const held = this.#calls.get(id);
    const open = held === undefined ? this.#sql.openCall.get(id) : held?.record.call;
    // Its maker and who cleans up after a lost thread may both say so.
    if (open !== call) return;
    this.#called(id);
    const used = usage.input_tokens + usage.output_tokens + usage.cache_read_tokens + usage.cache_write_tokens;
    if (used + settled_tokens === 0 && usage.cost_usd + settled_usd === 0) return;
    const scopes = ['global', `workspace/${row.workspace_id}`, `user/${user_id}`];
    this.#book(row, model, scopes, { ...usage, cost_usd: usage.cost_usd + settled_usd }, settled_tokens, 1);
  }

  /** Embedding is its workspace's: it is done for whatever anybody said in it. */
  #embedded(row: JournalRow, record: Extract<WorkspaceRecord, { type: 'texts_embedded' }>): void {
    const { model, calls, input_tokens, cost_usd, user_id } = record;
    const scopes = ['global', `workspace/${row.workspace_id}`, ...(user_id === undefined ? [] : [`user/${user_id}`])];
    this.#book(row, model, scopes, { ...FREE, input_tokens, cost_usd }, 0, calls);
  }

  #use(row: JournalRow, session_id: string, turn_id: string, usage: Usage, settled: number): void {
    const turn = this.#turn(turn_id);
    const user_id = turn?.user_id || (this.#sql.userOf.get(session_id) ?? '');
    const scopes = ['global', `workspace/${row.workspace_id}`, `session/${session_id}`, `user/${user_id}`];
    this.#book(row, turn?.model ?? '', scopes, usage, settled, 1);
  }

  #book(
    { at }: JournalRow,
    called: string,
    scopes: readonly string[],
    usage: Usage,
    settled: number,
    calls: number,
  ): void {
    const slash = called.indexOf('/');
    const provider = slash < 0 ? '' : called.slice(0, slash);
    const model = called.slice(slash + 1);
    const hour = Math.floor(at / HOUR) * HOUR;
    for (const scope of scopes) {
      const entry = this.#usageEntry({ scope, hour, provider, model });
      entry.calls += calls;
      entry.input_tokens += usage.input_tokens;
      entry.output_tokens += usage.output_tokens;
      entry.cache_read_tokens += usage.cache_read_tokens;
      entry.cache_write_tokens += usage.cache_write_tokens;
      entry.settled_tokens += settled;
      entry.cost_usd += usage.cost_usd;
    }
  }

  /** The batch's own sum under a key: added to what the table holds when the batch ends. */
  #usageEntry(key: UsageKey): UsageEntry {
    const name = `${key.scope} ${key.hour} ${key.provider}/${key.model}`;
    const held = this.#usage.get(name);
    if (held !== undefined) return held;
    const entry: UsageEntry = { ...key, calls: 0, settled_tokens: 0, ...FREE };
    this.#usage.set(name, entry);
    return entry;
  }
}

const FREE: Usage = { input_tokens: 0, output_tokens: 0, cache_read_tokens: 0, cache_write_tokens: 0, cost_usd: 0 };

function prepare(db: SqliteDatabase) {
  return {
    workspace: db.prepare<[string], WorkspaceEntry>(
      'SELECT created_at, sessions, last_seq FROM workspaces WHERE id = ?',
    ),
    workspacesAfter: db
      .prepare<[string, number], string>('SELECT id FROM workspaces WHERE id > ? ORDER BY id LIMIT ?')
      .pluck(),
    putWorkspace: db.prepare<[WorkspaceEntry & { id: string }]>(
      `INSERT INTO workspaces (id, created_at, sessions, last_seq) VALUES (@id, @created_at, @sessions, @last_seq)
       ON CONFLICT (id) DO UPDATE SET sessions = excluded.sessions, last_seq = excluded.last_seq`,
    ),
    addSession: db.prepare<[string, string, string]>(
      'INSERT OR IGNORE INTO sessions (session_id, workspace_id, user_id) VALUES (?, ?, ?)',
    ),
    deleteSession: db.prepare<[string]>('DELETE FROM sessions WHERE session_id = ?'),
    deleteTurns: db.prepare<[string, string]>('DELETE FROM turns WHERE workspace_id = ? AND session_id = ?'),
    putCall: db.prepare<[string, string, number, number, number, string, string, string]>(
      `INSERT OR REPLACE INTO open_calls (turn_id, workspace_id, call, tokens, cost_usd, user_id, model, holder)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
    ),
    openCall: db.prepare<[string], number>('SELECT call FROM open_calls WHERE turn_id = ?').pluck(),
    dropCall: db.prepare<[string]>('DELETE FROM open_calls WHERE turn_id = ?'),
    turn: db.prepare<[string], TurnEntry>(
      'SELECT workspace_id, session_id, user_id, model FROM turns WHERE turn_id = ?',
    ),
    userOf: db.prepare<[string], string>('SELECT user_id FROM sessions WHERE session_id = ?').pluck(),
    putTurn: db.prepare<[string, string, string, string, string]>(
      `INSERT INTO turns (turn_id, workspace_id, session_id, user_id, model) VALUES (?, ?, ?, ?, ?)
       ON CONFLICT (turn_id) DO UPDATE SET model = excluded.model`,
    ),
    addUsage: db.prepare<[UsageEntry]>(
      `INSERT INTO usage (scope, hour, provider, model, calls, input_tokens, output_tokens, cache_read_tokens, cache_write_tokens,
         settled_tokens, cost_usd)
       VALUES (@scope, @hour, @provider, @model, @calls, @input_tokens, @output_tokens, @cache_read_tokens, @cache_write_tokens,
         @settled_tokens, @cost_usd)
       ON CONFLICT (scope, hour, provider, model) DO UPDATE SET
         calls = calls + excluded.calls,
         input_tokens = input_tokens + excluded.input_tokens,
         output_tokens = output_tokens + excluded.output_tokens,
         cache_read_tokens = cache_read_tokens + excluded.cache_read_tokens,
         cache_write_tokens = cache_write_tokens + excluded.cache_write_tokens,
         settled_tokens = settled_tokens + excluded.settled_tokens,
         cost_usd = cost_usd + excluded.cost_usd`,
    ),
  };
}

// SPDX-License-Identifier: Apache-2.0
// The read thread's work: every query over read-only files, after its barrier, in fair order between workspaces.

import { join } from 'node:path';
import { failure, SigilError, toFailure } from '../../errors.ts';
import { FairQueue } from '../fair-queue.ts';
import type { MemoryQueries } from '../memory-queries.ts';
import type { ProjectionName } from '../protocol.ts';
import { restore } from '../records.ts';
import type { Request } from '../request.ts';
import type { ReadProtocol, ReadQueries, ReadQuery } from '../session-store.ts';
import { eventsFromRecord } from '../trimmed-turn.ts';
import { endsTurn, eventsOf, NO_EVENTS, type NumberedTurnEvent } from '../turn-events.ts';
import { stepDetail } from '../turn-steps.ts';
import { ViewBarrier } from '../view-barrier.ts';
import type { KnownKind } from '../workspace-writer.ts';
import { AuditReader } from './audit-reader.ts';
import { NO_COMPACTIONS_OPEN } from './compactions-reader.ts';
import { GatewayReader } from './gateway-reader.ts';
import { type JournalRows, JournalSource } from './journal-source.ts';
import { knowledgeAnswers } from './knowledge-answers.ts';
import { type KnowledgeReader, openKnowledgeReader } from './knowledge-reader.ts';
import { type MemoryReader, openMemoryReader } from './memory-reader.ts';
import { FilePool } from './open-files.ts';
import { openSessionsReader, type PlacedTurn, type SessionsReader } from './sessions-reader.ts';
import { searchSteps } from './text-search.ts';
import { ValuesReader } from './values-reader.ts';
import { vectorItems } from './vector-items.ts';
import { placeBelongs, type ViewPlace } from './view-state.ts';
import { WorkspaceReaders } from './workspace-readers.ts';

export interface ReaderOptions {
  readonly dataDir: string;
  readonly soon: (run: () => void) => void;
  readonly after: (ms: number, run: () => void) => () => void;
  readonly monotonic: () => number;
  /** Workspaces' files held open, of all kinds together; 48 when not given. */
  readonly openFiles?: number;
  /** How long a read waits for the views, in milliseconds. */
  readonly patience?: number;
  /** Tells the views that somebody waits for this row. */
  readonly hurry?: (upto: number, projection: ProjectionName) => void;
  /** Where the events of turns are read; journal.db in the directory when not given. */
  readonly journal?: JournalRows;
}

/** Reads that may wait, for one workspace and as a whole. */
const MOST_EACH = 1024;
const MOST = 8192;
/** How long reads hold the loop before it turns, in milliseconds. */
const SLICE_MS = 4;

type DirectoryQuery = Extract<ReadQuery, `${'user' | 'pairing' | 'token'}.${string}`>;
/** An answer that takes a while is made in steps, between which others are answered. */
type Steps<R> = Generator<undefined, R>;
type Answers = {
  readonly [Q in ReadQuery]: (body: ReadQueries[Q]['body']) => ReadQueries[Q]['reply'] | Steps<ReadQueries[Q]['reply']>;
};

export class SqliteReader {
  readonly #options: ReaderOptions;
  readonly #journal: JournalRows;
  readonly #gateway: GatewayReader;
  readonly #sessions: WorkspaceReaders<SessionsReader>;
  readonly #memory: WorkspaceReaders<MemoryReader>;
  readonly #knowledge: WorkspaceReaders<KnowledgeReader>;
  readonly #values: ValuesReader;
  readonly #audit: AuditReader;
  /** Reads wait for the projection their answer is made of. */
  readonly #barriers: Readonly<Record<ProjectionName, ViewBarrier>>;
  readonly #queue = new FairQueue<() => void>(MOST_EACH, MOST);
  readonly #answers: Answers;
  /** Pieces of work so far: between two of them anything may have happened. */
  #turns = 0;
  #scheduled = false;
  #belongs = false;
  #closed = false;

  constructor(options: ReaderOptions) {
    const { dataDir, monotonic, after } = options;
    this.#options = options;
    this.#journal = options.journal ?? new JournalSource(join(dataDir, 'journal.db'));
    this.#gateway = new GatewayReader(join(dataDir, 'gateway.db'));
    const pool = new FilePool(options.openFiles ?? 48);
    const belongs = (place: ViewPlace): boolean => this.#isOurs(place);
    const readers = { dataDir, journal: () => this.#gateway.journal(), belongs, pool };
    this.#sessions = new WorkspaceReaders({ ...readers, name: 'sessions.db', open: openSessionsReader });
    this.#memory = new WorkspaceReaders({ ...readers, name: 'memory.db', open: (_, file) => openMemoryReader(file) });
    this.#knowledge = new WorkspaceReaders({ ...readers, name: 'knowledge.db', open: openKnowledgeReader });
    this.#values = new ValuesReader(dataDir, pool);
    this.#audit = new AuditReader(join(dataDir, 'journal.db'));
    const { hurry, patience: limit = 2000 } = options;
    const barrier = (projection: ProjectionName, look: () => number): ViewBarrier => {
      const hurried = hurry === undefined ? {} : { hurry: (upto: number) => hurry(upto, projection) };
      return new ViewBarrier({ look, monotonic, after, limit, most: MOST, ...hurried });
    };
    this.#barriers = {
      sessions: barrier('sessions', () => (this.#trusted() ? this.#gateway.upto() : 0)),
      memory: barrier('memory', () => (this.#trusted() ? this.#gateway.uptoOf('memory') : 0)),
    };
    this.#answers = this.#makeAnswers();
  }

  /** Whether gateway.db is made of the journal as it is. Once it is, it stays so. */
  #trusted(): boolean {
    this.#belongs ||= this.#isOurs(this.#gateway.place());
    return this.#belongs;
  }

  /** Whether what is at such a place is made of the journal as it is. */
  #isOurs(place: ViewPlace): boolean {
    return this.#journal.open() && placeBelongs(place, this.#journal);
  }

  /** A projection has applied everything up to here. */
  advanced(upto: number, projection: ProjectionName): void {
    this.#barriers[projection].advanced(upto);
  }

  /** Answers one query once the views have reached its `after`. */
  ask<Q extends ReadQuery>(query: Q, request: Request<ReadProtocol[Q]['body'], ReadProtocol[Q]['reply']>): void {
    if (this.#closed) {
      request.fail(failure('draining', 'the read store is closed'));
      return;
    }
    const answer = this.#answers[query];
    const { body } = request;
    const attempt = (work: () => void): void => {
      try {
        work();
      } catch (thrown) {
        request.fail(toFailure(thrown));
      }
    };
    const full = (): void => request.fail(failure('overloaded', 'too many reads are waiting'));
    const ready = (): void =>
      attempt(() => {
        const key = this.#keyOf(body);
        const run = (): void =>
          attempt(() => {
            const answered = answer(body);
            if (isSteps(answered)) this.#go(key, answered, request, attempt);
            else request.reply(answered);
          });
        if (this.#queue.push(key, run)) this.#schedule();
        else full();
      });
    const late = (upto: number): void =>
      request.fail(failure('view_behind', `the views are at ${upto} and the read is to see ${body.after}`, { upto }));
    attempt(() => {
      const upto = body.after === 'latest' ? (this.#journal.open() ? this.#journal.last() : 0) : body.after;
      if (!this.#barriers[projectionOf(query)].wait(upto, ready, late)) full();
    });
  }

  close(): void {
    if (this.#closed) return;
    this.#barriers.sessions.close();
    this.#barriers.memory.close();
    for (let run = this.#queue.next(); run !== undefined; run = this.#queue.next()) run();
    this.#closed = true;
    this.#sessions.close();
    this.#memory.close();
    this.#knowledge.close();
    this.#values.close();
    this.#gateway.close();
    this.#audit.close();
    this.#journal.close();
  }

  /** Takes steps until they have held the loop for long enough; then others have their turn before it goes on. */
  #go<R>(key: string, steps: Steps<R>, request: Pick<Request<unknown, R>, 'reply'>, attempt: Attempt): void {
    const until = this.#options.monotonic() + SLICE_MS;
    do {
      const step = steps.next();
      if (step.done === true) return request.reply(step.value);
    } while (this.#options.monotonic() < until);
    this.#queue.again(key, () => attempt(() => this.#go(key, steps, request, attempt)));
    this.#schedule();
  }

  #schedule(): void {
    if (this.#scheduled || this.#closed) return;
    this.#scheduled = true;
    this.#options.soon(() => this.#run());
  }

  #run(): void {
    this.#scheduled = false;
    const until = this.#options.monotonic() + SLICE_MS;
    do {
      const run = this.#queue.next();
      if (run === undefined) return;
      this.#turns += 1;
      run();
    } while (this.#options.monotonic() < until);
    if (this.#queue.size > 0) this.#schedule();
  }

  /** Whose turn a query takes: its workspace's. @throws SigilError `not_found` when what it asks about is unknown. */
  #keyOf(body: object): string {
    if ('workspace_id' in body) return String(body.workspace_id);
    if ('session_id' in body) return this.#workspaceOf(String(body.session_id));
    if ('turn_id' in body) return this.#placeOf(String(body.turn_id)).workspace_id;
    return 'scope' in body ? String(body.scope) : '';
  }

  #workspaceOf(session_id: string): string {
    return this.#gateway.workspaceOfSession(session_id) ?? notFound(`session ${session_id} does not exist`);
  }

  #placeOf(turn_id: string): { readonly workspace_id: string; readonly session_id: string } {
    return this.#gateway.turn(turn_id) ?? notFound(`turn ${turn_id} does not exist`);
  }

  /** A workspace's sessions; undefined when it has none yet. */
  #file(workspace: string): SessionsReader | undefined {
    return this.#sessions.use(workspace, this.#gateway.lastOf(workspace));
  }

  /** A workspace's memory; undefined when it has none yet. */
  #memoryOf(workspace: string): MemoryReader | undefined {
    return this.#memory.use(workspace, this.#gateway.lastGiven('memory.db', workspace));
  }

  /** What a workspace knows; undefined when it knows nothing yet. */
  #knowledgeOf(workspace: string): KnowledgeReader | undefined {
    return this.#knowledge.use(workspace, this.#gateway.lastGiven('knowledge.db', workspace));
  }

  #turn(turn_id: string): PlacedTurn {
    return this.#file(this.#placeOf(turn_id).workspace_id)?.turn(turn_id) ?? notFound(`turn ${turn_id} does not exist`);
  }

  #events(placed: PlacedTurn, from: number): ReadQueries['turn.events']['reply'] {
    const { turn, first, last } = placed;
    const rows = this.#rows(turn.id, first, last);
    // Some of its steps are trimmed: its record says how it ended.
    if (rows[0]?.seq !== first && turn.ended_at !== null)
      return { events: eventsFromRecord(turn, placed.figures, from), ended: true };
    const events: NumberedTurnEvent[] = [];
    let cursor = NO_EVENTS;
    let ended = false;
    for (const row of rows) {
      const told = eventsOf(restore(row), turn, cursor);
      cursor = told.cursor;
      for (const event of told.events) {
        ended = endsTurn(event.event);
        if (event.n > from) events.push(event);
      }
    }
    return { events, ended };
  }

  #rows(turn_id: string, first: number, last: number): ReturnType<JournalRows['turn']> {
    return this.#journal.open() ? this.#journal.turn(turn_id, first, last) : [];
  }

  #knows(workspace: string, what: KnownKind, id: string): boolean {
    if (what === 'summary') return this.#memoryOf(workspace)?.hasSummary(id) ?? false;
    if (what === 'message') return this.#memoryOf(workspace)?.hasMessage(id) ?? false;
    return this.#knowledgeOf(workspace)?.has(what, id) ?? false;
  }

  #directoryAnswers(): Pick<Answers, DirectoryQuery> {
    const gateway = this.#gateway;
    const none = { items: [], next_cursor: null };
    return {
      'user.get': ({ id }) => gateway.directory((of) => of.user(id)) ?? notFound(`There is no user ${id}.`),
      'user.content': ({ user_id }) => gateway.content(user_id),
      'user.by_identity': ({ channel, platform_id }) => {
        return { user: gateway.directory((of) => of.byIdentity(channel, platform_id)) ?? null };
      },
      'user.list': ({ page }) => gateway.directory((of) => of.users(page)) ?? none,
      'pairing.get': ({ id }) => gateway.directory((of) => of.pairing(id)) ?? notFound(`There is no pairing ${id}.`),
      'pairing.by_channel': ({ channel, channel_id }) => {
        return { pairing: gateway.directory((of) => of.byChannel(channel, channel_id)) ?? null };
      },
      'pairing.list': ({ filter, page }) => gateway.directory((of) => of.pairings(filter, page)) ?? none,
      'token.list': ({ filter, page }) => gateway.directory((of) => of.tokens(filter.user_id, page)) ?? none,
    };
  }

  /** What is got is kept until others have had their turn: they may have closed it since. */
  #held<T>(get: () => T): () => T {
    let turn = -1;
    let held: T;
    return () => {
      if (turn !== this.#turns) held = get();
      turn = this.#turns;
      return held;
    };
  }

  #memoryAnswers(): Pick<Answers, keyof MemoryQueries> {
    const empty = { items: [], next_cursor: null };
    return {
      'vectors.items': (body) =>
        vectorItems({ dataDir: this.#options.dataDir, belongs: (place) => this.#isOurs(place) }, body),
      'memory.known': ({ workspace_id, what, id }) => ({ known: this.#knows(workspace_id, what, id) }),
      'memory.search': (body) => {
        const memory = this.#held(() => this.#memoryOf(body.workspace_id));
        return searchSteps(() => memory()?.messages, body);
      },
      'memory.search_summaries': (body) => {
        const memory = this.#held(() => this.#memoryOf(body.workspace_id));
        return searchSteps(() => memory()?.summaries, body);
      },
      'memory.batch': (body) =>
        this.#memoryOf(body.workspace_id)?.batch(body) ?? { messages: [], left: 0, before: null },
      'memory.due': (body) => ({ sessions: this.#memoryOf(body.workspace_id)?.due(body) ?? [] }),
      'memory.summed_with': ({ workspace_id, user_id }) => ({
        sessions: this.#memoryOf(workspace_id)?.summedWith(user_id) ?? [],
      }),
      'memory.messages': (body) => this.#memoryOf(body.workspace_id)?.range(body) ?? empty,
      'memory.summaries': (body) => this.#memoryOf(body.workspace_id)?.summariesOf(body) ?? empty,
      'memory.count': ({ workspace_id }) => this.#memoryOf(workspace_id)?.count() ?? { messages: 0, summaries: 0 },
      'memory.removed': ({ workspace_id, id }) => ({ removed: this.#memoryOf(workspace_id)?.removed(id) ?? 0 }),
    };
  }

  #makeAnswers(): Answers {
    const gateway = this.#gateway;
    return {
      'session.get': ({ session_id }) =>
        this.#file(this.#workspaceOf(session_id))?.session(session_id) ??
        notFound(`session ${session_id} does not exist`),
      'session.details': ({ session_id }) => ({
        details: this.#file(this.#workspaceOf(session_id))?.details(session_id) ?? null,
      }),
      'session.window': ({ session_id, limit }) => ({
        items: this.#file(this.#workspaceOf(session_id))?.window(session_id, limit) ?? [],
      }),
      'session.has_message': ({ session_id, message_id }) => ({
        known: this.#file(this.#workspaceOf(session_id))?.hasMessage(session_id, message_id) ?? false,
      }),
      'session.list': ({ workspace_id, user_id, page }) =>
        this.#file(workspace_id)?.sessions(user_id, page) ?? { items: [], next_cursor: null },
      'session.messages': ({ session_id, page }) =>
        this.#file(this.#workspaceOf(session_id))?.messages(session_id, page) ?? { items: [], next_cursor: null },
      'turn.get': ({ turn_id }) => this.#turn(turn_id).turn,
      'turn.events': ({ turn_id, from }) => this.#events(this.#turn(turn_id), from),
      'turn.steps': ({ turn_id }) => {
        const placed = this.#turn(turn_id);
        const steps = this.#rows(placed.turn.id, placed.first, placed.last).map((row) => ({
          seq: row.seq,
          type: row.type,
          at: new Date(row.at).toISOString(),
          detail: stepDetail(restore(row)),
        }));
        return { turn: placed.turn, steps };
      },
      'approval.get': ({ id }) =>
        this.#gateway.approvals((of) => of.get(id)) ?? notFound(`There is no request for approval ${id}.`),
      'approval.list': ({ user_id, page }) =>
        this.#gateway.approvals((of) => of.waiting(user_id, page)) ?? { items: [], next_cursor: null },
      'workspace.list': ({ page }) => this.#gateway.workspaces(page),
      'message.turn': ({ session_id, message_id }) =>
        this.#file(this.#workspaceOf(session_id))?.message(session_id, message_id) ?? { turn_id: null, content: '' },
      ...this.#memoryAnswers(),
      'calls.open': ({ limit }) => ({ calls: this.#gateway.heldCalls(limit) }),
      'usage.window': ({ scope, at }) => this.#gateway.usage(scope, at),
      ...knowledgeAnswers((workspace) => this.#knowledgeOf(workspace)),
      'compaction.open': (body) => gateway.compactions((of) => of.open(body)) ?? NO_COMPACTIONS_OPEN,
      'compaction.workspaces': (body) => ({ workspaces: gateway.compactions((of) => of.workspaces(body)) ?? [] }),
      'compaction.gone': ({ workspace_id }) => ({ sessions: gateway.compactions((of) => of.gone(workspace_id)) ?? [] }),
      'values.get': ({ workspace_id, plugin, key }) => {
        const value = this.#values.get(workspace_id, plugin, key);
        return { value: value ?? notFound(`${plugin} keeps nothing under ${JSON.stringify(key)}`) };
      },
      'values.list': (body) => this.#values.list(body),
      'usage.list': ({ query, page }) => this.#gateway.usageList(query, page),
      'audit.query': ({ query, page }) => this.#audit.query(query, page),
      'audit.hash': ({ n }) => ({ hash: this.#audit.hashOf(n) ?? null }),
      'audit.verify': ({ at, most }) => this.#audit.verify(at, most),
      ...this.#directoryAnswers(),
    };
  }
}

type Attempt = (work: () => void) => void;

function isSteps<R>(answered: R | Steps<R>): answered is Steps<R> {
  return typeof answered === 'object' && answered !== null && Symbol.iterator in answered;
}

function notFound(message: string): never {
  throw new SigilError(failure('not_found', message));
}

/** What a query's answer is made of. */
function projectionOf(query: ReadQuery): ProjectionName {
  return query.startsWith('memory.') || query.startsWith('knowledge.') ? 'memory' : 'sessions';
}

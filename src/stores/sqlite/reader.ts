// SPDX-License-Identifier: Apache-2.0
// The read thread's work: every query over read-only files, after its barrier, in fair order between workspaces.

import { join } from 'node:path';
import { failure, SigilError, toFailure } from '../../errors.ts';
import { FairQueue } from '../fair-queue.ts';
import { restore } from '../records.ts';
import type { Request } from '../request.ts';
import type { ReadProtocol, ReadQueries, ReadQuery } from '../session-store.ts';
import { eventsFromRecord } from '../trimmed-turn.ts';
import { endsTurn, eventsOf, NO_EVENTS, type NumberedTurnEvent } from '../turn-events.ts';
import { stepDetail } from '../turn-steps.ts';
import { ViewBarrier } from '../view-barrier.ts';
import { GatewayReader } from './gateway-reader.ts';
import { type JournalRows, JournalSource } from './journal-source.ts';
import { OpenFiles } from './open-files.ts';
import { openSessionsReader, type PlacedTurn, type SessionsReader } from './sessions-reader.ts';
import { workspaceDir } from './workspace-path.ts';

export interface ReaderOptions {
  readonly dataDir: string;
  readonly soon: (run: () => void) => void;
  readonly after: (ms: number, run: () => void) => () => void;
  readonly monotonic: () => number;
  /** Workspace files held open. */
  readonly openFiles?: number;
  /** How long a read waits for the views, in milliseconds. */
  readonly patience?: number;
  /** Tells the views that somebody waits for this row. */
  readonly hurry?: (upto: number) => void;
  /** Where the events of turns are read; journal.db in the directory when not given. */
  readonly journal?: JournalRows;
}

/** Reads that may wait, for one workspace and as a whole. */
const MOST_EACH = 1024;
const MOST = 8192;
/** How long reads hold the loop before it turns, in milliseconds. */
const SLICE_MS = 4;

type Answers = { readonly [Q in ReadQuery]: (body: ReadQueries[Q]['body']) => ReadQueries[Q]['reply'] };

export class SqliteReader {
  readonly #options: ReaderOptions;
  readonly #journal: JournalRows;
  readonly #gateway: GatewayReader;
  readonly #files: OpenFiles<SessionsReader>;
  readonly #barrier: ViewBarrier;
  readonly #queue = new FairQueue<() => void>(MOST_EACH, MOST);
  readonly #answers: Answers;
  #scheduled = false;
  #closed = false;

  constructor(options: ReaderOptions) {
    const { dataDir, monotonic, after } = options;
    this.#options = options;
    this.#journal = options.journal ?? new JournalSource(join(dataDir, 'journal.db'));
    this.#gateway = new GatewayReader(join(dataDir, 'gateway.db'));
    this.#files = new OpenFiles(options.openFiles ?? 64);
    const look = (): number => this.#gateway.upto();
    const hurried = options.hurry === undefined ? {} : { hurry: options.hurry };
    this.#barrier = new ViewBarrier({
      look,
      monotonic,
      after,
      limit: options.patience ?? 2000,
      most: MOST,
      ...hurried,
    });
    this.#answers = this.#makeAnswers();
  }

  /** The views have applied everything up to here. */
  advanced(upto: number): void {
    this.#barrier.advanced(upto);
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
    const run = (): void => attempt(() => request.reply(answer(body)));
    const ready = (): void => attempt(() => (this.#queue.push(this.#keyOf(body), run) ? this.#schedule() : full()));
    const late = (upto: number): void =>
      request.fail(failure('view_behind', `the views are at ${upto} and the read is to see ${body.after}`, { upto }));
    attempt(() => {
      const upto = body.after === 'latest' ? (this.#journal.open() ? this.#journal.last() : 0) : body.after;
      if (!this.#barrier.wait(upto, ready, late)) full();
    });
  }

  close(): void {
    if (this.#closed) return;
    this.#barrier.close();
    for (let run = this.#queue.next(); run !== undefined; run = this.#queue.next()) run();
    this.#closed = true;
    this.#files.close();
    this.#gateway.close();
    this.#journal.close();
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

  /** A workspace's file, checked to hold what gateway.db says it must; undefined when the workspace has nothing yet. */
  #file(workspace: string): SessionsReader | undefined {
    const dir = workspaceDir(this.#options.dataDir, workspace);
    const last = dir === undefined ? undefined : this.#gateway.lastOf(workspace);
    if (dir === undefined || last === undefined) return undefined;
    const file = this.#files.use(workspace, () => openSessionsReader(workspace, join(dir, 'sessions.db')));
    const state = file?.inPlace() === true ? file.state() : undefined;
    if (file !== undefined && state !== undefined && state.upto >= last && state.journal === this.#gateway.journal())
      return file;
    // Lost or put back from a copy: the views fill it again, and the next read opens what is there then.
    this.#files.drop(workspace);
    throw new SigilError(
      failure('view_behind', `workspace ${workspace} is being read in again`, { upto: state?.upto ?? 0 }),
    );
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

  #makeAnswers(): Answers {
    return {
      'session.get': ({ session_id }) =>
        this.#file(this.#workspaceOf(session_id))?.session(session_id) ??
        notFound(`session ${session_id} does not exist`),
      'session.list': ({ workspace_id, user_id, page }) =>
        this.#file(workspace_id)?.sessions(user_id, page) ?? { items: [], next_cursor: null },
      'session.messages': ({ session_id, page }) =>
        this.#file(this.#workspaceOf(session_id))?.messages(session_id, page) ?? { items: [], next_cursor: null },
      'turn.get': ({ turn_id }) => this.#turn(turn_id).turn,
      'turn.events': ({ turn_id, from }) => this.#events(this.#turn(turn_id), from),
      'turn.steps': ({ turn_id }) => {
        const placed = this.#turn(turn_id);
        const steps = this.#rows(turn_id, placed.first, placed.last).map((row) => ({
          seq: row.seq,
          type: row.type,
          at: new Date(row.at).toISOString(),
          detail: stepDetail(restore(row)),
        }));
        return { turn: placed.turn, steps };
      },
      'workspace.list': ({ page }) => this.#gateway.workspaces(page),
      'message.search': ({ workspace_id, user_id, words, limit }) => {
        return { items: this.#file(workspace_id)?.search(user_id, words, limit) ?? [] };
      },
      'message.turn': ({ session_id, message_id }) =>
        this.#file(this.#workspaceOf(session_id))?.message(session_id, message_id) ?? { turn_id: null, content: '' },
      'usage.window': ({ scope, at }) => this.#gateway.usage(scope, at),
    };
  }
}

function notFound(message: string): never {
  throw new SigilError(failure('not_found', message));
}

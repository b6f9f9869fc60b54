// SPDX-License-Identifier: Apache-2.0
// The projector: reads the journal from its checkpoint in batches and applies them to gateway.db and the workspaces' files.

import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { type Failure, failure, toFailure } from '../../errors.ts';
import type { EmbeddingState, ProjectionName } from '../protocol.ts';
import type { JournalRow } from '../records.ts';
import type { Request } from '../request.ts';
import { type ReadRowOf, readRows } from '../streams.ts';
import type { WorkspaceRecord } from '../workspace-records.ts';
import { incompleteView, putAside, putAsideNews, saysDamaged } from './damaged.ts';
import { GATEWAY_FILE, SIDE_FILES } from './data-files.ts';
import { GatewayView } from './gateway-view.ts';
import { type BatchBounds, type JournalRows, JournalSource } from './journal-source.ts';
import { type MemoryRow, memoryFiles, type RecentMessages, readMemory } from './memory-files.ts';
import { FilePool } from './open-files.ts';
import { type CheckPlace, Projection } from './projection.ts';
import { SESSIONS_FILE } from './sessions-view.ts';
import { VECTORS_FILE, type VectorsOptions, VectorsProjection } from './vectors-projection.ts';
import { viewsWipe, type WipeRequest } from './views-wipe.ts';
import type { Wiped, WipeSteps } from './wipe.ts';
import { workspaceDir } from './workspace-path.ts';

/** The files of views in a workspace's directory: all that can be made anew from the journal. */
export const WORKSPACE_FILES: readonly string[] = [
  SESSIONS_FILE.name,
  ...memoryFiles().map(({ name }) => name),
  VECTORS_FILE,
];

/** Where a crash test may end the process: a batch read, the workspaces' files committed, everything committed. */
export type ViewPoint = `${'views' | 'memory'}.${'read' | 'between_files' | 'applied'}`;

export interface ViewsOptions {
  readonly dataDir: string;
  /** Runs once the loop has turned: between two batches messages are heard. */
  readonly soon: (run: () => void) => void;
  /** Runs after so many milliseconds; the returned function prevents it. */
  readonly after: (ms: number, run: () => void) => () => void;
  /** A clock in milliseconds that never goes back. */
  readonly monotonic: () => number;
  /** Told after every batch how far a projection is. */
  readonly advanced: (upto: number, projection: ProjectionName) => void;
  /** Named places of the crash tests. */
  readonly point?: (name: ViewPoint) => void;
  /** Told what keeps the views from going on; they try again by themselves. */
  readonly failed?: (failure: Failure) => void;
  readonly batchRows?: number;
  /** Files of sessions held open, 64 when not given, and twice as many of all others. Each is three descriptors and a small cache. */
  readonly openFiles?: number;
  /** What is followed; journal.db in the directory when not given. */
  readonly journal?: JournalRows;
  /** Who is told when a session has more messages in memory than it keeps; nobody when not given. */
  readonly recent?: RecentMessages;
  /** Whether and how texts are embedded; when not given, none is. */
  readonly vectors?: VectorsOptions;
  /** Makes views of what is left of a trimmed journal, short of what is gone. */
  readonly acceptLoss?: boolean;
}

export interface ViewsStats {
  readonly upto: number;
  readonly applied: number;
  readonly behind: number;
  /** The same of the projection of memory, which has time. */
  readonly memory: { readonly upto: number; readonly behind: number };
}

/** Records of workspaces that gateway.db is made of: what was used, and how it is with compactions. */
const OF_WORKSPACES: ReadonlySet<string> = new Set<WorkspaceRecord['type']>([
  'texts_embedded',
  'call_opened',
  'call_closed',
  'compaction_called',
  'compaction_failed',
  'compaction_stored',
  'compaction_ended',
  'session_forgotten',
  'user_erased',
]);

/** Of a workspace's own stream only what it has used is in gateway.db: the rest is not even parsed. */
function readSessions(rows: readonly JournalRow[]): readonly ReadRowOf<'session' | 'workspace' | 'gateway'>[] {
  const wanted = rows.filter(({ stream, type }) => OF_WORKSPACES.has(type) || !stream.startsWith('workspace/'));
  return readRows(wanted, ['session', 'workspace', 'gateway']);
}

interface Awaiting {
  readonly upto: number;
  readonly projection: ProjectionName;
  readonly request: Request<AwaitBody, { readonly upto: number }>;
}

interface AwaitBody {
  readonly upto: number;
  readonly projection?: ProjectionName | undefined;
}

/** UTF-16 units of payload in a batch: a few very large messages make a batch of their own. */
const BATCH_LENGTH = 8 * 1024 * 1024;
/**
 * After a batch the views rest for so many times as long as it took, at most so many milliseconds: the rows that come in
 * meanwhile share what it costs to touch a page, and the lanes have the processor. Small batches rest for longer, because all
 * they cost is what one costs that holds nothing. Whoever waits ends the rest, and past so many rows behind, or as many as
 * took `behind_ms` lately, there is none: a read that came then would have to wait for more than can be applied in its time
 * (two seconds). From `loaded` rows in a batch on it is a load under which memory stays behind.
 */
const REST = { times: 6, small: 12, longest: 750, loaded: 200, behind: 60_000, behind_ms: 500 } as const;
/** Rows of older batches count so much in how many are applied in a millisecond. */
const PACE_KEPT = 0.8;
/** How long to wait for a journal that is not there yet, and after an error. */
const NOT_YET_MS = 20;
const AGAIN_MS = 1000;
/** The pause between two looks at some workspaces' files after a start. */
const CHECK_PAUSE_MS = 25;
/** Rows of a batch of memory: small, for the sessions come first. */
const MEMORY_ROWS = 250;
/** UTF-16 units of such a batch: a thousand facts are one row, and each costs what a row does. */
const MEMORY_LENGTH = 1024 * 1024;
/** How many rows memory may be behind under load before it gets its share nevertheless. */
const MEMORY_BEHIND = 100_000;
/** Waiting for the views at most: each is an ask with a deadline of its own. */
const AWAITING = 10_000;

/**
 * The only writer of the views. Sessions come first, for every read waits for them; memory (full text, summaries, knowledge)
 * follows when there is time, when somebody waits for it, or when it is far behind.
 */
export class SqliteViews {
  readonly #options: ViewsOptions;
  readonly #source: JournalRows;
  #gateway: GatewayView;
  #sessions: Projection<ReadRowOf<'session' | 'workspace' | 'gateway'>>;
  #memory: Projection<MemoryRow>;
  /** Undefined where nothing is embedded. */
  #vectors: VectorsProjection | undefined;
  #awaiting: Awaiting[] = [];
  #wanted = 0;
  #scheduled = false;
  #started = false;
  #closed = false;
  /** Somebody waits for rows up to here: no rest before they are applied. */
  readonly #hurried: Record<ProjectionName, number> = { sessions: 0, memory: 0 };
  #resting = false;
  /** Rows applied in a millisecond lately, under a load: what else the machine does slows it. */
  #pace = Number.POSITIVE_INFINITY;
  /** Ends the one timer there may be. */
  #cancel: () => void = () => undefined;
  #cancelCheck: () => void = () => undefined;
  #cancelMend: () => void = () => undefined;

  constructor(options: ViewsOptions) {
    this.#options = options;
    this.#source = options.journal ?? new JournalSource(join(options.dataDir, 'journal.db'));
    const parts = this.#open();
    this.#gateway = parts.gateway;
    this.#sessions = parts.sessions;
    this.#memory = parts.memory;
    this.#vectors = parts.vectors;
    this.#schedule();
  }

  get #gatewayFile(): string {
    return join(this.#options.dataDir, GATEWAY_FILE);
  }

  /** gateway.db and what is projected from it on. */
  #open(): Parts {
    const options = this.#options;
    const { dataDir, openFiles = 64, point, vectors, acceptLoss = false } = options;
    const bounds: BatchBounds = { rows: options.batchRows ?? 1000, length: BATCH_LENGTH };
    const gateway = this.#openGateway();
    const common = {
      dataDir,
      source: this.#source,
      failed: (failure: Failure): void => options.failed?.(failure),
      acceptLoss,
    };
    // What has time must not close the files of sessions. Of the others a workspace in use has two, memory and vectors: with room
    // for fewer, each batch opens and closes what the one before it has, which costs more than all it writes.
    const others = new FilePool(openFiles * 2);
    const sessions = new Projection({
      ...common,
      pool: new FilePool(openFiles),
      bounds,
      cursor: gateway,
      files: [{ ...SESSIONS_FILE, wants: ({ kind }) => kind === 'session' }],
      read: readSessions,
      ...(point === undefined ? {} : { point: (at) => point(`views.${at}`) }),
    });
    const memory = new Projection({
      ...common,
      pool: others,
      bounds: { rows: Math.min(bounds.rows, MEMORY_ROWS), length: MEMORY_LENGTH },
      cursor: gateway.cursor('memory'),
      files: memoryFiles(options.recent),
      read: readMemory,
      ...(point === undefined ? {} : { point: (at) => point(`memory.${at}`) }),
    });
    if (vectors === undefined) return { gateway, sessions, memory, vectors };
    const embedded = new VectorsProjection({
      ...common,
      ...vectors,
      pool: others,
      bounds: { ...bounds, rows: Math.min(bounds.rows, MEMORY_ROWS) },
      cursor: gateway.cursor('vectors'),
      after: options.after,
      monotonic: options.monotonic,
      broken: () => this.#mend(),
    });
    return { gateway, sessions, memory, vectors: embedded };
  }

  /** Opens gateway.db; a damaged one is put aside and another begun. */
  #openGateway(): GatewayView {
    const file = this.#gatewayFile;
    try {
      return new GatewayView(file);
    } catch (thrown) {
      if (!saysDamaged(thrown, file)) throw thrown;
      this.#refuseLoss();
      putAside(file);
      this.#options.failed?.(putAsideNews(file));
      return new GatewayView(file);
    }
  }

  /** @throws SigilError when gateway.db cannot be made again from the journal, for parts of it are trimmed. */
  #refuseLoss(): void {
    const { acceptLoss = false } = this.#options;
    if (acceptLoss || !this.#source.open() || this.#source.trimmed(GATEWAY_FILE) === 0) return;
    throw incompleteView(this.#gatewayFile, GATEWAY_FILE);
  }

  /** The damage was found in the middle of work: what is open is closed, and all begins again over another file. */
  #replaceGateway(): void {
    try {
      this.#refuseLoss();
      this.#closeParts();
      putAside(this.#gatewayFile);
      const { gateway, sessions, memory, vectors } = this.#open();
      this.#gateway = gateway;
      this.#sessions = sessions;
      this.#memory = memory;
      this.#vectors = vectors;
      this.#started = false;
      this.#options.failed?.(putAsideNews(this.#gatewayFile));
    } catch (thrown) {
      this.#options.failed?.(toFailure(thrown));
    }
  }

  #closeParts(): void {
    this.#vectors?.close();
    this.#sessions.close();
    this.#memory.close();
    this.#gateway.close();
  }

  /** Everything up to here is applied. */
  get upto(): number {
    return this.#sessions.upto;
  }

  /** How far a projection is. */
  uptoOf(projection: ProjectionName): number {
    return projection === 'sessions' ? this.#sessions.upto : this.#memory.upto;
  }

  /** The journal is durable up to here. */
  wake(upto: number): void {
    this.#wanted = Math.max(this.#wanted, upto);
    const [memory, vectors] = [this.#memory.upto, this.#vectors?.upto ?? upto];
    if (this.#wanted > Math.min(this.upto, memory, vectors)) this.#schedule();
  }

  /** A read waits for this row. */
  hurry(upto: number, projection: ProjectionName = 'sessions'): void {
    this.#hurried[projection] = Math.max(this.#hurried[projection], upto);
    this.#wanted = Math.max(this.#wanted, upto);
    if (!this.#isHurried(projection)) return;
    if (this.#resting) {
      this.#cancel();
      this.#resting = false;
      this.#scheduled = false;
    }
    this.#schedule();
  }

  /** Answered once everything up to the given row is applied. */
  await(request: Request<AwaitBody, { readonly upto: number }>): void {
    const { upto, projection = 'sessions' } = request.body;
    if (upto <= this.uptoOf(projection)) request.reply({ upto: this.uptoOf(projection) });
    else if (this.#awaiting.length >= AWAITING) request.fail(failure('overloaded', 'too many wait for the views'));
    else {
      this.#awaiting.push({ upto, projection, request });
      this.hurry(upto, projection);
    }
  }

  /** Overwrites what was deleted up to a row, and what plugins keep where it is asked for. */
  wipe(request: WipeRequest, values: (workspace: string) => WipeSteps): void {
    this.#wanted = Math.max(this.#wanted, request.body.upto);
    const { dataDir, soon, after } = this.#options;
    viewsWipe({
      ...{ dataDir, soon, after, names: WORKSPACE_FILES, gatewayFile: this.#gatewayFile, values },
      gateway: () => this.#gateway,
      applied: (upto) => {
        if (this.#closed) return true;
        this.hurry(upto, 'sessions');
        this.hurry(upto, 'memory');
        this.#schedule();
        return Math.min(this.upto, this.#memory.upto, this.#vectors?.upto ?? upto) >= upto;
      },
      with: (name, workspace, work) => {
        const projection =
          name === SESSIONS_FILE.name ? this.#sessions : name === VECTORS_FILE ? this.#vectors : this.#memory;
        // Vectors that are turned off are in nobody's hands: their file can be made again.
        if (projection === undefined) return work(withoutVectors(dataDir, workspace));
        return projection.with(name, workspace, (view) => work(view));
      },
    })(request);
  }

  stats(request: Request<unknown, ViewsStats>): void {
    try {
      const last = this.#source.last();
      const behind = (upto: number): number => Math.max(0, last - upto);
      request.reply({
        upto: this.upto,
        applied: this.#sessions.applied,
        behind: behind(this.upto),
        memory: { upto: this.#memory.upto, behind: behind(this.#memory.upto) },
      });
    } catch (thrown) {
      request.fail(toFailure(thrown));
    }
  }

  /** How the embedding of texts gets on; empty where none are. */
  embedding(): readonly EmbeddingState[] {
    return this.#vectors?.embedding() ?? [];
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#cancel();
    this.#cancelCheck();
    this.#cancelMend();
    for (const { request } of this.#awaiting) request.fail(failure('draining', 'the views are closing'));
    this.#awaiting = [];
    this.#closeParts();
    this.#source.close();
  }

  #isHurried(projection: ProjectionName): boolean {
    return this.#hurried[projection] > this.uptoOf(projection);
  }

  #schedule(): void {
    if (this.#scheduled || this.#closed) return;
    this.#scheduled = true;
    this.#options.soon(() => this.#run());
  }

  #later(ms: number): void {
    this.#scheduled = true;
    this.#cancel = this.#options.after(ms, () => this.#run());
  }

  /** Waits for more rows to come in, unless somebody waits for those there are. */
  #rest(took: number, rows: number): void {
    const ms = Math.min(REST.longest, (rows >= REST.loaded ? REST.times : REST.small) * took);
    const hurried = this.#isHurried('sessions') || this.#isHurried('memory');
    const far = this.#wanted - this.upto > Math.min(REST.behind, this.#pace * REST.behind_ms);
    if (ms < 1 || hurried || far) return this.#schedule();
    this.#resting = true;
    this.#later(ms);
  }

  #keepPace(rows: number, ms: number): void {
    const pace = rows / Math.max(ms, 0.001);
    this.#pace = Number.isFinite(this.#pace) ? PACE_KEPT * this.#pace + (1 - PACE_KEPT) * pace : pace;
  }

  #run(): void {
    this.#scheduled = false;
    this.#resting = false;
    if (this.#closed) return;
    try {
      if (!this.#source.open()) {
        this.#later(NOT_YET_MS);
        return;
      }
      if (!this.#started) this.#start();
      const began = this.#options.monotonic();
      const rows = this.#stepSessions();
      if (rows >= REST.loaded) this.#keepPace(rows, this.#options.monotonic() - began);
      const far = this.upto - this.#memory.upto > MEMORY_BEHIND;
      if (rows >= REST.loaded && !far && !this.#isHurried('memory')) {
        this.#rest(this.#options.monotonic() - began, rows);
        return;
      }
      const followed = this.#stepMemory();
      const behind = this.#memory.upto < this.upto;
      // Vectors come last of all: nobody waits for them, and they are embedded later still.
      const embedded = behind ? 0 : (this.#vectors?.step() ?? 0);
      if (rows >= (behind ? REST.loaded : 1)) this.#rest(this.#options.monotonic() - began, rows);
      else if (rows > 0 || followed > 0 || embedded > 0) this.#schedule();
    } catch (thrown) {
      this.#options.failed?.(toFailure(thrown));
      if (saysDamaged(thrown, this.#gatewayFile)) this.#replaceGateway();
      this.#later(AGAIN_MS);
    }
  }

  #start(): void {
    if (!this.#gateway.belongsTo(this.#source) || this.upto < this.#source.trimmed(GATEWAY_FILE)) this.#refuseLoss();
    this.#sessions.start();
    this.#memory.start();
    this.#vectors?.start();
    this.#started = true;
    const checked: Checked[] = [this.#sessions, this.#memory, ...(this.#vectors === undefined ? [] : [this.#vectors])];
    this.#checkAll(checked);
    this.#options.advanced(this.upto, 'sessions');
    this.#options.advanced(this.#memory.upto, 'memory');
  }

  #stepSessions(): number {
    const rows = this.#sessions.step();
    if (rows === 0) return 0;
    if (this.#sessions.broken) this.#mend();
    this.#advanced('sessions');
    return rows;
  }

  #stepMemory(): number {
    const rows = this.#memory.step();
    if (rows === 0) return 0;
    if (this.#memory.broken) this.#mend();
    this.#advanced('memory');
    return rows;
  }

  #advanced(projection: ProjectionName): void {
    const upto = this.uptoOf(projection);
    this.#options.advanced(upto, projection);
    if (this.#awaiting.length === 0) return;
    const done = (awaiting: Awaiting): boolean => awaiting.projection === projection && awaiting.upto <= upto;
    const ready = this.#awaiting.filter(done);
    this.#awaiting = this.#awaiting.filter((awaiting) => !done(awaiting));
    for (const { request } of ready) request.reply({ upto });
  }

  /** Tries files that could not be written again after a while. */
  #mend(): void {
    this.#cancelMend();
    this.#cancelMend = this.#options.after(AGAIN_MS, () => {
      if (this.#closed) return;
      this.#sessions.mend();
      this.#memory.mend();
      this.#vectors?.mend();
      if (this.#sessions.broken || this.#memory.broken || this.#vectors?.broken === true) this.#mend();
      else {
        this.#options.advanced(this.upto, 'sessions');
        this.#options.advanced(this.#memory.upto, 'memory');
      }
    });
  }

  /** One after the other. */
  #checkAll([first, ...rest]: readonly Checked[]): void {
    if (first !== undefined) this.#check(first, null, () => this.#checkAll(rest));
  }

  /** Looks at every workspace's files once after a start, a few at a time, for one may be gone that nobody writes to. */
  #check(projection: Checked, from: CheckPlace | null, then: () => void): void {
    this.#cancelCheck = this.#options.after(CHECK_PAUSE_MS, () => {
      if (this.#closed) return;
      try {
        const next = projection.check(from);
        if (next !== null) return this.#check(projection, next, then);
        if (projection.broken) this.#mend();
        then();
      } catch (thrown) {
        this.#options.failed?.(toFailure(thrown));
      }
    });
  }
}

/** A file of vectors nobody writes: it goes, and is made again from the rest once vectors are turned on. */
function withoutVectors(dataDir: string, workspace: string): Wiped {
  return {
    *wipe(): WipeSteps {
      yield 0;
      const file = join(workspaceDir(dataDir, workspace) ?? '', VECTORS_FILE);
      for (const end of ['', ...SIDE_FILES]) rmSync(`${file}${end}`, { force: true });
    },
  };
}

type Checked = Pick<Projection<never>, 'check' | 'broken'>;

interface Parts {
  readonly gateway: GatewayView;
  readonly sessions: Projection<ReadRowOf<'session' | 'workspace' | 'gateway'>>;
  readonly memory: Projection<MemoryRow>;
  readonly vectors: VectorsProjection | undefined;
}

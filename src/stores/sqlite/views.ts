// SPDX-License-Identifier: Apache-2.0
// The projector: reads the journal from its checkpoint in batches and applies them to gateway.db and the workspaces' files.

import { join } from 'node:path';
import { type Failure, failure, toFailure } from '../../errors.ts';
import type { Request } from '../request.ts';
import { incompleteView, putAside, putAsideNews, saysDamaged } from './damaged.ts';
import { GATEWAY_FILE } from './data-files.ts';
import { GatewayView } from './gateway-view.ts';
import { type BatchBounds, type JournalRows, JournalSource } from './journal-source.ts';
import { byWorkspace, readSessions } from './read-rows.ts';
import { SessionsFiles } from './sessions-files.ts';

/** Where a crash test may end the process: a batch read, the workspaces' files committed, everything committed. */
export type ViewPoint = 'views.read' | 'views.between_files' | 'views.applied';

export interface ViewsOptions {
  readonly dataDir: string;
  /** Runs once the loop has turned: between two batches messages are heard. */
  readonly soon: (run: () => void) => void;
  /** Runs after so many milliseconds; the returned function prevents it. */
  readonly after: (ms: number, run: () => void) => () => void;
  /** A clock in milliseconds that never goes back. */
  readonly monotonic: () => number;
  /** Told after every batch. */
  readonly advanced: (upto: number) => void;
  /** Named places of the crash tests. */
  readonly point?: (name: ViewPoint) => void;
  /** Told what keeps the views from going on; they try again by themselves. */
  readonly failed?: (failure: Failure) => void;
  readonly batchRows?: number;
  /** Workspace files held open; 128 when not given. Each costs three descriptors and a small cache. */
  readonly openFiles?: number;
  /** What is followed; journal.db in the directory when not given. */
  readonly journal?: JournalRows;
  /** Makes views of what is left of a trimmed journal, short of what is gone. */
  readonly acceptLoss?: boolean;
}

export interface ViewsStats {
  readonly upto: number;
  readonly applied: number;
  readonly behind: number;
}

interface Awaiting {
  readonly upto: number;
  readonly request: Request<{ readonly upto: number }, { readonly upto: number }>;
}

/** UTF-16 units of payload in a batch: a few very large messages make a batch of their own. */
const BATCH_LENGTH = 8 * 1024 * 1024;
/** How many times its usual rows a batch may have when the views are behind. */
const LARGEST_GROWTH = 16;
/**
 * Under load the views rest after a batch for so many times as long as it took, at most so many milliseconds: the rows that
 * come in meanwhile share what it costs to touch a page, and the lanes have the processor. Whoever waits ends the rest.
 */
const REST = { times: 6, longest: 750, from_rows: 200 } as const;
/** How long to wait for a journal that is not there yet, and after an error. */
const NOT_YET_MS = 20;
const AGAIN_MS = 1000;
/** Workspaces looked at in one go when their files are checked after a start, and the pause between. */
const CHECKED = 8;
const CHECK_PAUSE_MS = 25;
/** Waiting for the views at most: each is an ask with a deadline of its own. */
const AWAITING = 10_000;

/**
 * The only writer of the views. Each file keeps its checkpoint in the transaction of its rows; the workspaces' files of a
 * batch are committed before gateway.db, so a batch that a crash cut short is simply applied again where it is missing.
 */
export class SqliteViews {
  readonly #options: ViewsOptions;
  readonly #bounds: BatchBounds;
  readonly #source: JournalRows;
  #gateway: GatewayView;
  readonly #files: SessionsFiles;
  #awaiting: Awaiting[] = [];
  #wanted = 0;
  #applied = 0;
  #scheduled = false;
  #started = false;
  /** Grows while batches are full: the more rows a batch has, the more share what it costs to touch a file. */
  #growth = 1;
  #closed = false;
  /** Somebody waits for rows up to here: no rest before they are applied. */
  #hurried = 0;
  #resting = false;
  /** Ends the one timer there may be. */
  #cancel: () => void = () => undefined;
  #cancelCheck: () => void = () => undefined;
  #cancelMend: () => void = () => undefined;

  constructor(options: ViewsOptions) {
    this.#options = options;
    this.#bounds = { rows: options.batchRows ?? 1000, length: BATCH_LENGTH };
    this.#source = options.journal ?? new JournalSource(join(options.dataDir, 'journal.db'));
    this.#gateway = this.#openGateway();
    this.#files = new SessionsFiles({
      dataDir: options.dataDir,
      source: this.#source,
      bounds: this.#bounds,
      lastOf: (workspace) => this.#gateway.lastOf(workspace),
      failed: (failure) => options.failed?.(failure),
      most: options.openFiles ?? 128,
      acceptLoss: options.acceptLoss ?? false,
    });
    this.#schedule();
  }

  get #gatewayFile(): string {
    return join(this.#options.dataDir, GATEWAY_FILE);
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

  /** Everything up to here is applied. */
  get upto(): number {
    return this.#gateway.upto;
  }

  /** The journal is durable up to here. */
  wake(upto: number): void {
    this.#wanted = Math.max(this.#wanted, upto);
    if (this.#wanted > this.upto) this.#schedule();
  }

  /** A read waits for this row. */
  hurry(upto: number): void {
    this.#hurried = Math.max(this.#hurried, upto);
    this.#wanted = Math.max(this.#wanted, upto);
    if (this.#hurried <= this.upto) return;
    if (this.#resting) {
      this.#cancel();
      this.#resting = false;
      this.#scheduled = false;
    }
    this.#schedule();
  }

  /** Answered once everything up to the given row is applied. */
  await(request: Request<{ readonly upto: number }, { readonly upto: number }>): void {
    const { upto } = request.body;
    if (upto <= this.upto) request.reply({ upto: this.upto });
    else if (this.#awaiting.length >= AWAITING) request.fail(failure('overloaded', 'too many wait for the views'));
    else {
      this.#awaiting.push({ upto, request });
      this.hurry(upto);
    }
  }

  stats(request: Request<unknown, ViewsStats>): void {
    try {
      const behind = Math.max(0, this.#source.last() - this.upto);
      request.reply({ upto: this.upto, applied: this.#applied, behind });
    } catch (thrown) {
      request.fail(toFailure(thrown));
    }
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#cancel();
    this.#cancelCheck();
    this.#cancelMend();
    for (const { request } of this.#awaiting) request.fail(failure('draining', 'the views are closing'));
    this.#awaiting = [];
    this.#files.close();
    this.#gateway.close();
    this.#source.close();
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
    const ms = Math.min(REST.longest, REST.times * took);
    if (ms < 1 || rows < REST.from_rows || this.#hurried > this.upto) return this.#schedule();
    this.#resting = true;
    this.#later(ms);
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
      const rows = this.#step();
      if (rows > 0) this.#rest(this.#options.monotonic() - began, rows);
    } catch (thrown) {
      this.#options.failed?.(toFailure(thrown));
      if (saysDamaged(thrown, this.#gatewayFile)) this.#replaceGateway();
      this.#later(AGAIN_MS);
    }
  }

  /** The damage was found in the middle of work: what is open is closed first. */
  #replaceGateway(): void {
    try {
      this.#refuseLoss();
      this.#gateway.close();
      putAside(this.#gatewayFile);
      this.#gateway = this.#openGateway();
      this.#started = false;
      this.#options.failed?.(putAsideNews(this.#gatewayFile));
    } catch (thrown) {
      this.#options.failed?.(toFailure(thrown));
    }
  }

  #start(): void {
    // Made of another journal, or of rows this one has lost: it would never agree again.
    const belongs = this.#gateway.belongsTo(this.#source);
    if (!belongs || this.upto < this.#source.trimmed(GATEWAY_FILE)) this.#refuseLoss();
    if (!belongs) this.#gateway.clear();
    this.#started = true;
    this.#check('');
    this.#options.advanced(this.upto);
  }

  /** Applies the next batch; the rows it had. */
  #step(): number {
    const most = this.#bounds.rows * this.#growth;
    const rows = this.#source.after(this.upto, { ...this.#bounds, rows: most });
    const last = rows.at(-1);
    if (rows.length >= most) this.#growth = Math.min(LARGEST_GROWTH, 2 * this.#growth);
    // A rest lets about as many rows come in as the last batch had: the next one may be as large.
    else if (rows.length < most / 4) this.#growth = Math.max(1, this.#growth / 2);
    if (last === undefined) return 0;
    const read = readSessions(rows);
    const { point } = this.#options;
    point?.('views.read');
    this.#files.apply(byWorkspace(read));
    point?.('views.between_files');
    this.#gateway.apply(this.#source.id, read, last);
    point?.('views.applied');
    this.#applied += rows.length;
    if (this.#files.broken) this.#mend();
    this.#advanced();
    return rows.length;
  }

  #advanced(): void {
    const { upto } = this;
    this.#options.advanced(upto);
    if (this.#awaiting.length === 0) return;
    const ready = this.#awaiting.filter((awaiting) => awaiting.upto <= upto);
    this.#awaiting = this.#awaiting.filter((awaiting) => awaiting.upto > upto);
    for (const { request } of ready) request.reply({ upto });
  }

  /** Tries files that could not be written again after a while. */
  #mend(): void {
    this.#cancelMend();
    this.#cancelMend = this.#options.after(AGAIN_MS, () => {
      if (this.#closed) return;
      this.#files.mend();
      if (this.#files.broken) this.#mend();
      else this.#options.advanced(this.upto);
    });
  }

  /** Looks at every workspace's file once after a start, a few at a time, for one may be gone that nobody writes to. */
  #check(after: string): void {
    this.#cancelCheck = this.#options.after(CHECK_PAUSE_MS, () => {
      if (this.#closed) return;
      try {
        const ids = this.#gateway.workspacesAfter(after, CHECKED);
        for (const id of ids) this.#files.check(id);
        const last = ids.at(-1);
        if (last !== undefined) this.#check(last);
        else if (this.#files.broken) this.#mend();
      } catch (thrown) {
        this.#options.failed?.(toFailure(thrown));
      }
    });
  }
}

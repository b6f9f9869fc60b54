// SPDX-License-Identifier: Apache-2.0
// The three stores as their threads start them: plain handlers by message type, for the composition to bind to the bus.

import { join } from 'node:path';
import { type Failure, failure, toFailure } from '../../errors.ts';
import type { JournalProtocol } from '../journal.ts';
import type { JournalDisk } from '../journal-disk.ts';
import { type JournalPoint, JournalWriter } from '../journal-writer.ts';
import type { ValueChanges, ValueQuota } from '../key-value-store.ts';
import type { ProjectionName, ReadNews, ViewsProtocol } from '../protocol.ts';
import type { Request } from '../request.ts';
import type { ReadProtocol, ReadQuery } from '../session-store.ts';
import type { Durability } from './database.ts';
import { SqliteJournalDisk } from './journal-disk.ts';
import type { JournalRows } from './journal-source.ts';
import { type ErasePoint, type KeptErasing, keepErasing } from './keep-erasing.ts';
import { keepTrimming, type Retention, type TrimPoint } from './keep-trimming.ts';
import type { RecentMessages } from './memory-files.ts';
import { SqliteReader } from './reader.ts';
import { ValuesWriter } from './values-writer.ts';
import type { VectorsOptions } from './vectors-projection.ts';
import { SqliteViews, type ViewPoint } from './views.ts';

/** One handler for each message type of a protocol. */
export type Handlers<P extends { readonly [type: string]: { readonly body: unknown; readonly reply: unknown } }> = {
  readonly [T in keyof P & string]: (request: Request<P[T]['body'], P[T]['reply']>) => void;
};

/** The parts of the world the stores' threads use. */
export interface StoreClock {
  /** Runs after the current work, once the loop has turned. */
  soon(run: () => void): void;
  after(ms: number, run: () => void): () => void;
  monotonic(): number;
  /** Epoch milliseconds. */
  now(): number;
}

/** Where a crash test may end the process while nothing is committed. */
export type JournalFilePoint =
  | 'journal.opened'
  | 'journal.before_checkpoint'
  | 'journal.after_checkpoint'
  | TrimPoint
  | ErasePoint;

export interface OpenJournalOptions {
  readonly dataDir: string;
  readonly durability: Durability;
  readonly clock: StoreClock;
  /** When rows may be forgotten; they never are when it is not given. */
  readonly retention?: Retention;
  /** Told after each commit, and once at the start. */
  readonly notify: (upto: number) => void;
  /** Named places of the crash tests. */
  readonly point?: (name: JournalPoint | JournalFilePoint) => void;
  /** Told what went wrong beside the answers: a checkpoint that could not be made. */
  readonly failed?: (failure: Failure) => void;
}

export interface OpenJournal {
  readonly handlers: Handlers<JournalProtocol>;
  /** The last durable row. */
  seq(): number;
  /** Whether somebody waits for a commit. */
  waiting(): boolean;
  close(): void;
}

/** The log is moved into the file when no commit has come for this long, in milliseconds. */
const IDLE_MS = 250;

/** Opens DATA/journal.db and becomes its one writer. @throws SigilError `storage_failed`. */
export function openJournal(options: OpenJournalOptions): OpenJournal {
  const { dataDir, durability, retention } = options;
  const disk = new SqliteJournalDisk({ file: join(dataDir, 'journal.db'), durability });
  const waiting = (): boolean => journal.waiting();
  const erasing = keepErasing({ ...options, disk, waiting });
  const journal = serveJournal(disk, options, erasing);
  const stop = retention === undefined ? undefined : keepTrimming({ ...options, retention, disk, waiting });
  return {
    ...journal,
    close() {
      stop?.();
      erasing.close();
      journal.close();
    },
  };
}

/** A disk that cannot be rewritten says so. */
const NOT_ERASING: Pick<KeptErasing, 'look' | 'erase'> = {
  look: () => undefined,
  erase: ({ fail }) => fail(failure('storage_failed', 'nothing can be erased from this journal')),
};

/** A disk whose log is moved into its file when nothing else is to be done. */
export interface IdleDisk extends JournalDisk {
  /** Returns whether there was anything to move. */
  checkpoint(): boolean;
}

/** Becomes the one writer of an open disk, and closes it in the end. */
export function serveJournal(
  disk: IdleDisk,
  { clock, notify, point, failed }: OpenJournalOptions,
  erasing: Pick<KeptErasing, 'look' | 'erase'> = NOT_ERASING,
): OpenJournal {
  point?.('journal.opened');
  let busy = false;
  let cancel: (() => void) | undefined;
  const idle = (): void => {
    cancel = undefined;
    if (busy) {
      watch();
      return;
    }
    try {
      point?.('journal.before_checkpoint');
      if (disk.checkpoint()) point?.('journal.after_checkpoint');
    } catch (thrown) {
      failed?.(toFailure(thrown));
    }
  };
  const watch = (): void => {
    busy = false;
    cancel ??= clock.after(IDLE_MS, idle);
  };
  const committed = (upto: number): void => {
    busy = true;
    if (cancel === undefined) watch();
    erasing.look();
    notify(upto);
  };
  const soon = (run: () => void): void => clock.soon(run);
  const writer = new JournalWriter({ disk, soon, notify: committed, ...(point === undefined ? {} : { point }) });
  watch();
  clock.soon(() => notify(writer.seq));
  return {
    handlers: {
      'journal.append': (request) => writer.append(request),
      'journal.tail': (request) => writer.tail(request),
      'journal.owed': (request) => writer.owed(request),
      'journal.stats': (request) => writer.stats(request),
      'journal.erase': (request) => erasing.erase(request),
    },
    seq: () => writer.seq,
    waiting: () => writer.waiting,
    close() {
      cancel?.();
      disk.close();
    },
  };
}

export interface OpenViewsOptions {
  readonly dataDir: string;
  readonly clock: StoreClock;
  /** Told after each batch of a projection, and once at the start. */
  readonly advanced: (upto: number, projection: ProjectionName) => void;
  /** Named places of the crash tests. */
  readonly point?: (name: ViewPoint) => void;
  readonly failed?: (failure: Failure) => void;
  /** What is followed; DATA/journal.db when not given. */
  readonly journal?: JournalRows;
  /** Who is told when a session has more messages in memory than it keeps; nobody when not given. */
  readonly recent?: RecentMessages;
  /** Makes views of what is left of a trimmed journal, short of what is gone. */
  readonly acceptLoss?: boolean;
  /** Whether and how texts are embedded; when not given, none is. */
  readonly vectors?: VectorsOptions;
  /** What a plugin may keep in a workspace. */
  readonly quota?: ValueQuota;
}

export interface OpenViews {
  readonly handlers: Handlers<ViewsProtocol & ValueChanges>;
  upto(projection: ProjectionName): number;
  close(): void;
}

/** Opens the views' files and begins to follow the journal. @throws SigilError `storage_failed`. */
export function openViews(options: OpenViewsOptions): OpenViews {
  const { dataDir, clock, advanced, point, failed, journal, recent, vectors, quota, acceptLoss = false } = options;
  const views = new SqliteViews({
    dataDir,
    soon: (run) => clock.soon(run),
    after: (ms, run) => clock.after(ms, run),
    monotonic: () => clock.monotonic(),
    advanced,
    acceptLoss,
    ...(point === undefined ? {} : { point }),
    ...(failed === undefined ? {} : { failed }),
    ...(journal === undefined ? {} : { journal }),
    ...(recent === undefined ? {} : { recent }),
    ...(vectors === undefined ? {} : { vectors }),
  });
  const values = new ValuesWriter({
    dataDir,
    soon: (run) => clock.soon(run),
    now: () => clock.now(),
    ...(quota === undefined ? {} : { quota }),
  });
  return {
    handlers: {
      'views.wake': ({ body }) => views.wake(body.upto),
      'views.hurry': ({ body }) => views.hurry(body.upto, body.projection),
      'views.await': (request) => views.await(request),
      'views.stats': (request) => views.stats(request),
      'views.embedding': (request) => request.reply({ models: views.embedding() }),
      'views.wipe': (request) => views.wipe(request, (workspace) => values.erase(workspace)),
      'values.set': (request) => values.set(request),
      'values.delete': (request) => values.delete(request),
    },
    upto: (projection) => views.uptoOf(projection),
    close: () => {
      values.close();
      views.close();
    },
  };
}

export interface OpenReaderOptions {
  readonly dataDir: string;
  readonly clock: StoreClock;
  readonly openFiles?: number;
  /** How long a read waits for the views, in milliseconds; 2,000 when not given. */
  readonly patience?: number;
  /** Tells the views that somebody waits for this row. */
  readonly hurry?: (upto: number, projection: ProjectionName) => void;
  /** Where the events of turns are read; DATA/journal.db when not given. */
  readonly journal?: JournalRows;
}

export interface OpenReader {
  readonly handlers: Handlers<ReadProtocol> & {
    readonly 'read.advanced': (request: { readonly body: ReadNews['read.advanced']['body'] }) => void;
  };
  close(): void;
}

/** The queries, over files the other two threads make. */
export function openReader({ dataDir, clock, openFiles, patience, hurry, journal }: OpenReaderOptions): OpenReader {
  const reader = new SqliteReader({
    dataDir,
    soon: (run) => clock.soon(run),
    after: (ms, run) => clock.after(ms, run),
    monotonic: () => clock.monotonic(),
    ...(openFiles === undefined ? {} : { openFiles }),
    ...(patience === undefined ? {} : { patience }),
    ...(hurry === undefined ? {} : { hurry }),
    ...(journal === undefined ? {} : { journal }),
  });
  const asks = <Q extends ReadQuery>(query: Q): Handlers<ReadProtocol>[Q] => {
    return (request: Request<ReadProtocol[Q]['body'], ReadProtocol[Q]['reply']>) => reader.ask(query, request);
  };
  return {
    handlers: {
      'session.get': asks('session.get'),
      'session.details': asks('session.details'),
      'session.window': asks('session.window'),
      'session.has_message': asks('session.has_message'),
      'session.list': asks('session.list'),
      'session.messages': asks('session.messages'),
      'turn.get': asks('turn.get'),
      'turn.events': asks('turn.events'),
      'turn.steps': asks('turn.steps'),
      'approval.get': asks('approval.get'),
      'approval.list': asks('approval.list'),
      'workspace.list': asks('workspace.list'),
      'message.turn': asks('message.turn'),
      'vectors.items': asks('vectors.items'),
      'memory.known': asks('memory.known'),
      'memory.search': asks('memory.search'),
      'memory.search_summaries': asks('memory.search_summaries'),
      'memory.messages': asks('memory.messages'),
      'memory.summaries': asks('memory.summaries'),
      'memory.batch': asks('memory.batch'),
      'memory.due': asks('memory.due'),
      'memory.summed_with': asks('memory.summed_with'),
      'compaction.open': asks('compaction.open'),
      'compaction.workspaces': asks('compaction.workspaces'),
      'compaction.gone': asks('compaction.gone'),
      'memory.count': asks('memory.count'),
      'memory.removed': asks('memory.removed'),
      'calls.open': asks('calls.open'),
      'usage.window': asks('usage.window'),
      'knowledge.entity': asks('knowledge.entity'),
      'knowledge.entities': asks('knowledge.entities'),
      'knowledge.relationships': asks('knowledge.relationships'),
      'knowledge.facts': asks('knowledge.facts'),
      'knowledge.graph': asks('knowledge.graph'),
      'knowledge.recall': asks('knowledge.recall'),
      'values.get': asks('values.get'),
      'values.list': asks('values.list'),
      'usage.list': asks('usage.list'),
      'user.get': asks('user.get'),
      'user.content': asks('user.content'),
      'user.by_identity': asks('user.by_identity'),
      'user.list': asks('user.list'),
      'pairing.get': asks('pairing.get'),
      'pairing.by_channel': asks('pairing.by_channel'),
      'pairing.list': asks('pairing.list'),
      'token.list': asks('token.list'),
      'audit.query': asks('audit.query'),
      'audit.hash': asks('audit.hash'),
      'audit.verify': asks('audit.verify'),
      'read.advanced': ({ body }) => reader.advanced(body.upto, body.projection),
    },
    close: () => reader.close(),
  };
}

// SPDX-License-Identifier: Apache-2.0
// Journal, views and reader of a data directory together in one thread, without a gateway.

import { failure, SigilError } from '../../errors.ts';
import type { Append, Committed, Tail } from '../journal.ts';
import type { Request } from '../request.ts';
import type { ReadProtocol, ReadQueries, ReadQuery, ReadStore } from '../session-store.ts';
import { SessionStreams } from '../session-streams.ts';
import type { Outcome } from '../stream-owner.ts';
import { WorkspaceStream, type WorkspaceWriter } from '../workspace-writer.ts';
import type { Durability } from './database.ts';
import { openJournal, openReader, openViews, type StoreClock } from './open.ts';
import { isWorkspaceId } from './workspace-path.ts';

export interface OneThreadOptions {
  readonly dataDir: string;
  readonly durability: Durability;
  /** Messages of a session's folded window. */
  readonly window: number;
  readonly world: StoreClock & { now(): number };
}

/** What changes and what answers. */
export interface OneThread {
  /** Sees, unless told otherwise, everything that is durable when it is asked. */
  readonly read: ReadStore;
  readonly writer: WorkspaceWriter;
  readonly sessions: SessionStreams;
  close(): void;
}

/** How long a read waits for what was written before it: nobody else needs this thread, and much may be written at once. */
const PATIENCE_MS = 300_000;
/** Workspaces whose writer is kept; one with nothing to do is made anew when it is needed. */
const WRITERS_MOST = 256;

/** @throws SigilError `storage_failed`. The directory must be the caller's own. */
export function openOneThread({ dataDir, durability, window, world }: OneThreadOptions): OneThread {
  const none = { reply: () => undefined, fail: () => undefined };
  const reader = openReader({
    dataDir,
    clock: world,
    patience: PATIENCE_MS,
    hurry: (upto, projection) => views.handlers['views.hurry']({ body: { upto, projection }, ...none }),
  });
  const views = openViews({
    dataDir,
    clock: world,
    advanced: (upto, projection) => reader.handlers['read.advanced']({ body: { upto, projection } }),
  });
  const journal = openJournal({
    dataDir,
    durability,
    clock: world,
    notify: (upto) => views.handlers['views.wake']({ body: { upto }, ...none }),
  });
  const streams = {
    append: (body: Append, answered: (outcome: Outcome<Committed>) => void) =>
      journal.handlers['journal.append'](requestOf(body, answered)),
    tail: (stream: string, answered: (outcome: Outcome<Tail>) => void) =>
      journal.handlers['journal.tail'](requestOf({ stream }, answered)),
    now: () => world.now(),
    after: (ms: number, run: () => void) => world.after(ms, run),
  };
  const read: ReadStore = {
    read: <Q extends ReadQuery>(query: Q, body: ReadQueries[Q]['body'], barrier = { after: journal.seq() }) =>
      new Promise<ReadQueries[Q]['reply']>((resolve, reject) => {
        // One handler for every query, each with its own body: the compiler cannot follow which belongs to which.
        const handler = reader.handlers[query] as (
          request: Request<ReadProtocol[Q]['body'], ReadProtocol[Q]['reply']>,
        ) => void;
        handler({
          body: { ...body, ...barrier },
          reply: resolve,
          fail: (error) => reject(new SigilError(error)),
        });
      }),
  };
  const writers = new Map<string, WorkspaceStream>();
  const writer = localWriter(writers, (workspace_id) => {
    return new WorkspaceStream({
      ...streams,
      workspace_id,
      known: ({ after, ...asked }, answered) =>
        void read.read('memory.known', asked, { after }).then(
          ({ known }) => answered({ ok: true, body: known }),
          (thrown: unknown) => answered({ ok: false, error: (thrown as SigilError).failure }),
        ),
    });
  });
  const sessions = new SessionStreams({ ...streams, window });
  return {
    read,
    writer,
    sessions,
    close: () => {
      sessions.close();
      for (const stream of writers.values()) stream.stop();
      reader.close();
      views.close();
      journal.close();
    },
  };
}

/** A question whose answer is an outcome. */
function requestOf<B, R>(body: B, answered: (outcome: Outcome<R>) => void): Request<B, R> {
  return {
    body,
    reply: (reply) => answered({ ok: true, body: reply }),
    fail: (error) => answered({ ok: false, error }),
  };
}

/** The writers of this thread, one for each workspace. */
function localWriter(
  writers: Map<string, WorkspaceStream>,
  make: (workspace_id: string) => WorkspaceStream,
): WorkspaceWriter {
  return {
    write: (write) =>
      new Promise((resolve, reject) => {
        const { workspace_id } = write;
        if (!isWorkspaceId(workspace_id)) {
          const says = `${JSON.stringify(workspace_id)} is not an id of a workspace`;
          return reject(new SigilError(failure('validation_failed', says)));
        }
        const stream = writers.get(workspace_id) ?? make(workspace_id);
        writers.set(workspace_id, stream);
        stream.write(write, (outcome) => {
          for (const [id, held] of writers) {
            if (writers.size <= WRITERS_MOST) break;
            if (held.idle) writers.delete(id);
          }
          if (outcome.ok) resolve(outcome.body.seq);
          else reject(new SigilError(outcome.error));
        });
      }),
  };
}

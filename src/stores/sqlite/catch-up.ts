// SPDX-License-Identifier: Apache-2.0
// Brings all views of a data directory up to its journal while no gateway runs in it: after a restore, and for a rebuild.

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type Failure, SigilError, toFailure } from '../../errors.ts';
import type { DataProgress } from '../backup.ts';
import { PUT_ASIDE } from './damaged.ts';
import { GATEWAY_FILE, JOURNAL_FILE } from './data-files.ts';
import { journalFacts, knownVersion, lookInto, projectedFacts, schemaOf, viewFacts } from './file-facts.ts';
import { openViews } from './open.ts';
import { isWorkspaceId } from './workspace-path.ts';

export interface CatchUpOptions {
  readonly dataDir: string;
  readonly progress?: (progress: DataProgress) => void;
  /** Makes views of what is left of a trimmed journal, short of what is gone. */
  readonly acceptLoss?: boolean;
}

const LOOK_MS = 20;
/** Needs a model to be made: the next start does that, in its own time. */
const EMBEDDED = 'vectors.db';

/** The real clock: nobody simulates work on files. */
const CLOCK = {
  soon: (run: () => void): void => void setImmediate(run),
  after: (ms: number, run: () => void): (() => void) => {
    const timer = setTimeout(run, ms);
    return () => clearTimeout(timer);
  },
  monotonic: (): number => performance.now(),
  now: (): number => Date.now(),
};

/**
 * Opens the views as their thread would and closes them once each has what the journal has. The caller holds the lock.
 *
 * @throws SigilError with what keeps a view from going on
 */
export async function catchUpViews({ dataDir, progress, acceptLoss = false }: CatchUpOptions): Promise<void> {
  const last = lookInto(join(dataDir, JOURNAL_FILE), (db) => journalFacts(JOURNAL_FILE, db).last);
  if (last === 0) return;
  await new Promise<void>((resolve, reject) => {
    let ended = false;
    const end = (error?: Failure): void => {
      if (ended) return;
      ended = true;
      views.close();
      if (error === undefined) resolve();
      else reject(new SigilError(error));
    };
    let pending: readonly string[] | undefined;
    const look = (): void => {
      if (ended) return;
      try {
        const upto = Math.min(views.upto('sessions'), views.upto('memory'));
        progress?.({ step: 'views', file: '', done: Math.min(upto, last), total: last });
        if (upto >= last) pending = (pending ?? workspacesIn(dataDir)).filter((id) => !isWhole(dataDir, id));
      } catch (thrown) {
        return end(toFailure(thrown));
      }
      if (pending?.length === 0) end();
      else CLOCK.after(LOOK_MS, look);
    };
    const views = openViews({
      dataDir,
      clock: CLOCK,
      advanced: () => undefined,
      failed: (error) => {
        if (error.details?.['reason'] !== PUT_ASIDE) CLOCK.soon(() => end(error));
      },
      ...(acceptLoss ? { acceptLoss } : {}),
    });
    // Nothing else is to be done here: without anybody in a hurry they would rest between batches, six times as long as each took.
    for (const projection of ['sessions', 'memory'] as const)
      views.handlers['views.hurry']({
        body: { upto: last, projection },
        reply: () => undefined,
        fail: () => undefined,
      });
    CLOCK.soon(look);
  });
}

function workspacesIn(dataDir: string): readonly string[] {
  const ids = lookInto(join(dataDir, GATEWAY_FILE), (db) =>
    db.prepare<[], string>('SELECT id FROM workspaces').pluck().all(),
  );
  return ids.filter(isWorkspaceId);
}

/** Whether every view of a workspace has the rows gateway.db says it was given. */
function isWhole(dataDir: string, workspace: string): boolean {
  const { journal, given } = lookInto(join(dataDir, GATEWAY_FILE), (db) => {
    const own = viewFacts(db)?.journal ?? '';
    return { journal: own, given: projectedFacts(db, own).given(workspace) };
  });
  return [...given].every(([name, last]) => {
    if (name === EMBEDDED) return true;
    const file = join(dataDir, 'workspaces', workspace.replaceAll(':', '%3A'), name);
    if (!existsSync(file)) return false;
    return lookInto(file, (db) => {
      const state = viewFacts(db);
      // One of an older schema says how far it had come, and begins anew when it is taken to this one.
      const current = schemaOf(db) === knownVersion(file);
      return current && state !== undefined && state.journal === journal && state.upto >= last;
    });
  });
}

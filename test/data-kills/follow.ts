// SPDX-License-Identifier: Apache-2.0
// Views brought up to their journal in this process, on a clock that waits for nothing: after a kill as a start does it, or from scratch.

import type { Failure } from '../../src/errors.ts';
import { tidyDataDir } from '../../src/stores/sqlite/backup/replace.ts';
import { PUT_ASIDE } from '../../src/stores/sqlite/damaged.ts';
import { checkBeforeStart } from '../../src/stores/sqlite/start-check.ts';
import { SqliteViews } from '../../src/stores/sqlite/views.ts';
import type { VectorModel } from '../../src/stores/vector-store.ts';
import { ManualClock } from '../stores/manual-clock.ts';
import { embed } from './models.ts';

/** Every pause of a start is over by then, and of what is tried again: the clock is not the real one. */
const LONG_MS = 600_000;

export interface FollowOptions {
  /** What is embedded with; nothing is when it is not given. */
  readonly model?: VectorModel | undefined;
  /** After each batch of a changed model. */
  readonly filling?: (workspace: string, done: boolean) => void;
}

/** Opens the views and closes them when there is nothing left to do. What was told of failures. */
export function follow(dataDir: string, { model, filling }: FollowOptions = {}): readonly Failure[] {
  const clock = new ManualClock();
  const failures: Failure[] = [];
  const views = new SqliteViews({
    dataDir,
    soon: clock.soon,
    after: clock.after,
    monotonic: clock.monotonic,
    advanced: () => undefined,
    failed: (failure) => void failures.push(failure),
    ...(model === undefined
      ? {}
      : {
          vectors: {
            model,
            embed: ({ model: { name }, texts }, answered) =>
              clock.soon(() => answered({ ok: true, vectors: embed({ model: name, texts }) })),
            filling: (workspace, progress) => filling?.(workspace, progress === null),
          },
        }),
  });
  try {
    clock.advance(LONG_MS);
  } finally {
    views.close();
  }
  return failures;
}

/** What a start does over what a kill has left. What is wrong with it. */
export function recover(dataDir: string, options: FollowOptions = {}): readonly string[] {
  tidyDataDir(dataDir);
  const failures = [...checkBeforeStart(dataDir), ...follow(dataDir, options)];
  return failures.map(({ message, details }) =>
    // Nothing is damaged by the end of a process, so nothing may have been put aside either.
    details?.['reason'] === PUT_ASIDE ? `put aside: ${message}` : message,
  );
}

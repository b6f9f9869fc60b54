// SPDX-License-Identifier: Apache-2.0
// Overwrites what was erased in the files of views, a step at a time, once they have applied that it was.

import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { failure, SigilError, toFailure } from '../../errors.ts';
import type { ViewsProtocol } from '../protocol.ts';
import type { Request } from '../request.ts';
import { workspaceDir } from './workspace-path.ts';

export type WipeRequest = Request<ViewsProtocol['views.wipe']['body'], ViewsProtocol['views.wipe']['reply']>;

/** A file that can be overwritten. */
export interface Wiped {
  /** One part after the other; between two of them others have their turn. */
  wipe(): Generator<undefined, void>;
}

export interface ViewsWipeOptions {
  readonly dataDir: string;
  readonly soon: (run: () => void) => void;
  readonly after: (ms: number, run: () => void) => () => void;
  /** Whether everything up to a row is applied by all; asked again until it is. */
  readonly applied: (upto: number) => boolean;
  /** The names of a workspace's files. */
  readonly names: readonly string[];
  /** Takes the next part of a workspace's file, opened if it must be; undefined when that cannot be. */
  readonly with: <T>(name: string, workspace: string, work: (file: Wiped) => T) => T | undefined;
  /** What is known across workspaces. */
  readonly gateway: () => Wiped;
  readonly gatewayFile: string;
}

/** How often it is looked whether everything is applied, in milliseconds, and how many times. */
const LOOK_MS = 20;
const LOOKS = 15_000;

/** The handler of `views.wipe`. Whoever is told that it failed asks again: doing it twice changes nothing. */
export function viewsWipe(options: ViewsWipeOptions): (request: WipeRequest) => void {
  const { dataDir, soon, after, applied, names, gateway, gatewayFile } = options;
  const files = function* ({ workspaces }: WipeRequest['body']): Generator<undefined, void> {
    for (const { id } of workspaces) {
      const dir = workspaceDir(dataDir, id);
      if (dir === undefined) continue;
      for (const name of names) {
        rmSync(join(dir, `${name}.damaged`), { force: true });
        // Opening makes what is not there.
        if (existsSync(join(dir, name))) yield* parts(name, id);
      }
    }
    rmSync(`${gatewayFile}.damaged`, { force: true });
    yield* gateway().wipe();
  };
  const parts = function* (name: string, workspace: string): Generator<undefined, void> {
    let wiping: Generator<undefined, void> | undefined;
    for (let done = false; !done; ) {
      const step = options.with(name, workspace, (file) => {
        wiping ??= file.wipe();
        return wiping.next();
      });
      if (step === undefined)
        throw new SigilError(failure('storage_failed', `${name} of ${workspace} cannot be written now`));
      done = step.done === true;
      yield undefined;
    }
  };
  const go = (steps: Generator<undefined, void>, request: WipeRequest): void => {
    try {
      if (steps.next().done === true) request.reply({});
      else soon(() => go(steps, request));
    } catch (thrown) {
      request.fail(toFailure(thrown));
    }
  };
  const look = (request: WipeRequest, left: number): void => {
    if (applied(request.body.upto)) go(files(request.body), request);
    else if (left === 0) request.fail(failure('view_behind', 'the views have not come to what is to be overwritten'));
    else after(LOOK_MS, () => look(request, left - 1));
  };
  return (request) => look(request, LOOKS);
}

// SPDX-License-Identifier: Apache-2.0
// Overwrites what was erased in the files of views, a step at a time, once they have applied that it was.

import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { failure, toFailure } from '../../errors.ts';
import type { ViewsProtocol } from '../protocol.ts';
import type { Request } from '../request.ts';
import { type Wiped, type WipeSteps, wipeFile } from './wipe.ts';
import { workspaceDir } from './workspace-path.ts';

export type WipeRequest = Request<ViewsProtocol['views.wipe']['body'], ViewsProtocol['views.wipe']['reply']>;

export interface ViewsWipeOptions {
  readonly dataDir: string;
  readonly soon: (run: () => void) => void;
  readonly after: (ms: number, run: () => void) => void;
  /** Whether everything up to a row is applied by all; asked again until it is. */
  readonly applied: (upto: number) => boolean;
  /** The names of a workspace's files. */
  readonly names: readonly string[];
  /** Takes the next part of a workspace's file, opened if it must be; undefined when that cannot be. */
  readonly with: <T>(name: string, workspace: string, work: (file: Wiped) => T) => T | undefined;
  /** Everything plugins keep in a workspace goes. */
  readonly values: (workspace: string) => WipeSteps;
  /** What is known across workspaces. */
  readonly gateway: () => Wiped;
  readonly gatewayFile: string;
}

/** How often it is looked whether everything is applied, in milliseconds, and how many times. */
const LOOK_MS = 20;
const LOOKS = 15_000;

/** The handler of `views.wipe`. Whoever is told that it failed asks again: doing it twice changes nothing. */
export function viewsWipe(options: ViewsWipeOptions): (request: WipeRequest) => void {
  const { dataDir, soon, after, applied, names, values, gateway, gatewayFile } = options;
  const files = function* ({ workspaces }: WipeRequest['body']): WipeSteps {
    for (const { id, values: all } of workspaces) {
      const dir = workspaceDir(dataDir, id);
      if (dir === undefined) continue;
      if (all) yield* values(id);
      for (const name of names) {
        const file = join(dir, name);
        rmSync(`${file}.damaged`, { force: true });
        // Opening makes what is not there.
        if (existsSync(file)) yield* wipeFile(file, (work) => options.with(name, id, work));
      }
    }
    rmSync(`${gatewayFile}.damaged`, { force: true });
    yield* wipeFile(gatewayFile, (work) => work(gateway()));
  };
  const go = (steps: WipeSteps, request: WipeRequest): void => {
    try {
      const step = steps.next();
      if (step.done === true) return request.reply({});
      if (step.value > 0) after(step.value, () => go(steps, request));
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

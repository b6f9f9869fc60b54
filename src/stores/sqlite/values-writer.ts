// SPDX-License-Identifier: Apache-2.0
// Changes of values as the views' thread makes them: what came together for one workspace is one commit, workspaces in turns.

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type Failure, failure, toFailure } from '../../errors.ts';
import { VALUE_MOST, VALUE_QUOTA, type ValueChanges, type ValueQuota } from '../key-value-store.ts';
import type { Request } from '../request.ts';
import { FilePool, type OpenFiles } from './open-files.ts';
import { bytesOf, VALUES_FILE, type ValueChange, ValuesFile } from './values-file.ts';
import { type WipeSteps, wipeFile } from './wipe.ts';
import { workspaceDir } from './workspace-path.ts';

export interface ValuesWriterOptions {
  readonly dataDir: string;
  readonly soon: (run: () => void) => void;
  /** Epoch milliseconds. */
  readonly now: () => number;
  readonly quota?: ValueQuota;
  /** Files held open. */
  readonly openFiles?: number;
}

type Ask<T extends keyof ValueChanges> = Request<ValueChanges[T]['body'], ValueChanges[T]['reply']>;

interface Waiting {
  readonly change: ValueChange;
  readonly bytes: number;
  readonly reply: (body: Record<string, never>) => void;
  readonly fail: (error: Failure) => void;
}

/** Changes that may wait, for one workspace and as a whole, and the bytes of all. */
const MOST = { each: 256, all: 2_048, bytes: 64 * 1024 * 1024 } as const;
/** Changes of one commit: between two the loop turns. */
const TOGETHER = 64;

export class ValuesWriter {
  readonly #options: ValuesWriterOptions;
  readonly #files: OpenFiles<ValuesFile>;
  /** The workspace whose turn is next comes first. */
  readonly #waiting = new Map<string, Waiting[]>();
  #count = 0;
  #bytes = 0;
  #scheduled = false;
  #closed = false;

  constructor(options: ValuesWriterOptions) {
    this.#options = options;
    this.#files = new FilePool(options.openFiles ?? 8).kind(VALUES_FILE);
  }

  set({ body, reply, fail }: Ask<'values.set'>): void {
    const { workspace_id, plugin, key, value } = body;
    const bytes = bytesOf(value);
    if (bytes > VALUE_MOST.value) {
      const says = `a value has at most ${VALUE_MOST.value} bytes, this one has ${bytes}`;
      return fail(failure('payload_too_large', says, { limit: VALUE_MOST.value, bytes }));
    }
    if (typeof value === 'string' && !value.isWellFormed()) {
      return fail(failure('validation_failed', 'a text has half a character in it; set its bytes instead'));
    }
    const at = this.#options.now();
    this.#take(workspace_id, { change: { type: 'set', plugin, key, value, at }, bytes, reply, fail });
  }

  delete({ body, reply, fail }: Ask<'values.delete'>): void {
    const { workspace_id, plugin, key } = body;
    this.#take(workspace_id, { change: { type: 'delete', plugin, key }, bytes: 0, reply, fail });
  }

  /** Deletes and overwrites everything that is kept in a workspace. @throws SigilError `storage_failed` */
  *erase(workspace: string): WipeSteps {
    const dir = workspaceDir(this.#options.dataDir, workspace);
    const file = join(dir ?? '', VALUES_FILE);
    if (dir === undefined || !existsSync(file)) return;
    const { quota = VALUE_QUOTA } = this.#options;
    yield* wipeFile(file, (work) => work(this.#files.use(workspace, () => new ValuesFile(file, quota))));
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    for (const group of this.#waiting.values())
      for (const { fail } of group) fail(failure('draining', 'the values are closing'));
    this.#waiting.clear();
    this.#files.close();
  }

  #take(workspace: string, waiting: Waiting): void {
    const { fail, change, bytes } = waiting;
    if (this.#closed) return fail(failure('draining', 'the values are closing'));
    const refused = placeRefusal(change);
    if (refused !== null) return fail(refused);
    const group = this.#waiting.get(workspace) ?? [];
    if (group.length >= MOST.each || this.#count >= MOST.all || this.#bytes + bytes > MOST.bytes) {
      return fail(failure('overloaded', 'too many changes of values are waiting'));
    }
    group.push(waiting);
    this.#waiting.set(workspace, group);
    this.#count += 1;
    this.#bytes += bytes;
    this.#schedule();
  }

  #schedule(): void {
    if (this.#scheduled || this.#closed) return;
    this.#scheduled = true;
    this.#options.soon(() => this.#run());
  }

  #run(): void {
    this.#scheduled = false;
    const [next] = this.#waiting;
    if (next === undefined || this.#closed) return;
    const [workspace, all] = next;
    const group = all.splice(0, TOGETHER);
    this.#waiting.delete(workspace);
    if (all.length > 0) this.#waiting.set(workspace, all);
    this.#count -= group.length;
    for (const { bytes } of group) this.#bytes -= bytes;
    this.#commit(workspace, group);
    if (this.#waiting.size > 0) this.#schedule();
  }

  #commit(workspace: string, group: readonly Waiting[]): void {
    let refused: readonly (Failure | null)[];
    try {
      refused = this.#apply(
        workspace,
        group.map(({ change }) => change),
      );
    } catch (thrown) {
      // Opened anew next time: what is wrong with it may be over then.
      this.#files.drop(workspace);
      for (const { fail } of group) fail(toFailure(thrown));
      return;
    }
    for (const [index, { reply, fail }] of group.entries()) {
      const why = refused[index] ?? null;
      if (why === null) reply({});
      else fail(why);
    }
  }

  #apply(workspace: string, changes: readonly ValueChange[]): readonly (Failure | null)[] {
    const { dataDir, quota = VALUE_QUOTA } = this.#options;
    const dir = workspaceDir(dataDir, workspace);
    if (dir === undefined) {
      const why = failure('validation_failed', `${JSON.stringify(workspace)} is no workspace id`);
      return changes.map(() => why);
    }
    return this.#files.use(workspace, () => new ValuesFile(join(dir, VALUES_FILE), quota)).apply(changes);
  }
}

/** Why nothing can be kept under such a key; null when it can. */
function placeRefusal({ plugin, key }: ValueChange): Failure | null {
  for (const [what, text, most] of [
    ['a plugin name', plugin, VALUE_MOST.plugin],
    ['a key', key, VALUE_MOST.key],
  ] as const) {
    const bytes = Buffer.byteLength(text);
    if (bytes === 0 || bytes > most || !text.isWellFormed()) {
      return failure('validation_failed', `${what} is well-formed text of 1 to ${most} bytes, this one has ${bytes}`);
    }
  }
  return null;
}

// SPDX-License-Identifier: Apache-2.0
// Work on plugins' values whose power is to fail: groups of sets and deletes, an erasure now and then, told before and after.

import { ValuesWriter } from '../../src/stores/sqlite/values-writer.ts';
import { ManualClock } from '../stores/manual-clock.ts';
import { seeded } from './random.ts';

/** A value in few words, for it is told. */
export interface ToldValue {
  readonly kind: 'text' | 'bytes';
  /** No other value has it. */
  readonly n: number;
  readonly length: number;
}

export interface ToldChange {
  readonly plugin: string;
  readonly key: string;
  /** null: it is deleted. */
  readonly value: ToldValue | null;
}

/** What is asked of one workspace's file at once: it comes to all of it or to nothing. */
export interface ToldGroup {
  readonly workspace: string;
  /** null: everything is erased. */
  readonly changes: readonly ToldChange[] | null;
}

/** How a line begins that says what is asked, and one that says that it was answered. */
export const [ASKED, KEPT] = ['values-asked ', 'values-kept '] as const;
export const PLUGINS = ['one', 'other'] as const;

const KEYS = 12;
const CHANGES_MOST = 5;
const LENGTH_MOST = 14_000;
const CHANCE = { delete: 0.25, text: 0.6, erase: 0.04 } as const;

/** The value itself. */
export function spelled({ kind, n, length }: ToldValue): string | Uint8Array {
  const text = `${n}:`.padEnd(length, String.fromCharCode(97 + (n % 26)));
  return kind === 'text' ? text : new Uint8Array(Buffer.from(text));
}

export interface ValuesWorkload {
  readonly dir: string;
  readonly seed: number;
  readonly workspaces: readonly string[];
  readonly tell: (text: string) => void;
}

/** Each call asks for one group and waits for its answer. Nobody closes what is open. */
export function workOnValues({ dir, seed, workspaces, tell }: ValuesWorkload): () => void {
  const random = seeded(seed);
  const clock = new ManualClock();
  // One: files are closed and opened all the time, and the last one who closes a file moves its log into it.
  const openFiles = random() < 0.5 ? 1 : workspaces.length;
  const writer = new ValuesWriter({ dataDir: dir, soon: clock.soon, now: () => 0, openFiles });
  const keys = new Map<string, ToldChange>();
  let n = 0;
  const draw = (workspace: string): ToldChange => {
    const known = [...keys.values()];
    const old = known[Math.floor(random() * known.length)];
    if (old !== undefined && random() < CHANCE.delete) return { plugin: old.plugin, key: old.key, value: null };
    n += 1;
    const kind = random() < CHANCE.text ? 'text' : 'bytes';
    // Most are short; some need pages of their own.
    const value = { kind, n, length: Math.floor(random() ** 4 * LENGTH_MOST) } as const;
    const plugin = PLUGINS[Math.floor(random() * PLUGINS.length)] ?? PLUGINS[0];
    const change = { plugin, key: `${workspace} ${Math.floor(random() * KEYS)}`, value };
    keys.set(`${plugin} ${change.key}`, change);
    return change;
  };
  return () => {
    const workspace = workspaces[Math.floor(random() * workspaces.length)] ?? '';
    const erases = random() < CHANCE.erase;
    const many = 1 + Math.floor(random() * CHANGES_MOST);
    const changes = erases ? null : Array.from({ length: many }, () => draw(workspace));
    tell(`${ASKED}${JSON.stringify({ workspace, changes } satisfies ToldGroup)}`);
    let answered = 0;
    for (const { plugin, key, value } of changes ?? []) {
      const place = { workspace_id: workspace, plugin, key };
      const reply = (): void => {
        answered += 1;
      };
      const fail = ({ code, message }: { readonly code: string; readonly message: string }): void => {
        // What is not there cannot be deleted: as good an answer as any.
        if (code !== 'not_found') throw new Error(message);
        answered += 1;
      };
      if (value === null) writer.delete({ body: place, reply, fail } as Parameters<ValuesWriter['delete']>[0]);
      else writer.set({ body: { ...place, value: spelled(value) }, reply, fail } as Parameters<ValuesWriter['set']>[0]);
    }
    clock.settle();
    if (changes === null) for (const _step of writer.erase(workspace));
    if (answered !== (changes?.length ?? 0)) throw new Error('a change of values is not answered');
    tell(`${KEPT}${workspace}`);
  };
}

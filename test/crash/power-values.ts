// SPDX-License-Identifier: Apache-2.0
// Plugins' values after a power loss: they are primary data, so every change that was answered is there, whatever the journal's setting.

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import type { StoredValue } from '../../src/stores/key-value-store.ts';
import { FilePool } from '../../src/stores/sqlite/open-files.ts';
import { ValuesReader } from '../../src/stores/sqlite/values-reader.ts';
import { ValuesWriter } from '../../src/stores/sqlite/values-writer.ts';
import { ManualClock } from '../stores/manual-clock.ts';
import { ASKED, KEPT, PLUGINS, spelled, type ToldGroup } from './power-values-workload.ts';

/** Everything a file holds: values, as text that can be compared, by plugin and key. */
type Held = ReadonlyMap<string, string>;

/** One file's past, as the recording has told it up to now. */
interface Past {
  /** What it held after each group, from the empty file on. */
  readonly states: Held[];
  /** Groups that were answered: the state of that number is the least that must be there. */
  kept: number;
}

const EVERY = { limit: 500, cursor: undefined } as const;

/** What the files of values were asked to hold. */
export class ValuesTold {
  readonly #pasts = new Map<string, Past>();

  constructor(workspaces: readonly string[]) {
    for (const workspace of workspaces) this.#pasts.set(workspace, { states: [new Map()], kept: 0 });
  }

  /** Takes in what was told. */
  note(text: string): void {
    if (text.startsWith(ASKED)) {
      const { workspace, changes } = JSON.parse(text.slice(ASKED.length)) as ToldGroup;
      const past = this.#of(workspace);
      const state = new Map(changes === null ? [] : past.states.at(-1));
      for (const { plugin, key, value } of changes ?? []) {
        if (value === null) state.delete(`${plugin}/${key}`);
        else state.set(`${plugin}/${key}`, comparable(spelled(value)));
      }
      past.states.push(state);
    } else if (text.startsWith(KEPT)) {
      const past = this.#of(text.slice(KEPT.length).trimEnd());
      past.kept = past.states.length - 1;
    }
  }

  /** Reads every file of a copy as it lies, then goes on with it: what is wrong. */
  problems(dir: string): readonly string[] {
    return [...this.#pasts].flatMap(([workspace, past]) => {
      try {
        return [...asItLies(dir, workspace, past), ...goesOn(dir, workspace)];
      } catch (thrown) {
        return [`values of ${workspace} cannot be read: ${thrown instanceof Error ? thrown.message : String(thrown)}`];
      }
    });
  }

  #of(workspace: string): Past {
    const past = this.#pasts.get(workspace);
    if (past === undefined) throw new Error(`nobody works on the values of ${workspace}`);
    return past;
  }
}

function comparable(value: StoredValue): string {
  return typeof value === 'string' ? `text ${value}` : `bytes ${Buffer.from(value).toString('latin1')}`;
}

function heldIn(dir: string, workspace: string): Held {
  const reader = new ValuesReader(dir, new FilePool(1));
  try {
    const held = new Map<string, string>();
    for (const plugin of PLUGINS) {
      const { items } = reader.list({ workspace_id: workspace, plugin, prefix: '', page: EVERY });
      for (const { key } of items) held.set(`${plugin}/${key}`, comparable(reader.get(workspace, plugin, key) ?? ''));
    }
    return held;
  } finally {
    reader.close();
  }
}

/** Nothing that was answered is missing, and of what was not yet all is there or nothing. */
function asItLies(dir: string, workspace: string, { states, kept }: Past): readonly string[] {
  const held = heldIn(dir, workspace);
  const at = states.findLastIndex((state) => same(state, held));
  if (at < 0) return [`values of ${workspace} are what they never were, and ${kept} groups were answered`];
  return at < kept ? [`values of ${workspace} are those of group ${at}, and ${kept} were answered`] : [];
}

function same(one: Held, other: Held): boolean {
  return one.size === other.size && [...one].every(([key, value]) => other.get(key) === value);
}

/** The file takes the next change and gives it back, is whole, and knows what each plugin uses. */
function goesOn(dir: string, workspace: string): readonly string[] {
  const problems: string[] = [];
  const clock = new ManualClock();
  const writer = new ValuesWriter({ dataDir: dir, soon: clock.soon, now: () => 0 });
  const [plugin] = PLUGINS;
  writer.set({
    body: { workspace_id: workspace, plugin, key: 'next', value: 'after the power came back' },
    reply: () => undefined,
    fail: ({ message }: { readonly message: string }) => void problems.push(`the next value is refused: ${message}`),
  } as Parameters<ValuesWriter['set']>[0]);
  clock.settle();
  writer.close();
  if (heldIn(dir, workspace).get(`${plugin}/next`) !== comparable('after the power came back'))
    problems.push(`values of ${workspace} do not hold the next one`);
  const file = join(dir, 'workspaces', workspace, 'values.db');
  if (!existsSync(file)) return problems;
  const db = new Database(file, { readonly: true });
  const integrity = String(db.pragma('integrity_check', { simple: true }));
  if (integrity !== 'ok') problems.push(`values of ${workspace} are damaged: ${integrity.slice(0, 100)}`);
  const wrong = db
    .prepare(
      `SELECT plugin FROM used LEFT JOIN
         (SELECT plugin, count(*) AS k, sum(bytes + length(CAST(key AS BLOB))) AS b FROM entries GROUP BY plugin) USING (plugin)
       WHERE keys <> coalesce(k, 0) OR bytes <> coalesce(b, 0)`,
    )
    .all();
  if (wrong.length > 0) problems.push(`values of ${workspace}: what is used is counted wrong`);
  db.close();
  return problems;
}

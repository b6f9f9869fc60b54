// SPDX-License-Identifier: Apache-2.0
// `sigil secret list`: what is kept and what the configuration refers to, by name; never a value.

import { referenceTo, type SecretName, variableOf } from '../config/secret-name.ts';
import type { SecretEntry, SecretStore } from '../secrets/store.ts';
import { toCliError } from './cli-error.ts';
import type { CommandRun } from './command.ts';
import type { Output } from './output.ts';
import { secretSource } from './secret-source.ts';
import { tableLines } from './table.ts';
import { agoText } from './time-text.ts';

interface Row {
  readonly name: SecretName;
  readonly kept: boolean;
  readonly set_at: string | null;
  readonly used_by: readonly string[];
}

/** Whether something is kept that the store did not list: set by another program, or under a variable of many names. */
async function isKept(store: SecretStore, name: SecretName): Promise<boolean> {
  try {
    await store.get(name);
    return true;
  } catch (thrown) {
    if (toCliError(thrown).code !== 'not_found') throw thrown;
    return false;
  }
}

async function rowsOf(store: SecretStore, used: ReadonlyMap<SecretName, readonly string[]>): Promise<readonly Row[]> {
  const kept = new Map<SecretName, SecretEntry>((await store.list()).map((entry) => [entry.name, entry]));
  const rows: Row[] = [];
  for (const name of used.keys()) {
    if (kept.has(name) || !(await isKept(store, name))) continue;
    // A variable says only roughly which name it stands for; the configuration knows.
    if (store.backend === 'env')
      for (const other of [...kept.keys()])
        if (!used.has(other) && variableOf(other) === variableOf(name)) kept.delete(other);
    kept.set(name, { name, setAt: null });
  }
  for (const name of new Set([...kept.keys(), ...used.keys()])) {
    const entry = kept.get(name);
    const set_at = entry?.setAt?.toISOString() ?? null;
    rows.push({ name, kept: entry !== undefined, set_at, used_by: used.get(name) ?? [] });
  }
  return rows.toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

function lines(rows: readonly Row[], output: Output, now: number): readonly string[] {
  const cells = rows.map(({ name, kept, set_at, used_by }) => [
    name,
    kept ? (set_at === null ? '–' : agoText(set_at, now)) : output.paint.red('missing'),
    used_by.join(', ') || '–',
  ]);
  const table = tableLines([['NAME', 'SET', 'USED BY'], ...cells], { right: [], give: [2], width: output.width() });
  const [head = '', ...rest] = table;
  return [output.paint.dim(head), ...rest];
}

export const run: CommandRun = async (call) => {
  const { output } = call;
  const { store, used } = await secretSource(call);
  const rows = await rowsOf(store, used);
  const protection = await store.protection?.();
  await store.close();
  if (output.json) {
    output.document({
      backend: store.backend,
      place: store.place,
      ...(protection === undefined ? {} : { protection }),
      items: rows.map((row) => ({ ...row, reference: referenceTo(row.name) })),
    });
    return 0;
  }
  const by = protection === undefined ? '' : `, protected by a ${protection}`;
  output.note(`Secrets are in ${store.place}${by}.`);
  if (rows.length === 0) output.note('There are none yet; `sigil secret set NAME` keeps one.');
  else output.write(`${lines(rows, output, Date.now()).join('\n')}\n`);
  if (rows.some(({ kept }) => !kept)) output.note('Set what is missing with `sigil secret set NAME`.');
  return 0;
};

// SPDX-License-Identifier: Apache-2.0
// Every file Sigil writes, with everything that can be wrong with it: what is told, what is lost, and whether it goes on.

import { tryCommand, WRITINGS } from './commands.ts';
import { canInject, type Fault } from './faults.ts';
import { tryExport, tryLog, trySecrets, tryValues } from './others.ts';
import { FILES, Serving } from './serving.ts';
import type { Tried } from './tried.ts';

export interface DiskFigures {
  readonly tried: readonly Tried[];
  problems: number;
  seconds: number;
}

const FAULTS: readonly Fault[] = ['ENOSPC', 'EIO', 'EROFS', 'locked'];

/** @param short one fault of each file; undefined where no process can be attached to */
export async function disturbEveryFile({ short }: { readonly short: boolean }): Promise<DiskFigures | undefined> {
  if (!canInject()) return undefined;
  const began = performance.now();
  const tried: Tried[] = [];
  const problems: string[] = [];
  const note = (all: readonly Tried[]): void => {
    for (const one of all) {
      tried.push(one);
      problems.push(...one.problems);
      console.log(`  ${one.file} ${one.fault}: again after ${one.again_ms} ms, ${one.problems.length} problems`);
    }
  };
  console.log('disk faults: every file, full, broken, read-only and locked');
  const serving = await Serving.begin();
  for (const name of FILES)
    for (const fault of short ? FAULTS.slice(0, 1) : FAULTS) note([await serving.try(name, serving.file(name), fault)]);
  note(await tryLog(serving));
  note(await tryExport(serving));
  if (!short) note(await trySecrets(serving));
  problems.push(...(await serving.end()));
  note(await tryValues());
  for (const [writing, prepare] of WRITINGS) {
    const some = short ? { ...writing, faults: (writing.faults ?? ['ENOSPC']).slice(0, 1) } : writing;
    note(await tryCommand(some, prepare));
  }
  for (const problem of problems.slice(0, 20)) console.log(`  PROBLEM ${problem}`);
  const seconds = Math.round((performance.now() - began) / 100) / 10;
  return { tried, problems: problems.length, seconds };
}

/** What happens to each file, in words; the figures stand beside it. */
const HAPPENS: Readonly<Record<string, string>> = {
  'journal.db': 'who sends is refused with `storage_failed`; the same message under its id is taken later',
  'gateway.db': 'messages are taken; answers and reads wait for it, then say `view_behind`; the log names it',
  'sessions.db': 'the same, in that workspace alone',
  'memory.db': 'messages are taken and answered; it follows later; the log names it',
  'knowledge.db': 'the same',
  'vectors.db': 'the same',
  'values.db': 'the plugin is refused',
  'secrets.age': 'the secret is refused, those before are kept (locked: `conflict` after 15 s)',
  'the log': 'lines are lost, and counted in the next one; nothing else',
  'an export': 'refused; nothing is left under its name',
  'backup.tar.gz': 'refused; an archive that was there stays',
  '.backup/copy.db': 'the backup is refused; no copy is left',
  '.restore': 'the restore is refused; nothing was replaced',
  'owner.token': 'the start is refused; the next one makes it',
  'gateway.lock': 'the start is refused',
  'sigil.yaml': 'only read: the start is refused',
};

/** A row a file, as docs/reliability.md has it. */
export function diskTable({ tried }: DiskFigures): string {
  const cell = (file: string, fault: Fault): string => {
    const of = tried.filter((one) => one.file === file && one.fault === fault);
    if (of.length === 0) return '–';
    const bad = of.flatMap(({ problems }) => problems).length;
    return bad > 0 ? `${bad} PROBLEMS` : `told; again after ${Math.max(...of.map(({ again_ms }) => again_ms))} ms`;
  };
  const files = Object.keys(HAPPENS).filter((file) => tried.some((one) => one.file === file));
  const rows = files.map(
    (file) => `| ${[file, ...FAULTS.map((fault) => cell(file, fault)), HAPPENS[file]].join(' | ')} |\n`,
  );
  const head = '| file | full (ENOSPC) | broken (EIO) | read-only (EROFS) | locked or busy | what happens |\n';
  return `${head}| --- | --- | --- | --- | --- | --- |\n${rows.join('')}`;
}

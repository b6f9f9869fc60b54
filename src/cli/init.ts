// SPDX-License-Identifier: Apache-2.0
// `sigil init`: writes a sigil.yaml that explains itself; on a terminal it asks for a provider and a channel first.

import { copyFileSync, existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { type Chosen, commentedConfig } from '../config/commented.ts';
import { loadConfig, thisMachine } from '../config/load.ts';
import { configSearchPaths, findConfigFile } from '../config/paths.ts';
import { CliError } from './cli-error.ts';
import type { Call, CommandRun } from './command.ts';
import { readConfigText, writeConfigText } from './config-file.ts';
import { refusal } from './config-source.ts';

/** What stands uncommented where nobody chose anything: what most people come back to change. */
const USUAL: Chosen = {
  networking: { listen: '127.0.0.1:18789' },
  models: { default: '', budgets: { per_hour_usd: 5, per_day_usd: 50 } },
  logging: { level: 'info' },
};

/** The file that will be written: the one that was named, else one in this directory. */
function target({ globals }: Call): string {
  const named = globals.config ?? process.env['SIGIL_CONFIG'] ?? '';
  return resolve(named === '' ? 'sigil.yaml' : named);
}

/** A name beside the file that is free. */
function backupOf(path: string): string {
  for (let number = 1; ; number++) {
    const candidate = `${path}.${number}.bak`;
    if (!existsSync(candidate)) return candidate;
  }
}

/** Checks that what is about to be written would load. @throws CliError with every problem */
async function check(call: Call, path: string, text: string): Promise<void> {
  const machine = thisMachine();
  const known = await call.composition.knownTypes();
  const result = await loadConfig({
    known,
    configPath: path,
    machine: { ...machine, readText: (file) => (file === path ? text : machine.readText(file)) },
  });
  if (!result.ok) throw refusal(result);
}

function shortened(path: string): string {
  const home = homedir();
  return path.startsWith(`${home}/`) ? `~${path.slice(home.length)}` : path;
}

export const run: CommandRun = async (call) => {
  const { output } = call;
  const asks = process.stdin.isTTY === true && process.stdout.isTTY === true && !call.flag('yes') && !output.json;
  let path = target(call);
  const force = call.flag('force');
  const refuse = (): void => {
    if (!existsSync(path) || force) return;
    throw new CliError(
      'conflict',
      `${path} is there already, and was left as it is.`,
      'Change it with `sigil config set KEY VALUE`, write another with --config PATH, or replace it with --force, which keeps a copy.',
    );
  };
  refuse();
  let chosen: Chosen = USUAL;
  if (asks) {
    const { askAll } = await import('./init-questions.ts');
    const mayMove = call.globals.config === undefined && (process.env['SIGIL_CONFIG'] ?? '') === '';
    const answers = await askAll(call, {
      here: path,
      home: mayMove ? (configSearchPaths(thisMachine())[1] ?? null) : null,
    });
    path = answers.path;
    refuse();
    chosen = { ...USUAL, ...answers.chosen };
  }
  const text = commentedConfig(chosen);
  await check(call, path, text);
  const before = readConfigText(path);
  const backup = before.text === null ? null : backupOf(before.path);
  if (backup !== null) copyFileSync(before.path, backup);
  writeConfigText(before, text);
  const found = findConfigFile(thisMachine());
  const hidden =
    found !== undefined && resolve(found.path) !== path && call.globals.config === undefined ? found.path : null;
  if (output.json) {
    output.document({ file: path, backup, used: hidden === null, next: nextOf(path, hidden) });
    return 0;
  }
  output.line(
    `${output.paint.green('ok')} ${shortened(path)} is written${backup === null ? '' : `; what was there is ${shortened(backup)}`}.`,
  );
  if (hidden !== null) output.note(`${output.notePaint.yellow('warning:')} ${hidden} is found before it here.`);
  output.line(`Next: ${output.paint.bold(nextOf(path, hidden))}`);
  return 0;
};

/** The command to type then: the file is named where it would not be found by itself. */
function nextOf(path: string, hidden: string | null): string {
  const found = findConfigFile(thisMachine())?.path;
  if (hidden === null && found !== undefined && resolve(found) === path) {
    return dirname(path) === process.cwd() || path === configSearchPaths(thisMachine())[1]
      ? 'sigil chat'
      : `cd ${dirname(path)} && sigil chat`;
  }
  return `sigil chat --config ${join(path)}`;
}

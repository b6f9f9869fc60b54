// SPDX-License-Identifier: Apache-2.0
// What `config set` and `config unset` share: the whole file is checked with the change in it before a byte is written.

import { isDeepStrictEqual } from 'node:util';
import { CannotEdit, type Change, changedData, editText } from '../config/edit.ts';
import { configGet } from '../config/get.ts';
import { resolveKey } from '../config/key-path.ts';
import { type LoadedConfig, type LoadResult, loadConfig, thisMachine } from '../config/load.ts';
import { isReference } from '../config/references.ts';
import { ConfigSchema } from '../config/schema.ts';
import { secretKeys } from '../config/secret-keys.ts';
import { namesSecret } from '../config/show.ts';
import { type Path, pathText, type Schema } from '../config/walk.ts';
import { parseFile } from '../config/yaml-file.ts';
import { CliError, wrongUsage } from './cli-error.ts';
import type { Call } from './command.ts';
import { type ChangeEffects, effectsOf, tellEffects } from './config-effects.ts';
import { type ConfigText, configFileOf, writeConfigText } from './config-file.ts';
import { refusal } from './config-source.ts';
import { listed } from './secret-source.ts';

/** A key of the file, before its value is known. */
export interface Place {
  readonly file: ConfigText;
  readonly path: Path;
  readonly schema: Schema;
  readonly data: Readonly<Record<string, unknown>>;
}

/** Finds the key. @throws CliError `not_found` */
export async function placeOf(call: Call): Promise<Place> {
  const file = configFileOf(call);
  const { data } = await parseFile(file.path, (file.text ?? '').replace(/^\uFEFF/, ''));
  const found = resolveKey(ConfigSchema, call.args[0] ?? '', data);
  if (!found.ok) throw new CliError('not_found', found.message, '`sigil config show` prints every key.');
  return { file, data, path: found.path, schema: found.schema };
}

/** Secrets that would stand in the file for everybody to read who may read it. */
function plainIn(loaded: LoadedConfig, path: Path): readonly string[] {
  return secretKeys(loaded.declared)
    .filter(({ path: at }) => path.every((key, index) => String(at[index]) === String(key)))
    .filter(({ written, kind, path: at }) => {
      if (isReference(written)) return false;
      if (kind === 'secret_url') return /:\/\/[^/?#\s]*:[^/?#\s]*@/.test(written);
      return kind === 'secret' || namesSecret(String(at.at(-1)));
    })
    .map(({ path: at }) => pathText(at));
}

/** Names a kept secret that a key could refer to: `providers.anthropic.api_key` is `anthropic/api-key`. */
function nameFor(key: string): string {
  const [, entry, last] = /^(?:providers|channels|mcp)\.([^.[]+)\.(?:.*\.)?([^.]+)$/.exec(key) ?? [];
  if (entry !== undefined && last !== undefined) return `${entry}/${last.replaceAll('_', '-')}`;
  return `sigil/${key.replaceAll(/[^A-Za-z0-9]+/g, '-').replaceAll(/^-|-$/g, '')}`;
}

function refusePlain(keys: readonly string[]): void {
  const [first] = keys;
  if (first === undefined) return;
  const name = nameFor(first);
  const them = keys.length === 1 ? 'a secret, which is' : 'secrets, which are';
  throw new CliError(
    'validation_failed',
    `${listed(keys)} would hold ${them} not written to the file in plain.`,
    `Keep it with \`sigil secret set ${name}\` and run \`sigil config set ${first} keyring://${name}\`; or write \${NAME} for an environment variable. --plain writes it all the same.`,
  );
}

interface Outcome {
  readonly text: string;
  readonly loaded: LoadedConfig;
  /** For a gateway that runs. */
  readonly effects: ChangeEffects;
}

async function checked(call: Call, { file }: Place, change: Change): Promise<Outcome> {
  let text: string;
  try {
    text = await editText((file.text ?? '').replace(/^\uFEFF/, ''), change);
  } catch (thrown) {
    if (!(thrown instanceof CannotEdit)) throw thrown;
    const advice = 'Correct the file by hand; `sigil config validate` says what is wrong with it.';
    throw new CliError('validation_failed', `${pathText(change.path)} cannot be changed in ${file.path}.`, advice);
  }
  const machine = thisMachine();
  const known = await call.composition.knownTypes();
  const load = (written: string): Promise<LoadResult> => {
    const readText = (path: string): string => (path === file.path ? written : machine.readText(path));
    return loadConfig({ known, configPath: file.path, machine: { ...machine, readText } });
  };
  const result = await load(text);
  if (!result.ok) {
    const { message, lines, fields } = refusal(result);
    const advice = `Nothing was changed. Choose another value, or correct what is listed in ${file.path}.`;
    const what = message.replace(
      'The configuration has',
      `With that change of ${pathText(change.path)} the configuration would have`,
    );
    throw new CliError('validation_failed', what, advice, { lines, fields });
  }
  return { text, loaded: result, effects: effectsOf(await load(file.text ?? ''), result, change.path) };
}

/** The value a key has, for people: secrets hidden. */
function shown(loaded: LoadedConfig, path: Path): unknown {
  const found = configGet(loaded.declared, pathText(path));
  return found.ok ? found.value : null;
}

/** Checks a change, writes it, and says what came of it. @returns the exit status */
export async function makeChange(call: Call, place: Place, change: Change): Promise<number> {
  const { output } = call;
  const { file, data } = place;
  const key = pathText(change.path);
  const { text, loaded, effects } = await checked(call, place, change);
  if (!('unset' in change) && !call.flag('plain')) refusePlain(plainIn(loaded, change.path));
  const changed = !isDeepStrictEqual(changedData(data, change), data);
  if (changed) writeConfigText(file, text);
  const here = loaded.quarantined.filter(({ path }) => key === path || key.startsWith(`${path}.`));
  const overridden = loaded.source.env.length > 0 ? await overriddenBy(loaded, change.path) : undefined;
  if (output.json) {
    output.document({
      key,
      file: file.path,
      changed,
      created: changed && file.text === null,
      value: shown(loaded, change.path),
      ...effects,
      overridden_by: overridden ?? null,
      warnings: loaded.warnings,
      quarantined: loaded.quarantined,
    });
    return 0;
  }
  const { yellow } = output.notePaint;
  const done = 'unset' in change ? 'is not set any more' : 'is set';
  const where = file.text === null ? `${file.path}, which was made` : file.path;
  if (!changed) output.line(`${output.paint.green('ok')} ${key} is so already in ${file.path}.`);
  else output.line(`${output.paint.green('ok')} ${key} ${done} in ${where}.`);
  if (overridden !== undefined)
    output.note(`${yellow('warning:')} ${overridden} in the environment goes before it and decides.`);
  for (const { message } of loaded.warnings.filter(({ path }) => path === key))
    output.note(`${yellow('warning:')} ${message}`);
  for (const { message, advice } of here) output.note(`${yellow('left out:')} ${message} ${advice}`);
  if (changed) tellEffects(effects, output);
  return 0;
}

/** The variable that sets the key or something above or below it. */
async function overriddenBy(loaded: LoadedConfig, path: Path): Promise<string | undefined> {
  const { envName } = await import('../config/env.ts');
  const name = `SIGIL_${path.map((part) => envName(String(part))).join('_')}`;
  return loaded.source.env.find((other) => other === name || name.startsWith(`${other}_`));
}

/** Refuses what is no change. */
export function checkKey(call: Call): void {
  if ((call.args[0] ?? '') === '') throw wrongUsage('The key is empty.', '`sigil config show` prints every key.');
}

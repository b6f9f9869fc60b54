// SPDX-License-Identifier: Apache-2.0
// `config show`: the configuration as it would be written, in the schema's order, secrets hidden.

import { z } from 'zod';
import { formatUnit } from './fields.ts';
import { escapeReferences } from './references.ts';
import { type Config, ConfigSchema } from './schema.ts';
import { HIDDEN } from './settle.ts';
import { childOf, factsOf, isMap, keysOf, type Schema, unwrap } from './walk.ts';

/** How to show. */
export interface ShowOptions {
  /** Show secrets as they are written. For writing the file back, never for a person to see. */
  readonly reveal?: boolean;
}

const SECRET_KEY =
  /(^|[_-])(api[_-]?keys?|keys?|tokens?|secrets?|pass(word|wd|phrase)?|credentials?|cookies?|authorization|pin|signing)($|[_-])/i;

/** True when a key of a plugin's or platform's own shape is likely to hold a secret. */
export function namesSecret(key: string): boolean {
  return SECRET_KEY.test(key.replaceAll(/([a-z0-9])([A-Z])/g, '$1_$2'));
}

/** Hides who and with what password in every URL of a text. */
export function hideUserInfo(text: string): string {
  return text
    .replaceAll(/([A-Za-z][A-Za-z0-9+.-]*:\/\/)[^\s/?#]*@/g, `$1${HIDDEN}@`)
    .replaceAll(/([?&](?:[A-Za-z_-]*(?:password|passwd|secret|token|key))=)[^&\s#]+/gi, `$1${HIDDEN}`);
}

/** The text a default was written with, so that a default is shown as the reference shows it: 24h, not 1d. */
function defaultText(schema: Schema): unknown {
  return schema instanceof z.ZodPrefault ? schema.def.defaultValue : undefined;
}

function unitText(schema: Schema, kind: 'duration' | 'size', value: number): string {
  const usual = defaultText(schema);
  const same = usual !== undefined && z.safeParse(unwrap(schema), usual).data === value;
  return same ? String(usual) : formatUnit(kind, value);
}

function showFree(value: unknown, key: string, reveal: boolean): unknown {
  if (reveal) return value;
  if (namesSecret(key)) return value === '' || value === null || typeof value === 'boolean' ? value : HIDDEN;
  if (typeof value === 'string') return hideUserInfo(value);
  if (Array.isArray(value)) return value.map((item) => showFree(item, key, reveal));
  if (isMap(value))
    return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, showFree(item, name, reveal)]));
  return value;
}

function showText(kind: string | undefined, value: string, reveal: boolean): string {
  if (kind === 'secret') return reveal || value === '' ? value : HIDDEN;
  if (kind === 'secret_url') return reveal ? value : hideUserInfo(value);
  return escapeReferences(reveal ? value : hideUserInfo(value));
}

function show(schema: Schema, value: unknown, key: string, reveal: boolean): unknown {
  const kind = factsOf(schema)?.kind;
  if ((kind === 'duration' || kind === 'size') && typeof value === 'number') return unitText(schema, kind, value);
  if (kind === 'free') return showFree(value, key, reveal);
  if (typeof value === 'string') return showText(kind, value, reveal);
  if (Array.isArray(value)) {
    const item = childOf(schema, 0);
    return value.map((one) => (item ? show(item.schema, one, key, reveal) : one));
  }
  if (!isMap(value)) return value;
  const declared = keysOf(schema);
  const names = [...declared, ...Object.keys(value).filter((name) => !declared.includes(name))];
  const out: Record<string, unknown> = {};
  for (const name of names) {
    const child = childOf(schema, name);
    const item = Object.hasOwn(value, name) ? value[name] : undefined;
    if (child && item !== undefined) out[name] = show(child.schema, item, name, reveal);
  }
  return out;
}

/** The configuration as plain data: what a file would hold that says everything. */
export function configShow(config: Config, options: ShowOptions = {}): Record<string, unknown> {
  const shown = show(ConfigSchema, config, '', options.reveal ?? false);
  return isMap(shown) ? { ...shown } : {};
}

/** The same as YAML text. The YAML writer is loaded only here. */
export async function configShowYaml(config: Config, options: ShowOptions = {}): Promise<string> {
  const { stringify } = await import('yaml');
  return stringify(configShow(config, options), { lineWidth: 0, aliasDuplicateObjects: false });
}

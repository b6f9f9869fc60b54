// SPDX-License-Identifier: Apache-2.0
// A `sigil.yaml` that explains itself: every key with its meaning and default as comments, made from the schema so that it is true.

import { stringify } from 'yaml';
import { z } from 'zod';
import { ConfigSchema, defaultConfig } from './schema.ts';
import { configShow } from './show.ts';
import { childOf, isMap, keysOf, type Path, type Schema, unwrap, valueAt } from './walk.ts';

/** What is to stand in the file for real, by top-level key; everything else is a comment. */
export type Chosen = Readonly<Record<string, unknown>>;

const WIDTH = 100;

/** The words of the schema for a place, through its wrappers. */
export function described(schema: Schema): string {
  for (let inner = schema; ; inner = (inner._zod.def as unknown as { innerType: Schema }).innerType) {
    const text = z.globalRegistry.get(inner as z.ZodType)?.description;
    if (text !== undefined) return text;
    if (inner instanceof z.ZodDefault || inner instanceof z.ZodPrefault || inner instanceof z.ZodOptional) continue;
    return '';
  }
}

/** Examples of maps and lists that are empty by default: nobody guesses how an entry looks. */
const EXAMPLES: Readonly<Record<string, string>> = {
  providers: 'anthropic: { api_key: "${ANTHROPIC_API_KEY}" }\nlocal: { type: ollama }',
  channels: 'telegram: { token: "keyring://telegram/token", pairing: pair_on_request }',
  workspaces: 'homelab: { description: The machines at home., members: [anna] }',
  users: '- { id: anna, name: Anna, role: admin }',
  mcp: 'files: { command: npx, args: ["-y", "@modelcontextprotocol/server-filesystem", "/srv"] }',
};

function value(of: unknown): string {
  return stringify(of, { lineWidth: 0, collectionStyle: 'flow' }).trim();
}

/** Words as comment lines of a file. */
function comment(words: string, indent: string): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of words.split(' ')) {
    if (line !== '' && indent.length + line.length + word.length + 3 > WIDTH) {
      lines.push(line);
      line = '';
    }
    line = line === '' ? word : `${line} ${word}`;
  }
  return [...lines, line].filter((one) => one !== '').map((one) => `${indent}# ${one}`);
}

/** Every key below a place with its default, as lines that would be YAML without their `# `. */
function below(schema: Schema, path: Path, defaults: unknown, chosen: Chosen): string[] {
  return keysOf(schema).flatMap((key): string[] => {
    const child = childOf(schema, key);
    if (child === undefined) return [];
    const at = [...path, key];
    const indent = '  '.repeat(path.length);
    const inner = unwrap(child.schema);
    const words = described(child.schema).replace(/\.$/, '');
    if (inner instanceof z.ZodObject) {
      const lines = below(child.schema, at, defaults, chosen);
      return lines.length === 0 ? [] : [`#${indent} ${key}:`, ...lines];
    }
    // It stands there for real already.
    if (valueAt(chosen, at) !== undefined) return [];
    const usual = valueAt(defaults, at);
    const shown = usual === undefined ? '' : ` ${value(usual)}`;
    return [`#${indent} ${key}:${shown}${words === '' ? '' : `   # ${words}`}`];
  });
}

/** One top-level key: what it is about, then what was chosen, or its defaults as a comment. */
function section(key: string, chosen: Chosen, defaults: unknown): string[] {
  const child = childOf(ConfigSchema, key);
  if (child === undefined) return [];
  const head = comment(described(child.schema), '');
  const example = EXAMPLES[key];
  const inner = unwrap(child.schema);
  const rest =
    inner instanceof z.ZodObject
      ? [`# ${key}:`, ...below(child.schema, [key], defaults, chosen)]
      : [`# ${key}:`, ...(example ?? '').split('\n').map((line) => `#   ${line}`)];
  const own = chosen[key];
  if (own === undefined) return [...head, ...rest, ''];
  const written = stringify({ [key]: own }, { lineWidth: 0 })
    .trimEnd()
    .split('\n');
  // What else there is stays readable, without a second line that would look like the same key.
  const others =
    isMap(own) && inner instanceof z.ZodObject ? rest.slice(1) : rest.slice(1).filter(() => example !== undefined);
  return [...head, ...written, ...others, ''];
}

/**
 * The text of a whole file.
 *
 * @param chosen values that stand in it for real
 */
export function commentedConfig(chosen: Chosen): string {
  const defaults = configShow(defaultConfig());
  const head = [
    '# Configuration of Sigil. Everything has a default, so every line here may go.',
    '# What is behind a # is the default, or an example; take the # away to change it.',
    '# Check it with `sigil config validate`; change single values with `sigil config set KEY VALUE`.',
    ...comment(`${described(ConfigSchema).replace(/^[^.]*\. /, '')}`, ''),
    '# Secrets: ${NAME} is an environment variable, file:///path a file, keyring://service/account what',
    '# `sigil secret set service/account` keeps.',
    '',
  ];
  return `${[...head, ...keysOf(ConfigSchema).flatMap((key) => section(key, chosen, defaults))].join('\n').trimEnd()}\n`;
}

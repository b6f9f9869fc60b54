// SPDX-License-Identifier: Apache-2.0
// The front matter of a `SKILL.md`: found, read as YAML, and held against the public specification field by field.

import { parseDocument } from 'yaml';
import { z } from 'zod';
import { nameProblem, SKILL_MOST, SPEC } from './skill.ts';

/** The fields of a skill. What was wrong and could be passed over stands in `warnings`. */
export interface FrontMatter {
  /** As it is written; undefined without one. */
  readonly name: string | undefined;
  readonly description: string;
  readonly license: string | undefined;
  readonly compatibility: string | undefined;
  readonly metadata: Readonly<Record<string, string>>;
  readonly allowedTools: readonly string[];
  readonly warnings: readonly string[];
}

export type FrontMatterResult =
  | { readonly ok: true; readonly front: FrontMatter; readonly body: string }
  | { readonly ok: false; readonly message: string };

const FENCE = /^---[ \t]*$/;

/** The two halves of a file; undefined when it does not begin with front matter, or that has no end. */
function halves(text: string): { readonly yaml: string; readonly body: string } | undefined {
  const lines = text.replace(/^\uFEFF/, '').split(/\r\n|\n|\r/);
  const first = lines.findIndex((line) => line.trim() !== '');
  if (first < 0 || !FENCE.test(lines[first] ?? '')) return undefined;
  const end = lines.findIndex((line, at) => at > first && FENCE.test(line));
  if (end < 0) return undefined;
  return { yaml: lines.slice(first + 1, end).join('\n'), body: lines.slice(end + 1).join('\n') };
}

type Read = { readonly ok: true; readonly value: unknown } | { readonly ok: false; readonly message: string };

/** The specification's values are all text: `1.0` and `true` stay what was written. Aliases are not needed, and could grow. */
function readYaml(text: string): Read {
  try {
    const document = parseDocument(text, { schema: 'failsafe', logLevel: 'silent', prettyErrors: true });
    const [error] = document.errors;
    if (error !== undefined) return { ok: false, message: error.message.split('\n')[0]?.replace(/:$/, '') ?? '' };
    return { ok: true, value: document.toJS({ mapAsMap: true, maxAliasCount: 0 }) as unknown };
  } catch (thrown) {
    return { ok: false, message: thrown instanceof Error ? thrown.message : String(thrown) };
  }
}

const BARE = /^([A-Za-z][A-Za-z-]*):[ \t]+(?![ \t"'|>[{&*!#])(.*:(?:[ \t].*)?)$/;

/** Values such as `Use when: …` in the quotes that their writers left out, as every client has to read them. */
function withQuotes(text: string): string {
  return text
    .split('\n')
    .map((line) => {
      const [, key, value] = BARE.exec(line) ?? [];
      return key === undefined || value === undefined ? line : `${key}: ${JSON.stringify(value.trim())}`;
    })
    .join('\n');
}

const text = z.string().transform((value) => value.trim());
const Description = text.pipe(z.string().min(1));
const Metadata = z.map(z.string(), z.unknown());
const KNOWN: ReadonlySet<string> = new Set([
  'name',
  'description',
  'license',
  'compatibility',
  'metadata',
  'allowed-tools',
]);

/** Names with what follows them in parentheses, which may hold spaces: `Bash(git add:*) Read`. */
const TOOL = /[^\s,(]+(?:\([^)]*\))?/g;

/** Reads the front matter of a file, and gives the rest. */
export function readFrontMatter(file: string): FrontMatterResult {
  const parts = halves(file);
  if (parts === undefined) return { ok: false, message: 'it does not begin with front matter between two lines ---' };
  if (parts.yaml.length > SKILL_MOST.frontMatter)
    return { ok: false, message: `its front matter is longer than ${SKILL_MOST.frontMatter} characters` };
  const warnings: string[] = [];
  let read = readYaml(parts.yaml);
  if (!read.ok) {
    const again = readYaml(withQuotes(parts.yaml));
    if (!again.ok) return { ok: false, message: `its front matter cannot be read as YAML: ${read.message}` };
    warnings.push('a value with a colon in it stands without quotes');
    read = again;
  }
  const fields = Metadata.safeParse(read.value);
  if (!fields.success) return { ok: false, message: 'its front matter is no list of names and values' };
  const description = Description.safeParse(fields.data.get('description'));
  if (!description.success) return { ok: false, message: 'it has no description' };
  return { ok: true, front: checked(fields.data, description.data, warnings), body: parts.body.trim() };
}

function checked(fields: ReadonlyMap<string, unknown>, description: string, warnings: string[]): FrontMatter {
  const warn = (message: string): void => void warnings.push(message);
  const field = (key: string): string | undefined => {
    const value = fields.get(key);
    if (value === undefined) return undefined;
    const parsed = text.safeParse(value);
    if (!parsed.success) warn(`${key} is no text, and is left out`);
    return parsed.success && parsed.data !== '' ? parsed.data : undefined;
  };
  const name = field('name');
  const wrong = name === undefined ? 'there is no name' : nameProblem(name);
  if (wrong !== undefined) warn(wrong);
  if ([...description].length > SPEC.description) warn(`the description is longer than ${SPEC.description} characters`);
  const compatibility = field('compatibility');
  if (compatibility !== undefined && [...compatibility].length > SPEC.compatibility)
    warn(`compatibility is longer than ${SPEC.compatibility} characters`);
  for (const key of fields.keys())
    if (!KNOWN.has(key)) warn(`${JSON.stringify(String(key).slice(0, 64))} is no field of the specification`);
  return {
    ...{ name, description, license: field('license'), compatibility },
    metadata: metadataOf(fields.get('metadata'), warn),
    allowedTools: toolsOf(fields.get('allowed-tools'), warn),
    warnings,
  };
}

function metadataOf(value: unknown, warn: (message: string) => void): Readonly<Record<string, string>> {
  if (value === undefined || value === '') return {};
  const parsed = Metadata.safeParse(value);
  if (!parsed.success) {
    warn('metadata is no list of names and values, and is left out');
    return {};
  }
  const entries: [string, string][] = [];
  for (const [key, item] of parsed.data) {
    if (typeof item === 'string') entries.push([key, item]);
    else warn(`metadata ${JSON.stringify(key.slice(0, 64))} is no text, and is left out`);
  }
  return Object.fromEntries(entries);
}

function toolsOf(value: unknown, warn: (message: string) => void): readonly string[] {
  if (value === undefined) return [];
  if (typeof value === 'string') {
    if (/^[^(]*,/.test(value)) warn('allowed-tools are separated by commas instead of spaces');
    return value.match(TOOL) ?? [];
  }
  const list = z.array(z.string()).safeParse(value);
  warn(list.success ? 'allowed-tools is a list instead of text' : 'allowed-tools is no text, and is left out');
  return list.success ? list.data.map((tool) => tool.trim()).filter((tool) => tool !== '') : [];
}

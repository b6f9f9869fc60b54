// SPDX-License-Identifier: Apache-2.0
// Loading the configuration: file, environment and flags into one frozen value, or every problem at once.

import { existsSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import type { BadEntry } from './bad-entry.ts';
import { contradictions } from './contradictions.ts';
import { crossChecks } from './crosschecks.ts';
import { badEntries, type KnownTypes, PLANNED_CHANNEL_TYPES, PLANNED_PROVIDER_TYPES } from './entries.ts';
import { decodeText, readEnv } from './env.ts';
import { type ConfigFile, findConfigFile, type Surroundings } from './paths.ts';
import {
  type Locate,
  type Place,
  type Problem,
  placeText,
  problem,
  problemsOf,
  type Quarantined,
  type Warning,
} from './problems.ts';
import type { ReferenceSource } from './references.ts';
import { type Config, ConfigSchema, deepFreeze } from './schema.ts';
import { type LookUp, missingSecrets } from './secret-keys.ts';
import { settle } from './settle.ts';
import { type Draft, isMap, keysOf, type Path, pathText, removeAt, schemaAt, setAt, valueAt } from './walk.ts';
import { type ParsedFile, parseFile } from './yaml-file.ts';

/** The part of the machine that loading looks at. */
export type Machine = Surroundings & ReferenceSource;

/** What to load, and for which version of Sigil. */
export interface LoadOptions {
  /** The provider and channel types that exist. */
  readonly known: KnownTypes;
  /** `--config`. */
  readonly configPath?: string | undefined;
  /** Values from the command line, nested like the configuration; text is read as the key's type. */
  readonly flags?: Readonly<Record<string, unknown>>;
  /** Dotted key -> flag, for problem reports: `{'gateway.threads': '--threads'}`. */
  readonly flagNames?: Readonly<Record<string, string>>;
  /**
   * Asked for each `keyring://` reference; an entry whose secret is not kept is set aside. Without it only how references
   * are written is checked, so that commands which use no secret open no keyring.
   */
  readonly lookUp?: LookUp;
  /** Injected in tests; this machine otherwise. */
  readonly machine?: Machine;
}

/** Where the values came from. */
export interface ConfigSource {
  readonly file: string | undefined;
  /** Environment variables that set a key. */
  readonly env: readonly string[];
  /** Flags that set a key. */
  readonly flags: readonly string[];
}

/** A configuration that can run. */
export interface LoadedConfig {
  readonly ok: true;
  /** What runs: bad entries are left out, a model that cannot be used is empty. */
  readonly config: Config;
  /** What was written, bad entries included: what `config show` shows. */
  readonly declared: Config;
  readonly warnings: readonly Warning[];
  readonly quarantined: readonly Quarantined[];
  readonly source: ConfigSource;
}

/** A configuration that cannot. */
export interface RefusedConfig {
  readonly ok: false;
  readonly problems: readonly Problem[];
  readonly warnings: readonly Warning[];
  readonly source: ConfigSource;
}

/** What loading comes to. */
export type LoadResult = LoadedConfig | RefusedConfig;

/** This machine, as loading sees it. */
export function thisMachine(): Machine {
  return {
    env: process.env,
    cwd: process.cwd(),
    home: homedir(),
    exists: existsSync,
    readText: (path) => readFileSync(path, 'utf8'),
  };
}

async function readFile(found: ConfigFile | undefined, machine: Machine): Promise<ParsedFile> {
  const nothing: ParsedFile = { data: {}, problems: [], warnings: [], locate: () => ({ origin: 'file' }) };
  if (!found) return nothing;
  let text: string;
  try {
    text = machine.readText(found.path);
  } catch (error) {
    const why = error instanceof Error && 'code' in error ? String(error.code) : String(error);
    const what = why === 'ENOENT' ? `no file ${found.path}` : `the file ${found.path}, which cannot be read (${why})`;
    const place: Place =
      found.by === 'flag'
        ? { origin: 'flag', name: '--config' }
        : found.by === 'env'
          ? { origin: 'env', name: 'SIGIL_CONFIG' }
          : { origin: 'file', file: found.path };
    return { ...nothing, problems: [problem(place, [], what, 'a file this user may read')] };
  }
  return await parseFile(found.path, text.replace(/^\uFEFF/, ''));
}

function* leaves(value: Readonly<Record<string, unknown>>, path: Path = []): Generator<readonly [Path, unknown]> {
  for (const [key, item] of Object.entries(value)) {
    if (isMap(item)) yield* leaves(item, [...path, key]);
    else if (item !== undefined) yield [[...path, key], item];
  }
}

/** Finds where a path was written: the variable or flag that set it or a part of it, else the file. */
function locator(file: ParsedFile, origins: ReadonlyMap<string, { path: Path; place: Place }>): Locate {
  return (path, key) => {
    for (let length = path.length; length > 0; length--) {
      const origin = origins.get(pathText(path.slice(0, length)));
      if (origin) return origin.place;
    }
    if (valueAt(file.data, path) === undefined) {
      for (const origin of origins.values())
        if (path.every((part, index) => origin.path[index] === part)) return origin.place;
    }
    return file.locate(path, key);
  };
}

/** Positions of a list by number, all else as it comes. */
function inOrder(one: Path, other: Path): number {
  const at = one.findIndex((key, index) => key !== other[index]);
  const [a, b] = [one[at], other[at]];
  return typeof a === 'number' && typeof b === 'number' ? a - b : pathText(one) < pathText(other) ? -1 : 1;
}

/** The configuration without what cannot run: list items and map entries go, a single value becomes empty. */
function withoutBad(declared: Config, bad: readonly BadEntry[]): Config {
  const draft = structuredClone(declared) as unknown as Draft;
  // From the back, so that positions in a list stay true while items go.
  const paths = new Map(bad.map(({ path }) => [pathText(path), path]));
  for (const path of [...paths.values()].toSorted(inOrder).toReversed()) {
    const parent = schemaAt(ConfigSchema, path.slice(0, -1));
    const fixed = parent && keysOf(parent).includes(String(path.at(-1)));
    if (!fixed) removeAt(draft, path);
    else if (valueAt(draft, path.slice(0, -1)) !== undefined) setAt(draft, path, '');
  }
  return deepFreeze(draft) as unknown as Config;
}

/** Text for a platform's own key as the type that its platform wants; undefined for every other key. */
export async function platformValue(data: unknown, path: Path, value: unknown, known: KnownTypes): Promise<unknown> {
  if (path[0] !== 'channels' || path.length < 3 || typeof value !== 'string') return undefined;
  const type = valueAt(data, [...path.slice(0, 2), 'type']) ?? path[1];
  const schema = await known.channelSettings?.(String(type));
  const at = schema && schemaAt(schema, path.slice(2));
  return at && decodeText(at, value);
}

function unique(bad: readonly BadEntry[]): BadEntry[] {
  const seen = new Set<string>();
  return bad.filter(({ path, message }) => !seen.has(pathText(path) + message) && seen.add(pathText(path) + message));
}

/**
 * Loads the configuration: flags over environment over file over defaults.
 * Problems are collected, never thrown; the caller decides what becomes of them.
 */
export async function loadConfig(options: LoadOptions): Promise<LoadResult> {
  const machine = options.machine ?? thisMachine();
  const found = findConfigFile(machine, options.configPath);
  const file = await readFile(found, machine);
  const draft: Draft = structuredClone(file.data) as Draft;
  const origins = new Map<string, { path: Path; place: Place }>();
  const warnings: Warning[] = [...file.warnings];

  const likely = {
    providers: [...options.known.providerTypes, ...PLANNED_PROVIDER_TYPES],
    channels: [...options.known.channelTypes, ...PLANNED_CHANNEL_TYPES],
  };
  const fromEnv = readEnv(ConfigSchema, machine.env, file.data, likely);
  for (const { name, path, value } of fromEnv.values) {
    setAt(draft, path, (await platformValue(draft, path, value, options.known)) ?? value);
    origins.set(pathText(path), { path, place: { origin: 'env', name } });
  }
  for (const { name, suggestion } of fromEnv.unknown) {
    const hint = suggestion === undefined ? '' : `; did you mean ${suggestion}?`;
    warnings.push({
      origin: 'env',
      name,
      path: '',
      message: `${name} names no configuration key and is ignored${hint}`,
    });
  }

  const flagsUsed: string[] = [];
  for (const [path, value] of leaves(options.flags ?? {})) {
    const name = options.flagNames?.[path.join('.')] ?? `--${String(path.at(-1)).replaceAll('_', '-')}`;
    const schema = schemaAt(ConfigSchema, path);
    setAt(draft, path, schema && typeof value === 'string' ? decodeText(schema, value) : value);
    origins.set(pathText(path), { path, place: { origin: 'flag', name } });
    flagsUsed.push(name);
  }

  const locate = locator(file, origins);
  const source: ConfigSource = { file: found?.path, env: fromEnv.values.map(({ name }) => name), flags: flagsUsed };
  const settled = settle(ConfigSchema, draft, locate, machine);
  const parsed = ConfigSchema.safeParse(settled.data, { jitless: true });
  const reported = new Set(settled.problems.map(({ path }) => path));
  const invalid = parsed.success
    ? []
    : problemsOf(parsed.error.issues, ConfigSchema, settled.data, locate, settled.filled);
  const problems = [
    ...file.problems,
    ...settled.problems,
    ...invalid.filter(({ path }) => !reported.has(path)),
    ...crossChecks(settled.data, locate),
  ].toSorted((a, b) => (a.line ?? Number.MAX_SAFE_INTEGER) - (b.line ?? Number.MAX_SAFE_INTEGER));
  if (!parsed.success || problems.length > 0) return { ok: false, problems, warnings, source };

  const declared = deepFreeze(parsed.data);
  const missing = options.lookUp === undefined ? [] : await missingSecrets(declared, options.lookUp);
  const bad = unique(await badEntries(declared, options.known, [...settled.broken, ...missing]));
  const quarantined = bad.map((entry): Quarantined => {
    const place = locate(entry.at ?? entry.path, true);
    const path = pathText(entry.path);
    return {
      ...place,
      path,
      code: entry.code,
      message: `${placeText(place)}: ${path}: ${entry.message}`,
      advice: entry.advice,
    };
  });
  warnings.push(...contradictions(settled.data, declared, locate));
  const config = bad.length === 0 ? declared : withoutBad(declared, bad);
  return { ok: true, config, declared, warnings, quarantined, source };
}

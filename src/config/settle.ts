// SPDX-License-Identifier: Apache-2.0
// Between reading and validating: empty values fall away, references are checked, `${NAME}` in plain values filled in.

import type { BadEntry } from './bad-entry.ts';
import { decodeText } from './env.ts';
import { type Locate, type Problem, problem } from './problems.ts';
import {
  BrokenReference,
  checkKeyringReference,
  isReference,
  type ReferenceSource,
  resolveReferences,
} from './references.ts';
import { isKeyringReference } from './secret-name.ts';
import { allowedText, childOf, factsOf, isMap, type Path, pathText, type Schema } from './walk.ts';

/** Data ready for the schema, and the references that lead nowhere. */
export interface Settled {
  readonly data: Readonly<Record<string, unknown>>;
  readonly problems: readonly Problem[];
  readonly broken: readonly BadEntry[];
  /** Paths whose plain value came from a reference: what stands there now is not to be shown. */
  readonly filled: ReadonlySet<string>;
}

/** How `config show` writes a secret; read back it is a mistake, not a password. */
export const HIDDEN = '***';

const MOST_DEPTH = 48;

/** The entry that can be set aside without harming others, if the path lies in one. */
function entryOf(path: Path): Path | undefined {
  const [first, second] = path;
  if (path.length > 2 && (first === 'providers' || first === 'channels' || first === 'mcp')) return path.slice(0, 2);
  if (path.length > 3 && first === 'plugins' && second === 'config') return path.slice(0, 3);
  return undefined;
}

/** What to leave out when a secret lies outside any entry: its list item, or the value alone. */
function leafOf(path: Path): Path {
  const index = path.findLastIndex((key) => typeof key === 'number');
  return index < 0 ? path : path.slice(0, index + 1);
}

/** A secret that leads nowhere, as what is set aside for it. */
export function brokenSecret(path: Path, why: string, advice: string): BadEntry {
  const entry = entryOf(path) ?? leafOf(path);
  const message = `${path.slice(entry.length).join('.') || path.join('.')}: ${why}.`;
  return { path: entry, code: 'broken_reference', message, advice };
}

/**
 * Settles merged data before the schema sees it. Secrets and free-form values stay as written and are only checked;
 * in every other value references are replaced by what they stand for, because its type can be checked only then.
 */
export function settle(
  root: Schema,
  merged: Readonly<Record<string, unknown>>,
  locate: Locate,
  source: ReferenceSource,
): Settled {
  const problems: Problem[] = [];
  const broken: BadEntry[] = [];

  const filled = new Set<string>();

  const report = (path: Path, error: BrokenReference, late: boolean): void => {
    if (!late && entryOf(path) === undefined)
      problems.push(problem(locate(path), path, `a reference, but ${error.message}`, error.allowed));
    else broken.push(brokenSecret(path, error.message, `Allowed: ${error.allowed}.`));
  };

  const settleText = (schema: Schema, text: string, path: Path): unknown => {
    const kind = factsOf(schema)?.kind;
    const late = kind === 'secret' || kind === 'secret_url' || kind === 'free';
    if (kind === 'secret' && text === HIDDEN) {
      problems.push(
        problem(
          locate(path),
          path,
          `${HIDDEN}, which \`config show\` prints in place of a secret`,
          allowedText(schema),
        ),
      );
    }
    try {
      if (late && isKeyringReference(text)) {
        checkKeyringReference(text);
        return text;
      }
      const resolved = resolveReferences(text, source);
      if (late || resolved === text) return text;
      if (!isReference(text)) return resolved;
      filled.add(pathText(path));
      return decodeText(schema, resolved);
    } catch (error) {
      if (!(error instanceof BrokenReference)) throw error;
      report(path, error, late);
      return late ? text : undefined;
    }
  };

  const walk = (schema: Schema, value: unknown, path: Path): unknown => {
    if (path.length > MOST_DEPTH) {
      problems.push(
        problem(locate(path), path.slice(0, 4), 'maps within maps without end', `at most ${MOST_DEPTH} levels`),
      );
      return undefined;
    }
    if (typeof value === 'string') return settleText(schema, value, path);
    const below = (item: unknown, key: string | number): unknown => {
      const child = childOf(schema, key);
      return child ? walk(child.schema, item, [...path, key]) : item;
    };
    if (Array.isArray(value)) return value.map((item, index) => below(item, index));
    if (!isMap(value)) return value;
    const out: Record<string, unknown> = {};
    for (const [key, item] of Object.entries(value)) {
      // `key:` with nothing behind it means the default, except in free-form data where null may mean something.
      if (item === null && factsOf(schema)?.kind !== 'free') continue;
      const settled = below(item, key);
      if (settled !== undefined) out[key] = settled;
    }
    return out;
  };

  const data = walk(root, merged, []);
  return { data: isMap(data) ? data : {}, problems, broken, filled };
}

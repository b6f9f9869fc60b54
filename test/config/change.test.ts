// SPDX-License-Identifier: Apache-2.0
// What differs between two configurations, and that every key says what becomes of a change of it.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { changedPaths, dotted, EFFECTS, effectOf, inForce } from '../../src/config/change.ts';
import { type Config, ConfigSchema, defaultConfig } from '../../src/config/schema.ts';
import { keysOf, type Path, type Schema, unwrap, valueAt } from '../../src/config/walk.ts';
import { usualRuns } from '../drawn.ts';

/** The leaves of the schema; a map or list of entries is one. */
function* leaves(schema: Schema, path: Path = []): Generator<Path> {
  const inner = unwrap(schema);
  if (!(inner instanceof z.ZodObject)) return yield path;
  for (const key of keysOf(inner)) yield* leaves(inner.shape[key] as Schema, [...path, key]);
}

describe('the table of what is applied live', () => {
  it('has every leaf of the schema, and nothing else', () => {
    expect(Object.keys(EFFECTS).toSorted()).toEqual([...leaves(ConfigSchema)].map(dotted).toSorted());
  });

  it('says of a part of an entry what it says of the entry', () => {
    expect(effectOf(['workspaces', 'homelab', 'budgets', 'per_hour_usd'])).toBe('live');
    expect(effectOf(['storage', 'vector', 'dimensions'])).toBe('restart');
    expect(effectOf(['sky'])).toBeUndefined();
  });
});

const dollars = fc.constantFrom(0, 1, 5, 20);
const written = fc.record({
  networking: fc.record({
    listen: fc.constantFrom('127.0.0.1:18789', '127.0.0.1:9999'),
    allowed_hosts: fc.subarray(['a.example', 'b.example']),
  }),
  storage: fc.record({ session: fc.record({ backend: fc.constantFrom('sqlite', undefined) }) }),
  gateway: fc.record({ threads: fc.constantFrom('auto', 1, 2), drain_timeout: fc.constantFrom('1s', '30s') }),
  models: fc.record({ budgets: fc.record({ per_hour_usd: dollars, per_day_usd: dollars }) }),
  workspaces: fc.dictionary(
    fc.constantFrom('lab', 'den', 'attic'),
    fc.record({ members: fc.subarray(['ada', 'bob']), budgets: fc.record({ per_hour_usd: dollars }) }),
  ),
  users: fc.uniqueArray(
    fc.constantFrom('ada', 'bob', 'eve').map((id) => ({ id })),
    { selector: ({ id }) => id },
  ),
});
const configs = written.map((value) => ConfigSchema.parse(value) as Config);

/** All leaves of a value; what is not set is no leaf. */
function* all(value: unknown, path: Path = []): Generator<readonly [Path, unknown]> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    if (value !== undefined) yield [path, value];
    return;
  }
  for (const [key, item] of Object.entries(value)) yield* all(item, [...path, key]);
}

const covers = (path: Path, below: Path): boolean => path.every((key, at) => key === below[at]);

describe('the difference of two configurations', () => {
  it('is empty exactly when they are equal, and the same both ways', () => {
    fc.assert(
      fc.property(configs, configs, (one, other) => {
        const paths = changedPaths(one, other).map(dotted);
        expect(changedPaths(one, structuredClone(one))).toEqual([]);
        expect(changedPaths(other, one).map(dotted).toSorted()).toEqual(paths.toSorted());
        expect(paths.length === 0).toBe(
          JSON.stringify([...all(one)].sort()) === JSON.stringify([...all(other)].sort()),
        );
      }),
      { numRuns: usualRuns(40) },
    );
  });

  it('names what differs and nothing else: everything beside it is equal', () => {
    fc.assert(
      fc.property(configs, configs, (one, other) => {
        const paths = changedPaths(one, other);
        for (const path of paths) expect(valueAt(one, path)).not.toEqual(valueAt(other, path));
        for (const [leaf, value] of all(one))
          if (!paths.some((path) => covers(path, leaf))) expect(valueAt(other, leaf)).toEqual(value);
      }),
      { numRuns: usualRuns(40) },
    );
  });

  it('tells an entry that came or went as one, and the leaves of one that stayed', () => {
    const config = (workspaces: object): Config => ConfigSchema.parse({ workspaces }) as Config;
    const before = config({ lab: { model: 'sigil/offline' }, den: {} });
    const after = config({ lab: { members: ['ada'] }, attic: {} });
    expect(changedPaths(before, after).map(dotted).toSorted()).toEqual([
      'workspaces.attic',
      'workspaces.den',
      'workspaces.lab.members',
      'workspaces.lab.model',
    ]);
  });
});

describe('what is in force of a wanted configuration', () => {
  it('is wanted wherever a key is applied live, and runs wherever it waits for a restart', () => {
    fc.assert(
      fc.property(configs, configs, (running, wanted) => {
        const now = inForce(running, wanted);
        for (const path of [...leaves(ConfigSchema)]) {
          const from = effectOf(path) === 'live' ? wanted : running;
          expect(valueAt(now, path)).toEqual(valueAt(from, path));
        }
        expect(changedPaths(inForce(running, now), now)).toEqual([]);
      }),
      { numRuns: usualRuns(40) },
    );
  });

  it('is the wanted one itself where nothing waits', () => {
    const wanted = ConfigSchema.parse({ logging: { level: 'debug' } }) as Config;
    expect(inForce(defaultConfig(), wanted)).toBe(wanted);
  });
});

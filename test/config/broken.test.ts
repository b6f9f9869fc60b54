// SPDX-License-Identifier: Apache-2.0
// Broken configurations, made by mutation of a good one: each is refused with file, line, key and what is allowed, and none crashes.

import { describe, expect, it } from 'vitest';
import { knownTypes } from '../../src/composition/known-types.ts';
import { loadConfig } from '../../src/config/load.ts';
import { bytesOf, CASES, ENV } from './broken/cases.ts';
import { BAD_ENTRIES } from './broken/entries.ts';
import { loaded, machine, refused } from './machine.ts';

const FILE = '/home/ada/sigil.yaml';

/** The text as it would be read from the disk. */
const textOf = (broken: Parameters<typeof bytesOf>[0]): string => bytesOf(broken).toString('utf8');

const load = (text: string, env: Record<string, string> = ENV) =>
  loadConfig({ known: knownTypes, machine: machine({ [FILE]: text }, env) });

describe('a broken configuration', () => {
  it('is one that was good before', async () => {
    const { quarantined, warnings } = loaded(await load(textOf({ from: 1, out: 0, put: [] })));
    expect([...quarantined, ...warnings].map(({ message }) => message)).toEqual([]);
    expect(CASES.length).toBeGreaterThanOrEqual(200);
    expect(new Set(CASES.map(({ name }) => name.split(':')[0])).size).toBeGreaterThan(20);
  });

  it.each(CASES.map((one) => [one.name, one] as const))(
    'is refused with its place and what is allowed: %s',
    async (_, broken) => {
      const { problems } = refused(await load(textOf(broken)));
      for (const { message, allowed, found } of problems) {
        expect(message).toMatch(/^\/home\/ada\/sigil\.yaml:\d+:\d+: /);
        expect(message).toContain(`found ${found}; allowed: ${allowed}`);
        expect(message.length).toBeLessThan(2_000);
      }
      const told = problems.map(({ line, path, allowed }) => ({ line, path, allowed }));
      const path = broken.key === '?' ? expect.any(String) : broken.key;
      expect(told).toContainEqual({ line: broken.line, path, allowed: expect.stringContaining(broken.allowed) });
    },
  );
});

describe('one bad entry', () => {
  it.each(BAD_ENTRIES.map((one) => [one.name, one] as const))(
    'is set aside, and the rest runs: %s',
    async (_, { yaml, what, at, says, env }) => {
      const { quarantined, config, declared } = loaded(await load(`logging: { level: warn }\n${yaml}`, env ?? {}));
      expect(config.logging.level).toBe('warn');
      const found = quarantined.find(({ path }) => path === what);
      expect(found, JSON.stringify(quarantined)).toMatchObject({ line: at + 1, message: expect.stringMatching(says) });
      expect(found?.advice).toMatch(/^[A-Z].*\.$/);
      // It is told as it was written, and does not run.
      expect(declared).not.toEqual(config);
    },
  );
});

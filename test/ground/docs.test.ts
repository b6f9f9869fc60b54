// SPDX-License-Identifier: Apache-2.0
// The documentation: generated pages are those the code makes, links lead somewhere, commands and files it names exist.

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Command } from 'commander';
import { describe, expect, test } from 'vitest';
import { createProgram } from '../../src/cli/tree.ts';
import { pages, written } from '../../tools/docs.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const files = [
  'README.md',
  'CONTRIBUTING.md',
  'CHANGELOG.md',
  ...readdirSync(join(root, 'docs'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`),
];
const generated = await pages();
const textOf = (file: string): string => readFileSync(join(root, file), 'utf8');

/** What a heading is linked by. */
const anchorOf = (heading: string): string =>
  heading
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
    .replaceAll(' ', '-');

function anchorsOf(file: string): ReadonlySet<string> {
  return new Set([...textOf(file).matchAll(/^#{1,6} (.+)$/gm)].map((match) => anchorOf(match[1] ?? '')));
}

/** Every word sequence that is a command: `sigil session list` is, and so is `sigil session`. */
function commandsOf(command: Command, path = 'sigil'): readonly string[] {
  return [path, ...command.commands.flatMap((child) => commandsOf(child, `${path} ${child.name()}`))];
}

describe('generated pages', () => {
  test.each(generated)('$path is what the code makes of it: `npm run docs` writes it', ({ path, text }) => {
    expect(written(path)).toBe(text);
  });
});

describe.each(files)('%s', (file) => {
  const text = textOf(file);

  test('links to what is there', () => {
    for (const [, link] of text.matchAll(/\]\(([^)\s]+)\)/g)) {
      if (link === undefined || /^https?:/.test(link)) continue;
      const [path = '', anchor] = link.split('#');
      const target = path === '' ? file : join(dirname(file), path);
      expect(existsSync(join(root, target)), `${link} in ${file}`).toBe(true);
      if (anchor !== undefined) expect(anchorsOf(target), `${link} in ${file}`).toContain(anchor);
    }
  });

  test('names commands that exist', () => {
    const known = new Set(commandsOf(createProgram()));
    const nouns = new Set([...known].filter((path) => [...known].some((other) => other.startsWith(`${path} `))));
    // What a generated page says is said by the code it is made from.
    if (generated.some(({ path }) => path === file)) return;
    for (const [, words = ''] of text.matchAll(/`(?:bin\/)?(sigil(?: [a-z]+)+)/g)) {
      const [program = '', first = '', second = ''] = words.split(' ');
      const command = `${program} ${first}`;
      expect(known, `\`${words}\` in ${file}`).toContain(command);
      if (nouns.has(command) && second !== '')
        expect(known, `\`${words}\` in ${file}`).toContain(`${command} ${second}`);
    }
  });

  test('names npm scripts that exist', () => {
    const { scripts } = JSON.parse(textOf('package.json')) as { scripts: Record<string, string> };
    for (const [, script = ''] of text.matchAll(/npm run (?:-s )?([a-z:]+)/g)) {
      expect(Object.keys(scripts), `npm run ${script} in ${file}`).toContain(script);
    }
  });

  test('names files that exist', () => {
    for (const [, path = ''] of text.matchAll(/`((?:src|test|bench|tools|docs|bin)\/[\w./-]+)`/g)) {
      expect(existsSync(join(root, path)), `${path} in ${file}`).toBe(true);
    }
  });
});

// SPDX-License-Identifier: Apache-2.0
// The corpus of the scanner, and what it makes of it. `npm run scanner:corpus` prints it; with `--held` what went wrong in the held-out third too.

import { readFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { scanEngine } from '../../../src/security/scanner/rules.ts';
import { judge } from '../../../src/security/scanner/verdict.ts';

/** `rules` are written from two thirds; the third that is `held` out only measures them. */
export type Part = 'rules' | 'held';

export interface Sample {
  readonly language: string;
  readonly text: string;
  readonly part: Part;
}

export interface Measured {
  readonly part: Part;
  /** Injections, and how many of them are blocked. */
  readonly injections: number;
  readonly blocked: number;
  /** Harmless messages, and how many of them are blocked. */
  readonly harmless: number;
  readonly refused: number;
  /** Those that were taken for what they are not. */
  readonly wrong: readonly Sample[];
}

/** FNV-1a with a last mixing: which third a line is in follows from itself, so a new line moves no other. */
function hash(text: string): number {
  let mixed = 0x811c9dc5;
  for (let at = 0; at < text.length; at += 1) mixed = Math.imul(mixed ^ text.charCodeAt(at), 0x01000193);
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b);
  return (mixed ^ (mixed >>> 13)) >>> 0;
}

/** Lines of `language<TAB>text`, in which `\n` and `\t` are written out. */
export function samples(kind: 'injections' | 'harmless'): readonly Sample[] {
  const file = new URL(`../corpus/${kind}.tsv`, import.meta.url);
  return readFileSync(file, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => {
      const tab = line.indexOf('\t');
      const text = line
        .slice(tab + 1)
        .replaceAll('\\n', '\n')
        .replaceAll('\\t', '\t');
      return { language: line.slice(0, tab), text, part: hash(line) % 3 === 0 ? 'held' : 'rules' };
    });
}

export function measure(part: Part): Measured {
  const blocks = ({ text }: Sample): boolean => judge(scanEngine(), text, 'input', 'block').kind === 'block';
  const of = (kind: 'injections' | 'harmless'): readonly Sample[] => samples(kind).filter((one) => one.part === part);
  const [injections, harmless] = [of('injections'), of('harmless')];
  const missed = injections.filter((one) => !blocks(one));
  const refused = harmless.filter(blocks);
  return {
    part,
    injections: injections.length,
    blocked: injections.length - missed.length,
    harmless: harmless.length,
    refused: refused.length,
    wrong: [...missed, ...refused],
  };
}

function print({ part, injections, blocked, harmless, refused, wrong }: Measured, shown: boolean): void {
  const share = (some: number, all: number): string => `${((100 * some) / all).toFixed(1)} %`;
  const name = part === 'held' ? 'held out' : 'rules are written from';
  process.stdout.write(
    `${name}: ${blocked} of ${injections} injections blocked (${share(blocked, injections)}), ` +
      `${refused} of ${harmless} harmless messages too (${share(refused, harmless)})\n`,
  );
  if (shown)
    for (const { language, text } of wrong)
      process.stdout.write(`  ${language}  ${JSON.stringify(text.slice(0, 160))}\n`);
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  print(measure('rules'), true);
  print(measure('held'), process.argv.includes('--held'));
}

// SPDX-License-Identifier: Apache-2.0
// T21: what the scanner takes for a megabyte at each stage, and for the worst megabyte somebody could make for any one rule.

import { readdirSync, readFileSync } from 'node:fs';
import { KnownTexts } from '../src/security/scanner/known-texts.ts';
import type { Rule } from '../src/security/scanner/rule.ts';
import { RULES, scanEngine } from '../src/security/scanner/rules.ts';
import { StreamRedactor } from '../src/security/scanner/stream-redactor.ts';
import { streamRules } from '../src/security/scanner/stream-rules.ts';
import { judge } from '../src/security/scanner/verdict.ts';
import { absolute, type Measured, type Plan } from './measured.ts';

const MEGABYTE = 1_048_576;
/** Units of a delta. */
const DELTA = 5;
/** Secrets a gateway knows, each in five spellings. */
const KNOWN = 50;

/** Milliseconds of processor time; whatever else runs takes none of it. */
function took(run: () => void): number {
  const before = process.cpuUsage();
  run();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1_000;
}

/** A megabyte of prose, tables, commands and code: this project's own pages. */
function prose(): string {
  const docs = new URL('../docs/', import.meta.url);
  const pages = readdirSync(docs)
    .filter((name) => name.endsWith('.md'))
    .map((name) => readFileSync(new URL(name, docs), 'utf8'))
    .join('\n');
  return pages.repeat(Math.ceil(MEGABYTE / pages.length)).slice(0, MEGABYTE);
}

/** Megabytes in which a rule begins to match again and again, and in the end never does, or seldom. */
function worstFor({ match, keywords, kind }: Rule): readonly string[] {
  const seeds = new Set<string>();
  for (const sample of match) {
    const text = kind === 'secret' ? sample : sample.toLowerCase();
    seeds.add(`${text.slice(0, -1)}\u0001`);
    for (const share of [0.25, 0.5, 0.75]) seeds.add(`${text.slice(0, Math.floor(text.length * share))} `);
    seeds.add(`${text.split(/\s/).slice(0, -1).join(' ')} `);
    seeds.add(`${text.split(/\s/)[0]} `);
    seeds.add(text.slice(0, 4));
  }
  for (const keyword of keywords) {
    seeds.add(keyword);
    seeds.add(`${keyword} `);
    seeds.add(`${keyword} the of all your `);
  }
  return [...seeds]
    .filter((seed) => seed.trim() !== '')
    .map((seed) => seed.repeat(Math.ceil(MEGABYTE / seed.length)).slice(0, MEGABYTE));
}

/** Milliseconds the slowest rule takes for the worst of its texts, and which rule that is. */
function slowest(rules: readonly Rule[]): { readonly id: string; readonly ms: number } {
  let worst = { id: '', ms: 0 };
  for (const rule of rules) {
    const regexp = new RegExp(rule.pattern, 'g');
    regexp.exec('warm');
    for (const text of worstFor(rule)) {
      const ms = took(() => {
        regexp.lastIndex = 0;
        while (regexp.exec(text) !== null);
      });
      if (ms > worst.ms) worst = { id: rule.id, ms };
    }
  }
  return worst;
}

export async function measureT21({ rounds, short }: Plan): Promise<Readonly<Record<string, Measured>>> {
  const text = prose();
  const engine = scanEngine();
  const known = Array.from(
    { length: KNOWN * 5 },
    (_, at) =>
      `${Math.sin(at + 1)
        .toString(36)
        .slice(2)}-secret-${at}`,
  );
  const secrets = { rules: streamRules(RULES), known: new KnownTexts({ size: known.length, texts: () => known }) };
  const stages = {
    T21a: () => void judge(engine, text, 'input', 'block'),
    T21b: () => void judge(engine, text, 'tool', 'flag'),
    T21c: () => {
      const stream = new StreamRedactor(secrets);
      for (let at = 0; at < text.length; at += DELTA) stream.push(text.slice(at, at + DELTA));
      stream.flush();
    },
  };
  const figures = new Map(Object.keys(stages).map((id) => [id, [] as number[]]));
  for (let round = -1; round < rounds; round += 1)
    for (const [id, run] of Object.entries(stages)) {
      const ms = took(run);
      // The first is for the compiler.
      if (round >= 0) figures.get(id)?.push(ms);
    }
  const rules = short ? RULES.filter((_, at) => at % 8 === 0) : RULES;
  const worst = slowest(rules);
  if (import.meta.main) console.log(`the slowest rule: ${worst.id}`);
  return {
    ...Object.fromEntries([...figures].map(([id, values]) => [id, absolute(values)])),
    T21d: absolute([worst.ms]),
  };
}

if (import.meta.main) console.log(await measureT21({ rounds: Number(process.argv[2] ?? 5), short: false }));

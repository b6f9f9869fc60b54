// SPDX-License-Identifier: Apache-2.0
// The broken configurations as bytes: the good one with a mistake in it, for whoever reads them.

import { readFileSync } from 'node:fs';
import type { BrokenCase } from './make.ts';

const here = (name: string): string => readFileSync(new URL(name, import.meta.url), 'utf8');
const good = here('good.yaml').split('\n').slice(0, -1);

export const CASES = JSON.parse(here('cases.json')) as readonly BrokenCase[];

/** What the references of the good one lead to. */
export const ENV = { ANNA_TOKEN: 'a-token', ANTHROPIC_API_KEY: 'a-key', TELEGRAM_TOKEN: 'b-token' };

/** The file as it is on the disk. */
export function bytesOf({ from, out, put }: Pick<BrokenCase, 'from' | 'out' | 'put'>): Buffer {
  const lines = put.flatMap((one) => {
    if (typeof one === 'string') return [Buffer.from(one)];
    if ('bytes' in one) return [Buffer.from(one.bytes, 'base64')];
    return Array.from({ length: one.repeat }, () => Buffer.from(one.text));
  });
  const before = good.slice(0, from - 1).map((line) => Buffer.from(line));
  const after = good.slice(from - 1 + out).map((line) => Buffer.from(line));
  const newline = Buffer.from('\n');
  return Buffer.concat([...before, ...lines, ...after].flatMap((line) => [line, newline]));
}

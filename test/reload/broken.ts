// SPDX-License-Identifier: Apache-2.0
// A running gateway whose file becomes a broken one after another: it says of each what is wrong, and goes on with what it runs.

import { renameSync, writeFileSync } from 'node:fs';
import { bytesOf, CASES } from '../config/broken/cases.ts';
import type { BrokenCase } from '../config/broken/make.ts';
import type { Client, Reply } from '../edge/client.ts';
import { Chance } from '../sim/chance.ts';

export interface Tried {
  readonly client: Client;
  readonly token: string;
  /** The file the gateway follows, and what is good of it: that is in force. */
  readonly file: string;
  readonly good: string;
}

export interface BrokenFigures {
  readonly cases: number;
  /** Turns asked for meanwhile; each is answered. */
  readonly turns: number;
  /** What was not as it should be, each with its case. */
  readonly wrong: readonly string[];
}

/** A message is said once in so many cases. */
const SAID_EVERY = 10;

/** So many of them, the same for a seed, in the order of the list. */
export function someCases(count: number, seed: number): readonly BrokenCase[] {
  const chance = new Chance(seed);
  const drawn = CASES.map((one, at) => ({ one, at, lot: chance.next() })).toSorted((a, b) => a.lot - b.lot);
  return drawn
    .slice(0, count)
    .toSorted((a, b) => a.at - b.at)
    .map(({ one }) => one);
}

interface Told {
  readonly line: number | null;
  readonly key: string;
  readonly allowed: string;
}

/** Whether one of the errors is the one that must be named. */
function names({ line, key, allowed }: BrokenCase, errors: readonly Told[]): boolean {
  return errors.some((one) => one.line === line && (key === '?' || one.key === key) && one.allowed.includes(allowed));
}

/** The same of the answer of the request that asked for it, which says it in a sentence. */
function answers({ line, key, allowed }: BrokenCase, file: string, { status, body }: Reply): boolean {
  const errors = (body?.errors ?? []) as readonly { readonly path: string; readonly message: string }[];
  return (
    status === 422 &&
    body.code === 'validation_failed' &&
    errors.some(
      ({ path, message }) =>
        (key === '?' || path === key) &&
        message.startsWith(`${file}:${line}:`) &&
        message.slice(message.indexOf('allowed: ')).includes(allowed),
    )
  );
}

/** Tries them one by one; the good one is back in force at the end. */
export async function tryBroken(cases: readonly BrokenCase[], tried: Tried): Promise<BrokenFigures> {
  const { client, token, file, good } = tried;
  const wrong: string[] = [];
  let turns = 0;
  const write = (bytes: string | Buffer): void => {
    writeFileSync(`${file}.new`, bytes);
    renameSync(`${file}.new`, file);
  };
  const get = async (path: string) => {
    const { status, text, body } = await client.call('GET', path, { token });
    if (status !== 200) throw new Error(`${wrong.join('\n')}GET ${path} is answered with ${status}: ${text}`);
    return body;
  };
  const reload = (): Promise<Reply> => client.call('POST', '/api/v1/config/reload', { token });
  const inForce = async (): Promise<string> => {
    const { config, applied_at, restart_pending } = await get('/api/v1/config');
    return JSON.stringify({ config, applied_at, restart_pending });
  };
  const before = await inForce();
  for (const [at, broken] of cases.entries()) {
    const holds = (so: boolean, what: string, found: unknown = ''): void => {
      if (!so) wrong.push(`${broken.name}: ${what} ${JSON.stringify(found).slice(0, 1_000)}`);
    };
    write(bytesOf(broken));
    const answer = await reload();
    holds(answers(broken, file, answer), 'is not refused with its place and what is allowed:', answer.text);
    const { config } = await get('/api/v1/status');
    holds(names(broken, config.errors) && config.errors_at !== null, 'is not in the status:', config);
    const now = await inForce();
    holds(now === before, 'changes what is in force:', now);
    if (at % SAID_EVERY !== 0) continue;
    turns += 1;
    const said = await client.call('POST', '/api/v1/chat', { token, json: { content: `hello at ${at}` } });
    holds(said.status === 200 && said.body.content !== '', 'leaves a message without its answer:', said.text);
  }
  write(good);
  const { status, text } = await reload();
  if (status !== 200) wrong.push(`the good one is not taken up: ${text}`);
  const { config } = await get('/api/v1/status');
  if (config.errors.length > 0 || config.errors_at !== null)
    wrong.push(`the good one leaves errors: ${JSON.stringify(config)}`);
  return { cases: cases.length, turns, wrong };
}

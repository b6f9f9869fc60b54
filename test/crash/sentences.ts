// SPDX-License-Identifier: Apache-2.0
// What the clients say, drawn from the seed: quick answers, tools whose runs are counted, and turns long enough to be cut through.

/** How a message is sent. */
export type Manner =
  /** Waits for the whole answer. */
  | 'whole'
  /** The same message twice at once. */
  | 'twice'
  /** Follows the turn's events, and comes back for the rest. */
  | 'stream'
  /** Follows, and stops the turn after some events. */
  | 'cancel'
  /** Opens a session of its own, and goes away as soon as the message is acknowledged. */
  | 'leave'
  /** Waits for the answer, then says something else under the same id. */
  | 'conflict';

export interface Sentence {
  readonly manner: Manner;
  readonly content: string;
  /** What an answer that was not cut short has in it. */
  readonly has: string;
  /** Events after which a `cancel` is sent. */
  readonly after: number;
}

const MANNERS: readonly (readonly [Manner, number])[] = [
  ['whole', 30],
  ['twice', 10],
  ['stream', 33],
  ['cancel', 10],
  ['leave', 10],
  ['conflict', 7],
];

function pick<T>(random: () => number, from: readonly (readonly [T, number])[]): T {
  let left = random() * from.reduce((sum, [, weight]) => sum + weight, 0);
  for (const [value, weight] of from) {
    left -= weight;
    if (left < 0) return value;
  }
  throw new Error('nothing to pick from');
}

const upTo = (random: () => number, most: number): number => 1 + Math.floor(random() * most);

function words(random: () => number, at: number): Pick<Sentence, 'content' | 'has'> {
  const a = upTo(random, 99);
  const b = upTo(random, 99);
  const to = upTo(random, 5);
  const count = Array.from({ length: to }, (_, index) => index + 1).join(' ');
  return pick<Pick<Sentence, 'content' | 'has'>>(random, [
    [{ content: `what is ${a}*${b}?`, has: String(a * b) }, 30],
    [{ content: `remember that number ${at} is ${a}`, has: '' }, 25],
    [{ content: `what is ${a}+${b} and what time is it?`, has: String(a + b) }, 12],
    [{ content: `count to ${to}`, has: count }, 20],
    [{ content: `hello number ${at}`, has: '' }, 13],
  ]);
}

/** The `at`-th sentence of one client. */
export function sentence(random: () => number, at: number): Sentence {
  return { manner: pick(random, MANNERS), ...words(random, at), after: upTo(random, 4) };
}

// SPDX-License-Identifier: Apache-2.0
// Takes the inspector out of the thread that imports this while the bench says so: what actors do is noted nowhere. A thread
// on which sessions live tells its processor time besides.

import { BroadcastChannel } from 'node:worker_threads';
import { type Resident, Residents } from '../src/actors/residents.ts';
import { DOSE, type Order } from './order.ts';

/** Actors that more is noted of, each counted as often as it came. */
const OTHERS = 4_096;
/** How often the time is written, in milliseconds. */
const EVERY = 2;

let noting = true;
/** Notes of a step besides its own. */
let more = 0;
const others: Resident[] = [];
let nextOther = 0;
let lane = false;
/** Called with every step of a session. */
let stepped: () => void = () => undefined;
const channel = new BroadcastChannel('sigil-bench-inspector');
channel.onmessage = (event) => {
  const order = (event as { readonly data: Order }).data;
  if ('noting' in order) {
    stepped = () => undefined;
    more = 0;
    noting = order.noting;
  } else if ('spent' in order) tellSpent(order.spent);
  else stepped = takeTurns(order.steps, order.slices);
};
channel.unref();

function tellSpent(spent: SharedArrayBuffer): void {
  const cell = new Float64Array(spent);
  setInterval(() => {
    if (lane) cell[0] = spentHere();
  }, EVERY).unref();
}

/** Microseconds of processor time of this thread. */
function spentHere(): number {
  const { user, system } = process.threadCpuUsage();
  return user + system;
}

/** A slice's time a step goes to its place, after it that of its pair with more notes; the first number is how many there are. */
function takeTurns(steps: number, buffer: SharedArrayBuffer): () => void {
  const slices = new Float64Array(buffer);
  let left = 0;
  let slice = -1;
  let moreFirst = true;
  let since = 0;
  return () => {
    left -= 1;
    if (left > 0 || others.length === 0) return;
    const now = spentHere();
    if (slice >= 0 && slice + 1 < slices.length) {
      slices[1 + (slice - (slice % 2)) + (more === 0 ? 0 : 1)] = (now - since) / steps;
      slices[0] = slice + 1;
    }
    slice += 1;
    if (slice % 2 === 0) moreFirst = Math.random() < 0.5;
    more = slice + 1 < slices.length && (slice % 2 === 0) === moreFirst ? DOSE : 0;
    left = steps;
    since = spentHere();
  };
}

const { moved } = Residents.prototype;
Residents.prototype.moved = function (resident: Resident, event: string, to: unknown, started: number): void {
  lane ||= event === 'session.deliver';
  if (lane) stepped();
  if (!noting) return;
  moved.call(this, resident, event, to, started);
  if (more === 0) {
    if (event === 'session.deliver' && others.length < OTHERS) others.push(resident);
    return;
  }
  for (let left = more; left > 0; left -= 1) {
    nextOther = (nextOther + 1) % others.length;
    const other = others[nextOther];
    // Whoever notes a step has looked at the clock before.
    if (other !== undefined) moved.call(this, other, event, to, performance.now());
  }
};

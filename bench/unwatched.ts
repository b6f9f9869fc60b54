// SPDX-License-Identifier: Apache-2.0
// Takes the inspector out of the thread that imports this while the bench says so: what actors do is noted nowhere. A thread
// on which sessions live tells its processor time besides.

import { BroadcastChannel } from 'node:worker_threads';
import { type Resident, Residents } from '../src/actors/residents.ts';

/**
 * What the bench says: whether steps are noted; where to write microseconds of processor time; or to take turns by itself,
 * so many steps of its sessions with and as many without, in pairs whose order is drawn anew. A turn has as many steps as
 * another, and they do not come in as large batches as turns begin.
 */
export type Order =
  | { readonly noting: boolean }
  | { readonly spent: SharedArrayBuffer }
  | { readonly steps: number; readonly slices: SharedArrayBuffer };

/** How often the time is written, in milliseconds. */
const EVERY = 2;

let noting = true;
let lane = false;
/** Called with every step of a session. */
let stepped: () => void = () => undefined;
const channel = new BroadcastChannel('sigil-bench-inspector');
channel.onmessage = (event) => {
  const order = (event as { readonly data: Order }).data;
  if ('noting' in order) {
    stepped = () => undefined;
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

/** A slice's time a step goes to its place, those with at even ones; the first number is how many there are. */
function takeTurns(steps: number, buffer: SharedArrayBuffer): () => void {
  const slices = new Float64Array(buffer);
  let left = 0;
  let slice = -1;
  let withFirst = true;
  let since = 0;
  return () => {
    left -= 1;
    if (left > 0) return;
    const now = spentHere();
    if (slice >= 0 && slice + 1 < slices.length) {
      slices[1 + (slice - (slice % 2)) + (noting ? 0 : 1)] = (now - since) / steps;
      slices[0] = slice + 1;
    }
    slice += 1;
    if (slice % 2 === 0) withFirst = Math.random() < 0.5;
    noting = (slice % 2 === 0) === withFirst;
    left = steps;
    since = spentHere();
  };
}

const { moved } = Residents.prototype;
Residents.prototype.moved = function (resident: Resident, event: string, to: unknown, started: number): void {
  lane ||= event === 'session.deliver';
  if (lane) stepped();
  if (noting) moved.call(this, resident, event, to, started);
};

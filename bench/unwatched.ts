// SPDX-License-Identifier: Apache-2.0
// Takes the inspector out of the thread that imports this while the bench says so: what actors do is noted nowhere. A thread
// on which sessions live tells its processor time besides.

import { BroadcastChannel } from 'node:worker_threads';
import { type Resident, Residents } from '../src/actors/residents.ts';

/** What the bench says: whether steps are noted, or where to write microseconds of processor time. */
export type Order = { readonly noting: boolean } | { readonly spent: SharedArrayBuffer };

/** How often the time is written, in milliseconds. */
const EVERY = 2;

let noting = true;
let lane = false;
const channel = new BroadcastChannel('sigil-bench-inspector');
channel.onmessage = (event) => {
  const order = (event as { readonly data: Order }).data;
  if ('noting' in order) {
    noting = order.noting;
    return;
  }
  const cell = new Float64Array(order.spent);
  setInterval(() => {
    if (!lane) return;
    const { user, system } = process.threadCpuUsage();
    cell[0] = user + system;
  }, EVERY).unref();
};
channel.unref();

const { moved } = Residents.prototype;
Residents.prototype.moved = function (resident: Resident, event: string, to: unknown, started: number): void {
  lane ||= resident.address.startsWith('session/');
  if (noting) moved.call(this, resident, event, to, started);
};

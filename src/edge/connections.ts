// SPDX-License-Identifier: Apache-2.0
// How many connections there may be, and what becomes of those past that: an answer, and room for others by cutting who is idle.

import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import type { World } from '../world.ts';
import { fs } from './node-http.ts';

const MOST = 16_384;
/** Descriptors left to files, channels and whatever a turn opens. */
const KEPT_FREE = 512;
/** Where the system does not say how many descriptors a process may have. */
const UNKNOWN_MOST = 8_192;
/** Past the bound as many are taken all the same, to be told; what comes then is closed without a word. */
const EXCESS = 256;
/** How long one of those may take to ask, in milliseconds. */
const EXCESS_MS = 2_000;
/** How often those that are idle are cut to make room, in milliseconds. */
const ROOM_EVERY_MS = 1_000;

/** As many connections as this process may have. */
export function connectionsMost(): number {
  let limits: string;
  try {
    limits = fs.readFileSync('/proc/self/limits', 'utf8');
  } catch {
    return UNKNOWN_MOST;
  }
  const files = /^Max open files\s+(\d+)/m.exec(limits)?.[1];
  return files === undefined ? MOST : Math.max(KEPT_FREE, Math.min(MOST, Number(files) - KEPT_FREE));
}

/**
 * Holds a server to so many connections.
 *
 * @returns whether a connection is one too many, whose requests are to be refused
 */
export function boundConnections(server: Server, world: World, most: number): (socket: Socket) => boolean {
  const excess = new WeakSet<Socket>();
  let open = 0;
  let roomMade = Number.NEGATIVE_INFINITY;
  server.maxConnections = most + EXCESS;
  server.on('connection', (socket) => {
    open += 1;
    socket.once('close', () => {
      open -= 1;
    });
    if (open <= most) return;
    excess.add(socket);
    const stop = world.after(EXCESS_MS, () => socket.destroy());
    socket.once('close', stop);
    const now = world.monotonic();
    if (now - roomMade < ROOM_EVERY_MS) return;
    roomMade = now;
    server.closeIdleConnections();
  });
  return (socket) => excess.has(socket);
}

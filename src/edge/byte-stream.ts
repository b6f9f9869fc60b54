// SPDX-License-Identifier: Apache-2.0
// An answer that is made as it is sent: as fast as its reader takes it, and broken off where it cannot go on.

import type { EdgeContext } from './context.ts';
import type { Exchange } from './exchange.ts';
import { Refusal } from './problem.ts';

/** A reader that takes nothing for so long has gone away without saying so, in milliseconds. */
const STALLED_MS = 60_000;

/**
 * Sends chunks. What fails before the first is thrown, for an answer of its own; what fails later breaks the connection, so
 * that nobody takes a part for the whole.
 */
export async function sendBytes(
  edge: EdgeContext,
  exchange: Exchange,
  chunks: AsyncIterable<Uint8Array | string>,
  headers: Readonly<Record<string, string>>,
): Promise<void> {
  const { response } = exchange;
  const { world } = edge.ports;
  const iterator = chunks[Symbol.asyncIterator]();
  const stopWaiting = edge.closing(() => response.destroy());
  try {
    let next = await iterator.next();
    // Who is known no longer has been told so.
    if (response.destroyed || response.headersSent) return;
    response.writeHead(200, { ...headers, 'Cache-Control': 'no-store', 'X-Content-Type-Options': 'nosniff' });
    // From here on its reader sets the pace.
    edge.reads.leave(exchange);
    while (next.done !== true) {
      if (!response.write(next.value)) await taken(exchange, world);
      if (response.destroyed) throw new Refusal('slow_consumer', 'The reader went away before the answer was whole.');
      next = await iterator.next();
    }
    response.end();
  } finally {
    stopWaiting();
    await iterator.return?.();
  }
}

/** Settles when the reader has taken what was written, or is gone. */
function taken({ response }: Exchange, world: EdgeContext['ports']['world']): Promise<void> {
  return new Promise((resolve) => {
    const over = (): void => {
      stop();
      response.off('drain', over);
      response.off('close', over);
      resolve();
    };
    const stop = world.after(STALLED_MS, () => response.destroy());
    response.once('drain', over);
    response.once('close', over);
  });
}

// SPDX-License-Identifier: Apache-2.0
// The end of a command that watches until somebody has seen enough: a signal, a key, or nobody who reads.

import { EXIT } from './cli-error.ts';
import type { Output } from './output.ts';

/** Why watching ended. */
export type Ending = 'quit' | 'interrupted' | 'closed';

export interface Stopping {
  readonly ended: Promise<Ending>;
  readonly signal: AbortSignal;
  end(ending: Ending): void;
}

/** Listens for signals and the end of stdout. */
export function stopping(output: Pick<Output, 'onClosed'>): Stopping {
  const stop = new AbortController();
  const { promise, resolve } = Promise.withResolvers<Ending>();
  const end = (ending: Ending): void => {
    resolve(ending);
    stop.abort();
  };
  process.on('SIGINT', () => end('interrupted'));
  process.on('SIGTERM', () => end('interrupted'));
  output.onClosed(() => end('closed'));
  return { ended: promise, signal: stop.signal, end };
}

export function statusOf(ending: Ending): number {
  return ending === 'interrupted' ? EXIT.interrupted : EXIT.done;
}

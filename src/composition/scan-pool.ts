// SPDX-License-Identifier: Apache-2.0
// `pool.scan` on the main thread: long texts are handed to the pool, ahead of what has time.

import { toFailure } from '../errors.ts';
import type { Request } from '../stores/request.ts';
import type { TextScan, TextVerdict } from '../stores/text-scan.ts';
import type { JobPool } from './pool.ts';

export interface ScanHandlers {
  'pool.scan'(request: Request<TextScan, TextVerdict>): void;
}

export function scanHandlers(pool: Pick<JobPool, 'run'>): ScanHandlers {
  return {
    'pool.scan': (request) => {
      // Somebody waits for it with a message or a turn.
      pool.run('scan', request.body, { first: true }).then(
        (verdict) => request.reply(verdict as TextVerdict),
        (error: unknown) => request.fail(toFailure(error)),
      );
    },
  };
}

// SPDX-License-Identifier: Apache-2.0
// The newest lines of the log, for who runs the gateway. How they are read is loaded when somebody asks.

import type { EdgeContext } from '../context.ts';
import type { Answer, Exchange, Route } from '../exchange.ts';
import type { KeptLog } from '../ports.ts';
import { unknownPath } from '../router.ts';

const LOGS = 'admin:logs';

type Reading = typeof import('../log-reading.ts');

export function logRoutes(edge: EdgeContext): readonly Route[] {
  const reading =
    (answer: (reading: Reading, log: KeptLog, exchange: Exchange) => Answer) =>
    async (exchange: Exchange): Promise<Answer> => {
      const { lines } = edge.ports;
      if (lines === undefined) throw unknownPath();
      return answer(await import('../log-reading.ts'), lines, exchange);
    };
  return [
    {
      ...{ method: 'GET', path: '/api/v1/logs', needs: LOGS },
      handle: reading(({ listLines }, log, exchange) => listLines(edge, log, exchange)),
    },
    {
      ...{ method: 'GET', path: '/api/v1/logs/stream', needs: LOGS, stream: true },
      handle: reading(({ followLines }, log, exchange) => followLines(edge, log, exchange)),
    },
  ];
}

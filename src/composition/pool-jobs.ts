// SPDX-License-Identifier: Apache-2.0
// `pool/jobs` on the main thread: hands jobs to the pool and its answers back.

import { POOL_ID, type PoolProtocol } from '../actors/pool/protocol.ts';
import { address } from '../bus/address.ts';
import { toFailure } from '../errors.ts';
import type { Request } from '../stores/request.ts';
import type { PageText } from '../web/page-text.ts';
import { bindHandlers } from './bind.ts';
import type { ThreadContext } from './context.ts';
import type { JobPool } from './pool.ts';

type Asked<T extends keyof PoolProtocol> = Request<PoolProtocol[T]['body'], PoolProtocol[T]['reply']>;

type PoolHandlers = { readonly [T in keyof PoolProtocol]: (request: Asked<T>) => void };

export function hostPoolJobs(context: ThreadContext, pool: Pick<JobPool, 'run'>): void {
  context.bus.host('pool', bindHandlers(context, address('pool', POOL_ID), poolHandlers(pool)));
}

export function poolHandlers(pool: Pick<JobPool, 'run'>): PoolHandlers {
  return {
    'pool.page': (request) => {
      pool.run('page', request.body).then(
        (page) => request.reply({ page: (page as PageText | undefined) ?? null }),
        (error: unknown) => request.fail(toFailure(error)),
      );
    },
  };
}

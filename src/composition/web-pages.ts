// SPDX-License-Identifier: Apache-2.0
// What `web_fetch` reads pages with: this system's resolver, addresses that are public and not this machine's, text by the pool.

import { lookup } from 'node:dns';
import { networkInterfaces } from 'node:os';
import { POOL_ID } from '../actors/pool/protocol.ts';
import type { SigilProtocols } from '../actors/protocols.ts';
import { address } from '../bus/address.ts';
import type { WebPages } from '../web/page.ts';
import { isPublicAddress } from '../web/public-address.ts';
import { publicPages } from '../web/public-pages.ts';
import { asking } from './asking.ts';
import type { ThreadContext } from './context.ts';

/** Bytes read of a page, after it is unpacked. */
const BODY_BYTES = 4 * 1_048_576;
/** Pages a thread reads at once. */
const READING_MOST = 32;
/** How long the pool may take over a page, its queue included, in milliseconds. */
const TEXT_WITHIN = 30_000;

export function webPages(context: Pick<ThreadContext, 'bus' | 'name'>): WebPages {
  const pool = address('pool', POOL_ID);
  const from = address('thread', context.name);
  return publicPages({
    resolve: (hostname, done) => lookup(hostname, { all: true }, done),
    permitted: (given) => isPublicAddress(given) && !isOwn(given),
    user_agent: 'Sigil (self-hosted agent; reads a page somebody asked about)',
    body_bytes: BODY_BYTES,
    most: READING_MOST,
    text: async (source) => {
      const { page } = await asking<SigilProtocols, 'pool', 'pool.page'>(context.bus, pool, 'pool.page', source, {
        from,
        within: TEXT_WITHIN,
      });
      return page ?? undefined;
    },
  });
}

/** Whether it is an address of this machine: what listens there may trust whoever is here. */
function isOwn(given: string): boolean {
  return Object.values(networkInterfaces()).some((of) => of?.some(({ address: own }) => own === given));
}

// SPDX-License-Identifier: Apache-2.0
// What `pool/jobs` answers to: short work for a processor, of those who must not do it on their own thread.

import type { PageSource, PageText } from '../../web/page-text.ts';

export type PoolProtocol = {
  /** What a web page says; null when it is no text. `overloaded` when too much waits. */
  readonly 'pool.page': { readonly body: PageSource; readonly reply: { readonly page: PageText | null } };
};

/** The pool's only address is `pool/` and this. */
export const POOL_ID = 'jobs';

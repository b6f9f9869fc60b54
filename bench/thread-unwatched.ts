// SPDX-License-Identifier: Apache-2.0
// A worker of the house in which nothing is kept for the inspector: what T18 holds the house as it is against.

import './unwatched.ts';

// Its role is in the address it is begun by: it loads after what is above.
await import(`../src/threads/${new URL(import.meta.url).searchParams.get('role')}.ts`);

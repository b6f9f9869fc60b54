// SPDX-License-Identifier: Apache-2.0
// The vector stores there are, held to the contract: in the file, and in memory with the kernel of SIMD and of JavaScript.

import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { openLocalVectors } from '../../../src/stores/sqlite/local-vectors.ts';
import { vectorStoreContract } from './contract.ts';
import { openStore, STORE_KINDS, scratch } from './stores.ts';

const dir = scratch();
let opened = 0;

for (const kind of STORE_KINDS) {
  vectorStoreContract(
    kind,
    async (dimensions) => {
      const path = join(dir, `${kind}-${opened++}`);
      const store = openStore(kind, join(path, 'vectors.db'), { name: 'test/model', dimensions });
      return {
        ...store,
        close: async () => {
          await store.close();
          rmSync(path, { recursive: true, force: true });
        },
      };
    },
    400,
  );
}

vectorStoreContract(
  'without a gateway',
  async (dimensions) => {
    const path = join(dir, `local-${opened++}`);
    const vectors = openLocalVectors(path, { name: 'test/model', dimensions });
    return {
      ...vectors.of('home'),
      close: async () => {
        await vectors.close();
        rmSync(path, { recursive: true, force: true });
      },
    };
  },
  100,
);

// SPDX-License-Identifier: Apache-2.0
// A process that keeps secrets in the encrypted file: `node file-child.ts DIR PREFIX COUNT`, one line for each that is kept.

import { createFileStore } from '../../src/secrets/file-store.ts';
import { secretName } from '../../src/secrets/store.ts';

const [dataDir = '', prefix = '', count = ''] = process.argv.slice(2);
const store = createFileStore({ dataDir, env: process.env, now: Date.now });
for (let index = 0; index < Number(count); index += 1) {
  await store.set(secretName(`${prefix}${index}`), `value of ${prefix}${index}`);
  process.stdout.write(`${prefix}${index}\n`);
}

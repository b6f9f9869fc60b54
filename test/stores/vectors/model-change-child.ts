// SPDX-License-Identifier: Apache-2.0
// Fills a new model's index until somebody ends it: says how many batches it has filled after each, and stands still after so many.

import { VectorsWriter } from '../../../src/stores/sqlite/vectors-writer.ts';
import { NEW, oldOrNew } from './model-change.ts';

const writer = new VectorsWriter(process.argv[2] ?? '', NEW);
const most = Number(process.argv[3] ?? Number.POSITIVE_INFINITY);
let batches = 0;
for (let missing = writer.missing(); missing !== undefined; missing = writer.missing()) {
  const swapped = writer.fill(
    missing,
    oldOrNew(
      missing.model,
      missing.items.map(({ text }) => text),
    ),
  );
  batches += 1;
  process.stdout.write(`${swapped ? 'swapped' : batches}\n`);
  // Who ends it may be late: then there is still something to end.
  if (batches === most) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
}
writer.close();

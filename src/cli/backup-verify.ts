// SPDX-License-Identifier: Apache-2.0
// `sigil backup verify FILE`: reads a backup to its end and says what is in it.

import { resolve } from 'node:path';
import { manifestLines } from './backup-create.ts';
import type { CommandRun } from './command.ts';
import { progressLine } from './progress-line.ts';

export const run: CommandRun = async ({ args, output, composition }) => {
  const file = resolve(args[0] ?? '');
  const line = progressLine(output);
  try {
    const manifest = await (await composition.dataKeeping()).verify(file, line.data);
    line.end();
    if (output.json) output.document({ file, ...manifest });
    else for (const text of manifestLines(file, manifest)) output.line(text);
    return 0;
  } finally {
    line.end();
  }
};

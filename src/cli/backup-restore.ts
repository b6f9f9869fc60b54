// SPDX-License-Identifier: Apache-2.0
// `sigil backup restore FILE`: puts a backup in the place of what is in the data directory, once all of it is found to be whole.

import { resolve } from 'node:path';
import { toFailure } from '../errors.ts';
import { CliError } from './cli-error.ts';
import type { CommandRun } from './command.ts';
import { dataDirOf } from './connect.ts';
import { progressLine } from './progress-line.ts';

export const run: CommandRun = async (call) => {
  const { output, args } = call;
  const file = resolve(args[0] ?? '');
  const dataDir = dataDirOf(call);
  const line = progressLine(output);
  try {
    const manifest = await (await call.composition.dataKeeping()).restore({ dataDir, file, progress: line.data });
    line.end();
    const { journal, created_at, secrets, config } = manifest;
    if (output.json) output.document({ data_dir: dataDir, file, ...manifest });
    else {
      output.line(
        `${dataDir} is as it was at ${created_at}: the journal up to row ${journal.last}, and all views with it.`,
      );
      if (!secrets)
        output.note(
          'Secrets were not in the backup; those that were here are kept, and a missing owner token is made at the next start.',
        );
      if (config.file !== null) output.note(`The configuration was ${config.file}; it is no part of a backup.`);
    }
    return 0;
  } catch (thrown) {
    const { code, message } = toFailure(thrown);
    if (code !== 'conflict') throw thrown;
    throw new CliError(code, message, 'Stop it first; a restore replaces the files it has open.', { cause: thrown });
  } finally {
    line.end();
  }
};

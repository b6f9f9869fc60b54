// SPDX-License-Identifier: Apache-2.0
// `sigil doctor rebuild [VIEW…]`: makes views anew from the journal.

import { toFailure } from '../errors.ts';
import { CliError } from './cli-error.ts';
import type { CommandRun } from './command.ts';
import { dataDirOf } from './connect.ts';
import { progressLine } from './progress-line.ts';

export const run: CommandRun = async (call) => {
  const { output, args } = call;
  const dataDir = dataDirOf(call);
  const line = progressLine(output);
  try {
    const keeping = await call.composition.dataKeeping();
    const acceptLoss = call.flag('acceptLoss');
    const views = await keeping.rebuild({ dataDir, views: args, acceptLoss, progress: line.data });
    line.end();
    if (output.json) output.document({ data_dir: dataDir, views });
    else for (const view of views) output.line(`${output.paint.green('made anew')}  ${view}`);
    return 0;
  } catch (thrown) {
    const { code, message } = toFailure(thrown);
    if (code !== 'conflict') throw thrown;
    throw new CliError(code, message, 'Stop it first: a view has one writer.', { cause: thrown });
  } finally {
    line.end();
  }
};

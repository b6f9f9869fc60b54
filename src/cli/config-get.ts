// SPDX-License-Identifier: Apache-2.0
// `sigil config get KEY`: one value as `config show` writes it.

import { stringify } from 'yaml';
import { configGet } from '../config/get.ts';
import { CliError } from './cli-error.ts';
import type { CommandRun } from './command.ts';
import { configOf } from './config-source.ts';
import { hideSecrets } from './secret-source.ts';

export const run: CommandRun = async (call) => {
  const { declared } = await configOf(call);
  const { redactor } = call.composition;
  hideSecrets(declared, redactor);
  const found = configGet(declared, call.args[0] ?? '');
  if (!found.ok) {
    throw new CliError('not_found', found.message, '`sigil config show` prints every key.');
  }
  const value = redactor.data(found.value);
  if (call.output.json) call.output.document(value);
  // A script wants the bare text; YAML would quote what looks like a number.
  else if (typeof value === 'string') call.output.line(value);
  else if (value !== null) call.output.write(stringify(value, { lineWidth: 0 }));
  return 0;
};

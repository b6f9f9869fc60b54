// SPDX-License-Identifier: Apache-2.0
// `sigil config show`: the whole configuration with defaults, secrets hidden.

import { configShow, configShowYaml } from '../config/show.ts';
import type { CommandRun } from './command.ts';
import { configOf } from './config-source.ts';
import { hideSecrets } from './secret-source.ts';

export const run: CommandRun = async (call) => {
  const { declared } = await configOf(call);
  const { redactor } = call.composition;
  hideSecrets(declared, redactor);
  if (call.output.json) call.output.document(redactor.data(configShow(declared)));
  else call.output.write(redactor.text(await configShowYaml(declared)));
  return 0;
};

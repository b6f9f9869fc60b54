// SPDX-License-Identifier: Apache-2.0
// `sigil config show`: the whole configuration with defaults, secrets hidden.

import { configShow, configShowYaml } from '../config/show.ts';
import type { CommandRun } from './command.ts';
import { configOf } from './config-source.ts';

export const run: CommandRun = async (call) => {
  const { declared } = await configOf(call);
  if (call.output.json) call.output.document(configShow(declared));
  else call.output.write(await configShowYaml(declared));
  return 0;
};

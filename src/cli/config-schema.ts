// SPDX-License-Identifier: Apache-2.0
// `sigil config schema`: the JSON Schema of `sigil.yaml`, for editors.

import { configJsonSchema } from '../config/json-schema.ts';
import type { CommandRun } from './command.ts';

export const run: CommandRun = async ({ output }) => {
  output.document(configJsonSchema());
  return 0;
};

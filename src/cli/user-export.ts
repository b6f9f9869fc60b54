// SPDX-License-Identifier: Apache-2.0
// `sigil user export ID`: everything that is held about somebody as one JSON document, to stdout or where --output says.

import type { CommandRun } from './command.ts';
import { saveExport } from './export-file.ts';

export const run: CommandRun = async (call) => {
  const [user_id = ''] = call.args;
  return await saveExport(call, `/api/v1/users/${encodeURIComponent(user_id)}/export`, { user_id });
};

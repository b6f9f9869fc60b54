// SPDX-License-Identifier: Apache-2.0
// `sigil session export SESSION`: a session as a file, to stdout or where --output says.

import type { CommandRun } from './command.ts';
import { saveExport } from './export-file.ts';
import { withQuery } from './pages.ts';

export const run: CommandRun = async (call) => {
  const format = call.value('format') ?? 'jsonl';
  const [session_id = ''] = call.args;
  const path = withQuery(`/api/v1/sessions/${encodeURIComponent(session_id)}/export`, { format });
  return await saveExport(call, path, { session_id, format });
};

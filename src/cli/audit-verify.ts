// SPDX-License-Identifier: Apache-2.0
// `sigil audit verify`: walks the audit's chain; exit status 1 when an entry is not what was written.

import { EXIT, wrongUsage } from './cli-error.ts';
import type { CommandRun } from './command.ts';
import { withGateway } from './connect.ts';
import { number, object, text } from './json-reading.ts';
import { withQuery } from './pages.ts';
import { oneLine } from './terminal-text.ts';

const HEAD = /^\d{1,15}:[0-9a-f]{64}$/;
/** A long audit takes its time. */
const VERIFY_MS = 600_000;

export const run: CommandRun = async (call) => {
  const { output } = call;
  const kept = call.value('kept');
  if (kept !== undefined && !HEAD.test(kept))
    throw wrongUsage(`--kept is no head: ${JSON.stringify(kept)}.`, 'Give what `sigil audit verify --head` printed.');
  const path = withQuery('/api/v1/audit/verify', { kept });
  const check = object(await withGateway(call, (client) => client.get(path, { timeoutMs: VERIFY_MS })));
  const head = object(check['head']);
  const newest = `${number(head['n'])}:${oneLine(text(head['hash']))}`;
  const sound = check['broken'] === null;
  if (output.json) output.document(check);
  else if (!sound) {
    const says = oneLine(text(object(check['broken'])['message']));
    output.note(`${output.notePaint.red('The audit is not what was written.')} ${says}`);
    output.note(`${number(check['checked'])} entries from the first on are sound; compare with a copy of journal.db.`);
  } else if (call.flag('head')) output.line(newest);
  else {
    const until = kept === undefined ? '' : ', and up to the one that was kept the same as then';
    output.line(`${number(check['checked'])} entries, each as it was written${until}. Newest: ${newest}`);
  }
  return sound ? EXIT.done : EXIT.failed;
};

// SPDX-License-Identifier: Apache-2.0
// `sigil session export SESSION`: a session as a file, to stdout or where --output says.

import { createWriteStream, renameSync, rmSync } from 'node:fs';
import { resolve } from 'node:path';
import { Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { CliError, EXIT, wrongUsage } from './cli-error.ts';
import type { CommandRun } from './command.ts';
import { withGateway } from './connect.ts';
import { withQuery } from './pages.ts';

export const run: CommandRun = async (call) => {
  const { output, args } = call;
  const format = call.value('format') ?? 'jsonl';
  const name = call.value('output');
  const file = name === undefined || name === '-' ? undefined : resolve(name);
  // The export itself is what goes to stdout: no document fits beside it.
  if (output.json && file === undefined)
    throw wrongUsage('--json says what was written, so it needs --output.', 'Add --output FILE, or leave --json out.');
  const path = withQuery(`/api/v1/sessions/${encodeURIComponent(args[0] ?? '')}/export`, { format });
  const answer = await withGateway(call, (client) => client.open('GET', path));
  const part = file === undefined ? undefined : `${file}.part`;
  let bytes = 0;
  const stdout = new Writable({ write: (chunk, _encoding, done) => void process.stdout.write(chunk, done) });
  const sink = part === undefined ? stdout : createWriteStream(part, { mode: 0o600 });
  answer.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
  });
  try {
    await pipeline(answer, sink);
  } catch (cause) {
    if (part !== undefined) rmSync(part, { force: true });
    const { code } = cause as NodeJS.ErrnoException;
    if (code === 'EPIPE') return EXIT.done;
    const wrote = code !== undefined && /^E(?:NOSPC|ACCES|NOENT|ISDIR|ROFS|DQUOT|IO)$/.test(code);
    if (wrote)
      throw new CliError('storage_failed', `${file} cannot be written (${code}).`, 'Choose another --output.', {
        cause,
      });
    const says = 'The gateway broke the export off before it was whole.';
    throw new CliError('connection_lost', says, 'Its log says why; run the command again.', { cause });
  }
  if (file === undefined || part === undefined) return EXIT.done;
  renameSync(part, file);
  if (output.json) output.document({ session_id: args[0], format, file, bytes });
  else output.note(`${file}: ${bytes} bytes`);
  return EXIT.done;
};

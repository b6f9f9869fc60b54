// SPDX-License-Identifier: Apache-2.0
// What a gateway exports, to stdout or to the file of --output, which gets its name once it is whole.

import { createWriteStream, renameSync, rmSync } from 'node:fs';
import { resolve } from 'node:path';
import { Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { CliError, EXIT, wrongUsage } from './cli-error.ts';
import type { Call } from './command.ts';
import { withGateway } from './connect.ts';
import { notWritten } from './not-written.ts';

/** @param facts what is told of it with --json */
export async function saveExport(call: Call, path: string, facts: Readonly<Record<string, unknown>>): Promise<number> {
  const { output } = call;
  const name = call.value('output');
  const file = name === undefined || name === '-' ? undefined : resolve(name);
  // The export itself is what goes to stdout: no document fits beside it.
  if (output.json && file === undefined)
    throw wrongUsage('--json says what was written, so it needs --output.', 'Add --output FILE, or leave --json out.');
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
    const wrote = code !== undefined && /^E(?:NOSPC|ACCES|NOENT|ISDIR|ROFS|DQUOT|IO|BUSY|FBIG|PERM)$/.test(code);
    if (wrote) throw notWritten(cause, file ?? 'stdout', bytes);
    const says = 'The gateway broke the export off before it was whole.';
    throw new CliError('connection_lost', says, 'Its log says why; run the command again.', { cause });
  }
  if (file === undefined || part === undefined) return EXIT.done;
  renameSync(part, file);
  if (output.json) output.document({ ...facts, file, bytes });
  else output.note(`${file}: ${bytes} bytes`);
  return EXIT.done;
}

// SPDX-License-Identifier: Apache-2.0
// `sigil session import FILE`: hands an exported session to the gateway, line by line.

import { createReadStream, statSync } from 'node:fs';
import { resolve } from 'node:path';
import { type Readable, Transform } from 'node:stream';
import { CliError } from './cli-error.ts';
import type { CommandRun } from './command.ts';
import { withGateway } from './connect.ts';
import { number, object, parsed, text } from './json-reading.ts';
import { withQuery } from './pages.ts';
import { progressLine } from './progress-line.ts';

const TYPE = { 'content-type': 'application/x-ndjson', accept: 'application/json' };

function bytesOf(file: string): number {
  const found = statSync(file, { throwIfNoEntry: false });
  if (found?.isFile() === true) return found.size;
  throw new CliError(
    'not_found',
    `${file} is no file.`,
    'Name a file that `sigil session export` wrote, or - for stdin.',
  );
}

export const run: CommandRun = async (call) => {
  const { output, args } = call;
  const [name = ''] = args;
  const line = progressLine(output);
  const file = name === '-' ? undefined : resolve(name);
  const total = file === undefined ? 0 : bytesOf(file);
  /** The file anew: a gateway that cannot be reached is tried at another address. */
  const source = (): Readable => {
    let done = 0;
    const counted = new Transform({
      transform(chunk: Buffer, _encoding, next) {
        done += chunk.length;
        line.show(total === 0 ? 'importing' : `importing ${Math.floor((100 * done) / total)} %`);
        next(null, chunk);
      },
    });
    const from: Readable = file === undefined ? process.stdin : createReadStream(file);
    from.once('error', (error: Error) => counted.destroy(error));
    return from.pipe(counted);
  };
  const path = withQuery('/api/v1/sessions/import', { workspace_id: call.value('workspace') });
  try {
    const body = await withGateway(call, async (client) => {
      const answer = await client.open('POST', path, { stream: source(), headers: TYPE });
      const chunks: Buffer[] = [];
      for await (const chunk of answer) chunks.push(chunk as Buffer);
      return object(parsed(Buffer.concat(chunks).toString('utf8')));
    });
    line.end();
    if (output.json) output.document(body);
    else {
      const [turns, imported] = [number(body['turns']), number(body['imported'])];
      const known = turns === imported ? '' : `, ${turns - imported} of them were there already`;
      output.line(`session ${text(body['session_id'])} in ${text(body['workspace_id'])}: ${turns} turns${known}`);
    }
    return 0;
  } finally {
    line.end();
  }
};

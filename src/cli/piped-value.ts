// SPDX-License-Identifier: Apache-2.0
// A value that comes on stdin instead of the command line: bounded, in UTF-8, without the newline an editor puts at its end.

import { wrongUsage } from './cli-error.ts';

/** More is no value; whoever pipes a disk in by mistake is not to wait for all of it. */
const MOST = 1_048_576;

/** @throws CliError `wrong_usage` for what is no text */
export async function pipedValue(): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of process.stdin as AsyncIterable<Buffer>) {
    chunks.push(chunk);
    bytes += chunk.length;
    if (bytes > MOST) break;
  }
  try {
    // `echo` and editors end with a newline; no value means to.
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
      .decode(Buffer.concat(chunks))
      .replace(/\r?\n$/, '');
  } catch {
    throw wrongUsage('What came on stdin is no text in UTF-8.', 'Write binary data as base64.');
  }
}

// SPDX-License-Identifier: Apache-2.0
// Text that is piped in: read to its end, within a bound.

import { wrongUsage } from './cli-error.ts';

/** As much as a request body may hold; the gateway's own limit is told by itself. */
const MOST_INPUT = 8 * 1024 * 1024;

/** @throws CliError when it is longer than any message may be */
export async function pipedText(): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of process.stdin) {
    const bytes = chunk as Buffer;
    size += bytes.length;
    if (size > MOST_INPUT) throw wrongUsage('What is piped in is too long for a message.', 'Send 1 MiB at most.');
    chunks.push(bytes);
  }
  return Buffer.concat(chunks).toString('utf8');
}

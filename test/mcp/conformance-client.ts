// SPDX-License-Identifier: Apache-2.0
// The client that the official conformance runner starts: it goes through our own door to the server the runner names.

import { realWorld } from '../../src/composition/real-world.ts';
import { connectMcp } from '../../src/mcp/client.ts';

const url = process.argv.at(-1) ?? '';
/** What a scenario wants called; one without a tool wants a connection only. */
const CALLS: Readonly<Record<string, readonly [string, Readonly<Record<string, unknown>>]>> = {
  tools_call: ['add_numbers', { a: 5, b: 3 }],
  'sse-retry': ['test_reconnection', {}],
};

const connection = await connectMcp({
  server: { kind: 'http', url, headers: {} },
  version: '1.0.0',
  world: realWorld,
  signal: new AbortController().signal,
  cut: (content) => ({ content, truncated: false }),
  said: (line) => void process.stderr.write(`${line}\n`),
  child: () => undefined,
  listed: () => undefined,
  lost: (why) => void process.stderr.write(`lost: ${why}\n`),
});
const tools = connection.list.tools.map(({ name }) => name);
const [name, args] = CALLS[process.env['MCP_CONFORMANCE_SCENARIO'] ?? ''] ?? [];
if (name !== undefined) {
  if (!tools.includes(name)) throw new Error(`there is no ${name} among ${tools.join(', ')}`);
  const { content, is_error } = await connection.call(name, args ?? {}, {
    ...{ signal: new AbortController().signal, within: 20_000 },
  });
  process.stdout.write(`${content}\n`);
  if (is_error) process.exitCode = 1;
}
connection.close();

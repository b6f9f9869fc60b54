// SPDX-License-Identifier: Apache-2.0
// A server of tools made with the official SDK: what tests call over stdio and over HTTP.

import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { z } from 'zod';

/** What a server of the tests did. */
export interface Seen {
  /** Calls whose caller gave up. */
  cancelled: string[];
  /** Tools that began. */
  began: string[];
}

/** @param ask what a tool may try to have of us */
export function makeToolbox(seen: Seen = { cancelled: [], began: [] }): McpServer {
  const server = new McpServer({ name: 'toolbox', version: '1.2.3' });
  const text = (said: string) => ({ content: [{ type: 'text' as const, text: said }] });

  server.registerTool(
    'add',
    {
      description: 'Adds two numbers.',
      inputSchema: { a: z.number(), b: z.number() },
      annotations: { readOnlyHint: true },
    },
    ({ a, b }) => text(String(a + b)),
  );
  server.registerTool('parts', { description: 'Answers in all kinds of parts.' }, () => ({
    content: [
      { type: 'text', text: 'first' },
      { type: 'image', data: Buffer.alloc(3_000).toString('base64'), mimeType: 'image/png' },
      { type: 'audio', data: 'AAAA', mimeType: 'audio/wav' },
      { type: 'resource', resource: { uri: 'file:///notes.txt', mimeType: 'text/plain', text: 'in the notes' } },
      { type: 'resource_link', uri: 'file:///far.txt', name: 'far' },
    ],
    structuredContent: { sum: 3 },
  }));
  server.registerTool('fails', { description: 'Fails.', annotations: { destructiveHint: true } }, () => ({
    ...text('there is no such drawer'),
    isError: true,
  }));
  server.registerTool('long', { description: 'Answers at length.' }, () => text('x'.repeat(300_000)));
  server.registerTool('env', { description: 'Tells its environment.' }, () =>
    text(JSON.stringify(Object.entries(process.env).sort())),
  );
  server.registerTool('pid', { description: 'Tells its process.' }, () => text(String(process.pid)));
  server.registerTool('die', { description: 'Ends its process.' }, () => {
    process.stderr.write('the toolbox fell off the table\n');
    process.exit(3);
  });
  server.registerTool('wait', { description: 'Never answers.' }, (extra) => {
    seen.began.push('wait');
    process.stderr.write('the wait began\n');
    return new Promise((_, reject) => {
      extra.signal.addEventListener('abort', () => {
        seen.cancelled.push('wait');
        process.stderr.write('the wait was cancelled\n');
        reject(new Error('cancelled'));
      });
    });
  });
  server.registerTool('grow', { description: 'Has one tool more from now on.' }, () => {
    server.registerTool(`grown_${Math.random().toString(36).slice(2)}`, { description: 'New.' }, () => text('new'));
    return text('grown');
  });
  // What a server may want of a client that offers nothing.
  server.registerTool('wants', { description: 'Wants a model, a person and files.' }, async () => {
    const told = async (asked: Promise<unknown>): Promise<string> =>
      await asked.then(
        () => 'given',
        (error: Error) => error.message,
      );
    const { server: raw } = server;
    const requestedSchema = { type: 'object' as const, properties: {} };
    const message = { role: 'user' as const, content: { type: 'text' as const, text: 'hi' } };
    return text(
      [
        await told(
          raw.request({ method: 'sampling/createMessage', params: { messages: [message], maxTokens: 1 } }, z.any()),
        ),
        await told(
          raw.request({ method: 'elicitation/create', params: { message: 'who?', requestedSchema } }, z.any()),
        ),
        await told(raw.request({ method: 'roots/list' }, z.any())),
      ].join('\n'),
    );
  });
  return server;
}

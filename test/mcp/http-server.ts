// SPDX-License-Identifier: Apache-2.0
// The toolbox over HTTP: sessions, the header it wants, and how a test ends or empties it.

import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import { makeToolbox, type Seen } from './toolbox.ts';

export interface HttpToolbox {
  readonly url: string;
  readonly seen: Seen;
  /** Sessions begun so far. */
  sessions(): number;
  /** Forgets all sessions, as a restart would. */
  forget(): void;
  close(): Promise<void>;
}

export interface HttpToolboxOptions {
  /** The value of `x-toolbox-key` without which nothing is answered. */
  readonly key?: string;
  readonly port?: number;
  /** Answers instead of the toolbox; true when it did. */
  readonly before?: (request: IncomingMessage, response: ServerResponse) => boolean;
}

export async function startHttpToolbox({ key, port = 0, before }: HttpToolboxOptions = {}): Promise<HttpToolbox> {
  const seen: Seen = { cancelled: [], began: [] };
  const sessions = new Map<string, StreamableHTTPServerTransport>();
  let begun = 0;
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    if (before?.(request, response)) return;
    if (key !== undefined && request.headers['x-toolbox-key'] !== key) {
      response.writeHead(401).end('who are you?');
      return;
    }
    const id = request.headers['mcp-session-id'];
    const known = typeof id === 'string' ? sessions.get(id) : undefined;
    if (known !== undefined) return await known.handleRequest(request, response);
    if (id !== undefined) {
      response.writeHead(404).end('no such session');
      return;
    }
    const transport = new StreamableHTTPServerTransport({
      sessionIdGenerator: () => randomUUID(),
      onsessioninitialized: (made) => {
        begun += 1;
        sessions.set(made, transport);
      },
      onsessionclosed: (ended) => void sessions.delete(ended),
    });
    await makeToolbox(seen).connect(transport as Parameters<ReturnType<typeof makeToolbox>['connect']>[0]);
    await transport.handleRequest(request, response);
  };
  const server: Server = createServer((request, response) => {
    answer(request, response).catch(() => response.destroy());
  });
  await new Promise<void>((up) => server.listen(port, '127.0.0.1', up));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`,
    seen,
    sessions: () => begun,
    forget: () => {
      for (const transport of sessions.values()) void transport.close();
      sessions.clear();
    },
    close: async () => {
      server.closeAllConnections();
      await new Promise((down) => server.close(down));
    },
  };
}

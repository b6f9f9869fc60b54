// SPDX-License-Identifier: Apache-2.0
// Prism between the walk and a gateway: it holds everything that goes through it against the document and says what does not fit.

import { spawn } from 'node:child_process';
import { createServer as createHttp } from 'node:http';
import { createServer } from 'node:net';
import { until } from '../edge/client.ts';
import { commandOf, DOCUMENT } from './checkers.ts';

export interface Proxy {
  readonly port: number;
  close(): Promise<void>;
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const at = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof at === 'object' && at !== null ? at.port : 0;
}

/** Whether it would notice an answer that is not as documented: it is asked before a server that lies about its health. */
export async function noticesLies(): Promise<boolean> {
  const liar = createHttp((_request, response) => {
    response.writeHead(200, { 'Content-Type': 'application/json', 'X-Request-Id': 'r' }).end('{"status":"splendid"}');
  });
  await new Promise<void>((resolve) => liar.listen(0, '127.0.0.1', resolve));
  const at = liar.address();
  const proxy = await startProxy(`http://127.0.0.1:${typeof at === 'object' && at !== null ? at.port : 0}`);
  const answer = await fetch(`http://127.0.0.1:${proxy.port}/health`);
  await answer.text();
  await proxy.close();
  await new Promise((resolve) => liar.close(resolve));
  return answer.headers.get('sl-violations')?.includes('response') === true;
}

/** @param gateway where requests go on to */
export async function startProxy(gateway: string): Promise<Proxy> {
  const port = await freePort();
  const args = [
    'proxy',
    DOCUMENT,
    gateway,
    '--host',
    '127.0.0.1',
    '--port',
    String(port),
    '--validate-request',
    'true',
  ];
  const child = spawn(process.execPath, [commandOf('@stoplight/prism-cli', 'prism'), ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, NO_COLOR: '1' },
  });
  let said = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => {
      said = `${said}${text}`.slice(-4_000);
    });
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  await until(() => {
    if (child.exitCode !== null) throw new Error(`Prism ended: ${said}`);
    return said.includes('is listening');
  }, 60_000);
  return {
    port,
    close: async () => {
      child.kill('SIGTERM');
      await ended;
    },
  };
}

// SPDX-License-Identifier: Apache-2.0
// An IRC server that says what a test wants: for SASL, accounts and silences, which need services no package brings.

import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { until } from '../../edge/client.ts';

export interface ScriptedServer extends AsyncDisposable {
  readonly port: number;
  /** Every line of the client's. */
  readonly heard: string[];
  /** Says something to the client. */
  say(line: string): void;
  hears(pattern: RegExp): Promise<string>;
}

/** @param answer what is said to a line; null: what every server says to it */
export async function scriptedServer(answer: (line: string) => readonly string[] | null): Promise<ScriptedServer> {
  const heard: string[] = [];
  let client: Socket | null = null;
  const say = (line: string) => client?.write(`${line}\r\n`);
  let nick = 'sigil';
  const usual = (line: string): readonly string[] => {
    const [command = '', first = ''] = line.split(' ');
    if (command === 'NICK') nick = first;
    if (command === 'USER') return [`:srv 001 ${nick} :Welcome`, `:srv 376 ${nick} :End of MOTD`];
    if (command === 'PING') return [`:srv PONG srv :${line.slice(5).replace(/^:/, '')}`];
    if (command === 'JOIN') return [`:${nick}!s@host JOIN ${first}`];
    return [];
  };
  const server = createServer((socket) => {
    client = socket;
    let rest = '';
    socket.on('error', () => undefined);
    socket.setEncoding('utf8').on('data', (chunk: string) => {
      const all = `${rest}${chunk}`.split('\r\n');
      rest = all.pop() ?? '';
      for (const line of all) {
        heard.push(line);
        for (const reply of answer(line) ?? usual(line)) say(reply);
      }
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return {
    port: address.port,
    heard,
    say,
    async hears(pattern) {
      await until(() => heard.some((line) => pattern.test(line)));
      return heard.find((line) => pattern.test(line)) ?? '';
    },
    async [Symbol.asyncDispose]() {
      client?.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

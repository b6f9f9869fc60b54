// SPDX-License-Identifier: Apache-2.0
// Somebody on IRC: a socket, a nick and what they see, with nothing between them and the protocol.

import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { until } from '../../edge/client.ts';

export class Person {
  readonly nick: string;
  /** Every line of the server's, as it came. */
  readonly lines: string[] = [];
  readonly #socket: Socket;
  #rest = '';

  private constructor(nick: string, socket: Socket) {
    this.nick = nick;
    this.#socket = socket;
    socket.setEncoding('utf8').on('data', (chunk: string) => {
      const lines = `${this.#rest}${chunk}`.split('\r\n');
      this.#rest = lines.pop() ?? '';
      for (const line of lines) {
        if (line.startsWith('PING')) this.write(line.replace('PING', 'PONG'));
        this.lines.push(line);
      }
    });
    socket.on('error', () => undefined);
  }

  static async connect(
    port: number,
    nick: string,
    { password, channel }: { readonly password?: string; readonly channel?: string } = {},
  ): Promise<Person> {
    const socket = connect(port, '127.0.0.1');
    await once(socket, 'connect');
    const person = new Person(nick, socket);
    if (password !== undefined) person.write(`PASS ${password}`);
    person.write(`NICK ${nick}`);
    person.write(`USER ${nick} 0 * :${nick}`);
    await person.sees(/ (376|422) /);
    if (channel !== undefined) {
      person.write(`JOIN ${channel}`);
      await person.sees(/ 366 /);
    }
    return person;
  }

  write(line: string): void {
    this.#socket.write(`${line}\r\n`);
  }

  /** Says something; resolves once the socket has room for more. */
  async say(target: string, text: string, command = 'PRIVMSG'): Promise<void> {
    if (!this.#socket.write(`${command} ${target} :${text}\r\n`)) await once(this.#socket, 'drain');
  }

  /** Waits for a line after the first so many. */
  async sees(pattern: RegExp, after = 0): Promise<string> {
    const find = () => this.lines.slice(after).find((line) => pattern.test(line));
    await until(() => find() !== undefined).catch(() => {
      throw new Error(`${this.nick} never saw ${pattern}; last: ${this.lines.slice(-5).join(' | ')}`);
    });
    return find() ?? '';
  }

  leave(): void {
    this.#socket.destroy();
  }
}

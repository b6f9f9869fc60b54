// SPDX-License-Identifier: Apache-2.0
// A client of streamed answers as people write them: node's own HTTP, a parser of events, JSON. The same for a gateway and a vendor.

import { Agent, request } from 'node:http';
import { createParser } from 'eventsource-parser';

/** What is asked one after the other. */
export interface Talk {
  /** Where, with its path. */
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  /** The next request, JSON text. */
  next(): string;
  /** The text of an event that brings some. @param event empty where events have no names */
  textOf(event: string, data: string): string | undefined;
  /** The first event of an answer. */
  began(data: string): void;
}

/** One who talks: one connection that is kept open, with one request on its way. */
export class StreamClient {
  readonly #talk: Talk;
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 1 });

  constructor(talk: Talk) {
    this.#talk = talk;
  }

  /**
   * Asks, and answers how many tokens it was told once all is there.
   *
   * @param heard called for each of them as it comes
   */
  turn(heard: () => void = () => undefined): Promise<number> {
    const { url, headers, next, textOf, began } = this.#talk;
    const body = next();
    let events = 0;
    let tokens = 0;
    let failed = '';
    const parser = createParser({
      onEvent: ({ event = '', data }) => {
        if (events === 0) began(data);
        events += 1;
        if (event === 'error') failed = data;
        const text = textOf(event, data);
        if (text === undefined || text === '') return;
        tokens += 1;
        heard();
      },
    });
    return new Promise((resolve, reject) => {
      const options = {
        method: 'POST',
        agent: this.#agent,
        headers: { ...headers, 'content-length': Buffer.byteLength(body) },
      };
      const sent = request(url, options, (response) => {
        let refusal = '';
        response.setEncoding('utf8');
        response.on('data', (text: string) => {
          if (response.statusCode === 200) parser.feed(text);
          else refusal += text;
        });
        response.once('end', () => {
          const why = refusal || failed;
          if (why === '') resolve(tokens);
          else reject(new Error(why));
        });
        response.once('error', reject);
      });
      sent.once('error', reject);
      sent.end(body);
    });
  }

  close(): void {
    this.#agent.destroy();
  }
}

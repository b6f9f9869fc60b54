// SPDX-License-Identifier: Apache-2.0
// Event streams as bytes: chunks of any text, readers that speak an older HTTP, readers that go away or do not read.

import { createServer, get, type Server } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { expect, it, onTestFinished } from 'vitest';
import { realWorld } from '../../src/composition/real-world.ts';
import { EventStream, frame, Heartbeat } from '../../src/edge/event-stream.ts';
import { until } from './client.ts';

/** A server that gives each request's stream to the test. */
async function serving(
  use: (stream: EventStream) => void,
): Promise<{ readonly port: number; readonly server: Server }> {
  const heartbeat = new Heartbeat(realWorld);
  const server = createServer((_, response) => use(new EventStream(response, realWorld, heartbeat)));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { port: (server.address() as AddressInfo).port, server };
}

/** Everything that comes over a bare socket until the other side ends. */
function raw(port: number, request: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1' }, () => socket.write(request));
    let told = '';
    socket.setEncoding('utf8');
    socket.on('data', (text: string) => {
      told += text;
    });
    socket.on('end', () => {
      socket.end();
      resolve(told);
    });
    socket.on('error', reject);
  });
}

const TEXTS = ['a', 'Grüße aus Köln', '漢字と😀', 'x'.repeat(70_000), ''];

it('frames any text so that a reader gets it whole, and leaves the connection usable', async () => {
  const { port } = await serving((stream) => {
    for (const text of TEXTS) stream.write(frame('text', { text }));
    stream.end(frame('last', {}));
  });
  const read = (): Promise<string> =>
    new Promise((resolve, reject) => {
      get({ port, host: '127.0.0.1' }, (response) => {
        let told = '';
        response.setEncoding('utf8');
        response.on('data', (text: string) => {
          told += text;
        });
        response.on('end', () => resolve(told));
      }).on('error', reject);
    });
  const expected = `${TEXTS.map((text) => frame('text', { text })).join('')}${frame('last', {})}`;
  expect(await read()).toBe(expected);
  expect(await read()).toBe(expected);
});

it('speaks without chunks to who knows none', async () => {
  const { port } = await serving((stream) => {
    stream.write(frame('text', { text: 'ä' }));
    stream.end('');
  });
  const told = await raw(port, 'GET / HTTP/1.0\r\n\r\n');
  expect(told.slice(told.indexOf('\r\n\r\n') + 4)).toBe(frame('text', { text: 'ä' }));
});

it('answers a second request that came before the first was over after it', async () => {
  const streams: EventStream[] = [];
  const { port } = await serving((stream) => streams.push(stream));
  const told = raw(port, 'GET / HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
  await until(() => streams.length === 2);
  streams[1]?.write(frame('second', {}));
  streams[0]?.write(frame('first', {}));
  streams[0]?.end('');
  streams[1]?.write(frame('second', { again: true }));
  streams[1]?.end('');
  const text = await told;
  const places = ['event: first', 'event: second', '"again":true'].map((part) => text.indexOf(part));
  expect(places.every((place) => place > 0)).toBe(true);
  expect(places).toEqual(places.toSorted((one, other) => one - other));
});

it('waits for a reader that does not read, and goes on when it does', async () => {
  let open: EventStream | undefined;
  const { port } = await serving((stream) => {
    open = stream;
  });
  const socket = connect({ port, host: '127.0.0.1' }, () => socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n'));
  onTestFinished(() => void socket.destroy());
  await until(() => open !== undefined);
  socket.pause();
  const part = frame('text', { text: 'x'.repeat(60_000) });
  for (let at = 0; at < 400; at += 1) open?.write(part);
  expect(open?.waiting).toBeGreaterThan(1_000_000);
  expect(await open?.drained(20)).toBe(false);
  const drained = open?.drained(10_000);
  socket.resume();
  expect(await drained).toBe(true);
  expect(open?.waiting).toBe(0);
});

it('is over when its reader has gone, and a write then says so', async () => {
  let closed = false;
  let open: EventStream | undefined;
  const { port, server } = await serving((stream) => {
    open = stream;
    stream.onClose(() => {
      closed = true;
    });
  });
  server.on('clientError', () => expect.unreachable('a reader that went away is no broken request'));
  const socket = connect({ port, host: '127.0.0.1' }, () => socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n'));
  await until(() => open !== undefined);
  socket.end();
  await until(() => {
    open?.write(frame('text', {}));
    return closed;
  });
  expect(open?.write(frame('text', {}))).toBe(false);
});

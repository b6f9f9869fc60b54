// SPDX-License-Identifier: Apache-2.0
// What strangers send over the wire by hand: no framing two readers could disagree about, no target that leads elsewhere, nobody who dribbles.

import { connect, type Socket } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { realWorld } from '../../src/composition/real-world.ts';
import { createEdge, type Patience } from '../../src/edge/server.ts';
import { until } from '../edge/client.ts';
import { FakeHouse } from '../edge/fake-house.ts';
import { setUp } from '../edge/setup.ts';

const TOKEN = 'Authorization: Bearer owner-token\r\n';
const HEAD = `Host: localhost\r\n${TOKEN}`;
const CLOSE = 'Connection: close\r\n';
const JSON_TYPE = 'Content-Type: application/json\r\n';
const CHAT = 'POST /api/v1/chat HTTP/1.1\r\n';
const CHUNKED = 'Transfer-Encoding: chunked\r\n';
const SMUGGLED = 'GET /api/v1/status HTTP/1.1\r\nHost: localhost\r\n\r\n';
const BODY = '{"content":"hi"}';
const CHUNK = `${BODY.length.toString(16)}\r\n${BODY}\r\n`;

/** Bytes, and the statuses that come back for them, in order, until the connection is closed. */
const SENT: readonly (readonly [what: string, bytes: string, statuses: readonly number[]])[] = [
  ['a length and chunks', `${CHAT}${HEAD}${JSON_TYPE}Content-Length: 6\r\n${CHUNKED}\r\n0\r\n\r\n${SMUGGLED}`, [400]],
  ['chunks and a length', `${CHAT}${HEAD}${JSON_TYPE}${CHUNKED}Content-Length: 6\r\n\r\n0\r\n\r\n${SMUGGLED}`, [400]],
  ['two lengths', `${CHAT}${HEAD}Content-Length: 1\r\nContent-Length: 2\r\n\r\n{}`, [400]],
  ['two equal lengths', `${CHAT}${HEAD}Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}`, [400]],
  ['a list of lengths', `${CHAT}${HEAD}Content-Length: 2, 2\r\n\r\n{}`, [400]],
  ['a length with a sign', `${CHAT}${HEAD}Content-Length: +2\r\n\r\n{}`, [400]],
  ['a length below nothing', `${CHAT}${HEAD}Content-Length: -2\r\n\r\n{}`, [400]],
  ['a length in hexadecimal', `${CHAT}${HEAD}Content-Length: 0x2\r\n\r\n{}`, [400]],
  ['a length without end', `${CHAT}${HEAD}Content-Length: 99999999999999999999\r\n\r\n{}`, [400]],
  [
    'an encoding besides chunks',
    `${CHAT}${HEAD}${JSON_TYPE}Transfer-Encoding: gzip, chunked\r\n\r\n${CHUNK}0\r\n\r\n`,
    [400],
  ],
  [
    'chunks that are not last',
    `${CHAT}${HEAD}${JSON_TYPE}Transfer-Encoding: chunked, gzip\r\n\r\n${CHUNK}0\r\n\r\n`,
    [400],
  ],
  ['chunks twice', `${CHAT}${HEAD}${JSON_TYPE}${CHUNKED}${CHUNKED}\r\n${CHUNK}0\r\n\r\n`, [400]],
  ['no encoding by name', `${CHAT}${HEAD}${JSON_TYPE}Transfer-Encoding: identity\r\n\r\n${BODY}`, [400]],
  ['an encoding with a space before the colon', `${CHAT}${HEAD}Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n`, [400]],
  ['an encoding on a second line', `${CHAT}${HEAD}X: y\r\n Transfer-Encoding: chunked\r\n\r\n`, [400]],
  ['a chunk whose size is no number', `${CHAT}${HEAD}${JSON_TYPE}${CHUNKED}\r\nzz\r\n`, [400]],
  ['a chunk with a size below nothing', `${CHAT}${HEAD}${JSON_TYPE}${CHUNKED}\r\n-1\r\n`, [400]],
  ['a chunk longer than it says', `${CHAT}${HEAD}${JSON_TYPE}${CHUNKED}\r\n2\r\n${BODY}\r\n0\r\n\r\n`, [400]],
  ['a chunk without end', `${CHAT}${HEAD}${JSON_TYPE}${CHUNKED}\r\nfffffffffffffffff\r\n`, [400]],
  ['chunks ended by line feeds alone', `${CHAT}${HEAD}${JSON_TYPE}${CHUNKED}\r\n10\n${BODY}\n0\n\n`, [400]],
  [
    'extensions of a chunk by the kilobyte',
    `${CHAT}${HEAD}${JSON_TYPE}${CHUNKED}\r\n10;${'x'.repeat(20_000)}\r\n`,
    [413],
  ],
  ['lines ended by line feeds alone', 'GET /health HTTP/1.1\nHost: localhost\n\n', [400]],
  ['lines ended by carriage returns alone', 'GET /health HTTP/1.1\rHost: localhost\r\r', [400]],
  ['NUL in a header', `GET /health HTTP/1.1\r\n${HEAD}X: a\0b\r\n\r\n`, [400]],
  ['NUL in the target', `GET /hea\0lth HTTP/1.1\r\n${HEAD}\r\n`, [400]],
  ['a method nobody knows', `BREW /health HTTP/1.1\r\n${HEAD}\r\n`, [400]],
  ['a method in small letters', `get /health HTTP/1.1\r\n${HEAD}\r\n`, [400]],
  ['another protocol', `GET /health SIGIL/1.1\r\n${HEAD}\r\n`, [400]],
  ['the preface of HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', [400]],
  ['TLS', '\u0016\u0003\u0001\u0002', [400]],
  ['CONNECT', 'CONNECT evil.example:443 HTTP/1.1\r\nHost: evil.example\r\n\r\n', [405]],
  [
    'a host of its own in the target',
    `GET http://evil.example/health HTTP/1.1\r\n${HEAD}\r\n${SMUGGLED.replace('\r\n\r\n', `\r\n${CLOSE}\r\n`)}`,
    [421, 401],
  ],
  [
    'a target with somebody before the host',
    `GET http://localhost@evil.example/health HTTP/1.1\r\n${HEAD}${CLOSE}\r\n`,
    [421],
  ],
  ['a file as its target', `GET file:///etc/passwd HTTP/1.1\r\n${HEAD}${CLOSE}\r\n`, [404]],
  ['everything as its target', `OPTIONS * HTTP/1.1\r\n${HEAD}${CLOSE}\r\n`, [404]],
  [
    'a wish to speak otherwise',
    `GET /health HTTP/1.1\r\n${HEAD}Connection: Upgrade, close\r\nUpgrade: websocket\r\n\r\n`,
    [200],
  ],
  [
    'HTTP/2 over a wish',
    `GET /health HTTP/1.1\r\n${HEAD}Connection: Upgrade, HTTP2-Settings, close\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n\r\n`,
    [200],
  ],
  ['an expectation nobody knows', `GET /health HTTP/1.1\r\n${HEAD}Expect: miracles\r\n${CLOSE}\r\n`, [200]],
  [
    'a body that waits to be asked for',
    `${CHAT}${HEAD}${JSON_TYPE}Content-Length: 16\r\nExpect: 100-continue\r\n${CLOSE}\r\n${BODY}`,
    [100, 200],
  ],
  [
    'a body that waits, and is not welcome',
    `${CHAT}Host: localhost\r\nContent-Length: 16\r\nExpect: 100-continue\r\n\r\n`,
    [401],
  ],
  ['100 headers', `GET /health HTTP/1.1\r\n${HEAD}${CLOSE}${'X: y\r\n'.repeat(97)}\r\n`, [200]],
  ['a header more', `GET /health HTTP/1.1\r\n${HEAD}${CLOSE}${'X: y\r\n'.repeat(98)}\r\n`, [431]],
  ['thousands of headers', `GET /health HTTP/1.1\r\n${HEAD}${'X: y\r\n'.repeat(2_000)}\r\n`, [431]],
  ['a header of 64 KB', `GET /health HTTP/1.1\r\n${HEAD}X: ${'y'.repeat(65_536)}\r\n\r\n`, [431]],
  ['a target of 64 KB', `GET /${'y'.repeat(65_536)} HTTP/1.1\r\n${HEAD}\r\n`, [431]],
  [
    'a compressed body',
    `${CHAT}${HEAD}${JSON_TYPE}Content-Encoding: gzip\r\nContent-Length: 16\r\n${CLOSE}\r\n${BODY}`,
    [415],
  ],
  [
    'a body of a GET',
    `GET /health HTTP/1.1\r\n${HEAD}Content-Length: 5\r\n\r\nhello${`GET /health HTTP/1.1\r\n${HEAD}${CLOSE}\r\n`}`,
    [200, 200],
  ],
  ['a request and rubbish', `GET /health HTTP/1.1\r\n${HEAD}\r\nrubbish\r\n\r\n`, [200, 400]],
];

/** Targets that are to be found nowhere, whatever they would be once somebody had tidied them up. */
const NOWHERE = [
  '/%2e%2e/health',
  '/health/..',
  '/health/../health',
  '/health/%2e',
  '/./health',
  '//health',
  '/health%00',
  '/health%2f',
  '/%2fhealth',
  '/\\health',
  '/health;x=y',
  '/api/v1/users/%2e%2e/tokens',
  '/api/v1/users/..%2f..%2fhealth',
  '/api/v1/turns/%00',
  '/api/v1/turns/%c0%ae%c0%ae',
  '/api/v1/turns/%ff',
  '/api/v1/sessions/../../../etc/passwd/messages',
  '/debug/actors/%2e%2e%2f%2e%2e',
  '/debug/assets/%2e%2e/%2e%2e/package.json',
];

const statuses = (text: string): number[] =>
  [...text.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(([, status]) => Number(status));

describe('bytes by hand', () => {
  it.each(SENT)('%s', async (_, bytes, expected) => {
    const { client } = await setUp();
    const answer = await client.bytes(Buffer.from(bytes, 'latin1'));
    expect(statuses(answer)).toEqual(expected);
    for (const part of answer.split(/(?=HTTP\/1\.1 \d)/).filter((one) => /^HTTP\/1\.1 [45]/.test(one))) {
      expect(part).toMatch(/\r\ncontent-type: application\/problem\+json\r\n/i);
      expect(part).toMatch(/\r\nx-request-id: \S+\r\n/i);
      expect(JSON.parse(part.slice(part.indexOf('\r\n\r\n'))).status).toBe(Number(part.slice(9, 12)));
    }
  });

  it('finds nothing where a path only looks like one', async () => {
    const { client } = await setUp();
    for (const path of NOWHERE) {
      const answer = await client.bytes(`GET ${path} HTTP/1.1\r\n${HEAD}${CLOSE}\r\n`);
      expect([path, ...statuses(answer)]).toEqual([path, 404]);
      const stranger = await client.bytes(`GET ${path} HTTP/1.1\r\nHost: localhost\r\n${CLOSE}\r\n`);
      expect([path, [401, 404].includes(statuses(stranger)[0] ?? 0)]).toEqual([path, true]);
    }
  });

  it('answers a thousand requests sent at once in their order', async () => {
    const { client } = await setUp();
    const one = (id: number, more = '') =>
      `GET /api/v1/turns/t${id} HTTP/1.1\r\n${HEAD}X-Request-Id: r${id}\r\n${more}\r\n`;
    const all = Array.from({ length: 1_000 }, (_, id) => one(id, id === 999 ? CLOSE : ''));
    const answer = await client.bytes(all.join(''));
    const ids = [...answer.matchAll(/x-request-id: r(\d+)/gi)].map(([, id]) => Number(id));
    expect(ids).toEqual(Array.from({ length: 1_000 }, (_, id) => id));
  });
});

/** A world in which what takes so long happens when the test says so. */
function summoned(held: number) {
  const due: (() => void)[] = [];
  const after = (ms: number, run: () => void): (() => void) => {
    if (ms !== held) return realWorld.after(ms, run);
    due.push(run);
    return () => undefined;
  };
  return { world: { ...realWorld, after }, due };
}

describe('somebody who', () => {
  it('asks and never reads the answers loses the connection', async () => {
    const { world, due } = summoned(5_000);
    const { client, house } = await setUp({}, { world });
    const turn = house.open('owner');
    Object.assign(turn.row, { content: 'x'.repeat(100_000) });
    const socket = connect({ port: client.port, host: '127.0.0.1' }).pause();
    onTestFinished(() => void socket.destroy());
    const closed = new Promise<void>((resolve) => socket.on('close', () => resolve()).on('error', () => undefined));
    const ask = `GET /api/v1/turns/${turn.row.id} HTTP/1.1\r\n${HEAD}\r\n`;
    // More than the kernel holds for both sides; the gateway asks for no more of them than it can answer.
    socket.write(ask.repeat(200));
    await until(() => due.length > 0);
    for (let look = 0; look < 14; look += 1) {
      due.shift()?.();
      await client.call('GET', '/health');
    }
    // It learns of it when it reads.
    socket.resume();
    await closed;
    expect(socket.bytesRead).toBeLessThan(200 * 100_000);
  });

  it('is one connection too many is told, and room is made of those that are idle', async () => {
    const { port } = await edgeWith(3, SHORT);
    const idle = await Promise.all([1, 2, 3].map(() => opened(port)));
    // They are idle once they have asked something.
    for (const one of idle) await one.asks(`GET /health HTTP/1.1\r\n${HEAD}\r\n`, 200);
    const excess = await opened(port);
    await excess.asks(`GET /health HTTP/1.1\r\n${HEAD}\r\n`, 503);
    expect(excess.text()).toMatch(/\r\nretry-after: 1\r\n/i);
    await Promise.all([excess, ...idle].map((one) => one.closed));
    await (await opened(port)).asks(`GET /health HTTP/1.1\r\n${HEAD}\r\n`, 200);
  });

  it.each([
    ['says nothing', '', [408]],
    ['dribbles headers', `GET /health HTTP/1.1\r\nHost: localhost\r\nX-A`, [408]],
    ['dribbles a body', `${CHAT}${HEAD}${JSON_TYPE}Content-Length: 16\r\n\r\n{`, [408]],
    ['dribbles chunks', `${CHAT}${HEAD}${JSON_TYPE}${CHUNKED}\r\n1\r\n{\r\n`, [408]],
    ['says nothing more', `GET /health HTTP/1.1\r\n${HEAD}\r\n`, [200]],
  ])('%s is cut off after a time', async (_, begins, expected) => {
    const { port } = await edgeWith(100, SHORT);
    const slow = await opened(port);
    slow.socket.write(begins);
    // A byte now and then is no progress.
    const dribble = setInterval(
      () => expected[0] === 408 && begins !== '' && slow.socket.writable && slow.socket.write('1'),
      50,
    );
    onTestFinished(() => clearInterval(dribble));
    await slow.closed;
    expect(statuses(slow.text())).toEqual(expected);
  });

  it('opens five hundred connections keeps nobody else from an answer', async () => {
    // All of them are open before the first has had its time.
    const { port } = await edgeWith(600, { ...SHORT, headers: 4_000, request: 6_000 });
    const all = await Promise.all(Array.from({ length: 500 }, () => opened(port)));
    for (const { socket } of all.slice(0, 250)) socket.write(`GET /health HTTP/1.1\r\n${HEAD}\r\n`);
    await (await opened(port)).asks(`GET /health HTTP/1.1\r\n${HEAD}\r\n`, 200);
    await Promise.all(all.map(({ closed }) => closed));
    expect(all.map(({ text }) => statuses(text())[0])).toEqual([...Array(250).fill(200), ...Array(250).fill(408)]);
  });
});

const SHORT = { headers: 200, request: 400, idle: 300, look: 50 };

async function edgeWith(most: number, patience: Patience): Promise<{ readonly port: number }> {
  const edge = createEdge(new FakeHouse().ports(), most, patience);
  const { port } = await edge.listenTcp('127.0.0.1', 0);
  onTestFinished(() => edge.close(0));
  return { port };
}

interface Opened {
  readonly socket: Socket;
  readonly closed: Promise<void>;
  readonly text: () => string;
  /** Sends a request and waits for its status. */
  readonly asks: (bytes: string, status: number) => Promise<void>;
}

/** A connection that stays. */
function opened(port: number): Promise<Opened> {
  const socket = connect({ port, host: '127.0.0.1' });
  onTestFinished(() => void socket.destroy());
  let text = '';
  socket.on('data', (chunk) => {
    text += chunk;
  });
  socket.on('error', () => undefined);
  const closed = new Promise<void>((resolve) => socket.on('close', () => resolve()));
  const asks = async (bytes: string, status: number): Promise<void> => {
    socket.write(bytes);
    await until(() => statuses(text).length > 0);
    expect(statuses(text)).toEqual([status]);
  };
  return new Promise((resolve) => socket.on('connect', () => resolve({ socket, closed, text: () => text, asks })));
}

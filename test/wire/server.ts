// SPDX-License-Identifier: Apache-2.0
// A vendor on this machine: answers what it was told to, byte for byte, as badly as it was told to, and keeps what it was asked.

import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { type AddressInfo, createServer as createTcpServer, type Socket } from 'node:net';

/** What is wrong with the way an answer comes; nothing of it: all at once. */
export interface Delivery {
  /** Each byte in a chunk of its own, so that it is cut at every boundary there is. */
  readonly bytewise?: boolean;
  /** Offsets where it is cut into chunks. */
  readonly cuts?: readonly number[];
  /** Milliseconds between one chunk and the next, each in a packet of its own; 0: as fast as it can. None: all in one. */
  readonly every?: number;
  /** Its end comes a moment after its last byte, as it does from afar. */
  readonly endsLater?: boolean;
  /** Nothing comes before this is there. */
  readonly after?: Promise<unknown>;
  /** Nothing comes at all, not even a status. */
  readonly silent?: boolean;
  /** After this many bytes of its body nothing comes any more, and the connection stays open. */
  readonly hangAt?: number;
  /** After this many bytes of its body the connection is closed without a last chunk. */
  readonly cutAt?: number;
  /** Its end, from this offset on, is sent again and again for as long as somebody reads. */
  readonly endlessFrom?: number;
}

/** One answer. */
export interface WireAnswer {
  /** 200 where it is not given. */
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body: string | Uint8Array;
  readonly delivery?: Delivery;
}

/** One request as it came. */
export interface WireRequest {
  readonly method: string;
  /** With its query. */
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
  /** Parsed; undefined when there was none. */
  readonly body: unknown;
  /** Settles when its connection is done with it: `answered` in full, or `dropped` before. */
  readonly over: Promise<'answered' | 'dropped'>;
}

export interface WireServer {
  /** `http://127.0.0.1:PORT`, without a slash at its end. */
  readonly url: string;
  /** All that came, oldest first. */
  readonly requests: WireRequest[];
  /** The answer to everything from now on, or what makes it out of the request. */
  answer(with_: WireAnswer | ((request: WireRequest) => WireAnswer)): void;
  /** The next request that comes, once it is read in full. */
  next(): Promise<WireRequest>;
  /** Connections opened so far. */
  readonly connections: number;
  close(): Promise<void>;
}

/** A JSON answer. */
export function json(status: number, body: unknown, headers: Readonly<Record<string, string>> = {}): WireAnswer {
  return { status, headers: { 'content-type': 'application/json', ...headers }, body: JSON.stringify(body) };
}

/**
 * Starts a vendor on a free port of this machine.
 *
 * @param keeps how many requests are kept at least, the newest; a vendor that is asked without end cannot keep all
 */
export async function startWireServer(keeps = Number.POSITIVE_INFINITY): Promise<WireServer> {
  const requests: WireRequest[] = [];
  const waiting: ((request: WireRequest) => void)[] = [];
  const sockets = new Set<Socket>();
  let connections = 0;
  let answer: (request: WireRequest) => WireAnswer = () => json(500, { error: 'nothing was scripted' });
  const server = createServer((incoming, outgoing) => {
    recorded(incoming, outgoing, (request) => {
      // Now and then, for it moves all that are kept.
      if (requests.length >= keeps * 2) requests.splice(0, keeps);
      requests.push(request);
      const scripted = answer(request);
      for (const waiter of waiting.splice(0)) waiter(request);
      void send(outgoing, scripted);
    });
  });
  server.keepAliveTimeout = 60_000;
  server.on('connection', (socket) => {
    connections += 1;
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    answer: (next) => {
      answer = typeof next === 'function' ? next : () => next;
    },
    next: () => new Promise((resolve) => void waiting.push(resolve)),
    get connections() {
      return connections;
    },
    close: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((closed) => server.close(closed));
    },
  };
}

/** Takes connections and never says a word, so that no encryption is ever agreed on. */
export async function startMuteServer(): Promise<{ readonly port: number; close(): Promise<void> }> {
  const sockets = new Set<Socket>();
  const server = createTcpServer((socket) => void sockets.add(socket.on('error', () => undefined)));
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  return {
    port: (server.address() as AddressInfo).port,
    close: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((closed) => server.close(closed));
    },
  };
}

function recorded(incoming: IncomingMessage, outgoing: ServerResponse, then: (request: WireRequest) => void): void {
  const over = new Promise<'answered' | 'dropped'>((resolve) => {
    outgoing.once('close', () => resolve(outgoing.writableFinished ? 'answered' : 'dropped'));
  });
  const chunks: Buffer[] = [];
  incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
  // Whoever breaks off in the middle of a request has asked for nothing.
  incoming.on('error', () => undefined);
  incoming.once('end', () => {
    const text = Buffer.concat(chunks).toString();
    const { method = '', url: path = '', headers } = incoming;
    then({ method, path, headers, body: text === '' ? undefined : JSON.parse(text), over });
  });
}

/** Where a body is cut into chunks: each becomes a chunk of HTTP, which arrives as such however the network packs them. */
function chunksOf(body: Buffer, { bytewise, cuts = [] }: Delivery): readonly Buffer[] {
  const offsets = bytewise === true ? Array.from(body, (_, index) => index) : cuts;
  const inside = [...new Set(offsets)].filter((at) => at > 0 && at < body.length).toSorted((a, b) => a - b);
  const ends = [...inside, body.length];
  return ends.map((end, index) => body.subarray(ends[index - 1] ?? 0, end));
}

/** A chunk of a chunked response as it is on the wire (RFC 9112, 7.1). */
function framed(chunk: Uint8Array): readonly Uint8Array[] {
  return [Buffer.from(`${chunk.length.toString(16)}\r\n`), chunk, LINE_END];
}
const LINE_END = Buffer.from('\r\n');

/** What an answer sends, made once for all who are given the same answer. */
interface Written {
  /** All of its body, for what is sent out of it again. */
  readonly whole: Buffer;
  /** Its chunks as they are on the wire; in one piece where they go all at once. */
  readonly pieces: readonly Buffer[];
}
const written = new WeakMap<WireAnswer, Written>();

function writtenOf(answer: WireAnswer): Written {
  const known = written.get(answer);
  if (known !== undefined) return known;
  const { delivery = {} } = answer;
  const whole = Buffer.from(answer.body);
  const stop = delivery.hangAt ?? delivery.cutAt;
  const chunks = chunksOf(stop === undefined ? whole : whole.subarray(0, stop), delivery)
    .filter(({ length }) => length > 0)
    .map((chunk) => Buffer.concat(framed(chunk)));
  const made = { whole, pieces: delivery.every === undefined ? [Buffer.concat(chunks)] : chunks };
  written.set(answer, made);
  return made;
}

/** Writes pieces one after the other, as far apart as it says, by the clock: a late one does not make those after it later. */
function paced(outgoing: ServerResponse, pieces: readonly Buffer[], every: number): Promise<void> {
  const began = performance.now();
  let next = 0;
  return new Promise((resolve) => {
    const one = (): void => {
      if (outgoing.destroyed) return resolve();
      const due = every === 0 ? pieces.length : Math.floor((performance.now() - began) / every);
      for (; next < pieces.length && next <= due; next += 1) outgoing.socket?.write(pieces[next] ?? '');
      if (next === pieces.length) return resolve();
      setTimeout(one, Math.max(1, began + next * every - performance.now()));
    };
    one();
  });
}

async function send(outgoing: ServerResponse, answer: WireAnswer): Promise<void> {
  const { delivery = {} } = answer;
  if (delivery.silent === true) return;
  if (delivery.after !== undefined) await delivery.after;
  const { whole, pieces } = writtenOf(answer);
  const { socket } = outgoing;
  const { every, hangAt, cutAt, endlessFrom, endsLater } = delivery;
  outgoing.on('error', () => undefined);
  // The socket is held back, not the answer: that would make one chunk of them all. What is whole goes in one packet.
  socket?.cork();
  outgoing.writeHead(answer.status ?? 200, { ...answer.headers, 'transfer-encoding': 'chunked' });
  outgoing.flushHeaders();
  const goesOn = [every, hangAt, cutAt, endlessFrom, endsLater].some((more) => more !== undefined);
  if (every === undefined) for (const piece of pieces) if (piece.length > 0) socket?.write(piece);
  if (!goesOn) outgoing.end();
  socket?.uncork();
  if (!goesOn) return;
  if (every !== undefined) await paced(outgoing, pieces, every);
  if (endlessFrom !== undefined) return await sendForEver(outgoing, whole.subarray(endlessFrom));
  if (hangAt !== undefined) return;
  if (endsLater === true) for (let turn = 0; turn < 5; turn += 1) await new Promise(setImmediate);
  if (cutAt === undefined) return void outgoing.end();
  // What was written is on its way once the socket has taken it; `destroy` would throw it away.
  socket?.write('', () => socket.destroy());
}

async function sendForEver(outgoing: ServerResponse, chunk: Buffer): Promise<void> {
  while (!outgoing.destroyed) {
    if (outgoing.write(chunk)) {
      await new Promise(setImmediate);
      continue;
    }
    await new Promise<void>((resolve) => {
      outgoing.once('drain', resolve);
      outgoing.once('close', resolve);
    });
  }
}

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
  /** Its end comes a moment after its last byte, as it does from afar. */
  readonly endsLater?: boolean;
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

/** Starts a vendor on a free port of this machine. */
export async function startWireServer(): Promise<WireServer> {
  const requests: WireRequest[] = [];
  const waiting: ((request: WireRequest) => void)[] = [];
  const sockets = new Set<Socket>();
  let connections = 0;
  let answer: (request: WireRequest) => WireAnswer = () => json(500, { error: 'nothing was scripted' });
  const server = createServer((incoming, outgoing) => {
    void recorded(incoming, outgoing).then((request) => {
      requests.push(request);
      const scripted = answer(request);
      for (const waiter of waiting.splice(0)) waiter(request);
      return send(outgoing, scripted);
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

async function recorded(incoming: IncomingMessage, outgoing: ServerResponse): Promise<WireRequest> {
  const over = new Promise<'answered' | 'dropped'>((resolve) => {
    outgoing.once('close', () => resolve(outgoing.writableFinished ? 'answered' : 'dropped'));
  });
  const chunks: Buffer[] = [];
  for await (const chunk of incoming as AsyncIterable<Buffer>) chunks.push(chunk);
  const text = Buffer.concat(chunks).toString();
  const { method = '', url: path = '', headers } = incoming;
  return { method, path, headers, body: text === '' ? undefined : JSON.parse(text), over };
}

/** Where a body is cut into chunks: each becomes a chunk of HTTP, which arrives as such however the network packs them. */
function chunksOf(body: Buffer, { bytewise, cuts = [] }: Delivery): readonly Buffer[] {
  const offsets = bytewise === true ? Array.from(body, (_, index) => index) : cuts;
  const inside = [...new Set(offsets)].filter((at) => at > 0 && at < body.length).toSorted((a, b) => a - b);
  const ends = [...inside, body.length];
  return ends.map((end, index) => body.subarray(ends[index - 1] ?? 0, end));
}

async function send(outgoing: ServerResponse, answer: WireAnswer): Promise<void> {
  const { delivery = {} } = answer;
  if (delivery.silent === true) return;
  const whole = Buffer.from(answer.body);
  const stop = delivery.hangAt ?? delivery.cutAt;
  const body = stop === undefined ? whole : whole.subarray(0, stop);
  outgoing.on('error', () => undefined);
  outgoing.writeHead(answer.status ?? 200, answer.headers ?? {});
  outgoing.flushHeaders();
  // The socket is held back, not the answer: that would make one chunk of them all.
  outgoing.socket?.cork();
  for (const chunk of chunksOf(body, delivery)) if (chunk.length > 0) outgoing.write(chunk);
  outgoing.socket?.uncork();
  if (delivery.endlessFrom !== undefined) return await sendForEver(outgoing, whole.subarray(delivery.endlessFrom));
  if (delivery.hangAt !== undefined) return;
  if (delivery.endsLater === true) for (let turn = 0; turn < 5; turn += 1) await new Promise(setImmediate);
  if (delivery.cutAt === undefined) return void outgoing.end();
  // What was written is on its way once the socket has taken it; `destroy` would throw it away.
  outgoing.socket?.write('', () => outgoing.socket?.destroy());
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

// SPDX-License-Identifier: Apache-2.0
// Server-sent events on the raw response: one write a batch, a bound on what waits, a comment to keep proxies awake.

import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { World } from '../world.ts';

/** What may wait for a slow reader, in bytes, beyond what the kernel holds. */
export const WAITING_LIMIT = 1024 * 1024;
/** How long a reader that was given up may take to read what it was sent, before its socket is closed. */
const GRACE_MS = 10_000;
export const HEARTBEAT_MS = 15_000;
const COMMENT = ':\n\n';
/** How often what waits on all streams together is looked at. */
const LOOK_MS = 1_000;
/** What may wait on all of them together, in bytes: past it those on which most waits are cut, and can be taken up again. */
export const ALL_WAITING_LIMIT = 64 * 1024 * 1024;

/** One event as it goes over the wire. JSON has no line breaks in it, so the data is always one line. */
export function frame(event: string, data: unknown, id?: string): string {
  return id === undefined
    ? `event: ${event}\ndata: ${JSON.stringify(data)}\n\n`
    : `id: ${id}\nevent: ${event}\ndata: ${JSON.stringify(data)}\n\n`;
}

/** An open response of events. */
export class EventStream {
  readonly #response: ServerResponse;
  readonly #world: World;
  readonly #closed: (() => void)[] = [];
  #open = true;

  /** Sends the headers: from here on the request can no longer be refused. */
  constructor(response: ServerResponse, world: World, heartbeat: Heartbeat) {
    this.#response = response;
    this.#world = world;
    response.writeHead(200, {
      'Content-Type': 'text/event-stream; charset=utf-8',
      'Cache-Control': 'no-store',
      'X-Accel-Buffering': 'no',
      'X-Content-Type-Options': 'nosniff',
    });
    response.flushHeaders();
    response.once('close', () => this.#close());
    response.on('error', () => this.#close());
    if (response.destroyed || response.closed) this.#close();
    // Also what was ended holds what its reader has not read, until the connection is gone.
    else response.once('close', heartbeat.add(this));
  }

  /** Whether the reader is still there and the stream has not been ended. */
  get open(): boolean {
    return this.#open;
  }

  /** Bytes that wait for the reader. */
  get waiting(): number {
    return this.#response.writableLength;
  }

  /** Calls back once when the stream is over, whoever ended it; at once when it already is. */
  onClose(run: () => void): void {
    if (this.#open) this.#closed.push(run);
    else run();
  }

  /**
   * Writes frames as they are; false when more waits than the socket takes at once.
   *
   * @param chunk the same frames as a chunk, where somebody has made it already
   */
  write(frames: string, chunk?: Buffer): boolean {
    // A chunk of nothing would be the last one.
    if (!this.#open || frames === '') return false;
    const socket = this.#direct();
    if (socket === undefined) return this.#response.write(frames);
    if (chunk !== undefined) return socket.writable && socket.write(chunk);
    return socket.writable && socket.write(`${Buffer.byteLength(frames).toString(16)}\r\n${frames}\r\n`);
  }

  /**
   * The socket, when a chunk may be written to it as it is: node sends one as four pieces, and most of what a small event
   * costs is handing it to the kernel. The headers are out, and the response has the socket to itself until it ends.
   */
  #direct(): Socket | undefined {
    const response = this.#response;
    const { socket } = response;
    return socket !== null && response.chunkedEncoding && response.headersSent ? socket : undefined;
  }

  /** Whether more waits than the socket takes at once. */
  get #full(): boolean {
    const response = this.#response;
    return response.writableNeedDrain || response.socket?.writableNeedDrain === true;
  }

  /** Waits until the socket takes more; false when the reader did not read for that long, or went away. */
  drained(within: number): Promise<boolean> {
    const response = this.#response;
    if (!this.#open) return Promise.resolve(false);
    if (!this.#full) return Promise.resolve(true);
    const drains = this.#direct() ?? response;
    return new Promise((resolve) => {
      const settle = (drained: boolean): void => {
        stop();
        drains.off('drain', onDrain);
        response.off('close', onGone);
        resolve(drained && this.#open);
      };
      const onDrain = (): void => settle(true);
      const onGone = (): void => settle(false);
      const stop = this.#world.after(within, () => settle(false));
      drains.once('drain', onDrain);
      response.once('close', onGone);
    });
  }

  /** Cuts the connection with everything that waits on it. */
  drop(): void {
    this.#response.destroy();
  }

  comment(): void {
    // A reader that does not read gets no more to read: its connection is awake enough.
    if (!this.#full) this.write(COMMENT);
  }

  /** Ends the stream with these last frames. A reader that does not take them in time loses the connection. */
  end(frames: string): void {
    if (!this.#open) return;
    const response = this.#response;
    response.end(frames);
    this.#close();
    const stop = this.#world.after(GRACE_MS, () => response.destroy());
    response.once('close', stop);
  }

  #close(): void {
    if (!this.#open) return;
    this.#open = false;
    for (const run of this.#closed.splice(0)) run();
  }
}

/** One timer for all open streams; none runs while there is none. */
export class Heartbeat {
  readonly #world: World;
  readonly #streams = new Set<EventStream>();
  #stop: (() => void) | undefined;
  #stopLooking: (() => void) | undefined;
  constructor(world: World) {
    this.#world = world;
  }

  /** Keeps a stream awake; answers how to let go of it. */
  add(stream: EventStream): () => void {
    this.#streams.add(stream);
    this.#stop ??= this.#world.after(HEARTBEAT_MS, () => this.#beat());
    this.#stopLooking ??= this.#world.after(LOOK_MS, () => this.#look());
    return () => {
      this.#streams.delete(stream);
      if (this.#streams.size > 0) return;
      this.#stop?.();
      this.#stopLooking?.();
      this.#stop = undefined;
      this.#stopLooking = undefined;
    };
  }

  #beat(): void {
    this.#stop = undefined;
    for (const stream of this.#streams) stream.comment();
    if (this.#streams.size > 0) this.#stop ??= this.#world.after(HEARTBEAT_MS, () => this.#beat());
  }

  #look(): void {
    this.#stopLooking = undefined;
    this.#cutMost();
    if (this.#streams.size > 0) this.#stopLooking ??= this.#world.after(LOOK_MS, () => this.#look());
  }

  /** Cuts those on which most waits until what is left is within the limit. */
  #cutMost(): void {
    let all = 0;
    for (const { waiting } of this.#streams) all += waiting;
    if (all <= ALL_WAITING_LIMIT) return;
    for (const stream of [...this.#streams].sort((a, b) => b.waiting - a.waiting)) {
      all -= stream.waiting;
      stream.drop();
      if (all <= ALL_WAITING_LIMIT) return;
    }
  }
}

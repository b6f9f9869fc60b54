// SPDX-License-Identifier: Apache-2.0
// The mesh between threads: which port is whose present life. A port's close ends a life; only then the next is attached.

import type { Transport } from './link.ts';
import type { Batch } from './wire.ts';

/** A message port as node's `MessagePort` is one. */
export interface Port {
  postMessage(batch: Batch): void;
  on(event: 'message', listener: (batch: Batch) => void): unknown;
  on(event: 'close', listener: () => void): unknown;
  close(): void;
}

/** The part of a bus that ports are attached to. */
export interface PortHolder {
  attach(thread: number, life: number, transport: Transport): void;
  receive(thread: number, batch: Batch): void;
  detached(thread: number): void;
}

interface Life {
  readonly port: Port;
  readonly life: number;
  next: { readonly port: Port; readonly life: number } | undefined;
}

/** The ports of one thread to all others. */
export class Ports {
  private readonly bus: PortHolder;
  private readonly lives = new Map<number, Life>();
  private readonly newest = new Map<number, number>();

  constructor(bus: PortHolder) {
    this.bus = bus;
  }

  /**
   * A port to life `life` of `thread`. While the port of an earlier life is open it waits: what that life has sent may
   * still be on its way, even thousands of messages after its thread's exit has been reported. A port to a life older
   * than one already known is closed.
   */
  attach(thread: number, life: number, port: Port): void {
    if (life <= (this.newest.get(thread) ?? 0)) {
      port.close();
      return;
    }
    this.newest.set(thread, life);
    const present = this.lives.get(thread);
    if (present === undefined) this.begin(thread, life, port);
    else {
      present.next?.port.close();
      present.next = { port, life };
    }
  }

  private begin(thread: number, life: number, port: Port): void {
    const present: Life = { port, life, next: undefined };
    this.lives.set(thread, present);
    // Attached before the first message can come in, so that what it asks can be answered.
    this.bus.attach(thread, life, { post: (batch) => port.postMessage(batch), close: () => port.close() });
    port.on('message', (batch) => this.bus.receive(thread, batch));
    port.on('close', () => {
      this.lives.delete(thread);
      this.bus.detached(thread);
      if (present.next !== undefined) this.begin(thread, present.next.life, present.next.port);
    });
  }
}

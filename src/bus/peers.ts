// SPDX-License-Identifier: Apache-2.0
// The other threads as one thread sees them: a link out and an inbox in for each, and the order of their lives.

import type { Counter } from './counter.ts';
import type { Envelope } from './envelope.ts';
import { Inbox, type Source } from './inbox.ts';
import type { LinkStats } from './ledger.ts';
import { type Ended, Link, type Transport } from './link.ts';
import type { Batch } from './wire.ts';

interface Peer {
  readonly link: Link;
  readonly inbox: Inbox;
  /** Ends of lives that lie in the inbox, behind what those lives have sent. */
  ending: number;
  /** The lives after those, oldest first. */
  readonly lives: { readonly life: number; readonly transport: Transport }[];
}

export interface PeersOptions {
  readonly thread: number;
  readonly life: number;
  /** The names of all threads. */
  readonly names: readonly string[];
  readonly counter: Counter;
  readonly window: number;
  readonly wake: () => void;
  readonly uncloneable: (envelope: Envelope, error: unknown) => readonly Envelope[];
  /** What a new life is told before everything else. */
  readonly greeting: (thread: number) => readonly Envelope[];
  readonly onUp: (thread: number, life: number) => void;
  readonly onDown: (thread: number, life: number, ended: Ended) => void;
}

export class Peers {
  private readonly options: PeersOptions;
  private readonly peers: readonly (Peer | undefined)[];

  constructor(options: PeersOptions) {
    const { thread, life, names, counter, window, wake, uncloneable } = options;
    this.options = options;
    this.peers = names.map((_, other) =>
      other === thread
        ? undefined
        : {
            link: new Link({ from: thread, life, to: other, counter, window, wake, uncloneable }),
            inbox: new Inbox(other, thread, counter, () => this.ended(other)),
            ending: 0,
            lives: [],
          },
    );
  }

  get sources(): readonly Source[] {
    return this.peers.flatMap((peer) => (peer === undefined ? [] : [peer.inbox]));
  }

  link(thread: number): Link | undefined {
    return this.peers[thread]?.link;
  }

  attach(thread: number, life: number, transport: Transport): void {
    const peer = this.peers[thread];
    if (peer === undefined) transport.close();
    else if (peer.ending > 0) peer.lives.push({ life, transport });
    else this.begin(thread, peer, life, transport);
  }

  receive(thread: number, batch: Batch): void {
    this.peers[thread]?.inbox.add(batch);
  }

  /** In order with what has come in: an answer that is here already is not to be overtaken by its thread's end. */
  detached(thread: number): void {
    const peer = this.peers[thread];
    if (peer === undefined || peer.ending >= peer.lives.length + (peer.link.up ? 1 : 0)) return;
    peer.ending++;
    peer.inbox.close();
  }

  flush(): void {
    for (const peer of this.peers) peer?.link.flush();
  }

  /** Lets go of what has been taken. True: something has not, on a thread that is up. */
  trim(): boolean {
    let untaken = false;
    for (const peer of this.peers) {
      if (peer === undefined || !peer.link.up) continue;
      peer.link.trim();
      if (peer.link.untaken > 0) untaken = true;
    }
    return untaken;
  }

  close(): void {
    for (const peer of this.peers) {
      peer?.link.close();
      for (const { transport } of peer?.lives ?? []) transport.close();
    }
  }

  stats(): { readonly messages_in: number; readonly messages_out: number; readonly links: readonly LinkStats[] } {
    this.trim();
    let messages_in = 0;
    let messages_out = 0;
    const links: LinkStats[] = [];
    this.peers.forEach((peer, at) => {
      if (peer === undefined) return;
      const { link, inbox } = peer;
      messages_in += inbox.received;
      messages_out += link.posted;
      links.push({ thread: this.options.names[at] ?? '', life: link.life, up: link.up, untaken: link.untaken });
    });
    return { messages_in, messages_out, links };
  }

  private begin(thread: number, { link, inbox }: Peer, life: number, transport: Transport): void {
    inbox.begin(life);
    link.attach(life, transport, this.options.greeting(thread));
    this.options.onUp(thread, life);
  }

  /** Everything a life has sent has been taken. */
  private ended(thread: number): void {
    const peer = this.peers[thread];
    if (peer === undefined) return;
    peer.ending--;
    this.options.onDown(thread, peer.link.life, peer.link.down());
    const next = peer.lives.shift();
    if (next !== undefined) this.begin(thread, peer, next.life, next.transport);
  }
}

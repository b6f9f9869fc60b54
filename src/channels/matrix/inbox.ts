// SPDX-License-Identifier: Apache-2.0
// Reads what is said: one sync after the other, gaps filled, invitations accepted, the position kept with the server.

import { z } from 'zod';
import { SigilError } from '../../errors.ts';
import type { World } from '../../world.ts';
import type { ChannelInbound, InboundAttachment } from '../adapter.ts';
import { BoundedMap } from '../bounded-map.ts';
import type { Intake } from '../intake.ts';
import type { MatrixApi } from './api.ts';
import {
  events,
  joinedNow,
  type MatrixEvent,
  Position,
  type SyncedRoom,
  synced,
  syncFilter,
  TIMELINE,
} from './sync.ts';
import { type OwnNames, type Read, readMessage } from './translate.ts';

/** How long the server may hold a question that has no answer yet, in milliseconds. */
const HOLD = 30_000;
/** How long it may be silent beyond that; a first sync of many rooms takes long. */
const SILENCE = 60_000;
const FIRST = 180_000;
/** The most a sync may have, in bytes. */
const MOST = 64 * 1024 * 1024;
/** The most a list of members may have, in bytes: a room with more of them is no conversation of two. */
const MEMBERS = 4 * 1024 * 1024;
/** Pages of a hundred events that were missed in one room. */
const PAGES = 50;
const REMEMBERED = 1_000;
/** Invitations that are being accepted at once; the others wait until they come again. */
const JOINING = 8;
/** Between two keepings of the position, in milliseconds: what came since comes again after a crash, and is known. */
const KEEP = 1_000;
/** A proxy before the server that gives up is no end yet, so often in a row. */
const HICCUPS = 3;
const HICCUP_MS = 2_000;

const CANNOT_READ =
  'I cannot read this room: it is encrypted. Messages reach me in rooms without encryption only, so please open one and invite me there.';

const members = z.object({
  joined: z.record(z.string(), z.object({ display_name: z.string().max(1_000).nullish() })),
});
const page = z.object({ chunk: events, end: z.string().optional() });
const kept = z.object({ since: z.string().min(1) });
const anything = z.unknown();

export interface InboxOptions {
  readonly api: MatrixApi;
  readonly world: Pick<World, 'after'>;
  readonly own: OwnNames;
  /** The session's: two of one account read apart. */
  readonly device: string;
  readonly invites: boolean;
  readonly intake: (hold: (full: boolean) => void) => Intake;
  readonly isOwn: (eventId: string) => boolean;
  /** Says something to a room, for people and not for bots. */
  readonly notice: (roomId: string, text: string) => void;
}

/** Who is in a room. */
interface Room {
  readonly direct: boolean;
  readonly names: ReadonlyMap<string, string>;
}

export class Inbox {
  readonly #options: InboxOptions;
  readonly #intake: Intake;
  readonly #rooms = new BoundedMap<string, Room>(REMEMBERED);
  readonly #warned = new BoundedMap<string, true>(REMEMBERED);
  readonly #joining = new Set<string>();
  /** What came under a key and is not durable yet. */
  readonly #open = new Map<string, readonly (() => void)[]>();
  readonly #position: Position;
  #since: string | null = null;
  #unkept: string | null = null;
  #keeping: Promise<void> | null = null;
  #cancelKeep: (() => void) | null = null;
  #released: PromiseWithResolvers<void> | null = null;
  #closed = false;
  #signal: AbortSignal = new AbortController().signal;

  constructor(options: InboxOptions) {
    this.#options = options;
    this.#intake = options.intake((full) => {
      if (full) this.#released ??= Promise.withResolvers<void>();
      else {
        this.#released?.resolve();
        this.#released = null;
      }
    });
    this.#position = new Position((next) => this.#durable(next));
  }

  /** Finds where it was, and the server with it. What was said before it was ever there is not for it. */
  async open(signal: AbortSignal): Promise<void> {
    this.#signal = signal;
    this.#since = await this.#keptPosition(signal);
    if (this.#since === null) await this.#begin(signal);
  }

  async #begin(signal: AbortSignal): Promise<void> {
    const { next_batch, rooms } = await this.#sync({ filter: syncFilter(1), timeout: '0' }, signal, FIRST);
    this.#since = next_batch;
    // Kept before anything is heard: who begins anew after a crash begins behind what was said meanwhile.
    this.#unkept = next_batch;
    await this.#keep();
    this.#accept(Object.keys(rooms.invite));
  }

  /** Reads until it is told to stop. @throws SigilError when the server is gone */
  async run(signal: AbortSignal): Promise<void> {
    this.#signal = signal;
    let hiccups = 0;
    // What was missed comes at once.
    let timeout = 0;
    let forgotten = false;
    while (!this.#closed) {
      await this.#released?.promise;
      if (this.#closed) return;
      try {
        await this.#step(timeout, signal);
        hiccups = 0;
        timeout = HOLD;
      } catch (thrown) {
        if (!forgotten && timeout === 0 && statusOf(thrown) === 400) {
          // The server was set up anew and knows no such position: it begins as for the first time.
          forgotten = true;
          await this.#begin(signal);
          continue;
        }
        const wait = hiccups < HICCUPS ? pauseFor(thrown) : null;
        if (wait === null || this.#closed) throw thrown;
        hiccups += 1;
        await this.#pause(wait, signal);
      }
    }
  }

  /** Keeps how far it came, and reads no more. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#intake.close();
    this.#released?.resolve();
    this.#cancelKeep?.();
    this.#cancelKeep = null;
    await this.#keeping;
    await this.#keep();
  }

  async #step(timeout: number, signal: AbortSignal): Promise<void> {
    const since = this.#since ?? '';
    const query = { filter: syncFilter(TIMELINE), since, timeout: String(timeout) };
    const { next_batch, rooms } = await this.#sync(query, signal, SILENCE + timeout);
    const messages: ChannelInbound[] = [];
    for (const [roomId, room] of Object.entries(rooms.join))
      messages.push(...(await this.#heard(roomId, room, since, signal)));
    if (this.#closed) return;
    this.#since = next_batch;
    this.#accept(Object.keys(rooms.invite));
    // Nothing came: from where it was before, nothing comes again either.
    if (Object.keys(rooms.join).length === 0) return;
    const taken = this.#position.add(next_batch, messages.length);
    for (const message of messages) this.#add(message, taken);
  }

  /** What is durable under a key is so for everything that came under it, though it was refused the first time. */
  #add(message: ChannelInbound, taken: () => void): void {
    const { dedupeKey } = message;
    const open = this.#open.get(dedupeKey) ?? [];
    this.#open.set(dedupeKey, [...open, taken]);
    this.#intake.add(message, () => {
      const all = this.#open.get(dedupeKey) ?? [];
      this.#open.delete(dedupeKey);
      for (const one of all) one();
    });
  }

  #sync(query: Readonly<Record<string, string>>, signal: AbortSignal, silence: number) {
    return this.#options.api.call('GET', ['sync'], synced, { query, signal, silence, most: MOST });
  }

  async #heard(
    roomId: string,
    room: SyncedRoom,
    since: string,
    signal: AbortSignal,
  ): Promise<readonly ChannelInbound[]> {
    const { own } = this.#options;
    const { events: newest, limited, prev_batch } = room.timeline;
    const from = joinedNow(newest, own.id);
    const before =
      limited && from === null && prev_batch !== undefined ? await this.#missed(roomId, prev_batch, since, signal) : [];
    const all = [...before, ...newest.slice(from ?? 0)];
    if (newest.some(({ type }) => type === 'm.room.member')) this.#rooms.delete(roomId);
    const heard: ChannelInbound[] = [];
    for (const event of all) {
      if (event.sender === own.id || event.state_key !== undefined) continue;
      if (event.type === 'm.room.encrypted') this.#cannotRead(roomId);
      const read = readMessage(event, own);
      if (read !== null) heard.push(this.#inbound(roomId, event, read, await this.#room(roomId, signal)));
    }
    return heard;
  }

  /** What was said between two syncs beyond what fits into one, oldest first. */
  async #missed(roomId: string, from: string, to: string, signal: AbortSignal): Promise<readonly MatrixEvent[]> {
    const found: MatrixEvent[] = [];
    let at: string | undefined = from;
    for (let pages = 0; at !== undefined && pages < PAGES; pages += 1) {
      const query = { dir: 'b', from: at, to, limit: '100' };
      const read: z.infer<typeof page> = await this.#options.api.call('GET', ['rooms', roomId, 'messages'], page, {
        query,
        signal,
        most: MOST,
      });
      found.push(...read.chunk);
      at = read.chunk.length === 0 || read.end === at ? undefined : read.end;
    }
    return found.reverse();
  }

  #inbound(roomId: string, event: MatrixEvent, read: Read, { direct, names }: Room): ChannelInbound {
    const { text, file, threadId, replyTo, named } = read;
    return {
      messageId: event.event_id,
      // In old rooms a server makes up the ids of its events: another room's is none of theirs.
      dedupeKey: `${roomId} ${event.event_id}`,
      channelId: roomId,
      ...(threadId === null ? {} : { threadId }),
      direct,
      sender: { platformId: event.sender, displayName: names.get(event.sender) ?? event.sender },
      content: text,
      attachments: file === null ? [] : [this.#attachment(file)],
      ...(replyTo === null ? {} : { replyTo }),
      mentionsAgent: named || (replyTo !== null && this.#options.isOwn(replyTo)),
      at: event.origin_server_ts,
      metadata: { msgtype: event.content['msgtype'] ?? null },
    };
  }

  #attachment({ url, name, mediaType, size }: NonNullable<Read['file']>): InboundAttachment {
    const fetch: InboundAttachment['fetch'] = ({ most, signal }) =>
      this.#options.api.download(url, most, AbortSignal.any([signal, this.#signal]));
    return { name, mediaType, size, fetch };
  }

  /** A conversation of two is a direct one, whatever the room is called. */
  async #room(roomId: string, signal: AbortSignal): Promise<Room> {
    const known = this.#rooms.get(roomId);
    if (known !== undefined) return known;
    const path = ['rooms', roomId, 'joined_members'];
    const found = await this.#options.api
      .call('GET', path, members, { signal, most: MEMBERS })
      .catch((thrown: unknown) => {
        const code = thrown instanceof SigilError ? thrown.failure.code : 'internal';
        // It was thrown out meanwhile, or there are more people than are worth counting.
        if (code === 'forbidden' || code === 'not_found' || code === 'payload_too_large') return { joined: {} };
        throw thrown;
      });
    const names = Object.entries(found.joined).map(([id, { display_name }]) => [id, display_name ?? id] as const);
    const room = { direct: names.length === 2, names: new Map(names) };
    this.#rooms.set(roomId, room);
    return room;
  }

  #cannotRead(roomId: string): void {
    if (this.#warned.get(roomId) === true) return;
    this.#warned.set(roomId, true);
    this.#options.notice(roomId, CANNOT_READ);
  }

  /** Beside the reading: a room on another server may take minutes. One that cannot be joined is left alone. */
  #accept(rooms: readonly string[]): void {
    if (!this.#options.invites) return;
    for (const room of rooms) {
      if (this.#joining.has(room) || this.#joining.size >= JOINING) continue;
      this.#joining.add(room);
      const done = () => this.#joining.delete(room);
      const call = { body: {}, signal: this.#signal, silence: SILENCE };
      this.#options.api.call('POST', ['join', room], anything, call).then(done, done);
    }
  }

  async #keptPosition(signal: AbortSignal): Promise<string | null> {
    try {
      return (await this.#options.api.call('GET', this.#place(), kept, { signal })).since;
    } catch (thrown) {
      if (thrown instanceof SigilError && thrown.failure.code === 'not_found') return null;
      throw thrown;
    }
  }

  #place(): readonly string[] {
    const { own, device } = this.#options;
    return ['user', own.id, 'account_data', `dev.sigil.position.${device}`];
  }

  /** Everything before this is durable. */
  #durable(next: string): void {
    this.#unkept = next;
    if (this.#cancelKeep !== null || this.#closed) return;
    this.#cancelKeep = this.#options.world.after(KEEP, () => {
      this.#cancelKeep = null;
      this.#keeping = this.#keep();
    });
  }

  async #keep(): Promise<void> {
    const since = this.#unkept;
    if (since === null) return;
    this.#unkept = null;
    try {
      await this.#options.api.call('PUT', this.#place(), anything, { body: { since }, signal: this.#signal });
    } catch {
      // The next is kept instead. Until one is, a crash brings again what is known already.
      this.#unkept ??= since;
    }
  }

  async #pause(ms: number, signal: AbortSignal): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const cancel = this.#options.world.after(ms, resolve);
    const ended = () => resolve();
    signal.addEventListener('abort', ended, { once: true });
    await promise;
    cancel();
    signal.removeEventListener('abort', ended);
  }
}

/** How long to wait before the same question is asked again; null where that is not worth it. */
function pauseFor(thrown: unknown): number | null {
  if (!(thrown instanceof SigilError)) return null;
  const { code, details } = thrown.failure;
  const after = details?.['retry_after_ms'];
  if (code === 'rate_limited') return typeof after === 'number' ? after : HICCUP_MS;
  const status = statusOf(thrown);
  return status === 502 || status === 503 || status === 504 ? HICCUP_MS : null;
}

function statusOf(thrown: unknown): unknown {
  return thrown instanceof SigilError ? thrown.failure.details?.['status'] : undefined;
}

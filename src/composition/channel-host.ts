// SPDX-License-Identifier: Apache-2.0
// The chat channels of an I/O thread: which there are changes with the config, one by one, and none notices what becomes of another.

import { sameValue } from '../actors/channel/own-settings.ts';
import { type Address, address } from '../bus/address.ts';
import type { Config } from '../config/schema.ts';
import { toFailure } from '../errors.ts';
import { attachmentFiles } from '../stores/sqlite/attachment-files.ts';
import { Actors } from './actors.ts';
import { takeAttachments } from './attachments.ts';
import type { MakeAdapter } from './channel-adapters.ts';
import { type ChatChannel, type Entry, startChatChannel } from './chat-channels.ts';
import { ChatTurns } from './chat-turns.ts';
import type { ThreadContext } from './context.ts';
import { leftOver } from './removed-channels.ts';

export interface ChatChannels {
  /**
   * From now on these are there, each as its entry says: one that is new starts, one that is not listed any more says what it can
   * and ends, one that is set otherwise goes by that. The same again does nothing.
   *
   * @param renewed names of those whose entries may read the same and whose secrets are others
   */
  configure(entries: Config['channels'], renewed: ReadonlySet<string>): void;
  /** Takes no messages any more; `done` once nothing is on its way out that could go now. */
  drain(done: () => void): void;
  close(): void;
}

/** How long a channel's chart may take to be told how it is set, and the pause before it is told again, in milliseconds. */
const TELL_WITHIN = 10_000;
const TELL_AGAIN = 100;

interface Hosted {
  /** As it is set now; one that is started anew begins with it. */
  entry: Entry;
  /** Taken out, and still saying what it can; what is to take its place, if anything is. */
  leaving: { next: Entry | null; readonly gone: Promise<void> } | null;
}

/** Hosts `channel/<name>` for these channels; each begins to connect once the loop has turned. */
export function hostChatChannels(context: ThreadContext, entries: Config['channels'], make: MakeAdapter): ChatChannels {
  const { bus, house, world } = context;
  const root = address('gateway', 'root');
  const actors = new Actors(context);
  // One for all channels of the thread: those of a flooded one wait for their turns among the others'.
  const turns = new ChatTurns(context.world, (refused) =>
    context.log(
      'warn',
      { refused },
      'messages of chat channels were left to their platforms: there is more to do than can be done',
    ),
  );
  const files = attachmentFiles(house.data_dir);
  const taking = takeAttachments({ files, limits: () => house.config.attachments, world: context.world });
  const kept = { files, taking };
  const living = new Map<Address, ChatChannel>();
  const hosted = new Map<string, Hosted>();
  let closed = false;

  const start = (name: string, entry: Entry): void => {
    const self = address('channel', name);
    const one: Hosted = { entry, leaving: null };
    hosted.set(name, one);
    actors.start('chat', self, (fault) => {
      const channel = startChatChannel({ context, name, entry: one.entry, make, turns, kept, fault });
      living.set(self, channel);
      // One that was taken out and failed takes no messages when it is there again.
      if (one.leaving !== null) channel.retire(() => undefined);
      return channel;
    });
  };

  /** Told until it has heard it, or there is something newer to tell. */
  const tell = (name: string, one: Hosted, renewed: boolean): void => {
    const { entry } = one;
    const self = address('channel', name);
    if (closed || hosted.get(name) !== one || one.leaving !== null) return;
    const body = { ok: true, entry: { ...entry }, renewed } as const;
    bus.ask(self, 'channel.configure', body, { from: self, within: TELL_WITHIN }, (answer) => {
      // One that is being started again begins with what is set now.
      if (answer.ok || answer.error.code === 'thread_lost') return;
      world.after(TELL_AGAIN, () => {
        if (one.entry === entry) tell(name, one, renewed);
      });
    });
  };

  /** Unless it is known already why it is not there: its entry may be set aside. */
  const tellLeftOver = (name: string): void => {
    const from = address('channel', name);
    const left = leftOver(name);
    bus.ask(root, 'gateway.status', {}, { from, within: TELL_WITHIN }, (answer) => {
      const known = answer.ok && answer.body.quarantined.some(({ what }) => what === left.what);
      if (!known && !hosted.has(name)) bus.send(root, 'gateway.quarantine', left, { from });
    });
  };

  /** Says what it can and ends; what is to take its place begins once its connection is gone. */
  const leave = (name: string, one: Hosted, next: Entry | null): void => {
    if (one.leaving !== null) {
      one.leaving.next = next;
      return;
    }
    const self = address('channel', name);
    const channel = living.get(self);
    const what = `channels.${name}`;
    const end = async (): Promise<void> => {
      if (closed) return;
      const last = living.get(self);
      const left = last?.waiting() ?? 0;
      actors.end(self);
      living.delete(self);
      await last?.ended();
      if (closed) return;
      hosted.delete(name);
      const then = one.leaving?.next ?? null;
      if (then !== null) {
        bus.send(root, 'gateway.released', { what }, { from: self });
        return start(name, then);
      }
      if (left > 0) tellLeftOver(name);
      context.log('info', { channel: name, waiting: left }, 'a channel was taken out');
    };
    one.leaving = {
      next,
      gone: new Promise((resolve) => {
        const over = (): void =>
          void end().then(resolve, (thrown: unknown) => {
            context.fault(self, toFailure(thrown));
            resolve();
          });
        if (channel === undefined) over();
        else channel.retire(over);
      }),
    };
  };

  for (const [name, entry] of Object.entries(entries)) start(name, entry);
  bus.host(
    'channel',
    (envelope) => actors.receive(envelope),
    (of) => living.has(of),
  );
  return {
    configure: (after, renewed) => {
      for (const [name, one] of hosted) {
        const entry = Object.hasOwn(after, name) ? after[name] : undefined;
        if (entry === undefined) leave(name, one, null);
        else if (one.leaving !== null) {
          one.leaving.next = entry;
          // It says itself what its former life would have.
          if ((one.entry.type ?? name) === (entry.type ?? name)) living.get(address('channel', name))?.hurry();
        } else if (sameValue(one.entry, entry) && !renewed.has(name)) continue;
        else if ((one.entry.type ?? name) !== (entry.type ?? name)) leave(name, one, entry);
        else {
          one.entry = entry;
          tell(name, one, renewed.has(name));
        }
      }
      for (const [name, entry] of Object.entries(after)) {
        if (!hosted.has(name)) start(name, entry);
      }
    },
    drain: (done) => {
      let left = living.size;
      if (left === 0) return done();
      for (const channel of living.values()) {
        channel.settled(() => {
          left -= 1;
          if (left === 0) done();
        });
      }
    },
    close: () => {
      closed = true;
      actors.stop();
      turns.close();
    },
  };
}

// SPDX-License-Identifier: Apache-2.0
// What the adapters' suite needs of a platform under test: people who say things, eyes that see what is sent, and a plug to pull.

import type { ChannelAdapter } from '../../src/channels/adapter.ts';

/** Where somebody says something. */
export type Room = 'direct' | 'group' | 'thread';

/** Something a person says. */
export interface Said {
  /** A name of the test's; the platform makes an account of it. */
  readonly from: string;
  readonly in: Room;
  readonly text: string;
  /** It calls the agent by its name, as people on this platform do. */
  readonly mention?: boolean;
  /** The platform's id of the message it answers. */
  readonly replyTo?: string;
  /** It is said by a bot. */
  readonly bot?: boolean;
  readonly attachment?: { readonly name: string; readonly mediaType: string; readonly data: Uint8Array };
}

/** A message of the agent's as people see it. */
export interface Seen {
  readonly id: string;
  readonly room: Room;
  /** The text as it reads, without the platform's markup. */
  readonly text: string;
  /** The text as the platform was given it. */
  readonly raw: string;
  readonly replyTo?: string;
  readonly attachments: readonly { readonly name: string; readonly size: number }[];
}

/** A platform with an account for the agent. */
export interface Platform {
  /** An adapter of the agent's account, or one with a key that is wrong. */
  adapter(options?: { readonly wrongKey?: boolean }): ChannelAdapter;
  /** The key or password of the account: it must not be in any error. */
  readonly key: string;
  /** @returns the platform's id of the message */
  say(said: Said): Promise<string>;
  /** Changes a message somebody said. */
  edit?(id: string, text: string): Promise<void>;
  /** Sends a message again that was not taken, as the platform does by itself. */
  redeliver?(id: string): Promise<void>;
  /** Waits until people have seen so many messages of the agent's, and gives them all, oldest first, as they read now. */
  seen(count: number): Promise<readonly Seen[]>;
  /** Waits until people see that the agent writes. */
  sawTyping?(): Promise<void>;
  /** Where a message to a room is sent. */
  target(room: Room, from: string): { readonly channelId: string; readonly threadId?: string };
  /** A conversation that is not there. */
  readonly nowhere: string;
  /** The next message is refused with "come again after so many milliseconds". */
  limitNext?(ms: number): Promise<void>;
  /** The server is gone, connections break. */
  down(): Promise<void>;
  /** It is back, with all it knew. */
  up(): Promise<void>;
  /** Connections to the server that stand now. */
  connections(): Promise<number>;
  /** What the adapters still wait for, of the clock they were given. */
  timers?(): number;
  close(): Promise<void>;
}

/** A platform for the suite. */
export interface PlatformUnderTest {
  readonly name: string;
  /** Why it cannot be tested here, such as `ngircd not installed`; undefined when it can. */
  readonly skipped?: string | undefined;
  readonly open: () => Promise<Platform>;
  /** As many messages as its server takes in half a minute, where those are fewer than a flood is; a multiple of ten. */
  readonly flood?: number;
  /** Cases that have no meaning there, each with its reason. */
  readonly notApplicable: Readonly<Partial<Record<SuiteCase, string>>>;
}

/** The cases of the suite. */
export type SuiteCase =
  | 'direct'
  | 'group'
  | 'mention'
  | 'answer'
  | 'thread'
  | 'own'
  | 'bots'
  | 'edits'
  | 'keys'
  | 'redelivered'
  | 'order'
  | 'unicode'
  | 'lines'
  | 'long-in'
  | 'hostile-in'
  | 'hostile-name'
  | 'empty'
  | 'not-taken'
  | 'after-durable'
  | 'flood'
  | 'attachment-in'
  | 'attachment-too-large'
  | 'time'
  | 'send'
  | 'sent-id'
  | 'send-order'
  | 'send-group'
  | 'send-thread'
  | 'send-answer'
  | 'longest'
  | 'too-long'
  | 'fence'
  | 'rich'
  | 'hostile-out'
  | 'attachment-out'
  | 'edit'
  | 'typing'
  | 'limited'
  | 'nowhere'
  | 'twice'
  | 'wrong-key'
  | 'gone-at-start'
  | 'gone'
  | 'back'
  | 'while-away'
  | 'send-while-gone'
  | 'stop'
  | 'stop-in-send'
  | 'abort'
  | 'identity'
  | 'identity-unknown';

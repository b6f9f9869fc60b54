// SPDX-License-Identifier: Apache-2.0
// Where on a platform something is said.

/** A place on a platform where something is said: a message of a person came from there, an answer goes there. */
export interface Conversation {
  readonly channel_id: string;
  readonly thread_id?: string;
}

/** Where the answer to a message goes. */
export interface ReplyTo extends Conversation {
  /** The platform's id of the message: in a group an answer names what it answers. */
  readonly message_id: string;
  /** Between one person and the agent: nothing need be named. */
  readonly direct: boolean;
}

/** Where what comes of a turn is said: on the chat channel of the last message it answers. */
export interface ReplyRoute {
  /** The address of the channel. */
  readonly channel: string;
  readonly to: ReplyTo;
  /** Whose message it was. */
  readonly user_id: string;
}

// SPDX-License-Identifier: Apache-2.0
// The contract between a channel's actor and a chat platform: what an adapter takes from it, gives to it, and promises.

/** What a platform can do, as its adapter uses it. */
export interface ChannelCapabilities {
  readonly media: boolean;
  readonly reactions: boolean;
  readonly threads: boolean;
  /** A message that was sent can be changed: a growing reply is one message. */
  readonly editing: boolean;
  readonly typing: boolean;
  readonly voice: boolean;
  /** What of a text's form people see: nothing, Markdown or HTML as written, or what the adapter makes of Markdown. */
  readonly richText: 'none' | 'markdown' | 'html' | 'platform';
  /** The most a message may have, in UTF-16 units of the text that is given to `send`. */
  readonly maxMessageLength: number;
  /** Media types, exact or `image/*`, that can be sent. */
  readonly mediaTypes: readonly string[];
  /**
   * What becomes of a message that is sent twice under one key: `window`, the platform drops the second for a while;
   * `lookup`, the adapter finds the first before it sends again; `none`, people see two.
   */
  readonly dedupe: 'none' | 'window' | 'lookup';
}

/** Something that came with a message. It is fetched only when it is wanted. */
export interface InboundAttachment {
  readonly name: string;
  /** As the platform says it; empty when it does not. */
  readonly mediaType: string;
  /** In bytes, as the platform says it; null when it does not. */
  readonly size: number | null;
  /** @throws SigilError when it cannot be had, or is larger than `most` bytes */
  fetch(limits: { readonly most: number; readonly signal: AbortSignal }): Promise<Uint8Array>;
}

/** Somebody on the platform. */
export interface PlatformSender {
  /** Their id on the platform, which never changes; what a person may choose is none. */
  readonly platformId: string;
  /** What they call themselves; shown, never trusted. */
  readonly displayName: string;
}

/** A message of a person to the agent or beside it. Messages of its own, of other bots, and edits are none. */
export interface ChannelInbound {
  /** The platform's id of the message. */
  readonly messageId: string;
  /** The same whenever the platform sends this message again, and no other message's on this connection. */
  readonly dedupeKey: string;
  /** The conversation: what a reply goes to. */
  readonly channelId: string;
  readonly threadId?: string;
  /** Between this person and the agent alone. */
  readonly direct: boolean;
  readonly sender: PlatformSender;
  /** As plain text or Markdown, without the agent's own name where that only called it. */
  readonly content: string;
  readonly attachments: readonly InboundAttachment[];
  /** The platform's id of the message it answers. */
  readonly replyTo?: string;
  /** It names the agent, or answers one of its messages. */
  readonly mentionsAgent: boolean;
  /** When it was said, epoch milliseconds, by the platform's clock. */
  readonly at: number;
  /** What else the platform says of it, for debugging; plain data. */
  readonly metadata: Readonly<Record<string, unknown>>;
}

export interface OutboundAttachment {
  readonly name: string;
  readonly mediaType: string;
  readonly data: Uint8Array;
}

/** One message to a conversation. */
export interface ChannelOutbound {
  readonly channelId: string;
  readonly threadId?: string;
  readonly replyTo?: string;
  /** Markdown, no longer than `maxMessageLength`. */
  readonly content: string;
  readonly attachments: readonly OutboundAttachment[];
  /** Given to the platform where it takes one. */
  readonly idempotencyKey: string;
}

export interface SentMessage {
  readonly platformMessageId: string;
}

/** A request of the platform to us, as it came to `/webhooks/{channel}`. Plain data: it crosses threads. */
export interface WebhookRequest {
  /** In capitals. Only `GET` and `POST` come this far. */
  readonly method: string;
  /** What was asked for, as it was written, without the query. */
  readonly path: string;
  /** The query as it was written, without its `?`; empty when there is none. */
  readonly query: string;
  /** By their names in lower case; several of one name are joined by `, `. */
  readonly headers: Readonly<Record<string, string>>;
  /** The bytes as they came: signatures are over them. At most a mebibyte. */
  readonly body: Uint8Array;
}

/** What the platform is answered. */
export interface WebhookResponse {
  /** 200 to 599. */
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** Who an adapter tells what it hears. */
export interface ChannelSink {
  /**
   * A message came. Once the promise resolves the message is durable: only then may the platform be told that it was
   * taken. It rejects when it was not taken; the platform is to send it again. An adapter hands on messages of one
   * conversation in their order, without waiting for each, and at most 256 at a time: what floods it waits outside.
   */
  received(message: ChannelInbound): Promise<void>;
  /** The connection that stood is gone; the adapter is finished and another one will be started. Told once. */
  lost(reason: unknown): void;
}

/**
 * A connection to a platform. It connects once: to come back after a failure, and when, is for the channel's actor to
 * decide. Failures are `SigilError`s: `retryable` when the same may work later, `details.retry_after_ms` where the platform
 * says when; a wrong key is not retryable and says what to do. No error or metadata holds a key.
 */
export interface ChannelAdapter {
  readonly capabilities: ChannelCapabilities;
  /** Connects; resolves once messages come in. Aborted, or never resolved, it leaves nothing behind. */
  start(sink: ChannelSink, options: { readonly signal: AbortSignal }): Promise<void>;
  /** Sends one message; resolves once the platform has taken it. */
  send(outbound: ChannelOutbound, options: { readonly signal: AbortSignal }): Promise<SentMessage>;
  /** Puts another text in the place of a message's; only with `editing`. The text it has already is no failure. */
  edit?(
    channelId: string,
    platformMessageId: string,
    content: string,
    options: { readonly signal: AbortSignal },
  ): Promise<void>;
  /** Takes a message of its own back; only where the platform can. One that is gone already is taken back. */
  remove?(channelId: string, platformMessageId: string, options: { readonly signal: AbortSignal }): Promise<void>;
  react?(channelId: string, platformMessageId: string, reaction: string): Promise<void>;
  /** Shows for some seconds that the agent writes; only with `typing`. Failures are not worth telling. */
  typing?(channelId: string, threadId?: string): Promise<void>;
  /** The message that was sent under a key, or null; only with `dedupe: 'lookup'`. */
  lookup?(channelId: string, idempotencyKey: string): Promise<SentMessage | null>;
  /**
   * Takes a request of a platform that calls us; only where one does, and only between `start` and `stop`. The adapter checks
   * whose request it is, over the raw bytes, before it reads anything in it: nobody has by then. It answers 200 only once
   * `received` has resolved for every message in it, and 503 when one was not taken, so that the platform sends it again. Of
   * a request that is not the platform's the answer says nothing but 401.
   * @throws SigilError where it cannot answer, which the edge tells as its status
   */
  webhook?(request: WebhookRequest, options: { readonly signal: AbortSignal }): Promise<WebhookResponse>;
  /** Who somebody is, or null when nobody has that id. */
  identity(platformId: string): Promise<PlatformSender | null>;
  /** Ends it: what is being sent settles first or fails; no socket, timer or listener is left. Never throws. */
  stop(): Promise<void>;
}

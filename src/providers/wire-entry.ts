// SPDX-License-Identifier: Apache-2.0
// What is told of a provider's traffic to somebody who looks: requests, answers and the events made of them, secrets hidden.

/** A header as it was sent or came: its name in the sender's spelling where that is known. */
export type WireHeader = readonly [name: string, value: string];

/** How bytes are told as text: each character of `latin1` is one byte, where a body is no UTF-8. */
export type WireEncoding = 'utf8' | 'latin1';

/** What a call is for. */
export type WirePurpose = 'chat' | 'probe' | 'models' | 'embed' | 'other';

/** An event of {@link ChatEvent} as it is told outside: names in `snake_case`, a failure with its code and details. */
export type WireChatEvent = { readonly type: string } & Readonly<Record<string, unknown>>;

/** One thing that happened. Within a call `exchange` counts its HTTP requests from 1. */
export type WirePart =
  /** A call began; `model` as the vendor calls it, empty where it is for no model. */
  | { readonly kind: 'call'; readonly purpose: WirePurpose; readonly model: string }
  | {
      readonly kind: 'request';
      readonly exchange: number;
      readonly method: string;
      readonly url: string;
      readonly headers: readonly WireHeader[];
      /** Bytes of its body. */
      readonly body_bytes: number;
    }
  /** A piece of the request's body: in order, all of them are the body. */
  | {
      readonly kind: 'request_body';
      readonly exchange: number;
      readonly encoding: WireEncoding;
      readonly text: string;
      readonly last: boolean;
    }
  /** The head of an answer, so long after the request. */
  | {
      readonly kind: 'answer';
      readonly exchange: number;
      readonly status: number;
      readonly reason: string;
      readonly headers: readonly WireHeader[];
      readonly after_ms: number;
    }
  /** A piece of the answer's body, as it came but for a line's end: a line is told whole, so that no secret is cut in two. */
  | { readonly kind: 'answer_body'; readonly exchange: number; readonly encoding: WireEncoding; readonly text: string }
  /** The connection is done with an answer; `whole` is false where it, or we, broke off, and `why` says more. */
  | {
      readonly kind: 'answer_end';
      readonly exchange: number;
      readonly whole: boolean;
      readonly body_bytes: number;
      readonly why: string;
    }
  /** No answer came. */
  | { readonly kind: 'no_answer'; readonly exchange: number; readonly why: string }
  /** What our side made of it. */
  | { readonly kind: 'event'; readonly event: WireChatEvent }
  /** The call is over: with its last event, or because nobody wants it any more. */
  | { readonly kind: 'end'; readonly outcome: 'ended' | 'cancelled'; readonly took_ms: number };

export type WireEntry = {
  /** RFC 3339 UTC with milliseconds. */
  readonly at: string;
  /** The provider's name. */
  readonly provider: string;
  /** The call's own id; a turn may make several. */
  readonly call: string;
  /** The turn it is made for; null where there is none. */
  readonly turn_id: string | null;
  /** Counts the entries of a call from 1: a number that is missing was dropped on its way. */
  readonly n: number;
} & WirePart;

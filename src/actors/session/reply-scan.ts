// SPDX-License-Identifier: Apache-2.0
// Stands between a model's events and the lane: what is shown, journaled and kept of a reply is what the scanner left of it.

import { type Failure, failure } from '../../errors.ts';
import type { ChatEvent } from '../../providers/provider.ts';
import type { Mode } from '../../security/scanner/rule.ts';
import { KNOWN_SECRET, StreamRedactor, type StreamSecrets } from '../../security/scanner/stream-redactor.ts';
import { repliedSecret } from '../../security/scanner/told.ts';
import type { Abort, LaneEffects, ReplyEvent } from './effects.ts';

export interface ReplyScanOptions {
  readonly mode: Mode;
  /** Rules and known secrets; asked with each call, for both may have grown. */
  readonly secrets: () => StreamSecrets;
  /** Hides known secrets in what comes whole. */
  readonly hide: (text: string) => string;
  readonly soon: (run: () => void) => Abort;
  /** Why no reply can be scanned now; null when it can. */
  readonly closed: () => Failure | null;
  /** A reply was scanned to its end, or could not be. */
  readonly scanned: (error: unknown) => void;
}

type CallModel = LaneEffects['callModel'];
type Sink = Parameters<CallModel>[3];

/** The same model call, with its reply scanned. */
export function scanReplies(callModel: CallModel, options: ReplyScanOptions): CallModel {
  return (names, state, permit, sink) => {
    const closed = options.closed();
    // Told later, as by every call: whoever asked has not got hold of it yet.
    if (closed !== null) return options.soon(() => sink.end(closed));
    const reply = new ReplyScan(sink, options);
    reply.stop = callModel(names, state, permit, reply);
    return () => reply.abort();
  };
}

/** A sink that passes on what the scanner leaves; `stop` is to end the call. */
export function scannedSink(sink: Sink, options: ReplyScanOptions): Sink & { stop: Abort } {
  return new ReplyScan(sink, options);
}

class ReplyScan implements Sink {
  /** Ends the call. */
  stop: Abort = () => undefined;
  private readonly sink: Sink;
  private readonly options: ReplyScanOptions;
  private readonly text: StreamRedactor;
  private readonly thinking: StreamRedactor;
  /** Look for secrets where these are only told of, in the same order. */
  private readonly watching: readonly [StreamRedactor, StreamRedactor] | null;
  /** Calls of tools that wait until the reply is through: one that is blocked makes none. */
  private readonly calls: ChatEvent[] = [];
  private over = false;

  constructor(sink: Sink, options: ReplyScanOptions) {
    this.sink = sink;
    this.options = options;
    const { rules, known } = options.secrets();
    const all = { rules, known };
    const knownOnly = { rules: NO_RULES, known };
    const cuts = options.mode === 'redact' || options.mode === 'block';
    this.text = new StreamRedactor(cuts ? all : knownOnly);
    this.thinking = new StreamRedactor(cuts ? all : knownOnly);
    this.watching = options.mode === 'flag' ? [new StreamRedactor(all), new StreamRedactor(all)] : null;
  }

  event = (event: ReplyEvent): void => {
    if (this.over) return;
    try {
      this.take(event);
    } catch (thrown) {
      this.fail(thrown);
    }
  };

  end = (error: Failure | null): void => {
    if (this.over) return;
    this.over = true;
    // What was held back of a reply that broke off may be half a secret: it is not shown.
    this.sink.end(error);
  };

  abort(): void {
    // What it used is told while it is stopped.
    this.stop();
    this.over = true;
  }

  private take(event: ReplyEvent): void {
    switch (event.type) {
      case 'text_delta':
        this.watching?.[0].push(event.text);
        this.show('text_delta', this.text.push(event.text));
        if (this.mustEnd) this.block();
        return;
      case 'thinking_delta':
        this.watching?.[1].push(event.text);
        this.show('thinking_delta', this.thinking.push(event.text));
        if (this.mustEnd) this.block();
        return;
      case 'tool_call': {
        const call = { ...event, arguments: this.options.hide(event.arguments) };
        if (this.options.mode === 'block') this.calls.push(call);
        else this.sink.event(call);
        return;
      }
      case 'done':
        return this.done(event);
      default:
        this.sink.event(event);
    }
  }

  private show(type: 'text_delta' | 'thinking_delta', text: string): void {
    if (text !== '') this.sink.event({ type, text });
  }

  private done(event: ChatEvent): void {
    this.watching?.[0].flush();
    this.watching?.[1].flush();
    this.show('thinking_delta', this.thinking.flush());
    this.show('text_delta', this.text.flush());
    if (this.mustEnd) return this.block();
    for (const call of this.calls.splice(0)) this.sink.event(call);
    this.notice();
    this.options.scanned(null);
    this.sink.event(event);
  }

  /** A secret by a rule, where replies with one end there. What is known word for word is hidden, and ends nothing. */
  private get mustEnd(): boolean {
    return this.options.mode === 'block' && this.rules().some((rule) => rule !== KNOWN_SECRET);
  }

  private rules(): readonly string[] {
    const all = [...(this.watching ?? []), this.text, this.thinking].flatMap(({ found }) => [...found.keys()]);
    return [...new Set(all)];
  }

  private notice(): void {
    const rules = this.rules();
    if (rules.length === 0) return;
    const known = rules.every((rule) => rule === KNOWN_SECRET);
    const { mode } = this.options;
    const did = mode === 'block' && !known ? 'blocked' : mode === 'flag' && !known ? 'flagged' : 'redacted';
    this.sink.event({ type: 'notice', warning: repliedSecret(rules, did) });
  }

  private block(): void {
    this.stop();
    this.over = true;
    this.notice();
    this.options.scanned(null);
    this.sink.event({ type: 'done', finishReason: 'content_filter' });
    this.sink.end(null);
  }

  private fail(thrown: unknown): void {
    this.stop();
    this.over = true;
    this.options.scanned(thrown);
    this.sink.end(failure('internal', 'The reply could not be scanned, so the rest of it is not shown.'));
  }
}

const NO_RULES: StreamSecrets['rules'] = { next: new Map(), ends: [] };

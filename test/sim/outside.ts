// SPDX-License-Identifier: Apache-2.0
// The world outside a gateway: models and tools that do what the plan says, on the virtual clock, and count what was asked of them.

import type { StreamSink } from '../../src/actors/session/call-model.ts';
import type { Tool, ToolOutcome } from '../../src/agent/tools/tool.ts';
import type { ArgumentChecks } from '../../src/agent/tools/validate.ts';
import type { LaneAdapters } from '../../src/composition/lane-adapters.ts';
import { failure } from '../../src/errors.ts';
import type { ChatEvent, ChatMessage, ChatRequest } from '../../src/providers/provider.ts';
import type { Chance } from './chance.ts';
import type { Clock, Life, Task } from './clock.ts';
import type { ModelFault, Plan, PlannedCall, PlannedMessage } from './plan.ts';
import { Platform } from './platform.ts';
import type { Rules, Stream } from './rules.ts';

const OBJECT = { type: 'object', additionalProperties: true } as const;
/** How long a probe takes, in milliseconds. */
const PROBE_MS = 200;
const KEY = /^#(\d+) /;

export class Outside {
  /** Streams that run. */
  readonly streams = new Set<Stream>();
  /** Tools that run. */
  toolsRunning = 0;
  calls = 0;
  toolCalls = 0;
  probes = 0;
  summaries = 0;
  /** The lives whose probes run, by provider. */
  private readonly probing = new Map<string, Life>();
  private readonly clock: Clock;
  private readonly rules: Rules;
  private readonly checks: ArgumentChecks;
  private readonly plan: Plan;
  private readonly messages: ReadonlyMap<number, PlannedMessage>;
  private readonly attempts = new Map<string, number>();

  /** Where people chat; null where nobody does. */
  readonly platform: Platform | null;

  constructor(clock: Clock, plan: Plan, rules: Rules, checks: ArgumentChecks, chance: Chance) {
    this.clock = clock;
    this.plan = plan;
    this.rules = rules;
    this.checks = checks;
    this.messages = new Map(plan.messages.map((message) => [message.key, message]));
    this.platform = plan.chat === undefined ? null : new Platform(clock, plan.chat, plan.messages, rules, chance);
  }

  /** What one life of a lane's thread has of it. */
  adapters(life: Life): LaneAdapters {
    return {
      checks: this.checks,
      tools: [this.tool(life, 'once'), this.tool(life, 'again')],
      stream: (provider, request, sink) => this.stream(life, provider, request, sink),
    };
  }

  private stream(life: Life, provider: string, request: ChatRequest, sink: StreamSink): () => void {
    if (request.task === 'summarize') return this.summary(life, provider, sink);
    const found = placeIn(request.messages);
    if (found === null) return this.probe(life, provider, sink);
    const { key, round } = found;
    const message = this.messages.get(key);
    if (message === undefined) throw new Error(`no message ${key} is in the plan`);
    const call = message.calls[Math.min(round, message.calls.length - 1)] ?? message.calls[0];
    const place = `${key}.${round}`;
    const attempt = (this.attempts.get(place) ?? 0) + 1;
    this.attempts.set(place, attempt);
    this.calls += 1;
    const stream: Stream = { key, provider, life, since: this.clock.now };
    const planned = call.fault !== null && attempt <= call.fault.times ? call.fault.kind : null;
    const fault = this.down(provider) ? 'before' : planned;
    const about = call.fault?.about;
    if (!life.dead) {
      for (const other of this.streams) if (other.life.dead) this.streams.delete(other);
      this.streams.add(stream);
      this.rules.streamBegan(stream, this.streams);
      if (this.probing.has(provider)) this.rules.calledWhileProbed();
    }
    const steps = script(call, `${place}.${attempt}`, fault, about);
    let task: Task | undefined;
    const next = (at: number): void => {
      const events = steps[Math.min(at, steps.length - 1)];
      if (events === undefined) return;
      const endless = fault === 'endless' && at >= steps.length - 1;
      if (fault === 'hang' && at >= steps.length - 1) return;
      task = this.clock.schedule(life, at === 0 ? call.first : call.gap, 'model', () => {
        for (const event of events) sink.event(event);
        if (endless || at < steps.length - 1) return next(at + 1);
        this.streams.delete(stream);
        sink.end(fault === 'silent' ? failure('provider_error', 'The model ended without saying so.') : null);
      });
    };
    next(0);
    return () => {
      if (task !== undefined) task.run = null;
      this.streams.delete(stream);
    };
  }

  /** Whether the vendor fails whatever it is asked; those beside the first one never do. */
  private down(provider: string): boolean {
    const { outage } = this.plan;
    const within = outage !== undefined && this.clock.now >= outage.from && this.clock.now < outage.until;
    return within && provider === 'scripted';
  }

  /** A call that belongs to no message: somebody looks whether the vendor is back. */
  private probe(life: Life, provider: string, sink: StreamSink): () => void {
    const over = (): void => {
      if (this.probing.get(provider) === life) this.probing.delete(provider);
    };
    if (!life.dead) {
      if (this.probing.has(provider)) this.rules.broke('circuit', 'two probes of one vendor run at once');
      this.probing.set(provider, life);
      this.probes += 1;
      life.atEnd(over);
    }
    const down = this.down(provider);
    const task = this.clock.schedule(life, PROBE_MS, 'model', () => {
      over();
      const error = failure('provider_error', 'The model is down.');
      sink.event(down ? { type: 'error', error } : { type: 'done', finishReason: 'length' });
      sink.end(null);
    });
    return () => {
      task.run = null;
      over();
    };
  }

  /** A summary: one in five fails, one in seven brings what is no fact, and some take their time. */
  private summary(life: Life, provider: string, sink: StreamSink): () => void {
    this.summaries += 1;
    const nth = this.summaries + this.plan.seed;
    const fails = this.down(provider) || nth % 5 === 0;
    const error = failure('provider_error', 'The model sums nothing up.', {
      about: nth % 10 === 0 ? 'request' : 'model',
    });
    const used = { inputTokens: 20, outputTokens: 10, cacheReadTokens: 0, cacheWriteTokens: 0 };
    const text = `Summary ${nth}.\nFACTS\n${nth % 7 === 0 ? 'none' : '[{"subject":"it","predicate":"is","value":"said"}]'}`;
    const task = this.clock.schedule(life, 5 + (nth % 4) * 150, 'model', () => {
      if (fails) {
        sink.event({ type: 'error', error });
        return sink.end(null);
      }
      sink.event({ type: 'text_delta', text });
      sink.event({ type: 'usage', ...used });
      sink.event({ type: 'done', finishReason: 'stop' });
      sink.end(null);
    });
    return () => {
      task.run = null;
    };
  }

  private tool(life: Life, name: 'once' | 'again'): Tool {
    return {
      name,
      description: `A tool of the simulation that ${name === 'again' ? 'may be run again' : 'must not be run again'}.`,
      inputSchema: OBJECT,
      capabilities: [],
      safe: true,
      timeoutMs: 60_000,
      idempotent: name === 'again',
      serial: false,
      approval: (args) => (args['asks'] === undefined ? null : 'it is planned to ask'),
      execute: (args, { turn_id, call_id }) => {
        if (!life.dead) {
          this.toolCalls += 1;
          this.toolsRunning += 1;
          life.atEnd(() => done());
          this.rules.toolRan(turn_id, call_id, name === 'again', args['asks'] !== undefined);
        }
        let running = !life.dead;
        const done = (): void => {
          if (running) this.toolsRunning -= 1;
          running = false;
        };
        this.clock.settle = true;
        return new Promise<ToolOutcome>((resolve) => {
          const how = String(args['how']);
          if (how === 'hangs') return done();
          this.clock.schedule(life, Number(args['ms']), 'tool', () => {
            done();
            this.clock.settle = true;
            resolve({ content: `${name} ${how}`, is_error: how === 'fails' });
          });
        });
      },
    };
  }
}

/** Which message a request answers, and how many replies of its turn it has already; null: none, it is a probe. */
function placeIn(messages: readonly ChatMessage[]): { readonly key: number; readonly round: number } | null {
  const at = messages.findLastIndex(({ role }) => role === 'user');
  const key = KEY.exec(messages[at]?.content ?? '');
  if (key === null && messages.length === 1 && messages[at]?.origin === 'system') return null;
  if (key === null) throw new Error('a request without a message of the plan');
  return { key: Number(key[1]), round: messages.slice(at).filter(({ role }) => role === 'assistant').length };
}

/** A call as events that come together, one step after the other. */
function script(
  call: PlannedCall,
  place: string,
  fault: ModelFault['kind'] | null,
  about: ModelFault['about'],
): readonly (readonly ChatEvent[])[] {
  const error = (code: 'provider_error' | 'provider_rate_limited'): ChatEvent => ({
    type: 'error',
    error: failure(code, `The model of ${place} failed.`, about === undefined ? undefined : { about }),
  });
  if (fault === 'before') return [[error('provider_error')]];
  if (fault === 'busy') return [[error('provider_rate_limited')]];
  const deltas = Array.from({ length: call.deltas }, (_, at): readonly ChatEvent[] => [
    at % 4 === 3 ? { type: 'thinking_delta', text: `(${place})` } : { type: 'text_delta', text: `${place}:${at} ` },
  ]);
  const said = deltas.slice(0, Math.ceil(deltas.length / 2));
  const more: readonly ChatEvent[] = [{ type: 'text_delta', text: '…' }];
  if (fault === 'mid') return [...said, [error('provider_error')]];
  if (fault === 'hang') return [...said, []];
  if (fault === 'endless') return [...said, more];
  if (fault === 'silent') return [...said, []];
  const used = Math.floor(call.tokens / 2);
  const usage: ChatEvent = {
    type: 'usage',
    inputTokens: used,
    outputTokens: call.tokens - used,
    cacheReadTokens: 0,
    cacheWriteTokens: 0,
  };
  const tools = call.tools.map(
    ({ name, ms, how, asks }, at): ChatEvent => ({
      type: 'tool_call',
      id: `${place}.${at}`,
      name,
      arguments: JSON.stringify({ ms, how, ...(asks === undefined ? {} : { asks }) }),
    }),
  );
  const finishReason = fault === 'filtered' ? 'content_filter' : tools.length > 0 ? 'tool_calls' : 'stop';
  return [...deltas, [...(fault === 'filtered' ? [] : tools), usage, { type: 'done', finishReason }]];
}

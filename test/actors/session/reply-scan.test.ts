// SPDX-License-Identifier: Apache-2.0
// A reply on its way from the model to the lane: what is shown, what it adds up to, and how it ends under each mode.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ReplyEvent } from '../../../src/actors/session/effects.ts';
import { ReplyCollector } from '../../../src/actors/session/reply-collector.ts';
import { type ReplyScanOptions, scanReplies } from '../../../src/actors/session/reply-scan.ts';
import { type Failure, failure } from '../../../src/errors.ts';
import type { ChatEvent } from '../../../src/providers/provider.ts';
import { KnownTexts } from '../../../src/security/scanner/known-texts.ts';
import type { Mode } from '../../../src/security/scanner/rule.ts';
import { RULES } from '../../../src/security/scanner/rules.ts';
import { streamRules } from '../../../src/security/scanner/stream-rules.ts';
import { emptySession } from '../../../src/stores/session-state.ts';
import type { ShortEvent } from '../../../src/stores/turn-events.ts';
import { usualRuns } from '../../drawn.ts';

const KEY = 'AKIAQ7ZK3MXW5TRNB2YD';
const OURS = 'the-gateway-knows-this-one';
const rules = streamRules(RULES);
const known = new KnownTexts({ size: 1, texts: () => [OURS] });

interface Heard {
  readonly shown: ShortEvent[];
  readonly events: ReplyEvent[];
  readonly ended: (Failure | null)[];
  readonly scanned: unknown[];
  stopped: boolean;
  readonly collector: ReplyCollector;
  abort: () => void;
}

/** Has a model say something, and hears what comes of it. */
function hear(
  mode: Mode,
  said: readonly ChatEvent[],
  more: Partial<ReplyScanOptions> = {},
  end: Failure | null | 'never' = null,
): Heard {
  const collector = new ReplyCollector(() => 0);
  const heard: Heard = {
    shown: [],
    events: [],
    ended: [],
    scanned: [],
    stopped: false,
    collector,
    abort: () => undefined,
  };
  const call = scanReplies(
    (_names, _state, _permit, sink) => {
      model = () => {
        for (const event of said) if (!heard.stopped) sink.event(event);
        if (!heard.stopped && end !== 'never') sink.end(end);
      };
      return () => {
        heard.stopped = true;
        sink.event({ type: 'usage', inputTokens: 1, outputTokens: 2, cacheReadTokens: 0, cacheWriteTokens: 0 });
      };
    },
    {
      mode,
      secrets: () => ({ rules: mode === 'off' ? { next: new Map(), ends: [] } : rules, known }),
      hide: (text) => text.replaceAll(OURS, '***'),
      soon: (run) => {
        run();
        return () => undefined;
      },
      closed: () => null,
      scanned: (error) => void heard.scanned.push(error),
      ...more,
    },
  );
  let model = (): void => undefined;
  heard.abort = call({ session_id: 's', address: 'session/s' } as never, emptySession(), NO_PERMIT, {
    event: (event) => {
      heard.events.push(event);
      const shown = collector.take(event);
      if (shown !== null) heard.shown.push(shown);
    },
    end: (error) => void heard.ended.push(error),
  });
  model();
  return heard;
}

const NO_PERMIT = { take: () => undefined, withdraw: () => undefined, drop: () => undefined };
const text = (...texts: readonly string[]): ChatEvent[] => texts.map((one) => ({ type: 'text_delta', text: one }));
const thinking = (one: string): ChatEvent => ({ type: 'thinking_delta', text: one });
const tool: ChatEvent = { type: 'tool_call', id: 'c', name: 'clock', arguments: `{"a":"${OURS}"}` };
const done: ChatEvent = { type: 'done', finishReason: 'stop' };
const kinds = ({ events }: Heard): readonly string[] => events.map(({ type }) => type);
const outcome = ({ collector }: Heard) => collector.ended('stop');

describe('a reply that is redacted', () => {
  it('shows, adds up to and keeps the same, text and thinking alike, however it came', () => {
    const pieces = fc.array(
      fc.constantFrom('the key is ', KEY.slice(0, 7), KEY.slice(7), OURS, OURS.slice(0, 9), 'sk-', ' and ', 'ghp_'),
      { maxLength: 12 },
    );
    fc.assert(
      fc.property(pieces, pieces, (said, thought) => {
        const heard = hear('redact', [...text(...said), ...thought.map(thinking), done]);
        const { content, thinking: mind, deltas } = outcome(heard);
        expect(heard.shown.filter((event) => typeof event === 'string').join('')).toBe(content);
        for (const one of [content, mind]) {
          expect(one).not.toMatch(new RegExp(`(?<![A-Za-z0-9])${KEY}`));
          expect(one).not.toContain(OURS);
        }
        expect(deltas.filter((length) => length > 0).reduce((sum, length) => sum + length, 0)).toBe(content.length);
        const whole = hear('redact', [...text(said.join('')), thinking(thought.join('')), done]);
        expect([outcome(whole).content, outcome(whole).thinking]).toEqual([content, mind]);
      }),
      { numRuns: usualRuns(200) },
    );
  });

  it('tells what was cut out once it is over, and hides what is known in the arguments of tools', () => {
    const heard = hear('redact', [...text('it is ', KEY, '.'), tool, done]);
    expect(outcome(heard).content).toBe('it is [redacted:aws-access-key].');
    expect(outcome(heard).notice).toMatchObject({
      code: 'output_redacted',
      message: expect.stringContaining('aws-access-key'),
    });
    expect(outcome(heard).tool_calls).toMatchObject([{ arguments: '{"a":"***"}' }]);
    expect(kinds(heard).slice(-2)).toEqual(['notice', 'done']);
    expect([heard.ended, heard.scanned]).toEqual([[null], [null]]);
  });

  it('shows nothing of what was held back when it breaks off: that may be half a secret', () => {
    const broken = failure('provider_network', 'gone');
    const heard = hear('redact', text('it is ', OURS.slice(0, 20)), {}, broken);
    expect([heard.shown, heard.ended]).toEqual([['it is '], [broken]]);
  });

  it('is told what it used when it is stopped, and nothing after', () => {
    const heard = hear('redact', [], {}, 'never');
    heard.abort();
    expect(kinds(heard)).toEqual(['usage']);
  });
});

describe('a reply with a secret', () => {
  it('is ended by block with content_filter, and its calls of tools are not made', () => {
    const heard = hear('block', [tool, ...text('it is ', KEY, ' and more'), done]);
    expect(kinds(heard)).toEqual(['text_delta', 'text_delta', 'usage', 'notice', 'done']);
    expect(outcome(heard)).toMatchObject({ content: 'it is [redacted:aws-access-key]', tool_calls: [] });
    expect(heard.events.at(-1)).toEqual({ type: 'done', finishReason: 'content_filter' });
    expect([heard.ended, heard.stopped]).toEqual([[null], true]);
    const clean = hear('block', [tool, ...text('nothing here'), done]);
    expect(outcome(clean).tool_calls).toHaveLength(1);
  });

  it('is only told of by flag, and shown as it is', () => {
    const heard = hear('flag', [...text('it is ', KEY, ` and ${OURS}`), done]);
    expect(outcome(heard).content).toBe(`it is ${KEY} and ***`);
    expect(outcome(heard).notice).toMatchObject({ code: 'output_flagged' });
  });

  it.each(['off', 'flag', 'redact', 'block'] as const)('never holds one the gateway knows: mode %s', (mode) => {
    const heard = hear(mode, [...text(...OURS), done]);
    expect(outcome(heard)).toMatchObject({ content: '***', notice: { code: 'output_redacted' } });
    expect(heard.events.at(-1)).toEqual(done);
  });
});

describe('a scanner that fails', () => {
  it('ends the reply where it failed, and what came after is not shown', () => {
    const broken = {
      get next(): never {
        throw new Error('no rules');
      },
      ends: [],
    };
    const heard = hear('redact', [...text('anything'), done], { secrets: () => ({ rules: broken as never, known }) });
    expect(heard.shown).toEqual([]);
    expect(heard.ended).toMatchObject([{ code: 'internal', message: expect.stringContaining('could not be scanned') }]);
    expect(heard.scanned).toMatchObject([{ message: 'no rules' }]);
    expect(heard.stopped).toBe(true);
  });

  it('asks no model while its circuit is open', () => {
    const closed = failure('internal', 'closed');
    const heard = hear('redact', [...text('anything'), done], { closed: () => closed });
    expect([heard.events, heard.ended]).toEqual([[], [closed]]);
  });
});

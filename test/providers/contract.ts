// SPDX-License-Identifier: Apache-2.0
// The stream contract as a suite: every provider's test calls it, whatever it is built on.

import { expect, it } from 'vitest';
import type { ChatEvent, ChatRequest, Provider } from '../../src/providers/provider.ts';

/** A provider, and requests that make it show each side of the contract. */
export interface ContractCase {
  readonly provider: () => Provider | Promise<Provider>;
  /** Answered with some words of text. */
  readonly text: ChatRequest;
  /** Answered with at least one tool call. */
  readonly tool: ChatRequest;
  /** Answered so slowly that there is time to abort it. */
  readonly slow: ChatRequest;
  /** Answered with an error. */
  readonly wrong: ChatRequest;
}

/** All events of one call. */
export async function collect(provider: Provider, request: ChatRequest, signal?: AbortSignal): Promise<ChatEvent[]> {
  const events: ChatEvent[] = [];
  const options = { signal: signal ?? new AbortController().signal };
  for await (const batch of provider.chat(request, options)) events.push(...batch);
  return events;
}

/** What a reply's text deltas add up to. */
export function textOf(events: readonly ChatEvent[]): string {
  return events.map((event) => (event.type === 'text_delta' ? event.text : '')).join('');
}

const isEnd = ({ type }: ChatEvent): boolean => type === 'done' || type === 'error';

/** Fails unless a stream that was not aborted keeps the order every provider promises. */
export function expectValidStream(events: readonly ChatEvent[]): void {
  expect(events.filter(isEnd)).toHaveLength(1);
  expect(events.findIndex(isEnd)).toBe(events.length - 1);
  for (const event of events) {
    if (event.type === 'text_delta' || event.type === 'thinking_delta') expect(event.text).not.toBe('');
    if (event.type !== 'tool_call') continue;
    expect(event.id).not.toBe('');
    expect(event.name).not.toBe('');
    expect(typeof JSON.parse(event.arguments)).toBe('object');
  }
  const ids = events.flatMap((event) => (event.type === 'tool_call' ? [event.id] : []));
  expect(new Set(ids).size).toBe(ids.length);
  const end = events.at(-1);
  if (end?.type === 'error') return;
  const usage = events.filter(({ type }) => type === 'usage');
  expect(usage).toHaveLength(1);
  expect(events.at(-2)).toBe(usage[0]);
  for (const event of usage) {
    if (event.type !== 'usage') continue;
    const counts = [event.inputTokens, event.outputTokens, event.cacheReadTokens, event.cacheWriteTokens];
    expect(counts.every((count) => Number.isSafeInteger(count) && count >= 0)).toBe(true);
  }
  expect(end).toEqual({ type: 'done', finishReason: expect.any(String) });
  expect(end?.type === 'done' && end.finishReason === 'tool_calls').toBe(ids.length > 0);
}

/** Declares the tests of the contract; call it inside a `describe`. */
export function providerContract(given: ContractCase): void {
  it('streams text, then usage, then done', async () => {
    const provider = await given.provider();
    const events = await collect(provider, given.text);
    expectValidStream(events);
    expect(textOf(events)).not.toBe('');
    expect(events.at(-1)).toEqual({ type: 'done', finishReason: 'stop' });
    await provider.close();
  });

  it('gives complete tool calls, with ids of their own', async () => {
    const provider = await given.provider();
    const events = await collect(provider, given.tool);
    expectValidStream(events);
    expect(events.some(({ type }) => type === 'tool_call')).toBe(true);
    await provider.close();
  });

  it('ends soon when aborted in the middle, without throwing', async () => {
    const provider = await given.provider();
    const abort = new AbortController();
    const events: ChatEvent[] = [];
    let abortedAt = 0;
    for await (const batch of provider.chat(given.slow, { signal: abort.signal }))
      for (const event of batch) {
        events.push(event);
        if (abortedAt > 0 || event.type !== 'text_delta') continue;
        setTimeout(() => {
          abortedAt = performance.now();
          abort.abort();
        }, 5);
      }
    expect(abortedAt).toBeGreaterThan(0);
    expect(performance.now() - abortedAt).toBeLessThan(1000);
    expect(events.filter(isEnd).every(({ type }) => type === 'error')).toBe(true);
    await provider.close();
  });

  it('says nothing, or an error, when aborted before it began', async () => {
    const provider = await given.provider();
    const events = await collect(provider, given.text, AbortSignal.abort());
    expect(events.every(({ type }) => type === 'error')).toBe(true);
    expect(events.length).toBeLessThanOrEqual(1);
    await provider.close();
  });

  it('ends with an error event instead of throwing', async () => {
    const provider = await given.provider();
    const events = await collect(provider, given.wrong);
    expectValidStream(events);
    const end = events.at(-1);
    expect(end?.type === 'error' && end.error.message).toBeTruthy();
    await provider.close();
  });

  it('serves calls side by side without mixing them', async () => {
    const provider = await given.provider();
    const [a, b] = await Promise.all([collect(provider, given.text), collect(provider, given.tool)]);
    expectValidStream(a ?? []);
    expectValidStream(b ?? []);
    expect(a?.some(({ type }) => type === 'tool_call')).toBe(false);
    await provider.close();
  });

  it('lists its models under its own name and tells its status', async () => {
    const provider = await given.provider();
    const models = await provider.listModels();
    expect(models.map(({ id }) => id)).toContain(given.text.model);
    const status = provider.status();
    expect(status.available).toBe(provider.available());
    expect(status.message).not.toBe('');
    await provider.close();
  });
}

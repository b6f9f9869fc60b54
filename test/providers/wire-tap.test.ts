// SPDX-License-Identifier: Apache-2.0
// Telling of providers' traffic: nothing is lost however it is cut, no key is in it, and nothing changes for the vendor.

import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventStream } from '../../src/providers/event-stream.ts';
import { createTransport } from '../../src/providers/transport.ts';
import type { WireEntry } from '../../src/providers/wire-entry.ts';
import { BodyText, shownHeaders, shownUrl } from '../../src/providers/wire-hiding.ts';
import { createWireTap, type WireTap } from '../../src/providers/wire-tap.ts';
import { Redactor } from '../../src/secrets/redactor.ts';
import { startWireServer, type WireServer } from '../wire/server.ts';
import { testTimers } from '../wire/timers.ts';

const same = (text: string): string => text;

/** A body cut at these places, put together again. */
function told(bytes: Uint8Array, cuts: readonly number[], hide: (text: string) => string = same) {
  let text = '';
  const back: Buffer[] = [];
  let longest = 0;
  const body = new BodyText(hide, (piece, encoding) => {
    text += piece;
    back.push(Buffer.from(piece, encoding));
    longest = Math.max(longest, piece.length);
  });
  const ends = [...new Set(cuts.map((cut) => cut % (bytes.length + 1)))].toSorted((a, b) => a - b);
  let from = 0;
  for (const end of [...ends, bytes.length]) {
    body.push(bytes.subarray(from, end));
    from = end;
  }
  body.end();
  return { text, back: Buffer.concat(back), longest };
}

const cuts = fc.array(fc.nat(), { maxLength: 20 });

describe('a body that is told in pieces', () => {
  it('is what came, in any cut', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 300 }), cuts, (text, at) => {
        const whole = text.toWellFormed();
        expect(told(Buffer.from(whole), at).text).toBe(whole);
      }),
    );
  });

  it('is what came byte for byte where it is no UTF-8', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), cuts, (bytes, at) => {
        expect(told(bytes, at).back).toEqual(Buffer.from(bytes));
      }),
    );
  });

  it('never holds a secret, wherever it was cut, however long its line is', () => {
    const redactor = new Redactor();
    const secret = 'sk-ant-0f91Xy_77';
    redactor.add(secret);
    const hide = (text: string): string => redactor.text(text);
    fc.assert(
      fc.property(fc.array(fc.string({ maxLength: 20 }), { maxLength: 5 }), cuts, (parts, at) => {
        const body = parts.join(secret);
        const { text } = told(Buffer.from(body), at, hide);
        expect(text).not.toContain(secret);
        expect(text).toBe(redactor.text(body));
      }),
    );
    const long = `${'y'.repeat(200_000)}${secret}${'z'.repeat(200_000)}${secret}`;
    for (const step of [1_000, 4_093, 65_536]) {
      const every = Array.from({ length: Math.floor(long.length / step) }, (_, index) => (index + 1) * step);
      const { text, longest } = told(Buffer.from(long), every, hide);
      expect(text).toBe(long.replaceAll(secret, '***'));
      expect(longest).toBeLessThanOrEqual(4 * 1024 + 1);
    }
  });
});

describe('headers and addresses', () => {
  it('are shown without what opens something', () => {
    expect(
      shownHeaders(
        [
          ['Authorization', 'Bearer sk-1'],
          ['x-api-key', 'sk-2'],
          ['X-Goog-Api-Key', 'sk-3'],
          ['set-cookie', 'sid=4'],
          ['Proxy-Authorization', 'sk-5'],
          ['x-ratelimit-remaining-tokens', '6'],
          ['content-type', 'application/json'],
        ],
        same,
      ),
    ).toEqual([
      ['Authorization', 'Bearer ***'],
      ['x-api-key', '***'],
      ['X-Goog-Api-Key', '***'],
      ['set-cookie', '***'],
      ['Proxy-Authorization', '***'],
      ['x-ratelimit-remaining-tokens', '6'],
      ['content-type', 'application/json'],
    ]);
    const url = 'https://me:pass@host/v1/models?key=sk-1&api_key=sk-2&alt=sse&access_token=sk-3';
    expect(shownUrl(new URL(url), same)).toBe(
      'https://***:***@host/v1/models?key=***&api_key=***&alt=sse&access_token=***',
    );
    expect(shownUrl(new URL('https://host/a%20b?alt=sse&q=%7E'), same)).toBe('https://host/a%20b?alt=sse&q=%7E');
  });
});

describe('a tap', () => {
  let server: WireServer;
  beforeAll(async () => {
    server = await startWireServer();
    server.answer({ headers: { 'content-type': 'text/plain' }, body: 'an answer' });
  });
  afterAll(() => server.close());

  const tapWith = (heard: () => boolean): { readonly tap: WireTap; readonly entries: WireEntry[] } => {
    const entries: WireEntry[] = [];
    const world = { now: () => 0, iso: () => '1970-01-01T00:00:00.000Z', uuid: () => `call-${entries.length}` };
    const publish = (entry: WireEntry): void => void entries.push(entry);
    return { tap: createWireTap({ world, heard, publish, hide: same, hideData: (data) => data }), entries };
  };
  const ask = async (tap?: WireTap): Promise<string> => {
    const after = testTimers().world.after;
    const transport = createTransport({ provider: 'wire', connect: 1_000, after, tap });
    const headers = { 'content-type': 'application/json', 'X-Custom': 'as it was' };
    const answer = await transport.fetch(`${server.url}/v1?x=1`, { method: 'POST', body: '{"a":1}', headers });
    const text = await answer.text();
    transport.close();
    return text;
  };

  it('makes nothing while nobody looks, and changes nothing of what is sent while somebody does', async () => {
    let looked = 0;
    const quiet = tapWith(() => {
      looked += 1;
      return false;
    });
    const of = { provider: 'wire', purpose: 'chat', model: 'm', turn_id: null } as const;
    expect(quiet.tap.call(of)).toBeUndefined();
    expect([await ask(quiet.tap), await ask(), await ask(tapWith(() => true).tap)]).toEqual(Array(3).fill('an answer'));
    // One question for the call and one for its request.
    expect([looked, quiet.entries]).toEqual([2, []]);
    const [first, ...others] = server.requests.map(({ method, path, headers, body }) => ({
      method,
      path,
      headers,
      body,
    }));
    for (const other of others) expect(other).toEqual(first);
  });

  it('lets an event stream flow as its reader takes it', async () => {
    const body = Array.from({ length: 400 }, (_, n) => `data: ${n} ${'x'.repeat(1_000)}\n\n`).join('');
    const stream = await startWireServer();
    stream.answer({ headers: { 'content-type': 'text/event-stream' }, body });
    const { tap, entries } = tapWith(() => true);
    const transport = createTransport({ provider: 'wire', connect: 1_000, after: testTimers().world.after, tap });
    let read = 0;
    for await (const events of await eventStream(await transport.fetch(stream.url), { provider: 'wire' }))
      read += events.length;
    transport.close();
    await stream.close();
    expect(read).toBe(400);
    expect(entries.map((entry) => (entry.kind === 'answer_body' ? entry.text : '')).join('')).toBe(body);
    expect(entries.at(-1)).toMatchObject({ kind: 'answer_end', whole: true, body_bytes: body.length });
  });

  it('knows which request belongs to which call, however they run side by side', async () => {
    const { tap, entries } = tapWith(() => true);
    const call = async (turn_id: string, requests: number): Promise<void> => {
      const seen = tap.call({ provider: 'wire', purpose: 'chat', model: 'm', turn_id });
      await seen?.within(async () => {
        for (let count = 0; count < requests; count += 1) await ask(tap);
      });
    };
    await Promise.all([call('a', 2), call('b', 3), ask(tap)]);
    const requests = entries.flatMap((entry) =>
      entry.kind === 'request' ? [`${entry.turn_id} ${entry.exchange}`] : [],
    );
    expect(requests.toSorted()).toEqual(['a 1', 'a 2', 'b 1', 'b 2', 'b 3', 'null 1']);
  });
});

// SPDX-License-Identifier: Apache-2.0
// The read store over the bus: what it asks with, and how answers and errors come out.

import { describe, expect, it } from 'vitest';
import type { SigilBus } from '../../src/actors/protocols.ts';
import { address } from '../../src/bus/address.ts';
import type { Answer } from '../../src/bus/envelope.ts';
import { failure, SigilError } from '../../src/errors.ts';
import { createReadStore, createSeqTracker, type ReadAsk } from '../../src/stores/remote/read-store.ts';

const from = address('thread', 'main');

/** A bus whose every ask is noted and answered alike. */
function answering(answer: Answer<never>): { readonly bus: ReadAsk; readonly asked: unknown[] } {
  const asked: unknown[] = [];
  return {
    asked,
    bus: {
      ask(to, type, body, _options, answered) {
        asked.push({ to, type, body });
        answered(answer);
      },
    },
  };
}

describe('read store', () => {
  it('is served by the bus as it is', () => {
    const serves = (bus: SigilBus) => createReadStore({ bus, from, seen: createSeqTracker() });
    expect(serves).toBeTypeOf('function');
  });

  it('asks for the latest until it knows what was durable at the start, then for the highest it has seen', async () => {
    const { bus, asked } = answering({ ok: true, body: 'row' as never });
    const seen = createSeqTracker();
    const store = createReadStore({ bus, from, seen });
    const read = () => store.read('turn.get', { turn_id: 't' });
    seen.note(3);
    expect(await read()).toBe('row');
    seen.began(7);
    await read();
    seen.note(9);
    seen.note(8);
    await read();
    await store.read('turn.get', { turn_id: 't' }, { after: 0 });
    expect(asked).toEqual(
      ['latest', 7, 9, 0].map((after) => ({ to: 'store/read', type: 'turn.get', body: { turn_id: 't', after } })),
    );
  });

  it('passes errors on', async () => {
    const { bus } = answering({ ok: false, error: failure('view_behind', 'not yet') });
    const store = createReadStore({ bus, from, seen: createSeqTracker() });
    const thrown = await store.read('turn.get', { turn_id: 't' }).catch((error: unknown) => error);
    expect(thrown).toBeInstanceOf(SigilError);
    expect(thrown).toMatchObject({ failure: { code: 'view_behind', retryable: true } });
  });
});

// SPDX-License-Identifier: Apache-2.0
// What every implementation of the memory stores keeps to, as suites that take the way to open one.

import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { toFailure } from '../../src/errors.ts';
import type { MemoryStore, Message, NewMessage, NewSummary } from '../../src/stores/memory-store.ts';
import { usualRuns } from '../drawn.ts';

export interface OpenedMemory {
  readonly memory: MemoryStore;
  close(): Promise<void>;
}

const codeOf = async (work: Promise<unknown>): Promise<string> => {
  try {
    await work;
    return 'ok';
  } catch (thrown) {
    return (thrown as { failure?: { code: string } }).failure?.code ?? String(thrown);
  }
};
const day = (n: number): Date => new Date(Date.UTC(2026, 0, 1) + n * 86_400_000);
const idsOf = (all: readonly { readonly id: string }[]): readonly string[] => all.map(({ id }) => id);

/** Asks again while views follow what was written: a million words take a busy machine longer than a read waits. */
async function caughtUp<T>(ask: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      if (toFailure(error).code !== 'view_behind') throw error;
    }
  }
}

/** @param runs of the comparison with the plain model */
export function memoryContract(open: () => Promise<OpenedMemory>, runs: number): void {
  let opened: OpenedMemory;
  let memory: MemoryStore;
  let workspace = '';
  let next = 0;
  beforeAll(async () => {
    opened = await open();
    memory = opened.memory;
  });
  afterAll(() => opened.close());
  const fresh = (): void => {
    next += 1;
    workspace = `ws:${next}`;
  };
  const message = (id: string, at: Date, content = `message ${id}`, more: Partial<NewMessage> = {}): NewMessage => ({
    ...{ id, sessionId: 's1', role: 'user', content, createdAt: at },
    ...more,
  });

  describe('messages', () => {
    it('come back as they were given, what was left out empty', async () => {
      fresh();
      const whole: Message = {
        id: 'm1',
        sessionId: 's1',
        turnId: 't1',
        userId: 'ada',
        role: 'assistant',
        content: 'all of it 🦊 \u0000 \u202e',
        toolCallId: 'c0',
        toolName: 'look',
        toolCalls: [{ id: 'c1', name: 'look', arguments: '{"at":"moon"}' }],
        attachments: ['a1'],
        origin: 'system',
        createdAt: day(1),
        metadata: { nested: { list: [1, 'two', null] } },
      };
      await memory.messages.append(workspace, whole);
      await memory.messages.append(workspace, { id: 'm2', sessionId: 's1', role: 'tool', content: '' });
      const [first, second] = await memory.messages.oldest(workspace, 9);
      expect(first).toEqual(whole);
      const { createdAt, ...rest } = second ?? whole;
      expect(createdAt.getTime()).toBeGreaterThan(day(1).getTime());
      expect(rest).toEqual({
        ...{ id: 'm2', sessionId: 's1', turnId: '', userId: '', role: 'tool', content: '', origin: 'tool_output' },
        ...{ toolCallId: null, toolName: null, toolCalls: [], attachments: [], metadata: {} },
      });
    });

    it('are found by their words, with a snippet', async () => {
      fresh();
      await memory.messages.append(workspace, message('m1', day(1), 'The Kubernetes cluster is running smoothly'));
      await memory.messages.append(workspace, message('m2', day(2), 'We need to update the Terraform configuration'));
      const { items, nextCursor } = await memory.messages.search(workspace, 'kubernetes', { limit: 10 });
      expect(items.map((hit) => [hit.message.id, hit.snippet.marks])).toEqual([['m1', [[4, 14]]]]);
      expect(nextCursor).toBeNull();
      expect((await memory.messages.search(workspace, 'Python')).items).toEqual([]);
      expect((await memory.messages.search('ws:elsewhere', 'kubernetes')).items).toEqual([]);
      expect(await codeOf(memory.messages.search(workspace, 'kubernetes', { cursor: 'x' }))).toBe('validation_failed');
    });

    it('are conflict under an id that is there, in its own workspace only, also when both come at once', async () => {
      fresh();
      const both = [1, 2].map(() => codeOf(memory.messages.append(workspace, message('m1', day(1)))));
      expect((await Promise.all(both)).sort()).toEqual(['conflict', 'ok']);
      expect(await codeOf(memory.messages.append(`${workspace}-other`, message('m1', day(1))))).toBe('ok');
      expect(await memory.messages.count(workspace)).toBe(1);
      await memory.messages.deleteByIds(workspace, ['m1']);
      expect(await codeOf(memory.messages.append(workspace, message('m1', day(1))))).toBe('ok');
    });

    it('have half-open ranges, oldest first, ties in the order they came', async () => {
      fresh();
      for (const [id, at] of [
        ['b', 2],
        ['a', 1],
        ['c', 2],
        ['d', 3],
        ['e', 2],
      ] as const) {
        await memory.messages.append(workspace, message(id, day(at)));
      }
      expect(idsOf(await memory.messages.range(workspace, day(1), day(3)))).toEqual(['a', 'b', 'c', 'e']);
      expect(idsOf(await memory.messages.range(workspace, day(2), day(9), 2))).toEqual(['b', 'c']);
      expect(idsOf(await memory.messages.range(workspace, day(3), day(3)))).toEqual([]);
      expect(idsOf(await memory.messages.range(workspace, day(3), day(1)))).toEqual([]);
      expect(idsOf(await memory.messages.oldest(workspace, 3))).toEqual(['a', 'b', 'c']);
      expect(await memory.messages.oldest(workspace, 0)).toEqual([]);
      expect(await memory.messages.trim(workspace, 3)).toBe(2);
      expect(idsOf(await memory.messages.oldest(workspace, 9))).toEqual(['c', 'e', 'd']);
    });

    it('go by trim and by id, and say how many went', async () => {
      fresh();
      for (let at = 0; at < 10; at += 1) await memory.messages.append(workspace, message(`m${at}`, day(at)));
      expect(await memory.messages.trim(workspace, 3)).toBe(7);
      expect(await memory.messages.trim(workspace, 3)).toBe(0);
      expect(await memory.messages.count(workspace)).toBe(3);
      expect(await memory.messages.deleteByIds(workspace, ['m9', 'm9', 'm0', 'unknown'])).toBe(1);
      expect(await memory.messages.deleteByIds(workspace, [])).toBe(0);
      expect((await memory.messages.search(workspace, 'm9')).items).toEqual([]);
      expect(idsOf(await memory.messages.oldest(workspace, 9))).toEqual(['m7', 'm8']);
      expect(await memory.messages.trim(workspace, 0)).toBe(2);
      expect(await memory.messages.count(workspace)).toBe(0);
    });

    it('may be a million characters, many at once', async () => {
      fresh();
      const long = (at: number): string => `${'lorem ipsum dolor '.repeat(55_000)} needle${at}`;
      await Promise.all(
        Array.from({ length: 4 }, (_, at) =>
          caughtUp(() => memory.messages.append(workspace, message(`m${at}`, day(at), long(at)))),
        ),
      );
      expect(await caughtUp(() => memory.messages.count(workspace))).toBe(4);
      const all = await memory.messages.range(workspace, day(0), day(99));
      expect(all.map(({ content }) => content.length)).toEqual(all.map((_, at) => long(at).length));
      const { items } = await memory.messages.search(workspace, 'needle3');
      expect(items.map((hit) => [hit.message.id, hit.snippet.text.slice(...(hit.snippet.marks[0] ?? []))])).toEqual([
        ['m3', 'needle3'],
      ]);
      expect(await caughtUp(() => memory.messages.trim(workspace, 1))).toBe(3);
      expect(await caughtUp(() => memory.messages.count(workspace))).toBe(1);
    });

    it('page through a search while messages are added', async () => {
      fresh();
      for (let at = 0; at < 12; at += 1)
        await memory.messages.append(workspace, message(`m${at}`, day(at), `fig ${at}`));
      const seen: string[] = [];
      let cursor: string | undefined;
      do {
        const page = await memory.messages.search(workspace, 'fig', { limit: 5, cursor });
        seen.push(...page.items.map((hit) => hit.message.id));
        cursor = page.nextCursor ?? undefined;
        await memory.messages.append(workspace, message(randomUUID(), day(50), 'fig fig'));
      } while (cursor !== undefined);
      expect(seen).toHaveLength(12);
      expect(new Set(seen).size).toBe(12);
    });

    it('answer like a plain list, whatever is done', async () => {
      fresh();
      const id = fc.integer({ min: 0, max: 5 }).map((n) => `m${n}`);
      const operation = fc.oneof(
        fc.record({
          do: fc.constant('append' as const),
          id,
          at: fc.integer({ min: 0, max: 3 }),
          word: fc.constantFrom('fig', 'plum', 'é'),
        }),
        fc.record({ do: fc.constant('trim' as const), keep: fc.integer({ min: 0, max: 4 }) }),
        fc.record({ do: fc.constant('delete' as const), ids: fc.array(id, { maxLength: 3 }) }),
        fc.record({
          do: fc.constant('range' as const),
          from: fc.integer({ min: 0, max: 3 }),
          to: fc.integer({ min: 0, max: 4 }),
        }),
        fc.record({ do: fc.constant('search' as const), word: fc.constantFrom('fig', 'PLUM', 'e') }),
      );
      await fc.assert(
        fc.asyncProperty(fc.array(operation, { maxLength: 6 }), async (operations) => {
          await memory.messages.trim(workspace, 0);
          let plain: { id: string; at: number; word: string }[] = [];
          const ordered = () => plain.map((one, n) => ({ ...one, n })).sort((a, b) => a.at - b.at || a.n - b.n);
          for (const op of operations) {
            if (op.do === 'append') {
              const known = plain.some((one) => one.id === op.id);
              const came = await codeOf(memory.messages.append(workspace, message(op.id, day(op.at), op.word)));
              expect(came).toBe(known ? 'conflict' : 'ok');
              if (!known) plain.push(op);
            } else if (op.do === 'trim') {
              const kept = new Set(idsOf(ordered()).slice(Math.max(0, plain.length - op.keep)));
              expect(await memory.messages.trim(workspace, op.keep)).toBe(plain.length - kept.size);
              plain = plain.filter((one) => kept.has(one.id));
            } else if (op.do === 'delete') {
              const left = plain.filter((one) => !op.ids.includes(one.id));
              expect(await memory.messages.deleteByIds(workspace, op.ids)).toBe(plain.length - left.length);
              plain = left;
            } else if (op.do === 'range') {
              const within = ordered().filter(({ at }) => at >= op.from && at < op.to);
              expect(idsOf(await memory.messages.range(workspace, day(op.from), day(op.to)))).toEqual(idsOf(within));
            } else {
              const fold = (text: string): string => text.normalize('NFD').replace(/\p{M}/gu, '').toLowerCase();
              const found = plain.filter(({ word }) => fold(word) === fold(op.word));
              const { items } = await memory.messages.search(workspace, op.word);
              expect(items.map((hit) => hit.message.id).sort()).toEqual(idsOf(found).toSorted());
            }
          }
          expect(await memory.messages.count(workspace)).toBe(plain.length);
        }),
        { numRuns: usualRuns(runs) },
      );
    });
  });

  describe('summaries', () => {
    const summary = (id: string, from: number, to: number, sessionId = 's1'): NewSummary => ({
      ...{ id, sessionId, content: `summary ${id}`, messageIds: ['m1', 'm2'] },
      ...{ fromTime: day(from), toTime: day(to) },
    });

    it('are kept once, by time, newest first', async () => {
      fresh();
      for (const [id, from, to] of [
        ['a', 0, 2],
        ['b', 2, 4],
        ['c', 1, 4],
        ['d', 4, 6],
      ] as const) {
        await memory.summaries.store(workspace, summary(id, from, to, id === 'c' ? 's2' : 's1'));
      }
      expect(await codeOf(memory.summaries.store(workspace, summary('a', 0, 2)))).toBe('conflict');
      expect(idsOf(await memory.summaries.byRange(workspace, day(0), day(4)))).toEqual(['a', 'b', 'c']);
      expect(idsOf(await memory.summaries.byRange(workspace, day(2), day(5)))).toEqual(['b']);
      expect(idsOf(await memory.summaries.latest(workspace, 2))).toEqual(['d', 'c']);
      expect(idsOf(await memory.summaries.latest(workspace, 9, 's2'))).toEqual(['c']);
      expect(await memory.summaries.latest(`${workspace}-other`, 2)).toEqual([]);
      const [newest] = await memory.summaries.latest(workspace, 1);
      expect(newest).toMatchObject({ ...summary('d', 4, 6), workspaceId: workspace, confirmed: false });
      expect(newest?.createdAt.getTime()).toBeGreaterThan(0);
    });

    it('are confirmed when they are there, again is the same', async () => {
      fresh();
      await memory.summaries.store(workspace, summary('a', 0, 2));
      expect(await codeOf(memory.summaries.confirm(workspace, 'b'))).toBe('not_found');
      await memory.summaries.confirm(workspace, 'a');
      await memory.summaries.confirm(workspace, 'a');
      expect((await memory.summaries.latest(workspace, 1))[0]?.confirmed).toBe(true);
    });
  });
}

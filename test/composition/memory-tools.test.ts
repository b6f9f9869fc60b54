// SPDX-License-Identifier: Apache-2.0
// What the memory of a turn does while its index is behind: it finds what there is, and forgets all or nothing.

import { describe, expect, it } from 'vitest';
import { memoryTools } from '../../src/composition/memory-tools.ts';
import { failure, SigilError } from '../../src/errors.ts';
import type { ReadBarrier, ReadStore } from '../../src/stores/session-store.ts';
import type { WorkspaceWriter } from '../../src/stores/workspace-writer.ts';

const CAT = { subject: 'my cat', predicate: undefined, value: undefined };
const behind = () => new SigilError(failure('view_behind', 'the views are at 7 and the read is to see 90'));

/** Memory whose newest rows are not indexed; asked for what there is it holds nothing. */
function memory(asked: ReadBarrier['after'][] = [], fails: () => unknown = behind) {
  const read = (_query: string, _body: object, barrier?: ReadBarrier): Promise<unknown> => {
    const after = barrier?.after ?? 0;
    asked.push(after);
    return after === 'latest' ? Promise.reject(fails()) : Promise.resolve({ items: [], next_cursor: null });
  };
  const write = (): never => {
    throw new Error('nothing is to be written');
  };
  return memoryTools({
    ...{ workspace_id: 'personal:ann', user_id: 'ann', turn_id: 't1', keepsFacts: true, nearest: null },
    read: { read } as unknown as ReadStore,
    knowledge: {} as never,
    writer: { write } as unknown as WorkspaceWriter,
  });
}

describe('a memory whose index is behind', () => {
  it('finds what there is', async () => {
    const asked: ReadBarrier['after'][] = [];
    expect(await memory(asked).search('boats', 'all', 5)).toEqual([]);
    expect(asked).toEqual(['latest', 0]);
  });

  it('forgets nothing, and says so: what was said last would stay', async () => {
    const asked: ReadBarrier['after'][] = [];
    await expect(memory(asked).forget(CAT)).rejects.toMatchObject({
      failure: { code: 'view_behind', message: expect.stringMatching(/nothing was forgotten\. Try again/) },
    });
    expect(asked).toEqual(['latest']);
  });

  it('passes on what else goes wrong', async () => {
    const broken = memory([], () => new SigilError(failure('thread_lost', 'read is gone')));
    await expect(broken.forget(CAT)).rejects.toMatchObject({ failure: { code: 'thread_lost' } });
    await expect(broken.search('boats', 'all', 5)).rejects.toMatchObject({ failure: { code: 'thread_lost' } });
  });
});

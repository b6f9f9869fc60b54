// SPDX-License-Identifier: Apache-2.0
// What compactions made of a session goes with it: from every view, from the vectors' items and from the journal; what people asked to keep stays.

import { afterEach, beforeEach, expect, it } from 'vitest';
import { redactionBefore } from '../../src/stores/erasure.ts';
import { storeWorkspace, type WorkspaceRecord } from '../../src/stores/workspace-records.ts';
import { SessionLog } from './session-log.ts';
import { dumpRebuilt, dumpViews, StoreHouse } from './store-house.ts';

const fact = (id: string, value: string, session_id?: string) => ({
  ...{ id, entity_id: `e-${value}`, entity_name: `name-${value}`, predicate: 'is', value, confidence: 1, source: '' },
  user_id: 'ada',
  ...(session_id === undefined ? {} : { session_id }),
});
const entity = (value: string, session_id?: string): WorkspaceRecord => ({
  type: 'entity_put',
  entity: { id: `e-${value}`, type: 'subject', name: `name-${value}`, properties: {}, user_id: 'ada' },
  only_new: true,
  ...(session_id === undefined ? {} : { session_id }),
});
const summary = (id: string, session_id: string, content: string, user_ids = ['ada']) =>
  ({
    type: 'summary_stored',
    summary: { id, session_id, user_id: 'ada', user_ids, from: 1, to: 2, content, message_ids: ['m1'] },
  }) as const;

/** Two sessions were compacted; one of the facts had been asked for before. */
const MADE: readonly WorkspaceRecord[] = [
  entity('kept'),
  { type: 'facts_put', facts: [fact('f1', 'kept')] },
  entity('kept', 's1'),
  entity('secret', 's1'),
  { type: 'facts_put', facts: [fact('f1', 'kept', 's1'), fact('f2', 'secret', 's1')], only_new: true },
  summary('c1', 's1', 'a secret summary', ['ada', 'ben']),
  entity('other', 's2'),
  { type: 'facts_put', facts: [fact('f3', 'other', 's2')], only_new: true },
  summary('c2', 's2', 'another summary'),
];

let house = new StoreHouse();
let one = new SessionLog('s1', 'home');
let written = 0;
beforeEach(() => {
  house = new StoreHouse();
  one = new SessionLog('s1', 'home');
  written = 0;
  house.openJournal().openViews().openReader();
  house.append(one.create(), new SessionLog('s2', 'home').create());
});
afterEach(() => house.remove());

const write = (...records: readonly WorkspaceRecord[]): void => {
  const items = [{ at: 1, records: records.map(storeWorkspace), owes: [], settles: [] }];
  house.append({ stream: 'workspace/home', workspace_id: 'home', n: written + 1, items });
  written += records.length;
};
const known = () => {
  const page = { limit: 50 };
  const times = { from: 0, to: 10, order: 'oldest', page } as const;
  return {
    facts: house
      .read('knowledge.facts', { workspace_id: 'home', page })
      .items.map(({ value }) => value)
      .sort(),
    things: house.read('knowledge.entities', { workspace_id: 'home', page }).items.map(({ name }) => name),
    summaries: house.read('memory.summaries', { workspace_id: 'home', ...times }).items.map(({ content }) => content),
  };
};

it.each([
  ['deleted', () => house.append(one.next({ type: 'session_deleted', session_id: 's1' }))],
  ['forgotten', () => write({ type: 'session_forgotten', session_id: 's1' })],
])('goes when the session is %s, and views made again agree', (_, gone) => {
  write(...MADE);
  expect(known()).toEqual({
    facts: ['kept', 'other', 'secret'],
    things: ['name-kept', 'name-other', 'name-secret'],
    summaries: ['a secret summary', 'another summary'],
  });
  gone();
  expect(known()).toEqual({
    facts: ['kept', 'other'],
    things: ['name-kept', 'name-other'],
    summaries: ['another summary'],
  });
  house.close();
  expect(dumpRebuilt(house.dir)).toEqual(dumpViews(house.dir));
});

it('goes with everybody whose words are in it', () => {
  write(...MADE, { type: 'user_erased', user_id: 'ben', session_ids: [], own: false });
  expect(known().summaries).toEqual(['another summary']);
});

it('is redacted in the journal before the record that says so, and nothing else is', () => {
  const rows = MADE.map((record, at) => ({ seq: at + 1, at: 1, ...storeWorkspace(record) }));
  const redacted = (erasing: WorkspaceRecord): readonly WorkspaceRecord[] => {
    const redaction = redactionBefore('workspace/home', { seq: 99, at: 1, ...storeWorkspace(erasing) });
    for (const row of rows.toReversed()) redaction.notice(row);
    return rows.map((row) => JSON.parse((redaction.redact(row) ?? row).payload) as WorkspaceRecord);
  };
  const forgotten = redacted({ type: 'session_forgotten', session_id: 's1' });
  expect(JSON.stringify(forgotten)).not.toContain('secret');
  expect(forgotten.filter((record, at) => JSON.stringify(record) !== JSON.stringify(MADE[at]))).toHaveLength(4);
  expect(forgotten.slice(6)).toEqual(MADE.slice(6));
  expect(JSON.stringify(redacted({ type: 'user_erased', user_id: 'ben', session_ids: [], own: false }))).not.toContain(
    'a secret summary',
  );
  const folded: WorkspaceRecord = {
    type: 'checkpoint',
    state: {
      open: [
        {
          ...{ id: 'c1', session_id: 's1', stage: 'stored', call: 1, model: 'm', reserved_tokens: 0, reserved_usd: 0 },
          ...{ attempts: 0, retry_at: 0, summary: { content: 'a secret', from: 1, to: 2, messages: 3 } },
        },
      ],
    },
  };
  rows.push({ seq: 50, at: 1, ...storeWorkspace(folded) });
  expect(JSON.stringify(redacted({ type: 'session_forgotten', session_id: 's1' }))).not.toContain('a secret');
});

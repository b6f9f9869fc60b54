// SPDX-License-Identifier: Apache-2.0
// The built-in tools as a model meets them: clock, calculator, memory.

import { describe, expect, it } from 'vitest';
import { builtInTools } from '../../src/agent/tools/catalogue.ts';
import { rankHits, tellingText } from '../../src/agent/tools/memory.ts';
import type { Known, MemoryHit, MemoryPort } from '../../src/agent/tools/memory-port.ts';
import { createHistory, run, toolRun } from './offline-turn.ts';

const call = (name: string, args: unknown) => ({ id: 'c', name, arguments: JSON.stringify(args) });

async function ask(name: string, args: unknown, memory: MemoryPort = createHistory().port): Promise<unknown> {
  const { content, is_error } = await run(call(name, args), toolRun(memory));
  return is_error ? content : JSON.parse(content);
}

describe('every built-in tool', () => {
  it.each(builtInTools().map((tool) => [tool.name, tool] as const))('%s says what it takes', (_, tool) => {
    expect(tool.description.length).toBeGreaterThan(40);
    expect(tool.inputSchema).toMatchObject({ type: 'object', additionalProperties: false });
    expect(tool.timeoutMs).toBeGreaterThan(0);
  });
});

describe('calculator', () => {
  it('says when digits are missing, and what is wrong', async () => {
    expect(await ask('calculator', { expression: '17*23' })).toEqual({ result: '391' });
    expect(await ask('calculator', { expression: '1/3' })).toEqual({ result: '0.333333333333333', rounded: true });
    expect(await ask('calculator', { expression: '1/0' })).toBe('tool_failed: Division by zero.');
    expect(await ask('calculator', {})).toMatch(/must have required property 'expression'/);
  });
});

describe('clock', () => {
  it.each([
    [{}, 'UTC', '2025-01-02T03:04:05', '+00:00', 'Thursday'],
    [{ timezone: '' }, 'UTC', '2025-01-02T03:04:05', '+00:00', 'Thursday'],
    [{ timezone: 'Asia/Kolkata' }, 'Asia/Kolkata', '2025-01-02T08:34:05', '+05:30', 'Thursday'],
    [{ timezone: 'America/New_York' }, 'America/New_York', '2025-01-01T22:04:05', '-05:00', 'Wednesday'],
  ])('%j', async (args, timezone, local, offset, weekday) => {
    expect(await ask('clock', args)).toEqual({ utc: '2025-01-02T03:04:05.678Z', timezone, local, offset, weekday });
  });

  it('knows no zones that do not exist', async () => {
    expect(await ask('clock', { timezone: 'Middle/Earth' })).toMatch(
      /^tool_failed: There is no time zone "Middle\/Earth"/,
    );
  });
});

describe('memory', () => {
  it.each([
    ['my favourite tea', 'favourite tea'],
    ['What is the "green Tea"?', 'What "green Tea"?'],
    ['the', 'the'],
    ['é\u0301té 2025', 'é\u0301té 2025'],
    ['🦊 and my well-known 10.0.0.1', '🦊 well-known 10.0.0.1'],
    ['?! \ud800', ''],
  ])('looks for the telling words of %j', (query, words) => {
    expect(tellingText(query)).toBe(words);
  });

  const hit = (turn_id: string, role: MemoryHit['role'], content: string): MemoryHit => ({
    turn_id,
    role,
    content,
    created_at: 'then',
  });
  const fact = JSON.stringify({ remembered: { subject: 'tea', predicate: 'is', value: 'green' }, kept_in: 'history' });

  it('puts statements first, questions last, and leaves out this turn, repetitions and results of other tools', () => {
    const hits = [
      hit('now', 'user', 'tea right now'),
      hit('4', 'user', 'what about tea?'),
      hit('3', 'assistant', 'Tea it is.'),
      hit('3', 'tool', '{"items":["tea"]}'),
      hit('3', 'tool', '{"remembered":tea'),
      hit('2', 'system', 'tea'),
      hit('2', 'tool', fact),
      hit('1', 'user', 'I like tea'),
      hit('0', 'user', 'I like tea'),
    ];
    const ranked = rankHits(hits, 'now', 10).map(({ said_by, text }) => [said_by, text]);
    expect(ranked).toEqual([
      ['remembered', 'tea is green'],
      ['user', 'I like tea'],
      ['assistant', 'Tea it is.'],
      ['user', 'what about tea?'],
    ]);
    expect(rankHits(hits, 'now', 1)).toHaveLength(1);
  });

  it('cuts long texts between characters', () => {
    const [found] = rankHits([hit('1', 'user', `${'x'.repeat(499)}🙂`)], 'now', 1);
    expect(found?.text.isWellFormed()).toBe(true);
  });

  it('remembers by a result that a search finds', async () => {
    const history = createHistory();
    const kept = await run(
      call('memory_remember', { subject: 'tea', predicate: 'is', value: 'green' }),
      toolRun(history.port),
    );
    expect(JSON.parse(kept.content)).toEqual({
      remembered: { subject: 'tea', predicate: 'is', value: 'green' },
      kept_in: 'history',
    });
    history.add('earlier', { role: 'tool', content: kept.content });
    expect(await ask('memory_search', { query: 'green tea' }, history.port)).toMatchObject({
      query: 'green tea',
      items: [{ said_by: 'remembered', text: 'tea is green' }],
    });
  });

  it('searches for some of the words when nothing has all of them', async () => {
    const history = createHistory();
    history.add('earlier', { role: 'user', content: 'the kettle is green' });
    expect(await ask('memory_search', { query: 'green tea' }, history.port)).toMatchObject({
      items: [{ text: 'the kettle is green' }],
    });
    expect(await ask('memory_search', { query: 'tea' }, history.port)).toMatchObject({ items: [] });
  });

  const summaries = [
    { content: 'They spoke of tea.', from: '2026-01-01T00:00:00.000Z', to: '2026-01-02T12:00:00.000Z' },
    { content: 'They moved house.', from: '2026-01-03T00:00:00.000Z', to: '2026-01-04T00:00:00.000Z' },
  ];

  it('recalls facts, messages and summaries of a topic', async () => {
    const history = createHistory('facts', summaries);
    history.add('earlier', { role: 'user', content: 'I like tea' });
    await history.port.remember({ subject: 'tea', predicate: 'is', value: 'green' });
    expect(await ask('memory_recall', { topic: 'the tea' }, history.port)).toEqual({
      known: [{ said_by: 'remembered', text: 'tea is green', at: '2025-01-02T03:04:05.678Z' }],
      messages: [{ said_by: 'user', text: 'I like tea', at: '2025-01-02T03:04:05.678Z' }],
      summaries: [{ text: 'They spoke of tea.', from: summaries[0]?.from, to: summaries[0]?.to }],
      // What is alike and told already is not told twice.
      similar: [],
    });
    expect(await ask('memory_recall', { topic: '?' }, history.port)).toMatch(/no word to look for/);
  });

  it.each([
    [{ from: '2026-01-01', to: '2026-01-02' }, 1],
    [{ from: '2026-01-01', to: '2026-01-04' }, 2],
    [{ from: '2026-01-01T00:00:00Z', to: '2026-01-02T12:00:00.000Z' }, 1],
    [{ from: '2026-01-01T00:00:00+02:00', to: '2026-01-02T14:00+02:00' }, 1],
    [{ from: '2026-01-01T00:00:01Z', to: '2026-01-04' }, 1],
    [{ from: '2025-12-31' }, 0],
  ])('reads the summaries of %j', async (args, found) => {
    // Now is in 2025: what is yet to come is not read without being asked for.
    const read = (await ask('memory_summary', args, createHistory('facts', summaries).port)) as {
      summaries: unknown[];
    };
    expect(read.summaries).toHaveLength(found);
  });

  it.each(['yesterday', '2026-13-01', '2026-01-32', '2026-01-01T25:00Z', ''])('knows no time %j', async (from) => {
    expect(await ask('memory_summary', { from })).toMatch(/A time is RFC 3339 or a date/);
  });

  it('keeps a statement as a fact, and shows what is known once and before what was said', async () => {
    const history = createHistory('facts');
    const statement = { subject: 'tea', predicate: 'is', value: 'green' };
    const said = JSON.stringify(await ask('memory_remember', statement, history.port));
    expect(JSON.parse(said)).toEqual({ remembered: statement, kept_in: 'facts' });
    history.add('earlier', { role: 'tool', content: said });
    history.add('earlier', { role: 'user', content: 'My tea is green, I think.' });
    const { items } = (await ask('memory_search', { query: 'green' }, history.port)) as { items: unknown };
    expect(items).toMatchObject([
      { said_by: 'remembered', text: 'tea is green' },
      { said_by: 'user', text: 'My tea is green, I think.' },
    ]);
  });

  it('shows a thing with what is known of it, and none that is only a name', () => {
    const at = '2025-01-02T03:04:05.678Z';
    const thing = (type: string, properties: Readonly<Record<string, unknown>>): Known => {
      return { kind: 'entity', type, name: 'Ada', properties, created_at: at };
    };
    const known = [thing('person', { born: 1815, title: 'Countess' }), thing('subject', {}), thing('person', {})];
    expect(rankHits([], 'now', 10, known).map(({ text }) => text)).toEqual([
      'Ada (person; born: 1815; title: Countess)',
      'Ada (person)',
    ]);
    expect(rankHits([], 'now', 1, known)).toHaveLength(1);
  });

  it('finds what is alike, without this turn and each text once', async () => {
    const history = createHistory();
    for (const turn_id of ['turn', 'earlier', 'later']) history.add(turn_id, { role: 'user', content: 'I like tea' });
    history.add('earlier', { role: 'assistant', content: 'Tea it is.' });
    expect(await ask('memory_semantic', { query: 'tea', k: 5 }, history.port)).toEqual({
      query: 'tea',
      items: [
        { said_by: 'user', text: 'I like tea', at: '2025-01-02T03:04:05.678Z', score: 0.5 },
        { said_by: 'assistant', text: 'Tea it is.', at: '2025-01-02T03:04:05.678Z', score: 0.5 },
      ],
    });
    const dark: MemoryPort = {
      ...history.port,
      similar: async () => ({ items: [], unavailable: 'nothing is embedded here.' }),
    };
    expect(await ask('memory_semantic', { query: 'tea' }, dark)).toMatch(/^tool_failed: .*nothing is embedded here/);
    expect(await ask('memory_semantic', { query: 'tea', k: 51 }, history.port)).toMatch(/k must be <= 50/);
  });

  it('forgets what was remembered, and says what', async () => {
    const history = createHistory('facts');
    await history.port.remember({ subject: 'tea', predicate: 'is', value: 'green' });
    expect(await ask('memory_forget', { subject: 'tea' }, history.port)).toMatchObject({
      forgotten: [{ subject: 'tea', predicate: 'is', value: 'green' }],
    });
    expect(await ask('memory_forget', { subject: 'tea' }, history.port)).toEqual({ forgotten: [] });
  });

  it('lists sessions, and says which is the one it is in', async () => {
    const one = { title: 'Tea', status: 'active', messages: 2, created_at: 'then', updated_at: 'now' };
    const sessions = [
      { ...one, id: 'session' },
      { ...one, id: 'other' },
    ];
    const port: MemoryPort = { ...createHistory().port, sessions: async (limit) => sessions.slice(0, limit) };
    expect(await ask('session_list', {}, port)).toMatchObject({
      sessions: [
        { id: 'session', current: true },
        { id: 'other', current: false },
      ],
    });
    expect(await ask('session_list', { limit: 1 }, port)).toMatchObject({ sessions: [{ id: 'session' }] });
  });

  it('says what is wrong', async () => {
    expect(await ask('memory_search', { query: '?!' })).toMatch(/no word to look for/);
    expect(await ask('memory_search', { query: 'x', limit: 1000 })).toMatch(/limit must be <= 50/);
    expect(await ask('memory_remember', { subject: '', predicate: 'is', value: 'x' })).toMatch(
      /subject must NOT have fewer/,
    );
    const broken: MemoryPort = {
      ...createHistory().port,
      search: () => Promise.reject(new Error('the view is behind')),
      known: async () => [],
      remember: async () => 'facts',
    };
    expect(await ask('memory_search', { query: 'x' }, broken)).toBe('tool_failed: the view is behind');
  });
});

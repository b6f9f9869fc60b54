// SPDX-License-Identifier: Apache-2.0
// A turn's stages from its steps: what failed over, was interrupted, waits, or never began.

import { describe, expect, it } from 'vitest';
import { stagesOf } from '../../src/edge/turn-stages.ts';
import { NO_USAGE } from '../../src/stores/session-state.ts';
import type { TurnRow, TurnStep } from '../../src/stores/session-store.ts';

const time = (at: number): string => new Date(Date.UTC(2026, 0, 1, 0, 0, at)).toISOString();

type Told = readonly [type: string, detail?: Readonly<Record<string, unknown>>];

const ROW: TurnRow = {
  ...{ id: 't', session_id: 's', workspace_id: 'w', user_id: 'ada', message_id: 'm', message_ids: ['m'] },
  ...{ status: 'finished', model: 'a/b', reply_id: 'r', content: 'hello', finish_reason: 'stop', error: null },
  ...{ usage: NO_USAGE, tool_calls: [], created_at: time(0), started_at: null, ended_at: null },
};

/** The stages of these steps, a second apart, as `stage outcome`. */
function stages(told: readonly Told[], more: Partial<TurnRow> = {}): readonly string[] {
  const steps = told.map(([type, detail = {}], at): TurnStep => ({ seq: at + 1, type, at: time(at), detail }));
  const turn: TurnRow = {
    ...ROW,
    started_at: time(1),
    ended_at: time(told.length - 1),
    finish_reason: 'stop' as const,
    ...more,
  };
  return stagesOf(turn, steps).map(({ stage, outcome }) => `${stage} ${outcome}`);
}

const BEGINS: readonly Told[] = [['message_received'], ['turn_started'], ['model_called', { model: 'a/b', call: 1 }]];
const replied = (finish: string): Told => ['model_replied', { finish }];
const ENDS: Told = ['turn_finished', { finish_reason: 'stop' }];

describe('the stages of a turn', () => {
  it('are all six where nothing happens', () => {
    const six = ['receive received', 'prepare ok', 'call stop', 'process ok', 'respond stop', 'audit stop'];
    expect(stages([...BEGINS, replied('stop'), ENDS])).toEqual(six);
  });

  it('begin again where a model could not answer, and where the process ended', () => {
    const other: readonly Told[] = [['model_replaced'], ['model_called'], ['turn_resumed'], ['model_called']];
    expect(stages([...BEGINS, replied('failed'), ...other, replied('stop'), ENDS])).toEqual([
      ...['receive received', 'prepare ok', 'call failed'],
      ...['prepare ok', 'call interrupted', 'prepare ok', 'call stop', 'process ok'],
      ...['respond stop', 'audit stop'],
    ]);
  });

  it('say that they last', () => {
    const calls = { calls: [{ id: 'c' }] };
    const asked: readonly Told[] = [
      ['tool_called', calls],
      ['approval_requested', {}],
    ];
    expect(stages([...BEGINS, replied('tool_calls'), ...asked], { ended_at: null })).toEqual([
      ...['receive received', 'prepare ok', 'call tool_calls', 'process null'],
    ]);
    expect(stages([['message_received']], { ended_at: null })).toEqual(['receive received']);
  });

  it('end as the turn does', () => {
    const error = { code: 'budget_exceeded', message: '' };
    expect(stages([...BEGINS.slice(0, 2), ['turn_failed', { code: 'budget_exceeded' }]], { error })).toEqual([
      ...['receive received', 'prepare budget_exceeded', 'respond budget_exceeded', 'audit budget_exceeded'],
    ]);
  });
});

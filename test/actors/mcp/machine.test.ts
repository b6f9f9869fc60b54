// SPDX-License-Identifier: Apache-2.0
// The chart of an MCP server: every state answers, a loss keeps the tools and a failed return takes them away.

import { describe, expect, it } from 'vitest';
import { createActor } from 'xstate';
import { type McpEffect, type McpEvent, mcpMachine, type Pause } from '../../../src/actors/mcp/machine.ts';
import type { ToolList } from '../../../src/actors/mcp/protocol.ts';
import { address } from '../../../src/bus/address.ts';
import type { Envelope } from '../../../src/bus/envelope.ts';
import { failure } from '../../../src/errors.ts';

const AT = '2026-01-01T00:00:00.000Z';
const list: ToolList = {
  tools: [
    {
      ...{ name: 'add', original: 'add', description: '', inputSchema: { type: 'object' } },
      ...{ idempotent: true, read_only: true, destructive: false },
    },
  ],
  skipped: [],
  skipped_count: 0,
};
const connected: McpEvent = { type: 'connected', server: { name: 'box', version: '1' }, list };
const lost = (pause: Partial<Pause> = {}): McpEvent => ({
  ...{ type: 'lost', error: failure('tool_failed', 'it fell'), at: AT },
  pause: { quarantined: false, ms: 1_000, retry_at: AT, ...pause },
});

function start() {
  const actor = createActor(mcpMachine, { input: { name: 'box', transport: 'stdio' } });
  let effects: McpEffect[] = [];
  actor.on('*', (effect) => void effects.push(effect as McpEffect));
  actor.start();
  let id = 0;
  const send = (event: McpEvent): McpEffect[] => {
    effects = [];
    actor.send(event);
    return effects;
  };
  const ask = (type: string, body: unknown = {}): McpEffect[] => {
    id += 1;
    const envelope: Envelope = { id, to: address('mcp', 'box'), from: address('thread', 'lane-1'), type, body };
    return send({ type, body, envelope } as unknown as McpEvent);
  };
  const types = (of: readonly McpEffect[]): string[] => of.map(({ type }) => type);
  return { state: () => actor.getSnapshot().value, first: () => types(effects), send, ask, types };
}

describe('the chart of an MCP server', () => {
  it('connects first, and again after a pause', () => {
    const { state, first, send, types } = start();
    expect([state(), first()]).toEqual(['connecting', ['connect']]);
    expect(types(send(connected))).toEqual(['changed']);
    expect(state()).toBe('ready');
    expect(types(send(lost()))).toEqual(['wait']);
    expect(state()).toBe('retrying');
    expect(types(send({ type: 'retry' }))).toEqual(['connect']);
    expect(types(send(lost()))).toEqual(['changed', 'wait']);
  });

  it('keeps its tools over a loss, and has none once it did not come back', () => {
    const { send, ask } = start();
    send(connected);
    send(lost());
    expect(ask('mcp.tools')).toMatchObject([{ body: { list, unavailable: expect.stringContaining('it fell') } }]);
    send({ type: 'retry' });
    send(lost());
    expect(ask('mcp.tools')).toMatchObject([{ body: { list: { tools: [] } } }]);
  });

  it('is left out when it is lost too often, until it is there again', () => {
    const { state, send, types } = start();
    const out = send(lost({ quarantined: true, ms: 60_000 }));
    expect(types(out)).toEqual(['changed', 'wait', 'quarantined']);
    expect(out).toContainEqual({ type: 'wait', ms: 60_000 });
    expect(state()).toBe('quarantined');
    send({ type: 'retry' });
    expect(types(send(connected))).toEqual(['changed', 'released']);
    send(lost());
    send({ type: 'retry' });
    // Told once.
    expect(types(send(connected))).toEqual(['changed']);
  });

  it('answers in every state, and calls nothing but when it is ready', () => {
    const actor = start();
    const body = { call: 'c', name: 'add', arguments: {} };
    const look = (state: string): void => {
      expect(actor.ask('mcp.status')).toMatchObject([{ type: 'reply', body: { name: 'box', state } }]);
      expect(actor.ask('mcp.tools')).toMatchObject([{ type: 'reply' }]);
      expect(actor.ask('tool.cancel', { call: 'c' })).toEqual([{ type: 'cancel', call: 'c' }]);
      const called = actor.ask('tool.call', body);
      if (state === 'ready') expect(called).toMatchObject([{ type: 'call', body }]);
      else expect(called).toMatchObject([{ type: 'fail', error: { code: 'tool_failed' } }]);
    };
    look('connecting');
    actor.send(connected);
    look('ready');
    actor.send(lost());
    look('retrying');
    actor.send({ type: 'retry' });
    actor.send(lost({ quarantined: true }));
    look('quarantined');
  });

  it('connects anew from every state when it is asked to', () => {
    for (const events of [[], [connected], [lost()], [lost({ quarantined: true })]]) {
      const { state, send, ask, types } = start();
      for (const event of events) send(event);
      expect(types(ask('mcp.reconnect')).toSorted()).toEqual(['connect', 'reply']);
      expect(state()).toBe('connecting');
    }
  });
});

// SPDX-License-Identifier: Apache-2.0
// State charts as the inspector reads and draws them: every kind of ours, and any that could be.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createMachine } from 'xstate';
import { activeIn, type Chart, firedBy, nodesOf, readChart } from '../../inspector/chart/definition.ts';
import { type Box, type Layout, layOut, pathOf } from '../../inspector/chart/layout.ts';
import { chatMachine } from '../../src/actors/channel/chat-machine.ts';
import { gatewayMachine } from '../../src/actors/gateway/machine.ts';
import { chartOf } from '../../src/actors/machine-actor.ts';
import { mcpMachine } from '../../src/actors/mcp/machine.ts';
import { circuitMachine } from '../../src/actors/provider/machine.ts';
import { sessionMachine } from '../../src/actors/session/machine.ts';
import { stateName } from '../../src/actors/step-names.ts';
import { usualRuns } from '../drawn.ts';

function read(machine: Parameters<typeof chartOf>[0]): Chart {
  const chart = readChart(chartOf(machine));
  if (chart === null) throw new Error('no chart');
  return chart;
}

const parallel = createMachine({
  id: 'radio',
  type: 'parallel',
  states: {
    power: {
      initial: 'off',
      states: { off: { on: { press: 'on' } }, on: { on: { press: 'off' }, after: { 500: 'off' } } },
    },
    sound: {
      initial: 'low',
      states: {
        low: { on: { turn: 'high' } },
        high: { initial: 'plain', states: { plain: { always: 'fine' }, fine: {}, done: { type: 'final' } } },
      },
    },
  },
});

const inside = (inner: Box, outer: Box): boolean =>
  inner.x >= outer.x &&
  inner.y >= outer.y &&
  inner.x + inner.width <= outer.x + outer.width &&
  inner.y + inner.height <= outer.y + outer.height;
const apart = (one: Box, other: Box): boolean => one.y + one.height < other.y || other.y + other.height < one.y;

function expectDrawable(chart: Chart, layout: Layout): void {
  const boxOf = new Map(layout.boxes.map((box) => [box.node, box]));
  for (const box of layout.boxes) {
    const parent = box.node.parent === null ? undefined : boxOf.get(box.node.parent);
    if (parent !== undefined) expect(inside(box, parent), `${box.node.id} in ${parent.node.id}`).toBe(true);
    for (const other of layout.boxes)
      if (other !== box && other.node.parent === box.node.parent)
        expect(apart(box, other), `${box.node.id} beside ${other.node.id}`).toBe(true);
    for (const row of box.rows) expect(row.y > box.entry && row.y < box.y + box.height).toBe(true);
    expect(box.x + box.width <= layout.width && box.y + box.height <= layout.height).toBe(true);
  }
  for (const wire of layout.wires) {
    expect(wire.x).toBeGreaterThan(Math.max(...layout.boxes.map(({ x, width }) => x + width)));
    expect(wire.x).toBeLessThan(layout.width);
    expect(pathOf(wire)).not.toMatch(/NaN|undefined|Infinity/);
    for (const other of layout.wires) {
      if (other.x !== wire.x || other.to === wire.to) continue;
      const [top, bottom] = [Math.min(wire.y1, wire.y2), Math.max(wire.y1, wire.y2)];
      expect(bottom < Math.min(other.y1, other.y2) || top > Math.max(other.y1, other.y2), 'one track, two ways').toBe(
        true,
      );
    }
  }
  const led = chart.transitions.flatMap(({ targets }) => targets).length;
  expect(layout.wires).toHaveLength(led);
  expect(layout.boxes.length).toBeGreaterThanOrEqual(chart.nodes.length - 1);
}

describe('a chart', () => {
  it.each([
    ['session', sessionMachine],
    ['gateway', gatewayMachine],
    ['provider', circuitMachine],
    ['channel', chatMachine],
    ['mcp', mcpMachine],
    ['radio', parallel],
  ])('of a %s has every state in its place and every way a track', (_, machine) => {
    const chart = read(machine as Parameters<typeof chartOf>[0]);
    expectDrawable(chart, layOut(chart));
  });

  it('of parallel regions has them one below the other, and both are lit', () => {
    const chart = read(parallel);
    const layout = layOut(chart);
    expect(layout.dividers).toHaveLength(1);
    const value = { power: 'on', sound: { high: 'fine' } };
    const leaves = ['power.on', 'sound.high.fine'];
    expect(nodesOf(chart, value).map(({ path }) => path)).toEqual(leaves);
    // Steps tell of a state in one text.
    expect(nodesOf(chart, stateName(value)).map(({ path }) => path)).toEqual(leaves);
    expect([...activeIn(chart, value)].map(({ path }) => path).sort()).toEqual([
      '',
      'power',
      'power.on',
      'sound',
      'sound.high',
      'sound.high.fine',
    ]);
    expect(chart.transitions.map(({ event }) => event)).toContain('after 500 ms');
    expect(chart.transitions.map(({ event }) => event)).toContain('always');
  });

  it('finds regions of a nested parallel state again from the text of a step', () => {
    const chart = read(
      createMachine({
        id: 'm',
        initial: 'a',
        states: {
          a: {
            type: 'parallel',
            states: { x: { initial: 'i', states: { i: {} } }, y: { initial: 'j', states: { j: {} } } },
          },
        },
      }),
    );
    const value = { a: { x: 'i', y: 'j' } };
    expect(nodesOf(chart, stateName(value)).map(({ path }) => path)).toEqual(['a.x.i', 'a.y.j']);
  });

  it('knows by a step which way was taken', () => {
    const chart = read(sessionMachine);
    const by = (event: string, from_state: string, to_state: string) =>
      firedBy(chart, { event, from_state, to_state }).map(({ guard, source }) => `${source.path} ${guard}`);
    expect(by('received', 'idle', 'turn.calling_model')).toEqual(['idle calls']);
    expect(by('written', 'turn.running_tools', 'turn.calling_model')).toEqual(['turn.running_tools calls']);
    expect(by('received', 'turn.calling_model', 'turn.calling_model')).toEqual(['turn.calling_model cancelled']);
    expect(by('session.watch', 'idle', 'idle')).toEqual([]);
    expect(by('written', 'turn.nowhere', 'idle')).toEqual([]);
  });

  it('that is none is read as none, and a broken one does no harm', () => {
    expect(readChart(null)).toBeNull();
    expect(readChart('chart')).toBeNull();
    const odd = readChart({
      id: 'x',
      states: { a: 3, b: { transitions: [7, { target: ['#gone'] }] } },
      transitions: {},
    });
    expect(odd?.nodes.map(({ id }) => id)).toEqual(['x', '']);
    expect(odd?.transitions).toMatchObject([{ event: 'always', targets: [] }]);
  });

  it('of any shape can be drawn', () => {
    const to = fc.array(fc.nat(40), { maxLength: 4 });
    const key = fc.constantFrom('a', 'b', 'c', 'd', 'e');
    const shapes = [fc.record({ states: fc.constant({}), parallel: fc.boolean(), to })] as fc.Arbitrary<unknown>[];
    for (let deep = 0; deep < 4; deep += 1) {
      const inner = fc.oneof(...shapes);
      shapes.push(fc.record({ states: fc.dictionary(key, inner, { maxKeys: 4 }), parallel: fc.boolean(), to }));
    }
    const shape = fc.oneof(...shapes);
    fc.assert(
      fc.property(shape, (top) => {
        interface Shape {
          readonly states: Readonly<Record<string, Shape>>;
          readonly parallel: boolean;
          readonly to: readonly number[];
        }
        const ids: string[] = [];
        const name = (of: Shape, id: string): void => {
          ids.push(id);
          for (const [key, child] of Object.entries(of.states)) name(child, `${id}.${key}`);
        };
        name(top as Shape, 'm');
        const define = (of: Shape, id: string, key: string): object => ({
          id,
          key,
          type: Object.keys(of.states).length === 0 ? 'atomic' : of.parallel ? 'parallel' : 'compound',
          states: Object.fromEntries(
            Object.entries(of.states).map(([child, inner]) => [child, define(inner, `${id}.${child}`, child)]),
          ),
          transitions: of.to.map((to, nth) => ({
            eventType: `e${nth % 2}`,
            target: [`#${ids[to % ids.length]}`],
            actions: [],
          })),
        });
        const chart = readChart(define(top as Shape, 'm', 'm'));
        if (chart === null) throw new Error('no chart');
        // A root that nothing but itself leads to is not drawn, and so are ways to it.
        const layout = layOut(chart);
        if (layout.boxes.some(({ node }) => node === chart.root)) expectDrawable(chart, layout);
      }),
      { numRuns: usualRuns(60) },
    );
  });
});

// SPDX-License-Identifier: Apache-2.0
// The state chart drawn: where it stands is lit, what it just did glows and fades, what it did lately is stronger than the rest.

import { useMemo } from 'preact/hooks';
import { activeIn, type Chart, type ChartNode, type ChartTransition, firedBy, nodesOf } from '../chart/definition.ts';
import { type Box, HEAD, INSET, type Layout, LONGEST, layOut, pathOf, type Wire } from '../chart/layout.ts';
import type { StateValue, Step, Transition } from '../wire.ts';

/** A step that was seen to happen, numbered so that each glows by itself. */
export interface Fired {
  readonly nth: number;
  readonly step: Transition;
}

export interface ChartViewProps {
  readonly chart: Chart;
  readonly state: StateValue;
  readonly recent: readonly Step[];
  readonly fired: readonly Fired[];
  /** The node that is looked at more closely; null for the one it is in. */
  readonly chosen: ChartNode | null;
  readonly onChoose: (node: ChartNode | null) => void;
}

export function ChartView({ chart, state, recent, fired, chosen, onChoose }: ChartViewProps) {
  const layout: Layout = useMemo(() => layOut(chart), [chart]);
  const active = activeIn(chart, state);
  const innermost = new Set(nodesOf(chart, state));
  const taken = useMemo(() => {
    const seen = new Map<ChartTransition, number>();
    for (const step of recent) for (const one of firedBy(chart, step)) seen.set(one, (seen.get(one) ?? 0) + 1);
    return seen;
  }, [chart, recent]);
  const glowing = new Map<ChartTransition, number>();
  const stirred = new Map<ChartNode, number>();
  for (const { nth, step } of fired) {
    const by = firedBy(chart, step);
    for (const one of by) glowing.set(one, nth);
    const touched = by.length > 0 && by.every(({ targets }) => targets.length > 0) ? [] : nodesOf(chart, step.to_state);
    for (const node of touched) stirred.set(node, nth);
  }
  const ofChosen = (wire: Wire): boolean => chosen !== null && (wire.from.node === chosen || wire.to.node === chosen);
  // What matters more is drawn over what matters less.
  const rank = (wire: Wire): number =>
    glowing.has(wire.transition) ? 3 : ofChosen(wire) ? 2 : taken.has(wire.transition) ? 1 : 0;
  const wires = [...layout.wires].sort((one, other) => rank(one) - rank(other));
  const names = [...innermost].map(({ path }) => path).join(', ');
  return (
    <svg
      class="chart"
      viewBox={`0 0 ${layout.width} ${layout.height}`}
      width={layout.width}
      height={layout.height}
      role="group"
      aria-label={`State chart of ${chart.root.key}, now in ${names}`}
    >
      {layout.boxes.map((box) => (
        <BoxView
          key={box.node.id}
          box={box}
          active={active.has(box.node)}
          lit={innermost.has(box.node)}
          chosen={chosen === box.node}
          onChoose={() => onChoose(chosen === box.node ? null : box.node)}
        />
      ))}
      {layout.dividers.map(({ x, y, width }) => (
        <line key={y} class="chart-divider" x1={x} y1={y} x2={x + width} y2={y} />
      ))}
      {wires.map((wire) => {
        const { transition, to } = wire;
        const glow = glowing.get(transition);
        const look = ['', 'is-taken', 'is-chosen', 'is-fired'][rank(wire)];
        const path = pathOf(wire);
        const tip = to.x + to.width;
        return (
          // A wire that fires again is a new one: so its glow begins anew.
          <g key={`${transition.id} ${to.node.id} ${glow ?? ''}`} class={`wire ${look}`}>
            <path class="wire-line" d={path} />
            <path class="wire-tip" d={`M${tip} ${wire.y2}l6.5 -3.6v7.2z`} />
            <circle class="wire-joint" cx={wire.x} cy={wire.y1} r="1.8" />
            {glow !== undefined && <path class="wire-pulse" d={path} pathLength="100" />}
          </g>
        );
      })}
      {layout.boxes.map(({ node, x, y, width, height }) => {
        const nth = stirred.get(node);
        return nth === undefined ? null : (
          <rect key={`${node.id} ${nth}`} class="chart-stir" x={x} y={y} width={width} height={height} rx="7" />
        );
      })}
    </svg>
  );
}

interface BoxViewProps {
  readonly box: Box;
  readonly active: boolean;
  readonly lit: boolean;
  readonly chosen: boolean;
  readonly onChoose: () => void;
}

function BoxView({ box, active, lit, chosen, onChoose }: BoxViewProps) {
  const { node, x, y, width, height, entry, rows, inPlace, inPlaceY } = box;
  const begun = node.parent?.initial === node.id;
  const look = `${lit ? ' is-lit' : active ? ' is-active' : ''}${chosen ? ' is-chosen' : ''} of-${node.type}`;
  const note = node.type === 'parallel' ? 'parallel' : node.type === 'history' ? 'history' : '';
  const told = `${node.path === '' ? node.key : node.path}${lit ? ', current' : ''}`;
  return (
    <g
      class={`box${look}`}
      role="button"
      tabIndex={0}
      aria-pressed={chosen}
      aria-label={told}
      onClick={(event) => {
        event.stopPropagation();
        onChoose();
      }}
      onKeyDown={(event) => {
        if (event.key !== 'Enter' && event.key !== ' ') return;
        event.preventDefault();
        event.stopPropagation();
        onChoose();
      }}
    >
      <title>{told}</title>
      <rect class="box-frame" x={x} y={y} width={width} height={height} rx="7" />
      {node.type === 'final' && (
        <rect class="box-final" x={x + 3} y={y + 3} width={width - 6} height={height - 6} rx="5" />
      )}
      {begun && (
        <>
          <circle class="box-begin" cx={x - INSET + 7} cy={entry} r="3" />
          <path class="box-begin-line" d={`M${x - INSET + 10} ${entry}H${x - 5}`} />
          <path class="box-begin" d={`M${x - 0.5} ${entry}l-5 -2.8v5.6z`} />
        </>
      )}
      <text class="box-name" x={x + 12} y={y + HEAD / 2} dominant-baseline="central">
        {node.key}
      </text>
      {note !== '' && (
        <text class="box-note" x={x + width - 12} y={y + HEAD / 2} dominant-baseline="central" text-anchor="end">
          {note}
        </text>
      )}
      {rows.map((row) => (
        <text key={row.event} class="box-row" x={x + 12} y={row.y} dominant-baseline="central">
          {shortened(row.event, LONGEST)}
        </text>
      ))}
      {inPlaceY !== null && (
        <text class="box-row in-place" x={x + 12} y={inPlaceY} dominant-baseline="central">
          <title>{inPlace.join(', ')}</title>
          {inPlace.length === 1
            ? `${shortened(inPlace[0] ?? '', LONGEST - 10)} in place`
            : `${inPlace.length} events in place`}
        </text>
      )}
    </g>
  );
}

function shortened(text: string, most: number): string {
  return text.length <= most ? text : `${text.slice(0, most - 1)}…`;
}

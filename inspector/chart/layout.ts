// SPDX-License-Identifier: Apache-2.0
// Where everything of a state chart is drawn. States stand in one column, in the order they are defined, each inside the one it
// belongs to, parallel regions one below the other. Each row of a state is an event that leaves it; from there a line leads out to
// the right, along the track of the state it goes to, and back in. All ways to one state share its track, so that a chart in which
// every state leads to every other stays as readable as a wiring diagram, on a telephone too. Nothing here needs a browser.

import type { Chart, ChartNode, ChartTransition } from './definition.ts';

export interface Row {
  readonly event: string;
  /** Its middle. */
  readonly y: number;
  readonly transitions: readonly ChartTransition[];
}

export interface Box {
  readonly node: ChartNode;
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
  /** The middle of its name, where lines come in. */
  readonly entry: number;
  readonly rows: readonly Row[];
  /** Events that are handled in place. */
  readonly inPlace: readonly string[];
  /** The middle of the line that tells of them; null when there is none. */
  readonly inPlaceY: number | null;
}

/** A line between two regions. */
export interface Divider {
  readonly x: number;
  readonly y: number;
  readonly width: number;
}

export interface Wire {
  readonly transition: ChartTransition;
  readonly from: Box;
  readonly to: Box;
  readonly y1: number;
  readonly y2: number;
  /** Where its track runs. */
  readonly x: number;
}

export interface Layout {
  readonly width: number;
  readonly height: number;
  /** Outer boxes before inner ones. */
  readonly boxes: readonly Box[];
  readonly dividers: readonly Divider[];
  readonly wires: readonly Wire[];
}

/** Lengths are CSS pixels at the drawing's own size. */
export const HEAD = 30;
export const ROW = 19;
const FOOT = 7;
/** Around children, on each side; room for the mark of the one that is begun with. */
export const INSET = 20;
const GAP = 12;
const TRACK = 11;
const FIRST_TRACK = 18;
const MARGIN = 2;
/** Of a character of the drawing's fixed-width type, 12 px. */
export const CHARACTER = 7.25;
const NARROWEST = 148;
const WIDEST = 300;
/** Characters of an event that are shown; the rest is in the list beside the chart. */
export const LONGEST = 34;

interface Draft {
  readonly node: ChartNode;
  readonly rows: readonly { readonly event: string; readonly transitions: readonly ChartTransition[] }[];
  readonly inPlace: readonly string[];
}

/** Lays a chart out. The root itself is drawn only where it takes events that lead somewhere. */
export function layOut(chart: Chart): Layout {
  const drafts = new Map(chart.nodes.map((node) => [node, draftOf(chart, node)]));
  const rootDraft = drafts.get(chart.root);
  const withRoot =
    chart.root.children.length === 0 || (rootDraft?.rows.length ?? 0) > 0 || chart.root.type === 'parallel';
  const top = withRoot ? [chart.root] : chart.root.children;
  const shallowest = withRoot ? 0 : 1;
  const deepest = Math.max(...chart.nodes.map(({ depth }) => depth)) - shallowest;
  const inner = Math.min(WIDEST, Math.max(NARROWEST, ...[...drafts.values()].map(widthOf)));
  const left = MARGIN + INSET;
  const width = inner + 2 * INSET * deepest;
  const boxes: Box[] = [];
  const dividers: Divider[] = [];
  const place = (node: ChartNode, y: number): number => {
    const draft = drafts.get(node) ?? { node, rows: [], inPlace: [] };
    const inset = INSET * (node.depth - shallowest);
    const box = { node, x: left + inset, y, width: width - 2 * inset, entry: y + HEAD / 2 };
    let at = y + HEAD;
    const rows = draft.rows.map((row) => {
      at += ROW;
      return { ...row, y: at - ROW / 2 };
    });
    const inPlaceY = draft.inPlace.length > 0 ? at + ROW / 2 : null;
    if (inPlaceY !== null) at += ROW;
    const slot = boxes.push({ ...box, height: 0, rows, inPlace: draft.inPlace, inPlaceY }) - 1;
    node.children.forEach((child, nth) => {
      if (nth > 0 && node.type === 'parallel') dividers.push({ x: box.x, y: at + GAP / 2 + 1, width: box.width });
      at += nth > 0 ? GAP : 4;
      at = place(child, at);
    });
    at += node.children.length > 0 ? GAP : rows.length > 0 || inPlaceY !== null ? FOOT : 0;
    boxes[slot] = { ...box, height: at - y, rows, inPlace: draft.inPlace, inPlaceY };
    return at;
  };
  let y = MARGIN;
  for (const [nth, node] of top.entries()) y = place(node, nth === 0 ? y : y + GAP);
  const right = left + width;
  const { wires, tracks } = route(boxes, right);
  const edge = tracks === 0 ? right : right + FIRST_TRACK + (tracks - 1) * TRACK + 6;
  return { width: edge + MARGIN, height: y + MARGIN, boxes, dividers, wires };
}

function draftOf(chart: Chart, node: ChartNode): Draft {
  const own = chart.transitions.filter(({ source }) => source === node);
  const leaving = Map.groupBy(
    own.filter(({ targets }) => targets.length > 0),
    ({ event }) => event,
  );
  const inPlace = new Set(own.filter(({ event }) => !leaving.has(event)).map(({ event }) => event));
  return {
    node,
    rows: [...leaving].map(([event, transitions]) => ({ event, transitions })),
    inPlace: [...inPlace],
  };
}

/** What a state's name and rows need. */
function widthOf({ node, rows }: Draft): number {
  const name = node.key.length + (node.type === 'parallel' ? 11 : 2);
  const texts = [name, ...rows.map(({ event }) => Math.min(LONGEST, event.length) + 2)];
  return Math.max(...texts) * CHARACTER + 24;
}

/** Gives every state that is led to a track: the shorter the way, the nearer, and never two over one another. */
function route(boxes: readonly Box[], right: number): { readonly wires: readonly Wire[]; readonly tracks: number } {
  const boxOf = new Map(boxes.map((box) => [box.node, box]));
  const ways = boxes.flatMap((from) =>
    from.rows.flatMap(({ y, transitions }) =>
      transitions.flatMap((transition) =>
        transition.targets.flatMap((target) => {
          const to = boxOf.get(target);
          return to === undefined ? [] : [{ transition, from, to, y1: y, y2: to.entry }];
        }),
      ),
    ),
  );
  const spans = [...Map.groupBy(ways, ({ to }) => to)]
    .map(([to, into]) => {
      const ends = into.flatMap(({ y1, y2 }) => [y1, y2]);
      return { to, top: Math.min(...ends), bottom: Math.max(...ends) };
    })
    .sort((one, other) => one.bottom - one.top - (other.bottom - other.top) || one.top - other.top);
  const tracks: { readonly top: number; readonly bottom: number }[][] = [];
  const trackOf = new Map<Box, number>();
  for (const span of spans) {
    let at = tracks.findIndex((taken) =>
      taken.every(({ top, bottom }) => span.bottom + 4 < top || span.top - 4 > bottom),
    );
    if (at < 0) at = tracks.push([]) - 1;
    tracks[at]?.push(span);
    trackOf.set(span.to, at);
  }
  const wires = ways.map((way) => ({ ...way, x: right + FIRST_TRACK + (trackOf.get(way.to) ?? 0) * TRACK }));
  return { wires, tracks: tracks.length };
}

/** A wire as an SVG path: out of its row, along its track, into its state, with round corners. */
export function pathOf({ from, to, y1, y2, x }: Wire): string {
  const start = from.x + from.width;
  const end = to.x + to.width + 5;
  const r = Math.min(5, Math.abs(y2 - y1) / 2);
  const d = y2 > y1 ? 1 : -1;
  return `M${start} ${y1}H${x - r}Q${x} ${y1} ${x} ${y1 + d * r}V${y2 - d * r}Q${x} ${y2} ${x - r} ${y2}H${end}`;
}

// SPDX-License-Identifier: Apache-2.0
// A state chart's definition, as XState tells it, read into nodes and the transitions between them.

import { leavesOf } from '../state-text.ts';
import type { StateValue } from '../wire.ts';

export type NodeType = 'atomic' | 'compound' | 'parallel' | 'final' | 'history';

export interface ChartNode {
  /** As transitions name it: `session.turn`. */
  readonly id: string;
  readonly key: string;
  /** From the root on, as states name it: `turn`; empty for the root. */
  readonly path: string;
  readonly type: NodeType;
  readonly depth: number;
  readonly parent: ChartNode | null;
  readonly children: readonly ChartNode[];
  /** The child it begins with; null where there is none, or all begin. */
  readonly initial: string | null;
  readonly entry: readonly string[];
  readonly exit: readonly string[];
}

export interface ChartTransition {
  readonly id: number;
  /** As it is read: `always`, `after 500`. */
  readonly event: string;
  /** As XState names it. */
  readonly type: string;
  readonly guard: string | null;
  readonly actions: readonly string[];
  readonly source: ChartNode;
  /** Empty: it is handled in place. */
  readonly targets: readonly ChartNode[];
}

export interface Chart {
  readonly root: ChartNode;
  /** Every node, parents before their children. */
  readonly nodes: readonly ChartNode[];
  readonly transitions: readonly ChartTransition[];
}

type Fields = Readonly<Record<string, unknown>>;

const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);
const TYPES: ReadonlySet<unknown> = new Set(['atomic', 'compound', 'parallel', 'final', 'history']);
/** States drawn of one chart: nobody reads more, and a definition is not ours to trust. */
const NODES_MOST = 500;

/** Reads a definition; null for what is none. */
export function readChart(definition: unknown): Chart | null {
  if (!isFields(definition)) return null;
  const nodes: ChartNode[] = [];
  const raw = new Map<ChartNode, Fields>();
  const read = (of: Fields, parent: ChartNode | null): ChartNode => {
    const key = String(of['key'] ?? of['id'] ?? '');
    const children: ChartNode[] = [];
    const node: ChartNode = {
      id: String(of['id'] ?? key),
      key,
      path: parent === null ? '' : parent.path === '' ? key : `${parent.path}.${key}`,
      type: (TYPES.has(of['type']) ? of['type'] : 'atomic') as NodeType,
      depth: parent === null ? 0 : parent.depth + 1,
      parent,
      children,
      initial: of['type'] === 'parallel' ? null : initialOf(of),
      entry: listOf(of['entry']).map(nameOf),
      exit: listOf(of['exit']).map(nameOf),
    };
    nodes.push(node);
    raw.set(node, of);
    const states = isFields(of['states']) ? of['states'] : {};
    for (const child of Object.values(states))
      if (isFields(child) && nodes.length < NODES_MOST) children.push(read(child, node));
    return node;
  };
  const root = read(definition, null);
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const transitions: ChartTransition[] = [];
  for (const [source, of] of raw) {
    for (const each of [...listOf(of['transitions']), ...listOf(of['always'])]) {
      if (!isFields(each)) continue;
      const type = String(each['eventType'] ?? '');
      const targets = listOf(each['target']).flatMap((target) => byId.get(String(target).replace(/^#/, '')) ?? []);
      transitions.push({
        id: transitions.length,
        event: eventText(type),
        type,
        guard: each['guard'] === undefined ? null : nameOf(each['guard']),
        actions: listOf(each['actions']).map(nameOf),
        source,
        targets,
      });
    }
  }
  return { root, nodes, transitions };
}

function initialOf(of: Fields): string | null {
  const target = isFields(of['initial']) ? listOf(of['initial']['target'])[0] : undefined;
  return target === undefined ? null : String(target).replace(/^#/, '');
}

/** What an action or a guard is called; one without a name is only known to be there. */
function nameOf(value: unknown): string {
  if (typeof value === 'string') return value;
  return isFields(value) && typeof value['type'] === 'string' ? value['type'] : '…';
}

function eventText(type: string): string {
  if (type === '') return 'always';
  if (type === '*') return 'anything else';
  const [, what, rest = ''] = /^xstate\.(after|done\.state|done\.actor|error\.actor)\.(.*)$/.exec(type) ?? [];
  if (what === undefined) return type;
  return what === 'after' ? `after ${rest.split('.')[0]} ms` : `${what.split('.')[0]} ${rest.split('.').at(-1)}`;
}

/** A node and all around it, from the inside out. */
export function withAncestors(node: ChartNode): readonly ChartNode[] {
  return node.parent === null ? [node] : [node, ...withAncestors(node.parent)];
}

/** The innermost nodes a state is in. What the chart does not have is left out. */
export function nodesOf(chart: Chart, value: StateValue): readonly ChartNode[] {
  const byPath = new Map(chart.nodes.map((node) => [node.path, node]));
  const found: ChartNode[] = [];
  for (const path of leavesOf(value)) {
    // In the text of a step a region's name stands with its first part only: what follows is looked for beside it.
    const around = ['', ...withAncestors(found.at(-1) ?? chart.root).map((node) => `${node.path}.`)];
    const node = around.map((prefix) => byPath.get(`${prefix}${path}`)).find((one) => one !== undefined);
    if (node !== undefined && node !== chart.root) found.push(node);
  }
  return found;
}

/** Every node a state is in: the innermost and all around them. */
export function activeIn(chart: Chart, value: StateValue): ReadonlySet<ChartNode> {
  return new Set(nodesOf(chart, value).flatMap((node) => withAncestors(node)));
}

/** The transitions that may have made this step: from where it began, by its event, to where it led. */
export function firedBy(
  chart: Chart,
  step: { readonly event: string; readonly from_state: StateValue; readonly to_state: StateValue },
): readonly ChartTransition[] {
  const from = activeIn(chart, step.from_state);
  const to = activeIn(chart, step.to_state);
  const moved = [...to].some((node) => !from.has(node));
  const by = (type: string): readonly ChartTransition[] =>
    chart.transitions.filter(
      (one) =>
        one.type === type &&
        from.has(one.source) &&
        (one.targets.length === 0 ? !moved : one.targets.every((target) => to.has(target))),
    );
  const all = by(step.event);
  // The innermost node that takes an event has it, and of several ways from there the first that leads where it went.
  const depth = Math.max(...all.map(({ source }) => source.depth));
  const first = all.filter(({ source }) => source.depth === depth);
  const inPlace = !moved && first.some(({ targets }) => targets.length === 0);
  return inPlace ? first.filter(({ targets }) => targets.length === 0).slice(0, 1) : first.slice(0, 1);
}

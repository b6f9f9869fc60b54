// SPDX-License-Identifier: Apache-2.0
// Names of events and states as small numbers: what is noted with every step is a number, and nothing the collector has to follow.

/** Ten bits each: they are the charts' own and few. */
const NAMES_MOST = 1_024;
/** What every name past the last is called. */
const OTHER = 'other';

const codes = new Map<string, number>();
const names: string[] = [];
/** Nested states by their outer and inner names, so that a name is not put together each time. */
const nested = new Map<string, Map<string, number>>();

/** The number of a name. */
export function codeOf(name: string): number {
  return codes.get(name) ?? newCode(name);
}

/** The name of a number. */
export function nameOf(code: number): string {
  return names[code] ?? '';
}

/** Bits a code takes. */
export const CODE_BITS = 10;

/** The number of a state chart's state value: `turn.calling_model` is the name of `{turn: 'calling_model'}`. */
export function stateCode(state: unknown): number {
  if (typeof state === 'string') return codeOf(state);
  if (typeof state !== 'object' || state === null) return codeOf(String(state));
  let outer = '';
  let count = 0;
  for (const name in state) {
    outer = name;
    count += 1;
  }
  const inner = count === 1 ? (state as Readonly<Record<string, unknown>>)[outer] : undefined;
  if (typeof inner !== 'string') return codeOf(stateName(state));
  return nested.get(outer)?.get(inner) ?? newNested(outer, inner);
}

/** A state value in one piece, nested states with dots, parallel ones with `+`. */
export function stateName(state: unknown): string {
  if (typeof state === 'string') return state;
  if (typeof state !== 'object' || state === null) return String(state);
  return Object.entries(state)
    .map(([name, inner]) => {
      const rest = stateName(inner);
      return rest === '' ? name : `${name}.${rest}`;
    })
    .join('+');
}

function newCode(name: string): number {
  const last = NAMES_MOST - 1;
  if (names.length < last) {
    const code = names.push(name) - 1;
    codes.set(name, code);
    return code;
  }
  names[last] = OTHER;
  return last;
}

function newNested(outer: string, inner: string): number {
  const code = codeOf(`${outer}.${inner}`);
  const inners = nested.get(outer) ?? new Map<string, number>();
  if (code < NAMES_MOST - 1) nested.set(outer, inners.set(inner, code));
  return code;
}

// SPDX-License-Identifier: Apache-2.0
// What a measured row comes to, and how it is written in the table.

import { MOST_SPREAD, noisy, type Row, type Unit } from './rows.ts';

/** What two runs of the same program differ by on a shared machine, even when the floor was steady in both. */
const LEAST_NOISE = 0.15;

/** `noisy`: the floor itself varied too much between rounds, also when it was measured again; the figure is refused. */
export type Verdict = 'aim' | 'floor' | 'missed' | 'noisy';

function reaches({ better, measured }: Row, bar: number): boolean {
  return better === 'more' ? measured.ratio >= bar : measured.ratio <= bar;
}

export function verdictOf(row: Row): Verdict {
  const { measured, better, aim, floor } = row;
  if (noisy(row, measured)) return 'noisy';
  const { noise = 0 } = measured;
  if (reaches(row, better === 'more' ? aim - noise : aim + noise)) return 'aim';
  return reaches(row, floor) ? 'floor' : 'missed';
}

/** Whether a row is worse than it may be by more than the noise. */
export function fails(row: Row): boolean {
  if (verdictOf(row) !== 'missed') return false;
  const { measured, better } = row;
  const bar = row.known ?? row.floor;
  const noise = measured.noise ?? bar * Math.min(MOST_SPREAD, Math.max(LEAST_NOISE, measured.spread));
  return !reaches(row, better === 'more' ? bar - noise : bar + noise);
}

const number = (value: number): string =>
  Math.abs(value) >= 100
    ? Math.round(value).toLocaleString('en-US')
    : value.toFixed(Math.abs(value) >= 10 ? 1 : 2).replace(/^-(0\.00)$/, '$1');

/** A figure or a bar in the row's unit. */
function inUnit(value: string, unit: Unit): string {
  return unit === 'ratio' ? `${value}×` : `${value} ${unit}`;
}

export const HEAD = ['id', 'row', 'against', 'measured', 'ours', 'spread', 'floor', 'aim', 'reaches'];

export function cells(row: Row): readonly string[] {
  const { measured, better, unit } = row;
  const bar = (value: number): string => `${better === 'more' ? '≥' : '≤'} ${inUnit(String(value), unit)}`;
  const noise = measured.noise === undefined ? '' : ` ± ${number(measured.noise)}`;
  const figure = unit === 'ratio' ? `${measured.ratio.toFixed(2)}×` : inUnit(`${number(measured.ratio)}${noise}`, unit);
  const ours = row.ours === '' ? '–' : `${number(measured.ours)} ${row.ours}`;
  const spread = `${Math.round(measured.spread * 100)} %`;
  return [row.id, row.title, row.against, figure, ours, spread, bar(row.floor), bar(row.aim), verdictOf(row)];
}

export function markdown(rows: readonly Row[]): string {
  const line = (values: readonly string[]): string => `| ${values.join(' | ')} |`;
  return [line(HEAD), line(HEAD.map(() => '---')), ...rows.map((row) => line(cells(row)))].join('\n');
}

/** Why a row that misses is said to miss. */
export function missText(row: Row): string {
  const { id, floor, known, measured, unit } = row;
  const text = `bench: ${id} is at ${inUnit(number(measured.ratio), unit)}, its floor is ${inUnit(String(floor), unit)}`;
  return known === undefined
    ? text
    : `${text}; that it misses is known, worse than ${inUnit(String(known), unit)} fails`;
}

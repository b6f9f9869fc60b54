// SPDX-License-Identifier: Apache-2.0
// Vectors as numbers: checked and made of length 1 on the way in, scored in one way by all who search, coded in bytes.

import { failure, SigilError } from '../errors.ts';
import { NEAREST_MOST } from './vector-store.ts';

/**
 * The vector with length 1; undefined when it is all zero and so has no direction.
 *
 * @throws SigilError `validation_failed` when it has other dimensions than it must, or a number is not finite
 */
export function unitOf(vector: Float32Array, dimensions: number): Float32Array<ArrayBuffer> | undefined {
  if (vector.length !== dimensions) {
    const says = `the vector has ${vector.length} dimensions and the index ${dimensions}; embed with the index's model`;
    throw new SigilError(failure('validation_failed', says, { given: vector.length, expected: dimensions }));
  }
  // By index, here and below: what goes through an iterator takes a vector of 1,024 numbers fifteen times as long.
  let largest = 0;
  for (let at = 0; at < dimensions; at += 1) {
    const value = vector[at] ?? 0;
    if (!Number.isFinite(value)) throw new SigilError(failure('validation_failed', `the vector has ${value} in it`));
    largest = Math.max(largest, Math.abs(value));
  }
  if (largest === 0) return undefined;
  let sum = 0;
  // By the largest first: the squares of very small or large numbers would be 0 or infinite.
  for (let at = 0; at < dimensions; at += 1) sum += ((vector[at] ?? 0) / largest) ** 2;
  const length = Math.sqrt(sum);
  const unit = new Float32Array(dimensions);
  for (let at = 0; at < dimensions; at += 1) unit[at] = (vector[at] ?? 0) / largest / length;
  return unit;
}

/** @throws SigilError `validation_failed` when nobody can want so many results */
export function checkNearest(k: number): void {
  if (Number.isInteger(k) && k >= 1 && k <= NEAREST_MOST) return;
  throw new SigilError(failure('validation_failed', `k is ${k} and must be a whole number from 1 to ${NEAREST_MOST}`));
}

/** Cosine of two vectors of length 1. All who search score with this, so equal vectors score equally everywhere. */
export function scoreOf(one: Float32Array, other: Float32Array): number {
  let sum = 0;
  for (let at = 0; at < one.length; at += 1) sum += (one[at] ?? 0) * (other[at] ?? 0);
  return Math.max(-1, Math.min(1, sum));
}

/** A vector in a quarter of its size, and how far it is off. */
export interface VectorCode {
  readonly code: Int8Array<ArrayBuffer>;
  /** What one step of the code is worth. */
  readonly scale: number;
  /** Length of what lies between the vector and its code, never less. */
  readonly slack: number;
}

/** Codes go from -127 to 127. */
const CODE_MOST = 127;
/** More than the rounding of the sums here and in a scan can amount to, for vectors of length 1. */
export const ROUNDING = 1e-6;

/** Codes a vector of length 1: each number as a multiple of the largest's 127th. */
export function codeOf(unit: Float32Array): VectorCode {
  let largest = 0;
  for (let at = 0; at < unit.length; at += 1) largest = Math.max(largest, Math.abs(unit[at] ?? 0));
  const scale = Math.fround(largest / CODE_MOST);
  const code = new Int8Array(unit.length);
  let off = 0;
  for (let at = 0; at < unit.length; at += 1) {
    const value = unit[at] ?? 0;
    const step = Math.max(-CODE_MOST, Math.min(CODE_MOST, Math.round(value / scale)));
    code[at] = step;
    off += (value - step * scale) ** 2;
  }
  return { code, scale, slack: Math.sqrt(off) + ROUNDING };
}

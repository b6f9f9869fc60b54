// SPDX-License-Identifier: Apache-2.0
// Writes src/stores/scan/kernel-bytes.ts: the WebAssembly of the vector scan, put together by hand so that no toolchain is needed.
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { QUERY_AT } from '../src/stores/scan/layout.ts';

/** An unsigned number as LEB128. */
function uint(value: number): number[] {
  const low = value & 0x7f;
  return value < 0x80 ? [low] : [low | 0x80, ...uint(value >>> 7)];
}

/** A signed number as LEB128. */
function int(value: number): number[] {
  const low = value & 0x7f;
  const rest = value >> 7;
  const done = (rest === 0 && (low & 0x40) === 0) || (rest === -1 && (low & 0x40) !== 0);
  return done ? [low] : [low | 0x80, ...int(rest)];
}

const sized = (bytes: readonly number[]): number[] => [...uint(bytes.length), ...bytes];
const section = (id: number, bytes: readonly number[]): number[] => [id, ...sized(bytes)];
const named = (text: string): number[] => sized([...new TextEncoder().encode(text)]);

const I32 = 0x7f;
const V128 = 0x7b;
/** Instructions, by their names in the WebAssembly text format. */
const get = (local: number): number[] => [0x20, ...uint(local)];
const set = (local: number): number[] => [0x21, ...uint(local)];
const constant = (value: number): number[] => [0x41, ...int(value)];
const add = [0x6a];
const subtract = [0x6b];
const lessUnsigned = [0x49];
const greaterSigned = [0x4a];
const loop = (body: readonly number[]): number[] => [0x03, 0x40, ...body, 0x0b];
const again = [0x0d, 0x00];
const store = (offset: number): number[] => [0x36, 0x02, ...uint(offset)];
const simd = (code: number): number[] => [0xfd, ...uint(code)];
/** Codes lie at multiples of 16, and so does the query. */
const vectorLoad = (offset: number): number[] => [...simd(0), 0x04, ...uint(offset)];
const vectorZero = [...simd(12), ...Array.from({ length: 16 }, () => 0)];
const lane = (number: number): number[] => [...simd(27), number];
/** Eight bytes of sixteen as words: `i16x8.extend_low_i8x16_s` and `…_high_…`. */
const lower = simd(135);
const upper = simd(136);
/** Eight products of words, added in pairs: `i32x4.dot_i16x8_s`. */
const dot = simd(186);
const vectorAdd = simd(174);

// Parameters and locals of the one function.
const [ROW, ROWS, STRIDE, OUT, QUERY, END, SECOND, THIRD, FOURTH] = [0, 1, 2, 3, 4, 5, 6, 7, 8];
const [SUM_1, SUM_2, SUM_3, SUM_4, CODES, QUERY_LOW, QUERY_HIGH] = [9, 10, 11, 12, 13, 14, 15];
const POINTERS = [ROW, SECOND, THIRD, FOURTH];
const SUMS = [SUM_1, SUM_2, SUM_3, SUM_4];

const advance = (local: number, by: number): number[] => [...get(local), ...constant(by), ...add, ...set(local)];

/** Sixteen codes of one row times sixteen numbers of the query. */
const step = (pointer: number, sum: number): number[] => [
  ...[...get(pointer), ...vectorLoad(0), ...set(CODES)],
  ...[...get(CODES), ...lower, ...get(QUERY_LOW), ...dot],
  ...[...get(CODES), ...upper, ...get(QUERY_HIGH), ...dot],
  ...[...vectorAdd, ...get(sum), ...vectorAdd, ...set(sum)],
  ...advance(pointer, 16),
];

/** The four lanes of a sum, added and stored. */
const storeSum = (sum: number, at: number): number[] => [
  ...get(OUT),
  ...[...get(sum), ...lane(0), ...get(sum), ...lane(1), ...add],
  ...[...get(sum), ...lane(2), ...add, ...get(sum), ...lane(3), ...add],
  ...store(at * 4),
];

/** Four rows at once: each part of the query is loaded once for them. The pointers end where the next four rows begin. */
const body = [
  ...loop([
    ...[...get(ROW), ...get(STRIDE), ...add, ...set(SECOND)],
    ...[...get(SECOND), ...get(STRIDE), ...add, ...set(THIRD)],
    ...[...get(THIRD), ...get(STRIDE), ...add, ...set(FOURTH)],
    ...SUMS.flatMap((sum) => [...vectorZero, ...set(sum)]),
    ...[...constant(QUERY_AT), ...set(QUERY)],
    ...[...get(SECOND), ...set(END)],
    ...loop([
      ...[...get(QUERY), ...vectorLoad(0), ...set(QUERY_LOW)],
      ...[...get(QUERY), ...vectorLoad(16), ...set(QUERY_HIGH)],
      ...POINTERS.flatMap((pointer, at) => step(pointer, SUMS[at] ?? SUM_1)),
      ...advance(QUERY, 32),
      ...[...get(ROW), ...get(END), ...lessUnsigned, ...again],
    ]),
    ...SUMS.flatMap(storeSum),
    ...advance(OUT, 16),
    ...[...get(FOURTH), ...set(ROW)],
    ...[...get(ROWS), ...constant(4), ...subtract, ...set(ROWS)],
    ...[...get(ROWS), ...constant(0), ...greaterSigned, ...again],
  ]),
  0x0b,
];

/** The module: `dots(first, rows, stride)` over the memory it is given. */
export function kernelBytes(): Uint8Array {
  const type = section(1, [1, 0x60, 3, I32, I32, I32, 0]);
  const imported = section(2, [1, ...named('scan'), ...named('memory'), 0x02, 0x00, 1]);
  const functions = section(3, [1, 0]);
  const exported = section(7, [1, ...named('dots'), 0x00, 0]);
  const code = section(10, [1, ...sized([2, 6, I32, 7, V128, ...body])]);
  return new Uint8Array([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, ...type, ...imported, ...functions, ...exported, ...code]);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const text = Buffer.from(kernelBytes()).toString('base64');
  const lines = (text.match(/.{1,110}/g) ?? []).map((line) => `  '${line}'`).join(' +\n');
  writeFileSync(
    new URL('../src/stores/scan/kernel-bytes.ts', import.meta.url),
    `// SPDX-License-Identifier: Apache-2.0
// The WebAssembly of the vector scan, ${kernelBytes().length} bytes: \`node tools/scan-kernel.ts\` writes this file and says what they are.

/** Base64. */
export const KERNEL_BYTES =
${lines};
`,
  );
}

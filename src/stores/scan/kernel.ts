// SPDX-License-Identifier: Apache-2.0
// The inner product of one query with many rows of codes, in WebAssembly where the machine has SIMD and in JavaScript elsewhere.

import { KERNEL_BYTES } from './kernel-bytes.ts';
import { CODES_AT, QUERY_AT } from './layout.ts';

/** Memory with a kernel that works in it. Whoever grows it asks for the buffer again. */
export interface ScanMemory {
  readonly buffer: ArrayBuffer;
  /** Bytes it has room for from now on, at least. @throws RangeError when there are not so many. */
  grow(bytes: number): void;
  /**
   * Puts the inner products of the query with `rows` rows into the first 32-bit numbers of the memory. They are whole
   * numbers, so it does not matter who computes them.
   *
   * @param first where the first row's codes lie
   * @param rows a multiple of four
   * @param stride bytes from row to row, a multiple of 16
   */
  dots(first: number, rows: number, stride: number): void;
}

const PAGE = 65_536;

declare const compiledModule: unique symbol;
type WasmModule = object & { readonly [compiledModule]: true };

/** What is used of the runtime's own; the libraries that declare it belong to browsers. */
declare const WebAssembly: {
  validate(bytes: Uint8Array): boolean;
  readonly Module: new (bytes: Uint8Array) => WasmModule;
  readonly Instance: new (
    module: WasmModule,
    imports: object,
  ) => { readonly exports: Readonly<Record<string, unknown>> };
  readonly Memory: new (limits: {
    readonly initial: number;
  }) => { readonly buffer: ArrayBuffer; grow(pages: number): number };
};

let compiled: WasmModule | null | undefined;

function wasmModule(): WasmModule | null {
  if (compiled === undefined) {
    const bytes = Buffer.from(KERNEL_BYTES, 'base64');
    // A processor or a build without SIMD says no here.
    compiled = WebAssembly.validate(bytes) ? new WebAssembly.Module(bytes) : null;
  }
  return compiled;
}

/** Memory with the faster kernel of the two that work here. */
export function scanMemory(): ScanMemory {
  const module = wasmModule();
  return module === null ? plainMemory() : wasmMemory(module);
}

/** Memory with the kernel of WebAssembly; null where it does not work. */
export function simdMemory(): ScanMemory | null {
  const module = wasmModule();
  return module === null ? null : wasmMemory(module);
}

function wasmMemory(module: WasmModule): ScanMemory {
  const memory = new WebAssembly.Memory({ initial: Math.ceil(CODES_AT / PAGE) });
  const { exports } = new WebAssembly.Instance(module, { scan: { memory } });
  const dots = exports['dots'] as ScanMemory['dots'];
  return {
    get buffer() {
      return memory.buffer;
    },
    grow: (bytes) => {
      const more = Math.ceil(bytes / PAGE) - memory.buffer.byteLength / PAGE;
      if (more > 0) memory.grow(more);
    },
    dots,
  };
}

/** Memory with the kernel of JavaScript. */
export function plainMemory(): ScanMemory {
  let buffer = new ArrayBuffer(CODES_AT);
  return {
    get buffer() {
      return buffer;
    },
    grow: (bytes) => {
      if (bytes > buffer.byteLength) buffer = buffer.transfer(bytes);
    },
    dots: (first, rows, stride) => {
      const out = new Int32Array(buffer, 0, rows);
      const query = new Int16Array(buffer, QUERY_AT, stride);
      for (let row = 0; row < rows; row += 1) {
        const codes = new Int8Array(buffer, first + row * stride, stride);
        let sum = 0;
        for (let at = 0; at < stride; at += 1) sum += (codes[at] ?? 0) * (query[at] ?? 0);
        out[row] = sum;
      }
    },
  };
}

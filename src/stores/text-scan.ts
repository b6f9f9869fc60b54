// SPDX-License-Identifier: Apache-2.0
// A long text gone through by the pool, as it is asked over the bus: what the scanner is given, and what it says.

export interface TextScan {
  readonly text: string;
  readonly stage: 'input' | 'tool' | 'output';
  readonly mode: 'block' | 'flag' | 'redact' | 'off';
}

export type TextVerdict =
  | { readonly kind: 'pass' }
  | { readonly kind: 'flag' | 'block'; readonly rules: readonly string[] }
  | { readonly kind: 'redact'; readonly rules: readonly string[]; readonly text: string };

export type TextScanProtocol = {
  /** `overloaded`, `deadline_exceeded`, `thread_lost`: it was not scanned. */
  readonly 'pool.scan': { readonly body: TextScan; readonly reply: TextVerdict };
};

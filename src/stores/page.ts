// SPDX-License-Identifier: Apache-2.0
// A part of a list, and how the next one is asked for.

export interface Page<T> {
  readonly items: readonly T[];
  readonly next_cursor: string | null;
}

export interface PageRequest {
  /** 1 to 200. */
  readonly limit: number;
  readonly cursor?: string | undefined;
}

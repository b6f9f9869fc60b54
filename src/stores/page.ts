// SPDX-License-Identifier: Apache-2.0
// Lists in pages: a cursor says where the next one begins, and stays right while rows are added.

export interface Page<T> {
  readonly items: readonly T[];
  readonly next_cursor: string | null;
}

export interface PageRequest {
  /** 1 to 200. */
  readonly limit: number;
  readonly cursor?: string | undefined;
}

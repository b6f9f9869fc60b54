// SPDX-License-Identifier: Apache-2.0
// How much is free where a file lies, in words: part of what everybody is told whose file does not fit any more.

import { statfsSync } from 'node:fs';
import { dirname } from 'node:path';

/**
 * `12 MiB are free there, at least 64 MiB are needed`.
 *
 * @param needed in bytes, as far as it is known
 * @returns empty where the system does not say
 */
export function spaceAt(file: string, needed: number): string {
  try {
    const { bavail, bsize } = statfsSync(dirname(file));
    return `${Math.floor((bavail * bsize) / MIB)} MiB are free there, at least ${Math.ceil(needed / MIB)} MiB are needed`;
  } catch {
    // The error itself says more than this one would.
    return '';
  }
}

const MIB = 1024 * 1024;

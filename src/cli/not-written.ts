// SPDX-License-Identifier: Apache-2.0
// What the file system says of a file somebody asked for, as an error for them.

import { spaceAt } from '../free-space.ts';
import { CliError } from './cli-error.ts';

/**
 * @param bytes of it that were written
 * @returns what was thrown itself where it is not of the file system
 */
export function notWritten(thrown: unknown, file: string, bytes: number): unknown {
  const code = thrown instanceof Error && 'code' in thrown ? thrown.code : undefined;
  if (typeof code !== 'string' || !/^E[A-Z]+$/.test(code) || thrown instanceof CliError) return thrown;
  const space = code === 'ENOSPC' ? spaceAt(file, bytes + 1) : '';
  const full = space === '' ? 'the disk is full' : `the disk is full: ${space}`;
  const why = code === 'ENOSPC' ? full : code === 'ENOENT' ? 'its directory is not there' : code;
  const advice = 'Choose another place for it, or free some space, and run the command again.';
  return new CliError('storage_failed', `${file} cannot be written: ${why}.`, advice, { cause: thrown });
}

// SPDX-License-Identifier: Apache-2.0
// Views that cannot be read any more: put aside to be made again, unless the journal no longer holds what they were made of.

import { renameSync, rmSync } from 'node:fs';
import { type Failure, failure, SigilError } from '../../errors.ts';
import { SIDE_FILES } from './data-files.ts';

const DAMAGE = /^SQLITE_(?:CORRUPT|NOTADB)/;

/** Whether what was thrown says that this very file is damaged. */
export function saysDamaged(thrown: unknown, file: string): boolean {
  if (!(thrown instanceof SigilError)) return false;
  const { details } = thrown.failure;
  return details?.['file'] === file && DAMAGE.test(String(details['code'] ?? ''));
}

/** The `reason` of news that nobody has to do anything about. */
export const PUT_ASIDE = 'put_aside';

/** What is told when a view was put aside. */
export function putAsideNews(file: string): Failure {
  const says = `it was damaged, was put aside as ${file}.damaged and is made again from the journal`;
  return failure('storage_failed', `${file}: ${says}`, { file, reason: PUT_ASIDE });
}

/** Renames a damaged view, so that another can be made in its place; the one before it is forgotten. */
export function putAside(file: string): void {
  renameSync(file, `${file}.damaged`);
  for (const end of SIDE_FILES) rmSync(`${file}${end}`, { force: true });
}

/** A view that cannot be made again. */
export function incompleteView(file: string, view: string): SigilError {
  const says =
    'it is missing, damaged or older than the journal remembers, and the journal was trimmed: it cannot be made again from it whole; ' +
    `restore it with \`sigil backup restore FILE\`, or accept what is gone with \`sigil doctor rebuild --accept-loss ${view}\``;
  return new SigilError(failure('storage_failed', `${file}: ${says}`, { file, view, reason: 'incomplete' }));
}

// SPDX-License-Identifier: Apache-2.0
// Why a message is not taken of its sender: they are nobody here, may not write, or have no business in its workspace.

import { type Failure, failure } from '../errors.ts';
import { barred, mayWrite, type People } from '../security/membership.ts';

/**
 * @param anywhere whether what the sender was let in with opens every workspace, or other people's sessions
 * @returns null: it is taken
 */
export function refusedSender(
  people: People,
  user_id: string,
  workspace_id: string,
  anywhere: boolean,
): Failure | null {
  const written = mayWrite(people, user_id);
  if (!written.allowed) return failure('forbidden', written.reason);
  const out = anywhere ? null : barred(people, user_id, workspace_id);
  return out === null ? null : failure('not_a_member', out.reason);
}

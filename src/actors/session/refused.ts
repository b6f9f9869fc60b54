// SPDX-License-Identifier: Apache-2.0
// Why a session takes nothing: there is none, or it is about to go.

import { type Failure, failure } from '../../errors.ts';

export function unknownSession(session_id: string): Failure {
  return failure('not_found', `There is no session ${session_id}.`);
}

export function goingSession(): Failure {
  return failure('conflict', 'The session is being deleted.');
}

// SPDX-License-Identifier: Apache-2.0
// How a tool reaches other sessions than its own.

/** How a turn reaches other sessions; given to this tool alone. */
export interface SessionsPort {
  /** How many sessions what the turn answers has come through; 0 for what a person has said. */
  readonly hops: number;
  /** Calls of this tool in the turn so far, this one too. */
  readonly sends: number;
  /** Delivers a message; it is durable once this resolves. @throws SigilError as the session refused it */
  send(session_id: string, content: string): Promise<{ readonly turn_id: string }>;
}

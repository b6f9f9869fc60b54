// SPDX-License-Identifier: Apache-2.0
// Requests for approval as they are answered and listed.

import { z } from 'zod';
import type { DeepReadonly } from '../../config/schema.ts';
import type { ApprovalRow } from '../../stores/approvals.ts';
import { listOf, Time } from './fields.ts';

export const ApprovalRequest = z.strictObject({
  decision: z.enum(['approve', 'deny'], { error: 'is not approve or deny' }).describe('Whether the call may be made.'),
});

export const Approval = z
  .object({
    id: z.string(),
    session_id: z.string(),
    workspace_id: z.string(),
    turn_id: z.string(),
    call_id: z.string(),
    user_id: z.string().describe('Whose message the turn answers.'),
    tool: z.string(),
    arguments: z.string().describe('The JSON text the model wrote: what is approved.'),
    reason: z.string().describe('Why the tool asks; empty: it always does.'),
    requested_at: Time,
    expires_at: Time.describe('When it counts as denied.'),
    decision: z
      .enum(['approve', 'deny', 'expired', 'cancelled'])
      .nullable()
      .describe('Null while it waits; `cancelled`: its turn ended first.'),
    decided_by: z.string().nullable().describe('`system` when nobody did.'),
    decided_at: Time.nullable(),
  })
  .describe('A tool call that waits, or waited, for a person.');

export const Approvals = listOf(Approval).describe('Requests that wait, oldest first.');

/** Rows as the stores tell them are what is sent: a change over there that is not made here does not compile. */
export const SAME = (row: ApprovalRow): DeepReadonly<z.output<typeof Approval>> => row;

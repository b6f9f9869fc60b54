// SPDX-License-Identifier: Apache-2.0
// A person who is asked whether tools may run: answers after a while, or not at all, and asks again until the answer is taken.

import { address } from '../../src/bus/address.ts';
import { ask } from '../../src/edge/ask.ts';
import { toFailure } from '../../src/errors.ts';
import type { ApprovalRequested } from '../../src/stores/records.ts';
import type { ClientHouse } from './client.ts';
import type { PlannedApproval } from './plan.ts';

const AGAIN_MS = 150;
const DECIDE_MS = 30_000;

export class Person {
  private readonly house: Pick<ClientHouse, 'machine' | 'gateway'>;

  constructor(house: Pick<ClientHouse, 'machine' | 'gateway'>) {
    this.house = house;
  }

  /** Is asked, durably. */
  asked(stream: string, request: ApprovalRequested): void {
    const { how, after } = (JSON.parse(request.arguments) as { readonly asks: PlannedApproval }).asks;
    if (how === 'nobody') return;
    this.later(after, stream, request, how);
  }

  private later(ms: number, stream: string, request: ApprovalRequested, decision: 'approve' | 'deny'): void {
    this.house.machine.clock.schedule(null, ms, `person ${request.call_id}`, () =>
      this.answer(stream, request, decision),
    );
  }

  private answer(stream: string, request: ApprovalRequested, decision: 'approve' | 'deny'): void {
    const { machine, gateway } = this.house;
    const { rules, clock } = machine;
    const again = (): void => this.later(AGAIN_MS, stream, request, decision);
    const now = gateway();
    if (now?.edge == null) return again();
    const { edge, main } = now;
    let heard = false;
    main.atEnd(() => {
      if (!heard) again();
      heard = true;
    });
    const session = address('session', stream.slice('session/'.length));
    clock.schedule(main, machine.delay(), `answer ${request.call_id}`, () => {
      ask(edge.bus, session, 'session.approval', { id: request.id, decision, by: request.user_id }, DECIDE_MS).then(
        ({ status }) => {
          heard = true;
          const kept = rules.journal.approvals.get(request.id);
          // A turn that is being stopped takes no answers, and ends its requests as it ends.
          const stopping = status === 'over' && rules.journal.turns.get(request.turn_id)?.cancelled === true;
          if (kept?.decision == null && !stopping)
            rules.broke('approval', `${request.id} is said to be ${status}, and waits`);
          else if (status === 'taken' && kept?.decision !== decision)
            rules.broke('approval', `${request.id} is said to be taken as ${decision}, and is ${kept?.decision}`);
        },
        (thrown: unknown) => {
          if (heard) return;
          heard = true;
          const { code, message, retryable } = toFailure(thrown);
          if (!retryable) rules.broke('refused', `an answer to ${request.id}: ${code}: ${message}`);
          again();
        },
      );
    });
  }
}

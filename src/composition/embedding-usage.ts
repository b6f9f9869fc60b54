// SPDX-License-Identifier: Apache-2.0
// What embedding has used: gathered for a moment, written to the workspaces' streams, and only then told to the budgets.

import { reservationOf } from '../actors/budget/protocol.ts';
import type { SigilBus } from '../actors/protocols.ts';
import { type Address, address } from '../bus/address.ts';
import type { Failure } from '../errors.ts';
import type { WorkspaceRecord } from '../stores/workspace-records.ts';
import type { World } from '../world.ts';

/** One call that went well. */
export interface EmbeddingUse {
  /** `provider/name`. */
  readonly model: string;
  readonly workspace_id: string;
  /** What its reservations are under. */
  readonly turn_id: string;
  /** The budgets that hold one. */
  readonly scopes: readonly string[];
  readonly input_tokens: number;
  readonly cost_usd: number;
  /** Who asked for the vectors; absent: nobody but the workspace. */
  readonly user_id?: string;
}

export interface EmbeddingUsage {
  used(use: EmbeddingUse): void;
  /** A call that was not made, or not paid for: its reservations are over. */
  free(turn_id: string, scopes: readonly string[]): void;
  /** Writes what is left. */
  close(): void;
}

export interface EmbeddingUsageOptions {
  readonly bus: Pick<SigilBus, 'ask' | 'send'>;
  readonly world: Pick<World, 'after'>;
  readonly self: Address;
  readonly failed: (failure: Failure) => void;
}

/**
 * How long use is gathered, in milliseconds: a row for each of a thousand batches would say no more than one for all. What a
 * crash takes with it is the record of that long, and a budget that begins anew does not know of it.
 */
const GATHER = 1_000;
/** Uses gathered at most before they are written. */
const GATHERED_MOST = 1_000;
/** How long writing may take, in milliseconds. */
const WRITE_WITHIN = 60_000;

export function embeddingUsage({ bus, world, self, failed }: EmbeddingUsageOptions): EmbeddingUsage {
  let gathered: EmbeddingUse[] = [];
  let cancel: (() => void) | undefined;

  const settle = ({ turn_id, scopes, input_tokens: tokens, cost_usd }: EmbeddingUse, seq: number): void => {
    const reservation = reservationOf(turn_id, 1);
    for (const scope of scopes) {
      const used = seq === 0 ? { tokens: 0, cost_usd: 0 } : { tokens, cost_usd };
      bus.send(address('budget', scope), 'budget.settle', { reservation, ...used, seq }, { from: self });
    }
  };

  const write = (): void => {
    cancel?.();
    cancel = undefined;
    const uses = gathered;
    gathered = [];
    for (const [workspace_id, of] of Map.groupBy(uses, (use) => use.workspace_id)) {
      const records = Map.groupBy(of, ({ model, user_id = '' }) => `${user_id}\n${model}`)
        .values()
        .map((some): WorkspaceRecord => {
          const sum = (number: (use: EmbeddingUse) => number): number =>
            some.reduce((all, use) => all + number(use), 0);
          const [input_tokens, cost_usd] = [sum((use) => use.input_tokens), sum((use) => use.cost_usd)];
          const { model = '', user_id } = some[0] ?? {};
          const used = { type: 'texts_embedded', model, calls: some.length, input_tokens, cost_usd } as const;
          return user_id === undefined ? used : { ...used, user_id };
        })
        .toArray();
      const options = { from: self, within: WRITE_WITHIN };
      bus.ask(address('workspace', workspace_id), 'workspace.write', { records }, options, (answer) => {
        if (!answer.ok) failed(answer.error);
        // Unwritten it is used all the same: the budget counts it until it begins anew.
        const seq = answer.ok ? answer.body.seq : Number.MAX_SAFE_INTEGER;
        for (const use of of) settle(use, seq);
      });
    }
  };

  return {
    used: (use) => {
      gathered.push(use);
      if (gathered.length >= GATHERED_MOST) return write();
      cancel ??= world.after(GATHER, write);
    },
    free: (turn_id, scopes) => {
      settle({ turn_id, scopes, model: '', workspace_id: '', input_tokens: 0, cost_usd: 0 }, 0);
    },
    close: write,
  };
}

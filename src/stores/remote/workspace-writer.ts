// SPDX-License-Identifier: Apache-2.0
// A workspace's writer over the bus: asks the actor that owns the stream.

import { type Address, address } from '../../bus/address.ts';
import type { Answer, AskOptions } from '../../bus/envelope.ts';
import { SigilError } from '../../errors.ts';
import type { WorkspaceWrite, WorkspaceWriter } from '../workspace-writer.ts';
import type { SeqTracker } from './read-store.ts';

/** The one thing needed of the bus. */
export interface WorkspaceAsk {
  ask(
    to: Address<'workspace'>,
    type: 'workspace.write',
    body: Pick<WorkspaceWrite, 'records' | 'condition'>,
    options: AskOptions,
    answered: (answer: Answer<{ readonly seq: number }>) => void,
  ): void;
}

export interface RemoteWriterOptions {
  readonly bus: WorkspaceAsk;
  readonly from: Address;
  /** What is read after a write must have seen it. */
  readonly seen: SeqTracker;
  /** How long a write may take, in milliseconds. */
  readonly within?: number;
}

export function createWorkspaceWriter({ bus, from, seen, within = 60_000 }: RemoteWriterOptions): WorkspaceWriter {
  return {
    write: ({ workspace_id, ...body }) =>
      new Promise((resolve, reject) => {
        bus.ask(address('workspace', workspace_id), 'workspace.write', body, { from, within }, (answer) => {
          if (!answer.ok) return reject(new SigilError(answer.error));
          seen.note(answer.body.seq);
          resolve(answer.body.seq);
        });
      }),
  };
}

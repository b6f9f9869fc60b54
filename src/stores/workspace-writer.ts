// SPDX-License-Identifier: Apache-2.0
// How a workspace's memory is changed: records in its stream, by its one owner, answered when they are durable.

import { type Failure, failure } from '../errors.ts';
import type { AuditNote } from './audit.ts';
import { evolveCompactions, NO_COMPACTIONS, type OpenCompactions, packCompactions } from './compaction-fold.ts';
import type { Decided, Outcome } from './stream-owner.ts';
import { StreamOwner, type StreamOwnerOptions } from './stream-owner.ts';
import { restoreWorkspace, storeWorkspace, type WorkspaceRecord } from './workspace-records.ts';

/** What of a workspace has an id that a change may depend on. */
export type KnownKind = 'summary' | 'message' | 'entity' | 'relationship' | 'fact';

/** What must be so for a change to be made: something with this id is known, or is not. */
export interface WorkspaceCondition {
  readonly what: KnownKind;
  readonly id: string;
  readonly known: boolean;
}

export interface WorkspaceWrite {
  readonly workspace_id: string;
  readonly records: readonly WorkspaceRecord[];
  /** `conflict` when what must be new is known, `not_found` when what must be known is not; of several, all must hold. */
  readonly condition?: WorkspaceCondition | readonly WorkspaceCondition[] | undefined;
  /** What is noted of it, in the same transaction. */
  readonly audit?: readonly AuditNote[];
}

/** Whoever changes a workspace's memory. Resolves with the seq a later read must have seen. */
export interface WorkspaceWriter {
  /** @throws SigilError `conflict`, `not_found`, `validation_failed`, `overloaded`, `storage_failed`. */
  write(write: WorkspaceWrite): Promise<number>;
}

/** The stream of a workspace. */
export function workspaceStream(workspace_id: string): string {
  return `workspace/${workspace_id}`;
}

export interface WorkspaceStreamOptions
  extends Pick<StreamOwnerOptions<OpenCompactions, WorkspaceRecord>, 'append' | 'tail' | 'now' | 'after'> {
  readonly workspace_id: string;
  /** Whether something is known, as of `after` at least: asked of the view. */
  readonly known: (
    of: Pick<WorkspaceCondition, 'what' | 'id'> & { readonly workspace_id: string; readonly after: number },
    answered: (outcome: Outcome<boolean>) => void,
  ) => void;
}

interface Waiting {
  /** What must hold before it is its turn. */
  readonly conditions: readonly WorkspaceCondition[];
  readonly submit: () => void;
  readonly refused: (error: Failure) => void;
}

/** Writes that may wait behind one that looks something up. */
const WAITING_MOST = 1_024;
/** Records one write may have: more are several writes. */
const RECORDS_MOST = 1_000;
/** Conditions one write may have: each is looked up while nothing else of the workspace is decided. */
const CONDITIONS_MOST = 16;

/**
 * The owner of one workspace's stream. Of it only the open compactions are folded, for a workspace may know more than memory
 * holds: what a change depends on is looked up in the view, after everything before it is durable, and nothing is decided
 * meanwhile.
 */
export class WorkspaceStream {
  readonly #options: WorkspaceStreamOptions;
  readonly #owner: StreamOwner<OpenCompactions, WorkspaceRecord>;
  #waiting: Waiting[] = [];
  #looking = false;
  #open = 0;

  constructor(options: WorkspaceStreamOptions) {
    this.#options = options;
    const { workspace_id, append, tail, now, after } = options;
    this.#owner = new StreamOwner<OpenCompactions, WorkspaceRecord>({
      stream: workspaceStream(workspace_id),
      workspace_id,
      initial: NO_COMPACTIONS,
      evolve: evolveCompactions,
      checkpoint: (open) => ({ type: 'checkpoint', state: packCompactions(open) }),
      store: storeWorkspace,
      restore: restoreWorkspace,
      append,
      tail,
      now,
      after,
    });
  }

  get idle(): boolean {
    return this.#open === 0;
  }

  /** The compactions that are open once all that was written before is durable, and the last row that says so. */
  open(answered: (outcome: Outcome<{ readonly open: OpenCompactions; readonly seq: number }>) => void): void {
    const tell = this.#counted(answered);
    this.#wait({
      conditions: [],
      submit: () =>
        this.#owner.submit(
          (open) => ({ ok: true, records: [], body: open }),
          (outcome) =>
            tell(outcome.ok ? { ok: true, body: { open: outcome.body.body, seq: outcome.body.seq } } : outcome),
        ),
      refused: (error) => tell({ ok: false, error }),
    });
  }

  write(write: WorkspaceWrite, answered: (outcome: Outcome<{ readonly seq: number }>) => void): void {
    const refused = refusal(write, this.#waiting.length);
    if (refused !== null) return answered({ ok: false, error: refused });
    const tell = this.#counted(answered);
    this.#wait({
      conditions: conditionsOf(write),
      submit: () =>
        this.#owner.submit(
          () => ({
            ok: true,
            records: write.records,
            body: undefined,
            ...(write.audit !== undefined && { audit: write.audit }),
          }),
          (outcome: Outcome<Decided<undefined>>) =>
            tell(outcome.ok ? { ok: true, body: { seq: outcome.body.seq } } : outcome),
        ),
      refused: (error) => tell({ ok: false, error }),
    });
  }

  stop(): void {
    this.#owner.stop();
    for (const { refused } of this.#waiting.splice(0)) {
      refused(failure('draining', 'the workspace is coming to an end'));
    }
  }

  #counted<T>(answered: (outcome: T) => void): (outcome: T) => void {
    this.#open += 1;
    return (outcome) => {
      this.#open -= 1;
      answered(outcome);
    };
  }

  #wait(waiting: Waiting): void {
    this.#waiting.push(waiting);
    this.#next();
  }

  #next(): void {
    while (!this.#looking) {
      const next = this.#waiting[0];
      if (next === undefined) return;
      const { conditions } = next;
      if (conditions.length === 0) {
        this.#waiting.shift();
        next.submit();
        continue;
      }
      this.#looking = true;
      // Answered once all before it is durable; only then the view can be asked for it.
      this.#owner.submit(
        () => ({ ok: true, records: [], body: undefined }),
        (settled) => (settled.ok ? this.#look(conditions) : this.#looked(settled.error)),
      );
    }
  }

  /** Looks up one condition after the other, to the first that does not hold. */
  #look([condition, ...rest]: readonly WorkspaceCondition[]): void {
    if (condition === undefined) return this.#looked(null);
    const { known, workspace_id } = this.#options;
    const { what, id } = condition;
    known({ what, id, workspace_id, after: this.#owner.seq }, (outcome) => {
      if (!outcome.ok) this.#looked(outcome.error);
      else if (outcome.body === condition.known) this.#look(rest);
      else this.#looked(unmet(condition));
    });
  }

  #looked(error: Failure | null): void {
    const looked = this.#waiting.shift();
    this.#looking = false;
    if (looked === undefined) return;
    if (error === null) looked.submit();
    else looked.refused(error);
    this.#next();
  }
}

function conditionsOf({ condition }: WorkspaceWrite): readonly WorkspaceCondition[] {
  if (condition === undefined) return [];
  return 'what' in condition ? [condition] : condition;
}

function unmet({ what, id, known }: WorkspaceCondition): Failure {
  return known
    ? failure('not_found', `${what} ${id} does not exist`)
    : failure('conflict', `${what} ${id} exists already`);
}

function refusal(write: WorkspaceWrite, waiting: number): Failure | null {
  const { records } = write;
  if (waiting >= WAITING_MOST) return failure('overloaded', 'too many changes of this workspace are waiting');
  if (records.length > RECORDS_MOST) {
    return failure('validation_failed', `at most ${RECORDS_MOST} records go together, these are ${records.length}`);
  }
  if (conditionsOf(write).length > CONDITIONS_MOST) {
    return failure('validation_failed', `a change may depend on at most ${CONDITIONS_MOST} things`);
  }
  return records.length === 0 ? failure('validation_failed', 'a change has at least one record') : null;
}

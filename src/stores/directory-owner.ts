// SPDX-License-Identifier: Apache-2.0
// The directory's one owner: decides changes in order, journals them with their notes, answers when they are durable.

import {
  DIRECTORY_STREAM,
  type Directory,
  directorySize,
  EMPTY_DIRECTORY,
  evolveDirectory,
  packDirectory,
} from './directory.ts';
import type { Actor, DirectoryChange, DirectoryChanges, DirectoryCommand } from './directory-commands.ts';
import { decideDirectory } from './directory-decide.ts';
import { type DirectoryRecord, restoreDirectory, storeDirectory } from './directory-records.ts';
import type { Fixed } from './directory-rules.ts';
import type { Decided, Outcome, StreamOwnerOptions } from './stream-owner.ts';
import { StreamOwner } from './stream-owner.ts';

type Options = StreamOwnerOptions<Directory, DirectoryRecord>;

export interface DirectoryOwnerOptions extends Pick<Options, 'append' | 'tail' | 'now' | 'after'> {
  readonly uuid: () => string;
  /** What is written in the configuration now, and changed there alone. */
  readonly fixed: () => Fixed;
  /** Told when something changed by which callers are known: what is open in somebody's name is looked at again. */
  readonly changed?: () => void;
  /** Told of the state after each change that is durable, before whoever asked for it. */
  readonly moved?: (state: Directory) => void;
}

/** A checkpoint holds the whole directory: it is written after this many records, or as many as a part of what it holds. */
const CHECKPOINT = { least: 64, part: 4 } as const;

/** Changes after which a token may be nobody's, or open less. */
const SHUTS: ReadonlySet<DirectoryChange> = new Set(['token.revoke', 'user.delete', 'user.update']);

export class DirectoryOwner {
  readonly #options: DirectoryOwnerOptions;
  readonly #owner: StreamOwner<Directory, DirectoryRecord>;

  constructor(options: DirectoryOwnerOptions) {
    this.#options = options;
    const { append, tail, now, after } = options;
    this.#owner = new StreamOwner({
      stream: DIRECTORY_STREAM,
      workspace_id: '',
      initial: EMPTY_DIRECTORY,
      evolve: evolveDirectory,
      checkpoint: (state) => ({ type: 'checkpoint', state: packDirectory(state) }),
      checkpointEvery: (state) => Math.max(CHECKPOINT.least, directorySize(state) / CHECKPOINT.part),
      store: storeDirectory,
      restore: restoreDirectory,
      ...{ append, tail, now, after },
    });
  }

  /** As far as it is durable; null while it is not read. */
  get state(): Directory | null {
    return this.#owner.state;
  }

  /** Reads the stream; answered when it is read, or cannot be. */
  load(answered: (outcome: Outcome<unknown>) => void): void {
    this.#owner.submit(() => ({ ok: true, records: [], body: {} }), answered);
  }

  change<T extends DirectoryChange>(
    type: T,
    body: DirectoryChanges[T]['body'],
    by: Actor,
    answered: (outcome: Outcome<Decided<DirectoryChanges[T]['reply']>>) => void,
  ): void {
    const { uuid, fixed, changed, moved } = this.#options;
    // The two belong together: the message's type says what its body is.
    const command = { type, body } as DirectoryCommand;
    this.#owner.submit(
      (state, now) => decideDirectory(state, command, { now, uuid, fixed: fixed(), by }),
      (outcome) => {
        const { state } = this;
        if (outcome.ok && state !== null) moved?.(state);
        if (outcome.ok && SHUTS.has(type)) changed?.();
        answered(outcome as Outcome<Decided<DirectoryChanges[T]['reply']>>);
      },
    );
  }

  stop(): void {
    this.#owner.stop();
  }
}

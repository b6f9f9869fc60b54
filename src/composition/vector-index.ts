// SPDX-License-Identifier: Apache-2.0
// The vector indexes of the read thread: their charts, and what these ask for: loading in steps, embedding a question, searching.

import { join } from 'node:path';
import { startMachineActor } from '../actors/machine-actor.ts';
import { type VectorIndexEffect, type VectorIndexEvent, vectorIndexMachine } from '../actors/vector-index/machine.ts';
import { type Address, address, idOf } from '../bus/address.ts';
import type { Envelope } from '../bus/envelope.ts';
import { type Failure, failure, toFailure } from '../errors.ts';
import { EMBEDDED_LENGTH } from '../stores/embedder.ts';
import { type Answered, IndexedSearch } from '../stores/scan/indexed-search.ts';
import { MemoryBudget } from '../stores/scan/memory-budget.ts';
import { JournalSource } from '../stores/sqlite/journal-source.ts';
import { FilePool, type OpenFiles } from '../stores/sqlite/open-files.ts';
import { VectorsReader } from '../stores/sqlite/vectors-reader.ts';
import { placeBelongs, type ViewPlace } from '../stores/sqlite/view-state.ts';
import { workspaceDir } from '../stores/sqlite/workspace-path.ts';
import type { VectorModel } from '../stores/vector-store.ts';
import type { Actors, Supervised } from './actors.ts';
import { askToEmbed } from './ask-to-embed.ts';
import type { ThreadContext } from './context.ts';

/** What all indexes in memory may take together: about 300,000 vectors of 384 numbers. Larger ones are searched in their file. */
const MEMORY_BYTES = 128 * 1_048_576;
/** Files held open. */
const FILES_MOST = 32;
/** Indexes that live at once; past it those that hold nothing in memory end, and begin again with the next question. */
const INDEXES_MOST = 256;
/** How long a question may take to be embedded, in milliseconds. */
const EMBED_WITHIN = 10_000;

/** What the indexes of a thread share. */
export interface VectorIndexes {
  close(): void;
}

/** Hosts `vector-index/<workspace>`: each begins with its first question. */
export function hostVectorIndexes(context: ThreadContext, actors: Actors): VectorIndexes {
  const { bus, house } = context;
  const budget = new MemoryBudget(MEMORY_BYTES);
  const files = new FilePool(FILES_MOST).kind<VectorsReader>('vectors.db');
  const living = new Set<Address>();
  const journal = new JournalSource(join(house.data_dir, 'journal.db'));
  // Vectors that are of no row yet need no journal.
  const belongs = (place: ViewPlace): boolean => place.upto === 0 || (journal.open() && placeBelongs(place, journal));
  bus.host('vector-index', (envelope) => {
    const { to } = envelope;
    const dir = workspaceDir(house.data_dir, idOf(to));
    if (dir === undefined) {
      bus.fail(envelope, failure('validation_failed', `${JSON.stringify(idOf(to))} is not a workspace id`));
      return;
    }
    if (!actors.has(to)) {
      // How another model's index gets on is of interest to one that has been asked something only.
      if (envelope.type === 'vector.filling') return;
      actors.start('vector-index', to, (fault, retire) =>
        startVectorIndex({ context, self: to, dir, budget, files, belongs, fault, retire, living }),
      );
    }
    actors.receive(envelope);
  });
  const close = (): void => {
    files.close();
    journal.close();
  };
  return { close };
}

interface VectorIndexParts {
  readonly context: ThreadContext;
  readonly self: Address;
  /** The workspace's directory. */
  readonly dir: string;
  readonly budget: MemoryBudget;
  readonly files: OpenFiles<VectorsReader>;
  /** Whether vectors at such a place are of the journal as it is. */
  readonly belongs: (place: ViewPlace) => boolean;
  readonly fault: (whose: Address, error: Failure) => void;
  /** Ends it, if it is idle now. */
  readonly retire: () => void;
  readonly living: Set<Address>;
}

function startVectorIndex(parts: VectorIndexParts): Supervised {
  const { context, self, dir, budget, files, belongs, fault, retire, living } = parts;
  const { bus, world, residents } = context;
  const workspace_id = idOf(self);
  const rows = new VectorsReader(join(dir, 'vectors.db'), belongs);
  const search = new IndexedSearch({ key: workspace_id, rows, budget });
  let stopped = false;
  let searching = 0;
  living.add(self);
  /** The reader opens its file again by itself when it was closed for others. */
  const used = (): void => {
    if (rows.replaced) {
      // Its entries have numbers of their own.
      search.unload();
      rows.close();
    }
    files.use(workspace_id, () => rows);
  };

  const load = (send: (event: VectorIndexEvent) => void): void => {
    if (stopped) return;
    try {
      used();
      const loading = search.load();
      if (loading === 'more') return world.soon(() => load(send));
      const filling = rows.snapshot((state) => state.filling) ?? null;
      send({ type: 'loaded', place: loading === 'whole' ? 'memory' : 'file', filling });
    } catch (thrown) {
      search.unload();
      send({ type: 'load_failed', error: toFailure(thrown) });
    }
  };
  const answer = (to: Envelope, vector: Float32Array, body: SearchBody): boolean => {
    let answered: Answered;
    try {
      used();
      answered = search.search(vector, body.k, body.filter);
    } catch (thrown) {
      bus.fail(to, toFailure(thrown));
      return false;
    }
    bus.reply(to, { results: answered.results });
    return answered.by === 'behind';
  };
  /** Embeds a text with the model of the index as it is now, and searches. */
  const ask = (to: Envelope, text: string, body: SearchBody, done: (behind: boolean) => void): void => {
    let model: VectorModel | undefined;
    try {
      used();
      model = rows.snapshot((state) => state.model);
    } catch (thrown) {
      bus.fail(to, toFailure(thrown));
      return done(false);
    }
    if (model === undefined) {
      bus.reply(to, { results: [] });
      return done(false);
    }
    const texts = [text.slice(0, EMBEDDED_LENGTH)];
    const options = { from: self, within: EMBED_WITHIN, trace: to.trace };
    askToEmbed(context, { model, texts, workspace_id, purpose: 'search' }, options, (embedded) => {
      if (stopped) return;
      if (embedded.ok) return done(answer(to, embedded.vectors, body));
      bus.fail(to, embedded.error);
      done(false);
    });
  };

  const actor = startMachineActor<VectorIndexEffect>({
    address: self,
    parent: address('gateway', 'root'),
    machine: vectorIndexMachine,
    input: { workspace_id },
    world,
    residents,
    bus,
    fault,
    context: (inner) => {
      const { place, searches, filling, last_error } = inner as Record<string, unknown>;
      return { workspace_id, place, searches, filling, last_error };
    },
    perform: (effect, sendAny) => {
      const send = sendAny as (event: VectorIndexEvent) => void;
      switch (effect.type) {
        case 'load':
          // Not at once: the question it begins with is answered first.
          return world.soon(() => load(send));
        case 'wait':
          return void world.after(effect.ms, () => stopped || send({ type: 'retry' }));
        case 'search': {
          const { to, body } = effect;
          searching += 1;
          const done = (behind: boolean): void => {
            searching -= 1;
            send({ type: 'searched', behind });
            if (living.size > INDEXES_MOST) world.soon(retire);
          };
          if (typeof body.query === 'string') ask(to, body.query, body, done);
          else done(answer(to, body.query, body));
          return;
        }
        default:
      }
    },
  });
  return {
    receive: (envelope) => actor.receive(envelope),
    send: (event) => actor.send(event),
    idle: () => living.size > INDEXES_MOST && searching === 0 && !search.inMemory && actor.state() === 'ready',
    stop: () => {
      stopped = true;
      living.delete(self);
      search.unload();
      files.drop(workspace_id);
      actor.stop();
    },
  };
}

type SearchBody = Extract<VectorIndexEffect, { type: 'search' }>['body'];

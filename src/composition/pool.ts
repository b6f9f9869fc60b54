// SPDX-License-Identifier: Apache-2.0
// The pool of workers for short jobs: none before the first, bounded in what waits, and a job that hangs or dies harms only itself.

import type { Piscina } from 'piscina';
import { failure, SigilError, toFailure } from '../errors.ts';
import type { World } from '../world.ts';

export interface JobPoolOptions {
  /** The file whose exported functions are the jobs. */
  readonly entry: URL;
  readonly world: Pick<World, 'after'>;
  /** Workers at most. */
  readonly threads: number;
  /** How long a job may take once it is a worker's, the worker's start included, in milliseconds. */
  readonly within?: number;
  /** Jobs that may wait for a worker. */
  readonly waiting?: number;
  /** How long a worker may have nothing to do before it ends, in milliseconds. */
  readonly idle?: number;
  /** What a worker's heap may take in MiB. */
  readonly memory?: number;
}

interface Job {
  readonly name: string;
  readonly input: unknown;
  readonly done: (output: unknown) => void;
  readonly failed: (error: SigilError) => void;
}

const WITHIN = 20_000;
const WAITING = 256;
const IDLE = 10_000;
const MEMORY_MB = 256;

export class JobPool {
  readonly #options: JobPoolOptions;
  #pool: Promise<Piscina> | undefined;
  readonly #waiting: Job[] = [];
  /** Ends the jobs that are with a worker. */
  readonly #running = new Set<(why: string) => void>();
  #closed = false;

  constructor(options: JobPoolOptions) {
    this.#options = options;
  }

  /** Jobs that wait, and jobs that are with a worker. */
  get stats(): { readonly waiting: number; readonly running: number; readonly started: boolean } {
    return { waiting: this.#waiting.length, running: this.#running.size, started: this.#pool !== undefined };
  }

  /** The threads that live now, for who wants to see them end. */
  async threads(): Promise<number> {
    return this.#pool === undefined ? 0 : (await this.#pool).threads.length;
  }

  /**
   * Does a job: the exported function of that name, with this input.
   *
   * @param first whether it goes before what waits already
   * @throws SigilError `overloaded` when too many wait, `deadline_exceeded` when it takes too long (its worker is ended),
   *   `thread_lost` when its worker dies, `draining` when the pool is closed; else what the function throws
   */
  run(name: string, input: unknown, { first = false } = {}): Promise<unknown> {
    return new Promise((done, failed) => {
      const { waiting = WAITING } = this.#options;
      if (this.#closed) failed(new SigilError(failure('draining', 'the pool is closed')));
      else if (this.#waiting.length >= waiting)
        failed(new SigilError(failure('overloaded', `${waiting} jobs wait for the pool already`)));
      else {
        const job = { name, input, done, failed };
        if (first) this.#waiting.unshift(job);
        else this.#waiting.push(job);
        this.#next();
      }
    });
  }

  /** Ends its workers; jobs that are not done fail. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const { failed } of this.#waiting.splice(0)) failed(new SigilError(failure('draining', 'the pool is closed')));
    const pool = await this.#pool;
    await pool?.destroy();
  }

  /**
   * Gives workers what waits, one job each. The queue is ours and not the pool's: a pool that lost its last worker gives what
   * waits in it to nobody until something else is asked.
   */
  #next(): void {
    while (this.#running.size < this.#options.threads) {
      const job = this.#waiting.shift();
      if (job === undefined) return;
      void this.#do(job);
    }
  }

  async #do({ name, input, done, failed }: Job): Promise<void> {
    const { world, within = WITHIN } = this.#options;
    const abort = new AbortController();
    let why: SigilError | undefined;
    const end = (error: SigilError): void => {
      why ??= error;
      abort.abort();
    };
    const lost = (says: string): void => end(new SigilError(failure('thread_lost', says)));
    this.#running.add(lost);
    const cancel = world.after(within, () => {
      const says = `the job ${name} was ended: it took longer than ${within} ms`;
      end(new SigilError(failure('deadline_exceeded', says)));
    });
    try {
      const pool = await this.#start();
      done(await pool.run(input, { name, signal: abort.signal }));
    } catch (thrown) {
      failed(why ?? this.#reason(name, thrown));
    } finally {
      cancel();
      this.#running.delete(lost);
      this.#next();
    }
  }

  #start(): Promise<Piscina> {
    this.#pool ??= this.#make();
    return this.#pool;
  }

  /** Loaded with the first job: a gateway that embeds nothing pays nothing for it. */
  async #make(): Promise<Piscina> {
    const { entry, threads, idle = IDLE, memory = MEMORY_MB } = this.#options;
    const { Piscina: Pool } = await import('piscina');
    const pool = new Pool({
      filename: entry.href,
      minThreads: 0,
      maxThreads: threads,
      idleTimeout: idle,
      // With them an idle worker's loop stands still.
      atomics: 'disabled',
      recordTiming: false,
      resourceLimits: { maxOldGenerationSizeMb: memory, maxYoungGenerationSizeMb: 16 },
    });
    // A worker that ends before it had a job: what waits for it would wait for ever.
    pool.on('error', (error: Error) => {
      for (const end of [...this.#running]) end(`a worker of the pool could not start: ${error.message}`);
    });
    return pool;
  }

  #reason(name: string, thrown: unknown): SigilError {
    if (this.#closed) return new SigilError(failure('draining', 'the pool is closed'), { cause: thrown });
    const { code, message } = thrown as { readonly code?: unknown; readonly message?: unknown };
    if (code === 'ERR_WORKER_OUT_OF_MEMORY' || /^worker exited with code/.test(String(message)))
      return new SigilError(failure('thread_lost', `the worker of the job ${name} died: ${message}`), {
        cause: thrown,
      });
    return new SigilError(toFailure(thrown), { cause: thrown });
  }
}

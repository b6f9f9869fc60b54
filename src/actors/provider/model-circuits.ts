// SPDX-License-Identifier: Apache-2.0
// The circuits of a provider's models: only those that have failed have one.

import { createActor } from 'xstate';
import { type Failure, toFailure } from '../../errors.ts';
import { type Chart, Circuit, type CircuitOptions, type RunChart } from './circuit.ts';
import { type CircuitEffect, circuitMachine } from './machine.ts';
import type { Fault } from './outcome.ts';
import type { ProviderStatus } from './protocol.ts';

export interface ModelCircuitsOptions extends Pick<CircuitOptions, 'world' | 'times' | 'probe'> {
  readonly opened: (circuit: Circuit, model: string) => void;
  /** A chart has thrown. */
  readonly fault: (error: Failure) => void;
}

interface Kept {
  readonly circuit: Circuit;
  /** When somebody last wanted the model, epoch milliseconds. */
  wanted: number;
}

/** Models whose failures are kept at a time. */
const MODELS_MOST = 256;
/** A model that nobody has wanted for so long is not looked for any more, in milliseconds. */
const FORGET_MS = 3_600_000;

export class ModelCircuits {
  private readonly options: ModelCircuitsOptions;
  /** The one whose first failure is oldest comes first. */
  private readonly kept = new Map<string, Kept>();

  constructor(options: ModelCircuitsOptions) {
    this.options = options;
  }

  /** The circuit of a model that may not be asked now. */
  open(model: string): Circuit | undefined {
    const known = this.kept.get(model);
    if (known === undefined) return undefined;
    known.wanted = this.options.world.now();
    return known.circuit.closed ? undefined : known.circuit;
  }

  succeeded(model: string): void {
    this.kept.get(model)?.circuit.succeeded();
    this.tidy(model);
  }

  /** @param granted see {@link Circuit.failed} */
  failed(fault: Fault, granted: number): void {
    const { model } = fault;
    if (!this.kept.has(model) && this.kept.size >= MODELS_MOST && !this.makeRoom()) return;
    const { world } = this.options;
    const known = this.kept.get(model) ?? { circuit: this.circuit(model), wanted: world.now() };
    this.kept.set(model, known);
    known.circuit.failed(fault, granted);
  }

  /** Those that are not closed. */
  status(): ProviderStatus['models'] {
    return [...this.kept].flatMap(([model, { circuit }]) => (circuit.closed ? [] : [{ model, ...circuit.status() }]));
  }

  /** Forgets all: what they are models of is another now. */
  renew(): void {
    this.stop();
  }

  stop(): void {
    for (const { circuit } of this.kept.values()) circuit.stop();
    this.kept.clear();
  }

  private circuit(model: string): Circuit {
    const { world, times, opened, probe } = this.options;
    const circuit: Circuit = new Circuit({
      world,
      times,
      run: this.run,
      opened: () => opened(circuit, model),
      closed: () => undefined,
      probe: (of, done) => {
        const known = this.kept.get(model);
        if (known !== undefined && world.now() - known.wanted > FORGET_MS)
          return world.after(0, () => this.drop(model));
        return probe(of, (verdict) => {
          done(verdict);
          this.tidy(model);
        });
      },
    });
    return circuit;
  }

  /** A model has no actor of its own: its chart is run here, as a part of the provider's. */
  private readonly run: RunChart = (input, perform): Chart => {
    const chart = createActor(circuitMachine, { input });
    const emitted: CircuitEffect[] = [];
    chart.on('*', (effect) => void emitted.push(effect));
    chart.subscribe({ error: (thrown) => this.options.fault(toFailure(thrown)) });
    chart.start();
    return {
      send: (event) => {
        chart.send(event);
        for (const effect of emitted.splice(0)) perform(effect);
      },
      state: () => String(chart.getSnapshot().value),
      stop: () => void chart.stop(),
    };
  };

  /** Of a model that answers nothing needs to be kept. */
  private tidy(model: string): void {
    if (this.kept.get(model)?.circuit.well === true) this.drop(model);
  }

  private drop(model: string): void {
    this.kept.get(model)?.circuit.stop();
    this.kept.delete(model);
  }

  /** The oldest that is closed makes room; of those that are open none does. */
  private makeRoom(): boolean {
    for (const [model, { circuit }] of this.kept) {
      if (!circuit.closed) continue;
      this.drop(model);
      return true;
    }
    return false;
  }
}

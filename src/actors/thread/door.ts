// SPDX-License-Identifier: Apache-2.0
// A thread's own door: answers the inspector's questions about its actors and figures, and drains its lanes when asked.

import type { Envelope } from '../../bus/envelope.ts';
import { type Failure, failure } from '../../errors.ts';
import type { Outcome } from '../../stores/stream-owner.ts';
import type { SigilBus } from '../protocols.ts';
import type { CallOutcome } from '../provider/protocol.ts';
import type { Residents } from '../residents.ts';
import type {
  BusStats,
  CallResult,
  KeyState,
  ListedModels,
  PassEnd,
  ThreadMetrics,
  ThreadProtocol,
  ThreadStats,
} from './protocol.ts';

/** What a thread that makes calls of models is asked about them. */
export interface VendorDoor {
  probe(asked: ThreadProtocol['thread.probe']['body'], done: (outcome: CallOutcome) => void): void;
  key(asked: ThreadProtocol['thread.key']['body'], done: (state: KeyState) => void): void;
  call(asked: ThreadProtocol['thread.call']['body'], done: (result: CallResult) => void): void;
  callOff(id: string): void;
  models(asked: ThreadProtocol['thread.models']['body'], done: (answer: ModelsAnswer) => void): void;
  pass(asked: ThreadProtocol['thread.pass']['body'], done: (answer: Outcome<PassEnd>) => void): void;
  passOff(id: string): void;
  embed(
    asked: ThreadProtocol['thread.embed']['body'],
    done: (answer: Outcome<ThreadProtocol['thread.embed']['reply']>) => void,
  ): void;
}

export type ModelsAnswer =
  | { readonly ok: true; readonly listed: ListedModels }
  | { readonly ok: false; readonly error: Failure };

export interface ThreadDoorOptions {
  readonly thread: string;
  readonly bus: Pick<SigilBus, 'reply' | 'fail'>;
  readonly residents: Residents;
  readonly stats: () => Omit<ThreadStats, 'actors'>;
  readonly busStats: () => BusStats;
  readonly metrics: () => ThreadMetrics;
  /** Makes calls of models; undefined where none are made. */
  readonly vendors: () => VendorDoor | undefined;
  /** Calls back once nothing of this thread is left to finish. */
  readonly drain: (done: (turns_left?: number) => void) => void;
}

/** The receiver of `thread/<name>`. */
export function threadDoor(options: ThreadDoorOptions): (envelope: Envelope) => void {
  const { bus, residents } = options;
  return (envelope) => {
    switch (envelope.type as keyof ThreadProtocol) {
      case 'thread.actors': {
        const { filter, limit, cursor } = envelope.body as ThreadProtocol['thread.actors']['body'];
        return bus.reply(envelope, { ...residents.page(filter, limit, cursor), totals: residents.totals() });
      }
      case 'thread.actor': {
        const { address, reveal } = envelope.body as ThreadProtocol['thread.actor']['body'];
        return bus.reply(envelope, {
          actor: residents.inside(address, reveal) ?? null,
          children: residents.children(address),
        });
      }
      case 'thread.follow':
        residents.trace.follow(envelope.body as ThreadProtocol['thread.follow']['body']);
        return bus.reply(envelope, {});
      case 'thread.stats':
        return bus.reply(envelope, { ...options.stats(), actors: residents.size });
      case 'thread.bus':
        return bus.reply(envelope, options.busStats());
      case 'thread.metrics':
        return bus.reply(envelope, options.metrics());
      case 'thread.call_off':
        return options.vendors()?.callOff((envelope.body as ThreadProtocol['thread.call_off']['body']).id);
      case 'thread.pass_off':
        return options.vendors()?.passOff((envelope.body as ThreadProtocol['thread.pass_off']['body']).id);
      case 'thread.pass':
      case 'thread.embed':
      case 'thread.probe':
      case 'thread.models':
      case 'thread.call':
      case 'thread.key': {
        const vendors = options.vendors();
        if (vendors === undefined)
          return bus.fail(envelope, failure('not_found', `${options.thread} makes no calls of models.`));
        const done = (reply: CallOutcome | CallResult | KeyState): void => bus.reply(envelope, reply);
        if (envelope.type === 'thread.models')
          return vendors.models(envelope.body as ThreadProtocol['thread.models']['body'], (answer) =>
            answer.ok ? bus.reply(envelope, answer.listed) : bus.fail(envelope, answer.error),
          );
        const answered = (answer: Outcome<unknown>): void =>
          answer.ok ? bus.reply(envelope, answer.body) : bus.fail(envelope, answer.error);
        if (envelope.type === 'thread.pass')
          return vendors.pass(envelope.body as ThreadProtocol['thread.pass']['body'], answered);
        if (envelope.type === 'thread.embed')
          return vendors.embed(envelope.body as ThreadProtocol['thread.embed']['body'], answered);
        if (envelope.type === 'thread.call')
          return vendors.call(envelope.body as ThreadProtocol['thread.call']['body'], done);
        if (envelope.type === 'thread.key')
          return vendors.key(envelope.body as ThreadProtocol['thread.key']['body'], done);
        return vendors.probe(envelope.body as ThreadProtocol['thread.probe']['body'], done);
      }
      case 'thread.drain':
        return options.drain((turns_left = 0) => bus.reply(envelope, { turns_left }));
      default:
        return bus.fail(envelope, failure('internal', `A thread does not understand ${envelope.type}.`));
    }
  };
}

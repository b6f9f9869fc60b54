// SPDX-License-Identifier: Apache-2.0
// What a lane's thread is given of the world outside of it.

import type { CallModelOptions, StreamSink } from '../actors/session/call-model.ts';
import type { Abort } from '../actors/session/effects.ts';
import type { VendorDoor } from '../actors/thread/door.ts';
import type { ListedModels } from '../actors/thread/protocol.ts';
import type { Tool } from '../agent/tools/tool.ts';
import type { ArgumentChecks } from '../agent/tools/validate.ts';
import type { ConfigChange } from '../config/change.ts';
import type { WireTap } from '../providers/wire-tap.ts';
import type { ProviderLoader } from './provider-loader.ts';

/** What a lane's thread has of the world outside: its models and its tools. Promises, where there are any, stay in there. */
export interface LaneAdapters {
  readonly tools: readonly Tool[];
  /** The tools as they are switched on now; always the same when not given. */
  readonly retool?: () => readonly Tool[];
  readonly checks: ArgumentChecks;
  readonly stream: CallModelOptions['stream'];
  /** The smallest call of a model for vectors; not given where there is none. */
  readonly vectors?: (provider: string, model: string, sink: StreamSink) => Abort;
  /** Which key a provider has now; not given where nothing has one. */
  readonly key?: VendorDoor['key'];
  /** A provider's models. */
  readonly models?: (provider: string) => Promise<ListedModels>;
  /** A provider to have texts embedded by, and who looks at that; not given where none is. */
  readonly embedding?: Pick<ProviderLoader, 'load' | 'hold'> & { readonly tap: WireTap };
  /** A session is gone: so is what is kept of it outside the stores. */
  readonly deleted?: (workspace_id: string, session_id: string) => void;
  /** Another configuration is in force. */
  readonly changed?: (change: ConfigChange) => void;
  /** Lets go of what it holds outside; nothing is asked of it any more. */
  readonly close?: () => void;
}

// SPDX-License-Identifier: Apache-2.0
// The protocols of every kind, in one map: what makes `send` and `ask` typed by the address.

import type { Bus } from '../bus/envelope.ts';
import type { StoreProtocol } from '../stores/protocol.ts';
import type { BudgetProtocol } from './budget/protocol.ts';
import type { ChannelProtocol } from './channel/protocol.ts';
import type { GatewayProtocol } from './gateway/protocol.ts';
import type { McpProtocol } from './mcp/protocol.ts';
import type { PoolProtocol } from './pool/protocol.ts';
import type { ProviderProtocol } from './provider/protocol.ts';
import type { SandboxProtocol } from './sandbox/protocol.ts';
import type { SessionProtocol } from './session/protocol.ts';
import type { ThreadProtocol } from './thread/protocol.ts';
import type { VectorIndexProtocol } from './vector-index/protocol.ts';
import type { WorkspaceProtocol } from './workspace/protocol.ts';

export type SigilProtocols = {
  readonly gateway: GatewayProtocol;
  readonly channel: ChannelProtocol;
  readonly workspace: WorkspaceProtocol;
  readonly session: SessionProtocol;
  readonly provider: ProviderProtocol;
  readonly budget: BudgetProtocol;
  readonly store: StoreProtocol;
  readonly thread: ThreadProtocol;
  readonly 'vector-index': VectorIndexProtocol;
  readonly plugin: Record<never, never>;
  readonly node: Record<never, never>;
  readonly pool: PoolProtocol;
  readonly sandbox: SandboxProtocol;
  readonly mcp: McpProtocol;
};

/** The bus as Sigil's rooms use it. */
export type SigilBus = Bus<SigilProtocols>;

// SPDX-License-Identifier: Apache-2.0
// A directory without a journal: the real decisions and the real fold, read from memory, for an edge to stand before.

import { mintToken } from '../../src/composition/owner-token.ts';
import { mintCode } from '../../src/composition/pairing-code.ts';
import type { Config } from '../../src/config/schema.ts';
import type { LivePause, LiveTokens, LiveWorkspaces, TokenGrant } from '../../src/edge/ports.ts';
import { failure, SigilError } from '../../src/errors.ts';
import { permissionsOfRole } from '../../src/security/permission.ts';
import { type AuditRow, linkAudit, NO_AUDIT } from '../../src/stores/audit.ts';
import { configuredDirectory } from '../../src/stores/configured-directory.ts';
import { EMPTY_DIRECTORY, evolveDirectory } from '../../src/stores/directory.ts';
import type {
  Actor,
  DirectoryChange,
  DirectoryChanges,
  DirectoryCommand,
} from '../../src/stores/directory-commands.ts';
import { decideDirectory } from '../../src/stores/directory-decide.ts';
import type { DirectoryQueries } from '../../src/stores/directory-queries.ts';
import type { StoredPause, StoredWorkspace } from '../../src/stores/directory-records.ts';
import type { GatewayStore } from '../../src/stores/gateway-store.ts';
import { createGatewayStore } from '../../src/stores/gateway-store-doors.ts';
import type { ReadStore } from '../../src/stores/session-store.ts';
import { sha256 } from '../../src/stores/sqlite/audit-table.ts';

type Query = keyof DirectoryQueries & string;
type Body<Q extends Query> = DirectoryQueries[Q]['body'];

function refuseMissing(message: string): never {
  throw new SigilError(failure('not_found', message));
}

export class FakeDirectory implements LiveTokens, LiveWorkspaces, LivePause {
  state = EMPTY_DIRECTORY;
  readonly audit: AuditRow[] = [];
  readonly gateway: GatewayStore;
  ready = true;
  readonly usage_asked: Body<'usage.list'>['query'][] = [];
  /** What usage there is. */
  used_up: DirectoryQueries['usage.list']['reply'] = { items: [], next_cursor: null, totals: null };
  private readonly listeners: (() => void)[] = [];
  private readonly grants = new Map<string, TokenGrant>();
  private readonly uses = new Map<string, number>();
  private ids = 0;

  private readonly config: Pick<Config, 'users' | 'auth'> & Partial<Pick<Config, 'workspaces'>>;

  constructor(config: Pick<Config, 'users' | 'auth'> & Partial<Pick<Config, 'workspaces'>>) {
    this.config = config;
    const { fixed, users, tokens } = configuredDirectory({ workspaces: {}, ...config });
    const uuid = (): string => `00000000-0000-4000-8000-${String(++this.ids).padStart(12, '0')}`;
    this.gateway = createGatewayStore({
      users: () => users,
      tokens: () => tokens,
      date: (epoch) => new Date(epoch),
      mint: () => mintToken(uuid),
      mintCode: (channel) => mintCode(channel, uuid, () => Date.UTC(2026, 0, 1)),
      change: async (type, body, by: Actor) => {
        const now = Date.UTC(2026, 0, 1);
        const decision = decideDirectory(this.state, { type, body } as DirectoryCommand, { now, uuid, fixed, by });
        if (!decision.ok) throw new SigilError(decision.error);
        for (const record of decision.records) this.state = evolveDirectory(this.state, record, now);
        for (const note of decision.audit ?? [])
          this.audit.push(linkAudit(this.audit.at(-1) ?? NO_AUDIT, note, now, 1, sha256));
        for (const run of this.listeners) run();
        return decision.body as DirectoryChanges[DirectoryChange]['reply'] as never;
      },
      store: { read: this.read } as unknown as ReadStore,
      close: async () => undefined,
    });
  }

  /** Every question about it. */
  readonly read = async (query: Query, body: Body<Query>): Promise<unknown> => this.answer(query, body as never);

  membersOf(id: string): ReadonlySet<string> | undefined {
    const members = this.config.workspaces?.[id]?.members ?? this.made().find((one) => one.id === id)?.members;
    return members === undefined ? undefined : new Set(members);
  }

  get paused(): StoredPause | null {
    return this.state.paused;
  }

  made(): readonly StoredWorkspace[] {
    return [...this.state.workspaces.values()].filter(({ deleted }) => deleted !== true);
  }

  find(id: string): TokenGrant | undefined {
    const token = this.state.tokens.get(id);
    if (token === undefined) return undefined;
    const { user_id, name, hash: digest, expires_at = null } = token;
    const role = this.state.users.get(user_id)?.role ?? (user_id === 'owner' ? 'owner' : 'member');
    const permissions = token.permissions ?? permissionsOfRole(role);
    const before = this.grants.get(id);
    if (before !== undefined && before.permissions.join() === permissions.join()) return before;
    const grant = { id, digest, user_id, name, permissions, ...(expires_at === null ? {} : { expires_at }) };
    this.grants.set(id, grant);
    return grant;
  }

  used(id: string): void {
    this.uses.set(id, Date.UTC(2026, 0, 2));
  }

  lastUsed(id: string): number | undefined {
    return this.uses.get(id);
  }

  onChange(run: () => void): void {
    this.listeners.push(run);
  }

  /** Every list is one page. */
  private answer(query: Query, body: never): unknown {
    const { users, pairings, tokens } = this.state;
    const all = <T>(items: Iterable<T>) => ({ items: [...items], next_cursor: null });
    switch (query) {
      case 'user.get': {
        const { id } = body as Body<'user.get'>;
        return users.get(id) ?? refuseMissing(`There is no user ${id}.`);
      }
      case 'user.list':
        return all([...users.values()].sort((one, other) => (one.id < other.id ? -1 : 1)));
      case 'pairing.get': {
        const { id } = body as Body<'pairing.get'>;
        return pairings.get(id) ?? refuseMissing(`There is no pairing ${id}.`);
      }
      case 'pairing.list': {
        const { user_id, status } = (body as Body<'pairing.list'>).filter;
        const fits = (pairing: { user_id: string; status: string }) =>
          (user_id === undefined || user_id === pairing.user_id) && (status === undefined || status === pairing.status);
        return all([...pairings.values()].filter(fits));
      }
      case 'token.list':
        return all(
          [...tokens.values()]
            .map(({ hash: _, ...token }) => token)
            .filter(({ user_id }) => [undefined, user_id].includes((body as Body<'token.list'>).filter.user_id)),
        );
      case 'audit.query':
        return all([...this.audit].reverse());
      case 'audit.verify': {
        const head = this.audit.at(-1) ?? NO_AUDIT;
        return { at: head, broken: null, done: true, head: { n: head.n, hash: head.hash } };
      }
      case 'audit.hash':
        return { hash: this.audit[(body as Body<'audit.hash'>).n - 1]?.hash ?? null };
      case 'usage.list':
        this.usage_asked.push((body as Body<'usage.list'>).query);
        return this.used_up;
      default:
        throw new Error(`${query} is not played here`);
    }
  }
}

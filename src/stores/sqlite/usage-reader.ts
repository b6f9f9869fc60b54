// SPDX-License-Identifier: Apache-2.0
// Usage in gateway.db as it is listed: tokens and cost by provider, model, workspace, user or session, whole, by the hour or by the day.

import { failure, SigilError } from '../../errors.ts';
import type { DirectoryQueries, UsagePer, UsageQuery, UsageRow, UsageSums } from '../directory-queries.ts';
import type { PageRequest } from '../page.ts';
import { pageLimit, pageOf, placeOf } from './cursor.ts';
import type { SqliteDatabase } from './database.ts';
import { DAY, HOUR } from './gateway-schema.ts';

/** Of nothing at all. */
export const NOTHING_USED: UsageSums = {
  ...{ calls: 0, input_tokens: 0, output_tokens: 0, cache_read_tokens: 0, cache_write_tokens: 0 },
  ...{ settled_tokens: 0, cost_usd: 0 },
};

/** Over a connection that is open; {@link GatewayReader} has it. */
export class UsageReader {
  readonly #db: SqliteDatabase;
  readonly #lists = new Map<string, ReturnType<typeof prepareList>>();
  readonly #sum: ReturnType<typeof prepareSum>;

  constructor(db: SqliteDatabase) {
    this.#db = db;
    this.#sum = prepareSum(db);
  }

  list(query: UsageQuery, page: PageRequest): DirectoryQueries['usage.list']['reply'] {
    const { from, to, per } = query;
    const limit = pageLimit(page.limit);
    const { scope, end, rows, whole } = rowsOf(query);
    const span = { from: from === undefined ? 0 : Math.floor(from / HOUR) * HOUR, to: to ?? Number.MAX_SAFE_INTEGER };
    const workspace = query.workspace_id ?? '';
    const bound = { ...span, scope, end, workspace };
    const found = this.#list(rows, per).all({ ...bound, ...placeIn(page), most: limit + 1 });
    const listed = pageOf('usage', limit, found, placeAt, (row) => row);
    return {
      ...listed,
      totals: page.cursor === undefined ? (this.#sum.get({ ...span, scope: whole }) ?? NOTHING_USED) : null,
    };
  }

  #list(rows: Rows, per: UsagePer): ReturnType<typeof prepareList> {
    const name = `${rows.key} ${rows.where} ${per}`;
    const list = this.#lists.get(name) ?? prepareList(this.#db, rows, per);
    this.#lists.set(name, list);
    return list;
  }
}

/** Which rows of the table are added up, and by what. */
interface Rows {
  readonly key: string;
  /** The same in the order of the table, where rows can be found by it. */
  readonly group: string;
  readonly where: string;
  /** What rows a page begins behind, so that they are found without reading those before. */
  readonly seek: string;
}

interface Asked {
  readonly rows: Rows;
  /** The scope itself, or what all scopes begin with. */
  readonly scope: string;
  readonly end: string;
  /** The scope that holds what all the rows add up to. */
  readonly whole: string;
}

const KEYS = { total: `''`, provider: 'provider', model: `provider || '/' || model` } as const;
const ONE_SCOPE = 'scope = @scope AND @end <> @scope AND @workspace = @workspace';
/** In the order of the table itself: of a million sessions only those of the page are added up. */
const MANY_SCOPES = 'scope >= @scope AND scope < @end AND @workspace = @workspace';
const IN_WORKSPACE = `scope >= @scope AND scope < @end
  AND substr(scope, length(@scope) + 1) IN (SELECT session_id FROM sessions WHERE workspace_id = @workspace)`;

function rowsOf({ by, user_id, workspace_id }: UsageQuery): Asked {
  const whose = user_id === undefined ? 'global' : `user/${user_id}`;
  const one = workspace_id === undefined ? whose : `workspace/${workspace_id}`;
  const asked = (scope: string, rows: Rows): Asked => ({ rows, scope, end: after(scope), whole: one });
  const part = 'substr(scope, length(@scope) + 1)';
  switch (by) {
    case 'total':
    case 'provider':
    case 'model':
      return asked(one, { key: KEYS[by], group: KEYS[by], where: ONE_SCOPE, seek: '@key' });
    case 'user':
    case 'workspace':
      // Of one it is the one scope, whose name is the key.
      if ((by === 'user' ? user_id : workspace_id) !== undefined) {
        const key = `substr(scope, ${by.length + 2})`;
        return asked(one, { key, group: key, where: ONE_SCOPE, seek: '@key' });
      }
      return asked(`${by}/`, { key: part, group: 'scope', where: MANY_SCOPES, seek: '@scope || @key' });
    case 'session': {
      const where = workspace_id === undefined ? MANY_SCOPES : IN_WORKSPACE;
      return asked('session/', { key: part, group: 'scope', where, seek: '@scope || @key' });
    }
  }
}

/** The first text behind all that begin with this one. */
function after(prefix: string): string {
  return prefix.slice(0, -1) + String.fromCharCode(prefix.charCodeAt(prefix.length - 1) + 1);
}

const placeAt = ({ key, hour }: UsageRow): string => JSON.stringify([key, hour ?? 0]);

/** A first page begins before every key, the empty one too. */
function placeIn(page: PageRequest): Pick<Place, 'key' | 'hour' | 'fresh'> {
  const place = placeOf('usage', page, '');
  if (place === '') return { key: '', hour: -1, fresh: 1 };
  const [key, hour] = JSON.parse(place) as unknown[];
  if (typeof key === 'string' && typeof hour === 'number') return { key, hour, fresh: 0 };
  throw new SigilError(failure('validation_failed', 'the cursor is not one of this list; leave it out to begin again'));
}

interface Span {
  readonly from: number;
  readonly to: number;
  readonly scope: string;
  readonly end: string;
  readonly workspace: string;
}

interface Place extends Span {
  readonly key: string;
  readonly hour: number;
  /** 1 on the first page. */
  readonly fresh: number;
  readonly most: number;
}

const SUMS = `sum(calls) AS calls, sum(input_tokens) AS input_tokens, sum(output_tokens) AS output_tokens,
  sum(cache_read_tokens) AS cache_read_tokens, sum(cache_write_tokens) AS cache_write_tokens,
  sum(settled_tokens) AS settled_tokens, sum(cost_usd) AS cost_usd`;
const BUCKETS: Readonly<Record<UsagePer, string>> = {
  all: 'NULL',
  hour: 'usage.hour',
  day: `usage.hour - usage.hour % ${DAY}`,
};

function prepareList(db: SqliteDatabase, { key, group, where, seek }: Rows, per: UsagePer) {
  const bucket = BUCKETS[per];
  const by = per === 'all' ? group : `${group}, ${bucket}`;
  const behind =
    per === 'all' ? `${group} > ${seek}` : `(${group} > ${seek} OR (${group} = ${seek} AND ${bucket} > @hour))`;
  const narrowed = group === 'scope' ? `scope >= ${seek} AND ` : '';
  return db.prepare<[Place], UsageRow>(
    `SELECT ${key} AS key, ${bucket} AS hour, ${SUMS} FROM usage
     WHERE ${narrowed}${where} AND usage.hour >= @from AND usage.hour < @to AND (@fresh = 1 OR ${behind})
       AND @hour = @hour AND @key = @key
     GROUP BY ${by} ORDER BY ${by} LIMIT @most`,
  );
}

function prepareSum(db: SqliteDatabase) {
  return db.prepare<[Pick<Span, 'scope' | 'from' | 'to'>], UsageSums>(
    `SELECT ${SUMS} FROM usage WHERE scope = @scope AND hour >= @from AND hour < @to HAVING count(*) > 0`,
  );
}

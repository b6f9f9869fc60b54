// SPDX-License-Identifier: Apache-2.0
// Usage in gateway.db as it is listed: tokens and cost by provider, model, workspace, user or session, whole or by the hour.

import { failure, SigilError } from '../../errors.ts';
import type { UsageBy, UsageQuery, UsageRow } from '../directory-queries.ts';
import type { Page, PageRequest } from '../page.ts';
import { pageLimit, pageOf, placeOf } from './cursor.ts';
import type { SqliteDatabase } from './database.ts';
import { HOUR } from './gateway-schema.ts';

/** Over a connection that is open; {@link GatewayReader} has it. */
export class UsageReader {
  readonly #sql: ReturnType<typeof prepare>;

  constructor(db: SqliteDatabase) {
    this.#sql = prepare(db);
  }

  list({ by, from, to, user_id, hourly }: UsageQuery, page: PageRequest): Page<UsageRow> {
    const limit = pageLimit(page.limit);
    const { key, hour } = placeIn(page);
    const span = {
      from: from === undefined ? 0 : Math.floor(from / HOUR) * HOUR,
      to: to ?? Number.MAX_SAFE_INTEGER,
      ...{ key, hour, most: limit + 1 },
    };
    const { models, scopes } = this.#sql;
    const statements = by === 'provider' || by === 'model' ? models[by] : scopes;
    const scope =
      by === 'provider' || by === 'model' ? (user_id === undefined ? 'global' : `user/${user_id}`) : `${by}/`;
    const rows = (hourly ? statements.hourly : statements.whole).all({ ...span, scope, end: after(scope) });
    return pageOf('usage', limit, rows, placeAt, (row) => row);
  }
}

/** The first text behind all that begin with this one. */
function after(prefix: string): string {
  return prefix.slice(0, -1) + String.fromCharCode(prefix.charCodeAt(prefix.length - 1) + 1);
}

const placeAt = ({ key, hour }: UsageRow): string => JSON.stringify([key, hour ?? 0]);

function placeIn(page: PageRequest): { readonly key: string; readonly hour: number } {
  const place = placeOf('usage', page, '');
  if (place === '') return { key: '', hour: -1 };
  const [key, hour] = JSON.parse(place) as unknown[];
  if (typeof key === 'string' && typeof hour === 'number') return { key, hour };
  throw new SigilError(failure('validation_failed', 'the cursor is not one of this list; leave it out to begin again'));
}

interface Span {
  readonly from: number;
  readonly to: number;
  readonly key: string;
  readonly hour: number;
  readonly most: number;
  /** The scope itself, or what all scopes begin with. */
  readonly scope: string;
  readonly end: string;
}

const SUMS = `sum(calls) AS calls, sum(input_tokens) AS input_tokens, sum(output_tokens) AS output_tokens,
  sum(cache_read_tokens) AS cache_read_tokens, sum(cache_write_tokens) AS cache_write_tokens,
  sum(settled_tokens) AS settled_tokens, sum(cost_usd) AS cost_usd`;

function prepare(db: SqliteDatabase) {
  /** @param group what rows are added up by, in its order; `last`: that of the last row of the page before */
  const list = (key: string, group: string, last: string, where: string) => {
    const rows = (hour: string, by: string, next: string) =>
      db.prepare<[Span], UsageRow>(
        `SELECT ${key} AS key, ${hour} AS hour, ${SUMS} FROM usage
         WHERE ${where} AND hour >= @from AND hour < @to AND ${next}
         GROUP BY ${by} ORDER BY ${by} LIMIT @most`,
      );
    return {
      whole: rows('NULL', group, `${group} > ${last}`),
      hourly: rows(
        'usage.hour',
        `${group}, usage.hour`,
        `(${group} > ${last} OR (${group} = ${last} AND usage.hour > @hour))`,
      ),
    };
  };
  // In the order of the table itself: of a million sessions only those of the page are added up.
  const scopes = list(
    'substr(scope, length(@scope) + 1)',
    'scope',
    '@scope || @key',
    'scope >= @scope || @key AND scope < @end',
  );
  const models: Readonly<Record<Extract<UsageBy, 'provider' | 'model'>, ReturnType<typeof list>>> = {
    provider: list('provider', 'provider', '@key', 'scope = @scope AND @end <> @scope'),
    model: list(`provider || '/' || model`, `provider || '/' || model`, '@key', 'scope = @scope AND @end <> @scope'),
  };
  return { scopes, models };
}

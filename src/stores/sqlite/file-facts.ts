// SPDX-License-Identifier: Apache-2.0
// What a database file says about itself: its schema, whether it is whole, the journal it is or was made of. Read-only.

import { statSync } from 'node:fs';
import { basename } from 'node:path';
import { failure, SigilError } from '../../errors.ts';
import { openToRead, type SqliteDatabase } from './database.ts';
import { GATEWAY_MIGRATIONS } from './gateway-schema.ts';
import { JOURNAL_MIGRATIONS } from './journal-schema.ts';
import { KNOWLEDGE_MIGRATIONS } from './knowledge-schema.ts';
import { MEMORY_MIGRATIONS } from './memory-schema.ts';
import { SESSIONS_MIGRATIONS } from './sessions-schema.ts';
import { codeOf, guarded } from './storage-error.ts';
import { VALUES_MIGRATIONS } from './values-file.ts';
import { VECTORS_MIGRATIONS } from './vectors-schema.ts';

/** A journal's own facts. */
export interface JournalFacts {
  readonly id: string;
  /** The last row; 0 when there is none. */
  readonly last: number;
  /** What tells a row from another that once had its seq; undefined when it is not there. */
  mark(seq: number): string | undefined;
  /** Up to which row a view must have come, because rows it was made of may be gone; 0 when none is. */
  trimmed(view: string): number;
}

/** How far a view's file has come, and of which journal. */
export interface ViewFacts {
  readonly journal: string;
  readonly upto: number;
  readonly mark: string;
}

/** One thing that is wrong inside a database file. */
export interface Damage {
  /** The table it is in, where SQLite says so. */
  readonly table: string | null;
  /** What SQLite says, the page included. */
  readonly says: string;
}

/** The schemas this build knows, by the name of the file. */
const KNOWN_VERSIONS: Readonly<Record<string, number>> = {
  'journal.db': JOURNAL_MIGRATIONS.length,
  'gateway.db': GATEWAY_MIGRATIONS.length,
  'sessions.db': SESSIONS_MIGRATIONS.length,
  'memory.db': MEMORY_MIGRATIONS.length,
  'vectors.db': VECTORS_MIGRATIONS.length,
  'knowledge.db': KNOWLEDGE_MIGRATIONS.length,
  'values.db': VALUES_MIGRATIONS.length,
};

/** Opens a file to look into it, and closes it again. @throws SigilError `storage_failed`, under another name if one is given */
export function lookInto<T>(file: string, look: (db: SqliteDatabase) => T, name = file): T {
  return guarded(name, () => {
    const db = openToRead(file, 5000);
    try {
      return look(db);
    } finally {
      db.close();
    }
  });
}

/** The schema version of an open file. */
export function schemaOf(db: SqliteDatabase): number {
  return Number(db.pragma('user_version', { simple: true }));
}

/** The newest schema this build knows for a file of this name; undefined when it does not know the file. */
export function knownVersion(file: string): number | undefined {
  return KNOWN_VERSIONS[basename(file)];
}

/** @throws SigilError `storage_failed` when the file was written by a newer Sigil. */
export function refuseNewerFile(file: string, db: SqliteDatabase): void {
  const [version, known] = [schemaOf(db), knownVersion(file)];
  if (known === undefined || version <= known) return;
  const message = `${file}: written by a newer Sigil (schema ${version}, this one knows ${known}); use that version or a later one`;
  throw new SigilError(failure('storage_failed', message, { file, version, known }));
}

/** What is damaged; `full` also compares every index with its table. Empty: it is whole. */
export function damagesOf(db: SqliteDatabase, how: 'quick' | 'full'): readonly Damage[] {
  const check = how === 'full' ? 'integrity_check' : 'quick_check';
  try {
    return lines(db.pragma(`${check}(20)`)).map((says) => ({ table: tableOf(db, says), says }));
  } catch (thrown) {
    if (!codeOf(thrown).startsWith('SQLITE_CORRUPT')) throw thrown;
    const damages = tablesOf(db).flatMap((table) => damagesOfTable(db, check, table));
    if (damages.length === 0) throw thrown;
    return damages;
  }
}

/** The check of a whole file gives up at the first page it cannot read at all, without a word where: tables tell one by one. */
function damagesOfTable(db: SqliteDatabase, check: string, table: string): readonly Damage[] {
  try {
    return lines(db.pragma(`${check}("${table.replaceAll('"', '""')}")`)).map((says) => ({ table, says }));
  } catch (thrown) {
    return [{ table, says: thrown instanceof Error ? thrown.message : String(thrown) }];
  }
}

function lines(found: unknown): readonly string[] {
  const texts = (found as readonly Record<string, string>[]).flatMap((row) => Object.values(row));
  return texts.flatMap((text) => text.split('\n')).filter((line) => !/^(?:ok|\*+ in database .*|)$/.test(line));
}

function tableOf(db: SqliteDatabase, says: string): string | null {
  const named = /index (\w+)$|from index (\w+)|table (\w+)|in (\w+\.\w+)$/.exec(says);
  const name = named?.slice(1).find((part) => part !== undefined);
  if (name !== undefined) return name;
  const root = /^(?:Tree|On tree page) (\d+)/.exec(says)?.[1];
  if (root === undefined) return null;
  const found = db.prepare<[number], string>('SELECT tbl_name FROM sqlite_master WHERE rootpage = ?').pluck();
  return found.get(Number(root)) ?? (root === '1' ? 'sqlite_master' : null);
}

/** @throws SigilError `storage_failed` when it is no journal. */
export function journalFacts(file: string, db: SqliteDatabase): JournalFacts {
  const tables = new Set(tablesOf(db));
  const id = tables.has('meta')
    ? db.prepare<[], string>(`SELECT value FROM meta WHERE name = 'id'`).pluck().get()
    : undefined;
  if (id === undefined || !tables.has('records')) {
    throw new SigilError(failure('storage_failed', `${file}: it is no journal of Sigil`, { file }));
  }
  const mark = db
    .prepare<[number], string>(`SELECT stream || '#' || n || '@' || at FROM records WHERE seq = ?`)
    .pluck();
  const trimmed = tables.has('trimmed')
    ? db.prepare<[string], number>('SELECT upto FROM trimmed WHERE view = ?').pluck()
    : undefined;
  return {
    id,
    last: db.prepare<[], number>('SELECT max(seq) FROM records').pluck().get() ?? 0,
    mark: (seq) => mark.get(seq),
    trimmed: (view) => trimmed?.get(view) ?? 0,
  };
}

/** The views that cannot be made again whole, and up to which row each must have come. */
export function trimmedViews(db: SqliteDatabase): ReadonlyMap<string, number> {
  if (!tablesOf(db).includes('trimmed')) return new Map();
  const rows = db.prepare<[], { view: string; upto: number }>('SELECT view, upto FROM trimmed ORDER BY view').all();
  return new Map(rows.map(({ view, upto }) => [view, upto]));
}

/** How far all that is projected has come, as gateway.db keeps it. */
export interface ProjectedFacts {
  /** The row everything is projected up to; 0 when something is of another journal. */
  readonly upto: number;
  /** The last row each file of a workspace was given, by the file's name. */
  given(workspace: string): ReadonlyMap<string, number>;
}

/** What gateway.db knows of the projections. */
export function projectedFacts(db: SqliteDatabase, journal: string): ProjectedFacts {
  const own = viewFacts(db) ?? { journal: '', upto: 0 };
  const tables = new Set(tablesOf(db));
  const others = tables.has('projections')
    ? db.prepare<[], { journal: string; upto: number }>('SELECT journal, upto FROM projections').all()
    : [];
  const places = [own, ...others].map((place) => (place.journal === journal ? place.upto : 0));
  const last = db.prepare<[string], number>('SELECT last_seq FROM workspaces WHERE id = ?').pluck();
  const given = tables.has('projected')
    ? db.prepare<[string], { file: string; last_seq: number }>(
        'SELECT file, last_seq FROM projected WHERE workspace_id = ?',
      )
    : undefined;
  return {
    upto: Math.min(...places),
    given: (workspace) => {
      const sessions = last.get(workspace);
      const rows = (given?.all(workspace) ?? []).map(({ file, last_seq }) => [file, last_seq] as const);
      return new Map([...(sessions === undefined ? [] : [['sessions.db', sessions] as const]), ...rows]);
    },
  };
}

/** How far a view has come; undefined when the file is no view. */
export function viewFacts(db: SqliteDatabase): ViewFacts | undefined {
  if (!tablesOf(db).includes('view_state')) return undefined;
  return db.prepare<[], ViewFacts>('SELECT journal, upto, mark FROM view_state').get();
}

/** How a view stands to its journal. */
export type Standing = 'current' | 'behind' | 'foreign' | 'ahead' | 'lost_rows' | 'incomplete';

/**
 * Compares a view with its journal. `foreign`, `ahead` and `lost_rows`: it would never agree again and is made anew.
 * `incomplete`: rows it never had are trimmed, so nobody can make it whole but a backup.
 */
export function standingOf(path: string, view: ViewFacts, journal: JournalFacts): Standing {
  if (view.upto > 0) {
    if (view.journal !== journal.id) return 'foreign';
    if (view.upto > journal.last) return 'ahead';
    const mark = journal.mark(view.upto);
    if (mark !== undefined && mark !== view.mark) return 'lost_rows';
  }
  if (view.upto < journal.trimmed(path)) return 'incomplete';
  return view.upto < journal.last ? 'behind' : 'current';
}

function tablesOf(db: SqliteDatabase): readonly string[] {
  return db.prepare<[], string>(`SELECT name FROM sqlite_master WHERE type = 'table'`).pluck().all();
}

/** Bytes of a file; 0 when it is not there. */
export function bytesOf(file: string): number {
  return statSync(file, { throwIfNoEntry: false })?.size ?? 0;
}

// SPDX-License-Identifier: Apache-2.0
// Forgets the words no text of a memory.db holds any more, some at a time.

import type { SqliteDatabase } from './database.ts';
import type { WipeSteps } from './wipe.ts';

/** Words looked up in one step: about 10 ms. */
const TOGETHER = 1_000;

/**
 * The indexes must be merged: what is deleted is told by them until then. They hold words in small letters, as the tokenizer makes
 * them.
 *
 * @param commit runs what it is given in one transaction
 */
export function* forgetWords(db: SqliteDatabase, commit: (work: () => void) => void): WipeSteps {
  db.exec(`CREATE VIRTUAL TABLE IF NOT EXISTS temp.messages_words USING fts5vocab (main, messages_text, row);
    CREATE VIRTUAL TABLE IF NOT EXISTS temp.summaries_words USING fts5vocab (main, summaries_text, row)`);
  const some = db
    .prepare<[string, number], string>('SELECT word FROM words WHERE word > ? ORDER BY word LIMIT ?')
    .pluck();
  const inText = ['messages_words', 'summaries_words'].map((table) =>
    db.prepare<[string], number>(`SELECT 1 FROM temp.${table} WHERE term = lower(?)`).pluck(),
  );
  const forget = db.prepare<[string]>('DELETE FROM words WHERE word = ?');
  for (let after: string | undefined = ''; after !== undefined; ) {
    const words: readonly string[] = some.all(after, TOGETHER);
    commit(() => {
      for (const word of words) if (!inText.some((found) => found.get(word) !== undefined)) forget.run(word);
    });
    after = words.at(-1);
    yield 0;
  }
}

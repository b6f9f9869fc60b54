// SPDX-License-Identifier: Apache-2.0
// A process in the middle of a commit: `node commit-child.ts FILE MS` keeps everybody out of the file, readers too, for so long.

import Database from 'better-sqlite3';

const [file = '', ms = '0'] = process.argv.slice(2);
const db = new Database(file);
db.exec('BEGIN EXCLUSIVE');
console.log('committing');
setTimeout(() => {
  db.exec('COMMIT');
  db.close();
}, Number(ms));

// SPDX-License-Identifier: Apache-2.0
// The log goes on when nobody takes its lines: what is lost to a full disk or a pipe that nobody reads is counted.

import { spawn } from 'node:child_process';
import { closeSync, constants, mkdtempSync, openSync, readFileSync, readSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { LogLines } from '../../src/composition/log-lines.ts';

it('loses lines to a full disk, and says nothing of it as long as nobody could be told', () => {
  const full = openSync('/dev/full', 'w');
  const lines = new LogLines(full);
  lines.write('one\n');
  lines.write('two\n');
  expect(lines.takeLost()).toBeUndefined();
  closeSync(full);
});

it('waits a moment for a pipe that is full, loses what still does not fit, and tells how much once it is read again', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'sigil-log-'));
  const pipe = join(dir, 'pipe');
  const made = spawn('mkfifo', [pipe]);
  await new Promise((resolve) => made.once('close', resolve));
  const reader = openSync(pipe, constants.O_RDONLY | constants.O_NONBLOCK);
  const writer = openSync(pipe, constants.O_WRONLY | constants.O_NONBLOCK);
  const lines = new LogLines(writer);
  const line = `${'x'.repeat(4_095)}\n`;
  let written = 0;
  for (; written < 1_000 && lines.takeLost() === undefined; written += 1) {
    const before = performance.now();
    lines.write(line);
    // The first that does not fit has waited; those after it do not.
    if (performance.now() - before > 500) break;
  }
  lines.write(line);
  expect(lines.takeLost()).toBeUndefined();
  const room = Buffer.alloc(64 * 1024);
  readSync(reader, room);
  lines.write('again\n');
  expect(lines.takeLost()).toEqual({ lines: 2, code: 'EAGAIN' });
  expect(lines.takeLost()).toBeUndefined();
  for (const fd of [reader, writer]) closeSync(fd);
  rmSync(dir, { recursive: true });
});

it('writes what fits', () => {
  const dir = mkdtempSync(join(tmpdir(), 'sigil-log-'));
  const file = openSync(join(dir, 'log'), 'w');
  const lines = new LogLines(file);
  lines.write('one ü\n');
  expect([readFileSync(join(dir, 'log'), 'utf8'), lines.takeLost()]).toEqual(['one ü\n', undefined]);
  closeSync(file);
  rmSync(dir, { recursive: true });
});

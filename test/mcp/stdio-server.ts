// SPDX-License-Identifier: Apache-2.0
// The toolbox as a program; `SIGIL_TEST_MCP` makes it a worse one.

import { spawn } from 'node:child_process';
import { StdioServerTransport } from '@modelcontextprotocol/sdk/server/stdio.js';
import { makeToolbox } from './toolbox.ts';

const manner = process.argv[2] ?? '';
if (manner === 'dies') {
  process.stderr.write('no licence found\n');
  process.exit(2);
}
// Deaf to a polite end, with a child of its own.
if (manner === 'stubborn') {
  process.on('SIGTERM', () => undefined);
  setInterval(() => undefined, 1_000);
  const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' });
  process.stderr.write(`child ${child.pid}\n`);
}
if (manner === 'greets') process.stdout.write('Welcome to the toolbox!\n');
if (manner === 'floods') process.stdout.write('x'.repeat(17 * 1024 * 1024));
if (manner !== 'mute') await makeToolbox().connect(new StdioServerTransport());
else setInterval(() => undefined, 1_000);

// SPDX-License-Identifier: Apache-2.0
// The toolbox as a program; its argument makes it a stranger one.

import { spawn } from 'node:child_process';
import { StdioServerTransport } from '@modelcontextprotocol/sdk/server/stdio.js';
import { makeToolbox } from './toolbox.ts';

const manner = process.argv[2] ?? '';
// Deaf to a polite end, with a child of its own.
if (manner === 'stubborn') {
  process.on('SIGTERM', () => undefined);
  setInterval(() => undefined, 1_000);
  const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' });
  process.stderr.write(`child ${child.pid}\n`);
}
if (manner === 'greets') process.stdout.write('Welcome to the toolbox!\n');
await makeToolbox().connect(new StdioServerTransport());

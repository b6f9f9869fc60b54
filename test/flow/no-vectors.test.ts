// SPDX-License-Identifier: Apache-2.0
// A platform on which sqlite-vec does not load: said once, shown, and everything else works by words.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { scratch, sigil, start, until } from '../cli/process.ts';

const env = { NODE_OPTIONS: `--import ${new URL('no-vec.ts', import.meta.url).href}` };

it('goes by words, says so once, in status and by doctor, and tries nothing again', async () => {
  const home = scratch();
  writeFileSync(
    join(home, 'sigil.yaml'),
    'networking: { listen: "127.0.0.1:0" }\nlogging: { format: json, level: trace }\n',
  );
  const gateway = start(['start'], home, { env });
  await until(() => gateway.stdout().includes('listens on'));
  expect((await sigil(['chat', 'remember that my cat is a tabby'], home)).status).toBe(0);
  const recalled = JSON.parse((await sigil(['memory', 'recall', 'tabby', '--json'], home)).stdout);
  expect(recalled.similar).toEqual([]);
  expect(recalled.messages.length).toBeGreaterThan(0);
  const status = JSON.parse((await sigil(['status', '--json'], home)).stdout);
  expect(JSON.stringify(status)).toContain('search and recall go by words alone');
  const doctor = JSON.parse((await sigil(['doctor', '--json'], home, { env })).stdout);
  expect(doctor.findings).toContainEqual(
    expect.objectContaining({
      check: 'vectors',
      verdict: 'warn',
      message: expect.stringContaining('sqlite-vec cannot be loaded'),
    }),
  );
  gateway.child.kill('SIGTERM');
  const { status: ended, stderr } = await gateway.done;
  expect(ended).toBe(0);
  const lines = stderr.split('\n').filter((line) => line.includes('sqlite-vec'));
  expect(lines).toHaveLength(1);
  expect(lines[0]).toContain('sessions.memory.embeddings');
});

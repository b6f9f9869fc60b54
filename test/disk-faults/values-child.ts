// SPDX-License-Identifier: Apache-2.0
// Sets a plugin's values, one for each line it is told, and says what came of it.

import { createInterface } from 'node:readline';
import { ValuesWriter } from '../../src/stores/sqlite/values-writer.ts';

const [dataDir = ''] = process.argv.slice(2);
const writer = new ValuesWriter({ dataDir, soon: (run) => void setImmediate(run), now: () => Date.now() });
const say = (text: string): void => void process.stdout.write(`${text}\n`);
say('ready');
for await (const key of createInterface({ input: process.stdin })) {
  await new Promise<void>((resolve) => {
    const done = (text: string): void => {
      say(text);
      resolve();
    };
    writer.set({
      body: { workspace_id: 'w', plugin: 'p', key, value: 'v'.repeat(2_000) },
      reply: () => done('kept'),
      fail: ({ code, message }: { readonly code: string; readonly message: string }) => done(`${code} ${message}`),
    } as Parameters<ValuesWriter['set']>[0]);
  });
}
writer.close();

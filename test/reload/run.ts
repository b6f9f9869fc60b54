// SPDX-License-Identifier: Apache-2.0
// `npm run test:reload`: a hundred valid edits of the configuration under load, and what became of the messages meanwhile; with
// `--broken` every broken configuration in the place of a good one that runs.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { CASES } from '../config/broken/cases.ts';
import { freePort, onlyFile, ownerToken, startProcess } from '../crash/gateway-process.ts';
import { Client } from '../edge/client.ts';
import { type BrokenFigures, tryBroken } from './broken.ts';
import { editUnderLoad } from './edits.ts';

const { values } = parseArgs({
  options: {
    edits: { type: 'string', default: '100' },
    clients: { type: 'string', default: '8' },
    broken: { type: 'boolean', default: false },
  },
});

/** A process of its own: one that crashed would be seen. */
async function allBroken(): Promise<BrokenFigures> {
  const folder = mkdtempSync(join(tmpdir(), 'sigil-broken-'));
  const [dataDir, file] = [join(folder, 'data'), join(folder, 'sigil.yaml')];
  const networking = `{ listen: "127.0.0.1:${await freePort()}", chat_rate_limit_rpm: 0 }`;
  const good = `networking: ${networking}\nlogging: { level: fatal }\n`;
  writeFileSync(file, good);
  const gateway = await startProcess(dataDir, null, onlyFile(file));
  const client = new Client(Number(new URL(gateway.url).port));
  try {
    const figures = await tryBroken(CASES, { client, token: ownerToken(dataDir), file, good });
    const exit = await gateway.stop();
    const said = gateway.said();
    const crashed = exit === 0 && said === '' ? [] : [`the gateway ended with ${exit}: ${said}`];
    return { ...figures, wrong: [...figures.wrong, ...crashed] };
  } finally {
    client.close();
    await gateway.kill();
    rmSync(folder, { recursive: true, force: true });
  }
}

function tell(wrong: readonly string[], figures: object): never {
  for (const line of wrong) process.stderr.write(`${line}\n`);
  process.stdout.write(`${JSON.stringify(figures, null, 2)}\n`);
  process.exit(wrong.length === 0 ? 0 : 1);
}

if (values.broken) {
  const { wrong, ...figures } = await allBroken();
  tell(wrong, { ...figures, wrong: wrong.length });
}
const { lost, doubled, ...figures } = await editUnderLoad(Number(values.edits), Number(values.clients));
tell([...lost.map((text) => `lost: ${text}`), ...doubled.map((text) => `doubled: ${text}`)], {
  ...figures,
  lost: lost.length,
  doubled: doubled.length,
});

// SPDX-License-Identifier: Apache-2.0
// `npm run test:api`: the document before two checkers, the walk through a proxy that validates, and a client made from the document.

import { Client } from '../edge/client.ts';
import { PARTS } from './all.ts';
import { checkDocument, fetchTools } from './checkers.ts';
import { tryClient } from './generated-client.ts';
import { noticesLies, startProxy } from './proxy.ts';
import { OWNER, openStage } from './stage.ts';
import { Walk } from './walk.ts';

let passed = 0;
let failed = 0;
function told(ok: boolean, what: string, said = ''): void {
  if (ok) passed += 1;
  else failed += 1;
  process.stdout.write(`${ok ? 'ok   ' : 'FAIL '} ${what}\n${ok || said === '' ? '' : `${said}\n`}`);
}

fetchTools();
for (const [name, { ok, said }] of Object.entries(await checkDocument()))
  told(ok, `${name}: no error, no warning`, said);

const stage = await openStage();
try {
  const direct = new Client(stage.house.port);
  const proxy = await startProxy(`http://127.0.0.1:${stage.house.port}`);
  const through = new Client(proxy.port);
  const walk = new Walk({ direct, through }, OWNER);
  for (const [tag, part] of Object.entries(PARTS)) {
    const before = walk.violations.length;
    try {
      await part(walk, stage);
      const violations = walk.violations.slice(before);
      told(violations.length === 0, `through Prism: ${tag}`, violations.join('\n'));
    } catch (thrown) {
      told(false, `through Prism: ${tag}`, String(thrown instanceof Error ? thrown.stack : thrown));
    }
  }
  through.close();
  await proxy.close();
  told(walk.noticed > 0, `Prism noticed ${walk.noticed} requests that were wrong by intent`);
  told(await noticesLies(), 'Prism notices an answer that is not as documented');
  const gaps = walk.gaps();
  const { operations, refusals } = walk.counts;
  told(gaps.length === 0, `${operations} operations called with success, ${refusals} ways of refusal`, gaps.join('\n'));
  for (const [what, { ok, said }] of Object.entries(await tryClient(`http://127.0.0.1:${stage.house.port}`)))
    told(ok, what, said);
  direct.close();
} finally {
  await stage.close();
}
process.stdout.write(`${passed} passed, ${failed} failed\n`);
process.exitCode = failed === 0 ? 0 : 1;

// SPDX-License-Identifier: Apache-2.0
// A client made from the document by others' tools: it compiles strictly, and talks to a gateway.

import { copyFileSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { commandOf, DOCUMENT, HOME, type Ran, ROOT, run } from './checkers.ts';
import { OWNER } from './stage.ts';

const SMOKE = fileURLToPath(new URL('./client/smoke.ts.txt', import.meta.url));

/** Makes it, compiles it with what uses it, and runs that. */
export async function tryClient(gateway: string): Promise<Readonly<Record<string, Ran>>> {
  const place = mkdtempSync(join(HOME, 'client-'));
  try {
    const cli = commandOf('openapi-typescript', 'openapi-typescript');
    // A field of a request that has a default may be left out; without this it could not.
    const made = await run([cli, DOCUMENT, '--default-non-nullable=false', '-o', join(place, 'api.ts')]);
    if (!made.ok) return { 'a client is generated': made };
    copyFileSync(SMOKE, join(place, 'smoke.ts'));
    // openapi-fetch lies beside; the types of node and the compiler are ours.
    symlinkSync(join(ROOT, 'node_modules/@types'), join(place, 'types'));
    writeFileSync(join(place, 'package.json'), '{"type":"module"}\n');
    writeFileSync(join(place, 'tsconfig.json'), JSON.stringify(TSCONFIG));
    const compiled = await run([join(ROOT, 'node_modules/.bin/tsc'), '-p', place]);
    const smoke = compiled.ok
      ? await run([join(place, 'smoke.js'), gateway, OWNER])
      : { ok: false, said: 'it did not compile' };
    return { 'a client is generated and compiles strictly': compiled, 'the client: chat to errors': smoke };
  } finally {
    rmSync(place, { recursive: true, force: true });
  }
}

const TSCONFIG = {
  compilerOptions: {
    ...{ strict: true, exactOptionalPropertyTypes: true, noUncheckedIndexedAccess: true },
    ...{ target: 'esnext', module: 'nodenext', lib: ['esnext', 'dom', 'dom.iterable'], skipLibCheck: false },
    ...{ typeRoots: ['./types'], types: ['node'], rewriteRelativeImportExtensions: true },
  },
  files: ['smoke.ts'],
};

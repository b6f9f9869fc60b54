// SPDX-License-Identifier: Apache-2.0
// Writes the OpenAPI document to the file that is checked in: `node src/edge/openapi-file.ts docs/openapi.json`.

import { openapiDocument } from './openapi.ts';

const { mkdirSync, writeFileSync } = process.getBuiltinModule('node:fs');
const { dirname } = process.getBuiltinModule('node:path');

const target = process.argv[2] ?? 'docs/openapi.json';
mkdirSync(dirname(target), { recursive: true });
writeFileSync(target, `${JSON.stringify(await openapiDocument(), null, 2)}\n`);

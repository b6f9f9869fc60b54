// SPDX-License-Identifier: Apache-2.0
// The examples of the HTTP reference: each is what its schema allows.

import { Ajv2020 } from 'ajv/dist/2020.js';
import { expect, it } from 'vitest';
import { openapiDocument } from '../../src/edge/openapi.ts';
import { type Schemas, sampleOf } from '../../tools/http-samples.ts';

const document = (await openapiDocument()) as { readonly components: { readonly schemas: Schemas } };
const { schemas } = document.components;
const ajv = new Ajv2020({ strict: false, validateFormats: false });
ajv.addSchema({ $id: 'doc', ...document });

it.each(Object.keys(schemas))('%s', (name) => {
  const validate = ajv.compile({ $ref: `doc#/components/schemas/${name}` });
  for (const what of ['answer', 'body'] as const) {
    const sample = sampleOf(schemas[name], schemas, what);
    expect(validate(sample), `${JSON.stringify(sample).slice(0, 300)}: ${ajv.errorsText(validate.errors)}`).toBe(true);
  }
});

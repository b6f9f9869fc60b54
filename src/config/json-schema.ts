// SPDX-License-Identifier: Apache-2.0
// The JSON Schema of `sigil.yaml`, for editors and `config schema`.

import { z } from 'zod';
import { ConfigSchema } from './schema.ts';

/** JSON Schema (2020-12) of what may be written in the file. */
export function configJsonSchema(): Record<string, unknown> {
  const schema = z.toJSONSchema(ConfigSchema, { io: 'input', target: 'draft-2020-12' });
  return { ...schema, title: 'sigil.yaml' };
}

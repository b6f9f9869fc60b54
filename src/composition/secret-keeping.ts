// SPDX-License-Identifier: Apache-2.0
// The gateway's own hand on its secrets: the place the configuration names, opened when somebody asks.

import { thisMachine } from '../config/load.ts';
import type { Config } from '../config/schema.ts';
import { keptSecrets } from '../config/secret-keys.ts';
import { createSecretKeeping, type SecretKeeping } from '../secrets/keeping.ts';
import type { Redactor } from '../secrets/redactor.ts';
import { perConfig } from './per-config.ts';

export function secretKeeping(house: { readonly config: Config }, dataDir: string, redactor: Redactor): SecretKeeping {
  return createSecretKeeping({
    redactor,
    used: perConfig(house, keptSecrets),
    open: async () => {
      const { openSecrets } = await import('../secrets/open.ts');
      return await openSecrets({ backend: house.config.secrets.backend, dataDir, env: thisMachine().env });
    },
  });
}

// SPDX-License-Identifier: Apache-2.0
// What every adapter is made with besides the keys of its type.

import type { SecretResolver } from '../secrets/resolver.ts';
import type { World } from '../world.ts';

export interface ConnectionOptions {
  readonly world: Pick<World, 'now' | 'after'>;
  /** The text a secret of the settings stands for; asked when a connection begins, and kept no longer than it. */
  readonly resolve: SecretResolver['resolve'];
}

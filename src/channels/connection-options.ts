// SPDX-License-Identifier: Apache-2.0
// What every adapter is made with besides the keys of its type.

import type { SecretResolver } from '../secrets/resolver.ts';
import type { World } from '../world.ts';

/** A small text that outlives the gateway. It may be lost, or an older one come back. */
export interface KeptText {
  read(): Promise<string | null>;
  /** Resolves once it is kept, or could not be. One write follows the other. */
  write(text: string | null): Promise<void>;
}

export interface ConnectionOptions {
  readonly world: Pick<World, 'now' | 'after'>;
  /** The text a secret of the settings stands for; asked when a connection begins, and kept no longer than it. */
  readonly resolve: SecretResolver['resolve'];
  /** Where an adapter may keep how far it came, for the one after it; without it that is lost with the process. */
  readonly kept?: KeptText;
}

// SPDX-License-Identifier: Apache-2.0
// What is made of the configuration, made anew when another one is in force: whoever asks has what belongs to the newest.

import type { Config } from '../config/schema.ts';

/**
 * @param house whose `config` is replaced whole
 * @returns what was made of its present one; the same value as long as that is the same
 */
export function perConfig<T>(house: { readonly config: Config }, make: (config: Config) => T): () => T {
  let { config } = house;
  let made = make(config);
  return () => {
    if (house.config !== config) {
      ({ config } = house);
      made = make(config);
    }
    return made;
  };
}

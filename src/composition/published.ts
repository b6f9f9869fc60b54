// SPDX-License-Identifier: Apache-2.0
// Whether this is what is published: doors that exist for tests are shut there.

/** False in a checkout, and in the build the test suite makes for itself (`tools/build.ts`), which puts another file here. */
export const PUBLISHED = !import.meta.url.endsWith('.ts');

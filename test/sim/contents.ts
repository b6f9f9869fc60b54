// SPDX-License-Identifier: Apache-2.0
// What people say in a simulation: by it the scripted model knows which message it answers.

/** The text a message begins with, by its key. */
export const contentOf = (key: number): string => `#${key} `;

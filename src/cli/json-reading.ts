// SPDX-License-Identifier: Apache-2.0
// Reading answers of a gateway that may be older or newer than this client: what is missing reads as empty.

/** A JSON object. */
export type JsonObject = Readonly<Record<string, unknown>>;

/** The value when it is an object, else an empty one. */
export function object(value: unknown): JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as JsonObject) : {};
}

/** The objects of a list; whatever else is in it is left out. */
export function objects(value: unknown): JsonObject[] {
  return Array.isArray(value) ? value.filter((item) => typeof item === 'object' && item !== null) : [];
}

/** The texts of a list; whatever else is in it is left out. */
export function strings(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((item) => typeof item === 'string') : [];
}

/** The value as text: what is neither text nor a number is empty. */
export function text(value: unknown): string {
  return typeof value === 'string' ? value : typeof value === 'number' ? String(value) : '';
}

/** The value when it is a number, else 0. */
export function number(value: unknown): number {
  return typeof value === 'number' ? value : 0;
}

/** JSON text as a value, or undefined when it is none. */
export function parsed(json: string): unknown {
  try {
    return JSON.parse(json) as unknown;
  } catch {
    return undefined;
  }
}

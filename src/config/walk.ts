// SPDX-License-Identifier: Apache-2.0
// Walking the schema: which schema governs a path, what it allows in words, which names are near a wrong one.

import { z } from 'zod';
import { type FieldFacts, fieldFacts } from './fields.ts';

/** A place in the configuration: keys and list positions from the top. */
export type Path = readonly (string | number)[];

/** Any zod schema. */
export type Schema = z.core.$ZodType;

type WrapperDef = z.core.$ZodDefaultDef | z.core.$ZodOptionalDef | z.core.$ZodNullableDef | z.core.$ZodReadonlyDef;
const WRAPPERS: ReadonlySet<string> = new Set(['default', 'prefault', 'optional', 'nullable', 'readonly']);

/** Takes defaults, optionality and other wrappers off a schema. */
export function unwrap(schema: Schema): Schema {
  let inner = schema;
  // By the name of its type: five `instanceof` of this library, asked of every value of a configuration, are a tenth of a start.
  while (WRAPPERS.has(inner._zod.def.type)) inner = (inner._zod.def as WrapperDef).innerType;
  return inner;
}

/** The facts of a field, through its wrappers. */
export function factsOf(schema: Schema): FieldFacts | undefined {
  return fieldFacts.get(unwrap(schema));
}

/** The type a transform starts from; other schemas are themselves. */
function written(schema: Schema): Schema {
  const inner = unwrap(schema);
  return inner instanceof z.ZodPipe ? unwrap(inner.def.in) : inner;
}

/** The schema of one key or item below this one; `declared` is false where a free key is accepted. */
export function childOf(schema: Schema, key: string | number): { schema: Schema; declared: boolean } | undefined {
  const inner = unwrap(schema);
  if (inner instanceof z.ZodObject) {
    const name = String(key);
    const own = Object.hasOwn(inner.shape, name) ? inner.shape[name] : undefined;
    if (own) return { schema: own, declared: true };
    const rest = inner.def.catchall;
    return rest === undefined || rest instanceof z.ZodNever ? undefined : { schema: rest, declared: false };
  }
  if (inner instanceof z.ZodRecord) return { schema: inner.def.valueType, declared: true };
  if (inner instanceof z.ZodArray) return { schema: inner.def.element, declared: true };
  if (inner instanceof z.ZodUnknown) return { schema: inner, declared: false };
  return undefined;
}

/** The schema of a path, or undefined when the configuration has no such place. */
export function schemaAt(root: Schema, path: Path): Schema | undefined {
  let schema: Schema | undefined = root;
  for (const key of path) {
    schema = schema && childOf(schema, key)?.schema;
    if (!schema) return undefined;
  }
  return schema;
}

/** The declared keys of an object schema, in order; empty for everything else. */
export function keysOf(schema: Schema): readonly string[] {
  const inner = unwrap(schema);
  return inner instanceof z.ZodObject ? Object.keys(inner.shape) : [];
}

function numberRange(schema: z.ZodNumber): string {
  const noun = schema.format === 'safeint' ? 'a whole number' : 'a number';
  return `${noun} from ${schema.minValue ?? 0} to ${schema.maxValue ?? Number.MAX_SAFE_INTEGER}`;
}

/** What may be written at a place, in words for a problem report. */
export function allowedText(schema: Schema): string {
  const facts = factsOf(schema);
  if (facts?.allowed !== undefined) return facts.allowed;
  const inner = written(schema);
  if (inner instanceof z.ZodEnum) return `one of ${inner.options.join(', ')}`;
  if (inner instanceof z.ZodBoolean) return 'true or false';
  if (inner instanceof z.ZodNumber) return numberRange(inner);
  if (inner instanceof z.ZodString) return inner.maxLength ? `text of at most ${inner.maxLength} characters` : 'text';
  if (inner instanceof z.ZodObject) return `a map with the keys ${Object.keys(inner.shape).join(', ')}`;
  if (inner instanceof z.ZodRecord)
    return `a map from ${allowedText(inner.def.keyType)} to ${nounOf(inner.def.valueType)}`;
  if (inner instanceof z.ZodArray) return listText(inner);
  return 'another value';
}

/** True where a map belongs. */
export function takesMap(schema: Schema): boolean {
  const inner = unwrap(schema);
  return inner instanceof z.ZodObject || inner instanceof z.ZodRecord;
}

/** What the names of a map's entries must look like. */
export function keyAllowed(schema: Schema | undefined): string {
  const inner = schema && unwrap(schema);
  return inner instanceof z.ZodRecord ? allowedText(inner.def.keyType) : 'another name';
}

function nounOf(schema: Schema): string {
  const inner = written(schema);
  return inner instanceof z.ZodObject
    ? `a map with the keys ${Object.keys(inner.shape).join(', ')}`
    : allowedText(schema);
}

function listText(schema: z.ZodArray): string {
  return `a list, each item ${nounOf(schema.def.element)}`;
}

function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const change = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(change, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}

/** The name most like a wrong one, when one is near enough to be meant. */
export function nearest(wrong: string, names: Iterable<string>): string | undefined {
  const plain = wrong.toLowerCase().replaceAll(/[-_ ]/g, '');
  if (plain.length > 100) return undefined;
  let best: string | undefined;
  let least = Math.max(1, Math.floor(plain.length / 3)) + 1;
  for (const name of names) {
    const distance = editDistance(plain, name.toLowerCase().replaceAll(/[-_ ]/g, ''));
    if (distance < least) [best, least] = [name, distance];
  }
  return best;
}

/** A path as people write it: `users[0].name`, `models.pricing["a/b.c"].input`. */
export function pathText(path: Path): string {
  let out = '';
  for (const key of path) {
    if (typeof key === 'number') out += `[${key}]`;
    else if (/^[A-Za-z0-9_:/-]+$/.test(key)) out += out === '' ? key : `.${key}`;
    else out += `[${JSON.stringify(key)}]`;
  }
  return out;
}

/** True for plain maps: what YAML, JSON and flags are made of. */
export function isMap(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The value at a path of plain data. */
export function valueAt(value: unknown, path: Path): unknown {
  let current = value;
  for (const key of path) {
    if (Array.isArray(current)) current = current[Number(key)];
    else if (isMap(current) && Object.hasOwn(current, String(key))) current = current[String(key)];
    else return undefined;
  }
  return current;
}

/** Plain maps still being put together. */
export type Draft = { [key: string]: unknown };

/** Sets a value deep in a draft, making the maps on the way. Only for maps: a list on the way is replaced. */
export function setAt(draft: Draft, path: Path, value: unknown): void {
  const last = path.at(-1);
  if (last === undefined) return;
  let current = draft;
  for (const key of path.slice(0, -1)) {
    const next = Object.hasOwn(current, String(key)) ? current[String(key)] : undefined;
    const map: Draft = isMap(next) ? (next as Draft) : {};
    if (map !== next) current[String(key)] = map;
    current = map;
  }
  current[String(last)] = value;
}

/** Takes a key out of a map, or a position out of a list, deep in a draft. */
export function removeAt(draft: Draft, path: Path): void {
  const parent = valueAt(draft, path.slice(0, -1));
  const last = path.at(-1);
  if (Array.isArray(parent) && typeof last === 'number') parent.splice(last, 1);
  else if (isMap(parent) && last !== undefined) delete (parent as Draft)[String(last)];
}

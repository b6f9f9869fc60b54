// SPDX-License-Identifier: Apache-2.0
// Data as a tree that folds; what was left out for privacy looks like it.

import { useState } from 'preact/hooks';

/** Entries shown of one object or list before somebody asks for more. */
const SHOWN = 50;
/** Levels that are open to begin with. */
const OPEN = 3;

export function JsonTree({
  value,
  name,
  depth = 0,
}: {
  readonly value: unknown;
  readonly name?: string;
  readonly depth?: number;
}) {
  if (typeof value !== 'object' || value === null) return <Leaf name={name} value={value} />;
  return <Branch name={name} value={value} depth={depth} />;
}

function Name({ of }: { readonly of: string | undefined }) {
  return of === undefined ? null : <span class="json-name">{of}</span>;
}

function Leaf({ name, value }: { readonly name: string | undefined; readonly value: unknown }) {
  const hidden = typeof value === 'string' && (/^\[\d+ characters\]$/.test(value) || value === '***');
  return (
    <div class="json-leaf">
      <Name of={name} />
      <span class={hidden ? 'json-hidden' : `json-${value === null ? 'null' : typeof value}`}>
        {value === '' ? '“”' : String(value)}
      </span>
    </div>
  );
}

function Branch({
  name,
  value,
  depth,
}: {
  readonly name: string | undefined;
  readonly value: object;
  readonly depth: number;
}) {
  const [open, setOpen] = useState(depth < OPEN);
  const [shown, setShown] = useState(SHOWN);
  const entries: readonly (readonly [string, unknown])[] = Array.isArray(value)
    ? value.map((item: unknown, nth) => [String(nth), item])
    : Object.entries(value);
  const size = Array.isArray(value) ? `${entries.length} items` : `${entries.length} fields`;
  if (entries.length === 0)
    return (
      <div class="json-leaf">
        <Name of={name} />
        <span class="json-null">{Array.isArray(value) ? 'none' : '{}'}</span>
      </div>
    );
  const inside = (
    <>
      {entries.slice(0, shown).map(([key, item]) => (
        <JsonTree key={key} name={key} value={item} depth={depth + 1} />
      ))}
      {shown < entries.length && (
        <button type="button" class="quiet" onClick={() => setShown(shown + SHOWN * 4)}>
          {entries.length - shown} more
        </button>
      )}
    </>
  );
  if (name === undefined) return <div class="json">{inside}</div>;
  return (
    <details class="json-branch" open={open} onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>
        <Name of={name} />
        {!open && <span class="json-null">{size}</span>}
      </summary>
      {open && <div class="json-inside">{inside}</div>}
    </details>
  );
}

// SPDX-License-Identifier: Apache-2.0
// A list of which only what is in view is in the page, led by the keyboard as a whole.

import type { ComponentChildren } from 'preact';
import { useLayoutEffect, useRef, useState } from 'preact/hooks';

/** Lines drawn beyond what is in view, on either side. */
const BEYOND = 5;

export interface Seen {
  readonly first: number;
  readonly last: number;
}

export interface VirtualListProps {
  readonly label: string;
  readonly length: number;
  /** Height of a line in CSS pixels. */
  readonly lineHeight: number;
  /** The line the keyboard is on; -1 for none. */
  readonly active: number;
  readonly onActive: (index: number) => void;
  /** A key that this list does not know itself. True: it was meant for the list. */
  readonly onKey: (key: string, index: number) => boolean;
  /** What is in view, whenever that changes. */
  readonly onSeen: (seen: Seen) => void;
  /** Draws a line. Lines of one slot follow each other in the same place of the page: nothing is made anew while it scrolls. */
  readonly line: (index: number, top: number, slot: number) => ComponentChildren;
  readonly idOf: (index: number) => string;
}

export function VirtualList(props: VirtualListProps) {
  const { label, length, lineHeight, active, onActive, onKey, onSeen, line, idOf } = props;
  const scroller = useRef<HTMLDivElement>(null);
  const [view, setView] = useState({ top: 0, height: 0 });
  const first = Math.max(0, Math.min(length - 1, Math.floor(view.top / lineHeight)));
  const last = Math.max(0, Math.min(length - 1, Math.floor((view.top + view.height) / lineHeight)));

  useLayoutEffect(() => {
    const element = scroller.current;
    if (element === null) return undefined;
    let asked = 0;
    const measure = (): void => {
      asked = 0;
      setView({ top: element.scrollTop, height: element.clientHeight });
    };
    // At most one measure a frame, whatever the wheel says.
    const later = (): void => {
      if (asked === 0) asked = requestAnimationFrame(measure);
    };
    measure();
    element.addEventListener('scroll', later, { passive: true });
    const resized = new ResizeObserver(later);
    resized.observe(element);
    return () => {
      cancelAnimationFrame(asked);
      element.removeEventListener('scroll', later);
      resized.disconnect();
    };
  }, []);

  // Told when the range changes, not when the function does.
  useLayoutEffect(() => onSeen({ first, last }), [first, last, length]);

  useLayoutEffect(() => {
    const element = scroller.current;
    if (element === null || active < 0) return;
    const top = active * lineHeight;
    if (top < element.scrollTop) element.scrollTop = top;
    else if (top + lineHeight > element.scrollTop + element.clientHeight)
      element.scrollTop = top + lineHeight - element.clientHeight;
  }, [active, lineHeight]);

  const page = Math.max(1, Math.floor(view.height / lineHeight) - 1);
  const moves: Readonly<Record<string, number>> = {
    ArrowDown: active + 1,
    j: active + 1,
    ArrowUp: active - 1,
    k: active - 1,
    PageDown: active + page,
    PageUp: active - page,
    Home: 0,
    End: length - 1,
  };
  const keyed = (event: KeyboardEvent): void => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const to = moves[event.key];
    if (to !== undefined && length > 0) onActive(Math.max(0, Math.min(length - 1, to)));
    else if (!onKey(event.key, active)) return;
    event.preventDefault();
    event.stopPropagation();
  };

  const from = Math.max(0, first - BEYOND);
  const until = Math.min(length, last + BEYOND + 1);
  const slots = Math.ceil(view.height / lineHeight) + 2 * BEYOND + 3;
  return (
    <div
      class="list"
      ref={scroller}
      role="treegrid"
      aria-label={label}
      aria-rowcount={length}
      aria-activedescendant={active < 0 ? undefined : idOf(active)}
      tabIndex={0}
      onKeyDown={keyed}
      onFocus={() => active < 0 && length > 0 && onActive(first)}
    >
      <div class="list-inside" role="presentation" style={{ height: `${length * lineHeight}px` }}>
        {Array.from({ length: Math.max(0, until - from) }, (_, nth) =>
          line(from + nth, (from + nth) * lineHeight, (from + nth) % slots),
        )}
      </div>
    </div>
  );
}

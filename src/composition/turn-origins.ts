// SPDX-License-Identifier: Apache-2.0
// Which request a turn came by, and which trace it is part of: what a thread that logs a turn cannot know is added where lines are written.

/** Turns that are remembered; past it the one that came first is forgotten. */
const TURNS_MOST = 4_096;

type Fields = Readonly<Record<string, unknown>>;

export class TurnOrigins {
  readonly #requests = new Map<string, string>();
  /** The trace of a turn or of a request; nothing has one while none is made. */
  traceOf: ((turn_id: string | undefined, request_id: string | undefined) => string | undefined) | undefined;

  /** A request's message is answered by this turn. */
  note(turn_id: string, request_id: string): void {
    this.#requests.set(turn_id, request_id);
    if (this.#requests.size <= TURNS_MOST) return;
    for (const oldest of this.#requests.keys()) {
      this.#requests.delete(oldest);
      break;
    }
  }

  requestOf(turn_id: string): string | undefined {
    return this.#requests.get(turn_id);
  }

  /** A line's fields with the ids that follow from those it has. */
  complete(fields: Fields): Fields {
    const turn_id = textOf(fields['turn_id']);
    const request_id = textOf(fields['request_id']) ?? (turn_id === undefined ? undefined : this.requestOf(turn_id));
    if (turn_id === undefined && request_id === undefined) return fields;
    const trace_id = this.traceOf?.(turn_id, request_id);
    if (request_id === fields['request_id'] && trace_id === undefined) return fields;
    return {
      ...fields,
      ...(request_id === undefined ? {} : { request_id }),
      ...(trace_id === undefined ? {} : { trace_id }),
    };
  }
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

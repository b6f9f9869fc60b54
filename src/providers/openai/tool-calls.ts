// SPDX-License-Identifier: Apache-2.0
// Tool calls put together from the pieces they are streamed in, several at a time.

import type { ChatEvent } from '../provider.ts';

/** Characters the arguments of one answer may hold together. */
const ARGUMENTS_MOST = 4 * 1_048_576;
/** Calls of one answer. */
const CALLS_MOST = 512;

interface Call {
  id: string;
  name: string;
  arguments: string;
}

export interface Piece {
  readonly id?: string | null | undefined;
  readonly name?: string | null | undefined;
  readonly arguments?: string | null | undefined;
}

export class ToolCalls {
  readonly #calls: Call[] = [];
  /** The call that a place in the vendor's list stands for now. */
  readonly #places = new Map<number, Call>();
  readonly #newId: () => string;
  readonly #ours: (sent: string) => string;
  #characters = 0;

  /**
   * @param newId for calls that come without an id
   * @param ours our name for what was called
   */
  constructor(newId: () => string, ours: (sent: string) => string) {
    this.#newId = newId;
    this.#ours = ours;
  }

  /**
   * Takes one piece.
   *
   * @param place the vendor's number for the call; undefined: the last one, or a new one where a name begins it
   * @throws Error when it is more than a model could mean
   */
  add(place: number | undefined, piece: Piece): void {
    const call = this.#callAt(place, piece);
    if (piece.name) call.name = piece.name;
    const more = piece.arguments ?? '';
    this.#characters += more.length;
    if (this.#characters > ARGUMENTS_MOST) throw new Error(`tool calls of more than ${ARGUMENTS_MOST} characters`);
    call.arguments += more;
  }

  /** Puts the whole of a call where its pieces were. */
  set(place: number, whole: Piece): void {
    this.add(place, { id: whole.id, name: whole.name });
    const call = this.#places.get(place);
    if (call !== undefined && typeof whole.arguments === 'string') call.arguments = whole.arguments;
  }

  get none(): boolean {
    return this.#calls.length === 0;
  }

  /** Whole, in the order in which they began. Arguments that are left out are none. */
  events(): readonly ChatEvent[] {
    const used = new Set<string>();
    return this.#calls
      .filter(({ name }) => name !== '')
      .map((call) => {
        const id = call.id === '' || used.has(call.id) ? this.#newId() : call.id;
        used.add(id);
        return {
          type: 'tool_call',
          id,
          name: this.#ours(call.name),
          arguments: call.arguments.trim() === '' ? '{}' : call.arguments,
        };
      });
  }

  #callAt(place: number | undefined, { id, name }: Piece): Call {
    const at = place ?? (name ? this.#calls.length : this.#calls.length - 1);
    const known = this.#places.get(at);
    // Some servers give every call the same number, and only its id tells it from the one before.
    const another = known !== undefined && id && known.id !== '' && known.id !== id && name;
    if (known !== undefined && !another) {
      if (known.id === '' && id) known.id = id;
      return known;
    }
    if (this.#calls.length >= CALLS_MOST) throw new Error(`more than ${CALLS_MOST} tool calls`);
    const call: Call = { id: id ?? '', name: '', arguments: '' };
    this.#calls.push(call);
    this.#places.set(at, call);
    return call;
  }
}

// SPDX-License-Identifier: Apache-2.0
// What was granted in the last minute: requests and tokens, so that over any sixty seconds there are no more than may be.

/** Of 0 there is no limit. */
export interface MinuteLimits {
  readonly requests_per_minute: number;
  readonly tokens_per_minute: number;
}

/** What there is no room for, and for how long, in milliseconds. */
export interface NoRoom {
  readonly limit: keyof MinuteLimits;
  readonly ms: number;
}

const SECOND = 1_000;
/**
 * Seconds that are counted. A grant at the end of a second is within a minute of everything up to the end of the sixtieth
 * after it, so sixty-one of them are kept: over any minute there may be a little less than the limit, and never more.
 */
const KEPT = 61;
const NEVER = -1;

interface Second {
  at: number;
  requests: number;
  tokens: number;
}

function unlimited({ requests_per_minute, tokens_per_minute }: MinuteLimits): boolean {
  return requests_per_minute === 0 && tokens_per_minute === 0;
}

/** Times are of a clock that never goes back, in milliseconds. */
export class Minute {
  private limits: MinuteLimits;
  private free: boolean;
  private readonly seconds: Second[] = Array.from({ length: KEPT }, () => ({ at: NEVER, requests: 0, tokens: 0 }));
  private requests = 0;
  private tokens = 0;
  /** Up to here nothing counts any more. */
  private passed = NEVER;

  constructor(limits: MinuteLimits) {
    this.limits = limits;
    this.free = unlimited(limits);
  }

  /** Other limits hold from now on. What was granted before counts, as far as there was a limit to count it for. */
  follow(limits: MinuteLimits): void {
    this.limits = limits;
    this.free = unlimited(limits);
  }

  /** Whether a request may use so many tokens at all. */
  fits(tokens: number): boolean {
    const { tokens_per_minute } = this.limits;
    return tokens_per_minute === 0 || tokens <= tokens_per_minute;
  }

  /** Null: one more request with so many tokens may be granted now. */
  lacks(tokens: number, now: number): NoRoom | null {
    if (this.free) return null;
    this.pass(now);
    const { requests_per_minute, tokens_per_minute } = this.limits;
    const requestsOver = requests_per_minute === 0 ? 0 : this.requests + 1 - requests_per_minute;
    const tokensOver = tokens_per_minute === 0 ? 0 : this.tokens + tokens - tokens_per_minute;
    if (requestsOver <= 0 && tokensOver <= 0) return null;
    let [requests, held] = [0, 0];
    const last = Math.floor(now / SECOND);
    for (let at = last - KEPT + 1; at <= last; at += 1) {
      const second = this.second(at);
      if (second?.at !== at) continue;
      requests += second.requests;
      held += second.tokens;
      if ((requestsOver > 0 && requests < requestsOver) || (tokensOver > 0 && held < tokensOver)) continue;
      const limit = requestsOver > 0 ? 'requests_per_minute' : 'tokens_per_minute';
      return { limit, ms: (at + KEPT) * SECOND - now };
    }
    // More than the limit itself, which `fits` says: there is never room.
    return { limit: 'tokens_per_minute', ms: KEPT * SECOND };
  }

  /** Grants one. @returns the second it counts in, for {@link used} */
  take(tokens: number, now: number): number {
    const at = Math.floor(now / SECOND);
    if (this.free) return at;
    this.pass(now);
    const second = this.second(at);
    if (second === undefined) return at;
    if (second.at !== at) Object.assign(second, { at, requests: 0, tokens: 0 });
    second.requests += 1;
    second.tokens += tokens;
    this.requests += 1;
    this.tokens += tokens;
    return at;
  }

  /** What was granted in a second has used more or less than was held. */
  used(at: number, more: number, now: number): void {
    if (this.free) return;
    this.pass(now);
    const second = this.second(at);
    if (second?.at !== at) return;
    second.tokens += more;
    this.tokens += more;
  }

  private second(at: number): Second | undefined {
    return this.seconds[at % KEPT];
  }

  /** Forgets what lies more than a minute back. */
  private pass(now: number): void {
    const until = Math.floor(now / SECOND) - KEPT;
    if (until <= this.passed) return;
    this.passed = until;
    for (const second of this.seconds) {
      if (second.at > until) continue;
      this.requests -= second.requests;
      this.tokens -= second.tokens;
      Object.assign(second, { at: NEVER, requests: 0, tokens: 0 });
    }
  }
}

/** How far the gateway's clock is ahead of this one's, narrowed down by each answer's Date header. */
export interface ServerClock {
  /** Takes note of an answer: its Date header, when it was asked for and when it came. */
  note(date: string | null, askedAt: number, answeredAt: number): void;
  /** Milliseconds since the epoch by the gateway's clock, to within a second. */
  now(): number;
}

export function createServerClock(): ServerClock {
  let lowest = Number.NEGATIVE_INFINITY;
  let highest = Number.POSITIVE_INFINITY;
  return {
    note(date, askedAt, answeredAt) {
      const second = date === null ? Number.NaN : Date.parse(date);
      if (Number.isNaN(second)) return;
      // The header says the second in which it was written, which may be a second old.
      const low = second - answeredAt;
      const high = second + 2_000 - askedAt;
      if (low > highest || high < lowest)
        [lowest, highest] = [low, high]; // a clock was set
      else [lowest, highest] = [Math.max(lowest, low), Math.min(highest, high)];
    },
    now: () => Date.now() + (Number.isFinite(lowest + highest) ? (lowest + highest) / 2 : 0),
  };
}

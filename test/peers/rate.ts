export interface Rate {
  /** How many in any such time. */
  calls: number;
  windowMs: number;
  /** Milliseconds to wait, or 0 when the call may go on; only those that may count. */
  take(now: number): number;
  remaining(now: number): number;
}

/** At most so many calls in any second, or other time, however they fall: no burst, no window that starts anew. */
export function createRate(calls: number, windowMs = 1000): Rate {
  let taken: number[] = [];
  const recent = (now: number) => {
    taken = taken.filter((at) => at > now - windowMs);
    return taken;
  };
  return {
    calls,
    windowMs,
    take(now) {
      const before = recent(now);
      if (before.length >= this.calls) return (before[before.length - this.calls] ?? now) + windowMs - now;
      before.push(now);
      return 0;
    },
    remaining(now) {
      return Math.max(0, this.calls - recent(now).length);
    },
  };
}

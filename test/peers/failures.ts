import { type Random, seeded } from '../support/random.ts';

/**
 * `timeout` never answers, `cut` breaks the connection; both may come after the call has had its effect. 403 is one that
 * comes now and then although the key is right, and only when asked for.
 */
export type FailureKind = 403 | 429 | 503 | 'timeout' | 'cut';

export interface Failing {
  /** Of all calls, 0 to 1. */
  rate: number;
  kinds?: FailureKind[];
  /** The same seed fails the same calls, counted as they arrive. */
  seed?: number;
}

export interface Failure {
  kind: FailureKind;
  /** The call is carried out and only its answer is lost: what makes a repeat dangerous. */
  afterEffect: boolean;
}

export interface Failures {
  failWith(failing: Failing): void;
  next(): Failure | undefined;
}

/** Fails no call until told to. */
export function createFailures(): Failures {
  let random: Random = seeded(1);
  let failing: Required<Omit<Failing, 'seed'>> = { rate: 0, kinds: [] };
  return {
    failWith({ rate, kinds = [429, 503, 'timeout', 'cut'], seed = 1 }) {
      random = seeded(seed);
      failing = { rate, kinds };
    },
    next() {
      if (failing.rate === 0 || !random.chance(failing.rate)) return;
      const kind = random.pick(failing.kinds);
      return { kind, afterEffect: typeof kind === 'string' && random.chance(0.5) };
    },
  };
}

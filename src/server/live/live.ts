import type { ExecutionResult, ValidatedSubscriptionArgs } from 'graphql';
import type { Following } from '../../resolvers/events/follow.ts';
import type { Operation } from '../documents.ts';
import type { Session } from '../sessions.ts';
import type { Seat } from './seat.ts';

export interface Live {
  /**
   * Seats a subscriber with those who ask the same, behind the cursor `after` or from now on. Answers why not, or null.
   * A seat that was left meanwhile stays empty.
   */
  join(seat: Seat, asked: Asked, after: string | null, requestId: string): Promise<ExecutionResult | null>;
  leave(seat: Seat): void;
  /** Looks again at what these sessions share with whom: their rights have changed. */
  regroup(changed: ReadonlySet<Session>): void;
}

/** A subscription that was validated, and whose source was opened with the caller's rights. */
export interface Asked {
  operation: Operation;
  args: ValidatedSubscriptionArgs;
  following: Following;
}

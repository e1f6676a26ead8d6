import type { ExecutionResult } from 'graphql';
import type { Operation } from '../documents.ts';
import type { Session } from '../sessions.ts';
import type { Payload } from './payload.ts';

/** How events reach the clients of a kind. Shared by all of them: thousands of seats are idle most of the time. */
export interface Transport {
  /** Hands events over, in one piece. False when the client takes none any more: it is gone, or too slow. */
  write(seat: Seat, payloads: readonly Payload[]): boolean;
  /** Once the client took most of what it was handed; false when it is gone, or too slow. */
  taken(seat: Seat): Promise<boolean>;
  /** It is over, for another reason than that the client left. `result` says why, if there is anything to say. */
  ended(seat: Seat, result?: ExecutionResult): void;
}

/** One subscription of one client. */
export interface Seat {
  session: Session;
  transport: Transport;
  /** It has every event up to here that it may have. */
  position: bigint;
  /** Null before, between two groups, and at the end. */
  group: Group | null;
  /** It runs, or did: not before it has joined. */
  seated: boolean;
  over: boolean;
}

/** What every seat begins with. */
export function newSeat(session: Session, transport: Transport): Seat {
  return { session, transport, position: 0n, group: null, seated: false, over: false };
}

/** Those who get the same answer to the same event. */
export interface Group {
  /** What they asked; where each began makes no difference. */
  operation: Operation;
  /** From its position on, at once or when it has caught up. */
  join(seat: Seat): void;
  leave(seat: Seat): void;
  /** Whoever is in it, caught up or not. */
  seats(): Iterable<Seat>;
}

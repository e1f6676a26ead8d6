import { Refused } from '../core/errors.ts';

/** A place in the order of the log. The epoch changes when the database is restored to an earlier time. */
export interface Place {
  epoch: string;
  position: bigint;
}

/** How far the log reaches. */
export interface Reach {
  epoch: string;
  /** Events up to here may have been trimmed. */
  trimmedTo: bigint;
  /** The last position given out, in any workspace. */
  last: bigint;
}

/** Opaque to clients. */
export function encodeCursor(place: Place): string {
  return Buffer.from(`${place.epoch}:${place.position}`).toString('base64url');
}

/** Refuses what is not a cursor of this log, and one behind which the log has a gap. */
export function decodeCursor(cursor: string, log: Reach): Place {
  const match = /^([0-9a-f-]{36}):(\d{1,18})$/.exec(Buffer.from(cursor, 'base64url').toString());
  if (!match) throw new Refused('BAD_USER_INPUT', 'after: Must be a cursor that a subscription gave out.');
  const place = { epoch: match[1] as string, position: BigInt(match[2] as string) };
  if (place.epoch !== log.epoch || place.position > log.last)
    throw cursorExpired(log, 'The log was restored to an earlier time since this cursor was given out.');
  if (place.position < log.trimmedTo)
    throw cursorExpired(log, 'The log no longer reaches back to this cursor.');
  return place;
}

/** What was between the cursor and now cannot be told. `why` is a sentence. */
export function cursorExpired({ epoch, trimmedTo }: Omit<Reach, 'last'>, why: string): Refused {
  return new Refused('CURSOR_EXPIRED', `${why} Read afresh, then subscribe without \`after\`.`, {
    oldestCursor: encodeCursor({ epoch, position: trimmedTo }),
  });
}

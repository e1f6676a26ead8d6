import { Refused } from '../core/errors.ts';

/** A place in the order of the log. The epoch changes when the database is restored to an earlier time. */
export interface Place {
  epoch: string;
  position: bigint;
}

/** Opaque to clients. */
export function encodeCursor(place: Place): string {
  return Buffer.from(`${place.epoch}:${place.position}`).toString('base64url');
}

/** Refuses what is not a cursor of this log. */
export function decodeCursor(cursor: string, epoch: string): Place {
  const match = /^([0-9a-f-]{36}):(\d{1,18})$/.exec(Buffer.from(cursor, 'base64url').toString());
  if (!match) throw new Refused('BAD_USER_INPUT', 'after: Must be a cursor that a subscription gave out.');
  const place = { epoch: match[1] as string, position: BigInt(match[2] as string) };
  if (place.epoch !== epoch) {
    const message =
      'The log was restored to an earlier time since this cursor was given out. Read afresh, then subscribe without `after`.';
    throw new Refused('CURSOR_EXPIRED', message, { oldestCursor: encodeCursor({ epoch, position: 0n }) });
  }
  return place;
}

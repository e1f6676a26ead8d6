import type { BookingStatus } from '../../core/database.ts';
import { InvalidState } from '../../core/errors.ts';

/** What can be done to a booking, and from which statuses. */
export const allowedFrom = {
  update: ['PENDING', 'CONFIRMED', 'CANCELLED', 'COMPLETED', 'NO_SHOW'],
  confirm: ['PENDING'],
  reschedule: ['PENDING', 'CONFIRMED'],
  cancel: ['PENDING', 'CONFIRMED'],
  complete: ['PENDING', 'CONFIRMED', 'NO_SHOW'],
  markNoShow: ['PENDING', 'CONFIRMED', 'COMPLETED'],
} as const satisfies Record<string, readonly BookingStatus[]>;

export type BookingAction = keyof typeof allowedFrom;

export function isAllowed(action: BookingAction, status: BookingStatus): boolean {
  return (allowedFrom[action] as readonly BookingStatus[]).includes(status);
}

/** Refuses an action that the booking's status does not allow. */
export function checkAllowed(action: BookingAction, status: BookingStatus): void {
  if (isAllowed(action, status)) return;
  throw new InvalidState(
    `The booking is ${status}; this needs one that is ${allowedFrom[action].join(' or ')}.`,
  );
}

import type { ActivityType } from '../generated/graphql.ts';

interface Group {
  label: string;
  types: ActivityType[];
}

/** What one may want to see of the stream, in everyday words. */
export const activityGroups: Record<string, Group> = {
  bookings: { label: 'New bookings', types: ['BOOKING_CREATED'] },
  changes: {
    label: 'Changes',
    types: ['BOOKING_CONFIRMED', 'BOOKING_UPDATED', 'BOOKING_RESCHEDULED', 'BOOKING_COMPLETED'],
  },
  cancellations: { label: 'Cancellations', types: ['BOOKING_CANCELLED', 'BOOKING_NO_SHOW'] },
  payments: { label: 'Payments', types: ['PAYMENT_RECORDED', 'PAYMENT_REFUNDED'] },
  customers: { label: 'Customers', types: ['CUSTOMER_CREATED', 'CUSTOMER_UPDATED', 'CUSTOMER_DELETED'] },
  tags: { label: 'Tags', types: ['TAG_ADDED', 'TAG_REMOVED'] },
  segments: { label: 'Segments', types: ['SEGMENT_JOINED', 'SEGMENT_LEFT'] },
  scores: { label: 'Lead scores', types: ['LEAD_SCORE_CHANGED'] },
  interest: {
    label: 'Interest',
    types: [
      'EMAIL_OPENED',
      'EMAIL_CLICKED',
      'EMAIL_UNSUBSCRIBED',
      'PAGE_VISITED',
      'FORM_SUBMITTED',
      'DOCUMENT_DOWNLOADED',
      'REFERRAL_MADE',
    ],
  },
};

/** The types of the groups that are chosen; null, which is all, when none is. */
export function typesOf(chosen: readonly string[]): ActivityType[] | null {
  const types = chosen.flatMap((name) => activityGroups[name]?.types ?? []);
  return types.length > 0 ? types : null;
}

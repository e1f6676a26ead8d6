import type { Condition } from '../conditions/condition.ts';

export interface DefaultRule {
  /** Never changed: a rule is known by it. */
  key: string;
  name: string;
  description: string;
  eventType?: string;
  inactiveDays?: number;
  condition?: (currency: string) => Condition;
  points: number;
  /** In whole units of the business's currency. */
  perAmount?: number;
  maxOccurrences?: number;
  expiresAfterDays?: number;
  renews?: boolean;
  active: boolean;
}

/**
 * The rules that every business begins with. docs/scoring.md says why some of them sleep: bookings and payments would
 * be counted twice.
 */
export const defaultRules: readonly DefaultRule[] = [
  engagement('email_opened', 'Opens e-mail', 'email.opened', 5),
  engagement('email_clicked', 'Clicks e-mail link', 'email.clicked', 10),
  {
    ...engagement('pricing_page_visited', 'Visits pricing page', 'page.visited', 15),
    description: 'A page whose address or name has "pricing" in it.',
    condition: () => ({ field: 'event.subject', operator: 'contains', value: 'pricing' }),
  },
  engagement('resource_downloaded', 'Downloads resource', 'document.downloaded', 10),
  engagement('form_submitted', 'Submits inquiry form', 'form.submitted', 20),
  {
    key: 'free_class_attended',
    name: 'Attends free class',
    description: 'A booking at no price took place.',
    eventType: 'booking.completed',
    condition: (currency) => ({
      field: 'event.price',
      operator: 'equals',
      value: { amount: '0', currency },
    }),
    points: 25,
    active: true,
  },
  {
    key: 'course_purchased',
    name: 'Purchases course',
    description: 'A payment. Asleep, since the booking formula counts what is spent in proportion.',
    eventType: 'payment.recorded',
    points: 50,
    active: false,
  },
  engagement('friend_referred', 'Refers a friend', 'referral.made', 30),
  {
    key: 'course_completed',
    name: 'Completes course',
    description:
      'A booking with a price took place. Asleep, since the booking formula counts each booking when it is made.',
    eventType: 'booking.completed',
    condition: (currency) => ({
      field: 'event.price',
      operator: 'greater_than',
      value: { amount: '0', currency },
    }),
    points: 40,
    active: false,
  },
  inactive(14, -5),
  inactive(30, -15),
  engagement('unsubscribed', 'Unsubscribes', 'email.unsubscribed', -50),
  {
    key: 'booked',
    name: 'Booking',
    description: 'Each booking that is made.',
    eventType: 'booking.created',
    points: 10,
    active: true,
  },
  {
    key: 'spent',
    name: 'Money spent',
    description:
      'A point for each full 10 units of the business’s currency, of everything paid so far less refunds.',
    eventType: 'payment.recorded',
    points: 1,
    perAmount: 10,
    active: true,
  },
  recent(30),
  recent(90),
];

function engagement(key: string, name: string, eventType: string, points: number): DefaultRule {
  return { key, name, description: 'Each time.', eventType, points, active: true };
}

function inactive(days: number, points: number): DefaultRule {
  return {
    key: `inactive_${days}_days`,
    name: `Inactive ${days} days`,
    description: 'Once, until they do something again.',
    inactiveDays: days,
    points,
    active: true,
  };
}

/** Two of them make 20 points for thirty days after a booking was made, and 10 for ninety. */
function recent(days: number): DefaultRule {
  return {
    key: `booked_within_${days}_days`,
    name: `Booked in the last ${days} days`,
    description: 'Once at a time; each booking begins the days anew.',
    eventType: 'booking.created',
    points: 10,
    maxOccurrences: 1,
    expiresAfterDays: days,
    renews: true,
    active: true,
  };
}

import type { Criteria, Leaf } from '../../conditions/condition.ts';
import { sentence } from '../../conditions/sentence.ts';

export interface Suggestion {
  name: string;
  description: string;
  criteria: Criteria;
  sentence: string;
}

const completed = { status: ['COMPLETED'] };
const leaf = (
  field: string,
  operator: Leaf['operator'],
  value: Leaf['value'],
  where?: Leaf['where'],
): Leaf => ({
  ...{ field, operator },
  ...(value !== undefined && { value }),
  ...(where && { where }),
});
const score = (which: string, from: number, to: number) => leaf(`${which}_score`, 'between', [from, to]);
const rfm = (recency: [number, number], frequency: [number, number]): Criteria => ({
  version: 1,
  match: 'all',
  conditions: [score('recency', ...recency), score('frequency', ...frequency)],
});
const days = (ago: number) => ({ ago, unit: 'days' as const });

/**
 * Segments that many businesses want. VIP, Loyal, New, High value and At risk are those of the booking business (10, 5 and
 * 1 completed bookings; 1,000 spent; nothing booked for 90 days); the others are the usual groups by recency and
 * frequency scores, which do not overlap and leave nobody out who ever came.
 */
export function suggestSegments(currency: string): Suggestion[] {
  const list: [string, string, Criteria][] = [
    ['VIP', 'Came ten times or more.', { version: 1, ...leaf('bookings_count', 'at_least', 10, completed) }],
    [
      'Loyal',
      'Came five to nine times.',
      { version: 1, ...leaf('bookings_count', 'between', [5, 9], completed) },
    ],
    ['New', 'Came once so far.', { version: 1, ...leaf('bookings_count', 'equals', 1, completed) }],
    [
      'High value',
      'Spent a thousand or more.',
      { version: 1, ...leaf('total_spent', 'at_least', { amount: '1000', currency }) },
    ],
    [
      'At risk',
      'Booked before, and not for 90 days.',
      { version: 1, ...leaf('last_booking_at', 'before', days(90)) },
    ],
    [
      'Often cancels',
      'Called off three bookings or more within a year.',
      {
        version: 1,
        ...leaf('bookings_count', 'at_least', 3, {
          status: ['CANCELLED'],
          within: { last: 1, unit: 'years' },
        }),
      },
    ],
    [
      'Booked for next week',
      'Has a booking within the next seven days.',
      {
        version: 1,
        ...leaf('bookings_count', 'at_least', 1, {
          status: ['CONFIRMED', 'PENDING'],
          within: { next: 7, unit: 'days' },
        }),
      },
    ],
    ['RFM: Champions', 'Came lately and often.', rfm([4, 5], [4, 5])],
    ['RFM: Loyal customers', 'Come often, not just now.', rfm([3, 3], [4, 5])],
    ['RFM: Potential loyalists', 'Came lately, and more than once or twice.', rfm([4, 5], [2, 3])],
    ['RFM: New customers', 'Came lately for the first time.', rfm([4, 5], [1, 1])],
    ['RFM: Need attention', 'Middling in both.', rfm([3, 3], [2, 3])],
    ['RFM: About to sleep', 'Came seldom, and not lately.', rfm([3, 3], [1, 1])],
    ['RFM: Cannot lose', 'Came often, and stay away.', rfm([1, 2], [4, 5])],
    ['RFM: At risk', 'Came now and then, and stay away.', rfm([1, 2], [2, 3])],
    ['RFM: Hibernating', 'Came seldom, long ago.', rfm([1, 2], [1, 1])],
  ];
  return list.map(([name, description, criteria]) => ({
    ...{ name, description, criteria },
    sentence: sentence(criteria, new Map()),
  }));
}

import type { FeedActivity } from '../api/feed.ts';
import { formatMoney, ofMinor } from './money.ts';
import { formatTime } from './time.ts';
import { methodWords } from './words.ts';

type Facts = Partial<Record<string, unknown>>;

const fieldWords: Record<string, string> = {
  firstName: 'first name',
  lastName: 'last name',
  companyName: 'company',
  jobTitle: 'job title',
  bornOn: 'date of birth',
  timeZone: 'time zone',
  lifecycleStage: 'stage',
  doNotContact: 'contact wishes',
  ownerId: 'owner',
  teamId: 'team',
  avatarUrl: 'picture',
  referralSource: 'referral',
  externalId: 'outside id',
  vip: 'VIP mark',
  email: 'e-mail address',
};

/** What matters comes first: the end of a line may be cut off. */
const bookingVerbs: Partial<Record<string, string>> = {
  BOOKING_CREATED: 'Booked',
  BOOKING_UPDATED: 'Changed',
  BOOKING_RESCHEDULED: 'Moved',
  BOOKING_CONFIRMED: 'Confirmed',
  BOOKING_CANCELLED: 'Cancelled',
  BOOKING_COMPLETED: 'Completed',
  BOOKING_NO_SHOW: 'No-show:',
};

/** The line of an activity, without the jargon of field names. */
export function titleOf({ type, title, data }: Pick<FeedActivity, 'type' | 'title' | 'data'>): string {
  const facts = (data ?? {}) as Facts;
  const verb = bookingVerbs[type];
  if (verb && typeof facts.serviceName === 'string') return `${verb} ${facts.serviceName}`;
  if (type === 'CUSTOMER_UPDATED' && Array.isArray(facts.fields))
    return `Changed ${facts.fields.map((field) => fieldWords[field] ?? field).join(', ')}`;
  return title;
}

/** What more there is to say of it: how much, and when the booking is. */
export function detailOf(
  { type, data }: Pick<FeedActivity, 'type' | 'data'>,
  timeZone: string,
): string | null {
  const facts = (data ?? {}) as Facts;
  if (type.startsWith('PAYMENT') && typeof facts.currency === 'string') {
    const minor = String(type === 'PAYMENT_REFUNDED' ? facts.refundMinor : facts.amountMinor);
    const method = methodWords[String(facts.method)];
    return [formatMoney(ofMinor(minor, facts.currency)), method && `by ${method}`].filter(Boolean).join(' ');
  }
  if (type.startsWith('BOOKING') && typeof facts.startsAt === 'string')
    return formatTime(facts.startsAt, {
      weekday: 'short',
      day: 'numeric',
      month: 'short',
      hour: '2-digit',
      minute: '2-digit',
      timeZone,
    });
  return null;
}

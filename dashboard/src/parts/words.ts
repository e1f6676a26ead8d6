import type { ActivityType, BookingStatus, LeadGrade, LifecycleStage } from '../generated/graphql.ts';

/** `NO_SHOW` -> `No show`, for values that need no words of their own. */
export const plain = (value: string) => `${value[0]}${value.slice(1).toLowerCase().replaceAll('_', ' ')}`;

export const statusWords: Record<BookingStatus, { label: string; tone: Tone }> = {
  PENDING: { label: 'Pending', tone: 'amber' },
  CONFIRMED: { label: 'Confirmed', tone: 'blue' },
  COMPLETED: { label: 'Completed', tone: 'green' },
  CANCELLED: { label: 'Cancelled', tone: 'grey' },
  NO_SHOW: { label: 'No-show', tone: 'red' },
};

export const gradeWords: Record<LeadGrade, { label: string; tone: Tone }> = {
  COLD: { label: 'Cold', tone: 'grey' },
  WARM: { label: 'Warm', tone: 'amber' },
  HOT: { label: 'Hot', tone: 'red' },
  QUALIFIED: { label: 'Qualified', tone: 'green' },
};

export const stageWords: Record<LifecycleStage, string> = {
  NEW: 'New',
  LEAD: 'Lead',
  PROSPECT: 'Prospect',
  CUSTOMER: 'Customer',
  LOYAL: 'Loyal',
  AT_RISK: 'At risk',
  CHURNED: 'Lost',
};

export const methodWords: Record<string, string> = {
  BANK_TRANSFER: 'bank transfer',
  CARD: 'card',
  CASH: 'cash',
  OTHER: 'other',
  VOUCHER: 'voucher',
  WALLET: 'wallet',
};

export type Tone = 'amber' | 'blue' | 'green' | 'grey' | 'red' | 'violet' | 'accent';

export function toneOf(type: ActivityType): Tone {
  if (type === 'BOOKING_CANCELLED') return 'grey';
  if (type === 'BOOKING_NO_SHOW') return 'red';
  if (type === 'BOOKING_COMPLETED' || type.startsWith('PAYMENT')) return 'green';
  if (type.startsWith('BOOKING')) return 'blue';
  if (type.startsWith('TAG') || type.startsWith('SEGMENT')) return 'violet';
  if (type === 'LEAD_SCORE_CHANGED') return 'amber';
  return 'accent';
}

/** A name to show for a customer, whatever is known of them. */
export const nameOf = (
  customer: { fullName?: string | null; email?: string | null; deletedAt?: string | null } | null | undefined,
) => customer?.fullName || customer?.email || (customer?.deletedAt ? 'Deleted customer' : 'No name');

export function initialsOf(name: string): string {
  const words = name.split(/[\s@.]+/).filter(Boolean);
  return [words[0], words.length > 1 ? words.at(-1) : undefined]
    .map((word) => [...(word ?? '')][0]?.toUpperCase() ?? '')
    .join('');
}

export const count = (n: number, one: string, many = `${one}s`) =>
  `${n.toLocaleString()} ${n === 1 ? one : many}`;

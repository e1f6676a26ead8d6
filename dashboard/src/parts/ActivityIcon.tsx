import {
  IconCalendarCheck,
  IconCalendarEvent,
  IconCalendarOff,
  IconCalendarPlus,
  IconCalendarTime,
  IconCash,
  IconCashMinus,
  IconChartBar,
  IconCircleCheck,
  IconFileDownload,
  IconFlame,
  IconForms,
  IconMailOff,
  IconMailOpened,
  IconPencil,
  IconTag,
  IconUserOff,
  IconUserPlus,
  IconUsersGroup,
  IconWorld,
} from '@tabler/icons-react';
import type { ActivityType } from '../generated/graphql.ts';
import { toneOf } from './words.ts';

const icons: { [type in ActivityType]?: typeof IconTag } = {
  BOOKING_CREATED: IconCalendarPlus,
  BOOKING_CONFIRMED: IconCalendarCheck,
  BOOKING_CANCELLED: IconCalendarOff,
  BOOKING_COMPLETED: IconCircleCheck,
  BOOKING_NO_SHOW: IconUserOff,
  BOOKING_RESCHEDULED: IconCalendarTime,
  CUSTOMER_CREATED: IconUserPlus,
  CUSTOMER_UPDATED: IconPencil,
  CUSTOMER_DELETED: IconUserOff,
  PAYMENT_RECORDED: IconCash,
  PAYMENT_REFUNDED: IconCashMinus,
  DOCUMENT_DOWNLOADED: IconFileDownload,
  EMAIL_CLICKED: IconMailOpened,
  EMAIL_OPENED: IconMailOpened,
  EMAIL_UNSUBSCRIBED: IconMailOff,
  FORM_SUBMITTED: IconForms,
  LEAD_SCORE_CHANGED: IconFlame,
  PAGE_VISITED: IconWorld,
  REFERRAL_MADE: IconUserPlus,
  SEGMENT_JOINED: IconUsersGroup,
  SEGMENT_LEFT: IconUsersGroup,
  TAG_ADDED: IconTag,
  TAG_REMOVED: IconTag,
};

export function ActivityIcon({ type }: { type: ActivityType }) {
  const Icon = icons[type] ?? (type.startsWith('BOOKING') ? IconCalendarEvent : IconChartBar);
  return (
    <span className="icon" data-tone={toneOf(type)} aria-hidden>
      <Icon size={16} stroke={1.75} />
    </span>
  );
}

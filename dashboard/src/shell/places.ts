import { IconBolt, IconCalendar, IconFlame, IconUsers } from '@tabler/icons-react';

/** Where one can go. */
export const places = [
  { to: '/', label: 'Today', Icon: IconCalendar },
  { to: '/activity', label: 'Activity', Icon: IconBolt },
  { to: '/customers', label: 'Customers', Icon: IconUsers },
  { to: '/leads', label: 'Leads', Icon: IconFlame },
] as const;

import { type IdType, uuidOf } from '../core/ids.ts';
import { minorOf } from '../core/money.ts';
import type { Permission } from '../core/permissions.ts';
import { activityNames, type EventName } from '../events/catalogue.ts';
import type { Amount, Leaf, Operator, Where } from './condition.ts';
import { boundsOf, isRelative, type Moment, type Shift, shiftOf, shiftsOf } from './moment.ts';
import type { SqlWriter } from './sql.ts';

/** What a field is, which decides its operators and how its value is compared. */
export type Kind =
  | 'text'
  | 'number'
  | 'money'
  | 'datetime'
  | 'date'
  | 'boolean'
  | 'enum'
  | 'reference'
  | 'list';

const presence = ['is_set', 'is_not_set'] as const;
const sameness = ['equals', 'not_equals', 'in_list', 'not_in_list'] as const;
const size = ['equals', 'not_equals', 'greater_than', 'less_than', 'at_least', 'at_most', 'between'] as const;

/** Which operators a kind of field has. */
export const operatorsOf: Record<Kind, readonly Operator[]> = {
  text: [...sameness, 'contains', 'not_contains', 'starts_with', 'ends_with', ...presence],
  number: [...size, 'in_list', 'not_in_list', ...presence],
  money: [...size, ...presence],
  datetime: ['before', 'after', 'between', ...presence],
  date: ['equals', 'not_equals', 'before', 'after', 'between', ...presence],
  boolean: ['equals', 'not_equals'],
  enum: [...sameness, ...presence],
  reference: [...sameness, ...presence],
  list: ['contains', 'not_contains', 'in_list', 'not_in_list', ...presence],
};

interface Described {
  name: string;
  /** For a list of fields. */
  label: string;
  description: string;
  kind: Kind;
  /** Of an enum. */
  values?: readonly string[];
  /** What the ids of a reference or list name; text when there is none. */
  refersTo?: IdType;
  /** What `where` may narrow it by. */
  narrowedBy?: readonly (keyof Where)[];
  /** Who asks for it must be allowed to see what it tells. */
  needs?: Permission | undefined;
}

/** Something about a customer: one SQL expression, which both evaluators read. */
export interface CustomerField extends Described {
  about: 'CUSTOMER';
  /** Its value for `customer c`. */
  sql(writer: SqlWriter, leaf: Leaf, moment: Moment): string;
  /** Whether an event of this type can change it for the customer on whose timeline it stands. */
  changedBy(type: string, leaf: Leaf): boolean;
  /** Of a list: `SELECT customer_id` of those who have any of these, or anything at all. */
  having?(writer: SqlWriter, ids: readonly unknown[] | null): string;
  /** Where its truth changes by the passing of time alone. */
  edges?(leaf: Leaf): Edge[];
}

/** Something that an event says. It is read from the event itself. */
export interface EventField extends Described {
  about: 'EVENT';
  /** Events that say it. */
  types: RegExp;
  read(event: EventFacts): unknown;
}

export type Field = CustomerField | EventField;

/** What a condition can ask of an event. */
export interface EventFacts {
  type: string;
  data: Record<string, unknown>;
}

/** Rows whose time passes now plus the shift, by the passing of time. */
export interface Edge {
  table: 'booking' | 'payment' | 'event' | 'customer';
  column: 'starts_at' | 'paid_at' | 'occurred_at' | 'created_at' | 'born_on';
  shift: Shift;
}

/** What customers do of their own accord, unlike what is done about them. */
export const doneByCustomers = activityNames.filter(
  (name) =>
    /^(booking\.(created|rescheduled|completed)|payment\.recorded|(email|page|document|form|referral)\.)/.test(
      name,
    ) && !name.endsWith('unsubscribed'),
);

const bookingStatuses = ['PENDING', 'CONFIRMED', 'CANCELLED', 'COMPLETED', 'NO_SHOW'] as const;
const paymentMethods = ['CASH', 'CARD', 'BANK_TRANSFER', 'WALLET', 'VOUCHER', 'OTHER'] as const;
const stages = ['NEW', 'LEAD', 'PROSPECT', 'CUSTOMER', 'LOYAL', 'AT_RISK', 'CHURNED'] as const;
const ofBookings = /^booking\./;
const ofPayments = /^payment\./;
const on = (types: RegExp) => (type: string) => types.test(type);

/** A column of the customer. */
function column(
  name: string,
  kind: Kind,
  label: string,
  description: string,
  more: Partial<CustomerField> & { sql?: CustomerField['sql'] } = {},
): CustomerField {
  const sql = kind === 'enum' ? `c.${name}::text` : kind === 'text' ? `nullif(c.${name}, '')` : `c.${name}`;
  return {
    name,
    kind,
    label,
    description,
    about: 'CUSTOMER',
    changedBy: on(/^customer\./),
    sql: () => sql,
    ...more,
  };
}

/** The bounds of a relative value, for a field that is the time of a row. */
const passing =
  (table: Edge['table'], at: Edge['column']) =>
  (leaf: Leaf): Edge[] =>
    [leaf.value ?? []]
      .flat()
      .filter(isRelative)
      .map((value) => ({ table, column: at, shift: shiftOf(value) }));

/** What an aggregate's `within` lets in and out. */
const within =
  (table: Edge['table'], at: Edge['column']) =>
  ({ where }: Leaf): Edge[] =>
    where?.within ? shiftsOf(where.within).map((shift) => ({ table, column: at, shift })) : [];

const uuids = (type: IdType, ids: readonly string[]) => ids.map((id) => uuidOf(type, id));

/** Which rows of a table `where` lets in, as a condition on them; empty for all. */
function rowsWhere(writer: SqlWriter, where: Where, moment: Moment, at: string): string {
  const parts: string[] = [];
  const any = (sql: string, values: unknown[] | undefined, cast: string) =>
    values && parts.push(`${sql} = ANY(${writer.param(values, cast)})`);
  any('service_id', where.service && uuids('Service', where.service), 'uuid[]');
  any('staff_member_id', where.staff_member && uuids('StaffMember', where.staff_member), 'uuid[]');
  any('status', where.status, 'text[]::booking_status[]');
  any('method', where.method, 'text[]::payment_method[]');
  any('type', where.type, 'text[]');
  if (where.within) {
    const { after, from, upTo, until } = boundsOf(where.within, moment);
    if (after) parts.push(`${at} > ${writer.param(after, 'timestamptz')}`);
    if (from) parts.push(`${at} >= ${writer.param(from, 'timestamptz')}`);
    if (upTo) parts.push(`${at} <= ${writer.param(upTo, 'timestamptz')}`);
    if (until) parts.push(`${at} < ${writer.param(until, 'timestamptz')}`);
  }
  return parts.join(' AND ');
}

/** When a row of a table happened. */
const timeOf = { booking: 'starts_at', payment: 'paid_at', event: 'occurred_at' } as const;

/** One value a customer from those rows of a table that `where` lets in. */
const over =
  (table: keyof typeof timeOf, sql: string, narrowed: (leaf: Leaf) => Where = ({ where = {} }) => where) =>
  (writer: SqlWriter, leaf: Leaf, moment: Moment): string =>
    writer.aggregate(table, sql, JSON.stringify(narrowed(leaf)), () =>
      rowsWhere(writer, narrowed(leaf), moment, timeOf[table]),
    );

/** Counts that stand in the customer's row. */
const countColumns: Record<string, string> = {
  '': 'total_bookings',
  COMPLETED: 'completed_bookings',
  CANCELLED: 'cancelled_bookings',
  NO_SHOW: 'no_show_bookings',
};

const bookingsCount: CustomerField['sql'] = (writer, leaf, moment) => {
  const { service, staff_member, within: span, status = [] } = leaf.where ?? {};
  const known =
    status.length > 1 || service || staff_member || span ? undefined : countColumns[status[0] ?? ''];
  if (known) return `c.${known}`;
  return `coalesce(${over('booking', 'count(*)')(writer, leaf, moment)}::integer, 0)`;
};

const lastBooking: CustomerField['sql'] = (writer, leaf, moment) => {
  const { service, staff_member, status } = leaf.where ?? {};
  if (!service && !staff_member && !status) return 'c.last_booking_at';
  if (!service && !staff_member && status?.length === 1 && status[0] === 'COMPLETED')
    return 'c.last_visit_at';
  const counting = { ...leaf.where, status: status ?? ['PENDING', 'CONFIRMED', 'COMPLETED'] };
  return over('booking', 'max(starts_at)', () => counting)(writer, leaf, moment);
};

const ordersCount: CustomerField['sql'] = (writer, leaf, moment) =>
  `coalesce(${over('payment', 'count(*)')(writer, leaf, moment)}::integer, 0)`;

/** The currency of an amount that is compared with; that of the business when none is. */
export function currencyOf(leaf: Leaf, { currency }: Moment): string {
  const [first] = [leaf.value ?? []].flat();
  return typeof first === 'object' && 'currency' in first ? first.currency : currency;
}

const totalSpent: CustomerField['sql'] = (writer, leaf, moment) => {
  const currency = currencyOf(leaf, moment);
  if (!leaf.where || Object.keys(leaf.where).length === 0) {
    const spending = writer.join(
      `spending ${currency}`,
      (alias) =>
        `LEFT JOIN customer_spending ${alias} ON ${alias}.workspace_id = ${writer.workspace} AND ${alias}.customer_id = c.id` +
        ` AND ${alias}.currency = ${writer.param(currency, 'text')}`,
    );
    return `coalesce(${spending}.amount_minor, 0)`;
  }
  // Checked against ISO 4217, so that it can stand in the text.
  const sum = `sum(CASE currency WHEN '${currency}' THEN amount_minor - refunded_minor END)`;
  return `coalesce(${over('payment', sum)(writer, leaf, moment)}::bigint, 0)`;
};

/** Activities of the types that the leaf names, or else of these. */
const ofTypes =
  (types: readonly string[]) =>
  ({ where }: Leaf): Where => ({ ...where, type: where?.type ?? [...types] });
const lastActivity = (types: readonly string[]): CustomerField['sql'] =>
  over('event', 'max(occurred_at)', ofTypes(types));
const activitiesCount: CustomerField['sql'] = (writer, leaf, moment) =>
  `coalesce(${over('event', 'count(*)', ofTypes(doneByCustomers))(writer, leaf, moment)}::integer, 0)`;

/** One to five: how many of the four bounds the value is beyond, and one. */
const quintile = (value: string, bounds: string[]) =>
  `CASE WHEN c.last_visit_at IS NULL THEN NULL ELSE 1 + ${bounds.map((bound) => `(${value} > ${bound})::integer`).join(' + ')} END`;

const recency: CustomerField['sql'] = (writer, _leaf, { rfm }) =>
  rfm
    ? quintile(
        'c.last_visit_at',
        rfm.recency.map((at) => writer.param(new Date(at), 'timestamptz')),
      )
    : 'NULL::integer';
const frequency: CustomerField['sql'] = (writer, _leaf, { rfm }) =>
  rfm
    ? quintile(
        'c.completed_bookings',
        rfm.frequency.map((n) => writer.param(n, 'integer')),
      )
    : 'NULL::integer';
const monetary: CustomerField['sql'] = (writer, _leaf, moment) =>
  moment.rfm
    ? quintile(
        totalSpent(writer, { field: 'total_spent', operator: 'is_set' }, moment),
        moment.rfm.monetary.map((minor) => writer.param(minor, 'bigint')),
      )
    : 'NULL::integer';

const score = (what: string) =>
  `${what}, from 1 to 5: the fifth of all customers with a visit that they fall into, 5 being the best. The bounds are worked out once a day.`;

/** What customers have, from a table of pairs. */
const listOf = (table: string, id: string): Pick<CustomerField, 'sql' | 'having'> => ({
  sql: ({ workspace }) =>
    `ARRAY(SELECT x.${id} FROM ${table} x WHERE x.workspace_id = ${workspace} AND x.customer_id = c.id)`,
  having: (writer, ids) =>
    `SELECT x.customer_id FROM ${table} x WHERE x.workspace_id = ${writer.workspace}${writer.among('x.customer_id')}` +
    (ids ? ` AND x.${id} = ANY(${writer.param(ids, 'uuid[]')})` : ''),
});

function said(
  name: string,
  kind: Kind,
  label: string,
  description: string,
  types: RegExp,
  key: string,
  more: Partial<EventField> = {},
): EventField {
  return {
    name,
    kind,
    label,
    description,
    about: 'EVENT',
    types,
    read: ({ data }) => data[key] ?? null,
    ...more,
  };
}

const amountOf =
  (minor: string): EventField['read'] =>
  ({ data }) =>
    data[minor] == null ? null : { minor: BigInt(data[minor] as string), currency: data.currency };

const all: Field[] = [
  column('first_name', 'text', 'First name', 'Given name.'),
  column('last_name', 'text', 'Last name', 'Family name.'),
  column('email', 'text', 'E-mail', 'E-mail address.'),
  column('phone', 'text', 'Phone', 'Phone number, in E.164 form.'),
  column('company_name', 'text', 'Company', 'The company they book for.'),
  column('job_title', 'text', 'Job title', 'What they do there.'),
  column('website', 'text', 'Website', 'Web address.'),
  column('country', 'text', 'Country', 'ISO 3166-1 alpha-2 code, such as DE.'),
  column('language', 'text', 'Language', 'BCP 47 tag, such as de-AT.'),
  column('time_zone', 'text', 'Time zone', 'IANA name of where they live by the clock.'),
  column('referral_source', 'text', 'Referral source', 'Who or what sent them.'),
  column('source', 'text', 'Source', 'Where the record came from.'),
  column('born_on', 'date', 'Date of birth', 'Date of birth. Age is a date so many years ago.', {
    sql: () => 'c.born_on::text',
    edges: passing('customer', 'born_on'),
  }),
  column('created_at', 'datetime', 'Added', 'When the customer was added.', {
    edges: passing('customer', 'created_at'),
  }),
  column('status', 'enum', 'Status', 'Whether the business works with them at present.', {
    values: ['ACTIVE', 'ARCHIVED', 'BLOCKED'],
  }),
  column('lifecycle_stage', 'enum', 'Lifecycle stage', 'Where they stand in the relationship.', {
    values: stages,
  }),
  column('vip', 'boolean', 'VIP', 'Marked by the business as especially important.'),
  column('do_not_contact', 'boolean', 'Do not contact', 'Must not be written to or called.'),
  column('owner', 'reference', 'Owner', 'The user who looks after them.', {
    refersTo: 'User',
    sql: () => 'c.owner_id',
  }),
  column('team', 'reference', 'Team', 'The team that looks after them.', {
    refersTo: 'Team',
    sql: () => 'c.team_id',
  }),
  {
    ...column(
      'tags',
      'list',
      'Tags',
      'Labels that they wear, by id; by name as well when a condition is saved.',
    ),
    refersTo: 'Tag',
    changedBy: on(/^tag\./),
    ...listOf('customer_tag', 'tag_id'),
  },
  {
    ...column('segments', 'list', 'Segments', 'Other segments that they are in.'),
    refersTo: 'Segment',
    changedBy: on(/^segment\./),
    ...listOf('segment_member', 'segment_id'),
  },
  column('lead_score', 'number', 'Lead score', 'Points in all.', { changedBy: on(/^lead_score\./) }),
  column('lead_grade', 'enum', 'Lead grade', 'The band that the score falls into.', {
    values: ['COLD', 'WARM', 'HOT', 'QUALIFIED'],
    changedBy: on(/^lead_score\./),
  }),
  {
    ...column(
      'bookings_count',
      'number',
      'Bookings',
      'How many bookings: of some services, with some staff, in some statuses, that start within some time.',
    ),
    narrowedBy: ['service', 'staff_member', 'status', 'within'],
    changedBy: on(ofBookings),
    sql: bookingsCount,
    edges: within('booking', 'starts_at'),
  },
  column(
    'first_booking_at',
    'datetime',
    'First booking',
    'Start of the earliest booking that was neither cancelled nor missed.',
    {
      changedBy: on(ofBookings),
      edges: passing('booking', 'starts_at'),
    },
  ),
  {
    ...column(
      'last_booking_at',
      'datetime',
      'Last booking',
      'Start of the latest booking that was neither cancelled nor missed, unless statuses are given; it may be yet to come.',
    ),
    narrowedBy: ['service', 'staff_member', 'status'],
    changedBy: on(ofBookings),
    sql: lastBooking,
    edges: passing('booking', 'starts_at'),
  },
  column('last_visit_at', 'datetime', 'Last visit', 'Start of the latest completed booking.', {
    changedBy: on(ofBookings),
    edges: passing('booking', 'starts_at'),
  }),
  {
    ...column(
      'orders_count',
      'number',
      'Orders',
      'How many payments were received: by some methods, within some time.',
    ),
    narrowedBy: ['method', 'within'],
    changedBy: on(ofPayments),
    sql: ordersCount,
    edges: within('payment', 'paid_at'),
  },
  {
    ...column(
      'total_spent',
      'money',
      'Total spent',
      'Payments less refunds in the currency that is compared with: by some methods, paid within some time.',
    ),
    narrowedBy: ['method', 'within'],
    changedBy: on(ofPayments),
    sql: totalSpent,
    edges: within('payment', 'paid_at'),
  },
  {
    ...column(
      'last_activity_at',
      'datetime',
      'Last activity',
      'When something of some types last happened; what customers do themselves when no type is given.',
    ),
    narrowedBy: ['type'],
    changedBy: (type, { where }) => (where?.type ?? doneByCustomers).includes(type as EventName),
    sql: lastActivity(doneByCustomers),
    edges: passing('event', 'occurred_at'),
  },
  {
    ...column(
      'activities_count',
      'number',
      'Activities',
      'How often something of some types happened, within some time; what customers do themselves when no type is given.',
    ),
    narrowedBy: ['type', 'within'],
    changedBy: (type, { where }) => (where?.type ?? doneByCustomers).includes(type as EventName),
    sql: activitiesCount,
    edges: within('event', 'occurred_at'),
  },
  column('last_email_opened', 'datetime', 'Last e-mail opened', 'When they last opened an e-mail.', {
    changedBy: on(/^email\.opened$/),
    sql: lastActivity(['email.opened']),
    edges: passing('event', 'occurred_at'),
  }),
  column('recency_score', 'number', 'Recency (RFM)', score('How lately they came'), {
    changedBy: on(ofBookings),
    sql: recency,
  }),
  column('frequency_score', 'number', 'Frequency (RFM)', score('How often they came'), {
    changedBy: on(ofBookings),
    sql: frequency,
  }),
  column('monetary_score', 'number', 'Monetary value (RFM)', score('How much they spent'), {
    changedBy: on(/^(payment|booking)\./),
    sql: monetary,
  }),

  said('event.service', 'reference', 'Service', 'The service that is booked.', ofBookings, 'serviceId', {
    refersTo: 'Service',
  }),
  said('event.staff_member', 'reference', 'Staff member', 'Who is booked.', ofBookings, 'staffMemberId', {
    refersTo: 'StaffMember',
  }),
  said(
    'event.booking_status',
    'enum',
    'Booking status',
    'Where the booking stands then.',
    ofBookings,
    'status',
    { values: bookingStatuses },
  ),
  said('event.starts_at', 'datetime', 'Booking starts', 'When the booking starts.', ofBookings, 'startsAt', {
    read: ({ data }) => (data.startsAt ? new Date(data.startsAt as string) : null),
  }),
  said(
    'event.price',
    'money',
    'Booking price',
    'What was agreed for the booking.',
    ofBookings,
    'priceMinor',
    { read: amountOf('priceMinor') },
  ),
  said(
    'event.amount',
    'money',
    'Amount',
    'What was paid or, for a refund, went back.',
    ofPayments,
    'amountMinor',
    {
      read: (event) => amountOf(event.type === 'payment.refunded' ? 'refundMinor' : 'amountMinor')(event),
    },
  ),
  said('event.method', 'enum', 'Payment method', 'How it was paid.', ofPayments, 'method', {
    values: paymentMethods,
  }),
  said(
    'event.tag',
    'reference',
    'Tag',
    'The tag that was put on or taken off.',
    /^tag\.(added|removed)$/,
    'tagId',
    { refersTo: 'Tag' },
  ),
  said(
    'event.segment',
    'reference',
    'Segment',
    'The segment that was joined or left.',
    /^segment\.(joined|left)$/,
    'segmentId',
    { refersTo: 'Segment' },
  ),
  said(
    'event.fields',
    'list',
    'Changed fields',
    'Names of the fields that changed.',
    /^customer\.updated$/,
    'fields',
  ),
  said(
    'event.subject',
    'text',
    'What it was about',
    'Which page, document, form, message or referral.',
    /^(email|page|document|form|referral)\./,
    'about',
  ),
];

/** What must be held to ask for what the API shows only to some. */
const needs: [Permission, RegExp][] = [
  ['payments.read', /^(orders_count|total_spent|monetary_score|event\.(amount|method|price))$/],
  [
    'bookings.read',
    /^(bookings_count|(first|last)_booking_at|last_visit_at|event\.(service|staff_member|booking_status|starts_at))$/,
  ],
  ['activities.read', /^(last_activity_at|activities_count|last_email_opened|event\.(subject|fields))$/],
  ['tags.read', /^(event\.tag|tags)$/],
  ['segments.read', /^(event\.segment|segments)$/],
  ['users.read', /^(owner|team)$/],
  [
    'insights.read',
    /^(referral_source|source|status|lifecycle_stage|vip|do_not_contact|lead_\w+|(recency|frequency)_score)$/,
  ],
];

export const fields: ReadonlyMap<string, Field> = new Map(
  all.map((field) => [
    field.name,
    { ...field, needs: needs.find(([, names]) => names.test(field.name))?.[0] },
  ]),
);

/** `where.type` may hold these. */
export const activityTypes: readonly EventName[] = activityNames;
export const bookingStatusValues: readonly string[] = bookingStatuses;
export const paymentMethodValues: readonly string[] = paymentMethods;

/** The amount that a value means, in minor units. */
export const minorValue = ({ amount, currency }: Amount): bigint => minorOf(amount, currency) as bigint;

import { z } from 'zod';

/**
 * Every event that can happen: its version, what it says, what it is about and how a timeline words it. Who
 * may see it follows from its noun (`eventPermission` in core/permissions.ts). Events hold ids and facts that are not personal; personal values go
 * into `personal` when the event is recorded, and stand in rows of their own.
 *
 * A schema never changes within a version: raise `version` and add the step from the old one to `upgrades`.
 * `node scripts/eventCatalogue.ts --write` notes new types and versions in catalogue.snapshot.json.
 */
export interface EventType<Data = never> {
  version: number;
  /** Said in the API's documentation. */
  description: string;
  /** Type of the object that the event is about. */
  subject:
    | 'Customer'
    | 'Booking'
    | 'Payment'
    | 'Service'
    | 'StaffMember'
    | 'Resource'
    | 'Tag'
    | 'User'
    | 'Team'
    | 'ApiKey'
    | 'BulkOperation'
    | 'Segment'
    | 'LeadScoreRule'
    | 'TagRule'
    | 'IntegrationConnection'
    | 'Workspace';
  data: z.ZodType<Data>;
  /** One line for a timeline, without personal values. */
  title: (data: Data) => string;
  /** From version n to n + 1, at index n - 1. */
  upgrades: ((data: unknown) => unknown)[];
}

function event<Shape extends z.ZodRawShape>(
  description: string,
  subject: EventType['subject'],
  shape: Shape,
  title: (data: z.output<z.ZodObject<Shape>>) => string,
): EventType<z.output<z.ZodObject<Shape>>> {
  return { version: 1, description, subject, data: z.strictObject(shape) as never, title, upgrades: [] };
}

/** A public id, so that what an event says can be handed on as it is. */
const id = z.string().regex(/^[a-z]+_[0-9a-z]{26}$/);
const instant = z.iso.datetime();
const minor = z.string().regex(/^\d+$/);

/** What every event about a booking says. */
const booking = {
  bookingId: id,
  serviceId: id,
  serviceName: z.string(),
  staffMemberId: id.nullable(),
  resourceId: id.nullable(),
  status: z.enum(['PENDING', 'CONFIRMED', 'CANCELLED', 'COMPLETED', 'NO_SHOW']),
  startsAt: instant,
  endsAt: instant,
  /** What was agreed, since version 2. */
  priceMinor: minor.nullable(),
  currency: z.string().nullable(),
};
const payment = {
  paymentId: id,
  bookingId: id.nullable(),
  amountMinor: minor,
  currency: z.string(),
  method: z.string(),
};
const refund = { refundMinor: minor, refundedMinor: minor };
/** The same event in its second version, with the step from the first; none where it only allows more than before. */
const again = <Data>(
  type: EventType<Data>,
  step: (old: object) => object = (old) => old,
): EventType<Data> => ({
  ...type,
  version: 2,
  upgrades: [(old) => step(old as object)],
});
const bookingEvent = (description: string, title: (data: z.output<z.ZodObject<typeof booking>>) => string) =>
  again(event(description, 'Booking', booking, title), (old) => ({
    priceMinor: null,
    currency: null,
    ...old,
  }));
const named = { name: z.string() };
const members = { addedUserIds: z.array(id), removedUserIds: z.array(id) };

const grade = z.enum(['COLD', 'WARM', 'HOT', 'QUALIFIED']);
/** Which message, page, document, form or referral it was; not personal. */
const engagement = { about: z.string() };
const segment = { segmentId: id, segmentName: z.string() };

const bulkKind = z.enum(['IMPORT', 'RESCORE', 'BACKFILL', 'DRIFT_CHECK']);
const integration = { integration: z.string(), name: z.string() };
const sentence = (name: string) => `${name[0]}${name.slice(1).toLowerCase().replaceAll('_', ' ')}`;

export const catalogue = {
  'customer.created': event('A customer was added.', 'Customer', {}, () => 'Customer added'),
  'customer.updated': event(
    'Fields of a customer changed.',
    'Customer',
    { fields: z.array(z.string()) },
    (d) => `Changed ${d.fields.join(', ')}`,
  ),
  'customer.deleted': event(
    'A customer was deleted and their personal data erased.',
    'Customer',
    {},
    () => 'Customer deleted',
  ),
  'tag.added': event(
    'A tag was put on a customer.',
    'Tag',
    { tagId: id, tagName: z.string() },
    (d) => `Tagged ${d.tagName}`,
  ),
  'tag.removed': event(
    'A tag was taken off a customer.',
    'Tag',
    { tagId: id, tagName: z.string() },
    (d) => `Tag ${d.tagName} removed`,
  ),
  'email.opened': event('The customer opened an e-mail.', 'Customer', engagement, (d) => `Opened ${d.about}`),
  'email.clicked': event(
    'The customer followed a link in an e-mail.',
    'Customer',
    engagement,
    (d) => `Clicked in ${d.about}`,
  ),
  'email.unsubscribed': event(
    'The customer wants no more e-mails.',
    'Customer',
    engagement,
    (d) => `Unsubscribed from ${d.about}`,
  ),
  'page.visited': event(
    'The customer visited a web page.',
    'Customer',
    engagement,
    (d) => `Visited ${d.about}`,
  ),
  'document.downloaded': event(
    'The customer downloaded something, such as a price list.',
    'Customer',
    engagement,
    (d) => `Downloaded ${d.about}`,
  ),
  'form.submitted': event(
    'The customer sent in a form.',
    'Customer',
    engagement,
    (d) => `Sent in ${d.about}`,
  ),
  'referral.made': event(
    'The customer recommended the business to somebody.',
    'Customer',
    engagement,
    (d) => `Referred ${d.about}`,
  ),
  'segment.created': event('A segment was made.', 'Segment', named, (d) => `Segment ${d.name} made`),
  'segment.updated': event('A segment changed.', 'Segment', named, (d) => `Segment ${d.name} changed`),
  'segment.deleted': event('A segment was deleted.', 'Segment', named, (d) => `Segment ${d.name} deleted`),
  'segment.calculated': event(
    'The members of a segment were worked out from scratch; single customers are not told of.',
    'Segment',
    { ...segment, members: z.int(), joined: z.int(), left: z.int() },
    (d) => `Segment ${d.segmentName} has ${d.members} members`,
  ),
  'segment.joined': event(
    'A customer came into a segment.',
    'Segment',
    segment,
    (d) => `Joined ${d.segmentName}`,
  ),
  'segment.left': event(
    'A customer fell out of a segment.',
    'Segment',
    segment,
    (d) => `Left ${d.segmentName}`,
  ),
  'tag_rule.created': event('A tag rule was made.', 'TagRule', named, (d) => `Tag rule ${d.name} made`),
  'tag_rule.updated': event('A tag rule changed.', 'TagRule', named, (d) => `Tag rule ${d.name} changed`),
  'tag_rule.deleted': event('A tag rule was deleted.', 'TagRule', named, (d) => `Tag rule ${d.name} deleted`),
  'lead_score_rule.created': event(
    'A score rule was made.',
    'LeadScoreRule',
    named,
    (d) => `Score rule ${d.name} made`,
  ),
  'lead_score_rule.updated': event(
    'A score rule changed.',
    'LeadScoreRule',
    named,
    (d) => `Score rule ${d.name} changed`,
  ),
  'lead_score_rule.deleted': event(
    'A score rule was deleted.',
    'LeadScoreRule',
    named,
    (d) => `Score rule ${d.name} deleted`,
  ),
  'settings.updated': event(
    'Settings of the business changed.',
    'Workspace',
    { fields: z.array(z.string()) },
    (d) => `Changed ${d.fields.join(', ')}`,
  ),
  'lead_score.changed': event(
    'The lead score of a customer changed.',
    'Customer',
    {
      previousScore: z.int(),
      score: z.int(),
      previousGrade: grade,
      grade,
      reason: z.string(),
    },
    (d) => `Lead score ${d.previousScore} → ${d.score}`,
  ),
  'booking.created': bookingEvent('A booking was made.', (d) => `Booked ${d.serviceName}`),
  'booking.updated': bookingEvent(
    'Details of a booking changed.',
    (d) => `Booking of ${d.serviceName} changed`,
  ),
  'booking.rescheduled': bookingEvent(
    'A booking was moved to another time, staff member or resource.',
    (d) => `Booking of ${d.serviceName} moved`,
  ),
  'booking.confirmed': bookingEvent(
    'A booking was confirmed.',
    (d) => `Booking of ${d.serviceName} confirmed`,
  ),
  'booking.cancelled': bookingEvent(
    'A booking was called off.',
    (d) => `Booking of ${d.serviceName} cancelled`,
  ),
  'booking.completed': bookingEvent('A booking took place.', (d) => `Visit for ${d.serviceName} completed`),
  'booking.no_show': bookingEvent('The customer did not come.', (d) => `No-show for ${d.serviceName}`),
  'payment.recorded': event('A payment was received.', 'Payment', payment, () => 'Payment received'),
  'payment.refunded': event(
    'All or part of a payment went back.',
    'Payment',
    { ...payment, ...refund },
    () => 'Payment refunded',
  ),
  'service.created': event('A service was added.', 'Service', named, (d) => `Service ${d.name} added`),
  'service.updated': event('A service changed.', 'Service', named, (d) => `Service ${d.name} changed`),
  'resource.created': event('A resource was added.', 'Resource', named, (d) => `Resource ${d.name} added`),
  'resource.updated': event('A resource changed.', 'Resource', named, (d) => `Resource ${d.name} changed`),
  'staff_member.created': event('A staff member was added.', 'StaffMember', {}, () => 'Staff member added'),
  'staff_member.updated': event(
    'A staff member changed.',
    'StaffMember',
    { fields: z.array(z.string()) },
    () => 'Staff member changed',
  ),
  'tag.created': event('A tag was made.', 'Tag', named, (d) => `Tag ${d.name} made`),
  'tag.updated': event('A tag changed.', 'Tag', named, (d) => `Tag ${d.name} changed`),
  'tag.deleted': event(
    'A tag was deleted, and with it taken off every customer.',
    'Tag',
    named,
    (d) => `Tag ${d.name} deleted`,
  ),
  'user.created': event('A user was added.', 'User', { role: z.string() }, () => 'User added'),
  'user.updated': event(
    'A user changed: role, row scope, or whether they may sign in.',
    'User',
    { fields: z.array(z.string()) },
    () => 'User changed',
  ),
  'team.created': event('A team was made.', 'Team', named, (d) => `Team ${d.name} made`),
  'team.updated': event(
    'A team or its members changed.',
    'Team',
    { ...named, ...members },
    (d) => `Team ${d.name} changed`,
  ),
  'api_key.created': event(
    'An API key was made.',
    'ApiKey',
    { prefix: z.string() },
    (d) => `API key ${d.prefix}… made`,
  ),
  'api_key.revoked': event(
    'An API key was revoked.',
    'ApiKey',
    { prefix: z.string() },
    (d) => `API key ${d.prefix}… revoked`,
  ),
  'bulk_operation.started': again(
    event(
      'A bulk operation, such as an import, was asked for.',
      'BulkOperation',
      { kind: bulkKind },
      (d) => `${sentence(d.kind)} started`,
    ),
  ),
  'bulk_operation.progressed': again(
    event(
      'A bulk operation got on; told once a second at most.',
      'BulkOperation',
      { kind: bulkKind, rowsDone: z.int(), rowsRefused: z.int() },
      (d) => `${sentence(d.kind)}: ${d.rowsDone} rows done`,
    ),
  ),
  'bulk_operation.finished': again(
    event(
      'A bulk operation came to its end: done, called off or given up.',
      'BulkOperation',
      {
        kind: bulkKind,
        status: z.enum(['COMPLETED', 'CANCELLED', 'FAILED']),
        rowsDone: z.int(),
        rowsRefused: z.int(),
      },
      (d) => `${sentence(d.kind)} ${d.status.toLowerCase()}`,
    ),
  ),
  'integration.connected': event(
    'An outside system was connected.',
    'IntegrationConnection',
    integration,
    (d) => `${d.name} connected`,
  ),
  'integration.updated': event(
    'The settings of a connection changed.',
    'IntegrationConnection',
    { ...integration, fields: z.array(z.string()) },
    (d) => `${d.name} set up anew`,
  ),
  'integration.paused': event(
    'A connection was put to rest.',
    'IntegrationConnection',
    integration,
    (d) => `${d.name} paused`,
  ),
  'integration.resumed': event(
    'A connection goes on.',
    'IntegrationConnection',
    integration,
    (d) => `${d.name} resumed`,
  ),
  'integration.disconnected': event(
    'A connection was taken apart.',
    'IntegrationConnection',
    integration,
    (d) => `${d.name} disconnected`,
  ),
  'integration.conflict_settled': event(
    'Fields of a customer had changed on both sides, and the rule of each field said which value stays.',
    'IntegrationConnection',
    { ...integration, keptHere: z.array(z.string()), keptThere: z.array(z.string()) },
    (d) => `Settled with ${d.name}: ${[...d.keptHere, ...d.keptThere].join(', ')}`,
  ),
  'customer.profile_updated': event(
    'What a customer told in a sign-up was noted.',
    'Customer',
    { fields: z.array(z.string()) },
    (d) => `Noted ${d.fields.join(', ')}`,
  ),
} as const;

export type EventName = keyof typeof catalogue;
export type DataOf<Name extends EventName> = z.output<(typeof catalogue)[Name]['data']>;
export const eventNames = Object.keys(catalogue) as EventName[];

/** Events that can stand on a customer's timeline. */
const aboutCustomers =
  /^(customer|booking|payment|email|page|document|form|referral|lead_score)\.|^tag\.(added|removed)$|^segment\.(joined|left)$|^integration\.conflict_settled$/;
export const activityNames = eventNames.filter((name) => aboutCustomers.test(name));

/** What customers do elsewhere and somebody tells of. */
export const reportedEvents = [
  'email.opened',
  'email.clicked',
  'email.unsubscribed',
  'page.visited',
  'document.downloaded',
  'form.submitted',
  'referral.made',
] as const satisfies readonly EventName[];

/** `booking.no_show` -> `BOOKING_NO_SHOW`, the name in the API's enum. */
export function activityType(name: string): string {
  return name.replace('.', '_').toUpperCase();
}

/** The data of a stored event in the form of the current version. */
export function upgrade(name: EventName, version: number, data: unknown): unknown {
  return catalogue[name].upgrades.slice(version - 1).reduce((old, step) => step(old), data);
}

/** The line that a timeline shows for a stored event. */
export function titleOf(row: { type: string; version: number; data: unknown }): string {
  const type = catalogue[row.type as EventName] as EventType<unknown> | undefined;
  return type ? type.title(upgrade(row.type as EventName, row.version, row.data)) : row.type;
}

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
    | 'BulkOperation';
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
};
const payment = {
  paymentId: id,
  bookingId: id.nullable(),
  amountMinor: minor,
  currency: z.string(),
  method: z.string(),
};
const refund = { refundMinor: minor, refundedMinor: minor };
const named = { name: z.string() };
const members = { addedUserIds: z.array(id), removedUserIds: z.array(id) };

const bulkKind = z.enum(['IMPORT']);
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
  'booking.created': event('A booking was made.', 'Booking', booking, (d) => `Booked ${d.serviceName}`),
  'booking.updated': event(
    'Details of a booking changed.',
    'Booking',
    booking,
    (d) => `Booking of ${d.serviceName} changed`,
  ),
  'booking.rescheduled': event(
    'A booking was moved to another time, staff member or resource.',
    'Booking',
    booking,
    (d) => `Booking of ${d.serviceName} moved`,
  ),
  'booking.confirmed': event(
    'A booking was confirmed.',
    'Booking',
    booking,
    (d) => `Booking of ${d.serviceName} confirmed`,
  ),
  'booking.cancelled': event(
    'A booking was called off.',
    'Booking',
    booking,
    (d) => `Booking of ${d.serviceName} cancelled`,
  ),
  'booking.completed': event(
    'A booking took place.',
    'Booking',
    booking,
    (d) => `Visit for ${d.serviceName} completed`,
  ),
  'booking.no_show': event(
    'The customer did not come.',
    'Booking',
    booking,
    (d) => `No-show for ${d.serviceName}`,
  ),
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
  'bulk_operation.started': event(
    'A bulk operation, such as an import, was asked for.',
    'BulkOperation',
    { kind: bulkKind },
    (d) => `${sentence(d.kind)} started`,
  ),
  'bulk_operation.progressed': event(
    'A bulk operation got on; told once a second at most.',
    'BulkOperation',
    { kind: bulkKind, rowsDone: z.int(), rowsRefused: z.int() },
    (d) => `${sentence(d.kind)}: ${d.rowsDone} rows done`,
  ),
  'bulk_operation.finished': event(
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
} as const;

export type EventName = keyof typeof catalogue;
export type DataOf<Name extends EventName> = z.output<(typeof catalogue)[Name]['data']>;
export const eventNames = Object.keys(catalogue) as EventName[];

/** Events that can stand on a customer's timeline. */
const aboutCustomers = /^(customer|booking|payment)\.|^tag\.(added|removed)$/;
export const activityNames = eventNames.filter((name) => aboutCustomers.test(name));

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

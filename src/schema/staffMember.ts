import { AlreadyExists, IdempotencyKeyReused, NotFound } from '../core/errors.ts';
import { createStaffMember } from '../resolvers/staffMembers/createStaffMember.ts';
import { updateStaffMember } from '../resolvers/staffMembers/updateStaffMember.ts';
import { BookingStatusFilter, bookingList } from './booking.ts';
import { builder } from './builder.ts';
import { BooleanFilter, conditions, DateTimeFilter, StringFilter } from './filters.ts';
import { type InputFields, idempotencyKeyField, mutation } from './mutation.ts';
import { guarded, type List, objectOf, one, orderInput, page, related, relation } from './read.ts';

const StaffMemberBookingFilter = builder.inputType('StaffMemberBookingFilter', {
  description: 'Which bookings with a staff member; every condition given must hold.',
  fields: (t) => ({
    startsAt: t.field({ type: DateTimeFilter, description: 'When they begin.' }),
    status: t.field({
      type: BookingStatusFilter,
      description: 'Where they stand. Needs startsAt with both ends, at most 93 days apart.',
    }),
  }),
});

/** Fewer conditions and orders than `bookings` has: over the years a staff member takes more than can be looked through. */
const agenda: List<'Booking'> = {
  ...bookingList,
  filter: { ...bookingList.filter, type: StaffMemberBookingFilter as never } as never,
  order: orderInput(
    'StaffMemberBooking',
    { STARTS_AT: { column: 'startsAt', description: 'When they begin.' } },
    { column: 'startsAt', direction: 'desc' },
  ),
};

export const StaffMember = objectOf(
  'StaffMember',
  'StaffMember',
  builder.prismaNode('StaffMember', {
    id: {
      field: 'id',
      description: 'Sorts by the time of creation; the same in GraphQL, REST and webhooks.',
    },
    findUnique: (id, ctx) => ({ id, workspaceId: ctx.workspace.id }),
    nullable: true,
    description: 'A person who can be booked. May also be a user, who signs in.',
    select: { id: true },
    fields: (t) => ({
      displayName: t.exposeString('displayName', { description: 'What customers know them by.' }),
      email: t.exposeString('email', {
        nullable: true,
        description: 'Where they get mail.',
        ...guarded('users.read'),
      }),
      timeZone: t.expose('timeZone', { type: 'TimeZone', description: 'Where they work by the clock.' }),
      active: t.exposeBoolean('active', { description: 'Whether they take bookings at present.' }),
      user: relation(t, 'User', 'user', {
        nullable: true,
        description: 'Who they are when they sign in; null for those who do not.',
      }),
      bookings: related(t, 'bookings', agenda, 'Bookings with them, latest start first.'),
      createdAt: t.expose('createdAt', { type: 'DateTime', description: 'When they were added.' }),
      updatedAt: t.expose('updatedAt', {
        type: 'DateTime',
        description: 'When their own fields last changed.',
      }),
    }),
  }),
);

const StaffMemberFilter = builder.inputType('StaffMemberFilter', {
  description: 'Which staff members; every condition given must hold.',
  fields: (t) => ({
    active: t.field({
      type: BooleanFilter,
      description: 'Those who take bookings at present, or those who do not.',
    }),
    displayName: t.field({ type: StringFilter, description: 'What customers know them by.' }),
  }),
});

export const staffMemberList: List<'StaffMember'> = {
  model: 'StaffMember',
  cursor: 'id',
  filter: {
    type: StaffMemberFilter as never,
    where: (filter: Record<string, Record<string, unknown> | null | undefined>) => ({
      active: conditions(filter.active),
      displayName: conditions(filter.displayName),
    }),
  },
  order: orderInput(
    'StaffMember',
    { NAME: { column: 'displayName', description: 'What customers know them by.' } },
    { column: 'displayName', direction: 'asc' },
  ),
};

builder.queryField('staffMember', (t) =>
  one(
    t,
    'StaffMember',
    'StaffMember',
    'The staff member with this id; null when there is none that you can see.',
  ),
);
builder.queryField('staffMembers', (t) => page(t, staffMemberList, 'Who can be booked, by name.'));

const inputFields = (t: InputFields, creating: boolean) => ({
  displayName: t.string({ required: creating, description: 'What customers know them by.' }),
  email: t.string({ description: 'Where they get mail; kept in lower case.' }),
  timeZone: t.field({
    type: 'TimeZone',
    description: creating
      ? "Where they work by the clock; the workspace's zone unless said otherwise."
      : 'Where they work by the clock.',
  }),
  userId: t.id({
    description:
      'The user they are when they sign in, who then reaches the customers with bookings with them. Only for callers who reach every customer.',
  }),
});

const payload = { field: 'staffMember', type: StaffMember, description: 'The staff member as they are now.' };

mutation('createStaffMember', {
  description: 'Adds a person who can be booked.',
  input: (t) => ({ ...inputFields(t, true), idempotencyKey: idempotencyKeyField(t) }),
  payload,
  failures: [NotFound, AlreadyExists, IdempotencyKeyReused],
  run: createStaffMember,
});

mutation('updateStaffMember', {
  description:
    'Changes the fields of a staff member that are sent; an explicit null clears. An inactive one keeps their bookings and takes no new ones.',
  input: (t) => ({
    id: t.id({ required: true, description: 'The staff member to change.' }),
    ...inputFields(t, false),
    active: t.boolean({ description: 'Whether they take bookings.' }),
  }),
  payload,
  failures: [NotFound, AlreadyExists],
  run: updateStaffMember,
});

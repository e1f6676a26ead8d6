import type { BookingStatus } from '../core/database.ts';
import {
  AlreadyExists,
  ClassFull,
  IdempotencyKeyReused,
  InvalidState,
  NotFound,
  SlotTaken,
} from '../core/errors.ts';
import { type BookingAction, isAllowed } from '../resolvers/bookings/bookingStatus.ts';
import { cancelBooking } from '../resolvers/bookings/cancelBooking.ts';
import { completeBooking } from '../resolvers/bookings/completeBooking.ts';
import { confirmBooking } from '../resolvers/bookings/confirmBooking.ts';
import { createBooking } from '../resolvers/bookings/createBooking.ts';
import { type DaySummary, daySummary } from '../resolvers/bookings/daySummary.ts';
import { markBookingNoShow } from '../resolvers/bookings/markBookingNoShow.ts';
import { rescheduleBooking } from '../resolvers/bookings/rescheduleBooking.ts';
import { updateBooking } from '../resolvers/bookings/updateBooking.ts';
import { builder, type GraphQLContext } from './builder.ts';
import { BookingStatusEnum } from './enums.ts';
import { conditions, DateTimeFilter, enumFilter, IdFilter, idConditions, StringFilter } from './filters.ts';
import { MoneyInput, MoneyObject } from './money.ts';
import { idempotencyKeyField, mutation } from './mutation.ts';
import { paymentList } from './payment.ts';
import { guarded, type List, money, objectOf, one, orderInput, page, related, relation } from './read.ts';

export const Booking = objectOf(
  'Booking',
  'Booking',
  builder.prismaNode('Booking', {
    id: {
      field: 'id',
      description: 'Sorts by the time of creation; the same in GraphQL, REST and webhooks.',
    },
    findUnique: (id, ctx) => ({ id, workspaceId: ctx.workspace.id }),
    nullable: true,
    description: "A customer's appointment, stay or place in a class.",
    select: { id: true },
    fields: (t) => ({
      reference: t.exposeString('reference', {
        description: 'Short code to say over the phone; unique in the workspace.',
      }),
      externalId: t.exposeString('externalId', {
        nullable: true,
        description: 'Identity in the system the booking came from; unique.',
      }),
      customer: relation(t, 'Customer', 'customer', { nullable: false, description: 'Who booked.' }),
      service: relation(t, 'Service', 'service', { nullable: false, description: 'What was booked.' }),
      staffMember: relation(t, 'StaffMember', 'staffMember', { nullable: true, description: 'With whom.' }),
      resource: relation(t, 'Resource', 'resource', {
        nullable: true,
        description: 'In which room or chair, with which machine.',
      }),
      session: relation(t, 'ClassSession', 'session', {
        nullable: true,
        description: 'The sitting of the class; null unless the service has several places.',
      }),
      status: t.expose('status', { type: BookingStatusEnum, description: 'Where it stands.' }),
      startsAt: t.expose('startsAt', { type: 'DateTime', description: 'When it begins.' }),
      endsAt: t.expose('endsAt', { type: 'DateTime', description: 'When it ends.' }),
      timeZone: t.expose('timeZone', {
        type: 'TimeZone',
        description: 'The zone in which the wall-clock time was meant.',
      }),
      price: money(t, { minor: 'priceMinor', currency: 'currency' }, 'The price agreed at booking.'),
      notes: t.exposeString('notes', { nullable: true, description: 'What there is to know about it.' }),
      cancelReason: t.exposeString('cancelReason', { nullable: true, description: 'Why it was called off.' }),
      confirmedAt: t.expose('confirmedAt', {
        type: 'DateTime',
        nullable: true,
        description: 'When it was confirmed.',
      }),
      cancelledAt: t.expose('cancelledAt', {
        type: 'DateTime',
        nullable: true,
        description: 'When it was called off.',
      }),
      completedAt: t.expose('completedAt', {
        type: 'DateTime',
        nullable: true,
        description: 'When it was marked as having taken place.',
      }),
      payments: related(t, 'payments', paymentList, 'What was paid for it, newest first.'),
      viewerCanConfirm: t.boolean(viewerCan('confirm')),
      viewerCanCancel: t.boolean(viewerCan('cancel')),
      viewerCanComplete: t.boolean(viewerCan('complete')),
      viewerCanMarkNoShow: t.boolean(viewerCan('markNoShow', 'mark it as a no-show')),
      viewerCanReschedule: t.boolean(viewerCan('reschedule')),
      createdAt: t.expose('createdAt', { type: 'DateTime', description: 'When it was made.' }),
      updatedAt: t.expose('updatedAt', { type: 'DateTime', description: 'When it last changed.' }),
    }),
  }),
);

/** Whether the viewer can do this to the booking now, so that clients need not know the roles. */
function viewerCan(action: BookingAction, words = `${action} it`) {
  return {
    description: `Whether you may ${words}, and its status allows that.`,
    ...guarded(undefined, { shape: 'computed', columns: ['status'] }),
    select: { status: true },
    resolve: ({ status }: { status: BookingStatus }, _args: object, ctx: GraphQLContext) =>
      ctx.viewer.permissions.has('bookings.write') && isAllowed(action, status),
  } as const;
}

export const BookingStatusFilter = enumFilter('BookingStatusFilter', BookingStatusEnum);

const BookingFilter = builder.inputType('BookingFilter', {
  description:
    'Which bookings; every condition given must hold. A span of createdAt goes with no condition but the customer. Two of status, service, staff member and resource need startsAt with both ends, at most 93 days apart.',
  fields: (t) => ({
    startsAt: t.field({ type: DateTimeFilter, description: 'When they begin.' }),
    createdAt: t.field({ type: DateTimeFilter, description: 'When they were made.' }),
    status: t.field({
      type: BookingStatusFilter,
      description: 'Where they stand.',
    }),
    customerId: t.field({ type: IdFilter, description: 'Who booked.' }),
    serviceId: t.field({ type: IdFilter, description: 'What was booked.' }),
    staffMemberId: t.field({ type: IdFilter, description: 'With whom.' }),
    resourceId: t.field({ type: IdFilter, description: 'Where, or with what.' }),
    reference: t.field({ type: StringFilter, description: 'The short code.' }),
    externalId: t.field({ type: StringFilter, description: 'The identity in the system they came from.' }),
  }),
});

type Given = Record<string, unknown> | null | undefined;

export const bookingList: List<'Booking'> = {
  model: 'Booking',
  cursor: 'id',
  filter: {
    type: BookingFilter as never,
    where: (filter: Record<string, Given>) => ({
      startsAt: conditions(filter.startsAt),
      createdAt: conditions(filter.createdAt),
      status: conditions(filter.status),
      customerId: idConditions('Customer', filter.customerId),
      serviceId: idConditions('Service', filter.serviceId),
      staffMemberId: idConditions('StaffMember', filter.staffMemberId),
      resourceId: idConditions('Resource', filter.resourceId),
      reference: conditions(filter.reference),
      externalId: conditions(filter.externalId),
    }),
  },
  served: {
    startsAt: { as: 'span' },
    createdAt: { as: 'span' },
    status: { as: 'part', orders: ['startsAt'] },
    customerId: { as: 'part', orders: ['startsAt'], few: true },
    serviceId: { as: 'part', orders: ['startsAt'] },
    staffMemberId: { as: 'part', orders: ['startsAt'] },
    resourceId: { as: 'part', orders: ['startsAt'] },
    sessionId: { as: 'part', orders: ['startsAt', 'createdAt'], few: true },
    reference: { as: 'key' },
    externalId: { as: 'key' },
  },
  order: orderInput(
    'Booking',
    {
      STARTS_AT: { column: 'startsAt', description: 'When they begin.' },
      CREATED_AT: { column: 'createdAt', description: 'When they were made.' },
    },
    { column: 'startsAt', direction: 'desc' },
  ),
};

builder.queryField('booking', (t) =>
  one(t, 'Booking', 'Booking', 'The booking with this id; null when there is none that you can see.'),
);
builder.queryField('bookings', (t) =>
  page(t, bookingList, 'Bookings, latest start first unless ordered otherwise.'),
);

const DaySummaryObject = builder.objectRef<DaySummary>('DaySummary').implement({
  description:
    "How a day of the business goes, of the customers whom you may see. A day is one by the business's clock; all is as of the moment of asking.",
  fields: (t) => ({
    startsAt: t.expose('startsAt', { type: 'DateTime', description: 'When the day begins.' }),
    endsAt: t.expose('endsAt', { type: 'DateTime', description: 'When the next day begins.' }),
    totalBookings: t.exposeInt('totalBookings', {
      description: 'Bookings of any status that begin on the day.',
    }),
    pendingBookings: t.exposeInt('pendingBookings', {
      description: 'Of these, those still to be confirmed.',
    }),
    completedBookings: t.exposeInt('completedBookings', { description: 'Of these, those that took place.' }),
    cancelledBookings: t.exposeInt('cancelledBookings', { description: 'Of these, those called off.' }),
    noShowBookings: t.exposeInt('noShowBookings', {
      description: 'Of these, those to which the customer did not come.',
    }),
    upcomingBookings: t.exposeInt('upcomingBookings', {
      description: 'Of these, those PENDING or CONFIRMED whose start is yet to come: who is still to arrive.',
    }),
    nextBookingAt: t.expose('nextBookingAt', {
      type: 'DateTime',
      nullable: true,
      description: 'The earliest start of those; null when nobody is still to arrive.',
    }),
    bookingsMade: t.exposeInt('bookingsMade', {
      description: 'Bookings that were made on the day, for whatever day they are.',
    }),
    totalPayments: t.exposeInt('totalPayments', {
      description: 'Payments made on the day.',
      ...guarded('payments.read'),
    }),
    revenue: t.expose('revenue', {
      type: [MoneyObject],
      description:
        "Those payments less what of them was given back since: one sum per currency, the business's own first.",
      ...guarded('payments.read'),
    }),
  }),
});

builder.queryField('daySummary', (t) =>
  t.field({
    type: DaySummaryObject,
    nullable: true,
    description: 'How a day goes: bookings, arrivals, cancellations, revenue.',
    ...guarded('bookings.read', { shape: 'opaque' }),
    complexity: 20,
    args: {
      date: t.arg({ type: 'Date', description: "The day by the business's clock; today when left out." }),
    },
    resolve: (_root, { date }, ctx) => daySummary(ctx, date),
  }),
);

type Fields = Parameters<Parameters<typeof mutation>[1]['input']>[0];

const slotInputFields = (t: Fields, startsAtRequired: boolean) => ({
  staffMemberId: t.id({ description: 'With whom. For a class that exists already it may be left out.' }),
  resourceId: t.id({ description: 'In which room or chair, with which machine.' }),
  startsAt: t.field({ type: 'DateTime', required: startsAtRequired, description: 'When it begins.' }),
  timeZone: t.field({
    type: 'TimeZone',
    description:
      "The zone in which the time is meant; the staff member's or the workspace's unless said otherwise.",
  }),
  durationMinutes: t.int({
    description: "How long it lasts; the service's duration unless said otherwise. Not for classes.",
  }),
});

const payload = { field: 'booking', type: Booking, description: 'The booking as it is now.' };
const idField = (t: Fields) => t.id({ required: true, description: 'Which booking.' });

mutation('createBooking', {
  description:
    'Books a slot for a customer; the booking is PENDING until confirmed. Overlaps, buffers included, and a place too many in a class are refused.',
  input: (t) => ({
    customerId: t.id({ required: true, description: 'Who books.' }),
    serviceId: t.id({ required: true, description: 'What is booked.' }),
    ...slotInputFields(t, true),
    price: t.field({
      type: MoneyInput,
      description: "The price agreed; the service's unless said otherwise.",
    }),
    notes: t.string({ description: 'What there is to know about it.' }),
    externalId: t.string({ description: 'Identity in the system the booking comes from; unique.' }),
    idempotencyKey: idempotencyKeyField(t),
  }),
  payload,
  failures: [NotFound, InvalidState, SlotTaken, ClassFull, AlreadyExists, IdempotencyKeyReused],
  run: createBooking,
});

mutation('updateBooking', {
  description:
    'Changes the details of a booking that are sent; an explicit null clears. For time, staff and resource there is rescheduleBooking.',
  input: (t) => ({
    id: idField(t),
    notes: t.string({ description: 'What there is to know about it.' }),
    price: t.field({ type: MoneyInput, description: 'The price agreed.' }),
  }),
  payload,
  failures: [NotFound],
  run: updateBooking,
});

mutation('rescheduleBooking', {
  description:
    'Moves a booking to another time, staff member or resource. What is not sent stays; a null staff member or resource gives it up.',
  input: (t) => ({ id: idField(t), ...slotInputFields(t, false) }),
  payload,
  failures: [NotFound, InvalidState, SlotTaken, ClassFull],
  run: rescheduleBooking,
});

mutation('confirmBooking', {
  description: 'Agrees to a pending booking.',
  input: (t) => ({ id: idField(t) }),
  payload,
  failures: [NotFound, InvalidState],
  run: confirmBooking,
});

mutation('cancelBooking', {
  description: 'Calls a booking off; its slot, or its place in the class, is free at once.',
  input: (t) => ({ id: idField(t), reason: t.string({ description: 'Why, in a sentence.' }) }),
  payload,
  failures: [NotFound, InvalidState],
  run: cancelBooking,
});

mutation('completeBooking', {
  description: 'Marks that a booking took place. A no-show noted by mistake can be put right with it.',
  input: (t) => ({ id: idField(t) }),
  payload,
  failures: [NotFound, InvalidState],
  run: completeBooking,
});

mutation('markBookingNoShow', {
  description:
    'Marks that the customer did not come. A completion noted by mistake can be put right with it.',
  input: (t) => ({ id: idField(t) }),
  payload,
  failures: [NotFound, InvalidState],
  run: markBookingNoShow,
});

import type { LeadGrade } from '../core/database.ts';
import { uuidOf } from '../core/ids.ts';
import { encodeCursor } from '../events/cursor.ts';
import { type Delivery, follow } from '../resolvers/events/follow.ts';
import { builder } from './builder.ts';
import { ActivityTypeEnum, BookingStatusEnum, LeadGradeEnum } from './enums.ts';
import { guarded, loaded } from './read.ts';

/**
 * Subscriptions. Each yields an event object with a cursor and takes `after` to resume: the client gets every
 * event since, each once and in order, and goes on live. What is in the event is read with the viewer's permissions,
 * when it is delivered; subscribers with the same ones share that reading, so nothing below may ask who the viewer is.
 */

const cursor = 'Hand this back as `after` to go on behind this event, also after a disconnect.';
const after =
  'The cursor of the last event that you have; everything since then is delivered first. From now on, when left out.';

builder.queryField('eventCursor', (t) =>
  t.string({
    nullable: true,
    description:
      'Where the log ends now. Ask for it before you read what you show, then subscribe with it as `after`: what changes in between is delivered too.',
    ...guarded('activities.read', { shape: 'known' }),
    resolve: async (_root, _args, { eventLog, workspace }) => {
      const [{ epoch }, position] = await Promise.all([eventLog.reach(), eventLog.end(workspace.id)]);
      return encodeCursor({ epoch, position });
    },
  }),
);

const ActivityAdded = builder.objectRef<Delivery>('ActivityAdded').implement({
  description: 'Something happened with a customer.',
  fields: (t) => ({
    cursor: t.exposeString('cursor', { description: cursor }),
    activity: loaded<Delivery>(
      t,
      'Event',
      { nullable: false, description: 'What happened.' },
      ({ event }) => event.id,
    ),
  }),
});

builder.subscriptionField('activityAdded', (t) =>
  t.field({
    type: ActivityAdded,
    description: 'What happens on the timelines of customers, as it happens.',
    ...guarded('activities.read'),
    args: {
      customerId: t.arg.id({ description: 'Only the timeline of this customer.' }),
      types: t.arg({ type: [ActivityTypeEnum], description: 'Only these types; all when left out.' }),
      after: t.arg.string({ description: after }),
    },
    subscribe: (_root, args, ctx) => {
      const customer = args.customerId && (uuidOf('Customer', args.customerId) ?? 'none');
      const types = args.types && new Set<string>(args.types);
      return follow(
        ctx,
        args.after,
        (event) =>
          event.customerId !== null &&
          (!customer || event.customerId === customer) &&
          (!types || types.has(event.type)),
      );
    },
    resolve: (delivery) => delivery,
  }),
);

const BulkOperationProgress = builder.objectRef<Delivery>('BulkOperationProgress').implement({
  description: 'A bulk operation got on, or ended.',
  fields: (t) => ({
    cursor: t.exposeString('cursor', { description: cursor }),
    bulkOperation: loaded<Delivery>(
      t,
      'BulkOperation',
      { nullable: true, description: 'The operation as it is now.' },
      ({ event }) => event.subjectId,
    ),
  }),
});

builder.subscriptionField('bulkOperationProgress', (t) =>
  t.field({
    type: BulkOperationProgress,
    description: 'How a bulk operation gets on: about once a second, and at its end.',
    ...guarded('imports.read'),
    args: {
      id: t.arg.id({ required: true, description: 'Which operation.' }),
      after: t.arg.string({ description: after }),
    },
    subscribe: (_root, args, ctx) => {
      const id = uuidOf('BulkOperation', args.id);
      return follow(
        ctx,
        args.after,
        (event) => event.type.startsWith('bulk_operation.') && event.subjectId === id,
      );
    },
    resolve: (delivery) => delivery,
  }),
);

const BookingChanged = builder.objectRef<Delivery>('BookingChanged').implement({
  description: 'A booking was made or changed.',
  fields: (t) => ({
    cursor: t.exposeString('cursor', { description: cursor }),
    type: t.field({
      type: ActivityTypeEnum,
      description: 'What happened to it.',
      resolve: ({ event }) => event.type,
    }),
    booking: loaded<Delivery>(
      t,
      'Booking',
      { nullable: true, description: 'The booking as it is now.' },
      ({ event }) => event.subjectId,
    ),
  }),
});

builder.subscriptionField('bookingChanged', (t) =>
  t.field({
    type: BookingChanged,
    description: 'Bookings as they are made and change.',
    ...guarded('bookings.read'),
    args: {
      customerId: t.arg.id({ description: 'Only bookings of this customer.' }),
      staffMemberId: t.arg.id({ description: 'Only bookings with this staff member.' }),
      statuses: t.arg({
        type: [BookingStatusEnum],
        description: 'Only bookings that are now in one of these statuses.',
      }),
      after: t.arg.string({ description: after }),
    },
    subscribe: (_root, args, ctx) => {
      const customer = args.customerId && (uuidOf('Customer', args.customerId) ?? 'none');
      const statuses = args.statuses && new Set<string>(args.statuses);
      return follow(ctx, args.after, (event) => {
        if (!event.type.startsWith('booking.') || (customer && event.customerId !== customer)) return false;
        const { staffMemberId, status } = event.data as { staffMemberId: string | null; status: string };
        return (
          (!args.staffMemberId || staffMemberId === args.staffMemberId) && (!statuses || statuses.has(status))
        );
      });
    },
    resolve: (delivery) => delivery,
  }),
);

interface ScoreChange {
  previousScore: number;
  score: number;
  previousGrade: LeadGrade;
  grade: LeadGrade;
  reason: string;
}
const changeOf = ({ event }: Delivery) => event.data as unknown as ScoreChange;

const LeadScoreChanged = builder.objectRef<Delivery>('LeadScoreChanged').implement({
  description: 'The lead score of a customer changed.',
  fields: (t) => ({
    cursor: t.exposeString('cursor', { description: cursor }),
    customer: loaded<Delivery>(
      t,
      'Customer',
      { nullable: true, description: 'The customer as they are now; null when they were deleted since.' },
      ({ event }) => event.subjectId,
    ),
    previousScore: t.int({
      description: 'The score before.',
      resolve: (delivery) => changeOf(delivery).previousScore,
    }),
    score: t.int({ description: 'The score then.', resolve: (delivery) => changeOf(delivery).score }),
    previousGrade: t.field({
      type: LeadGradeEnum,
      description: 'The grade before.',
      resolve: (delivery) => changeOf(delivery).previousGrade,
    }),
    grade: t.field({
      type: LeadGradeEnum,
      description: 'The grade then.',
      resolve: (delivery) => changeOf(delivery).grade,
    }),
    reason: t.string({
      description: 'Which rules made the difference: "Booking +10, Booked in the last 30 days +10".',
      resolve: (delivery) => changeOf(delivery).reason,
    }),
  }),
});

builder.subscriptionField('leadScoreChanged', (t) =>
  t.field({
    type: LeadScoreChanged,
    description: 'Lead scores as they change, and why.',
    ...guarded('insights.read'),
    args: {
      customerId: t.arg.id({ description: 'Only the score of this customer.' }),
      after: t.arg.string({ description: after }),
    },
    subscribe: (_root, args, ctx) => {
      const customer = args.customerId && (uuidOf('Customer', args.customerId) ?? 'none');
      return follow(
        ctx,
        args.after,
        (event) => event.type === 'lead_score.changed' && (!customer || event.customerId === customer),
      );
    },
    resolve: (delivery) => delivery,
  }),
);

const SegmentChangeEnum = builder.enumType('SegmentChange', {
  description: 'What happened to the membership of a segment.',
  values: {
    JOINED: { value: 'segment.joined', description: 'A customer came in.' },
    LEFT: { value: 'segment.left', description: 'A customer fell out.' },
    CALCULATED: {
      value: 'segment.calculated',
      description: 'All members were worked out from scratch; single customers are not told of.',
    },
  } as const,
});

const SegmentMembershipChanged = builder.objectRef<Delivery>('SegmentMembershipChanged').implement({
  description: 'Somebody came into a segment or fell out, or all of it was worked out from scratch.',
  fields: (t) => ({
    cursor: t.exposeString('cursor', { description: cursor }),
    change: t.field({
      type: SegmentChangeEnum,
      description: 'What happened.',
      resolve: ({ event }) => event.type as 'segment.joined',
    }),
    segment: loaded<Delivery>(
      t,
      'Segment',
      { nullable: true, description: 'The segment as it is now; null when it was deleted since.' },
      ({ event }) => event.subjectId,
    ),
    customer: loaded<Delivery>(
      t,
      'Customer',
      { nullable: true, description: 'Who came in or fell out; null when all was worked out from scratch.' },
      ({ event }) => event.customerId ?? event.subjectId,
    ),
  }),
});

builder.subscriptionField('segmentMembershipChanged', (t) =>
  t.field({
    type: SegmentMembershipChanged,
    description: 'Who comes into segments and falls out of them, within a second of what changes that.',
    ...guarded('segments.read'),
    args: {
      segmentId: t.arg.id({ description: 'Only this segment.' }),
      customerId: t.arg.id({ description: 'Only this customer.' }),
      after: t.arg.string({ description: after }),
    },
    subscribe: (_root, args, ctx) => {
      const segment = args.segmentId && (uuidOf('Segment', args.segmentId) ?? 'none');
      const customer = args.customerId && (uuidOf('Customer', args.customerId) ?? 'none');
      return follow(
        ctx,
        args.after,
        (event) =>
          /^segment\.(joined|left|calculated)$/.test(event.type) &&
          (!segment || event.subjectId === segment) &&
          (!customer || event.customerId === customer),
      );
    },
    resolve: (delivery) => delivery,
  }),
);

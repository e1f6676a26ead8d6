import type { Segment as Row } from '../core/database.ts';
import { AlreadyExists, IdempotencyKeyReused, InvalidState, NotFound } from '../core/errors.ts';
import { encodeId, uuidOf } from '../core/ids.ts';
import { sentencesOf } from '../resolvers/conditions/sentencesOf.ts';
import { addSegmentMembers } from '../resolvers/segments/addSegmentMembers.ts';
import { calculateSegment } from '../resolvers/segments/calculateSegment.ts';
import { createSegment } from '../resolvers/segments/createSegment.ts';
import { deleteSegment } from '../resolvers/segments/deleteSegment.ts';
import { duplicateSegment } from '../resolvers/segments/duplicateSegment.ts';
import { type Explanation, explainSegment } from '../resolvers/segments/explainSegment.ts';
import { type Preview, previewSegment } from '../resolvers/segments/previewSegment.ts';
import { removeSegmentMembers } from '../resolvers/segments/removeSegmentMembers.ts';
import { sizesOf } from '../resolvers/segments/sizesOf.ts';
import { type Suggestion, suggestSegments } from '../resolvers/segments/suggestSegments.ts';
import { updateSegment } from '../resolvers/segments/updateSegment.ts';
import { builder, type GraphQLContext } from './builder.ts';
import { SegmentKindEnum } from './enums.ts';
import { type InputFields, idempotencyKeyField, mutation } from './mutation.ts';
import { guarded, type List, loadedMany, objectOf, one, orderInput, page, relation } from './read.ts';

const SegmentSize = builder.objectRef<{ hour: Date; members: number }>('SegmentSize').implement({
  description: 'How many members a segment had at the end of an hour.',
  fields: (t) => ({
    hourAt: t.field({
      type: 'DateTime',
      description: 'The beginning of the hour.',
      resolve: ({ hour }) => hour,
    }),
    members: t.exposeInt('members', { description: 'Members at its end.' }),
  }),
});

export const Segment = objectOf(
  'Segment',
  'Segment',
  builder.prismaNode('Segment', {
    id: {
      field: 'id',
      description: 'Sorts by the time of creation; the same in GraphQL, REST and webhooks.',
    },
    findUnique: (id, ctx) => ({ id, workspaceId: ctx.workspace.id }),
    nullable: true,
    description:
      'A group of customers. `customers(filter: { segmentId: { eq } })` has those who are in it, `/rest/v1/segments/<id>/members.csv` all of them as a file.',
    select: { id: true },
    fields: (t) => ({
      name: t.exposeString('name', { description: 'Unique in the workspace.' }),
      description: t.exposeString('description', { nullable: true, description: 'What it is for.' }),
      kind: t.expose('kind', { type: SegmentKindEnum, description: 'How its members come about.' }),
      criteria: t.expose('criteria', {
        type: 'JSON',
        nullable: true,
        description: 'Whom it holds, as a condition (docs/conditions.md); null for a STATIC one.',
      }),
      sentence: t.string({
        nullable: true,
        description:
          'The criteria in words: "at least 3 completed bookings in the last 90 days and tagged VIP".',
        ...guarded(undefined, { shape: 'opaque' }),
        select: { criteria: true },
        resolve: ({ criteria }, _args: object, ctx: GraphQLContext) => sentencesOf(ctx, criteria),
      }),
      memberCount: t.exposeInt('memberCount', { description: 'How many are in it now.' }),
      calculatedAt: t.expose('calculatedAt', {
        type: 'DateTime',
        nullable: true,
        description: 'When its members were last worked out from scratch; null before the first time.',
      }),
      calculating: t.exposeBoolean('stale', {
        description: 'Whether its members wait to be worked out from scratch, which takes seconds.',
      }),
      error: t.exposeString('error', {
        nullable: true,
        description: 'Why its members could not be worked out.',
      }),
      sizes: t.field({
        type: [SegmentSize],
        description:
          'How its size went, an entry for each hour in which it changed: the newest 1,000, newest first.',
        ...guarded(undefined, { shape: 'opaque' }),
        complexity: { field: 1, multiplier: 10 },
        select: { id: true },
        resolve: ({ id }, _args: object, ctx: GraphQLContext) => sizesOf(ctx, id),
      }),
      createdBy: relation(t, 'User', 'createdBy', {
        nullable: true,
        description: 'The user who made it; null when a program did.',
      }),
      viewerCanUpdate: t.boolean({
        description: 'Whether you may change it.',
        ...guarded(undefined, { shape: 'computed', columns: ['id'] }),
        select: { id: true },
        resolve: (_row, _args: object, ctx: GraphQLContext) => ctx.viewer.permissions.has('segments.write'),
      }),
      createdAt: t.expose('createdAt', { type: 'DateTime', description: 'When it was made.' }),
      updatedAt: t.expose('updatedAt', { type: 'DateTime', description: 'When its fields last changed.' }),
    }),
  }),
);

export const segmentList: List<'Segment'> = {
  model: 'Segment',
  cursor: 'id',
  order: orderInput(
    'Segment',
    { NAME: { column: 'name', description: 'Their name, by the alphabet.' } },
    { column: 'name', direction: 'asc' },
  ),
};

builder.queryField('segment', (t) =>
  one(t, 'Segment', 'Segment', 'The segment with this id; null when there is none that you can see.'),
);
builder.queryField('segments', (t) => page(t, segmentList, 'Segments, by name; there are 500 at most.'));

const SegmentPreview = builder.objectRef<Preview>('SegmentPreview').implement({
  description: 'Whom criteria would hold, before they are saved.',
  fields: (t) => ({
    count: t.exposeInt('count', { description: 'How many customers meet them, of those whom you may see.' }),
    sentence: t.exposeString('sentence', { description: 'The criteria in words.' }),
    sample: loadedMany<Preview>(
      t,
      'Customer',
      { description: 'Some of them; ten at most.' },
      ({ ids }) => ids,
    ),
  }),
});

builder.queryField('segmentPreview', (t) =>
  t.field({
    type: SegmentPreview,
    nullable: true,
    description:
      'How many customers criteria hold, and some of them. Ends with the code UNAVAILABLE when it takes more than five seconds.',
    ...guarded('segments.write', { shape: 'opaque' }),
    complexity: 50,
    args: {
      criteria: t.arg({ type: 'JSON', required: true, description: 'A condition; see docs/conditions.md.' }),
    },
    resolve: (_root, { criteria }, ctx) => previewSegment(ctx, criteria),
  }),
);

const SegmentExplanationPart = builder
  .objectRef<Explanation['parts'][number]>('SegmentExplanationPart')
  .implement({
    description: 'One part of the criteria, and what it saw.',
    fields: (t) => ({
      path: t.exposeString('path', {
        description: 'Where it stands in the criteria: conditions.1; empty for the whole.',
      }),
      sentence: t.exposeString('sentence', { description: 'The part in words.' }),
      holds: t.exposeBoolean('holds', { description: 'Whether it holds.' }),
      value: t.exposeString('value', {
        nullable: true,
        description: 'The value that it saw; null when there is none.',
      }),
    }),
  });

const SegmentExplanation = builder.objectRef<Explanation>('SegmentExplanation').implement({
  description: 'Why a customer is in a segment, or is not.',
  fields: (t) => ({
    isMember: t.exposeBoolean('isMember', { description: 'Whether the customer is in it now.' }),
    joinedAt: t.field({
      type: 'DateTime',
      nullable: true,
      description: 'Since when.',
      resolve: ({ joinedAt }) => joinedAt,
    }),
    holds: t.exposeBoolean('holds', {
      nullable: true,
      description: 'Whether the criteria hold for the customer now; null for a STATIC segment.',
    }),
    parts: t.field({
      type: [SegmentExplanationPart],
      description: 'Every part of the criteria, in their order.',
      resolve: ({ parts }) => parts,
    }),
  }),
});

builder.queryField('segmentExplanation', (t) =>
  t.field({
    type: SegmentExplanation,
    nullable: true,
    description:
      'Why a customer is in a segment or is not: each part of its criteria with the value that it saw.',
    ...guarded('segments.read', { shape: 'opaque' }),
    complexity: 20,
    args: {
      segmentId: t.arg.id({ required: true, description: 'The segment.' }),
      customerId: t.arg.id({ required: true, description: 'The customer.' }),
    },
    resolve: (_root, { segmentId, customerId }, ctx) =>
      explainSegment(ctx, uuidOf('Segment', segmentId), uuidOf('Customer', customerId)),
  }),
);

const SuggestedSegment = builder.objectRef<Suggestion>('SuggestedSegment').implement({
  description: 'A segment that many businesses want: hand it to createSegment as it is, or changed.',
  fields: (t) => ({
    name: t.exposeString('name', { description: 'What to call it.' }),
    description: t.exposeString('description', { description: 'What it is for.' }),
    criteria: t.field({ type: 'JSON', description: 'Whom it holds.', resolve: ({ criteria }) => criteria }),
    sentence: t.exposeString('sentence', { description: 'The criteria in words.' }),
  }),
});

builder.queryField('suggestedSegments', (t) =>
  t.field({
    type: [SuggestedSegment],
    description:
      'Segments that many businesses want: by frequency, spending and absence, and the RFM groups.',
    ...guarded('segments.read', { shape: 'known' }),
    resolve: (_root, _args, { workspace }) => suggestSegments(workspace.currency),
  }),
);

const inputFields = (t: InputFields, creating: boolean) => ({
  name: t.string({ required: creating, description: 'At most 100 characters; unique in the workspace.' }),
  description: t.string({ description: 'What it is for.' }),
  criteria: t.field({
    type: 'JSON',
    description:
      'Whom it holds, as a condition (docs/conditions.md). None for a STATIC segment. Tags may be named.',
  }),
});
const payload = { field: 'segment', type: Segment, description: 'The segment as it is now.' };
const membersInput = (t: InputFields) => ({
  id: t.id({ required: true, description: 'A STATIC segment.' }),
  customerIds: t.idList({ required: true, description: 'The customers, at most 100.' }),
});

mutation('createSegment', {
  description:
    'Makes a segment. Its members are worked out right after: subscribe to segmentMembershipChanged, or ask until `calculating` is false.',
  input: (t) => ({
    ...inputFields(t, true),
    kind: t.field({ type: SegmentKindEnum, description: 'DYNAMIC unless said otherwise.' }),
    idempotencyKey: idempotencyKeyField(t),
  }),
  payload,
  failures: [NotFound, AlreadyExists, InvalidState, IdempotencyKeyReused],
  run: createSegment,
});

mutation('updateSegment', {
  description:
    'Changes the fields of a segment that are sent. New criteria are worked out from scratch, right after.',
  input: (t) => ({
    id: t.id({ required: true, description: 'The segment to change.' }),
    ...inputFields(t, false),
  }),
  payload,
  failures: [NotFound, AlreadyExists],
  run: updateSegment,
});

mutation('duplicateSegment', {
  description: 'Makes a segment like another one. A STATIC one takes its members along.',
  input: (t) => ({
    id: t.id({ required: true, description: 'The segment to copy.' }),
    name: t.string({ required: true, description: 'What to call the copy.' }),
    idempotencyKey: idempotencyKeyField(t),
  }),
  payload,
  failures: [NotFound, AlreadyExists, InvalidState, IdempotencyKeyReused],
  run: duplicateSegment,
});

mutation('calculateSegment', {
  description:
    'Has the members worked out from scratch, right after. A DYNAMIC segment keeps itself in step without it; a SNAPSHOT changes by nothing else.',
  input: (t) => ({ id: t.id({ required: true, description: 'The segment.' }) }),
  payload,
  failures: [NotFound, InvalidState],
  run: calculateSegment,
});

mutation('addSegmentMembers', {
  description: 'Puts customers into a STATIC segment, all or none of it. One who is in already stays.',
  input: membersInput,
  payload,
  failures: [NotFound, InvalidState],
  run: addSegmentMembers,
});

mutation('removeSegmentMembers', {
  description: 'Takes customers out of a STATIC segment, all or none of it.',
  input: membersInput,
  payload,
  failures: [NotFound, InvalidState],
  run: removeSegmentMembers,
});

mutation('deleteSegment', {
  description: 'Deletes a segment; its customers stay. Refused while other criteria ask for it.',
  input: (t) => ({ id: t.id({ required: true, description: 'The segment to delete.' }) }),
  payload: {
    field: 'deletedSegmentId',
    type: 'ID',
    description: 'The id that it had.',
    of: ({ id }: Row) => encodeId('Segment', id),
  },
  failures: [NotFound, InvalidState],
  run: deleteSegment,
});

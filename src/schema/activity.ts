import type { ActorKind, Event } from '../core/database.ts';
import { encodeId, type IdType, uuidOf } from '../core/ids.ts';
import { titleOf } from '../events/catalogue.ts';
import { builder } from './builder.ts';
import { ActivityTypeEnum, ActorKindEnum, EventOriginEnum } from './enums.ts';
import { computed, guarded, type List, objectOf, one, page, relation } from './read.ts';

const Actor = builder.objectRef<{ kind: ActorKind; id: string | null }>('Actor').implement({
  description: 'Who caused something.',
  fields: (t) => ({
    kind: t.field({
      type: ActorKindEnum,
      description: 'A user, a program, the customer, or Frontdesk itself.',
      resolve: ({ kind }) => kind,
    }),
    id: t.id({
      nullable: true,
      description: 'The id of the user, API key or customer; null for Frontdesk itself.',
      resolve: ({ id }) => id,
    }),
  }),
});

const actorTypes: Record<ActorKind, IdType | null> = {
  USER: 'User',
  API_KEY: 'ApiKey',
  CUSTOMER: 'Customer',
  SYSTEM: null,
};

function actorOf({ actorKind, actorId }: Pick<Event, 'actorKind' | 'actorId'>) {
  const type = actorTypes[actorKind];
  return { kind: actorKind, id: type && actorId && encodeId(type, actorId) };
}

export const Activity = objectOf(
  'Event',
  'Activity',
  builder.prismaNode('Event', {
    name: 'Activity',
    id: {
      resolve: ({ id }: { id: string }) => id,
      description: 'The same in GraphQL, REST and webhooks.',
    } as never,
    findUnique: (id, ctx) => ({ workspaceId_id: { workspaceId: ctx.workspace.id, id } }),
    nullable: true,
    description: 'Something that happened with a customer: one line of their timeline.',
    select: { id: true, workspaceId: true },
    fields: (t) => ({
      type: t.field({
        type: ActivityTypeEnum,
        description: 'What happened.',
        ...guarded(undefined, { shape: 'computed', columns: ['type'] }),
        select: { type: true },
        resolve: ({ type }) => type,
      }),
      title: computed<Pick<Event, 'type' | 'version' | 'data'>>(
        t,
        'String',
        ['type', 'version', 'data'],
        { description: 'One line for people, in English; it holds nothing personal.' },
        titleOf,
      ),
      data: computed<Pick<Event, 'data'>>(
        t,
        'JSON',
        ['data'],
        { description: 'Facts about it, by its type; ids are public ids.' },
        ({ data }) => data,
      ),
      occurredAt: t.expose('occurredAt', { type: 'DateTime', description: 'When it happened.' }),
      recordedAt: t.expose('recordedAt', { type: 'DateTime', description: 'When Frontdesk learnt of it.' }),
      origin: t.expose('origin', {
        type: EventOriginEnum,
        description: 'Whether it was done here, imported or synced.',
      }),
      actor: t.field({
        type: Actor,
        description: 'Who caused it.',
        ...guarded(undefined, { shape: 'computed', columns: ['actorKind', 'actorId'] }),
        select: { actorKind: true, actorId: true },
        resolve: actorOf,
      }),
      subjectId: computed<Pick<Event, 'subjectType' | 'subjectId'>>(
        t,
        'ID',
        ['subjectType', 'subjectId'],
        { description: 'The object that it is about, for `node`.' },
        ({ subjectType, subjectId }) => encodeId(subjectType as IdType, subjectId),
      ),
      customer: relation(t, 'Customer', 'customer', {
        nullable: true,
        description: 'Whose timeline it stands on.',
      }),
    }),
  }),
);

type Args = { types?: string[] | null; customerId?: string | null };

/** A timeline: of one customer on `Customer`, of all of them at the root. */
export const activityList: List<'Event'> = {
  model: 'Event',
  cursor: 'workspaceId_id',
  always: { customerId: { not: null } },
  args: {
    fields: (t) => ({
      types: t.arg({ type: [ActivityTypeEnum], description: 'Only these types; all when left out.' }),
    }),
    where: ({ types }: Args) => (types ? { type: { in: [...new Set(types)] } } : {}),
  },
  served: {
    customerId: { as: 'part', orders: ['occurredAt'], few: true },
    types: { as: 'part', orders: ['occurredAt'] },
  },
  order: { columns: {}, default: { column: 'occurredAt', direction: 'desc' } },
};

const allActivities: List<'Event'> = {
  ...activityList,
  args: {
    fields: (t) => ({
      customerId: t.arg.id({ description: 'Only the timeline of this customer.' }),
      types: t.arg({ type: [ActivityTypeEnum], description: 'Only these types; all when left out.' }),
    }),
    where: ({ customerId, types }: Args) => ({
      ...(customerId && { customerId: { in: [uuidOf('Customer', customerId) ?? []].flat() } }),
      ...(types && { type: { in: [...new Set(types)] } }),
    }),
  },
};

builder.queryField('activity', (t) =>
  one(t, 'Event', 'Activity', 'The activity with this id; null when there is none that you can see.'),
);
builder.queryField('activities', (t) => page(t, allActivities, 'Timelines, newest first.'));

import { AlreadyExists, IdempotencyKeyReused, NotFound } from '../core/errors.ts';
import { createResource } from '../resolvers/resources/createResource.ts';
import { updateResource } from '../resolvers/resources/updateResource.ts';
import { builder } from './builder.ts';
import { ResourceKindEnum } from './enums.ts';
import { BooleanFilter, conditions, StringFilter } from './filters.ts';
import { type InputFields, idempotencyKeyField, mutation } from './mutation.ts';
import { type List, objectOf, one, orderInput, page } from './read.ts';

export const Resource = objectOf(
  'Resource',
  'Resource',
  builder.prismaNode('Resource', {
    id: {
      field: 'id',
      description: 'Sorts by the time of creation; the same in GraphQL, REST and webhooks.',
    },
    findUnique: (id, ctx) => ({ id, workspaceId: ctx.workspace.id }),
    nullable: true,
    description: 'A room, chair or machine that can be booked.',
    select: { id: true },
    fields: (t) => ({
      name: t.exposeString('name', { description: 'Unique in the workspace.' }),
      kind: t.expose('kind', { type: ResourceKindEnum, description: 'What it is.' }),
      active: t.exposeBoolean('active', { description: 'Whether it takes bookings at present.' }),
      createdAt: t.expose('createdAt', { type: 'DateTime', description: 'When it was added.' }),
      updatedAt: t.expose('updatedAt', { type: 'DateTime', description: 'When it last changed.' }),
    }),
  }),
);

const ResourceFilter = builder.inputType('ResourceFilter', {
  description: 'Which resources; every condition given must hold.',
  fields: (t) => ({
    active: t.field({
      type: BooleanFilter,
      description: 'Those that take bookings at present, or those that do not.',
    }),
    name: t.field({ type: StringFilter, description: 'Their name, compared exactly.' }),
  }),
});

export const resourceList: List<'Resource'> = {
  model: 'Resource',
  cursor: 'id',
  filter: {
    type: ResourceFilter as never,
    where: (filter: Record<string, Record<string, unknown> | null | undefined>) => ({
      active: conditions(filter.active),
      name: conditions(filter.name),
    }),
  },
  order: orderInput(
    'Resource',
    { NAME: { column: 'name', description: 'What they are called.' } },
    { column: 'name', direction: 'asc' },
  ),
};

builder.queryField('resource', (t) =>
  one(t, 'Resource', 'Resource', 'The resource with this id; null when there is none that you can see.'),
);
builder.queryField('resources', (t) =>
  page(t, resourceList, 'Rooms, chairs and machines that can be booked, by name.'),
);

const inputFields = (t: InputFields, creating: boolean) => ({
  name: t.string({ required: creating, description: 'Unique in the workspace.' }),
  kind: t.field({ type: ResourceKindEnum, required: creating, description: 'What it is.' }),
});

const payload = { field: 'resource', type: Resource, description: 'The resource as it is now.' };

mutation('createResource', {
  description: 'Adds a room, chair or machine that can be booked.',
  input: (t) => ({ ...inputFields(t, true), idempotencyKey: idempotencyKeyField(t) }),
  payload,
  failures: [AlreadyExists, IdempotencyKeyReused],
  run: createResource,
});

mutation('updateResource', {
  description:
    'Changes the fields of a resource that are sent. An inactive one keeps its bookings and takes no new ones.',
  input: (t) => ({
    id: t.id({ required: true, description: 'The resource to change.' }),
    ...inputFields(t, false),
    active: t.boolean({ description: 'Whether it takes bookings.' }),
  }),
  payload,
  failures: [NotFound, AlreadyExists],
  run: updateResource,
});

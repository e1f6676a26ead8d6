import { AlreadyExists, IdempotencyKeyReused, NotFound } from '../core/errors.ts';
import { createService } from '../resolvers/services/createService.ts';
import { updateService } from '../resolvers/services/updateService.ts';
import { builder } from './builder.ts';
import { BooleanFilter, conditions, StringFilter } from './filters.ts';
import { MoneyInput } from './money.ts';
import { type InputFields, idempotencyKeyField, mutation } from './mutation.ts';
import { type List, money, objectOf, one, orderInput, page } from './read.ts';

export const Service = objectOf(
  'Service',
  'Service',
  builder.prismaNode('Service', {
    id: {
      field: 'id',
      description: 'Sorts by the time of creation; the same in GraphQL, REST and webhooks.',
    },
    findUnique: (id, ctx) => ({ id, workspaceId: ctx.workspace.id }),
    nullable: true,
    description: 'What can be booked.',
    select: { id: true },
    fields: (t) => ({
      name: t.exposeString('name', { description: 'Unique in the workspace.' }),
      description: t.exposeString('description', {
        nullable: true,
        description: 'What customers should know about it.',
      }),
      durationMinutes: t.exposeInt('durationMinutes', {
        description: 'How long it lasts, buffers not included.',
      }),
      bufferBeforeMinutes: t.exposeInt('bufferBeforeMinutes', {
        description: 'Time kept free before each booking, for preparation.',
      }),
      bufferAfterMinutes: t.exposeInt('bufferAfterMinutes', {
        description: 'Time kept free after each booking, for cleaning up.',
      }),
      price: money(
        t,
        { minor: 'priceMinor', currency: 'currency' },
        'What it costs unless agreed otherwise.',
      ),
      capacity: t.exposeInt('capacity', {
        description: 'Places per session; above 1 it is a class, whose bookings share one session.',
      }),
      active: t.exposeBoolean('active', { description: 'Whether it takes bookings at present.' }),
      createdAt: t.expose('createdAt', { type: 'DateTime', description: 'When it was added.' }),
      updatedAt: t.expose('updatedAt', { type: 'DateTime', description: 'When it last changed.' }),
    }),
  }),
);

const ServiceFilter = builder.inputType('ServiceFilter', {
  description: 'Which services; every condition given must hold.',
  fields: (t) => ({
    active: t.field({
      type: BooleanFilter,
      description: 'Those that take bookings at present, or those that do not.',
    }),
    name: t.field({ type: StringFilter, description: 'Their name, compared exactly.' }),
  }),
});

export const serviceList: List<'Service'> = {
  model: 'Service',
  cursor: 'id',
  filter: {
    type: ServiceFilter as never,
    where: (filter: Record<string, Record<string, unknown> | null | undefined>) => ({
      active: conditions(filter.active),
      name: conditions(filter.name),
    }),
  },
  order: orderInput(
    'Service',
    { NAME: { column: 'name', description: 'What they are called.' } },
    { column: 'name', direction: 'asc' },
  ),
};

builder.queryField('service', (t) =>
  one(t, 'Service', 'Service', 'The service with this id; null when there is none that you can see.'),
);
builder.queryField('services', (t) => page(t, serviceList, 'What can be booked, by name.'));

const inputFields = (t: InputFields, creating: boolean) => ({
  name: t.string({ required: creating, description: 'Unique in the workspace.' }),
  description: t.string({ description: 'What customers should know about it.' }),
  durationMinutes: t.int({
    required: creating,
    description: 'How long it lasts, buffers not included; at most a year.',
  }),
  bufferBeforeMinutes: t.int({
    description: creating
      ? 'Time to keep free before each booking; 0 unless said otherwise.'
      : 'Time to keep free before each new booking.',
  }),
  bufferAfterMinutes: t.int({
    description: creating
      ? 'Time to keep free after each booking; 0 unless said otherwise.'
      : 'Time to keep free after each new booking.',
  }),
  price: t.field({
    type: MoneyInput,
    description: creating
      ? "What it costs; nothing, in the workspace's currency, unless said otherwise."
      : 'What new bookings cost.',
  }),
  capacity: t.int({
    description: creating
      ? 'Places per session; 1 unless said otherwise, above 1 it is a class.'
      : 'Places per new session; above 1 it is a class.',
  }),
});

const payload = { field: 'service', type: Service, description: 'The service as it is now.' };

mutation('createService', {
  description: 'Adds a service.',
  input: (t) => ({ ...inputFields(t, true), idempotencyKey: idempotencyKeyField(t) }),
  payload,
  failures: [AlreadyExists, IdempotencyKeyReused],
  run: createService,
});

mutation('updateService', {
  description:
    'Changes the fields of a service that are sent; a null description clears it. Bookings and sessions that exist keep the time, price and places they were made with.',
  input: (t) => ({
    id: t.id({ required: true, description: 'The service to change.' }),
    ...inputFields(t, false),
    active: t.boolean({ description: 'Whether it takes bookings.' }),
  }),
  payload,
  failures: [NotFound, AlreadyExists],
  run: updateService,
});

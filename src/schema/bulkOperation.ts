import type { BulkOperation as Row } from '../core/database.ts';
import { IdempotencyKeyReused, InvalidState, NotFound } from '../core/errors.ts';
import { encodeId } from '../core/ids.ts';
import { cancelBulkOperation } from '../resolvers/bulkOperations/cancelBulkOperation.ts';
import { startImport } from '../resolvers/imports/startImport.ts';
import { builder, type GraphQLContext } from './builder.ts';
import { BulkOperationKindEnum, BulkOperationStatusEnum } from './enums.ts';
import { idempotencyKeyField, mutation } from './mutation.ts';
import { computed, guarded, type List, objectOf, one, orderInput, page } from './read.ts';

export const BulkOperation = objectOf(
  'BulkOperation',
  'BulkOperation',
  builder.prismaNode('BulkOperation', {
    id: {
      field: 'id',
      description: 'Sorts by the time of creation; the same in GraphQL, REST and webhooks.',
    },
    findUnique: (id, ctx) => ({ id, workspaceId: ctx.workspace.id }),
    nullable: true,
    description:
      'Work on more rows than one request can do, such as an import. Workers do it; look here how far they are.',
    select: { id: true },
    fields: (t) => ({
      kind: t.expose('kind', { type: BulkOperationKindEnum, description: 'What it does.' }),
      status: t.expose('status', { type: BulkOperationStatusEnum, description: 'Where it stands.' }),
      name: t.exposeString('name', { description: 'What it works on: the name of the file.' }),
      progressPercent: computed<Pick<Row, 'status' | 'bytesDone' | 'bytesTotal'>>(
        t,
        'Int',
        ['status', 'bytesDone', 'bytesTotal'],
        { description: 'How much of it is behind, from 0 to 100.' },
        ({ status, bytesDone, bytesTotal }) =>
          status === 'COMPLETED'
            ? 100
            : Math.min(99, Math.floor((Number(bytesDone) * 100) / Number(bytesTotal))),
      ),
      rowsDone: t.exposeInt('rowsDone', {
        description: 'Rows of the file that are behind, without the header; customers, of a backfill.',
      }),
      rowsRefused: t.exposeInt('rowsRefused', { description: 'Rows among them that were refused.' }),
      rowsKnown: t.exposeInt('rowsKnown', {
        description:
          'Rows among them that brought nothing new, as when a file is imported again or a customer is there already as here, or may not go there.',
      }),
      rowsSent: t.exposeInt('rowsSent', {
        description:
          'Customers whom a backfill sent to the connected system, or left to deliveries of their own.',
      }),
      customersCreated: t.exposeInt('customersCreated', { description: 'Customers that were added.' }),
      bookingsCreated: t.exposeInt('bookingsCreated', { description: 'Bookings that were added.' }),
      paymentsCreated: t.exposeInt('paymentsCreated', { description: 'Payments that were added.' }),
      error: t.exposeString('error', { nullable: true, description: 'Why it failed.' }),
      errorFilePath: computed<Pick<Row, 'id' | 'rowsRefused'>>(
        t,
        'String',
        ['id', 'rowsRefused'],
        {
          nullable: true,
          description:
            'Where to get a CSV file, with the same credential, that says for each refused row which columns and why; null while no row was refused.',
        },
        ({ id, rowsRefused }) =>
          rowsRefused === 0 ? null : `/rest/v1/bulk-operations/${encodeId('BulkOperation', id)}/errors.csv`,
      ),
      viewerCanCancel: t.boolean({
        description: 'Whether you may call it off, and it has not ended yet.',
        ...guarded(undefined, { shape: 'computed', columns: ['status'] }),
        select: { status: true },
        resolve: ({ status }, _args: object, ctx: GraphQLContext) =>
          ctx.viewer.permissions.has('imports.write') && (status === 'QUEUED' || status === 'RUNNING'),
      }),
      createdAt: t.expose('createdAt', { type: 'DateTime', description: 'When it was asked for.' }),
      startedAt: t.expose('startedAt', {
        type: 'DateTime',
        nullable: true,
        description: 'When a worker began with it.',
      }),
      finishedAt: t.expose('finishedAt', {
        type: 'DateTime',
        nullable: true,
        description: 'When it was done, called off or given up.',
      }),
    }),
  }),
);

export const bulkOperationList: List<'BulkOperation'> = {
  model: 'BulkOperation',
  cursor: 'id',
  order: orderInput(
    'BulkOperation',
    { CREATED_AT: { column: 'createdAt', description: 'When they were asked for.' } },
    { column: 'createdAt', direction: 'desc' },
  ),
};

builder.queryField('bulkOperation', (t) =>
  one(
    t,
    'BulkOperation',
    'BulkOperation',
    'The bulk operation with this id; null when there is none that you can see.',
  ),
);
builder.queryField('bulkOperations', (t) => page(t, bulkOperationList, 'Bulk operations, newest first.'));

mutation('startImport', {
  description:
    'Starts to bring in the customers, bookings and payments of a file that was sent to POST /rest/v1/imports. What is there already is left as it is, so a repeat adds nothing.',
  input: (t) => ({
    uploadId: t.id({ required: true, description: 'The file, by the id that the upload was answered with.' }),
    mapping: t.field({
      type: 'JSON',
      required: true,
      description: 'How its columns become fields; docs/import.md describes the form.',
    }),
    idempotencyKey: idempotencyKeyField(t),
  }),
  payload: { field: 'bulkOperation', type: BulkOperation, description: 'The import, waiting for a worker.' },
  failures: [NotFound, InvalidState, IdempotencyKeyReused],
  run: startImport,
});

mutation('cancelBulkOperation', {
  description: 'Calls a bulk operation off. What was done until then stays.',
  input: (t) => ({ id: t.id({ required: true, description: 'The operation to call off.' }) }),
  payload: { field: 'bulkOperation', type: BulkOperation, description: 'The operation as it is now.' },
  failures: [NotFound, InvalidState],
  run: cancelBulkOperation,
});

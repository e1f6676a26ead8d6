import type { Workspace as Row } from '../core/context.ts';
import { IdempotencyKeyReused } from '../core/errors.ts';
import { encodeId } from '../core/ids.ts';
import { createWorkspace } from '../resolvers/workspaces/createWorkspace.ts';
import { builder } from './builder.ts';
import { idempotencyKeyField, mutation } from './mutation.ts';

export const Workspace = builder.objectRef<Row>('Workspace').implement({
  description: 'The business that all of this belongs to.',
  interfaces: [builder.nodeInterfaceRef()],
  fields: (t) => ({
    id: t.id({
      description: 'Stands in tokens as `frontdesk_workspace`.',
      resolve: ({ id }) => encodeId('Workspace', id),
    }),
    name: t.exposeString('name', { description: 'What the business is called.' }),
    timeZone: t.expose('timeZone', { type: 'TimeZone', description: 'Where its clock hangs.' }),
    currency: t.expose('currency', {
      type: 'CurrencyCode',
      description: 'What its prices are in unless said otherwise.',
    }),
    country: t.exposeString('country', {
      description: 'ISO 3166-1 alpha-2; phone numbers without + are numbers of it.',
    }),
  }),
});

mutation('createWorkspace', {
  description:
    'Founds a further business, which shares nothing with this one. Only for administrators of the first workspace.',
  input: (t) => ({
    name: t.string({ required: true, description: 'What the business is called.' }),
    timeZone: t.field({ type: 'TimeZone', description: 'Where its clock hangs; UTC when left out.' }),
    currency: t.field({ type: 'CurrencyCode', description: 'What its prices are in; EUR when left out.' }),
    country: t.string({ description: 'ISO 3166-1 alpha-2 code; DE when left out.' }),
    idempotencyKey: idempotencyKeyField(t),
  }),
  payload: [
    { field: 'workspace', type: Workspace, description: 'The new business.' },
    {
      field: 'secret',
      type: 'String',
      nullable: true,
      description:
        'Its first administrator key. Shown this once, since only its hash is kept: null when a call is repeated with the same idempotency key.',
      of: ({ secret }) => secret,
    },
  ],
  failures: [IdempotencyKeyReused],
  run: createWorkspace,
});

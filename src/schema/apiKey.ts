import type { ApiKey as Row } from '../core/database.ts';
import { IdempotencyKeyReused, InvalidState, NotFound } from '../core/errors.ts';
import { permissionsOf } from '../core/permissions.ts';
import { createApiKey } from '../resolvers/apiKeys/createApiKey.ts';
import { revokeApiKey } from '../resolvers/apiKeys/revokeApiKey.ts';
import { builder } from './builder.ts';
import { PermissionEnum, RoleEnum } from './enums.ts';
import { idempotencyKeyField, mutation } from './mutation.ts';
import { computed, type List, objectOf, one, orderInput, page, relation } from './read.ts';

export const ApiKey = objectOf(
  'ApiKey',
  'ApiKey',
  builder.prismaNode('ApiKey', {
    id: {
      field: 'id',
      description: 'Sorts by the time of creation; the same in GraphQL, REST and webhooks.',
    },
    findUnique: (id, ctx) => ({ id, workspaceId: ctx.workspace.id }),
    nullable: true,
    description: 'A key for programs. The key itself is shown once, when it is made.',
    select: { id: true },
    fields: (t) => ({
      name: t.exposeString('name', { description: 'What it is for.' }),
      prefix: t.exposeString('prefix', { description: 'Its first characters, to recognise it by.' }),
      role: t.expose('role', { type: RoleEnum, description: 'The most that it may.' }),
      permissions: computed<Pick<Row, 'role' | 'scopes'>>(
        t,
        [PermissionEnum],
        ['role', 'scopes'],
        { description: 'All that it may do: what the role may, less what the key was narrowed by.' },
        ({ role, scopes }) => [...permissionsOf(role, scopes)],
      ),
      expiresAt: t.expose('expiresAt', {
        type: 'DateTime',
        nullable: true,
        description: 'From when on it no longer works; null for never.',
      }),
      revokedAt: t.expose('revokedAt', {
        type: 'DateTime',
        nullable: true,
        description: 'When it was revoked.',
      }),
      lastUsedAt: t.expose('lastUsedAt', {
        type: 'DateTime',
        nullable: true,
        description: 'When it was last used, to the minute.',
      }),
      createdBy: relation(t, 'User', 'createdBy', {
        nullable: true,
        description: 'The user who made it; null when a program did.',
      }),
      createdAt: t.expose('createdAt', { type: 'DateTime', description: 'When it was made.' }),
    }),
  }),
);

export const apiKeyList: List<'ApiKey'> = {
  model: 'ApiKey',
  cursor: 'id',
  order: orderInput(
    'ApiKey',
    { CREATED_AT: { column: 'createdAt', description: 'When they were made.' } },
    { column: 'createdAt', direction: 'desc' },
  ),
};

builder.queryField('apiKey', (t) =>
  one(t, 'ApiKey', 'ApiKey', 'The API key with this id; null when there is none that you can see.'),
);
builder.queryField('apiKeys', (t) => page(t, apiKeyList, 'API keys, revoked ones too, newest first.'));

mutation('createApiKey', {
  description: 'Makes a key for programs. It never may more than you.',
  input: (t) => ({
    name: t.string({ required: true, description: 'What it is for.' }),
    role: t.field({ type: RoleEnum, required: true, description: 'The most that it may.' }),
    permissions: t.field({
      type: [PermissionEnum],
      description:
        'Narrows the role to these, and to seeing what they change; all of the role when left out.',
    }),
    expiresAt: t.field({
      type: 'DateTime',
      description: 'From when on it no longer works; never when left out.',
    }),
    idempotencyKey: idempotencyKeyField(t),
  }),
  payload: [
    { field: 'apiKey', type: ApiKey, description: 'The key as it is listed.' },
    {
      field: 'secret',
      type: 'String',
      nullable: true,
      description:
        'The key itself, to be sent as `Authorization: Bearer`. Shown this once, since only its hash is kept: null when a call is repeated with the same idempotency key.',
      of: ({ secret }) => secret,
    },
  ],
  failures: [IdempotencyKeyReused],
  run: createApiKey,
});

mutation('revokeApiKey', {
  description:
    'Ends a key for good, within seconds also where it is in use. Refused when nobody could administer the workspace any more.',
  input: (t) => ({ id: t.id({ required: true, description: 'The key to revoke.' }) }),
  payload: { field: 'apiKey', type: ApiKey, description: 'The key as it is now.' },
  failures: [NotFound, InvalidState],
  run: revokeApiKey,
});

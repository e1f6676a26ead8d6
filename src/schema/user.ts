import { AlreadyExists, IdempotencyKeyReused, InvalidState, NotFound } from '../core/errors.ts';
import { createUser } from '../resolvers/users/createUser.ts';
import { updateUser } from '../resolvers/users/updateUser.ts';
import { builder } from './builder.ts';
import { RoleEnum, RowScopeEnum } from './enums.ts';
import { conditions, StringFilter } from './filters.ts';
import { type InputFields, idempotencyKeyField, mutation } from './mutation.ts';
import { type List, objectOf, one, orderInput, page, relation, through } from './read.ts';

export const User = objectOf(
  'User',
  'User',
  builder.prismaNode('User', {
    id: {
      field: 'id',
      description: 'Sorts by the time of creation; the same in GraphQL, REST and webhooks.',
    },
    findUnique: (id, ctx) => ({ id, workspaceId: ctx.workspace.id }),
    nullable: true,
    description: 'A person who signs in. May also be a staff member, who can be booked.',
    select: { id: true },
    fields: (t) => ({
      email: t.exposeString('email', { description: 'Unique in the workspace.' }),
      displayName: t.exposeString('displayName', { description: 'What colleagues know them by.' }),
      externalId: t.exposeString('externalId', {
        nullable: true,
        description: 'The `sub` of their tokens; null for those who cannot sign in yet.',
      }),
      role: t.expose('role', { type: RoleEnum, description: 'What they may do.' }),
      rowScope: t.expose('rowScope', {
        type: RowScopeEnum,
        nullable: true,
        description: "Which customers they reach; null for the role's own scope.",
      }),
      disabledAt: t.expose('disabledAt', {
        type: 'DateTime',
        nullable: true,
        description: 'Since when they may no longer sign in.',
      }),
      staffMember: relation(t, 'StaffMember', 'staffMember', {
        nullable: true,
        description: 'The staff member they are; null for those who cannot be booked.',
      }),
      teams: through(t, 'Team', {
        relation: 'teams',
        to: 'team',
        orderBy: [{ team: { name: 'asc' } }],
        description: 'Their teams, by name; at most 100.',
      }),
      createdAt: t.expose('createdAt', { type: 'DateTime', description: 'When they were added.' }),
      updatedAt: t.expose('updatedAt', {
        type: 'DateTime',
        description: 'When their own fields last changed.',
      }),
    }),
  }),
);

const UserFilter = builder.inputType('UserFilter', {
  description: 'Which users; every condition given must hold.',
  fields: (t) => ({
    email: t.field({ type: StringFilter, description: 'Their e-mail address, in lower case.' }),
    externalId: t.field({ type: StringFilter, description: 'The `sub` of their tokens.' }),
  }),
});

type Given = Record<string, unknown> | null | undefined;

export const userList: List<'User'> = {
  model: 'User',
  cursor: 'id',
  filter: {
    type: UserFilter as never,
    where: (filter: Record<string, Given>) => ({
      email: conditions(filter.email),
      externalId: conditions(filter.externalId),
    }),
  },
  order: orderInput(
    'User',
    { EMAIL: { column: 'email', description: 'Their e-mail address.' } },
    { column: 'email', direction: 'asc' },
  ),
};

builder.queryField('user', (t) =>
  one(t, 'User', 'User', 'The user with this id; null when there is none that you can see.'),
);
builder.queryField('users', (t) => page(t, userList, 'Who signs in, disabled users too, by e-mail address.'));

const inputFields = (t: InputFields, creating: boolean) => ({
  displayName: t.string({ required: creating, description: 'What colleagues know them by.' }),
  role: t.field({
    type: RoleEnum,
    required: creating,
    description: 'What they may do; nothing that you may not do yourself.',
  }),
  rowScope: t.field({
    type: RowScopeEnum,
    description: "Which customers they reach, OWN excepted; the role's own scope when null.",
  }),
  externalId: t.string({
    description: 'The `sub` of their tokens, without which they cannot sign in; unique in the workspace.',
  }),
});

const payload = { field: 'user', type: User, description: 'The user as they are now.' };

mutation('createUser', {
  description: 'Adds a person who signs in.',
  input: (t) => ({
    email: t.string({ required: true, description: 'Unique in the workspace; kept in lower case.' }),
    ...inputFields(t, true),
    idempotencyKey: idempotencyKeyField(t),
  }),
  payload,
  failures: [AlreadyExists, IdempotencyKeyReused],
  run: createUser,
});

mutation('updateUser', {
  description:
    'Changes the fields of a user that are sent; an explicit null clears. You must hold all the rights that they have before and after. Refused when nobody could administer the workspace any more.',
  input: (t) => ({
    id: t.id({ required: true, description: 'The user to change.' }),
    ...inputFields(t, false),
    disabled: t.boolean({
      description: 'Whether they are kept from signing in; what they did and own stays.',
    }),
  }),
  payload,
  failures: [NotFound, AlreadyExists, InvalidState],
  run: updateUser,
});

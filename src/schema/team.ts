import { AlreadyExists, IdempotencyKeyReused, NotFound } from '../core/errors.ts';
import { createTeam } from '../resolvers/teams/createTeam.ts';
import { updateTeam } from '../resolvers/teams/updateTeam.ts';
import { builder } from './builder.ts';
import { conditions, StringFilter } from './filters.ts';
import { idempotencyKeyField, mutation } from './mutation.ts';
import { type List, objectOf, one, orderInput, page, through } from './read.ts';

export const Team = objectOf(
  'Team',
  'Team',
  builder.prismaNode('Team', {
    id: {
      field: 'id',
      description: 'Sorts by the time of creation; the same in GraphQL, REST and webhooks.',
    },
    findUnique: (id, ctx) => ({ id, workspaceId: ctx.workspace.id }),
    nullable: true,
    description: 'A group of users who share customers.',
    select: { id: true },
    fields: (t) => ({
      name: t.exposeString('name', { description: 'Unique in the workspace.' }),
      members: through(t, 'User', {
        relation: 'members',
        to: 'user',
        orderBy: [{ user: { email: 'asc' } }],
        description: 'Its users, by e-mail address; at most 100.',
      }),
      createdAt: t.expose('createdAt', { type: 'DateTime', description: 'When it was made.' }),
    }),
  }),
);

const TeamFilter = builder.inputType('TeamFilter', {
  description: 'Which teams; every condition given must hold.',
  fields: (t) => ({ name: t.field({ type: StringFilter, description: 'Their name, compared exactly.' }) }),
});

export const teamList: List<'Team'> = {
  model: 'Team',
  cursor: 'id',
  filter: {
    type: TeamFilter as never,
    where: ({ name }: { name?: Record<string, unknown> | null }) => ({ name: conditions(name) }),
  },
  order: orderInput(
    'Team',
    { NAME: { column: 'name', description: 'What they are called.' } },
    { column: 'name', direction: 'asc' },
  ),
};

builder.queryField('team', (t) =>
  one(t, 'Team', 'Team', 'The team with this id; null when there is none that you can see.'),
);
builder.queryField('teams', (t) => page(t, teamList, 'Teams, by name.'));

const payload = { field: 'team', type: Team, description: 'The team as it is now.' };

mutation('createTeam', {
  description: 'Makes a group of users who share customers.',
  input: (t) => ({
    name: t.string({ required: true, description: 'Unique in the workspace.' }),
    memberIds: t.idList({ description: 'Its users, at most 100.' }),
    idempotencyKey: idempotencyKeyField(t),
  }),
  payload,
  failures: [NotFound, AlreadyExists, IdempotencyKeyReused],
  run: createTeam,
});

mutation('updateTeam', {
  description:
    "Renames a team, adds and removes members. Members reach the team's customers, so you can add some only if you do too.",
  input: (t) => ({
    id: t.id({ required: true, description: 'The team to change.' }),
    name: t.string({ description: 'Unique in the workspace.' }),
    addMemberIds: t.idList({ description: 'Users to add, at most 100; who is a member already stays one.' }),
    removeMemberIds: t.idList({ description: 'Users to remove, at most 100; who is none is passed over.' }),
  }),
  payload,
  failures: [NotFound, AlreadyExists],
  run: updateTeam,
});

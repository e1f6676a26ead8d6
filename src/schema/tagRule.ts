import type { TagRule as Row } from '../core/database.ts';
import { AlreadyExists, IdempotencyKeyReused, InvalidState, NotFound } from '../core/errors.ts';
import { encodeId } from '../core/ids.ts';
import { sentencesOf } from '../resolvers/conditions/sentencesOf.ts';
import { createTagRule } from '../resolvers/tagRules/createTagRule.ts';
import { deleteTagRule } from '../resolvers/tagRules/deleteTagRule.ts';
import { updateTagRule } from '../resolvers/tagRules/updateTagRule.ts';
import { builder, type GraphQLContext } from './builder.ts';
import { type InputFields, idempotencyKeyField, mutation } from './mutation.ts';
import { guarded, type List, objectOf, one, orderInput, page, relation } from './read.ts';

export const TagRule = objectOf(
  'TagRule',
  'TagRule',
  builder.prismaNode('TagRule', {
    id: {
      field: 'id',
      description: 'Sorts by the time of creation; the same in GraphQL, REST and webhooks.',
    },
    findUnique: (id, ctx) => ({ id, workspaceId: ctx.workspace.id }),
    nullable: true,
    description: 'Puts a tag on whoever meets its criteria, within a second of what changes that.',
    select: { id: true },
    fields: (t) => ({
      name: t.exposeString('name', { description: 'Unique in the workspace.' }),
      tag: relation(t, 'Tag', 'tag', { nullable: false, description: 'The tag that it puts on.' }),
      criteria: t.expose('criteria', {
        type: 'JSON',
        description: 'Who gets the tag, as a condition (docs/conditions.md).',
      }),
      sentence: t.string({
        description: 'The criteria in words.',
        ...guarded(undefined, { shape: 'opaque' }),
        select: { criteria: true },
        resolve: async ({ criteria }, _args: object, ctx: GraphQLContext) =>
          (await sentencesOf(ctx, criteria)) ?? '',
      }),
      removes: t.exposeBoolean('removes', {
        description: 'Whether the tag comes off when the criteria no longer hold, whoever put it on.',
      }),
      priority: t.exposeInt('priority', {
        description: 'Among rules for tags of one exclusive group, the lowest that holds wins.',
      }),
      active: t.exposeBoolean('active', { description: 'Whether it is applied.' }),
      applying: t.exposeBoolean('stale', {
        description: 'Whether it waits to be applied to everybody, as after a change.',
      }),
      createdAt: t.expose('createdAt', { type: 'DateTime', description: 'When it was made.' }),
      updatedAt: t.expose('updatedAt', { type: 'DateTime', description: 'When it last changed.' }),
    }),
  }),
);

export const tagRuleList: List<'TagRule'> = {
  model: 'TagRule',
  cursor: 'id',
  order: orderInput(
    'TagRule',
    { NAME: { column: 'name', description: 'Their name, by the alphabet.' } },
    { column: 'name', direction: 'asc' },
  ),
};

builder.queryField('tagRule', (t) =>
  one(t, 'TagRule', 'TagRule', 'The tag rule with this id; null when there is none that you can see.'),
);
builder.queryField('tagRules', (t) => page(t, tagRuleList, 'Tag rules, by name; there are 200 at most.'));

const inputFields = (t: InputFields, creating: boolean) => ({
  name: t.string({ required: creating, description: 'At most 100 characters; unique in the workspace.' }),
  tagId: t.id({ required: creating, description: 'The tag that it puts on.' }),
  criteria: t.field({
    type: 'JSON',
    required: creating,
    description: 'Who gets the tag, as a condition (docs/conditions.md).',
  }),
  removes: t.boolean({
    description: 'Whether the tag comes off when they no longer hold; true when left out.',
  }),
  priority: t.int({
    description: 'Among rules for one exclusive group, the lowest that holds wins; 100 when left out.',
  }),
  active: t.boolean({ description: 'Whether it is applied; true when left out.' }),
});
const payload = { field: 'tagRule', type: TagRule, description: 'The rule as it is now.' };

mutation('createTagRule', {
  description: 'Makes a tag rule. A worker applies it to everybody right after.',
  input: (t) => ({ ...inputFields(t, true), idempotencyKey: idempotencyKeyField(t) }),
  payload,
  failures: [NotFound, AlreadyExists, InvalidState, IdempotencyKeyReused],
  run: createTagRule,
});

mutation('updateTagRule', {
  description:
    'Changes the fields of a tag rule that are sent. A worker applies it to everybody right after.',
  input: (t) => ({
    id: t.id({ required: true, description: 'The rule to change.' }),
    ...inputFields(t, false),
  }),
  payload,
  failures: [NotFound, AlreadyExists],
  run: updateTagRule,
});

mutation('deleteTagRule', {
  description: 'Deletes a tag rule. Customers keep the tags that it put on.',
  input: (t) => ({ id: t.id({ required: true, description: 'The rule to delete.' }) }),
  payload: {
    field: 'deletedTagRuleId',
    type: 'ID',
    description: 'The id that it had.',
    of: ({ id }: Row) => encodeId('TagRule', id),
  },
  failures: [NotFound],
  run: deleteTagRule,
});

import { AlreadyExists, IdempotencyKeyReused, InvalidState, NotFound } from '../core/errors.ts';
import { encodeId } from '../core/ids.ts';
import { addTags } from '../resolvers/tags/addTags.ts';
import { createTag } from '../resolvers/tags/createTag.ts';
import { deleteTag } from '../resolvers/tags/deleteTag.ts';
import { removeTags } from '../resolvers/tags/removeTags.ts';
import { slugOf } from '../resolvers/tags/tagFields.ts';
import { updateTag } from '../resolvers/tags/updateTag.ts';
import { builder } from './builder.ts';
import { Customer } from './customer.ts';
import { conditions, StringFilter } from './filters.ts';
import { type InputFields, idempotencyKeyField, mutation } from './mutation.ts';
import { type List, objectOf, one, orderInput, page, relation } from './read.ts';

export const Tag = objectOf(
  'Tag',
  'Tag',
  builder.prismaNode('Tag', {
    id: {
      field: 'id',
      description: 'Sorts by the time of creation; the same in GraphQL, REST and webhooks.',
    },
    findUnique: (id, ctx) => ({ id, workspaceId: ctx.workspace.id }),
    nullable: true,
    description: 'A label on customers. `customers(filter: { tagId: { eq } })` has those who wear it.',
    select: { id: true },
    fields: (t) => ({
      name: t.exposeString('name', { description: 'Two tags never differ by case or accents alone.' }),
      color: t.exposeString('color', { nullable: true, description: 'To show it in: #1e90ff.' }),
      description: t.exposeString('description', { nullable: true, description: 'What it means.' }),
      exclusiveGroup: t.exposeString('exclusiveGroup', {
        nullable: true,
        description:
          'Of the tags of one group a customer wears one at most: putting one on takes the others off.',
      }),
      createdBy: relation(t, 'User', 'createdBy', {
        nullable: true,
        description: 'The user who made it; null when a program did.',
      }),
      createdAt: t.expose('createdAt', { type: 'DateTime', description: 'When it was made.' }),
      updatedAt: t.expose('updatedAt', { type: 'DateTime', description: 'When it last changed.' }),
    }),
  }),
);

const TagFilter = builder.inputType('TagFilter', {
  description: 'Which tags; every condition given must hold.',
  fields: (t) => ({
    name: t.field({ type: StringFilter, description: 'Their name; case and accents do not matter.' }),
  }),
});

const folded = (value: unknown): unknown =>
  Array.isArray(value) ? value.map(folded) : typeof value === 'string' ? slugOf(value) : value;

export const tagList: List<'Tag'> = {
  model: 'Tag',
  cursor: 'id',
  filter: {
    type: TagFilter as never,
    where: ({ name }: { name?: Record<string, unknown> | null }) => ({
      slug: conditions(
        name &&
          Object.fromEntries(Object.entries(name).map(([operator, value]) => [operator, folded(value)])),
      ),
    }),
  },
  order: orderInput(
    'Tag',
    { NAME: { column: 'slug', description: 'Their name; case and accents do not matter.' } },
    { column: 'slug', direction: 'asc' },
  ),
};

builder.queryField('tag', (t) =>
  one(t, 'Tag', 'Tag', 'The tag with this id; null when there is none that you can see.'),
);
builder.queryField('tags', (t) => page(t, tagList, 'Tags, by name.'));

const inputFields = (t: InputFields, creating: boolean) => ({
  name: t.string({
    required: creating,
    description: 'At most 100 characters; two tags never differ by case or accents alone.',
  }),
  color: t.string({ description: 'To show it in: #1e90ff.' }),
  description: t.string({ description: 'What it means.' }),
  exclusiveGroup: t.string({
    description: 'Any name; of the tags that share it, a customer wears one at most.',
  }),
});

const payload = { field: 'tag', type: Tag, description: 'The tag as it is now.' };

mutation('createTag', {
  description: 'Makes a tag.',
  input: (t) => ({ ...inputFields(t, true), idempotencyKey: idempotencyKeyField(t) }),
  payload,
  failures: [AlreadyExists, NotFound, IdempotencyKeyReused],
  run: createTag,
});

mutation('updateTag', {
  description: 'Changes the fields of a tag that are sent; an explicit null clears.',
  input: (t) => ({
    id: t.id({ required: true, description: 'The tag to change.' }),
    ...inputFields(t, false),
  }),
  payload,
  failures: [NotFound, AlreadyExists, InvalidState],
  run: updateTag,
});

mutation('deleteTag', {
  description:
    'Deletes a tag and takes it off every customer, for good. What timelines say of it stays. Refused while a tag rule puts it on.',
  input: (t) => ({ id: t.id({ required: true, description: 'The tag to delete.' }) }),
  payload: {
    field: 'deletedTagId',
    type: 'ID',
    description: 'The id that it had.',
    of: ({ id }) => encodeId('Tag', id),
  },
  failures: [NotFound, InvalidState],
  run: deleteTag,
});

const taggingFields = (t: InputFields, which: string) => ({
  customerIds: t.idList({ required: true, description: 'The customers, at most 100.' }),
  tags: t.stringList({ required: true, description: which }),
});

const taggedCustomers = {
  field: 'customers',
  type: [Customer],
  description: 'The customers, in the order of the input.',
};

mutation('addTags', {
  description: 'Puts tags on customers, all or none of it. A tag that is there already stays.',
  input: (t) =>
    taggingFields(
      t,
      'Tags by name or id, at most 20. A name that no tag has becomes a tag, if you may make tags.',
    ),
  payload: taggedCustomers,
  failures: [NotFound],
  run: addTags,
});

mutation('removeTags', {
  description: 'Takes tags off customers, all or none of it. Where a tag is not, nothing is to be done.',
  input: (t) => taggingFields(t, 'Tags by name or id, at most 20. A name that no tag has is passed over.'),
  payload: taggedCustomers,
  failures: [NotFound],
  run: removeTags,
});
